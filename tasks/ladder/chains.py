"""Kind `chain`: "A causes B. B causes C. Does A cause C?" Answered by reachability, so each answer can be checked.

Beside the chain asked about stands a second one of the same length, so that being mentioned says nothing. Half of the
questions asked by default have the answer yes, and orders come in pairs, so that the order of mention says nothing.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence

from harness.errors import DataError
from harness.seeds import derive
from harness.tasks.ladder import names
from harness.tasks.ladder.kinds import Kind, Options, Question, whole_numbers, yes
from harness.tasks.ladder.prompts import texts
from harness.types import Param, Params

NAMES = ("commonsense", "anticommonsense", "nonsense", "letters")
ORDERS = ("forward", "backward", "shuffled")
ASKED = ("whole", "part", "backward", "apart", "unmentioned")
"""From the first to the last; between two inner things; from the last to the first; into the other chain; to something
that no statement mentions."""
LENGTHS = (3, 8)
"""The least and the most things of a chain."""


def groups(options: Options, seed: str) -> Iterator[tuple[str, list[Question]]]:
    """A group: two chains of one of the lengths asked for (in turn), in all names and orders, with all questions."""
    for number in itertools.count():
        length = options.lengths[number % len(options.lengths)]
        rng = random.Random(derive(seed, number))
        pairs = {asked: _pair(asked, length, rng) for asked in ASKED}
        mixed = sorted(range(2 * length - 2), key=lambda _: rng.random())
        woven = _woven(length, rng)
        orders = {"forward": woven, "backward": woven[::-1], "shuffled": [woven[i] for i in mixed]}
        words = {name: _words(name, length, random.Random(derive(seed, "names", number))) for name in options.names}
        questions = []
        for name, order, asked in itertools.product(options.names, options.orders, options.asked):
            links, (cause, effect) = orders[order], pairs[asked]
            levels = {"order": order, "asked": asked, "names": name}
            params: dict[str, Param] = {
                "length": length,
                "links": tuple(itertools.chain.from_iterable(links)),
                "pair": (cause, effect),
            }
            right = yes(reaches(links, cause, effect))
            questions.append(Question(levels, params, _text(links, cause, effect, words[name], name), right))
        yield f"{number:06d}", questions


def _pair(asked: str, length: int, rng: random.Random) -> tuple[int, int]:
    """(cause, effect) as numbers: the first chain counts from 0, the second from `length`, and 2 `length` is something
    that no statement mentions."""
    ends = {"whole": (0, length - 1), "backward": (length - 1, 0)}
    if asked in ends:
        return ends[asked]
    if asked == "part":
        start = rng.randrange(0, max(1, length - 2))
        return start, rng.randrange(start + 1, length) if start else rng.randrange(1, length - 1)
    if asked == "unmentioned":
        return (0, 2 * length) if rng.random() < 0.5 else (2 * length, length - 1)
    pair = (rng.randrange(length - 1), length + rng.randrange(1, length))
    return pair if rng.random() < 0.5 else (length + pair[0], pair[1] - length)


def _woven(length: int, rng: random.Random) -> list[tuple[int, int]]:
    """The links of both chains in causal order, one chain's among the other's."""
    first = [(i, i + 1) for i in range(length - 1)]
    rests = [first[::-1], [(length + a, length + b) for a, b in first][::-1]]
    turns = [0] * len(first) + [1] * len(first)
    rng.shuffle(turns)
    return [rests[turn].pop() for turn in turns]


def reaches(links: Sequence[tuple[int, int]], cause: int, effect: int) -> bool:
    """Whether links lead from the cause to the effect: search forward from the cause."""
    reached, last = {cause}, 0
    while len(reached) > last:
        last = len(reached)
        reached |= {b for a, b in links if a in reached}
    return effect in reached - {cause}


def closure(links: Sequence[tuple[int, int]]) -> set[tuple[int, int]]:
    """All (cause, effect) by Warshall's transitive closure: the second solver."""
    found = set(links)
    things = {thing for link in links for thing in link}
    for via in things:
        found |= {(a, b) for a in things for b in things if (a, via) in found and (via, b) in found}
    return found


def _words(name: str, length: int, rng: random.Random) -> list[str]:
    """What things are called: of both chains, then the one that is not mentioned. Anticommonsense statements are known
    ones turned round."""
    wording = texts("chains")
    if name in ("commonsense", "anticommonsense"):
        first, second, other = rng.sample(wording["chains"], 3)
        starts = [rng.randrange(len(chain) - length + 1) for chain in (first, second)]
        shown = [chain[s : s + length] for chain, s in zip((first, second), starts, strict=True)]
        if name == "anticommonsense":
            shown = [chain[::-1] for chain in shown]
        return [*shown[0], *shown[1], rng.choice(other)]
    words = names.symbols(name, 2 * length + 1, rng)
    return [wording["letters"].format(name=word) if name == "letters" else word for word in words]


def _text(links: Sequence[tuple[int, int]], cause: int, effect: int, words: list[str], name: str) -> str:
    statements = "\n".join(f"- {words[a][0].upper()}{words[a][1:]} causes {words[b]}." for a, b in links)
    wording = texts("chain")["text"].strip()
    return str(wording.format(statements=statements, cause=words[cause], effect=words[effect]))


def answer(params: Params) -> str:
    """The right answer: yes or no."""
    flat, pair = whole_numbers(params, "links"), whole_numbers(params, "pair")
    if len(flat) % 2 or len(pair) != 2 or len(flat) > 400:
        raise DataError("a ladder sample about chains needs params.links, pairs of numbers, and params.pair")
    return yes(reaches(list(zip(flat[::2], flat[1::2], strict=True)), *pair))


def mentioned_first(params: Params) -> bool:
    """The shortcut: whether the cause asked about is mentioned before the effect asked about."""
    flat, (cause, effect) = whole_numbers(params, "links"), whole_numbers(params, "pair")
    places = [flat.index(thing) if thing in flat else len(flat) for thing in (cause, effect)]
    return places[0] < places[1]


KIND = Kind(NAMES, groups, answer, 24)
