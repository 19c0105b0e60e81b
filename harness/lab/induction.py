"""Induction heads: on random tokens that are repeated, which heads look at what followed the token last time?

Scores of a head (Olsson et al. 2022): prefix matching is the mean attention from a token of the second copy to the
token after its first occurrence; previous token the mean attention to the place before; copying the sum of the
eigenvalues of its OV circuit from embedding to unembedding over the sum of their absolute values (1: every token raises
its own logit). The in-context-learning score is the loss late in a sequence minus the loss early in it: below 0 the
model has learnt.

A head that looks a fixed number of places back matches prefixes at one distance of the copies, whatever the tokens are.
So the score at another distance is measured too: an induction head has both.
"""

from __future__ import annotations

import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.errors import UsageError
from harness.lab.composition import copying
from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor


STRONG = 0.5
"""So much of its attention makes a head one that matches prefixes."""


@dataclass(frozen=True)
class HeadScores:
    """Of one head; attention shares are means over positions and sequences, in [0, 1], copying is in [-1, 1]."""

    layer: int
    head: int
    prefix_matching: float
    previous_token: float
    copying: float


@dataclass(frozen=True)
class Learning:
    """Mean loss (nats) in the first and in the second copy, and their difference: below 0, the repetition helps.
    `chance` is the loss of a guess among all tokens that were drawn."""

    first: float
    second: float
    chance: float

    @property
    def score(self) -> float:
        """Late minus early (Olsson et al. 2022: the loss of the 500th token minus that of the 50th)."""
        return self.second - self.first


def repeated(lab: LabModel, half: int, sequences: int, seed: int) -> Tensor:
    """Token ids [sequence, 1 + 2 * half]: the beginning token, then random tokens without repeats, twice. UsageError if
    the model has too few tokens, or too short a context."""
    import torch

    special = {i for i in lab.tokenizer.all_special_ids if i is not None}
    ordinary = [i for i in range(int(lab.model.config.vocab_size)) if i not in special]
    if half > len(ordinary) or 1 + 2 * half > lab.model.config.max_position_embeddings:
        raise UsageError(f"{lab.name} has too few tokens, or too short a context, for {half} random tokens twice")
    start = lab.model.config.bos_token_id
    rng = torch.Generator().manual_seed(seed)
    rows = []
    for _ in range(sequences):
        drawn = [ordinary[int(i)] for i in torch.randperm(len(ordinary), generator=rng)[:half]]
        rows.append([start if isinstance(start, int) else ordinary[0], *drawn, *drawn])
    return torch.tensor(rows, device=lab.model.device)


def measure(lab: LabModel, half: int = 24, sequences: int = 8, seed: int = 0) -> tuple[list[HeadScores], Learning]:
    """Scores of every head, and how much the repetition helps."""
    import torch

    ids = repeated(lab, half, sequences, seed)
    with torch.no_grad():
        out = lab.model(ids, use_cache=False, output_attentions=True)
        losses = torch.nn.functional.cross_entropy(
            out.logits[:, :-1].float().transpose(1, 2), ids[:, 1:], reduction="none"
        )
    # Token 1 + i of the first copy is the same as token 1 + half + i. From the second copy, the place after its first
    # occurrence is half - 1 back.
    found = []
    for layer, attention in enumerate(out.attentions):  # [sequence, head, query, key]
        later = torch.arange(1 + half, 1 + 2 * half, device=ids.device)
        after = attention[:, :, later, later - half + 1].mean((0, 2))
        every = torch.arange(1, 1 + 2 * half, device=ids.device)
        before = attention[:, :, every, every - 1].mean((0, 2))
        found += [
            HeadScores(layer, head, float(after[head]), float(before[head]), copying(lab, layer, head))
            for head in range(lab.heads)
        ]
    first, second = float(losses[:, 1:half].mean()), float(losses[:, half + 1 :].mean())
    return found, Learning(first, second, math.log(int(lab.model.config.vocab_size)))


def elsewhere(half: int) -> int:
    """Another distance at which heads are measured."""
    return max(2, 3 * half // 4) if half > 2 else half + 1


def summary(scores: list[HeadScores], other: list[HeadScores]) -> str:
    """Half a sentence: how many heads look like induction heads, and what the others look like; `other` are the scores
    of the same heads at another distance."""
    strong = [s for s in scores if s.prefix_matching >= STRONG]
    both = {(s.layer, s.head): s.prefix_matching for s in other}
    others = statistics.median(s.prefix_matching for s in scores)
    named = ", ".join(f"{s.layer}.{s.head} ({s.prefix_matching:.2f})" for s in strong[:6])
    said = f"{len(strong)} of {len(scores)} heads match prefixes in half of their attention or more" + (
        f": {named}; the median head {others:.2f}" if strong else f"; the median head {others:.2f}"
    )
    fixed = [s for s in strong if both[s.layer, s.head] < STRONG / 2]
    if fixed:
        one = fixed[0]
        said += (f". {len(fixed)} of them do so at this distance alone (such as {one.layer}.{one.head}: "
                 f"{both[one.layer, one.head]:.2f} at the other): they look a number of places back")  # fmt: skip
    return said
