"""Kind `syllogism`: does a conclusion follow from two premises, whether it is believable, unbelievable or nonsense?

Belief bias as a matched contrast: the same form, the same middle term (a nonsense word, so that no premise is true or
false in the world), and ends that make the conclusion true in the world, false in it, or neither.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib import resources

from harness.tasks.logic import syllogism_forms as forms
from harness.tasks.logic.bias import Bias
from harness.tasks.logic.kinds import UNKNOWN, YES_NO, Asked, Item, Kind, numbered
from harness.tasks.logic.names import nonsense, plural
from harness.tasks.logic.prompts import template
from harness.tasks.logic.syllogism_forms import Statement, Twins
from harness.types import Params

BELIEFS = ("neutral", "consistent", "violating")
SAYS = {"A": "all {} are {}", "E": "no {} are {}", "I": "some {} are {}", "O": "some {} aren't {}"}
"""Not "are not": in "A or B" the reader of answers takes a name behind "not" for one that is denied."""


@cache
def categories() -> Mapping[str, tuple[str, ...]]:
    """A kind of things -> five smaller kinds within it, which share no member."""
    text = (resources.files(__package__) / "categories.txt").read_text(encoding="utf-8")
    lines = (line.partition(": ") for line in text.splitlines())
    return {wide: tuple(narrow.split()) for wide, _, narrow in lines}


def ends(conclusion: str, belief: str, rng: random.Random) -> tuple[str, str]:
    """(S, P) for a conclusion with this quantifier that is true in the world (consistent), false in it (violating), or
    neither (neutral)."""
    if belief == "neutral":
        one, two = nonsense(rng, 2)
        return plural(one.lower()), plural(two.lower())
    wide, narrow = rng.choice(list(categories().items()))
    one, two = rng.sample(narrow, 2)
    true = belief == "consistent"
    if conclusion in "EI":
        nested = (wide, one) if rng.random() < 0.5 else (one, wide)
        return nested if true == (conclusion == "I") else (one, two)
    return (one, wide) if true == (conclusion == "A") else (wide, one)


def says(statement: Statement, words: Mapping[str, str]) -> str:
    """A statement as a clause."""
    return SAYS[statement.quantifier].format(words[statement.subject], words[statement.predicate])


def _question(premises: Sequence[Statement], words: Mapping[str, str], asks: str) -> str:
    lines = "\n".join(f"{_capital(says(premise, words))}." for premise in premises)
    return f"{template('syllogism_premises')}\n\n{lines}\n\nQuestion: {asks}"


def _capital(clause: str) -> str:
    return clause[0].upper() + clause[1:]


def items(asked: Asked) -> Iterator[Item]:
    """One form with its twin to be judged, and one to be completed, at every level of belief."""
    draw = asked.draw("form")
    judged = draw.choice(draw.choice(list(_twins().values())))
    completed = draw.choice([pair for pairs in _twins().values() for pair in pairs if pair.nothing])
    turned, first = draw.random() < 0.5, draw.choice("SP")
    middle = plural(nonsense(asked.draw("middle"), 1)[0].lower())
    for belief in asked.levels["belief"]:
        for valid in (True, False):
            yield _judge(judged, valid, turned, _words(judged, middle, belief, asked), belief)
        for valid in (True, False):
            yield _choose(completed, valid, turned, first, _words(completed, middle, belief, asked), belief)


@cache
def _twins() -> dict[str, list[Twins]]:
    found: dict[str, list[Twins]] = {}
    for pair in forms.twins():
        found.setdefault(pair.name, []).append(pair)
    return found


def _words(pair: Twins, middle: str, belief: str, asked: Asked) -> dict[str, str]:
    subject, predicate = ends(pair.conclusion.quantifier, belief, asked.draw("ends", belief == "neutral"))
    return {"S": subject, "P": predicate, "M": middle}


def _judge(pair: Twins, valid: bool, turned: bool, words: Mapping[str, str], belief: str) -> Item:
    premises = (pair.premises if valid else pair.twin)[:: -1 if turned else 1]
    question = _question(premises, words, f"Does it follow that {says(pair.conclusion, words)}?")
    levels = {"belief": belief, "form": "plain" if valid else "invalid"}
    return Item(question, template("syllogism"), YES_NO, "yes" if valid else "no", levels, {"scheme": pair.name})


def _choose(pair: Twins, valid: bool, turned: bool, first: str, words: Mapping[str, str], belief: str) -> Item:
    """The six conclusions that differ in meaning. Which end comes first in them is drawn."""
    premises = (pair.premises if valid else pair.twin)[:: -1 if turned else 1]
    second = "P" if first == "S" else "S"
    straight, turned_round = (first, second), (second, first)
    ends_of = [
        ("A", straight),
        ("A", turned_round),
        ("E", straight),
        ("I", straight),
        ("O", straight),
        ("O", turned_round),
    ]
    offered = [Statement(quantifier, *ends) for quantifier, ends in ends_of]
    choices = [_capital(says(statement, words)) for statement in offered]
    right = pair.conclusion if pair.conclusion in offered else pair.conclusion.turned
    listed = "\n".join(f"- {choice}" for choice in choices)
    question = _question(premises, words, f"Which of these conclusions follows?\n{listed}")
    levels = {"belief": belief, "form": "choose" if valid else "choose_nothing"}
    answer = _capital(says(right, words)) if valid else UNKNOWN
    offers = (*choices, UNKNOWN)
    also = tuple(choice.replace("aren't", "are not") for choice in offers)
    return Item(question, template("syllogism_choose"), offers, answer, levels, {"scheme": pair.name, "also": also})


# A second solver, from the question's words -------------------------------------------------------------------------

_CLAUSE = re.compile(r"\b(all|no|some) (\w+) (are|aren't|are not) (\w+)", re.I)
_QUANTIFIERS = {"all": "A", "no": "E", "some": "I"}


def read(clause: str) -> Statement:
    """A clause as a statement about its own words. Raises ValueError if it is none."""
    m = _CLAUSE.search(clause)
    if m is None:
        raise ValueError(f"not a categorical statement: {clause[:100]}")
    return Statement("O" if m[3] != "are" else _QUANTIFIERS[m[1].lower()], m[2], m[4])


def parts(params: Params) -> tuple[list[Statement], str]:
    """(premises, the question) of a sample's text; the terms are its words."""
    before, _, asks = str(params["question"]).rpartition("\nQuestion: ")
    return [read(line) for line in before.strip().split("\n")[-2:]], asks


def _letters(premises: Sequence[Statement]) -> dict[str, str]:
    """Word -> S, P or M: the middle is in both premises. Raises ValueError if there is no middle."""
    one, two = (set(p[1:]) for p in premises)
    if len(one & two) != 1 or len(one | two) != 3:
        raise ValueError("the premises do not share one term")
    return dict(zip([*(one & two), *(one - two), *(two - one)], "MSP", strict=True))


def solve(params: Params) -> str:
    """The answer by the rules of distribution, from the text; the generator goes by models."""
    premises, asks = parts(params)
    letters = _letters(premises)
    spelt = [Statement(q, letters[s], letters[p]) for q, s, p in premises]

    def holds(clause: str) -> bool:
        q, s, p = read(clause)
        return forms.follows_by_rules(spelt, Statement(q, letters[s], letters[p]), members=True)

    if asks.startswith("Does"):
        return "yes" if holds(asks) else "no"
    found = {read(c).quantifier: c for c in numbered(params, "choices") if c != UNKNOWN and holds(c)}
    return next((found[q] for q in "AEIO" if q in found), UNKNOWN)


# Shallow readers -----------------------------------------------------------------------------------------------------


def atmosphere(params: Params, rng: random.Random) -> str:
    """The conclusion that is as negative and as particular as the premises (the atmosphere effect), in either
    direction."""
    premises, asks = parts(params)
    said = {p.quantifier for p in premises}
    negative, particular = bool(said & set("EO")), bool(said & set("IO"))
    quantifier = "AIEO"[2 * negative + particular]
    if asks.startswith("Does"):
        return "yes" if read(asks).quantifier == quantifier else "no"
    return rng.choice([c for c in numbered(params, "choices") if c != UNKNOWN and read(c).quantifier == quantifier])


def believed(params: Params, rng: random.Random) -> str:
    """What is true in the world follows: judged by the conclusion alone. Nonsense at random."""
    _, asks = parts(params)
    if asks.startswith("Does"):
        true = true_in_the_world(read(asks))
        return rng.choice(YES_NO) if true is None else "yes" if true else "no"
    return rng.choice(
        [c for c in numbered(params, "choices") if c != UNKNOWN and true_in_the_world(read(c)) is not False]
    )


def true_in_the_world(statement: Statement | str) -> bool | None:
    """Whether a conclusion is true in the world; None if its words are nonsense."""
    quantifier, s, p = read(statement) if isinstance(statement, str) else statement
    known = [wide for wide, narrow in categories().items() for word in (wide, *narrow) if word in (s, p)]
    if len(known) < 2:
        return None
    within, around = s in categories().get(p, ()), p in categories().get(s, ())
    return {"A": within, "E": not (within or around), "I": within or around, "O": not within}[quantifier]


def figure(params: Params, rng: random.Random) -> str:
    """The ends stand in the conclusion as they stand in the premises: the subject of a premise as its subject, the
    predicate of a premise as its predicate. If the ends are both subjects or both predicates, nothing follows."""
    premises, asks = parts(params)
    letters = _letters(premises)
    subjects = {p.subject for p in premises if letters[p.subject] != "M"}
    predicates = {p.predicate for p in premises if letters[p.predicate] != "M"}
    if asks.startswith("Does"):
        said = read(asks)
        return "yes" if (subjects, predicates) == ({said.subject}, {said.predicate}) else "no"
    kept = [c for c in numbered(params, "choices") if c != UNKNOWN and {read(c).subject} == subjects]
    return rng.choice(kept) if kept else UNKNOWN


KIND = Kind(
    name="syllogism",
    about="two premises with all, no or some: does a conclusion follow, believable or not?",
    levels={"belief": BELIEFS},
    items=items,
    readers={"shallow": atmosphere, "belief": believed, "figure": figure},
    solve=solve,
    collector=Bias,
)
