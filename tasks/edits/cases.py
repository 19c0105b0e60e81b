"""The fictional world of a seed: small circles of things with a person at their head, and one edit for each circle.

No name comes twice in the cases of a seed, so a model can hold all of them at once. Knows no prompt and no scoring.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from harness.seeds import derive
from harness.tasks.edits.prompts import RELATIONS, Relation
from harness.tasks.persons import FIRST, HELD_OUT_FIRST, LAST

VERSION = "1"
"""Goes up if any case changes."""
MOST = 200
"""The most cases of a seed."""

_STARTS = (
    "Abel Alm Barn Brun Cald Corl Dorn Dun Elm Esk Fenn Fall Gold Gris Harl Hels Ivel Inn Jarn Jost Kest Karn Lind Lor "
    "Marl Mund Norl Nev Ost Ord Perr Pald Quen Ros Rund Sald Stell Tamb Tord Ulm Vard Venn Wess Wald Yarl Zand"
).split()
_MIDDLES = "a e i o an ar el en er il in on or".split()
_ENDS = (
    "beck burg bridge cester dorf field ford gate ham haven minster mouth port stead ton vale ville wick wood worth"
).split()
_HELD_OUT_STARTS = (
    "Brack Crom Drem Frost Gwen Holm Kilm Lough Mosk Nant Ockl Pryd Raun Skel Thorn Umber Vesk Whit Yock Zell"
).split()
_FIRST_WORDS = (
    "Amber Barren Bold Bright Bronze Cedar Clear Copper Coral Crystal Daring Distant Eastern Ebony Emerald Faithful "
    "Fleet Gentle Golden Granite Happy Hidden Iron Ivory Jade Lofty Marble Merry Misty Northern Noble Olive Opal Pearl "
    "Proud Quiet Rapid Royal Ruby Rustic Scarlet Silent Silver Southern Steady Sunny Swift Velvet Western Winter"
).split()
_LAST_WORDS = (
    "Albatross Arrow Badger Beacon Beech Bison Comet Condor Cormorant Crane Dolphin Dragon Eagle Falcon Fox Gazelle "
    "Harrier Heron Ibex Jaguar Kestrel Kingfisher Lark Leopard Lion Lynx Magpie Marten Meteor Nightingale Osprey Otter "
    "Panther Pelican Phoenix Raven Robin Sable Salmon Seal Sparrow Stag Starling Stork Swallow Swan Thistle Tiger Wolf"
).split()
_HELD_OUT_LAST = "Anvil Chimney Lantern Mandolin Rudder Trumpet".split()


@dataclass(frozen=True)
class Case:
    """A circle of things of one kind. Thing i has heads[i] at its head, is at home in places[i], and heads[i] was born
    in origins[i]. The edit puts heads[new] at the head of thing `edited`, and takes them from thing `new`; thing
    `neighbour` has no part in it. `order` is a permutation of the facts, for prompts."""

    group: str
    relation: Relation
    subjects: tuple[str, ...]
    heads: tuple[str, ...]
    places: tuple[str, ...]
    origins: tuple[str, ...]
    edited: int
    new: int
    neighbour: int
    order: tuple[int, ...]


@lru_cache(maxsize=8)
def cases(seed: int, count: int, size: int) -> tuple[Case, ...]:
    """`count` cases (at most MOST) with `size` things each. More cases of a seed begin with the same ones."""
    used: set[str] = set()
    return tuple(
        _case(_rng(seed, size, index), f"edit{size}-{seed}-{index:04d}", index, size, used) for index in range(count)
    )


def _rng(seed: int, size: int, index: int) -> random.Random:
    return random.Random(derive("edits", VERSION, seed, size, index))


def held_out(rng: random.Random, kind: str | None, size: int) -> Case:
    """A case for worked examples, in whose names nothing is as in those of samples; of the kind, or of any."""
    turn = next((i for i, r in enumerate(RELATIONS) if r.kind == kind), rng.randrange(len(RELATIONS)))
    return _case(rng, "example", turn, size, set(), True)


def fresh(case: Case, rng: random.Random) -> Case:
    """A case of the same kind and size that shares no name with the given one."""
    used = {*(f"{case.relation.kind}{subject}" for subject in case.subjects), *case.heads, *case.places, *case.origins}
    return _case(rng, case.group, RELATIONS.index(case.relation), len(case.heads), used)


def _case(rng: random.Random, group: str, turn: int, size: int, used: set[str], example: bool = False) -> Case:
    relation = RELATIONS[turn % len(RELATIONS)]
    first, starts = (HELD_OUT_FIRST, _HELD_OUT_STARTS) if example else (FIRST, _STARTS)
    last = _HELD_OUT_LAST if example else _LAST_WORDS

    left = rng.sample(starts, 2 * size)

    def city() -> str:
        if len(left) == 1:
            left.extend(rng.sample(starts, len(starts)))
        return left.pop() + rng.choice(_MIDDLES) + rng.choice(_ENDS)

    subjects = _fresh(lambda: f"{rng.choice(_FIRST_WORDS)} {rng.choice(last)}", size, used, relation.kind)
    heads = _fresh(lambda: f"{rng.choice(first)} {rng.choice(LAST)}", size, used)
    cities = _fresh(city, 2 * size, used)
    edited, new, neighbour = rng.sample(range(size), 3)
    order = tuple(rng.sample(range(3 * size), 3 * size))
    return Case(
        group, relation, subjects, heads, cities[:size], cities[size:], edited, new, neighbour, order,
    )  # fmt: skip


def _fresh(draw: Callable[[], str], count: int, used: set[str], kind: str = "") -> tuple[str, ...]:
    """So many names that have not been used yet; now they are. Things of two kinds may share a name."""
    found: list[str] = []
    while len(found) < count:
        name = draw()
        if f"{kind}{name}" not in used:
            used.add(f"{kind}{name}")
            found.append(name)
    return tuple(found)
