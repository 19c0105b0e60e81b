"""Kind `ladder`: one world, three questions. The whole text is the same at all rungs, only the question differs."""

from __future__ import annotations

import functools
import math
import random
from collections.abc import Iterator
from fractions import Fraction

from harness.errors import DataError
from harness.seeds import derive
from harness.tasks.ladder import names
from harness.tasks.ladder.kinds import Kind, Options, Question, asked_for, whole_numbers, word
from harness.tasks.ladder.prompts import texts
from harness.tasks.ladder.worlds import (
    ALWAYS,
    NEVER,
    ONLY_WITH,
    ONLY_WITHOUT,
    RUNGS,
    World,
    block,
    by_formula,
    larger,
)
from harness.types import Param, Params

NAMES = ("commonsense", "anticommonsense", "nonsense", "letters")
POLARITIES = ("more", "less")
FORMS = ("yesno", "number")
_PLACES = {"always": ALWAYS, "only_with": ONLY_WITH, "only_without": ONLY_WITHOUT, "never": NEVER}


def worlds(seed: str) -> Iterator[tuple[World, str]]:
    """Worlds with the polarity of their questions, in blocks of 32 in which each triple, with either answer of the
    shortcut `larger`, comes with either polarity."""
    number = 0
    while True:
        turns: dict[tuple[object, ...], str] = {}
        for world in block(random.Random(derive(seed, "block", number)), each=2):
            cell = (by_formula(world).triple, larger(world.kinds1, world.kinds0))
            first = POLARITIES[derive(seed, number, cell) % 2]
            polarity = first if cell not in turns else POLARITIES[1 - POLARITIES.index(first)]
            turns[cell] = first
            yield world, polarity
        number += 1


def groups(options: Options, seed: str) -> Iterator[tuple[str, list[Question]]]:
    """A group: one world, in all names, at all rungs."""
    for number, (world, polarity) in enumerate(worlds(seed)):
        yield (
            f"{number:06d}",
            [
                question(world, polarity, rung, name, options.form, derive(seed, "names", number))
                for name in options.names
                for rung in options.rungs
            ],
        )


def question(world: World, polarity: str, rung: str, name: str, form: str, seed: int) -> Question:
    """One question about a world. `seed` chooses the words."""
    answers = by_formula(world)
    if form == "number":
        answer, first = (decimal(100 * answers.shares[RUNGS.index(r)]) for r in (rung, RUNGS[0]))
    else:
        answer, first = (asked_for(answers.triple[RUNGS.index(r)], polarity) for r in (rung, RUNGS[0]))
    levels = {"rung": rung, "names": name}
    params: dict[str, Param] = {"form": form, "polarity": polarity, "world": world.flat(), "rung1": first}
    params |= {"first_two": world.x1 > world.z, "larger": larger(world.kinds1, world.kinds0)}
    return Question(levels, params, text(world, polarity, rung, name, form, seed), answer)


def text(world: World, polarity: str, rung: str, name: str, form: str, seed: int) -> str:
    """The prompt."""
    wording = texts("world")
    words = names.phrases(name, seed, raises=by_formula(world).triple[1])._asdict()
    asked = wording["number"][rung] if form == "number" else wording["yesno"][rung][polarity]
    shares = {
        f"{kind}{z}": kinds[place]
        for z, kinds in ((1, world.kinds1), (0, world.kinds0))
        for kind, place in _PLACES.items()
    }
    shown = words | shares | {"z1": world.z, "x1": world.x1, "x0": world.x0}
    return str(
        wording["text"].strip().format(**shown, question=asked.format(**words), form=wording["form"][form])
    )  # fmt: skip


@functools.lru_cache(maxsize=8192)
def _solved(numbers: tuple[int, ...]) -> tuple[tuple[bool, bool, bool], tuple[Fraction, Fraction, Fraction]]:
    try:
        found = by_formula(World.of(numbers))
    except (ValueError, ZeroDivisionError) as error:
        raise DataError(f"params.world of a ladder sample: {error}") from None
    return found.triple, found.shares


def answer(params: Params) -> str:
    """The right answer: yes or no, or a percentage with two decimal places."""
    rung = RUNGS.index(word(params, "rung", RUNGS))
    if word(params, "form", FORMS) == "number":
        return decimal(exact(params))
    return asked_for(_solved(whole_numbers(params, "world"))[0][rung], word(params, "polarity", POLARITIES))


def exact(params: Params) -> Fraction:
    """The percentage that the numeric form asks for."""
    return 100 * _solved(whole_numbers(params, "world"))[1][RUNGS.index(word(params, "rung", RUNGS))]


def decimal(value: Fraction) -> str:
    """A percentage with two decimal places, halves up: 12.345 is 12.35."""
    hundredths = math.floor(value * 100 + Fraction(1, 2))
    return f"{hundredths // 100}.{hundredths % 100:02d}"


KIND = Kind(NAMES, groups, answer, 64)
