"""What planning runs show beside accuracy: how far plans get, how long they are, and at what length they fail. Made
from records in one pass; every share has its interval and n."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from harness.statistics import intervals
from harness.statistics.curve import Point, half_point
from harness.statistics.intervals import Clusters
from harness.tasks.planning.atomic import NOT_PLANS
from harness.tasks.planning.cases import ABILITIES
from harness.text import Extra, interval, number
from harness.types import Outcome

STAGES = ("answered", "parsed", "executable", "goal", "optimal")


@dataclass
class _Cell:
    """Counts of one condition."""

    stages: dict[str, Clusters] = field(default_factory=lambda: {stage: Clusters() for stage in STAGES})
    shortest: Clusters = field(default_factory=Clusters)
    unknown: bool = False
    """Whether the length of a shortest plan is not known of some problems: then `optimal` is no stage of all answers,
    and `shortest` counts it over the others."""
    prefix: list[float] = field(default_factory=list)
    gaps: Clusters = field(default_factory=Clusters)
    lengths: dict[int, Clusters] = field(default_factory=dict)
    levels: dict[str, dict[str, Clusters]] = field(default_factory=dict)


class Measures:
    """The collector of the planning tasks (Task.collector)."""

    def __init__(self) -> None:
        self._cells: dict[str, _Cell] = {}
        self._abilities: dict[str, str] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a record; one without a verdict is ignored."""
        if Outcome(record["outcome"]).has_verdict:
            condition = record["condition"]
            self._abilities[condition] = record["params"].get("ability") or next(iter(ABILITIES))
            _count(self._cells.setdefault(condition, _Cell()), record, self._abilities[condition])

    def tables(self) -> list[Extra]:
        """The tables that have rows for these records."""
        plans = {c: cell for c, cell in self._cells.items() if self._abilities[c] not in NOT_PLANS}
        verdicts = {c: cell for c, cell in self._cells.items() if self._abilities[c] == "plan_verification"}
        found = [_funnel(plans), _optimality(plans), _by_length(plans), _half_points(plans), _verdicts(verdicts)]
        return [extra for extra in found if extra.rows]


def _count(cell: _Cell, record: Mapping[str, Any], ability: str) -> None:
    group, detail, params = record["group"], record["detail"] or {}, record["params"]
    if ability == "plan_verification":
        for level in ("binary", "type", "explanation"):
            kinds = cell.levels.setdefault(level, {})
            # The kind is the truth in params, so that an answer that can't be read is wrong at every level.
            kinds.setdefault(str(params.get("plan_kind")), Clusters()).add(group, float(bool(detail.get(level))))
        return
    if ability in NOT_PLANS or params.get("solvable") == "no":
        return
    steps = detail.get("steps")
    executable = detail.get("executable")
    reached = {
        "answered": bool(record["response"].strip()),
        "parsed": steps is not None,
        "executable": steps is not None and executable == steps,
        "goal": bool(detail.get("goal")),
        "optimal": bool(detail.get("optimal")),
    }
    for stage, true in reached.items():
        cell.stages[stage].add(group, float(true))
    if params.get("optimal_cost") is None:
        cell.unknown = True
    else:
        cell.shortest.add(group, float(reached["optimal"]))
    if steps:
        cell.prefix.append(executable / steps)
    best = params.get("optimal_cost")
    if best:
        if detail.get("gap") is not None:
            cell.gaps.add(group, detail["gap"] / best)
        cell.lengths.setdefault(best, Clusters()).add(group, float(record["value"] or 0.0))


def _share(clusters: Clusters) -> str:
    estimate = clusters.accuracy()
    return f"{number(estimate.value)} {interval(estimate.low, estimate.high)}" if estimate else "-"


def _funnel(cells: Mapping[str, _Cell]) -> Extra:
    """The share of answers that reach each stage, out of all answers with a verdict."""
    rows = [
        (condition, str(cell.stages["answered"].answers), *map(_share, _reached(cell).values()))
        for condition, cell in cells.items()
        if cell.stages["answered"]
    ]
    pictures = []
    for condition, cell in cells.items():
        found = [(stage, clusters.accuracy()) for stage, clusters in _reached(cell).items()]
        pictures.append((condition, tuple((stage, e) for stage, e in found if e)))
    return Extra("how far plans get", ("condition", "n", *STAGES), tuple(rows), tuple(pictures))


def _reached(cell: _Cell) -> dict[str, Clusters]:
    return {stage: Clusters() if stage == "optimal" and cell.unknown else cell.stages[stage] for stage in STAGES}


def _optimality(cells: Mapping[str, _Cell]) -> Extra:
    """For plans that reach the goal, the steps too many as a share of a shortest plan; for all plans that were read,
    the share of their steps that can be executed; the share of answers that are a shortest plan, if it is not a stage
    of how far plans get because the length of a shortest plan is not known of all problems."""
    rows = []
    known = any(cell.unknown and cell.shortest for cell in cells.values())
    for condition, cell in cells.items():
        values = [total / n for total, n in cell.gaps.values()]
        prefix = "-"
        if cell.prefix:
            low, high = intervals.skewed_mean_interval(cell.prefix)
            prefix = f"{sum(cell.prefix) / len(cell.prefix):.3f} {interval(max(0.0, low), min(1.0, high))}"
        gap = "-"
        if len(values) > 1:
            low, high = intervals.skewed_mean_interval(values)
            gap = f"{sum(values) / len(values):+.3f} [{max(0.0, low):+.3f}, {high:+.3f}]"
        optimal = (_share(cell.shortest), str(cell.shortest.answers)) if known else ()
        rows.append((condition, str(len(values)), gap, prefix, str(len(cell.prefix)), *optimal))
    header: tuple[str, ...] = ("condition", "valid plans", "steps too many (share)", "executable part", "of plans read")
    header += ("shortest plan", "of answers") if known else ()
    return Extra("length of plans", header, tuple(rows))


def _by_length(cells: Mapping[str, _Cell]) -> Extra:
    """Accuracy at each length of a shortest plan."""
    rows = [
        (condition, str(length), str(clusters.answers), _share(clusters))
        for condition, cell in cells.items()
        if len(cell.lengths) > 1
        for length, clusters in sorted(cell.lengths.items())
    ]
    return Extra("accuracy by length of a shortest plan", ("condition", "steps", "n", "accuracy"), tuple(rows))


def _half_points(cells: Mapping[str, _Cell]) -> Extra:
    """The length at which a logistic curve, fitted to all answers of a condition, passes 50%."""
    rows = []
    for condition, cell in cells.items():
        points = [Point(length, *cluster) for length, clusters in cell.lengths.items() for cluster in clusters.values()]
        if len(cell.lengths) > 1:
            rows.append((condition, str(sum(point.answers for point in points)), half_point(points)))
    return Extra("length at which half of the answers are right", ("condition", "n", "steps"), tuple(rows))


def _verdicts(cells: Mapping[str, _Cell]) -> Extra:
    """Verification: accuracy at the three levels for each kind of plan, and balanced accuracy. The latter is the mean
    over the kinds (at the binary level over valid and flawed plans), so that no answer is right by being frequent."""
    rows = []
    for condition, cell in cells.items():
        for level, kinds in cell.levels.items():
            classes = dict(kinds)
            if level == "binary":
                flawed = [classes.pop(k) for k in ("precondition", "goal") if k in classes]
                if flawed:
                    every = {f"{i}/{g}": c for i, part in enumerate(flawed) for g, c in part.items()}
                    classes["flawed"] = Clusters(every)
            shares = [e for c in classes.values() if (e := c.accuracy())]
            balanced = intervals.mean_of(shares)
            shown = f"{number(balanced.value)} {interval(balanced.low, balanced.high)}"
            by_kind = [f"{_share(kinds[k])} n={kinds[k].answers}" if k in kinds else "-" for k in KINDS]
            rows.append((condition, level, str(balanced.n), shown, *by_kind))
    header = ("condition", "level", "n", "balanced accuracy", *(f"plan: {k}" for k in KINDS))
    return Extra("verification of plans", header, tuple(rows))


KINDS = ("valid", "precondition", "goal")
