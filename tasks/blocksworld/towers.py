"""Blocksworld as towers: configurations drawn uniformly, problems in PDDL, shortest plans. Knows no wording."""

from __future__ import annotations

import itertools
import math
import random
from collections import deque

Towers = frozenset[tuple[str, ...]]
"""A configuration: towers from the bottom up; their places on the table do not matter."""

Step = tuple[str, ...]

BLOCKS = "abcdefghijkl"


def draw(rng: random.Random, blocks: int) -> Towers:
    """A configuration, uniformly among all of them.

    There are n!/k! * C(n-1, k-1) configurations with k towers (the Lah numbers), so k is drawn with these weights; then
    a random order of the blocks, cut at random places. Each set of k towers arises from k! such cuts.
    """
    weights = [math.comb(blocks - 1, k - 1) / math.factorial(k) for k in range(1, blocks + 1)]
    k = rng.choices(range(1, blocks + 1), weights)[0]
    order = rng.sample(BLOCKS[:blocks], blocks)
    cuts = [0, *sorted(rng.sample(range(1, blocks), k - 1)), blocks]
    return frozenset(tuple(order[i:j]) for i, j in itertools.pairwise(cuts))


def on(towers: Towers) -> set[tuple[str, str]]:
    """(upper, lower) of every pair of blocks that touch."""
    return {(upper, lower) for tower in towers for lower, upper in itertools.pairwise(tower)}


def problem(start: Towers, goal: set[tuple[str, str]]) -> str:
    """PDDL of the plain domain; facts in alphabetical order."""
    facts = [f"(on {upper} {lower})" for upper, lower in on(start)]
    facts += (
        [f"(ontable {tower[0]})" for tower in start] + [f"(clear {tower[-1]})" for tower in start] + ["(handempty)"]
    )
    blocks = sorted(block for tower in start for block in tower)
    goals = sorted(f"(on {upper} {lower})" for upper, lower in goal)
    return (
        f"(define (problem blocks-{len(blocks)})\n  (:domain blocksworld)\n  (:objects {' '.join(blocks)})\n"
        f"  (:init {' '.join(sorted(facts))})\n  (:goal (and {' '.join(goals)})))\n"
    )


def _moves(towers: Towers) -> list[tuple[Towers, list[Step]]]:
    """Every way to move one block, as the configuration it leads to and the two steps it takes."""
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


def shortest(start: Towers, goal: set[tuple[str, str]]) -> list[Step]:
    """A plan with the fewest steps, by breadth-first search over configurations (501 of them for five blocks)."""
    reached: dict[Towers, tuple[Towers, list[Step]] | None] = {start: None}
    waiting = deque([start])
    while waiting:
        towers = waiting.popleft()
        if goal <= on(towers):
            plan: list[Step] = []
            while (before := reached[towers]) is not None:
                towers, steps = before
                plan = steps + plan
            return plan
        for after, steps in _moves(towers):
            if after not in reached:
                reached[after] = (towers, steps)
                waiting.append(after)
    raise ValueError("no configuration has all of these pairs")


def stack_only(goal: set[tuple[str, str]]) -> list[Step]:
    """The goal's towers built from the bottom up as if every block lay on the table: what a careless reader does."""
    plan: list[Step] = []
    placed = {lower for _, lower in goal} - {upper for upper, _ in goal}
    todo = sorted(goal)
    while todo:
        ready = next((pair for pair in todo if pair[1] in placed), todo[0])
        plan += [("pick-up", ready[0]), ("stack", *ready)]
        placed.add(ready[0])
        todo.remove(ready)
    return plan


def wander(rng: random.Random, start: Towers, moves: int) -> list[Step]:
    """Moves that can be made, at random."""
    plan: list[Step] = []
    towers = start
    for _ in range(moves):
        choices = _moves(towers)
        if choices:
            towers, steps = rng.choice(choices)
            plan += steps
    return plan
