"""The verdict on a response: the name that it commits to, and if that is the answer from before the edit or after."""

from __future__ import annotations

import re
from typing import Any

from harness.errors import DataError
from harness.reading import commitment, names
from harness.reading.outcome import Reading, judge
from harness.types import Params, Score, StopReason

_AS_ASKED = re.compile(r"Answer: ([A-Z][\w]{1,30}(?: [A-Z]\w{1,30})?)")
_PROMPT = re.compile(r"^No \w+ has two \w+ at a time, and nobody is", re.I | re.M)
_LABELS = "name|captain|conductor|director|editor|coach|ship|orchestra|museum|newspaper|team|city"


def scored(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Right if the response commits to the answer of the sample's state.

    All names of the case that could be an answer are read alike, in any case and spelling. `detail.gives` says which
    answer was given: `old` (from before the edit), `new`, `same` (if an edit should not change it) or `other`. Raises
    DataError if params are not those of a sample.
    """
    right, before, after, known = (*(_text(params, name) for name in ("answer", "before", "after")), candidates(params))
    asked = _AS_ASKED.fullmatch(response) if len(response) < 90 and stop_reason == "stop" else None
    if asked and asked[1] in known:
        found = Reading(asked[1], final=True)  # in the form asked for: no need to look closely
    else:
        found = commitment.read(response, names.reader(known, _LABELS), _PROMPT)[0]
    detail: dict[str, Any] = {}
    if found.value is not None:
        given = {before: "old", after: "new"} if before != after else {before: "same"}
        detail = {"gives": given.get(found.value, "other")}
    return judge(found, found.value == right, stop_reason, response, **detail)


def candidates(params: Params) -> tuple[str, ...]:
    """All names of the case that could be an answer, from a sample's params. Raises DataError if there are none."""
    value = params.get("candidates")
    if not isinstance(value, tuple | list) or not value or not all(isinstance(name, str) for name in value):
        raise DataError("a sample of edits needs params.candidates, the names of the case that could be an answer")
    return tuple(map(str, value))


def _text(params: Params, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"a sample of edits needs params.{name}, an answer as text")
    return value
