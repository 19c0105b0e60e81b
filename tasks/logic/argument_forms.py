"""Argument schemes with one variable, their variants, and what follows: by truth tables, and by a tableau.

The eight groups of schemes are those of the artificial argument corpus (repository aacorpus at 5ef5759), whose
arguments are all valid; here each has an invalid twin. Knows no words: predicates are numbers.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import NamedTuple


class Literal(NamedTuple):
    """A predicate, or that it does not hold."""

    atom: int
    holds: bool = True


@dataclass(frozen=True)
class Clause:
    """Literals that hold all (`every`) or at least one of them. One literal is both."""

    literals: tuple[Literal, ...]
    every: bool = True

    def negated(self) -> Clause:
        """By De Morgan."""
        return Clause(tuple(Literal(a, not holds) for a, holds in self.literals), not self.every)


def _renamed(clause: Clause, old: int, new: int) -> Clause:
    return replace(clause, literals=tuple(Literal(new if a == old else a, holds) for a, holds in clause.literals))


@dataclass(frozen=True)
class Sentence:
    """`all`: everyone who is `one` is `two`. `some`: someone is both. `single`: the one person we speak of is `two`,
    and `one` is empty."""

    kind: str
    one: Clause
    two: Clause

    def clauses(self, change: Callable[[Clause], Clause]) -> Sentence:
        """With both clauses changed."""
        return replace(self, one=change(self.one), two=change(self.two))

    @property
    def turned(self) -> Sentence:
        """With its clauses exchanged."""
        return replace(self, one=self.two, two=self.one)


class Argument(NamedTuple):
    """Premises and what is concluded from them."""

    premises: tuple[Sentence, ...]
    conclusion: Sentence


EMPTY = Clause(())
_F, _G, _H, _J = (Clause((Literal(i),)) for i in range(4))
_G_OR_H = Clause((Literal(1), Literal(2)), every=False)


def _all(one: Clause, two: Clause) -> Sentence:
    return Sentence("all", one, two)


def _single(two: Clause) -> Sentence:
    return Sentence("single", EMPTY, two)


SCHEMES: Mapping[str, Argument] = {
    "modus_barbara": Argument((_all(_F, _G), _single(_F)), _single(_G)),
    "modus_tollens": Argument((_all(_F, _G), _single(_G.negated())), _single(_F.negated())),
    "hypothetical_1": Argument((_all(_F, _G), _all(_G, _H)), _all(_F, _H)),
    "hypothetical_2": Argument((_all(_F, _G), _all(_H.negated(), _G.negated())), _all(_F, _H)),
    "hypothetical_3": Argument((_all(_F, _G), Sentence("some", _H, _G.negated())), Sentence("some", _H, _F.negated())),
    "disjunctive": Argument((_all(_F, _G_OR_H), _all(_F, _G.negated())), _all(_F, _H)),
    "dilemma": Argument((_all(_F, _G_OR_H), _all(_G, _J), _all(_H, _J)), _all(_F, _J)),
    "contraposition": Argument((_all(_F, _G.negated()),), _all(_G, _F.negated())),
}
VARIANTS = ("base", "negation", "complex")


def _sentences(argument: Argument) -> Iterator[Sentence]:
    yield from argument.premises
    yield argument.conclusion


def atoms(argument: Argument) -> list[int]:
    """All predicates, in order."""
    return sorted({a for s in _sentences(argument) for clause in (s.one, s.two) for a, _ in clause.literals})


def vary(argument: Argument, variant: str, rng: random.Random) -> Argument:
    """`negation`: one predicate is replaced by its negation everywhere; `complex`: one predicate that never stands in a
    longer clause by "this and that", or by "this or that". The argument stays as valid as it was."""
    if variant == "negation":
        chosen = rng.choice(atoms(argument))
        return _clauses(argument, lambda c: replace(c, literals=tuple(
            Literal(a, holds != (a == chosen)) for a, holds in c.literals
        )))  # fmt: skip
    if variant == "complex":
        longer = {a for s in _sentences(argument) for c in (s.one, s.two) if len(c.literals) > 1 for a, _ in c.literals}
        known = atoms(argument)
        chosen, every = rng.choice([a for a in known if a not in longer]), rng.random() < 0.5
        pair = Clause((Literal(chosen), Literal(known[-1] + 1)), every)

        def widen(clause: Clause) -> Clause:
            if len(clause.literals) != 1 or clause.literals[0].atom != chosen:
                return clause
            return pair if clause.literals[0].holds else pair.negated()

        return _clauses(argument, widen)
    return argument


def _clauses(argument: Argument, change: Callable[[Clause], Clause]) -> Argument:
    return Argument(tuple(p.clauses(change) for p in argument.premises), argument.conclusion.clauses(change))


def twins(argument: Argument) -> list[int]:
    """The premises "everyone who is ... is ..." that the argument needs this way round: turned, it is invalid."""
    return [i for i, p in enumerate(argument.premises) if p.kind == "all" and not valid(_turned(argument, (i,)))]


def _turned(argument: Argument, places: Sequence[int]) -> Argument:
    premises = [p.turned if i in places else p for i, p in enumerate(argument.premises)]
    return Argument(tuple(premises), argument.conclusion)


def pair(argument: Argument, rng: random.Random) -> tuple[Argument, Argument]:
    """(a valid argument, an invalid one): one premise is turned round.

    A premise that is not needed is added, the mirror of the one that is turned: its first clause is built as the
    other's second, and the other way round. It is turned too, so both arguments have premises of the same build:
    nothing but who is spoken of where tells them apart. It shares one predicate with the others, if that proves
    nothing.
    """
    place = rng.choice(twins(argument))
    known, new = atoms(argument), itertools.count(atoms(argument)[-1] + 1)
    fresh = argument.premises[place].turned.clauses(
        lambda c: replace(c, literals=tuple(Literal(next(new), holds) for _, holds in c.literals))
    )
    old = rng.choice([a for clause in (fresh.one, fresh.two) for a, _ in clause.literals])
    for shared in rng.sample(known, len(known)):
        mirror = fresh.clauses(partial(_renamed, old=old, new=shared))
        longer = Argument((*argument.premises, mirror), argument.conclusion)
        if not valid(_turned(longer, (place,))) and not valid(_turned(longer, (place, len(longer.premises) - 1))):
            break
    else:
        longer = Argument((*argument.premises, fresh), argument.conclusion)
    return longer, _turned(longer, (place, len(longer.premises) - 1))


def idle(argument: Argument) -> tuple[Sentence, Sentence]:
    """Two premises about what the conclusion is about, which prove nothing: they lead to and come from new predicates.
    With them the conclusion's first part is the first part of a premise, and its second part the second part of one, in
    the argument and in its twins."""
    first, last = argument.conclusion.one, argument.conclusion.two
    if not first.literals:  # of one person: what is said of that person
        first = next(p.two for p in argument.premises if p.kind == "single")
    new = atoms(argument)[-1] + 1
    return _all(first, Clause((Literal(new),))), _all(Clause((Literal(new + 1),)), last)


# Solver 1: truth tables ---------------------------------------------------------------------------------------------


@cache
def _columns(width: int) -> list[int]:
    """For each predicate the rows of the table in which it holds, as the bits of a number."""
    full = (1 << (1 << width)) - 1
    return [full // ((1 << (1 << i)) + 1) << (1 << i) for i in range(width)]


def valid(argument: Argument) -> bool:
    """Whether the conclusion is true whenever the premises are. With one variable it is enough to look at one person: a
    row of the truth table says which predicates hold of that person."""
    width = atoms(argument)[-1] + 1
    full, columns = (1 << (1 << width)) - 1, _columns(width)

    def rows(clause: Clause) -> int:
        found = full if clause.every else 0
        for atom, holds in clause.literals:
            column = columns[atom] if holds else full & ~columns[atom]
            found = found & column if clause.every else found | column
        return found

    allowed = full
    for premise in argument.premises:
        if premise.kind == "all":
            allowed &= (full & ~rows(premise.one)) | rows(premise.two)
    target = argument.conclusion
    if target.kind == "all":
        return not allowed & rows(target.one) & ~rows(target.two)
    if target.kind == "single":
        for premise in argument.premises:
            allowed &= rows(premise.two) if premise.kind == "single" else full
        return not allowed & ~rows(target.two)
    wanted = rows(target.one) & rows(target.two)
    return any(not allowed & rows(p.one) & rows(p.two) & ~wanted for p in argument.premises if p.kind == "some")


# Solver 2: a tableau ------------------------------------------------------------------------------------------------


def valid_by_tableau(argument: Argument) -> bool:
    """As `valid`: there is no person of whom all that is said holds, and not what is concluded."""
    target = argument.conclusion
    rules = [_either(p.one.negated(), p.two) for p in argument.premises if p.kind == "all"]
    if target.kind == "all":
        return not _open([target.one, target.two.negated()], rules)
    if target.kind == "single":
        said = [p.two for p in argument.premises if p.kind == "single"]
        return not _open([*said, target.two.negated()], rules)
    denied = _either(target.one.negated(), target.two.negated())
    return any(not _open([p.one, p.two], [*rules, denied]) for p in argument.premises if p.kind == "some")


def _either(one: Clause, two: Clause) -> tuple[Clause, Clause]:
    return one, two


def _open(said: Iterable[Clause], choices: Sequence[tuple[Clause, Clause]]) -> bool:
    """Whether some branch stays open: all of `said` and one of each pair of `choices` hold together."""
    return _branch([*said], [*choices], {})


def _branch(said: list[Clause], choices: list[tuple[Clause, Clause]], known: Mapping[int, bool]) -> bool:
    if not said:
        return not choices or any(_branch([clause], choices[1:], known) for clause in choices[0])
    clause, rest = said[0], said[1:]
    if clause.every or len(clause.literals) == 1:
        if any(known.get(a, holds) != holds for a, holds in clause.literals):
            return False
        return _branch(rest, choices, {**known, **dict(clause.literals)})
    return any(_branch([Clause((literal,)), *rest], choices, known) for literal in clause.literals)
