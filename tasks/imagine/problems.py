"""One problem: a structure, people, and numbers in two worlds that differ in one stated fact. Knows no score.

The two worlds are drawn alike: which of them is the plain one is no matter of size, of the answer or of anything else.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.tasks.imagine.prompts import PROBLEM, REVISED
from harness.tasks.imagine.stories import PEOPLE, SIZES, Fact, Walk, stories, values, walks
from harness.tasks.imagine.trees import computed, written
from harness.tasks.persons import FIRST, HELD_OUT_FIRST

FACTS = ("plain", "restated", "imagine", "idle")
_TRIES = 60
"""Other values of the changed fact that are looked at, and draws of all numbers, before the structure is given up."""


class Numbers(NamedTuple):
    """All quantities in the plain world and in the other one, and the idle fact's number in both."""

    plain: Mapping[str, int]
    other: Mapping[str, int]
    idle: tuple[int, int]


@dataclass(frozen=True)
class Problem:
    """`changed`: which fact differs between the worlds. `idle_at`: how many parts are told before the idle fact."""

    walk: Walk
    people: Mapping[str, str]
    changed: Fact
    idle: Fact
    idle_at: int
    numbers: Mapping[str, Numbers]

    def answers(self, size: str) -> tuple[int, int]:
        """In the plain world and in the other one."""
        last, numbers = self.walk.steps[-1].name, self.numbers[size]
        return numbers.plain[last], numbers.other[last]

    def affected(self, size: str) -> int:
        """How many computed quantities the change reaches: those that depend on the changed fact."""
        plain, other, _ = self.numbers[size]
        return sum(plain[name] != other[name] for name, _ in self.walk.steps)

    def text(self, fact: str, size: str) -> tuple[str, tuple[int, ...]]:
        """(prompt, the numbers of its story in their order) of a condition. Only `restated` tells the other world."""
        plain, other, (idle, other_idle) = self.numbers[size]
        told: dict[str, Any] = {**(other if fact == "restated" else plain), self.idle.quantity: idle, **self.people}
        facts: list[Fact] = []
        for place, part in enumerate(self.walk.parts):
            facts += (self.idle, *part.facts) if place == self.idle_at else part.facts
        if self.idle_at == len(self.walk.parts):
            facts.append(self.idle)
        sentences = [one.text.format_map(told) for one in facts]
        story = " ".join(f"{s[0].upper()}{s[1:]}." for s in sentences)
        numbers = tuple(int(told[one.quantity]) for one in facts if one.quantity)
        question = self.walk.question.format_map(self.people)
        if fact in ("plain", "restated"):
            return PROBLEM.format(story=story, question=question), numbers
        one, number = (self.idle, other_idle) if fact == "idle" else (self.changed, other[self.changed.quantity])
        changed = one.text.format_map({**told, one.quantity: number})
        return REVISED.format(story=story, question=question, fact=changed), (*numbers, number)

    def worked(self, fact: str, size: str) -> list[str]:
        """The steps in numbers: `12 * 5 = 60`, one line each."""
        plain, other, _ = self.numbers[size]
        known = plain if fact in ("plain", "idle") else other
        return [f"{written(tree, known)} = {known[name]}" for name, tree in self.walk.steps]


def problem(rng: random.Random, steps: int, held_out: bool = False) -> Problem:
    """A problem in so many steps; `held_out`: for worked examples, with a story and people that no sample has."""
    told = [story for story in stories(held_out) if walks(story, steps)]
    while True:
        story = rng.choice(told)
        walk = rng.choice(walks(story, steps))
        changed = rng.choice(walk.facts)
        idle = rng.choice(story.idle)
        numbers = {}
        for size in SIZES:
            drawn = _numbers(rng, walk, changed, idle, size)
            if drawn is None:
                break
            numbers[size] = drawn
        else:
            people = dict(zip(PEOPLE, rng.sample(HELD_OUT_FIRST if held_out else FIRST, len(PEOPLE)), strict=True))
            return Problem(walk, people, changed, idle, rng.randint(0, len(walk.parts)), numbers)


def _numbers(rng: random.Random, walk: Walk, changed: Fact, idle: Fact, size: str) -> Numbers | None:
    """Numbers for which all quantities are whole and above 0 in both worlds, the answers differ, and neither answer
    stands in the text. None if there are none, as far as a few tries show.

    The other world is drawn from those that are allowed beside the plain one: so each of the two is as likely to be
    the plain one.
    """
    most, last = walk.story.most[size], walk.steps[-1].name
    ranges = [(fact.quantity, values(fact.kind, size)) for fact in walk.facts]
    every = values(changed.kind, size)
    for _ in range(_TRIES):
        plain = computed(walk.steps, {name: rng.choice(allowed) for name, allowed in ranges}, most)
        if plain is None:
            continue
        stated = {name: plain[name] for name, _ in ranges}
        numbers = set(stated.values())
        if plain[last] in numbers:
            continue
        for number in rng.sample(every, min(_TRIES, len(every))):
            other = computed(walk.steps, stated | {changed.quantity: number}, most)
            if other is None or other[last] == plain[last]:
                continue
            if {plain[last], other[last]} & {*numbers, number}:
                continue
            spoken = {plain[last], other[last]}
            free = [n for n in rng.sample(values(idle.kind, size), 5) if n not in spoken]
            return Numbers(plain, other, (free[0], free[1]))
        # Another world beside this one does not exist, or is rare: it would be rare as the plain one, too.
    return None
