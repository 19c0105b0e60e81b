"""The abilities of PlanBench as questions about an instance, in the plain domain's names: what the prompt shows, what
it asks, and a right answer. After Valmeekam et al. 2023 (arXiv 2206.10498), section 4. Knows no wording and no prompt.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from harness.pddl.execute import Validator
from harness.pddl_domains import World
from harness.tasks.planning.instances import Instance, Plan, after, validator_of, wander

Solve = Callable[[Instance], Plan | None]
Pattern = Callable[[random.Random, int], tuple[Instance, Plan]]


@dataclass(frozen=True)
class Case:
    """One question. `problem` is the problem to solve (for verification and execution: the one that the plan is about).

    `solution` is a plan for it, None if no plan exists; `optimal` is the fewest steps, None if not known. `plan` is the
    plan that the prompt shows: for verification and execution the one in question, else one for `shown`.
    """

    problem: Instance
    solution: Plan | None
    optimal: int | None = None
    shown: Instance | None = None
    plan: Plan = ()
    kind: str = ""
    """Verification: valid, or the plan's flaw, precondition or goal."""
    done: int = 0
    """Replanning: how many steps of the plan were taken before the unexpected event."""
    examples: tuple[tuple[Instance, Plan], ...] = ()


@dataclass(frozen=True)
class Source:
    """What a case is made from: an instance with a plan of the fewest steps, and functions that make more of both."""

    rng: random.Random
    instance: Instance
    plan: Plan
    base: World
    solve: Solve
    pattern: Pattern | None

    @cached_property
    def validator(self) -> Validator:
        """Made on first use, because plan_generation, the most frequent question, does not need it."""
        return validator_of(self.base, self.instance)


def _generation(s: Source) -> Case:
    return Case(s.instance, s.plan, len(s.plan))


def unsolvable(s: Source) -> Case | None:
    """The same instance with one fact of the goal replaced, so that one thing would have to be at two places. None if
    the goal has only one fact, or if there is no second place of the same kind."""
    if len(s.instance.goal) < 2:
        return None
    kept, replaced = s.rng.sample(range(len(s.instance.goal)), 2)
    name, what, where = s.instance.goal[kept]
    others = sorted(o for o, kind in s.instance.objects.items() if o not in (what, where) and _alike(s, o, where))
    if not others:
        return None
    goal = list(s.instance.goal)
    goal[replaced] = (name, what, s.rng.choice(others))
    return Case(s.instance.wanting(goal), None)


def _alike(s: Source, a: str, b: str) -> bool:
    """Whether two objects have the same type, and the same unchanging facts with the object as their only argument."""

    def fixed(o: str) -> set[str]:
        return {f[0] for f in s.instance.init if f[1:] == (o,) and f[0] not in s.validator.changing}

    return s.instance.objects[a] == s.instance.objects[b] and fixed(a) == fixed(b)


def _verification(s: Source) -> Case | None:
    """A valid plan, one with a step that can't be taken, or one that misses the goal: each with a chance of a third."""
    kind = s.rng.choice(("valid", "precondition", "goal"))
    if kind == "valid":
        return Case(s.instance, s.plan, len(s.plan), plan=s.plan, kind=kind)
    for _ in range(50):
        plan = list(s.plan)
        at = s.rng.randrange(len(plan))
        if kind == "precondition" and s.rng.random() < 0.5 and len(plan) > 1:
            del plan[at]
        elif kind == "precondition":
            step = plan[at]
            plan[at] = (step[0], *(s.rng.choice([o for o in s.instance.objects if _alike(s, o, a)]) for a in step[1:]))
        else:
            # As long as the right plan, so that its length gives nothing away.
            plan[at:] = wander(s.rng, s.validator, after(s.validator, s.instance.init, plan[:at]), len(plan) - at)
        verdict = s.validator.validate(plan)
        # An answer names facts, so a rule over all objects is not what is broken.
        if verdict.reason == kind and not any("(" in fact[1:] for fact in verdict.missing):
            return Case(s.instance, s.plan, len(s.plan), plan=tuple(plan), kind=kind)
    return None


def _execution(s: Source) -> Case | None:
    """The state after random steps, as many as the shortest plan has but three at least. The state at the end is not
    the state at the start."""
    for _ in range(50):
        plan = wander(s.rng, s.validator, s.instance.init, max(3, len(s.plan)))
        if after(s.validator, s.instance.init, plan) != s.instance.init:
            return Case(s.instance, (), plan=plan)
    return None


def _goal_shuffling(s: Source) -> Case | None:
    """The same goal in another order. Not for goals of one fact: the question would be the example again."""
    goal = s.instance.goal
    if len(goal) < 2:
        return None
    order = list(goal)
    while tuple(order) == goal:
        s.rng.shuffle(order)
    return Case(s.instance.wanting(order), s.plan, len(s.plan), s.instance, s.plan)


def _full_to_partial(s: Source) -> Case | None:
    """The prompt shows a plan for a whole state; asked for is a plan for the part of it that is the goal."""
    full = _full_state(s, s.plan)
    partial = tuple(f for f in full if f in s.instance.goal)
    if len(partial) == len(full) or s.instance.wanting(partial).solved():
        return None
    return Case(s.instance.wanting(partial), s.plan, len(s.plan), s.instance.wanting(full), s.plan)


def _partial_to_full(s: Source) -> Case | None:
    """The prompt shows a plan for part of a state; asked for is a plan for a whole state that the shown plan does not
    reach, so that copying it solves nothing."""
    end = after(s.validator, s.instance.init, s.plan)
    for _ in range(30):
        # An even number, so that in Blocksworld no block is in the hand at the end.
        more = wander(s.rng, s.validator, end, 2 * s.rng.randint(1, 3))
        state = after(s.validator, end, more)
        full = _full_state(s, (*s.plan, *more))
        problem = s.instance.wanting(full)
        if state.issuperset(s.instance.goal) and not end.issuperset(full) and not problem.solved():
            solution = s.solve(problem)
            return Case(problem, solution, _length(solution), s.instance, s.plan) if solution else None
    return None


def _full_state(s: Source, plan: Plan) -> tuple[tuple[str, ...], ...]:
    """All facts at the end of the plan that actions can change."""
    facts = after(s.validator, s.instance.init, plan)
    return tuple(sorted(f for f in facts if f[0] in s.validator.changing))


def _reuse(s: Source) -> Case | None:
    """A new goal that holds midway through the shown plan, but not at the start or at the end. The steps up to there
    are enough, and the whole plan is too much."""
    state, end = s.instance.init, after(s.validator, s.instance.init, s.plan)
    options: list[tuple[int, frozenset[tuple[str, ...]]]] = []
    for count, step in enumerate(s.plan[:-1], 1):
        state = after(s.validator, state, [step])
        options.append((count, frozenset(f for f in state if f[0] in s.validator.changing) - s.instance.init))
    options = [(count, facts) for count, facts in options if facts and not facts <= end]
    if not options:
        return None
    count, facts = s.rng.choice(options[len(options) // 2 :])
    problem = s.instance.wanting(sorted(facts))
    return Case(problem, s.plan[:count], None, s.instance, s.plan)


def _replanning(s: Source) -> Case | None:
    """An unexpected event after some steps, short of the goal: one to four random steps not in the prompt."""
    done = s.rng.randrange(len(s.plan))
    state = after(s.validator, s.instance.init, s.plan[:done])
    for _ in range(30):
        event = after(s.validator, state, wander(s.rng, s.validator, state, s.rng.randint(1, 4)))
        problem = s.instance.starting(event)
        # If some rest of the old plan still worked, nothing would have to be planned anew.
        rests = [s.plan[i:] for i in range(len(s.plan))]
        if event != state and not problem.solved() and not any(_works(s, event, rest) for rest in rests):
            solution = s.solve(problem)
            if solution:
                return Case(problem, solution, len(solution), s.instance, s.plan, done=done)
    return None


def _works(s: Source, state: frozenset[tuple[str, ...]], rest: Plan) -> bool:
    try:
        return after(s.validator, state, rest).issuperset(s.instance.goal)
    except ValueError:
        return False


def _generalization(s: Source) -> Case | None:
    """Two small instances of the domain's pattern with their plans, then a larger instance; None without a pattern."""
    if s.pattern is None:
        return None
    sizes = s.rng.sample([2, 3, 4], 2)
    examples = tuple(s.pattern(s.rng, size) for size in sorted(sizes))
    problem, solution = s.pattern(s.rng, s.rng.randint(5, 7))
    return Case(problem, solution, None, examples=examples)


def _length(plan: Plan | None) -> int | None:
    return None if plan is None else len(plan)


ABILITIES: dict[str, Callable[[Source], Case | None]] = {
    "plan_generation": _generation,
    "plan_optimality": _generation,
    "plan_verification": _verification,
    "plan_execution": _execution,
    "goal_shuffling": _goal_shuffling,
    "full_to_partial": _full_to_partial,
    "partial_to_full": _partial_to_full,
    "plan_reuse": _reuse,
    "replanning": _replanning,
    "plan_generalization": _generalization,
}
"""Each makes the case of an ability; None if the instance does not suit it, and then another instance is drawn."""

PLAIN_QUESTIONS = ("plan_generation", "plan_optimality")
"""Abilities whose prompts show no plan of their own, so that an example can stand before the question."""
