"""Do the intervals hold what they promise? Simulated coverage of every interval that the tables show, and the gate's
false alarms and power.

    python benchmarks/coverage_simulation.py [--simulations 10000] [--only WORD]

Prints a Markdown table. Every simulation draws new parameters (a model's accuracy, how much problems differ) from the
distribution that its row names, then draws data, then asks whether the interval holds the parameter. So a row shows the
mean coverage over what may occur in practice, not the coverage at one fixed value. Seeds are fixed.
tests/test_coverage.py runs a small version.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from harness.results.baselines import Answer
from harness.results.counts import Contrasts
from harness.results.gate import decide, measure
from harness.results.ranks import pair_signs, rank_limits
from harness.statistics import curve, intervals, odds, power
from harness.statistics import repeats as repeated
from harness.statistics.intervals import Cluster, Clusters

Rng = np.random.Generator
Trial = Callable[[Rng], tuple[float, float, float] | None]
"""(low, high, truth) of one simulation; None if no interval is shown."""


@dataclass(frozen=True)
class Result:
    """Shares of the `shown` intervals that hold the truth, and that lie wholly above or below it; mean width.

    `simulations` is the number tried; some show no interval.
    """

    what: str
    setting: str
    coverage: float
    above: float
    below: float
    width: float
    shown: int
    simulations: int


@dataclass(frozen=True)
class Case:
    """One row of the table: which interval, in which setting, and a trial that draws data and computes it."""

    what: str
    setting: str
    trial: Trial


def simulate(case: Case, simulations: int) -> Result:
    """Run a case's trial that many times, with a seed that the case fixes."""
    rng = np.random.default_rng([len(case.what), len(case.setting), 20240602])
    above = below = shown = 0
    width = 0.0
    for _ in range(simulations):
        found = case.trial(rng)
        if found is None:
            continue
        low, high, truth = found
        shown += 1
        above += low > truth + 1e-12
        below += high < truth - 1e-12
        width += min(high, 1e3) - low
    n = max(shown, 1)
    covered = 1 - (above + below) / n
    return Result(case.what, case.setting, covered, above / n, below / n, width / n, shown, simulations)


# Worlds to draw from ------------------------------------------------------------------------------------------------


def rates(rng: Rng, groups: int, spread: float | None = None) -> tuple[float, np.ndarray]:
    """A model's accuracy, uniform in (0.1, 0.9), and that of each group: Beta with the intraclass correlation `spread`,
    or one uniform in (0.05, 0.5)."""
    mean = rng.uniform(0.1, 0.9)
    icc = rng.uniform(0.05, 0.5) if spread is None else spread
    size = 1 / icc - 1
    return mean, rng.beta(mean * size, (1 - mean) * size, groups)


def wilson(n: int) -> Trial:
    """One answer in each of n groups, all right with the same chance."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        p = rng.uniform()
        return *intervals.wilson(int(rng.binomial(n, p)), n), p

    return trial


def accuracy(groups: int, repeats: int) -> Trial:
    """`repeats` answers in each group; the truth is the accuracy over groups in general."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        mean, own = rates(rng, groups)
        found = intervals.accuracy([Cluster(float(k), repeats) for k in rng.binomial(repeats, own)])
        assert found is not None
        return found.low, found.high, mean

    return trial


def accuracy_of_these(groups: int, repeats: int) -> Trial:
    """As `accuracy`, but the truth is the mean over these groups; only their repeats are random."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        _, own = rates(rng, groups)
        found = intervals.accuracy([Cluster(float(k), repeats) for k in rng.binomial(repeats, own)])
        assert found is not None
        return found.low, found.high, float(np.mean(own))

    return trial


def worst_condition(conditions: int, groups: int) -> Trial:
    """The worst of conditions that all have the same accuracy, with one answer per group and condition."""

    def trial(rng: Rng) -> tuple[float, float, float] | None:
        mean = rng.uniform(0.1, 0.9)
        contrasts = Contrasts()
        for (group, condition), right in np.ndenumerate(rng.random((groups, conditions)) < mean):
            record = {"task": "t", "group": str(group), "condition": str(condition), "epoch": 1, "params": {}}
            contrasts.add(record | {"outcome": "correct" if right else "wrong", "value": float(right)})
        worst = contrasts.worst()
        return None if worst is None else (worst.accuracy.low, worst.accuracy.high, mean)

    return trial


def uneven_accuracy(groups: int) -> Trial:
    """Groups of one to nine answers."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        mean, own = rates(rng, groups)
        sizes = rng.integers(1, 10, groups)
        found = intervals.accuracy(
            [Cluster(float(k), int(n)) for k, n in zip(rng.binomial(sizes, own), sizes, strict=True)]
        )
        assert found is not None
        return found.low, found.high, mean

    return trial


def two_samples(n: int, m: int) -> Trial:
    """The difference of two independent accuracies, from n and m answers."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        p, q = rng.uniform(size=2)
        return *intervals.difference(int(rng.binomial(n, p)), n, int(rng.binomial(m, q)), m), p - q

    return trial


def matched(right: np.ndarray, base: np.ndarray, repeats: int) -> tuple[float, float]:
    """The interval of a gap. `right` and `base` have the number of right answers of each group at the two levels, out
    of `repeats` at each."""
    groups = [[intervals.Stratum(float(k), repeats, float(m), repeats)] for k, m in zip(right, base, strict=True)]
    return intervals.MatchedDifference(groups).interval()


def gap_of_these(groups: int, repeats: int) -> Trial:
    """As `gap`, but the truth is the mean gap of these groups; only their repeats are random."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        p, q = rng.uniform(size=(2, groups))
        return *matched(rng.binomial(repeats, p), rng.binomial(repeats, q), repeats), float(np.mean(p - q))

    return trial


def pair_rates(rng: Rng, groups: int) -> tuple[float, np.ndarray, np.ndarray]:
    """Mean gap, and each group's accuracy under two conditions. In a random share of the groups the second accuracy is
    drawn anew; in the others it equals the first."""
    (first, one), (second, other) = rates(rng, groups), rates(rng, groups)
    share = rng.uniform(0.1, 0.9)
    changed = rng.random(groups) < share
    return share * (second - first), one, np.where(changed, other, one)


def gap(groups: int, repeats: int) -> Trial:
    """`repeats` answers per group and condition; the truth is the mean gap over groups in general."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        gap, one, other = pair_rates(rng, groups)
        return *matched(rng.binomial(repeats, other), rng.binomial(repeats, one), repeats), gap

    return trial


def uneven_gap(groups: int) -> Trial:
    """One to three matched pairs of conditions a group, each side asked one to nine times."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        gap, one, other = pair_rates(rng, groups)
        strata = []
        for p, q in zip(other, one, strict=True):
            sizes = rng.integers(1, 10, (rng.integers(1, 4), 2))
            strata.append([intervals.Stratum(rng.binomial(n, p), int(n), rng.binomial(m, q), int(m)) for n, m in sizes])
        return *intervals.MatchedDifference(strata).interval(), gap

    return trial


def same_world(groups: int) -> Trial:
    """A condition that rarely changes an answer: most differences are zero."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        up, down = rng.uniform(0, 0.2, 2)
        change = rng.choice([1, -1, 0], size=groups, p=[up, down, 1 - up - down])
        return *matched(np.maximum(change, 0), np.maximum(-change, 0), 1), up - down

    return trial


def models_on_the_same(groups: int) -> Trial:
    """Two runs on the same groups, as the gate compares them: the mean of the groups' differences."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        gap, one, other = pair_rates(rng, groups)
        change = rng.binomial(1, other) - rng.binomial(1, one)
        return *intervals.paired([float(c) for c in change]), gap

    return trial


def half_point(problems: int) -> Trial:
    """The length at which half of the answers are right: lengths 2 to 16, slope and middle uniform."""

    def trial(rng: Rng) -> tuple[float, float, float] | None:
        middle, slope = rng.uniform(5, 12), rng.uniform(0.4, 1.2)
        lengths = rng.integers(1, 9, problems) * 2
        right = rng.random(problems) < 1 / (1 + np.exp(slope * (lengths - middle)))
        fit = curve.logistic([curve.Point(float(x), float(k), 1) for x, k in zip(lengths, right, strict=True)])
        limits = fit.interval_at_half() if fit and fit.slope < 0 else None
        return (*limits, middle) if limits else None

    return trial


def repeats(estimate: Callable[[int, int, int], float], samples: int, n: int, k: int) -> Trial:
    """pass@k or pass^k over samples with n answers each; the truth is its expectation over samples."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        mean, icc = rng.uniform(0.1, 0.9), rng.uniform(0.05, 0.5)
        a, b = mean * (1 / icc - 1), (1 - mean) * (1 / icc - 1)
        right = rng.binomial(n, rng.beta(a, b, samples))
        found = repeated.mean_of_shares([(estimate(int(r), n, k), 1) for r in right], samples * n)
        assert found is not None

        def moment(x: float, y: float) -> float:  # of k answers all right: E p^k of a Beta
            return math.prod((x + i) / (x + y + i) for i in range(k))

        truth = 1 - moment(b, a) if estimate is repeated.pass_at_k else moment(a, b)
        return found.low, found.high, truth

    return trial


def majority(samples: int, n: int, k: int) -> Trial:
    """maj@k for odd k. Models give only two different answers, so the chance of a right majority is known."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        mean, icc = rng.uniform(0.2, 0.8), rng.uniform(0.05, 0.5)
        a, b = mean * (1 / icc - 1), (1 - mean) * (1 / icc - 1)
        right = rng.binomial(n, rng.beta(a, b, samples)).tolist()
        shares = [repeated.majority({"right": (r, r), "wrong": (n - r, 0)}, 0, k) for r in right]
        found = repeated.mean_of_shares([Cluster(s, 1) for s in shares], samples * n)
        assert found is not None

        def chance(i: int) -> float:  # i of k right: beta-binomial
            log = math.lgamma(a + i) + math.lgamma(b + k - i) - math.lgamma(a + b + k)
            return math.comb(k, i) * math.exp(log + math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b))

        return found.low, found.high, sum(chance(i) for i in range(k // 2 + 1, k + 1))

    return trial


def fluctuation(strata: int, variations: int, n: int) -> Trial:
    """Rates of variations drawn from a Beta distribution; the truth is its standard deviation."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        sd, means = rng.uniform(0.03, 0.2), rng.uniform(0.3, 0.7, strata)
        cells = []
        for mean in means:
            a, b = repeated.beta(float(mean), float(sd)) or (1.0, 1.0)
            cells.append([Cluster(int(k), n) for k in rng.binomial(n, rng.beta(a, b, variations))])
        low, _, high = repeated.variation(cells)
        return low, high, sd

    return trial


def odds_ratio(groups: int, repeats: int, missing: float, mixed: bool) -> Trial:
    """Odds ratios of 1/4 to 4, as logarithms. Problems have random intercepts with a standard deviation of 0.5 to 2,
    and lack each of the two levels with the chance `missing`."""

    def trial(rng: Rng) -> tuple[float, float, float] | None:
        ratio, sd = rng.uniform(-1.4, 1.4), rng.uniform(0.5, 2)
        base = rng.normal(rng.uniform(-1, 1), sd, groups)
        sizes = np.where(rng.random((2, groups)) < missing, 0, repeats)
        right = rng.binomial(sizes, 1 / (1 + np.exp(-np.array([base + ratio, base]))))
        columns = (row.tolist() for row in (right[0], sizes[0], right[1], sizes[1]))
        tables = [intervals.Stratum(*row) for row in zip(*columns, strict=True)]
        found = (odds.mixed_odds_ratio if mixed else odds.conditional_odds_ratio)(tables)
        if found.value is None:
            return None
        low = math.log(found.low) if found.low else -math.inf
        return max(low, -1e3), math.log(found.high) if found.high < math.inf else 1e3, ratio

    return trial


def balanced(n: int) -> Trial:
    """The mean of the accuracies over three kinds of plans (balanced accuracy)."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        p = rng.uniform(size=3)
        shares = [intervals.accuracy([(float(k), 1) for k in rng.random(n) < q]) for q in p]
        found = intervals.mean_of([s for s in shares if s])
        return found.low, found.high, float(p.mean())

    return trial


def steps_too_many(plans: int) -> Trial:
    """A share of plans has no step too many, the others have some (gamma distribution): shares of a shortest plan."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        optimal, mean = rng.uniform(0.3, 0.9), rng.uniform(0.1, 0.6)
        values = np.where(rng.random(plans) < optimal, 0.0, rng.gamma(2, mean / 2, plans))
        return *intervals.skewed_mean_interval(values.tolist()), (1 - optimal) * mean

    return trial


def executable_part(plans: int) -> Trial:
    """A share of plans can be executed to the end, the others in part (a Beta distribution)."""

    def trial(rng: Rng) -> tuple[float, float, float]:
        whole, (a, b) = rng.uniform(0.1, 0.9), rng.uniform(0.5, 3, 2)
        values = np.where(rng.random(plans) < whole, 1.0, rng.beta(a, b, plans))
        return *intervals.skewed_mean_interval(values.tolist()), whole + (1 - whole) * a / (a + b)

    return trial


def ranks(models: int, groups: int) -> Trial:
    """Whether the intervals of all models hold their true ranks at once; problems differ in difficulty.

    A hit is returned as the interval [0, 0] with the truth 0, a miss with the truth 1.
    """

    def trial(rng: Rng) -> tuple[float, float, float]:
        means, answers = [], []
        base = rng.uniform(0.2, 0.8)
        easy = rng.normal(0, 1, groups)
        for _ in range(models):
            skill = math.log(base / (1 - base)) + rng.normal(0, 0.4)
            means.append(skill)
            right = rng.random(groups) < 1 / (1 + np.exp(-(skill + easy)))
            answers.append(Clusters({str(g): Cluster(float(k), 1) for g, k in enumerate(right)}))
        limits = rank_limits(pair_signs(answers))
        true = [1 + sum(other > own for other in means) for own in means]
        held = all(low <= rank <= high for (low, high), rank in zip(limits, true, strict=True))
        return 0.0, 0.0, 0.0 if held else 1.0

    return trial


CASES = [
    *(Case("accuracy, one answer a group (Wilson)", f"n = {n}, p uniform", wilson(n)) for n in (10, 30, 100, 500)),
    Case("accuracy over groups", "100 groups of 3", accuracy(100, 3)),
    Case("accuracy over groups", "30 groups of 10", accuracy(30, 10)),
    Case("accuracy over groups", "12 groups of 30", accuracy(12, 30)),
    Case("accuracy over groups", "60 groups of 1 to 9", uneven_accuracy(60)),
    *(Case("accuracy over few groups", f"{g} groups of 30", accuracy(g, 30)) for g in (2, 4, 5, 8)),
    *(Case("accuracy of these groups alone", f"{g} groups of 30", accuracy_of_these(g, 30)) for g in (2, 4)),
    Case("worst of equal conditions", "12 conditions, 30 groups", worst_condition(12, 30)),
    Case("independent difference", "50 and 80", two_samples(50, 80)),
    Case("independent difference", "300 and 300", two_samples(300, 300)),
    *(Case("gap within groups", f"{n} pairs", gap(n, 1)) for n in (4, 5, 10, 20, 100, 500)),
    *(Case("gap within groups", f"{g} groups of 30 and 30", gap(g, 30)) for g in (2, 3, 4, 5, 8)),
    Case("gap within groups", "10 groups of 5 and 5", gap(10, 5)),
    Case("gap within groups", "50 groups of 5 and 5", gap(50, 5)),
    Case("gap within groups", "20 groups of other sizes", uneven_gap(20)),
    Case("gap within groups, rare changes", "200 pairs", same_world(200)),
    Case("gap of these groups alone", "1 group of 30 and 30", gap_of_these(1, 30)),
    Case("gap of these groups alone", "4 groups of 30 and 30", gap_of_these(4, 30)),
    Case("gap of these groups alone", "5 groups of 30 and 30", gap_of_these(5, 30)),
    Case("difference of runs on the same groups", "30 groups", models_on_the_same(30)),
    Case("length at half (Fieller)", "150 problems", half_point(150)),
    Case("length at half (Fieller)", "600 problems", half_point(600)),
    Case("balanced accuracy", "3 kinds of 40", balanced(40)),
    Case("steps too many, mean", "30 plans", steps_too_many(30)),
    Case("steps too many, mean", "200 plans", steps_too_many(200)),
    Case("executable part, mean", "30 plans", executable_part(30)),
    Case("executable part, mean", "200 plans", executable_part(200)),
    Case("pass@4 of 10", "100 samples", repeats(repeated.pass_at_k, 100, 10, 4)),
    Case("pass^4 of 10", "100 samples", repeats(repeated.pass_hat_k, 100, 10, 4)),
    Case("maj@5 of 10", "100 samples", majority(100, 10, 5)),
    Case("fluctuation, sd between variations", "1 problem, 12 variations of 30", fluctuation(1, 12, 30)),
    Case("fluctuation, sd between variations", "6 problems, 4 variations of 30", fluctuation(6, 4, 30)),
    Case("ranks of 4 models, all at once (at least 95%)", "100 problems", ranks(4, 100)),
    Case("odds ratio, conditional", "150 pairs", odds_ratio(150, 1, 0, False)),
    Case("odds ratio, conditional", "30 groups of 5 and 5", odds_ratio(30, 5, 0, False)),
    Case("odds ratio, mixed model", "60 groups of 3 and 3, 30% missing", odds_ratio(60, 3, 0.3, True)),
]


# The gate -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class GateCase:
    """One model twice, with an accuracy lower by `drop` the second time. By theory the share `expected` gets `verdict`:
    at most that share if `at_most`, else about that share."""

    what: str
    pairs: int
    drop: float
    verdict: str
    expected: float
    at_most: bool


DISCORDANT = 0.10
"""Share of answers that change from run to run by chance (temperature above 0, rounding of batches)."""


def gate_shares(pairs: int, drop: float, simulations: int, margin: float = 0.02) -> dict[str, float]:
    """The share of simulations in which the gate gives each verdict."""
    rng = np.random.default_rng([pairs, round(drop * 1000)])
    lost, gained = (DISCORDANT + drop) / 2, (DISCORDANT - drop) / 2
    shares: dict[str, float] = {}
    right, wrong = ([Answer(str(i), 1, str(i), "a", "", "", value) for i in range(pairs)] for value in (1.0, 0.0))
    same, worse, better = (list(zip(b, a, strict=True)) for b, a in ((right, right), (right, wrong), (wrong, right)))
    for _ in range(simulations):
        down, up, _ = rng.multinomial(pairs, [lost, gained, 1 - lost - gained])
        answers = worse[:down] + better[down : down + up] + same[down + up :]
        measured = measure("all", answers, 0.05)
        verdict = decide(measured, measured.p, margin, 0.05).verdict
        shares[verdict] = shares.get(verdict, 0.0) + 1 / simulations
    return shares


def gate_cases() -> list[GateCase]:
    """The rows of the gate's table."""
    deviation = math.sqrt(DISCORDANT - 0.05**2)
    enough = power.needed(0.05, deviation, exact=True)
    no_change = power.needed(0.02, math.sqrt(DISCORDANT))
    return [
        GateCase("no true change: called a regression", 500, 0.0, "regression", 0.025, True),
        GateCase("no true change: called an improvement", 500, 0.0, "improvement", 0.025, True),
        GateCase("a true drop of the margin (2 points): called no change", 2000, 0.02, "no change", 0.025, True),
        GateCase("a true drop of 5 points: caught", enough, 0.05, "regression", 0.8, False),
        GateCase("no true change: shown, with the pairs said to be needed", no_change, 0.0, "no change", 0.8, False),
    ]


def main() -> None:
    """Print the rows whose name has the word of --only; without it, all rows and the gate's table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=10_000)
    parser.add_argument("--only", default="", help="cases with this word in their name")
    a = parser.parse_args()
    print("| 95% interval of | setting | coverage | too high | too low | mean width | shown | s |")
    print("|---|---|---|---|---|---|---|---|")
    for case in CASES:
        if a.only in case.what:
            start = time.perf_counter()
            r = simulate(case, a.simulations)
            shares = f"{100 * r.coverage:.1f}% | {100 * r.above:.1f}% | {100 * r.below:.1f}% | {r.width:.3f}"
            took = time.perf_counter() - start
            print(f"| {r.what} | {r.setting} | {shares} | {r.shown} of {r.simulations} | {took:.0f} |", flush=True)
    if a.only in "gate":
        print("\n| the gate, alpha 5%, margin 2 points | pairs | share | theory |\n|---|---|---|---|")
        for g in gate_cases():
            share = gate_shares(g.pairs, g.drop, a.simulations).get(g.verdict, 0.0)
            bound = "at most " if g.at_most else ""
            print(f"| {g.what} | {g.pairs} | {100 * share:.1f}% | {bound}{100 * g.expected:.1f}% |", flush=True)


if __name__ == "__main__":
    main()
