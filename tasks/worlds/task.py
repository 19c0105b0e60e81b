"""Default and counterfactual worlds: the same program, walk, opening, cards or notes by the usual rules and by others.

For example, a program sets `xs = [48, 13, 92, 70, 25, 61]` and prints `xs[2]`: 92 if the first index is 0, 13 if it
is 1.

After Wu, Qiu, Ross, Akyürek, Chen, Wang, Kim, Andreas, Kim 2023 (arXiv 2307.02477), whose first pair is the task
arithmetic. See README.md. Reads top to bottom: the options, the samples of a problem, the score, the baselines.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

from harness.options import check_effect, option, settle
from harness.seeds import derive
from harness.tasks.worlds import changes, controls, scoring
from harness.tasks.worlds.cards import SET
from harness.tasks.worlds.guitar import MUSIC
from harness.tasks.worlds.openings import CHESS
from harness.tasks.worlds.problem import DEFAULT, Ask, Kind, Problem
from harness.tasks.worlds.programs import CODE
from harness.tasks.worlds.prompts import PROMPTS, text
from harness.tasks.worlds.rooms import SPATIAL
from harness.tasks.worlds.tally import Tally
from harness.types import Collector, Example, Message, Params, Sample, Sampling, Score, StopReason, Task

KINDS = {kind.name: kind for kind in (CODE, SPATIAL, CHESS, SET, MUSIC)}
ROUNDS = 50
"""Problems of each kind by default."""


@dataclass(frozen=True)
class Worlds(Task):
    """Programs, walks, chess openings, cards and notes, by the usual rules and in counterfactual worlds."""

    kind: tuple[str, ...] = option(
        tuple(KINDS), f"one or more of {', '.join(KINDS)}, all", choices=tuple(KINDS), aliases={"all": tuple(KINDS)}
    )
    prompt: tuple[str, ...] = option(
        ("direct", "check"), f"one or more of {', '.join(PROMPTS)}, all", choices=PROMPTS, aliases={"all": PROMPTS}
    )
    length: int = option(4, "statements of a program, legs of a walk, half-moves of an opening; 2 to 8", between=(2, 8))

    name: ClassVar[str] = "worlds"
    version: ClassVar[str] = "2"
    factors: ClassVar[tuple[str, ...]] = ("world", "prompt", "kind")
    main: ClassVar[str] = "world"
    measures: ClassVar[Mapping[str, str]] = {"steps": "length"}
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "prompt": ("all",),
    }
    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES
    # Temperature 0 as published; the bound on length is ours and leaves room for thinking.
    sampling = Sampling(temperature=0.0, max_tokens=2048)

    def __post_init__(self) -> None:
        settle(self, "task worlds")
        check_effect(self, "task worlds", {"length": [kind.name for kind in KINDS.values() if kind.sized]})

    @property
    def limit(self) -> int | None:
        """50 problems of each kind in each of its worlds and prompts."""
        return ROUNDS * len(self.prompt) * sum(len(KINDS[kind].worlds) for kind in self.kind)

    def samples(self, seed: int) -> Iterator[Sample]:
        """Groups without end: one problem of each kind in turn, in every world and prompt."""
        for index, name in ((i, name) for i in itertools.count() for name in self.kind):
            rng = random.Random(derive(self.name, self.version, name, self.length, seed, index))
            problem = KINDS[name].draw(Ask(rng, self.length, index))
            for world, prompt in itertools.product(KINDS[name].worlds, self.prompt):
                yield _sample(f"{name}{self.length}-{seed}-{index:06d}", KINDS[name], problem, world, prompt)

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """See scoring.py. Raises DataError if params are not those of a sample."""
        return scoring.scored(params, response, stop_reason)

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py. Chess has no names."""
        return controls.reworded(sample, placebo, rng)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See changes.py."""
        return changes.changed(sample, rng)

    @staticmethod
    def collector() -> Collector:
        """How often the answer is that of the default world."""
        return Tally()

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. shallow: the answer of the default world, whatever the world. random: any of the answers
        between which a guess would choose."""
        answer = sample.target
        if kind == "shallow":
            answer = str(sample.params["default_answer"])
        elif kind == "random":
            answer = rng.choice(scoring.candidates(sample.params))
        return KINDS[str(sample.params["kind"])].form.format(answer)

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Problems in the sample's kind, world and prompt (without a sample, in all of them) with numbers of three
        digits, or objects, or people, or a length that no sample has."""
        own = sample.params if sample is not None else {}
        for turn in itertools.count():
            kind = KINDS[str(own["kind"]) if own else rng.choice(tuple(KINDS))]
            world = str(own["world"]) if own else rng.choice(kind.worlds)
            prompt = str(own["prompt"]) if own else rng.choice(PROMPTS)
            problem = kind.draw(Ask(rng, self.length, turn, held_out=True))
            shown = _sample("example", kind, problem, world, prompt)
            yield Example(shown.messages[0].content, kind.form.format(shown.target))


def _sample(group: str, kind: Kind, problem: Problem, world: str, prompt: str) -> Sample:
    question = problem.check if prompt == "check" else problem.main
    condition = f"{kind.name}/{world}/{prompt}"
    params: dict[str, str | int | tuple[str, ...]] = {
        "kind": kind.name, "world": world, "prompt": prompt, "length": problem.length,
        "candidates": question.candidates,
        "answer": question.answers[world], "default_answer": question.answers[DEFAULT],
    }  # fmt: skip
    asked = Message("user", text(kind.name, prompt, problem.rules[world], question.parts))
    return Sample(f"{group}/{world}/{prompt}", group, condition, params, (asked,), question.answers[world])
