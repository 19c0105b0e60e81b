"""Every way to make a number from given numbers with + - * / and parentheses, each number used once.

Exhaustive and exact. Two ways are the same if they differ only by the order of terms and factors, by grouping, or by
signs that cancel: (1 - 5) * (2 - 8) is (8 - 2) * (5 - 1). Multiplying by 1 and dividing by 1 stay two ways.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from fractions import Fraction
from typing import NamedTuple

from harness.reading.expressions import Expression, NoValueError

MOST_NUMBERS = 5
"""Six numbers have some 800,000 ways: too many to go through while somebody waits."""


class Way(NamedTuple):
    """An expression in normal form, with a value that is not negative.

    `kind` is "" for a number, "+" for the sum of `ups` less the sum of `downs`, "*" for the product of `ups` over the
    product of `downs`. No term of a sum is itself a sum, and no factor of a product a product; both are sorted. `text`
    is the expression as a person would write it: equal texts are equal ways.
    """

    text: str
    value: Fraction
    kind: str = ""
    ups: tuple[Way, ...] = ()
    downs: tuple[Way, ...] = ()

    @property
    def needs_fractions(self) -> bool:
        """Whether a number on the way is not whole, however the terms and factors are grouped."""
        return self.value.denominator != 1 or any(part.needs_fractions for part in self.ups + self.downs)


def solutions(numbers: tuple[int, ...], target: int) -> list[Way]:
    """All ways to make the target, which is not negative; the simplest first."""
    return simplest_first([way for way in ways(tuple(sorted(numbers))) if way.value == target])


def simplest_first(found: list[Way]) -> list[Way]:
    """In order of simplicity: without fractions, with few parentheses, short."""
    return sorted(found, key=lambda way: (way.needs_fractions, way.text.count("("), len(way.text), way.text))


@functools.lru_cache(maxsize=65_536)
def can_make(numbers: tuple[int, ...], target: int) -> bool:
    """Whether the target can be made of these numbers (sorted, up to MOST_NUMBERS of them)."""
    return target in reachable(numbers)


@functools.lru_cache(maxsize=512)
def reachable(numbers: tuple[int, ...]) -> frozenset[int]:
    """The whole numbers, zero and up, that can be made of these (sorted, up to MOST_NUMBERS of them)."""
    return frozenset(int(value) for value in _values(numbers) if value.denominator == 1)


def ways(numbers: tuple[int, ...]) -> tuple[Way, ...]:
    """All ways to combine all the numbers (sorted), with any value that is not negative.

    Raises ValueError for more than MOST_NUMBERS numbers.
    """
    return _kept_ways(numbers) if len(numbers) <= _KEPT else _found_ways(numbers)


_KEPT = 3
"""Results for up to so many numbers are cached: they are small, and needed again and again."""


@functools.lru_cache(maxsize=4096)
def _kept_ways(numbers: tuple[int, ...]) -> tuple[Way, ...]:
    return _found_ways(numbers)


def _found_ways(numbers: tuple[int, ...]) -> tuple[Way, ...]:
    if len(numbers) > MOST_NUMBERS:
        raise ValueError(f"{len(numbers)} numbers are too many to go through")
    if len(numbers) == 1:
        return (Way(str(numbers[0]), Fraction(numbers[0])),)
    found: dict[str, Way] = {}
    for some, rest in _splits(numbers):
        for a in ways(some):
            for b in ways(rest):
                for way in _combined(a, b):
                    found[way.text] = way
    return tuple(found.values())


def _values(numbers: tuple[int, ...]) -> frozenset[Fraction]:
    return _kept_values(numbers) if len(numbers) <= _KEPT else _found_values(numbers)


@functools.lru_cache(maxsize=4096)
def _kept_values(numbers: tuple[int, ...]) -> frozenset[Fraction]:
    return _found_values(numbers)


def _found_values(numbers: tuple[int, ...]) -> frozenset[Fraction]:
    if len(numbers) == 1:
        return frozenset([Fraction(numbers[0])])
    found: set[Fraction] = set()
    for some, rest in _splits(numbers):
        for a in _values(some):
            for b in _values(rest):
                found |= {a + b, abs(a - b), a * b}
                found |= {x / y for x, y in ((a, b), (b, a)) if y}
    return frozenset(found)


def _splits(numbers: tuple[int, ...]) -> set[tuple[tuple[int, ...], tuple[int, ...]]]:
    """All ways to divide the numbers into two parts; which part comes first does not matter."""
    found = set()
    for mask in range(1, 2 ** (len(numbers) - 1)):
        some = tuple(n for i, n in enumerate(numbers) if mask >> i & 1)
        rest = tuple(n for i, n in enumerate(numbers) if not mask >> i & 1)
        found.add((some, rest) if some <= rest else (rest, some))
    return found


def _combined(a: Way, b: Way) -> Iterator[Way]:
    """All ways to join two ways by one operator, with a value that is not negative. Intermediate values below zero are
    never needed: a - (b - c) is a + c - b, whatever the sign of b - c."""
    (a_plus, a_minus), (b_plus, b_minus) = _parts(a, "+"), _parts(b, "+")
    yield _sum(a.value + b.value, a_plus + b_plus, a_minus + b_minus)
    if a.value >= b.value:
        yield _sum(a.value - b.value, a_plus + b_minus, a_minus + b_plus)
    else:
        yield _sum(b.value - a.value, b_plus + a_minus, b_minus + a_plus)
    (a_over, a_under), (b_over, b_under) = _parts(a, "*"), _parts(b, "*")
    yield _product(a.value * b.value, a_over + b_over, a_under + b_under)
    if b.value:
        yield _product(a.value / b.value, a_over + b_under, a_under + b_over)
    if a.value:
        yield _product(b.value / a.value, b_over + a_under, b_under + a_over)


# Normal forms -----------------------------------------------------------------------------------------------------


def normal_form(expression: Expression) -> str:
    """The text of the way that an expression takes, with a minus before it if its value is negative: expressions that
    differ by the order of terms and factors, by brackets, or by signs that cancel have the same.

    Raises NoValueError for a division by zero, and for operators other than + - * / and signs.
    """
    stack: list[tuple[int, Way]] = []  # (sign, way)
    for token in expression.postfix:
        if token[0] in "0123456789.":
            stack.append((1, Way(str(Fraction(token)), Fraction(token))))
        elif token in ("neg", "pos"):
            sign, way = stack[-1]
            stack[-1] = (-sign if token == "neg" and way.value else sign, way)
        elif token in ("+", "-", "*", "/"):
            right, left = stack.pop(), stack.pop()
            stack.append(_joined(token, left, right))
        else:
            raise NoValueError(f"the operator {token}")
    [(sign, way)] = stack
    return f"-({way.text})" if sign < 0 else way.text


def _joined(operator: str, left: tuple[int, Way], right: tuple[int, Way]) -> tuple[int, Way]:
    (a_sign, a), (b_sign, b) = left, right
    if operator in "*/":
        if operator == "/" and not b.value:
            raise NoValueError("division by zero")
        (a_over, a_under), (b_over, b_under) = _parts(a, "*"), _parts(b, "*")
        if operator == "/":
            b_over, b_under = b_under, b_over
        value = a.value / b.value if operator == "/" else a.value * b.value
        return (a_sign * b_sign if value else 1), _product(value, a_over + b_over, a_under + b_under)
    b_sign = -b_sign if operator == "-" else b_sign
    (a_plus, a_minus), (b_plus, b_minus) = (_parts(way, "+")[::sign] for sign, way in ((a_sign, a), (b_sign, b)))
    value = a_sign * a.value + b_sign * b.value
    plus, minus = a_plus + b_plus, a_minus + b_minus
    return (-1, _sum(-value, minus, plus)) if value < 0 else (1, _sum(value, plus, minus))


def _parts(way: Way, kind: str) -> tuple[tuple[Way, ...], tuple[Way, ...]]:
    return (way.ups, way.downs) if way.kind == kind else ((way,), ())


def _sum(value: Fraction, plus: tuple[Way, ...], minus: tuple[Way, ...]) -> Way:
    made = _signed_sum(value, plus, minus)
    # A sum of zero is its own opposite: keep one of the two ways to write it.
    return min(made, _signed_sum(value, minus, plus)) if not value and minus else made


def _signed_sum(value: Fraction, plus: tuple[Way, ...], minus: tuple[Way, ...]) -> Way:
    # Subtracting (1 - 1) * 5 is the same as adding (1 - 1) * 5 with the two ones swapped.
    turned = tuple(part for part in minus if not part.value and any(f.kind and f.ups == f.downs for f in part.ups))
    if turned:
        minus = tuple(part for part in minus if part not in turned)
    return _made("+", value, plus + turned, minus, " + ", " - ")


def _product(value: Fraction, over: tuple[Way, ...], under: tuple[Way, ...]) -> Way:
    return _made("*", value, over, under, " * ", " / ")


def _made(kind: str, value: Fraction, ups: tuple[Way, ...], downs: tuple[Way, ...], up: str, down: str) -> Way:
    ups, downs = _sorted(ups), _sorted(downs)
    written = [f"({part.text})" if kind == "*" and part.kind == "+" else part.text for part in ups + downs]
    text = up.join(written[: len(ups)]) + "".join(down + part for part in written[len(ups) :])
    return Way(text, value, kind, ups, downs)


def _sorted(parts: tuple[Way, ...]) -> tuple[Way, ...]:
    return tuple(sorted(parts, key=lambda part: (-part.value, part.text))) if len(parts) > 1 else parts
