"""Executing plans: the semantics VAL and unified-planning agree on, strictness where VAL has none, and the corpora."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pddl import execute
from harness.pddl.compile import compile_domain
from harness.pddl.execute import PlanSyntax, Validator, read_plan, validate_text
from harness.pddl.parse import PDDLError, parse_domain, parse_problem
from harness.pddl.state import TooMuchWork
from harness.pddl_domains import mystery, plain
from tests.corpora import drawn_and_whole, rows
from tests.pddl_texts import BLOCKS, ON, check


def test_a_valid_plan_costs_its_steps() -> None:
    verdict = check(BLOCKS, ON, "(pick-up a)\n(stack a b)\n")
    assert (verdict.valid, verdict.reason, verdict.step, verdict.cost) == (True, None, None, 2)


@pytest.mark.parametrize(
    ("plan", "reason", "step"),
    [
        ("(pick-up a)\n(pick-up b)", "precondition", 2),
        ("(lift a)", "unknown_action", 1),
        ("(pick-up a b)", "arity", 1),
        ("(pick-up)", "arity", 1),
        ("(pick-up c)", "unknown_object", 1),
        ("(pick-up a)", "goal", None),
        ("", "goal", None),
        ("(pick-up a)\nthen stack it", "syntax", 2),
        ("[PLAN]\n(pick-up a)", "syntax", 1),
        ("1. (pick-up a)", "syntax", 1),
        ("()", "syntax", 1),
        ("(pick-up a)(stack a b)(unstack a b)", "goal", None),
        ("(stack a b)(lift a)", "precondition", 1),
    ],
)
def test_the_first_thing_that_is_wrong_is_named(plan, reason, step) -> None:
    verdict = check(BLOCKS, ON, plan)
    assert (verdict.valid, verdict.reason, verdict.step) == (False, reason, step)


def test_missing_facts_and_the_state_before_are_told() -> None:
    verdict = check(BLOCKS, ON, "(pick-up a)\n(pick-up b)")
    assert verdict.missing == ("(handempty)",)
    assert ("holding", "a") in verdict.state
    assert check(BLOCKS, ON, "").missing == ("(on a b)",)


def world(action: str, goal: str, init: str = "", plan: str = "(go)", extra: str = "") -> bool:
    """Whether a plan of one odd action, with objects a b - t and c - u, is valid."""
    domain = (
        "(define (domain d) (:requirements :adl :fluents) (:types t u - both both) (:constants k - t)"
        "(:predicates (p) (q) (r ?x) (s ?x ?y)) (:functions (n) (m ?x) (total-cost) - number)"
        f"(:action go {action}) {extra})"
    )
    problem = f"(define (problem x) (:domain d) (:objects a b - t c - u) (:init {init}) (:goal {goal}))"
    return check(domain, problem, plan).valid


REACHED = "(:derived (r ?y) (or (s k ?y) (exists (?x) (and (r ?x) (s ?x ?y)))))"


SEMANTICS = {
    "a fact that a step adds and deletes is true afterwards": (
        (":parameters () :effect (and (p) (not (p)))", "(p)"),
        True,
    ),
    "the order in which an effect is written does not matter": (
        (":parameters () :effect (and (not (p)) (p))", "(p)", "(p)"),
        True,
    ),
    "add wins over delete if two parameters are one object": (
        (":parameters (?x ?y - t) :effect (and (not (r ?x)) (r ?y))", "(r a)", "(r a)", "(go a a)"),
        True,
    ),
    "add wins over delete in a conditional effect": (
        (":parameters () :effect (and (q) (when (p) (not (q))))", "(q)", "(p)"),
        True,
    ),
    "an effect's condition does not see what the effect adds": (
        (":parameters () :effect (and (p) (when (p) (q)))", "(q)"),
        False,
    ),
    "an effect's condition sees what the effect deletes": (
        (":parameters () :effect (and (not (p)) (when (p) (q)))", "(q)", "(p)"),
        True,
    ),
    "a negative precondition": ((":parameters () :precondition (not (p)) :effect (q)", "(and (q) (not (p)))"), True),
    "a disjunction": ((":parameters () :precondition (or (p) (q)) :effect (r k)", "(r k)", "(q)"), True),
    "an implication that does not hold": (
        (":parameters () :precondition (imply (p) (q)) :effect (r k)", "(r k)", "(p)"),
        False,
    ),
    "forall over a type, with its constants": (
        (":parameters () :precondition (forall (?x - t) (r ?x)) :effect (p)", "(p)", "(r a) (r b) (r k)"),
        True,
    ),
    "forall misses one object": (
        (":parameters () :precondition (forall (?x - t) (r ?x)) :effect (p)", "(p)", "(r a) (r b)"),
        False,
    ),
    "exists over another type": (
        (":parameters () :precondition (exists (?x - u) (r ?x)) :effect (p)", "(p)", "(r a)"),
        False,
    ),
    "a quantified conditional effect": (
        (":parameters () :effect (forall (?x - both) (when (not (r ?x)) (r ?x)))", "(forall (?x) (r ?x))"),
        True,
    ),
    "two different objects are asked for and one is given": (
        (":parameters (?x ?y) :precondition (not (= ?x ?y)) :effect (p)", "(p)", "", "(go a a)"),
        False,
    ),
    "an object compared with a constant": (
        (":parameters (?x ?y) :precondition (= ?x k) :effect (p)", "(p)", "", "(go k a)"),
        True,
    ),
    "a parameter of either type": ((":parameters (?x - (either u t)) :effect (r ?x)", "(r c)", "", "(go c)"), True),
    "a subtype fits its supertype": ((":parameters (?x - both) :effect (r ?x)", "(r c)", "", "(go c)"), True),
    "an object of another type": ((":parameters (?x - u) :effect (r ?x)", "(r a)", "", "(go a)"), False),
    "a number is enough": (
        (":parameters () :precondition (>= (n) 2) :effect (decrease (n) 2)", "(= (n) 1)", "(= (n) 3)"),
        True,
    ),
    "a number is not enough": ((":parameters () :precondition (>= (n) 2) :effect (p)", "(p)", "(= (n) 1)"), False),
    "a number without a value in a condition": ((":parameters () :precondition (> (n) 0) :effect (p)", "(p)"), False),
    "a number without a value in an effect": ((":parameters () :effect (increase (n) 1)", "(> (n) 0)"), False),
    "an expression": ((":parameters () :effect (assign (m k) (+ (* 2 3) 1))", "(= (m k) 7)"), True),
    "an empty goal": ((":parameters ()", "(and)"), True),
    "an empty precondition": ((":parameters () :precondition () :effect (p)", "(p)"), True),
    "a quantifier's variable hides a parameter": (
        (":parameters (?x) :precondition (exists (?x - u) (r ?x)) :effect (p)", "(p)", "(r c)", "(go a)"),
        True,
    ),
    "increases of one fluent add up": (
        (":parameters () :effect (and (increase (n) 1) (increase (n) 2))", "(= (n) 3)", "(= (n) 0)"),
        True,
    ),
    "an increase and a decrease add up": (
        (":parameters () :effect (and (increase (n) 5) (decrease (n) 2))", "(= (n) 3)", "(= (n) 0)"),
        True,
    ),
    "increases under forall add up": (
        (
            ":parameters () :effect (forall (?x - t) (when (r ?x) (increase (n) 2)))",
            "(= (n) 6)",
            "(= (n) 0) (r a) (r b) (r k)",
        ),
        True,
    ),
    "scalings multiply": (
        (":parameters () :effect (and (scale-up (n) 3) (scale-down (n) 2))", "(= (n) 6)", "(= (n) 4)"),
        True,
    ),
    "amounts are read before the step": (
        (":parameters () :effect (and (increase (n) (m k)) (assign (m k) 9))", "(= (n) 2)", "(= (n) 1) (= (m k) 1)"),
        True,
    ),
    "an assignment beside an increase is no step": (
        (":parameters () :effect (and (assign (n) 5) (increase (n) 2))", "(and)", "(= (n) 0)"),
        False,
    ),
    "an increase beside a scaling is no step": (
        (":parameters () :effect (and (scale-up (n) 5) (increase (n) 2))", "(and)", "(= (n) 1)"),
        False,
    ),
    "two assignments of other values are no step": (
        (":parameters () :effect (and (assign (n) 5) (assign (n) 2))", "(and)"),
        False,
    ),
    "two assignments of one value are one": (
        (":parameters () :effect (and (assign (n) 5) (assign (n) 5))", "(= (n) 5)"),
        True,
    ),
    "a division by zero is no step": ((":parameters () :effect (scale-down (n) 0)", "(and)", "(= (n) 1)"), False),
    "numerals in every form": (
        (":parameters () :precondition (= (n) .5) :effect (increase (n) 1e0)", "(= (n) +1.5)", "(= (n) 0.5)"),
        True,
    ),
    "a question mark begins a name": (
        (":parameters (?x) :precondition (r?x) :effect (s?x?x)", "(s a a)", "(r a)", "(go a)"),
        True,
    ),
    "a rule derives what a step needs": (
        (":parameters (?x) :precondition (r ?x) :effect (p)", "(p)", "(s k b) (s b c)", "(go c)", REACHED),
        True,
    ),
    "a rule does not derive more": (
        (":parameters (?x) :precondition (r ?x) :effect (p)", "(p)", "(s k b)", "(go c)", REACHED),
        False,
    ),
    "a rule holds after a step": (
        (":parameters (?x ?y) :effect (s ?x ?y)", "(r c)", "(s k b)", "(go b c)", REACHED),
        True,
    ),
    "a rule holds no longer": (
        (":parameters (?x) :effect (not (s k ?x))", "(not (r b))", "(s k b)", "(go b)", REACHED),
        True,
    ),
    "a rule may deny an earlier stratum": (
        (
            ":parameters () :precondition (q) :effect (p)",
            "(p)",
            "(s k b)",
            "(go)",
            REACHED + "(:derived (q) (exists (?x - u) (not (r ?x))))",
        ),
        True,
    ),
    "a rule that denies it after a step": (
        (
            ":parameters (?x) :effect (s k ?x)",
            "(not (q))",
            "(s k b)",
            "(go c)",
            REACHED + "(:derived (q) (exists (?x - u) (not (r ?x))))",
        ),
        True,
    ),
}


@pytest.mark.parametrize("name", SEMANTICS)
def test_semantics(name: str) -> None:
    arguments, valid = SEMANTICS[name]
    assert world(*arguments) == valid


BUY = "(define (domain d) (:predicates (p)) (:functions (gain)) (:action go :effect (and (p) (increase (gain) 5))))"


@pytest.mark.parametrize(
    ("metric", "cost"),
    [("minimize (total-time)", 2), ("minimize total-time", 2), ("maximize (gain)", 11),
     ("minimize (+ (gain) (* 3 (total-time)))", 17)],
)  # fmt: skip
def test_metrics(metric: str, cost: float) -> None:
    problem = f"(define (problem x) (:init (= (gain) 1)) (:goal (p)) (:metric {metric}))"
    assert check(BUY, problem, "(go)(go)").cost == cost


def test_total_time_is_no_condition() -> None:
    with pytest.raises(PDDLError, match="total-time is not declared"):
        check(BUY, "(define (problem x) (:goal (> (total-time) 1)))", "")


@pytest.mark.parametrize("quantifier", ["forall", "exists"])
def test_a_plan_that_would_take_for_ever_gets_no_verdict(quantifier: str, monkeypatch) -> None:
    monkeypatch.setattr(execute, "MOST_WORK", 10_000)
    variables = " ".join(f"?v{i}" for i in range(6))
    body = "(or (r ?v0) (not (r ?v0)))" if quantifier == "forall" else "(and (r ?v0) (not (r ?v0)))"
    domain = f"(define (domain d) (:predicates (r ?x)) (:action go :precondition ({quantifier} ({variables}) {body})))"
    objects = " ".join(f"o{i}" for i in range(60))
    with pytest.raises(TooMuchWork, match="was not checked"):
        check(domain, f"(define (problem x) (:objects {objects}) (:goal (and)))", "(go)")


def test_a_goal_that_was_reached_and_undone_is_not_reached() -> None:
    assert check(BLOCKS, ON, "(pick-up a)(stack a b)(unstack a b)").reason == "goal"


def test_the_metric_is_the_cost() -> None:
    domain = (
        "(define (domain d) (:predicates (p)) (:functions (total-cost))"
        "(:action go :parameters () :effect (and (p) (increase (total-cost) 5))))"
    )
    problem = "(define (problem x) (:domain d) (:init (= (total-cost) 0)) (:goal (p)) (:metric minimize (total-cost)))"
    assert check(domain, problem, "(go)(go)").cost == 10


def test_a_long_plan_is_no_trouble() -> None:
    plan = "(pick-up a)\n(put-down a)\n" * 100_000
    assert check(BLOCKS, ON, plan + "(pick-up a)(stack a b)").cost == 200_002
    assert isinstance(read_plan("(" * 1_000_000), PlanSyntax)


def simulate(towers: list[list[str]], hand: str | None, step: tuple[str, ...]) -> str | bool | None:
    """Blocksworld with towers instead of facts: the new hand, or False where the step can't be done."""
    name, block, *under = step
    tops = {t[-1]: t for t in towers if t}
    if name == "pick-up" and hand is None and block in tops and len(tops[block]) == 1:
        tops[block].pop()
        return block
    if name == "unstack" and hand is None and block in tops and len(tops[block]) > 1 and tops[block][-2] == under[0]:
        tops[block].pop()
        return block
    if name == "put-down" and hand == block:
        towers.append([block])
        return None
    if name == "stack" and hand == block and under[0] in tops:
        tops[under[0]].append(block)
        return None
    return False


@given(st.integers(0, 2**32), st.integers(2, 5), st.integers(1, 12))
def test_validity_agrees_with_an_independent_simulation(seed: int, blocks: int, length: int) -> None:
    rng = random.Random(seed)
    names = "abcde"[:blocks]
    plan = [
        (name, *rng.choices(names, k=1 if name in ("pick-up", "put-down") else 2))
        for name in rng.choices(["pick-up", "put-down", "stack", "unstack"], k=length)
    ]
    facts = " ".join(f"(clear {b}) (ontable {b})" for b in names)
    problem = (
        f"(define (problem p) (:domain blocks) (:objects {' '.join(names)}) (:init {facts} (handempty)) (:goal (and)))"
    )
    towers, hand, failed = [[b] for b in names], None, None
    for number, step in enumerate(plan, 1):
        result = simulate(towers, hand, step)
        if result is False:
            failed = number
            break
        hand = result
    assert check(BLOCKS, problem, "\n".join(f"({' '.join(s)})" for s in plan)).step == failed


def test_every_plan_of_the_corpus_gets_its_verdict() -> None:
    validators: dict[tuple[str, str], Validator] = {}
    for row in rows("plan_verdicts"):
        key = (row["domain"], row["problem"])
        if key not in validators:
            compiled = compile_domain(parse_domain(row["domain"]))
            validators[key] = Validator.of(compiled, parse_problem(row["problem"], compiled.domain))
        verdict = validate_text(validators[key], row["plan"])
        reason = "precond" if verdict.reason == "precondition" else verdict.reason
        expected = tuple(row["expect"][key] for key in ("valid", "reason", "step"))
        assert (verdict.valid, reason, verdict.step) == expected, row


@drawn_and_whole
def test_val_s_verdict_is_met_on_every_plan_that_planbench_took_from_a_response(corpora: Path) -> None:
    blocksworld = plain("blocksworld")
    worlds = {"blocksworld": blocksworld, "mystery_blocksworld": mystery(blocksworld)}
    for row in rows("planbench", corpora):
        world = worlds[row["params"]["domain"]]
        validator = Validator.of(world.compiled, parse_problem(row["params"]["problem"], world.domain))
        assert validate_text(validator, row["expect"]["plan"]).valid == row["expect"]["correct"], row


def test_steps_beyond_strips_are_found_unless_numbers_decide() -> None:
    rule = "(forall (?y) (imply (p ?y) (q ?y)))"
    for functions, found in (("", [("a", "x"), ("a", "y")]), ("(:functions (f))", None)):
        text = (
            f"(define (domain d) (:predicates (p ?x) (q ?x)) {functions} "
            f"(:action a :parameters (?x) :precondition (and (q ?x) {rule}) :effect (not (q ?x))))"
        )
        compiled = compile_domain(parse_domain(text))
        problem = "(define (problem e) (:domain d) (:objects x y) (:init (p x) (q x) (q y)) (:goal (and)))"
        validator = Validator.of(compiled, parse_problem(problem, compiled.domain))
        facts = frozenset(validator.problem.init)
        if found is None:
            with pytest.raises(ValueError, match="numbers"):
                validator.applicable(facts)
            assert validator.apply(facts, ("a", "y")) is None
        else:
            assert validator.applicable(facts) == found
            after = validator.apply(facts, ("a", "x"))
            assert after == {("p", "x"), ("q", "y")}
            assert validator.applicable(after) == [], "x is p and not q now"
