"""Several answers to one sample: pass@k, pass^k, majority, and how much variations of a problem differ."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from harness.statistics.intervals import Cluster, Estimate, student, wilson
from harness.statistics.tests import DRAWS


def pass_at_k(right: int, n: int, k: int) -> float:
    """The chance that at least one of k answers drawn from n, `right` of them right, is right: unbiased (Chen et al.
    2021, arXiv 2107.03374, equation 1). ValueError for k > n."""
    _enough(n, k)
    return 1 - math.comb(n - right, k) / math.comb(n, k)


def pass_hat_k(right: int, n: int, k: int) -> float:
    """The chance that all of k answers are right (pass^k; Yao et al. 2024, arXiv 2406.12045, section 2): unbiased."""
    _enough(n, k)
    return math.comb(right, k) / math.comb(n, k)


def majority(answers: Mapping[str, tuple[int, int]], silent: int, k: int) -> float:
    """maj@k: the chance that the most frequent of k answers drawn from all is right (Wang et al. 2022, arXiv
    2203.11171, as Lewkowycz et al. 2022, arXiv 2206.14858, count it), unbiased, ties broken by lot.

    `answers` maps each answer to (how often it was given, how often it was right); `silent` counts those without an
    answer, which do not vote. ValueError for a k larger than all of them.
    """
    total = silent + sum(n for n, _ in answers.values())
    _enough(total, k)
    if k == total:  # nothing is drawn
        most = max((n for n, _ in answers.values()), default=0)
        winners = [right / n for n, right in answers.values() if n == most]
        return sum(winners) / len(winners) if winners else 0.0
    chance = 0.0
    for name, (count, right) in answers.items():
        if not right:
            continue
        others = [n for other, (n, _) in answers.items() if other != name]
        for votes in range(1, min(count, k) + 1):
            # ways[used][ties]: how the others, each at most `votes`, can take `used` of the k places.
            ways = {(0, 0): 1}
            for n in others:
                grown: dict[tuple[int, int], int] = {}
                for (used, ties), w in ways.items():
                    for taken in range(min(n, votes, k - votes - used) + 1):
                        key = (used + taken, ties + (taken == votes))
                        grown[key] = grown.get(key, 0) + w * math.comb(n, taken)
                ways = grown
            won = sum(w * math.comb(silent, k - votes - used) / (ties + 1) for (used, ties), w in ways.items())
            chance += math.comb(count, votes) * won * right / count
    return chance / math.comb(total, k)


def _enough(n: int, k: int) -> None:
    if not 1 <= k <= n:
        raise ValueError(f"{k} of {n} answers can't be drawn")


def mean_of_shares(clusters: Sequence[Cluster], answers: int) -> Estimate | None:
    """Mean over samples of chances in [0, 1], of each cluster their sum and number; `answers` is how many answers are
    behind them. The interval is Wilson's at the effective sample size of the clusters' spread (Korn and Graubard 1998),
    no larger than `answers`; n is the number of samples. None without a sample."""
    n = sum(m for _, m in clusters)
    if not n:
        return None
    total, g = math.fsum(k for k, _ in clusters), len(clusters)
    mean = min(1.0, max(0.0, total / n))
    between = g / (g - 1) * math.fsum((k - m * mean) ** 2 for k, m in clusters) / n**2 if g > 1 else 0.0
    effective = min(float(answers), max(1.0, mean * (1 - mean) / between)) if between else float(g)
    quantile = student(0.95, g - 1) if g > 1 else None
    low, high = wilson(mean * effective, effective, quantile=quantile)
    return Estimate(mean, min(low, mean), max(high, mean), n)


class Fluctuation(NamedTuple):
    """How much the chance of a right answer varies between variations of one problem: the standard deviation beyond
    the noise of finite repeats, with its interval, and the p-value of no variation at all.

    `variations` counts the cells compared, `strata` the problems that they are variations of; `sd.n` the answers.
    """

    sd: Estimate
    p: float
    variations: int
    strata: int


def fluctuation(problems: Sequence[Sequence[Cluster]], confidence: float = 0.95) -> Fluctuation | None:
    """The reading of Nezhurina et al. 2024 (arXiv 2406.02061): correct response rates that fluctuate between
    variations of a problem which a robust reasoner would solve alike.

    The variance of the variations' rates minus that of the binomial noise within them, p (1 - p) / (n - 1), is an
    unbiased estimate of the variance between variations, and asks for no distribution (Searle, Casella, McCulloch
    1992, Variance Components, chapter 3); with that of their Beta distribution it gives its parameters (`beta`).
    Its interval takes the total variance as chi-squared distributed. The test permutes answers between the variations
    of a problem. `problems`: the answers of each variation of each problem. None if no problem has two variations with
    two answers each: single answers can't tell.
    """
    strata = [[cell for cell in cells if cell.answers > 1] for cells in problems]
    strata = [cells for cells in strata if len(cells) > 1]
    if not strata:
        return None
    low, value, high = variation(strata, confidence)
    count, n = sum(len(cells) for cells in strata), sum(n for cells in strata for _, n in cells)
    return Fluctuation(Estimate(value, low, high, n), _homogeneity(strata), count, len(strata))


def variation(strata: Sequence[Sequence[Cluster]], confidence: float = 0.95) -> tuple[float, float, float]:
    """(lower limit, estimate, upper limit) of the standard deviation, see `fluctuation`; all cells with two answers."""
    from scipy.stats import chi2

    df = sum(len(cells) - 1 for cells in strata)
    total = within = 0.0
    for cells in strata:
        rates = [k / n for k, n in cells]
        mean = math.fsum(rates) / len(rates)
        total += math.fsum((rate - mean) ** 2 for rate in rates)
        within += (1 - 1 / len(cells)) * math.fsum(k * (n - k) / (n * n * (n - 1)) for k, n in cells)
    noise, tail = within / df, (1 - confidence) / 2
    low, value, high = (
        math.sqrt(max(0.0, total / divisor - noise)) for divisor in (chi2.ppf(1 - tail, df), df, chi2.ppf(tail, df))
    )
    if high == 0:  # no rate differs: what the least resolution of the rates could hide
        high = 1 / min(n for cells in strata for _, n in cells)
    # No rates in [0, 1] have a larger one; the estimate from two or three of them can be.
    return min(0.5, low), min(0.5, value), min(0.5, high)


def beta(mean: float, sd: float) -> tuple[float, float] | None:
    """The Beta distribution of rates with this mean and standard deviation (method of moments), as (a, b); None if no
    Beta distribution has them."""
    spread = mean * (1 - mean)
    if not 0 < sd**2 < spread:
        return None
    size = spread / sd**2 - 1
    return mean * size, (1 - mean) * size


def _homogeneity(strata: Sequence[Sequence[Cluster]]) -> float:
    """p-value of equal rates within each stratum, by permuting answers within it: exact up to random draws."""
    import numpy as np

    informative = [cells for cells in strata if 0 < sum(k for k, _ in cells) < sum(n for _, n in cells)]
    if not informative:
        return 1.0
    draws = DRAWS if len(informative) <= 50 else DRAWS // 10
    rng = np.random.default_rng(0)
    observed, sums = 0.0, np.zeros(draws)
    for cells in informative:
        right, sizes = (np.array(column) for column in zip(*cells, strict=True))
        expected = sizes * right.sum() / sizes.sum()
        observed += float(((right - expected) ** 2 / sizes).sum())
        drawn = rng.multivariate_hypergeometric(sizes, int(right.sum()), size=draws, method="marginals")
        sums += ((drawn - expected) ** 2 / sizes).sum(axis=1)
    return float((np.sum(sums >= observed - 1e-9) + 1) / (draws + 1))
