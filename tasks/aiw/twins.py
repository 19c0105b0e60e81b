"""Fresh numbers for a published variation: of the same size, in the same order, with another answer.

See harness.twins. The names and every word stay: what a model may know by heart is which answer goes with which
numbers.
"""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from harness.tasks.aiw.family import UnsolvableError
from harness.tasks.aiw.problems import Problem

FAR = {1: 2, 2: 9}
"""A number of so many digits changes by so much at most."""

STATED = ("brothers", "sisters", "sisters_of_alice", "brothers_of_bob", "of_aunt", "of_uncle", "children")
"""The columns of published.toml that a problem states."""

Row = Mapping[str, Any]
Key = tuple[Any, ...]


def numbers_of(row: Row) -> Key:
    """The numbers of a variation, by name."""
    return tuple(sorted((name, row[name]) for name in STATED if name in row))


Builder = Callable[[Any], Problem]


def fresh(row: Row, builders: Sequence[Builder], published: Iterable[Row], rng: random.Random) -> dict[str, Any] | None:
    """The row of a variation with other numbers, which no published row has; None for letters.

    Each number is near the one that it stands for, with as many digits; their sum is the same or nearly, what is 1 or
    the smaller number stays so, as far as the numbers allow: of the rows with another answer to every problem that is
    built of them, one of the most similar.
    """
    names = [name for name in STATED if isinstance(row.get(name), int)]
    if not names:
        return None
    taken = frozenset(numbers_of(other) for other in published)
    fitting = _fitting(json.dumps(dict(row)), tuple(names), tuple(builders), taken)
    return {**row, **dict(zip(names, rng.choice(fitting), strict=True))} if fitting else None


@lru_cache(maxsize=256)
def _fitting(
    written: str, names: tuple[str, ...], builders: tuple[Builder, ...], taken: frozenset[Key]
) -> list[tuple[int, ...]]:
    """The numbers that can stand for those of a row (as JSON, which a cache can hold), all of them as similar."""
    row: dict[str, Any] = json.loads(written)
    answers = [build(row).answer for build in builders]
    before = [row[name] for name in names]
    ranked: dict[int, list[tuple[int, ...]]] = {}
    for drawn in itertools.product(*map(_near, before)):
        if numbers_of(row | dict(zip(names, drawn, strict=True))) not in taken:
            ranked.setdefault(_distance(before, drawn), []).append(drawn)
    for distance in sorted(ranked):
        fitting = []
        for drawn in ranked[distance]:
            other = row | dict(zip(names, drawn, strict=True))
            if all(_answer(build, other) not in (None, old) for build, old in zip(builders, answers, strict=True)):
                fitting.append(drawn)
        if fitting:
            return fitting
    return []


def _near(number: int) -> list[int]:
    digits = len(str(number))
    far = FAR.get(digits, number // 10)
    return [n for n in range(number - far, number + far + 1) if n > 0 and len(str(n)) == digits]


def _distance(before: list[int], after: tuple[int, ...]) -> int:
    """0 and 1 for sums that are the same or nearly; more for each number that becomes 1 or is it no more, and for each
    two that change their order."""
    ones = sum((a == 1) != (b == 1) for a, b in zip(before, after, strict=True))
    pairs = itertools.combinations(zip(before, after, strict=True), 2)
    order = sum(_sign(a - b) != _sign(x - y) for (a, x), (b, y) in pairs)
    return 2 * (ones + order) + max(0, abs(sum(before) - sum(after)) - 1)


def _sign(n: int) -> int:
    return (n > 0) - (n < 0)


def _answer(build: Builder, row: Row) -> str | None:
    """None if there is no such family: the facts contradict each other, or somebody would be fewer than none."""
    try:
        answer = build(row).answer
    except UnsolvableError:
        return None
    possible = "of_aunt" not in row or min(row["of_aunt"], row["of_uncle"]) > row["sisters"] + row["brothers"] + 1
    return answer if possible and answer.isdecimal() else None
