"""Fictional worlds: what can be stated about persons, towns, firms and books, and what follows from the statements.

Pages state facts (`says`) and near misses (`near`), which have the same two names but not the relation. `solve` derives
the answers to a query from pages, exactly. Knows no prompt and no sample.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Relation:
    """A relation with exactly one object for each subject. `domain` is the type of the subject, `range` that of the
    object. `says` and `near` stand between the two names in a sentence; `of` describes the object by the subject."""

    domain: str
    range: str
    says: str
    near: str
    of: str


@dataclass(frozen=True, slots=True)
class Attribute:
    """A year that each thing of a type has. `done` and `asks` are its wording in questions that compare."""

    type: str
    says: str
    near: str
    done: str
    asks: str


RELATIONS = (
    Relation("person", "town", "was born in", "once visited", "the town where {} was born"),
    Relation("person", "firm", "works for", "once wrote about", "the firm that {} works for"),
    Relation("person", "person", "was taught by", "once met", "the person who taught {}"),
    Relation("firm", "person", "was founded by", "was once sued by", "the person who founded {}"),
    Relation("firm", "town", "is based in", "was once fined in", "the town where {} is based"),
    Relation("town", "person", "is governed by", "was once painted by", "the person who governs {}"),
    Relation("town", "firm", "gets its power from", "once sold land to", "the firm that powers {}"),
    Relation("book", "person", "was written by", "was once praised by", "the person who wrote {}"),
    Relation("book", "firm", "was published by", "was once reprinted by", "the firm that published {}"),
    Relation("book", "town", "is set in", "was once banned in", "the town where {} is set"),
)
ATTRIBUTES = {
    a.type: a
    for a in (
        Attribute("person", "was born in the year", "moved house in the year", "was born", "Was {} born before {}?"),
        Attribute("firm", "was founded in the year", "was sold in the year", "was founded",
                  "Was {} founded before {}?"),
        Attribute("town", "was chartered in the year", "was flooded in the year", "was chartered",
                  "Was {} chartered before {}?"),
        Attribute("book", "was printed in the year", "was translated in the year", "was printed",
                  "Was {} printed before {}?"),
    )
}  # fmt: skip
BY_DOMAIN = {d: tuple(r for r in RELATIONS if r.domain == d) for d in ("person", "firm", "town", "book")}
BY_RANGE = {t: tuple(r for r in RELATIONS if r.range == t) for t in ("person", "firm", "town")}


@cache
def chains(hops: int) -> tuple[tuple[Relation, ...], ...]:
    """All ways to follow `hops` different relations one after the other."""
    found: list[tuple[Relation, ...]] = [(r,) for r in RELATIONS]
    for _ in range(hops - 1):
        found = [(*c, r) for c in found for r in BY_DOMAIN[c[-1].range] if r not in c]
    return tuple(found)


# What follows from what is said -----------------------------------------------------------------------------------

Statement = tuple[str, str]
"""One sentence of a page without the page's title, its subject: (a wording, a name or year)."""


@dataclass(frozen=True, slots=True)
class Page:
    """All statements about one thing, in the order of its sentences."""

    title: str
    statements: tuple[Statement, ...]

    def text(self) -> str:
        """The page as sentences on one line."""
        title = self.title
        return " ".join([f"{title} {wording} {value}." for wording, value in self.statements])


Path = tuple[str, tuple[str, ...]]
"""A thing named in the question, and the wordings of the relations to follow from it."""


@dataclass(frozen=True, slots=True)
class Follow:
    """What is at the end of the path?"""

    path: Path


@dataclass(frozen=True, slots=True)
class Both:
    """Which thing has the end of one path as the object of `first`, and the end of the other as that of `second`?"""

    first: str
    first_path: Path
    second: str
    second_path: Path


@dataclass(frozen=True, slots=True)
class Earlier:
    """Which path ends in the earlier year? The answer is the thing that the path starts from. With `yes_no`: is it the
    first path?"""

    first: Path
    second: Path
    yes_no: bool


Query = Follow | Both | Earlier
Facts = Mapping[tuple[str, str], tuple[str, ...]]


def facts_of(pages: Iterable[Page]) -> dict[tuple[str, str], tuple[str, ...]]:
    """Maps (title, wording) to the names or years that the pages state."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for page in pages:
        for wording, value in page.statements:
            key = (page.title, wording)
            found[key] = (*found[key], value) if key in found else (value,)
    return found


def solve(query: Query, facts: Facts, without: str = "") -> set[str]:
    """All answers that follow from the facts, without those on the page `without`. Empty if a step is missing."""
    if isinstance(query, Follow):
        return _end(query.path, facts, without)
    if isinstance(query, Earlier):
        ends = [_end(path, facts, without) for path in (query.first, query.second)]
        found = set()
        for one, other in itertools.product(*ends):
            if one != other:
                first = int(one) < int(other)
                found.add(("yes" if first else "no") if query.yes_no else (query.first if first else query.second)[0])
        return found
    firsts, seconds = _end(query.first_path, facts, without), _end(query.second_path, facts, without)
    return {
        title
        for (title, wording), values in facts.items()
        if wording == query.first
        and title != without
        and not firsts.isdisjoint(values)
        and not seconds.isdisjoint(facts.get((title, query.second), ()))
    }


def _end(path: Path, facts: Facts, without: str) -> set[str]:
    things = {path[0]}
    for wording in path[1]:
        things = {value for thing in things if thing != without for value in facts.get((thing, wording), ())}
    return things
