"""What a response commits to: the last answer that it marks, boxes or states, and did not take back.

The text is parted at its second thoughts ("Wait,", "Correction:", "that is wrong") into stretches. In each the best
statement of an answer is looked for: a marked one ("### Answer: 7", a box, a tag), then one in passing ("the result is
7"), then a line that is nothing but a value, then the last sentence that states one. A later stretch replaces an
earlier one, confirms it, or takes it back. Two values of equal standing are none.

What a value is, the task says: it brings a `Reader`.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.reading import envelope, words
from harness.reading.outcome import Reading, is_refusal

CLOSE_LOOK = 2_000
"""Characters behind a marker, or at the end of a stretch, that are read."""
LONGEST = 50_000
"""Characters of a response that are read, from its end or from where it goes on with another question."""
MOST_MARKS, MOST_SECOND_THOUGHTS = 40, 60
"""So many at the end of a text are looked at."""


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
    """How a task reads values; each gives None if the stretch holds none.

    `marked` reads a stretch that is said to be the answer; `stated` a sentence, which must state the value; `alone` a
    line that must be nothing but the value. `labels` are the task's own names of an answer ("sum", "missing part").
    `counts_up`: of several values that are listed the last one is meant, and not none.
    """

    marked: Callable[[Marked], Value | None]
    stated: Callable[[str], Value | None]
    alone: Callable[[str], Value | None]
    labels: str = ""
    counts_up: bool = False


class _Found(NamedTuple):
    """A value; `marked`: it was said to be the answer, or stands alone before other text (`best`: by a word or box that is
    for nothing else); `whole`: it is complete."""

    value: Value
    marked: bool
    whole: bool = True
    best: bool = False


def read(text: str, reader: Reader, prompt: re.Pattern[str] | None = None) -> tuple[Reading, Any]:
    """What a response commits to, and the task's note on the value.

    Of the parts of a response that goes on with another question, the first that gives an answer counts. `prompt`
    matches how the task's own prompt begins.
    """
    if len(text) < 200 and (short := _short_answer(text, reader)) is not None:
        return short
    clean = envelope.clean(text)
    declines = is_refusal(clean)
    found: _Found | None = None
    for part, all_there_is in envelope.cuts(clean, prompt):
        found = commit(envelope.open_notations(part[-LONGEST:]), reader)
        if declines and found is not None and not found.marked:
            found = None  # "I'm sorry, but I can't help with that" names nothing
        if found is not None and found.value.value is not None and (found.marked or all_there_is or _short(part)):
            return Reading(
                found.value.value, final=(found.marked and found.whole) or not all_there_is
            ), found.value.note
    if found is not None and found.value.value is None and found.value.reason:
        return Reading(None, found.value.reason), found.value.note
    declined = bool(_UNKNOWN.search(clean[-CLOSE_LOOK:])) if len(clean) < CLOSE_LOOK else False
    return Reading(None, "no answer was found" if clean.strip() else "the response is empty", declined=declined), None


_UNKNOWN = re.compile(words.UNKNOWN, re.I)
_AS_ASKED = re.compile(r"(?:#{1,4} ?)?Answer: ?([^A-Za-z\n<>\[\]{}\\`\"&|?~]{1,180})")
_PLAIN = re.compile(r"[\w .,'=+*/()-]+", re.ASCII)


def _short_answer(text: str, reader: Reader) -> tuple[Reading, Any] | None:
    """What a response says that is nothing but its answer, without a closer look: half of all responses."""
    asked = _AS_ASKED.fullmatch(text)
    if asked:
        value, final = reader.marked(Marked(asked[1], "Answer: ")), True
    elif _PLAIN.fullmatch(text):
        value, final = reader.alone(text), False
    else:
        return None
    if value is None or value.value is None or value.aside:
        return None
    return Reading(value.value, final=final), value.note


def _short(part: str) -> bool:
    return len(part.strip()) < 200 or "\n" not in part.strip()


# Second thoughts ---------------------------------------------------------------------------------------------------

_SECOND_THOUGHT = re.compile(
    rf"(?P<correction>{words.CORRECTION})|(?P<taken_back>{words.TAKEN_BACK})|(?P<open>{words.LEFT_OPEN})"
    rf"|(?P<check>{words.CHECK})|(?P<doubt>{words.DOUBT})",
    re.I | re.M,
)
_CONFIRMED = re.compile(rf"(?:{words.CONFIRMED})", re.I)
_UNCONFIRMED = re.compile(words.UNCONFIRMED, re.I)


def commit(text: str, reader: Reader) -> _Found | None:
    """What a text commits to: a value, or the reason why there is none; None if it says nothing of an answer."""
    held: _Found | None = None
    kind, position = "", 0
    for m in deque(_SECOND_THOUGHT.finditer(text), MOST_SECOND_THOUGHTS):
        stretch = text[position : m.start()]
        if position == 0 and not re.search(r"\w", stretch):
            continue  # "No, it was not": nothing stands before it
        if m.lastgroup == "taken_back" and not _about_the_answer(stretch[-CLOSE_LOOK:], held, reader):
            continue  # "6 is wrong because ..." behind the answer 7: the stretch goes on
        held = _after(kind, held, stretch, reader)
        # "No" may be the answer.
        kind, position = m.lastgroup or "", m.start() if m.group()[:2].lower() == "no" else m.end()
    return _after(kind, held, text[position:], reader)


def _subject(stretch: str, reader: Reader) -> Value | None:
    """What the sentence that ends in "is wrong" is about; of "It fails", the sentence before."""
    for said in reversed(re.split(r"(?<=[.!?:]) |\n", stretch[-300:])[-2:]):
        value = reader.alone(said) or reader.stated(said)
        if value is not None:
            return value
        if len(said.split()) > 2:
            return None
    return None


def _about_the_answer(stretch: str, held: _Found | None, reader: Reader) -> bool:
    """Whether what is taken back is the answer so far, and no other value ("some say 7, but that is wrong")."""
    if _REJECTED.search(re.split(r"[.!?] |\n", stretch)[-1]):
        return False
    earlier = held or _commitment(stretch, reader)
    if earlier is None or earlier.value.value is None:
        return True
    subject = _subject(stretch, reader)
    return subject is None or subject.value is None or subject.value == earlier.value.value


def _after(kind: str, held: _Found | None, stretch: str, reader: Reader) -> _Found | None:
    """What is held after a stretch that began with a second thought of this kind ("" for the first stretch)."""
    now = _commitment(stretch, reader, opening=kind in ("correction", "taken_back", "doubt"))
    if not kind:
        return now
    if kind == "open" and not (now is not None and now.marked) and not (held is not None and held.best):
        return _Found(Value(None, "the answer is left open"), True)
    if now is not None and now.value.value is not None and not now.value.aside:
        settled = held is not None and held.marked and held.value.value is not None
        doubtful = settled and not now.marked and (kind == "check" or (kind == "doubt" and _confirms(stretch)))
        return held if doubtful else now._replace(marked=now.marked or (held is not None and held.marked))
    if held is None:
        return now
    if kind == "taken_back" and not _confirms(stretch):
        return _Found(Value(None, "the answer was taken back and no other was given"), True)
    return held if kind != "doubt" or _confirms(stretch) else held._replace(whole=False)


def _confirms(stretch: str) -> bool:
    last = stretch.strip()[-300:]
    return bool(_CONFIRMED.search(last)) and not _UNCONFIRMED.search(last)


# Statements of an answer -------------------------------------------------------------------------------------------

_TAIL = r"[*_`\"')\]]{0,4}"
_HEAD = rf"^[^\w\n]{{0,12}}(?:\d{{1,2}}[.)] )?(?:{words.ADJECTIVE} ){{0,4}}"
_POINTS = "👉|✅|🎯|➡|☑|✔|⭐|🏁|🟢|💡|🔑"
_BEST = re.compile(
    rf"(?P<box>\\?f?boxed ?[{{(]|\b(?:finish|submit|final_answer|answer|respond)[\[(](?=[^\])\n]{{1,200}}[\])])|\\(?:f|frame)?box ?[{{(]|\\boxed |boxed{_TAIL}:)"
    rf"|(?<!\w)(?:{words.ANSWER})(?: to [^.:\n]{{1,80}}| here| in base[ -]?\w{{1,7}})?{_TAIL}[ \t]?[:=](?!=)"
    rf"|(?<!\w)(?:{words.CJK_ANSWER}){_TAIL}\s?{words.CJK_IS}"
    rf"|{_HEAD}(?:{words.ANSWER}){_TAIL}(?:[ \t]?(?:[-–—→⇒]|->|=>)[*_ ]{{1,4}}|[^\w\n]{{0,6}}$)"
    rf"|\b(?:final|correct|right|true|actual|real|corrected) (?:answer|result|value)(?: to [^.:\n]{{1,80}})?{_TAIL} {words.IS}\b:?"
    rf"|^[^\w\n]{{0,12}}finale?{_TAIL} ?[:=]|^[^\w\n]{{0,8}}A[*_]{{0,2}}:(?=[*_ ]{{0,4}}\S)|(?P<alone>^[^\w\n]{{0,3}}#{{2,4}}[ \t]+(?=\S)|\[\[|^[^\w\n]{{0,3}}(?:{_POINTS}))",
    re.I | re.M,
)
_GOOD = (
    rf"(?<!\w)(?:{words.ANSWER})(?: to [^.:\n]{{1,80}}| here| in base[ -]?\w{{1,7}})?{_TAIL} {words.IS}(?!\w):?"
    rf"|\b(?:ist|lautet|w[äa]re) (?:{words.ADJECTIVE} ){{0,3}}(?:{words.ANSWER}|{words.RESULT})(?!\w):?|{words.DECISION}"
    rf"|(?<!\w)(?:{words.RESULT}){_TAIL}(?:[ \t]?[:=](?!=)| {words.IS}(?!\w):?)"
    rf"|{_HEAD}(?:{words.RESULT}){_TAIL}(?:[ \t]?(?:[-–—→⇒]|->|=>)[*_ ]{{1,4}}|[^\w\n]{{0,6}}$)"
)
_HEADS = re.compile(rf"(?:^|\n)[^\w\n]{{0,12}}(?:{words.ADJECTIVE} ){{0,4}}$|#+ ?[*_\"]{{0,3}}$", re.I)
_ANSWER_WORD = re.compile(rf"{words.ANSWER}|{words.CJK_ANSWER}", re.I)
_SAYS_IS = re.compile(rf"{words.IS}:?$", re.I)
_ASKS = re.compile(r"\b(?:what|which|who|whose|where|when|how many|how much)\b", re.I)
_IS_THE_ANSWER = re.compile(
    r"\b(?:is|are|being|would be) (?:the|my|our) (?:final |correct |right |short )?answer\b", re.I
)
_REJECTED = re.compile(words.REJECTED, re.I)
_HYPOTHETICAL = re.compile(words.HYPOTHETICAL, re.I)
_BETWEEN = re.compile(rf"[\W_]*(?:{words.OR})[\W_]*", re.I)
_PATTERNS: dict[str, re.Pattern[str]] = {}


def _commitment(text: str, reader: Reader, opening: bool = False) -> _Found | None:
    """The best statement of an answer in a stretch; `opening`, if it begins right behind a correction."""
    aside: _Found | None = None
    undecided: _Found | None = None
    for pattern in (_BEST, _good(reader.labels)):
        before: tuple[int, str] | None = None
        for spot in _spots(text, pattern):
            value, complete = _spot_value(text, spot, reader, pattern is _BEST)
            if value is None:
                continue
            if value.value is None:
                undecided = undecided or _Found(value, True)
                continue
            if value.aside:
                aside = aside or _Found(value, True)
                continue
            if before is None:
                earlier = _rival(text, spot, value.value, pattern, reader)
                if earlier:
                    return _Found(Value(None, f"several answers: {earlier} or {value.value}"), True)
                return _Found(value, True, complete, pattern is _BEST)
        if undecided is not None:
            return undecided
    if opening and (value := _opening(text, reader)) is not None:
        return _Found(value, True)
    plain = _unmarked(text, reader)
    if plain is not None and plain.value.value is not None and not plain.value.aside:
        return plain
    return aside or plain


def _good(labels: str) -> re.Pattern[str]:
    if labels not in _PATTERNS:
        own = (
            rf"|(?<!\w)(?:{labels})(?: [^.:=\n]{{1,60}}?)?{_TAIL}(?: ?[:=](?!=)| {words.IS}(?!\w):?)" if labels else ""
        )
        _PATTERNS[labels] = re.compile(_GOOD + own, re.I | re.M)
    return _PATTERNS[labels]


class _Spot(NamedTuple):
    start: int
    end: int
    kind: str  # box, alone or ""


def _spots(text: str, pattern: re.Pattern[str]) -> list[_Spot]:
    """Where something is said to be the answer, the last first."""
    return [_Spot(m.start(), m.end(), m.lastgroup or "") for m in deque(pattern.finditer(text), MOST_MARKS)][::-1]


def _rival(text: str, spot: _Spot, value: str, pattern: re.Pattern[str], reader: Reader) -> str:
    """Another value that the text offers right before a marked one, with nothing but "or" between them."""
    if not _BETWEEN.fullmatch(text[max(0, spot.start - 12) : spot.start].split("}")[-1].split("\n")[-1] or "-"):
        return ""
    for other in _spots(text[: spot.start], pattern)[:1]:
        found, _ = _spot_value(text[: spot.start], other, reader)
        if found is not None and found.value is not None and found.value != value:
            return found.value
    return ""


def _spot_value(text: str, spot: _Spot, reader: Reader, sure: bool = True) -> tuple[Value | None, bool]:
    """What stands behind a mark: in the box, on its line or, if that is bare, on one of the next few; and whether it is
    complete, as far as brackets and quotes say."""
    line_start = max(text.rfind("\n", max(0, spot.start - 120), spot.start) + 1, spot.start - 120)
    before = re.split(r"(?<=[.!?;]) ", text[line_start : spot.start])[-1]
    mark = text[spot.start : spot.end]
    if spot.kind == "box":
        inside, after, closed = _braced(text, spot.end)
        return (reader.marked(Marked(inside, before + mark, after)) if re.search(r"\w", inside) else None), closed
    # "### Answer:" is meant as the answer; "the answer is" may be said of another one.
    in_prose = not (
        spot.kind == "alone" or _HEADS.search(text[max(0, spot.start - 16) : spot.start]) and not _SAYS_IS.search(mark)
    )
    if in_prose and (_REJECTED.search(before) or _ASKS.search(before)):
        return None, True
    for number, (line, ends_text) in enumerate(_lines_from(text, spot.end)):
        complete = not ends_text or not _is_open(line)
        if spot.kind == "alone":
            return reader.alone(line.strip("[] ")), complete
        if _MARK_AGAIN.search(line[:200]):
            return None, True  # "Final Answer: The final answer is $7$": the other mark is a spot of its own
        named = sure or bool(_ANSWER_WORD.search(mark))
        value = reader.marked(Marked(affirmed(line), "" if number else before + mark, sure=named, below=number > 0))
        if value is None and not number and text[spot.end : spot.end + 200].split("\n", 1)[0].strip(_BARE):
            return None, True  # only below a heading do the next lines belong to it
        if value is not None:
            unreal = in_prose and not value.aside and bool(_HYPOTHETICAL.search(before))
            return (value._replace(aside=True) if unreal else value), complete
    return None, True


def _is_open(line: str) -> bool:
    """Whether the last line of a text visibly breaks off: a quote or bracket is open, or it ends in an operator."""
    opened = (
        any(line.count(a) > line.count(b) for a, b in ("()", "[]", "{}")) or line.count('"') % 2 or line.count("**") % 2
    )
    return bool(opened) or line.rstrip()[-1:] in tuple("+-*/=,:_^\\")


_MARK_AGAIN = re.compile(
    rf"\\f?boxed ?\{{|(?<!\w)(?:{words.ANSWER})(?: to [^.:\n]{{1,80}})?{_TAIL} ?(?::|{words.IS}\b)", re.I
)
MOST_LINES = 4
_BARE = " \t*_#`\"'():>.,-–—"


def _lines_from(text: str, position: int) -> Iterator[tuple[str, bool]]:
    """(line, whether the text ends in it): the rest of the line, then the next ones that are not bare; no more than a few,
    and none of an explanation."""
    given = 0
    while position < len(text) and given < MOST_LINES:
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        line = text[position : min(stop, position + CLOSE_LOOK)]
        position = stop + 1
        if re.search(r"\w", line):
            if given and _EXPLAINS.match(line):
                return
            given += 1
            yield line, position > len(text)


def _braced(text: str, start: int) -> tuple[str, str, bool]:
    """(what stands up to the brace that closes the one before `start`, what follows it on the line, whether it closes)."""
    opened = text[start - 1]
    if opened not in "{([":
        return text[start : start + 200].split("\n", 1)[0], "", True
    depth, pair = 1, {"{": "{}", "(": "()", "[": "[]"}[opened]
    end = min(len(text), start + CLOSE_LOOK)
    for i in range(start, end):
        depth += (text[i] == pair[0]) - (text[i] == pair[1])
        if depth == 0:
            return text[start:i], text[i + 1 : i + 80].split("\n", 1)[0], True
    return text[start:end], "", False


_NOT_BUT = re.compile(
    r"\b(?:not|isn't|wasn't) [^,.;\n]{1,40}?(?:,? but(?: rather| instead)?|[,;] (?:it(?:'s| is)|rather|instead|that(?:'s| is))) ", re.I
)
_NOT = re.compile(
    r"[,;(–—-] ?(?:and |but )?(?:not|rather than|instead of|as opposed to|nicht|pas|nunca|não|non) [^,.;)\n]{1,60}\)?"
    r"| (?:rather than|instead of|as opposed to) [^,.;)\n]{1,60}",
    re.I,
)


def affirmed(text: str) -> str:
    """A stretch without what it denies: "not 6 but 7" and "7, not 6" are "7"."""
    if "n" not in text.lower():
        return text
    return _NOT.sub("", _NOT_BUT.sub("", text))


def _opening(text: str, reader: Reader) -> Value | None:
    """The value right behind "Correction:" or "I meant": its line, or its first sentence."""
    line, _ = next(_lines_from(text, 0), ("", False))
    line = re.sub(r"^\W*no\W+(?=\S)", "", line, flags=re.I)
    first = next(iter(sentences(line)), "")
    return reader.alone(first.strip(" ,:;-–—")) or reader.alone(line.strip(" ,:;-–—"))


# Without a mark ----------------------------------------------------------------------------------------------------

_THEREFORE = re.compile(
    rf"\A(?:[-*•] )?[^\w\n(\[\"'$\\-]{{0,6}}(?:{words.THEREFORE})\b[,:;]? ?(?:(?:it|this|that)(?:'s| is|:) )?", re.I
)
_EXPLAINS = re.compile(
    rf"[^\w\n]{{0,8}}(?:{words.EXPLANATION})\b[^.\n]{{0,40}}?(?::|$)|[^\w\n]{{0,8}}here's (?:why|how)\b", re.I
)
_CLOSES = re.compile(rf"[^\w\n]{{0,8}}(?:{words.CLOSING})", re.I)
_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*|__([^_\n]{1,200})__|`([^`\n]{1,200})`")
MOST_SENTENCES = 6


def _unmarked(text: str, reader: Reader) -> _Found | None:
    """An answer that no word marks: a line of its own, something in bold, or the last sentence that states one."""
    lines = [line.strip() for line in text[-4 * CLOSE_LOOK :].split("\n") if re.search(r"\w", line)]
    lines = _without_numbering(lines)
    while len(lines) > 1 and _CLOSES.match(lines[-1]):
        lines.pop()
    if not lines:
        return None
    first, last = lines[0][:CLOSE_LOOK], lines[-1][:CLOSE_LOOK]
    explained = next((i for i, line in enumerate(lines) if i and _EXPLAINS.match(line)), len(lines))
    at_first = (
        None
        if first.rstrip("*_ ")[-1:] == "?"
        else reader.alone(first)
        or (reader.alone(next(iter(sentences(first)), "")) if len(lines) == 1 or len(first) > 3 else None)
    )
    if at_first is not None and len(lines) == 1 and _THEREFORE.match(last_said := sentences(last)[-1]):
        at_first = reader.alone(_THEREFORE.sub("", last_said, count=1)) or at_first
    at_last = reader.alone(_THEREFORE.sub("", last, count=1)) if len(lines) > 1 else None
    if at_last is not None and at_last.value is not None and (at_first is None or explained == len(lines)):
        differ = at_first is not None and at_first.value != at_last.value and not reader.counts_up
        if differ and all(map(reader.alone, lines)):
            return _Found(Value(None, f"several answers: {lines[0][:40]}, {at_last.value}"), False)
        return _Found(at_last, False)
    if at_first is not None:
        return _Found(at_first, len(lines) > 1)
    shown = lines[:explained] if explained else lines
    bold = [
        v
        for line in shown[-1:]
        for m in _BOLD.finditer(line)
        if (v := reader.alone(next(filter(None, m.groups())))) and v.value
    ]
    if bold and len({v.value for v in bold}) == 1:
        return _Found(bold[-1], False)
    return _last_stated([s for line in shown for s in sentences(line)], reader) or (
        _last_stated([s for line in lines for s in sentences(line)], reader) if explained < len(lines) else None
    )


_NUMBERED = re.compile(r"(\d{1,2})[.)][ \t]+(?=\S)")


def _without_numbering(lines: list[str]) -> list[str]:
    """Lines of a numbered list without their numbers: "7. Alice counts too" is an item if there is a 6 or an 8."""
    numbers = {int(m[1]) for line in lines if (m := _NUMBERED.match(line))}
    return [
        line[m.end() :]
        if (m := _NUMBERED.match(line)) and (int(m[1]) == 1 or numbers & {int(m[1]) - 1, int(m[1]) + 1})
        else line
        for line in lines
    ]


def _last_stated(said: list[str], reader: Reader) -> _Found | None:
    aside: _Found | None = None
    for sentence in reversed(said[-MOST_SENTENCES:]):
        value = reader.stated(affirmed(_THEREFORE.sub("", sentence, count=1)))
        if value is not None and (value.value is None or not value.aside):
            return _Found(value, False)
        if value is not None:
            aside = aside or _Found(value, False)
    return aside


_SENTENCE_END = re.compile(
    r"(?<=[.!?。！？])(?<!i\.e\.)(?<!e\.g\.)(?<!Mr\.)(?<!Dr\.)(?<!St\.)(?: +|$)(?=[^a-z\d+*/=%^ -]|$|\d+\S*[.!]?$)|(?<=[。！？])|\n+"
)


def sentences(text: str) -> list[str]:
    """Sentences and lines; a full stop inside a number or after an abbreviation ends none."""
    return [s for s in _SENTENCE_END.split(text) if s and s.strip()]
