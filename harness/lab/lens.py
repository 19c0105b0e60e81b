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


def lens_logits(lab: LabModel, ids: Tensor, translators: Translators | None = None) -> Tensor:
    """Logits [layer + 1, position, vocabulary] of token ids [1, position]; those of the tuned lens with translators."""
    import torch

    with torch.no_grad():
        logits, kept = capture(lab, ids, ("resid",))
        streams = torch.stack([kept["resid", i][0] for i in range(len(lab.layers))])
        if translators is None:
            early = lab.model.lm_head(lab.model.model.norm(streams))
        else:
            early = torch.stack([translators.logits(lab, i, stream) for i, stream in enumerate(streams)])
    return torch.cat([early.to(logits.dtype), logits])


def lens(lab: LabModel, ids: Tensor, answer: int, translators: Translators | None = None) -> list[LensRow]:
    """Every layer and position of token ids [1, position]."""
    logits = lens_logits(lab, ids, translators).float()
    chances = logits.softmax(-1)
    top_p, top = chances.max(-1)
    ranks, divergence = metrics.rank(logits, answer), metrics.kl(logits[-1:], logits)

    def row(layer: int, position: int) -> LensRow:
        at = (layer, position)
        p = float(chances[layer, position, answer])
        return LensRow(layer, position, int(top[at]), float(top_p[at]), p, int(ranks[at]), float(divergence[at]))

    layers, positions = logits.shape[:2]
    return [row(layer, position) for layer in range(layers) for position in range(positions)]
