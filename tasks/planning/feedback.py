"""What is wrong with a response, in the names and words of its sample, for the model that gave it: where its own plan
fails and which facts are unmet there, never a step that would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from harness.pddl.execute import PlanSyntax, Validator, Verdict, read_plan
from harness.pddl_domains import World
from harness.tasks.planning.instances import compiled
from harness.tasks.planning.rendering import NO_PLAN
from harness.tasks.planning.scoring import world_of
from harness.types import Feedback, Params, Score

MOST = 10
"""Steps that are named at most."""


def feedback(params: Params, score: Score, level: str) -> Feedback:
    """From the problem and the answer that was read. `first-error` is the first step that can't be taken, with its
    unmet facts, or else the unmet goals. `all-errors` leaves such a step out and goes on, up to the goals. Verdicts on
    a given plan are right or wrong, no more."""
    ability = params.get("ability")
    if score.value == 1 or score.answer is None or level == "binary" or ability == "plan_verification":
        return Feedback.of(score)
    if score.answer == NO_PLAN:
        return Feedback(False, "There is a plan.")
    says = _Says(world_of(params), params.get("prompt") == "nl")
    if ability == "plan_execution":
        found = list(_false_facts(score, says))
    elif score.detail.get("goal"):
        found = ["The goal is reached, but fewer actions would do."]
    else:
        found = list(_faults(score.answer, compiled(world_of(params), str(params["problem"])), says))
    found = found or ["The answer is wrong."]
    return Feedback(False, "\n".join(found if level == "all-errors" else found[:1]))


class _Says:
    """Facts and steps as the sample's prompt has them."""

    def __init__(self, world: World, nl: bool) -> None:
        self._world, self._nl = world, nl

    def text(self, pddl: str) -> str:
        """A fact or a step, written `(name object ...)`; anything else is left as it is."""
        atom = tuple(pddl.strip("()").split())
        known = self._world.domain
        if not self._nl or not re.fullmatch(r"\([^()]+\)", pddl) or not atom:
            return pddl
        signature = known.predicates.get(atom[0])
        count = len(known.actions[atom[0]].parameters) if atom[0] in known.actions else None
        count = len(signature) if signature is not None else count
        return self._world.sentence(atom) if count == len(atom) - 1 else pddl

    def unmet(self, facts: Sequence[str]) -> str:
        """The facts that do not hold, as a clause."""
        return f"it is not true that {'; '.join(self.text(fact) for fact in facts)}"


def _faults(answer: str, validator: Validator, says: _Says) -> Iterator[str]:
    steps = read_plan(answer)
    rest = [] if isinstance(steps, PlanSyntax) else list(enumerate(steps, 1))
    left_out = False
    for _ in range(MOST):
        verdict = validator.validate([step for _, step in rest])
        if verdict.valid:
            return
        if verdict.step is None:
            end = "after the other steps" if left_out else "at the end"
            yield f"The goal is not reached: {end} {says.unmet(verdict.missing)}."
            return
        number, step = rest.pop(verdict.step - 1)
        left_out = True
        yield f"Step {number}, {says.text(_pddl(step))}, is not possible: {_why(verdict, says)}."


def _why(verdict: Verdict, says: _Says) -> str:
    return says.unmet(verdict.missing) if verdict.missing else verdict.detail


def _pddl(step: Sequence[str]) -> str:
    return f"({' '.join(step)})"


def _false_facts(score: Score, says: _Says) -> Iterator[str]:
    for fact in score.detail.get("extra") or ():
        yield f"At the end {says.unmet([fact])}."
    if score.detail.get("missing"):
        yield "Something that is true at the end is missing."
