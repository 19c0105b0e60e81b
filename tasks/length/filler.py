"""Text about nothing, drawn by seed, as long as wanted. It has no digits and no names, so it can't answer anything."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from harness.tasks.length.prompts import words


def sentences(rng: random.Random) -> Iterator[str]:
    """Sentences without end, of about 50 characters each."""
    w = words()
    while True:
        noun, other = rng.sample(w.nouns, 2)
        verb, verb2 = rng.sample(w.verbs, 2)
        place, time = rng.choice(w.places), rng.choice(w.times)
        yield rng.choice(w.forms).format(
            adjective=rng.choice(w.adjectives), noun=noun, other=other, verb=verb, verb2=verb2,
            place=place, Place=place.capitalize(), time=time, Time=time.capitalize(),
        )  # fmt: skip


def upto(drawn: Callable[[int], str], characters: int) -> list[str]:
    """The first of the sentences that together, with a blank behind each, have at most so many characters: those of a
    shorter text begin a longer one."""
    found: list[str] = []
    left = characters
    while len(sentence := drawn(len(found))) < left:
        found.append(sentence)
        left -= len(sentence) + 1
    return found
