"""Do two measures put models in the same order? Spearman's coefficient, its interval over models, and the pairs whose
order flips. Numbers in, numbers out."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Sequence
from typing import NamedTuple

LEAST = 3
"""Of fewer models there is no coefficient."""
FEW = 6
"""Fewer models have no interval: too many draws of a bootstrap are the same models again."""
DRAWS = 2000


class Agreement(NamedTuple):
    """Spearman's coefficient with the 95% interval of a bootstrap over `n` models (percentiles), and how many of the
    `pairs` of models that differ in both measures stand in opposite orders."""

    value: float
    low: float | None
    high: float | None
    n: int
    flips: int
    pairs: int


def agreement(x: Sequence[float], y: Sequence[float]) -> Agreement | None:
    """Of two measures of the same models, in the same order; None for fewer than three models, or if a measure is the
    same for all."""
    value = spearman(x, y)
    if value is None:
        return None
    rng, n = random.Random(0), len(x)
    drawn: list[float] = []
    for _ in range(DRAWS if n >= FEW else 0):
        places = [rng.randrange(n) for _ in range(n)]
        found = spearman([x[i] for i in places], [y[i] for i in places])
        if found is not None:
            drawn.append(found)
    drawn.sort()
    low, high = (drawn[round(share * (len(drawn) - 1))] if drawn else None for share in (0.025, 0.975))
    pairs = [(x[i] - x[j], y[i] - y[j]) for i, j in itertools.combinations(range(n), 2)]
    differing = [(a, b) for a, b in pairs if a and b]
    return Agreement(value, low, high, n, sum(a * b < 0 for a, b in differing), len(differing))


def spearman(x: Sequence[float], y: Sequence[float]) -> float | None:
    """Pearson's coefficient of the ranks, ties with their mean rank; None if it is not defined (fewer than LEAST, or
    all ranks of a side equal)."""
    if len(x) != len(y):
        raise ValueError("two measures of the same models have the same length")
    a, b = ranks(x), ranks(y)
    mean = (len(x) + 1) / 2
    spread = math.sqrt(sum((r - mean) ** 2 for r in a) * sum((r - mean) ** 2 for r in b))
    if len(x) < LEAST or not spread:
        return None
    return sum((r - mean) * (s - mean) for r, s in zip(a, b, strict=True)) / spread


def ranks(values: Sequence[float]) -> list[float]:
    """Ranks from 1, ties with their mean."""
    order = sorted(range(len(values)), key=lambda i: values[i])
    found = [0.0] * len(values)
    for _, same in itertools.groupby(enumerate(order, 1), key=lambda pair: values[pair[1]]):
        places = list(same)
        for _, i in places:
            found[i] = (places[0][0] + places[-1][0]) / 2
    return found
