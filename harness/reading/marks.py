"""Answers that a word, a box or a sign marks: "### Answer: 7", "the result is 7", \\boxed{7}, "#### 7"."""

from __future__ import annotations

import functools
import re
from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

from harness.reading import words
from harness.reading.quick import Phrases
from harness.reading.values import CLOSE_LOOK, Found, Marked, Reader, Value, affirmed

MOST_MARKS = 40
"""Marks of a stretch that are looked at: the last ones."""
MOST_LINES = 4
"""Lines with words that are read from a mark on, its own line among them."""

_TAIL = r"[*_`\"')\]]{0,4}"
_OF = r"(?: to [^.:\n]{1,80}| here| in base[ -]?\w{1,7})?"
_HEAD = rf"^[^\w\n]{{0,12}}(?:\d{{1,2}}[.)] )?(?:{words.ADJECTIVE} ){{0,4}}"
_HEADED = rf"{_TAIL}(?:[ \t]?(?:[-–—→⇒]|->|=>)[*_ ]{{1,4}}|[^\w\n]{{0,6}}$)"
_CALL = r"\b(?:finish|submit|final_answer|answer|respond)[\[(](?=[^\])\n]{1,200}[\])])"
_POINTS = "👉|✅|🎯|➡|☑|✔|⭐|🏁|🟢|💡|🔑"
BEST = Phrases(
    box=rf"\\?f?boxed ?[{{(]|\\(?:f|frame)?box ?[{{(]|\\boxed |boxed{_TAIL}:|{_CALL}",
    word=rf"(?<!\w)(?:{words.ANSWER}){_OF}{_TAIL}[ \t]?[:=](?!=)"
    rf"|(?<!\w)(?:{words.CJK_ANSWER}){_TAIL}\s?{words.CJK_IS}"
    rf"|{_HEAD}(?:{words.ANSWER}){_HEADED}|^[^\w\n]{{0,12}}finale?{_TAIL} ?[:=]"
    rf"|\b(?:final|correct|right|true|actual|real|corrected) (?:answer|result|value){_OF}{_TAIL} {words.IS}\b:?"
    r"|^[^\w\n]{0,8}A[*_]{0,2}:(?=[*_ ]{0,4}\S)",
    alone=rf"^[^\w\n]{{0,3}}#{{2,4}}[ \t]+(?=\S)|\[\[|^[^\w\n]{{0,3}}(?:{_POINTS})",
)
"""Marks that are used for nothing else. After `box` the answer stands in brackets; after `alone` nothing but the value
may stand."""
_GOOD = (
    rf"(?<!\w)(?:{words.ANSWER}){_OF}{_TAIL} {words.IS}(?!\w):?|{words.DECISION}"
    rf"|\b(?:ist|lautet|w[äa]re) (?:{words.ADJECTIVE} ){{0,3}}(?:{words.ANSWER}|{words.RESULT})(?!\w):?"
    rf"|(?<!\w)(?:{words.RESULT}){_TAIL}(?:[ \t]?[:=](?!=)| {words.IS}(?!\w):?)|{_HEAD}(?:{words.RESULT}){_HEADED}"
)
_HEADS = re.compile(rf"(?:^|\n)[^\w\n]{{0,12}}(?:{words.ADJECTIVE} ){{0,4}}$|#+ ?[*_\"]{{0,3}}$", re.I)
_ANSWER = re.compile(rf"{words.ANSWER}|{words.CJK_ANSWER}", re.I)
_MARK_AGAIN = re.compile(rf"\\f?boxed ?\{{|(?<!\w)(?:{words.ANSWER}){_OF}{_TAIL} ?(?::|{words.IS}\b)", re.I)
_DENIES = re.compile(r"\W{0,4}not\b", re.I)
_OFFERED_ON = re.compile(rf"[^\"'\n]{{1,60}}[\"']{{1,2}},? ?(?:or|and)? ?[\"']{{1,2}}(?:{words.ANSWER}) ?:", re.I)
_OFFERED = re.compile(rf"(?:{words.ANSWER}) ?:[^\"'\n]{{1,60}}[\"']{{1,2}},? ?(?:or|and)? ?[\"']{{1,2}}$", re.I)
"""An instruction that is repeated: "End with 'Answer: yes' or 'Answer: no'"."""
_ITEM = re.compile(r"[ \t]*(?:[-*•+]|\d{1,2}[.)])[ \t]+(?=\S)")
_SAYS_IS = re.compile(rf"{words.IS}:?$", re.I)
_ASKS = re.compile(r"\b(?:what|which|who|whose|where|when|how many|how much)\b", re.I)
REJECTED = re.compile(words.REJECTED, re.I)
_HYPOTHETICAL = re.compile(words.HYPOTHETICAL, re.I)
_EITHER = re.compile(rf"[\W_]*(?:{words.OR})[\W_]*", re.I)
EXPLAINS = re.compile(
    rf"[^\w\n]{{0,8}}(?:{words.EXPLANATION})\b[^.\n]{{0,40}}?(?::|$)|[^\w\n]{{0,8}}here's (?:why|how)\b|\[\^?\d+\]:",
    re.I,
)
"""A heading below which an answer is explained."""


@functools.lru_cache(maxsize=64)
def good(labels: str) -> Phrases:
    """Marks that may also be about a part of the answer; `labels` are the task's own names of an answer."""
    own = rf"|(?<!\w)(?:{labels})(?: [^.:=\n]{{1,60}}?)?{_TAIL}(?: ?[:=](?!=)| {words.IS}(?!\w):?)" if labels else ""
    return Phrases(word=_GOOD + own)


def last_marked(text: str, reader: Reader) -> tuple[Found | None, Found | None]:
    """(answer, aside): the last marked answer, or the reason why it is no value; and a marked value that is about
    something else. Each is None if the text has no such mark."""
    aside: Found | None = None
    for pattern in (BEST, good(reader.labels)):
        undecided: Found | None = None
        for spot in _spots(text, pattern):
            value, whole = _value(text, spot, reader, pattern is BEST)
            if value is None:
                continue
            found = Found(value, marked=True, best=pattern is BEST, whole=whole)
            if found.decided:
                rival = _rival(text, spot, pattern, reader)
                if rival in ("", value.value):
                    return found, aside
                return Found(Value(None, f"several answers: {rival} or {value.value}"), marked=True), aside
            if value.aside:
                aside = aside or found
            else:
                undecided = undecided or found
        if undecided is not None:
            return undecided, aside
    return None, aside


class _Spot(NamedTuple):
    """Where a mark stands; `kind` is box, alone or word."""

    start: int
    end: int
    kind: str


def _spots(text: str, pattern: Phrases) -> list[_Spot]:
    """Where the text has marks of this pattern, the last first."""
    return [_Spot(m.start(), m.end(), m.lastgroup or "") for m in deque(pattern.finditer(text), MOST_MARKS)][::-1]


def _rival(text: str, spot: _Spot, pattern: Phrases, reader: Reader) -> str:
    """The value of another mark right before this one, with nothing but "or" between them; empty if there is no such
    mark."""
    between = text[max(0, spot.start - 12) : spot.start].split("}")[-1].split("\n")[-1]
    if not _EITHER.fullmatch(between):
        return ""
    for other in _spots(text[: spot.start], pattern)[:1]:
        value, _ = _value(text[: spot.start], other, reader, True)
        return value.value or "" if value is not None else ""
    return ""


def _value(text: str, spot: _Spot, reader: Reader, sure: bool) -> tuple[Value | None, bool]:
    """(value, whole): the value after a mark (in the box, on the mark's line or, if that is bare, on one of the next
    few), and whether it is complete, as far as brackets and quotes show."""
    line_start = max(text.rfind("\n", max(0, spot.start - 120), spot.start) + 1, spot.start - 120)
    before = re.split(r"(?<=[.!?;]) ", text[line_start : spot.start])[-1]
    mark = text[spot.start : spot.end]
    if spot.kind == "box":
        inside, after, closed = _braced(text, spot.end)
        return (reader.marked(Marked(inside, before + mark, after)) if re.search(r"\w", inside) else None), closed
    # "### Answer:" marks the answer; "the answer is" may be about another answer.
    heading = _HEADS.search(text[max(0, spot.start - 16) : spot.start]) and not _SAYS_IS.search(mark)
    in_prose = not heading and spot.kind != "alone"
    if in_prose and (REJECTED.search(before) or _ASKS.search(before)):
        return None, True
    quoted = text[spot.start - 1 : spot.start] in ("'", '"')
    if (quoted and _OFFERED.search(text[max(0, spot.start - 90) : spot.start])) or _OFFERED_ON.match(
        text[spot.end : spot.end + 160]
    ):
        return None, True
    sure = sure or bool(_ANSWER.search(mark))
    for number, (line, ends_text) in enumerate(lines_from(text, spot.end)):
        whole = not ends_text or not _is_open(line)
        if spot.kind == "alone":
            return reader.alone(line.strip("[] ")), whole
        if _MARK_AGAIN.search(line[:200]):
            return None, True  # "Final Answer: The final answer is $7$": the other mark is a spot of its own
        if _DENIES.match(affirmed(line)):
            return None, True  # "The answer is not 6."
        value = reader.marked(Marked(affirmed(line), "" if number else before + mark, "", sure, number > 0))
        if value is not None and (other := _listed_too(text, spot.end, number, value, reader)):
            return Value(None, f"several answers: {value.value} or {other}"), whole
        if value is not None:
            unreal = in_prose and not value.aside and bool(_HYPOTHETICAL.search(before))
            return (value._replace(aside=True) if unreal else value), whole
        if not number and text[spot.end : spot.end + 200].split("\n", 1)[0].strip(_BARE):
            return None, True  # only below a heading do the next lines belong to it
    return None, True


def _listed_too(text: str, position: int, number: int, value: Value, reader: Reader) -> str:
    """Another value right below the first item of a list, which is a value and nothing else; empty if there is none.
    `number` is the line of the item, counted from `position` on."""
    lines = [line for line, _ in lines_from(text, position)][number : number + 2]
    if reader.counts_up or len(lines) < 2 or not all(_ITEM.match(line) for line in lines):
        return ""
    one, two = (reader.alone(_ITEM.sub("", line, count=1)) for line in lines)
    if one is None or two is None or two.aside or one.value != value.value or two.value == value.value:
        return ""
    return two.value or ""


_BARE = " \t*_#`\"'():>.,-–—"


def _is_open(line: str) -> bool:
    """Whether the last line of a text visibly breaks off: a quote or bracket is open, or it ends in an operator."""
    brackets = any(line.count(a) > line.count(b) for a, b in ("()", "[]", "{}"))
    quotes = line.count('"') % 2 == 1 or line.count("**") % 2 == 1
    return brackets or quotes or line.rstrip()[-1:] in tuple("+-*/=,:_^\\")


def lines_from(text: str, position: int) -> Iterator[tuple[str, bool]]:
    """Yields (line, whether the text ends in it): the rest of the line, then the next few that have words, up to an
    explanation."""
    given = 0
    while position < len(text) and given < MOST_LINES:
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        line = text[position : min(stop, position + CLOSE_LOOK)]
        position = stop + 1
        if re.search(r"\w", line):
            if given and EXPLAINS.match(line):
                return
            given += 1
            yield line, position > len(text)


def _braced(text: str, start: int) -> tuple[str, str, bool]:
    """(inside, behind, closes): the text up to the bracket that closes the one before `start`, the text behind that,
    and whether there is such a bracket."""
    opened = text[start - 1]
    if opened not in "{([":
        return text[start : start + 200].split("\n", 1)[0], "", True
    closing, depth = {"{": "}", "(": ")", "[": "]"}[opened], 1
    end = min(len(text), start + CLOSE_LOOK)
    for i in range(start, end):
        depth += (text[i] == opened) - (text[i] == closing)
        if depth == 0:
            return text[start:i], text[i + 1 : i + 80].split("\n", 1)[0], True
    return text[start:end], "", False
