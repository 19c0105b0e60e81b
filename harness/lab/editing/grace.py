"""GRACE (Hartvigsen, Sankaranarayanan, Palangi, Kim, Ghassemi 2023): edits in a codebook beside one layer.

An entry is a key (what goes into the layer's MLP at the prompt's last token), a radius and a value. An input within the
radius of the nearest key gets its value in the place of what the MLP adds there; every other passes unchanged.
Nothing learns the radius. As in the paper's code: a near input with the same answer expands the radius to its distance
(the printed algorithm adds the first radius); with another answer, both get half of the distance.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from harness.lab.editing.editor import Editor, Given, copied
from harness.lab.editing.requests import Edit
from harness.lab.editing.running import loss, says
from harness.lab.models import LabModel
from harness.lab.partial import same_below, up_to
from harness.lab.subjects import same_length
from harness.options import option, settle
from harness.seeds import derive

if TYPE_CHECKING:
    from torch import Tensor


BATCH = 64
SAME = 1e-5
"""Keys no further apart are one: its later answer holds. (In the code they split, and neither radius holds the key.)"""


@dataclass(frozen=True)
class GRACE:
    """`layer` -1 is the one that tracing names; the place in the prompt is always its last token."""

    eps: float = option(1.0, "first radius of a key, Euclidean")
    layer: int = option(-1, "layer beside which the codebook stands; -1: as traced", between=(-1, 10_000))
    lr: float = option(1.0, "learning rate of a value")
    steps: int = option(100, "steps for a value, at most", between=(1, 10_000))
    below: float = option(0.01, "stop at this loss, in nats a token")

    name: ClassVar[str] = "grace"
    weights: ClassVar[bool] = False

    def __post_init__(self) -> None:
        settle(self, f"method {self.name}")

    def open(self, given: Given) -> Editor:
        """See Method."""
        return Codebook(given, self)

    def passes(self, edits: int) -> int:
        """See Method."""
        return edits * (1 + self.steps)


@dataclass
class Entry:
    """`key` and `value` [width]; `answer` is the label."""

    key: Tensor
    value: Tensor
    radius: float
    answer: tuple[int, ...]


class Codebook:
    """The adapter. It acts in a pass over a prompt (one without a past), at its last position."""

    def __init__(self, given: Given, options: GRACE) -> None:
        self.lab = copied(given.lab)
        self.options, self.seed = options, given.seed
        self.layer = given.place.layer if options.layer < 0 else min(options.layer, len(self.lab.layers) - 1)
        self.entries: list[Entry] = []
        self.done: list[str] = []
        """What each edit did: add, expand, split, replace, or none (the model was right already)."""
        self._prompt = True
        self._forced: Tensor | None = None
        self.lab.model.model.register_forward_pre_hook(self._begin, with_kwargs=True)
        self.lab.layers[self.layer].mlp.register_forward_hook(self._replace)

    @property
    def keys(self) -> int:
        """Entries so far."""
        return len(self.entries)

    def undo(self) -> None:
        """Empty the codebook."""
        self.entries.clear()
        self.done.clear()

    def edit(self, edit: Edit) -> None:
        """Nothing if the model gives the new answer already."""
        import torch

        if says(self.lab, edit.prompt.ids, edit.new):
            self.done.append("none")
            return
        key = self.key(edit.prompt.ids)
        entry, did = self._entry(key, edit)
        self.done.append(did)
        value = entry.value.clone().requires_grad_(True)
        optimizer = torch.optim.Adam([value], lr=self.options.lr)
        self._forced = value
        try:
            with torch.enable_grad(), same_below(self.lab, self.layer):
                for _ in range(self.options.steps):
                    wrong = loss(self.lab, edit.prompt.ids, edit.new)
                    if float(wrong.detach()) < self.options.below:
                        break
                    optimizer.zero_grad()
                    wrong.backward()
                    optimizer.step()
        finally:
            self._forced = None
        entry.value = value.detach()

    def _entry(self, key: Tensor, edit: Edit) -> tuple[Entry, str]:
        """The entry whose value is to be learnt."""
        nearest, distance = self.nearest(key)
        if nearest is None or distance > nearest.radius + self.options.eps:
            return self._new(key, self.options.eps, edit), "add"
        if nearest.answer == edit.new:
            nearest.radius = max(nearest.radius, distance)
            return nearest, "expand"
        if distance <= SAME:
            nearest.answer = edit.new
            return nearest, "replace"
        nearest.radius = distance / 2 - SAME
        return self._new(key, distance / 2, edit), "split"

    def _new(self, key: Tensor, radius: float, edit: Edit) -> Entry:
        """Values begin as uniform noise in [0, 1) (`cold` in the code)."""
        import torch

        drawn = torch.Generator().manual_seed(derive("grace", self.seed, len(self.done)))
        value = torch.rand(int(self.lab.model.config.hidden_size), generator=drawn).to(key.device)
        self.entries.append(Entry(key, value, radius, edit.new))
        return self.entries[-1]

    def nearest(self, key: Tensor) -> tuple[Entry | None, float]:
        """(the entry with the nearest key, its Euclidean distance)."""
        import torch

        if not self.entries:
            return None, float("inf")
        distances = torch.linalg.vector_norm(torch.stack([e.key for e in self.entries]) - key, dim=-1)
        at = int(distances.argmin())
        return self.entries[at], float(distances[at])

    def key(self, ids: tuple[int, ...]) -> Tensor:
        """What goes into the layer's MLP at the last token, [width]."""
        return keys(self.lab, [ids], [self.layer])[0][0]

    def _begin(self, _: Any, __: Any, kwargs: dict[str, Any]) -> None:
        past = kwargs.get("cache", kwargs.get("past_key_values"))
        self._prompt = past is None or not past.get_seq_length()

    def _replace(self, _: Any, args: tuple[Any, ...], output: Tensor) -> Tensor | None:
        """None leaves the output as it is, bit by bit."""
        if not self._prompt or (self._forced is None and not self.entries):
            return None
        if self._forced is not None:
            found: list[Tensor | None] = [self._forced] * len(output)
        else:
            found = []
            for key in args[0][:, -1].float():
                entry, distance = self.nearest(key)
                found.append(entry.value if entry is not None and distance <= entry.radius else None)
        if not any(value is not None for value in found):
            return None
        output = output.clone()
        for row, value in enumerate(found):
            if value is not None:
                output[row, -1] = value.to(output.dtype)
        return output


def keys(lab: LabModel, prompts: Sequence[tuple[int, ...]], layers: Sequence[int]) -> list[Tensor]:
    """What goes into the MLPs of these layers at the last token of each prompt, [layer, width] each."""
    import torch

    seen: dict[int, Tensor] = {}

    def keep(layer: int) -> Callable[[Any, tuple[Any, ...]], None]:
        def hook(_: Any, args: tuple[Any, ...]) -> None:
            seen[layer] = args[0][:, -1].float()

        return hook

    handles = [lab.layers[layer].mlp.register_forward_pre_hook(keep(layer)) for layer in layers]
    found: dict[int, Tensor] = {}
    try:
        with torch.no_grad(), up_to(lab, max(layers)):
            for some in same_length(prompts):
                for i in range(0, len(some), BATCH):
                    part = some[i : i + BATCH]
                    lab.model.model(torch.tensor([prompts[j] for j in part], device=lab.model.device), use_cache=False)
                    found |= zip(part, torch.stack([seen[layer] for layer in layers], 1), strict=True)
    finally:
        for handle in handles:
            handle.remove()
    return [found[i] for i in range(len(prompts))]
