"""Looking up and joining facts, as in bAbI task 15 (Weston et al. 2015, arXiv 1502.05698).

There, each of four animals fears one of the others, drawn with replacement: the animal that is named most often is
right in half of the stories. Here the fears are a cycle, so each animal is feared once, and named as often as any
other. `depth` is the number of facts that an answer needs: 1 (what mice fear), 2 (what Emma fears, who is a mouse), 3
(what that animal fears in turn).
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator
from typing import NamedTuple

from harness.tasks.logic import names
from harness.tasks.logic.kinds import Asked, Item, Kind, numbered
from harness.tasks.logic.prompts import template
from harness.types import Params

SIZE = 4
ANIMALS = (
    "mouse",
    "wolf",
    "sheep",
    "cat",
    "dog",
    "goat",
    "fox",
    "bear",
    "horse",
    "rabbit",
    "duck",
    "frog",
    "hen",
    "goose",
)


class Story(NamedTuple):
    """Persons 0 to 3 are the animals `kinds`; animal a fears animal `fears[a]`. `asked` is a person, of depth 1 an
    animal."""

    kinds: tuple[int, ...]
    fears: tuple[int, ...]
    asked: int


def story(rng: random.Random) -> Story:
    """Kinds are a permutation, fears a cycle through all animals: one of the six of four animals, evenly."""
    cycle = rng.sample(range(SIZE), SIZE)
    fears = dict(zip(cycle, cycle[1:] + cycle[:1], strict=True))
    return Story(tuple(rng.sample(range(SIZE), SIZE)), tuple(fears[a] for a in range(SIZE)), rng.randrange(SIZE))


def solve(made: Story, depth: int) -> int:
    """The animal that is asked for: follows the fears from the person's animal (of depth 1 from the animal)."""
    animal = made.asked if depth == 1 else made.kinds[made.asked]
    for _ in range(max(1, depth - 1)):
        animal = made.fears[animal]
    return animal


def items(asked: Asked) -> Iterator[Item]:
    """One story with its question, in each set of names and order of facts."""
    made = story(asked.draw("story"))
    for level, order in itertools.product(asked.levels["names"], asked.levels["order"]):
        rng = asked.draw("names", level)
        familiar = level == "familiar"
        if familiar:
            persons, animals = names.people(rng, SIZE), rng.sample(ANIMALS, SIZE)
        else:
            drawn = names.nonsense(rng, 2 * SIZE)
            persons, animals = drawn[:SIZE], [word.lower() for word in drawn[SIZE:]]
        plurals = [names.plural(a) for a in animals]
        facts = _facts(made, asked.depth, order, asked.draw("order"))
        lines = [
            f"{persons[who]} is {names.article(animals[made.kinds[who]])}."
            if is_person
            else f"{plurals[who].capitalize()} are afraid of {plurals[made.fears[who]]}."
            for is_person, who in facts
        ]
        question = _question(asked.depth, persons[made.asked], plurals[made.asked])
        choices = sorted(zip(animals, plurals, strict=True))
        yield Item(
            "\n".join(lines) + f"\n\nQuestion: {question}",
            template("lookup"),
            tuple(a for a, _ in choices),
            animals[solve(made, asked.depth)],
            {"names": level, "order": order},
            {"also": tuple(p for _, p in choices)},
        )


def _facts(made: Story, depth: int, order: str, rng: random.Random) -> list[tuple[bool, int]]:
    """(about a person, who) of all facts. `forward`: those that the answer needs stand in the order of their use, and
    the others around them; `backward` turns that order round, at the same places."""
    facts = [(is_person, who) for is_person in (True, False) for who in range(SIZE)]
    rng.shuffle(facts)
    if order == "shuffled":
        return facts
    needed = [(True, made.asked)] if depth > 1 else []
    animal = made.asked if depth == 1 else made.kinds[made.asked]
    for _ in range(max(1, depth - 1)):
        needed.append((False, animal))
        animal = made.fears[animal]
    places = sorted(facts.index(fact) for fact in needed)
    for place, fact in zip(places, needed if order == "forward" else needed[::-1], strict=True):
        facts[place] = fact
    return facts


def _question(depth: int, person: str, plural: str) -> str:
    if depth == 1:
        return f"Of which kind of animal are {plural} afraid?"
    if depth == 2:
        return f"Of which kind of animal is {person} afraid?"
    return f"{person} is afraid of one kind of animal. Of which kind is that kind afraid?"


# A second solver, and shallow readers: they see nothing but the prompt's words --------------------------------------

_IS = re.compile(r"^(\w+) is an? (\w+)\.$", re.M)
_FEARS = re.compile(r"^(\w+) are afraid of (\w+)\.$", re.M)


def solve_text(params: Params) -> str:
    """The answer by relations of the words of a question: shares nothing with `solve`."""
    prompt, singular = str(params["question"]), _singulars(params)
    fears = {(singular[a.lower()], singular[b]) for a, b in _FEARS.findall(prompt)}
    question = prompt.rpartition("\nQuestion: ")[2]
    now = {singular[w] for w in re.findall(r"\w+", question) if w in singular}
    times = 1
    if not now:
        now = {kind for person, kind in _IS.findall(prompt) if person in question.split()}
        times = 2 if "that kind" in question else 1
    for _ in range(times):
        now = {b for a, b in fears if a in now}
    [answer] = now
    return answer


def _singulars(params: Params) -> dict[str, str]:
    return dict(zip(numbered(params, "also"), numbered(params, "choices"), strict=True))


def _own(params: Params) -> str | None:
    """The animal of the question: that of the person asked about, or the one that is named."""
    prompt = str(params["question"])
    question = prompt.rpartition("\nQuestion: ")[2]
    named = [singular for plural, singular in _singulars(params).items() if f" {plural} " in question]
    return next(iter(named), None) or next((kind for who, kind in _IS.findall(prompt) if who in question.split()), None)


def not_own(params: Params, rng: random.Random) -> str:
    """Any animal but the one that the question starts from: 1/3."""
    own = _own(params)
    return rng.choice([c for c in numbered(params, "choices") if c != own])


def frequent(params: Params, rng: random.Random) -> str:
    """The animal that is most often named as feared, but not the one that the question starts from: the reader that is
    right in 66.5 % of the stories of bAbI-15. Here each is named once."""
    own, singular = _own(params), _singulars(params)
    counts = {c: 0 for c in singular.values() if c != own}
    for _, feared in _FEARS.findall(str(params["question"])):
        if singular[feared] in counts:
            counts[singular[feared]] += 1
    most = max(counts.values())
    return rng.choice([c for c, n in counts.items() if n == most])


def nearest(params: Params, rng: random.Random) -> str:
    """The animal that is feared in the fact next to the one about the question's person or animal."""
    prompt, own, singular = str(params["question"]), _own(params), _singulars(params)
    others = [(m.start(), feared) for m in _FEARS.finditer(prompt) if (feared := singular[m[2]]) != own]
    person = next((m.start() for m in _IS.finditer(prompt) if m[2] == own), 0)
    return min(others, key=lambda place: abs(place[0] - person))[1]


KIND = Kind(
    name="lookup",
    about="what a person's animal is afraid of (bAbI-15)",
    levels={"names": ("familiar", "nonsense"), "order": ("shuffled", "forward", "backward")},
    items=items,
    readers={"shallow": not_own, "frequent": frequent, "nearest": nearest},
    solve=solve_text,
    depths=(1, 2, 3),
    usual=(2, 3),
)
