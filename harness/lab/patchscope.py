"""Patchscopes (Ghandeharioun et al. 2024): the residual stream of one prompt, put into another one, and what that says.

What goes into layer l at position i of the source is put in the place of what goes into layer l* at position i* of the
target; then the target is continued, greedily. The patch is on the first pass alone: later tokens see it through the
cache. The number of layers, as l or l*, means the end: what comes out of the last layer, before the final norm. The
logit lens is the case of one prompt as source and target, i* = i, l* = the end.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.lab.hooks import changed
from harness.lab.models import LabModel
from harness.lab.patching import ids
from harness.lab.prompts import streams

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Said:
    """What one source layer yields: `first` are the logits [vocabulary] of the first token after the target."""

    source_layer: int
    target_layer: int
    tokens: tuple[int, ...]
    first: Tensor


@contextlib.contextmanager
def _put(lab: LabModel, layer: int, position: int, states: Tensor) -> Iterator[None]:
    """While it lasts, `states` [batch, width] go into a layer (or into the final norm) at a position."""

    def change(value: Tensor) -> Tensor:
        value = value.clone()
        value[:, position] = states.to(value.dtype)
        return value

    if layer < len(lab.layers):
        with changed(lab, {("resid", layer): change}):
            yield
        return

    def before(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
        return (change(args[0]), *args[1:])

    handle = lab.model.model.norm.register_forward_pre_hook(before)
    try:
        yield
    finally:
        handle.remove()


def patchscope(
    lab: LabModel, source: Sequence[int], position: int, target: Sequence[int], target_position: int,
    layers: Sequence[tuple[int, int]], tokens: int = 1,
) -> list[Said]:  # fmt: skip
    """For each (source layer, target layer): the target with the source's stream in it, continued by so many tokens. An
    end-of-sequence token ends a text."""
    import torch

    with torch.no_grad():
        _, kept = streams(lab, ids(lab, source))
        found, cache = [], _cache(lab)
        for one, other in layers:
            with _put(lab, other, target_position, kept[one][:, position]):
                out = lab.model(ids(lab, target), use_cache=True)
            first = out.logits[0, -1].float()
            said = [int(first.argmax())]
            while len(said) < tokens and said[-1] not in _ends(lab):
                out = lab.model(ids(lab, [said[-1]]), use_cache=True, **{cache: out[cache]})
                said.append(int(out.logits[0, -1].argmax()))
            found.append(Said(one, other, tuple(said), first))
    return found


def _cache(lab: LabModel) -> str:
    """The name under which a model takes and gives its cache: newer versions of transformers warn of the old one."""
    return "cache" if "cache" in inspect.signature(lab.model.forward).parameters else "past_key_values"


def _ends(lab: LabModel) -> set[int]:
    ends = lab.model.config.eos_token_id
    return {ends} if isinstance(ends, int) else set(ends or ())
