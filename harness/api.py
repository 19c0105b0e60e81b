"""For programs: `harness.run(...)` does what `harness run` does, and gives the run back instead of printing it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import launch, store
from harness.errors import UsageError
from harness.runner import RunConfig
from harness.tables import Contrasts, tabulate
from harness.types import ModelOptions, Sampling

if TYPE_CHECKING:
    import pandas as pd

    from harness.compare import Comparison

SAMPLING = ("temperature", "top_p", "max_tokens", "logprobs", "reasoning_effort")
REACHING = ("base_url", "api_key_env", "max_connections", "max_retries", "timeout")
RUNNING = ("strategy", "seed", "limit", "epochs", "system_message", "num_fewshot", "cache", "budget_tokens")


class Run:
    """A finished run: `directory` on disk, `status` (complete, incomplete, interrupted), `contrasts` with the gaps,
    `notes` with what the command says under the table."""

    def __init__(self, finished: launch.Finished) -> None:
        self.directory: Path = finished.directory
        self.status: str = finished.result.status
        self.reason: str = finished.result.reason
        self.contrasts: Contrasts = finished.result.contrasts
        self.notes: list[str] = finished.notes

    def table(self, by: str = "condition") -> pd.DataFrame:
        """Accuracy with its interval, outcomes and tokens, one row for each combination of the columns `by`
        (comma-separated; params as `params_NAME`)."""
        import pandas as pd

        return pd.DataFrame(tabulate(store.read_records(self.directory), [name.strip() for name in by.split(",")]))

    def records(self) -> pd.DataFrame:
        """One row a sample and epoch; params as columns `params_NAME`."""
        import pandas as pd

        return pd.DataFrame(store.flatten(record) for record in store.read_records(self.directory))

    def gaps(self) -> pd.DataFrame:
        """Each level of each factor against the factor's first level, within groups, with its 95% interval,
        its p-value, and that corrected for the number of gaps (Holm)."""
        import pandas as pd

        columns = ["factor", "level", "reference", "gap", "ci_low", "ci_high", "p", "p_holm", "n", "groups"]
        rows = [
            (g.factor, g.level, g.reference, g.gap.value, g.gap.low, g.gap.high, g.p, g.p_holm, g.gap.n, g.groups)
            for g in self.contrasts.gaps()
        ]
        return pd.DataFrame(rows, columns=columns)

    def gate(
        self, base: str | Path, *, margin: float = 0.02, alpha: float = 0.05, fail_on: str = "regression"
    ) -> Comparison:
        """This run against another, or a committed baseline; AssertionError with the table where the gate fails."""
        from harness import compare

        result = compare.compare(compare.find(base), self.directory, margin=margin, alpha=alpha)
        assert result.exit_code(fail_on) == 0, compare.render(result)
        return result


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
    temperature, max_tokens, base_url, num_fewshot ... Works in notebooks too. Raises harness.errors.HarnessError for
    what the command would say and stop."""
    unknown = set(options) - {*SAMPLING, *REACHING, *RUNNING}
    if unknown:
        known = ", ".join((*RUNNING, *SAMPLING, *REACHING))
        raise UsageError(f"harness.run has no option {', '.join(sorted(unknown))}", f"options: {known}")
    reaching = {name: options[name] for name in REACHING if name in options}
    config = RunConfig(
        task,
        model,
        task_options=_texts(task_options),
        model_options=ModelOptions(**reaching, extra=_texts(model_options)),
        strategy_options=_texts(strategy_options),
        sampling=Sampling(**{name: options[name] for name in SAMPLING if name in options}),
        **{name: options[name] for name in RUNNING if name in options},
    )
    return Run(_outside_of_loops(config, Path(out)))


def _texts(options: Mapping[str, Any] | None) -> dict[str, str]:
    """Options as the command line gives them: lists comma-separated, truth values as words."""
    return {key: _text(value) for key, value in (options or {}).items()}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_text, value)) if isinstance(value, list | tuple) else str(value)


def _outside_of_loops(config: RunConfig, out: Path) -> launch.Finished:
    """A notebook has an event loop running already: then the run gets a thread, and a loop, of its own."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return launch.start(config, out)
    result: list[launch.Finished | BaseException] = []

    def work() -> None:
        try:
            result.append(launch.start(config, out))
        except BaseException as error:
            result.append(error)

    thread = threading.Thread(target=work, name="harness run")
    thread.start()
    thread.join()
    if isinstance(result[0], BaseException):
        raise result[0]
    return result[0]
