r"""Our reading of answers: the numeral that a response commits to, with the base it is said to be in.

Text in, numeral or reason out; no comparison. Text is hostile: patterns are linear and only bounded stretches are
looked at closely.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from harness.tasks.arithmetic.numerals import DIGITS, LONGEST
from harness.verifiers.answers import without_thinking

CLOSE_LOOK = 400
"""Characters of a box, an answer line or the end of a text that are looked at."""

BOXES = 20
"""Boxes at the end of a response that are looked at."""


@dataclass(frozen=True, slots=True)
class Reading:
    """`numeral` in capitals without leading zeros, or None with the reason. `base` is the one it is labelled with, if
    any; `marked` if it was boxed, said to be the answer, or all there is."""

    numeral: str | None
    reason: str = ""
    base: int | None = None
    marked: bool = False


def read(response: str, base: int) -> Reading:
    """In this order: the last box with a numeral in it, the last "answer:", "answer is" or "answer =", a response that
    is a numeral or an equation, the last statement of the last line.

    A numeral that is labelled with another base gives way to one that is not (`\\boxed{101}_9 = \\boxed{82}_{10}`).
    """
    text = without_thinking(response).rstrip()
    if not text.strip():
        return Reading(None, "the response is empty")
    spots = [m.end() for m in _BOX.finditer(text)][-BOXES:] if "\\" in text else []
    boxed = [r for spot in spots if (r := _numeral(_braced(text, spot), base)) is not None]
    if boxed:
        return _preferred(boxed, base, marked=True)
    said = [r for m in _answers(text) for r in _said(_line(text, m.end()), base)]
    if said:
        return _preferred(said, base, marked=True)
    if len(text) <= CLOSE_LOOK and (whole := _numeral(text, base, alone=True)) is not None:
        return _preferred([whole], base, marked=True)
    line = text[text.rfind("\n") + 1 :][-CLOSE_LOOK:]
    last = _numeral(_ITEM.sub("", _LISTED.split(line)[-1]), base, alone=True)
    stated = [last] if last is not None else _stated(line, base)
    if stated:
        return _preferred(stated, base, marked=False)
    return Reading(None, "no numeral is boxed, called the answer, or stated at the end")


_BOX = re.compile(r"\\f?boxed ?\{")
_ANSWER = re.compile(
    r"\b(?:answer|result|sum|difference|product|next (?:number|numeral))\b"
    r"[^\n.:=]{0,60}?(?::|=|\b(?:is|would be|will be|equals)\b:?)",
    re.I,
)
_NOTE = re.compile(r"\b(?:not|wrong|decimal|base-?10)\b", re.I)
_STATED = re.compile(
    r"(?:=|\b(?:is|be|equals|equal to|get|gives|have|as|comes)\b):? *[*$\"'`(]{0,4}"
    r"([0-9A-Z\\][0-9A-Za-z_{}^\\]{0,60}(?: ?\(?(?:in )?(?:base[- ]?\w{1,7}|decimal)\)?)?)"
)
_LISTED = re.compile(r", |\.\.\.|…|→|->")
_ITEM = re.compile(r"^\s*\d{1,3}[.)] ")


def _answers(text: str) -> list[re.Match[str]]:
    """The last few places that say what the answer is; a remark about the decimal value is none."""
    return [m for m in list(_ANSWER.finditer(text))[-5:] if not _NOTE.search(m.group())]


def _preferred(found: list[Reading], base: int, marked: bool) -> Reading:
    """The last numeral that is not said to be in another base; else the last."""
    fitting = [r for r in found if r.base in (None, base)]
    last = (fitting or found)[-1]
    return Reading(last.numeral, last.reason, last.base, marked)


def _said(line: str, base: int) -> list[Reading]:
    """What an answer line says: its numeral, and if that is in another base what it states further on."""
    first = _numeral(line, base)
    if first is None:
        return []
    return [first] if first.base in (None, base) else [*_stated(line, base), first]


def _stated(line: str, base: int) -> list[Reading]:
    return [r for m in _STATED.finditer(line) if (r := _numeral(m.group(1), base)) is not None]


def _braced(text: str, start: int) -> str:
    """What stands in the brace before `start`, with the label behind it, such as `}_9`."""
    depth = 1
    end = min(len(text), start + CLOSE_LOOK)
    for i in range(start, end):
        depth += {"{": 1, "}": -1}.get(text[i], 0)
        if depth == 0:
            label = _LABEL_BEHIND.match(text, i + 1)
            return text[start:i] + (label.group() if label else "")
    return text[start:end]


def _line(text: str, start: int) -> str:
    """What follows "answer:", up to the end of the line or, if that is bare, of the next line that is not."""
    position = start
    while position < len(text):
        stop = text.find("\n", position)
        stop = len(text) if stop < 0 else stop
        line = text[position : min(stop, position + CLOSE_LOOK)]
        if line.strip(" \t*_#`:>$-"):
            return line
        position = stop + 1
    return ""


_BASES = {"eight": 8, "octal": 8, "nine": 9, "ten": 10, "decimal": 10, "eleven": 11, "sixteen": 16, "hexadecimal": 16}
_LABEL_BEHIND = re.compile(r"\$? ?(?:_ ?\{?\(?\w{1,7}\)?\}?|\(?(?:in )?(?:base[- ]?\w{1,7}|decimal|octal)\)?)")
_WRAPPED = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mathtt|texttt) ?\{([^{}]{0,100})\}")
_FURNITURE = re.compile(r"\\[,;:! ()\[\]]|[$*`\"'\u202f\u00a0]|,(?=\w)")
_ONE = re.compile(
    r"[\s:(]*(-?)(?:0x)?\(?([0-9A-Za-z]+(?: [0-9A-Z](?![0-9A-Za-z]))*)\)?"  # digits may stand apart: 1 0 1
    r"(?: ?_ ?\{?\(?(?P<sub>\w{1,7}?)\)?\}?| ?\(?(?:in )?base[- ]?(?P<base>\w{1,7})\)?| ?\((?P<round>\d{1,2})\)"
    r"| ?\(?(?:in )?(?P<word>decimal|octal|hexadecimal)\)?)?(?![0-9A-Za-z_])"
)


def _numeral(content: str, base: int, alone: bool = False) -> Reading | None:
    """The numeral of a stretch such as `101`, `76+14=101`, `101_{9}`, `1 0 1`, `82 (base 10) = 101 (base 9)`; with
    `alone`, only where nothing stands behind it."""
    text = _FURNITURE.sub("", _WRAPPED.sub(r"\1", content))
    found = [r for part in text.split("=") if (r := _one(part, base, alone)) is not None]
    return _preferred(found, base, marked=False) if found else None


def _one(text: str, base: int, alone: bool) -> Reading | None:
    m = _ONE.match(text)
    if m is None:
        return None
    after = text[m.end() :].strip(" \n.)!:")
    if after[:1] in tuple("+-*×") or (after and alone):
        return None  # the terms of a sum, not its result
    digits = m[2].replace(" ", "").upper()
    # Digits of another base make a wrong numeral, letters alone a word: "result" is the prompt's form quoted back.
    legal = DIGITS[: base if digits.isalpha() else max(base, 16)]
    if len(digits) > LONGEST or not set(digits) <= set(legal):
        return None
    if digits.isalpha() and (after[:1].isalpha() if m[2].isupper() else after or base > 16):
        return None
    label = m["sub"] or m["base"] or m["round"] or m["word"]
    labelled = None if label is None else _BASES.get(label.lower(), int(label) if label.isdecimal() else None)
    return Reading(m[1] + (digits.lstrip("0") or "0"), base=labelled)
