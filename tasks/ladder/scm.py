"""Structural causal models with finite noise, solved by enumeration: the first of two solvers for every kind.

A model is functions with noise: V_i = f_i(parents, U_i), the U_i independent. Every question of the three rungs is a
sum over all values of the noise (Pearl 2009, *Causality*, 7.1): association conditions, intervention replaces
functions, a counterfactual keeps the noise of what was seen and replaces functions. Whole-number weights, exact.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

Values = Mapping[str, int]
"""The value of each variable: 0 or 1."""


class Variable(NamedTuple):
    """A variable: `function` takes the values of its parents, in their order, and its noise. `noise` has each value of
    the noise with its weight, a whole number."""

    name: str
    parents: tuple[str, ...]
    noise: tuple[tuple[Any, int], ...]
    function: Callable[[tuple[int, ...], Any], int]


Model = Sequence[Variable]
"""Variables, each behind its parents."""


def solve(model: Model, noise: Sequence[Any], do: Values) -> dict[str, int]:
    """The value of every variable under this noise, if those in `do` are set to what stands there."""
    values: dict[str, int] = {}
    for variable, u in zip(model, noise, strict=True):
        if variable.name in do:
            values[variable.name] = do[variable.name]
        else:
            values[variable.name] = variable.function(tuple(values[p] for p in variable.parents), u)
    return values


def settings(model: Model) -> Iterator[tuple[int, tuple[Any, ...]]]:
    """Every setting of the noise with its weight, but those of weight 0."""
    for setting in itertools.product(*(variable.noise for variable in model)):
        weight = math.prod(w for _, w in setting)
        if weight:
            yield weight, tuple(u for u, _ in setting)


def holds(values: Values, event: Values) -> bool:
    """Whether the variables have the values of an event."""
    return all(values[name] == value for name, value in event.items())


def probability(model: Model, event: Values, given: Values, do: Values, seen_before: bool = False) -> Fraction | None:
    """P(event | do, given): the share of the noise with `given` in which `event` comes about under `do`.

    `given` is seen under `do` (rungs 1 and 2, with an empty `do` or not), or, if `seen_before`, in the world as it was,
    without `do` (rung 3). None if `given` never comes about.
    """
    total = right = 0
    for weight, noise in settings(model):
        after = solve(model, noise, do)
        if holds(solve(model, noise, {}) if seen_before else after, given):
            total += weight
            right += weight * holds(after, event)
    return Fraction(right, total) if total else None


def by_shares(name: str, parents: tuple[str, ...], shares: Sequence[tuple[int, int]]) -> Variable:
    """A binary variable from its conditional table: `shares` has (numerator, denominator) of P(1 | parents), for the
    values of the parents counted up in binary. Its noise says the value for each of these, independently."""
    sides = [((0, whole - part), (1, part)) for part, whole in shares]
    noise = tuple((tuple(u for u, _ in row), math.prod(w for _, w in row)) for row in itertools.product(*sides))
    return Variable(name, parents, noise, lambda values, u: u[index(values)])


def index(values: Sequence[int]) -> int:
    """Binary values, the first the highest, as a number."""
    return sum(value << place for place, value in enumerate(reversed(values)))
