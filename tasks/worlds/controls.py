"""Controls of worlds: the same problem under other names, in another order, in other words. Everything is done on the
text of the question. The problem with one fact changed is in changes.py."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping

from harness.tasks.persons import FIRST
from harness.tasks.rewording import asked_as, in_params, mixed, others, parts_replaced, replaced, said_otherwise
from harness.tasks.worlds import cards, programs, rooms
from harness.types import Param, Sample

PLACEBOS = {
    "names": "the list, the objects or the people have other names (not in chess, which has none)",
    "order": "another order of sentences, of objects, people and features, of squares with the same pieces",
    "words": "synonyms around the question",
}
CHANGES = {
    "fact": "one number of the program, one step or object of the walk, one move, one card, one place on the guitar"
}


def reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
    """See PLACEBOS. None for the names of chess."""
    text, kind = sample.messages[-1].content, str(sample.params["kind"])
    if placebo == "words":
        return asked_as(sample, said_otherwise(text, _WORDS[kind]))
    if placebo == "order":
        return asked_as(sample, _ORDERS[kind](text, rng))
    return _renamed(sample, text, rng)


_WORDS = {
    "code": (
        ("It is written and works like Python, except for how", "Its syntax and behaviour are those of Python, except "
         "for how"),
        ("What does this Pelican program print?", "What is printed by this Pelican program?"),
    ),
    "spatial": (
        ("On its plan x grows to the right and y grows upwards.",
         "On its plan x increases to the right, and y increases upwards."),
        ("These objects stand in the hall:", "In the hall are these objects:"),
        ("You stand at", "You start at"),
        ("Which object stands where you are now?", "Which object is at the spot you have reached?"),
        ("You walk from", "You go from"),
        ("In which direction of the compass do you walk:", "In which direction of the compass do you go:"),
    ),
    "chess": (
        ("but at the start the knights stand on", "but at the beginning the knights are on"),
        ("and the bishops on", "and the bishops are on"),
        ("All other pieces start where they always do.", "Every other piece starts where it always does."),
        ("Here is an opening of this game, in the usual notation", "This is an opening of this game, in the usual "
         "notation"),
        ("Is the opening legal, or is one of its moves illegal?", "Is this opening legal, or does it have an illegal "
         "move?"),
        ("Before the first move of this game, which piece stands on", "Before anybody has moved in this game, which "
         "piece is on"),
    ),
    "music": (
        ("At fret 0, which is without a finger,", "At fret 0, that is, without any finger,"),
        ("A finger at fret 1 makes a string sound one half tone higher, at fret 2 two half tones higher, and so on.",
         "A finger at fret 1 raises a string's note by one half tone, at fret 2 by two half tones, and so on."),
        ("In half tones upwards the notes are", "Upwards in half tones the notes are"),
        ("Each of these people plays one note on this guitar:", "These people play one note each on this guitar:"),
        ("Who plays the note", "Who is playing the note"),
    ),
    "set": (
        ("Three cards make a set if all four of these hold:", "Three cards form a set if all four of these are true:"),
        ("On the table lie two cards:", "Two cards lie on the table:"),
        ("These people hold a card each:", "Each of these people has one card:"),
        ("Whose card makes a set with the two on the table?", "Whose card forms a set with the two that lie on the "
         "table?"),
        ("Three cards have these values for the", "Of three cards, these are the values for the"),
        ("goes, can they be part of a set?", "is concerned, can they be part of a set?"),
    ),
}  # fmt: skip


def _renamed(sample: Sample, text: str, rng: random.Random) -> Sample | None:
    kind = sample.params["kind"]
    if kind == "code":
        start, program, end = program_of(text)
        [name] = re.findall(r"^(\w+) = \[", program, re.M)[:1]
        words = others(rng, [name], programs._NAMES)
        return asked_as(sample, start + replaced(program, words) + end)
    if kind == "spatial":
        shown = re.findall(r"^- (\w+): \(", text, re.M)
        if not shown:  # the check names nothing but the hall
            return asked_as(sample, replaced(text, others(rng, ["hall"], ("hall", "gallery", "courtyard", "museum"))))
        return _with(sample, text, others(rng, shown, rooms._OBJECTS))
    if kind == "music":
        return _with(sample, text, others(rng, _PLAYER.findall(text), FIRST))
    if kind == "set":
        shown = re.findall(r"^- (\w+): ", text.partition("hold a card each:")[2], re.M)
        if shown:
            return _with(sample, text, others(rng, shown, FIRST))
        head, values, tail = SHOWN.split(text)
        own = next(row for row in cards.VALUES if values.split(",")[0] in row)
        turn = rng.randint(1, 2)
        return asked_as(sample, head + replaced(values, dict(zip(own, own[turn:] + own[:turn], strict=True))) + tail)
    return None


SHOWN = re.compile(r"(?<=: )(\w+, \w+ and \w+)(?=\.)")
"""The values in the check of `set`."""


_PLAYER = re.compile(r"\w+(?=: string \d, fret| plays string \d)")
"""Who plays in `music`: a line of the question, or half a sentence of the check."""


def program_of(text: str) -> tuple[str, str, str]:
    """(what stands before the program, the program, what stands behind it) in a question or a check of `code`."""
    m = re.search(r"(?<=program print\?\n\n).*(?=\n\n)", text, re.S)
    assert m is not None
    return text[: m.start()], m[0], text[m.end() :]


def _with(sample: Sample, text: str, words: Mapping[str, str]) -> Sample:
    params: dict[str, Param] = {name: in_params(value, words) for name, value in sample.params.items()}
    params["candidates"] = tuple(sorted(map(str, params["candidates"])))  # type: ignore[arg-type]
    return asked_as(sample, replaced(text, words), params, replaced(sample.target, words))


def _code_order(text: str, rng: random.Random) -> str:
    """What is said of parts of a list, and of range, in another order."""
    sentences = re.findall(r"(?:xs\[a:b\] has|xs\[a:\] goes|range\(a, b\) counts)[^.]*\.", text)
    return _reordered(text, sentences, rng)


def _spatial_order(text: str, rng: random.Random) -> str:
    """The objects, and the four points of the compass as they are told."""
    m = re.search(r"north is (\w+) on the plan, east is (\w+), south is (\w+) and west is (\w+)\.", text)
    assert m is not None
    one, two, three, four = mixed(rng, list(zip(rooms.DIRECTIONS, m.groups(), strict=True)))
    told = (
        f"{one[0]} is {one[1]} on the plan, {two[0]} is {two[1]}, {three[0]} is {three[1]} and {four[0]} is {four[1]}."
    )
    return _reordered(text.replace(m[0], told), re.findall(r"^- .*$", text, re.M), rng)


def _chess_order(text: str, rng: random.Random) -> str:
    """The squares of the knights, and those of the bishops."""
    return re.sub(r"(\w\d), (\w\d), (\w\d) and (\w\d)", lambda m: _listed(mixed(rng, m.groups())), text)


def _set_order(text: str, rng: random.Random) -> str:
    """The features, the two cards, and the people with theirs."""
    lines = re.findall(r"^- .*$", text, re.M)
    text = _reordered(text, lines[:4], rng)
    text = re.sub(r"(?<=two cards: )(.*) and (.*)(?=\. These)", r"\2 and \1", text)
    return _reordered(text, lines[4:], rng)


def _music_order(text: str, rng: random.Random) -> str:
    """The people with what they play; of the check the two people."""
    text = re.sub(
        r"(\w+ plays string \d)( of this guitar at fret 0), and (.*)( at fret 0)(?=\. Who)", r"\3\2, and \1\4", text
    )
    return _reordered(text, re.findall(r"^- .*$", text, re.M), rng)


def _reordered(text: str, parts: list[str], rng: random.Random) -> str:
    """The text with these parts of it, each of which stands there once, in another order."""
    return parts_replaced(text, dict(zip(parts, mixed(rng, parts), strict=True)))


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


_ORDERS: dict[str, Callable[[str, random.Random], str]] = {
    "code": _code_order, "spatial": _spatial_order, "chess": _chess_order, "set": _set_order, "music": _music_order,
}  # fmt: skip
