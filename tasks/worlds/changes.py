"""A problem of worlds with one fact changed, for each kind. Everything is done on the text of the question; what is
right then is worked out anew from that text, by the kind's own rules."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping
from functools import cache

from harness.errors import DataError
from harness.tasks.rewording import asked_as, parts_replaced
from harness.tasks.worlds import board, cards, guitar, programs, rooms
from harness.tasks.worlds.controls import SHOWN, program_of
from harness.tasks.worlds.language import run
from harness.tasks.worlds.openings import numbered
from harness.tasks.worlds.problem import DEFAULT
from harness.types import Sample


def changed(sample: Sample, rng: random.Random) -> Sample | None:
    """One fact is another one, so that the answer in the sample's world is another one. If the answers of the worlds
    differed, they still do, if there is such a change."""
    ways = _CHECKS if sample.params["prompt"] == "check" else _QUESTIONS
    world, answer = str(sample.params["world"]), sample.params["answer"]
    differs = world == DEFAULT or sample.params["default_answer"] != answer
    second: Sample | None = None
    for text, answers, candidates in ways[str(sample.params["kind"])](sample, rng):
        right, default = answers[world], answers[DEFAULT]
        if right == answer or right not in candidates:
            continue
        params = {**sample.params, "answer": right, "default_answer": default, "candidates": candidates}
        made = asked_as(sample, text, params, right)
        beside = [found for other, found in answers.items() if other != DEFAULT and world in (DEFAULT, other)]
        if (default not in beside) == differs:
            return made
        second = second or made
    return second


Ways = Iterator[tuple[str, Mapping[str, str], tuple[str, ...]]]
"""(text, answers by world, candidates) of changes, in random order."""


def _code(sample: Sample, rng: random.Random) -> Ways:
    """One number in an index or in a loop is another one, or one element of the list."""
    start, program, end = program_of(sample.messages[-1].content)
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


def _places(sample: Sample, rng: random.Random) -> Ways:
    """Two people change places on the guitar: if only one moved, nobody or two would play the note."""
    text, candidates, right = sample.messages[-1].content, _candidates(sample), str(sample.params["answer"])
    lines: dict[str, str] = dict(re.findall(r"^- (\w+): (string \d, fret \d+)$", text, re.M))
    for other in rng.sample(candidates, len(candidates)):
        swap = {right: other, other: right}
        now = {name: lines[swap.get(name, name)] for name in lines}
        held = {f"- {name}: {lines[name]}": f"- {name}: {now[name]}" for name in swap}
        played = {name: (int(place[7]) - 1, int(place.rpartition(" ")[2])) for name, place in now.items()}
        yield parts_replaced(text, held), _players(played, _NOTE.findall(text)[0]), candidates


def _strings(sample: Sample, rng: random.Random) -> Ways:
    """The two people change strings, or the note asked for is that of the other string."""
    text, candidates = sample.messages[-1].content, _candidates(sample)
    one, other = re.findall(r"plays string \d", text)
    swapped = parts_replaced(text, {one: other, other: one})
    m = _NOTE.search(text)
    assert m is not None
    [note] = {guitar.TUNING[int(string[-1]) - 1] for string in (one, other)} - {m[0]}
    for shown, asked in rng.sample([(swapped, m[0]), (text[: m.start()] + note + text[m.end() :], note)], 2):
        plays = re.findall(r"(\w+) plays string (\d)", shown)
        yield shown, _players({name: (int(string) - 1, 0) for name, string in plays}, asked), candidates


_NOTE = re.compile(r"(?<=plays the note )[\w ]+(?=, in any octave)")


def _players(played: Mapping[str, guitar.Place], note: str) -> Mapping[str, str]:
    """Who plays the note, by world. The two strings that are played are those that are retuned."""
    one, other = sorted({string for string, _ in played.values()})
    return {world: guitar.player(tuning, note, played) for world, tuning in guitar.tunings(one, other).items()}


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
    head, shown, tail = SHOWN.split(sample.messages[-1].content)
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
    "code": _code, "spatial": _walk, "chess": _opening, "set": _table, "music": _places,
}  # fmt: skip
_CHECKS: dict[str, Callable[[Sample, random.Random], Ways]] = {
    "code": _code, "spatial": _step, "chess": _square, "set": _values, "music": _strings,
}  # fmt: skip
