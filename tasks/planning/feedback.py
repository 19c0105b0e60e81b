"""What is wrong with a response, in the names and words of its sample, for the model that gave it: where its own plan
fails and which facts are unmet there, never a step that would be right."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence

from harness.errors import UsageError
from harness.pddl.execute import PlanSyntax, Validator, read_plan
from harness.pddl.parse import PDDLError
from harness.pddl_domains import World
from harness.tasks.planning.atomic import VERDICTS
from harness.tasks.planning.instances import compiled
from harness.tasks.planning.rendering import NO_PLAN
from harness.tasks.planning.scoring import world_of
from harness.types import Feedback, Params, Score

MOST = 10
"""Steps that are named at most."""


def feedback(params: Params, score: Score, level: str) -> Feedback:
    """From the problem and the answer that was read. `first-error` is the first step that can't be taken, with its
    unmet facts, or else the unmet goals. `all-errors` leaves such a step out and goes on, up to the goals. Verdicts on
    a given plan, and yes or no, are right or wrong, no more: that takes the answer key (Planning.feedback_aid)."""
    ability = params.get("ability")
    if score.value == 1 or score.answer is None or level == "binary" or ability in VERDICTS:
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

    def step(self, number: int, step: Sequence[str], of_the_domain: bool) -> str:
        """`Step 3, pick up the red block,`; without words for what is no step of the domain."""
        if not self._nl:
            return f"Step {number}, ({' '.join(step)}),"
        return f"Step {number}, {self._world.sentence(tuple(step))}," if of_the_domain else f"Step {number}"

    def unmet(self, facts: Sequence[str]) -> str:
        """The conditions that do not hold, written `(name object ...)`, as a clause. What has no words stays PDDL."""
        said = [self._clause(fact) for fact in facts]
        parts = [
            (words, [text for holds, text in said if holds is wanted])
            for words, wanted in (("it is not true that", True), ("it is true that", False))
        ]
        return " and ".join(f"{words} {'; '.join(texts)}" for words, texts in parts if texts)

    def _clause(self, pddl: str) -> tuple[bool, str]:
        """(whether it should hold, its text) of a condition."""
        if self._nl:
            with contextlib.suppress(PDDLError, UsageError):
                return self._world.clause(pddl)
        return True, pddl


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
        why = _MALFORMED.get(str(verdict.reason)) or says.unmet(verdict.missing)
        yield f"{says.step(number, step, verdict.reason not in _MALFORMED)} is not possible: {why}."


_MALFORMED = {
    "unknown_action": "there is no such action",
    "arity": "it has too many objects, or too few",
    "unknown_object": "it names an object that is not there",
    "type": "one of its objects is of another kind",
}


def _false_facts(score: Score, says: _Says) -> Iterator[str]:
    for fact in score.detail.get("extra") or ():
        yield f"At the end {says.unmet([fact])}."
    if score.detail.get("missing"):
        yield "Something that is true at the end is missing."
