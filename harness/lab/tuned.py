"""The tuned lens (Belrose et al. 2023): an affine translator for each layer, before the final norm and the unembedding.

The stream x that goes into a layer becomes x + A x + b. A and b begin at 0, which is the logit lens, and are trained so
that KL(model's own || lens) is small, on prompts of one half of a task's groups; the other half tests them.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.lab import metrics, tensors
from harness.lab.models import LabModel
from harness.lab.prompts import Prompt, batches, group_mean, streams
from harness.seeds import derive
from harness.statistics.intervals import Estimate

if TYPE_CHECKING:
    from torch import Tensor

STEPS = 250
RATE, MOMENTUM, DECAY = 0.1, 0.9, 1e-3
"""SGD with Nesterov's momentum, the rate falling to 0 in a line; the decay pulls to the logit lens."""
STEP_TOKENS = 2048


@dataclass(frozen=True)
class Translators:
    """`turn` is A [layer, width, width], `shift` is b [layer, width]: one for what goes into each layer. `about` says
    what they were trained on."""

    turn: Tensor
    shift: Tensor
    about: Mapping[str, str]

    @staticmethod
    def zero(lab: LabModel, about: Mapping[str, str] | None = None) -> Translators:
        """The logit lens."""
        import torch

        depth, width = len(lab.layers), int(lab.model.config.hidden_size)
        device = lab.model.device
        return Translators(torch.zeros(depth, width, width, device=device), torch.zeros(depth, width, device=device),
                           about or {})  # fmt: skip

    def logits(self, lab: LabModel, layer: int, stream: Tensor) -> Tensor:
        """Of a stream [..., width] that goes into a layer, [..., vocabulary]."""
        turned = stream + (stream.float() @ self.turn[layer].T + self.shift[layer]).to(stream.dtype)
        found: Tensor = lab.model.lm_head(lab.model.model.norm(turned)).float()
        return found

    def write(self, path: Path) -> None:
        """As safetensors."""
        tensors.write(path, {"turn": self.turn, "shift": self.shift}, self.about)


def read(lab: LabModel, path: Path) -> Translators:
    """UsageError if there is no file, DataError if it holds no translators for this model's layers and width."""
    none = Translators.zero(lab)
    wanted = {"turn": tuple(none.turn.shape), "shift": tuple(none.shift.shape)}

    def wrong(shapes: Mapping[str, tensors.Shape], _: Mapping[str, str]) -> str:
        if shapes == wanted:
            return ""
        return f"{lab.name} needs " + " and ".join(f"{name} {list(shape)}" for name, shape in wanted.items())

    found, about = tensors.read(path, "translators of a tuned lens", wrong)
    return Translators(found["turn"].to(none.turn.device), found["shift"].to(none.shift.device), about)


def _drawn(found: Sequence[Prompt], seed: int, step: int) -> list[Prompt]:
    """Prompts of about STEP_TOKENS tokens, one at least; each step draws anew."""
    rng = random.Random(derive("tuned", seed, step))
    order = rng.sample(list(found), len(found))
    some, used = [order[0]], len(order[0].ids)
    for prompt in order[1:]:
        if used + len(prompt.ids) > STEP_TOKENS:
            break
        some.append(prompt)
        used += len(prompt.ids)
    return some


def train(
    lab: LabModel, found: Sequence[Prompt], seed: int, steps: int = STEPS, about: Mapping[str, str] | None = None,
    on_step: Callable[[int, int], None] = lambda *_: None,
) -> Translators:  # fmt: skip
    """Translators that bring every layer near the model's own distribution, at every position of the prompts."""
    import torch

    made = Translators.zero(lab, about)
    weights = [made.turn.requires_grad_(), made.shift.requires_grad_()]
    optimiser = torch.optim.SGD(weights, lr=RATE, momentum=MOMENTUM, nesterov=True, weight_decay=DECAY)
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        optimiser.zero_grad()
        some = _drawn(found, seed, step)
        tokens = sum(len(p.ids) for p in some)
        for ids, rows in batches(lab, some, STEP_TOKENS):
            logits, stream = streams(lab, ids)
            real = real_positions(ids, rows)
            own = logits[real].float()
            with torch.enable_grad():
                # A layer at a time: the logits of one are in memory, not those of all.
                for layer in range(len(lab.layers)):
                    loss = metrics.kl(own, made.logits(lab, layer, stream[layer][real])).sum() / tokens
                    loss.backward()
        for layer in range(len(lab.layers)):  # each layer for itself: one that is far off does not slow the others
            _clip(weights, layer)
        optimiser.step()
        on_step(step + 1, steps)
    return Translators(made.turn.detach(), made.shift.detach(), made.about)


def _clip(weights: Sequence[Tensor], layer: int, most: float = 1.0) -> None:
    slopes = [w.grad[layer] for w in weights if w.grad is not None]
    norm = float(sum(s.pow(2).sum() for s in slopes) ** 0.5)
    if norm > most:
        for slope in slopes:
            slope.mul_(most / norm)


def real_positions(ids: Tensor, rows: Sequence[Prompt]) -> Tensor:
    """[batch, position]: True for tokens of the prompts, False for padding."""
    import torch

    lengths = torch.tensor([len(p.ids) for p in rows], device=ids.device)
    found: Tensor = torch.arange(ids.shape[1], device=ids.device) < lengths[:, None]
    return found


@dataclass(frozen=True)
class Nearness:
    """At one layer: KL(model's own || lens) in nats, a mean over positions, of both lenses, and tuned less logit."""

    layer: int
    logit: Estimate
    tuned: Estimate
    change: Estimate


def compare(lab: LabModel, found: Sequence[Prompt], translators: Translators) -> list[Nearness]:
    """Both lenses on the same prompts; intervals over groups."""
    import torch

    none = Translators.zero(lab)
    values: dict[tuple[int, str], list[float]] = {}
    groups: list[str] = []
    with torch.no_grad():
        for ids, rows in batches(lab, found):
            logits, stream = streams(lab, ids)
            real = real_positions(ids, rows)
            own = logits[real].float()
            groups += [p.sample.group for p in rows for _ in p.ids]
            for layer in range(len(lab.layers)):
                for name, lens in (("logit", none), ("tuned", translators)):
                    kl = metrics.kl(own, lens.logits(lab, layer, stream[layer][real]))
                    values.setdefault((layer, name), []).extend(kl.tolist())

    def near(layer: int) -> Nearness:
        logit, tuned = values[layer, "logit"], values[layer, "tuned"]
        change = [t - k for t, k in zip(tuned, logit, strict=True)]
        return Nearness(layer, group_mean(logit, groups), group_mean(tuned, groups), group_mean(change, groups))

    return [near(layer) for layer in range(len(lab.layers))]
