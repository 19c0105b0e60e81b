"""Which single facts explain an observation: facts and rules about one person. Two solvers; knows no words.

A property is a number or a word. What a rule says may be denied; what it needs, and what facts say, may not. A fact can
be assumed if it is not given and no rule says it, or the opposite; what is observed does not explain itself.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

Property = int | str


class Literal(NamedTuple):
    """That something holds of the person, or that it does not."""

    property: Property
    holds: bool = True


class Rule(NamedTuple):
    """Whoever has all of `body` has, or has not, what `head` says."""

    body: tuple[Property, ...]
    head: Literal


@dataclass(frozen=True)
class Theory:
    """What is given of a person."""

    facts: frozenset[Property]
    rules: tuple[Rule, ...]

    def candidates(self) -> list[Property]:
        """The facts that can be assumed, in the order of the rules."""
        said = {rule.head.property for rule in self.rules} | self.facts
        return list(dict.fromkeys(p for rule in self.rules for p in rule.body if p not in said))


def closure(facts: Iterable[Property], rules: Iterable[Rule]) -> frozenset[Literal]:
    """All that follows: facts, and what the rules say whose needs are met."""
    had, left = set(facts), list(rules)
    denied: set[Property] = set()
    while True:
        fired = [rule for rule in left if had.issuperset(rule.body)]
        if not fired:
            return frozenset([*(Literal(p) for p in had), *(Literal(p, False) for p in denied)])
        left = [rule for rule in left if not had.issuperset(rule.body)]
        for _, (said, holds) in fired:
            (had if holds else denied).add(said)


def explanations(theory: Theory, observed: Literal) -> frozenset[Property]:
    """Solver 1: each candidate with which the observation follows, and its opposite does not. Empty if it follows
    anyway."""
    opposite = Literal(observed.property, not observed.holds)
    known = closure(theory.facts, theory.rules)
    if observed in known or opposite in known:
        return frozenset()
    had = {literal.property for literal in known if literal.holds}
    open_rules = [rule for rule in theory.rules if not had.issuperset(rule.body)]
    found = set()
    for candidate in (c for c in theory.candidates() if c != observed.property):
        follows = closure({*had, candidate}, open_rules)
        if observed in follows and opposite not in follows:
            found.add(candidate)
    return frozenset(found)


def explanations_by_proof(theory: Theory, observed: Literal) -> frozenset[Property]:
    """Solver 2: as `explanations`, from the observation back: what a proof of it still needs, if that is one fact."""
    bodies: dict[Literal, list[tuple[Property, ...]]] = {}
    for body, head in theory.rules:
        bodies.setdefault(head, []).append(body)
    heads = {head.property for head in bodies}

    @cache
    def needs(literal: Literal) -> frozenset[frozenset[Property]]:
        """The sets of at most one missing fact with which a literal can be proved."""
        if literal.holds and literal.property in theory.facts:
            return frozenset({frozenset()})
        if literal.property not in heads:
            return frozenset({frozenset({literal.property})}) if literal.holds else frozenset()
        found: set[frozenset[Property]] = set()
        for body in bodies.get(literal, ()):
            ways: set[frozenset[Property]] = {frozenset()}
            for part in body:
                ways = {way | more for way in ways for more in needs(Literal(part)) if len(way | more) <= 1}
            found |= ways
        return frozenset(found)

    found, opposite = needs(observed), needs(Literal(observed.property, not observed.holds))
    if frozenset() in found or frozenset() in opposite:
        return frozenset()
    return frozenset().union(*found - opposite) - {observed.property}
