"""What a response commits to: the last answer that it marks, boxes or states, and did not take back.

Second thoughts ("Wait,", "Correction:", "that is wrong") part the text into stretches. In each stretch the best
statement of an answer counts: a marked one (marks.py), else any other (unmarked.py). A later stretch replaces the
answer of an earlier one, confirms it, or takes it back. Two values of equal standing give no answer.

The task decides what a value is: it brings a `Reader` (values.py).
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Container
from typing import Any

from harness.reading import echoes, envelope, words
from harness.reading.marks import REJECTED, last_marked, lines_from
from harness.reading.outcome import Reading, is_refusal
from harness.reading.quick import Phrases
from harness.reading.unmarked import last_unmarked, opening
from harness.reading.values import CLOSE_LOOK, Found, Marked, Reader, Value, sentences

LONGEST = 50_000
"""Characters of a response that are read: the last ones, or the last ones before it goes on with another question."""
MOST_SECOND_THOUGHTS = 60
"""Second thoughts of a text that are looked at: the last ones."""
SHORT = 200
"""Characters of the longest response that may be nothing but an answer."""


def as_asked(text: str, known: Container[str]) -> Reading | None:
    """The known answer that a response gives in the form asked for and adds nothing to: "Answer: yes", {"answer":
    "yes"}. None for any other response. `read` finds the same, and takes ten times as long."""
    m = _NAMED.fullmatch(text) if len(text) < 100 else None
    said = "" if m is None else m["name"] or m["value"]
    return Reading(said, final=True) if said and said in known else None


def read(text: str, reader: Reader, prompt: re.Pattern[str] | None = None) -> tuple[Reading, Any]:
    """(reading, note): what a response commits to, and the task's note on the value.

    If a response goes on with another question, its first part that gives an answer counts. `prompt` matches the
    beginning of the task's own prompt.
    """
    if len(text) < SHORT and (short := _short_answer(text, reader)) is not None:
        return short
    clean = envelope.clean(text)
    told = echoes.instructions(clean)
    if not told:
        return _read(clean, reader, prompt)
    before, behind = echoes.behind_prompt(clean, told, prompt)
    if behind and (answer := _answered(before, reader)) is not None:
        return Reading(answer.value.value, final=True), answer.value.note  # what follows is another question
    if not behind:
        return _read(echoes.without(clean, told), reader, prompt)
    for part in behind:
        own = echoes.without(part, echoes.instructions(part))
        found, note = _read(own, reader, prompt)
        if found.final:
            break
    return found, note


def _read(clean: str, reader: Reader, prompt: re.Pattern[str] | None) -> tuple[Reading, Any]:
    """`read`, for a text that is clean and repeats no instructions."""
    declines = is_refusal(clean) and not _answers_at_last(clean, reader)
    found: Found | None = None
    for part, all_there_is in envelope.cuts(clean, prompt):
        found = commit(envelope.open_notations(part[-LONGEST:]), reader)
        if declines and found is not None and not found.marked:
            found = None  # "I'm sorry, but I can't help with that" names nothing
        if found is None or found.value.value is None:
            continue
        if found.marked or all_there_is or len(part.strip()) < SHORT:
            final = (found.marked and found.whole) or not all_there_is
            return Reading(found.value.value, final=final), found.value.note
    if found is not None and found.value.value is None:
        return Reading(None, found.value.reason), found.value.note
    declined = len(clean) < CLOSE_LOOK and bool(_UNKNOWN.search(clean))
    return Reading(None, "no answer was found" if clean.strip() else "the response is empty", declined=declined), None


def _answered(before: str, reader: Reader) -> Found | None:
    """The answer before a prompt that is repeated, if there is one: it is marked, or the first paragraph is one line
    that states it. The facts of the prompt are a list."""
    if not before.strip():
        return None
    found = commit(envelope.open_notations(before[-LONGEST:]), reader)
    if found is not None and found.marked and found.decided:
        return found
    first = before.strip().split("\n\n")[0]
    found = commit(envelope.open_notations(first), reader) if len(first) < SHORT and "\n" not in first else None
    return found if found is not None and found.decided else None


def _answers_at_last(text: str, reader: Reader) -> bool:
    """Whether a response that begins like a refusal ends in an answer all the same."""
    last = sentences(text)[-1:]
    return len(text) > SHORT and bool(last) and (reader.stated(last[0], False) or reader.alone(last[0])) is not None


_UNKNOWN = re.compile(words.UNKNOWN, re.I)
_NAMED = re.compile(
    r"\s*(?:(?:#{1,4} ?)?[Aa]nswer: ?(?P<name>[\w '-]{1,80})\.?|\{\"answer\": ?\"(?P<value>[\w '-]{1,80})\"\})\s*"
)
_FIGURE = re.compile(r"(?:#{1,4} ?)?Answer: ?([^A-Za-z\n<>\[\]{}\\`\"&|?~]{1,180})")
_PLAIN = re.compile(r"[\w .,'=+*/()-]+", re.ASCII)


def _short_answer(text: str, reader: Reader) -> tuple[Reading, Any] | None:
    """The result of `read` for a response that is nothing but its answer, else None. This short cut is ten times as
    fast."""
    asked = _FIGURE.fullmatch(text)
    if asked:
        value, final = reader.marked(Marked(asked[1], "Answer: ")), True
    elif _PLAIN.fullmatch(text):
        value, final = reader.alone(text), False
    else:
        return None
    if value is None or value.value is None or value.aside:
        return None
    return Reading(value.value, final=final), value.note


# Second thoughts ---------------------------------------------------------------------------------------------------

_SECOND_THOUGHT = Phrases(
    correction=words.CORRECTION,
    taken_back=words.TAKEN_BACK,
    open=words.LEFT_OPEN,
    check=words.CHECK,
    doubt=words.DOUBT,
)
_DENIAL = re.compile(r"(?:\A|[:=\n]|\bis\b|\bso\b)[\s*_\"'(]{0,5}(?:no|false)[*_\"')]{0,3} ?[,;—–-]+ ?\Z", re.I)
_CONFIRMED = re.compile(words.CONFIRMED, re.I)
_UNCONFIRMED = re.compile(words.UNCONFIRMED, re.I)


def commit(text: str, reader: Reader) -> Found | None:
    """The last answer that a text commits to: a value, or the reason why there is no value. None if it has no
    answer."""
    held: Found | None = None
    kind, position = "", 0
    for m in deque(_SECOND_THOUGHT.finditer(text), MOST_SECOND_THOUGHTS):
        stretch = text[position : m.start()]
        if m.lastgroup == "check" and kind and not re.search(r"\w", stretch):
            position = m.end()  # "Wait, let me check": still a doubt
            continue
        if position == 0 and not re.search(r"\w", stretch):
            continue  # "No, it was not": nothing stands before it
        if m.lastgroup == "taken_back" and kind != "doubt" and _DENIAL.search(stretch[-40:]):
            continue  # "Answer: no, it is not true" says the same twice
        if m.lastgroup == "taken_back" and not _about_the_answer(stretch[-CLOSE_LOOK:], held, reader):
            continue  # "6 is wrong because ..." behind the answer 7: the stretch goes on
        held = _after(kind, held, stretch, reader)
        # "No" may be the answer.
        kind, position = m.lastgroup or "", m.start() if m.group()[:2].lower() == "no" else m.end()
    return _after(kind, held, text[position:], reader)


def _after(kind: str, held: Found | None, stretch: str, reader: Reader) -> Found | None:
    """The answer after a stretch: `held` is the answer before it, and `kind` the kind of second thought with which the
    stretch begins ("" for the first stretch)."""
    now = _best(stretch, reader, kind in ("correction", "taken_back", "doubt"))
    if not kind:
        return now
    if kind == "open" and not (now is not None and now.marked) and not (held is not None and held.best):
        return Found(Value(None, "the answer is left open"), marked=True)
    if now is not None and now.decided:
        # A check of an answer ends in a value too.
        settled = held is not None and held.value.value is not None and (held.marked or kind == "check")
        if settled and not now.marked and (kind == "check" or (kind == "doubt" and _confirms(stretch))):
            return held
        return now._replace(marked=now.marked or (held is not None and held.marked))
    if held is None or (now is not None and now.best and now.value.value is None and not now.value.aside):
        return now  # "### Answer: it can't be determined" is a last word too
    if kind == "taken_back" and not _confirms(stretch):
        return Found(Value(None, "the answer was taken back and no other was given"), marked=True)
    return held if kind != "doubt" or _confirms(stretch) else held._replace(whole=False)


def _best(stretch: str, reader: Reader, corrects: bool = False) -> Found | None:
    """The best statement of an answer in a stretch. `corrects`: its first words may be nothing but the answer."""
    marked, aside = last_marked(stretch, reader)
    if marked is not None and marked.best:
        return marked
    listed = _alternatives(stretch, reader)
    if listed is not None or marked is not None:
        return listed or marked
    first = opening(stretch, reader) if corrects else None
    if first is not None:
        return first
    plain = last_unmarked(stretch, reader)
    return plain if plain is not None and plain.decided else aside or plain


_ALTERNATIVE = re.compile(
    rf"^[^\w\n]{{0,8}}{words.ALTERNATIVE} ?(?:[A-H1-9]|I{{1,3}})\b[*_]{{0,3}} ?[:.)–—-]", re.I | re.M
)


def _alternatives(stretch: str, reader: Reader) -> Found | None:
    """The reason why the alternatives with which a text ends ("Option A: 7, Option B: 6") are no answer; None if it
    does not end so."""
    listed = _ALTERNATIVE.split(stretch[-4 * CLOSE_LOOK :])[1:]
    if len(listed) < 2 or len([line for line in listed[-1].split("\n") if line.strip()]) > 1:
        return None
    first_lines = [next(lines_from(text, 0), ("", False))[0] for text in listed]
    values = {value.value for line in first_lines if (value := reader.marked(Marked(line))) is not None}
    return Found(Value(None, "several answers and no decision"), marked=True) if len(values) > 1 else None


def _about_the_answer(stretch: str, held: Found | None, reader: Reader) -> bool:
    """Whether the answer so far is taken back, and not another value ("some say 7, but that is wrong")."""
    said = re.split(r"[.!?] |\n", stretch)[-1]
    if REJECTED.search(said) or any(sign in said for sign in "❌✗✘"):
        return False
    earlier = held or _best(stretch, reader)
    if earlier is None or earlier.value.value is None:
        return True
    subject = _subject(stretch, reader)
    return subject is None or subject.value is None or subject.value == earlier.value.value


def _subject(stretch: str, reader: Reader) -> Value | None:
    """The value that a sentence is about that goes on with "is wrong"; if it is as short as "It fails", the value of
    the sentence before it."""
    for said in reversed(re.split(r"(?<=[.!?:]) |\n", stretch[-300:])[-2:]):
        value = reader.alone(said) or reader.stated(said, False)
        if value is not None:
            return value
        if len(said.split()) > 2:
            return None
    return None


def _confirms(stretch: str) -> bool:
    last = stretch.strip()[-300:]
    return bool(_CONFIRMED.search(last)) and not _UNCONFIRMED.search(last)
