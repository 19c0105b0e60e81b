"""A small version of benchmarks/placebo.py: does what is beyond a placebo hold its 95%?"""

import pytest
from placebo import FLIPS, Setting, measure


@pytest.mark.parametrize(("placebos", "runs"), [(1, 150), (3, 40)])
def test_a_contrast_that_is_another_placebo_has_nothing_beyond_it(placebos: int, runs: int) -> None:
    """At 95% the whole simulation finds 96 of 100 intervals that hold 0; fewer than 88 would be chance once in 10,000
    times of 150 runs."""
    made = measure(Setting(80, placebos, 0.0), runs)
    assert made.holds >= 0.85
    assert made.below + made.above <= 0.15
    assert made.flips == pytest.approx(FLIPS, abs=0.03)


def test_what_is_beyond_the_placebo_is_found_and_not_called_more_than_it_is() -> None:
    made = measure(Setting(120, 1, 0.3), 60)
    assert made.below >= 0.95
    assert made.holds >= 0.85
