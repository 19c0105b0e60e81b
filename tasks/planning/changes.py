"""One fact of a planning question is another one, so that another answer is right: one of the goal, one action of a
plan, or what is asked about. What is right is found by a search over all states, or by the executor, in the plain
domain."""

from __future__ import annotations

import contextlib
import itertools
import random
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from harness.pddl.parse import Fact
from harness.tasks.planning import scoring, solutions
from harness.tasks.planning.cases import Case
from harness.tasks.planning.changes_asked import asked_changed
from harness.tasks.planning.instances import Instance, Plan, after
from harness.tasks.planning.posed import MOST_TRIED, Posed, Step, in_pddl, line_swapped, other_steps, swapped
from harness.tasks.planning.space import Space
from harness.tasks.rewording import asked_as
from harness.types import Sample

MOST_GOALS = 3
"""So many other goals are given to a planner, if there are too many states to go through."""


def changed(sample: Sample, rng: random.Random) -> Sample | None:
    """See controls.CHANGES. None if no plan exists for the sample, for replanning (its prompt shows a plan for the
    goal), and if no such change is found."""
    if sample.params.get("solvable") == "no":
        return None
    ability = str(sample.params["ability"])
    return _CHANGED.get(ability, _goal_changed)(Posed(sample, rng, scoring.world_of(sample.params)))


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
        shown = f"- {says.said(old)}" if listed else in_pddl(says.atom(old))
        other = f"- {says.said(new)}" if listed else in_pddl(says.atom(new))
        found = line_swapped(text, shown, mark, start) if listed else swapped(text, shown, mark, start)
        inside = swapped(given, in_pddl(says.atom(old)), mark, given.rfind("(:goal"))
        if found is None or inside is None:
            return None
        text, given = found, inside
        marks.append((mark, other, in_pddl(says.atom(new))))
    for mark, other, atom in marks:
        text, given = text.replace(mark, other), given.replace(mark, atom)
    params: dict[str, Any] = {**posed.params, "problem": given}
    if params.get("optimal_cost") is not None:
        params["optimal_cost"] = len(plan)
    return asked_as(posed.sample, text, params, says.target("plan_generation", Case(problem, plan)))


# Plans to judge and to carry out ----------------------------------------------------------------------------------


def _with_plan(posed: Posed, place: int, step: Step) -> tuple[Plan, str, dict[str, Any]] | None:
    """(the plan with one other step, the text, the params)."""
    says, text = posed.says, posed.sample.messages[-1].content
    plan = (*posed.plan[:place], step, *posed.plan[place + 1 :])
    old, new = (says.numbered(p).split("\n")[place] for p in (posed.plan, plan))
    start = text.rfind(says.numbered(posed.plan))
    found = line_swapped(text, old, new, start - 1) if start >= 0 else None
    if found is None:
        return None
    written = "\n".join(in_pddl(says.atom(s)) for s in plan)
    return plan, found, {**posed.params, "plan": written}


def _verdict_changed(posed: Posed) -> Sample | None:
    """One step of the plan is another one: a valid plan fails, one that fails is valid, or if that can't be it fails in
    another way."""
    was = posed.validator.validate(posed.plan)
    second: Sample | None = None
    for place, step in itertools.islice(other_steps(posed), MOST_TRIED):
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
    for place, step in other_steps(posed):
        made = _with_plan(posed, place, step)
        if made is None:
            continue
        plan, text, params = made
        with contextlib.suppress(ValueError):
            if after(posed.validator, posed.instance.init, plan) != end:
                target = posed.says.target("plan_execution", Case(posed.instance, (), plan=plan))
                return asked_as(posed.sample, text, params, target)
    return None


_CHANGED: dict[str, Callable[[Posed], Sample | None]] = {
    "plan_verification": _verdict_changed,
    "plan_execution": _state_changed,
    "replanning": lambda _: None,
    **dict.fromkeys(
        ("applicability", "progression", "reachability", "action_reachability", "validation", "justification",
         "landmarks", "next_action"),
        asked_changed,
    ),
}  # fmt: skip
"""Of the other abilities the goal is changed."""
