"""Samples of two worlds beside each other: a clean one that the model should get right and one of the other world, with
the places that they share. Their right answers may be the same, and their prompts of different lengths.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.errors import UsageError
from harness.lab.models import LabModel
from harness.lab.pairs import candidates
from harness.seeds import derive
from harness.types import Sample, Score, Task

FACT = 0
"""The place of all the positions at which two prompts of one length differ. Other places are counted from the prompt's
end: -1 is its last token."""


@dataclass(frozen=True)
class Matched:
    """Two prompts as token ids. `unit` is what is independent of others: groups that share no sample."""

    clean: Sample
    other: Sample
    unit: str
    clean_ids: tuple[int, ...]
    other_ids: tuple[int, ...]
    places: frozenset[int] = field(repr=False)
    """Where a patch can do anything: behind the first difference; if the lengths differ, in what both end with."""

    @property
    def same_answer(self) -> bool:
        """Whether one answer is right in both worlds."""
        return self.clean.target == self.other.target

    @property
    def judged(self) -> Sample:
        """Whose verifier judges the other prompt with clean activations: its own if one answer is right in both worlds;
        else the clean one's, as that is what clean activations can bring."""
        return self.other if self.same_answer else self.clean

    def positions(self, place: int) -> list[tuple[int, int]]:
        """(position in the clean prompt, in the other) of a place."""
        if place not in self.places:
            return []
        if place == FACT:
            return [(i, i) for i, (a, b) in enumerate(zip(self.clean_ids, self.other_ids, strict=True)) if a != b]
        return [(len(self.clean_ids) + place, len(self.other_ids) + place)]


def matched(lab: LabModel, task: Task, clean: Sample, other: Sample, unit: str) -> Matched | None:
    """None if the prompts have nothing that could be patched: they are the same, or end differently."""
    one, two = (tuple(lab.encode(s.messages)) for s in (clean, other))
    if len(one) == len(two):
        differ = [i for i, (a, b) in enumerate(zip(one, two, strict=True)) if a != b]
        if not differ:
            return None
        behind = {i - len(one) for i in range(differ[0], len(one)) if i not in differ}
        return Matched(clean, other, unit, one, two, frozenset({FACT, *behind}))
    alike = next(i for i in range(min(len(one), len(two)) + 1) if one[-i - 1 : -i or None] != two[-i - 1 : -i or None])
    return Matched(clean, other, unit, one, two, frozenset(range(-alike, 0))) if alike else None


def halves(lab: LabModel, task: Task, seed: int, how: str, limit: int) -> tuple[list[Matched], list[Matched]]:
    """(pairs to search with, pairs to confirm with), at most `limit` in all; `how` as in harness.lab.pairs.pairs. No
    group has a sample in both. UsageError if a half would be empty."""
    found: list[Matched] = []
    unit_of: dict[str, str] = {}
    for clean, other in candidates(task, seed, how, 20 * limit):
        unit = " + ".join(dict.fromkeys((clean.group, other.group)))
        if any(unit_of.get(group, unit) != unit for group in (clean.group, other.group)):
            continue  # it would tie two units together
        pair = matched(lab, task, clean, other, unit)
        if pair is not None:
            found.append(pair)
            unit_of |= {clean.group: unit, other.group: unit}
        if len(found) == limit:
            break
    units = list(dict.fromkeys(pair.unit for pair in found))
    if len(units) < 2:
        raise UsageError(
            f"task {task.name}: pairs '{how}' come from {len(units)} groups: both halves need some",
            "--pairs says which prompts are matched; the prompts must end alike, or have one number of tokens",
        )
    random.Random(derive("localise", task.name, seed)).shuffle(units)
    first = set(units[: len(units) // 2])
    return [p for p in found if p.unit in first], [p for p in found if p.unit not in first]


def answer_tokens(lab: LabModel, task: Task, sample: Sample) -> tuple[int, ...]:
    """The right answer in the form that the prompt asks for, as tokens behind the prompt; () if they do not stand there
    by themselves."""
    bare = lab.encode(sample.messages)
    whole = lab.encode(sample.messages, str(task.baseline("oracle", sample, random.Random(0))))
    return tuple(whole[len(bare) :]) if whole[: len(bare)] == bare else ()


def parting(one: Sequence[int], two: Sequence[int]) -> tuple[tuple[int, ...], int, int] | None:
    """(how both begin, the next token of each); None if one begins the other."""
    at = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), None)
    return None if at is None else (tuple(one[:at]), one[at], two[at])


def verdict(task: Task, sample: Sample, text: str, ended: bool) -> Score:
    """By the task's own verifier."""
    return task.score(sample.params, text, "stop" if ended else "length")
