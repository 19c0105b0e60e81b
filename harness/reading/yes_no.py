"""Reading yes or no: the word that a phrase starts with, that it leads to, or that is the only one of the two in it.

Text in, "yes", "no" or a reason out; knows no task and no right answer.
"""

from __future__ import annotations

import re

from harness.reading import words
from harness.reading.values import Reader, Value

_WORDS_FOR = {"yes": "yes", "no": "no", "true": "yes", "false": "no", "correct": "yes", "incorrect": "no"}
_WORDS_FOR |= dict.fromkeys(("ja", "oui", "sí", "sim", "sì", "是", "是的", "对", "はい", "네", "예", "да"), "yes")
_WORDS_FOR |= dict.fromkeys(("nein", "non", "não", "不", "不是", "否", "いいえ", "아니요", "아니오", "нет"), "no")
_GOES_ON = "because|since|as|it|they|the|that|this|those|there|he|she|we|people|if|for|given|not|is|was|and|but|so|then"
_SAYS = re.compile(rf"(?<![A-Za-z])(?:yes(?![A-Za-z])|no(?![A-Za-z])(?![ *_`]{{1,4}}(?!(?:{_GOES_ON})\b)[a-z]))", re.I)
"""Not the "no" of "there is no lamp": what follows it does not begin a sentence or a reason."""
_FIRST = re.compile(rf"\W*({'|'.join(sorted(_WORDS_FOR, key=len, reverse=True))})(?=$|[\s.,;:!。，、—–-])", re.I)
_LEADS = re.compile(rf"\b(?:answer|{words.ARRIVES}|is|be)\b\W*(?:a )?$", re.I)
_BOTH = re.compile(r"\byes (?:and|or) no\b|\bno (?:and|or) yes\b", re.I)
_ALONE_YES_NO = re.compile(rf"\W*(?:the answer is |it is )?({'|'.join(_WORDS_FOR)})\W*", re.I)


def _yes_or_no(text: str) -> Value | None:
    """The yes or no that a phrase starts with, that it leads to, or that is the only one in it."""
    if _BOTH.search(text):
        return Value(None, "both yes and no")
    first = _FIRST.match(text)
    if first and not re.match(
        r"\W*no (?:way|one|idea|doubt|document|evidence|information|such|answer|mention)\b", text, re.I
    ):
        return Value(_WORDS_FOR[first[1].lower()])
    found = list(_SAYS.finditer(text))
    led = [m for m in found if _LEADS.search(text[: m.start()])] or found
    if len({m[0].lower() for m in led}) > 1:
        return Value(None, "both yes and no")
    return Value(led[-1][0].lower()) if led else None


def _alone_yes_no(line: str) -> Value | None:
    m = _ALONE_YES_NO.fullmatch(line)
    return Value(_WORDS_FOR[m[1].lower()]) if m else None


READER = Reader(
    marked=lambda m: _alone_yes_no(m.text) or _yes_or_no(m.text),
    stated=lambda sentence, _: _yes_or_no(sentence),
    alone=_alone_yes_no,
)
"""Its values are `yes` and `no`."""
