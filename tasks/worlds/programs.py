"""Kind `code`: small programs whose lists are numbered from 0 (default) or from 1. Knows no prompt and no scoring.

Every program runs in both worlds without an error, and prints another number in each.
"""

from __future__ import annotations

import random

from harness.tasks.worlds.language import run
from harness.tasks.worlds.problem import DEFAULT, Ask, Kind, Problem, Question

FIRST = {DEFAULT: 0, "one": 1}
_SIZE = 6
"""Elements of the list: indices 1 to 5 are legal in both worlds."""
_NAMES = ("xs", "ys", "row", "items", "stock", "marks")


def draw(ask: Ask) -> Problem:
    """A program of `length` statements between the list and what is printed, and one without any as the check."""
    rng = ask.rng
    while True:
        values = rng.sample(range(100, 200) if ask.held_out else range(10, 100), _SIZE)
        name = rng.choice(_NAMES)
        start = f"{name} = {values}"
        program = "\n".join([start, *_statements(rng, name, values, ask.length), f"print({_last(rng, name)})"])
        ends = {world: run(program, first) for world, first in FIRST.items()}
        answers = {world: printed for world, (printed, _) in ends.items()}
        if len(set(answers.values())) == len(FIRST):
            break
    held = {str(value) for _, lists in ends.values() for value in lists}
    place = rng.randint(1, _SIZE - 1)
    check = {world: str(values[place - first]) for world, first in FIRST.items()}
    return Problem(
        Question({"program": program}, answers, tuple(sorted(held | set(answers.values())))),
        Question({"program": f"{start}\nprint({name}[{place}])"}, check, tuple(sorted(map(str, values)))),
        {world: {"first": str(first)} for world, first in FIRST.items()},
        ask.length,
    )


def _statements(rng: random.Random, name: str, values: list[int], count: int) -> list[str]:
    """`index` comes first if it comes at all: then what it looks for is in the list in both worlds."""
    kinds = rng.choices(("swap", "add", "loop", "turn", "move"), k=count)
    if rng.random() < 0.3:
        kinds[0] = "index"
    found = []
    for kind in kinds:
        i, j, k = rng.sample(range(1, _SIZE), 3)
        if kind == "swap":
            found.append(f"{name}[{i}], {name}[{j}] = {name}[{j}], {name}[{i}]")
        elif kind == "add":
            found.append(f"{name}[{i}] = {name}[{j}] + {name}[{k}]")
        elif kind == "loop":
            low = rng.randint(1, 3)
            high = rng.randint(low + 1, 5)
            found.append(f"for i in range({low}, {high}):\n    {name}[i] = {name}[i] + {name}[i + 1]")
        elif kind == "turn":
            found.append(f"{name} = {name}[{max(i, j)}:] + {name}[:{max(i, j)}]")
        elif kind == "move":
            found.append(f"{name}.append({name}.pop({i}))")
        else:
            found.append(f"{name}[{i}] = {name}[{i}] + {name}.index({rng.choice(values)})")
    return found


def _last(rng: random.Random, name: str) -> str:
    i, j = sorted(rng.sample(range(1, _SIZE), 2))
    return rng.choice((f"{name}[{i}]", f"{name}[{i}] + {name}[{j}]", f"sum({name}[{i}:{j + 1}])"))


CODE = Kind("code", tuple(FIRST), draw, counts=True)
