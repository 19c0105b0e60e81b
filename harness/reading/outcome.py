"""The last step: what becomes of a response. The only place where truncated, refused and unparsed are chosen."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from harness.reading import words
from harness.types import Outcome, Score, StopReason

LONGEST_REFUSAL = 800
"""Characters of the longest response that counts as one that only declines."""
TAIL = 6_000
"""Characters at the end of a cut response in which a loop is looked for."""
SHORTEST_LOOP = 60
MOST_ALIKE = 10


@dataclass(frozen=True, slots=True)
class Reading:
    """What a response commits to. `value` is in the task's canonical form, or None with the reason.

    `final`: more text would not change the value. It was marked as the answer and is complete, or another question
    follows it. `declined`: the writer says that it does not know.
    """

    value: str | None
    reason: str = ""
    final: bool = False
    declined: bool = False


def judge(
    found: Reading, right: bool, stop_reason: StopReason, response: str, answer: str | None = None, **detail: Any
) -> Score:
    """The score of a reading. `right` is the task's comparison, and counts only if there is a value; `answer` is shown
    in place of the value; `detail` goes into the score.

    A response that a filter ended is refused. One that was cut has a verdict only if its answer was final before the
    cut; if it ends in a repetition, more tokens would not have helped: it is unparsed, with `detail.reason` "loop".
    """
    if stop_reason == "content_filter":
        return Score.without_answer(Outcome.REFUSED, **detail | {"reason": "ended by a filter"})
    if found.value is not None and (stop_reason != "length" or found.final):
        return Score.of(right, found.value if answer is None else answer, **detail)
    if found.value is None and (found.declined or is_refusal(response)):
        return Score.without_answer(Outcome.REFUSED, **detail | {"reason": found.reason or "declines"})
    if stop_reason == "length":
        if ends_in_loop(response):
            return Score.without_answer(Outcome.UNPARSED, **detail | {"reason": "loop"})
        reason = found.reason or "cut before an answer was marked as final"
        return Score.without_answer(Outcome.TRUNCATED, **detail | {"reason": reason})
    return Score.without_answer(Outcome.UNPARSED, **detail | {"reason": found.reason})


_REFUSAL = re.compile(rf"[\W_]*(?:{words.REFUSAL})", re.I)


def is_refusal(text: str) -> bool:
    """Whether a short text does nothing but decline."""
    text = text.strip().replace("’", "'")
    return len(text) <= LONGEST_REFUSAL and bool(_REFUSAL.match(text))


_NUMBERING = re.compile(
    r"(?<![\w.])\d{1,6}(?!\w)|\b(?:(?:twent|thirt|fort|fift|sixt|sevent|eight|ninet)(?:y|ieth)(?:-\w{3,8})?|"
    r"\w{3,8}teenth|first|second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|eleventh|twelfth|hundredth)\b"
)


def ends_in_loop(text: str) -> bool:
    """Whether the end of a text repeats itself, but for the numbers that stand alone ("11. Put it down", "12. ...").

    A piece comes at least four times in a row, 60 characters in all (of pieces of 400 characters, three times), or the
    last ten lines begin alike and differ in little.
    """
    tail = _NUMBERING.sub("#", text[-TAIL:].lower()).rstrip()
    for period, same in enumerate(_common_prefixes(tail[::-1])):
        if period and period + same >= max(SHORTEST_LOOP, (4 if period < 400 else 3) * period):
            return True
    # Lines that differ in their last words alone; the last line was cut.
    lines = [line for line in tail.split("\n") if line.strip()][-MOST_ALIKE - 1 : -1]
    return len(lines) == MOST_ALIKE and _alike(lines) >= 0.6 * max(map(len, lines))


def _alike(lines: list[str]) -> int:
    """The number of characters with which all lines begin alike."""
    first, last = min(lines), max(lines)
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def _common_prefixes(text: str) -> list[int]:
    """For each place, how many characters from there on equal the beginning of the text (the Z algorithm)."""
    n = len(text)
    z = [0] * n
    left = right = 0
    for i in range(1, n):
        k = min(right - i, z[i - left]) if i < right else 0
        while i + k < n and text[k] == text[i + k]:
            k += 1
        z[i] = k
        if i + k > right:
            left, right = i, i + k
    return z
