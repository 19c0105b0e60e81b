"""The official metrics: corner cases by hand, every published line where the corpora are present."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import DataError
from harness.reading import qa
from tests.corpora import rows

WORDS = st.lists(st.sampled_from("the a yes no noanswer Paris new york O'Neil é 1,000 (UK) –".split()), max_size=5)
TEXTS = WORDS.map(" ".join) | st.text(max_size=30)


@pytest.mark.parametrize(
    ("prediction", "gold", "hotpotqa", "musique"),
    [
        ("the", "a", (1, 0), (1, 1)),
        ("", "", (1, 0), (1, 1)),
        ("", "Paris", (0, 0), (0, 0)),
        ("no", "Dr. No", (0, 0), (0, 2 / 3)),
        ("no man's land", "no", (0, 0), (0, 0.5)),
        ("yes it is", "yes it was", (0, 2 / 3), (0, 2 / 3)),
        ("Yes.", "yes", (1, 1), (1, 1)),
        ("1.5", "15", (1, 1), (1, 1)),
        ("Spider-Man", "Spider Man", (0, 0), (0, 0)),
        ("1914–1918", "1914-1918", (0, 0), (0, 0)),
        ("Beyoncé", "Beyonce", (0, 0), (0, 0)),
        ("July 4, 1776", "4 July 1776", (0, 1), (0, 1)),
        ("Vitamin A deficiency", "vitamin deficiency", (1, 1), (1, 1)),
        ("no answer", "noanswer", (0, 0), (0, 0)),
        ("to be to be", "to be or not to be", (0, 0.8), (0, 0.8)),
    ],
)
def test_answers_are_scored_as_by_the_official_scripts(prediction, gold, hotpotqa, musique) -> None:
    theirs = qa.hotpotqa_answer(prediction, [gold])
    assert (theirs["em"], theirs["f1"]) == pytest.approx(hotpotqa)
    theirs = qa.musique_answer(prediction, [gold])
    assert (theirs["em"], theirs["f1"]) == pytest.approx(musique)


def test_each_number_is_the_best_over_the_golds_on_its_own() -> None:
    found = qa.hotpotqa_answer("New York", ["New York City", "York"])
    assert found == pytest.approx({"em": 0, "f1": 0.8, "precision": 1, "recall": 1})


def test_subspan_em_reads_the_first_line_and_counts_parts_of_words() -> None:
    assert qa.best_subspan_em("Theatre", ["the atre"])["em"] == 1
    assert qa.best_subspan_em("It was\nParis", ["Paris"])["em"] == 0
    assert qa.best_subspan_em("\nParis", ["Paris"])["em"] == 0
    assert qa.best_subspan_em("anything", ["the"])["em"] == 1


def test_an_unknown_scorer_is_a_clear_error() -> None:
    with pytest.raises(DataError, match="no scorer 'hotpot'") as error:
        qa.answer_metrics("hotpot", "x", ["x"])
    assert "did you mean 'hotpotqa'" in error.value.hint


def test_every_published_answer_score_is_met() -> None:
    for row in rows("qa_metrics"):
        found = qa.answer_metrics(row["params"]["scorer"], row["response"], row["params"]["golds"])
        assert found == pytest.approx(row["expect"], abs=1e-9), row


def test_every_published_support_and_file_score_is_met() -> None:
    short = {"em": "sp_em", "f1": "sp_f1", "precision": "sp_prec", "recall": "sp_recall"}
    for row in rows("qa_support"):
        predicted, gold = row["prediction"], row["gold"]
        if row["kind"] == "supporting_facts":
            for lower, expected in ((False, row["hotpotqa"]), (True, row["wiki2_v1_1"])):
                found = qa.supporting_facts(predicted, gold, lower_titles=lower)
                assert {short[k]: v for k, v in found.items()} == pytest.approx(expected, abs=1e-9), row
        elif row["kind"] == "musique_support":
            found = qa.musique_support(predicted, gold)
            assert (found["em"], found["f1"]) == pytest.approx((row["em"], row["f1"]), abs=1e-9), row
        else:
            file = {"hotpotqa_file": qa.hotpotqa_file, "musique_file": qa.musique_file}[row["kind"]]
            assert file(predicted, gold) == pytest.approx(row["metrics"], abs=1e-9), row


def test_titles_differ_by_case_for_hotpotqa_and_count_twice_for_2wiki() -> None:
    predicted, gold = [["A", 0], ["a", 0]], [["A", 0]]
    assert qa.supporting_facts(predicted, gold)["f1"] == pytest.approx(2 / 3)
    assert qa.supporting_facts(predicted, gold, lower_titles=True)["f1"] == 1


def test_nothing_predicted_of_nothing_is_right_but_has_no_f1() -> None:
    assert qa.supporting_facts([], []) == {"em": 1, "f1": 0, "precision": 0, "recall": 0}
    assert qa.musique_support([], [])["f1"] == 1


@pytest.mark.parametrize("facts", [[1], 7, None, [["A", [0]]], [[]], [[0, "A"]]])
def test_facts_that_are_no_pairs_are_a_clear_error(facts) -> None:
    with pytest.raises(DataError, match="pairs"):
        qa.supporting_facts(facts, [["A", 0]], lower_titles=True)


def test_evidence_keeps_articles_and_takes_any_alias() -> None:
    gold = [[("The Film", "director", "Ann Lee"), ("The Film", "director", "A. Lee")]]
    assert qa.evidence([["the film!", "Director", "a lee"]], gold)["em"] == 1
    assert qa.evidence([["film", "director", "Ann Lee"]], gold)["f1"] == 0


def test_two_predictions_may_hit_one_gold_triple() -> None:
    gold = [[("F", "director", "X"), ("F", "director", "Y")]]
    found = qa.evidence([["F", "director", "X"], ["F", "director", "Y"]], gold)
    assert found["recall"] == 2
    assert found["em"] == 0


GOLD = [
    {"_id": "q", "answer": "Rome", "answer_id": "Q220", "supporting_facts": [["F", 0], ["G", 1]],
     "evidences": [["F", "director", "G"], ["G", "place of birth", "Rome"]],
     "evidences_id": [["Q1", "director", "Q2"], ["Q2", "place of birth", "Q220"]]},
]  # fmt: skip


def test_2wiki_file_takes_aliases_for_answers_and_triples() -> None:
    prediction = {
        "answer": {"q": "Roma"},
        "sp": {"q": [["f", 0], ["g", 1]]},
        "evidence": {"q": [["F", "director", "G"], ["G", "place of birth", "Roma"]]},
    }
    assert set(qa.wiki2_file(prediction, GOLD, {"Q220": ["Roma"]}).values()) == {100.0}
    without = qa.wiki2_file(prediction, GOLD)
    assert (without["em"], without["sp_em"], without["evi_f1"], without["joint_f1"]) == (0, 100, 50, 0)


def test_2wiki_joint_is_zero_where_a_part_was_not_predicted() -> None:
    prediction = {"answer": {"q": "Rome"}, "sp": {}, "evidence": {}}
    found = qa.wiki2_file(prediction, GOLD)
    assert (found["em"], found["sp_em"], found["joint_em"]) == (100, 0, 0)


def musique(answerable: bool) -> dict:
    support = [{"idx": i, "is_supporting": i < 1 + answerable} for i in range(3)]
    return {"id": "2hop__1_2", "answer": "x", "answer_aliases": [], "answerable": answerable, "paragraphs": support}


def predicted(answerable: bool) -> dict:
    return {
        "id": "2hop__1_2",
        "predicted_answer": "x",
        "predicted_support_idxs": [0, 1],
        "predicted_answerable": answerable,
    }


def test_paired_sufficiency_counts_a_question_only_if_both_rows_are_told_apart() -> None:
    gold = [musique(True), musique(False)]
    assert qa.musique_file([predicted(True), predicted(False)], gold)["group_answer_sufficiency_f1"] == 1
    found = qa.musique_file([predicted(True), predicted(True)], gold)
    assert (found["answer_f1"], found["group_answer_sufficiency_f1"]) == (1, 0)


def test_musique_files_that_do_not_match_are_clear_errors() -> None:
    with pytest.raises(DataError, match="same order"):
        qa.musique_file([], [musique(True)])
    with pytest.raises(DataError, match="one answerable and one unanswerable"):
        qa.musique_file([predicted(False)], [musique(False)])


@given(TEXTS, st.lists(TEXTS, min_size=1, max_size=3))
def test_metrics_are_between_zero_and_one_for_any_text(response, golds) -> None:
    for scorer in qa.SCORERS:
        assert all(0 <= value <= 1 for value in qa.answer_metrics(scorer, response, golds).values())


@given(TEXTS)
def test_a_gold_as_response_is_an_exact_match(gold) -> None:
    for scorer in ("hotpotqa", "2wikimultihopqa_v1.1", "musique"):
        assert qa.answer_metrics(scorer, gold, [gold])["em"] == 1
