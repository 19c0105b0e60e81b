"""Two verdicts on one response: the published rule's, and that of the last answer it commits to."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from harness.errors import DataError
from harness.tasks.arithmetic import published_rule, reading
from harness.tasks.arithmetic.numerals import decimal_result, result
from harness.types import Outcome, Params, Score, StopReason
from harness.verifiers.answers import is_refusal


def original(params: Params, response: str) -> Score:
    """The published rule: the numeral it reads, as text, is the right one. See published_rule."""
    right, decimal, _, counting = question(params)
    found = published_rule.read_counting(response) if counting else published_rule.read(response)
    if found is None:
        return Score.without_answer(Outcome.UNPARSED, rule="original", reason="the published rule finds no answer")
    return Score.of(found == right, found, **_in_base_10(found, decimal))


def robust(params: Params, response: str, stop_reason: StopReason) -> Score:
    """The last numeral that the response commits to; one that is said to be in another base is wrong as it stands."""
    right, decimal, base, _ = question(params)
    found = reading.read(response, base)
    # Where a text was cut, its last numeral is not its conclusion, unless it was said to be the answer.
    if found.numeral is not None and (found.marked or stop_reason in ("stop", "other")):
        labelled = found.base if found.base not in (None, base) else None
        detail = _in_base_10(found.numeral, decimal) | ({"labelled_base": labelled} if labelled else {})
        return Score.of(found.numeral == right and labelled is None, found.numeral, **detail)
    if stop_reason == "content_filter" or is_refusal(response):
        return Score.without_answer(Outcome.REFUSED, reason=found.reason)
    if stop_reason == "length":
        return Score.without_answer(Outcome.TRUNCATED, reason=found.reason)
    return Score.without_answer(Outcome.UNPARSED, reason=found.reason)


def _in_base_10(found: str, decimal: str | None) -> dict[str, Any]:
    """`answered_in_base_10`: the numerals were read as decimal ones. None where one of them has a letter."""
    return {"answered_in_base_10": None if decimal is None else found == decimal}


def question(params: Params) -> tuple[str, str | None, int, bool]:
    """(right answer, answer in base 10, base, whether it is the counting control) from a sample's params."""
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
