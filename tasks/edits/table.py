"""The table of a run: what an edit reaches, what it leaves alone, and what follows from it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping
from typing import Any

from harness.statistics.intervals import Clusters
from harness.text import Extra, estimate, number
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
            values = [found[metric, "after"].value for metric in SUMMED]
            note = f"S, the harmonic mean of {', '.join(SUMMED)} after: {number(statistics.harmonic_mean(values))}"
        return [Extra("the edit", header, rows, note=note)] if rows else []


_COLUMNS = ("before", "after", "old")
