"""Standard benchmarks beside a measure of reasoning: quoted cells with their source, what this tool measured on both
axes, and whether the two put models in the same order.

Quoted cells are never mixed with measured ones: sheets copy from others that were measured otherwise. A cell for which
sources disagree is a conflict, and is shown as one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import DataError, UsageError
from harness.results.records import RecordedRun
from harness.statistics.correlation import FEW, LEAST, agreement
from harness.statistics.intervals import Clusters, Estimate
from harness.text import Extra, interval, number
from harness.types import Outcome

if TYPE_CHECKING:
    from harness.results.reproduce import Part

ONLY = "published"
"""A run that has this condition among others counts with it alone: the others change the benchmark."""


@dataclass(frozen=True)
class Axes:
    """What a recipe quotes and sets against each other: `y` is the label of the part that all others are set against;
    `quoted` has, for a model, the values of each part that a source gives, and `sources` say which ones those are.
    `free` are options in which a run may differ from its part."""

    y: str
    sources: tuple[str, ...]
    quoted: Mapping[str, Mapping[str, tuple[float, ...]]]
    free: tuple[str, ...] = ()

    @classmethod
    def read(cls, table: Mapping[str, Any], labels: Sequence[str]) -> Axes:
        """From a recipe's table `axes`. DataError if it names no part of the recipe, or has a value that is no
        share."""
        quoted = {}
        for row in table.get("quoted", ()):
            cells = {name: tuple(map(float, values)) for name, values in row.items() if name != "model"}
            if not set(cells) <= {*labels} or not all(0 <= v <= 1 for values in cells.values() for v in values):
                raise DataError(f"quoted cells of {row['model']}: not shares of the parts {', '.join(labels)}")
            quoted[str(row["model"])] = cells
        if table["y"] not in labels:
            raise DataError(f"axes: there is no part '{table['y']}'")
        return cls(str(table["y"]), tuple(table["sources"]), quoted, tuple(table.get("free", ())))


def quoted_table(axes: Axes, labels: Sequence[str]) -> Extra:
    """The quoted cells: a value, "conflict: a / b" if sources disagree, or "-" if none is known to be a fact."""
    rows = []
    for model, cells in axes.quoted.items():
        found = [cells.get(label, ()) for label in labels]
        rows.append((model, *(_cell(values) for values in found)))
    note = "quoted, not measured by one tool; a conflict is two sources of one number"
    return Extra("quoted", ("model", *labels), tuple(rows), note=note)


def _cell(values: Sequence[float]) -> str:
    if len(set(values)) > 1:
        return f"conflict: {' / '.join(f'{v:.3f}' for v in values)}"
    return f"{values[0]:.3f}" if values else "-"


def part_of(axes: Axes, parts: Sequence[Part], run: RecordedRun) -> Part:
    """The part that a run is one of: the same task, and the part's options; of those that are free it may have asked
    more beside the part's. UsageError if it is of none."""
    given = dict(run.config.get("task_options") or {})

    def fits(name: str, wanted: str) -> bool:
        if name in axes.free:  # the task's own default has it
            return name not in given or given[name] == "all" or wanted in str(given[name]).split(",")
        return given.get(name) == wanted

    for part in parts:
        if part.task == run.task and all(fits(name, value) for name, value in part.options.items()):
            return part
    raise UsageError(
        f"{run.directory} is a run of {run.question}, of none of the recipe's parts",
        ", ".join(f"{part.label}: {part.task} {dict(part.options)}" for part in parts),
    )


@dataclass(frozen=True)
class Measured:
    """What a run measured: its accuracy, and that of the worst of its groups if these are few (variations)."""

    accuracy: Estimate
    worst: float


def measured(run: RecordedRun) -> Measured:
    """Of the answers with a verdict, of the condition `published` alone if there is one. DataError if there is no
    answer."""
    by_condition: dict[str, Clusters] = {}
    for record in run.records():
        if Outcome(record["outcome"]).has_verdict:
            by_condition.setdefault(record["condition"], Clusters()).add(record["group"], record["value"])
    kept = [by_condition[ONLY]] if ONLY in by_condition else list(by_condition.values())
    together = Clusters()
    for clusters in kept:
        for group, cluster in clusters.items():
            together.add(group, *cluster)
    accuracy = together.accuracy()
    if accuracy is None:
        raise DataError(f"{run.directory} has no answer with a verdict")
    return Measured(accuracy, min(right / answers for right, answers in together.values()))


Cells = Mapping[str, Mapping[str, Measured]]
"""Model -> label of a part -> what was measured."""


def read(axes: Axes, parts: Sequence[Part], runs: Sequence[RecordedRun]) -> Cells:
    """What the runs measured. A model with several runs of a part counts with the last of them."""
    cells: dict[str, dict[str, Measured]] = {}
    for run in runs:
        cells.setdefault(run.model, {})[part_of(axes, parts, run).label] = measured(run)
    return cells


def points(axes: Axes, cells: Cells) -> list[tuple[str, str, Estimate, Estimate]]:
    """(benchmark, model, accuracy there, that of `y`) wherever both were measured."""
    return [
        (label, model, m.accuracy, found[axes.y].accuracy)
        for model, found in cells.items()
        for label, m in found.items()
        if label != axes.y and axes.y in found
    ]


def tables(axes: Axes, labels: Sequence[str], cells: Cells) -> list[Extra]:
    """What was measured, a row a model; and, of three models or more, how each part goes with `y`."""
    rows = []
    for model, found in cells.items():
        shown = [f"{number(m.accuracy.value)} {interval(m.accuracy.low, m.accuracy.high)}" if m else "-"
                 for m in map(found.get, labels)]  # fmt: skip
        y = found.get(axes.y)
        rows.append((model, *shown, number(y.worst) if y else "-"))
    made = [Extra("measured by this tool", ("model", *labels, f"{axes.y}, worst group"), tuple(rows))]
    related = _relations(axes, labels, cells)
    return [*made, related] if related.rows else made


def _relations(axes: Axes, labels: Sequence[str], cells: Cells) -> Extra:
    rows = []
    for label in labels:
        both = [found for found in cells.values() if label in found and axes.y in found]
        points = [(found[label].accuracy.value, found[axes.y].accuracy.value) for found in both]
        if label == axes.y or len(points) < LEAST:
            continue
        x, y = zip(*points, strict=True)
        found = agreement(x, y)
        if found is None:
            rows.append((label, "-", "-", str(len(points)), "-"))
        else:
            flips = f"{found.flips} of {found.pairs}"
            rows.append((label, f"{found.value:+.3f}", interval(found.low, found.high), str(found.n), flips))
    header = ("", f"Spearman with {axes.y}", "95% CI (models)", "models", "pairs in opposite order")
    note = f"bootstrap over models: no interval for fewer than {FEW}; pairs that are equal in a measure are not counted"
    return Extra("do they put models in the same order?", header, tuple(rows), note=note)
