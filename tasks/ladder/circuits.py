"""Boolean mechanisms: lamps with rules over earlier lamps and over unseen events; three ways to solve their questions.

`answers` keeps a bit for each setting of the events and is quick; `by_enumeration` is the enumeration of scm.py;
`by_twin_network` searches the twin network (the world as it was and the world as it would be, with the same events:
Balke & Pearl 1994) one event at a time, with values that may be unknown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from harness.tasks.ladder.scm import Model, Variable, holds, settings, solve

ONE = ("event", "not_event", "same", "not")
TWO = ("and", "or", "xor")


class Rule(NamedTuple):
    """The rule of one lamp. `inputs` are numbers: lamps count from 0, events from the number of lamps on."""

    op: str
    inputs: tuple[int, ...]


class Circuit(NamedTuple):
    """The rules of all lamps in an order in which each looks at earlier ones; and how many events there are."""

    rules: tuple[Rule, ...]
    events: int


class Query(NamedTuple):
    """Is the lamp `target` on? `seen`: the (lamp, value) that are seen. `do`: the (lamp, value) set by hand, if any.
    `before`: `seen` was seen in the world without `do` (a counterfactual)."""

    target: int
    seen: tuple[tuple[int, int], ...]
    do: tuple[int, int] | None = None
    before: bool = False


def apply(op: str, inputs: Sequence[int], full: int = 1) -> int:
    """The value of a rule; with `full` 2**n - 1, n values at once, a bit each."""
    first = inputs[0]
    if op in ("event", "same"):
        return first
    if op in ("not_event", "not"):
        return full ^ first
    second = inputs[1]
    return first & second if op == "and" else first | second if op == "or" else first ^ second


# Bits --------------------------------------------------------------------------------------------------------------


def bits(circuit: Circuit, do: tuple[int, int] | None = None) -> tuple[list[int], int]:
    """(each lamp's values under all settings of the events, a bit each; all bits)."""
    full = (1 << (1 << circuit.events)) - 1
    events = [_column(place, circuit.events) for place in range(circuit.events)]
    lamps: list[int] = []
    n = len(circuit.rules)
    for number, (op, inputs) in enumerate(circuit.rules):
        if do is not None and do[0] == number:
            lamps.append(full if do[1] else 0)
        else:
            lamps.append(apply(op, [lamps[i] if i < n else events[i - n] for i in inputs], full))
    return lamps, full


def _column(place: int, events: int) -> int:
    return sum(1 << setting for setting in range(1 << events) if setting >> place & 1)


def told(lamps: Sequence[int], after: Sequence[int], full: int, query: Query) -> int | None:
    """The answer from both worlds' bits (`after`: with `do`); None if there is none, or more than one."""
    where = full
    for lamp, value in query.seen:
        column = (lamps if query.before else after)[lamp]
        where &= column if value else full ^ column
    on = where & after[query.target]
    if not where or on not in (0, where):
        return None
    return int(on != 0)


def answer(circuit: Circuit, query: Query) -> int | None:
    """1 or 0, or None if the question has no single answer."""
    lamps, full = bits(circuit)
    return told(lamps, bits(circuit, query.do)[0] if query.do else lamps, full, query)


# Enumeration -------------------------------------------------------------------------------------------------------


def model(circuit: Circuit) -> Model:
    """The circuit for scm.py: events are variables that are nothing but noise."""
    n = len(circuit.rules)
    events = [Variable(f"{n + e}", (), ((0, 1), (1, 1)), lambda _, u: int(u)) for e in range(circuit.events)]
    return [*events, *(_lamp(number, rule) for number, rule in enumerate(circuit.rules))]


def _lamp(number: int, rule: Rule) -> Variable:
    return Variable(
        str(number), tuple(map(str, rule.inputs)), (((), 1),), lambda values, _: apply(rule.op, values)
    )  # fmt: skip


def by_enumeration(circuit: Circuit, query: Query) -> set[int]:
    """Every value that the target has under some events that fit what is seen."""
    made, given = model(circuit), {str(lamp): value for lamp, value in query.seen}
    do = {str(query.do[0]): query.do[1]} if query.do else {}
    found = set()
    for _, noise in settings(made):
        after = solve(made, noise, do)
        if holds(solve(made, noise, {}) if query.before else after, given):
            found.add(after[str(query.target)])
    return found


# The twin network --------------------------------------------------------------------------------------------------


def by_twin_network(circuit: Circuit, query: Query) -> set[int]:
    """The same by search: events are fixed one by one, and a branch ends when what is seen can't come about."""
    found: set[int] = set()
    stack: list[tuple[int | None, ...]] = [(None,) * circuit.events]
    while stack:
        events = stack.pop()
        after = _unsure(circuit, events, query.do)
        seen = _unsure(circuit, events, None) if query.before else after
        if any(seen[lamp] == 1 - value for lamp, value in query.seen):
            continue
        target = after[query.target]
        if target is not None and all(seen[lamp] is not None for lamp, _ in query.seen):
            found.add(target)
            continue
        place = events.index(None)
        stack += [(*events[:place], value, *events[place + 1 :]) for value in (0, 1)]
    return found


def _unsure(circuit: Circuit, events: Sequence[int | None], do: tuple[int, int] | None) -> list[int | None]:
    """The lamps in Kleene's logic: None is unknown."""
    values: list[int | None] = []
    n = len(circuit.rules)
    for number, (op, inputs) in enumerate(circuit.rules):
        known = [values[i] if i < n else events[i - n] for i in inputs]
        if do is not None and do[0] == number:
            values.append(do[1])
        elif op in ("and", "or") and (op == "or") in known:
            values.append(int(op == "or"))
        elif any(value is None for value in known):
            values.append(None)
        else:
            values.append(apply(op, [value for value in known if value is not None]))
    return values


# As text for params ------------------------------------------------------------------------------------------------


def written(circuit: Circuit) -> tuple[str, ...]:
    """A rule a text, as "and 0 5"."""
    return tuple(" ".join(map(str, (op, *inputs))) for op, inputs in circuit.rules)


def circuit_of(rules: Iterable[str]) -> Circuit:
    """From what `written` gives. ValueError for anything else."""
    lines = [rule.split() for rule in rules]
    n, made, last = len(lines), [], -1
    if not 1 <= n <= 12:
        raise ValueError("1 to 12 rules are needed")
    for number, (op, *inputs) in enumerate(lines):
        places = tuple(map(int, inputs))
        wanted = 1 if op in ONE else 2 if op in TWO else 0
        if len(places) != wanted or any(not 0 <= i < n + 12 or number <= i < n for i in places):
            raise ValueError(f"the rule '{' '.join(lines[number])}' can't be read")
        last = max(last, *places)
        made.append(Rule(op, places))
    return Circuit(tuple(made), max(0, last - n + 1))
