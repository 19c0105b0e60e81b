"""Intervals for proportions and for paired gaps. Plain numbers in and out; no interval ever has zero width."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import NamedTuple


class Estimate(NamedTuple):
    """A value with its confidence interval and the number of observations behind it."""

    value: float
    low: float
    high: float
    n: int


def _z(confidence: float) -> float:
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: float, n: float, confidence: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval (Wilson 1927, JASA 22: 209-212); `n` may be an effective sample size."""
    if n <= 0:
        return 0.0, 1.0
    z, p = _z(confidence), successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At 0 and n the limit is exactly 0 or 1; rounding must not put the estimate outside its interval.
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return low, high


def accuracy(clusters: Sequence[tuple[float, int]], confidence: float = 0.95) -> Estimate | None:
    """Accuracy over clusters, each (sum of values, number of verdicts), with a cluster-robust Wilson interval.

    Wilson's interval at the effective sample size n / deff, where deff is the ratio of the between-cluster
    variance of the mean (linearised, Cochran 1977, section 6.3) to the binomial one (Korn and Graubard 1998,
    Survey Methodology 24: 193-201). With one cluster there is nothing between clusters: the repeats count.
    Where all answers agree, the clusters count. None without a verdict.
    """
    n = sum(m for _, m in clusters)
    if n == 0:
        return None
    total = sum(k for k, _ in clusters)
    p, g = total / n, sum(1 for _, m in clusters if m)
    effective = float(n)
    if 1 < g < n:
        binomial = p * (1 - p) / n
        between = g / (g - 1) * sum((k - m * p) ** 2 for k, m in clusters) / n**2
        effective = float(g) if binomial == 0 else min(n, max(1.0, n * binomial / between)) if between else float(n)
    return Estimate(p, *wilson(p * effective, effective, confidence), n)


def difference(k1: float, n1: int, k2: float, n2: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of p1 - p2 for independent samples: Newcombe 1998, Statistics in Medicine 17: 873-890, method 10."""
    p1, p2 = k1 / n1, k2 / n2
    (l1, u1), (l2, u2) = wilson(k1, n1, confidence), wilson(k2, n2, confidence)
    low = p1 - p2 - math.hypot(p1 - l1, u2 - p2)
    high = p1 - p2 + math.hypot(u1 - p1, p2 - l2)
    return max(-1.0, low), min(1.0, high)


def paired(differences: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of per-group differences in [-1, 1].

    Agresti and Min 2005 (Statistics in Medicine 24: 729-740) add half an observation to each cell of the paired
    two-by-two table, that is half a pair that differs each way and one that does not; the same is done here for
    differences of group means, so that ties alone never give zero width.
    """
    n = len(differences) + 2
    mean = sum(differences) / n
    variance = (sum(d * d for d in differences) + 1) / n - mean * mean
    half = _z(confidence) * math.sqrt(max(variance, 0.0) / n)
    return max(-1.0, mean - half), min(1.0, mean + half)
