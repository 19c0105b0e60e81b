"""Names of persons and words for kinds of things: familiar ones, and nonsense words that are no English and share no
beginnings."""

from __future__ import annotations

import random

from harness.tasks.invented import draw_names

WOMEN = (
    "Alice Anna Beth Clara Diane Emma Fiona Grace Helen Irene "
    "Julia Karen Laura Maria Nora Olivia Paula Rachel Sarah Tina"
).split()
MEN = (
    "Adam Ben Carl David Eric Frank George Henry Ian Jack Kevin Luke Mark Nick Oscar Peter Ralph Sam Tom Victor"
).split()
PEOPLE = WOMEN + MEN


def people(rng: random.Random, count: int) -> list[str]:
    """Different familiar names of persons, 40 at most."""
    return rng.sample(PEOPLE, count)


def nonsense(rng: random.Random, count: int) -> list[str]:
    """Different nonsense words of six letters with a capital. Each has a pair of consonants that English words do not
    have (harness.tasks.invented), so none is a word or a part of one."""
    return draw_names(rng, count)


def plural(word: str) -> str:
    """The plural of a noun that forms it by a rule or is in the list."""
    if word in IRREGULAR:
        return IRREGULAR[word]
    return f"{word}es" if word.endswith(("s", "x", "z", "ch", "sh")) else f"{word}s"


IRREGULAR = {"mouse": "mice", "wolf": "wolves", "sheep": "sheep", "goose": "geese", "fox": "foxes"}


def article(word: str) -> str:
    """The noun with its indefinite article."""
    return f"{'an' if word[0].lower() in 'aeiou' else 'a'} {word}"
