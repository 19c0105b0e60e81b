"""Writes the plans that ship with the domains: `python -m harness.tasks.planning.ship FOLDER` (needs a planner).

For each domain these are the first instances of its default set with seed 0, and the problems that the abilities ask
about them. There is one row per problem: its key (solutions.key) and a plan with the fewest steps.
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.pddl_domains import World
from harness.tasks.planning import solutions
from harness.tasks.planning.cases import ABILITIES
from harness.tasks.planning.domain_tasks import Blocksworld, Depots, Gripper, Logistics, Sokoban
from harness.tasks.planning.instances import Instance, Plan
from harness.tasks.planning.task import Planning

INSTANCES = 120


def plans(task: Planning) -> Iterator[tuple[str, Plan]]:
    """(key, plan) of every problem that is solved to make the task's samples."""
    found: list[tuple[str, Plan]] = []
    solve = solutions.shortest

    def recording(base: World, instance: Instance) -> Plan | None:
        plan = solve(base, instance)
        if plan is not None:
            found.append((solutions.key(base.pddl, instance.pddl(base.domain.name)), plan))
        return plan

    solutions.shortest = recording
    try:
        for _ in itertools.islice(task.samples(0), INSTANCES * len(task.ability)):
            yield from found
            found.clear()
    finally:
        solutions.shortest = solve


def main(folder: Path) -> None:
    """Write FOLDER/DOMAIN/plans.tsv for every domain."""
    for kind in (Blocksworld, Depots, Gripper, Logistics, Sokoban):
        # A goal of one fact can't be shuffled, and all goals of the default Sokoban have one.
        abilities = tuple(a for a in ABILITIES if kind is not Sokoban or a != "goal_shuffling")
        rows: dict[str, Plan] = {}
        for wanted in (abilities, ("plan_generation",)):
            rows |= plans(kind(ability=wanted, rename=("plain",)))
        lines = [f"{key}\t{', '.join(' '.join(step) for step in plan)}\n" for key, plan in rows.items()]
        (folder / kind.name / "plans.tsv").write_text("".join(lines), encoding="utf-8")
        print(f"{kind.name}: {len(lines)} plans")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
