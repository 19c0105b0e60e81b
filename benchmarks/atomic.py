"""The atomic abilities of planning on many samples: how often yes is right, what baselines score, how quick they are.

    python benchmarks/atomic.py [--questions 10000] [--domain NAME]...

Prints a Markdown table with one row for each ability in each domain. `agree`: some of the questions are answered again
from their params, in the names of their own world, by other code (tests.planning_search.truth). `glimpse`: what a
reader gets who looks at one thing (see GLIMPSES, in this order) and knows which answer each look has more often. Fewer
questions than asked for: the domain has no more instances.
"""

from __future__ import annotations

import argparse
import itertools
import random
import sys
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

from harness import plugins
from harness.errors import UsageError
from harness.pddl.execute import Validator
from harness.pddl_domains import SHIPPED
from harness.seeds import derive
from harness.tasks.planning.asking import question_of
from harness.tasks.planning.atomic import ATOMIC, Question
from harness.tasks.planning.instances import after, compiled
from harness.tasks.planning.scoring import world_of
from harness.types import Sample, Task
from tests.planning_search import truth

CHECKED = 60
"""Questions of a row that are answered again: some take a second."""


# Further shallow readers --------------------------------------------------------------------------------------------


def _name(validator: Validator, asked: Question) -> Hashable:
    """What the action is called: "to unstack is right, to pick up is wrong"."""
    return asked.action and asked.action[0]


def _undone(validator: Validator, asked: Question) -> Hashable:
    """Whether the second step that is left out takes back what the first did: "then both can go"."""
    if not asked.steps or asked.steps[0] == asked.steps[1]:
        return None
    done = []
    for number in asked.steps:
        before = after(validator, validator.problem.init, asked.plan[: number - 1])
        then = after(validator, before, [asked.plan[number - 1]])
        done.append((then - before, before - then))
    return done[0] == done[1][::-1]


def _idle(validator: Validator, asked: Question) -> Hashable:
    """Also whether the one follows the other. Then both can go, which is sound."""
    assert asked.steps is not None
    return _undone(validator, asked), asked.steps[1] - asked.steps[0] == 1


def _called(validator: Validator, asked: Question) -> Hashable:
    """What the steps that are left out are called."""
    return tuple(asked.plan[number - 1][0] for number in asked.steps or ())


def _place(validator: Validator, asked: Question) -> Hashable:
    """In which quarter of the plan they begin: "the end can go"."""
    assert asked.steps is not None
    return 4 * (asked.steps[0] - 1) // len(asked.plan)


def _wanted(validator: Validator, asked: Question) -> Hashable:
    """What the fact is called, and whether the goal says something new of its object: "you must hold the block, since
    it is to be on another"."""
    (fact,) = asked.facts
    new = [wanted for wanted in asked.problem.goal if wanted not in asked.problem.init]
    return fact[0], any(wanted[1:2] == fact[1:2] for wanted in new)


def _end(validator: Validator, asked: Question) -> Hashable:
    """Whether the last step makes a fact of the goal true (in a domain beyond STRIPS: names all of its objects)."""
    last, goal = asked.plan[-1], asked.problem.goal
    effects = validator.effects(last)
    return any(set(f[1:]) <= set(last[1:]) if effects is None else f in effects[1] for f in goal)


Look = Callable[[Validator, Question], Hashable]
GLIMPSES: dict[str, tuple[Look, ...]] = {
    "applicability": (_name,),
    "validation": (_end,),
    "justification": (_undone, _idle, _called, _place),
    "landmarks": (_wanted,),
    "next_action": (_name,),
}
"""What a reader looks at who takes a surface for the answer."""


def glimpsed(samples: Iterable[Sample]) -> list[float]:
    """The share of questions (of one ability, in the plain world) that are right if what a reader sees gets the answer
    that it has more often: one share for each reader of GLIMPSES."""
    counts: dict[Look, dict[Hashable, Counter[str]]] = {}
    for s in samples:
        validator, asked = compiled(world_of(s.params), str(s.params["problem"])), question_of(s.params)
        for look in GLIMPSES.get(str(s.params["ability"]), ()):
            seen = counts.setdefault(look, {}).setdefault(look(validator, asked), Counter())
            seen[str(s.params["answer"])] += 1
    return [
        sum(max(answers.values()) for answers in seen.values())
        / sum(sum(answers.values()) for answers in seen.values())
        for seen in counts.values()
    ]


# The table ----------------------------------------------------------------------------------------------------------


class Row(NamedTuple):
    """What was counted of an ability in a domain; shares of the questions."""

    questions: int
    yes: float
    agree: float
    oracle: float
    shallow: float
    random: float
    glimpse: list[float]
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
    glimpse = glimpsed(s for s in samples if s.params["world"] == "plain")
    return Row(n, yes, agree, oracle, right("shallow"), right("random"), glimpse, n / seconds, n / scoring)


def main() -> None:
    """Print one row for each ability in each domain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--questions", type=int, default=10_000)
    parser.add_argument("--domain", action="append", default=[], help="all domains where left out")
    a = parser.parse_args()
    print(
        "| domain | ability | questions | yes | agree | oracle | shallow | random | glimpse | generated/s | scored/s |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for domain, ability in itertools.product(a.domain or SHIPPED, ATOMIC):
        try:
            row = measured(domain, ability, a.questions)
        except UsageError:
            print(f"| {domain} | {ability} | none | | | | | | | | |", flush=True)
            continue
        shares = " | ".join(f"{share:.3f}" for share in row[1:6])
        shares += " | " + ", ".join(f"{share:.3f}" for share in row.glimpse)
        speed = f"{row.generated:,.0f} | {row.scored:,.0f}"
        print(f"| {domain} | {ability} | {row.questions:,} | {shares} | {speed} |", flush=True)


if __name__ == "__main__":
    main()
