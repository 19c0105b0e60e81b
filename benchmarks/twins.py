"""What `harness twins` reports if a model has learnt published items, and if it has not.

`python benchmarks/twins.py [FOLDER]`. The model is scripted (twins_trained.py trains one). It is right on a problem
with a chance that falls with the number of carries and differs between problems, so that both arms of a pair agree more
than by chance; of the published items that it has learnt it always knows the answer. Everything behind its answers
(twins, scorer, gap, correction) is the product's.

FOLDER has planbench.jsonl.gz and game24.jsonl.gz: real answers to published items, lines with `params` and
`expect.correct`. There the "fresh" arm is other published items, matched as twins are: a control that is no simulation.
Without FOLDER that part is left out.
"""

from __future__ import annotations

import gzip
import itertools
import json
import math
import random
import re
import statistics
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from harness import plugins, twins
from harness.results.counts import Contrasts
from harness.seeds import derive
from harness.statistics.intervals import MatchedDifference, Stratum
from harness.statistics.tests import sign_flips
from harness.studies.twins import CONTROL, CONTROL_OPTIONS, Excess, gap_of
from harness.text import align
from harness.types import Sample, Task

ITEMS = 200
SEEDS, NULLS = 20, 200


class Answers(Protocol):
    """A model as a study sees it."""

    def answer(self, sample: Sample, task: Task) -> str:
        """A response to a sample."""


class Knows:
    """Answers sums: those learnt by heart always right, others by a chance of their own."""

    def __init__(self, seed: int, learnt: frozenset[str]) -> None:
        self.seed, self.learnt = seed, learnt

    def answer(self, sample: Sample, task: Task) -> str:
        """A response to a sample."""
        if sample.params[twins.ORIGIN] == twins.PUBLISHED and sample.group in self.learnt:
            return task.baseline("oracle", sample, random.Random(0))
        rng = random.Random(derive(self.seed, sample.messages[-1].content))
        ability = 0.8 - 0.8 * int(str(sample.params["alike_carries"])) + rng.gauss(0, 1)
        kind = "oracle" if rng.random() < 1 / (1 + math.exp(-ability)) else "shallow"
        return task.baseline(kind, sample, rng)


def study(task: Task, model: Answers, samples: Iterable[Sample]) -> Excess:
    """What a study of one task finds: its excess, with the p that it reports."""
    contrasts = Contrasts(task.factors, main=task.main)
    for sample in samples:
        score = task.score(sample.params, model.answer(sample, task))
        record = {"task": task.name, "group": sample.group, "condition": sample.condition, "epoch": 1}
        contrasts.add({**record, "params": sample.params, "outcome": score.outcome, "value": score.value})
    gap = gap_of(contrasts)
    assert gap is not None
    return Excess(task.name, gap, gap.p)


def published_sums() -> Task:
    """The task that asks published sums of base 9 beside their twins."""
    options = {"pairs": "published", "bases": "9", "prompt": "direct"}
    return twins.arms(plugins.task("arithmetic", options), "questions")


def published(seed: int, learn: int, items: int = ITEMS) -> Excess:
    """A study of `items` published sums of base 9, of which the model has learnt `learn` by heart."""
    task = published_sums()
    samples = list(itertools.islice(task.samples(seed), 2 * items))
    learnt = frozenset(random.Random(seed).sample(list(dict.fromkeys(s.group for s in samples)), learn))
    return study(task, Knows(seed, learnt), samples)


def control(seed: int, items: int = ITEMS) -> Excess:
    """The control of that study: whatever the model knows, it can't know these items."""
    task = twins.arms(plugins.task(CONTROL, CONTROL_OPTIONS), "control")
    return study(task, Knows(seed, frozenset()), itertools.islice(task.samples(seed), 2 * items))


def simulated() -> None:
    """Prints how often an excess is reported, planted and not."""
    rows = []
    for what, runs, make in (
        ("100 of 200 learnt", SEEDS, lambda seed: published(seed, 100)),
        ("20 of 200 learnt", SEEDS, lambda seed: published(seed, 20)),
        ("none learnt", NULLS, lambda seed: published(seed, 0)),
        ("the control", NULLS, control),
    ):
        rows.append(reported(what, [make(seed) for seed in range(runs)]))
    print(align(["scripted model, 200 pairs", *REPORTED], rows, left=1))


REPORTED = ("runs", "excess reported", "mean excess", "deviation", "interval holds 0", "right: published", "fresh")


def reported(what: str, found: Sequence[Excess]) -> list[str]:
    """A row of several studies: a label, and the cells of REPORTED."""
    values = [e.gap.gap.value for e in found]
    held = statistics.fmean(e.gap.gap.low <= 0 <= e.gap.gap.high for e in found)
    right = (statistics.fmean(e.gap.sides[side] for e in found) for side in (0, 1))
    return [what, str(len(found)), str(sum(e.found for e in found)), f"{statistics.fmean(values):+.3f}",
            f"{statistics.stdev(values):.3f}", f"{held:.3f}", *(f"{share:.3f}" for share in right)]  # fmt: skip


# Real answers ---------------------------------------------------------------------------------------------------------


class Item(NamedTuple):
    """A published item with what it is matched on and the share of right answers."""

    name: str
    kind: tuple[Any, ...]
    rate: float


MYSTERY = {"province": "clear", "planet": "ontable", "harmony": "handempty", "pain": "holding", "craves": "on"}
OBFUSCATED = re.compile(rf"\b({'|'.join(MYSTERY)})\b")
"""The facts of PlanBench's obfuscated domain."""


def planbench(folder: Path) -> Iterator[tuple[str, list[Item]]]:
    """(model and domain, items) of the logs."""
    from harness.pddl.parse import parse_problem
    from harness.pddl_domains import plain
    from harness.tasks.planning import solutions
    from harness.tasks.planning.instances import from_problem
    from harness.tasks.planning.twins import size

    base = plain("blocksworld")
    found = defaultdict(list)
    for row in _rows(folder / "planbench.jsonl.gz"):
        params = row["params"]
        plainly = OBFUSCATED.sub(lambda m: MYSTERY[m[0]], params["problem"])
        instance = from_problem(parse_problem(plainly, base.domain), f"instance {params['instance']}")
        steps = len(solutions.shortest(base, instance) or ())
        item = Item(str(params["instance"]), (size(instance), steps), float(row["expect"]["correct"]))
        found[row["model"], params["domain"]].append(item)
    for (model, domain), items in found.items():
        yield f"{model}, {domain}", items


def game24(folder: Path) -> Iterator[tuple[str, list[Item]]]:
    """(model, items) of the log: each puzzle was asked many times."""
    from harness.tasks.game24.fresh import kind
    from harness.tasks.game24.puzzles import goal_of

    right = defaultdict(list)
    for row in _rows(folder / "game24.jsonl.gz"):
        right[tuple(row["params"]["numbers"])].append(float(row["expect"]["correct"]))
    items = []
    for numbers, values in right.items():
        goal = goal_of(tuple(sorted(numbers)), 24)
        assert goal is not None
        items.append(Item(str(numbers), kind(numbers, goal), statistics.fmean(values)))
    yield "GPT-4 CoT, Game of 24", items


def _rows(path: Path) -> Iterator[Mapping[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        yield from map(json.loads, file)


def matched(items: Sequence[Item], rng: random.Random) -> list[tuple[float, float]]:
    """The items dealt into two arms, and pairs of one of each that are matched; what finds no partner is left out."""
    arms: tuple[dict[Any, list[Item]], ...] = (defaultdict(list), defaultdict(list))
    for place, item in enumerate(rng.sample(list(items), len(items))):
        arms[place % 2][item.kind].append(item)
    return [(a.rate, b.rate) for kind in arms[0] for a, b in zip(arms[0][kind], arms[1][kind], strict=False)]


def without_match(items: Sequence[Item], rng: random.Random) -> list[tuple[float, float]]:
    """As `matched`, with any partner."""
    dealt = [item.rate for item in rng.sample(list(items), len(items))]
    return list(zip(dealt[::2], dealt[1::2], strict=False))


def logs(folder: Path, draws: int = 200) -> None:
    """Prints what matching does to published items that stand in for fresh ones."""
    rows = []
    for label, items in itertools.chain(planbench(folder), game24(folder)):
        found, apart, shown, pairs = [], [], 0, []
        for seed in range(draws):
            both = matched(items, random.Random(derive(label, seed)))
            differences = [a - b for a, b in both]
            found.append(statistics.fmean(differences))
            pairs.append(len(both))
            difference = MatchedDifference([[Stratum(a, 1, b, 1)] for a, b in both])
            low, high = difference.interval()
            shown += not low <= 0 <= high and sign_flips(differences) < 0.05
            other = without_match(items, random.Random(derive(label, seed, "any")))
            apart.append(statistics.fmean(a - b for a, b in other))
        again = (matched(items, random.Random(derive(label, seed))) for seed in range(draws))
        kept = statistics.fmean(rate for both in again for pair in both for rate in pair)
        whole = statistics.fmean(i.rate for i in items)
        rows.append([label, str(len(items)), f"{statistics.fmean(pairs):.0f}", f"{100 * whole:.1f}",
                     f"{100 * (kept - whole):+.1f}", f"{100 * statistics.fmean(found):+.1f}",
                     f"{100 * statistics.stdev(found):.1f}", f"{100 * statistics.stdev(apart):.1f}",
                     f"{100 * shown / draws:.1f}"])  # fmt: skip
    header = ["real answers, in points", "items", "pairs", "accuracy", "matched - all", "mean difference of the arms",
              "deviation, matched", "any partner", "excess or lack reported, %"]  # fmt: skip
    print(align(header, rows, left=1))


def main() -> None:
    """Prints both tables."""
    simulated()
    if len(sys.argv) > 1:
        print()
        logs(Path(sys.argv[1]))


if __name__ == "__main__":
    main()
