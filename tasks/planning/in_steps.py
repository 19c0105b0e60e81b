"""Plans in the making, for strategies that search: a step is one action, and "Done." ends the plan.

The prompts name the actions taken so far and not the state after them: to know that is the model's task.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

from harness.pddl import plan_text
from harness.pddl.execute import Validator
from harness.pddl_domains import World
from harness.tasks.planning.instances import compiled, from_problem
from harness.tasks.planning.prompts import template
from harness.tasks.planning.rendering import NO_PLAN, Rendering
from harness.tasks.planning.space import State, explored
from harness.types import Params

ABILITIES = ("plan_generation", "plan_optimality")
"""What is asked in steps."""
END = "Done."
MOST_STATES = 3_000
"""A larger problem is not gone through: what can come of its states is not known."""


def joined(partial: str, thought: str) -> str:
    """A plan with one more action: numbered, unless it is PDDL in parentheses. `no plan exists` takes its place."""
    said = thought.strip()
    if said.lower().strip(" .*\"'") == NO_PLAN:
        return NO_PLAN
    if said.lower().strip(" .*\"'") == "done":
        said = END
    elif said and not said.startswith("("):
        said = f"{len(partial.splitlines()) + 1}. {said[:1].upper()}{said[1:]}"
    return f"{partial}\n{said}" if partial and said else partial or said


def complete(partial: str) -> bool:
    """Whether the plan says that it has ended."""
    return partial in (NO_PLAN, END) or partial.endswith(f"\n{END}")


def next_prompt(world: World, params: Params, partial: str, k: int, way_out: bool, exact: bool) -> str:
    """The prompt for the next action, in the sample's own names and language."""
    nl = params["prompt"] == "nl"
    says = Rendering(world, world, {}, nl, exact=exact)
    problem = _in_words(world, says, str(params["problem"])) if nl else str(params["problem"]).strip()
    return template("next_actions").format(
        domain=says.domain(),
        problem=problem,
        done=f"These actions were taken so far:\n{partial}" if partial else "No action was taken yet.",
        k=k,
        form="in the words used above" if nl else "in parentheses",
        way_out=f' If no plan can reach the goal, write "{NO_PLAN}" instead.' if way_out else "",
    )


def _in_words(world: World, says: Rendering, pddl: str) -> str:
    """The problem as in the sample's prompt: its facts in the order of the PDDL, which is the same in all worlds."""
    instance = from_problem(compiled(world, pddl).problem, "params.problem")
    written = re.findall(r"\(([^()]+)\)", pddl.partition("(:init")[2].partition("(:goal")[0])
    facts = [fact for text in written if (fact := tuple(text.split())) in instance.init]
    start = says.state(instance).removesuffix(says.listed(instance.init))
    return start + "\n".join(f"- {says.said(fact)}" for fact in facts) + f"\n\n{says.goal(instance.goal)}"


def judged(world: World, params: Params, partial: str) -> float | None:
    """1 at the goal, 1 / (1 + the fewest actions that lead to it) before it, 0 if it can't be reached any more, or the
    plan can't be executed or has ended too early. None if the problem is too large to go through.

    For plan_optimality also 0 if the plan will be longer than necessary. If no plan exists, 1 until one has ended.
    """
    validator = compiled(world, str(params["problem"]))
    left = distances(world, str(params["problem"]))
    if left is None:
        return None
    fewest = left.get(validator.problem.init)
    if partial == NO_PLAN:
        return float(fewest is None)
    ended = complete(partial)
    steps = steps_of(world, validator, partial.removesuffix(END).rstrip("\n"))
    if steps is None:
        return 0.0
    verdict = validator.validate(steps)
    if fewest is None:
        return float(not ended)
    to_go = left.get(verdict.state) if verdict.step is None else None
    if to_go is None or (ended and to_go):
        return 0.0
    if params["ability"] == "plan_optimality" and len(steps) + to_go > fewest:
        return 0.0
    return 1 / (1 + to_go)


def steps_of(world: World, validator: Validator, partial: str) -> list[Any] | None:
    """The actions; None if a line can't be read as one action."""
    if not partial:
        return []
    lexicon = world.lexicon(frozenset(validator.problem.objects))
    found = plan_text.read(partial, lexicon, validator.of_kinds, lambda text: False)
    steps = validator.filled(found.steps) if any("" in step for step in found.steps) else list(found.steps)
    return None if isinstance(steps, int) or len(steps) != len(partial.splitlines()) else steps


@functools.lru_cache(maxsize=64)
def distances(world: World, problem: str) -> Mapping[State, int] | None:
    """The fewest actions to the goal from every state that can be reached and from which it can; None if there are too
    many states, or numbers decide."""
    validator = compiled(world, problem)
    try:
        space = explored(validator, validator.problem.init, MOST_STATES)
    except ValueError:
        return None
    if space is None:
        return None
    left = space.distances(from_problem(validator.problem, "params.problem").goal)
    return {space.states[i]: steps for i, steps in left.items()}
