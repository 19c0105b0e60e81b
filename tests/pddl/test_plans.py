"""Plan validation: the semantics VAL and unified-planning agree on, strictness where VAL has none, and bad input."""

import contextlib
import gzip
import json
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pddl.compile import compile_domain
from harness.pddl.execute import PlanSyntax, Validator, read_plan, validate_text
from harness.pddl.parse import PDDLError, parse_domain, parse_problem

CORPUS = Path(os.environ.get("HARNESS_CORPORA", Path(__file__).parents[3] / "shared" / "corpora"))

BLOCKS = """
(define (domain blocks) (:requirements :strips)
 (:predicates (clear ?x) (ontable ?x) (handempty) (holding ?x) (on ?x ?y))
 (:action pick-up :parameters (?a) :precondition (and (clear ?a) (ontable ?a) (handempty))
  :effect (and (holding ?a) (not (clear ?a)) (not (ontable ?a)) (not (handempty))))
 (:action put-down :parameters (?a) :precondition (holding ?a)
  :effect (and (clear ?a) (handempty) (ontable ?a) (not (holding ?a))))
 (:action stack :parameters (?a ?b) :precondition (and (clear ?b) (holding ?a))
  :effect (and (handempty) (clear ?a) (on ?a ?b) (not (clear ?b)) (not (holding ?a))))
 (:action unstack :parameters (?a ?b) :precondition (and (on ?a ?b) (clear ?a) (handempty))
  :effect (and (holding ?a) (clear ?b) (not (on ?a ?b)) (not (clear ?a)) (not (handempty)))))
"""
ON = (
    "(define (problem p) (:domain blocks) (:objects a b)"
    " (:init (clear a) (clear b) (ontable a) (ontable b) (handempty)) (:goal (on a b)))"
)


def check(domain: str, problem: str, plan: str):
    compiled = compile_domain(parse_domain(domain))
    return validate_text(Validator.of(compiled, parse_problem(problem, compiled.domain)), plan)


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


@pytest.mark.parametrize(
    "plan",
    [
        "(PICK-UP A)\n(Stack a B)",
        "(pick-up a) (stack a b)",
        "; a plan\n(pick-up a) ; up\n\n(stack a b)\n; cost = 2 (unit)",
        "0: (pick-up a)\n1: (stack a b)",
        "1.0: (stack a b) [1]\n0.0: (pick-up a) [1]",
        "( pick-up   a )\r\n(stack a b)",
    ],
)
def test_the_forms_of_plan_files(plan) -> None:
    assert check(BLOCKS, ON, plan).valid


def world(action: str, goal: str, init: str = "", plan: str = "(go)", extra: str = "") -> bool:
    """Whether a plan of one odd action, with objects a b - t and c - u, is valid."""
    domain = (
        "(define (domain d) (:requirements :adl :fluents) (:types t u - both both) (:constants k - t)"
        "(:predicates (p) (q) (r ?x) (s ?x ?y)) (:functions (n) (m ?x) (total-cost) - number)"
        f"(:action go {action}) {extra})"
    )
    problem = f"(define (problem x) (:domain d) (:objects a b - t c - u) (:init {init}) (:goal {goal}))"
    return check(domain, problem, plan).valid


@pytest.mark.parametrize(
    ("what", "valid"),
    [
        (world(":parameters () :effect (and (p) (not (p)))", "(p)"), True),
        (world(":parameters () :effect (and (not (p)) (p))", "(p)", "(p)"), True),
        (world(":parameters (?x ?y - t) :effect (and (not (r ?x)) (r ?y))", "(r a)", "(r a)", "(go a a)"), True),
        (world(":parameters () :effect (and (q) (when (p) (not (q))))", "(q)", "(p)"), True),
        (world(":parameters () :effect (and (p) (when (p) (q)))", "(q)"), False),
        (world(":parameters () :effect (and (not (p)) (when (p) (q)))", "(q)", "(p)"), True),
        (world(":parameters () :precondition (not (p)) :effect (q)", "(and (q) (not (p)))"), True),
        (world(":parameters () :precondition (or (p) (q)) :effect (r k)", "(r k)", "(q)"), True),
        (world(":parameters () :precondition (imply (p) (q)) :effect (r k)", "(r k)", "(p)"), False),
        (world(":parameters () :precondition (forall (?x - t) (r ?x)) :effect (p)", "(p)", "(r a) (r b) (r k)"), True),
        (world(":parameters () :precondition (forall (?x - t) (r ?x)) :effect (p)", "(p)", "(r a) (r b)"), False),
        (world(":parameters () :precondition (exists (?x - u) (r ?x)) :effect (p)", "(p)", "(r a)"), False),
        (world(":parameters () :effect (forall (?x - both) (when (not (r ?x)) (r ?x)))", "(forall (?x) (r ?x))"), True),
        (world(":parameters (?x ?y) :precondition (not (= ?x ?y)) :effect (p)", "(p)", "", "(go a a)"), False),
        (world(":parameters (?x ?y) :precondition (= ?x k) :effect (p)", "(p)", "", "(go k a)"), True),
        (world(":parameters (?x - (either u t)) :effect (r ?x)", "(r c)", "", "(go c)"), True),
        (world(":parameters (?x - both) :effect (r ?x)", "(r c)", "", "(go c)"), True),
        (world(":parameters (?x - u) :effect (r ?x)", "(r a)", "", "(go a)"), False),
        (world(":parameters () :precondition (>= (n) 2) :effect (decrease (n) 2)", "(= (n) 1)", "(= (n) 3)"), True),
        (world(":parameters () :precondition (>= (n) 2) :effect (p)", "(p)", "(= (n) 1)"), False),
        (world(":parameters () :precondition (> (n) 0) :effect (p)", "(p)"), False),
        (world(":parameters () :effect (increase (n) 1)", "(> (n) 0)"), False),
        (world(":parameters () :effect (assign (m k) (+ (* 2 3) 1))", "(= (m k) 7)"), True),
        (world(":parameters ()", "(and)"), True),
        (world(":parameters () :precondition () :effect (p)", "(p)"), True),
        (world(":parameters (?x) :precondition (exists (?x - u) (r ?x)) :effect (p)", "(p)", "(r c)", "(go a)"), True),
    ],
)
def test_semantics(what, valid) -> None:
    assert what == valid


def test_a_goal_that_was_reached_and_undone_is_not_reached() -> None:
    assert check(BLOCKS, ON, "(pick-up a)(stack a b)(unstack a b)").reason == "goal"


def test_the_metric_is_the_cost() -> None:
    domain = (
        "(define (domain d) (:predicates (p)) (:functions (total-cost))"
        "(:action go :parameters () :effect (and (p) (increase (total-cost) 5))))"
    )
    problem = "(define (problem x) (:domain d) (:init (= (total-cost) 0)) (:goal (p)) (:metric minimize (total-cost)))"
    assert check(domain, problem, "(go)(go)").cost == 10


def test_empty_sections_load() -> None:
    domain = "(define (domain d) (:requirements) (:types ) (:constants ) (:functions ) (:predicates (p)))"
    assert check(domain, "(define (problem x) (:domain d) (:objects ) (:init ) (:goal (and)))", "").valid


@pytest.mark.parametrize(
    ("domain", "problem", "message"),
    [
        ("(define (domain d)", ON, "line 1: a parenthesis is never closed"),
        ("(define (domain d)))", ON, "closing parenthesis"),
        ("", ON, "found nothing"),
        ("(domain d)", ON, "expected \\(define"),
        ("(define (domain d) (:requirements :magic))", ON, ":magic is not supported"),
        ("(define (domain d) (:durative-action x))", ON, ":durative-action is not supported"),
        ("(define (domain d) (:types a - b b - c c - a))", ON, "is a circle"),
        ("(define (domain d) (:predicates (p ?x - cat)))", ON, "there is no type cat"),
        ("(define (domain d) (:action a :parameters () :effect (p)))", ON, "the predicate p is not declared"),
        ("(define (domain d) (:predicates (p)) (:action a :parameters (x)))", ON, "does not start with"),
        (
            "(define (domain d) (:predicates (p ?x)) (:action a :parameters () :effect (p ?y)))",
            ON,
            "\\?y is not declared",
        ),
        ("(define (domain d) (:action a) (:action a))", ON, "defined twice"),
        ("(" * 500, ON, "parentheses deep"),
        (BLOCKS, ON.replace("a b)", "a b a)", 1), "a is declared twice"),
        (BLOCKS, ON.replace("(clear a)", "(clean a)"), "clean is not declared"),
        (BLOCKS, ON.replace("(clear a)", "(clear z)"), "no object z"),
        (BLOCKS, ON.replace("(clear a)", "(clear a b)"), "takes 1 arguments"),
        (BLOCKS, ON.replace("(on a b)", "(on a z)"), "no object z"),
        (BLOCKS, ON.replace("(on a b)", "(frob a)"), "frob is not declared"),
        (BLOCKS, "(define (problem p) (:goal (and)) (:wish x))", ":wish is not supported"),
        (BLOCKS, "hello", "found other text"),
    ],
)
def test_what_is_not_pddl_is_a_clear_error(domain, problem, message) -> None:
    with pytest.raises(PDDLError, match=message):
        check(domain, problem, "")


def test_errors_name_the_line() -> None:
    with pytest.raises(PDDLError, match="line 3"):
        parse_domain("(define (domain d)\n (:predicates (p))\n (:action a :parameters () :effect (q)\n")
    with pytest.raises(PDDLError, match="line 2"):
        compile_domain(parse_domain("(define (domain d) (:predicates (p))\n(:action a :parameters () :effect (q)))"))


@given(st.text(alphabet="(); \n:definedomain-?xpab012[]", max_size=120))
def test_any_text_is_pddl_or_a_clear_error(text: str) -> None:
    for domain, problem in ((text, ON), (BLOCKS, text)):
        with contextlib.suppress(PDDLError):
            check(domain, problem, text)


@given(st.text(alphabet="(); \n:-ab012[].pick-up", max_size=80))
def test_any_plan_text_gets_a_verdict(text: str) -> None:
    assert check(BLOCKS, ON, text).reason in (
        None,
        "syntax",
        "unknown_action",
        "arity",
        "unknown_object",
        "precondition",
        "goal",
    )


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


@pytest.mark.skipif(not CORPUS.exists(), reason=f"the corpus of plans is not at {CORPUS}")
def test_every_plan_of_the_corpus_gets_its_verdict() -> None:
    validators: dict[tuple[str, str], Validator] = {}
    with gzip.open(CORPUS / "plan_verdicts.jsonl.gz", "rt", encoding="utf-8") as file:
        for row in map(json.loads, file):
            key = (row["domain"], row["problem"])
            if key not in validators:
                compiled = compile_domain(parse_domain(row["domain"]))
                validators[key] = Validator.of(compiled, parse_problem(row["problem"], compiled.domain))
            verdict = validate_text(validators[key], row["plan"])
            reason = "precond" if verdict.reason == "precondition" else verdict.reason
            assert (verdict.valid, reason, verdict.step) == tuple(
                row["expect"][k] for k in ("valid", "reason", "step")
            ), row
