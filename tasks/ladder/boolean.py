"""Kind `boolean`: deterministic questions about lamps; the same words of evidence before and after somebody's hand.

Rung 2: somebody turns a lamp off, and the evidence is of that same day. Rung 3: it was on, the evidence is of that day,
and what if somebody had turned it off? Each has one answer, and in every group the two differ: what the evidence says
of the events depends on whether the hand came before it. (At rung 1 the lamp would be seen to be off. If that question
has one answer, it is always that of rung 2, so it is not asked.)
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

from harness.errors import DataError
from harness.seeds import derive
from harness.tasks.ladder import circuits, names
from harness.tasks.ladder.circuits import Circuit, Query, Rule
from harness.tasks.ladder.kinds import Kind, Options, Question, asked_for, word
from harness.tasks.ladder.prompts import texts
from harness.types import Param, Params

NAMES = ("nonsense", "letters")
POLARITIES = ("more", "less")
RUNGS = ("intervention", "counterfactual")
STATES = ("off", "on")
NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


class Item(NamedTuple):
    """One group: the lamp that is set, to which value, what else is seen, and the lamp asked about."""

    circuit: Circuit
    lamp: int
    value: int
    seen: tuple[tuple[int, int], ...]
    target: int

    def query(self, rung: str) -> Query:
        """The question at a rung."""
        if rung == "intervention":
            return Query(self.target, self.seen, (self.lamp, self.value))
        return Query(self.target, ((self.lamp, 1 - self.value), *self.seen), (self.lamp, self.value), before=True)


def random_circuit(rng: random.Random) -> Circuit:
    """3 to 6 lamps and 2 to 4 events; every event has an effect, and no lamp repeats another one's rule."""
    while True:
        lamps, events = 3 + int(rng.random() * 4), 2 + int(rng.random() * 3)
        rules: list[Rule] = []
        for number in range(lamps):
            inputs = [*range(number), *range(lamps, lamps + events)]
            if number == 0 or rng.random() < 0.1:
                event = lamps + int(rng.random() * events)
                rules.append(Rule("event" if rng.random() < 0.5 else "not_event", (event,)))
            elif rng.random() < 0.2:
                rules.append(Rule("same" if rng.random() < 0.4 else "not", (int(rng.random() * number),)))
            else:
                one = int(rng.random() * number)
                others = [i for i in inputs if i != one]
                other = others[int(rng.random() * len(others))]
                rules.append(Rule(circuits.TWO[int(rng.random() * 3)], (min(one, other), max(one, other))))
        used = {i for rule in rules for i in rule.inputs}
        if set(range(lamps, lamps + events)) <= used and len(set(rules)) == lamps:
            return Circuit(tuple(rules), events)


def items(circuit: Circuit, rng: random.Random) -> Iterator[tuple[Item, int]]:
    """Questions about a circuit that have one answer at either rung, and not the same, in random order; with the answer
    at rung 3. At most one for each lamp, value and lamp asked about."""
    lamps = range(len(circuit.rules))
    as_it_is, full = circuits.bits(circuit)
    size = 1 if rng.random() < 0.7 else 2  # how many other lamps are seen
    for lamp, value in rng.sample(list(itertools.product(lamps, (0, 1))), 2 * len(lamps)):
        after, _ = circuits.bits(circuit, (lamp, value))
        was = full ^ as_it_is[lamp] if value else as_it_is[lamp]
        targets = [t for t in lamps if t != lamp and after[t] != as_it_is[t]]
        for target in rng.sample(targets, len(targets)):
            others = [s for s in lamps if s not in (lamp, target)]
            rng.shuffle(others)
            found = _evidence(list(itertools.combinations(others, size)), as_it_is, after, was, full, target)
            if found is not None:
                yield Item(circuit, lamp, value, found[0], target), found[1]


def _evidence(
    subsets: list[tuple[int, ...]], as_it_is: list[int], after: list[int], was: int, full: int, target: int
) -> tuple[tuple[tuple[int, int], ...], int] | None:
    """(what else is seen, the answer at rung 3) such that rung 2 has the other answer; None if nothing does it."""
    goal = after[target]
    for seen in subsets:
        for values in itertools.product((0, 1), repeat=len(seen)):
            done, had = full, was
            for lamp, value in zip(seen, values, strict=True):
                done &= after[lamp] if value else full ^ after[lamp]
                had &= as_it_is[lamp] if value else full ^ as_it_is[lamp]
            if not done or not had:
                continue
            on = had & goal
            if (on == had and not done & goal) or (not on and done & goal == done):
                return tuple(zip(seen, values, strict=True)), int(on != 0)
    return None


def drawn(seed: str) -> Iterator[tuple[Item, int, str]]:
    """Items with their answer at rung 3 and the polarity of their questions, in blocks of 8 that have each answer with
    either polarity twice. A circuit is used once."""
    for number in itertools.count():
        rng = random.Random(derive(seed, "block", number))
        missing = [(had, polarity) for had in (0, 1) for polarity in POLARITIES] * 2
        found = []
        while missing:
            fitting = ((item, had) for item, had in items(random_circuit(rng), rng) if had in [m[0] for m in missing])
            for item, had in itertools.islice(fitting, 1):
                polarity = next(m[1] for m in missing if m[0] == had)
                missing.remove((had, polarity))
                found.append((item, had, polarity))
        rng.shuffle(found)
        yield from found


def groups(options: Options, seed: str) -> Iterator[tuple[str, list[Question]]]:
    """A group: one item, in all names, at the rungs asked for (there is no first)."""
    rungs = [rung for rung in options.rungs if rung in RUNGS]
    for number, (item, had, polarity) in enumerate(drawn(seed)):
        about: dict[str, Param] = {
            "polarity": polarity, "rules": circuits.written(item.circuit), "lamp": item.lamp, "value": item.value,
            "seen": tuple(itertools.chain.from_iterable(item.seen)), "target": item.target,
        }  # fmt: skip
        questions = []
        for name in options.names:
            words = _words(item.circuit, name, derive(seed, "names", number))
            for rung in rungs:
                levels = {"rung": rung, "names": name}
                text = _text(item, rung, polarity, *words)
                right = asked_for(bool(had) == (rung == "counterfactual"), polarity)
                questions.append(Question(levels, dict(about), text, right))
        yield f"{number:06d}", questions


def _words(circuit: Circuit, name: str, seed: int) -> tuple[list[str], list[str]]:
    """(lamps, events) as they are called."""
    lamps = len(circuit.rules)
    chosen = names.symbols(name, lamps + circuit.events, random.Random(seed))
    shape = "lamp {}" if name == "letters" else "the {} lamp"
    return [shape.format(w) for w in chosen[:lamps]], [f"event {w}" for w in chosen[lamps:]]


def _text(item: Item, rung: str, polarity: str, lamps: list[str], events: list[str]) -> str:
    wording = texts("boolean")
    query = item.query(rung)
    evidence = _listed([f"{lamps[lamp]} is {STATES[value]}" for lamp, value in query.seen])
    state = "on" if polarity == "more" else "off"
    shown = {"lamp": lamps[item.lamp], "to": STATES[item.value], "target": lamps[item.target], "state": state}
    asked = wording["question"]["asked"].format(**shown)
    question = wording["question"][rung].format(**shown, evidence=evidence, asked=asked)
    rules = "\n".join(f"- {_rule(rule, number, lamps, events)}" for number, rule in enumerate(item.circuit.rules))
    told = {"number": NUMBERS[len(lamps)], "lamps": _listed(lamps), "events": _listed([e[6:] for e in events])}
    return str(wording["text"].strip().format(**told, rules=rules, question=question))


def _rule(rule: Rule, number: int, lamps: list[str], events: list[str]) -> str:
    wording = texts("boolean")
    called = [*lamps, *events]
    parts = [called[i] for i in rule.inputs]
    if rule.op in circuits.TWO:
        shapes = [wording["part"]["lamp" if i < len(lamps) else "event"] for i in rule.inputs]
        parts = [shape.format(name=name, state="on") for shape, name in zip(shapes, parts, strict=True)]
    line = wording["rule"][rule.op].format(lamp=lamps[number], **dict(zip("ab", parts, strict=False)))
    return str(line[0].upper() + line[1:])


def _listed(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else words[0]


@functools.lru_cache(maxsize=8192)
def _solved(rules: tuple[str, ...], rung: str, lamp: int, value: int, seen: tuple[int, ...], target: int) -> int:
    try:
        circuit = circuits.circuit_of(rules)
        pairs = tuple(zip(seen[::2], seen[1::2], strict=True))
        found = circuits.answer(circuit, Item(circuit, lamp, value, pairs, target).query(rung))
    except (ValueError, LookupError, TypeError) as error:
        raise DataError(f"params of a ladder sample: {error}") from None
    if found is None:
        raise DataError("params of a ladder sample: the question about the lamps has no single answer")
    return found


def answer(params: Params) -> str:
    """The right answer: yes or no."""
    rules, lamp, value, seen, target = _numbers(params)
    found = _solved(rules, word(params, "rung", RUNGS), lamp, value, seen, target)
    return asked_for(bool(found), word(params, "polarity", POLARITIES))


def _numbers(params: Params) -> tuple[tuple[str, ...], int, int, tuple[int, ...], int]:
    """(rules, lamp, value, seen, target) of a sample's params. Raises DataError if they are not there."""
    try:
        rules = tuple(map(str, params["rules"]))  # type: ignore[arg-type]
        lamp, value, target = (int(str(params[name])) for name in ("lamp", "value", "target"))
        seen = tuple(int(str(part)) for part in params["seen"])  # type: ignore[union-attr]
    except (KeyError, TypeError, ValueError):
        raise DataError("a ladder sample about lamps needs params rules, lamp, value, seen and target") from None
    return rules, lamp, value, seen, target


def text_of(params: Params, lamps: list[str], events: list[str]) -> str:
    """The prompt of a sample's params, with these names for lamps and events."""
    rules, lamp, value, seen, target = _numbers(params)
    pairs = tuple(zip(seen[::2], seen[1::2], strict=True))
    item = Item(circuits.circuit_of(rules), lamp, value, pairs, target)
    return _text(item, word(params, "rung", RUNGS), word(params, "polarity", POLARITIES), lamps, events)


KIND = Kind(NAMES, groups, answer, 64)
