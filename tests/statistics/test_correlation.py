"""Rank correlation over models against scipy and by hand; flips; the interval of a bootstrap."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from harness.statistics.correlation import agreement, ranks, spearman

HUB = [0.88, 0.87, 0.86, 0.81, 0.76, 0.74, 0.64, 0.55]
AIW = [0.65, 0.43, 0.37, 0.05, 0.01, 0.02, 0.30, 0.13]


def test_eight_models_by_hand() -> None:
    """Ranks of AIW from the best: 1 2 3 6 8 7 4 5; differences to 1 ... 8: 0 0 0 2 3 1 3 3; 1 - 6 * 32 / (8 * 63)."""
    found = agreement(HUB, AIW)
    assert found is not None
    assert found.value == pytest.approx(1 - 6 * 32 / 504, abs=1e-9)
    # Flipped: 81 and 76 and 74 against 64 and 55, and 76 against 74.
    assert (found.flips, found.pairs, found.n) == (7, 28, 8)
    assert found.low < found.value < found.high <= 1


numbers = st.lists(st.integers(0, 5), min_size=3, max_size=12)


@given(numbers, st.randoms(use_true_random=False))
def test_ties_are_ranked_as_scipy_does(x: list[int], rng) -> None:
    y = [rng.randrange(5) for _ in x]
    assert ranks(x) == stats.rankdata(x).tolist()
    found = spearman(x, y)
    if len(set(x)) == 1 or len(set(y)) == 1:
        assert found is None
    else:
        assert found == pytest.approx(stats.spearmanr(x, y).statistic, abs=1e-9)


def test_few_models_have_no_interval_and_fewer_no_coefficient() -> None:
    assert agreement([1, 2], [2, 1]) is None
    found = agreement([1, 2, 3], [1, 3, 2])
    assert (found.value, found.low, found.high, found.flips) == (pytest.approx(0.5), None, None, 1)
    assert agreement([1, 1, 1], [1, 2, 3]) is None


def test_the_interval_is_the_same_again_and_holds_the_extremes() -> None:
    assert agreement(HUB, AIW) == agreement(HUB, AIW)
    same = agreement(HUB, HUB)
    assert (same.low, same.high, same.flips) == (pytest.approx(1), pytest.approx(1), 0)
    other = agreement(HUB, [-x for x in HUB])
    assert (other.value, other.flips, other.pairs) == (pytest.approx(-1), 28, 28)


def test_measures_of_different_models_are_refused() -> None:
    with pytest.raises(ValueError, match="same length"):
        spearman([1, 2, 3], [1, 2])
