"""Worlds of the default kind: a common cause Z, an action X, an outcome Y, and four kinds of people (response types).

A world answers all three rungs. Its numbers are whole percents, and what is printed is the model: nothing is rounded.
Worlds are drawn until each triple of answers has one, so that no rung can be answered with another one's answer.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from harness.tasks.ladder.scm import Model, Variable, by_shares, probability

NEVER, ONLY_WITH, ONLY_WITHOUT, ALWAYS = range(4)
"""Kinds of people: without Y whatever they do; Y only if X; Y only if not X; Y whatever they do."""
RESPONSES = ((0, 0), (0, 1), (1, 0), (1, 1))
"""Of each kind the value of Y (without X, with X)."""
RUNGS = ("association", "intervention", "counterfactual")


class World(NamedTuple):
    """Whole percents: P(Z=1); P(X=1 | Z=1) and P(X=1 | Z=0); and the shares of the four kinds of people for Z=1 and
    for Z=0, in the order of the constants above, 100 together. X and the kind are independent given Z."""

    z: int
    x1: int
    x0: int
    kinds1: tuple[int, ...]
    kinds0: tuple[int, ...]

    def flat(self) -> tuple[int, ...]:
        """The eleven numbers, as params hold them."""
        return (self.z, self.x1, self.x0, *self.kinds1, *self.kinds0)

    @classmethod
    def of(cls, numbers: tuple[int, ...]) -> World:
        """From the eleven numbers. ValueError for anything else."""
        z, x1, x0 = numbers[:3]
        made = cls(z, x1, x0, tuple(numbers[3:7]), tuple(numbers[7:]))
        if len(numbers) != 11 or sum(made.kinds1) != 100 or sum(made.kinds0) != 100 or min(numbers) < 0:
            raise ValueError("not eleven shares")
        if not all(0 < share < 100 for share in (z, x1, x0)):
            raise ValueError("shares of 0 or 100 leave questions without an answer")
        return made


class Answers(NamedTuple):
    """What a world says at the three rungs, exactly.

    `association`: P(Y | X=1) and P(Y | X=0). `intervention`: P(Y | do(X=1)) and P(Y | do(X=0)). `necessity`:
    P(Y_{X=0} = 0 | X=1, Y=1), the probability of necessity.
    """

    association: tuple[Fraction, Fraction]
    intervention: tuple[Fraction, Fraction]
    necessity: Fraction

    @property
    def triple(self) -> tuple[bool, bool, bool]:
        """Whether Y is more frequent with X; whether X makes it so; whether those with X and Y mostly owe Y to X."""
        return (
            self.association[0] > self.association[1],
            self.intervention[0] > self.intervention[1],
            self.necessity > Fraction(1, 2),
        )

    @property
    def margin(self) -> Fraction:
        """By how much the answer that is nearest to its limit is decided: 0.1 is ten points."""
        (a1, a0), (i1, i0) = self.association, self.intervention
        return min(abs(a1 - a0), abs(i1 - i0), abs(self.necessity - Fraction(1, 2)))

    @property
    def shares(self) -> tuple[Fraction, Fraction, Fraction]:
        """What the numeric form asks for: P(Y | X=1), P(Y | do(X=1)), the probability of necessity."""
        return self.association[0], self.intervention[0], self.necessity


@functools.lru_cache(maxsize=4096)
def by_formula(world: World) -> Answers:
    """The second solver: Bayes' rule, the backdoor formula over Z, and the twin network's posterior of kinds given X=1
    and Y=1 (Pearl 2009, 3.3.1 and 7.1.4; Tian & Pearl 2000 for the probability of necessity)."""
    z, x1, x0, kinds1, kinds0 = world
    strata = ((z, x1, kinds1), (100 - z, x0, kinds0))
    with_x = [(share * x, kinds) for share, x, kinds in strata]
    without = [(share * (100 - x), kinds) for share, x, kinds in strata]
    y1 = sum(w * (k[ONLY_WITH] + k[ALWAYS]) for w, k in with_x)
    y0 = sum(w * (k[ONLY_WITHOUT] + k[ALWAYS]) for w, k in without)
    association = Fraction(y1, 100 * sum(w for w, _ in with_x)), Fraction(y0, 100 * sum(w for w, _ in without))
    do1 = sum(share * (k[ONLY_WITH] + k[ALWAYS]) for share, _, k in strata)
    do0 = sum(share * (k[ONLY_WITHOUT] + k[ALWAYS]) for share, _, k in strata)
    owed = sum(w * k[ONLY_WITH] for w, k in with_x)
    return Answers(association, (Fraction(do1, 10_000), Fraction(do0, 10_000)), Fraction(owed, y1))


def model(world: World) -> Model:
    """The world as functions with noise. The noise of Y is a person's kind if Z=0 and if Z=1."""
    kinds = tuple(
        ((k0, k1), world.kinds0[k0] * world.kinds1[k1]) for k0 in range(4) for k1 in range(4)
    )  # fmt: skip
    return (
        by_shares("Z", (), [(world.z, 100)]),
        by_shares("X", ("Z",), [(world.x0, 100), (world.x1, 100)]),
        Variable("Y", ("Z", "X"), kinds, lambda values, u: RESPONSES[u[values[0]]][values[1]]),
    )


def by_enumeration(world: World) -> Answers:
    """The first solver: all noise, see scm.py."""
    made = model(world)
    found = [
        probability(made, {"Y": 1}, {"X": 1}, {}),
        probability(made, {"Y": 1}, {"X": 0}, {}),
        probability(made, {"Y": 1}, {}, {"X": 1}),
        probability(made, {"Y": 1}, {}, {"X": 0}),
        probability(made, {"Y": 0}, {"X": 1, "Y": 1}, {"X": 0}, seen_before=True),
    ]
    a1, a0, i1, i0, necessity = [share for share in found if share is not None]
    return Answers((a1, a0), (i1, i0), necessity)


# Drawing worlds ----------------------------------------------------------------------------------------------------

_KINDS = [
    (never, only_with, only_without, 100 - never - only_with - only_without)
    for never in range(5, 90, 5)
    for only_with in range(5, 90, 5)
    for only_without in range(5, 90, 5)
    if never + only_with + only_without <= 95
]
CELLS = 16
"""The eight triples, each with either answer of the shortcut `larger`."""


def block(rng: random.Random, each: int) -> Iterator[World]:
    """`each` worlds of every cell, in random order: a triple of answers (margins of ten points or more), and which of
    the two kinds that X matters to has the larger numbers. The confounding is strong (P(X | Z) is 3 to 15 % and 85 to
    97 %), or the rarest triples would not occur."""
    missing = dict.fromkeys(range(CELLS), each)
    found: list[World] = []
    draw, count = rng.random, len(_KINDS)
    while missing:
        z, high, low = 10 + int(draw() * 81), 85 + int(draw() * 13), 3 + int(draw() * 13)
        x1, x0 = (high, low) if draw() < 0.5 else (low, high)
        kinds1, kinds0 = _KINDS[int(draw() * count)], _KINDS[int(draw() * count)]
        cell = _cell(z, x1, x0, kinds1, kinds0)
        if cell in missing:
            found.append(World(z, x1, x0, kinds1, kinds0))
            missing[cell] -= 1
            if not missing[cell]:
                del missing[cell]
    rng.shuffle(found)
    yield from found


def _cell(z: int, x1: int, x0: int, kinds1: tuple[int, ...], kinds0: tuple[int, ...]) -> int:
    """The cell of a world, -1 if a margin is below ten points or two shares that the numeric form asks for are nearer
    than a point. The same sums as `by_formula` in whole numbers, as most draws are rejected."""
    _, b1, c1, d1 = kinds1
    _, b0, c0, d0 = kinds0
    effect = z * (b1 - c1) + (100 - z) * (b0 - c0)
    if -1000 < effect < 1000:
        return -1
    w1, w0, v1, v0 = z * x1, (100 - z) * x0, z * (100 - x1), (100 - z) * (100 - x0)
    y1, with_x = w1 * (b1 + d1) + w0 * (b0 + d0), w1 + w0
    y0, without = v1 * (c1 + d1) + v0 * (c0 + d0), v1 + v0
    difference = y1 * without - y0 * with_x
    if abs(difference) < 10 * with_x * without:
        return -1
    owed = w1 * b1 + w0 * b0
    if abs(10 * owed - 5 * y1) < y1:
        return -1
    do1 = z * (b1 + d1) + (100 - z) * (b0 + d0)
    if abs(100 * y1 - do1 * with_x) < 100 * with_x or abs(10_000 * owed - do1 * y1) < 100 * y1:
        return -1
    if abs(100 * owed * with_x - y1 * y1) < y1 * with_x:
        return -1
    return (difference > 0) + 2 * (effect > 0) + 4 * (2 * owed > y1) + 8 * (larger(kinds1, kinds0))


def larger(kinds1: tuple[int, ...], kinds0: tuple[int, ...]) -> bool:
    """The shortcut that adds up the kinds that X matters to, as if both values of Z were equally frequent."""
    return kinds1[ONLY_WITH] + kinds0[ONLY_WITH] > kinds1[ONLY_WITHOUT] + kinds0[ONLY_WITHOUT]
