"""The package pddl reads what we emit, in every world, and its objects come back as texts that mean the same."""

import itertools
import random

import pytest

from harness import plugins
from harness.pddl import cross_check
from harness.pddl.interchange import to_objects, to_texts
from harness.pddl.parse import PDDLError
from harness.pddl.validation import validate_one, validator
from harness.pddl_domains import SHIPPED
from harness.tasks.planning.scoring import world_of


@pytest.mark.parametrize("domain", SHIPPED)
def test_all_that_we_emit_is_read_and_comes_back(domain: str) -> None:
    task = plugins.task(domain, {"prompt": "pddl"})
    seen = set()
    for sample in itertools.islice(task.samples(0), 9):
        params = sample.params
        seen.add(params["world"])
        text, problem = world_of(params).pddl, params["problem"]
        objects = to_objects(text, problem)
        again = to_texts(*objects)
        assert len(objects[0].actions) == len(validator(text, problem).domain.actions)
        plan = task.baseline("oracle", sample, random.Random(0))
        verdict = validate_one(text, problem, plan)
        assert verdict == validate_one(*again, plan)
        assert verdict.valid
    assert len(seen) > 1


def test_what_the_package_cannot_read_is_a_clear_error() -> None:
    with pytest.raises(PDDLError, match="domain: the package pddl can't read it"):
        to_objects("(define", "(define (problem x))")


def test_its_opinion_is_no_verdict() -> None:
    action = "(:action go :parameters () :precondition (and) :effect (p))"
    domain = f"(define (domain d) (:requirements :strips) (:predicates (p)) {action})"
    problem = "(define (problem x) (:domain d) (:init) (:goal (p)))"
    with cross_check.opened("pddl") as check:
        assert check(domain, problem, "(go)").valid is None
        assert "reads the domain" in check(domain, problem, "(go)").detail
        assert "can't read" in check("nothing", problem, "(go)").detail
