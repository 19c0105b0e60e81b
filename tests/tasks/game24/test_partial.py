"""Partial solutions of Game of 24: what is a step, what is asked next, and what can still come of them, exactly."""

from fractions import Fraction

import pytest

from harness.tasks.game24 import partial
from harness.tasks.game24.puzzles import puzzles
from harness.tasks.game24.solver import can_make
from harness.tasks.game24.task import Game24

PARAMS = {"numbers": "4 5 6 10", "target": 24, "solvable": "yes"}
TASK = Game24()
GOOD = "10 - 4 = 6 (left: 5 6 6)"
WHOLE = [GOOD, "5 * 6 = 30 (left: 6 30)", "30 - 6 = 24 (left: 24)", "Answer: 5 * 6 - (10 - 4) = 24"]


def after(*lines: str) -> str:
    text = ""
    for line in lines:
        text = TASK.join(text, line)
    return text


def test_a_solution_takes_four_steps_and_is_then_complete() -> None:
    for done in range(4):
        assert TASK.steps(PARAMS, after(*WHOLE[:done]), 5) is not None
        assert TASK.judge(PARAMS, after(*WHOLE[:done])) == 1
    assert TASK.steps(PARAMS, after(*WHOLE), 5) is None
    assert TASK.judge(PARAMS, after(*WHOLE)) == 1
    assert TASK.score(PARAMS, after(*WHOLE)).outcome == "correct"


def test_the_next_step_is_asked_of_the_numbers_left_and_the_last_one_of_the_whole_path() -> None:
    [asked] = TASK.steps(PARAMS, GOOD, 7)
    assert "With the numbers 5 6 6, write the 7 next steps" in asked.content
    [asked] = TASK.steps(PARAMS, after(*WHOLE[:3]), 7)
    assert GOOD in asked.content
    assert "From the numbers 4 5 6 10" in asked.content


def test_one_number_that_is_not_the_target_is_an_end() -> None:
    assert TASK.steps(PARAMS, after(GOOD, "5 + 6 = 11 (left: 6 11)", "6 + 11 = 17 (left: 17)"), 5) is None


@pytest.mark.parametrize("line", ["Here are some steps:", "10 - 4 = 6", "left: 3", "", "10 - 4 = six (left: 5 6 6)"])
def test_prose_is_no_step(line: str) -> None:
    assert TASK.join(GOOD, line) == GOOD


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("10 - 4 = 7 (left: 5 6 7)", "false arithmetic"),
        ("10 - 4 = 6 (left: 6 6)", "a number is lost"),
        ("10 - 3 = 7 (left: 5 6 7)", "a number that is not there"),
        ("5 / 0 = 5 (left: 4 5 6 10)", "division by zero"),
        ("10 - 10 = 0 (left: 0 4 5 6)", "a number used twice"),
        ("4 + 5 = 9 (left: 6 9 10)", "nothing comes of it"),
        ("Answer: 4 * 5 + 10 - 6 = 23", "another value"),
    ],
)
def test_nothing_right_comes_of_a_false_step(line: str, why: str) -> None:
    assert TASK.join("", line) == line, "it has the form of a step: the verifier refuses it, the reader does not"
    assert TASK.judge(PARAMS, line) == 0, why


def test_fractions_and_negative_numbers_are_steps() -> None:
    params = {"numbers": "3 3 8 8", "target": 24}
    path = after("8 / 3 = 8/3 (left: 3 8/3 8)", "3 - 8/3 = 1/3 (left: 1/3 8)", "8 / (1/3) = 24 (left: 24)")
    assert path.count("\n") == 2
    assert TASK.judge(params, path) == 1
    assert TASK.judge({"numbers": "1 2 5 7", "target": 24}, TASK.join("", "2 - 7 = -5 (left: -5 1 5)")) is not None


def test_no_solution_is_right_of_a_puzzle_without_one_and_can_be_said_at_any_step() -> None:
    params = {"numbers": "1 1 1 1", "target": 24, "solvable": "no"}
    path = after("1 + 1 = 2 (left: 1 1 2)")
    assert TASK.judge(params, path) == 1
    assert "no solution" in TASK.steps(params, path, 3)[0].content
    assert TASK.judge(params, TASK.join(path, "Answer: no solution")) == 1
    assert TASK.judge(PARAMS, "Answer: no solution") == 0


def test_the_judge_goes_by_the_question_and_not_by_a_stored_answer() -> None:
    lying = {"numbers": "1 1 1 1", "target": 24, "solvable": "yes"}
    assert TASK.judge(lying, "Answer: no solution") == 1


def test_what_can_become_24_is_what_the_solver_makes() -> None:
    for puzzle in puzzles()[::150]:
        for target in (24, puzzle.unreachable, puzzle.other.target):
            assert partial.can_become(tuple(map(Fraction, puzzle.numbers)), target) == can_make(puzzle.numbers, target)


def test_states_with_the_same_numbers_left_are_weighed_by_the_same_prompt() -> None:
    one, other = "10 - 4 = 6 (left: 5 6 6)", "4 + 2 = 6 (left: 5 6 6)"
    assert TASK.weigh(PARAMS, one) == TASK.weigh(PARAMS, other)
    assert "Answer: 1" in TASK.weigh(PARAMS, "Answer: 1")[0].content
