"""The table of a run: how often it answers as in the default world where another world was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.statistics.intervals import Clusters
from harness.tasks.worlds.problem import DEFAULT
from harness.text import Extra, estimate
from harness.types import Outcome


class Tally:
    """The task's collector (Task.collector). Its table has a row for each condition outside the default world."""

    def __init__(self) -> None:
        self._cells: dict[str, tuple[Clusters, Clusters]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Takes in a record that has a verdict on another world than the default one, and the same question's answer
        there is another one."""
        params = record["params"]
        if not Outcome(record["outcome"]).has_verdict or params["world"] == DEFAULT:
            return
        right, default = self._cells.setdefault(record["condition"], (Clusters(), Clusters()))
        if params["answer"] == params["default_answer"]:
            return
        right.add(record["group"], record["value"])
        default.add(record["group"], float(bool(record["detail"].get("answered_as_default"))))

    def tables(self) -> list[Extra]:
        """One table; none if only the default world was asked about."""
        rows = []
        for condition, (right, default) in self._cells.items():
            shares = [estimate(share) for cells in (right, default) if (share := cells.accuracy()) is not None]
            rows += [(condition, *shares)] if shares else []
        header = ("condition", "right", "as in the default world")
        note = "Of all answers with a verdict. If there are two answers, the wrong one is always the default world's."
        return [Extra("answers as in the default world", header, tuple(rows), note=note)] if rows else []
