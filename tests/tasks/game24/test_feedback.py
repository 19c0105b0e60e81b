"""What is said to be wrong with an expression."""

import pytest

from harness import plugins

PARAMS = {"numbers": "4 5 6 10", "target": 24}


@pytest.mark.parametrize(
    ("response", "first", "others"),
    [
        ("Answer: (10 - 4) * 6 - 5 = 24", "It comes to 31, not to 24.", 0),
        ("Answer: 4 * 6 + 10 = 24", "It must use each of 4 5 6 10 once, and it uses 4 6 10.", 1),
        ("Answer: 10 * 5 / (6 - 6) + 4 = 24", "It must use each of 4 5 6 10 once, and it uses 10 5 6 6 4.", 1),
        ("Answer: no solution", "24 can be made from these numbers.", 0),
        ("Answer: (10 - 4) * 5 - 6 = 25", "The two sides of the equation are not equal.", 0),
        ("I don't know.", "An answer could not be read. Give it in the form that was asked for.", 0),
    ],
)
def test_the_first_fault_is_named_or_all_of_them(response: str, first: str, others: int) -> None:
    task = plugins.task("game24", {})
    assert task.feedback(PARAMS, response, "first-error").text == first
    every = task.feedback(PARAMS, response, "all-errors").text
    assert every.startswith(first)
    assert every.removeprefix(first).count(".") == others


def test_a_puzzle_without_a_solution_is_not_said_to_have_none() -> None:
    task = plugins.task("game24", {})
    params = {"numbers": "1 1 1 1", "target": 24, "solvable": "no"}
    assert task.feedback(params, "Answer: 1 + 1 + 1 + 1 = 24", "all-errors").text == "It comes to 4, not to 24."
    assert task.feedback(params, "Answer: no solution", "binary").right
