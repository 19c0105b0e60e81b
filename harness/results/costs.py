"""Accuracy against cost: strategies side by side, and each compared with the cheapest at equal cost.

A strategy of many calls must be better than as many plain answers, or it was not worth them. So the answers of the
cheapest run vote: as many repeats of a sample as cost what the other strategy spent on it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from harness.models.registry import cost
from harness.results.counts import Contrasts
from harness.results.effects import MOST_VOTES, Repeats
from harness.results.labels import labels
from harness.results.ranks import CEILING
from harness.results.records import RecordedRun
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

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record; its cost also if it has no verdict."""
        self.records += 1
        self.calls += record.get("calls") or 0
        for name in ("prompt_tokens", "completion_tokens", "thinking_tokens"):
            setattr(self, name, getattr(self, name) + (record.get(name) or 0))
        if Outcome(record["outcome"]).has_verdict:
            self.samples.setdefault(record["id"], Repeats(record["group"])).add(record)

    @property
    def aid(self) -> str:
        """What helped the strategy beside the model; "none" if nothing did."""
        return self.contrasts.aid or "none"

    def each(self, unit: Unit) -> float | None:
        """What one answer cost on average; None if that is not known, or nothing."""
        spent: float | None = {"tokens": self.prompt_tokens + self.completion_tokens, "calls": self.calls}.get(unit)
        if unit == "dollars":
            spent = cost(self.run.model, self.prompt_tokens, self.completion_tokens)
        return spent / self.records if spent and self.records else None


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
    """What these runs of the same samples cost and reached, and how they compare at equal cost."""
    found = [_spent(f"accuracy and cost of one answer: {title}", members)]
    compared = _at_equal_cost(f"at equal cost ({unit}): {title}", members, unit)
    return [*found, compared] if compared.rows else found


def _spent(title: str, members: Sequence[Spending]) -> Extra:
    rows = []
    for m in sorted(members, key=lambda m: m.each("tokens") or 0.0):
        a = m.contrasts.total.accuracy
        shown = (str(a.n), number(a.value), interval(a.low, a.high)) if a else ("0", "-", "-")
        per = [m.each("calls"), *(getattr(m, f"{kind}_tokens") / m.records for kind in ("prompt", "completion"))]
        thinking, dollars = m.thinking_tokens / m.records, m.each("dollars")
        cells = [f"{x:.1f}" if x is not None else "-" for x in (*per, thinking)]
        rows.append((m.label, m.aid, *shown, *cells, "-" if dollars is None else f"{dollars:.3g}"))
    header = ("run", "aid", "n", "accuracy", "95% CI", "calls", "tokens in", "out", "of these thinking", "dollars")
    return Extra(title, header, tuple(rows))


def _at_equal_cost(title: str, members: Sequence[Spending], unit: Unit) -> Extra:
    """Each run against the cheapest of them, whose answers vote, see `_against`."""
    priced = sorted(((c, m) for m in members if (c := m.each(unit))), key=lambda one: one[0])
    header = ("run", "against", "votes", "times the cost", "difference", "95% CI", "p (Holm)", "samples", "groups")
    if len(priced) < 2:
        return Extra(title, header, ())
    (least, cheap), *others = priced
    compared = [(m, c / least, found) for c, m in others if (found := _against(m, cheap, c / least))]
    corrected = tests.holm([found.p for _, _, found in compared])
    rows = []
    for (m, ratio, found), p in zip(compared, corrected, strict=True):
        # Fewer repeats than would cost as much favour the dearer run: the ratio of costs beside them shows it.
        cells = (str(found.votes), f"{ratio:.1f}", f"{found.value:+.3f}", interval(found.low, found.high), p_value(p))
        rows.append((m.label, cheap.label, *cells, str(found.samples), str(found.groups)))
    return Extra(title, header, tuple(rows))


@dataclass(frozen=True)
class Compared:
    """How much more often a run is right than the vote of `votes` answers of a cheaper one to the same samples."""

    votes: int
    value: float
    low: float
    high: float
    p: float
    samples: int
    groups: int


def _against(dear: Spending, cheap: Spending, ratio: float) -> Compared | None:
    """Paired by sample, clustered by group (in few groups, by sample). The cheaper side is maj@k, unbiased over its
    repeats (statistics.repeats.majority): k is the cost ratio rounded down, but no more than the repeats that there
    are. None without a sample that both answered."""
    shared = [name for name in dear.samples if name in cheap.samples]
    if not shared:
        return None
    most = min(cheap.samples[name].n for name in shared)
    votes = max(1, min(math.floor(ratio + 1e-9), most, MOST_VOTES))
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
    groups = len({dear.samples[name].group for name in shared})
    return Compared(votes, value, min(low, value), max(high, value), p, len(shared), groups)
