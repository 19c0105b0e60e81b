"""Controls of Game of 24: the same numbers in another order, in other words or another layout; and with another number,
so that the old expression is no solution and there is another one."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from functools import cache

from harness.tasks.game24.prompts import WAY_OUT
from harness.tasks.game24.puzzles import LARGEST, Goal, goal_of, puzzles
from harness.tasks.game24.solver import can_make
from harness.tasks.rewording import asked_as, mixed, said_otherwise
from harness.types import Sample

PLACEBOS = {
    "order": "the numbers in another order",
    "words": "synonyms in the instruction",
    "layout": "commas between the numbers, and the instruction or the examples in paragraphs",
}
CHANGES = {"number": "one of the numbers"}

Prompt = Callable[[tuple[int, ...]], str]
"""The prompt of a sample with other numbers."""


def reworded(sample: Sample, placebo: str, prompt: Prompt, rng: random.Random) -> Sample | None:
    """See PLACEBOS. None for the order of four equal numbers."""
    text, numbers = sample.messages[-1].content, _numbers(sample)
    if placebo == "order":
        order = tuple(mixed(rng, numbers))
        params = {**sample.params, "numbers": " ".join(map(str, order))}
        return asked_as(sample, prompt(order), params) if order != numbers else None
    if placebo == "words":
        head, offer, tail = text.partition(WAY_OUT.strip())  # what answers look like stays as it is
        return asked_as(sample, said_otherwise(head, _SYNONYMS) + offer + tail)
    text = re.sub(r"(?<=^Input: )[\d ]+$|(?<=from the numbers )[\d ]+(?=:)", lambda m: m[0].replace(" ", ", "), text,
                  flags=re.M)  # fmt: skip
    shown = re.sub(r"\n(?=Input: )", "\n\n", text)
    return asked_as(sample, shown if "Input: " in text else text.replace(" End with", "\n\nEnd with"))


_SYNONYMS = (
    ("use each of them exactly once, with +, -, *, / and parentheses, and nothing else.",
     "every one of them is to be used exactly once, with +, -, *, / and parentheses, and nothing besides."),
    ("from the numbers given, each used exactly once, with",
     "from the given numbers, using each of them exactly once, with"),
    ("Every step takes two of the numbers that are left and puts the result in their place.",
     "In every step, two of the numbers that are left are taken, and the result is put in their place."),
)  # fmt: skip


def changed(sample: Sample, prompt: Prompt, rng: random.Random) -> Sample | None:
    """See CHANGES. Like the old numbers, the new ones need fractions or do not, if there are such numbers. None if
    there is no solution: with one, it would be in another condition."""
    if sample.params["solvable"] != "yes":
        return None
    numbers, target = _numbers(sample), int(str(sample.params["target"]))
    ways = [(i, n) for i in range(len(numbers)) for n in range(1, LARGEST + 1) if n != numbers[i]]
    second: tuple[tuple[int, ...], Goal] | None = None
    tried = 0
    for i, n in rng.sample(ways, len(ways)):
        other = (*numbers[:i], n, *numbers[i + 1 :])
        goal = _goal(tuple(sorted(other)), target)
        if goal is None:
            continue
        tried += 1
        second = second or (other, goal)
        if goal.fractions == sample.params["fractions"] or tried == _TRIES:
            second = (other, goal) if goal.fractions == sample.params["fractions"] else second
            break
    if second is None:
        return None
    other, goal = second
    params = {**sample.params, "numbers": " ".join(map(str, other)), "ways": goal.ways, "fractions": goal.fractions}
    return asked_as(sample, prompt(other), params, f"{goal.solution} = {target}")


_TRIES = 6
"""How many other numbers are solved in search of some that need fractions as the old ones do."""


def _goal(numbers: tuple[int, ...], target: int) -> Goal | None:
    if target == 24:
        return _known().get(numbers)
    return goal_of(numbers, target) if can_make(numbers, target) else None


@cache
def _known() -> dict[tuple[int, ...], Goal]:
    return {puzzle.numbers: puzzle.goal for puzzle in puzzles()}


def _numbers(sample: Sample) -> tuple[int, ...]:
    return tuple(map(int, str(sample.params["numbers"]).split()))
