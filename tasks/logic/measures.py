"""What runs of logic show beside accuracy: the floors of shallow readers on the very samples, accuracy by depth, and
the depth at which half of the answers are right. Made from records in one pass; every share has its interval and n."""

from __future__ import annotations

import itertools
import random
from collections.abc import Mapping
from typing import Any

from harness.seeds import derive
from harness.statistics.curve import Point, half_point
from harness.statistics.intervals import Clusters
from harness.tasks.logic.consistency import Consistency
from harness.tasks.logic.every import KINDS
from harness.tasks.logic.kinds import numbered
from harness.tasks.logic.shares import share
from harness.text import Extra
from harness.types import Collector, Outcome


class Beside:
    """The collector of the task."""

    def __init__(self) -> None:
        self._floors: dict[str, dict[str, Clusters]] = {}
        self._depths: dict[tuple[str, ...], dict[int, Clusters]] = {}
        self._chances: dict[tuple[str, ...], list[float]] = {}
        """Of guessing: their sum, and how many."""
        self._own: dict[str, Collector] = {}
        self._consistency = Consistency()

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a record; one without a verdict, or of a kind that is not installed, is ignored."""
        params, group = record["params"], record["group"]
        kind = KINDS.get(str(params.get("kind")))
        if not Outcome(record["outcome"]).has_verdict or kind is None:
            return
        floors = self._floors.setdefault(kind.name, {})
        floors.setdefault("model", Clusters()).add(group, record["value"])
        for name, reads in kind.readers.items():
            said = reads(params, random.Random(derive(name, record["id"])))
            floors.setdefault(name, Clusters()).add(group, float(said == params.get("answer")))
        if kind.depths:
            label = tuple(str(params[f]) for f in ("kind", "names", "world") if f == "kind" or f in kind.levels)
            depths = self._depths.setdefault(label, {})
            depths.setdefault(int(params["depth"]), Clusters()).add(group, record["value"])
            chances = self._chances.setdefault(label, [0.0, 0])
            chances[0] += 1 / max(2, len(numbered(params, "choices")))
            chances[1] += 1
        self._consistency.add(record)
        if kind.collector is not None:
            if kind.name not in self._own:
                self._own[kind.name] = kind.collector()
            self._own[kind.name].add(record)

    def tables(self) -> list[Extra]:
        """The tables that have rows for these records."""
        floors, header = [], ("kind", "reader", "n", "accuracy")
        for kind, readers in self._floors.items():
            floors += [(kind, name, str(c.answers), share(c)) for name, c in readers.items()]
        by_depth, halves = [], []
        for label, depths in self._depths.items():
            if len(depths) < 2:
                continue
            name = "/".join(label)
            by_depth += [(name, str(depth), str(c.answers), share(c)) for depth, c in sorted(depths.items())]
            points = [Point(depth, *cluster) for depth, c in depths.items() for cluster in c.values()]
            chance = self._chances[label][0] / self._chances[label][1]
            n = str(sum(point.answers for point in points))
            halves.append((name, n, f"{chance:.2f}", f"{(1 + chance) / 2:.2f}", half_point(points, chance)))
        note = "Shallow readers on the same samples: what a score is worth without reasoning."
        found = [
            Extra("the model beside shallow readers", header, tuple(floors), note=note),
            Extra("accuracy by depth", ("condition", "depth", "n", "accuracy"), tuple(by_depth)),
            Extra(
                "depth at which accuracy is halfway from guessing to 1",
                ("condition", "n", "guessing", "halfway", "depth"),
                tuple(halves),
            ),
        ]
        found += self._consistency.tables()
        found += itertools.chain.from_iterable(own.tables() for own in self._own.values())
        return [extra for extra in found if extra.rows]
