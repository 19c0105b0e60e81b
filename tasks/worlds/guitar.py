"""Kind `music`: who plays a note, on a guitar that is tuned as usual, or on which two strings have changed their notes?
Knows no prompt."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

from harness.tasks.persons import FIRST, HELD_OUT_FIRST
from harness.tasks.worlds.problem import DEFAULT, Ask, Kind, Problem, Question

WORLDS = (DEFAULT, "retuned")
NOTES = ("C", "C sharp", "D", "D sharp", "E", "F", "F sharp", "G", "G sharp", "A", "A sharp", "B")
"""In half tones upwards; behind the last comes the first again."""
TUNING = ("E", "B", "G", "D", "A", "E")
"""What strings 1 to 6 sound without a finger, in the default world."""
Place = tuple[int, int]
"""String, from 0, and fret."""
_NAMES = ("one", "two", "three", "four", "five", "six")
_FRETS = 4
"""Frets of a problem; at each of them both strings are played."""


def sounds(tuning: Sequence[str], string: int, fret: int) -> str:
    """The note of a string (from 0) at a fret."""
    return NOTES[(NOTES.index(tuning[string]) + fret) % len(NOTES)]


def draw(ask: Ask) -> Problem:
    """Eight people play the two strings whose notes change places, each at the same four frets. One of them plays the
    note asked for, and in the other world the one at the same fret of the other string."""
    rng = ask.rng
    people = list(HELD_OUT_FIRST) if ask.held_out else rng.sample(FIRST, 2 * _FRETS)
    rng.shuffle(people)
    strings, frets, note = _drawn(rng, range(10, 14) if ask.held_out else range(1, 10))
    played = dict(zip(people, [(string, fret) for fret in frets for string in strings], strict=True))
    tuned = tunings(*strings)
    right = {world: player(tuning, note, played) for world, tuning in tuned.items()}
    lines = [f"- {name}: string {string + 1}, fret {fret}" for name, (string, fret) in played.items()]
    main = Question({"plays": "\n".join(rng.sample(lines, len(lines))), "note": note}, right, tuple(sorted(people)))
    open_note = TUNING[strings[ask.turn % 2]]
    order = rng.sample(strings, 2)
    asked = {"note": open_note}
    for place, name, string in zip(("first", "second"), people, order, strict=False):
        asked |= {place: name, f"{place}_string": str(string + 1)}
    check = {world: people[[tuning[s] for s in order].index(open_note)] for world, tuning in tuned.items()}
    rules = {world: dict(zip(_NAMES, tuning, strict=True)) for world, tuning in tuned.items()}
    return Problem(main, Question(asked, check, tuple(sorted(people[:2]))), rules, len(played))


def _drawn(rng: random.Random, range_of: range) -> tuple[list[int], list[int], str]:
    """(two strings, frets, note): the note is that of the first string at the first fret, and of neither at another."""
    while True:
        strings, frets = rng.sample(range(len(TUNING)), 2), rng.sample(range_of, _FRETS)
        note = sounds(TUNING, strings[0], frets[0])
        if [sounds(TUNING, string, fret) for string in strings for fret in frets].count(note) == 1:
            return strings, frets, note


def tunings(one: int, other: int) -> dict[str, tuple[str, ...]]:
    """What the six strings sound in each world, if these two of them (from 0) have changed their notes."""
    retuned = list(TUNING)
    retuned[one], retuned[other] = TUNING[other], TUNING[one]
    return {DEFAULT: TUNING, "retuned": tuple(retuned)}


def player(tuning: Sequence[str], note: str, played: Mapping[str, Place]) -> str:
    """Who plays the note. Raises ValueError if it is nobody, or more than one."""
    [name] = [name for name, (string, fret) in played.items() if sounds(tuning, string, fret) == note]
    return name


MUSIC = Kind("music", WORLDS, draw, sized=False)
