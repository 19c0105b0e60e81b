"""For programs: `harness.run(...)` does what `harness run` does, and gives the run back instead of printing
it; `harness.load(...)` gives back one that is on disk."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from harness import launch
from harness.errors import UsageError
from harness.pipeline import store
from harness.pipeline.config import RunConfig, as_text, configure
from harness.results import controls as control_tables
from harness.results.counts import Contrasts
from harness.results.gate import ALPHA, MARGIN, Comparison, FailOn, compare
from harness.results.labels import labels
from harness.results.records import RecordedRun, open_run
from harness.results.tables import render_contrasts, tabulate
from harness.studies import falsify as study
from harness.studies.falsify import DECIDED
from harness.studies.found import Found, Order, as_json, lines
from harness.text import printable, printable_lines

if TYPE_CHECKING:
    import pandas as pd

    from harness.results.policy import Gate

T = TypeVar("T")


class Run:
    """A run: `directory` on disk, `status` (complete, incomplete, interrupted), `contrasts` with its counts and gaps,
    `notes` with what the command says under the table. In a notebook, or printed, it shows its tables."""

    def __init__(self, opened: RecordedRun, contrasts: Contrasts, notes: Sequence[str] = ()) -> None:
        self._opened = opened
        self.directory: Path = opened.directory
        self.status: str = opened.status
        self.reason: str = str(opened.about.get("reason") or "")
        self.contrasts: Contrasts = contrasts
        self.notes: list[str] = list(notes)

    def __str__(self) -> str:
        (label,) = labels([self._opened])
        parts = [printable(f"{label}: {self.status}, {self.directory}"), render_contrasts(self.contrasts)]
        parts += [table.render() for table in control_tables.tables(self._controls(), self._opened.controls)]
        return "\n\n".join([*parts, *(f"note: {printable(note)}" for note in self.notes)])

    def __repr__(self) -> str:
        return f"<harness.Run {self.directory}, {self.status}, {self.contrasts.total.samples} answers>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"

    def table(self, by: str = "condition") -> pd.DataFrame:
        """Accuracy with its interval, outcomes and tokens, one row for each combination of the columns `by`
        (comma-separated; params as `params_NAME`). Controls are in it if `control` is one of the columns."""
        import pandas as pd

        columns = [name.strip() for name in by.split(",")]
        return pd.DataFrame(tabulate(self._opened.records(controls="control" in columns), columns))

    def records(self, controls: bool = False) -> pd.DataFrame:
        """One row a sample and epoch; params as columns `params_NAME`. With `controls` also the rows of the questions
        beside the samples (column `control`)."""
        import pandas as pd

        return pd.DataFrame(store.flatten(record) for record in self._opened.records(controls))

    def controls(self) -> pd.DataFrame:
        """What the controls of the run say, a row each (`kind`): what of a gap is beyond a placebo, how a placebo
        differs from its samples, whether answers follow a change. Empty without controls."""
        import pandas as pd

        return pd.json_normalize(control_tables.rows(self._controls()))

    def _controls(self) -> control_tables.Found:
        if not self._opened.controls:
            return control_tables.Found()
        with control_tables.of_run(self._opened) as controls:
            return controls.found(self._opened.read(controls=[controls.add]))

    def gaps(self) -> pd.DataFrame:
        """Each level of each factor against the factor's first level, within groups, with its 95% interval,
        its p-value, and that corrected for the number of gaps (Holm); those that the task exists for come first."""
        import pandas as pd

        columns = ["factor", "level", "reference", "gap", "ci_low", "ci_high", "p", "p_holm", "n", "groups"]
        rows = [
            (g.factor, g.level, g.reference, g.gap.value, g.gap.low, g.gap.high, g.p, g.p_holm, g.gap.n, g.groups)
            for g in self.contrasts.gaps()
        ]
        return pd.DataFrame(rows, columns=columns)

    def report(self, file: str | Path) -> Path:
        """Write the page of `harness report`; its path. OSError if it can't be written."""
        from harness.report import collect, page

        path = Path(file)
        path.write_text(page.build(*collect.collect([self.directory])), encoding="utf-8")
        return path

    def compare(self, base: Run | str | Path, *, margin: float = MARGIN, alpha: float = ALPHA) -> Comparison:
        """This run against another one, a run directory, or a committed baseline (looked for in results/baselines of
        the working directory and its parents up to the repository's root), as `harness compare`."""
        from harness.results.baselines import find

        other = base.directory if isinstance(base, Run) else find(base)
        return compare(other, self.directory, margin=margin, alpha=alpha)

    def gate(
        self, base: Run | str | Path, *, margin: float = MARGIN, alpha: float = ALPHA, fail_on: FailOn = "regression"
    ) -> Comparison:
        """As `compare`; AssertionError with the table if the gate fails."""
        from harness.results import gate_output

        result = self.compare(base, margin=margin, alpha=alpha)
        assert result.exit_code(fail_on) == 0, gate_output.render(result)
        return result


def load(run: str | Path) -> Run:
    """A run on disk: its directory, or its name in results/. UsageError if there is none, DataError if it has no
    records."""
    opened = open_run(store.find_run(run))
    return Run(opened, opened.read())


def run(
    task: str,
    model: str,
    *,
    task_options: Mapping[str, Any] | None = None,
    model_options: Mapping[str, Any] | None = None,
    strategy_options: Mapping[str, Any] | None = None,
    out: str | Path = "results",
    **options: Any,
) -> Run:
    """Run one task on one model. `options` are those of `harness run`, with underscores: limit, seed, epochs, strategy,
    temperature, max_tokens, base_url, num_fewshot ... (harness.pipeline.config.OPTIONS). Works in notebooks too. Raises
    harness.errors.HarnessError for what the command would say and stop."""
    config = _configured("run", task, model, options, task_options, model_options, strategy_options)
    finished = _outside_of_loops(lambda: launch.start(config, Path(out)))
    return Run(open_run(finished.directory), finished.tally.contrasts, finished.notes)


def gate(policy: str | Path, runs: Iterable[Run | str | Path]) -> Gate:
    """What `harness gate POLICY RUN...` says; AssertionError with the table if the gate fails."""
    from harness.results import gate_output
    from harness.results import policy as policies

    read = policies.read(Path(policy))
    opened = [open_run(run.directory if isinstance(run, Run) else store.find_run(run)) for run in runs]
    result = policies.judge(read, policies.match(read, opened)[0])
    assert result.exit_code == 0, gate_output.render_gate(result)
    return result


class Falsified:
    """A study of `harness falsify`: `verdict` (confirmed, not confirmed, nothing found), `directory` on disk, `result`
    as `harness falsify --json`, `notes`. In a notebook, or printed, it shows what the command prints."""

    def __init__(self, directory: Path, found: Found) -> None:
        self.directory, self.verdict, self.notes = directory, found.verdict, list(found.notes)
        self.result: dict[str, Any] = as_json(found)
        self._lines = lines(found)

    def search(self) -> pd.DataFrame:
        """The points that were tried, a row each, the most broken first: no evidence, as the worst of many looks worse
        than it is."""
        import pandas as pd

        points = sorted(self.result["search"]["points"], key=lambda p: (p["gap"] is None, p["gap"]))
        return pd.json_normalize(points)

    def confirmation(self) -> pd.DataFrame:
        """The frozen point on fresh groups, one row: its gap with interval, p, pairs and groups. Empty if nothing was
        left to confirm."""
        import pandas as pd

        confirmed = self.result["confirmation"]
        return pd.json_normalize([confirmed] if confirmed else [])

    def __str__(self) -> str:
        return printable_lines("\n".join([*self._lines, *(f"note: {note}" for note in self.notes)]))

    def __repr__(self) -> str:
        return f"<harness falsify {self.directory}, {self.verdict}>"

    def _repr_html_(self) -> str:
        return f"<pre>{escape(str(self))}</pre>"


def falsify(
    task: str,
    model: str,
    *,
    budget_calls: int = 2000,
    factor: str = "",
    task_options: Mapping[str, Any] | None = None,
    model_options: Mapping[str, Any] | None = None,
    strategy_options: Mapping[str, Any] | None = None,
    out: str | Path = "results",
    **options: Any,
) -> Falsified:
    """What `harness falsify` does; `options` as for `run`, but for those that the study decides (DECIDED). Raises
    harness.errors.HarnessError for what the command would say and stop."""
    if wrong := sorted(set(options) & set(DECIDED)):
        raise UsageError(f"a study decides {', '.join(wrong)} itself", "budget_calls says how much it may ask")
    config = _configured("falsify", task, model, options, task_options, model_options, strategy_options)
    order = Order(config, budget_calls, factor)
    return Falsified(*_outside_of_loops(lambda: study.start(order, Path(out))))


def _configured(
    called: str, task: Any, model: Any, options: Mapping[str, Any], *pairs: Mapping[str, Any] | None
) -> RunConfig:
    """What is asked for; `pairs` are the options of task, model and strategy. UsageError for several of one."""
    for what, name in (("task", task), ("model", model)):
        if not isinstance(name, str):
            hint = f"harness.{called} asks one {what}: call it for each of them"
            raise UsageError(f"{what} {name!r} is not a name", hint)
    return configure(task, model, options, *(as_text(given or {}) for given in pairs))


def _outside_of_loops(make: Callable[[], T]) -> T:
    """A notebook has an event loop running already: then what asks a model gets a thread, and a loop, of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return make()
    result: list[T] = []
    failed: list[BaseException] = []

    def work() -> None:
        try:
            result.append(make())
        except BaseException as error:
            failed.append(error)

    thread = threading.Thread(target=work, name="harness run")
    thread.start()
    thread.join()
    if failed:
        raise failed[0]
    return result[0]
