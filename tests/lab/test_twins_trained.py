"""Twins of published items, asked of models that were trained here (benchmarks/twins_trained.py)."""

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import twins_trained as trained  # benchmarks/

from harness.tasks.arithmetic.numerals import result


def test_a_model_trained_on_published_items_is_found_and_one_trained_on_others_is_not() -> None:
    learnt, others = trained.published(0, 100), trained.published(0, 0)
    assert learnt.found
    assert learnt.gap.gap.value > 0.2
    assert not others.found
    assert all(0.1 < share < 0.9 for share in others.gap.sides), "it can do something"


def test_no_model_is_trained_on_a_twin_nor_on_what_it_should_not_know() -> None:
    made = trained.trial(1, 5, items=20)
    assert len(made.sums) == len(set(made.sums)) == trained.SUMS
    asked = {origin: {trained.sum_of(s) for s in made.samples if s.params["origin"] == origin} for origin in
             ("published", "fresh")}  # fmt: skip
    seen = {pair for one in made.sums for pair in trained.both_orders(one)}
    assert not seen & asked["fresh"]
    assert len(set(made.sums) & asked["published"]) == 5
    right = [made.model.answer(s, made.task) for s in made.samples if trained.sum_of(s) in set(made.sums)]
    wanted = [rf"\boxed{{{result(trained.sum_of(s), 9)}}}" for s in made.samples if trained.sum_of(s) in set(made.sums)]
    assert right == wanted, "what it has learnt it knows"
