"""Two verdicts on one response: the published rule's, and ours on the answer that the response commits to."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from harness.errors import DataError
from harness.reading import commitment
from harness.reading.outcome import Reading, judge
from harness.tasks.arithmetic import published_rule, reading
from harness.tasks.arithmetic.numerals import DIGITS, decimal_result, result
from harness.types import Outcome, Params, Score, StopReason


def original(params: Params, response: str) -> Score:
    """Right if the numeral that the published rule reads (see published_rule) is the right one, compared as text."""
    right, decimal, _, counting = question(params)
    found = published_rule.read_counting(response) if counting else published_rule.read(response)
    if found is None:
        return Score.without_answer(Outcome.UNPARSED, rule="original", reason="the published rule finds no answer")
    return Score.of(found == right, found, **_in_base_10(found, decimal))


def robust(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Right if the response commits to the right numeral. One labelled with another base is wrong as it stands."""
    right, decimal, base, _ = question(params)
    asked = _AS_ASKED.fullmatch(response) if len(response) < 80 else None
    digits = asked[1] or asked[2] if asked else ""
    if digits and set(digits) <= set(DIGITS[:base]) and stop_reason == "stop":
        # In the form asked for: no need to look closely.
        found, labelled = Reading(digits.lstrip("0") or "0", final=True), None
    else:
        found, labelled = commitment.read(response, reading.reader(base, str(params["expression"])), _PROMPT)
    detail = {} if found.value is None else _in_base_10(found.value, decimal)
    detail |= {"labelled_base": labelled} if labelled else {}
    return judge(found, found.value == right and labelled is None, stop_reason, response, **detail)


_AS_ASKED = re.compile(r"\\boxed\{([0-9A-Z]{1,20})\}|The next number after [0-9A-Z]{1,20} is ([0-9A-Z]{1,20})\.")
_PROMPT = re.compile(r"^(?:You are a mathematician|Assuming that all numbers)\b", re.I | re.M)


def _in_base_10(found: str, decimal: str | None) -> dict[str, Any]:
    """`answered_in_base_10`: whether the numerals were read as decimal ones; None if one of them has a letter."""
    return {"answered_in_base_10": None if decimal is None else found == decimal}


def question(params: Params) -> tuple[str, str | None, int, bool]:
    """(right answer, answer in base 10 or None, base, whether it is the counting control) from a sample's params.

    Raises DataError if params have no valid base, expression or answer.
    """
    base, expression, answer = params.get("base"), params.get("expression"), params.get("answer")
    if not isinstance(base, int) or isinstance(base, bool) or not 2 <= base <= 36 or not isinstance(expression, str):
        raise DataError("an arithmetic sample needs params.base (2 to 36) and params.expression, such as 76+14")
    if answer is not None and not isinstance(answer, str | int):
        raise DataError(f"params.answer is a numeral, not {answer!r}")
    right, decimal, counting = _solved(expression, base)
    return (right if answer is None else str(answer).upper()), decimal, base, counting


@lru_cache(maxsize=4096)
def _solved(expression: str, base: int) -> tuple[str, str | None, bool]:
    try:
        right = result(expression, base)
    except ValueError as error:
        raise DataError(f"params.expression: not an expression in base {base}: {error}") from None
    return right, decimal_result(expression), expression.isalnum()
