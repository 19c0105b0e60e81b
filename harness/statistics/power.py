"""How many groups a claim needs, and what these groups can show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist

from harness.statistics.intervals import padded

POWER = 0.8


def _quantiles(alpha: float, power: float) -> float:
    return NormalDist().inv_cdf(1 - alpha / 2) + NormalDist().inv_cdf(power)


def needed(effect: float, deviation: float, alpha: float = 0.05, power: float = POWER, exact: bool = False) -> int:
    """Groups with which a two-sided test at `alpha` notices a mean difference of `effect` with this power, where the
    groups' differences have this standard deviation: ((z_alpha/2 + z_power) deviation / effect)^2 (Julious 2004,
    Statistics in Medicine 23: 1921-1986, section 3.2). As many show a difference of zero not to be worse than a margin
    of that size (section 6). `exact`: for McNemar's exact test of single pairs, by a continuity correction of one pair.
    """
    spread = _quantiles(alpha, power) * deviation
    root = (spread + math.sqrt(spread**2 + 4 * effect)) / (2 * effect) if exact else spread / effect
    return max(1, math.ceil(root**2))


def detectable(groups: int, deviation: float, alpha: float = 0.05, power: float = POWER, exact: bool = False) -> float:
    """The smallest mean difference that so many groups show with this power: `needed`, solved for the effect."""
    return _quantiles(alpha, power) * deviation / math.sqrt(groups) + (1 / groups if exact else 0.0)


def deviation(differences: Sequence[float]) -> float:
    """Standard deviation of the groups' differences with the observations that the interval adds (padded), so
    that it is never zero."""
    values = padded(differences)
    mean = math.fsum(d * w for d, w in values) / math.fsum(w for _, w in values)
    return math.sqrt(math.fsum(w * (d - mean) ** 2 for d, w in values) / math.fsum(w for _, w in values))
