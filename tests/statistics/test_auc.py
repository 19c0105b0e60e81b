"""The area under the ROC curve and its interval."""

import random

import pytest

from harness.statistics.auc import auc, auc_estimate, score_interval


def test_the_area_is_the_share_of_pairs_in_order_with_ties_as_halves() -> None:
    assert auc([3, 2, 1], [True, False, False]) == 1
    assert auc([1, 2, 3], [True, False, False]) == 0
    assert auc([1, 1, 1], [True, False, True]) == 0.5
    assert auc([2, 1, 2, 0], [True, True, False, False]) == pytest.approx((0.5 + 1 + 0 + 1) / 4)
    assert auc([1, 2], [True, True]) is None
    assert auc_estimate([1, 2], [True, True], ["a", "b"], 0) is None


def test_a_perfect_area_of_few_has_a_wide_interval() -> None:
    found = auc_estimate([3, 4, 1, 2], [True, True, False, False], list("abcd"), 0)
    assert found.value == found.high == 1
    assert found.low < 0.5
    low, high = score_interval(1.0, 50, 50)
    assert (0.9 < low < 1, high) == (True, 1.0)
    assert score_interval(0.0, 50, 50) == pytest.approx((0.0, 1 - low))


def test_the_interval_is_the_same_each_time_and_wider_for_whole_clusters() -> None:
    rng = random.Random(1)
    groups = [(rng.random() < 0.5, rng.gauss(0, 1)) for _ in range(20)]
    failed = [f for f, _ in groups for _ in range(6)]
    scores = [f * 0.5 + mean + rng.gauss(0, 0.1) for f, mean in groups for _ in range(6)]
    names = [str(i) for i in range(20) for _ in range(6)]
    clustered = auc_estimate(scores, failed, names, 0)
    assert clustered == auc_estimate(scores, failed, names, 0)
    alone = auc_estimate(scores, failed, [str(i) for i in range(120)], 0)
    assert clustered.high - clustered.low > 1.3 * (alone.high - alone.low)


def test_the_interval_holds_the_true_area_as_often_as_it_says() -> None:
    held = 0
    for i in range(60):
        rng = random.Random(i)
        failed = [rng.random() < 0.4 for _ in range(40)]
        scores = [rng.gauss(0.742 if f else 0.0, 1) for f in failed]  # an area of .70
        found = auc_estimate(scores, failed, [str(k) for k in range(40)], i, draws=200)
        held += found.low <= 0.70 <= found.high
    assert held >= 53
