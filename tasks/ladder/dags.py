"""Causal graphs of a few variables and what data can say about them: all DAGs, grouped by Markov equivalence.

Two independent ways to the classes: every independence, by d-separation; and skeleton with v-structures (Verma & Pearl
1990). A graph is the set of its arrows as bits; see `arrow`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable
from typing import NamedTuple

RELATIONS = ("direct", "indirect", "effect", "cause")
"""Of an ordered pair: a direct cause; a cause through others; a common direct effect; a common direct cause. With the
reversed pair the first two are the six relations of Corr2Cause."""

Graph = frozenset[tuple[int, int]]
"""The arrows, as (cause, effect)."""
Independence = tuple[int, int, tuple[int, ...]]
"""Two variables, and the others given which they are independent."""


class Markov(NamedTuple):
    """An equivalence class: the graphs that no data can tell apart, and all their independences."""

    graphs: tuple[Graph, ...]
    independences: tuple[Independence, ...]


@functools.cache
def graphs(n: int) -> tuple[Graph, ...]:
    """All DAGs over variables 0 to n-1."""
    pairs = list(itertools.combinations(range(n), 2))
    found = []
    for ways in itertools.product((None, False, True), repeat=len(pairs)):
        arrows = frozenset(
            (b, a) if way else (a, b) for way, (a, b) in zip(ways, pairs, strict=True) if way is not None
        )
        if not any((v, v) in ancestors(arrows, n) for v in range(n)):
            found.append(arrows)
    return tuple(found)


def ancestors(graph: Graph, n: int) -> set[tuple[int, int]]:
    """All (cause, effect), direct or through others."""
    found = set(graph)
    for via in range(n):
        found |= {(a, b) for a in range(n) for b in range(n) if (a, via) in found and (via, b) in found}
    return found


def independent(graph: Graph, n: int, a: int, b: int, given: Iterable[int]) -> bool:
    """d-separation by the moral graph of the ancestors (Lauritzen et al. 1990)."""
    given = set(given)
    causes = ancestors(graph, n)
    kept = {a, b, *given} | {v for v in range(n) for w in (a, b, *given) if (v, w) in causes}
    near: dict[int, set[int]] = {v: set() for v in kept}
    for child in kept:
        parents = [p for p in kept if (p, child) in graph]
        for one, other in itertools.combinations([*parents, child], 2):
            near[one].add(other)
            near[other].add(one)
    reached, stack = {a}, [a]
    while stack:
        new = near[stack.pop()] - reached - given
        reached |= new
        stack += new
    return b not in reached


def independences(graph: Graph, n: int) -> tuple[Independence, ...]:
    """All of them, smaller conditions first."""
    found = []
    for a, b in itertools.combinations(range(n), 2):
        others = [v for v in range(n) if v not in (a, b)]
        for size in range(len(others) + 1):
            found += [(a, b, g) for g in itertools.combinations(others, size) if independent(graph, n, a, b, g)]
    return tuple(sorted(found, key=lambda row: (len(row[2]), row)))


@functools.cache
def classes(n: int) -> tuple[Markov, ...]:
    """The Markov equivalence classes, by their independences: 11 for n=3, 185 for n=4."""
    found: dict[tuple[Independence, ...], list[Graph]] = {}
    for graph in graphs(n):
        found.setdefault(independences(graph, n), []).append(graph)
    return tuple(Markov(tuple(members), said) for said, members in found.items())


def pattern(graph: Graph, n: int) -> tuple[frozenset[tuple[int, int]], frozenset[tuple[int, int, int]]]:
    """(skeleton, v-structures) of a graph: equal exactly for equivalent graphs."""
    skeleton = frozenset((min(arrow), max(arrow)) for arrow in graph)
    joints = frozenset(
        (a, v, b)
        for v in range(n)
        for a, b in itertools.combinations(range(n), 2)
        if (a, v) in graph and (b, v) in graph and (a, b) not in skeleton
    )
    return skeleton, joints


def holds(relation: str, a: int, b: int, graph: Graph, n: int) -> bool:
    """Whether a relation of the ordered pair holds in a graph."""
    if relation == "direct":
        return (a, b) in graph
    if relation == "indirect":
        causes = ancestors(graph, n)
        return any((a, v) in causes and (v, b) in causes for v in range(n))
    if relation == "effect":
        return any((a, v) in graph and (b, v) in graph for v in range(n))
    return any((v, a) in graph and (v, b) in graph for v in range(n))


@functools.lru_cache(maxsize=65536)
def verdict(n: int, number: int, relation: str, a: int, b: int) -> str:
    """Whether a hypothesis about the class with this number is valid (it holds in every graph), possible (in some) or
    impossible."""
    found = {holds(relation, a, b, graph, n) for graph in classes(n)[number].graphs}
    return "possible" if len(found) == 2 else "valid" if found == {True} else "impossible"


def ordered_pairs(relation: str, n: int) -> list[tuple[int, int]]:
    """The pairs a relation can be asked about; symmetric relations have each pair once."""
    if relation in ("direct", "indirect"):
        return list(itertools.permutations(range(n), 2))
    return list(itertools.combinations(range(n), 2))
