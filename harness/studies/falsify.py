"""Search a task's options for the point at which a model breaks most, then prove it on fresh groups.

The search is no evidence: the worst of many points looks worse than it is. So its winner is frozen (freeze.json, with a
hash, before anything more is asked) and measured on groups of which nothing was asked before. All is in one directory:
study.json, freeze.json, a run for each part of each round (search-1-1 ...) and one for the confirmation. What is asked
follows from the order and from the answers so far, so a study that was cut off goes on from its runs.
"""

from __future__ import annotations

import contextlib
import math
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import display, launch, plugins
from harness.errors import DataError, HarnessError, ModelError, UsageError, cause
from harness.files import no_links, read_json
from harness.models import registry
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.pipeline.questions import sampling_of
from harness.pipeline.store import STUDY
from harness.results.counts import Contrasts
from harness.results.records import open_run
from harness.seeds import derive
from harness.studies import halving, points
from harness.studies.found import Found, Order, Plan, as_json, lines
from harness.studies.freezing import digest, freeze, write_json
from harness.studies.halving import SHARE, Seen
from harness.studies.points import Asked, Point, Taken
from harness.types import Checked, ModelOptions

FREEZE = "freeze.json"
CONFIRMATION = "confirmation"

DECIDED = ("limit", "sample_id", "epochs", "budget_tokens", "name")
"""Options of a run that a study decides itself."""
LEAST_PAIRS = 4
"""Pairs a point that the first round must have room for."""


class UnfinishedError(HarnessError):
    """A study that was cut off: --resume goes on with it."""

    exit_code = 3


def plan(order: Order) -> Plan:
    """What a study would do; asks nothing. UsageError if there is nothing to search, or if the budget is too small."""
    with _opened(Path(), order, "none") as study:
        return study.plan()


def start(order: Order, out: Path, show: display.Display = "none") -> tuple[Path, Found]:
    """A new study in a new directory under `out`. UnfinishedError if it was cut off, with the command that goes on."""
    directory = out / store.new_run_id(f"falsify-{order.config.task}", order.config.model)
    with _opened(directory, order, show) as study:
        study.plan()
        model = registry.open_model(order.config.model, order.config.model_options)
        if isinstance(model, Checked):
            model.check()
        try:
            directory.mkdir(parents=True)
        except OSError as error:
            raise HarnessError(f"{directory} can't be made: {cause(error)}", "choose another --out") from None
        try:
            return directory, study.run()
        except HarnessError:
            if not store.runs_of_study(directory):  # nothing was asked
                shutil.rmtree(directory, ignore_errors=True)
            raise


def resume(directory: Path, show: display.Display = "none", repeated: ModelOptions | None = None) -> tuple[Path, Found]:
    """Go on with a study, or read one that is complete, which asks nothing. `repeated` is as in launch.resume.
    DataError if its files were changed."""
    about = read_study(directory)
    try:
        config = RunConfig.from_json(about["config"])
        order = Order(config, int(about["budget_calls"]), str(about["factor"]))
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{directory / STUDY}: is not what harness falsify writes: {error!r}") from None
    with _opened(directory, order, show, repeated or ModelOptions()) as study:
        study.plan()
        if about.get("points") != [study.space.name(p) for p in study.space.points]:
            raise DataError(f"{directory}: the task has other points now", "it was another version: start a new study")
        return directory, study.run(again=about.get("status") == "complete")


def read_study(directory: Path) -> dict[str, Any]:
    """study.json of a study. UsageError if there is none, DataError if it is none of ours."""
    if not (directory / STUDY).is_file():
        raise UsageError(f"{directory} is not a study (it has no {STUDY})", "give the path that was printed")
    no_links(directory)
    about = read_json(directory / STUDY)
    if not isinstance(about, dict) or about.get("study") != "falsify":
        raise DataError(f"{directory / STUDY}: is no study of harness falsify")
    return about


@contextlib.contextmanager
def _opened(
    directory: Path, order: Order, show: display.Display, repeated: ModelOptions | None = None
) -> Iterator[_Study]:
    """`repeated` is not None if the order comes from a file."""
    study = _Study(directory, order, show, repeated)
    try:
        with registry.shared([order.config.model]):
            yield study
    finally:
        for task in study.tasks:
            task.close()


class _Study:
    """One study in one directory, from its points to its verdict."""

    def __init__(self, directory: Path, order: Order, show: display.Display, repeated: ModelOptions | None) -> None:
        self.directory, self.order, self.config = directory, order, order.config
        self._show, self._repeated = show, repeated
        calls = plugins.strategy(self.config.strategy, self.config.strategy_options).max_calls
        if calls is None:
            raise UsageError(
                f"strategy {self.config.strategy} makes any number of calls: --budget-calls can't be kept with it"
            )
        self.calls_each = calls
        self.space, self.tasks, drawn = points.space(
            self.config.task, self.config.task_options, order.factor, self._seed("search", 0)
        )
        self._groups = {(i, self._seed("search", 0)): groups for i, groups in enumerate(drawn)}
        """By setting and seed, of the round that is planned."""
        # Without randomness a repeat says what is known already.
        self.repeats = sampling_of(self.tasks[0], self.config).temperature != 0
        self.search_calls = int(order.budget_calls * SHARE)
        self.calls = 0
        self._planned: dict[tuple[int, tuple[int, ...]], tuple[int, list[Asked]]] = {}
        self.asked: set[str] = set()
        """Hashes of what was asked."""
        self.notes: list[str] = []
        """What a reader of the last run should know."""

    def _seed(self, *part: object) -> int:
        return derive("falsify", self.config.task, self.config.seed, *part) % 2**31

    # Search -----------------------------------------------------------------------------------------------------------

    def plan(self) -> Plan:
        """What will be done. UsageError if there is nothing to search, or if the budget is too small."""
        space = self.space
        if len(space.points) < 2:
            named = "".join(f" ({space.name(p)})" for p in space.points)
            raise UsageError(
                f"task {space.task} has {len(space.points)} points to search by {space.factor or 'no factor'}{named}",
                "harness run asks a single one; -T takes several values, --factor names another factor",
            )
        rounds = halving.rounds_of(len(space.points))
        first = sum(run.answers for run in points.plan(self._draw(0, space.points, LEAST_PAIRS), LEAST_PAIRS, False))
        least = math.ceil(first * self.calls_each * rounds / SHARE)
        if self.order.budget_calls < least:
            raise UsageError(
                f"--budget-calls {self.order.budget_calls} is too few for {len(space.points)} points: the least is "
                f"{least}",
                "-T with fewer values leaves fewer points (--dry-run lists them)",
            )
        pairs, _ = self._plan_round(0, range(len(space.points)))
        return Plan(space, self.search_calls, self.order.budget_calls - self.search_calls, rounds, pairs)

    def _draw(self, number: int, chosen: Sequence[Point], pairs: int) -> dict[Point, list[Taken]]:
        """Groups of the search half for a round (from 0)."""
        drawn: dict[Point, list[Taken]] = {}
        for i in range(len(self.tasks)):
            if own := [p for p in chosen if p.setting == i]:
                groups = self._groups_of(i, self._seed("search", number))
                drawn |= points.draw(groups, self.space.factor, own, pairs, self._searchable)
        return drawn

    def _searchable(self, place: int, taken: Taken) -> bool:
        """Of the search half; and if repeats say nothing, not what an earlier round has asked already."""
        known = not self.repeats and self.asked.issuperset(taken.asked.values())
        return points.every_second(place, taken) and not known

    def _groups_of(self, setting: int, seed: int) -> points.Groups:
        if (setting, seed) not in self._groups:
            self._groups = {key: groups for key, groups in self._groups.items() if key[1] == seed}
            self._groups[setting, seed] = points.Groups(self.tasks[setting], seed)
        return self._groups[setting, seed]

    def _plan_round(self, number: int, left: Sequence[int]) -> tuple[int, list[Asked]]:
        """(pairs a point, runs) of a round: the rest of the search's calls, shared by the rounds that are left."""
        if (number, tuple(left)) in self._planned:
            return self._planned[number, tuple(left)]
        chosen = [self.space.points[i] for i in left]
        rounds = halving.rounds_of(len(self.space.points))
        answers = (self.search_calls - self.calls) // (rounds - number) // self.calls_each
        most = answers // (len(chosen) + len({(p.setting, p.reference) for p in chosen}))
        planned = points.fitting(self._draw(number, chosen, most), answers, most, self.repeats)
        self._planned[number, tuple(left)] = planned
        return planned

    def _round(self, number: int, left: Sequence[int]) -> dict[int, Seen]:
        """One round: each point that is left against its reference."""
        seen: dict[int, Seen] = {}
        seed, (_, runs) = self._seed("search", number), self._plan_round(number, left)
        for k, run in enumerate(runs, 1):
            contrasts = self._ask(f"search-{number + 1}-{k}", run, seed, f"search {number + 1}")
            for point in run.points:
                pairing = contrasts.between(point.condition, point.reference)
                seen[self.space.points.index(point)] = halving.see(pairing)
        return {i: seen.get(i, Seen(None, 0)) for i in left}

    # Confirmation -----------------------------------------------------------------------------------------------------

    def run(self, again: bool = False) -> Found:
        """All of it: what is done is read, what is missing is asked. `again`: it came to its end before."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.directory / "lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            raise HarnessError(f"{self.directory} is in use by another process", "wait for it") from None
        try:
            if not again:
                self._write("running", {})
            return self._run()
        finally:
            lock.release()

    def _run(self) -> Found:
        searched = halving.search(len(self.space.points), self._round)
        search_calls, version = self.calls, self.tasks[0].version
        best, seen = self.space.points[searched.best], searched.pooled(searched.best)
        if seen.gap is None or seen.gap >= 0:
            found = Found(self.order, version, self.space, searched, None, None, (search_calls, 0))
        else:
            seed = self._seed(CONFIRMATION)
            answers = (self.order.budget_calls - self.calls) // self.calls_each

            def unasked(_: int, taken: Taken) -> bool:
                return self.asked.isdisjoint(taken.asked.values())

            groups = self._groups_of(best.setting, seed)
            drawn = points.draw(groups, self.space.factor, [best], answers // 2, unasked)
            _, runs = points.fitting(drawn, answers, answers // 2, self.repeats)
            frozen = self._freeze(best, seen, seed, runs)
            fresh = None
            if runs:
                contrasts = self._ask(CONFIRMATION, runs[0], seed, f"{CONFIRMATION} {frozen['sha256'][:12]}")
                pairing = contrasts.between(best.condition, best.reference)
                fresh = halving.measure(pairing) if pairing else None
            calls = (search_calls, self.calls - search_calls)
            found = Found(self.order, version, self.space, searched, frozen, fresh, calls, tuple(self.notes))
        self._write("complete", {"result": as_json(found), "lines": lines(found)})
        return found

    def _freeze(self, best: Point, seen: Seen, seed: int, runs: Sequence[Asked]) -> Mapping[str, Any]:
        """The winner as freeze.json has it, which is written and on disk before anything more is asked. DataError if
        there is one that says anything else."""
        path = self.directory / FREEZE
        ours = {
            "task": self.space.task,
            "version": self.tasks[0].version,
            "model": self.config.model,
            "options": dict(self.space.settings[best.setting]),
            "condition": best.condition,
            "reference": best.reference,
            "seed": seed,
            "samples": store.identity([list(run.samples) for run in runs]),
            "epochs": max((run.epochs for run in runs), default=0),
            "answers": sum(run.answers for run in runs),
            "points_tried": len(self.space.points),
            "searched": {"gap": seen.gap, "pairs": seen.pairs, "calls": self.calls},
        }
        if not path.exists():
            if (self.directory / CONFIRMATION).exists():
                raise DataError(f"{path} is gone, and the confirmation was begun", "start a new study")
            freeze(path, ours)
        there = read_json(path)
        if not isinstance(there, dict):
            raise DataError(f"{path} was changed: it is no object", "start a new study")
        content = {key: value for key, value in there.items() if key != "sha256"}
        if there.get("sha256") != digest(content):
            raise DataError(f"{path} was changed: its hash is another one", "start a new study")
        if {key: value for key, value in content.items() if key != "time"} != ours:
            raise DataError(f"{path} was changed: the search has found something else", "start a new study")
        return there

    def _ask(self, name: str, asked: Asked, seed: int, label: str) -> Contrasts:
        """The counts of one run of the study: read if it is complete, else made or finished."""
        config = replace(
            self.config,
            task_options=dict(self.space.settings[asked.setting]),
            seed=seed,
            limit=asked.limit,
            sample_id=tuple(asked.samples),
            epochs=asked.epochs,
            name=label,
        )
        self.calls += asked.answers * self.calls_each
        self.asked |= set(asked.samples.values())
        directory = self.directory / name
        if (directory / "run.json").is_file():
            run = open_run(directory)
            if RunConfig.from_json(run.about["config"]) != config or run.version != self.tasks[0].version:
                raise DataError(f"{directory}: is not the run that the study makes", "start a new study")
            if run.status == "complete":
                return run.read()
            finished = self._finished(lambda: launch.resume(directory, self._show, self._repeated))
        else:
            if self._repeated is not None:
                launch.confirm(self.config, self.directory, self._repeated, "falsify")
            finished = self._finished(lambda: launch.start(config, self.directory, self._show, called=name))
        self.notes = finished.notes
        return finished.tally.contrasts

    def _finished(self, make: Callable[[], launch.Finished]) -> launch.Finished:
        """The run that `make` makes. UnfinishedError if it is cut off."""
        again = f"finish it with: {launch.resume_command(self.directory, self.config, 'falsify')}"
        try:
            finished = make()
        except ModelError as error:
            if not store.runs_of_study(self.directory):
                raise
            raise UnfinishedError(error.message, again) from None
        if finished.result.status != "complete":
            self._write("incomplete", {"reason": finished.result.reason})
            raise UnfinishedError(f"not complete: {finished.result.reason}", again)
        return finished

    def _write(self, status: str, more: Mapping[str, Any]) -> None:
        about = {
            "study": "falsify",
            "status": status,
            "written": datetime.now(UTC).isoformat(timespec="seconds"),
            "config": asdict(self.config),
            "factor": self.order.factor,
            "budget_calls": self.order.budget_calls,
            "points": [self.space.name(point) for point in self.space.points],
        }
        write_json(self.directory / STUDY, {**about, **more})
