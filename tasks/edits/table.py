"""The table of a run: what an edit reaches, what it leaves alone, and what follows from it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.statistics.intervals import Clusters, Estimate, linearised, mean_interval
from harness.text import Extra, estimate
from harness.types import Outcome

METRICS = ("reliability", "generality", "locality", "portability")
SUMMED = METRICS[:3]
"""What the score S is the harmonic mean of (Meng et al. 2022, section 3.3)."""


class Metrics:
    """The task's collector (Task.collector): a row for each metric, with the shares of answers that are right before
    and after the edit, and after it still the old one."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], Clusters] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Takes in a record that has a verdict."""
        if not Outcome(record["outcome"]).has_verdict:
            return
        params = record["params"]
        metric, state = str(params["metric"]), str(params["state"])
        self._count(metric, state, record["group"], record["value"])
        if state == "after" and params["before"] != params["after"]:
            self._count(metric, "old", record["group"], float(record["detail"].get("gives") == "old"))

    def _count(self, metric: str, what: str, group: str, value: float) -> None:
        self._cells.setdefault((metric, what), Clusters()).add(group, value)

    def tables(self) -> list[Extra]:
        """One table; none without a record."""
        found = {key: share for key, cells in self._cells.items() if (share := cells.accuracy()) is not None}
        rows = tuple(
            (metric, *(estimate(found[metric, what]) if (metric, what) in found else "-" for what in _COLUMNS))
            for metric in METRICS
            if any((metric, what) in found for what in _COLUMNS)
        )
        header = ("metric", "right by the facts before", "right by the facts after", "after: still the old answer")
        note = ""
        if all((metric, "after") in found for metric in SUMMED):
            score = harmonic_mean([self._cells[metric, "after"] for metric in SUMMED])
            note = f"S, the harmonic mean of {', '.join(SUMMED)} after: {estimate(score)}" if score else ""
        return [Extra("the edit", header, rows, note=note)] if rows else []


def harmonic_mean(shares: Sequence[Clusters]) -> Estimate | None:
    """The harmonic mean of shares of the same groups, with its delta-method interval over these; n is their number.
    None if a share is 0: then it is 0, and nothing is known of how far from it."""
    groups = [group for group in shares[0] if all(group in clusters for clusters in shares)]
    columns = [linearised([clusters[group] for group in groups]) for clusters in shares]
    means = [math.fsum(column) / len(groups) for column in columns] if groups else [0.0]
    if min(means) <= 0:
        return None
    mean = len(means) / math.fsum(1 / m for m in means)
    slopes = [mean**2 / m**2 / len(means) for m in means]
    moved = (
        mean + math.fsum(s * (v - m) for s, v, m in zip(slopes, values, means, strict=True))
        for values in zip(*columns, strict=True)
    )
    low, high = mean_interval(list(moved))
    return Estimate(mean, max(0.0, low), min(1.0, high), len(groups))


_COLUMNS = ("before", "after", "old")
