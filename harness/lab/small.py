"""Small decoders that are trained here, one for each way of knowing positions: to see what becomes of them beyond the
length that they were trained at. Their text is periodic: what comes next stands one period before.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.lab import positions
from harness.lab.positions import Rope

if TYPE_CHECKING:
    from torch import Tensor

WAYS = ("RoPE", "ALiBi", "sinusoidal", "LongNet")
"""LongNet: dilated attention on queries and keys with rotary positions."""
TOKENS = 24
PERIODS = (3, 12)
WIDTH, HEADS, LAYERS = 32, 2, 2
BATCH = 32
RATE = 1e-2


@dataclass(frozen=True)
class Small:
    """A decoder: `weights` by name, of LAYERS layers with HEADS heads; `trained` is its training length in tokens."""

    way: str
    trained: int
    weights: dict[str, Tensor]

    @property
    def patterns(self) -> list[tuple[int, int]]:
        """LongNet's (segment, rate): all tokens near by, every second one in the trained length."""
        return [(self.trained // 2, 1), (self.trained, 2)]


def fresh(way: str, trained: int, seed: int) -> Small:
    """A decoder with random weights."""
    import torch

    rng = torch.Generator().manual_seed(seed)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=rng) / math.sqrt(shape[0])

    weights = {"embed": torch.randn(TOKENS, WIDTH, generator=rng) * 0.5, "out": drawn(WIDTH, TOKENS)}
    for layer in range(LAYERS):
        weights |= {
            f"{layer}.qkv": drawn(WIDTH, 3 * WIDTH), f"{layer}.o": drawn(WIDTH, WIDTH),
            f"{layer}.up": drawn(WIDTH, 4 * WIDTH), f"{layer}.down": drawn(4 * WIDTH, WIDTH),
        }  # fmt: skip
    return Small(way, trained, weights)


def logits(model: Small, ids: Tensor, rope: Rope | None = None) -> Tensor:
    """[sequence, position, token] for ids [sequence, position]; `rope` in place of the one that it was trained with."""
    import torch

    w, length = model.weights, ids.shape[1]
    rope = rope or positions.plain(WIDTH // HEADS)
    at = torch.arange(length)
    x = w["embed"][ids]
    if model.way == "sinusoidal":
        x = x + positions.sinusoids(length, WIDTH)
    bias = torch.full((length, length), -torch.inf).triu(1)
    if model.way == "ALiBi":
        bias = bias + positions.alibi(HEADS, length)
    for layer in range(LAYERS):
        q, k, v = (
            part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in (_norm(x) @ w[f"{layer}.qkv"]).chunk(3, -1)
        )
        if model.way in ("RoPE", "LongNet"):
            q, k = positions.rotated(q, rope, at), positions.rotated(k, rope, at)
        if model.way == "LongNet":
            mixed = positions.dilated(q, k, v, model.patterns)
        else:
            mixed = (q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1]) + bias).softmax(-1) @ v
        x = x + mixed.transpose(1, 2).flatten(2) @ w[f"{layer}.o"]
        x = x + torch.nn.functional.gelu(_norm(x) @ w[f"{layer}.up"]) @ w[f"{layer}.down"]
    return _norm(x) @ w["out"]


def _norm(x: Tensor) -> Tensor:
    return x * (x.square().mean(-1, keepdim=True) + 1e-6).rsqrt()


def periodic(sequences: int, length: int, rng: Any) -> Tensor:
    """Token ids [sequence, length]: for each sequence a period of PERIODS tokens, drawn anew, over and over. `rng` is a
    torch.Generator."""
    import torch

    periods = torch.randint(PERIODS[0], PERIODS[1] + 1, (sequences, 1), generator=rng)
    drawn = torch.randint(TOKENS, (sequences, PERIODS[1]), generator=rng)
    return drawn.gather(1, torch.arange(length)[None, :] % periods)


def losses(model: Small, ids: Tensor, last: int, rope: Rope | None = None) -> Tensor:
    """Mean loss of the `last` tokens of each sequence [sequence], in nats. Each has all tokens before it as context: no
    window is cut."""
    import torch

    said = logits(model, ids[:, :-1], rope)[:, -last:]
    return torch.nn.functional.cross_entropy(said.transpose(1, 2), ids[:, -last:], reduction="none").mean(1)


def trained(
    model: Small, steps: int, length: int, seed: int, rate: float = RATE, rope: Rope | None = None,
    on_step: Callable[[], None] = lambda: None,
) -> Small:  # fmt: skip
    """The model after `steps` of Adam (with the rate rising over the first tenth and falling to 0) on new strings of
    this `length`, on the loss of every token from the second period on."""
    import torch

    rng = torch.Generator().manual_seed(seed)
    weights = {name: value.clone().requires_grad_() for name, value in model.weights.items()}
    learning = Small(model.way, model.trained, weights)
    adam = torch.optim.Adam(weights.values(), lr=rate, betas=(0.9, 0.98))
    for step in range(steps):
        for group in adam.param_groups:
            group["lr"] = rate * min(1.0, 10 * (step + 1) / steps) * (1 - step / steps)
        loss = losses(learning, periodic(BATCH, length, rng), length - PERIODS[1], rope).mean()
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(list(weights.values()), 1.0)
        adam.step()
        on_step()
    return Small(model.way, model.trained, {name: value.detach() for name, value in weights.items()})
