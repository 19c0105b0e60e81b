"""Accuracy against cost: strategies side by side, and each compared with the cheapest at equal cost.

A strategy of many calls must be better than as many plain answers, or it was not worth them. So the answers of the
cheapest run vote: as many repeats of a sample as cost what the other strategy spent on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Literal

from harness.models.registry import cost
from harness.results.counts import Contrasts
from harness.results.effects import MOST_VOTES, Repeats
from harness.results.labels import labels
from harness.results.records import RecordedRun
from harness.results.tables import CEILING
from harness.statistics import intervals, repeats, tests
from harness.statistics.intervals import Clusters
from harness.text import Extra, interval, number, p_value
from harness.types import Outcome

Unit = Literal["tokens", "calls", "dollars"]
"""What is spent: tokens of prompts and answers as billed, calls of the model, US dollars."""


@dataclass
class Spending:
    """What one run spent on each of its samples, and what came of it."""

    run: RecordedRun
    contrasts: Contrasts
    label: str = ""
    samples: dict[str, Repeats] = field(default_factory=dict)
    records: int = 0
    calls: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    thinking_tokens: int = 0
    uncounted: int = 0
    """Records of answers whose tokens the server did not count."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record; its cost also if it has no verdict."""
        self.records += 1
        self.calls += record.get("calls") or 0
        for name in ("prompt_tokens", "completion_tokens", "thinking_tokens"):
            setattr(self, name, getattr(self, name) + (record.get(name) or 0))
        counted = record.get("prompt_tokens") is not None and record.get("completion_tokens") is not None
        self.uncounted += bool(record.get("calls")) and not counted
        if Outcome(record["outcome"]).has_verdict:
            self.samples.setdefault(record["id"], Repeats(record["group"])).add(record)

    @property
    def aid(self) -> str:
        """What helped the strategy beside the model; "none" if nothing did."""
        return self.contrasts.aid or "none"

    def mean(self, count: int) -> float | None:
        """A number of tokens, for each answer; None if the tokens of some answer are not known."""
        return count / self.records if self.records and not self.uncounted else None

    def each(self, unit: Unit) -> float | None:
        """What one answer cost on average; None if that is not known, or nothing."""
        if unit == "calls":
            return self.calls / self.records if self.calls else None
        tokens = self.mean(self.prompt_tokens + self.completion_tokens)
        if unit == "tokens" or not tokens:
            return tokens or None
        dollars = cost(self.run.model, self.prompt_tokens, self.completion_tokens)
        return dollars / self.records if dollars else None


def read(runs: Iterable[RecordedRun]) -> list[Spending]:
    """The spending of each run, each read once."""
    opened = list(runs)
    found = []
    for label, run in zip(labels(opened), opened, strict=True):
        made = Spending(run, Contrasts(), label)
        made.contrasts = run.read(made.add)
        found.append(made)
    return found


def tables(runs: Sequence[Spending], unit: Unit = "tokens") -> list[Extra]:
    """For each set of samples: what each strategy cost and reached, and the comparison at equal cost. What saw the
    answer key stands in tables of its own."""
    return [table for title, members in together(runs).items() for table in cost_tables(title, members, unit)]


def rows(runs: Sequence[Spending], unit: Unit = "tokens") -> list[dict[str, Any]]:
    """The same as tidy rows, one a run: its mean cost for each answer, and how it compares with the votes of `against`.
    `votes_at_equal_cost` is how many votes cost as much: if `votes` is less, the cheaper run has too few repeats."""
    found = []
    for title, members in together(runs).items():
        against = {one.dear.label: one for one in compare(members, unit)}
        for m in members:
            a, one = m.contrasts.total.accuracy, against.get(m.label)
            row: dict[str, Any] = {"samples_of": title, "run": m.label, "model": m.run.model}
            row |= {"strategy": m.run.strategy, "aid": m.aid, "n": a.n if a else 0}
            row |= dict(zip(("accuracy", "ci_low", "ci_high"), a[:3] if a else (None,) * 3, strict=True))
            row |= {"calls": m.each("calls")} | {f"{k}_tokens": m.mean(getattr(m, f"{k}_tokens")) for k in _KINDS}
            row |= {"dollars": m.each("dollars"), "equal": unit if one else None}
            names = [f.name for f in fields(Compared)][2:]
            row |= {"against": one.cheap.label if one else None}
            found.append(row | {name: getattr(one, name) if one else None for name in names})
    return found


def together(runs: Iterable[Spending]) -> dict[str, list[Spending]]:
    """Runs of the same samples by what these are in words; what saw the answer key apart from what did not."""
    found: dict[tuple[str, int, bool], list[Spending]] = {}
    for made in runs:
        found.setdefault((made.run.question, made.contrasts.asked, "oracle" in made.aid), []).append(made)
    named: dict[str, list[Spending]] = {}
    for (title, _, key), members in found.items():
        whole = title + (CEILING if key else "")
        while whole in named:  # other samples of one description, as of runs that are not complete
            whole += " (others)"
        named[whole] = members
    return named


def cost_tables(title: str, members: Sequence[Spending], unit: Unit = "tokens") -> list[Extra]:
    """What these runs of the same samples cost and reached, and how they compare at equal cost; apart from that, those
    against which the cheaper run has too few repeats for as many votes as cost the same."""
    found = [spent_table(f"accuracy and cost of one answer: {title}", members)]
    every = compare(members, unit)
    for equal in (True, False):
        compared = [one for one in every if (one.votes == one.votes_at_equal_cost) is equal]
        if compared:
            said = f"at equal cost ({unit})" if equal else "not at equal cost: give the cheaper run more --epochs"
            found.append(_compared(f"{said}: {title}", compared))
    return found


_KINDS = ("prompt", "completion", "thinking")


def spent_table(title: str, members: Sequence[Spending]) -> Extra:
    """What each run cost for one answer, and reached; the cheapest first."""
    found = []
    for m in sorted(members, key=lambda m: m.each("tokens") or 0.0):
        a = m.contrasts.total.accuracy
        shown = (str(a.n), number(a.value), interval(a.low, a.high)) if a else ("0", "-", "-")
        per = [m.each("calls"), *(m.mean(getattr(m, f"{kind}_tokens")) for kind in _KINDS)]
        dollars = m.each("dollars")
        cells = [f"{x:.1f}" if x is not None else "-" for x in per]
        found.append((m.label, m.aid, *shown, *cells, "-" if dollars is None else f"{dollars:.3g}"))
    header = ("run", "aid", "n", "accuracy", "95% CI", "calls", "tokens in", "out", "of these thinking", "dollars")
    return Extra(title, header, tuple(found))


def _compared(title: str, compared: Sequence[Compared]) -> Extra:
    header = ("run", "against", "votes", "times the cost", "difference", "95% CI", "p (Holm)", "samples", "groups")
    found = []
    for one in compared:
        limits = interval(one.difference_low, one.difference_high)
        shown = (str(one.votes), f"{one.times_the_cost:.1f}", f"{one.difference:+.3f}", limits, p_value(one.p_holm))
        found.append((one.dear.label, one.cheap.label, *shown, str(one.samples), str(one.groups)))
    return Extra(title, header, tuple(found))


@dataclass(frozen=True)
class Compared:
    """How much more often a run is right than the vote of `votes` answers of the cheapest one to the same samples.
    `p_holm` is corrected for the number of runs compared."""

    dear: Spending
    cheap: Spending
    votes: int
    votes_at_equal_cost: int
    times_the_cost: float
    difference: float
    difference_low: float
    difference_high: float
    p_holm: float
    samples: int
    groups: int


def compare(members: Sequence[Spending], unit: Unit) -> list[Compared]:
    """Each run of the same samples against the cheapest of them, whose answers vote. Runs of unknown cost are left out.

    Paired by sample, clustered by group (in few groups, by sample). The cheaper side is maj@k, unbiased over its
    repeats (statistics.repeats.majority): k is the cost ratio rounded down, but no more than the repeats that there
    are. Without a sample that both answered, a run is left out.
    """
    priced = sorted(((c, m) for m in members if (c := m.each(unit))), key=lambda one: one[0])
    found = [one for c, m in priced[1:] if (one := _against(m, priced[0][1], c / priced[0][0]))]
    corrected = tests.holm([one.p_holm for one in found])
    return [replace(one, p_holm=p) for one, p in zip(found, corrected, strict=True)]


def _against(dear: Spending, cheap: Spending, ratio: float) -> Compared | None:
    """One pair, its p-value not corrected yet."""
    shared = [name for name in dear.samples if name in cheap.samples]
    if not shared:
        return None
    equal = max(1, min(math.floor(ratio + 1e-9), MOST_VOTES))
    votes = min(equal, *(cheap.samples[name].n for name in shared))
    few = len({dear.samples[name].group for name in shared}) < intervals.FEW
    clusters = Clusters()
    for name in shared:
        one, other = dear.samples[name], cheap.samples[name]
        vote = repeats.majority(other.votes, other.silent, votes)
        clusters.add(name if few else one.group, one.right / one.n - vote)
    sides = intervals.linearised(list(clusters.values()))
    low, high = intervals.paired(sides)
    value = sum(sides) / len(sides)
    p = max(tests.sign_flips([c.right for c in clusters.values()]), tests.at_zero(lambda c: intervals.paired(sides, c)))
    limits = min(low, value), max(high, value)
    groups = len({dear.samples[name].group for name in shared})
    return Compared(dear, cheap, votes, equal, ratio, value, *limits, p, len(shared), groups)
