"""A planning instance as plain facts, to PDDL text and back. Knows no wording, no prompt and no planner."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from harness.errors import DataError
from harness.pddl.execute import Validator
from harness.pddl.parse import OBJECT, Fact, Node, Problem, parse_problem
from harness.pddl.plan_text import Step
from harness.pddl_domains import UNNAMED, World

Plan = tuple[Step, ...]


@dataclass(frozen=True)
class Instance:
    """Objects with their types (`object` in an untyped domain), the facts at the start, and the facts wanted.

    Prompts state the goal in the order that it has here.
    """

    objects: Mapping[str, str]
    init: frozenset[Fact]
    goal: tuple[Fact, ...]

    def solved(self) -> bool:
        """Whether the goal holds at the start."""
        return self.init.issuperset(self.goal)

    def wanting(self, goal: Iterable[Fact]) -> Instance:
        """The same instance with another goal."""
        return replace(self, goal=tuple(goal))

    def starting(self, facts: frozenset[Fact]) -> Instance:
        """The same instance with other facts at the start."""
        return replace(self, init=facts)

    def pddl(self, domain: str, names: Mapping[str, str] | None = None) -> str:
        """The problem in PDDL, with the facts at the start in alphabetical order. `names` maps original names to other
        names; the order stays that of the original names."""
        other = names or {}
        kinds: dict[str, list[str]] = {}
        for name, kind in self.objects.items():
            kinds.setdefault(other.get(kind, kind), []).append(other.get(name, name))
        objects = "\n            ".join(
            " ".join(names) + ("" if kind == OBJECT else f" - {kind}") for kind, names in kinds.items()
        )
        return (
            f"(define (problem {UNNAMED})\n  (:domain {domain})\n  (:objects {objects})\n"
            f"  (:init {_facts(sorted(self.init), other)})\n  (:goal (and {_facts(self.goal, other)})))\n"
        )


def _facts(facts: Iterable[Fact], names: Mapping[str, str]) -> str:
    if names:
        facts = (tuple(names.get(term, term) for term in fact) for fact in facts)
    return " ".join(f"({' '.join(fact)})" for fact in facts)


def from_problem(problem: Problem, where: str) -> Instance:
    """A parsed problem as an instance; `where` names it in messages.

    Raises DataError if it has more than facts: numbers, objects of several types, or a goal that is no list of facts.
    """
    goal = list(_conjuncts(problem.goal, where)) if problem.goal else []
    if any(name != ("total-cost",) for name in problem.values):
        raise DataError(f"{where}: numbers in (:init ...) are not supported here")
    for name, kinds in problem.objects.items():
        if len(kinds) > 1:
            raise DataError(f"{where}: {name} is of several types (either ...), which is not supported here")
    objects = {name: kinds[0] for name, kinds in problem.objects.items()}
    return Instance(objects, problem.init, tuple(goal))


def _conjuncts(node: Node, where: str) -> Iterable[Fact]:
    if node[0] == "and":
        for part in node[1:]:
            if isinstance(part, Node) and part:
                yield from _conjuncts(part, where)
    elif all(isinstance(part, str) for part in node):
        yield tuple(map(str, node))
    else:
        raise DataError(f"{where}: the goal must be a list of facts, not ({node[0]} ...)")


def validator_of(world: World, instance: Instance) -> Validator:
    """A validator that runs plans for the instance in its plain world."""
    return compiled(world, instance.pddl(world.domain.name))


@functools.lru_cache(maxsize=256)
def compiled(world: World, problem: str) -> Validator:
    """A validator for a problem in PDDL. Raises PDDLError if it can't be read, or is not about this world."""
    return Validator.of(world.compiled, parse_problem(problem, world.domain))


def after(validator: Validator, facts: frozenset[Fact], plan: Iterable[Step]) -> frozenset[Fact]:
    """The facts after a plan. Raises ValueError if a step can't be taken."""
    for step in plan:
        next_facts = validator.apply(facts, step)
        if next_facts is None:
            raise ValueError(f"{step} can't be taken")
        facts = next_facts
    return facts


def wander(rng: random.Random, validator: Validator, facts: frozenset[Fact], steps: int) -> Plan:
    """Random steps that can be taken one after the other; fewer than `steps` if none can be taken any more."""
    plan: list[Step] = []
    for _ in range(steps):
        choices = validator.applicable(facts)
        if not choices:
            break
        step = rng.choice(choices)
        facts = after(validator, facts, [step])
        plan.append(step)
    return tuple(plan)


def greedy(validator: Validator, instance: Instance, most: int = 30) -> Plan:
    """The plan of a planner that looks one step ahead: always the step after which most of the goal holds, the first of
    equals, never back to an earlier state. It may end short of the goal, after `most` steps at the latest."""
    facts, seen, plan = instance.init, {instance.init}, list[Step]()
    while len(plan) < most and not facts.issuperset(instance.goal):
        options = [(step, after(validator, facts, [step])) for step in validator.applicable(facts)]
        options = [(step, state) for step, state in options if state not in seen]
        if not options:
            break
        step, facts = max(options, key=lambda option: sum(fact in option[1] for fact in instance.goal))
        seen.add(facts)
        plan.append(step)
    return tuple(plan)
