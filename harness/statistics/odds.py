"""Odds ratios: within problems, with a random intercept for each, and with covariates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

from harness.statistics.intervals import Stratum


@dataclass(frozen=True)
class OddsRatio:
    """Odds of a right answer at one level against another. `low` is 0 or `high` infinite if the data give no bound, and
    `value` is None if they say nothing at all. `strata`: number of problems solved sometimes but not always; the others
    carry no information."""

    value: float | None
    low: float
    high: float
    p: float
    strata: int


def conditional_odds_ratio(tables: Sequence[Stratum], confidence: float = 0.95) -> OddsRatio:
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
        supports.setdefault((n, base_n, round(right + base_right)), []).append(round(right))
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


def mixed_odds_ratio(tables: Sequence[Stratum], confidence: float = 0.95) -> OddsRatio:
    """The odds ratio by logistic regression with a random intercept for each problem: for unbalanced runs, of which the
    conditional one leaves out problems without an answer at one of the levels.

    Maximum likelihood by adaptive quadrature (see log_likelihoods); interval and p-value by the likelihood ratio.
    statsmodels has it by variational Bayes only, whose intervals are too short.
    """
    import numpy as np
    from scipy.optimize import brentq, minimize
    from scipy.stats import chi2

    counts: dict[Stratum, int] = {}
    for table in tables:
        if table.answers + table.base_answers:
            counts[table] = counts.get(table, 0) + 1
    both = [sum(t[i] * m for t, m in counts.items()) for i in range(4)]
    if not both[1] or not both[3]:
        return OddsRatio(None, 0.0, math.inf, 1.0, 0)
    unanimous = [both[i] / both[i + 1] if both[i] in (0, both[i + 1]) else None for i in (0, 2)]
    if unanimous[0] is not None and unanimous[0] == unanimous[1]:  # all right, or all wrong: any ratio fits as well
        return OddsRatio(None, 0.0, math.inf, 1.0, 0)
    data, times = np.array(list(counts), dtype=float), np.array(list(counts.values()), dtype=float)

    def loss(log_ratio: float, intercept: float, log_sd: float) -> float:
        """The negative log-likelihood."""
        return -float(times @ log_likelihoods(data, log_ratio, intercept, math.exp(log_sd)))

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
    at, base = unanimous
    ratio = math.exp(best)
    if at is not None or base is not None:  # the likelihood rises towards 0 or infinity, and the search gives up
        ratio = math.inf if at == 1 or base == 0 else 0.0
    return OddsRatio(ratio, *ends, p, int(times.sum()))


def log_likelihoods(data: Any, log_ratio: float, intercept: float, sd: float) -> Any:
    """The log-likelihood of each row of `data` (problems x 4, as Stratum) with a random intercept of this standard
    deviation integrated out, but for binomial coefficients: an array of problems.

    By Gauss-Hermite quadrature whose nodes stand around each problem's own most likely intercept (Pinheiro and Bates
    1995, Journal of Computational and Graphical Statistics 4: 12-35, section 2.2). Nodes that are the same for all are
    too far apart if problems differ much or have many answers.
    """
    import numpy as np

    right, asked, base_right, base_asked = (data[:, i : i + 1] for i in range(4))

    def log_density(z: Any) -> Any:
        """Of the answers and of the intercept in standard deviations, problems x nodes."""
        base = intercept + sd * z
        level = base + log_ratio
        answers = (
            right * level - asked * np.logaddexp(0, level) + base_right * base - base_asked * np.logaddexp(0, base)
        )
        return answers - z * z / 2 - math.log(2 * math.pi) / 2

    top, curvature = np.zeros((len(data), 1)), np.ones((len(data), 1))
    # The log-density is concave; steps of Newton, at most one standard deviation long, find its top.
    for _ in range(NEWTON_STEPS):
        level, base = (1 / (1 + np.exp(-(intercept + sd * top + shift))) for shift in (log_ratio, 0.0))
        slope = sd * (right - asked * level + base_right - base_asked * base) - top
        curvature = sd * sd * (asked * level * (1 - level) + base_asked * base * (1 - base)) + 1
        step = np.clip(slope / curvature, -1, 1)
        top = top + step
        if np.abs(step).max() < 1e-9:
            break
    nodes, weights = np.polynomial.hermite.hermgauss(NODES)
    width = np.sqrt(2 / curvature)
    log_weights = np.log(weights) + nodes**2
    return np.logaddexp.reduce(log_weights + log_density(top + width * nodes), axis=1) + np.log(width[:, 0])


NODES, NEWTON_STEPS = 15, 40


def adjusted_odds_ratio(
    right: Sequence[bool],
    level: Sequence[bool],
    covariates: Sequence[Sequence[float]],
    strata: Sequence[int],
    confidence: float = 0.95,
) -> OddsRatio | None:
    """The odds ratio by conditional logistic regression with covariates beside the level, one row an answer: what is
    left of a condition's effect when prompts of one length (or with numbers of one size) are compared.

    By statsmodels' ConditionalLogit, with Wald's interval and test. None if the effects can't be separated: the
    covariate goes with the level, or a level is always right."""
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
