"""Hanoi, river crossing, checkers: every instance has a plan, of the length that a formula or a search proves."""

import itertools
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.pddl_domains import plain
from harness.tasks.planning import puzzles, solutions
from harness.tasks.planning.instances import compiled, from_problem, validator_of
from harness.tasks.planning.puzzle_tasks import tokens
from harness.tasks.planning.scoring import world_of
from tests.planning_search import fewest_steps
from tests.tasks.planning.test_task import DRAW, answer, samples

PUZZLES = sorted(puzzles.SOLVERS)


@pytest.mark.parametrize("domain", PUZZLES)
@given(seed=st.integers(0, 2**31))
@settings(max_examples=12, deadline=None)
def test_the_solver_s_plan_is_valid_and_no_search_over_the_pddl_finds_a_shorter_one(domain: str, seed: int) -> None:
    instance = DRAW[domain](random.Random(seed))
    validator = validator_of(plain(domain), instance)
    plan = puzzles.SOLVERS[domain](instance)
    assert plan is not None
    assert validator.validate(plan).valid
    assert len(plan) == fewest_steps(validator, set(instance.goal))


@given(st.lists(st.integers(0, 2), min_size=1, max_size=6), st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_the_moves_of_a_tower_of_hanoi_follow_from_a_formula(pegs: list[int], to: int) -> None:
    state = tuple(pegs)
    found = puzzles.search(puzzles.hanoi_rules(len(state)), state, puzzles.hanoi_instance(state, to).goal)
    assert found is not None
    assert puzzles.hanoi_moves(state, to) == len(puzzles.hanoi_tower(state, to)) == len(found)


@pytest.mark.parametrize("discs", range(1, 11))
def test_a_whole_tower_takes_two_to_the_n_moves_less_one(discs: int) -> None:
    state = (0,) * discs
    plan = puzzles.hanoi_tower(state, 2)
    assert len(plan) == puzzles.hanoi_moves(state, 2) == 2**discs - 1
    assert validator_of(plain("hanoi"), puzzles.hanoi_instance(state, 2)).validate(plan).valid


@pytest.mark.parametrize("each", range(1, 6))
def test_swapping_n_checkers_against_n_takes_n_times_n_plus_two_moves(each: int) -> None:
    instance = puzzles.checkers(random.Random(0), each, "swap")
    plan = puzzles.SOLVERS["checkers"](instance)
    assert plan is not None
    assert len(plan) == each * (each + 2)


@given(st.integers(0, 2**31), st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_every_plan_of_the_checkers_has_the_length_that_start_and_goal_imply(seed: int, each: int) -> None:
    rng = random.Random(seed)
    rules = puzzles.checkers_rules(each, each)
    row = [*(f"red{i}" for i in range(1, each + 1)), "", *(f"blue{i}" for i in range(1, each + 1))]
    walk = [tuple(row)]
    while choices := [after for _, after in rules.moves(walk[-1])]:
        walk.append(rng.choice(choices))
        assert puzzles.checkers_moves(walk[0], walk[-1]) == len(walk) - 1


@pytest.mark.parametrize(("pairs", "boat"), list(itertools.product(range(1, 7), (2, 3))))
def test_the_sizes_of_the_river_that_have_no_plan_are_those_that_are_refused(pairs: int, boat: int) -> None:
    rules = puzzles.river_rules(pairs, boat)
    people = {name for name, kind in rules.objects.items() if kind != "bank"}
    goal = [("at", name, "right") for name in sorted(people)]
    assert (puzzles.search(rules, (frozenset(people), True), goal) is not None) == (pairs <= puzzles.MOST_PAIRS[boat])
    if pairs <= 5 and pairs > puzzles.MOST_PAIRS[boat]:
        with pytest.raises(UsageError, match="no plan exists"):
            samples(1, domain="river", pairs=str(pairs), boat=str(boat))


def test_pairs_that_can_not_cross_are_asked_if_only_what_has_no_plan_is() -> None:
    for start in ("any", "together"):
        task, made = samples(8, domain="river", pairs="4", solvable="no", start=start, rename="plain")
        assert made
        for sample in made:
            assert "(roomy)" not in str(sample.params["problem"]).partition("(:init")[2]
            assert "client4" in str(sample.params["problem"])
            assert answer(task, sample, "oracle") == 1.0
            validator = compiled(world_of(sample.params), str(sample.params["problem"]))
            assert fewest_steps(validator, set(from_problem(validator.problem, "test").goal)) is None
    with pytest.raises(UsageError, match="no plan exists"):
        samples(1, domain="river", pairs="4", solvable="yes,no")


def test_no_state_of_the_river_s_plans_leaves_a_client_with_other_agents_alone() -> None:
    _, made = samples(60, domain="river", rename="plain")
    for sample in made:
        validator = validator_of(plain("river"), puzzles.river(random.Random(sample.id), 3, 2))
        for count in range(
            len(plan := puzzles.SOLVERS["river"](puzzles.river(random.Random(sample.id), 3, 2)) or ()) + 1
        ):
            state = validator.validate(plan[:count]).state
            for bank in ("left", "right"):
                there = {fact[1] for fact in state if fact[0] == "at" and fact[2] == bank}
                agents = {name for name in there if name.startswith("agent")}
                assert not agents or {f"agent{c[-1]}" for c in there - agents} <= agents


def test_a_crossing_in_too_small_a_boat_is_asked_as_one_without_a_plan() -> None:
    task, made = samples(24, domain="river", pairs="4", boat="3", solvable="yes,no", start="together", rename="plain")
    no = [s for s in made if s.params["solvable"] == "no"]
    assert no
    for sample in no:
        assert "(roomy)" not in str(sample.params["problem"]).partition("(:init")[2]
        assert answer(task, sample, "oracle") == 1
        assert "the boat has room for three\n" not in sample.messages[0].content


@pytest.mark.parametrize("domain", PUZZLES)
def test_samples_say_how_many_tokens_a_right_answer_takes_at_least(domain: str) -> None:
    for sample in samples(30, domain=domain, prompt="nl,pddl", solvable="yes,no")[1]:
        assert sample.params["answer_tokens"] == tokens(sample.target) == -(-len(sample.target) // 4)


def test_an_instance_of_another_form_is_left_to_the_planner(monkeypatch: pytest.MonkeyPatch) -> None:
    """A fourth peg: the formula does not know it."""
    four = puzzles.hanoi_instance((0, 0), 1)
    four = four.starting(four.init | {("clear", "peg4"), ("fits", "disc1", "peg4"), ("fits", "disc2", "peg4")})
    four.objects["peg4"] = "peg"  # type: ignore[index]
    with pytest.raises(puzzles.Unknown):
        puzzles.SOLVERS["hanoi"](four)
    monkeypatch.setattr(solutions, "_from_planner", lambda domain, problem: (("planned",),))
    assert solutions.shortest(plain("hanoi"), four) == (("planned",),)


@pytest.mark.parametrize(
    ("domain", "options", "floor"),
    [("hanoi", {"discs": "5"}, 0.35), ("river", {}, 0.45), ("checkers", {"checkers": "4"}, 0.45)],
)
def test_a_look_one_step_ahead_does_not_solve_the_puzzles(domain: str, options: dict[str, str], floor: float) -> None:
    task, made = samples(60, domain=domain, rename="plain", **options)
    shares = {kind: sum(answer(task, s, kind) or 0 for s in made) / len(made) for kind in ("shallow", "random")}
    assert shares["shallow"] < floor
    assert shares["random"] < 0.15
