"""Imagine: one stated fact is changed and nothing else; every answer is found twice; honest floors; even reading."""

import itertools
import random
import re
from collections import Counter

import imagine as acceptance
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.options import build
from harness.results import audit
from harness.tasks.imagine.problems import FACTS
from harness.tasks.imagine.stories import LENGTHS, SIZES, stories, walks
from harness.tasks.imagine.task import Imagine
from harness.tasks.imagine.trees import computed, names, parsed, value, written
from harness.types import Message, Outcome, Sample

TOLD = [*stories(), *stories(held_out=True)]


def made(limit: int | None = None, seed: int = 0, **options: str) -> tuple[Imagine, list[Sample]]:
    task = build(Imagine, options, "task imagine")
    return task, list(itertools.islice(task.samples(seed), limit or task.limit))


def parts(sample: Sample) -> tuple[list[str], str]:
    """(sentences of the story and the question, what is imagined) of a prompt."""
    _, told, *rest = sample.messages[0].content.split("\n\n")
    return re.split(r"(?<=[.?]) ", told), "".join(rest)


def test_default_is_a_hundred_problems_in_all_conditions() -> None:
    task, samples = made()
    assert len(samples) == task.limit == 100 * 4 * 2
    assert len({s.id for s in samples}) == len(samples)
    assert [s.condition for s in samples[:8]] == [f"{fact}/{size}" for size in SIZES for fact in FACTS]
    groups = [group for group, _ in itertools.groupby(samples, key=lambda s: s.group)]
    assert len(groups) == len(set(groups)) == 100
    assert Counter(s.params["steps"] for s in samples[::8]) == dict.fromkeys(range(2, 7), 20)


def test_conditions_of_a_problem_differ_in_one_number_of_one_sentence() -> None:
    _, samples = made(400)
    for four in zip(*[iter(samples)] * 4, strict=True):
        plain, restated, imagine, idle = ({s.params["fact"]: s for s in four}[fact] for fact in FACTS)
        before, after = parts(plain)[0], parts(restated)[0]
        [(old, new)] = [(a, b) for a, b in zip(before, after, strict=True) if a != b]
        assert re.sub(r"\d+", "#", old) == re.sub(r"\d+", "#", new)
        for sample, said in ((imagine, new), (idle, None)):
            sentences, imagined = parts(sample)
            assert sentences == before, "the problem as it is"
            fact = re.fullmatch(r"Imagine that (.*), and that everything else .* then\?", imagined)[1]
            if said:
                assert f"{fact[0].upper()}{fact[1:]}." == said, "the same change in the same words"
            else:
                shapes = [re.sub(r"\d+", "#", s.lower()) for s in before]
                assert f"{re.sub(r'[0-9]+', '#', fact.lower())}." in shapes
        assert plain.target == idle.target == plain.params["plain_answer"]
        assert imagine.target == restated.target != plain.target


def test_small_and_large_numbers_are_told_in_the_same_words() -> None:
    _, samples = made(400)
    for group in zip(*[iter(samples)] * 8, strict=True):
        for fact in FACTS:
            small, large = (s for s in group if s.params["fact"] == fact)
            texts = [re.sub(r"\d+", "#", s.messages[0].content) for s in (small, large)]
            assert texts[0] == texts[1]
            assert max(small.params["stated"]) < 100
            assert sum(small.params["stated"]) < sum(large.params["stated"])


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fact", FACTS)
def test_every_answer_is_found_again_from_the_prompt_and_is_no_number_of_it(fact: str, size: str) -> None:
    found = acceptance.row(fact, size, 300)
    assert found["found again"] == found["oracle"] == found["samples"] == 300
    assert found["in the text"] == found["last_number"] == 0
    assert found["shallow"] == found["as plain"] == (300 if fact in ("plain", "idle") else 0)
    most = {"small": 0.04, "large": 0.02}[size]
    assert found["random"] / 300 <= most
    assert found["two_numbers"] / 300 <= most


BY_HAND = [
    ("Nico keeps 7 hens. Each hen lays 9 eggs in the spring. Nico fills as many cartons as possible with the eggs on "
     "hand, 4 eggs to a carton. How many eggs are left over that do not fill a carton?", "3"),
    ("The ferry sets off with 20 adults on board. There are also 4 children on board when the ferry sets off. At the "
     "island of Lund, one in 3 of the passengers on board leaves the ferry. At the island of Orra, 5 passengers leave "
     "the ferry. How many passengers are on board in the end?", "11"),
    ("The water tank of Ada is empty at first. The pump brings 10 litres of water into the tank every minute. 5 litres "
     "of water leak out of the tank every minute while the pump runs. The pump runs for 9 minutes. The tank is full if "
     "it holds 99 litres of water. How many more litres of water can the tank take in?", "54"),
    ("Delia has 9 stamps. Florian has 3 times as many stamps as Delia. Florian has 3 times as many stamps as Viktor. "
     "Hanna has 4 times as many stamps as Viktor. How many stamps do Delia, Florian, Viktor and Hanna have together?",
     "81"),
    ("Edda wants to read a book of 99 pages. Edda reads 6 pages a day at first. Edda keeps to this pace for 4 days. On "
     "a day off, Edda then reads 20% of the pages that are still to be read. Edda spreads all the pages that are still "
     "to be read evenly over 5 days. How many pages does Edda have to read on each of these days?", "12"),
    ("Hector buys 5 notebooks. One notebook costs 8 euros. The shop takes 25% off the whole bill. Hector hands over 52 "
     "euros in notes. How many euros does Hector get back?", "22"),
    ("The mill of the village is 24 years old. The church is 2 times as old as the mill. The church is 4 times as old "
     "as the bridge. The tower is 8 years older than the bridge. The inn is 3 years younger than the tower. What is "
     "the sum of the ages of the bridge, the tower and the inn, in years?", "49"),
    ("Calla bakes 5 trays of rolls. There are 8 rolls on each tray. The café next door buys 13 of the rolls. How many "
     "rolls are on hand in the end?\n\nImagine that there are 9 rolls on each tray, and that everything else in the "
     "text stays as it is. What is the answer to the question then?", "32"),
]  # fmt: skip


@pytest.mark.parametrize(("told", "answer"), BY_HAND)
def test_the_other_way_gives_what_was_worked_out_by_hand(told: str, answer: str) -> None:
    assert acceptance.again(Sample("", "", "", {}, (Message("user", f"Solve.\n\n{told}"),), answer)) == answer


def test_the_steps_in_numbers_are_right_and_end_in_the_answer() -> None:
    _, samples = made(400)
    for sample in samples:
        lines = sample.params["worked"]
        assert len(lines) == sample.params["steps"]
        for line in lines:
            step = parsed(f"x = {line.partition(' = ')[0]}")
            assert str(value(step.tree, {})) == line.partition(" = ")[2]
        assert lines[-1].endswith(f" = {sample.target}")


# The stories ----------------------------------------------------------------------------------------------------------


def test_there_are_hundreds_of_structures_of_seventeen_stories() -> None:
    counts = {steps: sum(len(walks(story, steps)) for story in stories()) for steps in range(2, 7)}
    assert len(stories()) == 17
    assert sum(counts.values()) > 1_000
    assert min(counts.values()) > 50


@pytest.mark.parametrize("story", TOLD, ids=lambda story: story.name)
def test_each_structure_says_all_that_is_needed_and_nothing_that_is_not(story) -> None:
    for steps in range(LENGTHS[0], LENGTHS[1] + 1):
        for walk in walks(story, steps):
            stated = [fact.quantity for fact in walk.facts]
            known, needed = set(stated), set()
            assert len(known) == len(stated)
            for name, tree in walk.steps:
                assert names(tree) <= known, (walk.name, name)
                assert name not in known
                known.add(name)
                needed |= names(tree)
            assert known - needed == {walk.steps[-1].name}, "the question asks for the one that nothing follows from"
            gaps = set(re.findall(r"\{([A-D])\}", walk.question))
            assert gaps <= set(re.findall(r"\{([A-D])\}", " ".join(f.text for p in walk.parts for f in p.facts)))


@pytest.mark.parametrize("story", TOLD, ids=lambda story: story.name)
def test_sentences_can_stand_behind_imagine_that_and_are_told_apart(story) -> None:
    facts = [fact for part in story.parts for fact in part.facts] + list(story.idle)
    for fact in facts:
        assert fact.text[0] == "{" or fact.text[0].islower()
        assert not fact.text.endswith(".")
        assert not re.search(r"\b(he|she|his|hers|him|her)\b", fact.text), "people are called by their names"
    assert {fact.quantity for fact in story.idle} == {"z"}
    assert all(len({fact.text for fact in part.facts}) == len(part.facts) for part in story.parts)


def test_a_quantity_that_is_not_whole_or_not_above_zero_is_none() -> None:
    for step in ("x = a / b", "x = b - a", "x = a - a", "x = a % a", "x = (a / b) * b"):
        assert computed([parsed(step)], {"a": 7, "b": 2}, 100) is None
    assert computed([parsed("x = a * b")], {"a": 7, "b": 2}, 13) is None
    assert computed([parsed("x = a * b - a % b")], {"a": 7, "b": 2}, 13)["x"] == 13
    for wrong in ("x", "x = ", "x = a ** b", "x = f(a)", "2 = a", "x = a.b", "x = True"):
        with pytest.raises((ValueError, SyntaxError)):
            parsed(wrong)


@given(st.recursive(st.integers(1, 9), lambda t: st.tuples(st.sampled_from("+-*"), t, t), max_leaves=8))
@settings(deadline=None, max_examples=50)
def test_a_tree_is_written_as_it_is_meant(tree) -> None:
    again = parsed(f"x = {written(tree, {})}").tree
    assert value(again, {}) == value(tree, {})


# The two worlds -------------------------------------------------------------------------------------------------------


@given(st.integers(0, 10**9))
@settings(deadline=None, max_examples=15)
def test_each_quantity_is_whole_and_above_zero_and_in_the_story_s_bounds(seed: int) -> None:
    for sample in made(40, seed)[1]:
        results = [line.rpartition(" = ")[2] for line in sample.params["worked"]]
        assert all(result.isdecimal() and int(result) > 0 for result in results)
        assert max(map(int, results)) <= {"small": 999, "large": 99_999}[sample.params["size"]]


def test_neither_world_is_larger_than_the_other_as_a_rule() -> None:
    _, samples = made(8_000, fact="imagine")
    larger = sum(int(s.target) > int(s.params["plain_answer"]) for s in samples)
    assert larger / len(samples) == pytest.approx(0.5, abs=0.025)


def test_a_problem_does_not_depend_on_which_conditions_are_asked() -> None:
    alone = {s.id: s for s in made(40, fact="idle", size="large", steps_of="4")[1]}
    among = {s.id: s for s in made(600)[1]}
    shared = alone.keys() & among.keys()
    assert len(shared) > 10
    assert all(alone[i] == among[i] for i in shared)


def test_same_seed_same_samples_and_neighbouring_seeds_share_none() -> None:
    assert made(100, 5)[1] == made(100, 5)[1]
    texts = [{s.messages[0].content for s in made(400, seed)[1]} for seed in (1, 2)]
    assert not texts[0] & texts[1]


def test_conditions_are_matched() -> None:
    task, samples = made()
    assert audit.warnings(audit.audit(task, samples)) == []


def test_examples_are_worked_out_in_the_sample_s_form_and_share_nothing_with_samples() -> None:
    task, samples = made(80)
    names_of = {name for s in samples for name in re.findall(r"\b[A-Z][a-z]+\b", parts(s)[0][0])}
    for sample in samples:
        for prompt, answer in itertools.islice(task.examples(sample, random.Random(1)), 3):
            assert ("Imagine that" in prompt) == (sample.params["fact"] in ("imagine", "idle"))
            *lines, last = answer.split("\n")
            assert len(lines) == sample.params["steps"]
            assert last == f"Answer: {lines[-1].rpartition(' = ')[2]}"
            assert "letters" in prompt
            assert not {"Hanna", "Silas"} & names_of & set(re.findall(r"\w+", prompt))
    first = [next(task.examples(s, random.Random(1))).prompt.split("\n\n")[1] for s in samples[:4]]
    assert first[0] == first[2] == first[3], "samples of one group get the same examples"
    assert len(list(itertools.islice(task.examples(None, random.Random(2)), 20))) == 20


# Scoring --------------------------------------------------------------------------------------------------------------

MOVED = {"fact": "imagine", "size": "small", "answer": "1250", "plain_answer": "27", "stated": (5, 8)}


@pytest.mark.parametrize(
    ("response", "outcome", "gives"),
    [
        ("Answer: 1250", "correct", "right"),
        ("Answer: 1,250", "correct", "right"),
        ("Answer: $1,250.00", "correct", "right"),
        ("5 * 250 = 1250\n\n**Answer: 1250 euros**", "correct", "right"),
        ("First 5 * 5 = 25, so 25 * 50 = 1250.\nAnswer: 1250.", "correct", "right"),
        ("1250 euros", "correct", "right"),
        ("1250 more litres", "correct", "right"),
        ("€1,250", "correct", "right"),
        ("In the end there are 1250 rolls on hand.", "correct", "right"),
        ("The answer was 27. Now it is different.\nAnswer: 1250", "correct", "right"),
        ("Answer: 27", "wrong", "plain"),
        ("Answer: twenty-seven", "wrong", "plain"),
        ("Answer: 1250.5", "wrong", "another"),
        ("Answer: 12", "wrong", "another"),
        ("Answer: 27 or 1250", "unparsed", None),
        ("", "unparsed", None),
    ],
)
def test_responses_are_read_as_a_person_would(response: str, outcome: str, gives: str | None) -> None:
    score = Imagine().score(MOVED, response)
    assert (score.outcome, score.detail.get("gives")) == (Outcome(outcome), gives)


def test_where_nothing_changed_the_plain_answer_is_right() -> None:
    score = Imagine().score(MOVED | {"answer": "27"}, "Answer: 27")
    assert (score.value, score.detail) == (1, {"gives": "right"})


@given(st.text(max_size=200), st.sampled_from(("stop", "length", "content_filter")))
@settings(deadline=None, max_examples=60)
def test_any_text_has_a_score(text: str, stop: str) -> None:
    assert Imagine().score(MOVED, text, stop).outcome in Outcome


@pytest.mark.parametrize("params", [{}, MOVED | {"answer": 7}, MOVED | {"answer": "x"}, MOVED | {"plain_answer": None}])
def test_params_that_are_no_sample_s_are_said(params: dict) -> None:
    with pytest.raises(DataError, match="params"):
        Imagine().score(params, "Answer: 7")


def test_a_baseline_needs_the_numbers_of_the_text() -> None:
    sample = Sample("", "", "", {key: MOVED[key] for key in ("answer", "plain_answer")}, (), "1250")
    with pytest.raises(DataError, match="stated"):
        Imagine().baseline("random", sample, random.Random(0))


def table(kind: str, samples: list[Sample]) -> dict[str, tuple[str, ...]]:
    """The rows of a run's table if everything is answered by a baseline: condition -> columns."""
    task = Imagine()
    tally = task.collector()
    for sample in samples:
        scored = task.score(sample.params, task.baseline(kind, sample, random.Random(sample.id)))
        record = {"params": sample.params, "group": sample.group, "condition": sample.condition, "epoch": 1}
        record |= {"outcome": scored.outcome.value, "value": scored.value, "answer": scored.answer}
        tally.add(record)
    return {row[0]: row[1:] for extra in tally.tables() for row in extra.rows}


def test_a_run_has_a_table_of_answers_that_stay_and_answers_that_move() -> None:
    samples = made(160)[1]
    oracle, shallow, random_ = (table(kind, samples) for kind in ("oracle", "shallow", "random"))
    assert "plain/small" not in oracle
    assert [cell[:5] for cell in oracle["imagine/large"]] == ["0.000", "1.000", "0.000"]
    assert [cell[:5] for cell in oracle["idle/large"]] == ["1.000", "0.000", "1.000"]
    assert all([cell[:5] for cell in row] == ["1.000", "0.000", "1.000"] for row in shallow.values())
    assert random_["idle/large"][1].startswith("1.000")
    assert table("oracle", [s for s in samples if s.params["fact"] == "plain"]) == {}
    assert table("oracle", [s for s in samples if s.params["fact"] == "idle"])["idle/small"][2] == ""


def test_unknown_options_are_said() -> None:
    for options in ({"fact": "dream"}, {"size": "huge"}, {"steps_of": "7"}):
        with pytest.raises(UsageError):
            build(Imagine, options, "task imagine")
