"""Does `harness falsify` find a break that is there, and confirm none that is not?

    python benchmarks/falsify.py [--searches 1000] [--points 40] [--pairs 2200]
    python benchmarks/falsify.py --tiny 20 [--first 0] [--calls 3000]

The first simulates a model at the level of answers: groups differ in difficulty, the reference is right in 70% of them
on average, and a point that breaks is right less often in each. The search, the measurement and the verdict are those
of the product (harness.studies.halving). The second asks the embedded model AIW's options, with so many seeds.
"""

from __future__ import annotations

import argparse
import os
import platform
import tempfile
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.results.counts import Pairing
from harness.statistics.intervals import MatchedDifference, Stratum, wilson
from harness.studies import halving
from harness.studies.halving import ROUNDS, SHARE, Fresh, Seen
from harness.text import align, interval

RIGHT, ALIKE = 0.7, 3.0
"""Mean accuracy of the reference over groups, and how alike groups are: Beta(RIGHT * ALIKE, (1 - RIGHT) * ALIKE). The
standard deviation of a pair's difference is then 0.56."""


class Simulated(NamedTuple):
    """One search with its confirmation: the point found, what the search saw of it, and what fresh pairs say."""

    best: int
    searched: Seen
    fresh: Fresh


def pairs(gap: float, n: int, rng: np.random.Generator) -> Pairing:
    """`n` pairs, each of a group of its own, of a point whose true gap is `gap` (0 or below)."""
    difficulty = rng.beta(RIGHT * ALIKE, (1 - RIGHT) * ALIKE, n)
    right, base = rng.random(n) < difficulty * (1 + gap / RIGHT), rng.random(n) < difficulty
    return Pairing(MatchedDifference([[Stratum(float(a), 1, float(b), 1)] for a, b in zip(right, base, strict=True)]))


def simulate(
    gaps: Sequence[float], total: int, rng: np.random.Generator, rounds: int = ROUNDS, share: float = SHARE
) -> Simulated:
    """A search over points with these true gaps and its confirmation, with so many pairs in all."""
    left_over = int(total * share)

    def ask(number: int, left: Sequence[int]) -> Mapping[int, Seen]:
        nonlocal left_over
        n = left_over // (halving.rounds_of(len(gaps), rounds) - number) // len(left)
        left_over -= n * len(left)
        seen = {}
        for i in left:  # as halving.see, without the strata
            difficulty = rng.beta(RIGHT * ALIKE, (1 - RIGHT) * ALIKE, n)
            right, base = rng.random(n) < difficulty * (1 + gaps[i] / RIGHT), rng.random(n) < difficulty
            seen[i] = Seen(float(right.mean() - base.mean()), n)
        return seen

    found = halving.search(len(gaps), ask, rounds)
    fresh = halving.measure(pairs(gaps[found.best], total - int(total * share), rng))
    return Simulated(found.best, found.pooled(found.best), fresh)


class Rates(NamedTuple):
    """Of many searches: shares and means, as the table has them."""

    searches: int
    found: float
    confirmed: float
    searched: float
    fresh: float
    true: float
    covered: float


def rates(gaps: Sequence[float], total: int, searches: int, seed: int, rounds: int, share: float) -> Rates:
    """Of so many searches: how often the lowest gap was found and a break confirmed, the mean gap in the search, on
    fresh pairs and in truth, and how often the fresh interval holds the truth."""
    rng = np.random.default_rng(seed)
    made = [simulate(gaps, total, rng, rounds, share) for _ in range(searches)]
    return Rates(
        searches,
        sum(gaps[m.best] == min(gaps) for m in made) / searches,
        sum(m.fresh.verdict == "confirmed" for m in made) / searches,
        sum(m.searched.gap or 0.0 for m in made) / searches,
        sum(m.fresh.gap.value for m in made) / searches,
        sum(gaps[m.best] for m in made) / searches,
        sum(m.fresh.gap.low <= gaps[m.best] <= m.fresh.gap.high for m in made) / searches,
    )


def table(points: int, total: int, searches: int) -> str:
    """No break, and one break of .2, .15 and .1; then the break of .2 with other numbers of rounds and other shares."""
    rows = []
    for gap, rounds, share in (
        *((gap, ROUNDS, SHARE) for gap in (0.0, -0.2, -0.15, -0.1)),
        *((-0.2, rounds, SHARE) for rounds in (1, 2, 4, 6)),
        *((-0.2, ROUNDS, share) for share in (0.5, 0.6, 0.9)),
    ):
        r = rates([*[0.0] * (points - 1), gap], total, searches, 1, rounds, share)
        limits = "[{:.1%}, {:.1%}]".format(*wilson(r.confirmed * searches, searches))
        cells = [f"{gap:.2f}", f"{rounds}", f"{share:.0%}", f"{r.found:.1%}" if gap else "-"]
        rows.append([*cells, f"{r.confirmed:.1%} {limits}", *(f"{v:+.3f}" for v in (r.searched, r.fresh, r.true))])
        rows[-1].append(f"{r.covered:.1%}")
    return align(
        ["break of one point", "rounds", "search", "found", "confirmed", "gap in search", "fresh", "true", "covered"],
        rows,
        left=1,
    )


def tiny(seeds: range, calls: int) -> str:
    """What the embedded model breaks at in AIW, by seed."""
    from harness.pipeline.config import configure
    from harness.studies import falsify
    from harness.studies.found import Order

    rows, families = [], Counter[str]()
    with tempfile.TemporaryDirectory() as out:
        for seed in seeds:
            begun = time.monotonic()
            order = Order(configure("aiw", "tiny", {"seed": seed}, {}, {}, {}), calls)
            _, found = falsify.start(order, Path(out))
            families[found.best.condition.partition("/")[0]] += 1
            fresh = found.fresh
            limits = interval(fresh.gap.low, fresh.gap.high) if fresh else "-"
            told = [f"{fresh.gap.value:+.3f} {limits}", f"{fresh.pairs}"] if fresh else ["-", "0"]
            name, gap = found.space.name(found.best), found.searched.pooled(found.searched.best).gap
            rows.append([str(seed), name, f"{gap:+.3f}", *told, found.verdict, f"{time.monotonic() - begun:.0f} s"])
            print(*rows[-1], flush=True)
    head = ["seed", "found", "search", "fresh", "pairs", "verdict", "time"]
    return align(head, rows, left=2) + f"\n{dict(families)}"


def main() -> None:
    """Print one of the two tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--searches", type=int, default=1000)
    parser.add_argument("--points", type=int, default=40)
    parser.add_argument("--pairs", type=int, default=2200)
    parser.add_argument("--tiny", type=int, default=0, metavar="SEEDS")
    parser.add_argument("--first", type=int, default=0, metavar="SEED")
    parser.add_argument("--calls", type=int, default=3000)
    given = parser.parse_args()
    begun = time.monotonic()
    if given.tiny:
        print(f"AIW, embedded model, {given.tiny} seeds from {given.first} on, {given.calls} calls each")
        print(tiny(range(given.first, given.first + given.tiny), given.calls))
    else:
        print(f"{given.points} points, {given.pairs} pairs, {given.searches} searches a row")
        print(table(given.points, given.pairs, given.searches))
    print(f"{time.monotonic() - begun:.0f} s, Python {platform.python_version()}, {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
