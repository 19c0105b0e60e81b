"""The verdict on a response: the one number that it commits to, against the answer in the sample's world."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Any

from harness.errors import DataError
from harness.reading import commitment, numbers
from harness.reading.outcome import Reading, judge
from harness.reading.values import Reader, Value
from harness.tasks.imagine.stories import stories
from harness.types import Params, Score, StopReason

_AS_ASKED = re.compile(r"\s*Answer: ?([1-9][0-9]{0,14})\.?\s*")
_PROMPT = re.compile(r"^Solve the problem\. You may think first\.", re.M)


def scored(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Right if the response commits to the answer of the sample's world, as digits or in words.

    `detail.gives` says which number it is: `right`, `plain` (the answer before the change, wrong after it) or
    `another`. Raises DataError if params are not those of a sample.
    """
    right, plain = _whole(params, "answer"), _whole(params, "plain_answer")
    asked = _AS_ASKED.fullmatch(response) if len(response) < 40 and stop_reason == "stop" else None
    # In the form asked for there is no need to look closely.
    found = Reading(asked[1], final=True) if asked else commitment.read(response, _reader(), _PROMPT)[0]
    detail: dict[str, Any] = {}
    if found.value is not None:
        detail["gives"] = {plain: "plain", right: "right"}.get(found.value, "another")
    return judge(found, found.value == right, stop_reason, response, **detail)


@functools.cache
def _reader() -> Reader:
    """A reader of numbers that takes "27 rolls" on a line alone, too: with the words that any question counts."""
    reader = numbers.reader()
    told = [*stories(), *stories(held_out=True)]
    counted = "|".join(sorted({question.split()[2] for story in told for question in story.ask.values()} - {"the"}))
    number = r"[0-9][0-9,]{0,18}(?:\.[0-9]{1,6})?"
    bare = re.compile(rf"[\s*_$€]*({number})[*_]* ?(?:€|(?:more )?(?:{counted})\b)[\s*_.!]*", re.I)

    def alone(line: str) -> Value | None:
        m = bare.fullmatch(line) if len(line) < 80 else None
        return reader.alone(m[1] if m else line)

    return dataclasses.replace(reader, alone=alone)


def _whole(params: Params, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value.isdecimal():
        raise DataError(f"a sample of imagine needs params.{name}, a whole number as text")
    return value


def stated(params: Params) -> tuple[int, ...]:
    """The numbers in a sample's text, in their order. Raises DataError if there are none."""
    value = params.get("stated")
    if not isinstance(value, tuple | list) or not value or not all(isinstance(number, int) for number in value):
        raise DataError("a sample of imagine needs params.stated, the numbers in its text")
    return tuple(number for number in value if isinstance(number, int))
