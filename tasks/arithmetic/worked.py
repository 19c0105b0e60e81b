"""Worked answers: the calculation digit by digit in its own base, for in-context examples. The wording is ours."""

from __future__ import annotations

import re

from harness.tasks.arithmetic.numerals import DIGITS, numeral, result

_PLACES = ("ones", "second", "third", "fourth", "fifth", "sixth")


def worked(expression: str, base: int) -> str:
    """Every step of the calculation, ending in the box that the prompt asks for."""
    answer = result(expression, base)
    return f"In base-{base}: {' '.join(worked_steps(expression, base))} So {expression}={answer}. \\boxed{{{answer}}}"


def worked_steps(expression: str, base: int) -> list[str]:
    """The steps as sentences: one a column, or of a product one a row and one a sum."""
    left, sign, right = re.split(r"([-+*])", expression)
    return {"+": _sum, "-": _difference, "*": _product}[sign](left, right, base)


def _sum(left: str, right: str, base: int) -> list[str]:
    steps, carry = [], 0
    for place, (a, b) in _columns(left, right):
        total = int(a, base) + int(b, base) + carry
        carried = f"+{carry}" if carry else ""
        carry, digit = divmod(total, base)
        more = f", carry {carry}" if carry else ""
        steps.append(f"{place} digit: {a}+{b}{carried}={numeral(total, base)}, write {DIGITS[digit]}{more}.")
    return [*steps, *(["The last carry is the first digit."] if carry else [])]


def _difference(left: str, right: str, base: int) -> list[str]:
    """The left numeral must not be smaller than the right."""
    steps, borrow = [], 0
    for place, (a, b) in _columns(left, right):
        short = int(a, base) - int(b, base) - borrow < 0
        top = numeral(int(a, base) + (base if short else 0), base)
        digit = int(top, base) - int(b, base) - borrow
        borrowed = f"-{borrow}" if borrow else ""
        steps.append(f"{place} digit: {top}-{b}{borrowed}={DIGITS[digit]}{', borrow 1' if short else ''}.")
        borrow = int(short)
    return steps


def _product(left: str, right: str, base: int) -> list[str]:
    steps, total = [], 0
    for shift, digit in enumerate(reversed(right)):
        row = int(left, base) * int(digit, base) * base**shift
        zeros = "0" * shift
        steps.append(f"{left}*{digit}{zeros}={numeral(row, base)}.")
        if shift:
            steps.append(f"{numeral(total, base)}+{numeral(row, base)}={numeral(total + row, base)}.")
        total += row
    return steps


def _columns(left: str, right: str) -> list[tuple[str, tuple[str, str]]]:
    width = max(len(left), len(right))
    pairs = zip(reversed(left.rjust(width, "0")), reversed(right.rjust(width, "0")), strict=True)
    return [(_PLACES[min(i, len(_PLACES) - 1)], pair) for i, pair in enumerate(pairs)]
