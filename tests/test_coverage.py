"""A small version of benchmarks/coverage_simulation.py: do intervals hold what they promise?"""

import math
import re

import coverage_simulation as simulation
import pytest

FEW = 400
MANY = 1200
SLOW = ("mixed model", "fluctuation", "odds ratio", "ranks", "length at half")
"""Simulated FEW times; what is quick MANY times, so that too wide an interval shows as well."""
WIDE = ("these groups alone", "at least 95%", " 4 pairs", " 5 pairs", "20 pairs", "executable part", "steps too many")
"""Known to be wider than they promise: see benchmarks/README.md."""
SHORT = {2: 0.83, 3: 0.88, 4: 0.90, 5: 0.91, 8: 0.92}
"""Over so few groups of 30 the intervals are said to be of these groups; of groups in general they hold so much."""


def tried(case: simulation.Case) -> simulation.Result:
    return simulation.simulate(case, FEW if any(word in case.what for word in SLOW) else MANY)


@pytest.mark.parametrize(
    "case", [c for c in simulation.CASES if "mixed model" not in c.what], ids=lambda c: f"{c.what} {c.setting}"
)
def test_coverage_is_nominal(case: simulation.Case) -> None:
    """Not off 95% by more than chance (three standard errors) and a point; the full simulation has the exact shares."""
    found = tried(case)
    few = re.match(r"(\d+) groups of 30\b", case.setting)
    nominal = SHORT.get(int(few[1]), 0.95) if few and "alone" not in case.what else 0.95
    chance = 3 * math.sqrt(nominal * (1 - nominal) / max(found.shown, 1)) + 0.01
    assert found.coverage > nominal - chance
    if nominal == 0.95 and not any(word in f"{case.what} {case.setting}" for word in WIDE):
        assert found.coverage < nominal + min(chance, 0.045)
    assert found.shown > 0.9 * found.simulations


def test_the_gate_is_right_as_often_as_it_says() -> None:
    for case in simulation.gate_cases()[:1] + simulation.gate_cases()[3:4]:
        share = simulation.gate_shares(case.pairs, case.drop, FEW).get(case.verdict, 0.0)
        noise = 3 * math.sqrt(case.expected * (1 - case.expected) / FEW)
        assert share < case.expected + noise
        assert case.at_most or share > case.expected - noise
