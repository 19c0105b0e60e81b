"""Baselines that do not look for a solution: a random expression, and a shortcut."""

from __future__ import annotations

import random
from collections.abc import Sequence
from fractions import Fraction

from harness.tasks.game24.shots import NO_SOLUTION

OPERATORS = "+-*/"


def at_random(numbers: Sequence[int], rng: random.Random) -> str:
    """Joins two of the numbers, in either order, by any operator, until one is left; all choices are equally likely."""
    left = [str(n) for n in numbers]
    while len(left) > 1:
        a = left.pop(rng.randrange(len(left)))
        b = left.pop(rng.randrange(len(left)))
        joined = f"{a} {rng.choice(OPERATORS)} {b}"
        left.append(f"({joined})" if left else joined)
    return left[0]


def greedy(numbers: Sequence[int], target: int, give_up: bool) -> str:
    """From left to right, each time with the operator that comes nearest to the target: with the numbers in order of
    size, then backwards. If neither makes the target: `no solution` with `give_up`, else the second expression."""
    text = ""
    for order in (sorted(numbers), sorted(numbers, reverse=True)):
        total, text = Fraction(order[0]), str(order[0])
        for place, number in enumerate(order[1:]):
            results = {"+": total + number, "-": total - number, "*": total * number}
            if number:
                results["/"] = total / number
            operator = min(results, key=lambda o: abs(results[o] - target))
            total = results[operator]
            text = f"({text}) {operator} {number}" if place else f"{text} {operator} {number}"
        if total == target:
            return text
    return NO_SOLUTION if give_up else text
