"""Reading and replacing what the parts of a model hand on. Plain torch hooks: no other library is needed.

Kinds of sites: `resid` (what goes into a layer), `attn` and `mlp` (what a layer's attention and MLP add), `head` (what
one head hands to the output projection).
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["resid", "attn", "mlp", "head"]
KINDS: tuple[Kind, ...] = ("resid", "attn", "mlp", "head")

Activations = Mapping[tuple[Kind, int], "Tensor"]
"""(kind, layer) -> [batch, position, width]; of `head`, [batch, position, heads * head size]."""


class Site(NamedTuple):
    """One place: `head` is None but for the kind `head`; `position` None means every position."""

    kind: Kind
    layer: int
    head: int | None
    position: int | None


Change = Callable[["Tensor"], "Tensor"]


@contextlib.contextmanager
def changed(lab: LabModel, changes: Mapping[tuple[Kind, int], Change]) -> Iterator[None]:
    """While it lasts, what (kind, layer) hands on, [batch, position, width], is what its function makes of it."""
    handles = []
    try:
        for (kind, layer), change in changes.items():
            handles.append(_hook(lab, kind, layer, change))
        yield
    finally:
        for handle in handles:
            handle.remove()


def _hook(lab: LabModel, kind: Kind, layer: int, change: Change) -> Any:
    module = lab.layers[layer]
    if kind in ("resid", "head"):

        def before(_: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
            if args:
                return (change(args[0]), *args[1:]), kwargs
            return args, {**kwargs, "hidden_states": change(kwargs["hidden_states"])}

        target = module if kind == "resid" else module.self_attn.o_proj
        return target.register_forward_pre_hook(before, with_kwargs=True)

    def after(_: Any, __: Any, output: Any) -> Any:
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    return (module.self_attn if kind == "attn" else module.mlp).register_forward_hook(after)


def capture(
    lab: LabModel, ids: Tensor, kinds: Sequence[Kind] = KINDS, **arguments: Any
) -> tuple[Tensor, dict[tuple[Kind, int], Tensor]]:
    """(logits [batch, position, vocabulary], what each (kind, layer) hands on) for token ids [batch, position].
    `arguments` go to the model: a cache, for ids that go on with what it holds."""
    kept: dict[tuple[Kind, int], Tensor] = {}

    def keep(at: tuple[Kind, int]) -> Change:
        def change(value: Tensor) -> Tensor:
            kept[at] = value
            return value

        return change

    with changed(lab, {(kind, i): keep((kind, i)) for kind in kinds for i in range(len(lab.layers))}):
        logits: Tensor = lab.model(ids, **{"use_cache": False, **arguments}).logits
    return logits, kept


def patched(
    lab: LabModel, ids: Tensor, sites: Sequence[Site | None], source: Activations, last: int = 0,
    partners: Mapping[int, int] | None = None,
) -> Tensor:  # fmt: skip
    """Logits [site, position, vocabulary] of token ids [position], once for each site: there the activation of `source`
    ([1, position, width]) stands in the place of the model's own. None patches nothing: the run to compare with, in the
    same batch, so that what has no effect differs by 0 exactly. With `last`, of so many positions at the end: with a
    large vocabulary logits are most of the memory that it takes. `partners` says from which position of the source
    each position takes its activation; one that is not among them keeps its own, and has no site (KeyError). By default
    every position takes that of its own number."""
    by_place: dict[tuple[Kind, int], list[tuple[int, Site]]] = {}
    for row, site in enumerate(sites):
        if site is not None:
            by_place.setdefault((site.kind, site.layer), []).append((row, site))

    def put(at: tuple[Kind, int]) -> Change:
        def change(value: Tensor) -> Tensor:
            value = value.clone()
            for row, site in by_place[at]:
                part = slice(None) if site.head is None else columns(lab, site.head)
                if site.position is not None:
                    there = site.position if partners is None else partners[site.position]
                    value[row, site.position, part] = source[at][0, there, part]
                elif partners is None:
                    value[row, :, part] = source[at][0, :, part]
                else:
                    value[row, list(partners), part] = source[at][0, list(partners.values()), part]
            return value

        return change

    with changed(lab, {at: put(at) for at in by_place}):
        logits: Tensor = lab.model(ids.expand(len(sites), -1), use_cache=False, logits_to_keep=last).logits
    return logits


def columns(lab: LabModel, head: int) -> slice:
    """Where a head's output stands among those of its layer."""
    return slice(head * lab.head_size, (head + 1) * lab.head_size)


def all_sites(lab: LabModel, length: int, kinds: Sequence[Kind], first: int = 0) -> list[Site]:
    """Every site of these kinds: residual stream, attention, MLP at each position from `first` on; heads at all
    positions at once."""
    found = []
    for kind in kinds:
        for layer in range(len(lab.layers)):
            if kind == "head":
                found += [Site(kind, layer, head, None) for head in range(lab.heads)]
            else:
                found += [Site(kind, layer, None, position) for position in range(first, length)]
    return found
