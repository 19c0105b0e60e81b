"""How well a score tells failures from the rest: the area under the ROC curve, with its interval over clusters."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from harness.statistics.correlation import ranks
from harness.statistics.intervals import Estimate, normal_quantile

DRAWS = 2000
"""Bootstrap samples of clusters."""


def auc(scores: Sequence[float], failed: Sequence[bool]) -> float | None:
    """The chance that a failure has the higher score, ties counting half (Mann and Whitney 1947); None if all are
    failures or none is."""
    m = sum(failed)
    n = len(failed) - m
    if not m or not n:
        return None
    total = math.fsum(r for r, f in zip(ranks(scores), failed, strict=True) if f)
    return (total - m * (m + 1) / 2) / (m * n)


def auc_estimate(
    scores: Sequence[float],
    failed: Sequence[bool],
    clusters: Sequence[str],
    seed: int,
    confidence: float = 0.95,
    draws: int = DRAWS,
) -> Estimate | None:
    """With an interval that holds both the percentile bootstrap over clusters (seeded; draws with failures alone, or
    none, say nothing) and `score_interval`, which is never of zero width; None as in `auc`."""
    value = auc(scores, failed)
    if value is None:
        return None
    members: dict[str, list[int]] = {}
    for i, cluster in enumerate(clusters):
        members.setdefault(cluster, []).append(i)
    names, rng, drawn = list(members), random.Random(seed), []
    for _ in range(draws):
        chosen = [i for name in rng.choices(names, k=len(names)) for i in members[name]]
        again = auc([scores[i] for i in chosen], [failed[i] for i in chosen])
        if again is not None:
            drawn.append(again)
    low, high = score_interval(value, sum(failed), len(failed) - sum(failed), confidence)
    if drawn:
        drawn.sort()
        cut = int((1 - confidence) / 2 * len(drawn))
        low, high = min(low, drawn[cut]), max(high, drawn[-1 - cut])
    return Estimate(value, low, high, len(failed))


def score_interval(value: float, failures: int, others: int, confidence: float = 0.95) -> tuple[float, float]:
    """The areas A that are no more than z standard errors away from the value; the variance is Hanley and McNeil's
    (1982, Radiology 143: 29-36) at A itself and with half of the sum of both sizes in the place of each, as Newcombe
    has it (2006, Statistics in Medicine 25: 559-573, method 5)."""
    z, less = normal_quantile(confidence), (failures + others) / 2 - 1

    def beyond(area: float) -> float:
        spread = area * (1 - area) * (1 + less * ((1 - area) / (2 - area) + area / (1 + area)))
        return abs(value - area) - z * math.sqrt(max(spread, 0.0) / (failures * others))

    return _edge(beyond, value, 0.0), _edge(beyond, value, 1.0)


def _edge(beyond: Callable[[float], float], inside: float, outside: float) -> float:
    """Where `beyond` becomes positive on the way from inside to outside, by halving."""
    if inside == outside:
        return outside
    for _ in range(60):
        middle = (inside + outside) / 2
        inside, outside = (inside, middle) if beyond(middle) > 0 else (middle, outside)
    return inside
