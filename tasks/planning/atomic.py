"""The atomic abilities of planning as questions of yes or no: what can be done, what follows, what can come about, what
a plan needs. The abilities are those of ACPBench and ACPBench Hard; the questions are made from our own domains.

Each ability makes two questions about an instance that differ in one thing: the answer to one is yes, to the other no.
What a reader could go by without thinking is the same in both, as far as the domain allows: the name of the action or
of the fact, whether it holds at the start, which objects it shares. Answers come from the executor, or from a search
over all states. Knows no wording and no prompt.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from harness.errors import UsageError
from harness.pddl.execute import Validator
from harness.pddl.parse import Fact
from harness.pddl_domains import World
from harness.tasks.planning import left_out
from harness.tasks.planning.instances import Instance, Plan, after, validator_of, wander
from harness.tasks.planning.space import MOST_STATES, SPACES, Space

Step = tuple[str, ...]
T = TypeVar("T")
TRIES = 40
LONGEST_END = 4
"""Steps of the other end of a plan that fails: random steps soon go in circles, which is seen at a glance."""
LANDMARK_WORK = 6_000
"""Other states are tried as the start of a question about landmarks, fewer in a large space: each takes searches."""


@dataclass(frozen=True)
class Question:
    """A question about a problem. `plan` is the plan that the prompt shows; `action` and `facts` are what is asked
    about, and `steps` (two numbers from 1, the same if it is one step) what is left out of the plan."""

    problem: Instance
    plan: Plan = ()
    action: Step | None = None
    facts: tuple[Fact, ...] = ()
    steps: tuple[int, int] | None = None


Pair = tuple[Question, Question]
"""The answer to the first is yes, to the second no."""


@dataclass(frozen=True)
class Asked:
    """What questions are made from: an instance with a shortest plan."""

    rng: random.Random
    instance: Instance
    plan: Plan
    base: World

    @cached_property
    def validator(self) -> Validator:
        return validator_of(self.base, self.instance)

    @cached_property
    def space(self) -> Space:
        """All its states. Raises UsageError if there are too many, or if numbers decide."""
        found = SPACES.of(self.base.pddl, self.validator)
        if found is None:
            raise UsageError(
                f"an instance of {self.base.domain.name} has more than {MOST_STATES} states, or numbers: what can come "
                "about in it is not known",
                f"smaller instances, or other abilities than {', '.join(SEARCHED)}",
            )
        return found

    @property
    def start(self) -> frozenset[Fact]:
        return self.instance.init

    def walk(self, steps: int) -> tuple[Plan, frozenset[Fact]]:
        """Random steps from the start, fewer if none can be taken any more, and the state after them."""
        plan, here = list[Step](), self.space.number[self.start]
        for _ in range(steps):
            if not self.space.steps[here]:
                break
            step, here = self.rng.choice(self.space.steps[here])
            plan.append(step)
        return tuple(plan), self.space.states[here]

    def others(self, most: int) -> list[frozenset[Fact]]:
        """The start, then up to `most` other states that a question can start from: some near it, then any."""
        most = max(2, min(most, TRIES))
        near = [self.walk(self.rng.randint(1, 4))[1] for _ in range(most // 4)]
        states = self.space.ordered
        return [self.start, *near, *self.rng.sample(states, min(most - len(near), len(states)))]

    def changing(self, facts: Iterable[Fact]) -> list[Fact]:
        """Those that actions can change, in alphabetical order."""
        return sorted(fact for fact in facts if fact[0] in self.validator.changing)


def _matched(
    rng: random.Random, yes: Iterable[T], no: Iterable[T], *keys: Callable[[T], Hashable]
) -> tuple[T, T] | None:
    """One of each that have the same key, drawn key first; with the first of the `keys` under which there is such a
    pair. None if there is none."""
    sides = list(yes), list(no)
    for key in keys:
        sorts: tuple[dict[Hashable, list[T]], ...] = ({}, {})
        for side, members in zip(sorts, sides, strict=True):
            for member in members:
                side.setdefault(key(member), []).append(member)
        both = [k for k in sorts[0] if k in sorts[1]]
        if both:
            chosen = rng.choice(both)
            return rng.choice(sorts[0][chosen]), rng.choice(sorts[1][chosen])
    return None


def _applicability(a: Asked) -> Pair | None:
    """An action that is possible after up to three random steps, and one of the same name that lacks one condition (or
    as few as any)."""
    _, facts = a.walk(a.rng.randrange(4))
    possible = [step for step, _ in a.space.steps[a.space.number[facts]]]
    barred = sorted(a.space.actions.keys() - possible)
    names = {step[0] for step in possible} & {step[0] for step in barred}
    if not names:
        return None
    name = a.rng.choice(sorted(names))
    near = {step: a.validator.lacking(facts, step) for step in barred if step[0] == name}
    fewest = min(map(len, near.values()))
    by_what: dict[str, list[Step]] = {}
    for step, conditions in near.items():
        if len(conditions) == fewest:
            by_what.setdefault(conditions[0].partition(" ")[0], []).append(step)
    problem = a.instance.starting(facts)
    yes = a.rng.choice([step for step in possible if step[0] == name])
    no = a.rng.choice(by_what[a.rng.choice(sorted(by_what))])
    return Question(problem, action=yes), Question(problem, action=no)


def _progression(a: Asked) -> Pair | None:
    """Is a fact true after one to four steps? Both facts are true at the start, or neither is, so that whether a fact
    was true says nothing."""
    for _ in range(TRIES):
        plan, end = a.walk(a.rng.randint(1, 4))
        moved = {name for step in plan for name in step[1:]}

        def closely(fact: Fact, moved: set[str] = moved) -> Hashable:
            return fact[0], sum(name in moved for name in fact[1:])

        true = a.changing(a.start & end), a.changing(a.start - end)
        false = a.changing(end - a.start), a.changing(a.space.facts.keys() - end - a.start)
        for yes, no in a.rng.sample([true, false], 2):
            found = _matched(a.rng, yes, no, closely, lambda fact: fact[0])
            if found:
                return Question(a.instance, plan, facts=found[:1]), Question(a.instance, plan, facts=found[1:])
    return None


def _reachability(a: Asked) -> Pair | None:
    """Can two facts come about together? Each alone can; they are not both true at the start."""
    pairs = itertools.combinations(a.changing(a.space.facts), 2)
    new = [pair for pair in pairs if not a.start.issuperset(pair)]
    states = a.space.facts
    together = {pair: bool(states[pair[0]] & states[pair[1]]) for pair in new}

    def alike(pair: tuple[Fact, Fact]) -> tuple[int, int]:
        one, two = pair
        return len(set(one[1:]) & set(two[1:])), (one in a.start) + (two in a.start)

    yes, no = ([pair for pair in new if together[pair] is answer] for answer in (True, False))
    found = _matched(a.rng, yes, no, lambda pair: (pair[0][0], pair[1][0], alike(pair)), alike)
    return (Question(a.instance, facts=found[0]), Question(a.instance, facts=found[1])) if found else None


def _action_reachability(a: Asked) -> Pair | None:
    """Can an action ever be taken while a fact is true, that it does not need? Both questions have the same action."""
    actions = sorted(a.space.actions)
    facts = a.changing(a.space.facts)
    for _ in range(TRIES):
        action = a.rng.choice(actions)
        states = a.space.actions[action]
        needed = {fact for fact in facts if not states & ~a.space.facts[fact]}  # true whenever it can be taken

        def alike(fact: Fact, action: Step = action) -> Hashable:
            return fact[0], len(set(fact[1:]) & set(action[1:])), fact in a.start

        yes = [fact for fact in facts if states & a.space.facts[fact] and fact not in needed]
        no = [fact for fact in facts if not states & a.space.facts[fact]]
        if not a.validator.lacking(a.start, action):
            yes = [fact for fact in yes if fact not in a.start]
        found = _matched(a.rng, yes, no, alike)
        if found:
            one, two = found
            return Question(a.instance, action=action, facts=(one,)), Question(a.instance, action=action, facts=(two,))
    return None


def _validation(a: Asked) -> Pair | None:
    """A shortest plan, and one of its length that fails: one or two steps change places with the next, or have another
    object, or the end is another one that misses the goal. The last step of both makes a fact of the goal true, unless
    the plan is too short for such a twin."""
    goal = a.changing(a.instance.goal)
    other: Plan | None = None
    for _ in range(TRIES if a.plan else 0):
        plan = list(a.plan)
        at = a.rng.randrange(len(plan))
        kind, width = a.rng.choice(("swap", "object", "end", "end")), a.rng.randint(1, 2)
        if kind == "swap" and at + 2 * width <= len(plan):
            plan[at : at + 2 * width] = plan[at + width : at + 2 * width] + plan[at : at + width]
        elif kind == "object":
            plan[at : at + width] = _other_object(a, plan[at : at + width])
        elif kind == "end":
            at = max(at, len(plan) - LONGEST_END)
            plan[at:] = _other_end(a, plan[:at], len(plan) - at)
        if len(plan) < len(a.plan):
            continue
        made = _makes(a, plan[-1], goal)
        if not made and kind != "swap":
            plan[-1], made = a.plan[-1], True
        if a.validator.validate(plan).valid:
            continue
        other = tuple(plan)
        if made or plan[-1] == a.plan[-1]:
            break
    return None if other is None else (Question(a.instance, a.plan), Question(a.instance, other))


def _makes(a: Asked, step: Step, facts: Iterable[Fact]) -> bool:
    """Whether a STRIPS step makes one of the facts true, if it can be taken."""
    effects = a.validator.effects(step)
    return effects is not None and not effects[1].isdisjoint(facts)


def _other_end(a: Asked, begun: Sequence[Step], steps: int) -> Plan:
    """Random steps after those of a plan; the last makes a fact of the goal true, if one does."""
    state = after(a.validator, a.start, begun)
    way = wander(a.rng, a.validator, state, steps - 1)
    state = after(a.validator, state, way)
    last = a.validator.applicable(state)
    making = [step for step in last if any(f in _gained(a, state, step) for f in a.instance.goal)]
    return (*way, a.rng.choice(making or last)) if last else way


def _gained(a: Asked, state: frozenset[Fact], step: Step) -> frozenset[Fact]:
    """The facts that become true by a step that can be taken."""
    return after(a.validator, state, [step]) - state


def _other_object(a: Asked, steps: Sequence[Step]) -> list[Step]:
    """The steps with one object of the first replaced by another that the actions allow."""
    if len(steps[0]) < 2:
        return list(steps)
    old = a.rng.choice(steps[0][1:])

    def with_other(new: str) -> list[Step]:
        return [(step[0], *(new if name == old else name for name in step[1:])) for step in steps]

    unused = [o for o in a.instance.objects if not any(o in step for step in steps)]
    others = [o for o in unused if all(map(a.validator.of_kinds, with_other(o)))]
    return with_other(a.rng.choice(others)) if others else list(steps)


def _justification(a: Asked) -> Pair | None:
    """One or two steps that are put into a shortest plan can be left out again; the twin asks about as many others of
    the same plan that look like them and can't. See left_out.pair."""
    found = left_out.pair(a.rng, a.validator, a.instance, a.plan)
    if found is None:
        return None
    padded, needed = found
    yes, no = (Question(padded.instance, padded.plan, steps=(i + 1, j + 1)) for i, j in (padded.extra, needed))
    return yes, no


def _landmarks(a: Asked) -> Pair | None:
    """Must a fact be true at some time on the way to the goal? It is true neither at the start nor in the goal. What
    the goal says of the objects of both facts, that is not so at the start, is alike: a block that is to be on another
    must be held, but so must one that is in the way."""
    goal = a.instance.goal
    named = {name for fact in goal for name in fact[1:]}
    left = a.space.distances(goal)
    starts = [state for state in a.others(LANDMARK_WORK // len(left)) if left.get(a.space.number[state])]
    levels = [(True, True), (False, True), (True, False), (False, False)]
    must: dict[frozenset[Fact], frozenset[Fact]] = {}
    for level, start in [*itertools.product(levels, starts), (None, a.start)]:
        new, now = [fact for fact in goal if fact not in start], a.changing(start)

        def alike(
            fact: Fact, new: list[Fact] = new, now: list[Fact] = now, level: tuple[bool, bool] | None = level
        ) -> Hashable:
            told: list[Hashable] = []
            for name in fact[1:] if level else ():
                wanted, stands = level or (False, False)
                told.append(_roles(name, new) if wanted else any(g[1] == name for g in new))
                told.append(tuple(sorted(g[0] for g in now if g[1:2] == (name,))) if stands else ())
            return fact[0], sum(name in named for name in fact[1:]), tuple(told)

        if start not in must:
            must[start] = a.space.landmarks(a.space.number[start], goal)
        pair = _landmark_pair(a, start, must[start], alike)
        if pair:
            problem = a.instance.starting(start)
            return Question(problem, facts=pair[:1]), Question(problem, facts=pair[1:])
    return None


def _roles(name: str, facts: Iterable[Fact]) -> Hashable:
    """In which places of which facts an object stands."""
    return tuple(sorted((fact[0], fact.index(name)) for fact in facts if name in fact[1:]))


def _landmark_pair(
    a: Asked, state: frozenset[Fact], landmarks: frozenset[Fact], alike: Callable[[Fact], Hashable]
) -> tuple[Fact, Fact] | None:
    """A fact that must come about after a state and one that need not, of the same sort; they are not true there, nor
    wanted."""
    goal = a.instance.goal
    facts = [fact for fact in a.changing(a.space.facts) if fact not in state and fact not in goal]
    a.rng.shuffle(facts)
    sides: dict[Hashable, dict[bool, Fact]] = {}
    for fact in facts:
        here = sides.setdefault(alike(fact), {})
        if len(here) < 2:
            here.setdefault(fact in landmarks, fact)
        if len(here) == 2:
            return here[True], here[False]
    return None


def _next_action(a: Asked) -> Pair | None:
    """Does a shortest plan begin with an action? Both can be taken, have the same name, make as many facts of the goal
    true, and are about an object of which the goal wants something new, or not; at the start or in another state near
    it (or anywhere); unless there are none such."""
    left = a.space.distances(a.instance.goal)

    def nearer(step: Step, state: frozenset[Fact]) -> int:
        return sum(fact in after(a.validator, state, [step]) for fact in a.instance.goal)

    starts = a.others(TRIES)

    def wanted(step: Step, state: frozenset[Fact]) -> bool:
        return any(fact[1:2] == step[1:2] and fact not in state for fact in a.instance.goal)

    named: list[Callable[[Step, frozenset[Fact]], Hashable]] = [
        lambda step, state: (step[0], nearer(step, state), wanted(step, state)),
        lambda step, state: (step[0], nearer(step, state)), lambda step, _: step[0],
    ]  # fmt: skip
    # A step that changes nothing (from a room to itself) begins no shortest plan, as anybody sees.
    levels = [*((level, False) for level in named), (named[-1], True), (nearer, True), (lambda *_: None, True)]
    for (level, with_idle), state in itertools.product(levels, starts):
        here = a.space.number[state]
        sides: dict[bool, list[Step]] = {True: [], False: []}
        for step, then in a.space.steps[here] if left.get(here) else ():
            if with_idle or then != here:
                sides[left.get(then) == left[here] - 1].append(step)
        found = _matched(a.rng, sides[True], sides[False], lambda step, k=level, s=state: k(step, s))  # type: ignore[misc]
        if found:
            problem = a.instance.starting(state)
            return Question(problem, action=found[0]), Question(problem, action=found[1])
    return None


ATOMIC: dict[str, Callable[[Asked], Pair | None]] = {
    "applicability": _applicability,
    "progression": _progression,
    "reachability": _reachability,
    "action_reachability": _action_reachability,
    "validation": _validation,
    "justification": _justification,
    "landmarks": _landmarks,
    "next_action": _next_action,
}
"""Each makes two questions about an instance, the first with the answer yes; None if it does not suit the ability."""


SEARCHED = tuple(ability for ability in ATOMIC if ability not in ("validation", "justification"))
"""Abilities that take a search over all states."""
VERDICTS = ("plan_verification", *ATOMIC)
"""Abilities that ask for a verdict: that it is wrong tells the right one, or most of it."""
NOT_PLANS = (*VERDICTS, "plan_execution")
"""Abilities whose answer is no plan."""
