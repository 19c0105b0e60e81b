"""Plans in the making: one action a step, in every world and language, and what can still come of them, exactly."""

import asyncio
import itertools
import random

import pytest

from harness.strategies.tot import ToT
from harness.tasks.planning import in_steps, scoring
from harness.tasks.planning.domain_tasks import Blocksworld, Gripper
from harness.tasks.planning.instances import after, compiled
from harness.tasks.planning.rendering import NO_PLAN, Rendering
from harness.types import Sample
from tests.strategies.scripted import Scripted

TASK = Blocksworld(prompt=("nl", "pddl"))


def samples() -> list[Sample]:
    return list(itertools.islice(TASK.samples(0), 6))


def lines_of(sample: Sample) -> list[str]:
    return [line.partition(". ")[2] or line for line in sample.target.split("\n")]


@pytest.mark.parametrize("sample", samples(), ids=lambda s: s.condition)
def test_a_plan_can_be_made_action_by_action_in_the_samples_own_words(sample: Sample) -> None:
    partial, values = "", []
    for line in [*lines_of(sample), "Done."]:
        asked = TASK.steps(sample.params, partial, 5)
        assert asked is not None
        assert partial in asked[0].content
        values.append(TASK.judge(sample.params, partial))
        partial = TASK.join(partial, line)
    assert TASK.steps(sample.params, partial, 5) is None
    assert TASK.judge(sample.params, partial) == 1
    assert TASK.score(sample.params, partial).outcome == "correct"
    assert values == sorted(values), "each action of a shortest plan comes nearer"
    assert partial.removesuffix("\nDone.") == sample.target


@pytest.mark.parametrize("sample", samples(), ids=lambda s: s.condition)
def test_the_prompt_says_what_the_samples_prompt_says(sample: Sample) -> None:
    [asked] = TASK.steps(sample.params, "", 5)
    question = sample.messages[0].content
    assert asked.content.startswith(question[: question.index("Give a plan")])


def test_the_prompt_does_not_tell_the_state_that_the_actions_lead_to() -> None:
    sample = samples()[0]
    [before], [later] = (TASK.steps(sample.params, p, 5) for p in ("", TASK.join("", lines_of(sample)[0])))
    assert before.content.partition("No action")[0] == later.content.partition("These actions")[0]


def test_what_can_not_be_executed_or_read_or_ends_too_early_is_worth_nothing() -> None:
    sample = samples()[0]
    first, second, *_ = lines_of(sample)
    assert TASK.judge(sample.params, TASK.join("", second)) == 0
    assert TASK.judge(sample.params, TASK.join(TASK.join("", first), "hope for the best")) == 0
    assert TASK.judge(sample.params, TASK.join(TASK.join("", first), "done")) == 0
    assert TASK.judge(sample.params, NO_PLAN) == 0


def test_values_agree_with_a_search_from_each_state() -> None:
    """Independent of the backward pass: forward, breadth-first, from states of random walks."""
    sample = samples()[0]
    validator = compiled(scoring.world_of(sample.params), str(sample.params["problem"]))
    left = in_steps.distances(scoring.world_of(sample.params), str(sample.params["problem"]))
    assert left is not None
    goal, rng = {s for s, d in left.items() if d == 0}, random.Random(1)
    for _ in range(6):
        state = validator.problem.init
        for _ in range(rng.randint(0, 9)):
            state = after(validator, state, [rng.choice(validator.applicable(state))])
        level, seen, depth = {state}, {state}, 0
        while not level & goal:
            level = {after(validator, s, [step]) for s in level for step in validator.applicable(s)} - seen
            seen |= level
            depth += 1
        assert left[state] == depth


@pytest.mark.parametrize("task", [TASK, Gripper(balls=2)], ids=lambda t: t.name)
def test_with_an_exact_judge_one_plan_in_the_making_is_enough(task) -> None:
    """Every action that can be taken is proposed, in any order: the value leads to the goal by a shortest plan."""
    for sample in itertools.islice(task.samples(0), 6):
        world, rng = scoring.world_of(sample.params), random.Random(sample.id)
        validator = compiled(world, str(sample.params["problem"]))
        says = Rendering(world, world, {}, sample.params["prompt"] == "nl")

        def reply(prompt: str, time: int, world=world, validator=validator, says=says, rng=rng) -> str:
            done = prompt.partition("so far:\n")[2].partition("\n\n")[0]
            steps = in_steps.steps_of(world, validator, done)
            actions = [says.said(a) for a in validator.applicable(after(validator, validator.problem.init, steps))]
            rng.shuffle(actions)
            return "\n".join(["Done.", *actions])

        session = Scripted(reply, task, dict(sample.params))
        text = asyncio.run(ToT(b=1, evaluate="judge").solve(session)).text
        score = task.score(sample.params, text)
        assert (score.outcome, score.detail["optimal"]) == ("correct", True)


def test_a_detour_is_right_unless_the_fewest_actions_are_asked_for() -> None:
    task = Blocksworld(ability=("plan_generation", "plan_optimality"), rename=("plain",))
    for sample in itertools.islice(task.samples(0), 2):
        world = scoring.world_of(sample.params)
        validator = compiled(world, str(sample.params["problem"]))
        state, says = validator.problem.init, Rendering(world, world, {}, nl=True)
        there = next(step for step in validator.applicable(state))
        back = next(s for s in validator.applicable(after(validator, state, [there]))
                    if after(validator, state, [there, s]) == state)  # fmt: skip
        partial = says.plan((there, back))
        value = task.judge(sample.params, partial)
        assert (value == 0) == (sample.params["ability"] == "plan_optimality")


def test_if_no_plan_exists_to_say_so_is_right_at_any_step() -> None:
    task = Blocksworld(rename=("plain",), solvable=("no",))
    sample = next(task.samples(0))
    [asked] = task.steps(sample.params, "", 3)
    assert NO_PLAN in asked.content
    said = task.join("1. Pick up the red block", "No plan exists.")
    assert said == NO_PLAN
    assert task.judge(sample.params, said) == 1
    assert task.steps(sample.params, said, 3) is None
    assert task.score(sample.params, said).outcome == "correct"


def test_other_abilities_and_problems_that_are_too_large_have_no_exact_value(monkeypatch) -> None:
    task = Blocksworld(ability=("plan_verification",), rename=("plain",))
    sample = next(task.samples(0))
    assert task.steps(sample.params, "", 3) is None
    assert task.judge(sample.params, "") is None
    monkeypatch.setattr(in_steps, "MOST_STATES", 10)
    sample = next(Gripper(rename=("plain",)).samples(0))
    assert Gripper().judge(sample.params, "") is None
