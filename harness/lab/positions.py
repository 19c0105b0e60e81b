"""How attention knows positions, and how that is stretched: RoPE and its scalings, ALiBi, sinusoids, LongNet.

Formulas: RoPE Su et al. 2021 (arXiv 2104.09864), position interpolation Chen et al. 2023 (2306.15595), YaRN with
"NTK-aware" and "by parts" Peng et al. 2023 (2309.00071), ALiBi Press et al. 2021 (2108.12409), LongNet Ding et al. 2023
(2307.02486); as in the code of the last three, where it says more than the papers.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

BASE = 10000.0


@dataclass(frozen=True)
class Rope:
    """`frequencies` [size / 2], in radians a token, fast ones first; cos and sin are both times `scale`, so that logits
    are times its square."""

    frequencies: Tensor
    scale: float = 1.0


def plain(size: int, base: float = BASE) -> Rope:
    """Rotary positions of a head of `size`: base^(-2i / size)."""
    import torch

    return Rope(base ** (-torch.arange(0, size, 2, dtype=torch.float32) / size))


def linear(size: int, factor: float, base: float = BASE) -> Rope:
    """Position interpolation: every position is divided by `factor`."""
    return Rope(plain(size, base).frequencies / factor)


def ntk(size: int, alpha: float, base: float = BASE) -> Rope:
    """NTK-aware: a larger base, base * alpha^(size / (size - 2)). The slowest frequency is divided by alpha, the
    fastest stays. To reach a context of s times the trained one, alpha must be above s."""
    return plain(size, base * alpha ** (size / (size - 2)))


def dynamic(size: int, factor: float, trained: int, length: int, base: float = BASE) -> Rope:
    """Dynamic NTK: plain up to the `trained` length; beyond it alpha grows with the `length` at hand."""
    alpha = max(1.0, factor * length / trained - (factor - 1))
    return ntk(size, alpha, base) if length > trained else plain(size, base)


def ramp(size: int, trained: int, base: float = BASE, fast: float = 32, slow: float = 1) -> tuple[int, int]:
    """(low, high): frequencies before `low` turn more than `fast` times in the trained context and are kept, those from
    `high` on turn less than `slow` times and are interpolated."""

    def dim(turns: float) -> float:
        return size * math.log(trained / (2 * math.pi * turns)) / (2 * math.log(base))

    return max(math.floor(dim(fast)), 0), min(math.ceil(dim(slow)), size - 1)


def yarn(
    size: int, factor: float, trained: int, base: float = BASE, fast: float = 32, slow: float = 1
) -> Rope:  # fmt: skip
    """YaRN: by parts between plain and interpolated frequencies, and logits times (0.1 ln factor + 1)^2."""
    import torch

    own = plain(size, base).frequencies
    divided = own / factor
    low, high = ramp(size, trained, base, fast, slow)
    over = (torch.arange(size // 2, dtype=torch.float32) - low) / (high - low if high > low else 0.001)
    kept = 1 - over.clamp(0, 1)
    # Written so that factor 1 is bit for bit the plain frequencies.
    return Rope(divided + (own - divided) * kept, 1.0 if factor <= 1 else 0.1 * math.log(factor) + 1)


def rotated(x: Tensor, rope: Rope, positions: Tensor) -> Tensor:
    """Queries or keys [..., position, size] turned by their `positions` [position]; number i of a head goes with number
    i + size / 2, as in Llama."""
    import torch

    angles = positions[:, None].to(x.dtype) * rope.frequencies
    cos, sin = (torch.cat([f(angles), f(angles)], -1) * rope.scale for f in (torch.cos, torch.sin))
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def sinusoids(length: int, width: int, base: float = BASE) -> Tensor:
    """Absolute positions [length, width], added to the embeddings (Vaswani et al. 2017): sines, then cosines."""
    import torch

    angles = torch.arange(length, dtype=torch.float32)[:, None] * plain(width, base).frequencies
    return torch.cat([angles.sin(), angles.cos()], -1)


def slopes(heads: int) -> list[float]:
    """ALiBi: 2^(-8h / heads) for h = 1 to heads, if heads is a power of 2; else those of the next smaller power, and
    then every second one of twice that power."""
    power = 2 ** math.floor(math.log2(heads))
    own = [2 ** (-8 * h / power) for h in range(1, power + 1)]
    return own if power == heads else own + slopes(2 * power)[::2][: heads - power]


def alibi(heads: int, length: int) -> Tensor:
    """What is added to the scores [head, query, key]: -slope * (query - key); 0 for keys after the query."""
    import torch

    at = torch.arange(length, dtype=torch.float32)
    return -torch.tensor(slopes(heads))[:, None, None] * (at[:, None] - at[None, :]).clamp(min=0)


def kept(pattern: tuple[int, int], heads: int, length: int) -> Tensor:
    """LongNet: which keys a query sees, bool [head, query, key]. A pattern is (segment, rate): in each segment of that
    many tokens, every rate-th is kept, beginning with number head modulo rate; those see each other."""
    import torch

    segment, rate = min(pattern[0], length), pattern[1]
    at = torch.arange(length)
    own = at % segment % rate == torch.arange(heads)[:, None] % rate
    same = at[:, None] // segment == at[None, :] // segment
    return own[:, :, None] & own[:, None, :] & same


def dilated(
    q: Tensor, k: Tensor, v: Tensor, patterns: Sequence[tuple[int, int]], causal: bool = True
) -> Tensor:  # fmt: skip
    """LongNet's attention over queries, keys and values [batch, head, position, size]: the mixture of the patterns'
    outputs, each weighted by its softmax's denominator, for every query and head. No gradient flows through the
    weights. A position that no pattern keeps for a head has zeros.

    The value is that of the method, not its cost: all scores are computed, and masked.
    """
    import torch

    length, heads = q.shape[-2], q.shape[1]
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    outputs, sums = [], []
    for pattern in patterns:
        seen = kept(pattern, heads, length)
        if causal:
            seen = seen & torch.ones(length, length, dtype=torch.bool).tril()
        some = seen.any(-1, keepdim=True)
        # A row without a key would have no softmax: it gets one, and no weight.
        masked = scores.masked_fill(~seen & some, -torch.inf)
        outputs.append(masked.softmax(-1) @ v)
        sums.append(masked.logsumexp(-1, keepdim=True).masked_fill(~some, -torch.inf))
    total = torch.stack(sums).detach()
    empty = torch.isinf(total).all(0)
    weights = total.masked_fill(empty, 0).softmax(0).masked_fill(empty, 0)
    mixed: Tensor = (weights * torch.stack(outputs)).sum(0)
    return mixed
