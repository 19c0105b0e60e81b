"""What answers without looking for a solution: an expression at random, and a shortcut."""

from __future__ import annotations

import itertools
import random
from collections.abc import Sequence

from harness.tasks.game24.shots import NO_SOLUTION
from harness.verifiers.expressions import NoValueError, parse

OPERATORS = "+-*/"


def at_random(numbers: Sequence[int], rng: random.Random) -> str:
    """Two of the numbers, in either order, are joined by any operator, until one is left: each choice as likely."""
    left = [str(n) for n in numbers]
    while len(left) > 1:
        a = left.pop(rng.randrange(len(left)))
        b = left.pop(rng.randrange(len(left)))
        joined = f"{a} {rng.choice(OPERATORS)} {b}"
        left.append(f"({joined})" if left else joined)
    return left[0]


def left_to_right(numbers: Sequence[int], target: int, give_up: bool) -> str:
    """The first expression ((a o b) o c) o d that makes the target, with the numbers in their order or backwards.

    Where there is none: `no solution`, or if it may not `give_up`, the expression that comes nearest.
    """
    nearest: tuple[float, str] | None = None
    for order in (list(numbers), list(reversed(numbers))):
        for operators in itertools.product(OPERATORS, repeat=len(order) - 1):
            text = str(order[0])
            for i, (operator, number) in enumerate(zip(operators, order[1:], strict=True)):
                text = f"({text}) {operator} {number}" if i else f"{text} {operator} {number}"
            try:
                distance = float(abs(parse(text).value() - target))
            except NoValueError:
                continue
            if distance == 0:
                return text
            if nearest is None or distance < nearest[0]:
                nearest = (distance, text)
    return NO_SOLUTION if give_up or nearest is None else nearest[1]
