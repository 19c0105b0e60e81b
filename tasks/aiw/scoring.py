"""Scoring AIW responses: the published rule, and ours. Both get the right answer as text and compare values."""

from __future__ import annotations

import re

from harness.types import Outcome, Params, Score, StopReason
from harness.verifiers import answers


def original(params: Params, response: str) -> Score:
    """The rule of the AIW repository's example scripts at commit 4d5d079, defects included.

    Lower-case on one line; the first number after the first `answer:` that has one, else after the first
    `has`; string equality. A parameterised answer is looked for anywhere in the text.
    Written with `find` because the published `answer:.*?(\\d+)` takes quadratic time on hostile text.
    """
    right = canonical(str(params["answer"]))
    letter = re.match(r"[A-Z]", right)
    if letter:
        found = re.search(rf"{letter.group()}\s*\+\s*1|{letter.group()} 1", response)
        return Score.of(True, right) if found else Score.without_answer(Outcome.UNPARSED, reason="no such expression")
    text = response.replace("\n", " ").lower()
    for word in ("answer:", "has"):
        start = text.find(word)
        number = re.compile(r"\d+").search(text, start + len(word)) if start >= 0 else None
        if number:
            return Score.of(number.group() == right, number.group(), rule="original", after=word)
    return Score.without_answer(Outcome.UNPARSED, rule="original", reason="no number after `answer:` or `has`")


def robust(params: Params, response: str, stop_reason: StopReason) -> Score:
    """The last answer that the response commits to, compared as a value; else what kept it from being read."""
    right = canonical(str(params["answer"]))
    letters = "".join(sorted(set(re.findall(r"[A-Z]", right + str(params.get("stated") or "")))))
    found = answers.extract(response, letters)
    # Where a text was cut, its last number is not its conclusion, unless it was said to be the answer.
    if found.answer is not None and (stop_reason in ("stop", "other") or found.marked):
        return Score.of(found.answer == right, found.answer)
    if stop_reason == "content_filter" or answers.is_refusal(response):
        return Score.without_answer(Outcome.REFUSED, reason=found.reason)
    if stop_reason == "length":
        return Score.without_answer(Outcome.TRUNCATED, reason=found.reason)
    return Score.without_answer(Outcome.UNPARSED, reason=found.reason)


def canonical(right: str) -> str:
    """The published answers hold `7`, `7.0` and `M+1`."""
    return right.removesuffix(".0")
