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
_FIRST = re.compile(
    rf"\W*(?P<said>{'|'.join(sorted(_WORDS_FOR, key=len, reverse=True))})(?:(?=$|[.,;:!。，、—–-]|[^\S ])"
    rf"|[*_`\"')\]]{{1,4}}(?=$|[\s.,;:!—–-])|(?<!no)(?= )|(?<=no)(?= +(?:[^a-z ]|(?-i:[A-Z])|(?:{_GOES_ON})\b)))",
    re.I,
)
"""How a text begins that begins with the answer; not "no effect", "no lamp"."""
_LEADS = re.compile(rf"\b(?:answer|{words.ARRIVES}|is|be)\b\W*(?:a )?$", re.I)
_DENIED = re.compile(r"(?:\bnot|n't|\bnever|\bcannot)(?: be)?(?: an?)?[ *_`\"']{1,6}$", re.I)
_SEVERAL = re.compile(
    r"\b(?P<one>yes|no)\b(?:[^\w\n.]{0,6}\b(?:or|and|oder|ou|o)\b|[^\w\n.]{0,4}[,/|])[^\w\n.]{0,6}"
    r"(?:perhaps |maybe |answer: ?)?\b(?!(?P=one)\b)(?:yes|no)\b(?=\W*$|[*_`\"')\]/|.,;!?])",
    re.I,
)
_QUESTION = re.compile(r"\?\W*$")
_BOTH = re.compile(r"\bno (?:and|or) yes\b|\byes or no\b", re.I)
_IT = r"(?:it|this|that|(?:the|this|that) (?:statement|claim|sentence))(?:'s| is)"
_ALONE_YES_NO = re.compile(
    rf"\W*(?:(?:the answer is |it is )?({'|'.join(_WORDS_FOR)})|(?:(?:so|therefore|thus),? )?{_IT} (true|false))\W*",
    re.I,
)


def _yes_or_no(text: str) -> Value | None:
    """The yes or no that a phrase starts with, that it leads to, or that is the only one in it."""
    if _BOTH.search(text) or _SEVERAL.search(text):
        return Value(None, "both yes and no")
    first = _FIRST.match(text)
    if first and not re.match(
        r"\W*no (?:way|one|idea|doubt|document|evidence|information|such|answer|mention)\b", text, re.I
    ):
        return Value(_WORDS_FOR[first["said"].lower()])
    found = [m for m in _SAYS.finditer(text) if not _DENIED.search(text[max(0, m.start() - 24) : m.start()])]
    led = [m for m in found if _LEADS.search(text[max(0, m.start() - 60) : m.start()])] or found
    if len({m[0].lower() for m in led}) > 1:
        return Value(None, "both yes and no")
    return Value(led[-1][0].lower()) if led else None


def _stated(sentence: str) -> Value | None:
    """What a sentence says; a question says nothing, unless it begins with the answer ("Yes, do you agree?")."""
    if _QUESTION.search(sentence[-20:]) and not _FIRST.match(sentence):
        return None
    return _yes_or_no(sentence)


def _alone_yes_no(line: str) -> Value | None:
    m = _ALONE_YES_NO.fullmatch(line)
    return Value(_WORDS_FOR[(m[1] or m[2]).lower()]) if m else None


READER = Reader(
    marked=lambda m: _alone_yes_no(m.text) or _yes_or_no(m.text),
    stated=lambda sentence, _: _stated(sentence),
    alone=_alone_yes_no,
)
"""Its values are `yes` and `no`."""
