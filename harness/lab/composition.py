"""What the weights alone say of heads: what each copies, and whose output each reads (Elhage et al. 2021).

A later head reads what an earlier one writes through its queries, keys or values. The score of a composition is
|W OV| / (|W| |OV|), Frobenius norms, with OV = W_O W_V of the earlier head and W the later one's W_Q, W_K or W_V with
its norm's gain folded in. With rotary positions no single matrix W_Q^T W_K exists: it depends on the distance. W_Q and
W_K by themselves do not, as a rotation keeps norms.

The baseline: the same two matrices, one of them turned at random (Haar measure). Mean and standard deviation of the
squared score are exact (the second moments of a random rotation; Collins and Sniady 2006), so nothing is drawn. Trained
heads share directions with many others, so nearly all are beyond that baseline: the other pairs of the model are shown
beside it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from harness.lab.models import LabModel

if TYPE_CHECKING:
    from torch import Tensor

Kind = Literal["q", "k", "v"]
KINDS: tuple[Kind, ...] = ("q", "k", "v")
NAMES: dict[Kind, str] = {"q": "queries", "k": "keys", "v": "values"}
MOST_TOKENS = 4096
"""Of a larger vocabulary, so many tokens are looked at."""


@dataclass(frozen=True)
class Composition:
    """Heads are (layer, head); through which `kind` of input of the later one. `beyond`: by how many standard
    deviations the squared score is above what random orientation gives (its mean is 1 / width)."""

    earlier: tuple[int, int]
    later: tuple[int, int]
    kind: Kind
    score: float
    beyond: float


@dataclass(frozen=True)
class FullOV:
    """Of one head, from embedding to unembedding. `positive` is the share of the eigenvalues' absolute values that
    belongs to eigenvalues with a positive real part, `copying` the sum of the eigenvalues over that of their absolute
    values; `itself` of `tokens` tokens raise their own logit more than any other's."""

    layer: int
    head: int
    positive: float
    copying: float
    itself: int
    tokens: int


def reading(lab: LabModel, layer: int, head: int, kind: Kind) -> Tensor:
    """W_Q, W_K or W_V of a head, [head size, width], with the gain of the norm before it. Heads of a group share their
    keys and values."""
    block, size = lab.layers[layer], lab.head_size
    weight = getattr(block.self_attn, f"{kind}_proj").weight
    own = head * (weight.shape[0] // size) // lab.heads
    found: Tensor = weight[own * size : (own + 1) * size].float() * block.input_layernorm.weight.float()
    return found


def writing(lab: LabModel, layer: int, head: int) -> Tensor:
    """W_O of a head, [width, head size]."""
    size = lab.head_size
    found: Tensor = lab.layers[layer].self_attn.o_proj.weight[:, head * size : (head + 1) * size].float()
    return found


def compositions(lab: LabModel) -> list[Composition]:
    """Every earlier head with every later one, through queries, keys and values; one for all heads that share their
    keys or values, named by the first of them. A head that writes or reads nothing has none."""
    import torch

    found = []
    with torch.no_grad():
        written = [[_written(lab, i, h) for h in range(lab.heads)] for i in range(len(lab.layers) - 1)]
        for layer in range(1, len(lab.layers)):
            for kind in KINDS:
                weight = getattr(lab.layers[layer].self_attn, f"{kind}_proj").weight
                for head in range(0, lab.heads, lab.heads // (weight.shape[0] // lab.head_size)):
                    read = reading(lab, layer, head, kind)
                    mine = _spread(read @ read.T)
                    for i in range(layer):
                        for h, theirs in enumerate(written[i]):
                            between = read @ writing(lab, i, h)
                            norm = float(((between @ theirs.values) * between).sum())
                            if mine.trace * theirs.spread.trace:
                                score = _score(norm, lab.model.config.hidden_size, mine, theirs.spread)
                                found.append(Composition((i, h), (layer, head), kind, *score))
    return found


@dataclass(frozen=True)
class _Spread:
    """Of G = M M^T: its trace, which is |M|^2, and the share tr(G^2) / tr(G)^2."""

    trace: float
    share: float


@dataclass(frozen=True)
class _Written:
    """`values` is W_V W_V^T [head size, head size]; `spread` that of W_O W_V."""

    values: Tensor
    spread: _Spread


def _spread(product: Tensor) -> _Spread:
    """Of a matrix that has the trace of G and whose square has that of its square."""
    trace = float(product.trace())
    return _Spread(trace, float((product * product.T).sum()) / trace**2 if trace else 0.0)


def _written(lab: LabModel, layer: int, head: int) -> _Written:
    read, write = reading(lab, layer, head, "v"), writing(lab, layer, head)
    values = read @ read.T
    return _Written(values, _spread(values @ (write.T @ write)))


def _score(norm: float, width: int, one: _Spread, other: _Spread) -> tuple[float, float]:
    """(score, by how many standard deviations it is beyond random orientation) of |W OV|^2."""
    squared = norm / (one.trace * other.trace)
    mean, deviation = random_orientation(width, one.share, other.share)
    return math.sqrt(max(squared, 0.0)), (squared - mean) / deviation if deviation else 0.0


def random_orientation(width: int, one: float, other: float) -> tuple[float, float]:
    """(mean, standard deviation) of the squared score if one matrix is turned by a random orthogonal matrix. `one` and
    `other` are tr(G^2) / tr(G)^2 of the two matrices G = M M^T: 1 at rank 1, at least 1 / rank."""
    d = width
    second = ((d + 1) + 2 * d * one * other - 2 * one - 2 * other) / (d * (d - 1) * (d + 2))
    return 1 / d, math.sqrt(max(second - 1 / d**2, 0.0))


def full_ov(lab: LabModel, layer: int, head: int) -> FullOV:
    """The full OV circuit W_U W_O W_V W_E of a head, with the gains of both norms folded in and their scales left out.

    Positive eigenvalues mean copying on the whole; they do not say that each token raises itself: `itself` counts. Of
    the vocabulary it takes at most MOST_TOKENS tokens, evenly spaced."""
    into, out = _through(lab, layer, head)
    positive, total = _eigenvalues(into, out)
    itself = _raise_themselves(into, out) if total is not None else 0
    return FullOV(layer, head, positive, total or 0.0, itself, len(into))


def copying(lab: LabModel, layer: int, head: int) -> float:
    """Sum of the eigenvalues of the full OV circuit over the sum of their absolute values: 1 if every token raises its
    own logit and no other, 0 for a head that writes nothing."""
    return _eigenvalues(*_through(lab, layer, head))[1] or 0.0


def _through(lab: LabModel, layer: int, head: int) -> tuple[Tensor, Tensor]:
    """What a head's values read of each token, and how what it writes raises each token, [token, head size] both."""
    import torch

    with torch.no_grad():
        embedding, unembedding = _ends(lab)
        return embedding @ reading(lab, layer, head, "v").T, unembedding @ writing(lab, layer, head)


def _eigenvalues(into: Tensor, out: Tensor) -> tuple[float, float | None]:
    """(share of the positive ones, sum over sum of absolute values) of out into^T [token, token]: those other than 0
    are the eigenvalues of into^T out [head size, head size]. None if all are 0."""
    import torch

    values = torch.linalg.eigvals(into.T @ out)
    sizes = values.abs()
    total = float(sizes.sum())
    if not total:
        return 0.0, None
    return float(sizes[values.real > 0].sum()) / total, float(values.real.sum()) / total


def _raise_themselves(into: Tensor, out: Tensor) -> int:
    """How many tokens raise their own logit, and more than any other's: into out^T [token read, token raised]."""
    import torch

    most = (into @ out.T).max(-1)
    return int(((most.indices == torch.arange(len(into), device=into.device)) & (most.values > 0)).sum())


def direct_path(lab: LabModel) -> tuple[int, int]:
    """(how many tokens raise their own logit more than any other's by the path from embedding to unembedding alone, of
    how many that were looked at)."""
    import torch

    with torch.no_grad():
        embedding, unembedding = _ends(lab)
        return _raise_themselves(embedding, unembedding), len(embedding)


def _ends(lab: LabModel) -> tuple[Tensor, Tensor]:
    """(W_E, W_U with the final norm's gain), [token, width] both, of evenly spaced tokens."""
    weight = lab.model.model.embed_tokens.weight
    some = slice(None, None, -(-weight.shape[0] // MOST_TOKENS))
    gain = lab.model.model.norm.weight.float()
    return weight[some].float(), lab.model.lm_head.weight[some].float() * gain
