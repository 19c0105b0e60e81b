"""Domains and problems from and to objects of the package `pddl`, for people who have them in that form.

The verdict on a plan always comes from our own reader. The package is stricter in some places (it refuses types without
`:typing` and some conditional effects), and accepts an undeclared predicate.
"""

from __future__ import annotations

import functools
import importlib.util
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.pddl.parse import PDDLError, parse_domain, parse_problem

if TYPE_CHECKING:
    from pddl.core import Domain, Problem

INSTALL = "pip install 'reasoning-harness[cross-check]'"


@functools.cache
def _parsers() -> tuple[Any, Any]:
    """The package's parsers, built once because that takes a second. Raises UsageError if the package is not
    installed."""
    if importlib.util.find_spec("pddl") is None:
        raise UsageError("the package pddl is not installed", INSTALL)
    from pddl.parser.domain import DomainParser
    from pddl.parser.problem import ProblemParser

    return DomainParser(), ProblemParser()


def to_objects(domain: str, problem: str) -> tuple[Domain, Problem]:
    """(domain, problem) as objects, from two PDDL texts. Raises PDDLError if the package can't read them, UsageError if
    it is not installed."""
    read_domain, read_problem = _parsers()
    found = []
    for what, parser, text in (("domain", read_domain, domain), ("problem", read_problem, problem)):
        try:
            found.append(parser(text))
        except (Exception, RecursionError) as error:  # its parser raises many kinds of errors
            shown = " ".join(str(error).split())[:300]
            raise PDDLError(f"{what}: the package pddl can't read it: {type(error).__name__}: {shown}") from None
    return found[0], found[1]


def to_texts(domain: Domain, problem: Problem) -> tuple[str, str]:
    """(domain, problem) as PDDL texts. Raises PDDLError if our own reader can't read them."""
    from pddl.formatter import domain_to_string, problem_to_string

    texts = domain_to_string(domain), problem_to_string(problem)
    parse_problem(texts[1], parse_domain(texts[0]))
    return texts
