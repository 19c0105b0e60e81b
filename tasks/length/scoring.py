"""The verdict on a response: the number or the town that it commits to, against the one that was hidden."""

from __future__ import annotations

import re

from harness.errors import DataError
from harness.reading import commitment, names, numbers
from harness.reading.outcome import Reading, judge
from harness.types import Params, Score, StopReason

_NUMBER = re.compile(r"\s*Answer: ?([1-9][0-9]{0,5})\.?\s*")
_PROMPT = re.compile(r"^Read the text\. The question about it stands below", re.M)


def scored(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Right if the response commits to the answer, in digits or words, or to the town that was asked for. Raises
    DataError if params are not those of a sample."""
    right = params.get("answer")
    if not isinstance(right, str) or not right.strip():
        raise DataError("a sample of length needs params.answer, the answer as text")
    towns = candidates(params)
    asked = _NUMBER.fullmatch(response) if not towns and len(response) < 40 and stop_reason == "stop" else None
    # In the form asked for there is no need to look closely.
    reader = names.reader(towns, "town|city") if towns else numbers.reader()
    found = Reading(asked[1], final=True) if asked else commitment.read(response, reader, _PROMPT)[0]
    return judge(found, found.value == right, stop_reason, response)


def candidates(params: Params) -> tuple[str, ...]:
    """The names among which the answer is; none if it is a number. DataError for anything else."""
    value = params.get("candidates") or ()
    if not isinstance(value, tuple | list) or not all(isinstance(name, str) and name for name in value):
        raise DataError("a sample of length needs params.candidates, names as a list")
    return tuple(map(str, value))
