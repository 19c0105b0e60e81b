"""Does a model change its answer when, and only when, what becomes known demands it? For kind `defeasible`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.statistics.intervals import Clusters
from harness.tasks.logic.shares import share
from harness.text import Extra

CHANGES = {"strengthen": False, "weaken": True, "rebut": True, "irrelevant": False}
"""Update -> whether the right answer is another one after it."""
NOTE = (
    "Revised: right before and right after. Unchanged: the same answer before and after, of pairs with two answers. "
    "Where the answer must change, that is stubbornness."
)


class Revision:
    """Joins each answer after an update with the one before it: the same problem, names and epoch."""

    def __init__(self) -> None:
        self._seen: dict[tuple[Any, ...], dict[str, tuple[float, str | None]]] = {}
        self._revised = {update: Clusters() for update in CHANGES}
        self._unchanged = {update: Clusters() for update in CHANGES}

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a pair as soon as both of its answers are there."""
        form, group = str(record["params"].get("form")), record["group"]
        key = (group, record["params"].get("names"), record.get("epoch"))
        seen = self._seen.setdefault(key, {})
        seen[form] = record["value"], record.get("answer")
        before = seen.get("plain")
        if before is None:
            return
        for update in [update for update in seen if update in CHANGES]:
            after = seen.pop(update)
            self._revised[update].add(group, float(before[0] == after[0] == 1))
            if before[1] is not None and after[1] is not None:
                self._unchanged[update].add(group, float(before[1] == after[1]))

    def tables(self) -> list[Extra]:
        """One table: a row an update, and one for all."""
        rows = [
            (update, "yes" if changes else "no", str(revised.answers), share(revised), share(self._unchanged[update]))
            for update, changes in CHANGES.items()
            if (revised := self._revised[update]).answers
        ]
        if len(rows) > 1:
            joined = Clusters()
            for clusters in self._revised.values():
                for group, (right, answers) in clusters.items():
                    joined.add(group, right, answers)
            rows.append(("all", "half" if len(rows) == len(CHANGES) else "", str(joined.answers), share(joined), "-"))
        header = ("update", "answer must change", "pairs", "revised", "unchanged")
        return [Extra("answers before and after an update", header, tuple(rows), note=NOTE)]
