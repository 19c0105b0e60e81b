"""Reads the one yes or no that a response commits to. Text in, value or reason out; knows no question."""

from __future__ import annotations

import re

from harness.reading.values import Marked, Reader, Value, affirmed, sentences

CLOSE_LOOK = 400
"""Characters of a line or sentence that are looked at."""

_WORDS = {"yes": "yes", "true": "yes", "no": "no", "false": "no"}
_SAID = "|".join(_WORDS)
_END = r"(?![A-Za-z0-9_])"
"""Not \\b: in Japanese no blank follows a word."""
_LEAD = re.compile(
    rf"[^\w\n]*(?P<said>{_SAID}){_END}(?=[^\x00-\x7f]|\W*$|[ *_`]*[,.;:!()\-–—\"'|]|[*_`\"']|"
    r" (?:because|since|as|it|they|the|that|this|those|there|he|she|we|people|if|for|given|not)\b)",
    re.I,
)
"""How a text begins that begins with the answer; not "no effect", "no lamp"."""
_ENDS = re.compile(
    rf"(?:\b(?:is|be|say|says|answer|with|to|it's)|[:=→])[^\w\n]*(?P<said>{_SAID})\b(?=\W*$|[,.;:!(*_`\"'])", re.I
)
"""How a sentence states the answer: "so the answer is no"."""
_SEVERAL = re.compile(
    rf"\b(?:{_SAID})\b[^\w\n]*(?:(?:/|\||or|and|oder|ou|o)[^\w\n]*(?:perhaps |maybe )?)\b(?:{_SAID})\b", re.I
)
_FURNITURE = re.compile(r"\\(?:text\w{0,4}|mathrm|boxed)\b|[*_`\"'{}$\[\]()<>#.!|\\✅❌✔✘👉•\-–—:,;]+")
_QUESTION = re.compile(r"\?\W*$")


def _of(word: str) -> Value:
    return Value(_WORDS[word.lower()])


def _marked(stretch: Marked) -> Value | None:
    text = stretch.text[:CLOSE_LOOK]
    if _SEVERAL.match(text.lstrip(" *_`\"'([{$")):
        return Value(None, "several answers: yes or no")
    if (lead := _LEAD.match(text)) is not None:
        return _of(lead["said"])
    return _alone(text) or _stated(next(iter(sentences(text)), ""), True)


def _stated(sentence: str, concludes: bool) -> Value | None:
    text = sentence[:CLOSE_LOOK]
    if _QUESTION.search(text):
        return None
    if _SEVERAL.search(text):
        return Value(None, "several answers: yes or no")
    if (lead := _LEAD.match(text)) is not None:
        return _of(lead["said"])
    found = list(_ENDS.finditer(text))
    return _of(found[-1]["said"]) if found else None


def _alone(line: str) -> Value | None:
    if len(line) > 60:
        return None
    said = " ".join(_FURNITURE.sub(" ", affirmed(line)).split()).lower()
    return Value(_WORDS[said]) if said in _WORDS else None


READER = Reader(marked=_marked, stated=_stated, alone=_alone)
