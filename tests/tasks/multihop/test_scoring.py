"""Both rules on free text: what a response commits to, and the official numbers beside it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.tasks.multihop.task import Multihop
from harness.types import Outcome
from tests.corpora import rows

NAMED = {"answer": "Rikvon", "scorer": "musique", "candidates": "Rikvon,Tazkel,Movbut"}
YES = {"answer": "yes", "scorer": "hotpotqa"}
FREE = {"golds": ["New York City", "NYC"], "scorer": "musique"}
TWIN = NAMED | {"answer": "unanswerable"}


def robust(params, response: str, stop_reason="stop"):
    return Multihop().score(params, response, stop_reason)


@pytest.mark.parametrize(
    "response",
    [
        "Rikvon",
        "rikvon.",
        "**Rikvon**",
        "Answer: Rikvon",
        "**Answer:** Rikvon",
        "### Final answer\nAnswer:\n\nRikvon",
        "The answer is Rikvon.",
        "\\boxed{Rikvon}",
        "\\boxed{\\text{Rikvon}}",
        "Rikvon\n\nTazkel is based in Movbut, and Movbut is governed by Rikvon.",
        "Tazkel is based in Movbut.\nMovbut is governed by Rikvon.\n\nSo the person is **Rikvon**.",
        "First, document 3 says that Tazkel is based in Movbut. Then, Movbut is governed by Rikvon.\nThe person who "
        "governs it is Rikvon.",
        "<think>Maybe Tazkel. Answer: Tazkel</think>Rikvon",
        "Answer: Tazkel\nWait, that's wrong. It is governed by Rikvon.",
        "Answer: Tazkel\nAnswer: Rikvon",
        "Rikvon, who governs Movbut",
        "The name of the person who governs Movbut is Rikvon.",
        "Answer: Rikvon. The other documents do not mention this town.",
        "The documents do not say so directly, but it must be Rikvon.",
        "“Rikvon”",
    ],
)
def test_names_are_read_out_of_sentences(response: str) -> None:
    score = robust(NAMED, response)
    assert (score.outcome, score.answer) == (Outcome.CORRECT, "Rikvon")


@pytest.mark.parametrize(
    ("response", "answer"),
    [("Tazkel", "Tazkel"), ("Paris", "Paris"), ("unanswerable", "unanswerable"), ("I don't know.", "unanswerable")],
)
def test_another_answer_is_wrong_not_unparsed(response: str, answer: str) -> None:
    score = robust(NAMED, response)
    assert (score.outcome, score.answer) == (Outcome.WRONG, answer)


@pytest.mark.parametrize("response", ["", "   ", "Rikvon or Tazkel", "<think>Rikvon", "Answer: Rikvon. Wait, no. Hmm."])
def test_what_commits_to_nothing_is_unparsed(response: str) -> None:
    assert robust(NAMED, response).outcome in (Outcome.UNPARSED, Outcome.WRONG)
    assert robust(NAMED, response).value == 0


@pytest.mark.parametrize(
    "response",
    [
        "unanswerable",
        "Unanswerable.",
        "**unanswerable**",
        "Answer: unanswerable",
        "Answer: not stated in the documents",
        "The answer is not given in the documents.",
        "The documents do not say who governs Movbut.",
        "This cannot be determined from the documents.",
        "There is not enough information.",
        "Tazkel is based in Movbut.\nNo document says who governs it.\n\nAnswer: unanswerable",
    ],
)
def test_saying_that_there_is_no_answer_is_right_in_the_twin_alone(response: str) -> None:
    assert robust(TWIN, response).value == 1
    assert robust(NAMED, response).value == 0


def test_a_name_in_the_twin_is_wrong() -> None:
    assert robust(TWIN, "Rikvon").outcome is Outcome.WRONG


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        ("yes", Outcome.CORRECT),
        ("Yes, both are rivers.", Outcome.CORRECT),
        ("**Yes**\n\nNo doubt about it.", Outcome.CORRECT),
        ("Both are rivers, so the answer is yes.", Outcome.CORRECT),
        ("True", Outcome.CORRECT),
        ("No.", Outcome.WRONG),
        ("No, but yes later", Outcome.WRONG),
    ],
)
def test_yes_and_no_are_read_out_of_sentences(response: str, outcome: Outcome) -> None:
    assert robust(YES, response).outcome is outcome


@pytest.mark.parametrize(
    ("response", "value"),
    [
        ("New York City", 1),
        ("the new york city", 1),
        ("It was New York City.", 1),
        ("NYC", 1),
        ("New-York City", 1),
        ("New York", 0),
        ("Boston or NYC", 0),
        ("not NYC", 0),
        ("Answer: Boston. NYC came second.", 0),
        ("Boston", 0),
        ("St. Paul, not NYC", 0),
    ],
)
def test_phrases_of_published_sets_are_found_as_whole_words(response: str, value: int) -> None:
    assert robust(FREE, response).value == value


def test_original_takes_the_response_as_it_stands() -> None:
    task = Multihop(rule="original")
    assert task.score(NAMED, "rikvon.").value == 1
    assert task.score(NAMED, "Answer: Rikvon").value == 0
    assert task.score(TWIN, "Unanswerable").value == 1
    assert task.score(FREE, "Answer: NYC").detail["f1"] == pytest.approx(2 / 3)


def test_both_rules_give_the_official_numbers_of_the_whole_response() -> None:
    for rule in ("robust", "original"):
        detail = Multihop(rule=rule).score(YES | {"golds": ["York"]}, "Answer: York").detail
        assert {k: detail[k] for k in ("em", "f1", "precision", "recall")} == pytest.approx(
            {"em": 0, "f1": 2 / 3, "precision": 0.5, "recall": 1}
        )


def test_a_cut_response_is_not_wrong_unless_it_had_answered() -> None:
    long = "First, we look for the town. It must be in one of the documents. Each of them names a town, and "
    assert robust(NAMED, long, "length").outcome is Outcome.TRUNCATED
    assert robust(NAMED, "The person who governs Tazkel", "length").outcome is Outcome.TRUNCATED
    assert robust(NAMED, f"Answer: Rikvon\n{long}", "length").outcome is Outcome.CORRECT
    assert Multihop(rule="original").score(NAMED, long, "length").outcome is Outcome.TRUNCATED


def test_refusals_are_told_from_unreadable_answers() -> None:
    assert robust(NAMED, "", "content_filter").outcome is Outcome.REFUSED


@pytest.mark.parametrize(
    "params",
    [{}, {"answer": 3}, {"golds": []}, {"golds": "x"}, {"golds": [1]}, {"answer": "x", "aliases": "{"},
     {"golds": ["x"], "scorer": "hotpot"}, {"golds": ["x"]}],
)  # fmt: skip
def test_params_without_golds_or_scorer_are_a_clear_error(params) -> None:
    with pytest.raises(DataError):
        robust(params, "x")


def test_aliases_count() -> None:
    assert robust({"answer": "A B", "aliases": '["C"]', "scorer": "musique"}, "c").value == 1


PARTS = st.sampled_from(
    ["Answer:", "**", "Rikvon", "Tazkel", "yes", "no", "\\boxed{", "}", "\n", " or ", "wait,", "<think>", "</think>",
     "the answer is", "not", "unanswerable", "é", "\u0130", "'", "*", "#", "or"]
)  # fmt: skip
ANYTHING = st.text(max_size=200) | st.lists(PARTS, max_size=20).map(" ".join)


@given(
    ANYTHING, st.sampled_from([NAMED, YES, FREE, TWIN]), st.sampled_from(["stop", "length", "content_filter", "other"])
)
def test_no_text_makes_scoring_fail(response, params, stop_reason) -> None:
    for rule in ("robust", "original"):
        score = Multihop(rule=rule).score(params, response, stop_reason)
        assert score.value in (0, 1, None)
        assert (score.value == 1) == (score.outcome is Outcome.CORRECT)


@pytest.mark.parametrize(
    "piece", ["answer: ", "**", "\\boxed{", "wait ", " \n", "the answer is not ", "<think>", "no "]
)
def test_hostile_length_is_no_trouble(piece: str) -> None:
    """Linear patterns only: a square of this length would not end."""
    robust(NAMED, piece * 40_000)
    robust(FREE, piece * 40_000)


def test_every_published_answer_score_is_in_the_detail() -> None:
    for rule in ("robust", "original"):
        task = Multihop(rule=rule)
        for row in rows("qa_metrics"):
            detail = task.score(row["params"], row["response"]).detail
            assert {k: detail[k] for k in row["expect"]} == pytest.approx(row["expect"], abs=1e-9), row
