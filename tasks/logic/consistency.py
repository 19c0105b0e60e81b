"""Whether a model is right in all orders of the premises, and how often it says that it can't be known."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.statistics.intervals import Clusters
from harness.tasks.logic.kinds import FACTORS, UNKNOWN, numbered
from harness.tasks.logic.shares import share
from harness.text import Extra


class Consistency:
    """The collector of both tables, for all kinds; it takes records with a verdict."""

    def __init__(self) -> None:
        self._orders: dict[tuple[str, ...], dict[str, bool]] = {}
        self._unknown: dict[tuple[str, str], tuple[Clusters, Clusters, Clusters]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Count a record: in its problem, and by whether "unknown" was said and was right."""
        params, group = record["params"], record["group"]
        others = (str(params.get(factor)) for factor in FACTORS if factor != "order")
        key = (str(params["kind"]), group, str(record["epoch"]), *others)
        self._orders.setdefault(key, {})[str(params.get("order"))] = record["value"] == 1
        if UNKNOWN in numbered(params, "choices"):
            cells = self._unknown.setdefault(
                (str(params["kind"]), str(params.get("world"))), (Clusters(), Clusters(), Clusters())
            )
            says, right = record["answer"] == UNKNOWN, params.get("answer") == UNKNOWN
            cells[0].add(group, float(says))
            cells[1 if right else 2].add(group, float(says))

    def tables(self) -> list[Extra]:
        """No table of orders if each problem was asked in one order."""
        together: dict[str, tuple[Clusters, Clusters]] = {}
        for (kind, group, *_), values in self._orders.items():
            if len(values) > 1:
                each, every = together.setdefault(kind, (Clusters(), Clusters()))
                for value in values.values():
                    each.add(group, float(value))
                every.add(group, float(all(values.values())))
        orders = [(kind, str(every.answers), share(each), share(every)) for kind, (each, every) in together.items()]
        unknown = [
            (f"{kind}/{world}", str(cells[0].answers), *map(share, cells))
            for (kind, world), cells in self._unknown.items()
        ]
        return [
            Extra(
                "right in all orders of the premises",
                ("kind", "problems in several orders", "right in an order", "right in all orders"),
                tuple(orders),
            ),
            Extra(
                'how often the answer is "unknown"',
                ("kind, world", "n", "of all answers", "if it is unknown", "if it is known"),
                tuple(unknown),
            ),
        ]
