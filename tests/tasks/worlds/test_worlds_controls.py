"""Controls of worlds: a changed problem has the answer that the second solvers find in its text."""

import itertools
import random
import re
from dataclasses import replace
from functools import cache

import pytest
import worlds as acceptance
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.options import build
from harness.tasks.worlds import board
from harness.tasks.worlds.controls import program_of
from harness.tasks.worlds.language import run
from harness.tasks.worlds.task import KINDS, Worlds
from harness.types import Message, Sample


@cache
def made(kind: str, prompt: str = "direct,check") -> tuple[Worlds, list[Sample]]:
    task = build(Worlds, {"kind": kind, "prompt": prompt}, "task worlds")
    return task, list(itertools.islice(task.samples(0), 96))


def again(sample: Sample) -> str:
    """The answer by a second way, from the text; of chess by the board, as python-chess may not be there."""
    text, world = sample.messages[0].content, str(sample.params["world"])
    if sample.params["kind"] != "chess":
        return acceptance.again(sample)
    if sample.params["prompt"] == "check":
        piece = board.start(world)["abcdefgh".index(re.search(r"([a-h])[18]\?", text)[1])]
        return {"N": "knight", "B": "bishop"}[piece]
    moves = re.findall(r"(?<![\d.])[A-Za-z]\w*\d", re.search(r"^1\. .*$", text, re.M)[0])
    return board.opening(world, moves)[0]


@settings(max_examples=40)
@given(kind=st.sampled_from(sorted(KINDS)), index=st.integers(0, 95), seed=st.integers(0, 10**6),
       control=st.sampled_from(("names", "order", "fact")))  # fmt: skip
def test_what_the_text_asks_has_the_answer_that_params_have(kind, index, seed, control) -> None:
    task, samples = made(kind)
    make = task.changed if control == "fact" else task.reworded
    found = make(samples[index], control, random.Random(seed))
    if found is None:
        assert (kind, control) == ("chess", "names")
    elif (kind, control) == ("spatial", "order"):  # the second solver knows the compass by its places
        assert found.params == samples[index].params
    else:
        assert again(found) == found.target == found.params["answer"]
        assert found.target in found.params["candidates"]


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_problem_still_has_another_answer_in_another_world(kind: str) -> None:
    task, samples = made(kind, "direct")
    outside = [s for s in samples if s.params["world"] != "default"][:24]
    found = [task.changed(sample, "fact", random.Random(0)) for sample in outside]
    told = [s.params["answer"] != s.params["default_answer"] for s in found if s is not None]
    assert len(told) == len(outside)
    # An opening with two moves that only one world allows can't be turned round in both worlds by one move.
    assert sum(told) >= (0.5 if kind == "chess" else 0.9) * len(told), "answers of the default world are told apart"


@pytest.mark.parametrize("prompt", ["direct", "check"])
def test_the_answer_of_the_usual_tuning_to_changed_notes_is_the_one_that_is_found_there(prompt: str) -> None:
    task, samples = made("music", prompt)
    head = samples[0].messages[0].content.partition("\n")[0]
    for sample in samples[:24]:
        found = task.changed(sample, "fact", random.Random(0))
        assert found is not None
        assert found.target == acceptance.again(found) != sample.target
        text = head + "\n" + found.messages[0].content.partition("\n")[2]
        usual = replace(found, messages=(Message("user", text),))
        assert found.params["default_answer"] == acceptance.again(usual)
        if prompt == "check":
            assert found.params["default_answer"] != sample.params["default_answer"]


def test_new_names_stand_nowhere_else_and_features_keep_theirs() -> None:
    task, samples = made("set", "direct")
    found = task.reworded(samples[0], "names", random.Random(0))
    assert found is not None
    before, after = (s.messages[0].content.split("\n") for s in (samples[0], found))
    changed = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
    assert len(changed) == 8
    assert all(a.partition(":")[2] == b.partition(":")[2] for a, b in changed), "everybody has the card that they had"


def test_a_changed_program_of_the_default_world_prints_something_else_in_the_other_world() -> None:
    """As before the change: a slice of nothing would print 0 in both."""
    task, samples = made("code", "direct")
    for sample in [s for s in samples if s.params["world"] == "default"][:24]:
        found = task.changed(sample, "fact", random.Random(0))
        assert found is not None
        _, program, _ = program_of(found.messages[0].content)
        assert run(program, 1)[0] != run(program, 0)[0] == found.target
