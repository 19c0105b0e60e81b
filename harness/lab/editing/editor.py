"""What every method gives: an editor of a copy of a model."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol

from harness.lab.editing.requests import Edit
from harness.lab.models import LabModel
from harness.lab.trace import Place

if TYPE_CHECKING:
    from torch import Tensor


class Editor(Protocol):
    """Edits `lab`, which is its own copy."""

    @property
    def lab(self) -> LabModel:
        """The model as edited so far."""
        ...

    @property
    def keys(self) -> int | None:
        """Entries of a codebook; None for a method that changes weights."""
        ...

    def edit(self, edit: Edit) -> None:
        """Make one more edit."""
        ...

    def undo(self) -> None:
        """Take all edits back."""
        ...


class Method(Protocol):
    """The options of a method; `open` gives its editor. `weights` is whether what it does can be saved as a model."""

    name: str
    weights: bool

    def open(self, given: Given) -> Editor:
        """An editor of a copy of the model."""
        ...

    def passes(self, edits: int) -> int:
        """Prompts that so many edits put through the model, at most; what is done once before them is counted."""
        ...


@dataclass(frozen=True)
class Given:
    """What a method starts from: the model, the place that tracing names, texts as the model knows them, and edits that
    are not measured."""

    lab: LabModel
    place: Place
    texts: Sequence[str]
    seed: int
    spare: Sequence[Edit] = ()


class Matrix:
    """The down projection of one layer's MLP in a copy of the model: a memory from keys [inner width] to values [width]
    (Geva et al. 2021)."""

    keys = None

    def __init__(self, given: Given) -> None:
        self.lab = copied(given.lab, given.lab.layers[given.place.layer].mlp.down_proj)
        self.place = given.place
        self._before = self.weight.detach().clone()

    @property
    def weight(self) -> Tensor:
        """[width, inner width]."""
        found: Tensor = self.lab.layers[self.place.layer].mlp.down_proj.weight
        return found

    def undo(self) -> None:
        """Take all edits back."""
        self.weight.data.copy_(self._before)


def copied(lab: LabModel, part: Any = None) -> LabModel:
    """The same model again, with modules of its own. Of its weights it has its own in `part`, a module; the others are
    the same tensors, which nobody may change."""
    own = {id(p) for p in part.parameters()} if part is not None else set()
    shared = {id(p): p for p in lab.model.parameters() if id(p) not in own}
    return replace(lab, model=copy.deepcopy(lab.model, shared))
