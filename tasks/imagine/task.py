"""Word problems as in GSM8K, and the same problem after "Imagine that ...": one stated fact changed, asked again.

For example: "Mara bakes 5 trays of rolls. There are 8 rolls on each tray. A café buys 13 of the rolls. How many rolls
are on hand in the end?" 27. "Imagine that there are 9 rolls on each tray, and that everything else in the text stays as
it is. What is the answer to the question then?" 32.

The form of the problems is that of Cobbe et al. 2021 (GSM8K, arXiv 2110.14168); stories and sentences are ours. See
README.md. Reads top to bottom: the options, the samples of a problem, the score, the baselines.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.options import option, settle
from harness.seeds import derive
from harness.tasks.imagine import controls, scoring
from harness.tasks.imagine.problems import FACTS, Problem, problem
from harness.tasks.imagine.stories import LENGTHS, SIZES
from harness.tasks.imagine.tally import Tally
from harness.types import Collector, Example, Message, Param, Params, Sample, Sampling, Score, StopReason, Task

PROBLEMS = 100
"""Problems by default."""


@dataclass(frozen=True)
class Imagine(Task):
    """Word problems in two to six steps, and the same after one stated fact is imagined otherwise."""

    fact: tuple[str, ...] = option(
        FACTS, f"what is changed: one or more of {', '.join(FACTS)}, all", choices=FACTS, aliases={"all": FACTS}
    )
    size: tuple[str, ...] = option(
        SIZES, f"how large the numbers are: {', '.join(SIZES)}, all", choices=SIZES, aliases={"all": SIZES}
    )
    steps_of: tuple[int, ...] = option(
        tuple(range(LENGTHS[0], LENGTHS[1] + 1)), "steps of a problem, one or more of 2 to 6", between=LENGTHS
    )

    name: ClassVar[str] = "imagine"
    version: ClassVar[str] = "1"
    factors: ClassVar[tuple[str, ...]] = ("fact", "size")
    main: ClassVar[str] = "fact"
    measures: ClassVar[Mapping[str, str]] = {"steps": "steps"}
    baselines: ClassVar[Mapping[str, str]] = {
        "last_number": "the last number of the text",
        "two_numbers": "two of the numbers in the text added, subtracted, multiplied or divided",
    }
    # The sentence "Imagine that ..." is more text, and names one number more.
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "fact": ("length", "words", "numbers"),
        "size": ("length", "largest number", "answer", "answer length"),
    }
    sampling = Sampling(temperature=0.0, max_tokens=2048)

    def __post_init__(self) -> None:
        settle(self, "task imagine")

    @property
    def limit(self) -> int:
        """100 problems in all of their conditions."""
        return PROBLEMS * len(self.fact) * len(self.size)

    def samples(self, seed: int) -> Iterator[Sample]:
        """Groups without end: one problem in turn of each number of steps, in every condition."""
        for index, steps in ((i, steps) for i in itertools.count() for steps in self.steps_of):
            drawn = problem(random.Random(derive(self.name, self.version, seed, steps, index)), steps)
            for size, fact in itertools.product(self.size, self.fact):
                yield _sample(f"{seed}-{steps}-{index:06d}", drawn, fact, size)

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """See scoring.py. Raises DataError if params are not those of a sample."""
        return scoring.scored(params, response, stop_reason)

    @staticmethod
    def collector() -> Collector:
        """How often the old answer is kept, and how often an answer moves."""
        return Tally()

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. shallow: the answer in the plain world, whatever was changed. random: a number from 1 to
        twice the largest one in the text. last_number and two_numbers are as they say."""
        return f"Answer: {_guess(kind, sample, rng)}"

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Problems of another story and other people, with the steps in numbers, in the sample's own condition and
        number of steps; without a sample, in all of them."""
        own = sample.params if sample is not None else {}
        while True:
            seed = rng.random()
            steps = int(str(own["steps"])) if own else rng.choice(self.steps_of)
            fact = str(own["fact"]) if own else rng.choice(FACTS)
            size = str(own["size"]) if own else rng.choice(SIZES)
            drawn = problem(random.Random(f"example {seed}"), steps, held_out=True)
            shown = _sample("example", drawn, fact, size)
            answer = "\n".join([*drawn.worked(fact, size), f"Answer: {shown.target}"])
            yield Example(shown.messages[0].content, answer)

    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        if placebo == "names":
            return controls.renamed(sample, rng)
        if placebo == "words":
            return controls.said_otherwise(sample)
        drawn = self._drawn(sample)
        return _like(sample, controls.told_elsewhere(drawn, rng)) if drawn is not None else None

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        drawn = self._drawn(sample)
        if drawn is None:
            return None
        made = controls.altered(drawn, str(sample.params["fact"]), str(sample.params["size"]), rng)
        return _like(sample, made) if made is not None else None

    def _drawn(self, sample: Sample) -> Problem | None:
        return controls.drawn(sample, self.name, self.version)


def _guess(kind: str, sample: Sample, rng: random.Random) -> str:
    if kind == "oracle":
        return sample.target
    if kind == "shallow":
        return str(sample.params["plain_answer"])
    stated = scoring.stated(sample.params)
    if kind == "last_number":
        return str(stated[-1])
    if kind == "two_numbers":
        small, large = sorted(rng.sample(stated, 2))
        return str(rng.choice((small + large, large - small, small * large, large // small)))
    return str(rng.randint(1, 2 * max(stated)))


def _sample(group: str, drawn: Problem, fact: str, size: str) -> Sample:
    plain, other = drawn.answers(size)
    answer = plain if fact in ("plain", "idle") else other
    text, stated = drawn.text(fact, size)
    params: dict[str, Param] = {
        "fact": fact, "size": size, "story": drawn.walk.story.name, "structure": drawn.walk.name,
        "steps": len(drawn.walk.steps), "changed": drawn.changed.quantity, "affected": drawn.affected(size),
        "stated": stated, "worked": tuple(drawn.worked(fact, size)), "answer": str(answer), "plain_answer": str(plain),
    }  # fmt: skip
    condition = f"{fact}/{size}"
    return Sample(f"{group}/{condition}", group, condition, params, (Message("user", text),), str(answer))


def _like(sample: Sample, drawn: Problem) -> Sample:
    """A problem in the condition of a sample."""
    return _sample(sample.group, drawn, str(sample.params["fact"]), str(sample.params["size"]))
