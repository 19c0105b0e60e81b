"""A sample of planning as its question in the plain domain, for the changes of controls; and other lines in a text."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from harness.errors import HarnessError
from harness.pddl.execute import Validator
from harness.pddl.parse import Fact
from harness.pddl_domains import World
from harness.tasks.planning import scoring, solutions
from harness.tasks.planning.instances import Instance, Plan, compiled, from_problem, validator_of
from harness.tasks.planning.rendering import Rendering
from harness.tasks.planning.space import SPACES, Space
from harness.types import Params, Sample

Step = tuple[str, ...]
MOST_TRIED = 400
"""So many other plans, or questions, are looked at."""
FEW_BLOCKS = 5
"""With more blocks all states are not gone through."""


@dataclass(frozen=True)
class Posed:
    """A sample's question in the plain domain (with the names of its objects), and what writes in its own world."""

    sample: Sample
    rng: random.Random
    world: World

    @property
    def params(self) -> Params:
        return self.sample.params

    @property
    def base(self) -> World:
        return self.world.base or self.world

    @cached_property
    def says(self) -> Rendering:
        return Rendering(self.base, self.world, {}, self.params["prompt"] == "nl")

    @cached_property
    def plain(self) -> dict[str, str]:
        """Names of this world -> names of the plain one."""
        return {new: old for old, new in self.world.names.items() if not old.startswith("?")}

    def back(self, atom: Iterable[str]) -> Fact:
        """A fact or an action in the plain domain's names."""
        return tuple(self.plain.get(term, term) for term in atom)

    @cached_property
    def instance(self) -> Instance:
        validator = compiled(self.world, str(self.params["problem"]))
        own = from_problem(validator.problem, "params.problem")
        objects = {name: self.plain.get(kind, kind) for name, kind in own.objects.items()}
        return Instance(objects, frozenset(map(self.back, own.init)), tuple(map(self.back, own.goal)))

    @cached_property
    def validator(self) -> Validator:
        return validator_of(self.base, self.instance)

    @cached_property
    def plan(self) -> Plan:
        return tuple(map(self.back, scoring.given_plan(self.params)))

    @cached_property
    def space(self) -> Space | None:
        """All states; None if there are too many."""
        if self.base.domain.name == "blocksworld" and len(self.instance.objects) > FEW_BLOCKS:
            return None  # a solver of its own is quicker, if it is not too large for that too
        return SPACES.of(self.base.pddl, self.validator)

    def like(self, atom: Fact) -> Iterator[Fact]:
        """The fact or action with one object replaced by another one."""
        for place in range(1, len(atom)):
            for name in self.instance.objects:
                if name not in atom:
                    yield (*atom[:place], name, *atom[place + 1 :])

    def solved(self, problem: Instance) -> Plan | None:
        """A plan with the fewest steps; None if there is none, or none can be found."""
        if self.space is not None:
            left = self.space.distances(problem.goal)
            here = self.space.number[problem.init]
            if here not in left:
                return None
            plan = list[Step]()
            while left[here]:
                step, here = next((s, to) for s, to in self.space.steps[here] if left.get(to) == left[here] - 1)
                plan.append(step)
            return tuple(plan)
        with contextlib.suppress(HarnessError):
            return solutions.shortest(self.base, problem)
        return None

    def shuffled(self, items: Iterable[Any]) -> list[Any]:
        """In random order."""
        found = list(items)
        return self.rng.sample(found, len(found))


def other_steps(posed: Posed) -> Iterator[tuple[int, Step]]:
    """(place, another step there): steps with one other object, and those that can be taken there. A step with one
    object twice, such as a drive from a place to the same place, comes last."""
    ways = [(i, other) for i, step in enumerate(posed.plan) for other in posed.like(step)]
    states, state = [], posed.instance.init
    for step in posed.plan:
        states.append(state)
        found = posed.validator.apply(state, step)
        if found is None:
            break
        state = found
    ways += [
        (i, other) for i, s in enumerate(states) for other in posed.validator.applicable(s) if other != posed.plan[i]
    ]
    kept = [(i, other) for i, other in dict.fromkeys(ways) if posed.validator.of_kinds(other)]
    return iter(sorted(posed.shuffled(kept), key=lambda way: len(set(way[1])) < len(way[1])))


def swapped(text: str, old: str, new: str, start: int = 0) -> str | None:
    """The text with the first `old` behind `start` replaced; None if there is none."""
    place = text.find(old, start)
    return None if place < 0 else text[:place] + new + text[place + len(old) :]


def in_pddl(atom: Iterable[str]) -> str:
    return f"({' '.join(atom)})"


def line_swapped(text: str, old: str, new: str, start: int) -> str | None:
    """As `_swapped`, for a whole line."""
    place = f"{text}\n".find(f"\n{old}\n", start)
    return None if place < 0 else text[: place + 1] + new + text[place + 1 + len(old) :]
