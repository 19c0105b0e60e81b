"""Formulas of three literals a clause: random ones, and twins that differ in one literal, of which one has a solution.

Two solvers: one goes through all assignments, one assigns and backtracks. Knows no words.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache

Clause = tuple[int, int, int]
"""Three different variables, from 1; negative: the variable is false. At least one of the three literals must hold."""
Formula = tuple[Clause, ...]


@cache
def _where(variables: int, literal: int) -> int:
    """The assignments in which a literal holds, as a number: bit a is set if it holds in assignment a."""
    bit = abs(literal) - 1
    return sum(1 << a for a in range(1 << variables) if (a >> bit & 1) == (literal > 0))


@cache
def _holds(variables: int, clause: Clause) -> int:
    one, two, three = clause
    return _where(variables, one) | _where(variables, two) | _where(variables, three)


def solutions(variables: int, clauses: Sequence[Clause]) -> int:
    """All assignments that satisfy every clause, as a number: bit a is set for assignment a."""
    found = (1 << (1 << variables)) - 1
    for clause in clauses:
        found &= _holds(variables, clause)
    return found


def satisfiable(clauses: Sequence[Sequence[int]]) -> bool:
    """As `solutions` has any, by assigning a literal at a time: a clause with one literal left forces it."""
    if not clauses:
        return True
    shortest = min(clauses, key=len)
    if not shortest:
        return False
    literal = shortest[0]
    tried = (literal,) if len(shortest) == 1 else (literal, -literal)
    return any(satisfiable([[x for x in c if x != -true] for c in clauses if true not in c]) for true in tried)


def drawn(rng: random.Random, variables: int, clauses: int) -> Formula:
    """A uniformly random formula: three different variables a clause, signs by coin. A clause may come twice."""
    return tuple(_clause(rng, variables) for _ in range(clauses))


@cache
def _all_clauses(variables: int) -> tuple[Clause, ...]:
    signs = [(a, b, c) for a in (1, -1) for b in (1, -1) for c in (1, -1)]
    return tuple((x * a, y * b, z * c) for x in range(1, variables + 1) for y in range(x + 1, variables + 1)
                 for z in range(y + 1, variables + 1) for a, b, c in signs)  # fmt: skip


def _clause(rng: random.Random, variables: int) -> Clause:
    every = _all_clauses(variables)
    return every[int(rng.random() * len(every))]


def twins(rng: random.Random, variables: int, clauses: int) -> tuple[Formula, Formula]:
    """(a formula with a solution, one without): they differ in the sign of one literal.

    All clauses but one are drawn so that something solves them and three literals are the same in all their solutions.
    The last clause denies these three, so that nothing is left; with one of its literals the other way round it takes
    nothing away. If there are few clauses, each is the best of several: the one that leaves the fewest solutions.
    Both twins share them, so that nothing of this tells them apart.
    """
    tries, best_of = 0, 1
    while True:
        rest = _narrow(rng, variables, clauses - 1, best_of)
        common = _common(variables, solutions(variables, rest)) if rest is not None else []
        if rest is not None and len(common) >= 3:
            three = sorted(rng.sample(common, 3), key=abs)
            none: Clause = (-three[0], -three[1], -three[2])
            flipped = rng.randrange(3)
            some: Clause = tuple(-x if i == flipped else x for i, x in enumerate(none))  # type: ignore[assignment]
            if some not in rest:
                place = rng.randrange(clauses)
                return (*rest[:place], some, *rest[place:]), (*rest[:place], none, *rest[place:])
        tries += 1
        if tries % 4 == 0:
            best_of += 1


def _narrow(rng: random.Random, variables: int, clauses: int, best_of: int) -> Formula | None:
    """Clauses that have a solution; None if a draw leaves none."""
    left = (1 << (1 << variables)) - 1
    found: dict[Clause, None] = {}
    while len(found) < clauses:
        offered = [c for c in (_clause(rng, variables) for _ in range(best_of)) if c not in found]
        kept = [(after.bit_count(), c, after) for c in offered if (after := left & _holds(variables, c))]
        if not offered:
            continue
        if not kept:
            return None
        _, clause, left = min(kept, key=lambda way: way[0])  # of equals the first: one that is drawn
        found[clause] = None
    return tuple(found)


def _common(variables: int, solved: int) -> list[int]:
    """The literals that hold in all of these solutions."""
    literals = [x for v in range(1, variables + 1) for x in (v, -v)]
    return [x for x in literals if not solved & ~_where(variables, x)]
