"""Another question of yes or no about the same instance, with the other answer: about another fact, action, step or
plan of the same sort. See changes.py."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace

from harness.tasks.planning import asking
from harness.tasks.planning.atomic import Question
from harness.tasks.planning.instances import Plan, after
from harness.tasks.planning.posed import MOST_TRIED, Posed, other_steps
from harness.tasks.rewording import asked_as
from harness.types import Sample


def asked_changed(posed: Posed) -> Sample | None:
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
        must = space.landmarks(here, goal)
        return lambda q: None if q.facts[0] in (*start, *goal) else q.facts[0] in must
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
    for place, step in other_steps(posed):
        yield replace(asked, plan=(*plan[:place], step, *plan[place + 1 :]))
    for kept in range(len(plan) - 1, -1, -1):
        with contextlib.suppress(ValueError):
            state = after(posed.validator, posed.instance.init, plan[:kept])
            end = posed.solved(posed.instance.starting(state))
            if end is not None and kept + len(end) == len(plan):
                yield replace(asked, plan=(*plan[:kept], *end))
