"""The published variations of each family: rows of numbers, as in published.toml, and the problems made of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from harness.tasks.aiw import problems
from harness.tasks.aiw.problems import Problem, Relation, Siblings
from harness.tasks.aiw.prompts import published

SAME_NUMBERS = ("original", "female", "friends", "light_siblings", "light_relation", "light_attribute")
"""Families that ask about the same numbers in each variation: their samples are matched."""


def variations(family: str, names: tuple[str, ...]) -> Iterator[tuple[str, Problem]]:
    """The published variations of a family that are asked for; none of `procedural`."""
    if family not in BUILDERS:
        return
    found = numbers(family)
    for name in names:
        if name in found:
            yield name, BUILDERS[family](found[name])


def numbers(family: str) -> dict[str, dict[str, Any]]:
    """The numbers of a family's published variations, by name."""
    return published("original" if family in SAME_NUMBERS else family)


def person(row: dict[str, Any]) -> tuple[Siblings, tuple[Relation, Relation]]:
    """Alice with a row's brothers and sisters, and which of them are stated first."""
    order: tuple[Relation, Relation] = (
        ("brothers", "sisters") if row["first"] == "brothers" else ("sisters", "brothers")
    )
    return Siblings("Alice", "female", row["brothers"], row["sisters"]), order


BUILDERS: dict[str, Callable[[dict[str, Any]], Problem]] = {
    "original": lambda row: problems.siblings(*person(row)),
    "female": lambda row: problems.siblings(*person(row), stated_sex=True),
    "bignum": lambda row: problems.siblings(*person(row)),
    "parameterised": lambda row: problems.siblings(*person(row)),
    "light_siblings": lambda row: problems.light_siblings(*person(row)),
    "light_relation": lambda row: problems.light_relation(*person(row)),
    "light_attribute": lambda row: problems.light_attribute(*person(row)),
    "friends": lambda row: problems.friends(row["brothers"], row["sisters"], row["first"] == "sisters"),
    "extension": lambda row: problems.extension(**row),
    "plus": lambda row: problems.plus(problems.Cousins(**row)),
}
"""Makes the problem of a family from a row of its numbers."""
