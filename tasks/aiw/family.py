"""Families as linear equations over head counts, solved exactly.

A problem's answer is never a formula per template: every sentence of the statement becomes one
equation over unknown counts (boys, girls, children of an aunt ...), the question becomes a linear
form over the same unknowns, and `solve` says what the facts imply about it. Knows no wording.
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


@dataclass(frozen=True)
class Form:
    """A linear form: a sum of counts, each with a whole or fractional coefficient, plus a constant."""

    terms: tuple[tuple[str, Fraction], ...]

    @classmethod
    def of(cls, terms: Mapping[str, int | Fraction]) -> Form:
        return cls(tuple(sorted((name, Fraction(c)) for name, c in terms.items() if c)))

    def __add__(self, other: Form | int) -> Form:
        total = dict(self.terms)
        for name, c in as_form(other).terms:
            total[name] = total.get(name, Fraction(0)) + c
        return Form.of(total)

    def __sub__(self, other: Form | int) -> Form:
        return self + as_form(other) * Fraction(-1)

    def __mul__(self, factor: Fraction) -> Form:
        return Form.of({name: c * factor for name, c in self.terms})

    def coefficient(self, name: str) -> Fraction:
        return dict(self.terms).get(name, Fraction(0))

    def __str__(self) -> str:
        """`7`, or `M+1` for a form with letters; the letters come first."""
        parts = []
        for name, c in sorted(self.terms, key=lambda t: (t[0] == CONSTANT, t[0])):
            sign = "-" if c < 0 else "+"
            size = str(abs(c)) if name == CONSTANT else (name if abs(c) == 1 else f"{abs(c)}{name}")
            parts.append(sign + size)
        return "".join(parts).removeprefix("+") or "0"


def as_form(value: Form | int | str) -> Form:
    """A whole number, or a letter that stands for one, as a linear form."""
    if isinstance(value, Form):
        return value
    return Form.of({value: 1} if isinstance(value, str) else {CONSTANT: value})


def unknown(name: str) -> Form:
    """A count that the facts may or may not determine; `?` marks it apart from given letters."""
    return Form.of({"?" + name: 1})


@dataclass(frozen=True)
class Fact:
    """One sentence: the count `left` is `right`; `right` holds given numbers or letters only."""

    left: Form
    right: Form


def solve(facts: Iterable[Fact], query: Form) -> Form:
    """What the facts imply about `query`: a form in given numbers and letters.

    Gaussian elimination over the rationals. The query need not have every unknown determined, only
    itself: it must lie in the row span of the facts (cousins are countable though no single uncle's
    children are). Raises UnsolvableError where the facts contradict each other or leave it open.
    """
    rows: list[tuple[str, Form]] = []  # (pivot unknown, form that is zero and has coefficient 1 there)
    for fact in facts:
        form = _reduce(fact.left - fact.right, rows)
        pivot = next((name for name, _ in form.terms if name.startswith("?")), None)
        if pivot is None:
            if form.terms:
                raise UnsolvableError(f"the facts contradict each other: {form} is not 0")
            continue
        form = form * (1 / form.coefficient(pivot))
        rows = [(p, r - form * r.coefficient(pivot)) for p, r in rows]
        rows.append((pivot, form))
    answer = _reduce(query, rows)
    if any(name.startswith("?") for name, _ in answer.terms):
        raise UnsolvableError(f"the facts do not determine the answer: {answer} is left")
    return answer


def _reduce(form: Form, rows: list[tuple[str, Form]]) -> Form:
    for pivot, row in rows:
        c = form.coefficient(pivot)
        if c:
            form = form - row * c
    return form


@dataclass(frozen=True)
class Circle:
    """People among whom everybody stands in the same relation to everybody else: the children of one
    couple, or friends who are all friends with each other. Nobody is a relation of their own."""

    name: str

    @property
    def males(self) -> Form:
        return unknown(f"males of {self.name}")

    @property
    def females(self) -> Form:
        return unknown(f"females of {self.name}")

    @property
    def size(self) -> Form:
        return self.males + self.females

    def count(self, sex: Sex | Literal["any"], seen_by: Sex) -> Form:
        """How many others of that sex a member of sex `seen_by` has around: brothers, sisters, friends."""
        everyone = {"male": self.males, "female": self.females, "any": self.size}[sex]
        return everyone - 1 if sex in (seen_by, "any") else everyone
