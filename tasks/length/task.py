"""Length: a fact stands in a text of a given length, at a given depth. Is it found, and what follows from it?

For example, with kind=passkey: "... The pass key is 48213. Remember it: 48213 is the pass key. ..." What is the pass
key? The target is 48213.

After the passkey test of Mohtashami and Jaggi 2023 (arXiv 2305.16300) and the key-value retrieval of Liu et al. 2024
(arXiv 2307.03172). See README.md. Reads top to bottom: options, samples, score, baselines.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.errors import UsageError
from harness.options import option, settle
from harness.seeds import derive
from harness.tasks.length import controls, scoring
from harness.tasks.length.filler import upto
from harness.tasks.length.hidden import DIGITS, KINDS, Hidden, hidden
from harness.tasks.length.prompts import frame
from harness.tasks.length.table import ByLength
from harness.types import Collector, Example, Message, Param, Params, Sample, Sampling, Score, StopReason, Task

CHARACTERS = 4
"""Characters that count as a token."""
LENGTHS = (250, 1_000_000)
MOST_PAIRS = 120_000
"""Tokens that the key-value pairs with different names last for."""
PARAGRAPH = 6
"""Sentences of a paragraph."""
WINDOW = 0.1
"""The share of the text, from its end, that the baseline `window` reads."""


@dataclass(frozen=True)
class Length(Task):
    """A fact among filler: is it found at each length and depth, and is what follows from it?"""

    kind: Literal["passkey", "keyvalue", "aiw", "multihop"] = option(
        "passkey", f"what stands in the text: one of {', '.join(KINDS)}"
    )
    lengths: tuple[int, ...] = option(
        (500, 1000, 2000, 4000), "lengths of the prompt in tokens of about four characters", between=LENGTHS
    )
    depths: tuple[float, ...] = option(
        (0.0, 0.25, 0.5, 0.75, 1.0), "where the fact stands, as a share of the text: 0 first, 1 last", between=(0, 1)
    )
    keys: int = option(40, "keys, each asked at every length and depth", between=(1, 100_000))

    name: ClassVar[str] = "length"
    version: ClassVar[str] = "1"
    factors: ClassVar[tuple[str, ...]] = ("length", "depth")
    main: ClassVar[str] = "length"
    behind_slash: ClassVar[str] = "kind"
    differs: ClassVar[Mapping[str, tuple[str, ...]]] = {
        # A longer text has more of everything; what answers stands nearer to its beginning or its end.
        "length": ("length", "words", "numbers", "largest number", "answer position", "vocabulary"),
        "depth": ("answer position",),
    }
    placebos: ClassVar[Mapping[str, str]] = controls.PLACEBOS
    changes: ClassVar[Mapping[str, str]] = controls.CHANGES
    baselines: ClassVar[Mapping[str, str]] = {"window": "reads the last tenth of the text alone, else as random"}
    sampling = Sampling(temperature=0.0, max_tokens=1024)

    def __post_init__(self) -> None:
        settle(self, "task length")
        for name in ("lengths", "depths"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))
        if self.kind == "keyvalue" and self.lengths[-1] > MOST_PAIRS:
            raise UsageError(f"task length: kind=keyvalue has pairs for at most {MOST_PAIRS} tokens", "lower `lengths`")

    def samples(self, seed: int) -> Iterator[Sample]:
        """A group for each key: at every length and depth, among filler that is the same as far as it goes."""
        for index in range(self.keys):
            key = hidden(self.kind, random.Random(derive(self.name, self.version, seed, self.kind, index)))
            for length, depth in itertools.product(self.lengths, self.depths):
                yield _sample(f"{self.kind}-{seed}-{index:05d}", key, length, depth)

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """See scoring.py. Raises DataError if params are not those of a sample."""
        return scoring.scored(params, response, stop_reason)

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.reworded(sample, placebo)

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """See controls.py."""
        return controls.changed(sample, rng)

    @staticmethod
    def collector() -> Collector:
        """Accuracy by length and depth, the effective length, the middle against both ends."""
        return ByLength()

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """oracle: the answer. shallow: what is nearest instead of what is asked for (README.md). random: a number of
        the kind that is asked for, or one of the towns. window: the answer if it stands in the last tenth of the text,
        else as random."""
        found = sample.target
        seen = kind == "window" and float(str(sample.params["depth"])) > 1 - WINDOW
        if kind == "shallow":
            found = str(sample.params["shallow"])
        elif kind != "oracle" and not seen:
            towns = scoring.candidates(sample.params)
            small = sample.params["kind"] == "aiw"
            found = rng.choice(towns) if towns else str(rng.randint(*((1, 10) if small else DIGITS)))
        return f"Answer: {found}"

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Other keys of the same kind, at the sample's depth, in the shortest text that a task may have; without a
        sample, at any depth."""
        while True:
            kind = str(sample.params["kind"]) if sample is not None else rng.choice(KINDS)
            key = hidden(kind, random.Random(f"example {rng.random()}"), example=True)
            depth = float(str(sample.params["depth"])) if sample is not None else rng.choice(self.depths)
            shown = _sample("example", key, LENGTHS[0], depth)
            yield Example(shown.messages[0].content, f"Answer: {shown.target}")


def _sample(group: str, key: Hidden, length: int, depth: float) -> Sample:
    condition = f"{length}/{depth:g}"
    params: dict[str, Param] = {
        "kind": key.kind, "length": length, "depth": depth, "answer": key.answer, "shallow": key.shallow,
        "candidates": key.candidates,
    }  # fmt: skip
    message = Message("user", prompt(key, length, depth))
    return Sample(f"{group}/{condition}", group, condition, params, (message,), key.answer)


def prompt(key: Hidden, length: int, depth: float) -> str:
    """The whole prompt, of at most `length` times CHARACTERS characters and little less: as many at every depth."""
    around = frame().format(text="", question=key.question, form=key.form)
    room = length * CHARACTERS - len(around) - sum(len(fact) + 2 for fact in key.facts)
    # The breaks between paragraphs are one character longer than blanks.
    filler = upto(key.filler, room - room // 100)
    at = round(depth * len(filler))
    text = [*filler[:at], *key.facts, *filler[at:]]
    paragraphs = (" ".join(text[i : i + PARAGRAPH]) for i in range(0, len(text), PARAGRAPH))
    return frame().format(text="\n\n".join(paragraphs), question=key.question, form=key.form)
