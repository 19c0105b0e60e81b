"""Breadth-first search over the facts of a problem: an independent answer to how many steps the shortest plan has, and
to the questions of the atomic abilities."""

from __future__ import annotations

from collections.abc import Iterator

from harness.pddl.execute import Validator
from harness.tasks.planning.asking import question_of
from harness.tasks.planning.instances import compiled
from harness.tasks.planning.scoring import world_of
from harness.types import Params


def fewest_steps(
    validator: Validator,
    goal: set[tuple[str, ...]],
    most: int = 100_000,
    start: frozenset[tuple[str, ...]] | None = None,
    without: frozenset[tuple[str, ...]] | None = None,
) -> int | None:
    """From the problem's start, or another; through no state that has all the facts `without`. None where no plan
    exists; AssertionError beyond `most` states."""
    start = frozenset(validator.problem.init) if start is None else start
    layer, seen, depth = {start}, {start}, 0
    while layer:
        if any(goal <= facts for facts in layer):
            return depth
        depth += 1
        after = (validator.apply(facts, step) for facts in layer for step in validator.applicable(facts))
        layer = {facts for facts in after if facts is not None and not (without and without <= facts)} - seen
        seen |= layer
        assert len(seen) <= most
    return None


def truth(params: Params) -> bool:
    """The answer to a question of yes or no, from its params alone and in the names of its world: by running plans, and
    by going through states layer by layer, without harness.tasks.planning.space."""
    asked, ability = question_of(params), params["ability"]
    validator = compiled(world_of(params), str(params["problem"]))
    start, goal = frozenset(validator.problem.init), set(asked.problem.goal)
    action, facts = asked.action or (), frozenset(asked.facts)
    if ability == "applicability":
        return validator.apply(start, action) is not None
    if ability == "progression":
        return facts <= validator.validate(asked.plan).state
    if ability == "validation":
        return validator.validate(asked.plan).valid
    if ability == "justification":
        assert asked.steps is not None
        return validator.validate([step for i, step in enumerate(asked.plan, 1) if i not in asked.steps]).valid
    if ability == "next_action":
        after = validator.apply(start, action)
        assert after is not None
        fewest = fewest_steps(validator, goal)
        then = fewest_steps(validator, goal, start=after)
        return then is not None and fewest is not None and then == fewest - 1
    if ability == "landmarks":
        return fewest_steps(validator, goal, without=facts) is None
    found = False
    for state in states(validator, start):
        here = facts <= state and (ability == "reachability" or validator.apply(state, action) is not None)
        found = found or here
    return found


def states(validator: Validator, start: frozenset[tuple[str, ...]]) -> Iterator[frozenset[tuple[str, ...]]]:
    """Every state that can be reached, each once."""
    seen, waiting = {start}, [start]
    while waiting:
        state = waiting.pop()
        yield state
        for step in validator.applicable(state):
            after = validator.apply(state, step)
            if after is not None and after not in seen:
                seen.add(after)
                waiting.append(after)


def relaxed(
    validator: Validator, start: frozenset[tuple[str, ...]], without: frozenset[tuple[str, ...]] = frozenset()
) -> frozenset[tuple[str, ...]]:
    """The facts that could come about if no action made any fact false, but for those of `without`. STRIPS only."""
    facts = start - without
    while True:
        added = {fact for step in validator.applicable(facts) for fact in validator.apply(facts, step) or ()}
        # What a step deletes stays true here: `apply` shows what it adds.
        if added - without <= facts:
            return facts
        facts |= added - without
