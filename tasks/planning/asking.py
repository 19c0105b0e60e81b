"""A question of yes or no as a prompt in a world, as params, and its verdict."""

from __future__ import annotations

import re
from typing import Any

from harness.errors import DataError
from harness.pddl.plan_words import PROMPT
from harness.pddl_domains import World
from harness.reading import commitment, yes_no
from harness.reading.outcome import judge
from harness.tasks.planning import scoring
from harness.tasks.planning.atomic import Question
from harness.tasks.planning.glance import glance
from harness.tasks.planning.instances import compiled, from_problem
from harness.tasks.planning.prompts import template
from harness.tasks.planning.rendering import Rendering
from harness.types import Params, Score, StopReason

GOAL = ("validation", "justification", "landmarks", "next_action")
"""Abilities whose prompts name a goal."""


def prompt(says: Rendering, ability: str, asked: Question) -> str:
    """The whole prompt about a question."""
    given = says.problem(asked.problem) if ability in GOAL else says.state(asked.problem)
    parts = {"domain": says.domain(), "given": given, "plan": says.numbered(asked.plan)}
    parts["facts"] = "\n".join(f"- {says.said(fact)}" for fact in asked.facts)
    parts["action"] = f"- {says.said(asked.action)}" if asked.action else ""
    if asked.steps:
        first, last = asked.steps
        parts["steps"] = f"step {first} is" if first == last else f"steps {first} and {last} are"
    return f"{template(ability).format(**parts)}\n\n{template('yes_no')}"


def params_of(says: Rendering, asked: Question, right: bool) -> dict[str, Any]:
    """What a sample keeps of a question, in the names of its world."""
    found: dict[str, Any] = {"answer": "yes" if right else "no"}
    if asked.plan:
        found["plan"] = "\n".join(_text(says.atom(step)) for step in asked.plan)
    if asked.action:
        found["asked_action"] = _text(says.atom(asked.action))
    if asked.facts:
        found["asked_facts"] = " ".join(_text(says.atom(fact)) for fact in asked.facts)
    if asked.steps:
        found["asked_steps"] = asked.steps
    return found


def _text(atom: tuple[str, ...]) -> str:
    return f"({' '.join(atom)})"


def question_of(params: Params) -> Question:
    """The question that a sample's params keep. Raises DataError for params that have none."""
    validator = compiled(scoring.world_of(params), str(params.get("problem")))
    facts = tuple(tuple(text.split()) for text in re.findall(r"\(([^()]*)\)", str(params.get("asked_facts") or "")))
    action = tuple(str(params.get("asked_action") or "").strip("()").split()) or None
    steps = params.get("asked_steps")
    span = (int(str(steps[0])), int(str(steps[1]))) if isinstance(steps, tuple | list) and len(steps) == 2 else None
    plan = tuple(tuple(step) for step in scoring.given_plan(params))
    return Question(from_problem(validator.problem, "params.problem"), plan, action, facts, span)


def score(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Whether the response commits to the right one of yes and no. Raises DataError if params do not have it."""
    right = params.get("answer")
    if right not in ("yes", "no"):
        raise DataError("a planning sample of yes or no needs params.answer")
    found, _ = commitment.read(response, yes_no.READER, PROMPT)
    return judge(found, found.value == right, stop_reason, response)


def glanced(world: World, params: Params) -> str:
    """The answer of `baseline/shallow`, see glance.py."""
    asked = question_of(params)
    validator = compiled(world, str(params["problem"]))
    return "yes" if glance(str(params["ability"]), validator, asked.problem.goal, asked) else "no"
