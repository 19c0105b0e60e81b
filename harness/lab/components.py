"""A model as a sum: what embedding, heads and MLPs add to the residual stream, and to the logits of an answer.

The logits are the unembedding of the final norm of the stream. With the norm's scale frozen at its value in the run,
they are a sum over the parts (direct logit attribution; Elhage et al. 2021). With its attention and the scale of its
norm frozen too, what a head writes is a sum over the parts that its values read: what an earlier head adds on this way
is that of a virtual head.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.lab.hooks import capture
from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Part:
    """`name` is embed, LAYER.HEAD, mlp LAYER or bias LAYER (of the attention's output, if it has one); `written`
    [batch, position, width] is what it adds to the stream."""

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
            out = lab.layers[layer].self_attn.o_proj
            for head in range(lab.heads):
                own = slice(head * size, (head + 1) * size)
                found.append(Part(f"{layer}.{head}", kept["head", layer][..., own] @ out.weight[:, own].T))
            if out.bias is not None:
                found.append(Part(f"bias {layer}", out.bias.expand_as(stream[0])))
            found.append(Part(f"mlp {layer}", kept["mlp", layer]))
    return stream[0], found


def before(found: Sequence[Part], layer: int) -> list[Part]:
    """The parts that stand before a layer."""
    return [p for p in found if p.name == "embed" or int(p.name.split()[-1].partition(".")[0]) < layer]


def direct_logits(lab: LabModel, stream: Tensor, part: Tensor, token: int) -> Tensor:
    """What a part [..., width] of the stream [..., width] adds to the logit of a token, [...]."""
    added: Tensor = normed(lab.model.model.norm, stream, part) @ lab.model.lm_head.weight[token]
    return added


def normed(norm: object, stream: Tensor, part: Tensor) -> Tensor:
    """A part [..., width] of the stream [..., width] as an RMS norm hands it on, its scale frozen at the stream's."""
    import torch

    scale = torch.rsqrt(stream.float().pow(2).mean(-1, keepdim=True) + norm.variance_epsilon)  # type: ignore[attr-defined]
    found: Tensor = (part * scale * norm.weight).to(part.dtype)  # type: ignore[attr-defined]
    return found


def attentions(lab: LabModel, ids: Tensor) -> list[Tensor]:
    """[batch, head, query, key] of each layer for token ids [batch, position]."""
    import torch

    with torch.no_grad():
        return list(lab.model(ids, use_cache=False, output_attentions=True).attentions)


def through_values(lab: LabModel, found: Sequence[Part], attention: Tensor, layer: int, head: int) -> list[Part]:
    """What a head writes, split by the part that its values read; the bias of its values, if they have one, by itself.
    `found` are all parts of the run, `attention` [batch, head, query, key] is its layer's. They add up to what the head
    writes."""
    import torch

    block, size = lab.layers[layer], lab.head_size
    proj = block.self_attn.v_proj
    own = head * (proj.out_features // size) // lab.heads
    rows = slice(own * size, (own + 1) * size)
    out = block.self_attn.o_proj.weight[:, head * size : (head + 1) * size]
    with torch.no_grad():
        read = before(found, layer)
        stream = torch.stack([p.written for p in read]).sum(0)
        split = [
            Part(
                p.name,
                attention[:, head] @ (normed(block.input_layernorm, stream, p.written) @ proj.weight[rows].T) @ out.T,
            )
            for p in read
        ]
        if proj.bias is not None:
            split.append(Part("bias", (out @ proj.bias[rows]).expand_as(stream)))
    return split
