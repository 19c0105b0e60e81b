"""Invented names for tasks: none is a word, or a part of a word or of another name. Knows no task."""

from __future__ import annotations

import itertools
import random
from functools import cache

NAMES = 20_011
"""The number of names: a prime, so that any stride through the table visits all of it."""


@cache
def names() -> tuple[str, ...]:
    """Invented names, all of six letters and all different, so that no name is a part of another or of its normal form.

    Each has a pair of consonants that English words do not have, so no name is a word or a part of one.
    """
    parts = (
        "bdfghklmnprstvz",
        "aeiou",
        ("kv", "vk", "zk", "zg", "vz", "vb", "kz", "gv", "vg", "zf"),
        "aeiou",
        "klmnrst",
    )
    every = ["".join(p) for p in itertools.product(*parts)]
    random.Random(0).shuffle(every)
    return tuple(name.capitalize() for name in every[:NAMES])


def draw_names(rng: random.Random, count: int) -> list[str]:
    """`count` different names."""
    table = names()
    place, stride = int(rng.random() * NAMES), 1 + int(rng.random() * (NAMES - 1))
    return [table[(place + i * stride) % NAMES] for i in range(count)]
