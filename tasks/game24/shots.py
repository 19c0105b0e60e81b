"""Worked examples for few-shot prompts, and answers in the form each prompt asks for.

Every example has a number from 14 to 16. No puzzle of the benchmark, published or ours, has one, so no puzzle can leak.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Sequence
from fractions import Fraction

from harness.reading.expressions import parse
from harness.seeds import derive
from harness.tasks.game24.puzzles import LARGEST, TARGETS, goal_of
from harness.tasks.game24.solver import reachable, simplest_first, ways

NO_SOLUTION = "no solution"
SHOTS = 5
"""The number of examples in the published prompts."""


def draw(rng: random.Random, target: int | None, solvable: bool) -> tuple[tuple[int, ...], int, str]:
    """(four numbers, target, solution or `no solution`). The target is the given one; if None, any of two digits."""
    while True:
        numbers = _numbers(rng)
        can = reachable(numbers)
        fitting = [t for t in (TARGETS if target is None else (target,)) if (t in can) == solvable]
        if not fitting:
            continue
        chosen = rng.choice(fitting)
        goal = goal_of(numbers, chosen) if solvable else None
        return numbers, chosen, goal.solution if goal else NO_SOLUTION


@functools.lru_cache(maxsize=1024)
def published_form(prompt: str, target: int, way_out: bool) -> str:
    """Five worked examples with this target; with `way_out` (the prompt offers `no solution`), one has no solution."""
    return "\n".join(
        f"Input: {' '.join(map(str, numbers))}\n{answer(prompt, numbers, target, text)}"
        for numbers, text in _examples(target, way_out)
    )


@functools.cache
def _examples(target: int, way_out: bool) -> list[tuple[tuple[int, ...], str]]:
    rng = random.Random(derive("game24", "shots", target))
    solvable = [(numbers, solutions[target]) for numbers, solutions in _pool() if target in solutions]
    chosen = rng.sample(solvable, SHOTS - way_out)
    if way_out:
        unsolvable = [(numbers, NO_SOLUTION) for numbers, solutions in _pool() if target not in solutions]
        chosen.insert(rng.randrange(SHOTS), rng.choice(unsolvable))
    return chosen


@functools.cache
def _pool() -> list[tuple[tuple[int, ...], dict[int, str]]]:
    """Numbers to choose from, with the simplest way to each target that they make."""
    rng = random.Random(derive("game24", "pool"))
    found = []
    for numbers in {_numbers(rng): None for _ in range(60)}:
        solutions: dict[int, str] = {}
        for way in simplest_first(list(ways(numbers))):
            if way.value.denominator == 1:
                solutions.setdefault(int(way.value), way.text)
        found.append((numbers, solutions))
    return found


def _numbers(rng: random.Random) -> tuple[int, ...]:
    """Four numbers, one of them larger than any in a puzzle."""
    return tuple(sorted([*(rng.randint(1, LARGEST) for _ in range(3)), rng.randint(LARGEST + 1, LARGEST + 3)]))


def answer(prompt: str, numbers: Sequence[int], target: int, text: str) -> str:
    """`text`, an expression or `no solution`, in the form of an answer; for `cot` with the steps before it."""
    last = f"Answer: {text}" if text == NO_SOLUTION else f"Answer: {text} = {target}"
    if prompt != "cot":
        return last
    # Without a solution, the steps are those of a try that misses.
    tried = " + ".join(map(str, numbers)) if text == NO_SOLUTION else text
    return "\n".join(["Steps:", *_steps(numbers, tried), last])


def _steps(numbers: Sequence[int], text: str) -> list[str]:
    """An expression as lines `10 - 4 = 6 (left: 5 6 6)`; they end before a division by zero."""
    left = [Fraction(n) for n in numbers]
    stack: list[Fraction] = []
    lines: list[str] = []
    for token in parse(text).postfix:
        if token.isdecimal():
            stack.append(Fraction(token))
            continue
        b, a = stack.pop(), stack.pop()
        if token == "/" and not b:
            break
        result = {"+": a + b, "-": a - b, "*": a * b}.get(token)
        result = a / b if result is None else result
        left.remove(a)
        left.remove(b)
        left = sorted([*left, result])
        stack.append(result)
        lines.append(f"{term(a)} {token} {term(b)} = {result} (left: {' '.join(map(str, left))})")
    return lines


def term(value: Fraction) -> str:
    """A number on one side of an operator: a fraction or a negative number in parentheses."""
    return f"({value})" if value.denominator != 1 or value < 0 else str(value)
