"""Expressions: parsed by hand, evaluated exactly, and no text can hurt."""

import contextlib
import re
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.reading.expressions import (
    LARGEST_BITS,
    Expression,
    NotAnExpressionError,
    NoValueError,
    parse,
    plain_notation,
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("(10 - 4) * 5 - 6", 24),
        ("8 / (3 - 8 / 3)", 24),
        ("7 / 2", Fraction(7, 2)),
        ("2.4 * 10", 24),
        (".5 + 1.", Fraction(3, 2)),
        ("1 - 2 - 3", -4),
        ("24 / 2 / 3", 4),
        ("2 ** 3 ** 2", 512),
        ("2 ^ 3", 8),
        ("-2 ** 2", -4),
        ("2 ** -1 * 4", 2),
        ("2 ** -2 ** 2", Fraction(1, 16)),
        ("--5 - -+3", 8),
        ("7 // 2 + 7 % 4", 6),
        ("-7 // 2", -4),
        ("3! ** 2", 36),
        ("(1 + 2)!", 6),
        ("5!!", 15),
        ("-3!", -6),
        ("sqrt(16) * abs(-3) + floor(5 / 2) - ceiling(1 / 2)", 13),
        ("factorial(2 + 2)", 24),
        ("8 ** (2 / 3)", 4),
        ("(9 / 4) ** (-1 / 2)", Fraction(2, 3)),
        ("0 ** 0 + 0 ** 5", 1),
        ("(-1) ** 99999999999", -1),
        ("((((7))))", 7),
    ],
)
def test_values_are_exact(text: str, value: object) -> None:
    assert parse(text).value() == value


def test_whole_values_are_ints_whatever_the_way() -> None:
    assert isinstance(parse("8 / (3 - 8 / 3)").value(), int)


def test_inexact_reading_rounds_as_floating_point_does() -> None:
    assert parse("0.1 + 0.2").value(exact=False) != Fraction(3, 10)
    assert parse("0.1 + 0.2").value() == Fraction(3, 10)
    assert parse("1.2 * 20").value(exact=False) == 24


@pytest.mark.parametrize(
    "text",
    ["", " ", "()", "5 5", "5 +", "* 5", "(5", "5)", "5(4)", "(1)(2)", "x + 1", "5 & 4", "1.2.3", "05", "1e5", "5 +* 6",
     "__import__('os')", "sqrt 4", "sqrt(", "5 !!! 4", "lambda: 0", "5, 4", "1 = 1", "5 × 4", "٤ + 1", "(" * 5000,
     "1" * 50],
)  # fmt: skip
def test_anything_else_is_no_expression(text: str) -> None:
    with pytest.raises(NotAnExpressionError):
        parse(text)


def test_implicit_products_only_where_asked_for() -> None:
    assert parse("5(10 - 4) - 6", implicit=True).value() == 24
    assert parse("(1 + 2)(3 + 5)", implicit=True).value() == 24
    with pytest.raises(NotAnExpressionError):
        parse("(1 + 2)3", implicit=True)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("1 / (2 - 2)", "division by zero"),
        ("5 % 0", "division by zero"),
        ("0 ** -1", "division by zero"),
        ("2 ** (1 / 2)", "not a rational number"),
        ("2 ** (1 / 99999999999)", "not a rational number"),
        ("(-8) ** (1 / 3)", "not a real number"),
        ("9 ** 9 ** (1 / 2) ** 9", "not a rational number"),
        ("9 ** 9 ** 9", "too large"),
        ("9 ** -(9 ** 9)", "too large"),
        ("(1 / 2) ! ", "factorial"),
        ("2000!", "factorial"),
        ("1000!" + " * 1000!" * 5, "too large"),
    ],
)
def test_what_has_no_value_says_why(text: str, reason: str) -> None:
    with pytest.raises(NoValueError, match=reason):
        parse(text).value()


def test_numbers_and_operators_are_listed() -> None:
    assert parse("-4 + (5 * 6.5) ^ 2") == Expression(
        ("4", "neg", "5", "6.5", "*", "2", "**", "+"), ("4", "5", "6.5", "2"), frozenset(["neg", "*", "**", "+"])
    )


@st.composite
def _expressions(draw: st.DrawFn) -> str:
    """Any nesting of whole numbers, + - * / ** with small exponents, signs and parentheses."""
    leaves = st.integers(0, 20).map(str)

    def extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        joined = st.tuples(inner, st.sampled_from(["+", "-", " * ", "/", "//", "%"]), inner).map("".join)
        powers = inner.map(lambda text: f"({text})**2")
        return joined | inner.map(lambda text: f"({text})") | inner.map(lambda text: f"-{text}") | powers

    return draw(st.recursive(leaves, extend, max_leaves=8))


@given(_expressions())
def test_the_value_is_what_python_says(text: str) -> None:
    expected: object
    try:
        expected = eval(re.sub(r"\d+", r"F(\g<0>)", text), {"F": Fraction})  # our own text, never a model's
    except ZeroDivisionError:
        with pytest.raises(NoValueError):
            parse(text).value()
        return
    assert parse(text).value() == expected


@given(st.text(alphabet="0123456789+-*/()!^.% sqrtx=", max_size=80) | st.text(max_size=80))
@settings(max_examples=500)
def test_no_text_raises_anything_else_or_grows(text: str) -> None:
    try:
        value = parse(text, implicit=True).value()
    except (NotAnExpressionError, NoValueError):
        return
    assert not isinstance(value, float)
    assert max(value.numerator.bit_length(), value.denominator.bit_length()) <= LARGEST_BITS


@pytest.mark.parametrize("text", ["(" * 999 + "1" + ")" * 999, "-" * 1999 + "1", "!".join("9" * 900), "1+" * 999 + "1"])
def test_nesting_does_not_recurse(text: str) -> None:
    with contextlib.suppress(NotAnExpressionError, NoValueError):
        parse(text).value()


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("5 × (10 − 4) ÷ 6", "5 * (10 - 4) / 6"),
        ("[5 · 4] ⁄ 3", "(5 * 4) / 3"),
        ("5 x 4 X (3)", "5 * 4 * (3)"),
        ("exactly 5", "exactly 5"),
        (r"\frac{8}{3 - \frac{8}{3}}", "((8)/(3 - ((8)/(3))))"),
        (r"5 \times 4 \div 2 \cdot 3", "5 * 4 / 2 * 3"),
        (r"2^{3}", "2^(3)"),
        (r"\left(5 - 1\right)", " (5 - 1 )"),
        (r"\text{so } 5", " so 5"),
        (r"\boxed{5 + 4}", "\nAnswer: 5 + 4\n"),
        (r"\sqrt{4}", "sqrt(4)"),
        ("}}{", " ("),
        ("\\", "\\"),
    ],
)
def test_notation_is_made_plain(text: str, plain: str) -> None:
    assert re.sub(" +", " ", plain_notation(text)).strip(" ") == plain.strip(" ")


@given(st.text(alphabet="\\{}frac boxed12345×[]$`", max_size=100))
def test_notation_never_raises(text: str) -> None:
    plain_notation(text)
