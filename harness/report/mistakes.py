"""The commonest wrong answers of a run, and where they may come from. Bounded memory, whatever a model writes."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.types import Outcome

MOST_ANSWERS, MOST_TARGETS, MOST_PLACES, MOST_ERRORS = 4000, 20_000, 50_000, 200
"""Distinct wrong answers that are counted, targets that are remembered, groups in which answers are looked for among
the targets, and distinct errors that are counted."""
LONGEST = 120
"""Characters of an answer that are shown. A longer one is not looked for in the prompt."""

_NUMBER = re.compile(r"[-+]?\d+(?:[.,/]\d+)*%?")


class Mistake(NamedTuple):
    """A wrong answer: how often it was given, its share of the wrong answers, and in words what it comes from."""

    answer: str
    times: int
    share: float
    source: str


@dataclass
class _Answer:
    """What is counted of one wrong answer at one level."""

    shown: str
    times: int = 0
    in_prompt: int = 0
    groups: Counter[str] = field(default_factory=Counter)


class Mistakes:
    """Counts the wrong answers at each level of a factor ("" for a run without factors)."""

    def __init__(self, factor: str) -> None:
        self._factor = factor
        self._answers: dict[tuple[str, str], _Answer] = {}
        self._targets: dict[str, set[str]] = {}
        self._kept = self._places = 0
        self.partial = False
        """Whether there were too many targets or groups to look for all answers among all targets."""
        self.wrong: Counter[str] = Counter()
        """Wrong answers at each level."""
        self.left_out = 0
        """Wrong answers that were not told apart, because there were too many different ones."""
        self.errors: Counter[str] = Counter()
        """What was said if there was no answer to judge."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in one record; only its target counts unless it is wrong."""
        group, target = record["group"], _plain(str(record.get("target") or ""))
        if 0 < len(target) <= LONGEST and target not in self._targets.get(group, ()):
            if self._kept < MOST_TARGETS:
                self._targets.setdefault(group, set()).add(target)
                self._kept += 1
            else:
                self.partial = True
        if error := _piece(str(record.get("error") or "")):
            self.errors[error if error in self.errors or len(self.errors) < MOST_ERRORS else "other errors"] += 1
        answer = record.get("answer")
        if record["outcome"] != Outcome.WRONG or answer is None:
            return
        text, level = str(answer).strip(), str(record["params"].get(self._factor, ""))
        self.wrong[level] += 1
        key = text if len(text) <= LONGEST else hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()
        if (level, key) not in self._answers and len(self._answers) >= MOST_ANSWERS:
            self.left_out += 1
            return
        found = self._answers.setdefault((level, key), _Answer(_piece(text)))
        found.times += 1
        if len(text) > LONGEST:
            return
        if any(stands_in(text, str(m.get("content"))) for m in record.get("input") or ()):
            found.in_prompt += 1
        if _plain(text) != target:
            if group in found.groups or self._places < MOST_PLACES:
                self._places += group not in found.groups
                found.groups[group] += 1
            else:
                self.partial = True

    def commonest(self, level: str | None = None, most: int = 6) -> list[Mistake]:
        """The answers that were given most often, at one level or at all; ties in the order of their text."""
        merged: dict[str, _Answer] = {}
        for (at, key), answer in self._answers.items():
            if level in (None, at):
                one = merged.setdefault(key, _Answer(answer.shown))
                one.times += answer.times
                one.in_prompt += answer.in_prompt
                one.groups += answer.groups
        total = self.wrong.total() if level is None else self.wrong[level]
        ordered = sorted(merged.values(), key=lambda a: (-a.times, a.shown))[:most]
        return [Mistake(a.shown, a.times, a.times / total, self._source(a)) for a in ordered]

    def _source(self, answer: _Answer) -> str:
        text = _plain(answer.shown)
        of_others = sum(n for group, n in answer.groups.items() if text in self._targets.get(group, ()))
        in_prompt = "a number of the prompt" if _NUMBER.fullmatch(answer.shown) else "words of the prompt"
        found = [("the target of another condition of this group", of_others), (in_prompt, answer.in_prompt)]
        return "; ".join(words if n == answer.times else f"{words} ({n} of {answer.times})" for words, n in found if n)


def stands_in(answer: str, prompt: str) -> bool:
    """Whether the prompt has the answer as whole words or as a whole number: 3 does not stand in 13, 3.5 or 3,000."""
    at = prompt.find(answer) if answer else -1
    while at >= 0:
        before, after = prompt[max(0, at - 2) : at], prompt[at + len(answer) : at + len(answer) + 2]
        if not (_joined(before[::-1]) or _joined(after)):
            return True
        at = prompt.find(answer, at + 1)
    return False


def _joined(text: str) -> bool:
    """Whether a word or number goes on with these two characters, the nearest first."""
    return bool(re.match(r"\w|[.,]\d", text))


def _plain(text: str) -> str:
    return " ".join(text.casefold().split())


def _piece(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
