"""What `harness twins` reports of models that are really trained on published items, or on others of their kind.

`python benchmarks/twins_trained.py` (the extra `lab`; a few minutes on one thread). Each model is a feed-forward
language model of characters (Bengio et al. 2003, JMLR 3: 1137-1155), trained from scratch in a second on sums of base 9
with their results: on LEARNT of the 200 published sums of its study and on others, or on others alone. It reads the sum
in the question, and writes characters until it ends. Twins, reader, scorer, gap and p are the product's.

No model was trained on a twin, nor on a published item that it should not know, in either order of the numerals. So the
fresh arm says what a model can do on sums that it has not seen.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from twins import ITEMS, NULLS, REPORTED, SEEDS, published_sums, reported, study

from harness import plugins, twins
from harness.lab.models import need_torch
from harness.seeds import derive
from harness.studies.twins import CONTROL, CONTROL_OPTIONS, Excess
from harness.tasks.arithmetic import problems
from harness.tasks.arithmetic.numerals import result
from harness.text import align
from harness.types import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor

BASE = 9
SUMS, LEARNT = 500, 100
"""Sums that a model is trained on; so many of them are published items, if any is."""

SIGNS = "_012345678+=;"
"""Padding, digits, and what ends a result."""
WINDOW = len("88+88=177")
"""Characters that a model looks back on: all that stands before the last one that it can be asked for."""
WIDTH = 64
STEPS, BATCH, RATE = 400, 256, 1e-2


class Trained:
    """A model of two hidden layers that was trained on these sums, by Adam, as the seed has it."""

    def __init__(self, sums: Sequence[str], seed: int) -> None:
        need_torch()
        import torch

        rng = torch.Generator().manual_seed(derive("twins trained", seed) % 2**63)
        shapes = ((WINDOW * len(SIGNS), WIDTH, WINDOW), (WIDTH, WIDTH, WIDTH), (WIDTH, len(SIGNS), WIDTH))
        self.weights = [torch.randn(rows, columns, generator=rng) / inputs**0.5 for rows, columns, inputs in shapes]
        for weight in self.weights:
            weight.requires_grad_()
        texts = [f"{pair}={result(pair, BASE)};" for pair in sums]
        asked = [(text[:end], text[end]) for text in texts for end in range(text.index("=") + 1, len(text))]
        before = torch.tensor([_ids(text) for text, _ in asked])
        after = torch.tensor([SIGNS.index(sign) for _, sign in asked])
        adam = torch.optim.Adam(self.weights, lr=RATE)
        for step in range(STEPS):
            adam.param_groups[0]["lr"] = RATE * (1 - step / STEPS)
            drawn = torch.randint(len(asked), (BATCH,), generator=rng)
            loss = torch.nn.functional.cross_entropy(self._logits(before[drawn]), after[drawn])
            adam.zero_grad()
            loss.backward()
            adam.step()
        for weight in self.weights:
            weight.requires_grad_(False)

    def _logits(self, ids: Tensor) -> Tensor:
        """[row, sign] for ids [row, WINDOW]: what stands at each place is embedded by itself."""
        import torch

        embedding, hidden, out = self.weights
        places = ids + torch.arange(WINDOW) * len(SIGNS)
        x = torch.nn.functional.embedding_bag(places, embedding, mode="sum").relu()
        return (x @ hidden).relu() @ out

    def answer(self, sample: Sample, task: Task) -> str:
        """What the model writes behind the sum of the question, its likeliest signs."""
        import torch

        text = f"{sum_of(sample)}="
        start = len(text)
        while len(text) < start + 4 and not text.endswith(";"):
            text += SIGNS[int(self._logits(torch.tensor([_ids(text)])).argmax())]
        return rf"\boxed{{{text[start:].rstrip(';')}}}"


def _ids(text: str) -> list[int]:
    return [SIGNS.index(sign) for sign in text[-WINDOW:].rjust(WINDOW, "_")]


def sum_of(sample: Sample) -> str:
    """The sum that a question asks for: `76+14`."""
    return re.findall(r"what is (\w+\+\w+)\?", sample.messages[-1].content)[-1]


def both_orders(pair: str) -> frozenset[str]:
    """`76+14` and `14+76`."""
    left, _, right = pair.partition("+")
    return frozenset((pair, f"{right}+{left}"))


class Trial(NamedTuple):
    """A model, what it was trained on, and the questions of a study of published sums that were drawn from the file."""

    model: Trained
    sums: list[str]
    task: Task
    samples: list[Sample]


def trial(seed: int, learn: int, items: int = ITEMS) -> Trial:
    """A model trained on SUMS sums, of which `learn` are of the study's published ones. The others are drawn as these
    were, and are neither such items nor their twins."""
    task, rng = published_sums(), random.Random(derive("sums", seed))
    every = list(task.samples(seed))
    groups = set(rng.sample(sorted({s.group for s in every}), items))
    samples = [s for s in every if s.group in groups]
    known = list(dict.fromkeys(sum_of(s) for s in samples if s.params[twins.ORIGIN] == twins.PUBLISHED))
    asked = frozenset().union(*(both_orders(sum_of(s)) for s in samples))
    learnt = dict.fromkeys(rng.sample(known, learn))
    for pair in problems.endless(rng, 2, BASE):
        if len(learnt) == SUMS:
            break
        if pair not in asked:
            learnt[pair] = None
    return Trial(Trained(list(learnt), seed), list(learnt), task, samples)


def published(seed: int, learn: int, items: int = ITEMS) -> Excess:
    """A study of published sums by a model that has learnt `learn` of them."""
    made = trial(seed, learn, items)
    return study(made.task, made.model, made.samples)


def control(seed: int, learn: int, items: int = ITEMS) -> Excess:
    """The control of that study, asked of the same model."""
    task = twins.arms(plugins.task(CONTROL, CONTROL_OPTIONS), "control")
    return study(task, trial(seed, learn, items).model, itertools.islice(task.samples(seed), 2 * items))


def main() -> None:
    """Prints how often an excess is reported."""
    rows = [
        reported(what, [make(seed, learn) for seed in range(runs)])
        for what, runs, learn, make in (
            (f"trained on {LEARNT} of 200", SEEDS, LEARNT, published),
            (f"the control, trained on {LEARNT} of 200", NULLS, LEARNT, control),
            ("trained on 20 of 200", SEEDS, 20, published),
            ("trained on others", NULLS, 0, published),
        )
    ]
    print(align([f"trained model, {SUMS} sums, 200 pairs", *REPORTED], rows, left=1))


if __name__ == "__main__":
    main()
