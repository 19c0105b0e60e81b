"""Plans validated a second, on one core: our validator with the problem cached and with parsing, VAL where it is there.

    python benchmarks/plans.py [--plans 2000] [--val PATH/TO/Validate]

Prints a Markdown table. Plans are shortest plans of generated four-block instances, each with a problem of its own.
"""

from __future__ import annotations

import argparse
import platform
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from harness.pddl_domains import plain
from harness.tasks.blocksworld import towers
from harness.verifiers.pddl import parse_problem
from harness.verifiers.plans import Validator, validate_text


def instances(count: int) -> list[tuple[str, str]]:
    """(problem, plan) texts."""
    rng = random.Random(0)
    made = []
    while len(made) < count:
        start, goal = towers.draw(rng, 4), towers.on(towers.draw(rng, 4))
        plan = towers.shortest(start, goal)
        if plan:
            made.append((towers.problem(start, goal), "\n".join(f"({' '.join(step)})" for step in plan)))
    return made


def rate(work: Callable[[], None], count: int) -> float:
    """Plans a second, the best of three rounds."""
    best = 0.0
    for _ in range(3):
        start = time.perf_counter()
        work()
        best = max(best, count / (time.perf_counter() - start))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plans", type=int, default=2000)
    parser.add_argument("--val", default=shutil.which("Validate"), help="VAL's Validate, for comparison")
    a = parser.parse_args()
    world, rows = plain("blocksworld"), instances(a.plans)

    def validator(problem: str) -> Validator:
        return Validator.of(world.compiled, parse_problem(problem, world.compiled.domain))

    cached = [(validator(problem), plan) for problem, plan in rows]

    def with_cached() -> None:
        assert all(validate_text(v, plan).valid for v, plan in cached)

    def with_parsing() -> None:
        assert all(validate_text(validator(problem), plan).valid for problem, plan in rows)

    print(f"{a.plans} plans, mean length {sum(p.count('(') for _, p in rows) / len(rows):.1f}; "
          f"Python {platform.python_version()}, one core\n")  # fmt: skip
    print("| validator | plans/s |\n|---|---|")
    print(f"| ours, problem cached | {rate(with_cached, a.plans):,.0f} |")
    print(f"| ours, problem parsed | {rate(with_parsing, a.plans):,.0f} |")
    if a.val:
        with tempfile.TemporaryDirectory() as directory:
            domain, problem, plan = (Path(directory) / name for name in ("domain.pddl", "problem.pddl", "plan"))
            domain.write_text(world.pddl, encoding="utf-8")
            some = rows[:200]

            def spawned() -> None:
                for problem_text, plan_text in some:
                    problem.write_text(problem_text, encoding="utf-8")
                    plan.write_text(plan_text, encoding="utf-8")
                    subprocess.run([a.val, domain, problem, plan], stdout=subprocess.DEVNULL, check=True)

            print(f"| VAL, a process a plan | {rate(spawned, len(some)):,.0f} |")
    else:
        print("| VAL | not found (--val) |")


if __name__ == "__main__":
    main()
