"""Successive halving: many points, few pairs each; the half that breaks most gets more, until one is left.

Karnin, Koren, Somekh 2013, Almost optimal exploration in multi-armed bandits (ICML, PMLR 28: 1238-1246), with the
answers of all rounds kept and at most ROUNDS of them. Knows points by their number, and neither tasks nor runs.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from harness.results.counts import Pairing
from harness.statistics.intervals import FEW, Estimate, stratified_difference
from harness.statistics.tests import at_zero, within_groups

ROUNDS = 3
"""Rounds of equal cost. Of 40 points at 2,200 pairs three find a break of .2 more often than two, four or more
(benchmarks/falsify.py)."""

SHARE = 0.75
"""Of the budget, for the search; the rest is for the confirmation. Of 40 points at 2,200 pairs it finds and confirms a
break of .2 in 74%, and 0.6 in 66% (benchmarks/falsify.py)."""


class Seen(NamedTuple):
    """Point less reference over so many pairs; None if no pair has a verdict on both sides."""

    gap: float | None
    pairs: int


@dataclass(frozen=True)
class Searched:
    """What each round saw of the points that were in it, and the point that broke most."""

    rounds: tuple[Mapping[int, Seen], ...]
    best: int

    def pooled(self, point: int) -> Seen:
        """Over all rounds."""
        return pooled(self.rounds, point)


def pooled(rounds: Sequence[Mapping[int, Seen]], point: int) -> Seen:
    """What these rounds saw of a point, each pair counted alike."""
    seen = [r[point] for r in rounds if point in r and r[point].gap is not None]
    pairs = sum(s.pairs for s in seen)
    return Seen(math.fsum((s.gap or 0.0) * s.pairs for s in seen) / pairs if pairs else None, pairs)


def rounds_of(points: int, most: int = ROUNDS) -> int:
    """How many rounds a search of so many points has."""
    return min(most, math.ceil(math.log2(points)))


Ask = Callable[[int, Sequence[int]], Mapping[int, Seen]]
"""Asks these points in this round (from 0), all of them as often, and says what was seen."""


def search(points: int, ask: Ask, most: int = ROUNDS) -> Searched:
    """Each round (there are `most`, or fewer) asks the points that are left; the half that breaks most is in the next.
    Of points that break alike those with the lower number are kept."""
    left = list(range(points))
    rounds: list[Mapping[int, Seen]] = []
    for number in range(rounds_of(points, most)):
        rounds.append(ask(number, left))
        left.sort(key=lambda point: _order(pooled(rounds, point), point))
        if number + 1 < rounds_of(points, most):
            left = sorted(left[: -(-len(left) // 2)])
    return Searched(tuple(rounds), left[0])


def _order(seen: Seen, point: int) -> tuple[float, int]:
    return (math.inf if seen.gap is None else seen.gap, point)


Verdict = Literal["confirmed", "not confirmed"]
HoldsFor = Literal["these groups", "groups like these"]


@dataclass(frozen=True)
class Fresh:
    """The frozen point on fresh pairs: its gap with the 95% interval, p of no difference, and both accuracies.

    `holds_for` says what the numbers are about. "groups like these": groups are what varies, and the interval is that
    of a run's gaps (counts.Gap). "these groups": there are fewer than intervals.FEW, so these are taken as given, and
    what varies is the answer to the same question, as in `harness compare`.
    """

    gap: Estimate
    p: float
    pairs: int
    groups: int
    sides: tuple[float, float]
    holds_for: HoldsFor

    @property
    def verdict(self) -> Verdict:
        """Whether the break holds: the interval lies below 0. Without a break that happens in 2.5% of confirmations,
        however many points were tried, as this one was fixed before these pairs were asked."""
        return "confirmed" if self.gap.high < 0 else "not confirmed"


def measure(pairing: Pairing) -> Fresh:
    """What fresh pairs say."""
    matched, pairs = pairing.matched, answers(pairing)
    if pairing.groups >= FEW:
        return Fresh(pairing.gap, pairing.p, pairs, pairing.groups, pairing.sides, "groups like these")

    def limits(confidence: float) -> tuple[float, float]:
        return stratified_difference(matched.strata, matched.weights, confidence)

    p = max(within_groups(matched.strata, matched.weights), at_zero(limits))
    low, high = limits(0.95)
    if p >= 0.05:  # the wider of interval and test holds, as in counts.Pairing
        low, high = min(low, 0.0), max(high, 0.0)
    gap = Estimate(matched.value, low, high, pairing.gap.n)
    return Fresh(gap, p, pairs, pairing.groups, pairing.sides, "these groups")


def answers(pairing: Pairing) -> int:
    """How many answers of the point have a verdict and a reference: its pairs."""
    return sum(stratum.answers for stratum in pairing.matched.strata)


def see(pairing: Pairing | None) -> Seen:
    """What a round saw of a point; None if no group has a verdict on both sides."""
    return Seen(None, 0) if pairing is None else Seen(pairing.matched.value, answers(pairing))
