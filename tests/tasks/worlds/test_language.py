"""The tiny language: what it does is what Python does if the first index is 0, and its worlds agree by translation."""

import contextlib
import io
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.tasks.worlds.language import run, translated
from harness.tasks.worlds.problem import Ask
from harness.tasks.worlds.programs import draw

STEPS = st.integers(2, 8)
SEEDS = st.integers(0, 2**40)


def by_python(program: str) -> str:
    """What Python prints for a program that the generator made; nothing else is ever executed."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        exec(program, {"__builtins__": {"print": print, "range": range, "sum": sum}})
    return out.getvalue().strip()


@given(SEEDS, STEPS)
@settings(deadline=None, max_examples=60)
def test_a_program_prints_what_python_prints_if_the_first_index_is_0(seed: int, steps: int) -> None:
    problem = draw(Ask(random.Random(seed), steps, 0))
    for question in (problem.main, problem.check):
        assert question.answers["default"] == by_python(question.parts["program"])


@given(SEEDS, STEPS)
@settings(deadline=None, max_examples=60)
def test_a_program_with_first_index_1_prints_what_its_translation_prints(seed: int, steps: int) -> None:
    problem = draw(Ask(random.Random(seed), steps, 0))
    for question in (problem.main, problem.check):
        program = translated(question.parts["program"])
        assert question.answers["one"] == run(program, 0)[0] == by_python(program)


@pytest.mark.parametrize(
    ("program", "zero", "one"),
    [
        ("xs = [7, 8, 9]\nprint(xs[1])", "8", "7"),
        ("xs = [7, 8, 9]\nprint(sum(xs[1:3]))", "17", "15"),
        ("xs = [7, 8, 9]\nprint(xs.index(9))", "2", "3"),
        ("xs = [7, 8, 9]\nxs.append(xs.pop(1))\nprint(xs[2])", "8", "9"),
        ("xs = [7, 8, 9]\nxs[1], xs[2] = xs[2], xs[1]\nprint(xs[1] - xs[2])", "1", "1"),
        ("xs = [7, 8, 9]\nfor i in range(1, 3):\n    xs[i] = xs[i] + i\nprint(xs[2])", "11", "10"),
        ("xs = [7, 8, 9]\nxs = xs[2:] + xs[:2]\nprint(xs[1])", "7", "8"),
    ],
)
def test_each_word_of_the_language_in_both_worlds(program: str, zero: str, one: str) -> None:
    assert (run(program, 0)[0], run(program, 1)[0]) == (zero, one)
    assert run(translated(program), 0)[0] == one


@pytest.mark.parametrize(
    "program",
    [
        "xs = [1]\nprint(xs[-1])",
        "xs = [1]\nprint(xs[2])",
        "xs = [1]\nprint(xs[0:9])",
        "import os",
        "print(open('/etc/passwd'))",
        "print((1).__class__)",
        "xs = [1]\nxs.sort(1)",
        "while 1:\n    xs = [1]",
        "for i in range(1, 100000000):\n    x = i",
        "print(x)",
        "x = 2 ** 9",
        "print(",
        "a, b = [1]",
        "(" * 500 + ")" * 500,
    ],
)
def test_what_the_language_does_not_have_is_an_error_with_a_reason(program: str) -> None:
    with pytest.raises(DataError, match="not a program of the language"):
        run(program, 0)
