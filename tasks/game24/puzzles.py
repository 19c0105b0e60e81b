"""The puzzles: every four numbers from 1 to 13 that make 24, hardest last, with the targets that 24 is contrasted with.

`puzzles.csv` is the output of `python -m harness.tasks.game24.puzzles`. It is found by exhaustive search and kept,
because the search takes half a minute. Also reads the ranks of the published file.
"""

from __future__ import annotations

import collections
import csv
import functools
import io
import itertools
import math
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from harness.errors import DataError, UsageError, cause
from harness.tasks.game24.solver import Way, simplest_first, solutions, ways

LARGEST = 13
TARGETS = range(10, 100)
"""The range of `other` and `unreachable` targets: two digits, as 24 has."""


class Goal(NamedTuple):
    """A target, the number of ways to make it, whether each way needs fractions, and the simplest way."""

    target: int
    ways: int
    fractions: bool
    solution: str


class Puzzle(NamedTuple):
    """Four numbers in order of size; `other` is a target about as hard to make as 24, `unreachable` one that can't
    be made."""

    numbers: tuple[int, ...]
    goal: Goal
    other: Goal
    unreachable: int


@functools.cache
def puzzles() -> tuple[Puzzle, ...]:
    """All 1,362 puzzles, the easiest first (see `difficulty`)."""
    text = (resources.files("harness.tasks.game24") / "puzzles.csv").read_text(encoding="utf-8")
    found = []
    for row in csv.DictReader(io.StringIO(text)):
        numbers = tuple(map(int, row["numbers"].split()))
        goal = Goal(24, int(row["ways"]), row["fractions"] == "yes", row["solution"])
        other = Goal(int(row["other"]), int(row["other_ways"]), row["other_fractions"] == "yes", row["other_solution"])
        found.append(Puzzle(numbers, goal, other, int(row["unreachable"])))
    return tuple(found)


@functools.lru_cache(maxsize=8192)
def goal_of(numbers: tuple[int, ...], target: int) -> Goal | None:
    """The ways to make a target from the numbers, summed up; None if it can't be made."""
    found = solutions(numbers, target)
    return _goal(target, found) if found else None


def _goal(target: int, found: list[Way]) -> Goal:
    return Goal(target, len(found), all(way.needs_fractions for way in found), found[0].text)


class Found(NamedTuple):
    """What the search finds for four numbers: as Puzzle, but with every target that can't be made."""

    numbers: tuple[int, ...]
    goal: Goal
    other: Goal
    out_of_reach: tuple[int, ...]


def search(numbers: tuple[int, ...]) -> Found | None:
    """Everything about four numbers; None if they don't make 24.

    `other` needs fractions if and only if 24 does, if there is such a target. Of these targets it is the one with the
    number of ways nearest to that of 24 (by ratio), then with the most similar simplest way (by parentheses), then the
    nearest to 24.
    """
    by_target: dict[int, list[Way]] = {}
    for way in ways(numbers):
        if way.value.denominator == 1 and int(way.value) in TARGETS:
            by_target.setdefault(int(way.value), []).append(way)
    if 24 not in by_target:
        return None
    goal = _goal(24, simplest_first(by_target[24]))
    candidates = [t for t in by_target if t != 24]
    alike = [t for t in candidates if all(way.needs_fractions for way in by_target[t]) == goal.fractions]
    even = sum(numbers) % 2 == 0  # decides between two equally near targets, so that not always the larger is taken

    def distance(target: int) -> tuple[float, int, int, bool]:
        found = _goal(target, simplest_first(by_target[target]))
        parentheses = abs(found.solution.count("(") - goal.solution.count("("))
        return round(abs(math.log(found.ways / goal.ways)), 9), parentheses, abs(target - 24), (target > 24) == even

    other = min(alike or candidates, key=distance)
    out_of_reach = tuple(t for t in TARGETS if t not in by_target)
    return Found(numbers, goal, _goal(other, simplest_first(by_target[other])), out_of_reach)


def balanced(found: Sequence[Found]) -> list[Puzzle]:
    """The puzzles, easiest first, each with an unreachable target; a target alone says nothing about whether it can be
    made.

    For this, each number is taken as unreachable about as often as it is an `other` target. Puzzles with the fewest
    choices come first; if there is a choice, it is near the puzzle's `other`.
    """
    budget = collections.Counter(f.other.target for f in found)
    made = []
    for f in sorted(found, key=lambda f: (len(budget.keys() & set(f.out_of_reach)), f.numbers)):
        apart = {t: abs(t - f.other.target) for t in f.out_of_reach}
        in_budget = [t for t in f.out_of_reach if budget[t] > 0]
        if in_budget:
            chosen = max(in_budget, key=lambda t: (budget[t] / (1 + apart[t]), t))
        else:
            chosen = min(f.out_of_reach, key=lambda t: (apart[t], t))
        budget[chosen] -= 1
        made.append(Puzzle(f.numbers, f.goal, f.other, chosen))
    return sorted(made, key=difficulty)


def difficulty(puzzle: Puzzle | Found) -> tuple[bool, bool, int, int, tuple[int, ...]]:
    """The key that sorts puzzles: need for fractions, need for parentheses, ways to make 24 (few is hard), length."""
    goal = puzzle.goal
    return goal.fractions, "(" in goal.solution, -goal.ways, len(goal.solution), puzzle.numbers


def ranked(path: Path) -> tuple[Puzzle, ...]:
    """The puzzles in the order of the published 24.csv: its column `Puzzles`, one row a puzzle, from rank 1.

    Raises UsageError if the file can't be read, DataError (with the line) if it holds something else.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(itertools.islice(csv.reader(file), 10_000))
    except OSError as error:
        raise UsageError(
            f"{path}: can't be read: {cause(error)}",
            "-T ranks=FILE wants the 24.csv of the tree-of-thought repository",
        ) from None
    except (ValueError, csv.Error) as error:
        raise DataError(f"{path}: not a CSV file: {error}") from None
    if not rows or "Puzzles" not in rows[0]:
        raise DataError(f"{path}: line 1 has no column 'Puzzles'", "the published columns are Rank,Puzzles,AMT (s),...")
    column = rows[0].index("Puzzles")
    known = {puzzle.numbers: puzzle for puzzle in puzzles()}
    found: dict[tuple[int, ...], Puzzle] = {}
    for line, row in enumerate(rows[1:], 2):
        if not row:
            continue
        text = row[column].strip() if len(row) > column else ""
        words = text.split()
        numbers = tuple(sorted(int(word) for word in words if word.isdecimal() and len(word) < 4))
        if len(words) != len(numbers) or numbers not in known:
            raise DataError(f"{path}, line {line}: '{text[:60]}' is not four numbers from 1 to {LARGEST} that make 24")
        if numbers in found:
            raise DataError(f"{path}, line {line}: the puzzle {text} comes twice")
        found[numbers] = known[numbers]
    if not found:
        raise DataError(f"{path}: there is no puzzle in it")
    return tuple(found.values())


def main() -> None:
    """Print puzzles.csv."""
    searched = map(search, itertools.combinations_with_replacement(range(1, LARGEST + 1), 4))
    found = sorted((f for f in searched if f is not None), key=difficulty)
    print("numbers,ways,fractions,solution,other,other_ways,other_fractions,other_solution,unreachable")
    for start in range(0, len(found), 100):  # by hundreds, so that 900-999 is balanced in itself
        for p in balanced(found[start : start + 100]):
            goals = [f"{g.ways},{'yes' if g.fractions else 'no'},{g.solution}" for g in (p.goal, p.other)]
            print(" ".join(map(str, p.numbers)), goals[0], p.other.target, goals[1], p.unreachable, sep=",")


if __name__ == "__main__":
    main()
