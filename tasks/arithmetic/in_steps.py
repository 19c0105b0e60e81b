"""Calculations in the making, for strategies that search: a step is one column (of a product: one row or sum)."""

from __future__ import annotations

import re
from importlib import resources

from harness.tasks.arithmetic import prompts
from harness.tasks.arithmetic.numerals import DIGITS
from harness.tasks.arithmetic.scoring import robust
from harness.tasks.arithmetic.worked import worked_steps
from harness.types import Outcome, Params

FORMS = {
    "+": "PLACE digit: DIGIT+DIGIT+CARRY=SUM, write DIGIT, carry DIGIT.",
    "-": "PLACE digit: DIGIT-DIGIT-BORROW=DIFFERENCE, borrow DIGIT.",
    "*": "NUMERAL*NUMERAL=PRODUCT. or NUMERAL+NUMERAL=SUM.",
}
_TEXT = (resources.files(prompts) / "next_column.txt").read_text(encoding="utf-8").strip()
_LAST = r"\boxed"


def complete(partial: str) -> bool:
    """Whether the result is given."""
    return _LAST in partial.rpartition("\n")[2]


def is_step(thought: str) -> bool:
    """Whether a line calculates something, or gives the result."""
    return "=" in thought or _LAST in thought


def next_prompt(expression: str, base: int, partial: str, k: int) -> str:
    """The prompt for the next column."""
    [sign] = set(expression) & set(FORMS)
    done = f"These steps are done:\n{partial}" if partial else "No step is done yet; begin with the last digits."
    shown = {"base": base, "digits": DIGITS[:base], "expression": expression, "form": FORMS[sign]}
    return _TEXT.format(done=done, k=k, **shown)


def judged(params: Params, partial: str) -> float:
    """1 if each step is the next one of the calculation, and the result is right if it is given; else 0."""
    expression, base = str(params["expression"]), int(str(params["base"]))
    *steps, last = partial.split("\n")
    if complete(partial):
        question: Params = {"expression": expression, "base": base}
        if robust(question, last, "stop").outcome is not Outcome.CORRECT:
            return 0.0
    elif last:
        steps.append(last)
    expected = [said(step) for step in worked_steps(expression, base) if "=" in step]
    return float([said(step) for step in steps] == expected[: len(steps)])


_RESULT = re.compile(r"= ?([0-9A-Z]{1,40})\b")
_CARRY = re.compile(r"\b(?:CARRY|BORROW) (?:THE )?([0-9A-Z])\b")


def said(step: str) -> tuple[str, str]:
    """(result, carry or borrow) of a step: what the next steps rest on."""
    text = step.upper()[:500]
    results, carried = _RESULT.findall(text), _CARRY.search(text)
    return (results[-1].lstrip("0") or "0") if results else "", carried[1] if carried else "0"
