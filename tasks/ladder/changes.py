"""One fact of a question of the ladder is another one, so that its answer is another one: for each kind. What is right
is what the kind's own verifier says of the changed params."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from fractions import Fraction

from harness.errors import DataError
from harness.tasks.ladder import boolean, chains, circuits, dags, equivalence, rungs, tables
from harness.tasks.ladder.circuits import Rule
from harness.tasks.ladder.kinds import whole_numbers
from harness.tasks.ladder.worlds import World, by_formula, larger
from harness.tasks.rewording import asked_as
from harness.types import Param, Sample

MARGINS = (Fraction(1, 10), Fraction(1, 20))
"""By how many points a changed question is decided: by ten, as every question is, or if that can't be by five."""

# Worlds and tables ------------------------------------------------------------------------------------------------


def _worlds(world: World) -> Iterator[World]:
    """Those with one of the three shares of Z and X changed, then those with two kinds of people that have changed
    their shares or passed some on."""
    for number in range(5, 96):
        yield from (world._replace(z=number), world._replace(x1=number), world._replace(x0=number))
    for field, kinds in (("kinds1", world.kinds1), ("kinds0", world.kinds0)):
        for one, two in itertools.permutations(range(4), 2):
            for moved in range(5, kinds[one] - 4, 5):
                other = list(kinds)
                other[one] -= moved
                other[two] += moved
                shares = tuple(other)
                yield world._replace(kinds1=shares) if field == "kinds1" else world._replace(kinds0=shares)


def _world_changed(sample: Sample, rng: random.Random) -> Sample | None:
    """One share is another one; if that is not enough, two kinds of people are, whose shares together stay the same.
    Yes becomes no or the reverse; a percentage is five points off at least."""
    numbers = whole_numbers(sample.params, "world")
    world = World.of(numbers)
    ways = list(_worlds(world))
    single = 3 * 91
    ways = [*rng.sample(ways[:single], single), *rng.sample(ways[single:], len(ways) - single)]
    for least, way in itertools.product(MARGINS, ways):
        params: dict[str, Param] = {**sample.params, "world": way.flat()}
        right = rungs.answer(params)
        number = sample.params["form"] == "number"
        far = abs(Fraction(right) - Fraction(str(sample.params["answer"]))) >= 5 if number else right != sample.target
        if way == world or not far or (not number and by_formula(way).margin < least):
            continue
        first = rungs.answer({**params, "rung": "association"})
        params |= {"answer": right, "rung1": first, "first_two": way.x1 > way.z}
        params["larger"] = larger(way.kinds1, way.kinds0)
        return asked_as(sample, _renumbered(sample.messages[-1].content, numbers, way.flat()), params, right)
    return None


_PLACES = (0, 1, 2, 6, 4, 5, 3, 10, 8, 9, 7)
"""The places in World.flat of the numbers, in the order of the text."""


def _renumbered(text: str, old: tuple[int, ...], new: tuple[int, ...]) -> str:
    """The text with other numbers for the same words."""
    spans = [m.span(1) for m in re.finditer(r"(?<!very )(?<![\d,])\b(\d+)\b(?! people of a)", text)][:11]
    for (start, end), place in reversed(list(zip(spans, _PLACES, strict=True))):
        assert int(text[start:end]) == old[place]
        text = f"{text[:start]}{new[place]}{text[end:]}"
    return text


def _table_changed(sample: Sample, rng: random.Random) -> Sample | None:
    """Two counts of the table change places."""
    table = whole_numbers(sample.params, "table")
    text = sample.messages[-1].content
    pairs = rng.sample(list(itertools.combinations(range(8), 2)), 28)
    for least, (one, two) in itertools.product(MARGINS, pairs):
        other = list(table)
        other[one], other[two] = table[two], table[one]
        params: dict[str, Param] = {**sample.params, "table": tuple(other)}
        right = tables.answer(params)
        graph = str(params["graph"]) if params["rung"] == "intervention" else ""
        effect = (tables.EFFECT[graph] if graph else tables.association)(tuple(other))
        if right == sample.target or abs(effect) < (least if graph != "frontdoor" else Fraction(2, 100)):
            continue
        shown = {tuple(map(bool, tables.CELLS[place])): count for place, count in enumerate(other)}
        rows = re.compile(r"^(yes|no) \| (yes|no) \| (yes|no) \| \d+$", re.M)

        def row(m: re.Match[str], shown: Mapping[tuple[bool, ...], int] = shown) -> str:
            return f"{m[1]} | {m[2]} | {m[3]} | {shown[m[1] == 'yes', m[2] == 'yes', m[3] == 'yes']}"

        new = rows.sub(row, text)
        counts = [int(m[0].rpartition(" ")[2]) for m in rows.finditer(new)]
        params |= {"answer": right, "rung1": tables.answer({**params, "rung": "association"})}
        params |= {"larger": tables.larger(tuple(other)), "first_two": counts[1] > counts[0]}
        return asked_as(sample, new, params, right)
    return None


# Lamps ------------------------------------------------------------------------------------------------------------


def lamps_and_events(text: str) -> tuple[list[str], list[str]]:
    """(lamps, events) as a text calls them."""
    m = re.search(r"lamps: (.*)\. (?:Each|Every) day, each of the events (.*) may or may not", text)
    assert m is not None
    lamps, events = (re.split(r", | and ", part) for part in m.groups())
    return lamps, [f"event {event}" for event in events]


def _rules(rules: tuple[Rule, ...], lamps: int) -> list[tuple[Rule, ...]]:
    """Those with one rule of another kind about the same lamps and events."""
    found = []
    for place, (op, inputs) in enumerate(rules):
        kinds = circuits.TWO if op in circuits.TWO else circuits.ONE[:2] if inputs[0] >= lamps else circuits.ONE[2:]
        found += [(*rules[:place], Rule(other, inputs), *rules[place + 1 :]) for other in kinds if other != op]
    return [made for made in found if len(set(made)) == len(made)]


def _rewired(rules: tuple[Rule, ...], lamps: int, events: int) -> list[tuple[Rule, ...]]:
    """Those with one rule about one other lamp or event."""
    found = []
    for place, (op, inputs) in enumerate(rules):
        for old, new in itertools.product(inputs, [*range(place), *range(lamps, lamps + events)]):
            other = tuple(sorted(new if i == old else i for i in inputs))
            if new not in inputs and (op in circuits.TWO or (old < lamps) == (new < lamps)):
                found.append((*rules[:place], Rule(op, other), *rules[place + 1 :]))
    return [made for made in found if len(set(made)) == len(made)]


def _lamps_changed(sample: Sample, rng: random.Random) -> Sample | None:
    """One rule is of another kind, or about another lamp or event; or a lamp that is seen, or is set, is in
    the other state."""
    text = sample.messages[-1].content
    params = sample.params
    rules = circuits.circuit_of(map(str, params["rules"]))  # type: ignore[arg-type]
    seen = list(whole_numbers(params, "seen"))
    ways: list[dict[str, Param]] = [
        {"rules": circuits.written(rules._replace(rules=made))} for made in _rules(rules.rules, len(rules.rules))
    ]
    rewired: list[dict[str, Param]] = [
        {"rules": circuits.written(rules._replace(rules=made))}
        for made in _rewired(rules.rules, len(rules.rules), rules.events)
    ]
    ways = [*rng.sample(ways, len(ways)), *rng.sample(rewired, len(rewired))]
    ways += [{"value": 1 - int(str(params["value"]))}]
    ways += [{"seen": (*seen[:i], 1 - seen[i], *seen[i + 1 :])} for i in range(1, len(seen), 2)]
    for way in ways:
        other = {**params, **way}
        try:
            right = boolean.answer(other)
        except DataError:  # not one answer
            continue
        if right == sample.target:
            continue
        new = boolean.text_of(other, *lamps_and_events(text))
        return asked_as(sample, new, {**other, "answer": right}, right)
    return None


# Chains -----------------------------------------------------------------------------------------------------------


def _chain_changed(sample: Sample, rng: random.Random) -> Sample | None:
    """One statement says something else: if possible it is turned round, else it has one other thing, else two."""
    flat, (cause, effect) = whole_numbers(sample.params, "links"), whole_numbers(sample.params, "pair")
    links = list(zip(flat[::2], flat[1::2], strict=True))
    text = sample.messages[-1].content
    lines = re.findall(r"^- .*$", text, re.M)
    words = dict(zip(itertools.chain.from_iterable(links), _things(lines), strict=True))
    asked = re.search(r"alone that (.*) causes (.*), directly", text)
    assert asked is not None
    words |= {cause: asked[1], effect: asked[2]}
    ways = [(i, pair) for i in range(len(links)) for pair in itertools.permutations(sorted(words), 2)]
    rng.shuffle(ways)
    ways.sort(key=lambda way: _unlike(links[way[0]], way[1]))
    for i, pair in ways:
        other = [*links[:i], pair, *links[i + 1 :]]
        told = set(itertools.chain.from_iterable(other))
        if pair in links or not {cause, effect} & set(flat) <= told:
            continue
        params: dict[str, Param] = {**sample.params, "links": tuple(itertools.chain.from_iterable(other))}
        right = chains.answer(params)
        if right != sample.target and not chains.reaches(other, pair[1], pair[0]):  # nothing causes itself
            a, b = (words[thing] for thing in pair)
            line = f"- {a[0].upper()}{a[1:]} causes {b}."
            return asked_as(sample, text.replace(lines[i], line), {**params, "answer": right}, right)
    return None


def _things(lines: list[str]) -> Iterator[str]:
    for line in lines:
        cause, effect = line[2:-1].split(" causes ")
        lower = cause[0].lower() + cause[1:]
        yield lower
        yield effect


def _unlike(old: tuple[int, int], new: tuple[int, int]) -> int:
    return 0 if new == old[::-1] else 1 if old[0] == new[0] or old[1] == new[1] else 2


# Equivalence ------------------------------------------------------------------------------------------------------


def variables(text: str) -> list[str]:
    """The variables as a text lists them."""
    m = re.search(r"(?:variables, (.*), form a closed system|quantities: (.*)\. Whatever)", text)
    assert m is not None
    return re.split(r", | and ", m[1] or m[2])


def _class_changed(sample: Sample, rng: random.Random) -> Sample | None:
    """The independences of the class of graphs with the other answer that differs in the fewest."""
    params = sample.params
    n = int(str(params["variables"]))
    said, pair = whole_numbers(params, "independences"), whole_numbers(params, "pair")
    words = equivalence.words_of(params, sample.messages[-1].content, variables(sample.messages[-1].content))
    if words is None:
        return None
    old = set(_rows(said))
    ways: list[tuple[int, int]] = []
    for number, markov in enumerate(dags.classes(n)):
        rows = equivalence.coded(markov.independences)
        valid = dags.verdict(n, number, str(params["relation"]), pair[0], pair[1]) == "valid"
        if valid == (sample.target == "no"):
            ways.append((len(old ^ set(_rows(rows))), number))
    if not ways:
        return None
    fewest = min(ways)[0]
    number = rng.choice([number for differs, number in ways if differs == fewest])
    other: dict[str, Param] = {**params, "independences": equivalence.coded(dags.classes(n)[number].independences)}
    other["verdict"] = dags.verdict(n, number, str(params["relation"]), pair[0], pair[1])
    right = equivalence.answer(other)
    text = equivalence.text(n, number, str(params["relation"]), pair, words, str(params["wording"]))
    return asked_as(sample, text, {**other, "answer": right}, right)


def _rows(said: Iterable[int]) -> list[tuple[int, ...]]:
    flat = list(said)
    return list(zip(flat[::3], flat[1::3], flat[2::3], strict=True))


CHANGED: dict[str, Callable[[Sample, random.Random], Sample | None]] = {
    "ladder": _world_changed, "table": _table_changed, "boolean": _lamps_changed, "chain": _chain_changed,
    "equivalence": _class_changed,
}  # fmt: skip
