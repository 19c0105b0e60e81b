"""Both rules on hand-made cases, and agreement with the published scorer on real responses."""

import hashlib
import json
from pathlib import Path

import pytest

from harness.tasks.aiw import scoring
from harness.tasks.aiw.task import AIW
from harness.types import Outcome
from tests.corpora import drawn_and_whole, rows

DISAGREEMENTS = json.loads((Path(__file__).parent / "robust_disagreements.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("response", "parsed"),
    [
        ("### Answer: 7", "7"),
        ("### Answer:\n\n**7**", "7"),
        ("### Answer: 7.0", "7"),
        ("Alice's brother has 7 sisters.", "7"),
        ("### Answer: Alice's brother has 6 sisters plus Alice, i.e. 7.", "6"),
        ("Let me check. Answer: first guess 6. Correction... ### Answer: 7", "6"),
        ("### Answer: Since Alice has 3 brothers, each brother has 7 sisters", "3"),
        ("The answer is 7.", None),
        ("### Answer: seven", None),
        ("**Final:** \\boxed{7}", None),
        ("", None),
        ("answer: none. answer: 4", "4"),
        ("Answer: M+1, she has 5", "1"),
    ],
)
def test_original_rule_reads_as_published(response: str, parsed: str | None) -> None:
    score = scoring.original({"answer": "7"}, response)
    assert score.answer == parsed
    assert (score.outcome is Outcome.CORRECT) == (parsed == "7")


@pytest.mark.parametrize(
    ("response", "right"), [("So M+1", True), ("M  +\n1 sisters", True), ("M 1", True), ("m+1", False), ("N+1", False)]
)
def test_original_rule_looks_for_the_expression_anywhere(response: str, right: bool) -> None:
    assert (scoring.original({"answer": "M+1"}, response).value == 1) == right


@pytest.mark.parametrize("response", ["1 + M", "### Answer: M+1", "Each brother has (M + 1) sisters.", "\\boxed{M+1}"])
def test_robust_rule_compares_expressions_as_values(response: str) -> None:
    assert scoring.robust({"answer": "M+1"}, response, "stop").value == 1


def test_a_wrong_expression_is_wrong_not_unparsed() -> None:
    assert scoring.robust({"answer": "M+1"}, "### Answer: M", "stop").outcome is Outcome.WRONG


def test_truncated_answer_is_not_wrong() -> None:
    assert scoring.robust({"answer": "7"}, "Alice is a girl, so", "length").outcome is Outcome.TRUNCATED
    assert scoring.robust({"answer": "7"}, "Alice is a girl, so", "length").value is None


def test_the_last_number_of_a_cut_text_is_not_its_conclusion() -> None:
    cut = "We first note: Alice has 3 brothers. She also has 6 sisters."
    assert scoring.robust({"answer": "7"}, cut, "length").outcome is Outcome.TRUNCATED
    assert scoring.robust({"answer": "7"}, cut, "content_filter").outcome is Outcome.REFUSED


def test_truncation_inside_thinking_is_truncation() -> None:
    assert scoring.robust({"answer": "7"}, "<think> maybe ### Answer: 7", "length").outcome is Outcome.TRUNCATED


def test_an_answer_given_before_the_cut_counts() -> None:
    assert scoring.robust({"answer": "7"}, "### Answer: 7\nLet me explain", "length").outcome is Outcome.CORRECT


def test_refusals_are_told_from_unreadable_answers() -> None:
    assert scoring.robust({"answer": "7"}, "I'm sorry, but I can't help with that.", "stop").outcome is Outcome.REFUSED
    assert scoring.robust({"answer": "7"}, "", "content_filter").outcome is Outcome.REFUSED
    assert scoring.robust({"answer": "7"}, "Who knows.", "stop").outcome is Outcome.UNPARSED


def test_floats_of_the_published_file_are_numbers() -> None:
    assert scoring.robust({"answer": "3.0"}, "### Answer: 3", "stop").value == 1


@drawn_and_whole
def test_original_rule_agrees_with_the_published_scorer_on_every_response(corpora: Path) -> None:
    task = AIW(rule="original")
    for row in rows("aiw", corpora):
        score = task.score(row["params"], row["response"])
        assert (score.answer, score.value == 1) == (row["expect"]["parsed"], row["expect"]["correct"])


@drawn_and_whole
def test_robust_disagrees_exactly_where_it_was_looked_at(corpora: Path) -> None:
    """Each entry of the list says why ours is the better reading."""
    found = {}
    for row in rows("aiw", corpora):
        ours = AIW().score(row["params"], row["response"])
        if (ours.answer, ours.value == 1) != (row["expect"]["parsed"], row["expect"]["correct"]):
            digest = hashlib.sha256(row["response"].encode()).hexdigest()[:16]
            found[digest] = (row["params"]["prompt_id"], row["expect"]["parsed"], ours.answer, ours.outcome.value)
    listed = {d["response"]: (d["prompt_id"], d["original"], d["robust"], d["outcome"]) for d in DISAGREEMENTS}
    assert found == listed


def test_every_disagreement_has_a_reason() -> None:
    assert all(d["why"] for d in DISAGREEMENTS)
