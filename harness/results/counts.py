"""The counts of a run: accuracy of each condition, and the gaps between matched conditions.

Reads records one by one as flat dicts and keeps counts only. The group is the clustering unit throughout.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

from harness.statistics import intervals, power, tests
from harness.statistics.intervals import Clusters, Estimate, Stratum
from harness.text import estimate
from harness.types import Outcome


@dataclass
class Cell:
    """The counts of one row of a table."""

    outcomes: Counter[str] = field(default_factory=Counter)
    clusters: Clusters = field(default_factory=Clusters)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    seconds: float = 0.0

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record; only one with a verdict is in a cluster."""
        self.outcomes[record["outcome"]] += 1
        if Outcome(record["outcome"]).has_verdict:
            # Groups of other tasks are other problems, whatever they are called.
            self.clusters.add(f"{record['task']}/{record['group']}", record["value"])
        self.prompt_tokens += record.get("prompt_tokens") or 0
        self.completion_tokens += record.get("completion_tokens") or 0
        self.seconds += record.get("latency_s") or 0.0

    @property
    def samples(self) -> int:
        """Number of records, also of those without a verdict."""
        return self.outcomes.total()

    @property
    def accuracy(self) -> Estimate | None:
        """Over records with a verdict, clustered by group; None without one."""
        return self.clusters.accuracy()

    def row(self) -> dict[str, Any]:
        """Columns: n is the number of verdicts, the denominator of accuracy; no_verdict the share without one.
        accuracy_low and accuracy_high count truncated answers as all wrong and as all right."""
        a = self.accuracy
        correct = sum(k for k, _ in self.clusters.values())
        n = a.n if a else 0
        truncated = self.outcomes[Outcome.TRUNCATED]
        bounded = n + truncated
        return {
            "n": n,
            "accuracy": a.value if a else None,
            "ci_low": a.low if a else None,
            "ci_high": a.high if a else None,
            **{str(o): self.outcomes[o] for o in Outcome},
            "no_verdict": (self.samples - n) / self.samples if self.samples else None,
            "accuracy_low": correct / bounded if bounded else None,
            "accuracy_high": (correct + truncated) / bounded if bounded else None,
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": self.completion_tokens,
            "seconds": round(self.seconds, 3),
        }


@dataclass(frozen=True)
class Gap:
    """How much one level of a factor changes accuracy against another, all else equal.

    `n` is the number of samples behind it; `groups` how many groups have both levels. `gap` has the interval of
    intervals.MatchedDifference. `p` tests the hypothesis of no difference: it is the level at which that interval
    excludes 0, but never below what dealing the answers within each group anew gives (tests.within_groups); the
    interval at 95% contains 0 whenever p is 0.05 or more. `p_holm` is corrected for the number of gaps of the run (Holm
    1979).
    `deviation` is the standard deviation of the groups' differences, None in few groups. `sides` are the accuracies at
    the level and at the reference, over the same problems and weighted alike: the gap is their difference.
    """

    factor: str
    level: str
    reference: str
    gap: Estimate
    groups: int
    p: float
    p_holm: float
    deviation: float | None
    sides: tuple[float, float]


LEAST_FLIPPED = 6
"""In fewer groups no assignment of signs has a p-value below 5%: then the groups at hand are taken as given."""


class Worst(NamedTuple):
    """The condition with the lowest accuracy, its accuracy on the half that did not choose it, and ties."""

    condition: str
    accuracy: Estimate
    ties: tuple[str, ...] = ()

    def __str__(self) -> str:
        tied = f", tied with {', '.join(self.ties[:3])}" if self.ties else ""
        more = f" and {len(self.ties) - 3} more" if len(self.ties) > 3 else ""
        return f"{self.condition}: {estimate(self.accuracy)} (chosen on the other half{tied}{more})"


@dataclass(frozen=True)
class Pairing:
    """Two sides compared within groups: the difference with its interval, its p-value, and what each side has. `flips`:
    the test is by sign flips over groups, whatever the answers are, if there are LEAST_FLIPPED."""

    matched: intervals.MatchedDifference
    flips: bool = False

    @classmethod
    def of(cls, strata: Mapping[str, Sequence[Stratum]], flips: bool = False) -> Pairing | None:
        """Of the strata of each group; None without any."""
        return cls(intervals.MatchedDifference(list(strata.values())), flips) if strata else None

    @property
    def groups(self) -> int:
        """How many groups have both sides."""
        return len(self.matched.differences)

    @property
    def gap(self) -> Estimate:
        """The first side less the second, see Gap."""
        value, (low, high) = self.matched.value, self.matched.interval()
        if self.p >= 0.05:  # interval and test are different approximations: if they disagree, the wider holds
            low, high = min(low, 0.0), max(high, 0.0)
        return Estimate(value, low, high, self.answers)

    @property
    def answers(self) -> int:
        return sum(s.answers + s.base_answers for s in self.matched.strata)

    @cached_property
    def p(self) -> float:
        """See Gap."""
        flipped = self.flips and self.groups >= LEAST_FLIPPED
        if not flipped and all(s.right % 1 == 0 == s.base_right % 1 for s in self.matched.strata):
            exact = tests.within_groups(self.matched.strata, self.matched.weights)
        else:  # values between 0 and 1 can't be dealt anew
            exact = tests.sign_flips(self.matched.differences)
        return max(exact, tests.at_zero(self.matched.interval))

    @property
    def sides(self) -> tuple[float, float]:
        """The accuracies of the two sides, see Gap."""
        weighted = list(zip(self.matched.strata, self.matched.weights, strict=True))
        level = math.fsum(weight * s.right / s.answers for s, weight in weighted)
        return level, math.fsum(weight * s.base_right / s.base_answers for s, weight in weighted)

    @property
    def deviation(self) -> float | None:
        """See Gap."""
        return None if self.groups < intervals.FEW else power.deviation(self.matched.differences)


class Contrasts:
    """One run's conditions side by side: accuracy of each, gaps between them, the worst, all correct at once."""

    def __init__(self, factors: Sequence[str] = (), order: Iterable[str] = (), main: str = "") -> None:
        """`order`: the conditions in the order in which the task has them; others come after these, as records do."""
        self.factors = tuple(factors)
        self.main = main if main in self.factors else next(iter(self.factors), "")
        """The factor whose contrast the task exists for: its gaps come first."""
        self.order = {condition: i for i, condition in enumerate(order)}
        self.total = Cell()
        self.controls = Cell()
        """Of the questions beside the samples (Sample.control): they were paid for, and are in no other number."""
        self._cells: dict[str, Cell] = {}
        self._index: dict[str, int] = {}
        self.aids: set[str] = set()
        """What helped the strategy beside the model."""
        self._levels: dict[str, tuple[str, ...]] = {}
        self._solved: dict[tuple[str, int], list[int]] = {}
        """(solved, verdicts, samples, conditions asked as bits) of each repeat of a group."""
        self._gaps: list[Gap] | None = None
        """Of the records so far: their p-values take time."""
        self._repeats = (Clusters(), Clusters())
        """The answers of the even and of the odd repeats of each condition, all groups together."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record in its condition and in the total; a control's apart from both."""
        if record.get("control"):
            self.controls.add(record)
            return
        condition = record["condition"]
        self._gaps = None
        self.total.add(record)
        self.aids.add(record.get("aid") or "none")
        if condition not in self._cells:
            self._index[condition] = len(self._cells)
            self._cells[condition] = Cell()
            self._levels[condition] = tuple(str(record["params"].get(f, "")) for f in self.factors)
        self._cells[condition].add(record)
        judged = Outcome(record["outcome"]).has_verdict
        solved = self._solved.setdefault((record["group"], record["epoch"]), [0, 0, 0, 0])
        solved[0] += record["value"] == 1
        solved[1] += judged
        solved[2] += 1
        solved[3] |= 1 << self._index[condition]
        if judged:
            self._repeats[record["epoch"] % 2].add(condition, record["value"])

    @property
    def records(self) -> int:
        """Number of records, those of controls too."""
        return self.total.samples + self.controls.samples

    @property
    def aid(self) -> str:
        """What helped the strategy beside the model, "" if nothing did."""
        return ", ".join(sorted(self.aids - {"none"}))

    def expect(self, *conditions: str) -> None:
        """Conditions that come next in the task's order, whenever their records arrive."""
        self._gaps = None
        for condition in conditions:
            self.order.setdefault(condition, len(self.order))

    @property
    def conditions(self) -> dict[str, Cell]:
        """The conditions with records, in the task's order."""
        return dict(sorted(self._cells.items(), key=lambda item: self.order.get(item[0], len(self.order))))

    @property
    def groups(self) -> Clusters:
        """The answers of each group, over all conditions."""
        found = Clusters()
        for cell in self.conditions.values():
            for group, cluster in cell.clusters.items():
                found.add(group.partition("/")[2], *cluster)
        return found

    @property
    def asked(self) -> int:
        """A hash of which groups were asked in which conditions: two runs of one task, version, options and seed asked
        the same samples, perhaps not as often, if it is the same."""
        names = list(self._cells)
        return hash(
            frozenset(
                (group, frozenset(name for i, name in enumerate(names) if bits >> i & 1))
                for (group, _), (*_, bits) in self._solved.items()
            )
        )  # fmt: skip

    def main_gaps(self) -> list[Gap]:
        """Those of `gaps` that the task exists for; the p-values are corrected for all gaps of the run."""
        return [gap for gap in self.gaps() if gap.factor == self.main]

    def gaps(self) -> list[Gap]:
        """Each level of each factor against the factor's first level, within group and other factors; those of the
        main factor first."""
        if self._gaps is None:
            self._gaps = self._compared()
        return self._gaps

    def width(self) -> float | None:
        """How wide the 95% interval of the main gap is (high - low), the widest if there are several; that of the
        accuracy if the task has no gap. None if there is none yet, or if a gap is still missing."""
        if not self.main:
            accuracy = self.total.accuracy
            return accuracy.high - accuracy.low if accuracy else None
        pairings = [self._paired(self.matched(*levels)) for levels in self._against_reference(self.main)]
        widths = [high - low for found in pairings if found for low, high in [found.matched.interval()]]
        return max(widths) if len(widths) == len(pairings) > 0 else None

    def _against_reference(self, factor: str) -> list[tuple[str, str, str]]:
        """(factor, level, first level) of each level but the first."""
        i = self.factors.index(factor)
        first, *others = dict.fromkeys(self._levels[c][i] for c in self.conditions) or [""]
        return [(factor, level, first) for level in others]

    def _compared(self) -> list[Gap]:
        found = []
        for factor in sorted(self.factors, key=lambda name: name != self.main):
            found += [
                (*levels, pairing)
                for levels in self._against_reference(factor)
                if (pairing := self._paired(self.matched(*levels)))
            ]

        corrected = tests.holm([pairing.p for *_, pairing in found])
        return [
            Gap(factor, level, reference, pairing.gap, pairing.groups, pairing.p, p, pairing.deviation, pairing.sides)
            for (factor, level, reference, pairing), p in zip(found, corrected, strict=True)
        ]

    def matched(self, factor: str, level: str, reference: str) -> list[tuple[str, str]]:
        """Pairs of conditions that differ in the factor alone: at the level, and at the reference."""
        i = self.factors.index(factor)
        by_levels = {levels: condition for condition, levels in self._levels.items()}
        return [
            (condition, other)
            for levels, condition in by_levels.items()
            if levels[i] == level and (other := by_levels.get((*levels[:i], reference, *levels[i + 1 :])))
        ]

    def matched_levels(self, factor: str) -> dict[str, list[Cell]]:
        """The cells of each level of a factor, of those settings of the other factors alone that every level has: side
        by side, levels differ in nothing else. Empty if there are no such settings, or one level."""
        i = self.factors.index(factor)
        settings: dict[str, dict[tuple[str, ...], Cell]] = {}
        for condition, cell in self.conditions.items():
            levels = self._levels[condition]
            settings.setdefault(levels[i], {})[levels[:i] + levels[i + 1 :]] = cell
        shared = set.intersection(*(set(cells) for cells in settings.values())) if len(settings) > 1 else set()
        return {level: [cells[s] for s in shared] for level, cells in settings.items()} if shared else {}

    def gap_at(self, factor: str, level: str, reference: str, confidence: float) -> Estimate | None:
        """The gap of a level against a reference with an interval of this confidence; None if no group has both."""
        if factor not in self.factors:
            return None
        found = self._paired(self.matched(factor, level, reference))
        return Estimate(found.matched.value, *found.matched.interval(confidence), found.answers) if found else None

    def gap_between(self, condition: str, reference: str) -> Estimate | None:
        """How much better one condition is than another, within groups; None if they share no group."""
        found = self.between(condition, reference)
        return found.gap if found else None

    def between(self, condition: str, reference: str) -> Pairing | None:
        """One condition compared with another, within groups; None if they share no group."""
        return self._paired([(condition, reference)]) if {condition, reference} <= set(self._cells) else None

    def _paired(self, conditions: Sequence[tuple[str, str]], half: int | None = None) -> Pairing | None:
        """The first of each pair against the second, within groups, or within one half of them; None if no group has
        both."""

        def clusters(condition: str) -> Clusters:
            return self._cells[condition].clusters if half is None else self._half(condition, half)

        groups: dict[str, list[Stratum]] = {}
        for condition, other in conditions:
            base = clusters(other)
            for group, cluster in clusters(condition).items():
                if group in base:
                    groups.setdefault(group, []).append(Stratum(*cluster, *base[group]))
        return Pairing.of(groups)

    def worst(self) -> Worst | None:
        """The condition with the lowest accuracy, chosen on one half of the groups and measured on the other.

        The lowest of several estimates is too low, and its interval too: with 12 equal conditions of 30 samples it
        held the truth in 73% of simulated runs. So every second group chooses and the others measure (or every
        second repeat, if a condition has few groups). None without two conditions that
        have a verdict in both halves.
        """
        chosen, measured = (
            {c: a for c in self.conditions if (a := self._accuracy_of_half(c, half))} for half in (0, 1)
        )
        both = [c for c in chosen if c in measured]
        if len(both) < 2:
            return None
        lowest = min(chosen[c].value for c in both)
        tied = [c for c in both if chosen[c].value == lowest]
        return Worst(tied[0], measured[tied[0]], tuple(tied[1:]))

    def gap_of_worst(self) -> Estimate | None:
        """How much better the worst condition is than the first, measured on the groups that did not choose it. None if
        the first is the worst one."""
        worst = self.worst()
        first = next(iter(self.conditions), "")
        if worst is None or worst.condition == first:
            return None
        found = self._paired([(worst.condition, first)], half=1)
        return found.gap if found else None

    def _half(self, condition: str, half: int) -> Clusters:
        """The clusters of every second group, by name; if some condition has few groups, every second repeat of all its
        groups together, as half of few groups says next to nothing."""
        clusters = self._cells[condition].clusters
        least = min(len(cell.clusters) for cell in self._cells.values())
        if least < 2 or (least < intervals.FEW and self._repeated):
            repeat = self._repeats[half].get(condition)
            return Clusters({"+".join(sorted(clusters)): repeat} if repeat else {})
        place = {group: i % 2 for i, group in enumerate(sorted({group for group, _ in self._solved}))}
        return Clusters({g: cluster for g, cluster in clusters.items() if place[g.partition("/")[2]] == half})

    @property
    def _repeated(self) -> bool:
        """Whether every condition has answers with a verdict in even and in odd repeats."""
        return all(condition in half for condition in self._cells for half in self._repeats)

    def _accuracy_of_half(self, condition: str, half: int) -> Estimate | None:
        return self._half(condition, half).accuracy()

    def all_conditions(self) -> Estimate | None:
        """Share of groups solved in every condition; each repeat (epoch) of a group is tried anew.

        Only groups with a verdict in every condition that they have count. Which these are is seen from the other
        groups: one that was asked in some of the conditions of another, and in no others, was cut by a limit or an
        interruption. None with a single condition.
        """
        if len(self.conditions) < 2:
            return None
        seen = {asked for *_, asked in self._solved.values()}
        whole = {one for one in seen if not any(one != other and one & other == one for other in seen)}
        clusters = Clusters()
        for (group, _), (solved, verdicts, samples, asked) in self._solved.items():
            if verdicts == samples and asked in whole:
                clusters.add(group, float(solved == samples))
        return clusters.accuracy()
