"""Value readers: the types between the judge, which finds where an answer is given, and a task, which reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.reading.quick import Phrases

CLOSE_LOOK = 2_000
"""Characters behind a mark, or at the end of a stretch, that are read."""


class Value(NamedTuple):
    """The answer in a stretch of text: `value`, or None with the reason (two candidates, a bound).

    `aside`: it is about something else (another base, an assumption), and counts only if there is no other value.
    `note` is for the task.
    """

    value: str | None
    reason: str = ""
    aside: bool = False
    note: Any = None


class Marked(NamedTuple):
    """A stretch that is marked as the answer, with the text before it in its sentence, and the text right behind it.

    `sure`: the mark is used for nothing else ("answer", a box), unlike "result". `below`: the stretch is on a line
    below the mark.
    """

    text: str
    before: str = ""
    after: str = ""
    sure: bool = True
    below: bool = False


@dataclass(frozen=True)
class Reader:
    """How a task reads values; each function returns None if the text has no value.

    `marked` reads a stretch that is marked as the answer; `stated` a sentence, which must state the value, with True if
    it began with "Therefore"; `alone` a line that must be nothing but the value. `labels` are the task's own names of
    an answer ("sum", "missing part"), as a regular expression. `counts_up`: if several values are listed, the last one
    is the answer; otherwise there is none.
    """

    marked: Callable[[Marked], Value | None]
    stated: Callable[[str, bool], Value | None]
    alone: Callable[[str], Value | None]
    labels: str = ""
    counts_up: bool = False


class Found(NamedTuple):
    """A value in a text. `marked`: it is marked as the answer, or stands alone before other text. `best`: the mark is
    used for nothing else. `whole`: it is complete, as far as brackets and quotes show."""

    value: Value
    marked: bool = False
    best: bool = False
    whole: bool = True

    @property
    def decided(self) -> bool:
        """Whether there is a value, and it is about what was asked."""
        return self.value.value is not None and not self.value.aside


# Pieces of text ----------------------------------------------------------------------------------------------------

_SENTENCE_END = re.compile(
    r"(?<=[.!?。！？])(?<!i\.e\.)(?<!e\.g\.)(?<!Mr\.)(?<!Dr\.)(?<!St\.)(?: +|$)(?=[^a-z\d+*/=%^ -]|$|\d+\S*[.!]?$)"
    r"|(?<=[。！？])|\n+"
)
_NOT_BUT = Phrases(
    denied=r"\b(?:not|isn't|wasn't) [^,.;\n]{1,40}?"
    r"(?:,? but(?: rather| instead)?|[,;] (?:it(?:'s| is)|rather|instead|that(?:'s| is))) ",
)
_NOT = Phrases(
    denied=r"\((?:and |but )?(?:not|rather than|instead of|as opposed to|nicht|pas|nunca|não|non) [^)\n]{1,60}\)"
    r"|[,;–—-] ?(?:and |but )?(?:not|rather than|instead of|as opposed to|nicht|pas|nunca|não|non) [^,.;\n]{1,60}"
    r"|[ ,;(]+(?:rather than|instead of|as opposed to|und nicht|et non(?: pas)?|y no|e não|e non|en niet|a nie"
    r"|а(?: \w+)? не"
    r"|而不是|并非|并不是) ?[^,.;)\n]{1,60}\)?|^\W*not (?!all\b|every\b|each\b)[^,.;:\n]{1,40}(?=[,.;:])",
)


def sentences(text: str) -> list[str]:
    """The sentences and lines of a text. A full stop inside a number or after an abbreviation ends no sentence."""
    return [s for s in _SENTENCE_END.split(text) if s and s.strip()]


def affirmed(text: str) -> str:
    """A stretch without what it denies: "not 6 but 7" and "7, not 6" become "7"."""
    return _NOT.sub(_NOT_BUT.sub(text))
