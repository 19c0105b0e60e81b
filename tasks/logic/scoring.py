"""How answers of all kinds are read and judged: one of a closed list of words, the same line for every kind and
world."""

from __future__ import annotations

import re

from harness.errors import DataError
from harness.reading import commitment
from harness.reading.choices import UNANSWERABLE, reader
from harness.reading.outcome import Reading, judge
from harness.tasks.logic.kinds import UNKNOWN, numbered
from harness.types import Params, Score, StopReason

_PROMPT = re.compile(
    r"^(?:Question: |A hidden rule says yes or no to things|In these families the two parents of every child"
    r"|Suppose that these two statements are true|These facts and rules are not all that is true"
    r"|Whatever does not follow from these facts and rules)",
    re.M,
)
"""How our prompts begin, or how they go on behind the facts: a response that goes on with another question is cut
there."""


def closed(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Whether the response commits to `params.answer`, one of `params.choices`. Yes and no are read in their usual
    words (true, false, ...); to say in any words that it can't be known is "unknown", which is wrong if not offered.
    `params.also` has other words for the choices, in their order.

    Raises DataError if the params are not those of a sample.
    """
    answer = params.get("answer")
    if not isinstance(answer, str):
        raise DataError("a logic sample needs params.answer (a text)")
    said, found = read(params, response)
    return judge(found, said == answer, stop_reason, response, answer=said)


def read(params: Params, response: str) -> tuple[str | None, Reading]:
    """(the choice that a response commits to, the reading): what is right is not looked at."""
    choices, also = choices_of(params), numbered(params, "also")
    if (asked := commitment.as_asked(response, choices)) is not None:
        return asked.value, asked
    known = tuple(word for word in (*choices, *also) if word != UNKNOWN)
    found, _ = commitment.read(response, reader(known), _PROMPT)
    said = UNKNOWN if found.value == UNANSWERABLE else found.value
    return (choices[also.index(said)] if said in also else said), found


def choices_of(params: Params) -> tuple[str, ...]:
    """The closed list of answers. Raises DataError without one."""
    choices = numbered(params, "choices")
    if not choices:
        raise DataError("a logic sample needs params.choices (a list of texts)")
    return choices
