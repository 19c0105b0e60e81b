"""The study `harness localise`: choose sites on one half of the groups, freeze them, confirm them on the other half."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import HarnessError, UsageError, cause
from harness.lab import localise
from harness.lab.hooks import Kind
from harness.lab.localise import Behaviour, Chosen, Gap, ReadOut, Row, Where
from harness.lab.localise_found import Confirmed, Prediction, Treated, study
from harness.lab.matched import FACT, Matched, halves, verdict
from harness.lab.models import LabModel
from harness.lab.studies import Asked
from harness.report.pictures import HeatMap, heat_map
from harness.report.study import Study
from harness.seeds import derive
from harness.statistics.auc import auc, auc_estimate
from harness.studies.freezing import digest, freeze
from harness.types import Sample

SHUFFLES = 20
"""So often the labels of the first half are shuffled and the read-out is learnt again."""


@dataclass(frozen=True)
class Settings:
    """`enough` of the gap, at most `top` sites, `draws` of random sites, `tokens` of an answer at most."""

    kinds: Sequence[Kind] = ("resid",)
    enough: float = 0.8
    top: int = 4
    draws: int = 5
    tokens: int = 64


def forwards(lab: LabModel, asked: Asked, settings: Settings) -> tuple[int, int]:
    """(forward passes at most, pairs), of single prompts; a pass over one more token of an answer counts as one."""
    first, second = halves(lab, asked.task, asked.seed, asked.how, asked.limit)
    each = 2 * settings.tokens + 2
    search = sum(
        each + 3 + len(localise.sites_of(lab, p.places, settings.kinds)) + localise.SEARCHED * (settings.top - 1)
        for p in first
    )
    confirm = each + (settings.draws + 3) * (settings.tokens + 1) + settings.draws + 5
    # The read-outs: of the chosen sites and of each random draw.
    return search + confirm * len(second) + (1 + settings.draws) * (len(first) + len(second)), len(first) + len(second)


def localise_study(lab: LabModel, asked: Asked, settings: Settings, directory: Path) -> Study:
    """The directory is made, and freeze.json stands in it before anything is asked of the second half. UsageError if
    there is no gap in the first."""
    task = asked.task
    first, second = halves(lab, task, asked.seed, asked.how, asked.limit)
    seen = [localise.behave(lab, task, pair, settings.tokens) for pair in first]
    gaps = [gap for b in seen if (gap := b.gap(lab, task))]
    if not gaps:
        raise UsageError(
            f"{lab.name} has no gap in the {len(first)} pairs of the first half: {sum(b.clean_right for b in seen)} "
            f"are right in the clean world, {sum(b.failed for b in seen)} wrong in the other one",
            "a place can be looked for if pairs are right in the clean world and another token follows in the "
            "other; try more pairs (--limit), other ones (--pairs), or a harder task (-T)",
        )
    found = localise.choose(lab, gaps, settings.kinds, settings.enough, settings.top)
    random_sets = _random_sets(lab, found, gaps, derive("localise", task.name, asked.seed, "random"), settings.draws)
    learnt = _Learnt(lab, seen, [found.sites, *random_sets], derive("localise", task.name, asked.seed, "shuffle"))
    try:
        directory.mkdir(parents=True)
    except OSError as error:
        raise HarnessError(f"{directory} can't be made: {cause(error)}", "choose another --out") from None
    frozen = freeze(
        directory / "freeze.json",
        {
            **asked.words(lab),
            "sites": [site._asdict() for site in found.sites],
            "random_sites": [[site._asdict() for site in some] for some in random_sets],
            "closed_on_first_half": found.closed,
            "read_out": digest({"numbers": learnt.read_outs[0].numbers()}) if learnt.read_outs else None,
            "first_half": [[p.clean.id, p.other.id] for p in first],
            "second_half": [[p.clean.id, p.other.id] for p in second],
        },
    )
    tested = [localise.behave(lab, task, pair, settings.tokens) for pair in second]
    trial = _Trial(lab, asked, settings, found.sites, random_sets)
    confirmed = Confirmed(
        task=task.name, model=lab.name, sites=found.sites, closed_first=found.closed, gaps_first=len(gaps),
        first=len(first), second=len(second), failed=sum(b.failed for b in tested),
        clean_right=sum(b.clean_right for b in tested), same_answer=all(p.same_answer for p in second),
        sha256=str(frozen["sha256"]), predictions=learnt.predictions(lab, tested),
        treated=[t for i in range(len(tested)) for t in trial.treated(tested, i)],
    )  # fmt: skip
    words = asked.words(lab) | {
        "kinds of sites": ", ".join(settings.kinds), "frozen (SHA-256)": confirmed.sha256,
        "at most": f"{settings.top} sites, {settings.tokens} tokens an answer", "random draws": str(settings.draws),
    }  # fmt: skip
    return study(confirmed, words, [_map(lab, found, kind) for kind in settings.kinds if kind != "head"])


def _random_sets(lab: LabModel, found: Chosen, gaps: Sequence[Gap], seed: int, draws: int) -> list[tuple[Where, ...]]:
    everywhere = frozenset.intersection(*(gap.pair.places for gap in gaps)) or frozenset({FACT, -1})
    return [tuple(localise.random_sites(lab, found.sites, everywhere, random.Random(derive(seed, i))))
            for i in range(draws)]  # fmt: skip


@dataclass
class _Learnt:
    """The read-outs of the first half: of the chosen sites, then of each random set; and the same with shuffled labels.
    None if the first half has not got both failures and others, two of each."""

    lab: LabModel
    seen: Sequence[Behaviour]
    sets: Sequence[Sequence[Where]]
    seed: int
    read_outs: list[ReadOut] = field(default_factory=list)
    shuffled: list[ReadOut] = field(default_factory=list)

    def __post_init__(self) -> None:
        failed = [b.failed for b in self.seen]
        if min(sum(failed), len(failed) - sum(failed)) < 2 or not all(self.sets):
            return
        for sites in self.sets:
            vectors = [localise.vector(self.lab, b.pair, sites) for b in self.seen]
            self.read_outs.append(ReadOut(vectors, failed))
            if sites is self.sets[0]:
                for i in range(SHUFFLES):
                    labels = failed.copy()
                    random.Random(derive(self.seed, i)).shuffle(labels)
                    self.shuffled.append(ReadOut(vectors, labels))

    def predictions(self, lab: LabModel, tested: Sequence[Behaviour]) -> Prediction | None:
        """On the second half."""
        if not self.read_outs:
            return None
        failed, units = [b.failed for b in tested], [b.pair.unit for b in tested]

        def scores(read_out: ReadOut, sites: Sequence[Where]) -> list[float]:
            return [read_out.score(localise.vector(lab, b.pair, sites)) for b in tested]

        own = scores(self.read_outs[0], self.sets[0])
        estimate = auc_estimate(own, failed, units, derive(self.seed, "bootstrap"))
        if estimate is None:
            return None
        vectors = [localise.vector(lab, b.pair, self.sets[0]) for b in tested]
        shuffled = [auc([each.score(v) for v in vectors], failed) for each in self.shuffled]
        others = [auc(scores(r, s), failed) for r, s in zip(self.read_outs[1:], self.sets[1:], strict=True)]
        sure = auc_estimate([-b.confidence for b in tested], failed, units, derive(self.seed, "confidence"))
        by_pair = {(b.pair.clean.id, b.pair.other.id): score for b, score in zip(tested, own, strict=True)}
        return Prediction(
            estimate, [a for a in shuffled if a is not None], [a for a in others if a is not None], sure, by_pair
        )


@dataclass(frozen=True)
class _Trial:
    """The interventions on the second half."""

    lab: LabModel
    asked: Asked
    settings: Settings
    sites: Sequence[Where]
    random_sets: Sequence[Sequence[Where]]

    def treated(self, tested: Sequence[Behaviour], i: int) -> Iterator[Treated]:
        """What each treatment does to one pair; nothing if the clean world's answer is wrong: it could not help."""
        lab, task, b = self.lab, self.asked.task, tested[i]
        if not b.clean_right:
            return
        pair = b.pair
        rows = dict(self._rows(tested, i))
        said = localise.generate(lab, pair.other_ids, list(rows.values()), self.settings.tokens)
        gap = b.gap(lab, task)
        closed = gap.closed(lab, list(rows.values())) if gap else [None] * len(rows)
        unpatched = verdict(task, pair.judged, localise.text(lab, b.other_said), b.other_said.ended).value == 1
        for name, answer, share in zip(rows, said, closed, strict=True):
            text = localise.text(lab, answer)
            right = verdict(task, pair.judged, text, answer.ended).value == 1
            yield Treated(pair, name.rstrip("0123456789 "), name, b.failed, unpatched, right, share, text)

    def _rows(self, tested: Sequence[Behaviour], i: int) -> Iterator[tuple[str, Row]]:
        pair, lab = tested[i].pair, self.lab
        kinds = list(dict.fromkeys(site.kind for site in self.sites))
        donor = localise.donor_of(lab, pair.clean_ids, kinds)
        yield "chosen", localise.row(pair, self.sites, donor)
        for k, some in enumerate(self.random_sets, 1):
            yield f"random {k}", localise.row(pair, some, donor)
        placebo = self._placebo(pair)
        if placebo:
            at = [(site, [(t, t) for _, t in pair.positions(site.place)]) for site in self.sites]
            yield "placebo", Row(at, localise.donor_of(lab, placebo, kinds))
        for other in (*tested[i + 1 :], *tested[:i]):
            one = other.pair
            if (
                one.unit != pair.unit and other.clean_right and one.clean.target != pair.clean.target
                and len(one.clean_ids) == len(pair.clean_ids)
            ):  # fmt: skip
                yield "another group", localise.row(pair, self.sites, localise.donor_of(lab, one.clean_ids, kinds))
                break

    def _placebo(self, pair: Matched) -> list[int] | None:
        """The other prompt reworded as must not matter, in as many tokens; None if there is none."""
        task, sample = self.asked.task, pair.other
        for name in task.placebos:
            made = self._reworded(sample, name)
            ids = self.lab.encode(made.messages) if made else []
            if len(ids) == len(pair.other_ids) and tuple(ids) != pair.other_ids:
                return ids
        return None

    def _reworded(self, sample: Sample, name: str) -> Sample | None:
        task = self.asked.task
        rng = random.Random(derive(task.name, task.version, self.asked.seed, sample.id, name))
        return task.reworded(sample, name, rng)


def _map(lab: LabModel, found: Chosen, kind: Kind) -> HeatMap:
    mine: Mapping[Where, float] = {s: v for s, v in found.single.items() if s.kind == kind}
    places = sorted({s.place for s in mine}, key=lambda p: (p != FACT, p))
    layers = sorted({s.layer for s in mine})
    values = [[mine.get(Where(kind, layer, None, p), 0.0) for p in places] for layer in layers]
    named = ["what differs" if p == FACT else str(p) for p in places]
    return heat_map(f"{kind}: share of the gap closed by one site (first half, mean)", values, named,
                    [*map(str, layers)], -1, 1, down="before layer" if kind == "resid" else "layer",
                    across="place", shows="closed")  # fmt: skip
