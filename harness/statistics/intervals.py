"""Intervals for proportions and for paired gaps. Plain numbers in and out; no interval ever has zero width."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from statistics import NormalDist
from typing import NamedTuple


class Estimate(NamedTuple):
    """A value with its confidence interval and the number of observations behind it."""

    value: float
    low: float
    high: float
    n: int


def normal_quantile(confidence: float) -> float:
    """The two-sided quantile: 1.96 at 0.95."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)


def wilson(successes: float, n: float, confidence: float = 0.95, quantile: float | None = None) -> tuple[float, float]:
    """Wilson's score interval (Wilson 1927, JASA 22: 209-212); `n` may be an effective sample size, and `quantile`
    stand in for the normal one."""
    if n <= 0:
        return 0.0, 1.0
    z, p = quantile or normal_quantile(confidence), successes / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At 0 and n the limit is exactly 0 or 1; rounding must not put the estimate outside its interval.
    low = 0.0 if successes <= 0 else max(0.0, centre - half)
    high = 1.0 if successes >= n else min(1.0, centre + half)
    return low, high


class Cluster(NamedTuple):
    """The answers of one group: the sum of their values, each in [0, 1], and how many got a verdict."""

    right: float
    answers: int


class Clusters(dict[str, Cluster]):
    """The answers of each group, counted one by one."""

    def add(self, group: str, right: float, answers: int = 1) -> None:
        """Count answers of a group, `right` of them (or the sum of their values)."""
        there = self.get(group)
        self[group] = Cluster(right, answers) if there is None else Cluster(there[0] + right, there[1] + answers)

    @property
    def answers(self) -> int:
        """Of all groups."""
        return sum(cluster.answers for cluster in self.values())

    def accuracy(self, confidence: float = 0.95) -> Estimate | None:
        """See the function of that name."""
        return accuracy(list(self.values()), confidence)


BINOMIAL_WEIGHT = 0.5
"""How many groups the binomial variance counts for beside the variance between the groups seen, see `accuracy`."""


def accuracy(clusters: Sequence[Cluster], confidence: float = 0.95) -> Estimate | None:
    """Accuracy over clusters, with a cluster-robust Wilson interval; None without a verdict.

    Wilson's interval at the effective sample size n / deff, where deff is the ratio of the variance of the mean to the
    binomial one (Korn and Graubard 1998, Survey Methodology 24: 193-201). That variance is the one between clusters
    (linearised, Cochran 1977, section 6.3), and as few clusters say little about it, the binomial variance is averaged
    in with a weight of BINOMIAL_WEIGHT clusters. The quantile is Student's at Satterthwaite's degrees of freedom of the
    two (1946, Biometrics Bulletin 2: 110-114): the binomial part is known, the other has one less than clusters.

    One rule for any number of clusters: with one it is Wilson's interval of its answers, with many the cluster-robust
    one, and nowhere between does more of the same data widen it. In fewer than FEW clusters the interval is of these
    clusters rather than of clusters in general (its coverage of the latter is in benchmarks/README.md). If all answers
    agree, nothing is known of the variance: the number of clusters counts, or of the answers in the largest.
    """
    n = sum(m for _, m in clusters)
    if n == 0:
        return None
    total = sum(k for k, _ in clusters)
    p, g = total / n, sum(1 for _, m in clusters if m)
    effective, quantile = float(n), None
    if 1 < g < n:
        binomial = p * (1 - p) / n
        between = g / (g - 1) * sum((k - m * p) ** 2 for k, m in clusters) / n**2
        if binomial == 0:
            effective = float(max(g, *(m for _, m in clusters)))
        else:
            known, seen = (w / (BINOMIAL_WEIGHT + g - 1) for w in (BINOMIAL_WEIGHT * binomial, (g - 1) * between))
            effective = min(n, max(1.0, n * binomial / (known + seen)))
            if seen:
                quantile = student(confidence, (g - 1) * ((known + seen) / seen) ** 2)
    return Estimate(p, *wilson(p * effective, effective, confidence, quantile), n)


def difference(k1: float, n1: int, k2: float, n2: int, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of p1 - p2 for independent samples: Newcombe 1998, Statistics in Medicine 17: 873-890, method 10."""
    p1, p2 = k1 / n1, k2 / n2
    (l1, u1), (l2, u2) = wilson(k1, n1, confidence), wilson(k2, n2, confidence)
    low = p1 - p2 - math.hypot(p1 - l1, u2 - p2)
    high = p1 - p2 + math.hypot(u1 - p1, p2 - l2)
    return max(-1.0, low), min(1.0, high)


def independent(one: Clusters, other: Clusters, confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a difference of accuracies of independent groups, from the cluster-robust interval of each (Zou and
    Donner 2008, Statistics in Medicine 27: 1693-1702, equation 5). Both have answers."""
    a, b = one.accuracy(confidence), other.accuracy(confidence)
    assert a is not None
    assert b is not None
    value = a.value - b.value
    low = value - math.hypot(a.value - a.low, b.high - b.value)
    return max(-1.0, low), min(1.0, value + math.hypot(a.high - a.value, b.value - b.low))


class Stratum(NamedTuple):
    """The answers to one problem on two sides: the sum of their values, each in [0, 1], and how many there are."""

    right: float
    answers: int
    base_right: float
    base_answers: int

    @property
    def difference(self) -> float:
        """Share of the first side less that of the base."""
        return self.right / self.answers - self.base_right / self.base_answers

    @property
    def repeats_variance(self) -> float:
        """Variance of the difference over repeats of the same problem; 0 if each side was asked once."""
        sides = ((self.right, self.answers), (self.base_right, self.base_answers))
        return math.fsum(k / n * (1 - k / n) / n for k, n in sides)


def stratified_difference(
    strata: Sequence[Stratum], weights: Sequence[float], confidence: float = 0.95
) -> tuple[float, float]:
    """Interval of the weighted sum of the strata's differences, with the strata taken as given: the limits of each
    combined by the square-and-add method (Zou and Donner 2008, Statistics in Medicine 27: 1693-1702)."""
    value = math.fsum(weight * s.difference for s, weight in zip(strata, weights, strict=True))
    below, above = _by_chance(Counter(zip(strata, weights, strict=True)), confidence)
    return max(-1.0, value - below), min(1.0, value + above)


class MatchedDifference:
    """The mean over groups of each group's mean difference between two sides, and its interval.

    The variance of that mean is the one between the groups seen; as few groups say little about it, the variance that
    chance alone gives with the groups taken as given (square-and-add) is averaged in with a weight of BINOMIAL_WEIGHT
    groups, and the quantile is Student's at Satterthwaite's degrees of freedom of the two, as in `accuracy`. The
    differences are `padded`, the less the more answers a group has: what is added stands for how little a single pair
    tells, so it weighs one over the square of the answers a side.

    One rule for any number of groups: with one group of many answers it is Newcombe's interval, with many pairs that of
    `paired`, and nowhere between do more groups like those at hand widen it. What is padding has no degrees of freedom:
    it is not estimated. Simulated coverage is in benchmarks/README.md.
    """

    def __init__(self, groups: Sequence[Sequence[Stratum]]) -> None:
        """Each group has a stratum or several, none of them without answers."""
        self.differences = [math.fsum(s.difference for s in group) / len(group) for group in groups]
        g = len(groups)
        self.value = math.fsum(self.differences) / g
        self.strata = [s for group in groups for s in group]
        self.weights = [1 / g / len(group) for group in groups for _ in group]
        self._alike = Counter(zip(self.strata, self.weights, strict=True))
        """How many strata are the same: single pairs have four kinds."""
        pad = (math.fsum(_thinness(group) for group in groups) / g) ** 2
        weighted, n = padded(self.differences, pad), g + 2 * pad
        centre = math.fsum(w * v for v, w in weighted) / n
        spread = math.fsum(w * v * v for v, w in weighted) - n * centre * centre
        between = math.fsum((d - self.value) ** 2 for d in self.differences)
        self._between, self._padding = (x / (n - 1 + pad) / n for x in (between, max(0.0, spread - between)))
        self._share = BINOMIAL_WEIGHT / (BINOMIAL_WEIGHT + g - 1)
        # The padding moves the centre too; the interval by chance needs that the less the more answers there are.
        self._centre = centre + self._share * (1 - pad) * (self.value - centre)
        self._repeats = math.fsum(n * w * w * s.repeats_variance for (s, w), n in self._alike.items())

    def interval(self, confidence: float = 0.95) -> tuple[float, float]:
        """(low, high) in [-1, 1]; it holds the value and is never of zero width."""
        low, high = (self._half(half, confidence) for half in _by_chance(self._alike, confidence))
        return max(-1.0, min(self.value, self._centre - low)), min(1.0, max(self.value, self._centre + high))

    def _half(self, by_chance: float, confidence: float) -> float:
        """Half of an interval; `by_chance` is half of the one with the groups given. Its variance is never below that
        of the repeats alone."""
        normal = normal_quantile(confidence)
        known = self._share * (by_chance / normal) ** 2 + (1 - self._share) * self._padding
        seen = (1 - self._share) * self._between
        degrees = (len(self.differences) - 1) * ((known + seen) / seen) ** 2 if seen > 1e-15 else math.inf
        quantile = student(confidence, degrees) if degrees < 1e6 else normal
        least = self._repeats if len(self.differences) > 1 else 0.0
        return quantile * math.sqrt(max(known + seen, least))


def _thinness(group: Sequence[Stratum]) -> float:
    """One over the answers that a group has a side: 1 for a single pair."""
    return math.fsum(1 / s.answers + 1 / s.base_answers for s in group) / 2 / len(group) ** 2


def _by_chance(strata: Mapping[tuple[Stratum, float], int], confidence: float) -> tuple[float, float]:
    """How far the limits lie below and above the weighted sum of the differences if the strata are given; keys are
    (stratum, weight), values how many there are."""
    below = above = 0.0
    for (stratum, weight), times in strata.items():
        low, high = difference(*stratum, confidence)
        below += times * (weight * (stratum.difference - low)) ** 2
        above += times * (weight * (high - stratum.difference)) ** 2
    return math.sqrt(below), math.sqrt(above)


def student(confidence: float, df: float) -> float:
    """Two-sided quantile of Student's t, for any degrees of freedom from 1 on: exact at 1 and 2, else Cornish and
    Fisher's expansion (Abramowitz and Stegun 1964, 26.7.5; within 0.5% from 3 on at 95%, 4.2% short at 3 and 99.9%).
    Between 1 and 3 it is interpolated in 1 / df, which is at most 3% too long at 95%."""
    p = 0.5 + confidence / 2
    if df < 3:
        at = [math.tan(math.pi * (p - 0.5)), (2 * p - 1) * math.sqrt(2 / (4 * p * (1 - p))), _expanded(p, 3)]
        low = 1 if df < 2 else 2
        share = (1 / low - 1 / max(df, 1)) / (1 / low - 1 / (low + 1))
        return math.exp((1 - share) * math.log(at[low - 1]) + share * math.log(at[low]))
    return _expanded(p, df)


def _expanded(p: float, df: float) -> float:
    z = NormalDist().inv_cdf(p)
    return (
        z
        + (z**3 + z) / (4 * df)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * df**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * df**3)
        + (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / (92160 * df**4)
    )


FEW = 5
"""With fewer groups than this nothing can be said about groups in general: then the groups at hand are taken as given
and the repeats of each sample are the random part."""


def padded(values: Sequence[float], pad: float = 1.0) -> list[tuple[float, float]]:
    """(value, weight) of the values and of what is added to them so that their spread is never zero: half an
    observation each way and one at 0 (times `pad`), after Agresti and Min 2005 (Statistics in Medicine 24: 729-740).

    They add it at -1 and +1, which single pairs can reach, for any number of them. Here it is at the largest size that
    occurs if there are FEW values or less, and nearer to the root mean square the more there are (at 1 if all are 0):
    with that the simulated coverage is nearest to nominal (benchmarks/coverage_simulation.py).
    """
    n, largest = len(values), max((abs(v) for v in values), default=0.0)
    scale = 1.0
    if largest:
        weight = min(1.0, FEW / n)
        scale = largest**weight * math.sqrt(math.fsum(v * v for v in values) / n) ** (1 - weight)
    return [*((v, 1.0) for v in values), (-scale, pad / 2), (scale, pad / 2), (0.0, pad)]


def mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Student's interval of the mean of the values as `padded`: never of zero width."""
    weighted, n = padded(values), len(values) + 2
    mean = sum(w * v for v, w in weighted) / n
    variance = sum(w * v * v for v, w in weighted) / n - mean * mean
    quantile = student(confidence, len(values) - 1) if len(values) > 1 else normal_quantile(confidence)
    half = quantile * math.sqrt(max(variance, 0.0) / n)
    return mean - half, mean + half


def skewed_mean_interval(values: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Interval of a mean of skewed values (many zeros, a few large): Hall's transformation of the Student statistic
    (Hall 1992, JRSS B 54: 221-228). Where all values agree, that of `mean_interval`."""
    n = len(values)
    mean = math.fsum(values) / max(n, 1)
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in values) / (n - 1)) if n > 1 else 0.0
    if deviation < 1e-12:
        return mean_interval(values, confidence)
    skew = math.fsum((v - mean) ** 3 for v in values) / n / deviation**3
    quantile = student(confidence, n - 1) / math.sqrt(n)

    def undone(x: float) -> float:  # x + skew x^2 / 3 + skew^2 x^3 / 27 + skew / 6n, solved for what is transformed
        if abs(skew) < 1e-6:
            return x
        cubed = 1 + skew * (x - skew / (6 * n))
        return (math.copysign(abs(cubed) ** (1 / 3), cubed) - 1) * 3 / skew

    return mean - deviation * undone(quantile), mean - deviation * undone(-quantile)


def paired(differences: Sequence[float], confidence: float = 0.95) -> tuple[float, float]:
    """Interval of the mean of per-group differences in [-1, 1]."""
    low, high = mean_interval(differences, confidence)
    return max(-1.0, low), min(1.0, high)


def linearised(clusters: Sequence[tuple[float, float]]) -> list[float]:
    """A value for each cluster (sum, size > 0) whose mean is the mean over all members and whose spread is that mean's
    cluster-robust one (Cochran 1977, section 6.3). With clusters of one size these are the clusters' means."""
    n, g = sum(m for _, m in clusters), len(clusters)
    mean = math.fsum(k for k, _ in clusters) / n
    return [mean + (k - m * mean) * g / n for k, m in clusters]


def clustered_mean(clusters: Sequence[Cluster], confidence: float = 0.95) -> Estimate | None:
    """Mean over all members of clusters whose values are no shares (a count, an error), with the interval of a skewed
    mean of the clusters, which is one of clusters of any size; None without a member."""
    there = [cluster for cluster in clusters if cluster.answers]
    if not there:
        return None
    n = sum(cluster.answers for cluster in there)
    mean = math.fsum(cluster.right for cluster in there) / n
    return Estimate(mean, *skewed_mean_interval(linearised(there), confidence), n)


def mean_of(shares: Sequence[Estimate]) -> Estimate:
    """The mean of shares of different samples; their limits combined by the square-and-add method (Zou and Donner
    2008, Statistics in Medicine 27: 1693-1702)."""
    mean = math.fsum(e.value for e in shares) / len(shares)
    below = math.hypot(*(e.value - e.low for e in shares)) / len(shares)
    above = math.hypot(*(e.high - e.value for e in shares)) / len(shares)
    return Estimate(mean, max(0.0, mean - below), min(1.0, mean + above), sum(e.n for e in shares))
