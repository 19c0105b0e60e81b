"""Acceptance numbers of the task worlds: each answer is found again from the text of its prompt, by another way.

    python benchmarks/worlds.py [--problems 10000] [--length 4]

Prints a Markdown table. The other ways: a program of the world `one` is translated into one of the default world; a
walk is summed up and carried over as a matrix; a set is checked by sums modulo 3; a note is counted up half tone by
half tone; an opening is played by python-chess (extra `test`; GPL-3.0, so the task itself does not use it).
"""

from __future__ import annotations

import argparse
import itertools
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

from harness.seeds import derive
from harness.tasks.worlds.cards import FEATURES, VALUES, is_set_by_sums
from harness.tasks.worlds.language import run, translated
from harness.tasks.worlds.rooms import DIRECTIONS
from harness.tasks.worlds.task import KINDS, Worlds
from harness.types import Sample

POINTS = {"up": (0, 1), "right": (1, 0), "down": (0, -1), "left": (-1, 0)}


def again(sample: Sample) -> str:
    """The answer to a sample, from its prompt's text alone."""
    text = sample.messages[0].content
    return {"code": _code, "spatial": _spatial, "chess": _chess, "set": _set, "music": _music}[
        str(sample.params["kind"])
    ](text)


def _code(text: str) -> str:
    program = text.split("print?\n\n")[1].split("\n\n")[0]
    first = int(text.split("has the index ")[1][0])
    return run(translated(program) if first else program, 0)[0]


def _spatial(text: str) -> str:
    said = re.search(r"north is (\w+) on the plan, east is (\w+), south is (\w+) and west is (\w+)\.", text)
    assert said is not None
    compass = dict(zip(DIRECTIONS, (POINTS[word] for word in said.groups()), strict=True))
    places = [(int(x), int(y)) for x, y in re.findall(r"\((\d+), (\d+)\)", text)]
    if "straight to" in text:
        (x, y), (to_x, to_y) = places
        return next(name for name, point in compass.items() if point == (to_x - x, to_y - y))
    steps = Counter[str]()
    for count, name in re.findall(r"(\d+) steps? (\w+)", text):
        steps[name] += int(count)
    (ex, ey), (nx, ny) = compass["east"], compass["north"]
    right, up = steps["east"] - steps["west"], steps["north"] - steps["south"]
    x, y = places[-1]
    there = f"({x + right * ex + up * nx}, {y + right * ey + up * ny})"
    return next(name for name, place in re.findall(r"^- (\w+): (\(.*\))$", text, re.M) if place == there)


def _chess(text: str) -> str:
    import chess

    swapped = "knights stand on c1" in text
    back = "rbnqknbr" if swapped else "rnbqkbnr"
    game = chess.Board(f"{back}/pppppppp/8/8/8/8/PPPPPPPP/{back.upper()} w {'-' if swapped else 'KQkq'} - 0 1")
    asked = re.search(r"which piece stands on (\w\d)", text)
    if asked:
        piece = game.piece_at(chess.parse_square(asked[1]))
        assert piece is not None
        return chess.piece_name(piece.piece_type)
    for san in re.sub(r"\d+\. ", "", text.split("\n\n")[2]).split():
        try:
            move = game.parse_san(san)
        except chess.IllegalMoveError:
            return "illegal"
        assert game.san(move) == san, (game.fen(), san)
        game.push(move)
    return "legal"


def _set(text: str) -> str:
    rules = dict(re.findall(r"^- (\w+): (all three the same or|exactly two)", text, re.M))
    turned = [i for i, name in enumerate(FEATURES) if rules[name].startswith("exactly")]
    twisted = turned[0] if turned else None
    asked = re.search(r"values for the (\w+): (\w+), (\w+) and (\w+)\.", text)
    if asked:
        names = VALUES[FEATURES.index(asked[1])]
        fits = (sum(map(names.index, asked.groups()[1:])) % 3 != 0) == rules[asked[1]].startswith("exactly")
        return "allowed" if fits else "forbidden"
    a, b = map(_card, text.split("two cards: ")[1].split(". ")[0].split(" and "))
    held = re.findall(r"^- ([A-Z]\w+): (.*)$", text, re.M)
    [name] = [name for name, card in held if is_set_by_sums([a, b, _card(card)], twisted)]
    return str(name)


def _music(text: str) -> str:
    """Half tone by half tone, along the notes as the prompt has them."""
    first = re.search(r"the notes are (.*), and then C again", text)
    assert first is not None
    after = dict(zip(notes := first[1].split(", "), [*notes[1:], notes[0]], strict=True))
    tuned = dict(re.findall(r"string (\d)(?: sounds)? the note (\w)", text))
    wanted = re.search(r"Who plays the note (.*), in any octave", text)
    assert wanted is not None
    plays = re.findall(r"(\w+)(?:: string (\d), fret (\d+)| plays string (\d).{0,16} at fret (\d+))", text)
    found = []
    for name, *places in plays:
        string, fret = filter(None, places)
        note = tuned[string]
        for _ in range(int(fret)):
            note = after[note]
        found += [name] if note == wanted[1] else []
    [name] = found
    return str(name)


def _card(text: str) -> tuple[int, ...]:
    return tuple(
        names.index(word.rstrip("s") if feature == 3 else word)
        for feature, (names, word) in enumerate(zip(VALUES, text.split(), strict=True))
    )


def row(kind: str, length: int, problems: int) -> dict[str, Any]:
    """Counts over the samples of so many problems of a kind: found again, default answers that differ, and the
    baselines' shares of right answers in counterfactual worlds (the shallow one's in the default world, too)."""
    sized = {"length": length} if KINDS[kind].sized else {}
    task = Worlds(kind=(kind,), prompt=("direct", "check"), **sized)
    found: Counter[str] = Counter()
    for sample in itertools.islice(task.samples(0), problems * 2 * len(KINDS[kind].worlds)):
        found["samples"] += 1
        found["found again"] += again(sample) == sample.target
        if sample.params["prompt"] == "check":
            continue
        default = sample.params["world"] == "default"
        found["default" if default else "other"] += 1
        found["same as default"] += not default and sample.target == sample.params["default_answer"]
        rng = random.Random(derive(sample.id))
        for name in ("oracle", "random", "shallow"):
            right = task.score(sample.params, task.baseline(name, sample, rng)).value == 1
            found[f"{name} {'default' if default else 'other'}"] += right
        found["floor"] += 1 / len(sample.params["candidates"])
        found[f"answer {sample.target}"] += 1
    return dict(found)


def rows(length: int, problems: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """A row for each kind."""
    return ((kind, row(kind, length, problems)) for kind in KINDS)


def main() -> None:
    """Print one row for each kind."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--problems", type=int, default=10_000)
    parser.add_argument("--length", type=int, default=4)
    a = parser.parse_args()
    print("| kind | samples | found again | same answer as in the default world | oracle | random (1/candidates) | "
          "shallow: default, other worlds |\n|---|---|---|---|---|---|---|")  # fmt: skip
    for kind, n in rows(a.length, a.problems):
        asked = n["default"] + n["other"]
        rates = {b: (n[f"{b} default"] + n[f"{b} other"]) / asked for b in ("oracle", "random")}
        shallow = f"{n['shallow default'] / n['default']:.3f}, {n['shallow other'] / n['other']:.3f}"
        print(f"| {kind} | {n['samples']:,} | {n['found again']:,} | {n['same as default']} | {rates['oracle']:.3f} | "
              f"{rates['random']:.3f} ({n['floor'] / asked:.3f}) | {shallow} |", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
