"""Intervals against published values and plain facts about them."""

import math
from statistics import stdev

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import t as student_t

from harness.statistics import curve, intervals
from harness.statistics.intervals import MatchedDifference, Stratum


def test_wilson_agrees_with_newcombe_1998_table_1() -> None:
    """81 of 263, 15 of 148, 0 of 20, 1 of 29 (method 3, without continuity correction)."""
    expected = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (k, n), (low, high) in expected.items():
        assert intervals.wilson(k, n) == pytest.approx((low, high), abs=5e-5)


def test_difference_agrees_with_newcombe_1998_method_10() -> None:
    """56/70 against 48/80: 0.0524 to 0.3339."""
    assert intervals.difference(56, 70, 48, 80) == pytest.approx((0.0524, 0.3339), abs=5e-5)


def test_paired_agrees_with_agresti_and_min_for_few_pairs() -> None:
    """n = 5 pairs, 2 against 1 discordant: their adjusted Wald interval by hand, with t for z."""
    n, b, c = 7, 2.5, 1.5
    d = (b - c) / n
    half = 2.776445 * ((b + c) / n - d * d) ** 0.5 / n**0.5
    assert intervals.paired([1.0, 1.0, -1.0, 0.0, 0.0]) == pytest.approx(
        (max(-1, d - half), min(1, d + half)), rel=0.005
    )


@given(st.lists(st.sampled_from([-1.0, -0.5, 0.0, 0.5, 1.0]), min_size=2, max_size=30), st.floats(0.1, 1))
def test_the_interval_of_a_mean_has_the_scale_of_its_values(values: list[float], scale: float) -> None:
    if any(values):
        low, high = intervals.mean_interval(values)
        assert intervals.mean_interval([scale * v for v in values]) == pytest.approx((scale * low, scale * high))


def test_the_interval_of_skewed_values_leans_to_their_tail() -> None:
    """And is Student's where there is no skew."""
    values = [0.0] * 20 + [1.0, 2.0]
    mean = sum(values) / len(values)
    low, high = intervals.skewed_mean_interval(values)
    assert high - mean > mean - low
    low, high = intervals.skewed_mean_interval([-1.0, 0.0, 1.0, 0.0])
    assert (low, high) == pytest.approx((-3.182446 * (2 / 3) ** 0.5 / 2, 3.182446 * (2 / 3) ** 0.5 / 2), rel=0.005)
    assert intervals.skewed_mean_interval([0.0, 0.0, 0.0]) == intervals.mean_interval([0.0, 0.0, 0.0])


def test_linearised_values_have_the_mean_over_all_members() -> None:
    """Clusters that all have one mean do not spread, whatever their sizes."""
    values = intervals.linearised([(1.0, 2), (3.0, 6), (0.5, 1)])
    assert values == pytest.approx([0.5] * 3)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_its_estimate_and_is_never_empty(kn: tuple[int, int]) -> None:
    low, high = intervals.wilson(*kn)
    assert 0 <= low <= kn[0] / kn[1] <= high <= 1
    assert high - low > 0.001


@given(st.lists(st.sampled_from([-1.0, 0.0, 0.5, 1.0]), min_size=1, max_size=40))
def test_a_paired_gap_never_has_zero_width(differences: list[float]) -> None:
    low, high = intervals.paired(differences)
    assert -1 <= low < high <= 1


def test_all_right_in_every_repeat_does_not_count_all_repeats() -> None:
    """Sixty groups of 12 identical repeats are sixty observations, and two of 360 are no fewer than one of 360."""
    estimate = intervals.accuracy([(12.0, 12)] * 60)
    assert (estimate.value, estimate.n) == (1.0, 720)
    assert estimate.low == pytest.approx(intervals.wilson(60, 60)[0])
    assert intervals.accuracy([(360.0, 360)] * 2).low == pytest.approx(intervals.wilson(360, 360)[0])


@pytest.mark.parametrize("right", [0, 1, 18, 29, 30])
def test_more_groups_like_those_at_hand_never_widen_the_interval(right: int) -> None:
    made = [intervals.accuracy([(float(right), 30)] * groups) for groups in range(1, 40)]
    widths = [e.high - e.low for e in made]
    assert widths == sorted(widths, reverse=True)
    assert (made[0].low, made[0].high) == pytest.approx(intervals.wilson(right, 30))


def test_two_groups_that_differ_are_not_worth_their_answers() -> None:
    split = intervals.accuracy([(30.0, 30), (0.0, 30)])
    assert (split.low, split.high) == pytest.approx((0.05, 0.95), abs=0.05)


def test_the_variance_between_groups_has_one_degree_of_freedom_less_than_groups() -> None:
    """With many answers a group the binomial part vanishes: Student's interval of the groups' means is left."""
    means = [0.2, 0.5, 0.4, 0.7, 0.35, 0.6, 0.45, 0.4, 0.5, 0.3]
    found = intervals.accuracy([(100_000 * m, 100_000) for m in means])
    effective = found.value * (1 - found.value) / (stdev(means) ** 2 / 10 * 9 / 9.5)
    t = intervals.student(0.95, 9)
    assert (found.low, found.high) == pytest.approx(
        intervals.wilson(found.value * effective, effective, quantile=t), abs=2e-4
    )


@pytest.mark.parametrize("df", [1, 1.1, 1.25, 1.5, 1.8, 2, 2.3, 2.7, 2.9, 3, 3.3, 5, 9.5, 30])
def test_students_quantiles(df: float) -> None:
    exact = float(student_t.ppf(0.975, df))
    assert intervals.student(0.95, df) == pytest.approx(exact, rel=0.03 if 1 < df < 2 else 0.005)


def test_a_gap_over_strata_of_other_sizes_weighs_estimate_and_interval_alike() -> None:
    """Equal accuracy in both strata: the gap is 0 and the interval holds it inside, not at its end."""
    low, high = intervals.stratified_difference([Stratum(9, 10, 90, 100), Stratum(10, 100, 1, 10)], [0.5, 0.5])
    assert low < 0 < high


LIKE = {
    "one pair that changed": [(1, 1, 0, 1)],
    "one pair that did not": [(1, 1, 1, 1)],
    "thirty answers": [(27, 30, 3, 30)],
    "all right, none right": [(30, 30, 0, 30)],
    "no difference": [(30, 30, 30, 30)],
    "two answers": [(1, 2, 0, 2)],
    "four answers": [(3, 4, 1, 4)],
    "pairs of all kinds": [(1, 1, 0, 1), (1, 1, 1, 1), (0, 1, 0, 1)],
    "groups that differ": [(30, 30, 0, 30), (15, 30, 15, 30)],
    "uneven sides": [(9, 10, 1, 2), (3, 3, 8, 20)],
}


@pytest.mark.parametrize("groups", LIKE.values(), ids=LIKE)
def test_more_groups_like_those_at_hand_never_widen_a_gap(groups: list[tuple[float, int, float, int]]) -> None:
    """Also not from four groups to five: there is no number of groups at which another rule begins."""
    widths = []
    for times in range(1, 25):
        low, high = MatchedDifference([[Stratum(*cells)] for cells in groups * times]).interval()
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)


def test_the_gap_of_one_group_of_many_answers_is_newcombes() -> None:
    one = Stratum(140, 200, 90, 300)
    assert MatchedDifference([[one]]).interval() == pytest.approx(intervals.difference(*one), abs=1e-4)


def test_the_gap_of_many_pairs_is_that_of_their_differences() -> None:
    groups = [(1, 1, 0, 1)] * 90 + [(0, 1, 1, 1)] * 30 + [(1, 1, 1, 1)] * 180
    differences = [float(a - b) for a, _, b, _ in groups]
    found = MatchedDifference([[Stratum(*cells)] for cells in groups])
    assert found.value == pytest.approx(0.2)
    assert found.interval() == pytest.approx(intervals.paired(differences), abs=2e-3)


def test_a_gap_is_never_more_certain_than_its_repeats() -> None:
    """Two groups that happen to agree say nothing of how groups differ, but their answers still vary."""
    low, high = MatchedDifference([[Stratum(15, 30, 9, 30)]] * 2).interval()
    normal = 2 * 1.9599 * math.sqrt((0.25 + 0.21) / 30 / 2)
    assert high - low >= normal


def test_groups_that_differ_widen_a_gap() -> None:
    alike = MatchedDifference([[Stratum(15, 30, 9, 30)]] * 6).interval()
    split = MatchedDifference([[Stratum(30, 30, 0, 30)]] * 3 + [[Stratum(0, 30, 18, 30)]] * 3).interval()
    assert split[1] - split[0] > 2 * (alike[1] - alike[0])


counts_of_a_side = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
strata = st.tuples(counts_of_a_side, counts_of_a_side).map(lambda sides: Stratum(*sides[0], *sides[1]))


@given(st.lists(st.lists(strata, min_size=1, max_size=3), min_size=1, max_size=12), st.floats(0.5, 0.999))
def test_the_interval_of_a_gap_holds_it_and_grows(groups: list[list[Stratum]], confidence: float) -> None:
    found = MatchedDifference(groups)
    low, high = found.interval(confidence)
    assert -1 <= low <= found.value <= high <= 1
    assert high - low > 0
    wider = found.interval(confidence + (1 - confidence) / 2)
    assert wider[0] <= low + 1e-9
    assert wider[1] >= high - 1e-9


def test_groups_that_differ_widen_the_interval() -> None:
    alike = intervals.accuracy([(15.0, 30)] * 10)
    split = intervals.accuracy([(30.0, 30)] * 5 + [(0.0, 30)] * 5)
    assert split.high - split.low > 2 * (alike.high - alike.low)


def test_no_verdict_no_accuracy() -> None:
    assert intervals.accuracy([]) is None
    assert intervals.accuracy([(0.0, 0)]) is None


def test_the_curve_s_covariance_is_robust_and_has_the_factor_of_hc1() -> None:
    """By hand: (X'WX)^-1 X' diag(r^2) X (X'WX)^-1 times n / (n - 2)."""
    points = [(2.0, 9.0, 10), (3.0, 2.0, 10), (4.0, 9.0, 10), (5.0, 1.0, 10), (6.0, 6.0, 10), (8.0, 1.0, 10)]
    fit = curve.logistic(points)
    x = np.array([[1.0, p[0]] for p in points])
    n = np.array([p[2] for p in points])
    p = 1 / (1 + np.exp(-(x @ [fit.intercept, fit.slope])))
    bread = np.linalg.inv(x.T @ (x * (n * p * (1 - p))[:, None]))
    residual = np.array([k for _, k, _ in points]) - n * p
    cov = bread @ (x.T @ (x * (residual**2)[:, None])) @ bread * 6 / 4
    assert [fit.var_intercept, fit.covariance, fit.var_slope] == pytest.approx([cov[0, 0], cov[0, 1], cov[1, 1]], 1e-4)
    plain = bread[1, 1]
    assert fit.var_slope > 1.5 * plain


def test_a_mean_over_clusters_is_that_of_the_members_with_the_interval_of_the_clusters() -> None:
    """Points off by group: more members of the same groups tell nothing new, more groups do."""
    rng = np.random.default_rng(0)
    values = rng.exponential(3.0, 40)
    one = intervals.clustered_mean([intervals.Cluster(v, 1) for v in values])
    tenfold = intervals.clustered_mean([intervals.Cluster(10 * v, 10) for v in values])
    alone = intervals.clustered_mean([intervals.Cluster(v, 1) for v in values for _ in range(10)])
    assert one is not None
    assert tenfold is not None
    assert alone is not None
    assert one[:3] == pytest.approx(tenfold[:3])
    assert one[:3] == pytest.approx((values.mean(), *intervals.skewed_mean_interval(list(values))))
    assert (one.n, tenfold.n, alone.n) == (40, 400, 400)
    assert alone.high - alone.low < (one.high - one.low) / 2
    assert intervals.clustered_mean([]) is None
