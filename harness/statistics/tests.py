"""Tests of no difference, and the correction for many. scipy and numpy are imported inside functions: slow to load."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from harness.statistics.intervals import Stratum

DRAWS = 20_000
"""Random permutations if they can't all be counted: a p-value of 0.05 is then known to within 0.003."""


MOST_SUMS, MOST_WORK = 20_000, 1_000_000
"""Different sums, and additions, up to which the exact distribution of a sum is made: half a second."""

EXACT, MANY = 16, 1000
"""Up to EXACT differences every assignment of signs is tried; beyond MANY their sum is as good as normal."""


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


def within_groups(strata: Sequence[Stratum], weights: Sequence[float]) -> float:
    """Two-sided p-value of no difference within any stratum, by dealing the answers of each anew between its two sides
    (Fisher's exact test of each, their weighted differences added up; Cox 1970, The Analysis of Binary Data, section
    5.2). Values are right or wrong, 1 or 0.

    Exact, and so never below what the answers allow: two right and two wrong answers give 1 in 3 at least; single pairs
    give McNemar's test. Beyond MOST_SUMS different outcomes, or MOST_WORK, their sum is as good as normal.
    """
    if all(s.answers == s.base_answers == 1 for s in strata) and len(set(weights)) == 1:
        changes = [round(s.right) - round(s.base_right) for s in strata]
        return mcnemar(sum(c > 0 for c in changes), sum(c < 0 for c in changes))
    observed = variance = 0.0
    work = 0
    sums: dict[float, float] | None = {0.0: 1.0}
    for (k1, n1, k2, n2), weight in zip(strata, weights, strict=True):
        first, both, n = round(k1), round(k1) + round(k2), n1 + n2
        observed += weight * (first / n1 - (both - first) / n2)
        variance += weight**2 * both * (n - both) / (n - 1) / (n1 * n2)
        if sums is None:
            continue
        every = math.comb(n, both)
        chances = [
            (weight * (k / n1 - (both - k) / n2), math.comb(n1, k) * math.comb(n2, both - k) / every)
            for k in range(max(0, both - n2), min(n1, both) + 1)
        ]
        work += len(sums) * len(chances)
        if work > MOST_WORK:
            sums = None
            continue
        dealt: dict[float, float] = {}
        for value, chance in sums.items():
            for change, share in chances:
                key = round(value + change, 9)
                dealt[key] = dealt.get(key, 0.0) + chance * share
        sums = dealt if len(dealt) <= MOST_SUMS else None
    if sums is None:
        return math.erfc(abs(observed) / math.sqrt(2 * variance))
    return min(1.0, math.fsum(chance for value, chance in sums.items() if abs(value) >= abs(observed) - 1e-6))


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
