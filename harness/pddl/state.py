"""The state while a plan runs: which facts are true, which values numbers have, and how one step may change them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from harness.pddl.parse import Fact, PDDLError


@dataclass(slots=True)
class State:
    """The facts that are true, and the values of numeric fluents. A step changes it in place."""

    facts: set[Fact]
    values: dict[Fact, float]
    members: Callable[[tuple[str, ...]], tuple[str, ...]]
    """The problem's objects of the given types, over which quantifiers range."""
    steps: int = 0
    """Steps taken so far, the `total-time` of a sequential plan (PDDL 2.1)."""
    left: int = 0
    """Choices of objects that quantifiers and rules may still try: see TooMuchWork."""


class Undefined(Exception):  # noqa: N818 - becomes an unmet condition
    """A step that numbers make impossible: a fluent has no value or is changed in two ways at once, or a number is
    divided by zero."""


class TooMuchWork(PDDLError):  # noqa: N818 - it is no fault of the file
    """A plan whose conditions range over more choices of objects than can be tried. It has no verdict: it is neither
    right nor wrong."""


class Change(NamedTuple):
    """What a step does to a numeric fluent: `how` is assign, increase, decrease, scale-up or scale-down."""

    fluent: Fact
    how: str
    by: float


def settle(changes: Iterable[Change], values: Mapping[Fact, float]) -> dict[Fact, float]:
    """The new values of the fluents that a step changes.

    Increases and decreases of one fluent in a step add up, scalings multiply, and equal assignments are one; any other
    pair makes the step impossible (Fox and Long 2003, JAIR 20, section 4.2: additive effects commute). Raises Undefined
    for such a pair, for a fluent that has no value to change, and for a division by zero.
    """
    kinds = {"increase": "+", "decrease": "+", "scale-up": "*", "scale-down": "*", "assign": "="}
    seen: dict[Fact, str] = {}
    found: dict[Fact, float] = {}
    for fluent, how, by in changes:
        before = seen.setdefault(fluent, kinds[how])
        if before != kinds[how] or (how == "assign" and found.get(fluent, by) != by):
            raise Undefined(f"({' '.join(fluent)}) is changed in two ways in one step")
        if how == "assign":
            found[fluent] = by
            continue
        # `total-cost` starts at 0 if nothing has set it, as for planners.
        old = found.get(fluent, values.get(fluent, 0.0 if fluent == ("total-cost",) else None))
        if old is None:
            raise Undefined(f"({' '.join(fluent)}) has no value")
        if how == "scale-down" and by == 0:
            raise Undefined("a division by zero")
        found[fluent] = {"increase": old + by, "decrease": old - by, "scale-up": old * by}.get(how, old / (by or 1))
    return found
