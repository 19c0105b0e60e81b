"""Controls of worlds: the same problem in other words, and the problem with one fact changed. Everything is done on the
text of the question; what is right after a change is worked out anew from that text."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from harness.errors import DataError
from harness.tasks.persons import FIRST
from harness.tasks.rewording import asked_as, in_params, mixed, others, parts_replaced, replaced, said_otherwise
from harness.tasks.worlds import board, cards, programs, rooms
from harness.tasks.worlds.language import run
from harness.tasks.worlds.openings import numbered
from harness.tasks.worlds.problem import DEFAULT
from harness.types import Param, Sample

PLACEBOS = {
    "names": "the list, the objects or the people have other names (not in chess, which has none)",
    "order": "another order of sentences, of objects, people and features, of squares with the same pieces",
    "words": "synonyms around the question",
}
CHANGES = {"fact": "one number of the program, one step or object of the walk, one move, one card"}

# Rewordings -------------------------------------------------------------------------------------------------------


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
        ("It is written and works like Python, except for how", "Its syntax is that of Python, and it behaves like "
         "Python, but for how"),
        ("What does this Pelican program print?", "What is printed by this Pelican program?"),
    ),
    "spatial": (
        ("On its plan x grows to the right and y grows upwards.",
         "On its plan x increases to the right, and y increases upwards."),
        ("These objects stand in the hall:", "The following objects are in the hall:"),
        ("You stand at", "You start at"),
        ("Which object stands where you are now?", "Which object is at the place that you have reached?"),
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
        start, program, end = _program(text)
        [name] = re.findall(r"^(\w+) = \[", program, re.M)[:1]
        words = others(rng, [name], programs._NAMES)
        return asked_as(sample, start + replaced(program, words) + end)
    if kind == "spatial":
        shown = re.findall(r"^- (\w+): \(", text, re.M)
        if not shown:  # the check names nothing but the hall
            return asked_as(sample, replaced(text, others(rng, ["hall"], ("hall", "gallery", "courtyard", "museum"))))
        return _with(sample, text, others(rng, shown, rooms._OBJECTS))
    if kind == "set":
        shown = re.findall(r"^- (\w+): ", text.partition("hold a card each:")[2], re.M)
        if shown:
            return _with(sample, text, others(rng, shown, FIRST))
        head, values, tail = _SHOWN.split(text)
        own = next(row for row in cards.VALUES if values.split(",")[0] in row)
        turn = rng.randint(1, 2)
        return asked_as(sample, head + replaced(values, dict(zip(own, own[turn:] + own[:turn], strict=True))) + tail)
    return None


_SHOWN = re.compile(r"(?<=: )(\w+, \w+ and \w+)(?=\.)")
"""The values in the check of `set`."""


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


def _reordered(text: str, parts: list[str], rng: random.Random) -> str:
    """The text with these parts of it, each of which stands there once, in another order."""
    return parts_replaced(text, dict(zip(parts, mixed(rng, parts), strict=True)))


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}"


_ORDERS: dict[str, Callable[[str, random.Random], str]] = {
    "code": _code_order, "spatial": _spatial_order, "chess": _chess_order, "set": _set_order,
}  # fmt: skip

# Changes ----------------------------------------------------------------------------------------------------------


def changed(sample: Sample, rng: random.Random) -> Sample | None:
    """One fact is another one, so that the answer in the sample's world is another one. As in every question, the
    answers of the worlds differ, if there is such a change."""
    ways = _CHECKS if sample.params["prompt"] == "check" else _QUESTIONS
    world, answer = str(sample.params["world"]), sample.params["answer"]
    differs = sample.params["default_answer"] == answer
    second: Sample | None = None
    for text, answers, candidates in ways[str(sample.params["kind"])](sample, rng):
        right, default = answers[world], answers[DEFAULT]
        if right == answer or right not in candidates:
            continue
        params = {**sample.params, "answer": right, "default_answer": default, "candidates": candidates}
        made = asked_as(sample, text, params, right)
        if (right == default) == differs:
            return made
        second = second or made
    return second


Ways = Iterator[tuple[str, Mapping[str, str], tuple[str, ...]]]
"""(text, answers by world, candidates) of changes, in random order."""


def _program(text: str) -> tuple[str, str, str]:
    """(what stands before the program, the program, what stands behind it)."""
    m = re.search(r"(?<=program print\?\n\n).*(?=\n\n)", text, re.S)
    assert m is not None
    return text[: m.start()], m[0], text[m.end() :]


def _code(sample: Sample, rng: random.Random) -> Ways:
    """One number in an index or in a loop is another one, or one element of the list."""
    start, program, end = _program(sample.messages[-1].content)
    places = list(re.finditer(r"\d+", program))
    ways = [(m, n) for m in places for n in range(1, 6) if len(m[0]) == 1 and n != int(m[0])]
    last = [(m, rng.randint(10, 99)) for m in places if len(m[0]) > 1]
    for m, number in [*rng.sample(ways, len(ways)), *last]:
        other = f"{program[: m.start()]}{number}{program[m.end() :]}"
        try:
            ends = {world: run(other, first) for world, first in programs.FIRST.items()}
        except DataError:
            continue
        answers = {world: printed for world, (printed, _) in ends.items()}
        if sample.params["prompt"] == "check":
            known = set(re.findall(r"\d\d+", other))
        else:
            known = {str(value) for _, lists in ends.values() for value in lists} | set(answers.values())
        yield start + other + end, answers, tuple(sorted(known))


def _walk(sample: Sample, rng: random.Random) -> Ways:
    """One leg has another length or direction, if the walk still leads to an object; or two objects change places."""
    text, candidates = sample.messages[-1].content, _candidates(sample)
    x, y = map(int, re.findall(r"You (?:stand|start) at \((\d+), (\d+)\)", text)[0])
    there = {(int(a) - x, int(b) - y): o for o, a, b in re.findall(r"^- (\w+): \((\d+), (\d+)\)", text, re.M)}
    legs = list(re.finditer(r"(\d) steps? (north|east|south|west)", text))
    walk = [(m[2], int(m[1])) for m in legs]
    ways = [(i, d, n) for i in range(len(walk)) for d in rooms.DIRECTIONS for n in range(1, 5) if (d, n) != walk[i]]
    for i, direction, steps in rng.sample(ways, len(ways)):
        if sum((direction != walk[i][0], steps != walk[i][1])) > 1:
            continue
        other = [*walk[:i], (direction, steps), *walk[i + 1 :]]
        if any(a == b for (a, _), (b, _) in itertools.pairwise(other)):
            continue
        ends = {world: rooms.walked(other, world) for world in rooms.COMPASS}
        if all(end in there for end in ends.values()):
            said = f"{steps} step{'s' * (steps > 1)} {direction}"
            shown = text[: legs[i].start()] + said + text[legs[i].end() :]
            yield shown, {world: there[end] for world, end in ends.items()}, candidates
    right = str(sample.params["answer"])
    ends = {world: rooms.walked(walk, world) for world in rooms.COMPASS}
    for name in rng.sample(candidates, len(candidates)):
        swap = {right: name, name: right}
        answers = {world: swap.get(there[end], there[end]) for world, end in ends.items()}
        yield parts_replaced(text, {f"- {old}:": f"- {new}:" for old, new in swap.items()}), answers, candidates


def _candidates(sample: Sample) -> tuple[str, ...]:
    return tuple(map(str, sample.params["candidates"]))  # type: ignore[arg-type]


def _opening(sample: Sample, rng: random.Random) -> Ways:
    """One move is another one: of a legal opening one that is illegal, of an illegal one one with which it is legal
    (if one is not enough, every move that is illegal when its turn comes). In the other world the verdict is the
    opposite, if there is such a move."""
    text, world = sample.messages[-1].content, str(sample.params["world"])
    m = re.search(r"^1\. .*$", text, re.M)
    assert m is not None
    moves = re.findall(r"(?<![\d.])[A-Za-z]\w*\d", m[0])
    ways = list(itertools.product(range(len(moves)), _moves()))
    single = ([*moves[:i], san, *moves[i + 1 :]] for i, san in rng.sample(ways, len(ways)) if san != moves[i])
    mended = (_mended(moves, world, rng) for _ in range(10 if sample.params["answer"] == "illegal" else 0))
    found = list[tuple[str, Mapping[str, str], tuple[str, ...]]]()
    for tried in (single, mended):
        for other in tried:
            verdicts = {w: board.opening(w, other)[0] for w in board.BACK}
            if "unclear" in verdicts.values() or verdicts[world] == sample.params["answer"]:
                continue
            found.append((text[: m.start()] + numbered(other) + text[m.end() :], verdicts, _candidates(sample)))
            if len(set(verdicts.values())) == 2:
                yield found[-1]
                return
    yield from found[:1]


@cache
def _moves() -> tuple[str, ...]:
    """Every move as it may be written: `e4`, `Nf3`, `Nxf3`; pawns that take are left out."""
    squares = [a + b for a in "abcdefgh" for b in "12345678"]
    return (*squares, *(piece + takes + square for piece in "NBRQ" for takes in ("", "x") for square in squares))


def _mended(moves: list[str], world: str, rng: random.Random) -> list[str]:
    """The moves with each that is illegal when its turn comes replaced by a legal one: of a knight or a bishop, if one
    is possible, as its places tell the worlds apart."""
    position, played = board.start(world), list[str]()
    for san in moves:
        others = sorted(rng.sample(_moves(), len(_moves())), key=lambda move: move[0] not in "NB")
        for tried in (san, *others):
            verdict, after = board.move(position, len(played) % 2 == 0, tried)
            if verdict == "legal":
                position = after
                played.append(tried)
                break
    return played


def _table(sample: Sample, rng: random.Random) -> Ways:
    """Two people change their cards."""
    text, candidates, right = sample.messages[-1].content, _candidates(sample), str(sample.params["answer"])
    holders: dict[str, str] = dict(re.findall(r"^- (\w+): (.*)$", text, re.M))
    for other in rng.sample(candidates, len(candidates)):
        swap = {right: other, other: right}
        default = str(sample.params["default_answer"])
        answers = {DEFAULT: swap.get(default, default), "twisted": other}
        if sample.params["world"] == DEFAULT:
            answers = dict.fromkeys(cards.WORLDS, other)
        held = {f"- {a}: {holders[a]}": f"- {a}: {holders[b]}" for a, b in swap.items()}
        shown = "\n".join(held.get(line, line) for line in text.split("\n"))
        yield shown, answers, candidates


def _step(sample: Sample, rng: random.Random) -> Ways:
    """The step leads to the other side."""
    text = sample.messages[-1].content
    (x, y), _ = [tuple(map(int, p)) for p in re.findall(r"\((\d+), (\d+)\)", text)]
    for one in rng.sample((rooms.UP, rooms.RIGHT, rooms.DOWN, rooms.LEFT), 4):
        answers = {world: rooms.DIRECTIONS[points.index(one)] for world, points in rooms.COMPASS.items()}
        to = f"straight to ({x + one[0]}, {y + one[1]})."
        yield re.sub(r"straight to \(\d+, \d+\)\.", to, text), answers, rooms.DIRECTIONS


def _square(sample: Sample, rng: random.Random) -> Ways:
    """The question is about another square on which a knight or a bishop stands."""
    text = sample.messages[-1].content
    m = re.search(r"([a-h])([18])\?", text)
    assert m is not None
    for file in rng.sample("bcfg", 4):
        there = {
            world: {"N": "knight", "B": "bishop"}[board.BACK[world]["abcdefgh".index(file)]] for world in board.BACK
        }
        yield f"{text[: m.start()]}{file}{text[m.end(1) :]}", there, _candidates(sample)


def _values(sample: Sample, rng: random.Random) -> Ways:
    """One of the three values is another one."""
    head, shown, tail = _SHOWN.split(sample.messages[-1].content)
    values = re.split(r", | and ", shown)
    own = next(row for row in cards.VALUES if values[0] in row)
    fits = {DEFAULT: {1, 3}}
    feature = cards.FEATURES[cards.VALUES.index(own)]
    fits["twisted"] = {2} if f"- {feature}: exactly two" in head or sample.params["world"] == DEFAULT else {1, 3}
    ways = [(i, value) for i in range(3) for value in own if value != values[i]]
    for i, value in rng.sample(ways, len(ways)):
        other = [*values[:i], value, *values[i + 1 :]]
        kinds = len(set(other))
        answers = {world: "allowed" if kinds in right else "forbidden" for world, right in fits.items()}
        yield f"{head}{other[0]}, {other[1]} and {other[2]}{tail}", answers, _candidates(sample)


_QUESTIONS: dict[str, Callable[[Sample, random.Random], Ways]] = {
    "code": _code, "spatial": _walk, "chess": _opening, "set": _table,
}  # fmt: skip
_CHECKS: dict[str, Callable[[Sample, random.Random], Ways]] = {
    "code": _code, "spatial": _step, "chess": _square, "set": _values,
}  # fmt: skip
