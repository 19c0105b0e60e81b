"""Controls of edits: the same question about things, people and cities of other names, with the facts in another order,
in other words; and with one fact, or the edit, changed. A model that was edited must be asked about the names that it
knows, so its controls are fewer."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from harness.tasks.edits.cases import Case, fresh
from harness.tasks.edits.questions import asked, facts, statement
from harness.tasks.rewording import asked_as, mixed, said_otherwise
from harness.types import Param, Sample

PLACEBOS = {
    "context": {
        "names": "other names of all things, people and cities",
        "order": "the facts in another order",
        "words": "synonyms around the facts",
    },
    "model": {"words": "a few words before the question", "layout": "the question on a line of its own"},
}
CHANGES = {
    "context": {"fact": "one of the facts, or after the edit the edit itself"},
    "model": {"asked": "the thing or person of which it is asked: that of another edit"},
}


def renamed(case: Case, rng: random.Random) -> Case:
    """The case with other names."""
    other = fresh(case, rng)
    return replace(case, subjects=other.subjects, heads=other.heads, places=other.places, origins=other.origins)


def reordered(case: Case, rng: random.Random) -> Case:
    """The case with its facts in another order."""
    return replace(case, order=tuple(mixed(rng, case.order)))


def reworded(sample: Sample, placebo: str) -> Sample:
    """With synonyms, or in another layout."""
    text = sample.messages[-1].content
    if placebo == "layout":
        return asked_as(sample, f"Question:\n{text}")
    if sample.params["how"] == "model":
        return asked_as(sample, f"Please answer this question. {text}")
    return asked_as(sample, said_otherwise(text, _SYNONYMS))


_SYNONYMS = (
    ("A year ago the following was true:", "This is how things were a year ago:"),
    ("Since then there has been no change.", "Nothing has changed since then."),
    ("Since then there has been a change:", "One thing has changed since then:"),
)


# Another answer ---------------------------------------------------------------------------------------------------


def changed(sample: Sample, case: Case, rng: random.Random) -> Sample:
    """Another fact, from which another answer follows: after the edit, of what the edit changes, the edit itself."""
    question, state = str(sample.params["question"]), str(sample.params["state"])
    about_person = question in ("reliability", "generality", "portability_description")
    if state == "after" and about_person:
        return _another_person(sample, case, rng)
    if state == "after" and question == "portability_reverse":
        return _another_thing(sample, case, rng)
    return _ANOTHER_FACT["reliability" if about_person else question](sample, case, rng)


def _another_person(sample: Sample, case: Case, rng: random.Random) -> Sample:
    """The edit puts another person of the circle at the head of the edited thing."""
    others = [i for i in range(len(case.heads)) if i not in (case.edited, case.new, case.neighbour)]
    other = replace(case, new=rng.choice(others or [case.neighbour]))
    person = other.heads[other.new]
    params = {**sample.params, "after": person, "answer": person, "new": person}
    return _saying(sample, statement(case), statement(other), params)


def _another_thing(sample: Sample, case: Case, rng: random.Random) -> Sample:
    """The edit puts the same person at the head of another thing."""
    others = [i for i in range(len(case.heads)) if i not in (case.edited, case.new)]
    other = replace(case, edited=rng.choice(others))
    thing = other.subjects[other.edited]
    return _saying(sample, statement(case), statement(other), {**sample.params, "after": thing, "answer": thing})


def _another_head(sample: Sample, case: Case, rng: random.Random) -> Sample:
    return _stated(sample, case, "heads", case.edited, rng)


def _another_neighbour(sample: Sample, case: Case, rng: random.Random) -> Sample:
    return _stated(sample, case, "heads", case.neighbour, rng)


def _another_place(sample: Sample, case: Case, rng: random.Random) -> Sample:
    return _stated(sample, case, "places", case.edited, rng)


def _another_birthplace(sample: Sample, case: Case, rng: random.Random) -> Sample:
    return _stated(sample, case, "origins", case.edited if sample.params["state"] == "before" else case.new, rng)


def _another_thing_before(sample: Sample, case: Case, rng: random.Random) -> Sample:
    return _stated(sample, case, "subjects", case.new, rng)


_ANOTHER_FACT: Mapping[str, Callable[[Sample, Case, random.Random], Sample]] = {
    "reliability": _another_head,
    "locality_neighbour": _another_neighbour,
    "locality_subject": _another_place,
    "portability_two_hop": _another_birthplace,
    "portability_reverse": _another_thing_before,
}


def _stated(sample: Sample, case: Case, what: str, place: int, rng: random.Random) -> Sample:
    """One sentence of the facts with a name in it that the circle did not have: the right answer then."""
    own = getattr(case, what)
    name = getattr(fresh(case, rng), what)[place]
    instead: dict[str, Any] = {what: tuple(name if i == place else known for i, known in enumerate(own))}
    other = replace(case, **instead)
    # The sentence about the head of a thing or its place, and for birthplaces the one about the person.
    kind = {"heads": 0, "subjects": 0, "places": 1, "origins": 2}[what]
    at = case.order.index(3 * place + kind)
    params: dict[str, Param] = {
        **sample.params,
        "answer": name,
        **{state: name for state in ("before", "after") if sample.params[state] == sample.target},
        "candidates": tuple(sorted({*_names(sample), name})),
    }
    return _saying(sample, facts(case)[at], facts(other)[at], params)


def _names(sample: Sample) -> tuple[str, ...]:
    known = sample.params["candidates"]
    return tuple(map(str, known)) if isinstance(known, tuple | list) else ()


def _saying(sample: Sample, old: str, new: str, params: Mapping[str, Param]) -> Sample:
    text = sample.messages[-1].content
    assert old in text, "the fact stands in the prompt"
    return asked_as(sample, text.replace(old, new), params, str(params["answer"]))


def wording_of(sample: Sample, case: Case, paraphrases: int) -> int:
    """Which paraphrase of the question a sample asks in."""
    text = sample.messages[-1].content
    asks = (asked(case, str(sample.params["question"]), i).text for i in range(paraphrases))
    return next(i for i, question in enumerate(asks) if question in text)
