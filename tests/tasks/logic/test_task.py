"""What all kinds of logic have in common: options, groups and conditions, two solvers, floors of shallow readers."""

import dataclasses
import itertools
import random
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import DataError, UsageError
from harness.options import build
from harness.reading.styles import styles_for
from harness.results.audit import audit, warnings
from harness.results.evenness import expectation
from harness.tasks.logic import in_steps, scoring
from harness.tasks.logic.every import KINDS
from harness.tasks.logic.kinds import FACTORS, YES_NO, YES_NO_UNKNOWN
from harness.tasks.logic.measures import Beside
from harness.tasks.logic.task import Logic
from harness.types import Outcome


def logic(**options: str) -> Logic:
    return build(Logic, options, "task logic")


WIDE = {"names": "all", "order": "all", "distractors": "all", "polarity": "positive,negated"}


def wide(kind: str) -> Logic:
    """The kind with all levels that it has of these factors."""
    return logic(kind=kind, **{factor: levels for factor, levels in WIDE.items() if factor in KINDS[kind].levels})


def samples(task: Logic, limit: int, seed: int = 0):
    return list(itertools.islice(task.samples(seed), limit))


def groups(task: Logic, limit: int):
    return [list(g) for _, g in itertools.groupby(samples(task, limit), key=lambda s: s.group)]


def test_all_kinds_come_in_turn_so_that_any_limit_sees_them() -> None:
    task = logic()
    first = [g[0].params["kind"] for g in groups(task, task.limit)]
    assert first[: len(KINDS)] == list(KINDS)
    assert Counter(first) == dict.fromkeys(KINDS, 25)


@pytest.mark.parametrize("kind", KINDS)
def test_samples_of_a_group_stand_together_with_ids_and_conditions_of_their_own(kind: str) -> None:
    made = groups(wide(kind), 400)
    assert len({s.id for g in made for s in g}) == sum(map(len, made))
    for group in made:
        assert len({s.condition for s in group}) == len({tuple(s.params[f] for f in FACTORS) for s in group})
        assert all(s.params["kind"] == kind and s.params["answer"] == s.target for s in group)
        assert all(s.target in s.params["choices"] for s in group)


@pytest.mark.parametrize("kind", KINDS)
def test_a_problem_is_the_same_whatever_else_is_asked(kind: str) -> None:
    some = {"names": "nonsense"} if "names" in KINDS[kind].levels else {"belief": "violating"}
    every = {s.id: s for s in samples(logic(kind=kind, **dict.fromkeys(some, "all")), 200)}
    assert all(every[s.id] == s for s in samples(logic(kind=kind, **some), 20))


@settings(max_examples=25, deadline=None)
@given(kind=st.sampled_from(list(KINDS)), seed=st.integers(0, 10**6))
def test_the_second_solver_reads_the_text_alone_and_agrees(kind: str, seed: int) -> None:
    task = wide(kind)
    for sample in samples(task, 12, seed):
        question = {k: v for k, v in sample.params.items() if k != "answer" and (k == "kind" or k not in FACTORS)}
        assert KINDS[kind].solve(question) == sample.target


@pytest.mark.parametrize("kind", KINDS)
def test_the_oracle_is_right_and_random_is_near_its_chance(kind: str) -> None:
    task, rng = logic(kind=kind), random.Random(0)
    made = samples(task, 600)
    assert all(task.score(s.params, task.baseline("oracle", s, rng)).value == 1 for s in made)
    chance = sum(1 / len(s.params["choices"]) for s in made) / len(made)
    right = sum(task.score(s.params, task.baseline("random", s, rng)).value for s in made) / len(made)
    assert right == pytest.approx(chance, abs=0.06)


def share(kind: str, reader: str, limit: int = 1200, **options: str) -> float:
    task, rng = logic(kind=kind, **options), random.Random(0)
    made = samples(task, limit)
    return sum(task.score(s.params, task.baseline(reader, s, rng)).value for s in made) / len(made)


@pytest.mark.parametrize(
    ("kind", "reader", "floor", "options"),
    [
        ("lookup", "shallow", 1 / 3, {}),
        ("lookup", "frequent", 1 / 3, {}),
        ("lookup", "nearest", 1 / 3, {}),
        ("colours", "shallow", 1 / 4, {}),
        ("colours", "last", 1 / 4, {}),
        ("induction", "shallow", 1 / 2, {}),
        ("rules", "shallow", 1 / 2, {"world": "closed"}),
        ("rules", "body", 1 / 2, {"depth": "2-6"}),
        ("rules", "whole-body", 1 / 2, {"depth": "2-6"}),
        ("rules", "last-rule", 1 / 2, {"depth": "2-6"}),
        ("rules", "overlap", 1 / 2, {"depth": "2-6"}),
        ("rules", "one-back", 1 / 2, {"depth": "2-6"}),
        ("kinship", "shallow", 1 / 11, {}),
        ("entailment", "shallow", 1 / 2, {}),
    ],
)
def test_shallow_readers_are_at_their_floor(kind: str, reader: str, floor: float, options: dict) -> None:
    assert share(kind, reader, **options) == pytest.approx(floor, abs=0.05)


@pytest.mark.parametrize("choices", [YES_NO, YES_NO_UNKNOWN])
def test_answers_of_the_closed_list_are_read_in_every_style(choices: tuple[str, ...]) -> None:
    for answer, other in itertools.permutations(choices, 2):
        params = {"choices": list(choices), "answer": answer}
        for style, right in itertools.product(styles_for(answer, other), (True, False)):
            text, expected = expectation(style, answer, other, right)
            assert scoring.closed(params, text, style.stop_reason).outcome is expected, (style.name, text)


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("It cannot be determined from the facts.", "unknown"),
        ("True.", "yes"),
        ("That is false, so the answer is no.", "no"),
    ],
)
def test_usual_words_for_an_answer_are_read(text: str, answer: str) -> None:
    assert scoring.closed({"choices": YES_NO_UNKNOWN, "answer": answer}, text, "stop").outcome is Outcome.CORRECT


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_without_a_mark_is_not_lost_to_another_question(kind: str) -> None:
    """The facts of that question are no answer, whether it is all there or breaks off."""
    task = logic(kind=kind)
    first = samples(task, 24)
    for sample, other in itertools.pairwise(first):
        text = other.messages[-1].content
        for said in (f"So {sample.target}.\n\n{text}", f"{sample.target}\n\n{text.split('Question: ')[0]}"):
            assert task.score(sample.params, said).outcome is Outcome.CORRECT, said


def test_a_rule_that_is_hidden_ends_an_answer() -> None:
    first, other = samples(logic(kind="induction"), 2)
    examples = other.messages[-1].content.split("Question: ")[0]
    assert Logic().score(first.params, f"So {first.target}.\n\n{examples}").outcome is Outcome.CORRECT


def test_a_plural_is_as_good_as_the_word_asked_for() -> None:
    sample = samples(logic(kind="lookup", names="familiar"), 1)[0]
    plural = dict(zip(sample.params["choices"], sample.params["also"], strict=True))[sample.target]
    assert Logic().score(sample.params, f"So the final answer is {plural}.").outcome is Outcome.CORRECT


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200), index=st.integers(0, 60))
def test_no_text_makes_the_scorer_fail(text: str, index: int) -> None:
    task = Logic()
    sample = FIRST[index % len(FIRST)]
    task.score(sample.params, text)
    task.judge(sample.params, text)
    task.join(text, text)
    task.feedback(sample.params, text, "all-errors")


FIRST = samples(Logic(), 90)


def test_params_that_are_not_those_of_a_sample_are_an_error() -> None:
    with pytest.raises(DataError, match=r"params\.answer"):
        Logic().score({"choices": ["yes"]}, "yes")
    with pytest.raises(DataError, match=r"params\.choices"):
        Logic().score({"answer": "yes"}, "yes")
    with pytest.raises(DataError, match=r"params\.kind"):
        Logic().judge({}, "yes")
    for kind in KINDS:
        own = {"kind": kind, "answer": "yes", "choices": ["yes", "no"]}
        for asked in (
            lambda own=own: Logic().judge(own, "yes"),
            lambda own=own: Logic().steps(own, "", 1),
            lambda own=own: Logic().feedback(own, "yes", "verdict"),
        ):
            with pytest.raises(DataError, match=r"params\.question"):
                asked()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "lookup", "depth": "9"}, "lookup has no depth 9"),
        ({"kind": "lookup", "names": "misleading"}, "lookup has no misleading"),
        ({"kind": "lookup", "names": "familiar,misleading"}, "lookup has no misleading"),
        ({"kind": "argument", "distractors": "same_predicate,same_entity"}, "argument has no same_entity"),
        ({"kind": "sat", "order": "forward"}, "option order has no effect on kind sat"),
        ({"kind": "syllogism,argument", "depth": "2"}, "option depth has no effect on kind syllogism, argument"),
        ({"kind": "looks"}, "there is no 'looks'"),
        ({"depth": "x"}, "not a number or a range"),
    ],
)
def test_what_a_kind_does_not_have_is_said(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        logic(**options)


@pytest.mark.parametrize("kind", KINDS)
def test_an_option_is_refused_by_a_kind_that_does_not_look_at_it_and_by_no_other(kind: str) -> None:
    other = {"names": "nonsense", "belief": "violating", "polarity": "negated", "order": "forward",
             "distractors": "same_predicate", "world": "open", "depth": "2"}  # fmt: skip
    for name, level in other.items():
        if name in KINDS[kind].levels or (name == "depth" and KINDS[kind].depths):
            logic(kind=kind, **{name: level})
        else:
            with pytest.raises(UsageError, match=f"option {name} has no effect on kind {kind}"):
                logic(kind=kind, **{name: level})


def test_an_option_is_right_if_one_of_several_kinds_takes_it() -> None:
    assert logic(kind="sat,kinship", order="forward,backward").order == ("forward", "backward")
    assert logic(kind="syllogism,sat", depth="3").depth == "3"
    assert logic(kind="sat", names="all").names == ("familiar", "nonsense", "misleading")


def test_options_take_other_usual_words() -> None:
    assert logic(world="cwa").world == ("closed",)
    assert logic(kind="all").kind == tuple(KINDS)


def test_nothing_differs_between_conditions_but_what_is_declared() -> None:
    task = logic(kind="rules,kinship,entailment,induction,colours,lookup", order="all", names="familiar,nonsense")
    assert not warnings(audit(task, [s for g in groups(task, 900)[:-1] for s in g]))


@pytest.mark.parametrize("kind", KINDS)
def test_worked_examples_are_of_the_sample_s_kind_and_end_as_asked(kind: str) -> None:
    task = logic(kind=kind)
    sample = samples(task, 1)[0]
    shown = list(itertools.islice(task.examples(sample, random.Random(1)), 12))
    assert shown == list(itertools.islice(task.examples(sample, random.Random(1)), 12))
    assert all(example.answer.startswith("Answer: ") for example in shown)
    assert sample.messages[-1].content not in {example.prompt for example in shown}
    assert len({example.answer for example in shown}) > 1
    assert next(task.examples(None, random.Random(0)))


def test_floors_and_depths_stand_beside_a_model_s_accuracy() -> None:
    collector = Beside()
    for sample in samples(logic(kind="rules"), 400):
        deep = sample.params["depth"] > 2
        record = {"outcome": "wrong" if deep else "correct", "value": float(not deep), "epoch": 1, "answer": "no"}
        collector.add(dataclasses.asdict(sample) | record)
    tables = {extra.title: extra for extra in collector.tables()}
    floors = {row[1]: row for row in tables["the model beside shallow readers"].rows}
    assert set(floors) == {"model", *KINDS["rules"].readers}
    assert floors["shallow"][2:] == ("400", floors["body"][3]), "both are at one half"
    assert {row[1] for row in tables["accuracy by depth"].rows} == {"1", "2", "3", "4", "5"}
    assert tables["depth at which accuracy is halfway from guessing to 1"].rows


def test_a_problem_is_right_in_all_orders_only_if_each_is() -> None:
    collector = Beside()
    for sample in samples(logic(kind="lookup", order="all", names="familiar"), 60):
        right = sample.params["order"] != "backward"
        outcome = {"outcome": "correct" if right else "wrong", "value": float(right), "epoch": 1, "answer": "x"}
        collector.add(dataclasses.asdict(sample) | outcome)
    [row] = {extra.title: extra for extra in collector.tables()}["right in all orders of the premises"].rows
    assert (row[0], row[1], row[2][:5], row[3][:5]) == ("lookup", "20", "0.667", "0.000")


def test_how_often_unknown_is_said_stands_beside_how_often_it_is_right() -> None:
    collector = Beside()
    for sample in samples(logic(kind="rules", world="open", names="familiar"), 80):
        outcome = {"outcome": "wrong", "value": 0.0, "epoch": 1, "answer": "unknown"}
        collector.add(dataclasses.asdict(sample) | outcome)
    [row] = {extra.title: extra for extra in collector.tables()}['how often the answer is "unknown"'].rows
    assert (row[0], row[1], *(cell[:5] for cell in row[2:])) == ("rules/open", "80", "1.000", "1.000", "1.000")


def test_a_step_is_one_line_with_words() -> None:
    assert in_steps.join("", "1. The box is red.\nThe box is old.") == "The box is red."
    assert in_steps.join("The box is red.", "- ") == "The box is red."
    assert in_steps.join("a", "b" * 400) == "a"
