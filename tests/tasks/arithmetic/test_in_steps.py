"""Calculations column by column: what is asked next, and whether each column is right, in every base."""

import asyncio
import itertools
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.strategies.tot import ToT
from harness.tasks.arithmetic.numerals import DIGITS, numeral, result
from harness.tasks.arithmetic.task import Arithmetic
from harness.tasks.arithmetic.worked import worked_steps
from tests.strategies.scripted import Scripted

TASK = Arithmetic()


def lines_of(expression: str, base: int) -> list[str]:
    steps = [step for step in worked_steps(expression, base) if "=" in step]
    return [*steps, f"\\boxed{{{result(expression, base)}}}"]


@given(st.integers(8, 16), st.sampled_from("+-*"), st.tuples(st.integers(100, 500), st.integers(64, 500)), st.data())
@settings(max_examples=60, deadline=None)
def test_right_columns_are_worth_1_and_a_changed_one_0(base, sign, pair, data) -> None:
    a, b = max(pair), min(pair)
    expression = f"{numeral(a, base)}{sign}{numeral(b, base)}"
    params = {"expression": expression, "base": base, "prompt": "direct"}
    lines = lines_of(expression, base)
    partial = ""
    for line in lines:
        assert TASK.steps(params, partial, 3) is not None
        partial = TASK.join(partial, line)
        assert TASK.judge(params, partial) == 1
    assert TASK.steps(params, partial, 3) is None
    assert TASK.score(params, partial).outcome == "correct"
    at = data.draw(st.integers(0, len(lines) - 1))
    digits = [m.start(1) for m in re.finditer(r"(?:=|boxed\{)[0-9A-Z]*([0-9A-Z])", lines[at])]
    place = digits[-1]
    other = data.draw(st.sampled_from([d for d in DIGITS[:base] if d != lines[at][place]]))
    changed = [*lines[:at], lines[at][:place] + other + lines[at][place + 1 :]]
    assert TASK.judge(params, "\n".join(changed)) == 0


def test_a_forgotten_carry_is_seen_in_its_own_column() -> None:
    params = {"expression": "76+14", "base": 9, "prompt": "cot"}
    first = "ones digit: 6+4=11, write 1, carry 1."
    assert TASK.judge(params, first) == 1
    assert TASK.judge(params, "ones digit: 6+4=11, write 1.") == 0
    assert TASK.judge(params, "ones digit: 6+4=10, write 0, carry 1.") == 0, "the decimal sum"


def test_the_counting_control_has_no_steps() -> None:
    params = {"expression": "108", "base": 9, "prompt": "counting"}
    assert TASK.steps(params, "", 3) is None
    assert TASK.judge(params, "") is None


@pytest.mark.parametrize("operation", ["add", "sub", "mul"])
def test_a_search_with_an_exact_judge_finds_the_result_among_wrong_proposals(operation: str) -> None:
    task = Arithmetic(operation=operation, prompt=("direct",))
    for sample in itertools.islice(task.samples(0), 3):
        expression, base = str(sample.params["expression"]), int(str(sample.params["base"]))
        lines = lines_of(expression, base)

        def reply(prompt: str, time: int, lines=lines) -> str:
            done = prompt.partition("done:\n")[2].partition("\n\n")[0]
            right = lines[len(done.splitlines())]
            return f"Let me see.\n1. {right.replace('=', '=1')}\n2. {right}\n3. \\boxed{{1}}"

        session = Scripted(reply, task, dict(sample.params))
        text = asyncio.run(ToT(b=1, evaluate="judge").solve(session)).text
        assert task.score(sample.params, text).outcome == "correct"
