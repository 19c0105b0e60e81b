"""Families as linear equations over head counts, solved exactly.

No answer is a formula written for a template. Every sentence of the statement becomes one equation
over unknown counts (boys, girls, children of an aunt ...), the question becomes a linear form over
the same unknowns, and `solve` computes what the facts imply about it. Knows no wording.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

Sex = Literal["female", "male"]

CONSTANT = "1"
"""The name under which a linear form keeps its constant term."""


class UnsolvableError(ValueError):
    """The facts contradict each other, or do not determine what is asked."""


Number = int | Fraction


@dataclass(frozen=True)
class Form:
    """A linear form: a sum of counts, each with a coefficient that is not 0, plus a constant."""

    terms: Mapping[str, Number]

    def __add__(self, other: Form | int) -> Form:
        return self.plus(as_form(other), 1)

    def __sub__(self, other: Form | int) -> Form:
        return self.plus(as_form(other), -1)

    def __mul__(self, factor: Number) -> Form:
        return Form({name: c * factor for name, c in self.terms.items()} if factor else {})

    def plus(self, other: Form, factor: Number) -> Form:
        """self + factor * other"""
        total = dict(self.terms)
        for name, c in other.terms.items():
            total[name] = total.get(name, 0) + factor * c
        return Form({name: c for name, c in total.items() if c})

    def __str__(self) -> str:
        """`7`, or `M+1` for a form with letters; the letters come first."""
        parts = []
        for name, c in sorted(self.terms.items(), key=lambda t: (t[0] == CONSTANT, t[0])):
            sign = "-" if c < 0 else "+"
            size = str(abs(c)) if name == CONSTANT else (name if abs(c) == 1 else f"{abs(c)}{name}")
            parts.append(sign + size)
        return "".join(parts).removeprefix("+") or "0"


def as_form(value: Form | int | str) -> Form:
    """A whole number, or a letter that stands for one, as a linear form."""
    if isinstance(value, Form):
        return value
    if isinstance(value, str):
        return Form({value: 1})
    return Form({CONSTANT: value} if value else {})


def unknown(name: str) -> Form:
    """A count that the facts may or may not determine. `?` before its name distinguishes it from given letters."""
    return Form({"?" + name: 1})


@dataclass(frozen=True)
class Fact:
    """One sentence of the statement: the count `left` equals `right`, which has given numbers or letters only."""

    left: Form
    right: Form


def solve(facts: Iterable[Fact], query: Form) -> Form:
    """What the facts imply about `query`: a form in given numbers and letters.

    Gaussian elimination over the rationals. The facts must determine the query, but not every unknown
    in it: the query must lie in the row span of the facts (cousins can be counted even if nobody knows
    which uncle has how many). Raises UnsolvableError if the facts contradict each other or leave the
    query open.
    """
    rows: dict[str, Form] = {}  # pivot unknown -> form that is zero and has coefficient 1 there
    for fact in facts:
        form = _reduce(fact.left - fact.right, rows)
        pivot = next((name for name in form.terms if name.startswith("?")), None)
        if pivot is None:
            if form.terms:
                raise UnsolvableError(f"the facts contradict each other: {form} is not 0")
            continue
        form = form * Fraction(1, form.terms[pivot])
        rows = {p: row.plus(form, -row.terms.get(pivot, 0)) for p, row in rows.items()} | {pivot: form}
    answer = _reduce(query, rows)
    if any(name.startswith("?") for name in answer.terms):
        raise UnsolvableError(f"the facts do not determine the answer: {answer} is left")
    return answer


def _reduce(form: Form, rows: Mapping[str, Form]) -> Form:
    """The form with every pivot unknown replaced by what it equals."""
    for pivot, row in rows.items():
        if pivot in form.terms:
            form = form.plus(row, -form.terms[pivot])
    return form


@dataclass(frozen=True)
class Circle:
    """People among whom everybody stands in the same relation to everybody else: the children of one
    couple, or friends who are all friends with each other. Nobody counts as their own relation."""

    name: str

    @property
    def males(self) -> Form:
        """The number of males, an unknown."""
        return unknown(f"males of {self.name}")

    @property
    def females(self) -> Form:
        """The number of females, an unknown."""
        return unknown(f"females of {self.name}")

    @property
    def size(self) -> Form:
        """The number of people of both sexes."""
        return self.males + self.females

    def count(self, sex: Sex | Literal["any"], seen_by: Sex) -> Form:
        """How many others of `sex` a member of sex `seen_by` has in the circle: brothers, sisters or friends."""
        everyone = {"male": self.males, "female": self.females, "any": self.size}[sex]
        return everyone - 1 if sex in (seen_by, "any") else everyone
