"""A scripted model of Game of 24: proposes every next step, and weighs rightly with a stated probability."""

from __future__ import annotations

import random
import re
from fractions import Fraction
from pathlib import Path

from harness.tasks.game24.in_steps import Left, can_become, successors
from harness.tasks.game24.solver import solutions

FILE = Path(__file__).parents[1] / "fixtures/published/game24_900-999.txt"
PUZZLES = tuple(tuple(sorted(map(int, line.split()))) for line in FILE.read_text().splitlines())


def left_of(text: str) -> Left:
    return tuple(sorted(map(Fraction, text.split())))


def params_of(numbers: tuple[int, ...]) -> dict:
    return {"numbers": " ".join(map(str, numbers)), "target": 24, "solvable": "yes"}


class Model:
    """`right` is the chance that a verdict on numbers is true; errors are independent."""

    def __init__(self, right: float, seed: int) -> None:
        self.right, self.rng = right, random.Random(seed)

    def __call__(self, prompt: str, time: int) -> str:
        if found := re.search(r"With the numbers (.+), write the", prompt):
            lines = [line for _, line in successors(left_of(found[1]))]
            self.rng.shuffle(lines)
            return "\n".join(f"{i}. {line}" for i, line in enumerate(lines, 1))
        if found := re.search(r"^From the numbers (.+) these steps", prompt):
            return f"Answer: {solutions(tuple(map(int, found[1].split())), 24)[0].text} = 24"
        if "This is the answer:" in prompt:
            return "it uses them all\nsure"
        true = can_become(left_of(prompt.rpartition("Numbers: ")[2]), 24)
        return "sure" if true == (self.rng.random() < self.right) else "impossible"


class Plain(Model):
    """Also answers the whole puzzle at once: right with the chance `plain`, else with the wrong target."""

    def __init__(self, right: float, seed: int, plain: float) -> None:
        super().__init__(right, seed)
        self.plain = plain

    def __call__(self, prompt: str, time: int) -> str:
        if not prompt.startswith("Make 24"):
            return super().__call__(prompt, time)
        numbers = tuple(map(int, prompt.rpartition("Input: ")[2].split()))
        if self.rng.random() < self.plain:
            return f"Answer: {solutions(numbers, 24)[0].text} = 24"
        return f"Answer: {' + '.join(map(str, numbers))} = 24"
