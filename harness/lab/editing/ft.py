"""Fine-tuning of one matrix on the edit alone: the bar that every editor has to pass. FT-L bounds the change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.lab.editing.editor import Editor, Given, Matrix
from harness.lab.editing.requests import Edit
from harness.lab.editing.running import loss
from harness.lab.partial import same_below
from harness.options import option, settle


@dataclass(frozen=True)
class FT:
    """Adam on the negative log-likelihood of the new answer, over one layer's down projection (Meng et al. 2022,
    appendix E.1; Zhu et al. 2020 for the bound)."""

    lr: float = option(5e-3, "learning rate")
    steps: int = option(25, "steps, at most", between=(1, 10_000))
    below: float = option(0.01, "stop at this loss, in nats a token")
    bound: float = option(0.0, "how far a weight may move; 0: any way (L-infinity norm)")

    name: ClassVar[str] = "ft"
    weights: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, f"method {self.name}")

    def open(self, given: Given) -> Editor:
        """See Method."""
        return _FineTuned(given, self)

    def passes(self, edits: int) -> int:
        """See Method."""
        return edits * self.steps


@dataclass(frozen=True)
class FTL(FT):
    """As FT, with no weight moved further than the bound."""

    bound: float = option(0.02, "how far a weight may move (L-infinity norm)")

    name: ClassVar[str] = "ft-l"


class _FineTuned(Matrix):
    def __init__(self, given: Given, options: FT) -> None:
        super().__init__(given)
        self.options = options

    def edit(self, edit: Edit) -> None:
        import torch

        o, weight = self.options, self.weight
        before = weight.detach().clone()
        weight.requires_grad_(True)
        optimizer = torch.optim.Adam([weight], lr=o.lr)
        with torch.enable_grad(), same_below(self.lab, self.place.layer):
            for _ in range(o.steps):
                wrong = loss(self.lab, edit.prompt.ids, edit.new)
                if float(wrong.detach()) < o.below:
                    break
                optimizer.zero_grad()
                wrong.backward()
                optimizer.step()
                if o.bound > 0:
                    weight.data.clamp_(before - o.bound, before + o.bound)
        weight.requires_grad_(False)
        weight.grad = None
