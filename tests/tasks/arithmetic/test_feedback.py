"""Which equations of a response are said to be false."""

import pytest

from harness import plugins
from harness.tasks.arithmetic.feedback import false_equations


@pytest.mark.parametrize(
    ("text", "base", "found"),
    [
        ("5+3=9, then 2+2=4", 10, ["5+3=9"]),
        ("ones digit: 7+9+1=16, write 6", 10, ["7+9+1=16"]),
        ("7+8=15", 9, ["7+8=15"]),
        ("7+8=16, 12-3=8, 2*5=11", 9, []),
        ("2 + 3 × 4 = 20", 10, ["2 + 3 × 4 = 20"]),
        ("A+1=B and B+1=10", 12, []),
        ("7+8=15 in decimal, which is 16 in base 9", 9, []),
        ("7+8=15 in base-9", 9, ["7+8=15"]),
        ("7+9=16", 9, []),  # 9 is no digit of base 9: what is meant is not known
        ("1+1=2=3", 10, []),
        ("2x+1=7", 10, []),
        ("1+1=3\n1+1=3", 10, ["1+1=3"]),
    ],
)
def test_equations_are_false_in_the_base_of_the_question(text: str, base: int, found: list[str]) -> None:
    assert false_equations(text, base) == found


def test_a_long_response_is_read_in_part_and_few_equations_are_named() -> None:
    assert len(false_equations("\n".join(f"1+1={n}" for n in range(3, 5000)), 10)) == 10
    assert false_equations("1+" * 200_000 + "1=2", 10) == []


def test_the_wrong_step_is_quoted_and_its_right_result_is_not_said() -> None:
    task = plugins.task("arithmetic", {})
    params = {"base": 10, "expression": "27+15", "prompt": "cot"}
    response = "7+5=13, write 3, carry 1. 2+1+1=5. So 27+15=53. \\boxed{53}"
    lines = task.feedback(params, response, "all-errors").text.split("\n")
    assert lines[0] == "The answer is wrong."
    assert [line.split('"')[1] for line in lines[1:]] == ["7+5=13", "2+1+1=5", "27+15=53"]
    assert task.feedback(params, response, "first-error").text.count("does not hold in base-10") == 1
    assert task.feedback(params, response, "binary").text == "The answer is wrong."
