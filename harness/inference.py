"""Tests, corrections, effects and sample sizes: what can be concluded from counts. Plain numbers in and out.

Intervals of proportions and gaps are in harness.stats. scipy is imported inside functions: it is slow to load.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, NamedTuple

from harness import stats
from harness.stats import Estimate

DRAWS = 20_000
"""Random permutations where they can't all be counted: a p-value of 0.05 is then known to within 0.003."""
EXACT, MANY = 16, 1000
"""Up to EXACT differences every assignment of signs is tried; beyond MANY their sum is as good as normal."""
POWER = 0.8


# Tests --------------------------------------------------------------------------------------------------------------


def sign_flips(differences: Sequence[float]) -> float:
    """Two-sided p-value of the hypothesis that each difference is as likely to have the other sign, one difference a
    group (Fisher 1935, The Design of Experiments, section 21).

    Where all have one size that is McNemar's exact test (McNemar 1947, Psychometrika 12: 153-157). Otherwise all
    assignments of signs are tried for up to EXACT differences that are not zero; for up to MANY of them DRAWS random
    ones from a fixed seed, counting the observed one too (Phipson and Smyth 2010, SAGMB 9: 39).
    """
    import numpy as np

    sizes = np.abs(np.array([d for d in differences if d], dtype=float))
    if not len(sizes):
        return 1.0
    if np.allclose(sizes, sizes[0], rtol=1e-9):
        gained = sum(d > 0 for d in differences)
        return mcnemar(gained, len(sizes) - gained)
    observed = abs(math.fsum(differences)) - 1e-9 * float(sizes.sum())
    if len(sizes) <= EXACT:
        sums = np.zeros(1)
        for size in sizes:
            sums = np.concatenate([sums + size, sums - size])
        return float(np.mean(np.abs(sums) >= observed))
    if len(sizes) > MANY:
        return float(math.erfc(observed / math.sqrt(2 * float(sizes @ sizes))))
    rng = random.Random(0)  # numpy.random takes 10 MiB and a twentieth of a second to load
    hits, width = 0, -(-len(sizes) // 8)
    rows = max(1, min(DRAWS, 25_000 // width))
    for start in range(0, DRAWS, rows):
        count = min(rows, DRAWS - start)
        flips = np.unpackbits(np.frombuffer(rng.randbytes(count * width), np.uint8)).reshape(count, -1)
        sums = float(sizes.sum()) - 2 * (flips[:, : len(sizes)] @ sizes)
        hits += int(np.sum(np.abs(sums) >= observed))
    return (hits + 1) / (DRAWS + 1)


def mcnemar(gained: int, lost: int) -> float:
    """Exact two-sided p-value of McNemar's test: the discordant pairs as flips of a fair coin. Twice the binomial tail,
    summed downwards from its largest term."""
    n, k = gained + lost, min(gained, lost)
    term = math.exp(math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1) - n * math.log(2))
    tail = 0.0
    while k >= 0 and term > tail * 1e-17:
        tail += term
        term *= k / (n - k + 1)
        k -= 1
    return min(1.0, 2 * tail)


def at_zero(interval: Callable[[float], tuple[float, float]]) -> float:
    """Two-sided p-value of the value zero: the smallest level of significance at which the interval leaves it out.
    `interval` gives the limits at a confidence."""
    low_p, high_p = 0.0, 1.0
    for _ in range(30):
        middle = (low_p + high_p) / 2
        low, high = interval(1 - middle)
        low_p, high_p = (low_p, middle) if low > 0 or high < 0 else (middle, high_p)
    return high_p


def holm(values: Sequence[float]) -> list[float]:
    """p-values corrected for their number, in the same order (Holm 1979, Scandinavian Journal of Statistics 6: 65-70).

    The same as statsmodels' multipletests (a test compares them), without the second that importing it takes.
    """
    corrected, running = [0.0] * len(values), 0.0
    for rank, i in enumerate(sorted(range(len(values)), key=values.__getitem__)):
        running = max(running, min(1.0, (len(values) - rank) * values[i]))
        corrected[i] = running
    return corrected


# How many -----------------------------------------------------------------------------------------------------------


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
    """Standard deviation of the groups' differences with the observations that the interval adds (stats.padded), so
    that it is never zero."""
    values = stats.padded(differences)
    mean = math.fsum(d * w for d, w in values) / math.fsum(w for _, w in values)
    return math.sqrt(math.fsum(w * (d - mean) ** 2 for d, w in values) / math.fsum(w for _, w in values))


# Repeats ------------------------------------------------------------------------------------------------------------


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


def mean_of_shares(clusters: Sequence[tuple[float, int]], answers: int) -> Estimate | None:
    """Mean over samples of chances in [0, 1], each cluster (sum, samples); `answers` is how many answers are behind
    them. The interval is Wilson's at the effective sample size of the clusters' spread (Korn and Graubard 1998), no
    larger than `answers`; n is the number of samples. None without a sample."""
    n = sum(m for _, m in clusters)
    if not n:
        return None
    total, g = math.fsum(k for k, _ in clusters), len(clusters)
    mean = min(1.0, max(0.0, total / n))
    between = g / (g - 1) * math.fsum((k - m * mean) ** 2 for k, m in clusters) / n**2 if g > 1 else 0.0
    effective = min(float(answers), max(1.0, mean * (1 - mean) / between)) if between else float(g)
    quantile = stats.student(0.95, g - 1) if g > 1 else None
    low, high = stats.wilson(mean * effective, effective, quantile=quantile)
    return Estimate(mean, min(low, mean), max(high, mean), n)


# Fluctuation --------------------------------------------------------------------------------------------------------


class Fluctuation(NamedTuple):
    """How much the chance of a right answer varies between variations of one problem: the standard deviation beyond
    the noise of finite repeats, with its interval, and the p-value of no variation at all.

    `variations` counts the cells compared, `strata` the problems that they are variations of; `sd.n` the answers.
    """

    sd: Estimate
    p: float
    variations: int
    strata: int


Stratum = Sequence[tuple[int, int]]
"""(right, answers) of each variation of a problem."""


def fluctuation(strata: Sequence[Stratum], confidence: float = 0.95) -> Fluctuation | None:
    """The reading of Nezhurina et al. 2024 (arXiv 2406.02061): correct response rates that fluctuate between
    variations of a problem which a robust reasoner would solve alike.

    The variance of the variations' rates minus that of the binomial noise within them, p (1 - p) / (n - 1), is an
    unbiased estimate of the variance between variations, and asks for no distribution (Searle, Casella, McCulloch
    1992, Variance Components, chapter 3); with that of their Beta distribution it gives its parameters (`beta`).
    Its interval takes the total variance as chi-squared distributed. The test permutes answers between the variations
    of a problem. None where no problem has two variations with two answers each: single answers can't tell.
    """
    strata = [[(k, n) for k, n in cells if n > 1] for cells in strata]
    strata = [cells for cells in strata if len(cells) > 1]
    if not strata:
        return None
    low, value, high = variation(strata, confidence)
    count, n = sum(len(cells) for cells in strata), sum(n for cells in strata for _, n in cells)
    return Fluctuation(Estimate(value, low, high, n), _homogeneity(strata), count, len(strata))


def variation(strata: Sequence[Stratum], confidence: float = 0.95) -> tuple[float, float, float]:
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
    return low, value, min(0.5, high)


def beta(mean: float, sd: float) -> tuple[float, float] | None:
    """The Beta distribution of rates with this mean and standard deviation (method of moments); None where there is
    none."""
    spread = mean * (1 - mean)
    if not 0 < sd**2 < spread:
        return None
    size = spread / sd**2 - 1
    return mean * size, (1 - mean) * size


def _homogeneity(strata: Sequence[Stratum]) -> float:
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


# Odds ratios --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class OddsRatio:
    """Odds of a right answer at one level against another; `low` may be 0 and `high` infinite where the data set no
    limit. `value` is None where they say nothing at all. `strata` counts those that tell."""

    value: float | None
    low: float
    high: float
    p: float
    strata: int


Table = tuple[int, int, int, int]
"""Right answers and answers at the level, right answers and answers at the reference, in one stratum."""


def conditional_odds_ratio(tables: Sequence[Table], confidence: float = 0.95) -> OddsRatio:
    """The common odds ratio by conditional logistic regression, each problem with an intercept of its own that is
    conditioned away (Breslow and Day 1980, Statistical Methods in Cancer Research 1, section 7.2).

    With one two-level covariate the likelihood is a product of noncentral hypergeometric ones. Interval and p-value by
    the likelihood ratio, which stays finite on the side that the data bound when one level is always right; the
    ConditionalLogit of statsmodels has Wald's only (a test compares the estimates). Problems that were always or never
    solved tell nothing about the ratio and drop out by themselves.
    """
    import numpy as np
    from scipy.optimize import brentq
    from scipy.stats import chi2

    supports: dict[tuple[int, int, int], list[int]] = {}
    for right, n, base_right, base_n in tables:
        supports.setdefault((n, base_n, right + base_right), []).append(right)
    terms = []
    for (n, base_n, total), observed in supports.items():
        u = np.arange(max(0, total - base_n), min(n, total) + 1)
        if len(u) > 1:
            weights = np.array([math.log(math.comb(n, i)) + math.log(math.comb(base_n, total - i)) for i in u.tolist()])
            terms.append((u, weights, sum(observed), len(observed)))
    if not terms:
        return OddsRatio(None, 0.0, math.inf, 1.0, 0)

    def expected(log_ratio: float) -> float:
        return math.fsum(m * float(softmax(w + log_ratio * u) @ u) for u, w, _, m in terms)

    def likelihood(log_ratio: float) -> float:
        return math.fsum(log_ratio * k - m * float(np.logaddexp.reduce(w + log_ratio * u)) for u, w, k, m in terms)

    def softmax(values: Any) -> Any:
        scaled = np.exp(values - values.max())
        return scaled / scaled.sum()

    right = sum(k for _, _, k, _ in terms)
    least, most = sum(int(u[0]) * m for u, _, _, m in terms), sum(int(u[-1]) * m for u, _, _, m in terms)
    far = 30.0
    if right in (least, most):
        best, value = (-far, 0.0) if right == least else (far, math.inf)
    else:
        best = float(brentq(lambda t: expected(t) - right, -far, far))
        value = math.exp(best)
    top = likelihood(best)
    drop = float(chi2.ppf(confidence, 1)) / 2

    def excess(log_ratio: float) -> float:
        return top - likelihood(log_ratio) - drop

    low = 0.0 if right == least or excess(-far) < 0 else math.exp(brentq(excess, -far, best))
    high = math.inf if right == most or excess(far) < 0 else math.exp(brentq(excess, best, far))
    p = float(chi2.sf(max(0.0, 2 * (top - likelihood(0.0))), 1))
    return OddsRatio(value, low, high, p, sum(m for *_, m in terms))


def mixed_odds_ratio(tables: Sequence[Table], confidence: float = 0.95) -> OddsRatio:
    """The odds ratio by logistic regression with a random intercept for each problem: for unbalanced runs, where the
    conditional one has to leave out problems without an answer at one of the levels.

    Maximum likelihood by Gauss-Hermite quadrature (Hedeker and Gibbons 1994, Biometrics 50: 933-944); interval and
    p-value by the likelihood ratio. statsmodels has it by variational Bayes only, whose intervals are too short.
    """
    import numpy as np
    from scipy.optimize import brentq, minimize
    from scipy.stats import chi2

    counts: dict[Table, int] = {}
    for table in tables:
        if table[1] + table[3]:
            counts[table] = counts.get(table, 0) + 1
    both = [sum(t[i] * m for t, m in counts.items()) for i in range(4)]
    if not both[1] or not both[3]:
        return OddsRatio(None, 0.0, math.inf, 1.0, 0)
    data, times = np.array(list(counts), dtype=float), np.array(list(counts.values()), dtype=float)
    nodes, weights = np.polynomial.hermite.hermgauss(30)
    log_weights = np.log(weights / math.sqrt(math.pi))

    def loss(log_ratio: float, intercept: float, log_sd: float) -> float:
        """The negative log-likelihood."""
        base = intercept + math.sqrt(2) * math.exp(log_sd) * nodes
        found = log_weights
        for k, n, eta in ((data[:, :1], data[:, 1:2], base + log_ratio), (data[:, 2:3], data[:, 3:4], base)):
            found = found + k * eta - n * np.logaddexp(0, eta)
        return -float(times @ np.logaddexp.reduce(found, axis=1))

    bounds = [(-8.0, 8.0), (-4.0, 2.3)]
    whole = minimize(lambda x: loss(*x), np.zeros(3), bounds=[(-8.0, 8.0), *bounds], method="L-BFGS-B")
    best, least = float(whole.x[0]), float(whole.fun)

    def profile(log_ratio: float) -> float:
        # From the overall best, so that at its ratio it is never above it.
        fit = minimize(lambda x: loss(log_ratio, x[0], x[1]), whole.x[1:], bounds=bounds, method="L-BFGS-B")
        return float(fit.fun)

    at_one = profile(0.0)
    drop = float(chi2.ppf(confidence, 1)) / 2

    def excess(log_ratio: float) -> float:
        return profile(log_ratio) - least - drop

    def limit(end: float) -> float | None:
        return float(brentq(excess, best, end, xtol=1e-3)) if excess(end) > 0 else None

    low, high = limit(-10.0), limit(10.0)
    p = float(chi2.sf(max(0.0, 2 * (at_one - least)), 1))
    ends = (0.0 if low is None else math.exp(low), math.inf if high is None else math.exp(high))
    return OddsRatio(math.exp(best), *ends, p, int(times.sum()))


def adjusted_odds_ratio(
    right: Sequence[bool],
    level: Sequence[bool],
    covariates: Sequence[Sequence[float]],
    strata: Sequence[int],
    confidence: float = 0.95,
) -> OddsRatio | None:
    """The odds ratio by conditional logistic regression with covariates beside the level, one row an answer: what is
    left of a condition's effect when prompts of one length (or with numbers of one size) are compared.

    By statsmodels' ConditionalLogit, with Wald's interval and test. None where the effects can't be told apart: the
    covariate goes with the level, or a level is always right.
    """
    import warnings

    import numpy as np
    from statsmodels.discrete.conditional_models import ConditionalLogit

    groups, outcome = np.unique(strata, return_inverse=True)[1], np.array(right, dtype=int)
    sizes = np.bincount(groups)

    def within(column: Any) -> Any:
        return column - (np.bincount(groups, column) / sizes)[groups]

    columns = [np.array(level, dtype=float)]
    for values in covariates:
        column = within(np.array(values, dtype=float))
        if column.std() > 1e-9:  # what is the same throughout a stratum is held fixed already
            columns.append(column / column.std())
    design = np.column_stack(columns)
    if np.linalg.matrix_rank(np.column_stack([within(c) for c in columns])) < len(columns):
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            fit = ConditionalLogit(outcome, design, groups=groups).fit(disp=False)
            value, error = float(fit.params[0]), float(fit.bse[0])
        except (ValueError, ArithmeticError, np.linalg.LinAlgError):
            return None
    if not (math.isfinite(value) and math.isfinite(error)) or error > 10:
        return None
    half = NormalDist().inv_cdf(0.5 + confidence / 2) * error
    p = math.erfc(abs(value) / error / math.sqrt(2))
    solved = np.bincount(groups, outcome)
    telling = int(np.sum((solved > 0) & (solved < sizes)))
    return OddsRatio(math.exp(value), math.exp(value - half), math.exp(value + half), p, telling)
