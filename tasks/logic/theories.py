"""Theories of facts and rules over one variable: how they are drawn, with a twin in which the goal does not follow.

After RuleTaker (Clark, Tafjord, Richardson 2020, arXiv 2002.05867) and ProofWriter (Tafjord, Dalvi, Clark 2021, arXiv
2012.13048). There, theories are drawn and questions found in them: most facts that can be derived are given, and the
word "not" alone tells much of the answer. Here the question comes first, and the theory is grown around its proof.

A theory has two chains of rules of one shape, one to the goal and one to its rival. In the theory the first chain is
whole and the second lacks one fact; in the twin that is turned round. So the two are the same but for the names of the
chains: nothing that can be counted without following the goal's chain back to the gap tells them apart.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Rule(NamedTuple):
    """Whatever has all attributes of `body` has `head`. Attributes are numbers, or words."""

    body: tuple[int, ...]
    head: int


class Theory(NamedTuple):
    """`facts`: (thing, attribute); `rules`; `goal` and `rival`: what the two chains lead to; all about thing 0.

    `lacks`: the facts (needed by the goal, idle) of which the theory has the first and the twin the second: the place
    in `facts` is the same. `attributes`: how many there are. `needed`: the facts and rules of the goal's proof, in the
    order of their use, as (is a rule, place).
    """

    facts: tuple[tuple[int, int], ...]
    rules: tuple[Rule, ...]
    goal: int
    rival: int
    lacks: tuple[int, int]
    attributes: int
    needed: tuple[tuple[bool, int], ...]

    def twin(self) -> Theory:
        """The same theory with the idle fact in place of the needed one."""
        gone, idle = self.lacks
        facts = tuple((0, idle) if fact == (0, gone) else fact for fact in self.facts)
        return self._replace(facts=facts)


def draw(rng: random.Random, depth: int, distractors: str, more: random.Random) -> Theory:
    """A theory in which the goal follows by `depth` rules and not by fewer, and not at all in its twin.

    `distractors`: as many more rules as the goal needs, or one more: `same_predicate` are about attributes of both
    chains alike and lack a fact, `same_entity` are about other attributes of the same thing, and fire. Drawn from
    `more`.
    """
    count = 0

    def new() -> int:
        nonlocal count
        count += 1
        return count - 1

    wide = [rng.random() < 0.5 for _ in range(depth)]
    # Of each chain: attributes 0..depth, and the side attributes of each rule, one or none.
    chains = [([new() for _ in range(depth + 1)], [[new()] if w else [] for w in wide]) for _ in range(2)]
    # The gap is in any of the rules but the last, so that the goal's own rules look alike in theory and twin.
    gaps = [(0, 0)] + [(i, 1) for i in range(max(1, depth - 1)) if depth and wide[i]]
    at, side = rng.choice(gaps)
    gone, idle = (sides[at][0] if side else line[0] for line, sides in chains)
    own: list[int] = []
    rules: list[Rule] = []
    for line, sides in chains:
        own += [line[0], *itertools.chain(*sides)]
        for i in range(depth):
            body = [line[i], *sides[i]]
            rules.append(Rule(tuple(rng.sample(body, len(body))), line[i + 1]))
    # A rule for the goal and one for its rival that lack a fact: the question's word is in a rule that is not used.
    absent = []
    for line, _ in chains:
        held, missing = new(), new()
        own.append(held)
        absent.append(missing)
        rules.append(Rule(tuple(rng.sample([held, missing], 2)), line[-1]))
    needed = [chains[0][0][0], *itertools.chain(*chains[0][1])]
    # Another thing has what both chains begin with, the facts in question, and what the first one lacks.
    other = list(dict.fromkeys([*(line[0] for line, _ in chains), gone, idle, *absent]))
    if distractors == "same_predicate":
        for _ in range(max(1, (depth + 1) // 2)):
            start = more.randrange(max(1, depth))
            end = more.choice([at for at in range(1, depth + 1) if at != start] or [0])  # never its own premise
            for line, _ in chains:
                missing = new()
                other.append(missing)
                body = [missing, line[start]] if depth else [missing]
                rules.append(Rule(tuple(more.sample(body, len(body))), line[end]))
    elif distractors == "same_entity":
        for _ in range(max(1, depth)):
            held = new()
            own.append(held)
            rules.append(Rule((held,), new()))
    facts = [(0, a) for a in own if a != idle] + [(1, a) for a in other]
    rng.shuffle(facts)
    order = rng.sample(range(len(rules)), len(rules))
    rules = [rules[i] for i in order]
    steps = [(False, facts.index((0, a))) for a in needed] + [(True, order.index(i)) for i in range(depth)]
    return Theory(tuple(facts), tuple(rules), chains[0][0][-1], chains[1][0][-1], (gone, idle), count,
                  tuple(steps))  # fmt: skip


# Two solvers that share no code -------------------------------------------------------------------------------------


def closure(facts: Iterable[int], rules: Sequence[Rule]) -> dict[int, int]:
    """Forward chaining, round by round: all attributes that follow -> after how many rounds (0: given)."""
    found = dict.fromkeys(facts, 0)
    rounds = 0
    while True:
        rounds += 1
        new = {rule.head for rule in rules if rule.head not in found and all(a in found for a in rule.body)}
        if not new:
            return found
        found |= dict.fromkeys(new, rounds)


def proved(goal: str, facts: frozenset[str], rules: Sequence[tuple[tuple[str, ...], str]]) -> bool:
    """Backward chaining with a table (SLD resolution; what is being proved is not tried again): whether a goal follows.

    What fails while a goal above it is tried is tabled only when no such goal was met.
    """
    by_head: dict[str, list[tuple[str, ...]]] = {}
    for body, head in rules:
        by_head.setdefault(head, []).append(body)
    table: dict[str, bool] = {}

    def prove(atom: str, above: frozenset[str]) -> tuple[bool, bool]:
        """(whether it follows, whether that holds whatever is above)."""
        if atom in facts:
            return True, True
        if atom in table:
            return table[atom], True
        if atom in above:
            return False, False
        sure = True
        for body in by_head.get(atom, ()):
            done = True
            for part in body:
                follows, always = prove(part, above | {atom})
                sure = sure and (always or follows)
                if not follows:
                    done = False
                    break
            if done:
                table[atom] = True
                return True, True
        if sure:
            table[atom] = False
        return False, sure

    return prove(goal, frozenset())[0]
