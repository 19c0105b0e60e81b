"""Kind `abduction`: which one fact is missing, so that what is observed follows?

The observation can be reached in two ways. In one, one fact is missing; in the other, two. In the undetermined twin one
given fact is replaced, so that in both ways one fact is missing: then no single fact is the right one. The opposite of
the observation is reached in two ways of its own: observed in its place, it has another answer.
"""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

from harness.errors import DataError
from harness.reading.outcome import judge
from harness.tasks.logic import explanations as exact
from harness.tasks.logic import scoring
from harness.tasks.logic.explanations import Literal, Property, Rule, Theory
from harness.tasks.logic.kinds import UNKNOWN, Asked, Item, Kind
from harness.tasks.logic.names import nonsense, people
from harness.tasks.logic.prompts import template
from harness.types import Params, Score, StopReason

TRAITS = (
    "tall rich famous freckled tanned insured employed vaccinated tattooed musical religious asthmatic hungry thirsty "
    "brave honest polite witty patient punctual curious generous stubborn ambitious loyal lucky married bilingual "
    "shortsighted colourblind allergic superstitious athletic homesick jealous seasick creative forgetful vegetarian "
    "tidy talkative ticklish"
).split()
"""None excludes another, or follows from it: what the rules leave open is so for all that one knows of words."""
HELD = 3
"""Facts that the later steps of all ways need, and that are always given."""


class Plan(NamedTuple):
    """Rules, and the facts of each theory: `determined`, and the twins in which the observation or its opposite has two
    explanations. `observed` is a property."""

    rules: tuple[Rule, ...]
    determined: frozenset[int]
    undetermined: frozenset[int]
    opposite_undetermined: frozenset[int]
    observed: int
    properties: int


FORMS = {
    "plain": ("determined", True),
    "undetermined": ("undetermined", True),
    "negated": ("determined", False),
    "negated_undetermined": ("opposite_undetermined", False),
}
"""Form -> (which facts are given, whether it is observed that the property holds)."""


def plan(rng: random.Random, depth: int) -> Plan:
    """Two ways to the observation, two to its opposite, and two to something else, each of `depth` rules.

    Of the first way to each, one of two facts is given. Of the second way, none is given, but for the way to something
    else, where one is. A twin takes that fact away and gives one of a second way to what is asked: in every theory as
    many rules lack one fact, and just one thing can be explained in two ways or two things in one way each.
    """
    count = 0

    def new() -> int:
        nonlocal count
        count += 1
        return count - 1

    observed, other = new(), new()
    held = [new() for _ in range(HELD)] if depth > 1 else []
    rules: list[Rule] = []

    def way(goal: Literal) -> int:
        """Adds the rules of a way; one of the two facts that it starts from."""
        one, two = new(), new()
        body: tuple[Property, Property] = (one, two)
        for step in range(depth):
            head = goal if step == depth - 1 else Literal(new())
            rules.append(Rule(body if rng.random() < 0.5 else body[::-1], head))
            body = (head.property, rng.choice(held)) if held else body
        return one

    goals = (Literal(observed), Literal(observed, False), Literal(other, rng.random() < 0.5))
    (first, second), (third, fourth), (fifth, sixth) = ((way(goal), way(goal)) for goal in goals)
    always = frozenset([*held, first, third, fifth])
    return Plan(tuple(rules), always | {sixth}, always | {second}, always | {fourth}, observed, count)


def items(asked: Asked) -> Iterator[Item]:
    """One set of rules, in all names: the observation and its opposite, each determined and not."""
    draw = asked.draw("theory")
    made = plan(draw, asked.depth)
    rules = draw.sample(made.rules, len(made.rules))
    places = [draw.random() for _ in range(made.properties)]
    for twin in (made.undetermined, made.opposite_undetermined):  # the new fact stands where the old one stood
        [new], [old] = twin - made.determined, made.determined - twin
        places[new] = places[old]
    answers = {form: _answer(made, form) for form in FORMS}
    for level in asked.levels["names"]:
        rng = asked.draw("names", level)
        if level == "familiar":
            words, person = rng.sample(TRAITS, made.properties), people(rng, 1)[0]
        else:
            person, *drawn = nonsense(rng, made.properties + 1)
            words = [word.lower() for word in drawn]
        choices = (*sorted(words), UNKNOWN)
        told = [
            f"If someone is {words[int(a)]} and {words[int(b)]}, then they are {_says(head, words)}."
            for (a, b), head in rules
        ]
        for form, (facts, holds) in FORMS.items():
            given = [f"{person} is {words[fact]}." for fact in sorted(getattr(made, facts), key=places.__getitem__)]
            observed, answer = Literal(made.observed, holds), answers[form]
            question = (
                "\n".join([*given, *told]) + f"\n\nObservation: {person} is {_says(observed, words)}."
                f"\n\nQuestion: Which single fact about {person} is missing, so that this follows?"
            )
            yield Item(
                question,
                template("abduction").format(person=person),
                choices,
                UNKNOWN if answer is None else words[answer],
                {"names": level, "form": form},
            )


def _answer(made: Plan, form: str) -> int | None:
    """The one fact that explains what is observed; None if there is not just one."""
    facts, holds = FORMS[form]
    found = exact.explanations(Theory(getattr(made, facts), made.rules), Literal(made.observed, holds))
    return int(*found) if len(found) == 1 else None


def _says(literal: Literal, words: Sequence[str]) -> str:
    return f"{'' if literal.holds else 'not '}{words[int(literal.property)]}"


# A second solver, from the question's words, and the score by it ----------------------------------------------------

_FACT = re.compile(r"^\w+ is (\w+)\.$", re.M)
_RULE = re.compile(r"^If someone is (\w+) and (\w+), then they are (not )?(\w+)\.$", re.M)
_OBSERVED = re.compile(r"^Observation: \w+ is (not )?(\w+)\.$", re.M)


def read(params: Params) -> tuple[Theory, Literal]:
    """(theory, observation) of a question. Raises ValueError for a text that is none."""
    text = str(params.get("question"))
    observed = _OBSERVED.search(text)
    if observed is None:
        raise ValueError("no observation")
    rules = tuple(Rule((a, b), Literal(head, not no)) for a, b, no, head in _RULE.findall(text))
    return Theory(frozenset(_FACT.findall(text)), rules), Literal(observed[2], not observed[1])


@lru_cache(maxsize=4096)
def _explained(question: str) -> frozenset[str]:
    return frozenset(map(str, exact.explanations_by_proof(*read({"question": question}))))


def solve(params: Params) -> str:
    """The answer from the observation back, from the text; the generator tries every fact."""
    found = _explained(str(params["question"]))
    return next(iter(found)) if len(found) == 1 else UNKNOWN


def score(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Whether the fact that the response commits to, in whatever sentence, explains the observation by the rules of the
    question, and is the only one that does; `detail.explains` says the first alone. Two facts are no answer.

    Raises DataError if the params are not those of a sample.
    """
    said, found = scoring.read(params, response)
    try:
        explained = _explained(str(params.get("question")))
    except ValueError as error:
        raise DataError(f"a sample of kind abduction needs params.question: {error}") from None
    right = said is not None and said == (next(iter(explained)) if len(explained) == 1 else UNKNOWN)
    return judge(found, right, stop_reason, response, answer=said, explains=said in explained)


# Shallow readers -----------------------------------------------------------------------------------------------------


def blind(params: Params, rng: random.Random) -> str:
    """Explains the property, whether it is observed that it holds or not: there are always several ways."""
    theory, (observed, _) = read(params)
    both = [p for holds in (True, False) for p in exact.explanations_by_proof(theory, Literal(observed, holds))]
    return str(both[0]) if len(both) == 1 else UNKNOWN


def last_step(params: Params, rng: random.Random) -> str:
    """Looks at the rules that say what is observed, and at no others: the one fact that one of them lacks."""
    theory, observed = read(params)
    lacks = [[p for p in rule.body if p not in theory.facts] for rule in theory.rules if rule.head == observed]
    single = [missing[0] for missing in lacks if len(missing) == 1]
    return str(single[0]) if len(single) == 1 else UNKNOWN


def half_held(params: Params, rng: random.Random) -> str:
    """The fact that any rule lacks of which the other is given."""
    theory, _ = read(params)
    possible = set(theory.candidates())
    lacks = [[p for p in rule.body if p not in theory.facts] for rule in theory.rules]
    return str(rng.choice([missing[0] for missing in lacks if len(missing) == 1 and missing[0] in possible]))


def never_certain(params: Params, rng: random.Random) -> str:
    """Always unknown."""
    return UNKNOWN


KIND = Kind(
    name="abduction",
    about="which one fact is missing, so that what is observed follows?",
    levels={"names": ("familiar", "nonsense")},
    items=items,
    readers={"shallow": blind, "last-step": last_step, "half-held": half_held, "always-unknown": never_certain},
    solve=solve,
    depths=(1, 2, 3),
    usual=(1, 2, 3),
    score=score,
)
