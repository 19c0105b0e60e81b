"""What controls of single tasks promise beyond those of every task (test_controls.py): another way to the answer, and
when there is none."""

import itertools
import json
import random
import re
from pathlib import Path

import edits as edits_again
import imagine as imagine_again
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.options import build
from harness.tasks.aiw.task import AIW
from harness.tasks.arithmetic.numerals import result
from harness.tasks.arithmetic.task import Arithmetic
from harness.tasks.edits.task import Edits
from harness.tasks.game24 import controls as game24_controls
from harness.tasks.game24.prompts import TEMPLATES, WAY_OUT
from harness.tasks.game24.task import Game24
from harness.tasks.hub.task import Hub
from harness.tasks.imagine.task import Imagine
from harness.tasks.multihop import generator
from harness.tasks.multihop.task import Multihop
from harness.tasks.multihop.world import ATTRIBUTES, RELATIONS, Page, facts_of, solve
from harness.tasks.reversal.task import SETS, Reversal
from harness.types import Message, Sample

SEEDS = st.integers(0, 10**6)


def some(task, count: int, seed: int = 0) -> list[Sample]:
    return list(itertools.islice(task.samples(seed), count))


# aiw ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
def published(tmp_path: Path) -> AIW:
    """A task over a file in the form of the published prompts.json."""
    asks = "How many sisters does Alice's brother have? Solve this problem."
    rows = [
        ("Alice has 3 brothers and she also has 6 sisters. " + asks, 7),
        ("Alice has 4 sisters and she also has N brothers. " + asks, 5),
        ("Everybody in Wonderland has 2 hats. How many hats has the queen? Solve this problem.", 2),
    ]
    file = tmp_path / "prompts.json"
    file.write_text(json.dumps([{"id": i, "prompt": p, "right_answer": a} for i, (p, a) in enumerate(rows)]))
    return AIW(prompts=file)


def test_a_published_problem_has_those_controls_that_its_wording_allows(published: AIW) -> None:
    samples = list(published.samples(0))
    found = [
        {p: published.reworded(s, p, random.Random(0)) for p in published.placebos}
        | {c: published.changed(s, c, random.Random(0)) for c in published.changes}
        for s in samples
    ]
    there = [[name for name, made in by_name.items() if made is not None] for by_name in found]
    assert there == [["names", "order", "words", "number"], ["names", "order", "words"], []]
    changed = found[0]["number"]
    m = re.match(r"Alice has 3 brothers and she also has (\d+) sisters?\. How many", changed.messages[0].content)
    assert m is not None
    assert int(changed.target) == int(m[1]) + 1 != 7


@given(SEEDS)
@settings(max_examples=10)
def test_the_stated_numbers_of_a_changed_family_are_those_of_its_text(seed: int) -> None:
    task = AIW(family=("procedural", "plus", "extension"), prompt=("none",))
    for sample in some(task, 40, seed):
        made = task.changed(sample, "number", random.Random(seed))
        assert made is not None
        counts = re.findall(r"\b(\d+) (?:brother|sister)", made.messages[0].content)
        assert set(counts) <= set(str(made.params["stated"]).split(","))
        if "asked" in made.params:
            assert {str(made.params[r]) for r in ("brothers", "sisters")} == set(counts)


# arithmetic and game24 ----------------------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=10)
def test_a_changed_expression_still_has_another_answer_in_each_base(seed: int) -> None:
    task = Arithmetic(prompt=("direct",))
    for sample in some(task, 20, seed):
        made = task.changed(sample, "digit", random.Random(seed))
        assert made is not None
        old, new = str(sample.params["expression"]), str(made.params["expression"])
        assert sum(a != b for a, b in zip(old, new, strict=True)) == 1
        assert len({result(new, base) for base in task.bases}) == len(task.bases)


def test_numbers_of_a_changed_puzzle_need_fractions_as_the_old_ones_do() -> None:
    task = Game24(targets=("24",))
    samples = some(task, 60)
    made = [task.changed(sample, "number", random.Random(0)) for sample in samples]
    pairs = zip(made, samples, strict=True)
    alike = [m is not None and m.params["fractions"] == s.params["fractions"] for m, s in pairs]
    assert sum(alike) >= 0.9 * len(samples)


@pytest.mark.parametrize("prompt", ["standard", "cot"])
def test_worked_puzzles_are_laid_out_as_the_puzzle_and_keep_their_steps(prompt: str) -> None:
    """Without the examples of the task, which take a search of seconds to find."""
    shown = "Input: 2 4 6 16\n6 / 2 = 3 (left: 3 4 16)\nAnswer: 4 + 4 + 16 * 1 = 24"
    asked = TEMPLATES[prompt].format(target=24, way_out=WAY_OUT, shots=shown, numbers="4 6 7 8")
    params = {"numbers": "4 6 7 8", "target": 24, "solvable": "yes", "prompt": prompt, "fractions": False}
    sample = Sample("id", "group", "condition", params, (Message("user", asked),), "(8 - 4) * 6 * 1 = 24")
    found = {p: game24_controls.reworded(sample, p, lambda n: f"{n}", random.Random(0)) for p in Game24.placebos}
    layout, words = found["layout"].messages[0].content, found["words"].messages[0].content
    assert "\n\nInput: 2, 4, 6, 16\n6 / 2 = 3 (left: 3 4 16)\n" in layout
    assert layout.endswith("\n\nInput: 4, 6, 7, 8")
    assert words != asked
    assert words.partition("Input")[2] == asked.partition("Input")[2]
    assert all(WAY_OUT.strip() in text for text in (layout, words))
    assert found["order"].params["numbers"] != "4 6 7 8"
    assert sorted(found["order"].params["numbers"].split()) == ["4", "6", "7", "8"]


# reversal -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SETS)
def test_people_that_a_model_has_learnt_are_not_renamed(name: str) -> None:
    assert ("names" in Reversal(set=name).placebos) == (name == "context")
    assert set(Reversal(set=name).changes) == ({"fact", "asked"} if name == "context" else {"asked"})


def test_learnt_facts_are_reworded_in_a_wording_that_the_run_does_not_ask_in() -> None:
    task = Reversal(set="fictional", facts=4, paraphrases=3)
    for sample in task.samples(0):
        made = task.reworded(sample, "words", random.Random(0))
        assert made is not None
        assert made.params["wording"] >= 3


# multihop -----------------------------------------------------------------------------------------------------------

WORDINGS = "|".join(w for r in (*RELATIONS, *ATTRIBUTES.values()) for w in (r.says, r.near))


def pages(text: str) -> list[Page]:
    """The documents of a prompt, as what they state."""
    found = []
    for title, told in re.findall(r"^\[\d+\] (\w+): (.*)$", text, re.M):
        said = re.findall(rf"{title} ({WORDINGS}) (\w+)\.", told)
        assert " ".join(f"{title} {wording} {value}." for wording, value in said) == told
        found.append(Page(title, tuple(said)))
    return found


@given(seed=st.integers(0, 1000), documents=st.sampled_from([8, 10, 20]))
@settings(max_examples=8, deadline=None)
def test_the_answer_of_a_changed_question_follows_from_its_documents_and_no_other(seed: int, documents: int) -> None:
    task = Multihop(contexts=("full",), documents=(documents,), positions=("random", "start"))
    for index in range(len(generator.KINDS)):
        plan = generator.plan(task.types[index], documents, documents, task.version, seed, index)
        for sample in task._conditions(task.item(seed, index)):
            made = task.changed(sample, "fact", random.Random(seed))
            if made is None:
                continue
            before, after = (pages(s.messages[0].content) for s in (sample, made))
            assert solve(plan.query, facts_of(before)) == {sample.target}
            assert solve(plan.query, facts_of(after)) == {made.target} != {sample.target}
            said = [{(p.title, *s) for p in shown for s in p.statements} for shown in (before, after)]
            assert len(said[0] - said[1]) == len(said[1] - said[0]) == 1, "one sentence"
            needed = {int(place) for place in str(made.params["gold"]).split(",")}
            for place in needed:
                rest = [page for i, page in enumerate(after) if i != place]
                assert len(solve(plan.query, facts_of(rest))) != 1, "a needed document is needed"


def test_documents_that_are_needed_stay_in_their_places_if_the_order_is_another() -> None:
    task = Multihop(contexts=("full", "unanswerable"), positions=("start", "end"))
    for sample in some(task, 30):
        made = task.reworded(sample, "order", random.Random(0))
        assert made is not None
        before, after = (pages(s.messages[0].content) for s in (sample, made))
        for place in map(int, str(sample.params["gold"]).split(",")):
            assert before[place].title == after[place].title
        assert {p.title: set(p.statements) for p in before} == {p.title: set(p.statements) for p in after}


# hub ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("option", "moves"),
    [("none of the above", False), ("A and B", False), ("both of them", False), ("i and iii", False),
     ("option C", False), ("above it", True), ("a and b", True), ("Vitamin A", True), ("all", True)],
)  # fmt: skip
def test_options_that_speak_of_others_are_not_moved(tmp_path: Path, option: str, moves: bool) -> None:
    file = tmp_path / "rows.jsonl"
    row = {"id": "1", "question": "Which?", "choices": {"text": ["x", "y", option], "label": list("ABC")}}
    file.write_text(json.dumps({**row, "answerKey": "B"}) + "\n")
    task = Hub(file=file, forms=("published",))
    [sample] = task.samples(0)
    assert (task.reworded(sample, "order", random.Random(0)) is not None) == moves


def test_a_set_without_options_of_its_rows_has_no_order_of_options() -> None:
    assert set(Hub(set="gsm8k").placebos) == {"words", "layout"}
    assert set(Hub().placebos) == {"order", "words", "layout"}
    assert not Hub().changes


# imagine and edits --------------------------------------------------------------------------------------------------


@given(SEEDS)
@settings(max_examples=4, deadline=None)
def test_answers_to_other_word_problems_are_found_again_from_their_text(seed: int) -> None:
    task = Imagine()
    for sample in some(task, 40, seed):
        changed = task.changed(sample, "number", random.Random(seed))
        reordered = task.reworded(sample, "order", random.Random(seed))
        for made in (changed, reordered):
            assert made is None or imagine_again.again(made) == made.target


@given(SEEDS)
@settings(max_examples=4, deadline=None)
def test_answers_to_other_edits_are_found_again_from_their_text(seed: int) -> None:
    task = build(Edits, {"edits": "3", "things": "4"}, "task edits")
    for sample in task.samples(seed):
        changed = task.changed(sample, "fact", random.Random(seed))
        assert edits_again.again(changed) == changed.target
        for placebo in ("names", "order"):
            made = task.reworded(sample, placebo, random.Random(seed))
            assert made is not None
            assert edits_again.again(made) == made.target
