"""Controls of planning: plans of changed instances are executed, old ones fail, and names keep what they say."""

import itertools
import random
import re
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins
from harness.pddl.execute import read_plan
from harness.pddl_domains import plain
from harness.tasks.planning import solutions
from harness.tasks.planning.controls import _STATED, _in_pddl
from harness.tasks.planning.instances import compiled, from_problem
from harness.tasks.planning.scoring import world_of
from harness.types import Sample, Task

SMALL = {
    "blocksworld": {}, "gripper": {"balls": "2"}, "logistics": {"packages": "1"}, "hanoi": {"discs": "3"},
    "river": {"pairs": "2"}, "checkers": {"checkers": "2"},
}  # fmt: skip


@cache
def made(domain: str, ability: str = "plan_generation") -> tuple[Task, list[Sample]]:
    task = plugins.task(domain, {**SMALL[domain], "prompt": "nl,pddl", "ability": ability})
    return task, list(itertools.islice(task.samples(0), 36))


def goal_of(sample: Sample) -> set[tuple[str, ...]]:
    problem = compiled(world_of(sample.params), str(sample.params["problem"])).problem
    return set(from_problem(problem, "test").goal)


@pytest.mark.parametrize("prompt", ["nl", "pddl"])
def test_a_goal_that_is_told_again_in_another_order_still_is_if_orders_are_others(prompt: str) -> None:
    task = plugins.task("blocksworld", {"ability": "goal_shuffling", "prompt": prompt})
    for sample in itertools.islice(task.samples(0), 40):
        found = task.reworded(sample, "order", random.Random(sample.id))
        assert found is not None
        first, second = _STATED.findall(found.messages[0].content)
        facts = [re.findall(r"\([^()]*\)|(?<=- )\w.*", goal) for goal in (first, second)]
        assert sorted(facts[0]) == sorted(facts[1])
        assert facts[0] != facts[1]


@settings(max_examples=20)
@given(domain=st.sampled_from(sorted(SMALL)), index=st.integers(0, 35), seed=st.integers(0, 999))
def test_a_plan_of_a_changed_goal_is_executed_and_the_old_one_fails(domain: str, index: int, seed: int) -> None:
    task, samples = made(domain)
    sample = samples[index]
    found = task.changed(sample, "fact", random.Random(seed))
    assert found is not None
    most = 3 if domain == "blocksworld" else 1  # a tower of all blocks has no block to spare: two change places
    assert 1 <= len(goal_of(found) - goal_of(sample)) <= most
    assert task.score(found.params, found.target).detail["optimal"], "the new plan works and has the fewest steps"
    assert not task.score(found.params, sample.target).detail["goal"], "the old one reaches the old goal"
    if sample.params["prompt"] == "pddl":
        validator = compiled(world_of(found.params), str(found.params["problem"]))
        assert validator.validate(read_plan(found.target)).valid


def test_the_fewest_steps_are_those_of_another_solver() -> None:
    task, samples = made("blocksworld")
    for sample in [s for s in samples if s.params["world"] == "plain"]:
        found = task.changed(sample, "fact", random.Random(0))
        assert found is not None
        problem = compiled(world_of(found.params), str(found.params["problem"])).problem
        plan = solutions.shortest(plain("blocksworld"), from_problem(problem, "test"))
        assert plan is not None
        assert len(plan) == found.params["optimal_cost"]


def test_without_a_plan_or_with_the_goal_in_use_there_is_no_change() -> None:
    task = plugins.task("blocksworld", {"solvable": "no"})
    assert all(task.changed(s, "fact", random.Random(0)) is None for s in itertools.islice(task.samples(0), 6))
    task, samples = made("blocksworld", "replanning")
    assert all(task.changed(s, "fact", random.Random(0)) is None for s in samples[:6])


@pytest.mark.parametrize("domain", SMALL)
def test_renamed_objects_are_of_the_same_kind_and_keep_sizes_and_places(domain: str) -> None:
    task, samples = made(domain)
    for sample in samples[:12]:
        found = task.reworded(sample, "names", random.Random(0))
        assert found is not None
        before, after = (
            compiled(world_of(s.params), str(s.params["problem"])).problem.objects for s in (sample, found)
        )
        assert list(before.values()) == list(after.values())
        same = all(re.fullmatch(r"o\d+", name) for name in before)
        assert (set(before) == set(after)) == same, "o1, o2, ... change places, others are new"
        kept = [name for name in before if re.fullmatch(r"(?:disc|cell)\d+", name)]
        assert kept == [name for name in after if re.fullmatch(r"(?:disc|cell)\d+", name)]


def test_the_letter_a_is_a_name_within_parentheses_alone() -> None:
    text = "Give a plan (a is wanted).\n(on a b)\nThe objects are a - block, b - block.\nAnswer with one action a line."
    other = (
        "Give a plan (c is wanted).\n(on c d)\nThe objects are c - block, d - block.\nAnswer with one action a line."
    )
    assert _in_pddl(text, {"a": "c", "b": "d"}) == other


@pytest.mark.parametrize("ability", ["plan_verification", "plan_execution", "progression", "validation", "landmarks"])
def test_what_is_asked_about_is_another_thing_with_another_answer(ability: str) -> None:
    task, samples = made("blocksworld", ability)
    for sample in samples[:12]:
        found = task.changed(sample, "fact", random.Random(0))
        assert found is not None
        before, after = (s.messages[0].content.split("\n") for s in (sample, found))
        assert len(before) == len(after)
        assert sum(a != b for a, b in zip(before, after, strict=True)) <= (2 if ability == "validation" else 1)
        assert found.target != sample.target
        assert goal_of(found) == goal_of(sample)
