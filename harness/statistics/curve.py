"""A logistic curve through shares, and where it passes one half."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from harness.statistics.intervals import normal_quantile


@dataclass(frozen=True)
class Logistic:
    """A fitted curve p = 1 / (1 + exp(-(intercept + slope x))), with the covariance of its two numbers."""

    intercept: float
    slope: float
    var_intercept: float
    var_slope: float
    covariance: float

    def interval_at_half(self, confidence: float = 0.95) -> tuple[float, float] | None:
        """The x where p passes 50%: Fieller's interval (Fieller 1954, JRSS B 16: 175-185), all x at which
        (intercept + slope x)^2 <= z^2 var(intercept + slope x). None if that is not a bounded interval."""
        z2 = normal_quantile(confidence) ** 2
        a = self.slope**2 - z2 * self.var_slope
        b = self.intercept * self.slope - z2 * self.covariance
        c = self.intercept**2 - z2 * self.var_intercept
        if a <= 0 or b * b < a * c:
            return None
        root = math.sqrt(b * b - a * c)
        return (-b - root) / a, (-b + root) / a


class Point(NamedTuple):
    """The answers of one group at x: the sum of their values, and how many there are."""

    x: float
    right: float
    answers: int


def logistic(points: Sequence[Point]) -> Logistic | None:
    """Logistic regression of right out of answers on x; each point is a cluster of its own, and the covariance is
    robust against what the answers of a cluster share (the sandwich, times n / (n - 2) for n rows: HC1 of MacKinnon and
    White 1985, Journal of Econometrics 29: 305-325). None if no curve can be fitted, as when all below some x are right
    and all above are wrong."""
    import warnings

    # Slow to import, and only runs of several lengths need it.
    import statsmodels.api as sm
    from statsmodels.tools.sm_exceptions import PerfectSeparationError

    if len({x for x, _, _ in points}) < 2 or len(points) < 3:
        return None
    answers = [[k, n - k] for _, k, n in points]
    design = [[1.0, x] for x, _, _ in points]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            fit = sm.GLM(answers, design, family=sm.families.Binomial()).fit(cov_type="HC0")
        except (Warning, ValueError, ArithmeticError, PerfectSeparationError):
            return None
    (intercept, slope), cov = map(float, fit.params), fit.cov_params() * len(points) / (len(points) - 2)
    values = (intercept, slope, float(cov[0][0]), float(cov[1][1]), float(cov[0][1]))
    return Logistic(*values) if all(map(math.isfinite, values)) else None


def half_point(points: Sequence[Point], chance: float = 0.0) -> str:
    """The length at which a logistic curve fitted to these points passes 50%, with its 95% interval, as text; if
    guesses are right with a chance, the length at which it passes (1 + chance) / 2.

    If there is nothing to fit, or too little, the text says so.
    """
    right, n = sum(point.right for point in points), sum(point.answers for point in points)
    if right in (0, n):
        return f"not in the lengths asked: {'all' if right else 'none'} right"
    fit = logistic(points)
    if fit is None:
        return "no curve can be fitted"
    if fit.slope >= 0:
        return "accuracy does not fall with length"
    fit = replace(fit, intercept=fit.intercept - math.log((1 + chance) / (1 - chance)))
    limits = fit.interval_at_half()
    if limits is None:
        return "too few to tell"
    value = -fit.intercept / fit.slope
    inside = min(point.x for point in points) <= value <= max(point.x for point in points)
    where = "" if inside else ", outside the lengths asked"
    # Nothing has less than 0 steps; a curve does not know that.
    return f"{max(0.0, value):.1f} [{max(0.0, limits[0]):.1f}, {max(0.0, limits[1]):.1f}]{where}"
