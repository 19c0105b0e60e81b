"""How likely the real rest of a published text is to a model, beside that of its fresh twin: a run of the kind
`likelihood` (harness.twins), within pairs."""

from __future__ import annotations

import math
import statistics
from collections import defaultdict
from collections.abc import Mapping
from typing import Any, NamedTuple

from harness import twins
from harness.errors import DataError
from harness.statistics import intervals, tests
from harness.statistics.intervals import Estimate


class Likelihood(NamedTuple):
    """Mean log-probabilities a token (natural logs) of published and of fresh texts, over groups that have both. The
    `difference` is published less fresh, its n the number of groups; `p` is that of sign flips over the groups, and the
    interval at 95% (intervals.skewed_mean_interval: the values have no bounds) contains 0 if p is 0.05 or more."""

    published: float
    fresh: float
    difference: Estimate
    p: float


class Collected:
    """The log-probabilities of a run, each answer counted once."""

    def __init__(self) -> None:
        self._seen: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in one record. DataError if it has a verdict and no log-probability."""
        if record["value"] is None:
            return
        found = (record.get("detail") or {}).get(twins.PER_TOKEN)
        if isinstance(found, bool) or not isinstance(found, int | float) or not -1e5 <= found <= 0:
            raise DataError(f"sample {record['id']}: it has no log-probability", "was it scored as another task?")
        self._seen[record["group"]][str(record["params"].get(twins.ORIGIN))].append(float(found))

    def likelihood(self) -> Likelihood | None:
        """None if no group has texts on both sides. A group's values count as their mean."""
        both = [
            (statistics.fmean(sides[twins.PUBLISHED]), statistics.fmean(sides[twins.FRESH]))
            for sides in self._seen.values()
            if twins.PUBLISHED in sides and twins.FRESH in sides
        ]
        if not both:
            return None
        differences = [published - fresh for published, fresh in both]
        p = tests.sign_flips(differences)
        low, high = intervals.skewed_mean_interval(differences)
        if p >= 0.05:  # interval and test are different approximations: if they disagree, the wider holds
            low, high = min(low, 0.0), max(high, 0.0)
        mean = math.fsum(differences) / len(differences)
        sides = statistics.fmean(one for one, _ in both), statistics.fmean(other for _, other in both)
        return Likelihood(*sides, Estimate(mean, low, high, len(differences)), p)


def sentence(found: Likelihood, alpha: float) -> str:
    """What it says, in words. Never that the texts are unknown to the model."""
    gap = found.difference
    if found.p >= alpha:
        said = f"no difference shown; one above {max(0.0, gap.high):+.3f} a token is excluded (95%)"
    elif gap.value > 0:
        said = (
            f"published texts are likelier than those of their twins by {gap.value:.3f} a token, as texts known by "
            "heart are; names and numbers that are more common would do so too"
        )
    else:
        said = f"the texts of twins are likelier than published ones by {-gap.value:.3f} a token"
    return said + (f"; {gap.n} pairs say nothing about other texts" if gap.n < intervals.FEW else "")
