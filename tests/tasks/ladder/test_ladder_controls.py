"""Controls of the ladder: the second solvers agree about changed questions, and the text says what params hold."""

import itertools
import random
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.options import build
from harness.tasks.ladder import boolean, chains, circuits, tables, worlds
from harness.tasks.ladder.kinds import asked_for, yes
from harness.tasks.ladder.prompts import texts
from harness.tasks.ladder.task import KINDS, Ladder
from harness.tasks.ladder.worlds import World
from harness.types import Params, Sample


@cache
def made(kind: str) -> tuple[Ladder, list[Sample]]:
    more = {"asked": "all"} if kind == "chain" else {"graphs": "all"} if kind == "table" else {}
    task = build(Ladder, {"kind": kind, **more}, "task ladder")
    return task, list(itertools.islice(task.samples(0), 240))


def second(params: Params) -> str:
    """The answer by the solver that the kind's verifier is not."""
    kind, polarity = params["kind"], str(params.get("polarity"))
    if kind == "ladder":
        found = worlds.by_enumeration(World.of(params["world"])).triple
        return asked_for(found[worlds.RUNGS.index(params["rung"])], polarity)
    if kind == "table":
        seen, done = tables.by_enumeration(params["table"], params["graph"])
        return asked_for((done if params["rung"] == "intervention" else seen) > 0, polarity)
    if kind == "boolean":
        circuit = circuits.circuit_of(params["rules"])
        pairs = tuple(zip(params["seen"][::2], params["seen"][1::2], strict=True))
        item = boolean.Item(circuit, params["lamp"], params["value"], pairs, params["target"])
        [value] = circuits.by_twin_network(circuit, item.query(params["rung"]))
        return asked_for(bool(value), polarity)
    links = list(zip(params["links"][::2], params["links"][1::2], strict=True))
    return yes(tuple(params["pair"]) in chains.closure(links))


@settings(max_examples=40)
@given(
    kind=st.sampled_from([k for k in KINDS if k != "equivalence"]), index=st.integers(0, 239), seed=st.integers(0, 999)
)
def test_two_solvers_agree_about_a_changed_question(kind: str, index: int, seed: int) -> None:
    task, samples = made(kind)
    found = task.changed(samples[index], "fact", random.Random(seed))
    if found is not None:
        assert second(found.params) == found.target == found.params["answer"] != samples[index].target


def test_a_changed_world_says_its_numbers_in_their_places() -> None:
    task, samples = made("ladder")
    for sample in samples[:24]:
        found = task.changed(sample, "fact", random.Random(1))
        if found is not None:
            z, x1, x0, never1, with1, without1, always1, *_ = found.params["world"]
            text = found.messages[0].content
            assert (
                re.findall(r"\d+", text.partition("Of every 100 people who")[0])
                == [str(n) for n in (z, 100, 100, x1, 100, x0)]
                or f"{z} of every 100 people" in text
            )
            assert re.findall(r"^- (\d+) ", text, re.M)[:4] == [str(n) for n in (always1, with1, without1, never1)]


def test_a_changed_chain_causes_nothing_by_itself() -> None:
    task, samples = made("chain")
    for sample in samples[::3]:
        found = task.changed(sample, "fact", random.Random(0))
        assert found is not None
        links = list(zip(found.params["links"][::2], found.params["links"][1::2], strict=True))
        assert not any(a == b for a, b in chains.closure(links))


def test_the_order_of_a_chain_is_kept_where_it_is_the_condition() -> None:
    task, samples = made("chain")
    for sample in samples:
        found = task.reworded(sample, "order", random.Random(3))
        assert found is not None
        links = list(zip(found.params["links"][::2], found.params["links"][1::2], strict=True))
        assert sorted(links) == sorted(zip(sample.params["links"][::2], sample.params["links"][1::2], strict=True))
        if sample.params["order"] != "shuffled":
            length = sample.params["length"]
            for row in ([a for a, _ in links if a < length], [a for a, _ in links if a >= length]):
                assert row == sorted(row, reverse=sample.params["order"] == "backward")


@pytest.mark.parametrize("effect", ["raises", "lowers"])
def test_another_story_is_known_for_the_same_effect(effect: str) -> None:
    task, samples = made("ladder")
    stories = [s for s in samples if s.params["names"] == "commonsense"]
    for sample in stories:
        found = task.reworded(sample, "names", random.Random(0))
        assert found is not None
        told = [any(all(p in s.messages[0].content for p in story.values()) for story in texts("stories")[effect])
                for s in (sample, found)]  # fmt: skip
        assert told[0] == told[1]
