"""A model as a sum: what embedding, heads and MLPs add to the residual stream, and to the logits of an answer.

The logits are the unembedding of the final norm of the stream. With the norm's scale frozen at its value in the run,
they are a sum over the parts (direct logit attribution; Elhage et al. 2021).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.lab.hooks import capture
from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Part:
    """`name` is embed, LAYER.HEAD or mlp LAYER; `written` [batch, position, width] is what it adds to the stream."""

    name: str
    written: Tensor


def parts(lab: LabModel, ids: Tensor) -> tuple[Tensor, list[Part]]:
    """(the stream at the end [batch, position, width], its parts) for token ids [batch, position]. The parts add up to
    the stream."""
    import torch

    with torch.no_grad():
        stream: list[Tensor] = []
        handle = lab.model.model.norm.register_forward_pre_hook(lambda _, args: stream.append(args[0]))
        try:
            _, kept = capture(lab, ids, ("resid", "head", "mlp"))
        finally:
            handle.remove()
        found = [Part("embed", kept["resid", 0])]
        size = lab.head_size
        for layer in range(len(lab.layers)):
            weight = lab.layers[layer].self_attn.o_proj.weight
            for head in range(lab.heads):
                own = slice(head * size, (head + 1) * size)
                found.append(Part(f"{layer}.{head}", kept["head", layer][..., own] @ weight[:, own].T))
            found.append(Part(f"mlp {layer}", kept["mlp", layer]))
    return stream[0], found


def direct_logits(lab: LabModel, stream: Tensor, part: Tensor, token: int) -> Tensor:
    """What a part [..., width] of the stream [..., width] adds to the logit of a token, [...]."""
    import torch

    norm = lab.model.model.norm
    scale = torch.rsqrt(stream.pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)
    added: Tensor = (part * scale * norm.weight) @ lab.model.lm_head.weight[token]
    return added
