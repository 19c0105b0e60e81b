"""The puzzles as planning tasks. Each sample says how long a right answer is, so that a limit under it is seen."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

from harness.errors import UsageError
from harness.options import option
from harness.tasks.planning import puzzles
from harness.tasks.planning.cases import Case, Source
from harness.tasks.planning.instances import Instance, Plan
from harness.tasks.planning.task import Planning
from harness.types import Sample

CHARACTERS_A_TOKEN = 4
"""As `--dry-run` counts. A tokenizer that knows the words of a plan needs about as many, for random names more."""


def tokens(text: str) -> int:
    """How many tokens a text takes at least: its characters / 4, rounded up."""
    return -(-len(text) // CHARACTERS_A_TOKEN)


def _measured(sample: Sample) -> Sample:
    """With how much a right answer takes."""
    return replace(sample, params={**sample.params, "answer_tokens": tokens(sample.target)})


def _remeasured(control: Sample | None) -> Sample | None:
    """A control of a sample, measured if samples of its ability are."""
    return _measured(control) if control is not None and "answer_tokens" in control.params else control


@dataclass(frozen=True)
class Puzzle(Planning):
    """What the puzzles share: `answer_tokens` of a sample is what a shortest right answer takes at least, without any
    thinking."""

    exact: ClassVar[bool] = True
    measures: ClassVar[Mapping[str, str]] = {**Planning.measures, "tokens": "answer_tokens"}
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        **Planning.differs,
        "world": (*Planning.differs["world"], "tokens"),
        "solvable": (*Planning.differs["solvable"], "tokens"),
    }

    def _sample(self, *args: Any) -> Sample:
        return _measured(super()._sample(*args))

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.reworded."""
        return _remeasured(super().reworded(sample, placebo, rng))

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See changes.changed."""
        return _remeasured(super().changed(sample, change, rng))


@dataclass(frozen=True)
class Hanoi(Puzzle):
    """The tower of Hanoi; also under other names."""

    discs: int = option(4, "number of discs, 1 to 12", between=(1, 12))
    start: Literal["any", "tower"] = option("any", "any of the 3^discs states, or a whole tower: 2^discs - 1 moves")

    name: ClassVar[str] = "hanoi"

    def draw(self, rng: random.Random) -> Instance:
        """See puzzles.hanoi."""
        return puzzles.hanoi(rng, self.discs, self.start)

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """See puzzles.hanoi_pattern."""
        return puzzles.hanoi_pattern(rng, size)


@dataclass(frozen=True)
class River(Puzzle):
    """Clients and their agents cross a river in a small boat; also under other names."""

    pairs: int = option(3, "clients, each with an agent: 1 to 3 with a boat for two, to 5 with one for three",
                        between=(1, 5))  # fmt: skip
    boat: int = option(2, "people that the boat has room for, 2 or 3", between=(2, 3))
    start: Literal["any", "together"] = option("any", "any state from which all can cross, or all on the left bank")

    name: ClassVar[str] = "river"

    def __post_init__(self) -> None:
        super().__post_init__()
        if self._too_many and self.solvable != ("no",):
            raise UsageError(
                f"task river: {self.pairs} pairs can't cross in a boat for {self.boat}: no plan exists",
                "at most 3 pairs with -T boat=2, 5 with -T boat=3; -T solvable=no alone asks what can't be solved",
            )

    @property
    def _too_many(self) -> bool:
        return self.pairs > puzzles.MOST_PAIRS[self.boat]

    def draw(self, rng: random.Random) -> Instance:
        """See puzzles.river. Of pairs that can't cross: with the larger boat, which the twin takes away."""
        return puzzles.river(rng, self.pairs, 3 if self._too_many else self.boat, self.start)

    def twin(self, source: Source) -> Case | None:
        """With a smaller boat, if nobody can solve that; else a person is wanted on both banks."""
        smaller = source.instance.starting(source.instance.init - {("roomy",)})
        larger = self.boat == 3 or (self._too_many and self.instances is None)
        if larger and source.solve(smaller) is None:
            return Case(smaller, None)
        if self._too_many and self.instances is None:
            source = replace(source, instance=smaller)
        return super().twin(source)

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """See puzzles.river_pattern."""
        return puzzles.river_pattern(rng, size)


@dataclass(frozen=True)
class Checkers(Puzzle):
    """Red and blue checkers on a row of cells jump past each other; also under other names."""

    checkers: int = option(3, "checkers of each colour, 1 to 8", between=(1, 8))
    start: Literal["any", "swap"] = option("any", "two rows on a way to swap the colours, or its ends: n(n + 2) moves")

    name: ClassVar[str] = "checkers"

    def draw(self, rng: random.Random) -> Instance:
        """See puzzles.checkers."""
        return puzzles.checkers(rng, self.checkers, self.start)

    def pattern(self, rng: random.Random, size: int) -> tuple[Instance, Plan]:
        """See puzzles.checkers_pattern."""
        return puzzles.checkers_pattern(rng, size)
