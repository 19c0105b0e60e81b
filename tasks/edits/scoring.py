"""The verdict on a response: the name that it commits to, and if that is the answer from before the edit or after."""

from __future__ import annotations

import dataclasses
import functools
import re
from typing import Any

from harness.errors import DataError
from harness.reading import commitment, names
from harness.reading.outcome import judge
from harness.reading.values import Marked, Reader, Value
from harness.types import Params, Score, StopReason

_PROMPT = re.compile(r"^No \w+ has two \w+ at a time, and nobody is", re.I | re.M)
_LABELS = "name|captain|conductor|director|editor|coach|ship|orchestra|museum|newspaper|team|city"


def scored(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Right if the response commits to the answer of the sample's state.

    All names of the case that could be an answer are read alike, in any case and spelling. `detail.gives` says which
    answer was given: `old` (from before the edit), `new`, `same` (if an edit should not change it) or `other`. Raises
    DataError if params are not those of a sample.
    """
    right, before, after, known = (*(_text(params, name) for name in ("answer", "before", "after")), candidates(params))
    found = commitment.as_asked(response, known) or commitment.read(response, _reader(known), _PROMPT)[0]
    detail: dict[str, Any] = {}
    if found.value is not None:
        given = {before: "old", after: "new"} if before != after else {before: "same"}
        detail = {"gives": given.get(found.value, "other")}
    return judge(found, found.value == right, stop_reason, response, **detail)


@functools.lru_cache(maxsize=1024)
def _reader(known: tuple[str, ...]) -> Reader:
    """Reads one of the names; one of which a sentence says that it was so before counts if there is no other."""
    base = names.reader(known, _LABELS)

    def now(text: str) -> str:
        text = _REPLACED.sub("", text[:_CLOSE_LOOK])
        clauses = _CLAUSES.split(text)
        kept = [clause for clause in clauses if not _PAST.search(clause)]
        if not 0 < len(kept) < len(clauses):
            return text
        rest = "; ".join(kept)
        return rest if (value := base.stated(rest, False)) is not None and value.value is not None else text

    def marked(m: Marked) -> Value | None:
        value = base.marked(m._replace(text=now(m.text)))
        past = value is not None and value.value is not None and _PAST.search(m.before[-80:])
        return value._replace(aside=True) if value is not None and past else value

    return dataclasses.replace(
        base,
        marked=marked,
        stated=lambda sentence, concludes: base.stated(now(sentence), concludes),
    )


_CLOSE_LOOK = 600
_CLAUSES = re.compile(r"[;,:()–—]| - |\b(?:but|while|whereas|although|though|and)\b", re.I)
_PAST = re.compile(
    r"\b(?:was|were|had|before|previous(?:ly)?|former(?:ly)?|earlier|until|used to|ago|in the past|originally|at first"
    r"|old|no longer)\b",
    re.I,
)
_REPLACED = re.compile(
    r"\b(?:(?:replac|succeed|follow)(?:ed|s|ing)|t(?:ook|akes) over from)\b(?! by\b)[^,;:.\n]*", re.I
)


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
