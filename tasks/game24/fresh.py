"""Puzzles that no published list has, and the twin of a published one among them.

The published list is complete: it has every four numbers from 1 to 13 that make 24. So a puzzle that is not in it has a
number above 13. `fresh.csv` is the output of `python -m harness.tasks.game24.fresh`, kept because the search takes half
a minute.
"""

from __future__ import annotations

import collections
import csv
import functools
import io
import itertools
import random
from collections.abc import Sequence
from importlib import resources
from typing import NamedTuple

from harness.tasks.game24.puzzles import LARGEST, Goal, goal_of

LARGEST_FRESH = 16
"""The smallest numbers above 13 are the most like those of the list; three of them give puzzles enough."""
MOST_RATIO = 1.5
"""A twin has at most so many times as many ways to make 24, and at least so few."""


class Fresh(NamedTuple):
    """Four numbers in order of size, one of them above 13, and the ways to make 24 of them."""

    numbers: tuple[int, ...]
    goal: Goal


Kind = tuple[bool, int, int]


def kind(numbers: Sequence[int], goal: Goal) -> Kind:
    """What a puzzle and its twin share exactly: whether fractions are needed, pairs of parentheses of the simplest way,
    numbers of two digits."""
    return goal.fractions, goal.solution.count("("), sum(n > 9 for n in numbers)


@functools.cache
def puzzles_by_kind() -> dict[Kind, tuple[Fresh, ...]]:
    """All fresh puzzles by what they share with their twin, in the order of the file."""
    text = (resources.files("harness.tasks.game24") / "fresh.csv").read_text(encoding="utf-8")
    found = collections.defaultdict(list)
    for row in csv.DictReader(io.StringIO(text)):
        numbers = tuple(map(int, row["numbers"].split()))
        goal = Goal(24, int(row["ways"]), row["fractions"] == "yes", row["solution"])
        found[kind(numbers, goal)].append(Fresh(numbers, goal))
    return {key: tuple(puzzles) for key, puzzles in found.items()}


def twin(numbers: Sequence[int], goal: Goal, rng: random.Random) -> Fresh | None:
    """A fresh puzzle of the same kind, with about as many ways to make 24; None if there is none, as for a puzzle of
    four one-digit numbers."""
    of_kind = puzzles_by_kind().get(kind(numbers, goal), ())
    near = [f for f in of_kind if 1 / MOST_RATIO <= f.goal.ways / goal.ways <= MOST_RATIO]
    return rng.choice(near) if near else None


def main() -> None:
    """Print fresh.csv."""
    print("numbers,ways,fractions,solution")
    for numbers in itertools.combinations_with_replacement(range(1, LARGEST_FRESH + 1), 4):
        goal = goal_of(numbers, 24) if numbers[-1] > LARGEST else None
        if goal is not None:
            print(" ".join(map(str, numbers)), goal.ways, "yes" if goal.fractions else "no", goal.solution, sep=",")


if __name__ == "__main__":
    main()
