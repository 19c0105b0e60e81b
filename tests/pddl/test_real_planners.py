"""What the planners answer, where they are installed, against breadth-first search; a loud skip where not."""

import functools
import itertools
import random

import pytest

from harness import plugins
from harness.pddl import planner
from harness.pddl_domains import plain
from harness.tasks.planning import towers
from harness.tasks.planning.instances import Instance
from harness.types import Outcome
from tests.waiting import HANG

ask = functools.partial(planner.ask, time_limit=HANG)
real = pytest.mark.skipif(not planner.installed(), reason=f"NO PLANNER IS TESTED: {planner.INSTALL}")
each_planner = pytest.mark.parametrize(
    "family",
    [
        pytest.param(
            name,
            marks=pytest.mark.skipif(
                name not in planner.installed(), reason=f"{name} IS NOT TESTED: {planner.INSTALL}"
            ),
        )
        for name in planner.FAMILIES
    ],
)


def blocks(start: list[str], goal: list[str]) -> Instance:
    before, after = (frozenset(tuple(tower) for tower in side) for side in (start, goal))
    names = sorted("".join(start))
    wanted = tuple(("on", *pair) for pair in sorted(towers.on(after)))
    return Instance(dict.fromkeys(names, "object"), towers.facts(before), wanted)


@each_planner
@pytest.mark.parametrize(
    ("start", "goal"),
    [
        (["ab"], ["ba"]),
        (["ca", "b"], ["cba"]),
        (["abcd"], ["dcba"]),
        (["ab", "cd"], ["ad", "cb"]),
        (["a", "b", "c", "d", "e"], ["edcba"]),
    ],
)
def test_optimal_plans_are_as_short_as_breadth_first_search_finds(family, start, goal) -> None:
    instance = blocks(start, goal)
    text, best = instance.pddl("blocksworld"), towers.shortest(towers.from_facts(instance.init)[0], instance.goal)
    assert best is not None
    solution = ask(family, plain("blocksworld").pddl, text)
    assert (solution.status, solution.optimal, solution.engine) == ("solved", True, f"{family}-opt")
    assert len(solution.plan) == len(best)


@each_planner
def test_any_plan_works_and_is_not_called_optimal(family) -> None:
    text = blocks(["abcd"], ["dcba"]).pddl("blocksworld")
    solution = ask(family, plain("blocksworld").pddl, text, optimal=False)
    assert (solution.status, solution.optimal, solution.engine) == ("solved", False, family)


@each_planner
@pytest.mark.parametrize("optimal", [True, False])
def test_a_goal_out_of_reach_is_proven(family, optimal) -> None:
    text = blocks(["a", "b"], ["ab"]).pddl("blocksworld")
    circle = text.replace("(:goal (and ", "(:goal (and (on a b) ")
    solution = ask(family, plain("blocksworld").pddl, circle, optimal=optimal)
    assert (solution.status, solution.plan) == ("unsolvable", None)


@each_planner
def test_a_goal_that_holds_takes_no_steps(family) -> None:
    text = blocks(["ab"], ["ab"]).pddl("blocksworld")
    solution = ask(family, plain("blocksworld").pddl, text)
    assert (solution.status, solution.plan, solution.optimal) == ("solved", (), True)


@each_planner
def test_a_hard_task_ends_at_its_time_limit(family) -> None:
    rng = random.Random(0)
    names = [f"b{i}" for i in range(24)]

    def facts() -> str:
        order = rng.sample(names, 24)
        return " ".join(f"(on {a} {b})" for a, b in itertools.pairwise(order)), order[0], order[-1]

    (start, top, bottom), (goal, _, _) = facts(), facts()
    text = (
        f"(define (problem hard) (:domain blocksworld) (:objects {' '.join(names)})"
        f" (:init (handempty) (clear {top}) (ontable {bottom}) {start}) (:goal (and {goal})))"
    )
    assert ask(family, plain("blocksworld").pddl, text, time_limit=1).status == "timeout"


COSTS = """(define (domain d) (:requirements :strips :action-costs) (:functions (total-cost) - number) (:constants)
 (:predicates (p) (q) (r))
 (:action go :parameters () :precondition (p) :effect (and (r) (increase (total-cost) 7)))
 (:action one :parameters () :precondition (p) :effect (and (q) (increase (total-cost) 1)))
 (:action two :parameters () :precondition (q) :effect (and (r) (increase (total-cost) 1))))"""
COSTLY = "(define (problem x) (:domain d) (:objects) (:init (p) (= (total-cost) 0)) (:goal (r)) {})"


@each_planner
def test_without_a_metric_costs_do_not_count(family) -> None:
    assert ask(family, COSTS, COSTLY.format("")).plan == (("go",),)


@each_planner
def test_with_a_metric_the_cheapest_plan_is_found_or_none(family) -> None:
    solution = ask(family, COSTS, COSTLY.format("(:metric minimize (total-cost))"))
    if family == "pyperplan":
        assert (solution.status, solution.detail) == ("failed", "pyperplan ignores action costs")
    else:
        assert (solution.plan, solution.optimal) == ((("one",), ("two",)), True)


ODD = {
    "one name for an action and a predicate": (
        "(define (domain d) (:predicates (go ?x) (q ?x))"
        " (:action go :parameters (?x) :precondition (go ?x) :effect (q ?x)))",
        "(define (problem x) (:domain d) (:objects a) (:init (go a)) (:goal (q a)))",
        ("go", "a"),
    ),
    "digits and accents": (
        "(define (domain d) (:predicates (51nb ?x) (9é ?x))"
        " (:action 1jp :parameters (?x) :precondition (51nb ?x) :effect (9é ?x)))",
        "(define (problem x) (:domain d) (:objects 1 ß) (:init (51nb ß) (51nb 1)) (:goal (9é ß)))",
        ("1jp", "ß"),
    ),
    "what may be left out": (
        "(define (domain d) (:predicates (q)) (:predicates) (:action go :effect (q)))",
        "(define (problem x) (:domain d) (:goal (q)))",
        ("go",),
    ),
    "a type called like a predicate, object without :typing": (
        "(define (domain d) (:types q) (:predicates (p ?x - object) (q ?x))"
        " (:action go :parameters (?x - q) :precondition (p ?x) :effect (q ?x)))",
        "(define (problem x) (:domain d) (:objects a - q) (:init (p a)) (:goal (q a)))",
        ("go", "a"),
    ),
}


@each_planner
@pytest.mark.parametrize("what", ODD)
def test_what_unified_planning_would_not_read_is_planned_for(family, what) -> None:
    domain, text, step = ODD[what]
    assert ask(family, domain, text).plan == (step,)


@real
def test_conditional_effects_are_planned_for_or_refused() -> None:
    domain = """(define (domain d) (:requirements :conditional-effects) (:predicates (p) (q) (r))
     (:action go :parameters () :effect (and (q) (when (p) (r)))) (:action prepare :parameters () :effect (p)))"""
    problem = "(define (problem x) (:domain d) (:init ) (:goal (and (q) (r))))"
    solution = ask(planner.installed()[0], domain, problem)
    if planner.installed()[0] == "fast-downward":
        assert solution.plan == (("prepare",), ("go",))
        assert solution.optimal
    else:
        assert solution.status == "failed"


@real
@pytest.mark.parametrize("domain", ["blocksworld", "logistics", "depots", "gripper", "sokoban"])
def test_plans_for_every_shipped_domain_are_valid_and_as_short_as_the_stored_ones(domain: str) -> None:
    task = plugins.task(domain, {"rename": "plain"})
    for sample in itertools.islice(task.samples(0), 2):
        score = task.score(sample.params, task.baseline("planner", sample, random.Random(0)))
        assert score.outcome is Outcome.CORRECT
        assert score.detail["steps"] == sample.params["optimal_cost"]
