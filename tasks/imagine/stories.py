"""The stories of prompts/stories.toml, and the walks through them. Knows no number that is drawn, and no prompt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from harness.tasks.imagine.prompts import data
from harness.tasks.imagine.trees import Step, parsed, replaced

SIZES = ("small", "large")
PEOPLE = "ABCD"
LENGTHS = (2, 6)
"""Fewest and most steps of a problem."""
_MOST = {"small": 999, "large": 99_999}
_SLOT = re.compile(r"\{(\w+):(\w+)\}")


class Fact(NamedTuple):
    """One sentence with one number: `text` has gaps for the quantity and for people, as str.format has them; `kind`
    says how large the quantity is. Both are "" for a sentence without a number, which sets the scene."""

    quantity: str
    kind: str
    text: str


@dataclass(frozen=True, eq=False)
class Part:
    """What is told between one state of a story and the next, and the steps that follow from it."""

    start: str
    end: str
    facts: tuple[Fact, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, eq=False)
class Story:
    """`ask`: the question of each state. `most`: for each size the largest number that may come out."""

    name: str
    parts: tuple[Part, ...]
    idle: tuple[Fact, ...]
    ask: dict[str, str]
    most: dict[str, int]
    held_out: bool


@dataclass(frozen=True, eq=False)
class Walk:
    """The structure of a problem: the parts in their order. `facts` are those with a number; `steps` are those of all
    parts, `here` replaced by what it stands for."""

    story: Story
    parts: tuple[Part, ...]
    facts: tuple[Fact, ...]
    steps: tuple[Step, ...]

    @property
    def question(self) -> str:
        """With gaps for people."""
        return self.story.ask[self.parts[-1].end]

    @property
    def name(self) -> str:
        """The structure as text: the same for two problems if only numbers and people differ."""
        places = "-".join(str(self.story.parts.index(part)) for part in self.parts)
        return f"{self.story.name}-{places}"


def fact(text: str) -> Fact:
    """A sentence of the file. ValueError if it has more than one number."""
    [(quantity, kind)] = _SLOT.findall(text) or [("", "")]
    return Fact(quantity, kind, _SLOT.sub(r"{\1}", text))


@cache
def values(kind: str, size: str) -> Sequence[int]:
    """The numbers that a kind of quantity can have."""
    given = data()["numbers"][kind][size]
    return range(given[0], given[1] + 1) if len(given) == 2 else tuple(given)


@cache
def stories(held_out: bool = False) -> tuple[Story, ...]:
    """Those of samples, or those that only worked examples tell."""
    found = (_story(name, given) for name, given in data().items() if name != "numbers")
    return tuple(story for story in found if story.held_out == held_out)


def _story(name: str, given: dict[str, Any]) -> Story:
    parts = (
        Part(p.get("from", ""), p["to"], tuple(map(fact, p["say"])), tuple(map(parsed, p["do"])))
        for p in given["parts"]
    )
    idle = tuple(map(fact, given["idle"]))
    return Story(name, tuple(parts), idle, given["ask"], given.get("most", _MOST), given.get("held_out", False))


@cache
def walks(story: Story, steps: int) -> tuple[Walk, ...]:
    """All structures of the story with so many steps."""
    return tuple(walk(story, parts) for parts in _paths(story, (), "", steps))


def _paths(story: Story, so_far: tuple[Part, ...], state: str, steps: int) -> Iterator[tuple[Part, ...]]:
    if not steps:
        yield so_far
        return
    for part in story.parts:
        if part.start == state and part not in so_far and len(part.steps) <= steps:
            yield from _paths(story, (*so_far, part), part.end, steps - len(part.steps))


def walk(story: Story, parts: tuple[Part, ...]) -> Walk:
    """The structure that has these parts in this order."""
    steps: list[Step] = []
    for part in parts:
        here = steps[-1].name if steps else ""
        steps += [Step(step.name, replaced(step.tree, "here", here)) for step in part.steps]
    return Walk(story, parts, tuple(f for part in parts for f in part.facts if f.quantity), tuple(steps))
