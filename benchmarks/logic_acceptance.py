"""The acceptance numbers of the task `logic`: generators, second solvers and shallow readers on many samples, a table a
kind. `python benchmarks/logic_acceptance.py [KIND ...] [--samples 10000]`; 100,000 for rules is what was printed for
the README of the task.
"""

from __future__ import annotations

import argparse
import itertools
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator

import logic_arguments

from harness import plugins
from harness.tasks.logic import entailment, induction, rules
from harness.tasks.logic.every import KINDS
from harness.text import align
from harness.types import Sample

Row = tuple[str, str, str]
"""(what, measured, wanted)."""


def samples(kind: str, n: int, **options: str) -> Iterator[Sample]:
    task = plugins.task("logic", {"kind": kind, **options})
    return itertools.islice(task.samples(0), n)


def share(right: int, n: int) -> str:
    return f"{right / max(1, n):.3f}"


def agreement(kind: str, made: list[Sample]) -> Row:
    """How often the second solver, which sees the text alone, gives the answer of the first."""
    solve = KINDS[kind].solve
    agree = sum(solve({k: v for k, v in s.params.items() if k != "answer"}) == s.target for s in made)
    return "both solvers agree", f"{agree:,} of {len(made):,}", "all"


def readers(kind: str, made: list[Sample]) -> list[Row]:
    """The score of each shallow reader."""
    found = []
    for name, reads in KINDS[kind].readers.items():
        rng = random.Random(0)
        right = sum(reads(s.params, rng) == s.target for s in made)
        found.append((f"reader {name}", share(right, len(made)), ""))
    return found


def speed(kind: str, made: list[Sample]) -> list[Row]:
    """Samples a second of processor time on one core: generated, and scored as a short marked answer."""
    task = plugins.task("logic", {"kind": kind})
    start = time.process_time()
    n = len(list(itertools.islice(task.samples(1), 3_000)))
    generated = n / (time.process_time() - start)
    start = time.process_time()
    for sample in made[:5_000]:
        task.score(sample.params, f"Answer: {sample.target}")
    scored = len(made[:5_000]) / (time.process_time() - start)
    return [("generated a second", f"{generated:,.0f}", "5,000"), ("scored a second", f"{scored:,.0f}", "20,000")]


def of_any(kind: str, n: int) -> list[Row]:
    """What every kind has to show."""
    made = list(samples(kind, n))
    answers = Counter(s.target for s in made)
    top, count = answers.most_common(1)[0]
    largest = ("largest class of answers", f"{top} {share(count, len(made))}", "")
    return [agreement(kind, made), largest, *readers(kind, made), *speed(kind, made)]


def of_rules(n: int) -> list[Row]:
    """Each local reader by depth: the best guess from what it counts, learnt on one half of the problems and measured
    on the other. In the open world the answer is whether the goal follows."""
    found = of_any("rules", n)
    made = list(samples("rules", n, depth="0-6", distractors="all", names="familiar"))
    found.append(agreement("rules", made))
    by_depth: dict[int, list[Sample]] = defaultdict(list)
    for sample in made:
        by_depth[int(str(sample.params["depth"]))].append(sample)
    for depth, members in sorted(by_depth.items()):
        counted = [(rules.local(rules.read(str(s.params["question"]))), s) for s in members]
        for name in counted[0][0]:
            found.append(
                (f"depth {depth}: {name}", best_guess([(c[name], s) for c, s in counted]), "0.500" if depth > 1 else "")
            )
        for steps in (1, 2, 3, 4):
            right = 0
            for s in members:
                read = rules.read(str(s.params["question"]))
                right += rules.back(read, read.facts.get(read.thing, frozenset()), steps) == (
                    s.params["form"] == "plain"
                )
            found.append((f"depth {depth}: {steps} steps back", share(right, len(members)), ""))
    return found


def best_guess(counted: list[tuple[float, Sample]]) -> str:
    """The share right of the best guess at `plain` or `twin` from a number."""
    seen: dict[float, Counter[str]] = defaultdict(Counter)
    half = len(counted) // 2
    for value, sample in counted[:half]:
        seen[value][str(sample.params["form"])] += 1
    right = 0
    for value, sample in counted[half:]:
        guess = seen[value].most_common(1)[0][0] if seen[value] else "plain"
        right += guess == sample.params["form"]
    return share(right, len(counted) - half)


def of_kinship(n: int) -> list[Row]:
    """The labels, and that exactly one relation follows from what is told, with all distractors and orders too."""
    found = of_any("kinship", n)
    made = list(samples("kinship", n, depth="2-6", distractors="all", order="all", names="nonsense"))
    counts = Counter(s.target for s in samples("kinship", n, names="familiar"))
    found.append(("labels", str(len(counts)), "22"))
    found.append(("largest label", share(max(counts.values()), n), "<= 0.080"))
    what, measured, wanted = agreement("kinship", made)
    return [*found, (f"{what}, with distractors, in any order: one relation follows", measured, wanted)]


def of_induction(n: int) -> list[Row]:
    """How many rules fit, by the solver that reads the text."""
    one = several = 0
    for sample in (made := list(samples("induction", n))):
        fits = len(induction.rules_of(induction.read(sample.params)))
        one += fits == 1 and sample.params["form"] == "plain"
        several += fits > 1 and sample.params["form"] == "twin"
    plain = sum(s.params["form"] == "plain" for s in made)
    counted = [
        ("exactly one rule fits (plain)", f"{one:,} of {plain:,}", "all"),
        ("several rules fit (twin)", f"{several:,} of {len(made) - plain:,}", "all"),
    ]
    return of_any("induction", n) + counted


def of_entailment(n: int) -> list[Row]:
    """The readers by form: rephrasing needs one part of the premise, an assertion several."""
    found = of_any("entailment", n)
    made = list(samples("entailment", n))
    for form, (name, reads) in itertools.product(("plain", "conjunct", "assertion"), entailment.READERS.items()):
        members, rng = [s for s in made if s.params["form"] == form], random.Random(0)
        right = sum(reads(s.params, rng) == s.target for s in members)
        found.append((f"{form}: reader {name}", share(right, len(members)), "0.500" if form == "assertion" else ""))
    return found


OWN: dict[str, Callable[[int], list[Row]]] = {
    "rules": of_rules,
    "kinship": of_kinship,
    "induction": of_induction,
    "entailment": of_entailment,
}
"""Kinds with more to show than `of_any`."""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("kinds", nargs="*", default=list(KINDS))
    arguments.add_argument("--samples", type=int, default=10_000)
    given = arguments.parse_args()
    for kind in given.kinds:
        rows = OWN.get(kind, lambda n, kind=kind: of_any(kind, n))(given.samples)
        rows += logic_arguments.OWN[kind](given.samples) if kind in logic_arguments.OWN else []
        print(f"\n{kind}\n{align(('what', 'measured', 'wanted'), rows, left=1)}")


if __name__ == "__main__":
    main()
