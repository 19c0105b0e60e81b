"""Blocksworld as towers: uniformly drawn configurations, and shortest plans. Knows no wording and no PDDL."""

from __future__ import annotations

import itertools
import math
import random
from collections import deque
from collections.abc import Iterable

Towers = frozenset[tuple[str, ...]]
"""A configuration: towers from the bottom up; their places on the table do not matter."""

Step = tuple[str, ...]

BLOCKS = "abcdefghijkl"


def draw(rng: random.Random, blocks: str) -> Towers:
    """A configuration of these blocks, uniformly among all of them.

    There are n!/k! * C(n-1, k-1) configurations with k towers (the Lah numbers), so k is drawn with these weights. Then
    a random order of the blocks is cut at random places; each set of k towers arises from k! such cuts.
    """
    n = len(blocks)
    weights = [math.comb(n - 1, k - 1) / math.factorial(k) for k in range(1, n + 1)]
    k = rng.choices(range(1, n + 1), weights)[0]
    order = rng.sample(blocks, n)
    cuts = [0, *sorted(rng.sample(range(1, n), k - 1)), n]
    return frozenset(tuple(order[i:j]) for i, j in itertools.pairwise(cuts))


def on(towers: Towers) -> set[tuple[str, str]]:
    """(upper, lower) of every pair of blocks that touch."""
    return {(upper, lower) for tower in towers for lower, upper in itertools.pairwise(tower)}


def facts(towers: Towers) -> frozenset[tuple[str, ...]]:
    """The configuration as facts of the domain, with an empty hand."""
    found: set[tuple[str, ...]] = {("on", upper, lower) for upper, lower in on(towers)} | {("handempty",)}
    found |= {("ontable", tower[0]) for tower in towers} | {("clear", tower[-1]) for tower in towers}
    return frozenset(found)


def from_facts(facts: Iterable[tuple[str, ...]]) -> tuple[Towers, str | None]:
    """The configuration, and the block that the hand holds or None."""
    facts = list(facts)
    above = {fact[2]: fact[1] for fact in facts if fact[0] == "on"}
    built = []
    for fact in facts:
        if fact[0] == "ontable":
            tower = [fact[1]]
            while tower[-1] in above:
                tower.append(above[tower[-1]])
            built.append(tuple(tower))
    return frozenset(built), next((fact[1] for fact in facts if fact[0] == "holding"), None)


def _moves(towers: Towers) -> list[tuple[Towers, list[Step]]]:
    """Every way to move one block: the configuration that it leads to, and the two steps that it takes."""
    found: list[tuple[Towers, list[Step]]] = []
    for tower in sorted(towers):
        block, rest = tower[-1], tower[:-1]
        take: Step = ("unstack", block, rest[-1]) if rest else ("pick-up", block)
        without = (towers - {tower}) | ({rest} if rest else set())
        if rest:
            found.append((frozenset(without | {(block,)}), [take, ("put-down", block)]))
        for other in sorted(towers - {tower}):
            found.append((frozenset((without - {other}) | {(*other, block)}), [take, ("stack", block, other[-1])]))
    return found


def _put(towers: Towers, held: str) -> list[tuple[Towers, list[Step]]]:
    """Every way to put down the block in the hand."""
    found: list[tuple[Towers, list[Step]]] = [(towers | {(held,)}, [("put-down", held)])]
    found += [((towers - {t}) | {(*t, held)}, [("stack", held, t[-1])]) for t in sorted(towers)]
    return found


def shortest(start: Towers, goal: Iterable[tuple[str, ...]], held: str | None = None) -> tuple[Step, ...] | None:
    """A plan with the fewest steps to these facts (none of them about holding), by breadth-first search over
    configurations (501 of them for five blocks); None if no configuration has all the facts."""
    wanted = frozenset(goal)
    pairs = {(fact[1], fact[2]) for fact in wanted if fact[0] == "on"}
    only_pairs = len(pairs) == len(wanted)
    reached: dict[Towers, tuple[Towers | None, list[Step]]] = {}
    for towers, steps in _put(start, held) if held else [(start, [])]:
        reached[towers] = (None, steps)
    waiting = deque(reached)
    while waiting:
        towers = waiting.popleft()
        if pairs <= on(towers) and (only_pairs or wanted <= facts(towers)):
            plan: list[Step] = []
            at: Towers | None = towers
            while at is not None:
                at, steps = reached[at]
                plan = steps + plan
            return tuple(plan)
        for after, steps in _moves(towers):
            if after not in reached:
                reached[after] = (towers, steps)
                waiting.append(after)
    return None
