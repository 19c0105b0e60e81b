"""Verdicts on answers to published questions: ours, and the rules of three other harnesses, read strictly."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from harness.errors import DataError
from harness.reading import commitment
from harness.reading.outcome import Reading, judge
from harness.reading.values import Reader
from harness.tasks.hub import reading
from harness.tasks.hub.items import LETTERS
from harness.tasks.hub.reading import folded
from harness.types import Outcome, Params, Score, StopReason

RULES = ("ours", "inspect", "simple-evals", "lm-eval")
LONGEST = 50_000
"""Characters of a response that foreign rules look at: the last ones, or of simple-evals the first."""


def options_of(params: Params) -> tuple[str, ...]:
    """The options of a sample. DataError if they are no list of texts."""
    found: Any = params.get("options") or ()
    if not isinstance(found, list | tuple) or not all(isinstance(text, str) for text in found):
        raise DataError("params.options is not a list of texts")
    return tuple(found)


def answer_of(params: Params) -> str:
    """The right answer. DataError if there is none."""
    found = params.get("answer")
    if not isinstance(found, str) or not found:
        raise DataError("a hub sample needs params.answer, a text")
    return found


def ours(params: Params, response: str, stop_reason: StopReason) -> Score:
    """What the response commits to at last: a letter, a label, a number or a text. Nothing that can be read is
    unparsed. A number's detail has the verdicts of lm-eval's two readings too."""
    kind, right, options = params.get("kind"), answer_of(params), options_of(params)
    detail: dict[str, Any] = strict_and_flexible(response, right) if kind == "number" else {}
    if kind in ("choice", "label", "yes_no") and not 2 <= len(options) <= len(LETTERS):
        raise DataError(f"a hub sample of the kind {kind} needs params.options, 2 to {len(LETTERS)} texts")
    known = LETTERS[: len(options)] if kind == "choice" else options if kind in ("label", "yes_no") else ()
    found = commitment.as_asked(response, tuple(known))
    found = found or commitment.read(response, _reader(kind, options), _PROMPT)[0]
    if kind == "text" and (closing := reading.brackets(response)):
        found = Reading(closing, final=True)
    return judge(found, found.value is not None and same(kind, found.value, right), stop_reason, response, **detail)


_PROMPT = re.compile(r"^Answer (?:the question|with the letter)\b", re.M)


def _reader(kind: Any, options: tuple[str, ...]) -> Reader:
    if kind == "choice":
        return reading.letter_reader(options)
    if kind in ("label", "yes_no"):
        return reading.label_reader(options)
    return reading.NUMBER if kind == "number" else reading.TEXT


def same(kind: Any, answer: str, right: str) -> bool:
    """Whether an answer is the right one: numbers by value, texts by their words, letters and labels as they are."""
    if kind == "number":
        return number_of(answer) is not None and number_of(answer) == number_of(right)
    return folded(answer) == folded(right) if kind == "text" else answer == right


def number_of(text: str) -> Decimal | None:
    """The value of a number, as it is written in prose; None if it is none."""
    try:
        return Decimal(text.replace(",", "").strip(" $.").removeprefix("$")) if len(text) < 60 else None
    except InvalidOperation:
        return None


# Other rules --------------------------------------------------------------------------------------------------------

_STRICT = re.compile(r"#### (-?[0-9.,]+)")
_FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")


def strict_and_flexible(response: str, right: str) -> dict[str, bool]:
    """GSM8K's two verdicts of lm-eval (4e7e0d4, gsm8k.yaml): `strict` is the first number behind "#### ", `flexible`
    the last number of all; compared as text without commas, dollar signs and a full stop at the end."""
    text = response[-LONGEST:]
    found = {"strict": _STRICT.search(text), "flexible": _last(_FLEXIBLE, text)}
    return {name: m is not None and _plain(m[m.lastindex or 0]) == _plain(right) for name, m in found.items()}


def _plain(number: str) -> str:
    return number.replace(",", "").replace("$", "").removesuffix(".")


def foreign(rule: str, params: Params, response: str) -> Score:
    """The verdict of another harness's rule, which knows no unparsed answer. DataError if it has none for this kind."""
    kind, right = params.get("kind"), answer_of(params)
    if rule == "lm-eval":
        if kind == "number":
            verdicts = strict_and_flexible(response, right)
            return Score.of(verdicts["flexible"], "", rule=rule, **verdicts)
        if kind == "choice":
            return _letter(_MMLU_PRO.search(response[-LONGEST:]), right, rule)
    elif kind == "choice":
        letters = LETTERS[: max(2, len(options_of(params)))]
        if rule == "inspect":
            text = response[-LONGEST:]
            return _letter(_last(_LINE, text) or _last(_ANYWHERE, text), right, rule)
        return _letter(_first(_SIMPLE, response[:LONGEST], letters), right, rule)
    raise DataError(f"rule {rule} reads no answers of the kind {kind}", "-T rule=ours reads all")


_LINE = re.compile(r"^ANSWER\s*:\s*([A-Z])\s*(?:$|\.)", re.I | re.M)
_ANYWHERE = re.compile(r"ANSWER\s*:\s*([A-Z])(?![A-Za-z])", re.I)
"""inspect_ai: the last answer that stands on a line of its own, else the last one anywhere."""
_SIMPLE = (re.compile(r"answer[ \t]*:[ \t]*\$?([A-Z])\$?", re.I),)
"""simple-evals: the first answer, so that an early guess wins. Its patterns of other languages are not here."""
_MMLU_PRO = re.compile(r"answer is \(?([A-J])\)?")
"""lm-eval 4e7e0d4, MMLU-Pro: the first "answer is (X)"."""


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    found = deque(pattern.finditer(text), 1)
    return found[0] if found else None


def _first(patterns: Sequence[re.Pattern[str]], text: str, letters: str) -> re.Match[str] | None:
    for pattern in patterns:
        for m in pattern.finditer(text):
            if m[1].upper() in letters:
                return m
    return None


def _letter(m: re.Match[str] | None, right: str, rule: str) -> Score:
    letter = m[1].upper() if m else ""
    return Score.of(letter == right, letter, rule=rule)


def by(rule: str, params: Params, response: str, stop_reason: StopReason) -> Score:
    """The verdict by a rule of RULES."""
    if rule == "ours":
        return ours(params, response, stop_reason)
    if stop_reason == "content_filter":
        return Score.without_answer(Outcome.REFUSED, rule=rule, reason="ended by a filter")
    return foreign(rule, params, response)
