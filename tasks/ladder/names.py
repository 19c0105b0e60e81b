"""What the variables are called: words of a story, nonsense words or letters. The same numbers get other words."""

from __future__ import annotations

import random
from typing import NamedTuple

from harness.tasks.ladder.prompts import texts

LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
"""Without vowels, and without Y: no letter is a word."""
NONSENSE = (
    "blick bror chost crelp dreff drosk duv fep flarn fremp frode ghef gluv gorv grell grost jalk jund kelb klim krat "
    "lant lem marn melk mofe murn nalb nerk norf noss palk plim plonf prash quib rell rilk rolb sarv skorn snorp stam "
    "tarb thrup trolk tumb valt vask vorn vuff welb wug yern zalt zaff zib zorl"
).split()


class Phrases(NamedTuple):
    """Where the people live, and the verb phrases of the three variables."""

    place: str
    z: str
    x: str
    y: str


def phrases(names: str, seed: int, raises: bool) -> Phrases:
    """Words for Z, X and Y; the same seed gives the same. `raises`: whether X makes Y more frequent in this world,
    which commonsense words are known for, and anticommonsense words are known for not."""
    stories, rng = texts("stories"), random.Random(seed)
    if names in ("commonsense", "anticommonsense"):
        story = rng.choice(stories["raises" if raises == (names == "commonsense") else "lowers"])
        return Phrases(stories["places"]["stories"], **story)
    words = symbols(names, 3, rng)
    shown = [stories["letters"].format(name=word) if names == "letters" else word for word in words]
    return Phrases(stories["places"][names], *shown)


def symbols(names: str, number: int, rng: random.Random) -> list[str]:
    """So many different nonsense words or letters."""
    return rng.sample(LETTERS if names == "letters" else NONSENSE, number)
