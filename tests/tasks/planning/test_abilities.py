"""The abilities of PlanBench: every question has its answer, and shortcuts do not pass for it."""

import hashlib
import itertools
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.options import build
from harness.pddl.execute import Validator
from harness.pddl_domains import plain
from harness.tasks.planning.cases import ABILITIES
from harness.tasks.planning.domain_tasks import Blocksworld
from harness.tasks.planning.instances import compiled
from harness.tasks.planning.scoring import world_of
from harness.types import Outcome, Sample, StopReason
from tests.tasks.planning.test_task import answer, samples

UNFIT = {
    "checkers": {"partial_to_full", "replanning"},
    "hanoi": {"partial_to_full"},
    "river": {"partial_to_full"},
    "sokoban": {"goal_shuffling"},
}
"""A goal of one fact can't be shuffled, that of a puzzle is a whole state, and checkers don't come back."""


@pytest.mark.parametrize("ability", ABILITIES)
@pytest.mark.parametrize("domain", ["blocksworld", "logistics"])
def test_the_oracle_is_right_in_every_world_and_prompt(ability: str, domain: str) -> None:
    task, made = samples(30, domain=domain, ability=ability, prompt="nl,pddl")
    assert {s.condition for s in made} == {
        f"{ability}/{world}/{prompt}" for world in ("plain", "mystery", "random") for prompt in ("nl", "pddl")
    }
    assert [answer(task, s, "oracle") for s in made] == [1.0] * 30


@pytest.mark.parametrize("domain", ["checkers", "depots", "gripper", "hanoi", "river", "sokoban"])
def test_the_oracle_is_right_on_all_abilities_of_the_other_domains(domain: str) -> None:
    unfit = UNFIT.get(domain, set())
    abilities = ",".join(a for a in ABILITIES if a not in unfit)
    size = {"pairs": "4", "boat": "3"} if domain == "river" else {}
    task, made = samples(60, domain=domain, ability=abilities, rename="plain,random", **size)
    assert [answer(task, s, "oracle") for s in made] == [1.0] * 60


@pytest.mark.parametrize(("domain", "ability"), [(d, a) for d in UNFIT for a in sorted(UNFIT[d])])
def test_what_does_not_fit_the_instances_is_said(domain: str, ability: str) -> None:
    with pytest.raises(UsageError, match=ability):
        samples(1, domain=domain, ability=ability)


RELEASED = {
    "blocksworld": "392b832b33a173be",
    "depots": "fe9ad0b179ff1380",
    "gripper": "c90597fa9783d7e7",
    "logistics": "8e6c3f3c531d2791",
    "sokoban": "3cd421bbf5e4cbe7",
}
"""The digest of 24 prompts of each ability of a domain, in three worlds, in words and in PDDL."""


@pytest.mark.parametrize("domain", RELEASED)
def test_the_prompts_that_were_released_stay_as_they_are(domain: str) -> None:
    """Runs of the same version of a task are compared sample by sample."""
    digest = hashlib.sha256()
    for ability in (a for a in ABILITIES if a not in UNFIT.get(domain, ())):
        for sample in samples(24, domain=domain, ability=ability, prompt="nl,pddl")[1]:
            digest.update("\0".join([sample.id, *(m.content for m in sample.messages), sample.target]).encode())
    assert digest.hexdigest()[:16] == RELEASED[domain]


def group_of(ability: str, limit: int = 40) -> list[Sample]:
    return samples(limit, ability=ability, rename="plain", blocks="5")[1]


def problem(sample: Sample) -> tuple[Validator, list[tuple[str, ...]]]:
    """The problem asked about, and the plan that the prompt shows."""
    validator = compiled(plain("blocksworld"), str(sample.params["problem"]))
    shown = [tuple(line.strip("()").split()) for line in str(sample.params.get("plan", "")).splitlines()]
    return validator, shown


def test_plans_to_verify_are_of_three_kinds_and_as_long_as_right_ones() -> None:
    made = group_of("plan_verification", 120)
    kinds = Counter(s.params["plan_kind"] for s in made)
    assert set(kinds) == {"valid", "precondition", "goal"}
    assert min(kinds.values()) > 20
    for sample in made:
        validator, shown = problem(sample)
        verdict = validator.validate(shown)
        assert (verdict.reason or "valid") == sample.params["plan_kind"]


def test_an_executed_walk_never_ends_where_it_began() -> None:
    for sample in group_of("plan_execution"):
        validator, shown = problem(sample)
        assert validator.validate(shown).state != validator.problem.init


def test_a_copy_of_the_shown_plan_does_not_solve_what_must_be_planned_anew() -> None:
    for ability in ("partial_to_full", "plan_reuse", "replanning"):
        task, made = samples(40, ability=ability, rename="plain,mystery", blocks="5")
        assert {answer(task, s, "shallow") for s in made} == {0.0}


def test_a_shuffled_goal_is_the_same_goal_in_another_order() -> None:
    for sample in group_of("goal_shuffling"):
        first, second = sample.messages[0].content.split("Now everything")
        wanted = [
            {line for line in part.partition("The goal is that:")[2].split("\n\n")[0].splitlines() if line}
            for part in (first, second)
        ]
        assert wanted[0] == wanted[1]
        assert len(wanted[0]) > 1
        assert first.partition("The goal is that:")[2][:200] != second.partition("The goal is that:")[2][:200]


def test_after_an_unexpected_event_no_rest_of_the_plan_works() -> None:
    for sample in group_of("replanning"):
        validator, shown = problem(sample)
        assert not any(validator.validate(shown[done:]).valid for done in range(len(shown) + 1))


VERIFY = {
    "domain": "blocksworld",
    "ability": "plan_verification",
    "plan_kind": "precondition",
    "problem": "(define (problem p) (:domain blocksworld) (:objects a b) "
    "(:init (handempty) (ontable a) (on b a) (clear b)) (:goal (and (on a b))))",
    "plan": "(pick-up a)\n(stack a b)",
}


@pytest.mark.parametrize(
    ("text", "levels"),
    [
        ("Answer: step 1 is not possible because it is not true that the red block is clear", (True, True, True)),
        ("**Answer:** Step 1 is not possible because it is not true that the red block is clear.", (True, True, True)),
        ("Answer: step 1 is not possible because it is not true that (clear a)", (True, True, True)),
        ("Answer: step 2 is not possible because it is not true that the red block is clear", (True, True, False)),
        ("Answer: step 1 is not possible because it is not true that the blue block is clear", (True, True, False)),
        ("Answer: step 1 is not possible", (True, True, False)),
        ("Answer: invalid", (True, False, False)),
        ("The plan is not valid.", (True, False, False)),
        ("Answer: the goal is not reached because it is not true that the red block is clear", (True, False, False)),
        ("At first it seems valid. But step 1 fails.\nAnswer: valid", (False, False, False)),
        ("The plan is valid.", (False, False, False)),
    ],
)
def test_a_verdict_is_right_at_three_levels(text: str, levels: tuple[bool, bool, bool]) -> None:
    score = Blocksworld().score(VERIFY, text)
    assert tuple(score.detail[name] for name in ("binary", "type", "explanation")) == levels
    assert score.value == levels[2]
    assert build(Blocksworld, {"level": "binary"}, "t").score(VERIFY, text).value == levels[0]


@pytest.mark.parametrize(
    ("text", "stop", "outcome"),
    [
        ("Answer: valid\n\nWait, I made a mistake. Step 1 is not possible: it is not true that the red block is clear.",
         "stop", "correct"),
        ("Answer: step 1 is not possible because it is not true that the red block is clear\n\nThat is wrong.", "stop",
         "unparsed"),
        ("**Verdict:** step 1 is not possible because it is not true that the red block is clear", "stop", "correct"),
        ("Answer: step 1 is not possible because it is not true that the red", "length", "truncated"),
        ("Answer: step 1 is not possible because it is not true that the red block is clear\n\nI che", "length",
         "correct"),
        ("I'm sorry, but I can't help with that.", "stop", "refused"),
        ("Answer: valid", "content_filter", "refused"),
    ],
)  # fmt: skip
def test_verdicts_go_through_the_judge(text: str, stop: StopReason, outcome: str) -> None:
    assert Blocksworld().score(VERIFY, text, stop).outcome.value == outcome


@pytest.mark.parametrize(
    ("behind", "stop", "outcome"),
    [
        ("\n\nNo longer true:\n- the blue block is on top of the red block", "stop", "correct"),
        ("\n\nExplanation:\n- the blue block is clear at first", "stop", "correct"),
        ("", "length", "truncated"),
        ("\n\nThis is", "length", "correct"),
    ],
)
def test_lists_behind_the_state_add_nothing_to_it(behind: str, stop: StopReason, outcome: str) -> None:
    params = VERIFY | {"ability": "plan_execution", "plan": "(unstack b a)"}
    facts = ["the red block is on the table", "you are holding the blue block", "the red block is clear"]
    text = "Resulting state:\n" + "\n".join(f"- {fact}" for fact in facts)
    assert Blocksworld().score(params, text + behind, stop).outcome.value == outcome


def test_no_verdict_is_unparsed() -> None:
    assert Blocksworld().score(VERIFY, "I like blocks.").outcome is Outcome.UNPARSED


@pytest.mark.parametrize(
    ("facts", "right"),
    [
        (["the red block is clear", "the red block is on the table", "your hand is empty"], False),
        (["the red block is on the table", "you are holding the blue block", "the red block is clear"], True),
        (["the red block is on the table", "you are holding the blue block"], False),
        (["you are holding the blue block", "the red block is clear", "the red block is on the table",
          "the blue block is clear"], False),
    ],
)  # fmt: skip
def test_a_state_is_right_if_no_fact_is_missing_and_none_is_wrong(facts: list[str], right: bool) -> None:
    params = VERIFY | {"ability": "plan_execution", "plan": "(unstack b a)"}
    score = Blocksworld().score(params, "Resulting state:\n" + "\n".join(f"- {fact}" for fact in facts))
    assert score.value == right
    assert bool(score.detail["missing"] or score.detail["extra"]) != right


def test_a_plan_with_too_many_steps_reaches_the_goal_but_is_not_optimal() -> None:
    params = VERIFY | {"ability": "plan_optimality", "optimal_cost": 4}
    plan = "(unstack b a)\n(put-down b)\n(pick-up a)\n(stack a b)"
    assert Blocksworld().score(params, plan).value == 1
    longer = Blocksworld().score(params, "(unstack b a)\n(stack b a)\n" + plan)
    assert (longer.value, longer.detail["goal"], longer.detail["gap"]) == (0, True, 2)
    assert (
        Blocksworld().score(params | {"ability": "plan_generation"}, "(unstack b a)\n(stack b a)\n" + plan).value == 1
    )


@given(st.integers(0, 2**31))
@settings(max_examples=15, deadline=None)
def test_params_alone_bring_back_the_world(seed: int) -> None:
    task = Blocksworld(rename=("random",))
    (sample,) = itertools.islice(task.samples(seed), 1)
    world = world_of(sample.params)
    assert world.pddl.count(next(iter(world.domain.actions))) == 1
    assert task.score(sample.params, sample.target).value == 1


def test_what_a_plan_to_verify_lacks_is_facts_also_in_a_domain_with_rules() -> None:
    task, made = samples(60, domain="river", ability="plan_verification", rename="plain", prompt="nl,pddl")
    assert {s.params["plan_kind"] for s in made} == {"valid", "precondition", "goal"}
    assert [answer(task, s, "oracle") for s in made] == [1.0] * len(made)
    assert not [s.target for s in made if "every" in s.target or "forall" in s.target]
