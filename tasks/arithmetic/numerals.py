"""Numerals in any base up to 36, and the values of expressions over them. Knows no prompt and no response."""

from __future__ import annotations

import re
from functools import lru_cache

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"

LONGEST = 100
"""The most characters that a numeral may have."""

_EXPRESSION = re.compile(rf"([0-9A-Z]{{1,{LONGEST}}})(?:([-+*])([0-9A-Z]{{1,{LONGEST}}}))?")


def numeral(value: int, base: int) -> str:
    """`numeral(82, 9)` -> "101"; a negative value has a leading minus."""
    if base == 10:
        return str(value)
    sign, value = ("-", -value) if value < 0 else ("", value)
    text = ""
    while value or not text:
        value, digit = divmod(value, base)
        text = DIGITS[digit] + text
    return sign + text


@lru_cache(maxsize=20_000)
def result(expression: str, base: int) -> str:
    """The numeral that `76+14`, `76-14` or `76*14` comes to in the base; for a single numeral, the next one in
    counting.

    Raises ValueError for an expression of another form, or with a digit that the base does not have.
    """
    m = _EXPRESSION.fullmatch(expression)
    if m is None:
        raise ValueError(f"{expression[:40]!r} is neither a numeral nor two of them with +, - or * between")
    left, sign = int(m[1], base), m[2]
    if sign is None:
        return numeral(left + 1, base)
    right = int(m[3], base)
    return numeral(left + right if sign == "+" else left - right if sign == "-" else left * right, base)


def decimal_result(expression: str) -> str | None:
    """The result of the same expression read in base 10; None if a numeral has a letter."""
    try:
        return result(expression, 10)
    except ValueError:
        return None
