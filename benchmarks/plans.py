"""Plans validated per second on one core: by our validator, and by VAL and unified-planning if they are installed.

    python benchmarks/plans.py [--plans 2000]

Prints a Markdown table; VAL is the program Validate on the PATH, or the one that HARNESS_VAL names. Plans are
valid ones of generated four-block instances, twenty plans a problem. Compare the ratios: machines differ.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import platform
import random
import subprocess
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

from harness.errors import UsageError
from harness.pddl.cross_check import find_val
from harness.pddl.execute import Validator, validate_text
from harness.pddl.parse import parse_problem
from harness.pddl_domains import plain
from harness.tasks.planning import domains
from harness.tasks.planning.instances import after, validator_of, wander
from harness.tasks.planning.solutions import shortest

DOMAIN = plain("blocksworld")

PLANS_A_PROBLEM = 20

Row = tuple[str, str]
"""Problem and plan, as texts."""


def instances(count: int) -> list[Row]:
    """`count` valid plans with their problems, PLANS_A_PROBLEM for each problem. A plan is up to six random steps, then
    the shortest way from there to the goal."""
    rng = random.Random(0)
    made: list[Row] = []
    while len(made) < count:
        instance = domains.blocksworld(rng, 4)
        if instance.solved():
            continue
        validator = validator_of(DOMAIN, instance)
        for number in range(PLANS_A_PROBLEM):
            astray = wander(rng, validator, instance.init, 2 * (number % 4))
            rest = shortest(DOMAIN, instance.starting(after(validator, instance.init, astray)))
            assert rest is not None
            text = "\n".join(f"({' '.join(step)})" for step in (*astray, *rest))
            made.append((instance.pddl("blocksworld"), text))
    return made[:count]


def rate(work: Callable[[], None], count: int, prepare: Callable[[], None] = lambda: None) -> float:
    """Plans per second, the best of three rounds. `prepare` runs before each round, outside the measured time."""
    best = 0.0
    for _ in range(3):
        prepare()
        start = time.perf_counter()
        work()
        best = max(best, count / (time.perf_counter() - start))
    return best


def ours(rows: list[Row]) -> tuple[float, float]:
    """Plans per second of our validator: with the problems parsed before, and with parsing."""
    cached: dict[str, Validator] = {}

    def validator(problem: str) -> Validator:
        return Validator.of(DOMAIN.compiled, parse_problem(problem, DOMAIN.compiled.domain))

    def prepare() -> None:  # new validators, which have not run any plan
        cached.update({problem: validator(problem) for problem, _ in rows})

    def with_cached() -> None:
        assert all(validate_text(cached[problem], plan).valid for problem, plan in rows)

    def with_parsing() -> None:
        assert all(validate_text(validator(problem), plan).valid for problem, plan in rows)

    return rate(with_cached, len(rows), prepare), rate(with_parsing, len(rows))


def val(rows: list[Row]) -> float | None:
    """Plans per second of VAL, with one process a plan; None if VAL is not installed."""
    try:
        program = find_val()
    except UsageError:
        return None
    with tempfile.TemporaryDirectory() as directory:
        domain, problem, plan = (Path(directory) / name for name in ("domain.pddl", "problem.pddl", "plan"))
        domain.write_text(DOMAIN.pddl, encoding="utf-8")

        def spawned() -> None:
            for problem_text, plan_text in rows:
                problem.write_text(problem_text, encoding="utf-8")
                plan.write_text(plan_text, encoding="utf-8")
                said = subprocess.run([program, domain, problem, plan], stdout=subprocess.PIPE, check=True).stdout
                assert b"Plan valid" in said

        return rate(spawned, len(rows))


def unified_planning(rows: list[Row]) -> tuple[float, float] | None:
    """Plans per second of unified-planning in this process: with the problems parsed before, and with parsing. None if
    it is not installed."""
    if importlib.util.find_spec("unified_planning") is None:
        return None
    from unified_planning.engines import SequentialPlanValidator, ValidationResultStatus
    from unified_planning.io import PDDLReader
    from unified_planning.model import Problem

    def parsed(problem: str) -> Problem:
        return PDDLReader().parse_problem_string(DOMAIN.pddl, problem)

    def validate(problem: Problem, plan: str) -> None:
        steps = PDDLReader().parse_plan_string(problem, plan)
        assert SequentialPlanValidator().validate(problem, steps).status == ValidationResultStatus.VALID

    def with_cached() -> None:
        for problem, plan in rows:
            validate(problems[problem], plan)

    def with_parsing() -> None:
        for problem, plan in rows:
            validate(parsed(problem), plan)

    problems = {problem: parsed(problem) for problem, _ in rows}
    return rate(with_cached, len(rows)), rate(with_parsing, len(rows))


def main() -> None:
    """Print one row for each validator."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", type=int, default=2000, help="for ours; the others get a tenth of it, or less")
    a = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})  # one core for us and for the processes we start
    rows = instances(a.plans)
    cached, parsed = ours(rows)
    spawned = val(rows[: a.plans // 10])
    theirs = unified_planning(rows[: a.plans // 40])
    up = f"unified-planning {version('unified-planning')}" if theirs else "unified-planning"
    table = [
        ("ours, problem cached", cached, cached),
        ("ours, problem parsed", parsed, parsed),
        ("VAL, a process a plan", spawned, parsed),
        (f"{up}, problem cached", theirs and theirs[0], cached),
        (f"{up}, problem parsed", theirs and theirs[1], parsed),
    ]
    length = sum(plan.count("(") for _, plan in rows) / len(rows)
    print(f"{a.plans} plans, {PLANS_A_PROBLEM} a problem, mean length {length:.1f}; "
          f"Python {platform.python_version()}, one core\n")  # fmt: skip
    print("| validator | plans/s | ours, likewise, is faster by |\n|---|---|---|")
    for name, found, likewise in table:
        print(f"| {name} | {f'{found:,.0f}' if found else 'not installed'} | "
              f"{f'{likewise / found:,.0f}x' if found and found != likewise else ''} |")  # fmt: skip


if __name__ == "__main__":
    main()
