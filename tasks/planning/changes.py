"""One fact of a planning question is another one, so that another answer is right: one of the goal, one action of a
plan, or what is asked about. What is right is found by a search over all states, or by the executor, in the plain
domain."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from harness.errors import HarnessError
from harness.pddl.execute import Validator
from harness.pddl.parse import Fact
from harness.pddl_domains import World
from harness.tasks.planning import asking, scoring, solutions
from harness.tasks.planning.atomic import Question
from harness.tasks.planning.cases import Case
from harness.tasks.planning.instances import Instance, Plan, after, compiled, from_problem, validator_of
from harness.tasks.planning.rendering import Rendering
from harness.tasks.planning.space import SPACES, Space
from harness.tasks.rewording import asked_as
from harness.types import Params, Sample

Step = tuple[str, ...]
MOST_TRIED = 400
"""So many other plans, or questions, are looked at."""
FEW_BLOCKS = 5
MOST_GOALS = 3
"""So many other goals are given to a planner, if there are too many states to go through."""


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

    def like(self, atom: Fact, places: Iterable[int] | None = None) -> Iterator[Fact]:
        """The fact or action with one object replaced by another one, or all of them by others."""
        for place in places or range(1, len(atom)):
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


def changed(sample: Sample, rng: random.Random) -> Sample | None:
    """See controls.CHANGES. None if no plan exists for the sample, for replanning (its prompt shows a plan for the
    goal), and if no such change is found."""
    if sample.params.get("solvable") == "no":
        return None
    ability = str(sample.params["ability"])
    return _CHANGED.get(ability, _goal_changed)(Posed(sample, rng, scoring.world_of(sample.params)))


def _swapped(text: str, old: str, new: str, start: int = 0) -> str | None:
    """The text with the first `old` behind `start` replaced; None if there is none."""
    place = text.find(old, start)
    return None if place < 0 else text[:place] + new + text[place + len(old) :]


def _pddl(atom: Iterable[str]) -> str:
    return f"({' '.join(atom)})"


# Plans for a goal -------------------------------------------------------------------------------------------------


def _goals(posed: Posed) -> Iterator[list[tuple[Fact, Fact]]]:
    """Facts of the goal, each with what it becomes: one of them, in random order; then two that have changed an object
    with each other; then all of them with two objects exchanged."""
    goal = posed.instance.goal
    changing = [fact for fact in goal if fact[0] in posed.validator.changing]
    single = [(fact, other) for fact in changing for other in posed.like(fact)]
    yield from ([pair] for pair in posed.shuffled(single))
    for one, two in posed.shuffled(itertools.combinations(changing, 2)):
        if one[0] == two[0] and len(one) == len(two) > 1:
            yield [(one, (*one[:-1], two[-1])), (two, (*two[:-1], one[-1]))]
    for a, b in posed.shuffled(itertools.combinations(posed.instance.objects, 2)):
        if posed.instance.objects[a] == posed.instance.objects[b]:
            swap = {a: b, b: a}
            turned = [(fact, (fact[0], *(swap.get(name, name) for name in fact[1:]))) for fact in changing]
            yield [(old, new) for old, new in turned if old != new]


def _goal_changed(posed: Posed) -> Sample | None:
    goal, sample, planned = posed.instance.goal, posed.sample, 0
    small = posed.space is not None or len(posed.instance.objects) <= solutions.SMALL
    if not small and posed.params.get("optimal_cost") is None:
        return None
    for pairs in _goals(posed):
        becomes = dict(pairs)
        new = tuple(becomes.get(fact, fact) for fact in goal)
        problem = posed.instance.wanting(new)
        if not pairs or len(set(new)) < len(new) or set(new) == set(goal) or problem.solved():
            continue
        if posed.base.domain.name == "blocksworld" and not _stackable(new):
            continue
        if posed.space is not None and _together(posed.space, (*goal, *new)):
            continue  # some plan may reach both
        planned += not small
        if planned > MOST_GOALS:
            return None
        plan = posed.solved(problem) if posed.space is None or _together(posed.space, new) else None
        if not plan:
            continue
        made = _with_goal(posed, pairs, problem, plan)
        if made and scoring.score(made.params, sample.target, "stop", "explanation").value != 1.0:
            return made
    return None


def _stackable(goal: Iterable[Fact]) -> bool:
    """Whether blocks can stand so: each on one and under one, and none on itself. (To search for it takes longer.)"""
    below = {fact[1]: fact[2] for fact in goal if fact[0] == "on"}
    if len(below) < sum(fact[0] == "on" for fact in goal) or len(set(below.values())) < len(below):
        return False
    for start in below:
        block = below[start]
        while block in below and block != start:
            block = below[block]
        if block == start:
            return False
    return True


def _together(space: Space, facts: Iterable[Fact]) -> bool:
    """Whether a state has all these facts."""
    states = (1 << len(space.states)) - 1
    for fact in facts:
        states &= space.facts.get(fact, 0)
    return bool(states)


def _with_goal(posed: Posed, pairs: list[tuple[Fact, Fact]], problem: Instance, plan: Plan) -> Sample | None:
    text, says, given = posed.sample.messages[-1].content, posed.says, str(posed.params["problem"])
    start = max(text.rfind("The goal is that:"), text.rfind("(:goal (and"))
    listed = text[start:].startswith("The")
    marks = []
    for number, (old, new) in enumerate(pairs):
        mark = f"\0{number}\0"
        shown = f"- {says.said(old)}" if listed else _pddl(says.atom(old))
        other = f"- {says.said(new)}" if listed else _pddl(says.atom(new))
        found = _line_swapped(text, shown, mark, start) if listed else _swapped(text, shown, mark, start)
        inside = _swapped(given, _pddl(says.atom(old)), mark, given.rfind("(:goal"))
        if found is None or inside is None:
            return None
        text, given = found, inside
        marks.append((mark, other, _pddl(says.atom(new))))
    for mark, other, atom in marks:
        text, given = text.replace(mark, other), given.replace(mark, atom)
    params: dict[str, Any] = {**posed.params, "problem": given}
    if params.get("optimal_cost") is not None:
        params["optimal_cost"] = len(plan)
    return asked_as(posed.sample, text, params, says.target("plan_generation", Case(problem, plan)))


def _line_swapped(text: str, old: str, new: str, start: int) -> str | None:
    """As `_swapped`, for a whole line."""
    place = f"{text}\n".find(f"\n{old}\n", start)
    return None if place < 0 else text[: place + 1] + new + text[place + 1 + len(old) :]


# Plans to judge and to carry out ----------------------------------------------------------------------------------


def _other_steps(posed: Posed) -> Iterator[tuple[int, Step]]:
    """(place, another step there): steps with one other object, and those that can be taken there."""
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
    return iter(posed.shuffled(kept))


def _with_plan(posed: Posed, place: int, step: Step) -> tuple[Plan, str, dict[str, Any]] | None:
    """(the plan with one other step, the text, the params)."""
    says, text = posed.says, posed.sample.messages[-1].content
    plan = (*posed.plan[:place], step, *posed.plan[place + 1 :])
    old, new = (says.numbered(p).split("\n")[place] for p in (posed.plan, plan))
    start = text.rfind(says.numbered(posed.plan))
    found = _line_swapped(text, old, new, start - 1) if start >= 0 else None
    if found is None:
        return None
    written = "\n".join(_pddl(says.atom(s)) for s in plan)
    return plan, found, {**posed.params, "plan": written}


def _verdict_changed(posed: Posed) -> Sample | None:
    """One step of the plan is another one: a valid plan fails, one that fails is valid, or if that can't be it fails in
    another way."""
    was = posed.validator.validate(posed.plan)
    second: Sample | None = None
    for place, step in itertools.islice(_other_steps(posed), MOST_TRIED):
        made = _with_plan(posed, place, step)
        if made is None:
            continue
        plan, text, params = made
        verdict = posed.validator.validate(plan)
        reason = "valid" if verdict.valid else str(verdict.reason)
        if reason not in ("valid", "precondition", "goal") or any("(" in fact[1:] for fact in verdict.missing):
            continue
        target = posed.says.verdict(Case(posed.instance, None, plan=plan))
        if target == posed.sample.target:
            continue
        found = asked_as(posed.sample, text, {**params, "plan_kind": reason}, target)
        if verdict.valid != was.valid:
            return found
        if second is None and scoring.score(found.params, posed.sample.target, "stop", "explanation").value != 1.0:
            second = found
    return second


def _state_changed(posed: Posed) -> Sample | None:
    """One action of those that are carried out is another one; all of them are still possible."""
    end = after(posed.validator, posed.instance.init, posed.plan)
    for place, step in _other_steps(posed):
        made = _with_plan(posed, place, step)
        if made is None:
            continue
        plan, text, params = made
        with contextlib.suppress(ValueError):
            if after(posed.validator, posed.instance.init, plan) != end:
                target = posed.says.target("plan_execution", Case(posed.instance, (), plan=plan))
                return asked_as(posed.sample, text, params, target)
    return None


# Yes or no --------------------------------------------------------------------------------------------------------


def _asked_changed(posed: Posed) -> Sample | None:
    """What is asked about is another fact, action, step or plan of the same sort, with the other answer."""
    own, ability = asking.question_of(posed.params), str(posed.params["ability"])
    asked = replace(
        own,
        problem=posed.instance,
        plan=tuple(map(posed.back, own.plan)),
        facts=tuple(map(posed.back, own.facts)),
        action=posed.back(own.action) if own.action else None,
    )
    holds = _holds(posed, ability)
    if holds is None:
        return None
    for other in itertools.islice(_questions(posed, ability, asked), MOST_TRIED):
        right = holds(other)
        if right is None or right == (posed.sample.target == "yes"):
            continue
        text = _asked_again(posed, ability, asked, other)
        if text is not None:
            params = {**posed.params, **asking.params_of(posed.says, other, right)}
            return asked_as(posed.sample, text, params, str(params["answer"]))
    return None


def _asked_again(posed: Posed, ability: str, old: Question, new: Question) -> str | None:
    """The text with the new question: the same prompt but for the lines that say what is asked."""
    text = posed.sample.messages[-1].content
    exact = replace(posed.says, exact=True)
    one, two = (asking.prompt(exact, ability, question) for question in (old, new))
    before, after_ = one.split("\n"), two.split("\n")
    if len(before) != len(after_):
        return None
    for a, b in zip(reversed(before), reversed(after_), strict=True):
        if a != b:
            place = f"\n{text}\n".rfind(f"\n{a}\n")
            if place < 0:
                return None
            text = text[:place] + b + text[place + len(a) :]
    return text


def _holds(posed: Posed, ability: str) -> Callable[[Question], bool | None] | None:
    """What says whether the answer to a question is yes (None of one that is not to be asked). None if there are too
    many states to know."""
    validator, start, goal = posed.validator, posed.instance.init, posed.instance.goal
    if ability in ("validation", "justification"):
        return lambda q: validator.validate(_left(q)).valid
    if ability == "progression":
        return lambda q: q.facts[0] in after(validator, start, q.plan)
    if ability == "applicability":
        return lambda q: q.action is not None and not validator.lacking(start, q.action)
    space = posed.space
    if space is None:
        return None
    here, known = space.number[start], space.facts
    if ability == "reachability":
        return lambda q: bool(known[q.facts[0]] & known[q.facts[1]])
    if ability == "action_reachability":
        return lambda q: bool(space.actions[q.action or ()] & known[q.facts[0]])
    if ability == "landmarks":
        return lambda q: None if q.facts[0] in (*start, *goal) else space.is_landmark(q.facts[0], here, goal)
    left = space.distances(goal)
    after_step = dict(space.steps[here])
    return lambda q: None if q.action not in after_step else left.get(after_step[q.action], -2) == left[here] - 1


def _left(question: Question) -> Plan:
    if question.steps is None:
        return question.plan
    first, last = question.steps
    return question.plan[: first - 1] + question.plan[last:]


def _questions(posed: Posed, ability: str, asked: Question) -> Iterator[Question]:
    """Other questions of the sort: about a fact of the same name first, or an action of the same name."""
    rng = posed.rng
    if ability == "justification":
        assert asked.steps is not None
        width = asked.steps[1] - asked.steps[0]
        spans = [(i, i + width) for i in range(1, len(asked.plan) + 1 - width) if i != asked.steps[0]]
        yield from (replace(asked, steps=span) for span in posed.shuffled(spans))
    elif ability == "validation":
        yield from _plans(posed, asked)
    elif ability in ("applicability", "next_action"):
        steps = posed.space.actions if posed.space else posed.validator.applicable(posed.instance.init)
        others = [step for step in posed.shuffled(sorted(steps)) if step != asked.action]
        assert asked.action is not None
        name = asked.action[0]
        wrong = [step for step in posed.like(asked.action) if posed.validator.of_kinds(step)]
        others = [*others, *(posed.shuffled(wrong) if ability == "applicability" else ())]
        yield from (replace(asked, action=s) for s in sorted(others, key=lambda step: step[0] != name))
    else:
        known = posed.space.facts if posed.space else posed.instance.init | posed.validator.validate(asked.plan).state
        changing = [fact for fact in sorted(known) if fact[0] in posed.validator.changing]
        place = rng.randrange(len(asked.facts))
        fact = asked.facts[place]
        others = [f for f in posed.shuffled(changing) if f not in asked.facts]
        for other in sorted(others, key=lambda f: f[0] != fact[0]):
            facts = (*asked.facts[:place], other, *asked.facts[place + 1 :])
            if len(facts) == 1 or not posed.instance.init.issuperset(facts):
                yield replace(asked, facts=facts)


def _plans(posed: Posed, asked: Question) -> Iterator[Question]:
    """The plan with one other step; then, of one that fails, with another end, the shortest after as many steps as
    possible."""
    plan = asked.plan
    for place, step in _other_steps(posed):
        yield replace(asked, plan=(*plan[:place], step, *plan[place + 1 :]))
    for kept in range(len(plan) - 1, -1, -1):
        with contextlib.suppress(ValueError):
            state = after(posed.validator, posed.instance.init, plan[:kept])
            end = posed.solved(posed.instance.starting(state))
            if end is not None and kept + len(end) == len(plan):
                yield replace(asked, plan=(*plan[:kept], *end))


_CHANGED: dict[str, Callable[[Posed], Sample | None]] = {
    "plan_verification": _verdict_changed,
    "plan_execution": _state_changed,
    "replanning": lambda _: None,
    **dict.fromkeys(
        ("applicability", "progression", "reachability", "action_reachability", "validation", "justification",
         "landmarks", "next_action"),
        _asked_changed,
    ),
}  # fmt: skip
"""Of the other abilities the goal is changed."""
