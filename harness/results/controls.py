"""What the controls of a run say (`harness run --placebo`, `--sensitivity`): what of a gap is beyond a rewording that
must not matter, whether answers stay if only words change, and whether they follow if a fact changes.

The placebo arm: a contrast of a task changes more than what it is about, as any change of a text moves some answers
(arXiv 2605.01048: 14% flip under a paraphrase). So a gap is compared with the gap of a rewording of the same samples.
The samples themselves cancel: what is beyond the placebo is the contrast against the rewording, within groups.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from harness import plugins
from harness.errors import UsageError
from harness.pipeline.checks import CHANGE, PLACEBO
from harness.results.counts import LEAST_FLIPPED, Contrasts, Gap, Pairing
from harness.results.records import RecordedRun, of_task
from harness.results.scoring import score_row
from harness.statistics import tests
from harness.statistics.intervals import Clusters, Estimate, Stratum
from harness.text import Extra, interval, number, p_value
from harness.types import Outcome, Task

ALL = "all"
"""Stands in the place of a placebo's name: the mean over the answers to all of them."""


class Difference(NamedTuple):
    """A difference within groups: its interval is that of intervals.MatchedDifference, `p` is by sign flips over groups
    (in fewer than counts.LEAST_FLIPPED by dealing the answers within each group anew, as gaps are tested), and never
    below the level at which that interval leaves 0 out; `p_holm` is corrected (see Beyond and Rewording)."""

    value: Estimate
    p: float
    p_holm: float
    groups: int


@dataclass(frozen=True)
class Beyond:
    """A gap of the main factor beside the gap of a placebo. `placebo_gap` is the rewordings less their own samples,
    `beyond` the level less the rewordings. The p-values of `beyond` are corrected for all gaps; those of single
    placebos, if there are several, for all gaps and placebos."""

    gap: Gap
    placebo: str
    placebo_gap: Difference
    beyond: Difference


@dataclass(frozen=True)
class Rewording:
    """A placebo by itself. `gap` is its accuracy less that of its own samples, corrected for the number of placebos.

    `keeps` is the share of its samples that got the same answer in both wordings: both right, or both with an answer
    of one key (Task.answer_key). If the rewording has another target (names are in the answer), answers can't be
    compared: then both must have an answer, and one verdict. Without an answer there is none to keep."""

    placebo: str
    gap: Difference | None
    keeps: Estimate | None
    groups: int


@dataclass(frozen=True)
class Changed:
    """A change of a fact. `follows` is the share of its answers that are right after the change; `stays` of those that
    would be right without it, as the task scores them by the params of the sample that was changed (None if the task
    is not installed)."""

    change: str
    follows: Estimate | None
    stays: Estimate | None
    groups: int


@dataclass(frozen=True)
class Found:
    """What the controls of a run say; without any, nothing."""

    beyond: tuple[Beyond, ...] = ()
    rewordings: tuple[Rewording, ...] = ()
    changes: tuple[Changed, ...] = ()


class _Answer(NamedTuple):
    """What is kept of an answer with a verdict. `params` and `response` are there if a change is scored by them."""

    condition: str
    group: str
    value: float
    key: str | None
    target: str
    params: Mapping[str, Any] | None
    row: Mapping[str, Any] | None


_Key = tuple[str, int]
_Cells = dict[str, Clusters]
"""The answers of each group, by condition."""


class Controls:
    """Collects of each record, controls too, what their tables need: nothing if no controls were `asked`. `task` is the
    installed one, None if there is none."""

    def __init__(self, asked: Mapping[str, str], task: Task | None) -> None:
        """`asked`: each control (Sample.control) -> what it changes, in words."""
        self._asked, self._task = dict(asked), task
        self._scores = any(control.startswith(CHANGE) for control in asked) and task is not None
        self._samples: dict[_Key, _Answer] = {}
        self._beside: dict[str, dict[_Key, _Answer]] = {control: {} for control in asked}
        """The answers to each control, by the id and epoch of the sample that it stands beside."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Keep what one record adds; nothing without a verdict."""
        if not self._asked or not Outcome(record["outcome"]).has_verdict:
            return
        control, task = str(record.get("control") or ""), self._task or Task()
        answer, target = record.get("answer"), str(record.get("target") or "")
        kept = _Answer(
            record["condition"],
            f"{record['task']}/{record['group']}",  # as counts.Cell has it
            record["value"],
            None if answer is None else task.answer_key(answer),
            target,
            record["params"] if self._scores and not control else None,
            {name: record.get(name) for name in ("response", "stop_reason")} if self._scores and control else None,
        )
        if not control:
            self._samples[record["id"], record["epoch"]] = kept
            return
        end = f"~{control.partition(' ')[2]}"
        if record["id"].endswith(end):
            self._beside.setdefault(control, {})[record["id"].removesuffix(end), record["epoch"]] = kept

    def found(self, contrasts: Contrasts) -> Found:
        """What the records so far say; `contrasts` has counted the same ones."""
        placebos = {name: answers for name, answers in self._of(PLACEBO) if answers}
        return Found(
            tuple(self._beyond(contrasts, placebos)),
            tuple(self._rewordings(placebos)),
            tuple(self._changed(name, answers) for name, answers in self._of(CHANGE) if answers),
        )

    def tables(self, contrasts: Contrasts) -> list[Extra]:
        """The tables that the controls have something to say in."""
        return tables(self.found(contrasts), self._asked)

    def _of(self, kind: str) -> Iterator[tuple[str, dict[_Key, _Answer]]]:
        for control, answers in self._beside.items():
            if control.startswith(f"{kind} "):
                yield control.partition(" ")[2], answers

    # The placebo arm ------------------------------------------------------------------------------------------------

    def _beyond(self, contrasts: Contrasts, placebos: Mapping[str, Mapping[_Key, _Answer]]) -> Iterator[Beyond]:
        arms = {ALL: self._arm(*placebos.values())} if placebos else {}
        arms |= {name: self._arm(answers) for name, answers in placebos.items()} if len(placebos) > 1 else {}
        names = {ALL: next(iter(placebos))} if len(placebos) == 1 else {}
        cells = {condition: cell.clusters for condition, cell in contrasts.conditions.items()}
        rows: list[tuple[Gap, str, Pairing, Pairing]] = []
        for gap in contrasts.main_gaps():
            pairs = contrasts.matched(gap.factor, gap.level, gap.reference)
            for name, (reworded, own) in arms.items():
                placebo = _paired([(reworded.get(c, {}), own.get(c, {})) for _, c in pairs])
                level = _paired([(cells[at], reworded.get(c, {})) for at, c in pairs])
                if placebo and level:
                    rows.append((gap, name, placebo, level))
        # One family of tests for what is beyond the placebos together, one for what is beyond each of them.
        for arm in (True, False):
            family = [row for row in rows if (row[1] == ALL) is arm]
            of_placebos, beyond = _holm([row[2] for row in family]), _holm([row[3] for row in family])
            for (gap, name, *_), of_placebo, more in zip(family, of_placebos, beyond, strict=True):
                yield Beyond(gap, names.get(name, name), of_placebo, more)

    def _arm(self, *placebos: Mapping[_Key, _Answer]) -> tuple[_Cells, _Cells]:
        """The answers to rewordings, and those to their own samples, each counted once."""
        reworded, own = _Cells(), _Cells()
        for key in dict.fromkeys(key for answers in placebos for key in answers):
            if sample := self._samples.get(key):
                own.setdefault(sample.condition, Clusters()).add(sample.group, sample.value)
        for answers in placebos:
            for answer in answers.values():
                reworded.setdefault(answer.condition, Clusters()).add(answer.group, answer.value)
        return reworded, own

    def _rewordings(self, placebos: Mapping[str, Mapping[_Key, _Answer]]) -> Iterator[Rewording]:
        pairings = []
        for answers in placebos.values():
            reworded, own = self._arm(answers)
            pairings.append(_paired([(cells, own.get(condition, {})) for condition, cells in reworded.items()]))
        gaps = iter(_holm([pairing for pairing in pairings if pairing]))
        for (name, answers), pairing in zip(placebos.items(), pairings, strict=True):
            kept = Clusters()
            for key, answer in answers.items():
                if sample := self._samples.get(key):
                    kept.add(answer.group, float(_same(sample, answer)))
            yield Rewording(name, next(gaps) if pairing else None, kept.accuracy(), len(kept))

    # Changes --------------------------------------------------------------------------------------------------------

    def _changed(self, name: str, answers: Mapping[_Key, _Answer]) -> Changed:
        follows, stays = Clusters(), Clusters()
        for (sample_id, epoch), answer in answers.items():
            follows.add(answer.group, float(answer.value == 1))
            sample = self._samples.get((sample_id, epoch))
            if self._task is not None and answer.row is not None and sample is not None:
                score = score_row(self._task, {"params": sample.params, **answer.row}, f"sample {sample_id}~{name}")
                stays.add(answer.group, float(score.value == 1))
        return Changed(name, follows.accuracy(), stays.accuracy(), len(follows))


def _same(sample: _Answer, reworded: _Answer) -> bool:
    """See Rewording.keeps."""
    if sample.key is None or reworded.key is None or (sample.value == 1) != (reworded.value == 1):
        return False
    return sample.value == 1 or sample.target != reworded.target or sample.key == reworded.key


def _paired(sides: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> Pairing | None:
    """The clusters of each first side against those of the second, within the groups that both have."""
    groups: dict[str, list[Stratum]] = {}
    for one, base in sides:
        for group in one:
            if group in base:
                groups.setdefault(group, []).append(Stratum(*one[group], *base[group]))
    return Pairing.of(groups, flips=True)


def _holm(pairings: Sequence[Pairing]) -> list[Difference]:
    corrected = tests.holm([pairing.p for pairing in pairings])
    return [Difference(one.gap, one.p, p, one.groups) for one, p in zip(pairings, corrected, strict=True)]


@contextlib.contextmanager
def of_run(run: RecordedRun) -> Iterator[Controls]:
    """A collector for the records of a run (RecordedRun.read, its `controls`). The task is open as long as this is."""
    task = None
    if run.controls and run.installed_task() is not None:
        with contextlib.suppress(UsageError):  # options of another version of the task
            task = plugins.task(run.task, run.config.get("task_options") or {})
    try:
        with of_task(lambda: str(run.directory)):
            yield Controls(run.controls, task)
    finally:
        if task is not None:
            task.close()


# Showing ------------------------------------------------------------------------------------------------------------


def tables(found: Found, asked: Mapping[str, str]) -> list[Extra]:
    """As tables; `asked` says in words what each control changes."""
    made = [_beyond_table(found.beyond), _rewordings_table(found.rewordings, asked), _changes(found.changes, asked)]
    return [table for table in made if table.rows]


def rows(found: Found) -> list[dict[str, Any]]:
    """As tidy rows, numbers as numbers: for JSON and for programs."""
    made = []
    for kind, members in (("beyond", found.beyond), ("placebo", found.rewordings), ("change", found.changes)):
        for member in members:
            made.append({"kind": kind} | {name: _plain(value) for name, value in vars(member).items()})
    return made


def _plain(value: Any) -> Any:
    if isinstance(value, Gap):
        return asdict(value) | {"gap": value.gap._asdict()}
    if isinstance(value, Difference):
        return value._asdict() | {"value": value.value._asdict()}
    return value._asdict() if isinstance(value, Estimate) else value


def _signed(e: Estimate) -> str:
    return f"{e.value:+.3f} {interval(e.low, e.high)}"


def _share(e: Estimate | None) -> str:
    return "-" if e is None else f"{number(e.value)} {interval(e.low, e.high)}"


def _beyond_table(found: Sequence[Beyond]) -> Extra:
    gaps = list(dict.fromkeys((one.gap.factor, one.gap.level) for one in found))
    body = []
    for one in sorted(found, key=lambda one: gaps.index((one.gap.factor, one.gap.level))):
        gap, beyond = one.gap, one.beyond
        cells = (one.placebo, _signed(gap.gap), _signed(one.placebo_gap.value), _signed(beyond.value))
        told = (p_value(beyond.p), p_value(beyond.p_holm), str(beyond.value.n), str(beyond.groups))
        body.append((f"{gap.factor}: {gap.level} - {gap.reference}", *cells, *told))
    header = ("gap within group", "placebo", "gap, 95% CI", "placebo gap", "beyond placebo")
    note = (
        "beyond placebo: the level against the rewordings of its reference, within groups; p by sign flips over groups "
        f"(fewer than {LEAST_FLIPPED}: as gaps are tested)"
    )
    title = "gaps beside a change that must not matter"
    return Extra(title, (*header, "p", "p (Holm)", "n", "groups"), tuple(body), note=note)


def _rewordings_table(found: Sequence[Rewording], asked: Mapping[str, str]) -> Extra:
    body = []
    for one in found:
        gap = (_signed(one.gap.value), p_value(one.gap.p), p_value(one.gap.p_holm)) if one.gap else ("-",) * 3
        body.append((one.placebo, *gap, _share(one.keeps), str(one.keeps.n if one.keeps else 0), str(one.groups)))
    header = ("placebo", "gap to its samples", "p", "p (Holm)", "keeps the answer", "n", "groups")
    return Extra("rewordings that must not matter", header, tuple(body), note=_words(PLACEBO, asked))


def _changes(found: Sequence[Changed], asked: Mapping[str, str]) -> Extra:
    body = []
    for one in found:
        shown = (_share(one.follows), _share(one.stays))
        body.append((one.change, *shown, str(one.follows.n if one.follows else 0), str(one.groups)))
    header = ("change", "follows the change", "still the old answer", "n", "groups")
    return Extra("changes that must matter", header, tuple(body), note=_words(CHANGE, asked))


def _words(kind: str, asked: Mapping[str, str]) -> str:
    """What each control of a kind changes."""
    told = (control.partition(" ")[::2] + (words,) for control, words in asked.items())
    return "; ".join(f"{name}: {words}" for one, name, words in told if one == kind and words)
