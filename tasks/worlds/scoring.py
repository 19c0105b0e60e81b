"""The verdict on a response: the one number or name that it commits to, against the answer in the sample's world."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from harness.errors import DataError
from harness.reading import commitment, names, numbers, opposites
from harness.reading.outcome import Reading, judge
from harness.reading.values import Value
from harness.types import Params, Score, StopReason

_AS_ASKED = re.compile(r"(?:Answer: ([\w ]{1,40})|\{\"answer\": \"([\w ]{1,40})\"\})")
_PROMPT = re.compile(
    r"^(?:Pelican is a programming language|The floor of a hall has|A game of chess is played by|In a card game each)",
    re.I | re.M,
)
_OPPOSITES = (("legal", "illegal"), ("allowed", "forbidden"))


def scored(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Right if the response commits to the answer of the sample's world, in any case and spelling.

    `detail.answered_as_default` says whether the answer is that of the default world: there it is the right one.
    Raises DataError if params are not those of a sample.
    """
    right, default, known = _text(params, "answer"), _text(params, "default_answer"), candidates(params)
    asked = _AS_ASKED.fullmatch(response) if len(response) < 80 and stop_reason == "stop" else None
    value = asked[1] or asked[2] if asked else ""
    if value in known:
        found = Reading(value, final=True)  # in the form asked for: no need to look closely
    else:
        # Which names a question has decides how it is read, never which of them is right.
        pair = next((pair for pair in _OPPOSITES if set(known) == set(pair)), None)
        reader = _NUMBER if params.get("kind") == "code" else names.reader(known, _LABELS)
        reader = reader if pair is None else opposites.reader(*pair, _LABELS)
        found = commitment.read(response, reader, _PROMPT)[0]
    detail: dict[str, Any] = {} if found.value is None else {"answered_as_default": found.value == default}
    return judge(found, found.value == right, stop_reason, response, **detail)


def _stated(sentence: str, concludes: bool) -> Value | None:
    """The number of "The program prints 46"; one that it would print in another language is an aside."""
    m = _PRINTS.search(sentence[-600:])
    if m is None:
        return numbers.reader().stated(sentence, concludes)
    return Value(m[1], aside=bool(_ELSEWHERE.search(sentence[-600:])))


_PRINTS = re.compile(
    r"\b(?:prints?|printed|outputs?|displays)\b(?: out| is)?(?: the (?:number|value))?"
    r"[\s:`*\"']{0,6}(-?\d{1,9})[\s`*\"'.!]{0,9}$"
)
_ELSEWHERE = re.compile(r"\b(?:might|would|if|usual(?:ly)?|normal(?:ly)?|python)\b", re.I)
_NUMBER = dataclasses.replace(numbers.reader(), stated=_stated, labels=r"totals?|number|output|result")
_LABELS = "object|direction|piece|person|output|card|opening"


def _text(params: Params, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value:
        raise DataError(f"a sample of worlds needs params.{name}, an answer as text")
    return value


def candidates(params: Params) -> tuple[str, ...]:
    """The answers between which a guess would choose, from a sample's params. Raises DataError if there are none."""
    value = params.get("candidates")
    if not isinstance(value, tuple | list) or not value or not all(isinstance(name, str) for name in value):
        raise DataError("a sample of worlds needs params.candidates, the answers between which a guess would choose")
    return tuple(map(str, value))
