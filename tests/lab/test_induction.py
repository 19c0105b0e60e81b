"""Induction heads in models that are trained here (benchmarks/induction.py): with two layers, and not with one."""

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import induction as training  # benchmarks/induction.py
import torch

from harness.lab import induction
from harness.lab.circuit import Graph
from harness.lab.circuit_study import induction_study
from harness.lab.induction import HeadScores

SEED = 0


@pytest.fixture(scope="module")
def two():
    lab = training.fresh(2, SEED)
    return lab, training.trained(lab, 300, SEED, looks=(0, 75))


@pytest.fixture(scope="module")
def fixed():
    """One layer, trained on copies that all have one distance."""
    lab = training.fresh(1, SEED)
    return lab, training.trained(lab, 300, SEED, fixed=True, rate=2e-2)


def test_two_layers_learn_induction_in_a_jump(two) -> None:
    lab, (start, before, after) = two
    assert max(s.prefix_matching for s in induction.measure(training.fresh(2, SEED), 12)[0]) < 0.1
    assert start.prefix < 0.1
    assert before.prefix < 0.2
    assert before.second > 2.5
    assert after.prefix > 0.9
    assert after.prefix_other > 0.9
    assert after.second < 0.1
    assert after.first > 3
    assert after.previous > 0.6
    assert after.copying > 0.8
    assert max(s.prefix_matching for s in induction.measure(lab, 12)[0] if s.layer == 0) < 0.2


def test_its_keys_read_the_previous_token_head(two) -> None:
    _, (start, _, after) = two
    assert start.keys == pytest.approx(1, abs=0.15)
    assert after.keys > 1.5


def test_one_layer_learns_none() -> None:
    one = training.fresh(1, SEED)
    after = training.trained(one, 300, SEED)[-1]
    assert after.prefix < 0.2
    assert after.second > 1.5
    assert after.keys is None


def test_what_looks_a_number_of_places_back_is_not_taken_for_induction(fixed, two) -> None:
    lab, (after,) = fixed
    assert after.prefix > 0.5
    assert after.prefix_other < 0.1
    assert after.second_other > 5
    said = induction_study(lab, training.HALF, 8, 0).sentences[0]
    assert "do so at this distance alone" in said
    assert "at this distance alone" not in induction_study(two[0], training.HALF, 8, 0).sentences[0]


def test_the_summary_counts_heads_that_match_at_both_distances() -> None:
    def scores(*values: float) -> list[HeadScores]:
        return [HeadScores(0, i, value, 0.0, 0.0) for i, value in enumerate(values)]

    said = induction.summary(scores(0.9, 0.8, 0.0), scores(0.9, 0.1, 0.0))
    assert said.startswith("2 of 3 heads match")
    assert "1 of them do so at this distance alone (such as 0.1: 0.10 at the other)" in said
    assert [induction.elsewhere(half) for half in (2, 3, 12, 24)] == [3, 2, 9, 18]


@pytest.mark.parametrize("is_fixed", [True, False])
def test_strings_repeat_at_distances_that_vary_unless_they_are_fixed(is_fixed: bool) -> None:
    ids = training.copies(64, torch.Generator().manual_seed(0), is_fixed)
    distances = set()
    for row in ids[:, 1:]:
        distance = next(d for d in range(1, 25) if torch.equal(row[d:], row[:-d]))
        assert len(set(row[:distance].tolist())) == distance
        distances.add(distance)
    assert distances == ({12} if is_fixed else set(range(5, 13)))
    assert ids[:, 0].eq(0).all()
    assert ids[:, 1:].min() > 0


def test_the_mlps_add_nothing_and_stay_so(two) -> None:
    lab, _ = two
    assert not any(p.any() for block in lab.layers for p in block.mlp.parameters())
    assert not any(sender.startswith("mlp") for sender in Graph(lab).senders)
