"""A small version of benchmarks/coverage_simulation.py: do intervals hold what they promise?"""

import math

import coverage_simulation as simulation
import pytest

FEW = 400
SLOW = "mixed model"


@pytest.mark.parametrize(
    "case", [c for c in simulation.CASES if SLOW not in c.what], ids=lambda c: f"{c.what} {c.setting}"
)
def test_coverage_is_nominal(case: simulation.Case) -> None:
    """Not below 95% by more than chance (three standard errors); the full simulation has the exact shares."""
    found = simulation.simulate(case, FEW)
    assert found.coverage > 0.95 - 3 * math.sqrt(0.05 * 0.95 / max(found.shown, 1)) - 0.01
    assert found.shown > 0.9 * FEW


def test_the_gate_is_right_as_often_as_it_says() -> None:
    for case in simulation.gate_cases()[:1] + simulation.gate_cases()[3:4]:
        share = simulation.gate_shares(case.pairs, case.drop, FEW).get(case.verdict, 0.0)
        noise = 3 * math.sqrt(case.expected * (1 - case.expected) / FEW)
        assert share < case.expected + noise
        assert case.at_most or share > case.expected - noise
