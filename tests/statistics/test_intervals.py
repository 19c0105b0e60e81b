"""Intervals against published values and plain facts about them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.statistics import intervals


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


def test_all_right_in_every_repeat_counts_groups_not_repeats() -> None:
    """Ten groups of 30 identical repeats are ten observations."""
    estimate = intervals.accuracy([(30.0, 30)] * 10)
    assert (estimate.value, estimate.n) == (1.0, 300)
    assert estimate.low == pytest.approx(intervals.wilson(10, 10, quantile=2.262157)[0], abs=1e-4)


@pytest.mark.parametrize(("df", "t"), [(1, 12.706205), (2, 4.302653), (3, 3.182446), (5, 2.570582), (30, 2.042272)])
def test_students_quantiles(df: int, t: float) -> None:
    assert intervals.student(0.95, df) == pytest.approx(t, rel=0.005)


def test_a_gap_over_strata_of_other_sizes_weighs_estimate_and_interval_alike() -> None:
    """Equal accuracy in both strata: the gap is 0 and the interval holds it inside, not at its end."""
    low, high = intervals.stratified_difference([(9, 10, 90, 100), (10, 100, 1, 10)], [0.5, 0.5])
    assert low < 0 < high


def test_groups_that_differ_widen_the_interval() -> None:
    alike = intervals.accuracy([(15.0, 30)] * 10)
    split = intervals.accuracy([(30.0, 30)] * 5 + [(0.0, 30)] * 5)
    assert split.high - split.low > 2 * (alike.high - alike.low)


def test_no_verdict_no_accuracy() -> None:
    assert intervals.accuracy([]) is None
    assert intervals.accuracy([(0.0, 0)]) is None
