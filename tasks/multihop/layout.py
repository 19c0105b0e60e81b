"""Where the documents stand in the prompt: the sweep of Lost in the Middle, for one or several gold documents.

Places count from 0. Turns an item into documents in order.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

from harness.errors import UsageError
from harness.seeds import derive
from harness.tasks.multihop.items import Document, Item

WORDS = ("random", "start", "middle", "end", "spread", "given")
ORDERS = ("random", "forward", "reverse")


def check_positions(positions: Sequence[str]) -> None:
    """Raises UsageError for a position that is not one of WORDS, a place (9) or a place for each hop (0+9)."""
    for position in positions:
        if position not in WORDS and not re.fullmatch(r"\d{1,4}(?:\+\d{1,4}){0,7}", position):
            raise UsageError(
                f"task multihop: option positions: '{position}' is neither a place nor one of {', '.join(WORDS)}",
                "a place counts from 0 (9), or is given for each hop (0+9)",
            )
        places = position.split("+")
        if len(set(places)) < len(places):
            raise UsageError(f"task multihop: option positions: '{position}' has one place twice")


def highest(position: str) -> int:
    """The highest place that a position names; 0 for a word."""
    return max(map(int, position.split("+"))) if position[0].isdecimal() else 0


def vector(position: str) -> int:
    """The number of hops for which a position gives places; 0 if it fits any number of hops."""
    return position.count("+") + 1 if "+" in position else 0


def ordered(position: str) -> bool:
    """Whether the position leaves the order of the hops open."""
    return position != "given" and not vector(position)


class Layout:
    """The places of one item's documents. All draws depend on the item alone: they are the same in every condition."""

    def __init__(self, item: Item) -> None:
        rng = random.Random(derive("multihop", "places", item.id))
        self._item = item
        self._draws = [rng.random() for _ in range(2 * len(item.support))]
        self._shuffled = list(range(len(item.distractors)))
        for i in range(len(self._shuffled) - 1, 0, -1):
            j = int(rng.random() * (i + 1))
            self._shuffled[i], self._shuffled[j] = self._shuffled[j], self._shuffled[i]

    def places(self, documents: int, position: str, order: str) -> tuple[int, ...] | None:
        """The place of each support document, in the order of the hops. None if the item has no such condition: it has
        too few documents, the place is beyond them, or there are places for another number of hops."""
        support = len(self._item.support)
        if not support <= documents <= support + len(self._item.distractors) or highest(position) >= max(documents, 1):
            return None
        if position == "given":
            given = [i for i in self._item.given if i < documents]
            return tuple(given.index(i) for i in range(support))
        if vector(position):
            places = tuple(map(int, position.split("+")))
            return places if len(places) == support else None
        if position == "random":
            left = list(range(documents))
            chosen = [left.pop(int(draw * len(left))) for draw in self._draws[:support]]
        elif position == "spread":
            chosen = [round(i * (documents - 1) / max(1, support - 1)) for i in range(support)]
        else:
            first = {"start": 0, "middle": (documents - support) // 2, "end": documents}.get(position, -1)
            first = min(int(position) if first < 0 else first, documents - support)  # the support moves as one block
            chosen = list(range(first, first + support))
        chosen.sort(reverse=order == "reverse")
        if order == "random":
            ranks = sorted(range(support), key=self._draws[support:].__getitem__)
            chosen = [chosen[rank] for rank in ranks]
        return tuple(chosen)

    def documents(self, documents: int, places: Sequence[int], support: Sequence[Document]) -> list[Document]:
        """`documents` documents: `support` at its places, and around it the first distractors, in an order drawn for
        the item, or in that of the file."""
        distractors = self._item.distractors
        extra = documents - len(support)
        if self._item.given:
            others = (distractors[i - len(support)] for i in self._item.given if len(support) <= i < documents)
        else:
            others = (distractors[i] for i in self._shuffled if i < extra)
        at = dict(zip(places, support, strict=True))
        return [at[i] if i in at else next(others) for i in range(documents)]
