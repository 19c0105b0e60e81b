"""Where a gap between two worlds sits in a model: sites are chosen on one half of the groups, and tested on the other.

Activations of the clean world's prompt are put into the run of the other world's, at the prompt's positions.
"""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.lab import metrics
from harness.lab.hooks import Activations, Change, Kind, capture, changed, columns
from harness.lab.matched import Matched, answer_tokens, parting, verdict
from harness.lab.models import LabModel
from harness.lab.patching import BATCH_TOKENS, ids
from harness.types import Task

if TYPE_CHECKING:
    from torch import Tensor

SEARCHED = 8
"""Of the best single sites, so many are tried as the next one of a set."""

SMOOTHING = 0.01
"""Of the mean variance, added to that of each column of a read-out."""


class Where(NamedTuple):
    """A site that means the same in every pair: `place` as in harness.lab.matched; `head` None but for heads."""

    kind: Kind
    layer: int
    head: int | None
    place: int


class Row(NamedTuple):
    """One run of a prompt: these sites from these activations, at (source position, target position) of each site."""

    sites: Sequence[tuple[Where, Sequence[tuple[int, int]]]]
    donor: Activations


def row(pair: Matched, sites: Iterable[Where], donor: Activations) -> Row:
    """The sites that this pair has."""
    return Row([(site, pair.positions(site.place)) for site in sites], donor)


def _changes(lab: LabModel, rows: Sequence[Row]) -> dict[tuple[Kind, int], Change]:
    by_place: dict[tuple[Kind, int], list[tuple[int, slice, int, int]]] = {}
    for i, each in enumerate(rows):
        for site, positions in each.sites:
            part = slice(None) if site.head is None else columns(lab, site.head)
            for source, target in positions:
                by_place.setdefault((site.kind, site.layer), []).append((i, part, source, target))

    def put(at: tuple[Kind, int]) -> Change:
        def change(value: Tensor) -> Tensor:
            value = value.clone()
            for i, part, source, target in by_place[at]:
                value[i, target, part] = rows[i].donor[at][0, source, part]
            return value

        return change

    return {at: put(at) for at in by_place}


def last_logits(lab: LabModel, tokens: Sequence[int], rows: Sequence[Row]) -> Tensor:
    """Logits [row, vocabulary] behind the tokens, once for each row."""
    import torch

    at_once, found = max(1, BATCH_TOKENS // len(tokens)), []
    with torch.no_grad():
        for i in range(0, len(rows), at_once):
            some = rows[i : i + at_once]
            with changed(lab, _changes(lab, some)):
                logits = lab.model(ids(lab, tokens).expand(len(some), -1), use_cache=False, logits_to_keep=1).logits
            found.append(logits[:, -1].float())
    return torch.cat(found)


class Said(NamedTuple):
    """An answer, and whether it came to its end."""

    tokens: tuple[int, ...]
    ended: bool


def generate(lab: LabModel, tokens: Sequence[int], rows: Sequence[Row], most: int) -> list[Said]:
    """What the model says behind a prompt, greedily, at most so many tokens, once for each row. The patches are made in
    the first pass, over the prompt."""
    import torch

    changes = _changes(lab, rows)
    ends = _ends(lab)

    def first_pass(change: Change) -> Change:
        return lambda value: change(value) if value.shape[1] == len(tokens) else value

    prompt = ids(lab, tokens).expand(len(rows), -1)
    pad = {"pad_token_id": min(ends)} if ends else {}
    with torch.no_grad(), changed(lab, {at: first_pass(change) for at, change in changes.items()}):
        out = lab.model.generate(prompt, attention_mask=torch.ones_like(prompt), do_sample=False, num_beams=1,
                                 max_new_tokens=most, **pad)[:, len(tokens):].tolist()  # fmt: skip
    said = []
    for answer in out:
        at = next((i for i, token in enumerate(answer) if token in ends), None)
        said.append(Said(tuple(answer[:at]), at is not None))
    return said


def _ends(lab: LabModel) -> set[int]:
    own = lab.model.generation_config.eos_token_id
    every = [*own] if isinstance(own, list | tuple) else [own]
    return {int(i) for i in (*every, getattr(lab.tokenizer, "eos_token_id", None)) if i is not None}


def donor_of(lab: LabModel, tokens: Sequence[int], kinds: Sequence[Kind]) -> dict[tuple[Kind, int], Tensor]:
    """What each (kind, layer) hands on for a prompt, [1, position, width]."""
    import torch

    with torch.no_grad():
        return capture(lab, ids(lab, tokens), kinds)[1]


@dataclass(frozen=True)
class Behaviour:
    """What the model does with a pair's prompts, unpatched. `failed` and `clean_right` are each world's own verdict."""

    pair: Matched
    clean_right: bool
    failed: bool
    other_said: Said
    confidence: float
    """The other prompt's first token: the chance of the likeliest one."""

    def gap(self, lab: LabModel, task: Task) -> Gap | None:
        """Where the answers part, and how far; None if there is no gap that clean activations could close."""
        right = answer_tokens(lab, task, self.pair.clean)
        other = self.other_said.tokens if self.pair.same_answer else answer_tokens(lab, task, self.pair.other)
        parts = parting(right, other)
        if not self.clean_right or parts is None or (self.pair.same_answer and not self.failed):
            return None
        common, yes, no = parts
        logits = [last_logits(lab, (*tokens, *common), [Row((), {})])[0]
                  for tokens in (self.pair.clean_ids, self.pair.other_ids)]  # fmt: skip
        clean, corrupted = (float(metrics.logit_difference(each, yes, no)) for each in logits)
        return Gap(self.pair, common, yes, no, clean, corrupted) if clean > 0 > corrupted else None


@dataclass(frozen=True)
class Gap:
    """Behind `common`, how both answers begin, the clean prompt prefers `right` and the other one `wrong`: `clean` and
    `corrupted` are the logit differences."""

    pair: Matched
    common: tuple[int, ...]
    right: int
    wrong: int
    clean: float
    corrupted: float

    def closed(self, lab: LabModel, rows: Sequence[Row]) -> list[float]:
        """The share of the gap that each row closes: 1 as the clean run, 0 as the other one."""
        none = Row((), {})
        logits = last_logits(lab, (*self.pair.other_ids, *self.common), [none, *rows])
        difference = metrics.logit_difference(logits, self.right, self.wrong)
        return [float(d - difference[0]) / (self.clean - self.corrupted) for d in difference[1:]]


def behave(lab: LabModel, task: Task, pair: Matched, most: int) -> Behaviour:
    """Ask both prompts."""
    none = Row((), {})
    sides = [generate(lab, tokens, [none], most)[0] for tokens in (pair.clean_ids, pair.other_ids)]
    values = [verdict(task, sample, text(lab, said), said.ended).value
              for sample, said in zip((pair.clean, pair.other), sides, strict=True)]  # fmt: skip
    confidence = float(last_logits(lab, pair.other_ids, [none]).softmax(-1).max())
    return Behaviour(pair, values[0] == 1, values[1] != 1, sides[1], confidence)


def text(lab: LabModel, said: Said) -> str:
    """What was said, as text."""
    return str(lab.tokenizer.decode(list(said.tokens)))


def sites_of(lab: LabModel, places: Iterable[int], kinds: Sequence[Kind]) -> list[Where]:
    """Every site at these places. The residual stream before the first layer is left out: it is the prompt itself."""
    found = []
    for kind in kinds:
        for layer in range(1 if kind == "resid" else 0, len(lab.layers)):
            for place in sorted(places):
                heads: Sequence[int | None] = range(lab.heads) if kind == "head" else (None,)
                found += [Where(kind, layer, head, place) for head in heads]
    return found


@dataclass(frozen=True)
class Chosen:
    """The sites, best first, the share of the gap that they close together on the half they were chosen on (mean over
    its pairs), and the mean effect of each single site that was tried."""

    sites: tuple[Where, ...]
    closed: float
    single: Mapping[Where, float]


def choose(lab: LabModel, gaps: Sequence[Gap], kinds: Sequence[Kind], enough: float, most: int) -> Chosen:
    """As few sites as close `enough` of the gap, at most `most`: the one that closes most alone, then, again and again,
    the one of the SEARCHED best that adds most. A pair that has not got the place counts as 0."""
    donors = [donor_of(lab, gap.pair.clean_ids, kinds) for gap in gaps]
    effects: dict[Where, list[float]] = {}
    for gap, donor in zip(gaps, donors, strict=True):
        sites = sites_of(lab, gap.pair.places, kinds)
        for site, closed in zip(sites, gap.closed(lab, [row(gap.pair, [s], donor) for s in sites]), strict=True):
            effects.setdefault(site, []).append(closed)
    single = {site: sum(values) / len(gaps) for site, values in effects.items()}
    best = sorted(single, key=lambda s: -single[s])[:SEARCHED]
    sites, reached = best[:1], single[best[0]]
    while reached < enough and len(sites) < most:
        tried = [site for site in best if site not in sites]
        if not tried:
            break
        each = [gap.closed(lab, [row(gap.pair, [*sites, site], donor) for site in tried])
                for gap, donor in zip(gaps, donors, strict=True)]  # fmt: skip
        means = [statistics.mean(values) for values in zip(*each, strict=True)]
        if max(means) <= reached:
            break
        reached = max(means)
        sites.append(tried[means.index(reached)])
    return Chosen(tuple(sites), reached, single)


def random_sites(lab: LabModel, chosen: Sequence[Where], places: Iterable[int], rng: random.Random) -> list[Where]:
    """As many sites of the same kinds, none of them chosen."""
    left = [s for s in sites_of(lab, places, list(dict.fromkeys(s.kind for s in chosen))) if s not in chosen]
    found: list[Where] = []
    for site in chosen:
        of_kind = [s for s in left if s.kind == site.kind and s not in found]
        found += rng.sample(of_kind, min(1, len(of_kind)))
    return found


class ReadOut:
    """Linear discriminant analysis with a diagonal covariance (Dudoit, Fridlyand and Speed 2002, JASA 97: 77-87) of the
    activations at some sites of the other prompt: the mean of the failures less that of the rest, each column over its
    variance within the two. Learnt on one half."""

    def __init__(self, vectors: Sequence[Any], failed: Sequence[bool]) -> None:
        """Vectors [width]; there are both failures and others."""
        import torch

        stacked, marked = torch.stack(list(vectors)).float(), torch.tensor(list(failed))
        means = [stacked[mask].mean(0) for mask in (marked, ~marked)]
        self._middle = (means[0] + means[1]) / 2
        within = (stacked - torch.where(marked[:, None], *means)).square().mean(0)
        # A column that hardly varies would weigh without bound.
        self._weights = (means[0] - means[1]) / (within + SMOOTHING * within.mean() + 1e-9)

    def score(self, vector: Any) -> float:
        """Higher where a failure is expected."""
        return float((vector - self._middle) @ self._weights)

    def numbers(self) -> list[float]:
        """What it consists of, for a hash."""
        return [float(x) for part in (self._middle, self._weights) for x in part]


def vector(lab: LabModel, pair: Matched, sites: Sequence[Where]) -> Tensor:
    """The activations at the sites in the run of the other prompt, one behind the other; a place of several positions
    gives its mean, one that the pair has not got zeros."""
    import torch

    kept = donor_of(lab, pair.other_ids, list(dict.fromkeys(s.kind for s in sites)))
    parts = []
    for site in sites:
        value = kept[site.kind, site.layer][0]
        value = value if site.head is None else value[:, columns(lab, site.head)]
        at = [target for _, target in pair.positions(site.place)]
        parts.append(value[at].float().mean(0) if at else torch.zeros(value.shape[-1]))
    return torch.cat(parts)
