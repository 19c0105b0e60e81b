"""How answers to published questions are read: a letter, a word of a few, yes or no, a number, or a short text.

The value readers of this task (see harness.reading). Parsing only: they know what could be answered, not what is right.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from typing import NamedTuple

from harness.reading import names, numbers, yes_no
from harness.reading.values import Marked, Reader, Value
from harness.tasks.hub.items import LETTERS

_LABELS = r"(?:correct |right |best )?(?:option|choice|letter|alternative|label|relation)"
_NAMED = r"(?:the )?(?:option|choice|letter|alternative|answer)s?:? ?"


def folded(text: str) -> str:
    """Words without case or punctuation, one blank between them: two spellings of one answer are equal. Text without
    any word or digit, such as brackets, loses only its blanks."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    found = _WORD.findall(plain.replace("\u2212", "-"))
    return " ".join(found) if found else re.sub(r"\s+", "", plain)


_WORD = re.compile(r"(?:(?<![\w.])-)?\d+(?:[.,/]\d+)*|[^\W_]+")


# A letter -----------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=4096)
def letter_reader(options: tuple[str, ...]) -> Reader:
    """Reads the letter of one option, or the option's own text; two letters joined by "or" give none."""
    letters = LETTERS[: len(options)]
    texts = {folded(text): letter for letter, text in zip(letters, options, strict=True)}
    patterns = _patterns(letters)

    def exact(text: str) -> Value | None:
        """The text of an option and nothing else."""
        found = texts.get(folded(text)) if len(text) < 2000 else None
        return Value(found) if found else None

    def marked(m: Marked) -> Value | None:
        text = _bare(m.text)
        if patterns.several.match(text):
            return Value(None, "several letters")
        whole = patterns.whole.fullmatch(text)
        if whole:
            return Value(whole[1].upper())
        begins = patterns.begins.match(text)
        return Value(begins[1]) if begins else exact(text)

    def stated(sentence: str, concludes: bool) -> Value | None:
        text = _bare(sentence)
        found = {m[1] or m[2] or m[3] for m in patterns.stated.finditer(text)}
        if concludes and not found and (m := patterns.whole.fullmatch(text)):
            found = {m[1].upper()}
        if len(found) > 1 or (found and patterns.several.search(text)):
            return Value(None, "several letters")
        return Value(found.pop()) if found else None

    def alone(line: str) -> Value | None:
        text = _bare(line)
        whole = patterns.whole.fullmatch(text)
        if whole:
            return Value(whole[1].upper())
        begins = patterns.begins.match(text)
        if begins and folded(text[begins.end() :]) == folded(options[letters.index(begins[1])]):
            return Value(begins[1])
        return exact(text)

    return Reader(marked, stated, alone, _LABELS)


class _Patterns(NamedTuple):
    """whole: nothing but a letter. begins: a letter before the option's text. several: two letters of equal standing.
    stated: a sentence that chooses a letter; "A" and "I" are words too, and need "option" before them."""

    whole: re.Pattern[str]
    begins: re.Pattern[str]
    several: re.Pattern[str]
    stated: re.Pattern[str]


@functools.cache
def _patterns(letters: str) -> _Patterns:
    one, sure = f"[{letters}]", f"[{letters.replace('A', '').replace('I', '')}]"
    named, because = rf"(?i:{_NAMED})", r"(?i: ?because| ?since| ?as\b)"
    return _Patterns(
        whole=re.compile(rf"\W*(?:{_NAMED})?\W*({one})\W*", re.I),
        begins=re.compile(
            rf"\W*?(?:{named}\W{{0,3}})?({one})(?=\W?[).:\]–—-]|[^\x00-\x7f]| ?[-–—=(\"“,;]|{because}| (?i:is)\b|\s*$)"
        ),
        several=re.compile(
            rf"\W*(?i:either |both )?(?:{named})?\W*{one}\W{{0,3}}(?:or|and|/|,|&)\W*(?:or )?(?:{named})?\W*{one}\b"
        ),
        stated=re.compile(
            rf"\b{named}\W{{0,3}}({one})\b\W{{0,3}}(?:(?i: ?is| ?seems| ?must| ?fits| ?would)\b|{because}|[.,;:!]|$)"
            rf"|\b(?i:is|be|choose|pick|select|say|chose|with|go for) (?:{named})?\W{{0,3}}({sure})\b\W{{0,3}}"
            rf"(?:{because}|[.,;:!)]|$)"
            rf"|\A\W*(?i:is|was|should be|must be):? (?:{named})?\W{{0,3}}({one})\b\W*\Z"
        ),
    )


def _bare(text: str) -> str:
    """Without the marks of bold type, code and LaTeX."""
    return _MARKUP.sub("", text).strip()


_MARKUP = re.compile(r"[*_`$\\]+(?:text(?:bf|tt|rm)?|mathrm|mathbf|boxed)?\{?|[{}]")


# Other answers ------------------------------------------------------------------------------------------------------


@functools.lru_cache(maxsize=256)
def label_reader(labels: tuple[str, ...]) -> Reader:
    """Reads one of a few words; of two, yes or no."""
    if labels == ("yes", "no"):
        return yes_no.READER
    return names.reader(tuple(sorted(labels)), _LABELS)


NUMBER = numbers.reader()


_PHRASE = names.reader((), _LABELS)


_BRACKETS = re.compile(r"(?:[^\w\n]*Answer:[ \t*]*)?((?:[\[\](){}<>] ?)+)[*.]*\s*", re.I)


def brackets(response: str) -> str | None:
    """The brackets that a response ends with, "Answer: ] }"; None if it does not. A text without any word is no answer
    to the shared judge."""
    last = response.strip().rpartition("\n")[2] if len(response) < 50_000 else ""
    m = _BRACKETS.fullmatch(last[:400])
    return m[1].strip() if m else None


def _marked_text(m: Marked) -> Value | None:
    if re.fullmatch(r"\W*\S+ or \S+", m.text.strip()):
        return Value(None, "several answers")
    return _signed(m.text) or _PHRASE.marked(m)


def _signed(text: str) -> Value | None:
    """A number below zero: in a phrase its sign is a dash."""
    said = _bare(text).removesuffix("です。").strip(" .\"'").replace("\u2212", "-")
    return Value(said) if re.fullmatch(r"-\d[\d,]*(?:\.\d+)?", said) else None


TEXT = Reader(
    marked=_marked_text,
    stated=lambda sentence, concludes: _signed(sentence) or _PHRASE.stated(sentence, concludes),
    alone=lambda line: _signed(line) or _PHRASE.alone(line),
    labels=_LABELS,
)
"""Reads a short phrase, as it is written."""
