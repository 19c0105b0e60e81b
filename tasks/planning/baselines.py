"""What the baselines answer: the oracle, a classical planner, a shallow reader, chance."""

from __future__ import annotations

import random

from harness.tasks.planning import asking, scoring, solutions
from harness.tasks.planning.atomic import ATOMIC
from harness.tasks.planning.instances import compiled, from_problem, greedy, wander
from harness.tasks.planning.rendering import NO_PLAN, Rendering
from harness.types import Sample


def answer(kind: str, sample: Sample, rng: random.Random, gives_up: bool) -> str:
    """See Planning.baseline. `gives_up`: chance may say that no plan exists."""
    if kind == "oracle":
        return sample.target
    params, world = sample.params, scoring.world_of(sample.params)
    nl = params["prompt"] == "nl"
    if kind == "planner":
        return solutions.planned(world, params, nl)
    if params["ability"] in ATOMIC:
        return asking.glanced(world, params) if kind == "shallow" else rng.choice(["yes", "no"])
    validator = compiled(world, str(params["problem"]))
    ability = params["ability"]
    says = Rendering(world, world, {}, nl)
    if ability == "plan_verification":
        return "Answer: valid" if kind == "shallow" else f"Answer: {rng.choice(['valid', 'invalid'])}"
    facts = validator.problem.init
    if ability == "plan_execution":
        steps = wander(rng, validator, facts, 4) if kind == "random" else ()
        return f"Resulting state:\n{says.listed(validator.validate(steps).state)}"
    if kind == "random":
        if gives_up and rng.random() < 0.5:
            return NO_PLAN
        return says.plan(wander(rng, validator, facts, rng.randint(1, 10)))
    if params.get("plan"):
        return says.plan(tuple(tuple(step) for step in scoring.given_plan(params)))
    return says.plan(greedy(validator, from_problem(validator.problem, "params.problem")))
