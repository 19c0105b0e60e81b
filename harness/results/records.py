"""The two ways to a run on disk: `open_run` reads one, `close_run` finishes one that was made, scored or imported."""

from __future__ import annotations

import contextlib
import os
import platform
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness import __version__, plugins, trust
from harness.errors import DataError, HarnessError
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.results.counts import Contrasts
from harness.results.parquet import Kinds, write_parquet
from harness.results.tables import with_aid, write_summary
from harness.text import Extra
from harness.twins import OF_TEXTS
from harness.types import Task

if TYPE_CHECKING:
    from harness.results.controls import Controls

MOST_NAMED = 5
"""So many samples of a run are named by their ids if it was asked for these alone."""


@dataclass(frozen=True)
class RecordedRun:
    """A run directory; `about` is its run.json, whose parts have names here and the types that store.read_config has
    checked."""

    directory: Path
    about: Mapping[str, Any]

    @property
    def config(self) -> Mapping[str, Any]:
        """What was asked for, as `asdict` of a RunConfig gives it."""
        found: Mapping[str, Any] = self.about["config"]
        return found

    @property
    def status(self) -> str:
        """complete, incomplete, interrupted or running."""
        return str(self.about.get("status"))

    @property
    def task(self) -> str:
        """The task's name."""
        return str(self.config["task"])

    @property
    def model(self) -> str:
        """The model, as the run was asked for."""
        return str(self.config["model"])

    @property
    def aid(self) -> str:
        """What helped its strategy beside the model: none, reader, verifier or oracle."""
        said = self.about.get("strategy")
        return str(said.get("aid") or "none") if isinstance(said, dict) else "none"

    @property
    def strategy(self) -> str:
        """The strategy's name, with what helped it, see tables.with_aid."""
        return with_aid(str(self.config.get("strategy") or ""), self.aid)

    @property
    def name(self) -> str:
        """The label that its user gave it (`--name`), "" for none; on one line, and not longer than a label is."""
        shown = (c if c.isprintable() else " " for c in str(self.config.get("name") or ""))
        return " ".join("".join(shown).split())[:80]

    @property
    def version(self) -> str | None:
        """The task's version."""
        found: str | None = self._task.get("version")
        return found

    @property
    def factors(self) -> tuple[str, ...]:
        """The params that make up the condition, see Task.factors."""
        return tuple(self._task.get("factors") or ())

    @property
    def measures(self) -> Mapping[str, str]:
        """What can be measured of a sample -> the param that holds it, see Task.measures."""
        return dict(self._task.get("measures") or {})

    @property
    def main(self) -> str:
        """The factor whose contrast is shown first, see Task.main; "" if the run does not say."""
        return str(self._task.get("main") or "")

    @property
    def varies(self) -> str:
        """The param whose values are variations of one problem, see Task.varies; "" for none."""
        return str(self._task.get("varies") or "")

    @property
    def asked(self) -> str:
        """What makes its samples others than those of the task's defaults, in words: task options, seed, limit ...; ""
        for the defaults. Runs of one task and version with the same words were asked the same, however often."""
        given = [(name, value) for name, value in self.asked_by_option.items() if value]
        return ", ".join(value if name == "options" else f"{name} {value}" for name, value in given)

    @property
    def question(self) -> str:
        """Task, version and `asked`: what runs that are set side by side must share. `aiw 4 (limit 3)`."""
        return f"{self.task} {self.version}" + (f" ({self.asked})" if self.asked else "")

    @property
    def asked_by_option(self) -> dict[str, str]:
        """The parts of `asked` by what they are called; "" for a default. The task's options come first."""
        config = self.config
        options = (f"{name}={value}" for name, value in sorted((config.get("task_options") or {}).items()))
        defaults = {f.name: f.default for f in fields(RunConfig)}
        names = ("seed", "limit", "num_fewshot", "system_message", "twins")
        given = {name: config.get(name, defaults[name]) for name in names}
        told = {name: "" if value == defaults[name] else str(value) for name, value in given.items()}
        ids = list(map(str, config.get("sample_id") or ()))
        if len(ids) > MOST_NAMED:  # of a study: hundreds of them
            ids = [*ids[:MOST_NAMED], f"and {len(ids) - MOST_NAMED} more ({store.identity(ids)[:8]})"]
        named = [
            *ids,
            *([str(self.imported["samples"])[:8]] if "samples" in self.imported else []),
        ]
        return {"options": ", ".join(options), **told, "samples": " ".join(map(str, named))}

    @property
    def twins(self) -> str:
        """What it asks of published items and their twins (harness.twins.Kind), "" if it has the task's own samples."""
        return str(self.config.get("twins") or "")

    @property
    def imported(self) -> Mapping[str, Any]:
        """Format, name and hash of the file that it was imported from; empty for a run of ours."""
        return self.part("imported")

    @property
    def scored_by(self) -> str:
        """Whose verdicts it has, in words, if they were taken from a file as they are; "" if they are of an installed
        task."""
        tool, metric = self.imported.get("scored_by"), self.imported.get("metric")
        return f"as scored by {tool} ({metric})" if tool else ""

    @property
    def date(self) -> str:
        """When it was finished, or else begun, in ISO form; "" if that is not known."""
        return str(self.about.get("finished") or self.about.get("created") or "")

    def part(self, name: str) -> Mapping[str, Any]:
        """An object in run.json, such as `sampling`, or `imported` of a run that was imported; {} if it has none."""
        found = self.about.get(name)
        return found if isinstance(found, dict) else {}

    @property
    def _task(self) -> Mapping[str, Any]:
        return self.part("task")

    def records(self, controls: bool = False) -> Iterator[dict[str, Any]]:
        """The records of the task's samples in the order in which they were made; with `controls` also those of the
        questions beside them (Sample.control), which are in no number of the task. DataError for a line that is not a
        record of this run."""
        found = store.read_records(self.directory, self.about)
        return found if controls else (record for record in found if not record["control"])

    def nodes(self) -> Iterator[dict[str, Any]]:
        """What the strategy noted of its calls (Session.note), each with the `id` and `epoch` of its sample. DataError
        for a line that is no node."""
        return store.read_nodes(self.directory)

    @property
    def controls(self) -> Mapping[str, str]:
        """The controls that were asked beside its samples -> what they change, in words; empty for none."""
        return self.part("controls")

    def read(
        self, *others: Callable[[Mapping[str, Any]], object], controls: Sequence[Callable[[Any], object]] = ()
    ) -> Contrasts:
        """The counts of all records, which are read once; `others` are called with each of them that is no control,
        `controls` with each. DataError if there are none."""
        contrasts = Contrasts(self.factors, self.about.get("conditions") or (), self.main)
        with of_task(lambda: f"{self.directory / store.RECORDS}, line {contrasts.records}"):
            for record in self.records(controls=True):
                contrasts.add(record)
                for other in controls if record["control"] else (*controls, *others):
                    other(record)
        if not contrasts.total.samples:
            raise DataError(f"{self.directory} has no records")
        return contrasts

    def installed_task(self) -> type[Task] | None:
        """The class of the run's task; None if it is not installed any more, if another tool's task has its name, or if
        the run asks for the task's texts."""
        if self.scored_by or self.twins in OF_TEXTS or self.task not in plugins.installed("tasks"):
            return None
        found: type[Task] = plugins.load("tasks", self.task)
        return found


@contextlib.contextmanager
def of_task(where: Callable[[], str]) -> Iterator[None]:
    """DataError, which says where, if a task can't make its tables of the params and the detail there: they are its
    own, and only it knows their types."""
    try:
        yield
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise DataError(
            f"{where()}: params or detail are not what the task makes ({type(error).__name__}: {error})",
            "was the file edited, or made by another version of the task?",
        ) from error


def open_run(directory: Path) -> RecordedRun:
    """The run in a directory. UsageError or DataError if it has no run.json that can be read."""
    return RecordedRun(directory, store.read_config(directory))


def complete_runs(directories: Iterable[Path], incomplete: bool = False) -> tuple[list[RecordedRun], list[str]]:
    """(runs, notes about what was left out): complete ones, with `incomplete` all. One rule for every command that
    counts several runs."""
    found, notes = [], []
    for directory in directories:
        run = open_run(directory)
        if run.status == "complete" or incomplete:
            found.append(run)
        else:
            notes.append(f"{directory.name} is left out: {run.status} (--incomplete takes it in)")
    return found, notes


def describe_run(run_id: str, config: RunConfig, task: Task) -> dict[str, Any]:
    """What run.json says of every run, however it is made."""
    return {
        "run_id": run_id,
        "status": "running",
        "created": _now(),
        "config": asdict(config),
        "task": {
            "name": task.name,
            "version": task.version,
            "factors": task.factors,
            "main": task.main or next(iter(task.factors), ""),
            "measures": dict(task.measures),
            "varies": task.varies,
        },
        "versions": _versions(),
        "git_commit": _git_commit(),
    }


class Tables:
    """The tables of a task's own collector, if it has one. DataError if params or detail are not what it makes."""

    def __init__(self, task: Task | type[Task] | None) -> None:
        self._collector = task.collector() if task is not None else None

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in one record."""
        if self._collector is not None:
            with of_task(lambda: f"sample {record['id']}, epoch {record['epoch']}"):
                self._collector.add(record)

    def tables(self) -> Sequence[Extra]:
        """The tables of all records so far."""
        with of_task(lambda: "the records"):
            return self._collector.tables() if self._collector is not None else ()


class Tally:
    """What is counted of a run while its records are made: for the tables shown at once, and for close_run. Controls
    are in no number of the task."""

    def __init__(self, task: Task, order: Iterable[str] = (), controls: Controls | None = None) -> None:
        """`controls` collects what those of the run say, if it has any."""
        self._controls = controls
        self.contrasts = Contrasts(task.factors, order, task.main)
        self.kinds = Kinds()
        self._own = Tables(task)

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record. DataError if the task can't."""
        if not record.get("control"):
            self._own.add(record)
        if self._controls is not None:
            with of_task(lambda: f"sample {record['id']}, epoch {record['epoch']}"):
                self._controls.add(record)
        self.contrasts.add(record)
        self.kinds.add(record)

    def tables(self) -> Sequence[Extra]:
        """Those of the run's controls, and the task's own. DataError if the task can't make them."""
        return [*self.of_controls(), *self._own.tables()]

    def of_controls(self) -> Sequence[Extra]:
        """What the controls say, while the task is open."""
        return self._controls.tables(self.contrasts) if self._controls is not None else ()


def close_run(
    directory: Path,
    about: Mapping[str, Any],
    tally: Tally,
    status: str = "complete",
    reason: str = "",
) -> None:
    """Write what a run has at its end: summary.csv, records.parquet, and then run.json with its status. So a run is
    `complete` only if its files are there; HarnessError, and a run that --resume completes, if one can't be written.

    `about` is run.json as it was begun; `tally` has seen all records.
    """
    told = {"conditions": list(tally.contrasts.conditions), "records": tally.contrasts.records}
    finished = {**about, "status": status, "finished": _now(), "reason": reason, **told}
    try:
        write_summary(directory / "summary.csv", about["config"], tally.contrasts)
        write_parquet(directory, directory / "records.parquet", tally.kinds)
        store.write_config(directory, finished)
    except HarnessError as error:
        with contextlib.suppress(HarnessError):
            store.write_config(directory, {**finished, "status": "incomplete", "reason": error.message})
        hint = f"all answers are kept: make room, then harness run --resume {directory}"
        raise HarnessError(error.message, error.hint or hint) from None


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _versions() -> dict[str, str]:
    found = {"harness": __version__, "python": platform.python_version(), "platform": platform.platform()}
    for package in ("openai", "aiohttp", "ctranslate2", "tokenizers"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _git_commit() -> str | None:
    """The commit of the working directory's repository, with + if files differ from it. The repository's own
    configuration may name programs, which git would start: none is."""
    safe = ["-c", "core.fsmonitor=false", "-c", f"core.hooksPath={os.devnull}"]
    try:
        configured = _git("config", "--list", "--show-scope", "--name-only", "-z").stdout.split("\0")
        own = zip(configured[::2], configured[1::2], strict=False)
        filters = [name for scope, name in own if scope in ("local", "worktree") and name.startswith("filter.")]
        commit = _git("rev-parse", "HEAD").stdout.strip()
        if not re.fullmatch("[0-9a-f]{40,64}", commit) or configured == [""]:
            return None
        if not all(re.fullmatch(r"[\w.-]+", name) for name in filters):
            return f"{commit}+"  # `-c` can't set such a name: we don't look
        for name in filters:
            safe += ["-c", f"{name}={'false' if name.endswith('.required') else ''}"]
        differs = _git(*safe, "diff", "--quiet", "--no-ext-diff", "--no-textconv", "--ignore-submodules=all", "HEAD")
    except (OSError, subprocess.TimeoutExpired):
        return None
    return commit + ("+" if differs.returncode else "")


def _git(*arguments: str) -> subprocess.CompletedProcess[str]:
    # An object that is missing would be fetched, by a program that the repository may name.
    nothing_fetched = {"GIT_ALLOW_PROTOCOL": "none", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0"}
    environment = trust.child_environment(prefixes=("GIT_",)) | nothing_fetched
    return subprocess.run(
        ["git", *arguments], capture_output=True, text=True, errors="replace", timeout=5, check=False, env=environment
    )
