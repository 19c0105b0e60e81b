"""Fresh twins of published word problems whose solutions have calculator marks. See harness.twins and chains.py."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, ClassVar

from harness.errors import UsageError
from harness.tasks.hub import chains, schema
from harness.tasks.hub.chains import Mark, NoTwinError
from harness.tasks.hub.items import Item
from harness.tasks.hub.prompting import PUBLISHED
from harness.tasks.hub.rows import Loaded
from harness.types import Sample, Scalar

CHANGES = {"numbers": "all numbers of the question that its solution uses"}
"""Of a set with marks, by which the new answer is known."""


class OtherNumbers:
    """What the task says of the published items of a set with `marks` (harness.twins.HasPublished)."""

    published_options: ClassVar[Mapping[str, str]] = {"forms": PUBLISHED}

    def published(self: Any, seed: int) -> Iterator[Sample]:
        """The items as published, with the marks of their solutions. They don't depend on the seed. UsageError for a
        set without marks."""
        if not self.of.marks:
            able = ", ".join(name for name in schema.names() if schema.find(name).marks)
            raise UsageError(
                f"task hub: set {self.set} names no published items of which twins can be made", f"sets that do: {able}"
            )
        return (_marked(self._sample(item, PUBLISHED, PUBLISHED, ()), item.solution) for item in self.asked())

    def changed(self: Any, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """The question of a twin, in the sample's place."""
        item = next(item for item in self.asked() if item.id == sample.group)
        drawn = self.fresh_twins([_marked(self._sample(item, PUBLISHED, PUBLISHED, ()), item.solution)], rng)
        if drawn is None:
            return None
        [found] = drawn
        params = {**sample.params, "answer": found.params["answer"]}
        return replace(sample, params=params, messages=found.messages, target=found.target)

    def fresh_twins(self: Any, group: Sequence[Sample], rng: random.Random) -> list[Sample] | None:
        """The question with other numbers, which leave its solution as it is but for them. None if they can't be tied
        to the solution's marks (chains.NoTwinError), or if no others go through it as these do."""
        question = question_of(group[0])
        try:
            known = chains.chain(question, marks_of(group[0]), group[0].target)
        except NoTwinError:
            return None
        found = chains.twin(known, rng)
        if found is None or found.question in _questions(self._loaded):
            return None
        drawn = Item(group[0].group, "", found.question, (), -1, found.answer)
        return [_with(self._sample(drawn, PUBLISHED, PUBLISHED, ()), found.marks) for _ in group]

    def alike(self, sample: Sample) -> Mapping[str, Scalar]:
        """The marks of the solution and their operations, and the digits of all numbers of the question, of all results
        (with and without zeros at an end) and of the answer."""
        marks = marks_of(sample)
        return {
            "hops": len(marks),
            "operations": sum(len(re.findall(r"[-+*/]", mark.computed)) for mark in marks),
            "digits": chains.digits(question_of(sample)),
            "digits of the results": sum(chains.digits(mark.result) for mark in marks),
            "without zeros at an end": sum(chains.significant(mark.result) for mark in marks),
            "digits of the answer": chains.digits(sample.target),
        }

    def published_text(self, sample: Sample) -> tuple[str, str] | None:
        """The question, cut before the number that is nearest to its middle; None if that leaves no quarter of it on
        either side."""
        text = question_of(sample)
        starts = [m.start() for m in re.finditer(r"[$€£]?\d[\d.,]*", text)]
        cut = min(starts, key=lambda start: abs(2 * start - len(text)), default=0)
        if not len(text) <= 4 * cut <= 3 * len(text):
            return None
        return text[:cut].rstrip(), text[cut:]


_ASKED = "Question: "
"""What stands before the question (prompts/number.txt)."""
_BETWEEN = "; "


def question_of(sample: Sample) -> str:
    """The item's own text."""
    return sample.messages[-1].content.partition(_ASKED)[2]


def marks_of(sample: Sample) -> tuple[Mark, ...]:
    """The marks of its solution. NoTwinError if there are none."""
    said = str(sample.params["chain"])
    if not said:
        raise NoTwinError("no calculator marks")
    return tuple(Mark(*part.split("=")) for part in said.split(_BETWEEN))


def _marked(sample: Sample, solution: str) -> Sample:
    try:
        return _with(sample, chains.marks(solution))
    except NoTwinError:
        return _with(sample, ())


def _with(sample: Sample, marks: Sequence[Mark]) -> Sample:
    params = {**sample.params, "chain": _BETWEEN.join(map(str, marks))}
    return Sample(sample.id, sample.group, sample.condition, params, sample.messages, sample.target)


@lru_cache(maxsize=4)
def _questions(loaded: Loaded) -> frozenset[str]:
    return frozenset(item.question for item in loaded.items)
