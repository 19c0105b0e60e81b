"""Where a plan fails, in the words of its sample."""

import pytest

from harness import plugins
from harness.tasks.planning import feedback
from harness.types import Params, Score, Task

PROBLEM = """(define (problem p) (:domain unnamed) (:objects a b c)
(:init (clear a) (clear c) (handempty) (on a b) (ontable b) (ontable c)) (:goal (and (on b c))))"""


@pytest.fixture(scope="module")
def task() -> Task:
    return plugins.task("blocksworld", {"ability": "all", "prompt": "all", "solvable": "all"})


def params(prompt: str = "nl", ability: str = "plan_generation", **more: str | int) -> Params:
    return {"domain": "blocksworld", "problem": PROBLEM, "ability": ability, "prompt": prompt, "optimal_cost": 4} | more


def told(task: Task, response: str, level: str = "first-error", **more: str | int) -> str:
    found = task.feedback(params(**more), response, level)
    assert found is not None
    assert not found.right
    return found.text


def test_the_first_step_that_is_not_possible_is_named_with_what_it_lacks(task: Task) -> None:
    plan = "1. Unstack the red block from on top of the blue block\n2. Pick up the blue block"
    assert (
        told(task, plan) == "Step 2, pick up the blue block, is not possible: it is not true that your hand is empty."
    )


def test_a_pddl_prompt_is_answered_in_pddl(task: Task) -> None:
    assert told(task, "(unstack a b)\n(pick-up b)", prompt="pddl") == (
        "Step 2, (pick-up b), is not possible: it is not true that (handempty)."
    )


def test_all_errors_leaves_a_step_out_and_goes_on_to_the_goal(task: Task) -> None:
    said = told(task, "(unstack a b)\n(pick-up b)\n(stack b c)", "all-errors", prompt="pddl")
    assert said.split("\n") == [
        "Step 2, (pick-up b), is not possible: it is not true that (handempty).",
        "Step 3, (stack b c), is not possible: it is not true that (holding b).",
        "The goal is not reached: after the other steps it is not true that (on b c).",
    ]
    assert told(task, "(unstack a b)\n(put-down a)", prompt="pddl").startswith("The goal is not reached: at the end")


def test_binary_says_right_or_wrong_and_no_more(task: Task) -> None:
    assert told(task, "(unstack a b)\n(pick-up b)", "binary", prompt="pddl") == "The answer is wrong."


@pytest.mark.parametrize(
    ("step", "why"),
    [
        ("(lift a)", "there is no such action"),
        ("(pick-up a b)", "it has too many objects, or too few"),
        ("(pick-up z)", "it names an object that is not there"),
    ],
)
def test_what_is_no_step_of_the_domain_is_not_put_into_its_words(step: str, why: str) -> None:
    """In words only its number is said, as no sentence of the prompt fits it."""
    score = Score.of(False, step)
    said = {prompt: feedback.feedback(params(prompt), score, "first-error").text for prompt in ("nl", "pddl")}
    assert said == {"nl": f"Step 1 is not possible: {why}.", "pddl": f"Step 1, {step}, is not possible: {why}."}


UNREADABLE = "An answer could not be read. Give it in the form that was asked for."


def test_a_plan_that_is_too_long_or_said_not_to_exist_is_told_so(task: Task) -> None:
    long = "(unstack a b)\n(put-down a)\n(pick-up a)\n(put-down a)\n(pick-up b)\n(stack b c)"
    assert "fewer actions" in told(task, long, prompt="pddl", ability="plan_optimality")
    assert told(task, "no plan exists", prompt="pddl") == "There is a plan."
    assert told(task, "I am not sure.", prompt="pddl") == UNREADABLE


def test_of_a_state_what_is_false_is_named_and_what_is_missing_is_not(task: Task) -> None:
    given = {"prompt": "pddl", "ability": "plan_execution", "plan": "(unstack a b)\n(put-down a)"}
    state = "Resulting state:\n(clear a)\n(clear b)\n(clear c)\n(handempty)\n(on a b)\n(ontable b)\n(ontable c)"
    assert told(task, state, **given) == "At the end it is not true that (on a b)."
    assert told(task, state, "all-errors", **given).endswith("Something that is true at the end is missing.")
    assert "(ontable a)" not in told(task, state, "all-errors", **given)


def test_a_verdict_on_a_plan_is_right_or_wrong_at_every_level(task: Task) -> None:
    given = {"ability": "plan_verification", "plan": "(pick-up b)"}
    assert {told(task, "Answer: valid", level, **given) for level in ("binary", "first-error", "all-errors")} == {
        "The answer is wrong."
    }


@pytest.mark.parametrize(
    ("plan", "why"),
    [
        ("1. Row client 1 alone from the left bank to the right bank\n"
         "2. Row client 1 alone from the right bank to the left bank\n"
         "3. Row agent 1 with agent 2 from the left bank to the right bank\n"
         "4. Row agent 1 alone from the right bank to the left bank",
         "Step 4, row agent 1 alone from the right bank to the left bank, is not possible: it is not true that for "
         "every bank B, every client C, every agent G and every agent H: if it is true that C is on B, G is on B and H "
         "is the agent of C, then it is true that H is on B."),
        ("(cross-together client1 client1 left right)",
         "Step 1, row client 1 with client 1 from the left bank to the right bank, is not possible: it is true that "
         "client 1 is the same as client 1."),
    ],
)  # fmt: skip
def test_a_rule_that_a_step_breaks_is_said_in_the_words_of_the_prompt(plan: str, why: str) -> None:
    river = plugins.task("river", {"start": "together", "rename": "plain"})
    sample = next(river.samples(0))
    assert river.feedback(sample.params, plan, "first-error").text == why
