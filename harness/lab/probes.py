"""Linear probes with control tasks (Hewitt and Liang 2019): is a fact in the activations, or does the probe learn it?

A probe is a softmax regression on activations. Its control is the same probe on labels that mean nothing: each word
type has one, drawn at random from the labels of the task, the same in training and test. Selectivity is the accuracy
less that of the control. H(label) - cross-entropy of the probe is a lower bound on what the activation says of the
label, in bits.
"""

from __future__ import annotations

import math
import random
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.lab.prompts import group_mean
from harness.seeds import derive
from harness.statistics.intervals import Clusters, Estimate, student

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

PENALTIES = (1e-3, 1e-2, 1e-1, 1.0)
"""The weights of |W|^2 / 2 that are tried; a fifth of the groups to fit chooses."""


@dataclass(frozen=True)
class Examples:
    """What probes see of examples: the label to find, the word type that the control labels, the group."""

    labels: Sequence[str]
    types: Sequence[str]
    groups: Sequence[str]

    def at(self, rows: Sequence[int]) -> Examples:
        """Those of these rows."""
        return Examples(*([column[i] for i in rows] for column in (self.labels, self.types, self.groups)))


@dataclass(frozen=True)
class Probe:
    """logits = (x - mean) / scale weight^T + bias, of activations x [..., width]: `weight` is [class, width]."""

    classes: tuple[str, ...]
    weight: Array
    bias: Array
    mean: Array
    scale: Array

    def log_chances(self, x: Array) -> Array:
        """Natural logarithms [example, class] of the classes' probabilities."""
        from scipy.special import log_softmax

        found: Array = log_softmax((x - self.mean) / self.scale @ self.weight.T + self.bias, axis=-1)
        return found


def fit(x: Array, labels: Sequence[str], penalty: float, rank: int | None = None, seed: int = 0) -> Probe:
    """Least mean cross-entropy in nats + penalty |W|^2 / 2, on activations [example, width], each dimension
    standardised. With `rank` W is a product [class, rank] [rank, width]."""
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import log_softmax

    classes = tuple(sorted(set(labels)))
    n, width, k = len(labels), x.shape[1], len(classes)
    index = {name: i for i, name in enumerate(classes)}
    right = np.zeros((n, k))
    right[np.arange(n), [index[label] for label in labels]] = 1
    mean, scale = x.mean(0), x.std(0)
    # What differs by rounding alone is no feature.
    scale = np.where(scale > 1e-5 * np.sqrt((x**2).mean()), scale, np.inf)
    z = np.ascontiguousarray((x - mean) / scale)
    # einsum, not @: BLAS would start threads for matrices so small, and wait for them.
    inner = None if rank is None or rank >= min(k, width) else rank

    def parts(flat: Array) -> tuple[Array, Array, Array, Array]:
        """(bias, W, and the two matrices whose product it is)."""
        bias, rest = flat[:k], flat[k:]
        if inner is None:
            return bias, rest.reshape(k, width), rest, rest
        left, other = rest[: k * inner].reshape(k, inner), rest[k * inner :].reshape(inner, width)
        return bias, left @ other, left, other

    def loss(flat: Array) -> tuple[float, Array]:
        bias, weight, left, other = parts(flat)
        log_chances = log_softmax(np.einsum("nw,kw->nk", z, weight) + bias, axis=-1)
        error = (np.exp(log_chances) - right) / n
        slope = np.einsum("nk,nw->kw", error, z) + penalty * weight
        slopes = [slope.ravel()] if inner is None else [(slope @ other.T).ravel(), (left.T @ slope).ravel()]
        value = -(right * log_chances).sum() / n + penalty / 2 * (weight**2).sum()
        return float(value), np.concatenate([error.sum(0), *slopes])

    size = k * width if inner is None else inner * (k + width)
    start = np.zeros(k + size)
    if inner is not None:  # at 0 both slopes are 0
        start[k:] = np.random.default_rng(seed).normal(0, 0.1, size)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 200, "gtol": 1e-5})
    bias, weight, _, _ = parts(found.x)
    return Probe(classes, weight, bias, mean, scale)


def control_labels(labels: Sequence[str], types: Sequence[str], seed: int, draw: int) -> list[str]:
    """A label for each example, by its type alone: drawn from `labels`, as often as they occur there."""
    names = sorted(labels)
    drawn = {t: random.Random(derive("control", seed, draw, t)).choice(names) for t in sorted(set(types))}
    return [drawn[t] for t in types]


def chosen_penalty(x: Array, examples: Examples, rank: int | None, seed: int) -> float:
    """The penalty whose probe has the least cross-entropy on a fifth of the groups, if it is fitted to the others; the
    strongest, if there are too few groups to try."""
    groups = sorted(set(examples.groups), key=lambda g: derive("penalty", seed, g))
    held = set(groups[: len(groups) // 5])
    fitted = [i for i, g in enumerate(examples.groups) if g not in held]
    known = {examples.labels[i] for i in fitted}
    tried = [i for i, g in enumerate(examples.groups) if g in held and examples.labels[i] in known]
    if not tried:
        return PENALTIES[-1]

    def loss(penalty: float) -> float:
        probe = fit(x[fitted], [examples.labels[i] for i in fitted], penalty, rank, seed)
        return -statistics.fmean(_log_chance(probe, x[tried], [examples.labels[i] for i in tried]))

    return min(PENALTIES, key=loss)


def _log_chance(probe: Probe, x: Array, labels: Sequence[str]) -> list[float]:
    """The natural logarithm of the probability that the probe gives to each label."""
    log_chances = probe.log_chances(x)
    index = {name: i for i, name in enumerate(probe.classes)}
    return [float(row[index[label]]) for row, label in zip(log_chances, labels, strict=True)]


def _right(probe: Probe, x: Array, labels: Sequence[str]) -> list[bool]:
    said = probe.log_chances(x).argmax(-1).tolist()
    return [probe.classes[i] == label for i, label in zip(said, labels, strict=True)]


@dataclass(frozen=True)
class Found:
    """What probes find at one layer. Shares of the test examples; `bits` is H(label) - cross-entropy, and `entropy` is
    H(label) of the test examples, in bits. `control` is the mean over draws of control labels."""

    layer: int
    penalty: float
    accuracy: Estimate
    control: Estimate
    selectivity: Estimate
    bits: Estimate
    entropy: float


def measure(
    layer: int, x: Array, examples: Examples, train: Sequence[int], test: Sequence[int], seed: int,
    rank: int | None = None, penalty: float | None = None, draws: int = 5,
) -> Found:  # fmt: skip
    """Probes on activations [example, width]. Every label and type of `test` has to occur in `train`, and no group in
    both. The control has the penalty and rank of the probe. Intervals are over groups; that of the control, and of the
    selectivity, is wider by how much the draws differ."""
    learnt, asked = examples.at(train), examples.at(test)
    if penalty is None:
        penalty = chosen_penalty(x[list(train)], learnt, rank, seed)
    probe = fit(x[list(train)], learnt.labels, penalty, rank, seed)
    right = _right(probe, x[list(test)], asked.labels)
    controls: list[list[bool]] = []
    for draw in range(draws):
        named = control_labels(learnt.labels, [*learnt.types, *asked.types], seed, draw)
        other = fit(x[list(train)], named[: len(train)], penalty, rank, seed)
        controls.append(_right(other, x[list(test)], named[len(train) :]))
    by_chance = [statistics.fmean(row) for row in zip(*controls, strict=True)]
    shares = [statistics.fmean(c) for c in controls]
    apart = student(0.95, draws - 1) * statistics.stdev(shares) / math.sqrt(draws) if draws > 1 else 0.0
    counts = Counter(asked.labels)
    gained = [
        (found - math.log(counts[label] / len(test))) / math.log(2)
        for found, label in zip(_log_chance(probe, x[list(test)], asked.labels), asked.labels, strict=True)
    ]
    entropy = -sum(k / len(test) * math.log2(k / len(test)) for k in counts.values())
    bits = group_mean(gained, asked.groups)
    return Found(
        layer, penalty, _share(right, asked.groups), _wider(_share(by_chance, asked.groups), apart, 0, 1),
        _wider(group_mean([r - c for r, c in zip(right, by_chance, strict=True)], asked.groups), apart, -1, 1),
        Estimate(min(bits.value, entropy), bits.low, min(bits.high, entropy), bits.n), entropy,
    )  # fmt: skip


def _share(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    clusters = Clusters()
    for value, group in zip(values, groups, strict=True):
        clusters.add(group, float(value))
    found = clusters.accuracy()
    assert found is not None
    return found


def _wider(e: Estimate, half: float, least: float, most: float) -> Estimate:
    """The interval with another source of variance, independent of the first."""
    low, high = e.value - math.hypot(e.value - e.low, half), e.value + math.hypot(e.high - e.value, half)
    return Estimate(e.value, max(least, low), min(most, high), e.n)
