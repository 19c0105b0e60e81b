"""Does a model accept what it believes? The table of kind `syllogism`: how often a conclusion is accepted, by cell."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.statistics.intervals import Clusters, paired
from harness.tasks.logic.shares import share
from harness.text import Extra, interval, number

FORMS = {"plain": "valid", "invalid": "invalid"}
NOTE = (
    "Accepted: the answer is yes, of the conclusions that were judged. The last row is the effect of belief, within "
    "groups; its last column is the interaction: how much more belief does for invalid arguments than for valid ones."
)


class Bias:
    """Counts the accepted conclusions, and keeps the four cells of belief and validity of each group."""

    def __init__(self) -> None:
        self._cells: dict[tuple[str, str], Clusters] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a judged conclusion; what was to be chosen, or was not answered, is ignored."""
        params, answer = record["params"], record.get("answer")
        if params.get("form") in FORMS and answer in ("yes", "no"):
            cell = self._cells.setdefault((str(params.get("belief")), str(params["form"])), Clusters())
            cell.add(record["group"], float(answer == "yes"))

    def tables(self) -> list[Extra]:
        """One table: a row a level of belief, and the effect of belief."""
        beliefs = list(dict.fromkeys(belief for belief, _ in self._cells))
        rows = [self._row(belief) for belief in beliefs]
        if {"consistent", "violating"} <= set(beliefs):
            rows.append(self._effect())
        header = ("belief", "n", "valid accepted", "invalid accepted", "invalid - valid")
        return [Extra("conclusions accepted, by belief and validity", header, tuple(rows), note=NOTE)]

    def _row(self, belief: str) -> tuple[str, ...]:
        cells = [self._cells.get((belief, form), Clusters()) for form in FORMS]
        return belief, str(sum(c.answers for c in cells)), *map(share, cells), "-"

    def _effect(self) -> tuple[str, ...]:
        by_form = []
        for form in FORMS:
            one, two = (self._cells.get((belief, form), Clusters()) for belief in ("consistent", "violating"))
            by_form.append({g: one[g][0] / one[g][1] - two[g][0] / two[g][1] for g in one if g in two})
        valid, invalid = by_form
        both = [(invalid[g] - valid[g]) / 2 for g in valid if g in invalid]
        cells = [_mean(list(effects.values())) for effects in by_form]
        n = str(len({*valid, *invalid}))
        return "consistent - violating", n, *cells, _mean(both, times=2)


def _mean(differences: list[float], times: int = 1) -> str:
    """The mean of differences in [-1, 1] with its interval, each multiplied."""
    if not differences:
        return "-"
    low, high = paired(differences)
    return f"{number(times * math.fsum(differences) / len(differences))} {interval(times * low, times * high)}"
