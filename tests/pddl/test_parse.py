"""Reading PDDL and plan files: what is read, and what is refused with a clear error that names its line."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.pddl.compile import compile_domain
from harness.pddl.parse import PDDLError, parse_domain
from tests.pddl_texts import BLOCKS, ON, check


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


def test_rules_that_deny_what_depends_on_them_are_refused() -> None:
    domain = "(define (domain d) (:predicates (p) (q)) (:derived (p) (not (q))) (:derived (q) (p)))"
    with pytest.raises(PDDLError, match="can't be ordered"):
        check(domain, "(define (problem x) (:goal (and)))", "")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(:derived (p) (q)) (:action a :effect (p))", "derived by a rule"),
        ("(:derived (z) (q))", "z is not declared"),
        ("(:derived (p ?x) (q))", "another number"),
        ("(:derived (p))", "expected"),
        ("(:action a :parameters (?x - car))", "no type car"),
        ("(:action a :precondition (forall (?x - car) (p)))", "no type car"),
        ("(:action a :precondition (preference x (p)))", "preferences and trajectory constraints"),
    ],
)
def test_what_a_domain_may_not_say(text: str, message: str) -> None:
    with pytest.raises(PDDLError, match=message):
        check(f"(define (domain d) (:predicates (p) (q)) {text})", "(define (problem x) (:goal (and)))", "")


def test_a_derived_fact_can_t_be_given() -> None:
    with pytest.raises(PDDLError, match="can't be given"):
        check("(define (domain d) (:predicates (p) (q)) (:derived (p) (q)))", "(define (problem x) (:init (p)))", "")


@pytest.mark.parametrize("numeral", ["inf", "nan", "1_0", "1e999", "0x1", "--1", ".", "one"])
def test_what_is_no_number_is_refused(numeral: str) -> None:
    domain = "(define (domain d) (:functions (n)))"
    with pytest.raises(PDDLError, match="is not a number"):
        check(domain, f"(define (problem x) (:init (= (n) {numeral})) (:goal (and)))", "")


@pytest.mark.parametrize(
    ("domain", "problem", "plan"),
    [
        ("\ufeff" + BLOCKS, ON, "(pick-up a)(stack a b)"),
        (BLOCKS, "\ufeff" + ON, "(pick-up a)(stack a b)"),
        (BLOCKS, ON, "\ufeff(pick-up a)(stack a b)"),
        (BLOCKS.replace("(:predicates", "(:requirements :preferences :goal-utilities) (:predicates"), ON,
         "(pick-up a)(stack a b)"),
        (BLOCKS, ON.replace("(:init", "(:length (:serial 5)) (:init"), "(pick-up a)(stack a b)"),
    ],
)  # fmt: skip
def test_what_does_not_touch_a_plan_s_validity_is_read(domain: str, problem: str, plan: str) -> None:
    assert check(domain, problem, plan).valid


def test_a_typed_group_may_be_empty() -> None:
    domain = "(define (domain d) (:types part board - object) (:predicates (p ?x - part)))"
    problem = "(define (problem x) (:objects p0 p1 - part  - board) (:init (p p0)) (:goal (p p0)))"
    assert check(domain, problem, "").valid


def test_a_chain_of_types_that_no_domain_needs_is_refused_at_once() -> None:
    chain = " ".join(f"t{i} - t{i + 1}" for i in range(20_000))
    with pytest.raises(PDDLError, match="more than 100 types above"):
        check(f"(define (domain d) (:types {chain}))", ON, "")


def test_types_with_many_paths_between_them_are_read_at_once() -> None:
    ladder = " ".join(f"a{i} b{i} - (either a{i + 1} b{i + 1})" for i in range(60))
    domain = f"(define (domain d) (:types {ladder}) (:predicates (p ?x - a60)))"
    assert check(domain, "(define (problem x) (:objects o - a0) (:init (p o)) (:goal (p o)))", "").valid


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
