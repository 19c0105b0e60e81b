"""Fictional people and what each is known for: facts that no model can have seen. Knows no prompt and no scoring."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.tasks.persons import FIRST, LAST

Order = Literal["name_first", "description_first"]
ORDERS: tuple[Order, Order] = ("name_first", "description_first")

_ROLES = (
    "composer of the opera",
    "author of the novel",
    "director of the film",
    "painter of the triptych",
    "inventor of the machine called",
    "founder of the orchestra",
    "captain of the ship",
    "designer of the garden",
    "architect of the tower",
    "choreographer of the ballet",
    "editor of the journal",
    "discoverer of the comet",
)
_ADJECTIVES = (
    "Amber Barren Broken Copper Crooked Distant Early Eastern Empty Faded Gentle Gilded Hidden Hollow Idle Ivory "
    "Jagged Kindly Last Late Little Lonely Marble Northern Ochre Open Pale Patient Quiet Restless Salted Scarlet "
    "Second Silent Slanted Southern Tidal Twofold Unread Velvet Waking Wandering Western Wooden Woven Yonder"
).split()
_NOUNS = (
    "Abbey Anchor Arcade Beacon Bridge Candle Canyon Carousel Cellar Citadel Clock Compass Cradle Delta Ember Feather "
    "Ferry Fountain Furnace Glacier Hammock Harbour Harvest Island Kettle Lagoon Lantern Ledger Lighthouse Mirror "
    "Monsoon Orchard Parade Pendulum Quarry Ribbon Saddle Sparrow Staircase Tapestry Thimble Threshold Umbrella Valley "
    "Voyage Whistle Window Zephyr"
).split()
_WORKS = len(_ADJECTIVES) * len(_NOUNS)


@dataclass(frozen=True, slots=True)
class Person:
    """A name, and a description of that one person: `the composer of the opera Hidden Anchor`."""

    name: str
    description: str


MOST = min(len(LAST), _WORKS)
"""The most people that `draw` can make at once: each has a surname and a work that no other has."""


def draw(rng: random.Random, count: int, first: Sequence[str] = FIRST) -> list[Person]:
    """`count` people, at most MOST. They share no surname and no work, so that each description fits one of them and no
    two names can be confused."""
    names = [f"{rng.choice(first)} {last}" for last in rng.sample(LAST, count)]
    works = (divmod(n, len(_NOUNS)) for n in rng.sample(range(_WORKS), count))
    return [
        Person(name, f"the {rng.choice(_ROLES)} {_ADJECTIVES[a]} {_NOUNS[b]}")
        for name, (a, b) in zip(names, works, strict=True)
    ]


def asked(person: Person, order: Order) -> tuple[str, str]:
    """(what a sentence in this order gives, what it asks for)."""
    return (person.name, person.description) if order == "name_first" else (person.description, person.name)


def split(frame: str, person: Person, order: Order) -> tuple[str, str]:
    """(the sentence up to the part that is asked for, the rest from there on); `frame` has {name} and {description}."""
    missing = "{description}" if order == "name_first" else "{name}"
    before, _, after = frame.partition(missing)
    start = before.replace("{name}", person.name).replace("{description}", person.description).rstrip()
    return start[:1].upper() + start[1:], asked(person, order)[1] + after


def reversed_order(order: Order) -> Order:
    """The other of the two orders."""
    return "description_first" if order == "name_first" else "name_first"
