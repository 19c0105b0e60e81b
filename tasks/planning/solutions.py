"""Plans with the fewest steps: shipped for the default sets, searched for small Blocksworld and puzzles, else made by a
planner."""

from __future__ import annotations

import contextlib
import functools
import hashlib
from importlib import resources

from harness.errors import HarnessError, UsageError
from harness.pddl_domains import World, plain
from harness.tasks.planning import puzzles, towers
from harness.tasks.planning.atomic import NOT_PLANS
from harness.tasks.planning.instances import Instance, Plan
from harness.tasks.planning.rendering import NO_PLAN, Rendering
from harness.types import Params

SMALL = 6
"""Up to this number of blocks a breadth-first search is quicker than a planner."""

TIME_LIMIT = 120.0


def key(domain: str, problem: str) -> str:
    """The key of a shipped plan: a hash of the PDDL of domain and problem."""
    return hashlib.sha256(f"{domain}\x1f{problem}".encode()).hexdigest()[:20]


@functools.cache
def _shipped(name: str) -> dict[str, str]:
    """The shipped plans of a domain by key; empty if it has none."""
    folder = resources.files("harness.pddl_domains") / name
    file = folder / "plans.tsv"
    if not folder.is_dir() or not file.is_file():
        return {}
    rows = (line.split("\t") for line in file.read_text(encoding="utf-8").splitlines() if "\t" in line)
    return {row[0]: row[1] for row in rows}


def shortest(base: World, instance: Instance) -> Plan | None:
    """A plan with the fewest steps; None if no plan exists. Raises MissingPlanner if a planner is needed and none is
    installed, HarnessError if the planner fails or takes too long."""
    name = base.domain.name
    problem = instance.pddl(name)
    shipped = _shipped(name).get(key(base.pddl, problem))
    if shipped is not None:
        return tuple(tuple(step.split()) for step in shipped.split(", ") if step)
    if name == "blocksworld" and len(instance.objects) <= SMALL and all(f[0] != "holding" for f in instance.goal):
        start, held = towers.from_facts(instance.init)
        return towers.shortest(start, instance.goal, held)
    if name in puzzles.SOLVERS and base is plain(name):
        with contextlib.suppress(puzzles.Unknown):
            return puzzles.SOLVERS[name](instance)
    return _from_planner(base.pddl, problem)


def _from_planner(domain: str, problem: str) -> Plan | None:
    from harness.pddl import planner  # heavy, and most runs find all plans shipped

    solution = planner.solve(domain, problem, optimal=True, time_limit=TIME_LIMIT)
    if solution.status == "unsolvable":
        return None
    if solution.status != "solved" or not solution.optimal:
        raise HarnessError(
            f"{solution.engine or 'the planner'} found no plan with the fewest steps in {TIME_LIMIT:g} s: "
            f"{solution.status} {solution.detail}".rstrip(),
            "smaller instances (harness tasks NAME lists the options)",
        )
    return solution.plan


def planned(world: World, params: Params, nl: bool) -> str:
    """The answer of `baseline/planner`: the planner reads the sample's PDDL; its plan is written as the prompt asks.

    Raises UsageError for abilities that ask for no plan.
    """
    if params["ability"] in NOT_PLANS:
        raise UsageError(f"baseline/planner makes plans: it has no answer for {params['ability']}")
    plan = _from_planner(world.pddl, str(params["problem"]))
    return NO_PLAN if plan is None else Rendering(world, world, {}, nl).plan(plan)
