"""Kinship: what is told of a family, and all that follows from it. Two solvers that share no code.

The rules are stated in the prompt: the two parents of every child are married to each other, nobody married twice,
brothers and sisters have the same parents, different names are different people. Uncles, aunts, and those in law are
what `RELATIONS` says. Knows no prompt.
"""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import cache

RELATIONS = {
    "parent": ("father", "mother"),
    "child": ("son", "daughter"),
    "sibling": ("brother", "sister"),
    "spouse": ("husband", "wife"),
    "grandparent": ("grandfather", "grandmother"),
    "grandchild": ("grandson", "granddaughter"),
    "uncle": ("uncle", "aunt"),
    "nephew": ("nephew", "niece"),
    "parent-in-law": ("father-in-law", "mother-in-law"),
    "child-in-law": ("son-in-law", "daughter-in-law"),
    "sibling-in-law": ("brother-in-law", "sister-in-law"),
}
"""Relation -> its words for a man and for a woman: 22 labels. An uncle is a brother of a parent; a brother-in-law is a
brother of the spouse, or the husband of a sister."""
LABELS = tuple(sorted(word for words in RELATIONS.values() for word in words))
OF_LABEL = {
    word: (relation, gender) for relation, words in RELATIONS.items() for gender, word in zip("mf", words, strict=True)
}
TOLD = ("parent", "child", "sibling", "spouse")
"""What a story tells; the others follow."""
OPPOSITE = {"parent": "child", "child": "parent", "sibling": "sibling", "spouse": "spouse"}

Edge = tuple[int, str, int]
"""(a, relation, b): a is the `relation` of b."""


class ContradictionError(ValueError):
    """What is told can't be true together."""


# By joining couples -------------------------------------------------------------------------------------------------


def related(people: int, edges: Iterable[Edge], a: int, b: int) -> set[str]:
    """All relations that a certainly has to b. Each person belongs to a couple, and is a child of one; what is told
    makes couples equal. Raises ContradictionError if three people are a couple, or one is a child or sibling of the own
    couple."""
    root = list(range(2 * people))  # the couple of person p is p, the couple of p's parents is people + p

    def find(x: int) -> int:
        while root[x] != x:
            root[x] = root[root[x]]
            x = root[x]
        return x

    def parents(x: int) -> int:
        return find(people + x)

    for x, relation, y in edges:
        one = {"parent": (x, people + y), "child": (people + x, y), "sibling": (people + x, people + y)}
        left, right = one.get(relation, (x, y))
        root[find(left)] = find(right)
    members: dict[int, list[int]] = defaultdict(list)
    for person in range(people):
        members[find(person)].append(person)
    over = {find(p): {parents(q) for q in members[find(p)]} for p in range(people)}
    if any(len(couple) > 2 for couple in members.values()) or _loops(over):
        raise ContradictionError("the family contradicts itself")
    if any(parents(x) == parents(y) for couple in members.values() for x, y in itertools.combinations(couple, 2)):
        raise ContradictionError("siblings are married")
    spouse = {p: next((q for q in members[find(p)] if q != p), None) for p in range(people)}
    found = set()
    mate_a, mate_b = spouse[a], spouse[b]
    if find(a) == parents(b):
        found.add("parent")
    if find(b) == parents(a):
        found.add("child")
    if parents(a) == parents(b):
        found.add("sibling")
    if find(a) == find(b):
        found.add("spouse")
    if any(parents(q) == find(a) for q in members[parents(b)]):
        found.add("grandparent")
    if any(parents(q) == find(b) for q in members[parents(a)]):
        found.add("grandchild")
    if any(q != a and parents(q) == parents(a) for q in members[parents(b)]):
        found.add("uncle")
    if any(q != b and parents(q) == parents(b) for q in members[parents(a)]):
        found.add("nephew")
    if mate_b is not None and parents(mate_b) == find(a):
        found.add("parent-in-law")
    if mate_a is not None and parents(mate_a) == find(b):
        found.add("child-in-law")
    if (mate_b is not None and mate_b != a and parents(mate_b) == parents(a)) or (
        mate_a is not None and mate_a != b and parents(mate_a) == parents(b)
    ):
        found.add("sibling-in-law")
    return found


def _loops(over: dict[int, set[int]]) -> bool:
    """Whether somebody is an ancestor of their own: couple -> the couples of its members' parents."""
    done: set[int] = set()

    def ends(couple: int, below: frozenset[int]) -> bool:
        if couple in below:
            return False
        if couple not in done:
            if not all(ends(up, below | {couple}) for up in over.get(couple, ())):
                return False
            done.add(couple)
        return True

    return not all(ends(couple, frozenset()) for couple in over)


# By rules on words --------------------------------------------------------------------------------------------------

_JOINS = (
    ("sibling", "sibling", "sibling"),
    ("parent", "sibling", "parent"),
    ("spouse", "parent", "parent"),
    ("child", "spouse", "child"),
    ("sibling", "child", "child"),
    ("child", "parent", "sibling"),
    ("parent", "child", "spouse"),
    ("parent", "parent", "grandparent"),
    ("child", "child", "grandchild"),
    ("sibling", "parent", "uncle"),
    ("child", "sibling", "nephew"),
    ("parent", "spouse", "parent-in-law"),
    ("spouse", "child", "child-in-law"),
    ("sibling", "spouse", "sibling-in-law"),
    ("spouse", "sibling", "sibling-in-law"),
)
"""(r, s, t): if a is the r of b, and b the s of c, and a is not c, then a is the t of c."""


def closure(facts: Iterable[tuple[str, str, str]]) -> set[tuple[str, str, str]]:
    """All (a, relation, b) that follow by `_JOINS` from such facts."""
    joins: dict[tuple[str, str], str] = {(r, s): t for r, s, t in _JOINS}
    known: set[tuple[str, str, str]] = set()
    new = {fact for a, r, b in facts for fact in ((a, r, b), (b, OPPOSITE[r], a))}
    starts: dict[str, set[tuple[str, str]]] = defaultdict(set)
    ends: dict[str, set[tuple[str, str]]] = defaultdict(set)
    while new:
        known |= new
        for a, r, b in new:
            starts[a].add((r, b))
            ends[b].add((a, r))
        made = {(a, joins[r, s], c) for a, r, b in new for s, c in starts[b] if a != c and (r, s) in joins}
        made |= {(z, joins[q, r], b) for a, r, b in new for z, q in ends[a] if z != b and (q, r) in joins}
        new = made - known
    return known


# Paths --------------------------------------------------------------------------------------------------------------


@cache
def paths(length: int) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Relation -> all chains of told relations (the first is what person 0 is of person 1, and so on) from which that
    relation of person 0 to the last one follows, and no other; none of them with people left over."""
    found: dict[str, list[tuple[str, ...]]] = defaultdict(list)
    for chain in itertools.product(TOLD, repeat=length):
        edges = edges_of(chain)
        try:
            certain = related(length + 1, edges, 0, length)
        except ContradictionError:
            continue
        if len(certain) == 1:
            found[next(iter(certain))].append(chain)
    return {relation: tuple(chains) for relation, chains in found.items()}


def edges_of(chain: Sequence[str]) -> tuple[Edge, ...]:
    """The chain as edges between neighbours."""
    return tuple((i, relation, i + 1) for i, relation in enumerate(chain))


@cache
def couples(edges: tuple[Edge, ...]) -> list[tuple[int, int]]:
    """The pairs (smaller, larger) of people who are married, told or not."""
    known = closure((str(a), r, str(b)) for a, r, b in edges)
    return sorted({(int(a), int(b)) for a, r, b in known if r == "spouse" and int(a) < int(b)})
