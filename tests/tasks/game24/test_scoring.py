"""Both rules on hand-made cases, agreement with the published scorer on real responses, and hostile text."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError
from harness.tasks.game24 import scoring
from harness.tasks.game24.task import Game24
from harness.types import Outcome
from tests.corpora import drawn_and_whole, rows

PUZZLE = {"numbers": "4 5 6 10"}


def original(response: str, numbers: str = "4 5 6 10", **params: object) -> bool:
    return scoring.original({"numbers": numbers, **params}, response).value == 1


def robust(response: str, stop_reason: str = "stop", **params: object):
    return scoring.robust({**PUZZLE, **params}, response, stop_reason)


@pytest.mark.parametrize(
    ("response", "right"),
    [
        # executed against the published scorer
        ("Answer: (5 * (10 - 4)) - 6 = 24", True),
        ("(5 * (10 - 4)) - 6", True),
        ("Answer: (5 * (10 - 4)) - 6 = 25", True),
        ("Answer: 4 * 6 = 24", False),
        ("Answer: (5 × (10 − 4)) − 6 = 24", False),
        ("Answer: **(5 * (10 - 4)) - 6 = 24**", False),
        ("Answer: (5 * (10 - 4)) - 6 = 24\nThat works!", False),
        ("answer:(5 * (10 - 4)) - 6 = 24", False),
        ("Answer: 24 = (5 * (10 - 4)) - 6", False),
        ("Answer: 5(10-4)-6 = 24", False),
        # what follows from the same rule
        ("Steps:\n10 - 4 = 6 (left: 5 6 6)\nAnswer: (10 - 4) * 5 - 6 = 24\n\n", True),
        ("ANSWER: (10 - 4) * 5 - 6", True),
        ("answer: answer: (10 - 4) * 5 - 6", True),
        ("(10 - 4) * 5 - 6 # as asked", True),
        ("(10 - 4) * 5 - 06", False),
        ("(10 - 4) * 5 - 6.", True),
        ("'(10 - 4) * 5 - 6'", False),
        ("(10 - 4) * 5 - x6", False),
        ("((10 - 4) * 5 - 6", False),
        ("", False),
        ("Answer: None", False),
    ],
)
def test_original_rule_reads_as_published(response: str, right: bool) -> None:
    assert original(response) is right


@pytest.mark.parametrize(
    ("response", "numbers", "right"),
    [
        ("5 ** 2 - 1 * 1 = 24", "1 1 2 5", True),
        ("5 ^ 2 - 1 * 1 = 24", "1 1 2 5", True),
        ("-5 ** 2 + 49 = 24", "2 5 49", True),
        ("4! * 1 * 1 * 1 = 24", "1 1 1 4", True),
        ("4 ! * 1 * 1 * 1 = 24", "1 1 1 4", False),
        ("5 * * 2 - 1 * 1 = 24", "1 1 2 5", True),
        ("(10 - 4)\u00a0* 5 - 6 = 24", "4 5 6 10", False),
        ("(4 - 1 + 1 ** 1)!= 24", "1 1 1 4", True),
        ("49 // 2 * 1 ** 1 = 24", "1 1 2 49", True),
        ("99 % 25 + 0 = 24", "0 25 99", True),
        ("1.2 * 20 = 24", "1 2 20", True),
        ("sqrt(4) * 12 = 24", "4 12", True),
        ("9 ** (1 / 2) * 8 = 24", "1 2 8 9", True),
        ("24 + 1 / (1 - 1) = 24", "1 1 1 24", False),
        ("9 ** 9 ** 9 ** 9 = 24", "9 9 9 9", False),
    ],
)
def test_original_rule_takes_what_the_published_algebra_system_takes(response: str, numbers: str, right: bool) -> None:
    assert original(response, numbers) is right


def test_original_rule_counts_to_another_target_too() -> None:
    assert original("Answer: 4 + 5 + 6 + 10 = 25", target=25)
    assert not original("Answer: (10 - 4) * 5 - 6 = 24", target=25)


def test_original_rule_on_a_puzzle_without_solution_wants_it_said() -> None:
    assert original("So:\nAnswer: no solution", target=99, solvable="no")
    assert original("Answer: Impossible.", target=99, solvable=False)
    assert not original("Answer: 10 * 5 * 6 / 4 = 99", target=99, solvable="no")


RIGHT = [
    "Answer: (5 * (10 - 4)) - 6 = 24",
    "(5 * (10 - 4)) - 6",
    "Answer: (5 × (10 − 4)) − 6 = 24",
    "Answer: **(5 * (10 - 4)) - 6 = 24**",
    "**Answer:** (5 * (10 - 4)) - 6 = 24",
    "**Answer: (5 * (10 - 4)) - 6** = 24",
    "Answer: (5 * (10 - 4)) - 6 = 24\nThat works!",
    "answer:(5 * (10 - 4)) - 6 = 24",
    "Answer: 24 = (5 * (10 - 4)) - 6",
    "Answer: 5(10-4)-6 = 24",
    "Answer: [5 * (10 - 4)] - 6 = 24",
    "Answer: 5 x (10 - 4) - 6 = 24.",
    "Answer: `(10 - 4) * 5 - 6 = 24`",
    "Answer:\n```\n(10 - 4) * 5 - 6 = 24\n```",
    "```python\n(10 - 4) * 5 - 6\n```",
    "### Answer\n\nThe final answer is: (10 - 4) * 5 - 6 = 24",
    "Answer: (10 - 4) * 5 - 6 = 30 - 6 = 24",
    r"\boxed{(10-4)\times 5-6}",
    r"The answer is $\boxed{(10-4) \cdot 5 - 6 = 24}$.",
    r"$$(10-4) \times 5 - 6 = \boxed{24}$$",
    r"Answer: \[ \left(10-4\right) \times 5 - 6 = 24 \]",
    r"Answer: \( (10-4) \times 5 - 6 = 24 \)",
    "Answer: (10 - 4) \\* 5 - 6 = 24",
    "((10 - 4) * 5 - 6 = 24)",
    "I found one ((10 - 4) * 5 - 6 = 24), which is it.",
    "1. (10 - 4) * 5 - 6 = 24",
    "- (10 - 4) * 5 - 6 = 24",
    "Steps:\n10 - 4 = 6 (left: 5 6 6)\n6 * 5 = 30 (left: 6 30)\n30 - 6 = 24 (left: 24)\nAnswer: (10 - 4) * 5 - 6 = 24",
    "Steps:\n10 - 4 = 6 (left: 5 6 6)\nAnswer: (10 - 4) * 5 - 6 = 24\nCheck: 10 - 4 = 6, 6 * 5 = 30, 30 - 6 = 24.",
    "(10 - 4) * 5 - 6 = 24\nThis works because 10 - 4 = 6, 6 * 5 = 30 and 30 - 6 = 24.",
    "Answer: 4 * 6 = 24\nWait, that leaves numbers over.\nAnswer: (10 - 4) * 5 - 6 = 24",
    "Answer: 4 * 6 = 24. Wait, all numbers are needed: (10 - 4) * 5 - 6 = 24.",
    "Answer: (10 - 4) * 5 - 6 = 24\nThis answer is correct.",
    "Answer: (10 - 4) * 5 - 6 = 24\nThere is no other solution.",
    "Wait, let me check that.\n(10 - 4) * 5 - 6 = 24\nAnswer: 24",
    "It is not impossible: (10 - 4) * 5 - 6 = 24",
    "<think>Answer: 4 * 6 = 24</think>Answer: (10 - 4) * 5 - 6 = 24",
    "First 4 + 5 + 6 + 10 = 25 misses. But 5 * 4 + 10 - 6 = 24 works.",
    "Answer: -(4 - 10) * 5 - 6 = 24",
    "Answer: (10 - 4) * 5 - 6 = 24, since 10 - 4 = 6, 6 * 5 = 30, 30 - 6 = 24",
    "Answer: (10 - 4) * 5 - 6 = 24 (10 - 4 = 6, 6 * 5 = 30, 30 - 6 = 24)",
    "Answer: no solution\nActually, 4 * 5 + 10 - 6 = 24.",
    "- 10 - 4 = 6\n- 6 * 5 = 30\n- 30 - 6 = 24\n\n**(10 - 4) * 5 - 6 = 24**",
    "The expression (10 - 4) * 5 - 6 equals 24.",
    "Answer: (10.0 - 4) * 5 - 6 = 24",
    "Ａｎｓｗｅｒ： (10 - 4) * 5 - 6 ＝ ２４",
]


@pytest.mark.parametrize("response", RIGHT)
def test_robust_rule_reads_right_answers(response: str) -> None:
    score = robust(response)
    assert (score.outcome, score.detail["reason"]) == (Outcome.CORRECT, ""), score


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("Answer: 4 * 6 = 24", "wrong_numbers"),
        ("Answer: 4 * 6 * (10 / 5) / 2 = 24", "wrong_numbers"),
        ("Answer: 4 * 6 + 105 = 24", "wrong_numbers"),
        ("4 * 6 = 24", "wrong_numbers"),
        ("Answer: (10 - 4) * 6 - 5 = 24", "wrong_value"),
        ("Answer: (10 - 4) * 6 / (5 - 5) = 24", "wrong_numbers"),
        ("Answer: 4 + 5 + 6 + 10 = 25", "wrong_value"),
        ("Answer: (10 - 4) * 5 - 6 = 25", "unequal_sides"),
        ("Answer: (10 - 4) * 5 - 6 = 30 - 7 = 24", "unequal_sides"),
        ("Answer: 10 - 4 = 6 * 5 = 30 - 6 = 24", "wrong_numbers"),
        ("Answer: (10 - 4) * 5 - 6 ≠ 24", "unequal_sides"),
        ("Answer: (10 - 4) * 5 - 6 != 24", "unequal_sides"),
        ("Answer: 6 ** 4 / 10 - 5 = 24", "operator_not_allowed"),
        ("Answer: 6 * 4 * (10 // 5) = 24", "operator_not_allowed"),
        ("Answer: sqrt(4) * (10 + 5) - 6 = 24", "operator_not_allowed"),
        (r"Answer: $\sqrt{4} \times (10 + 5) - 6 = 24$", "operator_not_allowed"),
        ("Answer: 4! + 5 - 10 / 6", "operator_not_allowed"),
        ("Answer: no solution", "claimed_unsolvable"),
        ("It can't be done: there is no way to make 24.", "claimed_unsolvable"),
        ("Answer: (6 - 4) * 5 = 10 (No solution for 24)", "claimed_unsolvable"),
        ("Answer: (10 - 4) * 6 - 5 = 24 is not possible.", "claimed_unsolvable"),
        ("The answer is not possible.", "claimed_unsolvable"),
        ("Answer: None", "claimed_unsolvable"),
        ("Unfortunately, it is not possible to make 24 using only these numbers.", "claimed_unsolvable"),
        ("Answer: (10 - 4) * 5 - 6 = 24\nAnswer: 4 * 6 = 24", "wrong_numbers"),
        ("(10 - 4) * 5 - 6 = 24, (10 - 4) * 6 - 5 = 24, 10 * 5 - 4 * 6 = 24", "wrong_value"),
    ],
)
def test_robust_rule_says_what_is_wrong(response: str, reason: str) -> None:
    score = robust(response)
    assert (score.outcome, score.detail["reason"]) == (Outcome.WRONG, reason), score


@pytest.mark.parametrize(
    ("response", "reason"),
    [
        ("", "no_answer"),
        ("Who knows.", "no_answer"),
        ("10 - 4 = 6 (left: 5 6 6)\n6 * 5 = 30 (left: 6 30)", "no_answer"),
        ("10 - 4 = 6 (left: 5 6 6)\n6 * 5 = 30 (left: 6 30)\n30 - 6 = 24 (left: 24)", "no_answer"),
        ("Answer: ((10 - 4) * 5 - 6 = 24", "not_an_expression"),
        ("Answer: seven", "not_an_expression"),
        ("Answer: (10 - 4) * 5 - 6 = 24 or 4 + 5 + 6 + 10 = 24", "no_answer"),
        ("Answer: 10 4 5 6 + = 24", "not_an_expression"),
        ("<think>Answer: (10 - 4) * 5 - 6 = 24", "no_answer"),
    ],
)
def test_robust_rule_says_why_nothing_could_be_checked(response: str, reason: str) -> None:
    score = robust(response)
    assert (score.outcome, score.detail["reason"]) == (Outcome.UNPARSED, reason), score


def test_rounded_steps_between_the_sides_are_no_fault() -> None:
    params = {"numbers": "3 3 8 8"}
    assert scoring.robust(params, "Answer: 8 / (3 - 8 / 3) = 8 / 0.3333 = 24", "stop").value == 1
    assert scoring.robust(params, "Answer: 8 / (3 - 8 / 3) = 8 / 0.3333 = 24.1", "stop").value == 0
    assert scoring.robust(params, "Answer: 8 / (3 - 2.6667) = 24", "stop").value == 0


def test_fractions_in_latex_are_read() -> None:
    score = scoring.robust({"numbers": [3, 3, 8, 8]}, r"\boxed{\dfrac{8}{3 - \frac{8}{3}} = 24}", "stop")
    assert score.value == 1
    assert scoring.robust({"numbers": [1, 5, 5, 5]}, r"Answer: $5 \times (5 - \frac{1}{5}) = 24$", "stop").value == 1


@pytest.mark.parametrize(
    "response",
    [
        "Answer: no solution",
        "Answer: No solution.",
        "**Answer:** impossible",
        "Answer: It is impossible to make 99 from these numbers.",
        r"\boxed{\text{no solution}}",
        "There is no way to do it.",
        "I tried 10 * 6 + 5 * 4 = 80 and others. 99 cannot be reached.",
        "Answer:\n\nnone",
    ],
)
def test_where_there_is_no_solution_saying_so_is_right(response: str) -> None:
    assert robust(response, target=99, solvable="no").value == 1
    assert robust(response, target=99).value == 1, "found by search, where it is not said"


@pytest.mark.parametrize(
    "response", ["Answer: 10 * 6 + 5 * 4 = 99", "10 * 6 + 5 * 4 = 80, which does not equal 99.", "I'm not sure."]
)
def test_where_there_is_no_solution_nothing_else_is_right(response: str) -> None:
    assert robust(response, target=99, solvable="no").value == 0


def test_truncated_answer_is_not_wrong() -> None:
    for cut in ("Let me try 4 + 5 + 6 + 10 = 25,", "Answer: (10 - 4) *", "Answer: (10 - 4) * 5", "<think> so 4 * 6"):
        assert robust(cut, "length").outcome is Outcome.TRUNCATED, cut


def test_an_answer_given_before_the_cut_counts() -> None:
    assert robust("Answer: (10 - 4) * 5 - 6 = 24\nLet me ex", "length").outcome is Outcome.CORRECT
    assert robust("Answer: 4 * 6 = 24\nLet me ex", "length").outcome is Outcome.WRONG


def test_refusals_are_told_from_unreadable_answers() -> None:
    assert robust("I'm sorry, but I can't help with that.").outcome is Outcome.REFUSED
    assert robust("", "content_filter").outcome is Outcome.REFUSED


def test_numbers_may_be_text_or_a_list() -> None:
    for numbers in ("4 5 6 10", "4,5,6,10", [4, 5, 6, 10], ["10", "6", "5", "4"]):
        assert scoring.robust({"numbers": numbers}, RIGHT[0], "stop").value == 1
        assert scoring.original({"numbers": numbers}, RIGHT[0]).value == 1


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"numbers": None},
        {"numbers": 4},
        {"numbers": "4"},
        {"numbers": "4 five"},
        {"numbers": [4, 5.5]},
        {"numbers": [1] * 9},
        {"numbers": "1 2", "target": "24"},
        {"numbers": "1 2", "target": True},
        {"numbers": "1 2", "solvable": "perhaps"},
        {"numbers": "1 2", "solvable": [1]},
    ],
)
def test_wrong_params_are_explained(params: dict) -> None:
    for rule in ("robust", "original"):
        with pytest.raises(DataError, match=r"params\."):
            Game24(rule=rule).score(params, "Answer: 1 + 2 = 3")


@drawn_and_whole
def test_the_rules_on_published_responses(corpora: Path) -> None:
    """The original rule agrees with the published scorer on each; ours differs on one, which says that 24 is 48."""
    ours, published = Game24(), Game24(rule="original")
    differing = []
    for row in rows("game24", corpora):
        assert (published.score(row["params"], row["response"]).value == 1) == row["expect"]["correct"], row
        score = ours.score(row["params"], row["response"])
        if (score.value == 1) != row["expect"]["correct"]:
            differing.append((row["response"].splitlines()[-1], score.detail["reason"]))
    assert differing == [("Answer: (13 - 9) * (12 - 6) = 48", "unequal_sides")]


TOKENS = ["4", "5", "6", "10", "24", "+", "-", "*", "/", "(", ")", "**", "=", "!", ".", " ", "\n", "^", "√", "\\frac{"]
TOKENS += ["{", "}", "Answer: ", "no solution", "wait,", "\\boxed{", "sqrt(", "[", "x", "²", "≠", "<think>", "```", "%"]


@given(st.lists(st.sampled_from(TOKENS), max_size=60).map("".join) | st.text(max_size=200))
@settings(max_examples=400)
def test_no_text_makes_scoring_raise(response: str) -> None:
    for rule in ("robust", "original"):
        for stop_reason in ("stop", "length", "content_filter"):
            score = Game24(rule=rule).score(PUZZLE, response, stop_reason)
            assert score.value in (0, 1, None)


MILLION = 1_000_000


@pytest.mark.parametrize(
    "response",
    [
        "(" * MILLION,
        "Answer: " + "(" * MILLION + "4" + ")" * MILLION,
        "Answer: " + "-" * MILLION + "4",
        "Answer: " + "4+" * MILLION,
        "Answer: 9**9**9**9**9",
        "Answer: " + "9**" * 300 + "9",
        "Answer: 4" + "!" * 1000,
        "Answer: 4" * 100_000,
        "answer is " * 100_000,
        "answer is x\n" * 100_000,
        "Answer: 4\n" * 100_000,
        "9" * MILLION,
        "Answer: " + "9" * MILLION,
        "\n" * MILLION,
        " " * MILLION,
        "Answer: 4 " + " " * MILLION + "+ 5",
        "a" * MILLION,
        "no " * 300_000,
        "no valid " * 100_000,
        "\\frac{" * 100_000,
        "{" * MILLION,
        "numbers " * 100_000,
        "cannot be " * 100_000,
        "<think>" * 100_000,
        "wait, " * 100_000 + "Answer: 4",
        "Answer: 4 5\nwait, " * 50_000,
        "1) " * 300_000,
        "=" * MILLION,
        "1=" * MILLION,
    ],
    ids=lambda text: text[:12],
)
def test_hostile_text_costs_little_and_is_not_right(response: str) -> None:
    for rule in ("robust", "original"):
        assert Game24(rule=rule).score(PUZZLE, response).value == 0
