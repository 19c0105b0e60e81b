"""Categorical syllogisms: which statements about the ends follow from two premises. Two solvers; knows no words.

A statement is (quantifier, subject, predicate) with the quantifiers of the tradition: A "all are", E "none is", I "some
are", O "some are not". The terms are S and P, the ends, and M, the middle.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple


class Statement(NamedTuple):
    """All (A), no (E), some (I) or some ... not (O): `subject` are `predicate`."""

    quantifier: str
    subject: str
    predicate: str

    @property
    def turned(self) -> Statement:
        """With its terms exchanged."""
        return Statement(self.quantifier, self.predicate, self.subject)


CONCLUSIONS = tuple(Statement(q, *ends) for q in "AEIO" for ends in ("SP", "PS"))
"""The eight statements about the ends."""
FIGURES = {1: ("MP", "SM"), 2: ("PM", "SM"), 3: ("MP", "MS"), 4: ("PM", "MS")}
"""Figure -> (terms of the major premise, terms of the minor premise); the conclusion is about S and P."""


def form(mood: str, figure: int) -> tuple[Statement, Statement, Statement]:
    """(major premise, minor premise, conclusion) of a form such as AAA-1."""
    major, minor = FIGURES[figure]
    return Statement(mood[0], *major), Statement(mood[1], *minor), Statement(mood[2], "S", "P")


def forms() -> Iterator[tuple[Statement, Statement, Statement]]:
    """All 256 forms."""
    for mood, figure in itertools.product(itertools.product("AEIO", repeat=3), FIGURES):
        yield form("".join(mood), figure)


# Solver 1: all models -----------------------------------------------------------------------------------------------

_REGIONS = tuple(frozenset(t for t, here in zip("SMP", bits, strict=True) if here)
                 for bits in itertools.product((0, 1), repeat=3))  # fmt: skip
"""The eight regions of three circles. A model says of each whether anything is there: 256 models."""


@cache
def _models(statement: Statement) -> frozenset[int]:
    """The models in which a statement is true; a model is the sum of 2**i of its inhabited regions i."""
    q, s, p = statement
    inside = sum(1 << i for i, region in enumerate(_REGIONS) if s in region and (p in region) == (q in "EI"))
    return frozenset(m for m in range(256) if bool(m & inside) == (q in "IO"))


@cache
def _inhabited() -> frozenset[int]:
    """The 218 models in which each of the three terms has a member."""
    masks = [sum(1 << i for i, region in enumerate(_REGIONS) if term in region) for term in "SMP"]
    return frozenset(m for m in range(256) if all(m & mask for mask in masks))


def follows(premises: Sequence[Statement], conclusion: Statement, members: bool) -> bool:
    """Whether the conclusion is true in every model of the premises. `members`: only models in which each term has a
    member (existential import)."""
    found = _inhabited() if members else frozenset(range(256))
    for premise in premises:
        found &= _models(premise)
    return found <= _models(conclusion)


# Solver 2: the rules of the tradition -------------------------------------------------------------------------------


def _distributed(statement: Statement) -> set[str]:
    """The terms of which the statement says something for every member."""
    q, s, p = statement
    return ({s} if q in "AE" else set()) | ({p} if q in "EO" else set())


def follows_by_rules(premises: Sequence[Statement], conclusion: Statement, members: bool) -> bool:
    """As `follows`, by distribution and quality, without a model.

    The middle is distributed at least once; an end that is distributed in the conclusion is distributed in its premise;
    not both premises are negative; the conclusion is negative if and only if one premise is; without existential import
    no particular conclusion follows from two universal premises.
    """
    negative = [p.quantifier in "EO" for p in premises]
    spoken = [_distributed(p) for p in premises]
    everywhere = set().union(*spoken)
    if "M" not in everywhere or not _distributed(conclusion) <= everywhere:
        return False
    if all(negative) or any(negative) != (conclusion.quantifier in "EO"):
        return False
    universal = all(p.quantifier in "AE" for p in premises)
    return members or not (universal and conclusion.quantifier in "IO")


# What is asked ------------------------------------------------------------------------------------------------------


def strongest(premises: Sequence[Statement], members: bool) -> Statement | None:
    """The conclusion from which all others follow that the premises have; None if they have none. Of two that say the
    same (no S is P, no P is S), the one about S."""
    found = [c for c in CONCLUSIONS if follows(premises, c, members)]
    return next((c for c in found if all(_implies(c, other) for other in found)), None)


def _implies(one: Statement, other: Statement) -> bool:
    return bool(_inhabited() & _models(one) <= _models(other))


class Twins(NamedTuple):
    """Premises from which the conclusion follows, and premises in the same words from which it does not, whether terms
    have members or not. `nothing`: from these no conclusion follows at all, in either direction."""

    name: str
    premises: tuple[Statement, Statement]
    conclusion: Statement
    twin: tuple[Statement, Statement]
    nothing: bool


def _ends_exchanged(statement: Statement) -> Statement:
    ends = {"S": "P", "P": "S", "M": "M"}
    return Statement(statement.quantifier, ends[statement.subject], ends[statement.predicate])


@cache
def twins() -> tuple[Twins, ...]:
    """The 15 forms that are valid without existential import, each with all its twins. A twin has the terms of one
    premise exchanged; EIO, for which that changes nothing, has S and P exchanged in the premises."""
    found = []
    for mood, figure in itertools.product(map("".join, itertools.product("AEIO", repeat=3)), FIGURES):
        major, minor, conclusion = form(mood, figure)
        if not follows((major, minor), conclusion, members=False):
            continue
        changed = [(major.turned, minor), (major, minor.turned)]
        if mood == "EIO":
            changed = [(_ends_exchanged(major), _ends_exchanged(minor))]
        for twin in changed:
            if not follows(twin, conclusion, members=True):
                nothing = strongest(twin, members=True) is None
                found.append(Twins(f"{mood}-{figure}", (major, minor), conclusion, twin, nothing))
    return tuple(found)
