"""What an edit should change and what it should not: the questions about a case, their answers before and after."""

from __future__ import annotations

from typing import NamedTuple

from harness.tasks.edits.cases import Case
from harness.tasks.edits.prompts import BORN

QUESTIONS = (
    "reliability",
    "generality",
    "locality_neighbour",
    "locality_subject",
    "portability_two_hop",
    "portability_reverse",
    "portability_description",
)


def metric(question: str) -> str:
    """What a question measures: its first word."""
    return question.partition("_")[0]


class Asked(NamedTuple):
    """A question, its answer before and after the edit, and all names of the case that could be one."""

    text: str
    before: str
    after: str
    candidates: tuple[str, ...]


def asked(case: Case, question: str, wording: int = 0) -> Asked:
    """A question about a case; `wording` says which paraphrase, counted round."""
    said, thing, new = case.relation, case.subjects[case.edited], case.heads[case.new]
    people, cities = tuple(sorted(case.heads)), tuple(sorted((*case.places, *case.origins)))
    old = case.heads[case.edited]
    if question == "reliability":
        return Asked(said.question.format(subject=thing), old, new, people)
    if question == "generality":
        return Asked(said.paraphrases[wording % len(said.paraphrases)].format(subject=thing), old, new, people)
    if question == "locality_neighbour":
        same = case.heads[case.neighbour]
        return Asked(said.question.format(subject=case.subjects[case.neighbour]), same, same, people)
    if question == "locality_subject":
        same = case.places[case.edited]
        return Asked(said.asks_place.format(subject=thing), same, same, cities)
    if question == "portability_two_hop":
        return Asked(said.two_hop.format(subject=thing), case.origins[case.edited], case.origins[case.new], cities)
    if question == "portability_reverse":
        things = tuple(sorted(case.subjects))
        return Asked(said.reverse.format(person=new), case.subjects[case.new], thing, things)
    assert question == "portability_description", question
    return Asked(said.description.format(city=case.places[case.edited]), old, new, people)


def facts(case: Case, wording: int = 0) -> list[str]:
    """The sentences that are true before the edit, in the case's order; `wording` 1 has them the other way round."""
    said = case.relation
    rows = zip(case.subjects, case.heads, case.places, case.origins, strict=True)
    stated = [
        sentence
        for subject, person, place, origin in rows
        for sentence in (
            said.head[wording].format(subject=subject, person=person),
            said.place[wording].format(subject=subject, city=place),
            BORN[wording].format(person=person, city=origin),
        )
    ]
    return [stated[i] for i in case.order]


def statement(case: Case) -> str:
    """The edit as a sentence."""
    sentence = case.relation.head[0].format(subject=case.subjects[case.edited], person=case.heads[case.new])
    return sentence.replace(" is ", " is now ", 1)
