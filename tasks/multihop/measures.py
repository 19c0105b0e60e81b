"""The compositionality gap: how often the whole question is wrong although each of its hops was answered right.

Press et al. 2022 (arXiv 2210.03350), section 3: of the two-hop questions of which a model answers both hops, asked
alone, it got about two fifths wrong, whatever its size. Needs the contexts `full` and `hops`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.statistics.intervals import Clusters
from harness.text import Extra, estimate
from harness.types import Outcome

Key = tuple[str, int, str]
"""Group, epoch, and the arrangement of the documents."""


class Compositionality:
    """The collector of the task (Task.collector). An answer without a verdict leaves its question out."""

    def __init__(self) -> None:
        self._hops: dict[Key, list[bool | None]] = {}
        self._whole: dict[Key, bool | None] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in a record of a hop or of a whole question of so many hops."""
        context, hops = str(record["params"].get("context")), record["params"].get("hops")
        if not isinstance(hops, int) or (context != "full" and not context.startswith("hop")):
            return
        arrangement = record["condition"].partition("/")[2]
        key = (record["group"], record["epoch"], f"{hops} hops/{arrangement}")
        right = record["value"] == 1 if Outcome(record["outcome"]).has_verdict else None
        if context == "full":
            self._whole[key] = right
        else:
            self._hops.setdefault(key, []).append(right)

    def tables(self) -> list[Extra]:
        """One row for each number of hops, and for all together if there are several. Empty without hops."""
        asked: dict[str, int] = {}
        known: dict[str, Clusters] = {}
        for key, whole in self._whole.items():
            group, _, place = key
            hops, right = place.partition("/")[0], self._hops.get(key, [])
            if whole is None or len(right) != int(hops.partition(" ")[0]) or None in right:
                continue
            for row in (hops, "all"):
                asked[row] = asked.get(row, 0) + 1
                if all(right):
                    known.setdefault(row, Clusters()).add(group, float(not whole))
        rows = []
        for row in sorted(asked, key=lambda name: (name == "all", name)):
            gap = known[row].accuracy() if row in known else None
            rows.append((row, str(asked[row]), str(gap.n if gap else 0), estimate(gap) if gap else "-"))
        header = ("question", "asked with all its hops", "all hops right", "of these the whole is wrong")
        shown = rows if len(rows) != 2 else rows[:1]
        return [Extra("compositionality gap", header, tuple(shown))] if rows else []
