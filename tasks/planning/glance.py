"""What a reader answers to a question of yes or no who looks, and does not think: `baseline/shallow`."""

from __future__ import annotations

from collections.abc import Sequence

from harness.pddl.execute import Validator
from harness.pddl.parse import Fact
from harness.tasks.planning.atomic import Question


def _changes(validator: Validator, fact: str) -> bool:
    return fact.strip("()").partition(" ")[0] in validator.changing


def glance(ability: str, validator: Validator, goal: Sequence[Fact], asked: Question) -> bool:
    """What a reader answers who goes by the start, by names and by one step, and thinks no further: the first condition
    of an action holds; the facts are true at the start; two facts are about other things; a fact or a step is about the
    goal's objects; an action makes a fact of the goal true. Any list of actions is taken for a plan."""
    start, named = validator.problem.init, {name for fact in goal for name in fact[1:]}
    if ability == "applicability" and asked.action:
        # In the order of the domain's text, which is the same in all worlds.
        conditions = [show(asked.action[1:]) for _, show in validator.operators[asked.action[0]].condition.parts]
        checked = next((text for text in conditions if _changes(validator, text)), "")
        return checked not in validator.lacking(start, asked.action)
    if ability in ("progression", "action_reachability"):
        return start.issuperset(asked.facts)
    if ability == "reachability":
        return not set.intersection(*(set(fact[1:]) for fact in asked.facts))
    if ability == "landmarks":
        return any(name in named for fact in asked.facts for name in fact[1:])
    if ability == "justification" and asked.steps:
        return not any(name in named for number in asked.steps for name in asked.plan[number - 1][1:])
    if ability == "next_action" and asked.action:
        state = validator.apply(start, asked.action) or start
        return any(fact in state and fact not in start for fact in goal)
    return True
