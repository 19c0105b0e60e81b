"""Searches for many phrases at once that look only for those whose words the text has.

A pattern of a hundred alternatives tries each at every place of a text; most texts hold the words of two or three.
Results are those of the pattern itself.
"""

from __future__ import annotations

import functools
import importlib
import re
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

try:  # Python's own parser of patterns is private: without it a search is slower, and finds the same
    _parser: Any = importlib.import_module("re._parser")
except ImportError:  # pragma: no cover
    _parser = None

_FLAGS = re.I | re.M
_UNLIKE = re.compile("[\u017f\u0130\u0131\u212a]")
"""Letters that are equal to others without regard to case, and not in lower case."""


class _Part(NamedTuple):
    pattern: re.Pattern[str]
    words: tuple[tuple[str, ...], ...]
    """A match has at least one of each, in lower case; the longest words first."""


class Phrases:
    """A pattern that is searched for without regard to case, with ^ and $ at lines; its alternatives are numbered in
    groups by name, of which a match has one (`lastgroup`)."""

    def __init__(self, **alternatives: str) -> None:
        self.parts = [
            _Part(compiled := re.compile(f"(?P<{name}>{part})", _FLAGS), words_of(compiled.pattern))
            for name, pattern in alternatives.items()
            for part in split(pattern)
        ]

        self.everywhere = [number for number, part in enumerate(self.parts) if not part.words]
        self.by_word: dict[str, list[int]] = {}
        for number, part in enumerate(self.parts):
            for word in part.words[0] if part.words else ():
                self.by_word.setdefault(word, []).append(number)
        self.in_ascii = [word for word in self.by_word if word.isascii()]

    def _possible(self, text: str) -> list[int]:
        """The alternatives whose words a text has, in their order."""
        ascii_only = text.isascii()
        if not ascii_only and _UNLIKE.search(text) is not None:
            return list(range(len(self.parts)))
        low = text.lower()
        found = set(self.everywhere)
        for word in [word for word in (self.in_ascii if ascii_only else self.by_word) if word in low]:
            found.update(self.by_word[word])
        return [n for n in sorted(found) if all(any(w in low for w in texts) for texts in self.parts[n].words[1:])]

    def finditer(self, text: str) -> Iterator[re.Match[str]]:
        """The matches from left to right; of two at one place the alternative that stands first."""
        ahead: list[tuple[int, int, re.Match[str]]] = []
        for number in self._possible(text):
            m = self.parts[number].pattern.search(text)
            if m is not None:
                ahead.append((m.start(), number, m))
        while ahead:
            start, _, found = min(ahead, key=lambda item: item[:2])
            yield found
            end = max(found.end(), start + 1)
            later = []
            for item in ahead:
                if item[0] >= end:
                    later.append(item)
                elif (m := self.parts[item[1]].pattern.search(text, end)) is not None:
                    later.append((m.start(), item[1], m))
            ahead = later

    def search(self, text: str) -> re.Match[str] | None:
        """The first match."""
        return next(self.finditer(text), None)

    def sub(self, text: str, by: str = "") -> str:
        """The text with `by` in place of each match."""
        kept, position = [], 0
        for m in self.finditer(text):
            kept += [text[position : m.start()], by]
            position = m.end()
        return "".join([*kept, text[position:]]) if kept else text


def split(pattern: str) -> list[str]:
    """The alternatives of a pattern, and those of an alternative that is nothing but a group, as `words.either` makes
    them."""
    if pattern.startswith("(?:") and _closes(pattern) == len(pattern) - 1:
        return split(pattern[3:-1])
    found, start = [], 0
    for place, depth in _depths(pattern):
        if depth == 0 and pattern[place] == "|":
            found.append(pattern[start:place])
            start = place + 1
    found.append(pattern[start:])
    return found if len(found) == 1 else [part for one in found for part in split(one)]


def _depths(pattern: str) -> Iterator[tuple[int, int]]:
    """(place, how many brackets are open there) of each character that is not escaped, nor in a set of characters."""
    depth, place, in_set = 0, 0, False
    while place < len(pattern):
        c = pattern[place]
        if c == "\\":
            place += 2
            continue
        if in_set:
            in_set = c != "]"
        elif c == "[":
            in_set = True
            place += 2 if pattern[place + 1] in "^]" else 0
        else:
            depth += (c == "(") - (c == ")")
            yield place, depth
        place += 1


def _closes(pattern: str) -> int:
    """Where the first bracket of a pattern is closed."""
    return next((place for place, depth in _depths(pattern) if depth == 0), -1)


@functools.cache
def words_of(pattern: str) -> tuple[tuple[str, ...], ...]:
    """Sets of texts, in lower case: each match of the pattern has at least one of each set."""
    sets = [] if _parser is None else _needed(_parser.parse(pattern, _FLAGS))
    telling = sorted({tuple(sorted(texts)) for texts in sets}, key=_says, reverse=True)
    kept = telling[:1] + [texts for texts in telling[1:] if _says(texts)[0] > 2 or not any(map(_spoken, texts))]
    return tuple(kept[:3])


def _spoken(text: str) -> bool:
    """Whether a text has letters, digits or blanks, which are everywhere if they are few."""
    return any(c.isalnum() or c.isspace() for c in text)


def _says(texts: Iterable[str]) -> tuple[int, int]:
    """How much a set of texts says: more if even the shortest is long, and if there are few."""
    lengths = [len(text) for text in texts]
    return min(lengths), -len(lengths)


def _needed(items: Any) -> list[frozenset[str]]:
    """`words_of` a piece of a parsed pattern."""
    known: list[frozenset[str]] = []
    run = ""
    for kind, value in [*items, ("", None)]:
        name = str(kind)
        if name == "LITERAL":
            run += chr(value).lower()
            continue
        if run:
            known.append(frozenset([run]))
            run = ""
        if name == "SUBPATTERN":
            known += _needed(value[3])
        elif name == "BRANCH":
            each = [max(_needed(branch), key=_says, default=frozenset[str]()) for branch in value[1]]
            known += [frozenset[str]().union(*each)] if all(each) else []
        elif name == "IN" and all(str(one) == "LITERAL" for one, _ in value):
            known.append(frozenset(chr(code).lower() for _, code in value))
        elif name in ("MAX_REPEAT", "MIN_REPEAT") and value[0] > 0:
            known += _needed(value[2])
    return known
