"""Rules with exceptions, and what they say of one person: facts, strict rules, and defaults that go before others.

Sceptical: something holds by a default if that default goes before every applicable default that says the opposite.
What is certain (a fact, or by strict rules from facts) holds whatever defaults say. Kinds are numbers or words.
"""

from __future__ import annotations

import graphlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import NamedTuple

Kind = int | str


class Default(NamedTuple):
    """Those who are `body` are normally `head`, or normally not."""

    body: Kind
    head: Kind
    holds: bool = True


@dataclass(frozen=True)
class Theory:
    """`facts`: the kinds that the person is of. `strict`: (narrow, wide), everyone of the narrow kind is of the wide
    one. `before`: (i, j), default i goes before default j. `specific`: a default also goes before another if its body
    is of the other's body by strict rules. No kind may depend on itself,
    and no strict rule start from a default's head.
    """

    facts: frozenset[Kind]
    strict: tuple[tuple[Kind, Kind], ...]
    defaults: tuple[Default, ...]
    before: frozenset[tuple[int, int]] = frozenset()
    specific: bool = False

    def told(self, fact: Kind) -> Theory:
        """With one more fact."""
        return replace(self, facts=self.facts | {fact})


def closure(kinds: Iterable[Kind], strict: Iterable[tuple[Kind, Kind]]) -> frozenset[Kind]:
    """These kinds and all wider ones."""
    found, rules = set(kinds), list(strict)
    while new := {wide for narrow, wide in rules if narrow in found and wide not in found}:
        found |= new
    return frozenset(found)


def beats(theory: Theory, i: int, j: int) -> bool:
    """Whether default i goes before default j."""
    if (i, j) in theory.before:
        return True
    one, two = theory.defaults[i].body, theory.defaults[j].body
    return theory.specific and one != two and two in closure({one}, theory.strict)


# Solver 1: from the facts up ----------------------------------------------------------------------------------------


def answer(theory: Theory, asked: Kind) -> str:
    """yes, no or unknown: settles one kind after the other, each after those that it depends on."""
    certain = closure(theory.facts, theory.strict)
    depends: dict[Kind, set[Kind]] = {asked: set()}
    for default in theory.defaults:
        depends.setdefault(default.head, set()).add(default.body)
    settled: dict[Kind, str] = {}
    for kind in graphlib.TopologicalSorter(depends).static_order():
        settled[kind] = "yes" if kind in certain else _by_defaults(theory, kind, settled)
    return settled[asked]


def _by_defaults(theory: Theory, kind: Kind, settled: dict[Kind, str]) -> str:
    live = [i for i, d in enumerate(theory.defaults) if d.head == kind and settled.get(d.body) == "yes"]
    winners = {
        theory.defaults[i].holds
        for i in live
        if all(beats(theory, i, j) for j in live if theory.defaults[j].holds != theory.defaults[i].holds)
    }
    return "unknown" if len(winners) != 1 else "yes" if True in winners else "no"


# Solver 2: from the question down -----------------------------------------------------------------------------------


def answer_by_proof(theory: Theory, asked: Kind) -> str:
    """As `answer`, by looking for a proof of the question and for one of its opposite."""
    defeats = _rank(theory)

    @cache
    def sure(kind: Kind) -> bool:
        return kind in theory.facts or any(sure(narrow) for narrow, wide in theory.strict if wide == kind)

    @cache
    def proved(kind: Kind, holds: bool) -> bool:
        if sure(kind):
            return holds
        pro = [d for d in enumerate(theory.defaults) if d[1].head == kind and proved(d[1].body, True)]
        against = [i for i, default in pro if default.holds != holds]
        return any(all(defeats(i, j) for j in against) for i, default in pro if default.holds == holds)

    if proved(asked, True):
        return "yes"
    return "no" if proved(asked, False) else "unknown"


def _rank(theory: Theory) -> Callable[[int, int], bool]:
    """Whether a default goes before another, by walking up from its body a step at a time."""

    def above(kind: Kind, sought: Kind) -> bool:
        return any(wide == sought or above(wide, sought) for narrow, wide in theory.strict if narrow == kind)

    def goes_before(i: int, j: int) -> bool:
        stated = (i, j) in theory.before
        return stated or (theory.specific and above(theory.defaults[i].body, theory.defaults[j].body))

    return goes_before
