"""What is hidden in a text: the facts and the question of a key of each kind, and what the rest of the text is made of.

Knows no length and no depth: all samples of a group have the same key, question and filler.
"""

from __future__ import annotations

import itertools
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from harness.tasks.invented import NAMES, draw_names
from harness.tasks.length.filler import sentences
from harness.tasks.length.prompts import Kind, kinds

KINDS = ("passkey", "keyvalue", "aiw", "multihop")
DIGITS = (10_001, 99_999)
"""Pass keys and numbers have five digits. Those of worked examples end in 0, those of samples do not."""
PERSONS = 3
"""Persons of a multihop key: one is asked about."""
_FEMALE = "Agnes Berta Clara Doris Edith Flora Greta Helga Irma Judith Klara Lydia Martha Nora Olga Paula".split()
_MALE = "Anton Bernd Carl Dieter Egon Fritz Georg Hugo Ingo Jakob Karl Ludwig Moritz Norbert Otto Paul".split()
_EXAMPLE = {"female": ("Sigrid", "Thora"), "male": ("Sven", "Torsten")}


@dataclass(frozen=True)
class Hidden:
    """`facts` stand together in the text; `answer` answers `question`. `shallow` is the answer of one who takes what is
    nearest instead of what is asked for (README.md); `candidates` are the names among which the answer is, none if it
    is a number. `filler(i)` is the i-th of the other sentences."""

    kind: str
    facts: tuple[str, ...]
    question: str
    form: str
    answer: str
    shallow: str
    filler: Callable[[int], str]
    candidates: tuple[str, ...] = field(default=())


def hidden(kind: str, rng: random.Random, example: bool = False) -> Hidden:
    """A key of one of KINDS. For an `example`, one that no sample has."""
    make = {"passkey": _passkey, "keyvalue": _keyvalue, "aiw": _aiw, "multihop": _multihop}
    return make[kind](rng, example)


def _listed(rng: random.Random) -> Callable[[int], str]:
    """The filler of a text, sentence by sentence."""
    endless, drawn = sentences(rng), list[str]()

    def at(i: int) -> str:
        drawn.extend(itertools.islice(endless, max(0, i + 1 - len(drawn))))
        return drawn[i]

    return at


def _number(rng: random.Random, example: bool) -> str:
    while True:
        number = rng.randint(*DIGITS)
        if (number % 10 == 0) is example:
            return str(number)


def _passkey(rng: random.Random, example: bool) -> Hidden:
    said, answer = kinds()["passkey"], _number(rng, example)
    facts = tuple(fact.format(answer=answer) for fact in said.facts)
    return Hidden("passkey", facts, said.question, said.form, answer, answer, _listed(rng))


def _keyvalue(rng: random.Random, example: bool) -> Hidden:
    """The filler is other keys with their numbers. No two have the same number."""
    said = kinds()["keyvalue"]
    names = draw_names(rng, NAMES)
    numbers, used = list[str](), set[str]()

    def number(i: int) -> str:
        while len(numbers) <= i:
            if (drawn := _number(rng, example)) not in used:
                used.add(drawn)
                numbers.append(drawn)
        return numbers[i]

    (fact,) = said.facts

    def other(i: int) -> str:
        return fact.format(key=names[1 + i], answer=number(1 + i))

    own = fact.format(key=names[0], answer=number(0))
    return Hidden("keyvalue", (own,), said.question.format(key=names[0]), said.form, number(0), number(1), other)


def _aiw(rng: random.Random, example: bool) -> Hidden:
    """Alice in Wonderland (Nezhurina et al. 2024): she is a sister of her brothers, too. The answer is no number of the
    text."""
    sex = rng.choice(("female", "male"))
    said: Kind = kinds()[f"aiw_{sex}"]
    name = rng.choice(_EXAMPLE[sex] if example else _FEMALE if sex == "female" else _MALE)
    own, other = rng.choice([(a, b) for a in range(2, 9) for b in range(2, 9) if b not in (a, a + 1)])
    sisters, brothers = (own, other) if sex == "female" else (other, own)
    told = {"name": name, "sisters": sisters, "brothers": brothers}
    facts = tuple(fact.format(**told) for fact in said.facts)
    return Hidden("aiw", facts, said.question.format(**told), said.form, str(own + 1), str(own), _listed(rng))


def _multihop(rng: random.Random, example: bool) -> Hidden:
    """Three persons, each with a teacher who was born in a town, in shuffled sentences; one is asked about."""
    said = kinds()["multihop"]
    names = draw_names(rng, 3 * PERSONS)
    people, teachers, towns = (names[i * PERSONS : (i + 1) * PERSONS] for i in range(3))
    facts = [
        fact.format(person=person, teacher=teacher, town=town)
        for person, teacher, town in zip(people, teachers, towns, strict=True)
        for fact in said.facts
    ]
    rng.shuffle(facts)
    last = max(towns, key=lambda town: next(i for i, fact in enumerate(facts) if town in fact))
    question = said.question.format(person=people[0])
    candidates = tuple(sorted(towns))
    return Hidden("multihop", tuple(facts), question, said.form, towns[0], last, _listed(rng), candidates)
