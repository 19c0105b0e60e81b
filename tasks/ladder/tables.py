"""Kind `table`: the same table of counts under another graph. What is seen agrees, what would happen does not.

With Z before X the table has to be adjusted for Z; with Z behind X it must not be. Counts of 1,000 people: all
probabilities are tenths, so the table is exact under every graph.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Iterator
from fractions import Fraction

from harness.errors import DataError
from harness.seeds import derive
from harness.tasks.ladder import names
from harness.tasks.ladder.kinds import Kind, Options, Question, asked_for, whole_numbers, word, yes
from harness.tasks.ladder.prompts import texts
from harness.tasks.ladder.scm import Model, Variable, by_shares, index, probability
from harness.types import Param, Params

NAMES = ("nonsense", "letters")
GRAPHS = ("confounder", "mediator", "collider", "mbias", "frontdoor")
RUNGS = ("association", "intervention")
POLARITIES = ("more", "less")
CELLS = tuple(itertools.product((0, 1), repeat=3))
"""The values of (Z, X, Y) of each count, counted up in binary."""

Table = tuple[int, ...]
"""How many people have each of CELLS."""


def _count(table: Table, z: int | None = None, x: int | None = None, y: int | None = None) -> int:
    """How many people have these values; None is any."""
    return sum([table[place] for place in _places(z, x, y)])


@functools.cache
def _places(*wanted: int | None) -> tuple[int, ...]:
    cells = [all(w is None or w == v for w, v in zip(wanted, cell, strict=True)) for cell in CELLS]
    return tuple(place for place, fits in enumerate(cells) if fits)


def association(table: Table) -> Fraction:
    """P(Y | X=1) - P(Y | X=0)."""
    return Fraction(_count(table, x=1, y=1), _count(table, x=1)) - Fraction(_count(table, x=0, y=1), _count(table, x=0))


def backdoor(table: Table) -> Fraction:
    """The sum over z of P(z) [P(Y | z, X=1) - P(Y | z, X=0)] (Pearl 2009, 3.3.1)."""
    total = Fraction(0)
    for z in (0, 1):
        with_x, without = (Fraction(_count(table, z, x, 1), _count(table, z, x)) for x in (1, 0))
        total += Fraction(_count(table, z), sum(table)) * (with_x - without)
    return total


def frontdoor(table: Table) -> Fraction:
    """The sum over z of [P(z | X=1) - P(z | X=0)] times the sum over x of P(Y | z, x) P(x) (Pearl 2009, 3.3.2)."""
    total = Fraction(0)
    for z in (0, 1):
        moved = Fraction(_count(table, z, 1), _count(table, x=1)) - Fraction(_count(table, z, 0), _count(table, x=0))
        total += moved * sum(
            Fraction(_count(table, z, x, 1), _count(table, z, x)) * Fraction(_count(table, x=x), sum(table))
            for x in (0, 1)
        )
    return total


EFFECT = {
    "confounder": backdoor,
    "mediator": association,
    "collider": association,
    "mbias": association,
    "frontdoor": frontdoor,
}
"""P(Y | do(X=1)) - P(Y | do(X=0)) by a formula, the second solver. In three graphs nothing has to be adjusted for."""


def model(table: Table, graph: str) -> Model:
    """One set of functions with noise that has this graph and gives this table, for the enumeration. An unknown cause
    (U, W) is a variable of its own."""

    def share(of: str, **given: int) -> tuple[int, int]:
        return _count(table, **given, **{of: 1}), _count(table, **given)

    pairs = list(itertools.product((0, 1), repeat=2))
    if graph == "confounder":
        return (
            by_shares("Z", (), [share("z")]),
            by_shares("X", ("Z",), [share("x", z=z) for z in (0, 1)]),
            by_shares("Y", ("Z", "X"), [share("y", z=z, x=x) for z, x in pairs]),
        )
    first = by_shares("X", (), [share("x")])
    if graph == "mediator":
        return (
            first,
            by_shares("Z", ("X",), [share("z", x=x) for x in (0, 1)]),
            by_shares("Y", ("Z", "X"), [share("y", z=z, x=x) for z, x in pairs]),
        )
    y_of_x = by_shares("Y", ("X",), [share("y", x=x) for x in (0, 1)])
    if graph == "collider":
        return first, y_of_x, by_shares("Z", ("X", "Y"), [share("z", x=x, y=y) for x, y in pairs])
    if graph == "frontdoor":  # U decides X, and has an effect on Y
        return (
            first._replace(name="U"),
            Variable("X", ("U",), (((), 1),), lambda values, _: values[0]),
            by_shares("Z", ("X",), [share("z", x=x) for x in (0, 1)]),
            by_shares("Y", ("Z", "U"), [share("y", z=z, x=u) for z, u in pairs]),
        )
    # M-bias: U decides X; V and W are the value of Y without and with X; U, V and W decide how frequent Z is.
    z_of_both = by_shares("Z", ("U", "V", "W"), [share("z", x=x, y=y) for x, y in pairs])
    return (
        first._replace(name="U"),
        Variable("X", ("U",), (((), 1),), lambda values, _: values[0]),
        by_shares("V", (), [share("y", x=0)]),
        by_shares("W", (), [share("y", x=1)]),
        Variable("Y", ("V", "W", "X"), (((), 1),), lambda values, _: values[values[2]]),
        z_of_both._replace(function=lambda values, u: u[index((values[0], values[1 + values[0]]))]),
    )


def by_enumeration(table: Table, graph: str) -> tuple[Fraction, Fraction]:
    """(association, effect) by the first solver, see scm.py."""
    made = model(table, graph)
    pairs = ({"X": 1}, {"X": 0})
    seen = [probability(made, {"Y": 1}, x, {}) or Fraction(0) for x in pairs]
    done = [probability(made, {"Y": 1}, {}, x) or Fraction(0) for x in pairs]
    return seen[0] - seen[1], done[0] - done[1]


def table_of(before: tuple[int, ...], of_y: tuple[int, ...]) -> Table:
    """The counts from tenths, see `opposed`."""
    z, x0, x1 = before
    counts = []
    for cell in CELLS:
        shares = (z, (x0, x1)[cell[0]], of_y[index(cell[:2])])
        of = [share if value else 10 - share for share, value in zip(shares, cell, strict=True)]
        counts.append(of[0] * of[1] * of[2])
    return tuple(counts)


def opposed(before: tuple[int, ...], of_y: tuple[int, ...]) -> int:
    """-1 unless association and the effect adjusted for Z have opposite signs, both of ten points or more; else a
    number that says the sign of the association and the answer of the shortcut `larger`. `before`: tenths of P(Z) and
    of P(X | Z) for Z = 0, 1; `of_y`: of P(Y | Z, X). In whole numbers, as most draws are rejected."""
    z, x0, x1 = before
    y00, y01, y10, y11 = of_y
    effect = (10 - z) * (y01 - y00) + z * (y11 - y10)
    if -10 < effect < 10:
        return -1
    v1, w1, v0, w0 = (10 - z) * x0, z * x1, (10 - z) * (10 - x0), z * (10 - x1)
    with_x, without = v1 * y01 + w1 * y11, v0 * y00 + w0 * y10
    seen = with_x * (v0 + w0) - without * (v1 + w1)
    if (seen > 0) == (effect > 0) or abs(seen) < (v1 + w1) * (v0 + w0):
        return -1
    return 2 * (seen > 0) + (with_x > without)


_BEFORE = list(itertools.product(range(1, 10), repeat=3))
_OF_Y = list(itertools.product(range(1, 10), repeat=4))


def tables(seed: str) -> Iterator[tuple[Table, str]]:
    """Opposed tables with the polarity of their questions, in blocks of 16 in which each sign of the association, with
    either answer of the shortcut `larger`, comes with either polarity twice. The front door is never within two points
    of no effect."""
    for number in itertools.count():
        rng = random.Random(derive(seed, "block", number))
        draw, count_before, count_y = rng.random, len(_BEFORE), len(_OF_Y)
        missing = {cell: rng.sample(POLARITIES * 2, 4) for cell in range(4)}
        found = []
        while missing:
            before, of_y = _BEFORE[int(draw() * count_before)], _OF_Y[int(draw() * count_y)]
            cell = opposed(before, of_y)
            if cell not in missing:
                continue
            table = table_of(before, of_y)
            if abs(frontdoor(table)) >= Fraction(2, 100):
                found.append((table, missing[cell].pop()))
                if not missing[cell]:
                    del missing[cell]
        rng.shuffle(found)
        yield from found


def larger(table: Table) -> bool:
    """The shortcut that compares counts in place of shares: whether more people have X and Y than Y without X."""
    return _count(table, x=1, y=1) > _count(table, x=0, y=1)


def groups(options: Options, seed: str) -> Iterator[tuple[str, list[Question]]]:
    """A group: one table, in all names, under all graphs, at the rungs asked for (there is no third)."""
    rungs = [rung for rung in options.rungs if rung in RUNGS]
    for number, (table, polarity) in enumerate(tables(seed)):
        order = random.Random(derive(seed, "rows", number)).sample(range(8), 8)
        words = {name: names.phrases(name, derive(seed, "names", number), True) for name in options.names}
        seen, more = association(table) > 0, larger(table)
        effects = {graph: EFFECT[graph](table) > 0 for graph in options.graphs}
        questions = []
        for name, graph, rung in itertools.product(options.names, options.graphs, rungs):
            levels = {"rung": rung, "graph": graph, "names": name}
            params: dict[str, Param] = {
                "polarity": polarity,
                "table": table,
                "rung1": asked_for(seen, polarity),
                "larger": more,
            }
            params["first_two"] = table[order[1]] > table[order[0]]
            truth = effects[graph] if rung == "intervention" else seen
            text = _text(table, order, words[name], graph, rung, polarity)
            questions.append(Question(levels, params, text, asked_for(truth, polarity)))
        yield f"{number:06d}", questions


def _text(table: Table, order: list[int], words: names.Phrases, graph: str, rung: str, polarity: str) -> str:
    wording, shown = texts("table"), words._asdict()
    rows = "\n".join(f"{' | '.join(yes(bool(v)) for v in CELLS[place])} | {table[place]}" for place in order)
    asked = texts("world")["yesno"][rung][polarity].format(**shown)
    graph = wording["graph"][graph].format(**shown)
    form = texts("world")["form"]["yesno"]
    return str(wording["text"].strip().format(**shown, rows=rows, graph=graph, question=asked, form=form))


@functools.lru_cache(maxsize=8192)
def _solved(table: Table, graph: str) -> bool:
    try:
        return (EFFECT[graph] if graph else association)(table) > 0
    except (ZeroDivisionError, ValueError, IndexError):
        raise DataError("params.table of a ladder sample has to be eight counts, with people in every cell") from None


def answer(params: Params) -> str:
    """The right answer: yes or no."""
    graph = word(params, "graph", GRAPHS) if word(params, "rung", RUNGS) == "intervention" else ""
    return asked_for(_solved(whole_numbers(params, "table"), graph), word(params, "polarity", POLARITIES))


KIND = Kind(NAMES, groups, answer, 64)
