"""What runs of this task show beside accuracy and gaps, from records in one pass. Shares have their interval and n."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.statistics.intervals import Clusters, clustered_mean
from harness.tasks.ladder.worlds import RUNGS
from harness.text import Extra, estimate
from harness.types import Outcome


class Measures:
    """The collector of the task (Task.collector)."""

    def __init__(self) -> None:
        self._worlds: dict[tuple[str, ...], dict[str, bool]] = {}
        self._like_rung1: dict[tuple[str, str], Clusters] = {}
        self._polarity: dict[tuple[str, str], Clusters] = {}
        self._labels: dict[str, dict[str, Clusters]] = {}
        self._errors: dict[str, Clusters] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a record; one without a verdict is ignored."""
        if not Outcome(record["outcome"]).has_verdict:
            return
        params, group, right = record["params"], record["group"], record["value"] == 1
        rung, names = params.get("rung"), str(params.get("names", ""))
        if rung:
            setting = (str(params.get("graph") or "all"), names, group, str(record["epoch"]))
            self._worlds.setdefault(setting, {})[rung] = right
        if rung in RUNGS[1:] and params.get("rung1") not in (None, params.get("answer")):
            like = record.get("answer") == params["rung1"]
            self._like_rung1.setdefault((rung, names), Clusters()).add(group, float(like))
        if params.get("polarity") and params.get("form", "yesno") == "yesno" and rung:
            self._polarity.setdefault((rung, params["polarity"]), Clusters()).add(group, float(right))
        if params.get("kind") == "equivalence":
            cells = self._labels.setdefault(record["condition"], {name: Clusters() for name in _RATIOS})
            valid, said = params["answer"] == "yes", record.get("answer") == "yes"
            for name, of in zip(_RATIOS, (said, valid, said + valid), strict=True):
                cells[name].add(group, float(of if valid and said else 0), int(of))
        if (record.get("detail") or {}).get("points_off") is not None:
            off = self._errors.setdefault(record["condition"], Clusters())
            off.add(group, float(record["detail"]["points_off"]))

    def tables(self) -> list[Extra]:
        """The tables that have rows for these records."""
        found = [self._consistency(), self._confusion(), self._by_polarity(), self._f1(), self._off()]
        return [extra for extra in found if extra.rows]

    def _consistency(self) -> Extra:
        """The share of worlds all of whose rungs are answered right; of those asked at several."""
        most = max((len(rungs) for rungs in self._worlds.values()), default=0)
        shares: dict[tuple[str, str], Clusters] = {}
        for (graph, names, group, _), rungs in self._worlds.items():
            if len(rungs) == most > 1:
                shares.setdefault((graph, names), Clusters()).add(group, float(all(rungs.values())))
        return Extra(
            f"ladder consistency: all {most} rungs of a world right",
            ("graph", "names", "share"),
            tuple((*key, estimate(clusters.accuracy())) for key, clusters in shares.items()),
            note="guessing between yes and no gives 0.125 with three rungs, and 0.25 with two",
        )

    def _confusion(self) -> Extra:
        """How often rung 1's answer is given where it is wrong."""
        return Extra(
            "gives the answer of rung 1 when asked another, where it is wrong",
            ("rung asked", "names", "share"),
            tuple((*key, estimate(clusters.accuracy())) for key, clusters in self._like_rung1.items()),
        )

    def _by_polarity(self) -> Extra:
        """Accuracy by the polarity of the question."""
        return Extra(
            "accuracy by polarity of the question",
            ("rung", "asked about", "accuracy"),
            tuple((*key, estimate(clusters.accuracy())) for key, clusters in sorted(self._polarity.items())),
        )

    def _f1(self) -> Extra:
        """Precision, recall and F1 of the answer yes; no answer that could be read counts as no. F1 is a share too: of
        all times that a hypothesis is valid or called so, those in which it is both."""
        rows = tuple(
            (condition, *(estimate(cells[name].accuracy()) for name in _RATIOS))
            for condition, cells in self._labels.items()
        )
        note = "n: hypotheses called valid; that are valid; the sum of both"
        return Extra("hypotheses that are valid", ("condition", *_RATIOS), rows, note=note)

    def _off(self) -> Extra:
        """How far percentages are off."""
        return Extra(
            "points off",
            ("condition", "mean", "95% CI", "n"),
            tuple(
                (condition, f"{off.value:.2f}", f"[{max(0.0, off.low):.2f}, {off.high:.2f}]", str(off.n))
                for condition, errors in self._errors.items()
                if (off := clustered_mean(list(errors.values())))
            ),
        )


_RATIOS = ("precision", "recall", "F1")
