"""What `harness localise` has found: the verdict, its tables and rows."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.lab.localise import Where
from harness.lab.matched import FACT, Matched
from harness.report.pictures import Picture
from harness.report.study import Study
from harness.statistics.intervals import Clusters, Estimate, mean_interval, paired
from harness.text import Extra, estimate, number

BAR = (
    "Published: predicted with an AUC of at most .679, and 12% of the localised failures repaired "
    "(arXiv 2604.01639, quoted from the abstract)."
)


@dataclass(frozen=True)
class Prediction:
    """Of failures on the second half: the AUC of the frozen read-out, of read-outs learnt from shuffled labels, of
    those of random sites, of the model's own lack of confidence; and the read-out's score of each pair."""

    own: Estimate
    shuffled: Sequence[float]
    at_random: Sequence[float]
    confidence: Estimate | None
    scores: Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class Treated:
    """One answer of the other prompt under a treatment (`name` has the number of a draw). `failed` is its own world's
    verdict without a patch, `before` and `after` that of the sample that judges it; `closed` the share of the gap, None
    if the pair has no gap."""

    pair: Matched
    treatment: str
    name: str
    failed: bool
    before: bool
    after: bool
    closed: float | None
    text: str


@dataclass(frozen=True)
class Confirmed:
    """All of it, from the search to the confirmation."""

    task: str
    model: str
    sites: Sequence[Where]
    closed_first: float
    gaps_first: int
    first: int
    second: int
    failed: int
    clean_right: int
    same_answer: bool
    sha256: str
    predictions: Prediction | None
    treated: Sequence[Treated]

    def of(self, treatment: str) -> list[Treated]:
        """The answers of one treatment."""
        return [t for t in self.treated if t.treatment == treatment]

    def share(self, treatment: str, before: bool) -> Estimate | None:
        """Repaired of those that were wrong, or broken of those that were right; groups are the clusters."""
        clusters = Clusters()
        for t in self.of(treatment):
            if t.before == before:
                clusters.add(t.pair.unit, float(t.after != t.before))
        return clusters.accuracy()

    def closed(self, treatment: str) -> Estimate | None:
        """The mean share of the gap, over groups."""
        return _mean(_by_unit(self.of(treatment)))

    def closed_more(self) -> Estimate | None:
        """By chosen than by random sites."""
        mine, theirs = _by_unit(self.of("chosen")), _by_unit(self.of("random"))
        return _mean({unit: mine[unit] - theirs[unit] for unit in mine if unit in theirs})

    def repaired_more(self) -> Estimate | None:
        """By chosen than by random sites: difference of shares, of those that were wrong."""
        mine, theirs = (_repairs(self.of(t)) for t in ("chosen", "random"))
        differences = [mine[unit] - theirs[unit] for unit in mine if unit in theirs]
        if not differences:
            return None
        return Estimate(statistics.mean(differences), *paired(differences), len(differences))

    def against(self) -> list[str]:
        """Why it is not localised; empty if it is."""
        why = []
        p = self.predictions
        if p is None:
            why.append("failures can't be predicted: a half has not got both failures and others")
        elif p.own.low <= 0.5:
            why.append("the interval of the AUC includes .5")
        elif p.at_random and p.own.value <= statistics.mean(p.at_random):
            why.append("random sites predict the failures as well as the chosen ones")
        for what, found in (("close more of the gap", self.closed_more()), ("repair more", self.repaired_more())):
            if found is None:
                why.append(f"no pair of the second half shows if the chosen sites {what} than random ones")
            elif found.low <= 0:
                why.append(f"the chosen sites do not {what} than random ones")
        return why


def _by_unit(treated: Sequence[Treated]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for t in treated:
        if t.closed is not None:
            values.setdefault(t.pair.unit, []).append(t.closed)
    return {unit: statistics.mean(some) for unit, some in values.items()}


def _repairs(treated: Sequence[Treated]) -> dict[str, float]:
    values: dict[str, list[float]] = {}
    for t in treated:
        if not t.before:
            values.setdefault(t.pair.unit, []).append(float(t.after))
    return {unit: statistics.mean(some) for unit, some in values.items()}


def _mean(by_unit: Mapping[str, float]) -> Estimate | None:
    values = list(by_unit.values())
    return Estimate(statistics.mean(values), *mean_interval(values), len(values)) if values else None


def study(found: Confirmed, words: Mapping[str, str], pictures: Sequence[Picture]) -> Study:
    """As it is shown and kept."""
    title = f"Where the gap sits: {found.model} on {found.task}"
    return Study("localise", title, words, sentences(found), tables(found), _rows(found), pictures)


def sentences(found: Confirmed) -> list[str]:
    """The verdict first."""
    against = found.against()
    said = "not localised: " + "; ".join(against) if against else "localised"
    sites = ", ".join(map(place, found.sites))
    lines = [
        f"{found.task}, {found.model}: {said} ({len(found.sites)} sites, frozen on {found.first} pairs and put to the "
        f"test on {found.second} of other groups).",
        f"Frozen: {sites}. On the first half they close {found.closed_first:.3f} of the gap "
        f"(mean of {found.gaps_first} pairs that have one; chosen there, so this is no evidence).",
        f"Second half: {found.failed} of {found.second} pairs fail in the other world; {found.clean_right} are right "
        "in the clean one, and only these are intervened on.",
    ]
    if not found.same_answer:
        lines.append("The right answers of the two worlds differ: 'repaired' means that the other prompt, with clean "
                     "activations, gives the clean world's right answer.")  # fmt: skip
    return [*lines, BAR]


def place(site: Where) -> str:
    """A site in words."""
    head = "" if site.head is None else f" head {site.head}"
    where = "what differs" if site.place == FACT else f"place {site.place}"
    return f"{site.kind} {site.layer}{head} at {where}"


def tables(found: Confirmed) -> list[Extra]:
    """Prediction, then intervention."""
    made = []
    p = found.predictions
    if p is not None:
        rows = [
            ("frozen sites", estimate(p.own)),
            ("the model's own lack of confidence", estimate(p.confidence)),
            ("random sites", _several(p.at_random)),
            ("frozen sites, shuffled labels", _several(p.shuffled)),
        ]
        note = "A linear read-out, learnt on the first half. Intervals over groups; of several, the mean and the range."
        made.append(Extra("which samples fail in the other world: AUC on the second half", ("read from", "AUC"),
                          tuple(rows), note=note))  # fmt: skip
    names = [t for t in ("chosen", "random", "placebo", "another group") if found.of(t)]
    body = tuple(
        (name, estimate(found.closed(name)), estimate(found.share(name, False)), estimate(found.share(name, True)))
        for name in names
    )
    more = [("chosen less random", estimate(found.closed_more()), estimate(found.repaired_more()), "-")]
    note = (
        "random: as many sites of the same kinds, several draws. placebo: activations of the same prompt reworded. "
        "another group: clean activations of a prompt with another right answer; if these repair nothing and the "
        "chosen ones do, the sites hold the answer or its facts, not the way to it."
    )
    header = ("activations put in", "share of the gap closed", "repaired of the wrong", "broken of the right")
    made.append(Extra("what the patched model does on the second half", header, (*body, *more), note=note))
    return made


def _several(values: Sequence[float]) -> str:
    if not values:
        return "-"
    return f"{number(statistics.mean(values))} ({number(min(values))} to {number(max(values))}, {len(values)} times)"


def _rows(found: Confirmed) -> list[dict[str, Any]]:
    scores = found.predictions.scores if found.predictions else {}
    return [
        {
            "clean": t.pair.clean.id, "other": t.pair.other.id, "unit": t.pair.unit, "treatment": t.name,
            "failed": int(t.failed), "before": int(t.before), "after": int(t.after),
            "closed": "" if t.closed is None else t.closed,
            "read_out": scores.get((t.pair.clean.id, t.pair.other.id), ""), "answer": t.text,
        }
        for t in found.treated
    ]  # fmt: skip
