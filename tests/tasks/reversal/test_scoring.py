"""The published readings on the worked cases, and the robust one on what models say."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.tasks.reversal import scoring
from harness.tasks.reversal.task import Reversal
from harness.types import Outcome

CRUISE = {"set": "celebrities", "direction": "reverse", "answer": "Tom Cruise"}
CONTEXT = {
    "set": "context",
    "answer": "the author of the novel Idle Ferry",
    "others": "the painter of the triptych Last Kettle",
}


@pytest.mark.parametrize(
    ("response", "one_query", "any_of_k"),
    [
        ("Tom Cruise", True, True),
        ("Tom Cruise.", True, True),
        ("Tom Cruise III", True, True),
        ("Tom Cruise, Lee Anne De Vette", True, False),
        ("tom cruise", False, False),
        ("Cruise", False, False),
        ("I don't know.", False, False),
        ("Thomas Cruise Mapother IV", False, False),
        ("One child is Tom Cruise", False, False),
        ("Mary Lee Pfeiffer's child is Tom Cruise.", False, False),
        ("Lee Anne De Vette\nTom Cruise", False, True),
        ("", False, False),
    ],
)
def test_the_published_readings_are_kept_apart(response: str, one_query: bool, any_of_k: bool) -> None:
    score = scoring.original(CRUISE, response)
    assert (score.value == 1) == one_query
    assert (score.detail["one_query"], score.detail["any_of_k"]) == (one_query, any_of_k)
    robust = scoring.robust(CRUISE, response, "stop").detail
    assert (robust["one_query"], robust["any_of_k"]) == (one_query, any_of_k), "under either rule"


@pytest.mark.parametrize(("response", "named"), [("Jane Roe", True), ("I don't know.", False), ("a woman", False)])
def test_any_name_counts_as_knowing_a_parent_in_the_published_forward_test(response: str, named: bool) -> None:
    assert scoring.original(CRUISE, response).detail["named"] is named


def test_letter_case_does_not_count_for_fictional_people() -> None:
    params = {"set": "fictional", "answer": "the author of the novel Idle Ferry"}
    score = scoring.original(params, " The author of the novel Idle Ferry.")
    assert (score.value, score.detail["one_query"]) == (1, True)
    assert "any_of_k" not in score.detail
    assert scoring.original(params, "Known as the author of the novel Idle Ferry").value == 0


@pytest.mark.parametrize(
    ("response", "value"),
    [
        ("Tom Cruise", 1),
        ("tom cruise", 1),
        ("**Tom Cruise**", 1),
        ("One child is Tom Cruise", 1),
        ("Mary Lee Pfeiffer's child is Tom Cruise.", 1),
        ("Tom Cruise, Lee Anne De Vette", 1),
        ("Mary has four children: Lee Anne, Marian, Cass and Tom Cruise.", 0),
        ("Let me think. " * 30 + "The answer is Tom Cruise. She had others too.", 1),
        ("<think>Lee Anne De Vette</think>Tom Cruise", 1),
        ("Lee Anne De Vette, Tom Cruise", 0),
        ("It is not Tom Cruise.", 0),
        ("Cruise", 0),
        ("Tom Cruises", 0),
        ("Thomas Cruise Mapother IV", 0),
        ("I don't know.", 0),
        ("I do not know who that is. It may be anyone.", 0),
    ],
)
def test_robust_rule_takes_the_one_name_that_is_given(response: str, value: int) -> None:
    assert scoring.robust(CRUISE, response, "stop").value == value


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("The author of the novel Idle Ferry.", Outcome.CORRECT),
        ("Ada Orr is the author of the novel 'Idle Ferry'.", Outcome.CORRECT),
        ("author of the novel Idle Ferry", Outcome.CORRECT),
        ("the painter of the triptych Last Kettle", Outcome.WRONG),
        ("the author of the novel Last Kettle", Outcome.WRONG),
        ("the painter of the triptych Last Kettle, or the author of the novel Idle Ferry", Outcome.UNPARSED),
        ("", Outcome.UNPARSED),
    ],
)
def test_naming_several_people_of_the_prompt_is_no_answer(response: str, outcome: Outcome) -> None:
    assert scoring.robust(CONTEXT, response, "stop").outcome is outcome


def test_accents_and_possessives_do_not_matter() -> None:
    params = {"answer": "Zoë Kravitz"}
    for response in ("Zoe Kravitz", "ZOË KRAVITZ!", "Zoe\u0308 Kravitz", "Zoë Kravitz's father"):
        assert scoring.robust(params, response, "stop").value == 1


def test_not_knowing_is_a_refusal_and_counts() -> None:
    score = scoring.robust(CRUISE, "I don't know.", "stop")
    assert (score.outcome, score.value) == (Outcome.REFUSED, 0)


def test_truncated_answer_is_not_wrong() -> None:
    assert scoring.robust(CRUISE, "Her children are Lee Anne and", "length").outcome is Outcome.TRUNCATED
    assert scoring.robust(CRUISE, "Answer: Tom Cruise\nShe had", "length").outcome is Outcome.CORRECT
    assert scoring.robust(CRUISE, "", "content_filter").outcome is Outcome.REFUSED


def test_a_trained_model_that_goes_on_has_answered_in_its_first_line() -> None:
    params = {"set": "fictional", "answer": "Ada Orr"}
    for response, outcome in (("Ada Orr.\nBea", "correct"), ("Bea Orr.\nAda Orr", "wrong"), ("Ada Orr", "truncated")):
        assert scoring.robust(params, response, "length").outcome == outcome
    assert scoring.robust(CRUISE, "Let me think.\nHer", "length").outcome is Outcome.TRUNCATED


@pytest.mark.parametrize("params", [{}, {"answer": 7}, {"answer": " "}, {"answer": "A B", "others": 3}])
def test_params_without_a_target_are_a_clear_error(params: dict[str, object]) -> None:
    with pytest.raises(DataError, match=r"params\."):
        scoring.robust(params, "Tom Cruise", "stop")


PIECES = st.sampled_from(
    "Tom Cruise|answer: |answer is|not |\n|, |. |the |'s|**|_|<think>|</think>|é|I don't know| and ".split("|")
)


@given(st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=200))
@example("answer: " * 3000)
@example("Tom Cruise " * 3000)
@example("not Tom Cruise " * 3000)
@example("A " * 50_000)
@example("A. " * 50_000)
def test_no_text_breaks_either_rule(text: str) -> None:
    for params in (CRUISE, CONTEXT):
        for rule in ("robust", "original"):
            assert Reversal(rule=rule).score(params, text).value in (0, 1)
