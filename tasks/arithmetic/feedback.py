"""Which equations of a response do not hold in the base of its question. It says nothing of what they should be."""

from __future__ import annotations

import re

from harness.tasks.arithmetic.numerals import DIGITS, numeral

MOST = 10
"""Equations that are named at most."""
LONGEST = 20_000
"""Characters of a response that are looked at."""

_NUMERAL = r"[0-9A-Z]{1,20}"
_EQUATION = re.compile(
    rf"(?<![\w.+*×=-])({_NUMERAL}(?: ?[-+*×] ?{_NUMERAL}){{1,4}}) ?= ?({_NUMERAL})(?![\w+*×]| ?[-+*×=])"
)
_OTHER = re.compile(r"\bdecimal|\bbase[- ]?(\d{1,2})|\bbase[- ]?ten\b|_\{?\(?(\d{1,2})", re.I)


def false_equations(response: str, base: int) -> list[str]:
    """Equations such as `7+9=16`, as written and each once, that do not hold in the base; MOST at most.

    A line that speaks of another base is left out, as are equations with digits that the base does not have: what they
    mean is not known.
    """
    found: dict[str, None] = {}
    for line in response[:LONGEST].split("\n"):
        if any(_base_of(m) != base for m in _OTHER.finditer(line)):
            continue
        for m in _EQUATION.finditer(line):
            if not _holds(m[1].replace("×", "*"), m[2], base):
                found[m.group()] = None
    return list(found)[:MOST]


def _base_of(m: re.Match[str]) -> int:
    return int(m[1] or m[2] or 10)


def _holds(left: str, right: str, base: int) -> bool:
    """Whether an equation holds; True if a digit is not one of the base. Products bind before sums."""
    if not set(re.sub(r"[^0-9A-Z]", "", left + right)) <= set(DIGITS[:base]):
        return True
    total = 0
    for sign, term in re.findall(r"([-+]?)([^-+]+)", left.replace(" ", "")):
        product = 1
        for factor in term.split("*"):
            product *= int(factor, base)
        total += -product if sign == "-" else product
    return numeral(total, base) == (right.lstrip("0") or "0")
