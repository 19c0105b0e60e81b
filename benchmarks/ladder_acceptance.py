"""What the task `ladder` promises of its questions, measured on large samples.

    python benchmarks/ladder_acceptance.py [--samples 10000] [--seed 0] [--part worlds]

Prints a Markdown table: each claim, what was found, and whether it holds. Every answer is computed by two independent
solvers (enumeration of all noise, and formulas or another search). A few minutes on one core.
"""

from __future__ import annotations

import argparse
import itertools
import platform
import random
import sys
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import NamedTuple

from harness import plugins
from harness.tasks.ladder import boolean, chains, circuits, dags, rungs, tables, worlds
from harness.types import Sample

POINTS = 0.02
"""How far a floor may be off 50 %."""


class Claim(NamedTuple):
    """A promise, what was found, and whether it holds."""

    what: str
    found: str
    holds: bool


def share(part: int, whole: int) -> str:
    """In percent."""
    return f"{100 * part / whole:.1f} %"


def of_worlds(seed: str, most: int) -> Iterator[Claim]:
    """Two solvers, the eight triples, and always answering rung 1."""
    made = list(itertools.islice(rungs.worlds(seed), most))
    answers = [worlds.by_formula(world) for world, _ in made]
    same = sum(a == worlds.by_enumeration(world) for a, (world, _) in zip(answers, made, strict=True))
    yield Claim(f"worlds: two solvers agree on {most:,}", f"{same:,}", same == most)
    triples = Counter(a.triple for a in answers)
    shares = [triples[triple] / most for triple in itertools.product((False, True), repeat=3)]
    spread = f"{100 * min(shares):.2f} to {100 * max(shares):.2f} %"
    yield Claim("worlds: each of 8 triples is 12.5 % +- 1", spread, all(abs(s - 0.125) <= 0.01 for s in shares))
    like = [sum(a.triple[0] == a.triple[rung] for a in answers) for rung in range(3)]
    fair = like[0] == most and all(abs(n / most - 0.5) <= 0.015 for n in like[1:])
    yield Claim("worlds: always rung 1 is 100 / 50 / 50 % +- 1.5", " / ".join(share(n, most) for n in like), fair)
    least = min(a.margin for a in answers)
    shown = f"least {100 * float(least):.2f} points"
    yield Claim("worlds: every margin is ten points or more", shown, least >= Fraction(1, 10))


def of_tables(seed: str, most: int) -> Iterator[Claim]:
    """Two solvers under every graph; opposite answers under the first two."""
    made = [table for table, _ in itertools.islice(tables.tables(seed), most)]
    for graph in tables.GRAPHS:
        same = sum((tables.association(t), tables.EFFECT[graph](t)) == tables.by_enumeration(t, graph) for t in made)
        yield Claim(f"tables, {graph}: two solvers agree on {most:,}", f"{same:,}", same == most)
    opposite = sum(tables.association(t) * tables.backdoor(t) < 0 for t in made)
    yield Claim("tables: confounder and mediator have opposite answers", f"{opposite:,}", opposite == most)


def of_tables_on_the_grid() -> Claim:
    """How many tables with probabilities of .1 to .9 are opposed."""
    found = sum(
        tables.opposed(before, of_y) >= 0
        for before in itertools.product(range(1, 10), repeat=3)
        for of_y in itertools.product(range(1, 10), repeat=4)
    )
    return Claim("tables: opposed by ten points, of 4,782,969", f"{found:,}", found > 4908)


def of_lamps(seed: str, most: int) -> Iterator[Claim]:
    """Two solvers; one answer each; twins differ."""
    one = differ = same = 0
    for item, had, _ in itertools.islice(boolean.drawn(seed), most):
        queries = [item.query(rung) for rung in boolean.RUNGS]
        first = [circuits.by_enumeration(item.circuit, query) for query in queries]
        same += first == [circuits.by_twin_network(item.circuit, query) for query in queries]
        one += all(len(answers) == 1 for answers in first)
        differ += first == [{1 - had}, {had}]
    yield Claim(f"lamps: two solvers agree on {most:,}", f"{same:,}", same == most)
    yield Claim("lamps: one answer each", f"{one:,}", one == most)
    yield Claim("lamps: turned by hand and had been turned differ", f"{differ:,}", differ == most)


def of_classes() -> Iterator[Claim]:
    """Known counts of graphs and classes, by two ways to the classes."""
    for n, graphs, classes in ((3, 25, 11), (4, 543, 185)):
        made = dags.graphs(n)
        by_pattern: dict[object, set[dags.Graph]] = defaultdict(set)
        for graph in made:
            by_pattern[dags.pattern(graph, n)].add(graph)
        same = {frozenset(members) for members in by_pattern.values()} == {frozenset(m.graphs) for m in dags.classes(n)}
        found = f"{len(made)} / {len(dags.classes(n))}, {'the same' if same else 'others'} by v-structures"
        right = (len(made), len(dags.classes(n)), same) == (graphs, classes, True)
        yield Claim(f"graphs / classes of {n} variables: {graphs} / {classes}", found, right)


def drawn(kind: str, most: int, seed: int, **options: str) -> list[Sample]:
    """About `most` samples, in whole groups of one set of names."""
    task = plugins.task("ladder", {"kind": kind, "names": "letters", **options})
    return list(itertools.islice(task.samples(seed), most))


def floors(samples: list[Sample], by: Callable[[Sample], str]) -> Iterator[tuple[str, dict[str, float]]]:
    """(baseline, its accuracy by what `by` tells apart)."""
    task = plugins.task("ladder", {})
    for kind in ("random", "shallow", *task.baselines):
        cells: dict[str, list[float]] = defaultdict(list)
        for sample in samples:
            said = task.baseline(kind, sample, random.Random(sample.id))
            cells[by(sample)].append(task.score(sample.params, said).value or 0.0)
        yield kind, {cell: sum(values) / len(values) for cell, values in cells.items()}


def of_floors(kind: str, most: int, seed: int, by: Callable[[Sample], str], **options: str) -> Iterator[Claim]:
    """Every baseline is at 50 %, but what answers rung 1 at rung 1."""
    for name, found in floors(drawn(kind, most, seed, **options), by):
        fair = all(
            abs(value - (1.0 if name in ("rung1", "shallow") and cell == "association" else 0.5)) <= POINTS
            for cell, value in found.items()
        )
        shown = ", ".join(f"{cell} {100 * value:.1f}" for cell, value in found.items())
        yield Claim(f"{kind}: baseline/{name} is at 50 % +- 2", shown, fair)


def rung(sample: Sample) -> str:
    """The rung asked."""
    return str(sample.params["rung"])


def everything(_: Sample) -> str:
    """All together."""
    return "all"


def of_chains(seed: int, most: int) -> Iterator[Claim]:
    """Two solvers; half of the answers are yes; the order of mention is at 50 %."""
    made = drawn("chain", most, seed)
    same = 0
    for sample in made:
        flat, pair = sample.params["links"], sample.params["pair"]
        links = list(zip(flat[::2], flat[1::2], strict=True))
        same += chains.reaches(links, *pair) == (tuple(pair) in chains.closure(links)) == (sample.target == "yes")
    yield Claim(f"chains: two solvers agree on {len(made):,}", f"{same:,}", same == len(made))
    by_order = dict(floors(made, lambda sample: str(sample.params["order"])))["shallow"]
    shown = ", ".join(f"{order} {100 * value:.1f}" for order, value in by_order.items())
    mean = sum(by_order.values()) / len(by_order)
    yield Claim("chains: cause mentioned first, 50 % over the orders", shown, abs(mean - 0.5) <= POINTS)


PARTS: dict[str, Callable[[int, int], Iterator[Claim]]] = {
    "worlds": lambda most, seed: of_worlds(f"acceptance {seed}", most),
    "tables": lambda most, seed: itertools.chain(of_tables(f"acceptance {seed}", most), [of_tables_on_the_grid()]),
    "lamps": lambda most, seed: of_lamps(f"acceptance {seed}", most),
    "classes": lambda most, seed: of_classes(),
    "chains": lambda most, seed: of_chains(seed, most),
    "floors-ladder": lambda most, seed: of_floors("ladder", 3 * most, seed, rung),
    "floors-table": lambda most, seed: of_floors("table", 4 * most, seed, rung),
    "floors-boolean": lambda most, seed: of_floors("boolean", 2 * most, seed, rung),
    "floors-chain": lambda most, seed: of_floors("chain", 12 * most, seed, everything),
    "floors-equivalence": lambda most, seed: of_floors("equivalence", most, seed, everything, wording="plain"),
}


def main() -> None:
    """Print the table; exit 1 if a claim does not hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--part", choices=list(PARTS), action="append", default=[], help="all parts, if left out")
    a = parser.parse_args()
    print(f"{a.samples:,} samples of each kind, seed {a.seed}; Python {platform.python_version()}\n")
    print("| claim | found | holds |\n|---|---|---|")
    failed = 0
    for what, found, right in itertools.chain.from_iterable(PARTS[p](a.samples, a.seed) for p in a.part or PARTS):
        failed += not right
        print(f"| {what} | {found} | {'yes' if right else 'NO'} |", flush=True)
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
