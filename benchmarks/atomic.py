"""The atomic abilities of planning on many samples: how often yes is right, what baselines score, how quick they are.

    python benchmarks/atomic.py [--questions 10000] [--domain NAME]...

Prints a Markdown table with one row for each ability in each domain. `agree`: some of the questions are answered again
from their params, in the names of their own world, by other code (tests.planning_search.truth). Fewer questions than
asked for: the domain has no more instances.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from harness import plugins
from harness.errors import UsageError
from harness.pddl_domains import SHIPPED
from harness.seeds import derive
from harness.tasks.planning.atomic import ATOMIC
from harness.types import Sample, Task
from tests.planning_search import truth

CHECKED = 60
"""Questions of a row that are answered again: some take a second."""


class Row(NamedTuple):
    """What was counted of an ability in a domain; shares of the questions."""

    questions: int
    yes: float
    agree: float
    oracle: float
    shallow: float
    random: float
    generated: float
    scored: float


def made(domain: str, ability: str, questions: int) -> tuple[Task, list[Sample], float]:
    """A task, its first questions (fewer if it has no more), and the seconds that they took. Raises UsageError if the
    domain has no such questions."""
    task: Any = plugins.task(domain, {"ability": ability, "rename": "plain,mystery,random"})
    start = time.perf_counter()
    samples = list(itertools.islice(task.samples(0), questions))
    return task, samples, time.perf_counter() - start


def measured(domain: str, ability: str, questions: int) -> Row:
    """The row of an ability in a domain."""
    task, samples, seconds = made(domain, ability, questions)
    n = len(samples)

    def right(kind: str) -> float:
        answers = [task.baseline(kind, s, random.Random(derive(kind, s.id))) for s in samples]
        return sum(task.score(s.params, a).value or 0.0 for s, a in zip(samples, answers, strict=True)) / n

    start = time.perf_counter()
    oracle = right("oracle")
    scoring = time.perf_counter() - start
    yes = sum(s.params["answer"] == "yes" for s in samples) / n
    checked = random.Random(0).sample(samples, min(n, CHECKED))
    agree = sum(truth(s.params) == (s.params["answer"] == "yes") for s in checked) / len(checked)
    return Row(n, yes, agree, oracle, right("shallow"), right("random"), n / seconds, n / scoring)


def main() -> None:
    """Print one row for each ability in each domain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--domain", action="append", default=[], help="all domains where left out")
    a = parser.parse_args()
    print("| domain | ability | questions | yes | agree | oracle | shallow | random | generated/s | scored/s |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    for domain, ability in itertools.product(a.domain or SHIPPED, ATOMIC):
        try:
            row = measured(domain, ability, a.questions)
        except UsageError:
            print(f"| {domain} | {ability} | none | | | | | | | |", flush=True)
            continue
        shares = " | ".join(f"{share:.3f}" for share in row[1:6])
        speed = f"{row.generated:,.0f} | {row.scored:,.0f}"
        print(f"| {domain} | {ability} | {row.questions:,} | {shares} | {speed} |", flush=True)


if __name__ == "__main__":
    main()
