"""Answers that no word marks: a line that is nothing but a value, bold text, the last sentence that states one."""

from __future__ import annotations

import re

from harness.reading import words
from harness.reading.marks import EXPLAINS, lines_from
from harness.reading.values import CLOSE_LOOK, Found, Reader, Value, affirmed, sentences

MOST_SENTENCES = 6
"""Sentences of a stretch that are read: the last ones."""
MOST_OPTIONS = 26

_THEREFORE = re.compile(
    rf"\A(?:[-*•] )?[^\w\n(\[\"'$\\-]{{0,6}}(?:{words.THEREFORE})\b[,:;]? ?(?:(?:it|this|that)(?:'s| is|:) )?", re.I
)
_CLOSES = re.compile(rf"[^\w\n]{{0,8}}(?:{words.CLOSING})", re.I)
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*|__([^_\n]{1,200})__|`([^`\n]{1,200})`")
_NUMBERED = re.compile(r"(\d{1,2})[.)][ \t]+(?=\S)")
_LETTERED = re.compile(r"[^\w\n]{0,4}([A-Z])[.):] ")
_RIGHT, _WRONG = re.compile("[✅✓✔☑]"), re.compile("[❌✗✘✖]")
_UNREAL = re.compile(r"\W*(?:if|had|were)\b.{1,200}?\bwould\b", re.I)
"""A sentence about what would be so otherwise."""
_FITS = re.compile(r"(?<=\w): [✅✓✔☑].*")
_NO = re.compile(r"^\W*no\W+(?=\S)", re.I)


def last_unmarked(text: str, reader: Reader) -> Found | None:
    """The answer that a stretch gives without a mark, or the reason why it is no value; None if it gives no answer."""
    lines = _lines(text)
    if not lines:
        return None
    explained = next((i for i, line in enumerate(lines) if i and EXPLAINS.match(line)), len(lines))
    alone = _alone(lines, explained < len(lines), reader)
    if alone is not None:
        return alone
    shown = lines[:explained]
    bold = [v for m in _BOLD.finditer(shown[-1]) if (v := reader.alone(m[1] or m[2] or m[3])) and v.value is not None]
    if bold and len({v.value for v in bold}) == 1:
        return Found(bold[-1])
    stated = _last_stated(shown, reader)
    if stated is not None and stated.decided:
        return stated
    value = _behind_colon(shown[-1], reader) if stated is None or stated.value.aside else None
    if value is not None:
        return Found(value)
    later = _last_stated(lines, reader) if explained < len(lines) else None
    return later if later is not None and later.decided else stated or later


def _behind_colon(line: str, reader: Reader) -> Value | None:
    """The value with which the last sentence ends, behind a colon: "I am settled now: 7"."""
    said = sentences(line)[-1]
    return reader.alone(said.rpartition(": ")[2]) if ": " in said else None


def opening(text: str, reader: Reader) -> Found | None:
    """The value right behind "Correction:" or "I meant": the first sentence there, or else the line; None if they are
    not a value."""
    line, _ = next(lines_from(text, 0), ("", False))
    line = _NO.sub("", line).strip(" ,:;-–—")
    value = reader.alone(next(iter(sentences(line)), "").strip(" ,:;-–—")) or reader.alone(line)
    return None if value is None else Found(value, marked=True)


def _lines(text: str) -> list[str]:
    """The lines at the end of a text that say something, without closing remarks and without the numbers of lists."""
    lines = [line.strip()[:CLOSE_LOOK] for line in text[-4 * CLOSE_LOOK :].split("\n") if re.search(r"\w", line)]
    while len(lines) > 1 and _CLOSES.match(lines[-1]):
        lines.pop()
    if any(_RIGHT.search(line) for line in lines):
        # A table of candidates, "1820: ❌ does not fit".
        lines = [_FITS.sub("", line) for line in lines if not _WRONG.search(line)] or lines
    lines = lines[: len(lines) - _options(lines)]
    # "7. Alice counts too" is an item if there is a 6 or an 8.
    numbers = {int(m[1]) for line in lines if (m := _NUMBERED.match(line))} | {0}
    for i, line in enumerate(lines):
        m = _NUMBERED.match(line)
        if m and numbers & {int(m[1]) - 1, int(m[1]) + 1}:
            lines[i] = line[m.end() :]
    return lines


def _options(lines: list[str]) -> int:
    """How many lines at the end are a list of options, "A) the jar", "B) the lamp": they choose none of these."""
    letters = [m[1] if (m := _LETTERED.match(line)) else "" for line in lines[-MOST_OPTIONS:]]
    for n in range(len(letters), 1, -1):
        if letters[-n] == "A" and letters[-n:] == [chr(ord("A") + i) for i in range(n)]:
            return n
    return 0


def _alone(lines: list[str], explained: bool, reader: Reader) -> Found | None:
    """The value that the last line consists of; or the first line's, if the last is no value or an explanation stands
    between."""
    first = None
    if lines[0].rstrip("*_ ")[-1:] != "?":
        first = reader.alone(lines[0]) or reader.alone(next(iter(sentences(lines[0])), ""))
    if len(lines) == 1:
        said = sentences(lines[0])[-1:]
        if first is not None and said and _THEREFORE.match(said[0]):
            first = reader.alone(_concluded(said[0])) or first
        return None if first is None else Found(first)
    last = reader.alone(_concluded(lines[-1]))
    if last is not None and last.value is not None and not last.aside and (first is None or not explained):
        listed = first is not None and first.value != last.value and not reader.counts_up
        if listed and all(map(reader.alone, lines)):
            return Found(Value(None, f"several answers: {lines[0][:40]}, {last.value}"))
        return Found(last)
    return None if first is None else Found(first, marked=True)


def _concluded(sentence: str) -> str:
    """A sentence without its "Therefore"."""
    return _THEREFORE.sub("", sentence, count=1)


def _last_stated(lines: list[str], reader: Reader) -> Found | None:
    aside: Found | None = None
    for sentence in reversed([s for line in lines for s in sentences(line)][-MOST_SENTENCES:]):
        rest = _concluded(sentence)
        value = reader.stated(affirmed(rest), rest != sentence)
        if value is None:
            continue
        if not value.aside and not (value.value is not None and _UNREAL.match(sentence)):
            return Found(value)
        aside = aside or Found(value._replace(aside=True))
    return aside
