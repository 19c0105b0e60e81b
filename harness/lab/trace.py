"""Causal tracing (Meng, Bau, Andonian, Belinkov 2022, section 2): where in a model a fact about a subject is held.

Three runs of a prompt that the model answers right: clean; corrupted, with Gaussian noise on the embeddings of the
subject's tokens; restored, the corrupted one with one state put back as in the clean run. The total effect is what the
noise takes from the answer's probability, the indirect effect what the state gives back.
"""

from __future__ import annotations

import copy
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.lab.hooks import Activations, Change, Kind, capture, changed
from harness.lab.models import LabModel
from harness.lab.partial import cached, past, without
from harness.lab.subjects import ALONE, ROLES, Prompt, Role
from harness.seeds import derive
from harness.statistics.intervals import Estimate, mean_interval

if TYPE_CHECKING:
    from torch import Tensor

TOKENS = 256
"""Tokens that runs at a time put through the model, about. More gain nothing on a processor; and runs that begin at
different layers begin at the lowest."""
TRACED: tuple[Kind, ...] = ("resid", "mlp", "attn")


@dataclass(frozen=True)
class Fact:
    """A prompt and the token that answers it."""

    name: str
    prompt: Prompt
    answer: int


@dataclass(frozen=True)
class Noise:
    """Standard deviations of the subjects' embeddings, draws, seed. `window` layers of MLP or attention are restored
    together, the named one in their middle (10 in the paper, of 48)."""

    sd: float = 3.0
    draws: int = 10
    seed: int = 1
    window: int = 1


@dataclass(frozen=True)
class Traced:
    """Of one prompt: probabilities of the answer in the clean and (mean over draws) in the corrupted run, and the
    indirect effect of each (kind, layer, position from the subject on)."""

    fact: Fact
    clean: float
    corrupted: float
    effects: dict[tuple[Kind, int, int], float]

    @property
    def total(self) -> float:
        """The total effect."""
        return self.clean - self.corrupted


def window_of(layers: int) -> int:
    """The share of the layers that the paper restores at a time: 10 of 48, at least 1."""
    return max(1, round(layers * 10 / 48))


def known(lab: LabModel, facts: Sequence[Fact]) -> list[Fact]:
    """The facts that the model answers right: tracing asks where an answer comes from."""
    import torch

    found = []
    with torch.no_grad():
        for fact in facts:
            logits = lab.model(
                torch.tensor([fact.prompt.ids], device=lab.model.device), use_cache=False, logits_to_keep=1
            ).logits
            if int(logits[0, -1].argmax()) == fact.answer:
                found.append(fact)
    return found


def spread(lab: LabModel, facts: Sequence[Fact]) -> float:
    """Standard deviation of all numbers in the embeddings of the subjects' tokens."""
    import torch

    tokens = [t for fact in facts for t in fact.prompt.ids[fact.prompt.start : fact.prompt.end]]
    return float(lab.model.model.embed_tokens.weight[torch.tensor(tokens)].float().std())


def forwards(lab: LabModel, fact: Fact, kinds: Sequence[Kind], draws: int) -> int:
    """Single prompts that tracing one fact computes."""
    return 1 + draws * (1 + len(kinds) * len(lab.layers) * (len(fact.prompt.ids) - fact.prompt.start))


def trace(
    lab: LabModel, facts: Sequence[Fact], noise: Noise, kinds: Sequence[Kind] = TRACED,
    progress: Callable[[int, int], None] = lambda done, all: None,
) -> list[Traced]:  # fmt: skip
    """Every fact, which the model answers right (`known`). `progress` takes (done, all)."""
    sd = noise.sd * spread(lab, facts)
    found = []
    for i, fact in enumerate(facts):
        found.append(_trace(lab, fact, noise, sd, kinds))
        progress(i + 1, len(facts))
    return found


Restored = tuple[tuple[tuple[Kind, int], ...], int]
"""(places, position) that are put back as in the clean run."""


@dataclass(frozen=True)
class _Runs:
    """What the runs of one fact share. Positions count from the subject's first token: what stands before it is the
    same in all, `kept` (keys and values; None if there is nothing). `clean`, `corrupted`: [1 or draws, position, width]
    by (kind, layer); of the corrupted run, what goes into each layer."""

    ids: Tensor
    kept: Any
    clean: Activations
    corrupted: Activations
    answer: int


def _trace(lab: LabModel, fact: Fact, noise: Noise, sd: float, kinds: Sequence[Kind]) -> Traced:
    import torch

    ids = torch.tensor([fact.prompt.ids], device=lab.model.device)
    start, end = fact.prompt.start, fact.prompt.end
    drawn = torch.Generator().manual_seed(derive("trace", noise.seed, fact.name))
    width = int(lab.model.config.hidden_size)
    added = (sd * torch.randn(noise.draws, end - start, width, generator=drawn)).to(lab.model.device, lab.model.dtype)
    sites = [
        (kind, layer, at) for kind in kinds for layer in range(len(lab.layers)) for at in range(start, ids.shape[1])
    ]
    at_once = max(1, TOKENS // ((ids.shape[1] - start) * noise.draws))

    def first(site: tuple[Kind, int, int]) -> int:
        return _window(lab, site[0], site[1], noise.window)[0][1]

    ordered = sorted(sites, key=first)
    effects: dict[tuple[Kind, int, int], float] = {}
    with torch.no_grad():
        right, corrupted, runs = _ends(lab, fact, ids, added, kinds)
        for i in range(0, len(ordered), at_once):
            some = ordered[i : i + at_once]
            put = [(_window(lab, kind, layer, noise.window), position - start) for kind, layer, position in some]
            chances = _run(lab, runs, first(some[0]), put, noise.draws)
            effects |= {site: chance - corrupted for site, chance in zip(some, chances, strict=True)}
    return Traced(fact, right, corrupted, {site: effects[site] for site in sites})


def _ends(
    lab: LabModel, fact: Fact, ids: Tensor, added: Tensor, kinds: Sequence[Kind]
) -> tuple[float, float, _Runs]:  # fmt: skip
    """The answer's probability in the clean run and in the corrupted one (mean over draws), and what they share with
    the others."""
    start, draws = fact.prompt.start, len(added)
    kept = cached(lab, lab.model(ids[:, :start], use_cache=True, logits_to_keep=1)) if start else None
    logits, clean = capture(lab, ids[:, start:], kinds, **_past(lab, kept, 1))
    right = float(logits[0, -1].float().softmax(-1)[fact.answer])
    corrupted: dict[tuple[Kind, int], Tensor] = {}

    def keep(layer: int) -> Change:
        def change(value: Tensor) -> Tensor:
            if layer == 0:
                value = value.clone()
                value[:, : added.shape[1]] += added
            corrupted["resid", layer] = value
            return value

        return change

    with changed(lab, {("resid", layer): keep(layer) for layer in range(len(lab.layers))}):
        chances = _chances(lab, ids[:, start:].expand(draws, -1), kept, fact.answer)
    return right, float(chances.mean()), _Runs(ids[:, start:], kept, clean, corrupted, fact.answer)


def _past(lab: LabModel, kept: Any, rows: int) -> dict[str, Any]:
    """The arguments of a pass over `rows` that goes on behind what is kept of one."""
    if kept is None:
        return {"use_cache": False}
    own = copy.deepcopy(kept)  # a pass adds to it
    own.batch_repeat_interleave(rows)
    return {"use_cache": True, **past(lab, own)}


def _chances(lab: LabModel, ids: Tensor, kept: Any, answer: int) -> Tensor:
    """The answer's probability in each run, [batch]."""
    logits = lab.model(ids, logits_to_keep=1, **_past(lab, kept, len(ids))).logits
    found: Tensor = logits[:, -1].float().log_softmax(-1)[:, answer].exp()
    return found


def _window(lab: LabModel, kind: Kind, layer: int, size: int) -> tuple[tuple[Kind, int], ...]:
    """As in the paper's code: from layer - size // 2, `size` layers, cut at the ends. A state of the stream is one."""
    if kind == "resid":
        return ((kind, layer),)
    return tuple((kind, i) for i in range(layer - size // 2, layer - size // 2 + size) if 0 <= i < len(lab.layers))


def _run(lab: LabModel, runs: _Runs, first: int, some: Sequence[Restored], draws: int) -> list[float]:
    """The answer's probability, mean over draws, for each of `some`, from layer `first` on: below it nothing is put
    back, so they are the corrupted run. Row i * draws + j is restored[i] in draw j."""
    by_place: dict[tuple[Kind, int], list[tuple[slice, int]]] = {}
    for i, (places, position) in enumerate(some):
        for place in places:
            by_place.setdefault(place, []).append((slice(i * draws, (i + 1) * draws), position))

    def put(place: tuple[Kind, int]) -> Change:
        def change(value: Tensor) -> Tensor:
            begins = place == ("resid", first)
            value = runs.corrupted[place].repeat(len(some), 1, 1) if begins else value.clone()
            for rows, position in by_place.get(place, ()):
                value[rows, position] = runs.clean[place][0, position]
            return value

        return change

    with (
        without(lab, range(first)),
        changed(lab, {place: put(place) for place in {("resid", first): None, **dict.fromkeys(by_place)}}),
    ):
        chances = _chances(lab, runs.ids.expand(len(some) * draws, -1), runs.kept, runs.answer)
    return [float(x) for x in chances.view(len(some), draws).mean(1)]


@dataclass(frozen=True)
class Average:
    """The mean indirect effect over prompts of a (kind, layer, role), with its interval."""

    kind: Kind
    layer: int
    role: Role
    effect: Estimate


def averages(traced: Sequence[Traced]) -> list[Average]:
    """Positions of different prompts are summed up by their role; within a prompt, by the mean over positions."""
    values: dict[tuple[Any, ...], list[float]] = {}
    for one in traced:
        own: dict[tuple[Any, ...], list[float]] = {}
        for (kind, layer, position), effect in one.effects.items():
            own.setdefault((kind, layer, one.fact.prompt.role(position)), []).append(effect)
        for key, some in own.items():
            values.setdefault(key, []).append(statistics.mean(some))
    return sorted(
        (Average(key[0], key[1], key[2], mean(some)) for key, some in values.items()),
        key=lambda a: (a.kind, a.layer, ROLES.index(a.role)),
    )


def mean(values: Sequence[float]) -> Estimate:
    """A mean of effects, each in [-1, 1], with Student's interval."""
    low, high = mean_interval(values)
    return Estimate(statistics.mean(values), low, high, len(values))


@dataclass(frozen=True)
class Place:
    """Where an editor works: a layer's MLP, at the token with a role."""

    layer: int
    role: Role

    def __str__(self) -> str:
        return f"layer {self.layer}, {self.role}" + (" token" if self.role in ("last", "first after") else "'s token")


def best_place(found: Sequence[Average]) -> Place:
    """The MLP with the largest mean indirect effect, at a token that its role names."""
    best = max((a for a in found if a.kind == "mlp" and a.role in ALONE), key=lambda a: a.effect.value)
    return Place(best.layer, best.role)
