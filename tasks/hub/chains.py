"""Solutions with calculator marks, such as GSM8K's `<<48/2=24>>`: read, and computed again for other numbers.

A twin has the question's words and other numbers in it; its solution has the same marks. An item has a twin only if
each number that is changed is tied to the marks without doubt, and all that they use besides is said in the question.
Text is never evaluated: harness.reading.expressions parses it.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from harness.reading.expressions import NotAnExpressionError, NoValueError, parse
from harness.tasks.hub import quantities
from harness.tasks.hub.quantities import MOST_DIGITS, NUMBER, Quantity, places, value_of, written

MOST_MARKS, LONGEST = 30, 20_000
"""Marks and characters of the longest solution that is looked at."""
DRAWS, POSSIBLE = 2000, 100
"""So many draws of other numbers, or possible ones, until one has results as long and as round as the item's; else the
nearest is taken."""
SMALL = 10
"""Up to this a number may be a count of things that are only listed (three names, "one of each"): it is not tied if the
marks have it more often than the question."""


class NoTwinError(ValueError):
    """The item has no twin; the message says why, in the words of a table."""


class Mark(NamedTuple):
    """`<<48/2=24>>`: what is computed, and what it comes to."""

    computed: str
    result: str

    def __str__(self) -> str:
        return f"{self.computed}={self.result}"


class Leaf(NamedTuple):
    """A number in a mark that changes: its place there, and what it is: the number of the question, or the earlier
    result, with this number; or the hundredth part of that number."""

    start: int
    end: int
    of: str
    which: int


@dataclass(frozen=True)
class Chain:
    """An item whose numbers can be others. `leaves` has those of each mark."""

    question: str
    numbers: tuple[Quantity, ...]
    marks: tuple[Mark, ...]
    leaves: tuple[tuple[Leaf, ...], ...]


class Twin(NamedTuple):
    """The same words with other numbers."""

    question: str
    marks: tuple[Mark, ...]

    @property
    def answer(self) -> str:
        """The last result."""
        return self.marks[-1].result


# Reading ------------------------------------------------------------------------------------------------------------

_MARK = re.compile(r"<<([^<>=\n]{1,200})=([^<>=\n]{1,40})>>")
_RESULT = re.compile(rf"-?(?:{NUMBER})")
_NUMBER = re.compile(rf"(?<![\w.])(?:{NUMBER})")
_ALLOWED = re.compile(r"[0-9.,+\-*/() ]+")


def marks(solution: str) -> tuple[Mark, ...]:
    """The calculator marks of a solution. NoTwinError if it has none, too many, or one of another form."""
    found = tuple(Mark(*(part.strip() for part in m.groups())) for m in _MARK.finditer(solution[:LONGEST]))
    if not found:
        raise NoTwinError("no calculator marks")
    if len(found) > MOST_MARKS or len(solution) > LONGEST or len(found) != solution.count("<<"):
        raise NoTwinError("marks of another form")
    return found


def chain(question: str, solution_marks: Sequence[Mark], answer: str) -> Chain:
    """The numbers of an item tied to its marks. NoTwinError if one can't be, or if the marks don't lead to the answer
    by themselves."""
    numbers = quantities.quantities(question)
    if numbers is None or all(q.kept for q in numbers):
        raise NoTwinError("no number of the question that may change")
    results = [_holding(mark) for mark in solution_marks]
    if not results or results[-1] != value_of(answer.removeprefix("-")) * (-1 if answer.startswith("-") else 1):
        raise NoTwinError("the last mark is not the answer")
    _check_independent(question, numbers)
    known = quantities.said(question, numbers)
    leaves = tuple(tuple(_leaves(mark, numbers, results[:index], known)) for index, mark in enumerate(solution_marks))
    every = Counter((leaf.of, leaf.which) for found in leaves for leaf in found)
    for value, first in _free(numbers).items():
        if value <= SMALL and every["number", first] > sum(q.value == value for q in numbers):
            raise NoTwinError("a small number that the marks have more often than the question")
    used = set(every)
    if set(_free(numbers).values()) - {index for of, index in used if of != "result"}:
        raise NoTwinError("a number of the question is in no mark")
    if set(range(len(results) - 1)) - {index for of, index in used if of == "result"}:
        raise NoTwinError("a result that no later mark uses")
    return Chain(question, tuple(numbers), tuple(solution_marks), leaves)


def _holding(mark: Mark) -> Fraction:
    """The result of a mark, which is exactly what it computes."""
    if not _RESULT.fullmatch(mark.result) or not _ALLOWED.fullmatch(mark.computed):
        raise NoTwinError("marks of another form")
    if any(len(m[0]) > MOST_DIGITS for part in mark for m in _NUMBER.finditer(part)):
        raise NoTwinError("marks of another form")
    value = _value(mark.computed)
    if value is None or value != Fraction(mark.result.replace(",", "")):
        raise NoTwinError("a mark that does not hold exactly")
    return value


def _value(computed: str) -> Fraction | None:
    try:
        value = parse(computed.replace(",", "")).value()
    except (NotAnExpressionError, NoValueError):
        return None
    return Fraction(value)


def _check_independent(question: str, numbers: Sequence[Quantity]) -> None:
    """NoTwinError if a number of the question follows from others, so that it can't change by itself."""
    values = {q.value for q in numbers}
    if any(a + b in values and a + b >= 10 for a, b in itertools.combinations([q.value for q in numbers], 2)):
        raise NoTwinError("a number of the question is the sum of two others")
    if sum(q.value for q in quantities.percents(question, numbers)) == 100:
        raise NoTwinError("percentages that make up the whole")


def _free(numbers: Sequence[Quantity]) -> dict[Fraction, int]:
    """The values that change, each with the place of the first number that has it. Equal numbers change alike, so that
    it does not matter which of them a mark means."""
    found: dict[Fraction, int] = {}
    for index, q in enumerate(numbers):
        if not q.kept:
            found.setdefault(q.value, index)
    return found


def _leaves(
    mark: Mark, numbers: Sequence[Quantity], earlier: Sequence[Fraction], known: frozenset[Fraction]
) -> list[Leaf]:
    """The numbers of a mark that change. NoTwinError for one that may be two things, or of which nobody knows where it
    is from."""
    found, free = [], _free(numbers)
    for m in _NUMBER.finditer(mark.computed):
        value = value_of(m[0])
        ties = [("number", free[value])] if value in free else []
        if any(q.hundredth and q.value == 100 * value for q in numbers if not q.kept):
            ties.append(("hundredth", free[100 * value]))
        ties += [("result", i) for i, result in enumerate(earlier) if result == value]
        if len(ties) + (value in known) > 1:
            raise NoTwinError("a number of a mark may be two things")
        if not ties and value not in known:
            raise NoTwinError("a number of a mark is not in the question")
        found += [Leaf(m.start(), m.end(), of, index) for of, index in ties]
    return found


# Other numbers ------------------------------------------------------------------------------------------------------


def twin(item: Chain, rng: random.Random) -> Twin | None:
    """The item with other numbers: each that may change does, their order by size stays, results stay whole or not,
    positive or not, and the answer is another one. Of DRAWS draws the first whose results have as many digits as the
    item's, with and without zeros at the end, else the nearest one; None if no draw is possible."""
    best: tuple[int, Twin] | None = None
    possible = 0
    for draw in range(DRAWS):
        drawn = _drawn(item.numbers, rng, far=draw >= DRAWS // 2)
        computed = drawn and _computed(item, drawn)
        if not drawn or not computed or value_of_result(computed[-1]) == value_of_result(item.marks[-1]):
            continue
        distance = sum(_apart(new.result, old.result) for new, old in zip(computed, item.marks, strict=True))
        if best is None or distance < best[0]:
            best = distance, Twin(_replaced(item.question, item.numbers, drawn), computed)
        possible += 1
        if not distance or possible == POSSIBLE:
            break
    return best[1] if best else None


def value_of_result(mark: Mark) -> Fraction:
    """What a mark comes to."""
    return Fraction(mark.result.replace(",", ""))


def digits(text: str) -> int:
    """How many digits a number is written with."""
    return sum(c.isdecimal() for c in text)


def significant(text: str) -> int:
    """How many of them are not zeros at an end: 2 of 1200, 1 of 0.50."""
    return len("".join(filter(str.isdecimal, text)).strip("0"))


def _apart(new: str, old: str) -> int:
    return abs(digits(new) - digits(old)) + abs(significant(new) - significant(old))


def _drawn(numbers: Sequence[Quantity], rng: random.Random, far: bool) -> list[Fraction] | None:
    """Other values of those that may change, in the same order by size; None if the draw is none."""
    new: dict[Fraction, Fraction] = {}
    for q in numbers:
        if not q.kept and q.value not in new:
            limits = [p.limit for p in numbers if p.value == q.value and p.limit is not None]
            value = quantities.other(q._replace(limit=min(limits, default=None)), rng, far)
            if value is None:
                return None
            new[q.value] = value
    values = [q.value if q.kept else new[q.value] for q in numbers]
    if any(written(value, q.text) is None for q, value in zip(numbers, values, strict=True)):
        return None
    ordered = sorted(zip((q.value for q in numbers), values, strict=True))
    if any((a < b) != (x < y) for (a, x), (b, y) in itertools.pairwise(ordered)):
        return None
    return values


def _computed(item: Chain, values: Sequence[Fraction]) -> tuple[Mark, ...] | None:
    """The marks with other values; None if a result is of another kind than the item's."""
    results: list[Fraction] = []
    made = []
    for mark, leaves in zip(item.marks, item.leaves, strict=True):
        known: Mapping[str, Sequence[Fraction]] = {
            "number": values, "hundredth": [v / 100 for v in values], "result": results
        }  # fmt: skip
        text, done = "", 0
        for leaf in leaves:
            value, old = known[leaf.of][leaf.which], mark.computed[leaf.start : leaf.end]
            text += mark.computed[done : leaf.start] + _as_leaf(value, old)
            done = leaf.end
        text += mark.computed[done:]
        result = _value(text)
        if result is None or not _of_a_kind(result, value_of_result(mark)):
            return None
        said = written(result, mark.result)
        if said is None or (places(mark.result) and said.endswith("0") != mark.result.endswith("0")):
            return None
        results.append(result)
        made.append(Mark(text, said))
    return tuple(made)


def _of_a_kind(new: Fraction, old: Fraction) -> bool:
    """Both whole or not, and on the same side of 0."""
    return (new.denominator == 1) == (old.denominator == 1) and (new > 0) == (old > 0) and (new < 0) == (old < 0)


def _as_leaf(value: Fraction, like: str) -> str:
    """A value as another number of a mark is written, with more decimal places if it needs them: it has an end."""
    while (text := written(value, like)) is None:
        like = f"{like}0" if "." in like else f"{like}.0"
    return text


def _replaced(question: str, numbers: Sequence[Quantity], values: Sequence[Fraction]) -> str:
    text, done = "", 0
    for q, value in zip(numbers, values, strict=True):
        text += question[done : q.start] + (q.text if q.kept else written(value, q.text) or q.text)
        done = q.start + len(q.text)
    return text + question[done:]
