"""The table of a run: who keeps the old answer after a change, and who moves although nothing that matters changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.statistics.intervals import Clusters
from harness.tasks.imagine.problems import FACTS
from harness.text import Extra, estimate
from harness.types import Outcome

OTHERS = tuple(fact for fact in FACTS if fact != "plain")


class Tally:
    """The task's collector (Task.collector). Its table has a row for each condition beside the plain one."""

    def __init__(self) -> None:
        self._answers: dict[tuple[str, str, int], dict[str, tuple[str, str | None, str]]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Takes in a record that has a verdict."""
        params = record["params"]
        if not Outcome(record["outcome"]).has_verdict:
            return
        told = (record["condition"], record.get("answer"), str(params["plain_answer"]))
        where = (record["group"], str(params["size"]), int(record.get("epoch", 1)))
        self._answers.setdefault(where, {})[str(params["fact"])] = told

    def tables(self) -> list[Extra]:
        """One table; none if only the plain world was asked about."""
        cells: dict[str, list[Clusters]] = {}
        for (group, _, _), facts in sorted(self._answers.items()):
            own = facts["plain"][1] if "plain" in facts else None
            for fact in (fact for fact in OTHERS if fact in facts):
                condition, answer, plain = facts[fact]
                kept, moved, same = cells.setdefault(condition, [Clusters(), Clusters(), Clusters()])
                kept.add(group, float(answer == plain))
                moved.add(group, float(answer is not None and answer != plain))
                if own is not None:
                    same.add(group, float(answer == own))
        rows = [
            (condition, *(estimate(share) if (share := c.accuracy()) is not None else "" for c in columns))
            for condition, columns in cells.items()
        ]
        header = ("condition", "keeps the old answer", "moves", "as its own plain answer")
        note = "Of all answers with a verdict. The old answer is the right one if nothing that matters changed (idle)."
        return [Extra("answers after a change", header, tuple(rows), note=note)] if rows else []
