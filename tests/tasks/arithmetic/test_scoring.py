"""Both rules on hand-made cases, and agreement with the published verdict on real responses."""

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.tasks.arithmetic import published_rule, scoring
from harness.tasks.arithmetic.task import Arithmetic
from harness.types import Outcome
from tests.corpora import DRAWN, WHOLE, drawn_and_whole, rows

SUM = {"base": 9, "expression": "76+14", "answer": "101"}
COUNT = {"base": 9, "expression": "768"}


@pytest.mark.parametrize(
    ("response", "parsed"),
    [
        ("\\boxed{101}", "101"),
        ("76+14 = 90 in base-10, so \\boxed{101_9}.", "101"),
        ("\\boxed{76+14=101}", "101"),
        ("We get $\\boxed{101}_{9}$.", "101"),
        ("First \\boxed{90}. Actually, converting, the result is \\boxed{101}.", "101"),
        ("The sum is 101 in base-9.", "101"),
        ("\\boxed{1 0 1}", "101"),
        ("\\boxed{result}\n101", "101"),
        ("", None),
        ("**101**", None),
        ("101", "101"),
        ("101\n", "101\n"),
        ("\\boxed{0x7c}", "7C"),
        ("\\boxed{101.}", "101."),
        ("\\boxed{\\text{101}}", "101"),
        ("\\boxed{76}+\\boxed{14}=\\boxed{101}.", "101"),
        ("It is \\boxed{101} in base-9 and \\boxed{82} in decimal.", "101"),
        ("It is \\boxed{82} in decimal or \\boxed{101} in base-9.", "101"),
        ("\\boxed{82}_{10}$ which in base-9 is $\\boxed{101}$.", "101"),
        ("76 + 14 = 101\\boxed{}", "101"),
        ("We add:\n76\n+14\n-----\n101", "101"),
        ("Thus, we have 101 in base-9 as the sum of 76 and 14.", "101"),
        ("The answer is not known", None),
    ],
)
def test_original_rule_reads_as_published(response: str, parsed: str | None) -> None:
    score = scoring.original(SUM, response)
    assert score.answer == parsed
    assert (score.outcome is Outcome.CORRECT) == (parsed == "101")


@pytest.mark.parametrize(
    ("response", "parsed"),
    [
        ("770", "770"),
        ("The next number after 768 is 770.", "770"),
        ("766, 767, 768, 770", "770"),
        ("1. 767\n2. 768\n3. 770", "770"),
        ("The next number after 768 in base-9 is 770, as 8 is the last digit", "770"),
        ("So it would be 770. End of response.", "770"),
        ("Nobody knows", None),
    ],
)
def test_original_rule_reads_the_counting_control_as_published(response: str, parsed: str | None) -> None:
    assert scoring.original(COUNT, response).answer == parsed
    assert published_rule.read_counting(response) == parsed


@pytest.mark.parametrize(
    ("response", "numeral"),
    [
        ("\\boxed{101}", "101"),
        ("\\boxed{90}. Wait, no. \\boxed{101}", "101"),
        ("**101**", "101"),
        ("The answer is **101**.", "101"),
        ("### Answer:\n\n101", "101"),
        ("So 76 + 14 = 101 (base 9)", "101"),
        ("$76_9+14_9=82_{10}=101_9$", "101"),
        ("$= \\boxed{101}_9 = \\boxed{82}_{10}$.", "101"),
        ("The answer is 82 in base 10, which is 101 in base 9.", "101"),
        ("The sum in decimal is 82. Converting gives 101.", "101"),
        ("The result is 101, not 90.", "101"),
        ("Thus the answer is \\(101_9\\).", "101"),
        ("\\boxed{101_\\text{nine}}", "101"),
        ("\\boxed{101\\text{ (base 9)}}", "101"),
        ("Answer: 0101", "101"),
        ("\\boxed{1 0 1}", "101"),
        ("<think>\\boxed{90}</think>101", "101"),
        ("\\boxed{-101}", "-101"),
        ("\\boxed{1E6}", "1E6"),
        ("", None),
        ("\\boxed{result}", None),
        ("The answer is one hundred and one", None),
        ("It is a sum.", None),
    ],
)
def test_robust_rule_reads_the_last_numeral_committed_to(response: str, numeral: str | None) -> None:
    assert scoring.robust(SUM, response, "stop").answer == numeral


@pytest.mark.parametrize(
    "response",
    [
        "766, 767, 768, 770",
        "1. 767\n2. 768\n3. 770",
        "The next number after 768 in base-9 would be 770, as 8 is the last digit",
        "The numbers are 766, 767, 768, so the next number is 770.",
    ],
)
def test_of_numerals_counted_up_the_last_is_the_next(response: str) -> None:
    assert scoring.robust(COUNT, response, "stop").answer == "770"


@pytest.mark.parametrize(
    ("response", "numeral"),
    [("\\boxed{7c}", "7C"), ("The answer is DE.", "DE"), ("\\boxed{de}", "DE"), ("It is a word.", None)],
)
def test_letters_are_digits_where_the_base_has_them(response: str, numeral: str | None) -> None:
    assert scoring.robust({"base": 16, "expression": "A1+2B"}, response, "stop").answer == numeral


def test_a_numeral_labelled_with_another_base_is_wrong_even_if_its_value_is_right() -> None:
    score = scoring.robust(SUM, "\\boxed{82_{10}}", "stop")
    assert score.outcome is Outcome.WRONG
    assert score.detail["labelled_base"] == 10
    assert scoring.robust(SUM, "\\boxed{101_{10}}", "stop").outcome is Outcome.WRONG


def test_answered_in_base_10_is_told_apart_from_other_errors() -> None:
    assert scoring.robust(SUM, "\\boxed{90}", "stop").detail["answered_in_base_10"] is True
    assert scoring.robust(SUM, "\\boxed{100}", "stop").detail["answered_in_base_10"] is False
    assert scoring.original(SUM, "\\boxed{90}").detail["answered_in_base_10"] is True
    letters = {"base": 16, "expression": "A1+2B"}
    assert scoring.robust(letters, "\\boxed{CC}", "stop").detail["answered_in_base_10"] is None


def test_truncated_answer_is_not_wrong() -> None:
    cut = "First, 6+4=10 in base 10, so we write 11"
    assert scoring.robust(SUM, cut, "length").outcome is Outcome.TRUNCATED
    assert scoring.robust(SUM, "<think> \\boxed{101}", "length").outcome is Outcome.TRUNCATED
    assert scoring.robust(SUM, "\\boxed{101} To explain", "length").outcome is Outcome.CORRECT


def test_refusals_are_told_from_unreadable_answers() -> None:
    assert scoring.robust(SUM, "I'm sorry, but I can't help with that.", "stop").outcome is Outcome.REFUSED
    assert scoring.robust(SUM, "", "content_filter").outcome is Outcome.REFUSED
    assert scoring.robust(SUM, "Who knows.", "stop").outcome is Outcome.UNPARSED


@pytest.mark.parametrize(
    ("params", "right"),
    [
        ({"base": 9, "expression": "76-14"}, "62"),
        ({"base": 9, "expression": "10-1"}, "8"),
        ({"base": 11, "expression": "A*A"}, "91"),
        ({"base": 16, "expression": "FF"}, "100"),
        ({"base": 9, "expression": "76+14", "answer": 101}, "101"),
    ],
)
def test_the_right_answer_follows_from_the_params(params: dict[str, object], right: str) -> None:
    assert scoring.robust(params, f"\\boxed{{{right}}}", "stop").value == 1


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"base": 9},
        {"base": "9", "expression": "1+1"},
        {"base": True, "expression": "1+1"},
        {"base": 1, "expression": "0+0"},
        {"base": 9, "expression": "9+1"},
        {"base": 9, "expression": "1+1+1"},
        {"base": 9, "expression": "1" * 5000},
        {"base": 9, "expression": "1+1", "answer": [2]},
    ],
)
@pytest.mark.parametrize("rule", ["robust", "original"])
def test_params_that_are_no_sum_are_a_clear_error(params: dict[str, object], rule: str) -> None:
    with pytest.raises(DataError, match=r"params\.|an arithmetic sample"):
        Arithmetic(rule=rule).score(params, "101")


PIECES = st.sampled_from(
    "\\boxed{ } = _ 9 101 1 0 A is answer : . \n $ * result base-9 in (base 10) <think> 0x - ٣".split(" ")
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200))
@example("\\boxed{" * 3000)
@example("1 " * 3000)
@example("1+1=" * 3000)
@example("the sum of 1 and 1 is: " + "1+1=\n " * 80 + "x")
@example("the answer is " * 3000)
@example("1" * 100_000)
def test_no_text_breaks_either_rule(text: str) -> None:
    for params in (SUM, COUNT):
        for rule in ("robust", "original"):
            score = Arithmetic(rule=rule).score(params, text)
            assert score.value in (0, 1)


IN_BASE_10 = {WHOLE: {"with_0cot": 360, "without_0cot": 306}, DRAWN: {"with_0cot": 11, "without_0cot": 18}}
"""As counted on the published responses."""


@drawn_and_whole
@pytest.mark.parametrize("rule", ["original", "robust"])
def test_both_rules_agree_with_the_published_verdict_on_every_response(rule: str, corpora: Path) -> None:
    task = Arithmetic(rule=rule)
    in_base_10: Counter[str] = Counter()
    for row in rows("arithmetic", corpora):
        score = task.score(row["params"], row["response"])
        assert (score.value == 1) == row["expect"]["correct"], row
        if row["params"]["base"] == 9 and score.detail.get("answered_in_base_10"):
            in_base_10[row["source"].rpartition(" ")[2]] += 1
    assert in_base_10 == IN_BASE_10[corpora]
