"""Value readers: the types between the judge, which finds where an answer is given, and a task, which reads it."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

CLOSE_LOOK = 2_000
"""Characters behind a mark, or at the end of a stretch, that are read."""


class Value(NamedTuple):
    """What a stretch of text gives as its answer: `value`, or None with the reason (two candidates, a bound).

    `aside`: it is said of something else (another base, an assumption), and counts only if nothing else is said.
    `note` is for the task.
    """

    value: str | None
    reason: str = ""
    aside: bool = False
    note: Any = None


class Marked(NamedTuple):
    """A stretch that is said to be the answer, with what stands before it in its sentence and right behind it.

    `sure`: by a word that is used for nothing else ("answer", a box), and not by one like "result". `below`: on a line
    below the mark.
    """

    text: str
    before: str = ""
    after: str = ""
    sure: bool = True
    below: bool = False


@dataclass(frozen=True)
class Reader:
    """How a task reads values; each function gives None if the stretch holds none.

    `marked` reads a stretch that is said to be the answer; `stated` a sentence, which must state the value, and is told
    if it began with "Therefore"; `alone` a line that must be nothing but the value. `labels` are the task's own names
    of an answer ("sum", "missing part").
    `counts_up`: of several values that are listed the last one is meant, and not none.
    """

    marked: Callable[[Marked], Value | None]
    stated: Callable[[str, bool], Value | None]
    alone: Callable[[str], Value | None]
    labels: str = ""
    counts_up: bool = False


class Found(NamedTuple):
    """A value in a text. `marked`: it was said to be the answer, or stands alone before other text; `best`: by a word
    or a box that is for nothing else. `whole`: it is complete, as far as brackets and quotes say."""

    value: Value
    marked: bool = False
    best: bool = False
    whole: bool = True

    @property
    def decided(self) -> bool:
        """Whether there is a value, and it is said of what was asked."""
        return self.value.value is not None and not self.value.aside


# Pieces of text ----------------------------------------------------------------------------------------------------

_SENTENCE_END = re.compile(
    r"(?<=[.!?。！？])(?<!i\.e\.)(?<!e\.g\.)(?<!Mr\.)(?<!Dr\.)(?<!St\.)(?: +|$)(?=[^a-z\d+*/=%^ -]|$|\d+\S*[.!]?$)"
    r"|(?<=[。！？])|\n+"
)
_NOT_BUT = re.compile(
    r"\b(?:not|isn't|wasn't) [^,.;\n]{1,40}?"
    r"(?:,? but(?: rather| instead)?|[,;] (?:it(?:'s| is)|rather|instead|that(?:'s| is))) ",
    re.I,
)
_NOT = re.compile(
    r"\((?:and |but )?(?:not|rather than|instead of|as opposed to|nicht|pas|nunca|não|non) [^)\n]{1,60}\)"
    r"|[,;–—-] ?(?:and |but )?(?:not|rather than|instead of|as opposed to|nicht|pas|nunca|não|non) [^,.;\n]{1,60}"
    r"|[ ,;(]+(?:rather than|instead of|as opposed to|und nicht|et non(?: pas)?|y no|e não|e non|en niet|a nie"
    r"|а(?: \w+)? не"
    r"|而不是|并非|并不是) ?[^,.;)\n]{1,60}\)?|^\W*not [^,.;:\n]{1,40}(?=[,.;:])",
    re.I,
)


def sentences(text: str) -> list[str]:
    """Sentences and lines; a full stop inside a number or after an abbreviation ends none."""
    return [s for s in _SENTENCE_END.split(text) if s and s.strip()]


def affirmed(text: str) -> str:
    """A stretch without what it denies: "not 6 but 7" and "7, not 6" are "7"."""
    return _NOT.sub("", _NOT_BUT.sub("", text))
