"""The kind `kinship`: what one person is to another, by what is told of a family. See kin.py for what follows from
what.

After CLUTRR (Sinha et al. 2019, arXiv 1908.06177), with rules and families of our own: a story is one path of people,
each told only as parent, child, brother or sister, husband or wife of the next. `depth` is the length of the path.
Exactly one relation follows from what is told. The 22 answers come equally often.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator

from harness.tasks.logic import kin, names
from harness.tasks.logic.kinds import Asked, Item, Kind
from harness.tasks.logic.prompts import template
from harness.types import Params


def items(asked: Asked) -> Iterator[Item]:
    """One path, in each set of names, order and distractors."""
    rng = asked.draw("story")
    relation = rng.choice(list(kin.RELATIONS))
    chain = rng.choice(kin.paths(asked.depth)[relation])
    people = asked.depth + 1
    edges = kin.edges_of(chain)
    gender = _genders(people, edges, rng)
    label = kin.RELATIONS[relation][gender[0] == "f"]
    # The first person's gender is told by the one sentence about them.
    turned = [False] + [rng.random() < 0.5 for _ in edges[1:]]
    needed = [_turned(edge) if turn else edge for edge, turn in zip(edges, turned, strict=True)]
    for distractors in asked.levels["distractors"]:
        more, genders = _more(distractors, asked.depth, gender, asked.draw("distractors", distractors))
        for level, order in itertools.product(asked.levels["names"], asked.levels["order"]):
            called = _names(level, genders, asked.draw("names", level))
            told = _ordered(needed, more, order, asked.draw("order", distractors))
            lines = [f"{called[a]} is the {kin.RELATIONS[r][genders[a] == 'f']} of {called[b]}." for a, r, b in told]
            question = f'Which word is missing in "{called[0]} is the ... of {called[asked.depth]}"?'
            yield Item(
                "\n".join(lines) + f"\n\n{template('kinship_rules')}\n\nQuestion: {question}",
                template("kinship").format(labels=", ".join(kin.LABELS)),
                kin.LABELS,
                label,
                {"names": level, "order": order, "distractors": distractors},
            )


def _turned(edge: kin.Edge) -> kin.Edge:
    a, relation, b = edge
    return b, kin.OPPOSITE[relation], a


def _genders(people: int, edges: tuple[kin.Edge, ...], rng: random.Random) -> list[str]:
    gender = [rng.choice("mf") for _ in range(people)]
    for a, b in kin.couples(edges):
        gender[b] = "m" if gender[a] == "f" else "f"
    return gender


def _more(kind: str, depth: int, gender: list[str], rng: random.Random) -> tuple[list[kin.Edge], list[str]]:
    """(more edges, the genders of everybody): as many as the path has. `same_entity`: a child, brother or sister of
    people of the path, of which nothing new follows about the two; `same_predicate`: a path of other people."""
    genders = list(gender)
    if kind == "none":
        return [], genders
    if kind == "same_predicate":
        others = kin.edges_of(rng.choice(kin.paths(depth)[rng.choice(list(kin.RELATIONS))]))
        genders += _genders(depth + 1, others, rng)
        moved = [(a + depth + 1, relation, b + depth + 1) for a, relation, b in others]
        return [edge if rng.random() < 0.5 else _turned(edge) for edge in moved], genders
    more: list[kin.Edge] = []
    for new in range(depth + 1, 2 * depth + 1):
        genders.append(rng.choice("mf"))
        more.append((new, rng.choice(("child", "sibling")), rng.randrange(depth + 1)))
    return more, genders


def _names(level: str, genders: list[str], rng: random.Random) -> list[str]:
    """Familiar names that suit the genders, misleading ones that suit the other gender, or nonsense words."""
    if level == "nonsense":
        return names.nonsense(rng, len(genders))
    women = rng.sample(names.WOMEN, len(names.WOMEN))
    men = rng.sample(names.MEN, len(names.MEN))
    return [(women if (gender == "f") == (level == "familiar") else men).pop() for gender in genders]


def _ordered(needed: list[kin.Edge], more: list[kin.Edge], order: str, rng: random.Random) -> list[kin.Edge]:
    """All edges in an order: those of the path at drawn places among the others, and in the path's order (`forward`),
    the reverse, or any."""
    places = set(rng.sample(range(len(needed) + len(more)), len(needed)))
    path = {"forward": needed, "backward": needed[::-1]}.get(order) or rng.sample(needed, len(needed))
    inside, others = iter(path), iter(rng.sample(more, len(more)))
    return [next(inside if place in places else others) for place in range(len(needed) + len(more))]


# The text again -----------------------------------------------------------------------------------------------------

_TOLD = re.compile(r"^(\w+) is the (\w+) of (\w+)\.$", re.M)
_ASKS = re.compile(r'^Question: Which word is missing in "(\w+) is the \.\.\. of (\w+)"\?$', re.M)


def told_of(params: Params) -> tuple[list[tuple[str, str, str]], str, str]:
    """(what is told, the two people asked about). Raises ValueError for another text."""
    question = str(params["question"])
    asks = _ASKS.search(question)
    if asks is None:
        raise ValueError("no question about two people was found")
    return _TOLD.findall(question), asks[1], asks[2]


def solve(params: Params) -> str:
    """The answer from the text alone, by the rules of kin.closure. Raises ValueError if not exactly one follows."""
    told, a, b = told_of(params)
    facts = [(x, kin.OF_LABEL[word][0], y) for x, word, y in told]
    found = {relation for x, relation, y in kin.closure(facts) if (x, y) == (a, b)}
    if len(found) != 1:
        raise ValueError(f"{len(found)} relations follow")
    return kin.RELATIONS[found.pop()][_gender(told, a) == "f"]


def _gender(told: list[tuple[str, str, str]], person: str) -> str:
    return next((kin.OF_LABEL[word][1] for x, word, _ in told if x == person), "m")


def own_gender(params: Params, rng: random.Random) -> str:
    """Any of the eleven words that suit the gender of the first person: 1/11."""
    told, a, _ = told_of(params)
    return kin.RELATIONS[rng.choice(list(kin.RELATIONS))][_gender(told, a) == "f"]


def first(params: Params, rng: random.Random) -> str:
    """What is told of the first person: their word to their neighbour."""
    told, a, _ = told_of(params)
    return next((word for x, word, _ in told if x == a), rng.choice(kin.LABELS))


def last(params: Params, rng: random.Random) -> str:
    """What the second person's neighbour is to them, in the word for the gender of the first."""
    told, a, b = told_of(params)
    for x, word, y in told:
        relation = kin.OF_LABEL[word][0]
        if b in (x, y):
            return kin.RELATIONS[relation if y == b else kin.OPPOSITE[relation]][_gender(told, a) == "f"]
    return rng.choice(kin.LABELS)


KIND = Kind(
    name="kinship",
    about="what one person of a family is to another (CLUTRR)",
    levels={
        "names": ("familiar", "nonsense", "misleading"),
        "order": ("shuffled", "forward", "backward"),
        "distractors": ("none", "same_predicate", "same_entity"),
    },
    items=items,
    readers={"shallow": own_gender, "first": first, "last": last},
    solve=solve,
    depths=(2, 3, 4, 5, 6),
    usual=(2, 3, 4, 5),
)
