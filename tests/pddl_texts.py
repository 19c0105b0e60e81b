"""Blocksworld in PDDL with one problem, and the verdict on a plan, from its texts."""

from __future__ import annotations

from harness.pddl.compile import compile_domain
from harness.pddl.execute import Validator, Verdict, validate_text
from harness.pddl.parse import parse_domain, parse_problem

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


def check(domain: str, problem: str, plan: str) -> Verdict:
    compiled = compile_domain(parse_domain(domain))
    return validate_text(Validator.of(compiled, parse_problem(problem, compiled.domain)), plan)
