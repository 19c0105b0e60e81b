"""The kind `colours`: what is true of all examples of a kind is likely of one more, as in bAbI task 16 (Weston et al.
2015, arXiv 1502.05698).

There the animals of five persons are drawn with replacement, and the most frequent colour is right in 38.5 % of the
stories. Here each of four kinds has as many examples as any other (`depth` of them), so each colour comes equally
often."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator

from harness.tasks.logic import names
from harness.tasks.logic.kinds import Asked, Item, Kind, numbered
from harness.tasks.logic.lookup import ANIMALS
from harness.tasks.logic.prompts import template
from harness.types import Params

SIZE = 4
COLOURS = ("white", "grey", "green", "yellow", "black", "brown")


def items(asked: Asked) -> Iterator[Item]:
    """One story: kind k has colour k; person 0 is the one asked about, of kind 0; then `depth` persons of each kind."""
    persons = [(0, False)] + [(kind, True) for kind in range(SIZE) for _ in range(asked.depth)]
    facts = [(who, True) for who in range(len(persons))] + [(who, False) for who in range(1, len(persons))]
    for level, order in itertools.product(asked.levels["names"], asked.levels["order"]):
        rng = asked.draw("names", level)
        if level == "familiar":
            called = names.people(rng, len(persons))
            kinds, colours = rng.sample(ANIMALS, SIZE), rng.sample(COLOURS, SIZE)
        else:
            drawn = names.nonsense(rng, len(persons) + 2 * SIZE)
            called, words = drawn[: len(persons)], [word.lower() for word in drawn[len(persons) :]]
            kinds, colours = words[:SIZE], words[SIZE:]
        told = _ordered(facts, persons, order, asked.draw("order"))
        lines = [
            f"{called[who]} is {names.article(kinds[persons[who][0]]) if is_kind else colours[persons[who][0]]}."
            for who, is_kind in told
        ]
        yield Item(
            "\n".join(lines) + f"\n\nQuestion: Which colour is {called[0]} most likely?",
            template("colours"),
            tuple(sorted(colours)),
            colours[0],
            {"names": level, "order": order},
        )


def _ordered(
    facts: list[tuple[int, bool]], persons: list[tuple[int, bool]], order: str, rng: random.Random
) -> list[tuple[int, bool]]:
    """`forward`: what the asked one is, then each example of that kind with its colour, at drawn places among the other
    facts; `backward`: the reverse."""
    told = rng.sample(facts, len(facts))
    if order == "shuffled":
        return told
    needed = sorted((fact for fact in facts if persons[fact[0]][0] == 0), key=lambda fact: (fact[0], not fact[1]))
    places = sorted(told.index(fact) for fact in needed)
    for place, fact in zip(places, needed if order == "forward" else needed[::-1], strict=True):
        told[place] = fact
    return told


_IS_A = re.compile(r"^(\w+) is an? (\w+)\.$", re.M)
_IS = re.compile(r"^(\w+) is (\w+)\.$", re.M)
_ASKS = re.compile(r"^Question: Which colour is (\w+) most likely\?$", re.M)


def solve(params: Params) -> str:
    """From the text alone: the one colour of those of the same kind. Raises ValueError if there is not exactly one."""
    text = str(params["question"])
    asks = _ASKS.search(text)
    kinds: dict[str, str] = dict(_IS_A.findall(text))
    colours: dict[str, str] = dict(_IS.findall(text))
    found = {colours[who] for who, kind in kinds.items() if asks and kind == kinds.get(asks[1]) and who in colours}
    if len(found) != 1:
        raise ValueError(f"{len(found)} colours are possible")
    return found.pop()


def frequent(params: Params, rng: random.Random) -> str:
    """The colour that is named most often: each is named as often."""
    told = [colour for _, colour in _IS.findall(str(params["question"]))]
    counts = {colour: told.count(colour) for colour in numbered(params, "choices")}
    return rng.choice([colour for colour, n in counts.items() if n == max(counts.values())])


def last(params: Params, rng: random.Random) -> str:
    """The last colour that is named."""
    told = [colour for _, colour in _IS.findall(str(params["question"]))]
    return told[-1] if told else rng.choice(numbered(params, "choices"))


KIND = Kind(
    name="colours",
    about="the colour of one more animal of a kind (bAbI-16)",
    levels={"names": ("familiar", "nonsense"), "order": ("shuffled", "forward", "backward")},
    items=items,
    readers={"shallow": frequent, "last": last},
    solve=solve,
    depths=(1, 2, 3),
    usual=(1, 2),
)
