"""The regression gate: two runs of the same samples, paired (`harness compare BASE NEW`, and each check of a policy).

Says regression, improvement, no change within the margin, or too few samples to tell. Knows nothing of files that are
written (harness.results.gate_output) or of policies (harness.results.policy).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Literal

from harness.errors import DataError
from harness.results.baselines import Answer, Answers, answers
from harness.results.records import RecordedRun, open_run
from harness.statistics import intervals, power, tests
from harness.text import printable
from harness.types import Outcome

Verdict = Literal["regression", "improvement", "no change", "too few to tell"]
FailOn = Literal["regression", "inconclusive"]
HoldsFor = Literal["these groups", "groups like these"]

MARGIN = 0.02
ALPHA = 0.05
LEAST_ALPHA, MOST_ALPHA = 1e-6, 0.5
"""Below the least, one minus alpha is soon 1 in floating point, which has no interval."""
LEAST_MARGIN = 1e-6
"""No number of pairs tells less than this."""

EXIT_REGRESSION = 100
EXIT_INCONCLUSIVE = 3


@dataclass(frozen=True)
class Change:
    """NEW against BASE in one condition (or `all`): accuracies over the pairs, the difference with its interval, its
    p-value (corrected as `compare`, or the policy, says), and the number of pairs that would tell.

    `holds_for` says what the numbers are about. "groups like these": groups are what varies, so they hold for others
    too. "these groups": there are fewer than intervals.FEW, and what varies is only the answer to the same sample.
    """

    condition: str
    verdict: Verdict
    pairs: int
    groups: int
    holds_for: HoldsFor
    base: float
    new: float
    difference: float
    ci_low: float
    ci_high: float
    p: float
    needed: int | None

    @property
    def margin_that_tells(self) -> float | None:
        """The smallest margin, in steps of 0.001, with which these answers would be no change; None if none up to 1
        would."""
        steps = math.ceil(-1000 * self.ci_low)
        steps += steps / 1000 < -self.ci_low  # 1000 times the limit was rounded down
        return max(0, steps) / 1000 if steps <= 1000 else None


@dataclass(frozen=True)
class Comparison:
    """The gate's result. `lost` and `gained` are the samples that went from right to wrong and back (id, epoch)."""

    base: str
    new: str
    task: str
    metric: str
    margin: float
    alpha: float
    overall: Change
    conditions: tuple[Change, ...]
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    without_verdict: int
    infrastructure: int
    same_text: int
    other_prompts: int
    """Pairs of one question in two prompts: other tools put it into the template of each model."""
    scored_by: str
    """Whose verdicts these are, if not an installed task's."""

    @property
    def compared(self) -> int:
        """Number of samples and epochs in both runs."""
        return self.overall.pairs + self.without_verdict

    @property
    def changes(self) -> tuple[Change, ...]:
        """Of each condition, then of all of them."""
        return (*self.conditions, self.overall)

    @property
    def regressions(self) -> list[Change]:
        """The changes that are regressions: overall, and of single conditions."""
        return [c for c in (self.overall, *self.conditions) if c.verdict == "regression"]

    @property
    def undecided(self) -> bool:
        """Whether nothing can be said of all conditions together: too few samples, or answers that have yet to come."""
        return self.overall.verdict == "too few to tell" or self.infrastructure > 0

    def exit_code(self, fail_on: FailOn | None = None) -> int:
        """100 for a regression, overall or in a condition; with `inconclusive` also 3 if it is undecided."""
        if self.regressions:
            return EXIT_REGRESSION
        return EXIT_INCONCLUSIVE if fail_on == "inconclusive" and self.undecided else 0


# Comparing ----------------------------------------------------------------------------------------------------------

Pair = tuple[Answer, Answer]


@dataclass(frozen=True)
class Paired:
    """Two runs of the same samples, measured and not yet judged: `parts` are their conditions, none if there is only
    one, because that is `whole`."""

    base: Path
    new: RecordedRun
    metric: str
    pairs: tuple[Pair, ...]
    judged: tuple[Pair, ...]
    whole: Measured
    parts: tuple[Measured, ...]

    @property
    def tests(self) -> list[float]:
        """The p-values of all that can fail a gate: of `whole`, then of the parts."""
        return [self.whole.p, *(m.p for m in self.parts)]


def compare(
    base: Path, new: Path, *, metric: str = "accuracy", margin: float = MARGIN, alpha: float = ALPHA
) -> Comparison:
    """Both runs must have asked the same: DataError that names the samples if they did not. The test of all conditions
    together stands for itself; those of the conditions are corrected for their number (Holm)."""
    paired = pair(base, new, metric=metric, alpha=alpha)
    return judge(paired, [paired.whole.p, *tests.holm(paired.tests[1:])], margin, alpha)


def pair(base: Path, new: Path, *, metric: str = "accuracy", alpha: float = ALPHA, only: Sequence[str] = ()) -> Paired:
    """Read two runs and measure how they differ. `only` are the conditions, or levels of them, to look at. DataError if
    they are not of the same samples."""
    runs = open_run(base), open_run(new)
    return pair_answers(
        runs, (answers(runs[0], metric, only), answers(runs[1], metric, only)), metric=metric, alpha=alpha
    )


def compare_answers(
    runs: tuple[RecordedRun, RecordedRun],
    found: tuple[Answers, Answers],
    *,
    margin: float = MARGIN,
    alpha: float = ALPHA,
) -> Comparison:
    """`compare` of runs that were read already: (BASE, NEW), and the answers of each."""
    paired = pair_answers(runs, found, alpha=alpha)
    return judge(paired, [paired.whole.p, *tests.holm(paired.tests[1:])], margin, alpha)


def pair_answers(
    runs: tuple[RecordedRun, RecordedRun],
    found: tuple[Answers, Answers],
    *,
    metric: str = "accuracy",
    alpha: float = ALPHA,
) -> Paired:
    """`pair` of runs that were read already: (BASE, NEW), and the answers of each."""
    (base, new), (before, after) = (run.directory for run in runs), found
    _same_task(*runs)
    _same_samples(base, before, new, after)
    pairs = tuple((before[key], after[key]) for key in before)
    judged = tuple((b, a) for b, a in pairs if b.value is not None and a.value is not None)
    if not judged:
        raise DataError(f"no sample has a verdict in both {base} and {new}")
    said = runs[0].about.get("conditions")
    order = [c for c in said if isinstance(c, str)] if isinstance(said, list) else []
    by_condition: dict[str, list[Pair]] = {c: [] for c in order}
    for one in judged:
        by_condition.setdefault(one[0].condition, []).append(one)
    parts = tuple(measure(c, members, alpha) for c, members in by_condition.items() if members)
    whole = measure("all", judged, alpha)
    return Paired(base, runs[1], metric, pairs, judged, whole, parts if len(parts) > 1 else ())


def judge(paired: Paired, corrected: Sequence[float], margin: float, alpha: float) -> Comparison:
    """The verdicts, with p-values in the order of `paired.tests`."""
    overall, *conditions = (
        decide(m, p, margin, alpha) for m, p in zip((paired.whole, *paired.parts), corrected, strict=True)
    )
    pairs, judged = paired.pairs, paired.judged
    if all(b.text == a.text != "" and b.value == a.value for b, a in pairs):  # the same answers: nothing is by chance
        overall, conditions = _unchanged(overall), [_unchanged(c) for c in conditions]
    return Comparison(
        base=paired.base.name,
        new=paired.new.directory.name,
        task=paired.new.task,
        metric=paired.metric,
        margin=margin,
        alpha=alpha,
        overall=overall,
        conditions=tuple(conditions),
        lost=tuple(f"{b.id} (epoch {b.epoch})" for b, a in judged if changed(b, a) == "lost"),
        gained=tuple(f"{b.id} (epoch {b.epoch})" for b, a in judged if changed(b, a) == "gained"),
        without_verdict=len(pairs) - len(judged),
        infrastructure=sum(Outcome(x.outcome).is_infrastructure for one in pairs for x in one),
        same_text=sum(b.text == a.text != "" for b, a in pairs),
        other_prompts=sum(b.prompt != a.prompt for b, a in pairs),
        scored_by=paired.new.scored_by,
    )


def _unchanged(change: Change) -> Change:
    return replace(change, verdict="no change", needed=None)


def _right(answer: Answer) -> bool:
    return answer.value is not None and answer.value >= 1


def changed(before: Answer | None, after: Answer) -> Literal["lost", "gained", ""]:
    """Whether a sample went from right to wrong, or back; "" if it did not, or has no verdict on one side."""
    if before is None or before.value is None or after.value is None or _right(before) == _right(after):
        return ""
    return "lost" if _right(before) else "gained"


def _same_task(base: RecordedRun, new: RecordedRun) -> None:
    if (base.task, base.version) != (new.task, new.version):
        shown = " and ".join(f"{run.task} version {run.version}" for run in (base, new))
        raise DataError(
            f"{base.directory} and {new.directory} are of different tasks: {shown}",
            "compare runs of one version of one task",
        )
    if (base.aid == "oracle") != (new.aid == "oracle"):
        saw, blind = (base, new) if base.aid == "oracle" else (new, base)
        raise DataError(
            f"the strategy of {saw.directory} saw the answer key, that of {blind.directory} did not",
            "what saw the key is a ceiling: compare it with a run of a strategy that did, too",
        )


def _same_samples(base: Path, before: Answers, new: Path, after: Answers) -> None:
    hint = "compare runs with the same -T, --seed, --limit and --epochs"
    for one, other, name in ((before, after, new), (after, before, base)):
        missing = [key for key in one if key not in other]
        if missing:
            raise DataError(f"{len(missing)} of {len(one)} samples are not in {name}: {_named(missing)}", hint)
    changed = [key for key in before if before[key].asked != after[key].asked]
    if changed:
        raise DataError(f"{len(changed)} of {len(before)} samples were asked otherwise: {_named(changed)}", hint)


def _named(keys: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{printable(name)} (epoch {epoch})" for name, epoch in keys[:3]) + (
        " ..." if len(keys) > 3 else ""
    )


@dataclass(frozen=True)
class Measured:
    """Difference of accuracies over pairs, before a verdict. `spread` is the variance of a unit's difference, and
    `units` what was counted as independent: groups, or the answers if there are few groups."""

    condition: str
    pairs: int
    groups: int
    units: int
    base: float
    new: float
    low: float
    high: float
    p: float
    spread: float

    @property
    def holds_for(self) -> HoldsFor:
        """What the numbers are about, see Change."""
        return "these groups" if self.groups < intervals.FEW else "groups like these"


def measure(condition: str, pairs: Sequence[Pair], alpha: float) -> Measured:
    """Groups are the clusters. With fewer than intervals.FEW of them the samples are taken as given and their repeats
    as the random part, as in the tables of a run. DataError for values that this rule can't take."""
    groups: dict[str, list[float]] = {}
    for b, a in pairs:
        groups.setdefault(b.group, []).append((a.value or 0.0) - (b.value or 0.0))
    n = len(pairs)
    base, new = (sum(side) / n for side in zip(*((b.value or 0.0, a.value or 0.0) for b, a in pairs), strict=True))
    shared = {"condition": condition, "pairs": n, "groups": len(groups), "base": base, "new": new}
    share = all(0 <= (answer.value or 0.0) <= 1 for one in pairs for answer in one)
    if len(groups) < intervals.FEW:
        if not share:
            raise DataError(
                f"{condition}: values that are not from 0 to 1 can't be compared in fewer than {intervals.FEW} groups",
                f"it has {len(groups)}; run more of them",
            )
        low, high, p, spread = _given_samples(pairs, alpha)
        return Measured(**shared, units=n, low=low, high=high, p=p, spread=spread)
    means = intervals.linearised([intervals.Cluster(sum(d), len(d)) for d in groups.values()])
    low, high = intervals.mean_interval(means, 1 - alpha)
    if share:
        low, high = max(-1.0, low), min(1.0, high)
    p = tests.sign_flips([sum(d) for d in groups.values()])
    return Measured(**shared, units=len(groups), low=low, high=high, p=p, spread=power.deviation(means) ** 2)


def _given_samples(pairs: Sequence[Pair], alpha: float) -> tuple[float, float, float, float]:
    """(low, high, p, variance of an answer's difference) if the samples are fixed and each run's repeats of them are
    independent draws: by sample, square-and-add; p by inverting the interval."""
    strata: dict[str, list[float]] = {}
    for b, a in pairs:
        cell = strata.setdefault(b.id, [0.0, 0.0, 0])
        cell[0] += a.value or 0.0
        cell[1] += b.value or 0.0
        cell[2] += 1
    cells = [intervals.Stratum(k2, int(m), k1, int(m)) for k2, k1, m in strata.values()]
    weights = [cell.answers / len(pairs) for cell in cells]

    def limits(level: float) -> tuple[float, float]:
        return intervals.stratified_difference(cells, weights, level)

    low, high = limits(1 - alpha)
    spread = ((high - low) / 2 / NormalDist().inv_cdf(1 - alpha / 2)) ** 2 * len(pairs)
    return low, high, tests.at_zero(limits), spread


def decide(m: Measured, p: float, margin: float, alpha: float) -> Change:
    """Regression or improvement: significant, and not within the margin for certain. No change: not worse by more than
    the margin. Else too few, with the number of pairs at which a true difference of zero would be shown not to be
    worse than the margin, with a power of 80% (Julious 2004, Statistics in Medicine 23: 1921-1986, section 6)."""
    difference = m.new - m.base
    low, high = min(m.low, difference), max(m.high, difference)
    verdict: Verdict = "too few to tell"
    if p < alpha and difference < 0 and low < -margin:
        verdict = "regression"
    elif p < alpha and difference > 0 and high > margin:
        verdict = "improvement"
    elif low >= -margin:
        verdict = "no change"
    needed = None
    if verdict == "too few to tell" and margin >= LEAST_MARGIN:
        units = power.needed(margin, math.sqrt(m.spread), alpha)
        needed = math.ceil(units * m.pairs / m.units)
    counted = (m.pairs, m.groups, m.holds_for)
    return Change(m.condition, verdict, *counted, m.base, m.new, difference, low, high, p, needed)
