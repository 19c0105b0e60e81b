"""The tables of a run: accuracy by length and depth, the effective length, and the middle against both ends."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from harness.statistics.intervals import Cluster, Clusters, Estimate, MatchedDifference, Stratum
from harness.text import Extra, estimate
from harness.types import Outcome

ENOUGH = 0.9
"""A length is effective if the lower 95% limit of accuracy is above it, as it is at all shorter lengths."""
FEWEST = 35
"""Keys that are needed for a lower limit above ENOUGH if every answer is right (Wilson: n / (n + 1.96^2))."""


class ByLength:
    """The task's collector (Task.collector). An answer that was cut off counts as not right: a prompt that a model has
    no room for is one that it can't answer."""

    def __init__(self) -> None:
        self._cells: dict[tuple[int, float], Clusters] = defaultdict(Clusters)
        self._cut: dict[int, int] = defaultdict(int)

    def add(self, record: Mapping[str, Any]) -> None:
        """Takes in a record that has a verdict or was cut off."""
        outcome = Outcome(record["outcome"])
        if outcome.is_infrastructure:
            return
        length, depth = int(record["params"]["length"]), float(record["params"]["depth"])
        self._cut[length] += outcome is Outcome.TRUNCATED
        self._cells[length, depth].add(record["group"], float(record["value"] or 0))

    def tables(self) -> list[Extra]:
        """Accuracy by length and depth; the middle against the ends for three depths or more. None without records."""
        lengths = sorted({length for length, _ in self._cells})
        depths = sorted({depth for _, depth in self._cells})
        return [*self._by_length(lengths, depths), *self._middle(lengths, depths)] if lengths else []

    def _accuracy(self, length: int, depths: Sequence[float]) -> Estimate | None:
        pooled = Clusters()
        for depth in depths:
            for group, cluster in self._cells.get((length, depth), Clusters()).items():
                pooled.add(group, *cluster)
        return pooled.accuracy()

    def _by_length(self, lengths: Sequence[int], depths: Sequence[float]) -> list[Extra]:
        rows, stages = [], []
        for n in lengths:
            at = [(d, found) for d in depths if (found := self._accuracy(n, [d])) is not None]
            shown = dict(at)
            cells = (estimate(shown.get(d)) for d in depths)
            rows.append((str(n), estimate(self._accuracy(n, depths)), *cells, str(self._cut[n])))
            stages.append((f"{n} tokens", tuple((f"{d:g}", e) for d, e in at)))
        header = ("tokens (about)", "all depths", *(f"depth {d:g}" for d in depths), "cut off")
        return [Extra("by length and depth", header, tuple(rows), tuple(stages), self._effective(lengths, depths))]

    def _effective(self, lengths: Sequence[int], depths: Sequence[float]) -> str:
        """The longest length at which, as at all shorter ones, the lower limit is above ENOUGH, in words."""
        reached = None
        for n in lengths:
            at = self._accuracy(n, depths)
            if at is None or at.low <= ENOUGH:
                break
            reached = n
        keys = max(len(cells) for cells in self._cells.values())
        few = f"; {keys} keys are too few to show one, it takes {FEWEST}" if keys < FEWEST and reached is None else ""
        rule = f"the longest whose lower 95% limit over all depths is above {ENOUGH:g}, as is that of each shorter one"
        return f"effective length ({rule}): {reached or 'none'}{few}. Answers that were cut off count as not right."

    def _middle(self, lengths: Sequence[int], depths: Sequence[float]) -> list[Extra]:
        """First minus middle and last minus middle, of the same keys. Not "U-shaped": either can be 0 by itself."""
        if len(depths) < 3:
            return []
        first, last = depths[0], depths[-1]
        middle = min(depths[1:-1], key=lambda d: abs(d - (first + last) / 2))
        rows = []
        for n in lengths:
            pairs = [self._gap(n, end, middle) for end in (first, last)]
            rows.append((str(n), *map(estimate, pairs)))
        ends = (f"{name} ({depth:g}) - middle ({middle:g})" for name, depth in (("first", first), ("last", last)))
        header = ("tokens (about)", *ends)
        note = "n: keys that were asked at both depths. Above 0 the middle is the worse place."
        return [Extra("the middle against both ends", header, tuple(rows), note=note)]

    def _gap(self, length: int, end: float, middle: float) -> Estimate | None:
        ends, middles = (self._cells.get((length, d), Clusters()) for d in (end, middle))
        shared = sorted(ends.keys() & middles.keys())
        if not shared:
            return None
        gap = MatchedDifference([[_stratum(ends[group], middles[group])] for group in shared])
        return Estimate(gap.value, *gap.interval(), len(shared))


def _stratum(one: Cluster, base: Cluster) -> Stratum:
    return Stratum(one.right, one.answers, base.right, base.answers)
