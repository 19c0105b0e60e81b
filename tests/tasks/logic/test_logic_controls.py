"""Controls of logic: the solver that reads the text agrees, and so does the one that a generator goes by."""

import itertools
import random
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.options import build
from harness.tasks.logic import abduction, argument, argument_forms, defaults, defeasible, entailment, explanations
from harness.tasks.logic.every import KINDS
from harness.tasks.logic.kinds import UNKNOWN
from harness.tasks.logic.task import TAKES, Logic
from harness.types import Sample

EVERY_LEVEL = {"names": "all", "belief": "all", "order": "all"}


@cache
def made(kind: str) -> tuple[Logic, list[Sample]]:
    taken = {option: value for option, value in EVERY_LEVEL.items() if kind in TAKES[option]}
    task = build(Logic, {"kind": kind, **taken}, "task logic")
    return task, list(itertools.islice(task.samples(0), 72))


def by_the_first_solver(sample: Sample) -> str | None:
    """The answer by what the generator goes by, of the kinds of which it can be asked about a text."""
    params, kind = sample.params, sample.params["kind"]
    if kind == "argument":
        return "yes" if argument_forms.valid(argument.read(params)) else "no"
    if kind == "abduction":
        found = explanations.explanations(*abduction.read(params))
        return str(*found) if len(found) == 1 else UNKNOWN
    if kind == "defeasible":
        read = defeasible._read(params)
        return defaults.answer(read.theory, read.asked)
    if kind == "entailment":
        pairs, (a, b), _ = entailment.read(params)
        number = {name: i for i, name in enumerate({n for pair in pairs for n in pair})}
        return "yes" if entailment.follows([(number[x], number[y]) for x, y in pairs], number[a], number[b]) else "no"
    return None


@settings(max_examples=60)
@given(kind=st.sampled_from(sorted(KINDS)), index=st.integers(0, 71), seed=st.integers(0, 10**6),
       control=st.sampled_from(("names", "order", "words", "premise")))  # fmt: skip
def test_solvers_agree_with_the_answer_of_a_control(kind: str, index: int, seed: int, control: str) -> None:
    task, samples = made(kind)
    make = task.changed if control == "premise" else task.reworded
    found = make(samples[index], control, random.Random(seed))
    if found is None:
        assert control == "premise" or (control == "order" and samples[index].params["order"] != "shuffled")
        return
    assert KINDS[kind].solve({**found.params, "answer": ""}) == found.target == found.params["answer"]
    assert by_the_first_solver(found) in (None, found.target)
    assert found.target in found.params["choices"]
    if control in ("names", "order", "premise"):
        assert found.messages[0].content.startswith(str(found.params["question"]))


@pytest.mark.parametrize("kind", KINDS)
def test_changes_are_rarely_impossible(kind: str) -> None:
    task, samples = made(kind)
    missing = [s.id for s in samples if task.changed(s, "premise", random.Random(0)) is None]
    assert len(missing) <= 0.05 * len(samples), missing


def test_what_is_observed_has_an_explanation_after_a_change_too() -> None:
    """The prompt says "unknown" of several single facts that would do, and not of none."""
    task, samples = made("abduction")
    for sample in samples:
        found = task.changed(sample, "premise", random.Random(0))
        assert found is not None
        explained = explanations.explanations(*abduction.read(found.params))
        assert explained == {found.target} or (len(explained) > 1 and found.target == UNKNOWN)


def test_a_misleading_thing_keeps_what_the_world_says_of_it() -> None:
    task, samples = made("rules")
    asks = re.compile(r"Is it true that the (\w+) is (?:not )?(\w+)\?")
    for sample in samples:
        found = task.reworded(sample, "names", random.Random(0))
        assert found is not None
        before, after = (asks.search(s.messages[0].content).groups() for s in (sample, found))
        assert (before == after) == (sample.params["names"] == "misleading")


def test_one_word_for_one_animal_and_many_stays_it() -> None:
    """A sheep, two sheep: another animal would need two words."""
    many = build(Logic, {"kind": "lookup", "names": "familiar"}, "task logic")
    sheep = [s for s in itertools.islice(many.samples(0), 60) if "sheep" in s.messages[0].content][:5]
    assert sheep
    for sample in sheep:
        found = many.reworded(sample, "names", random.Random(0))
        assert found is not None
        assert found.messages[0].content.lower().count("sheep") == sample.messages[0].content.lower().count("sheep")
