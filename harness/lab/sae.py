"""A sparse autoencoder of one layer's residual stream (Bricken et al. 2023).

f = ReLU(E (x - b_d) + b_e) and x^ = D f + b_d. D has columns of norm 1, the directions of the features. The loss is
|x - x^|^2 + penalty * sum of f, means over positions; or, with `top`, |x - x^|^2 alone with the `top` largest features
of each position kept (TopK; Gao et al. 2024). There many features die: they are never among the largest, so they learn
nothing. With `revive`, what is left of x is rebuilt from dead features alone too, and that loss is added (AuxK; the
same, appendix A.2). In training the stream is scaled to a mean distance of sqrt(width) from
its mean, so that a penalty means the same in every layer; the scale is folded into the biases afterwards. The first
position of a prompt is left out: many models keep something of enormous size there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from harness.lab import tensors
from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor

NAMES = ("encoder", "encoder_bias", "decoder", "decoder_bias", "maxima")
MOST_FEATURES = 2**20


@dataclass(frozen=True)
class Recipe:
    """How one is trained: `features` directions, with a penalty on their sum or the `top` largest ones kept."""

    features: int
    penalty: float = 1.0
    top: int | None = None
    steps: int = 1000
    batch: int = 256
    rate: float = 2e-3
    seed: int = 0
    revive: float = 0.0
    """Weight of the loss of what dead features rebuild (in the paper 1/32); only with `top`. Dead is a feature that has
    not fired for a twentieth of the steps."""


@dataclass(frozen=True)
class SAE:
    """`encoder` [feature, width], `encoder_bias` [feature], `decoder` [feature, width] (row i is the direction of
    feature i), `decoder_bias` [width], `maxima` [feature]: the largest activation of each in training. `about` holds
    texts: layer, top and how it was trained."""

    encoder: Tensor
    encoder_bias: Tensor
    decoder: Tensor
    decoder_bias: Tensor
    maxima: Tensor
    about: Mapping[str, str]

    @property
    def layer(self) -> int:
        """The layer whose input it reads."""
        return int(self.about["layer"])

    @property
    def top(self) -> int | None:
        """How many features of a position are kept; None for all."""
        return int(self.about.get("top", "0")) or None

    def features(self, x: Tensor) -> Tensor:
        """Activations [..., feature], none below 0, of a stream [..., width]."""
        return encode(x, self.encoder, self.encoder_bias, self.decoder_bias, self.top)

    def rebuilt(self, x: Tensor) -> Tensor:
        """x^ [..., width] of a stream [..., width]."""
        return self.features(x) @ self.decoder + self.decoder_bias

    def steered(self, x: Tensor, feature: int, value: float, direction: Tensor | None = None) -> Tensor:
        """x + (value - f(x)) d: the feature is set to a value, and what the autoencoder does not rebuild stays. With
        `direction` [width] that one stands in the place of the feature's own, for comparison."""
        amount = value - self.features(x)[..., feature : feature + 1]
        return x + amount * (self.decoder[feature] if direction is None else direction)

    def write(self, path: Path) -> None:
        """As safetensors."""
        tensors.write(path, {name: getattr(self, name) for name in NAMES}, self.about)


def encode(x: Tensor, encoder: Tensor, encoder_bias: Tensor, decoder_bias: Tensor, top: int | None) -> Tensor:
    """Activations [..., feature] of a stream [..., width]."""
    import torch

    found: Tensor = torch.relu((x - decoder_bias) @ encoder.T + encoder_bias)
    if top is None or top >= found.shape[-1]:
        return found
    kept = found.topk(top, dim=-1)
    return torch.zeros_like(found).scatter(-1, kept.indices, kept.values)


def read(lab: LabModel, path: Path) -> SAE:
    """UsageError if there is no file, DataError if it holds no autoencoder for one of this model's layers."""
    width, depth = int(lab.model.config.hidden_size), len(lab.layers)

    def wrong(shapes: Mapping[str, tensors.Shape], about: Mapping[str, str]) -> str:
        size = shapes.get("maxima", ())
        if len(size) != 1 or not 1 <= size[0] <= MOST_FEATURES:
            return "it has no tensor `maxima`, a number for each feature"
        n = size[0]
        wanted = dict(zip(NAMES, ((n, width), (n,), (n, width), (width,), (n,)), strict=True))
        if dict(shapes) != wanted:
            return f"{lab.name} needs " + ", ".join(f"{name} {list(shape)}" for name, shape in wanted.items())
        for name, low, high in (("layer", 0, depth - 1), ("top", 0, n)):
            text = about.get(name, "0" if name == "top" else "")
            if not (text.isascii() and text.isdigit() and len(text) < 8 and low <= int(text) <= high):
                return f"its {name} '{text[:40]}' is no number from {low} to {high}"
        return ""

    found, about = tensors.read(path, "sparse autoencoder", wrong)
    return SAE(**{name: found[name].to(lab.model.device) for name in NAMES}, about=about)


def train(
    x: Tensor, recipe: Recipe, about: Mapping[str, str], on_step: Callable[[int, int], None] = lambda *_: None
) -> SAE:
    """On streams [position, width], with Adam; the same seed gives the same autoencoder on the same machine."""
    import torch

    rng = torch.Generator().manual_seed(recipe.seed)
    width = x.shape[1]
    x = x.float()
    scale = math.sqrt(width) / max(float((x - x.mean(0)).norm(dim=-1).mean()), 1e-12)
    x = x * scale
    directions = torch.randn(recipe.features, width, generator=rng).to(x.device)
    decoder = (directions / directions.norm(dim=-1, keepdim=True)).requires_grad_()
    encoder = decoder.detach().clone().requires_grad_()
    encoder_bias = torch.zeros(recipe.features, device=x.device, requires_grad=True)
    decoder_bias = x.mean(0).clone().requires_grad_()
    optimiser = torch.optim.Adam([encoder, encoder_bias, decoder, decoder_bias], lr=recipe.rate)
    silent = torch.zeros(recipe.features, device=x.device)
    for step in range(recipe.steps):
        for group in optimiser.param_groups:  # the last fifth slows down
            group["lr"] = recipe.rate * min(1.0, 5 * (1 - step / recipe.steps))
        rows = torch.randint(len(x), (min(recipe.batch, len(x)),), generator=rng).to(x.device)
        with torch.enable_grad():
            some = x[rows]
            f = encode(some, encoder, encoder_bias, decoder_bias, recipe.top)
            left = some - f @ decoder - decoder_bias
            loss = left.pow(2).sum(-1).mean()
            dead = silent > recipe.steps / 20
            if recipe.top is not None and recipe.revive and bool(dead.any()):
                rebuilt = encode(some, encoder[dead], encoder_bias[dead], decoder_bias, width // 2) @ decoder[dead]
                # Both losses as shares of what is to be rebuilt; that of x - b_d is width on average.
                missed = (left.detach() - rebuilt).pow(2).sum(-1).mean() / loss.detach().clamp_min(1e-12)
                loss = loss + recipe.revive * width * missed
            if recipe.top is None:  # the penalty grows first: else features die before they have found a direction
                loss = loss + recipe.penalty * min(1.0, 10 * (step + 1) / recipe.steps) * f.sum(-1).mean()
            optimiser.zero_grad()
            loss.backward()
        optimiser.step()
        with torch.no_grad():
            decoder /= decoder.norm(dim=-1, keepdim=True).clamp_min(1e-8)
            silent = torch.where((f > 0).any(0), 0.0, silent + 1)
        on_step(step + 1, recipe.steps)
    with torch.no_grad():
        maxima = encode(x, encoder, encoder_bias, decoder_bias, recipe.top).amax(0)
    kept = {
        "encoder": encoder, "encoder_bias": encoder_bias / scale, "decoder": decoder,
        "decoder_bias": decoder_bias / scale, "maxima": maxima / scale,
    }  # fmt: skip
    return SAE(**{name: t.detach() for name, t in kept.items()}, about={**about, "top": str(recipe.top or 0)})


def match(found: Tensor, known: Tensor) -> float:
    """Mean absolute cosine of the known directions [k, width] with the found ones [n, width], each matched with another
    one so that the mean is largest (MCC): 1 if every known one was found."""
    from scipy.optimize import linear_sum_assignment

    cosines = (found / found.norm(dim=-1, keepdim=True)) @ (known / known.norm(dim=-1, keepdim=True)).T
    rows, columns = linear_sum_assignment(-cosines.abs().numpy())
    return float(cosines.abs()[rows, columns].mean())
