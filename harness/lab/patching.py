"""Activation patching and its linear estimate: which sites carry the difference between two matched prompts.

Denoising puts the clean activation into the corrupted run (is the site enough?), noising the corrupted one into the
clean run (is it needed?). The logit difference is normalised: 1 as in the clean run, 0 as in the corrupted one.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from harness.lab import metrics
from harness.lab.hooks import Kind, Site, all_sites, capture, patched
from harness.lab.models import LabModel
from harness.lab.pairs import Pair
from harness.statistics.correlation import spearman

if TYPE_CHECKING:
    from torch import Tensor

How = Literal["denoise", "noise"]
BATCH_TOKENS = 4096
"""So many tokens are computed at once: the memory that a sweep takes does not grow with its number of sites."""


@dataclass(frozen=True)
class Effect:
    """What patching one site does: `restored` is the normalised logit difference, `p` the change of the right answer's
    probability, `kl` KL(clean || corrupted) minus KL(clean || patched), in nats. `attributed` is the linear estimate of
    how far the site moves the run (denoising: of `restored`, noising: of 1 - `restored`), None if it was not asked
    for."""

    site: Site
    restored: float
    p: float
    kl: float
    attributed: float | None = None

    def moved(self, how: How) -> float:
        """How far the site moved the run away from where it started, towards 1."""
        return self.restored if how == "denoise" else 1 - self.restored


@dataclass(frozen=True)
class Ends:
    """Logit differences of the two runs without patches."""

    clean: float
    corrupted: float


def ids(lab: LabModel, tokens: Sequence[int]) -> Tensor:
    """Token ids [1, position] on the model's device."""
    import torch

    return torch.tensor([tokens], device=lab.model.device)


def ends(lab: LabModel, pair: Pair) -> Ends:
    """UsageError-free: the caller looks at whether the two differ."""
    import torch

    with torch.no_grad():
        found = [
            float(metrics.logit_difference(lab.model(ids(lab, tokens)).logits[0, -1].float(), pair.right, pair.wrong))
            for tokens in (pair.clean, pair.corrupted)
        ]
    return Ends(*found)


class _Runs(NamedTuple):
    """The prompt that is patched, the one whose activations are put in, and {position of the first: of the second}."""

    into: tuple[int, ...]
    source: tuple[int, ...]
    partners: dict[int, int]


def _runs(pair: Pair, how: How) -> _Runs:
    if how == "denoise":
        return _Runs(pair.corrupted, pair.clean, {there: here for here, there in pair.partners.items()})
    return _Runs(pair.clean, pair.corrupted, pair.partners)


def sweep(lab: LabModel, pair: Pair, sites: Sequence[Site], how: How = "denoise") -> list[Effect]:
    """The effect of each site, by true patching. Positions of sites are those of the clean prompt; each must have a
    partner (KeyError). Heads are patched at all positions that have one."""
    import torch

    kinds: tuple[Kind, ...] = tuple(dict.fromkeys(site.kind for site in sites))
    into, source, partners = _runs(pair, how)
    places = pair.partners if how == "denoise" else {i: i for i in pair.partners}
    moved = [s if s.position is None else s._replace(position=places[s.position]) for s in sites]
    at_once = max(1, BATCH_TOKENS // len(into) - 1)
    effects = []
    with torch.no_grad():
        _, donor = capture(lab, ids(lab, source), kinds)
        ends_of = ends(lab, pair)
        clean = lab.model(ids(lab, pair.clean)).logits[0, -1].float()
        corrupted = lab.model(ids(lab, pair.corrupted)).logits[0, -1].float()
        away = metrics.kl(clean, corrupted)
        for i in range(0, len(sites), at_once):
            some = sites[i : i + at_once]
            rows = [None, *moved[i : i + at_once]]
            logits = patched(lab, ids(lab, into)[0], rows, donor, last=1, partners=partners)[:, -1].float()
            difference = metrics.logit_difference(logits, pair.right, pair.wrong)
            # Against the unpatched row of this very batch: what has no effect is 0 (or 1) exactly.
            start = 0.0 if how == "denoise" else 1.0
            restored = start + (difference[1:] - difference[0]) / (ends_of.clean - ends_of.corrupted)
            chances = logits.softmax(-1)[:, pair.right]
            nearer = away - metrics.kl(clean.expand_as(logits[1:]), logits[1:])
            effects += [
                Effect(site, float(r), float(p - chances[0]), float(k))
                for site, r, p, k in zip(some, restored, chances[1:], nearer, strict=True)
            ]
    return effects


def attribute(lab: LabModel, pair: Pair, sites: Sequence[Site], how: How = "denoise") -> list[float]:
    """The linear estimate of how far each site moves the run: (clean - corrupted) activation times the gradient of the
    normalised logit difference in the run that is patched (Nanda 2023), which is the corrupted one if it is denoised.
    Two forwards and one backward for all sites. Positions as in `sweep`."""
    import torch

    kinds: tuple[Kind, ...] = tuple(dict.fromkeys(site.kind for site in sites))
    into, source, partners = _runs(pair, how)
    order = {at: i for i, at in enumerate(pair.partners)}
    here, there = list(partners), list(partners.values())
    with torch.no_grad():
        _, donor = capture(lab, ids(lab, source), kinds)
        ends_of = ends(lab, pair)
    with torch.enable_grad():
        handle = lab.model.model.embed_tokens.register_forward_hook(lambda *call: call[2].requires_grad_())
        try:
            logits, kept = capture(lab, ids(lab, into), kinds)
        finally:
            handle.remove()
        metric = metrics.logit_difference(logits[0, -1].float(), pair.right, pair.wrong)
        gradients = torch.autograd.grad(metric, list(kept.values()))
    scale = (ends_of.clean - ends_of.corrupted) * (1 if how == "denoise" else -1)
    products: dict[Any, Tensor] = {
        at: (donor[at][0, there] - kept[at][0, here].detach()) * gradient[0, here] / scale
        for at, gradient in zip(kept, gradients, strict=True)
    }
    found = []
    for site in sites:
        product = products[site.kind, site.layer]
        if site.head is not None:
            product = product[:, site.head * lab.head_size : (site.head + 1) * lab.head_size]
        if site.position is not None:
            product = product[order[site.position]]
        found.append(float(product.sum()))
    return found


@dataclass(frozen=True)
class Linear:
    """How well the linear estimates agree with true patching of the same sites: Pearson's r, Spearman's rho, and the
    slope of estimate on truth (below 1: it makes effects too small)."""

    kind: str
    sites: int
    r: float | None
    rho: float | None
    slope: float | None


def agreement(effects: Sequence[Effect], how: How = "denoise") -> list[Linear]:
    """One row for each kind of site that has estimates."""
    rows = []
    for kind in dict.fromkeys(e.site.kind for e in effects):
        both = [(e.moved(how), e.attributed) for e in effects if e.site.kind == kind and e.attributed is not None]
        if len(both) < 3:
            continue
        true, estimated = [t for t, _ in both], [a for _, a in both]
        spread = statistics.pstdev(true)
        slope = statistics.covariance(true, estimated) / statistics.variance(true) if spread else None
        r = statistics.correlation(true, estimated) if spread and statistics.pstdev(estimated) else None
        rows.append(Linear(kind, len(both), r, spearman(true, estimated), slope))
    return rows


def forwards(lab: LabModel, length: int, kinds: Sequence[Kind]) -> int:
    """How many forward passes a whole sweep of these kinds takes for one pair, as single prompts."""
    return len(all_sites(lab, length, kinds))
