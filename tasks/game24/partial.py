"""Partial solutions, for strategies that search: lines `10 - 4 = 6 (left: 5 6 6)`, then a line with the answer.

Four steps, as in Tree of Thoughts (Yao et al. 2023, arXiv 2305.10601): three join two numbers, the fourth writes the
expression. The prompts are ours.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Iterator, Sequence
from fractions import Fraction

from harness.reading.expressions import NotAnExpressionError, NoValueError, parse, plain_notation
from harness.tasks.game24 import prompts
from harness.tasks.game24.scoring import Puzzle, robust
from harness.tasks.game24.shots import term
from harness.types import Outcome, Params

Left = tuple[Fraction, ...]
"""The numbers left, in order of size."""

_NUMBER = r"-?\d{1,9}(?:[./]\d{1,9})?"
_TERM = rf"(?:{_NUMBER}|\( ?{_NUMBER} ?\))"
_STEP = re.compile(
    rf"({_TERM}) ?([-+*/]) ?({_TERM}) ?= ?({_TERM}),? ?\(? ?left: ?({_TERM}(?:[ ,]{{1,2}}{_TERM}){{0,9}}) ?\)?\.?"
)


def thought_of(line: str) -> str:
    """A line of a reply as a step of a partial solution: a step, an answer, or "" for anything else."""
    text = plain_notation(line[:300]).strip(" \t*_")
    if text.lower().startswith("answer:"):
        return "Answer:" + text[7:]
    return text if _STEP.fullmatch(text) else ""


def answer_of(partial: str) -> str | None:
    """The line with the answer; None while there is none."""
    last = partial.rpartition("\n")[2]
    return last if last.startswith("Answer:") else None


def left_after(puzzle: Puzzle, partial: str) -> str:
    """The numbers left as the last step writes them, right or not; those of the puzzle before the first."""
    written = partial.rpartition("\n")[2].rpartition("left:")[2]
    numbers = re.findall(_NUMBER, written)
    return " ".join(numbers or puzzle.numbers)


def next_prompt(puzzle: Puzzle, partial: str, k: int, way_out: bool) -> str | None:
    """The prompt for the next line; None if there is an answer, or one number that is not the target."""
    left = left_after(puzzle, partial)
    numbers = " ".join(puzzle.numbers)
    if answer_of(partial) is not None:
        return None
    if left == str(puzzle.target):
        return prompts.LAST_STEP.format(numbers=numbers, target=puzzle.target, partial=partial)
    if " " not in left:
        return None
    offer = prompts.WAY_OUT if way_out else ""
    return prompts.NEXT_STEPS.format(target=puzzle.target, left=left, k=k, way_out=offer)


def weigh_prompt(puzzle: Puzzle, partial: str) -> str:
    """Can the target be made of the numbers left; or, of a whole solution, is the answer right?"""
    answer, t = answer_of(partial), puzzle.target
    if answer is not None:
        return prompts.WEIGH_ANSWER.format(numbers=" ".join(puzzle.numbers), target=t, answer=answer)
    left = left_after(puzzle, partial)
    return prompts.WEIGH_LEFT.format(target=t, left=left, one_less=t - 1, one_more=t + 1, two_more=t + 2)


# The exact value ----------------------------------------------------------------------------------------------------


def judged(puzzle: Puzzle, partial: str) -> float:
    """See Game24.judge. From the numbers and the target alone."""
    question: Params = {"numbers": " ".join(puzzle.numbers), "target": puzzle.target}
    answer = answer_of(partial)
    if answer is not None:
        return float(robust(question, answer, "stop").outcome is Outcome.CORRECT)
    left = state(puzzle, partial)
    if left is None:
        return 0.0
    start = _ordered(map(Fraction, puzzle.numbers))
    return float(can_become(left, puzzle.target) or not can_become(start, puzzle.target))


def state(puzzle: Puzzle, partial: str) -> Left | None:
    """The numbers left after the steps; None if one of them is false, or uses or leaves numbers that are not there."""
    left = _ordered(map(Fraction, puzzle.numbers))
    for line in filter(None, partial.split("\n")):
        step = _STEP.fullmatch(line)
        after = _after(left, *step.groups()) if step else None
        if after is None:
            return None
        left = after
    return left


def _after(left: Left, a: str, operator: str, b: str, result: str, written: str) -> Left | None:
    try:
        x, y, z = (parse(text).value() for text in (a, b, result))
        made = parse(f"({a}) {operator} ({b})").value()
        rest = list(left)
        for number in (x, y):
            rest.remove(Fraction(number))
        after = _ordered([*rest, Fraction(made)])
        said = _ordered(map(Fraction, re.findall(_NUMBER, written)))
    except (NotAnExpressionError, NoValueError, ValueError, ZeroDivisionError):
        return None
    return after if made == z and after == said else None


def _ordered(numbers: Iterator[Fraction] | Sequence[Fraction]) -> Left:
    return tuple(sorted(numbers))


@functools.lru_cache(maxsize=65_536)
def can_become(left: Left, target: int) -> bool:
    """Whether the target can be made of these numbers, fractions and negative ones too."""
    if len(left) == 1:
        return left[0] == target
    return any(can_become(after, target) for after, _ in successors(left))


@functools.lru_cache(maxsize=4096)
def successors(left: Left) -> tuple[tuple[Left, str], ...]:
    """Every different state after one more step, with the first line that leads to it."""
    found: dict[Left, str] = {}
    for i, j in itertools.permutations(range(len(left)), 2):
        a, b = left[i], left[j]
        rest = [number for k, number in enumerate(left) if k not in (i, j)]
        results = {"+": a + b, "-": a - b, "*": a * b} | ({"/": a / b} if b else {})
        for operator, result in results.items():
            after = _ordered([*rest, result])
            said = f"{term(a)} {operator} {term(b)} = {result} (left: {' '.join(map(str, after))})"
            found.setdefault(after, said)
    return tuple(found.items())
