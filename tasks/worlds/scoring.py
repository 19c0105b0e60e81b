"""The verdict on a response: the one number or name that it commits to, against the answer in the sample's world."""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from harness.errors import DataError
from harness.reading import commitment, names, numbers, opposites
from harness.reading.outcome import judge
from harness.reading.values import Reader, Value
from harness.types import Params, Score, StopReason

_PROMPT = re.compile(
    r"^(?:Pelican is a programming language|The floor of a \w+ has|A game of chess is played by|In a card game each"
    r"|A guitar has six strings)",
    re.I | re.M,
)
_OPPOSITES = (("legal", "illegal"), ("allowed", "forbidden"))


def scored(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Right if the response commits to the answer of the sample's world, in any case and spelling.

    `detail.answered_as_default` says whether the answer is that of the default world: there it is the right one.
    Raises DataError if params are not those of a sample.
    """
    right, default, known = _text(params, "answer"), _text(params, "default_answer"), candidates(params)
    found = commitment.as_asked(response, known)
    found = found or commitment.read(response, _reader(known, params.get("kind") == "code"), _PROMPT)[0]
    detail: dict[str, Any] = {} if found.value is None else {"answered_as_default": found.value == default}
    return judge(found, found.value == right, stop_reason, response, **detail)


def _reader(known: tuple[str, ...], number: bool) -> Reader:
    """How a question's answer is read: by the names that it has, never by which of them is right."""
    pair = next((pair for pair in _OPPOSITES if set(known) == set(pair)), None)
    if number:
        return _NUMBER
    return names.reader(known, _LABELS) if pair is None else opposites.reader(*pair, _LABELS)


def _stated(sentence: str, concludes: bool) -> Value | None:
    """The number of "The program prints 46"; one that it would print in another language is an aside."""
    m = _PRINTS.search(sentence[-600:])
    value = Value(m[1]) if m is not None else numbers.reader().stated(sentence, concludes)
    elsewhere = value is not None and value.value is not None and _ELSEWHERE.search(sentence[-600:])
    return value._replace(aside=True) if value is not None and elsewhere else value


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
