"""The logit lens: what the model would answer if it ended after each layer (nostalgebraist 2020).

The final norm is applied to what goes into a layer, then the unembedding; behind the last layer it is the model's own
distribution. The tuned lens (harness.lab.tuned) puts a translator before the norm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.lab import metrics
from harness.lab.hooks import capture
from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor

    from harness.lab.tuned import Translators


@dataclass(frozen=True)
class LensRow:
    """At one layer and position: the likeliest token and its probability, the answer's probability and rank (0 is the
    top), and KL(model's own || lens) in nats. `layer` counts what goes into it; the number of layers is the model's own
    end."""

    layer: int
    position: int
    top: int
    top_p: float
    p: float
    rank: int
    kl: float


def _streams(lab: LabModel, ids: Tensor) -> tuple[list[Tensor], Tensor]:
    """(what goes into each layer [position, width], the model's own logits [position, vocabulary])."""
    import torch

    with torch.no_grad():
        logits, kept = capture(lab, ids, ("resid",))
    return [kept["resid", i][0] for i in range(len(lab.layers))], logits[0]


def _early(lab: LabModel, layer: int, stream: Tensor, translators: Translators | None) -> Tensor:
    """Logits [position, vocabulary] of what goes into one layer: those of all layers at once would not fit in memory if
    the vocabulary is large."""
    import torch

    with torch.no_grad():
        if translators is not None:
            return translators.logits(lab, layer, stream)
        early: Tensor = lab.model.lm_head(lab.model.model.norm(stream))
        return early


def lens_logits(lab: LabModel, ids: Tensor, translators: Translators | None = None) -> Tensor:
    """Logits [layer + 1, position, vocabulary] of token ids [1, position]; those of the tuned lens with translators."""
    import torch

    streams, own = _streams(lab, ids)
    early = [_early(lab, i, stream, translators).to(own.dtype) for i, stream in enumerate(streams)]
    return torch.stack([*early, own])


def lens(lab: LabModel, ids: Tensor, answer: int, translators: Translators | None = None) -> list[LensRow]:
    """Every layer and position of token ids [1, position]."""
    found: list[LensRow] = []
    streams, own = _streams(lab, ids)
    for layer in range(len(streams) + 1):
        logits = (_early(lab, layer, streams[layer], translators) if layer < len(streams) else own).float()
        chances = logits.softmax(-1)
        top_p, top = chances.max(-1)
        columns = [top, top_p, chances[:, answer], metrics.rank(logits, answer), metrics.kl(own.float(), logits)]
        found += [LensRow(layer, at, *row) for at, row in enumerate(zip(*(c.tolist() for c in columns), strict=True))]
    return found
