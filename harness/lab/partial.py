"""Passes through a part of a model: layers left out, or taken from an earlier pass over the same tokens.

Whoever changes one layer again and again pays for the others each time. What is below a change is the same in each
pass, and what is above it is not needed to read the layer.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor


@contextlib.contextmanager
def without(lab: LabModel, layers: Iterable[int]) -> Iterator[None]:
    """While it lasts, these layers hand on what they get. Their hooks are called still."""
    modules = [lab.layers[i] for i in layers]
    try:
        for module in modules:
            module.forward = _same
        yield
    finally:
        for module in modules:
            module.__dict__.pop("forward", None)


def _same(hidden_states: Tensor, *_: Any, **__: Any) -> Tensor:
    return hidden_states


def up_to(lab: LabModel, layer: int) -> contextlib.AbstractContextManager[None]:
    """While it lasts, no layer behind this one is computed."""
    return without(lab, range(layer + 1, len(lab.layers)))


def past(lab: LabModel, cache: Any) -> dict[str, Any]:
    """What a pass has kept, as the argument of the next one: its name changes in transformers 5."""
    names = inspect.signature(type(lab.model).forward).parameters
    return {"cache" if "cache" in names else "past_key_values": cache}


def cached(lab: LabModel, out: Any) -> Any:
    """The cache of keys and values among what a pass gives."""
    return out[next(iter(past(lab, None)))]


@contextlib.contextmanager
def same_below(lab: LabModel, layer: int) -> Iterator[None]:
    """While it lasts, what goes into a layer is computed once for a prompt and for what follows it (a pass with a
    cache), then taken from there: nothing below it may change, nor want a gradient. A prompt must be followed by the
    same tokens each time, else RuntimeError. Layer 0 runs each time, as the length of a cache is read there."""
    if layer < 2:
        yield
        return
    known: dict[Any, Tensor] = {}
    now: list[Any] = [None, None, False]  # the key of this pass, that of its prompt, whether the prompt was known
    stack = contextlib.ExitStack()

    def begin(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        stack.close()
        ids = args[0] if args else kwargs["input_ids"]
        cache = kwargs.get("cache", kwargs.get("past_key_values"))
        own = tuple(map(tuple, ids.tolist()))
        first = cache is None or not cache.get_seq_length()
        now[0] = own if first else (now[1], own)
        if first:
            now[1:] = own, own in known
        elif now[2] and now[0] not in known:
            raise RuntimeError("other tokens follow a prompt whose lower layers were left out")
        if now[0] in known:
            stack.enter_context(without(lab, range(1, layer)))

    def enter(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        states = args[0] if args else kwargs["hidden_states"]
        states = known.setdefault(now[0], states.detach())
        return ((states, *args[1:]), kwargs) if args else (args, {**kwargs, "hidden_states": states})

    handles = [
        lab.model.model.register_forward_pre_hook(begin, with_kwargs=True),
        lab.layers[layer].register_forward_pre_hook(enter, with_kwargs=True),
    ]
    try:
        yield
    finally:
        stack.close()
        for handle in handles:
            handle.remove()
