"""Breadth-first search over the facts of a problem: an independent answer to how many steps the shortest plan has."""

from __future__ import annotations

from harness.pddl.execute import Validator


def fewest_steps(validator: Validator, goal: set[tuple[str, ...]], most: int = 100_000) -> int | None:
    """None where no plan exists; AssertionError beyond `most` states."""
    start = frozenset(validator.problem.init)
    layer, seen, depth = {start}, {start}, 0
    while layer:
        if any(goal <= facts for facts in layer):
            return depth
        depth += 1
        after = (validator.apply(facts, step) for facts in layer for step in validator.applicable(facts))
        layer = {facts for facts in after if facts is not None} - seen
        seen |= layer
        assert len(seen) <= most
    return None
