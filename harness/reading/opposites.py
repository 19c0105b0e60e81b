"""Reading one of two opposite words, such as legal and illegal: what is denied is its opposite.

Text in, value or reason out; knows no task and no right answer.
"""

from __future__ import annotations

import functools
import re
from typing import NamedTuple

from harness.reading import words
from harness.reading.values import Reader, Value

CLOSE_LOOK = 600
"""Characters of a line or sentence that are looked at."""


@functools.lru_cache(maxsize=64)
def reader(yes: str, no: str, labels: str = "") -> Reader:
    """A reader of `yes` and `no`, which are legal and illegal, or allowed and forbidden, and of words that mean the
    same.

    If a part is forbidden, the whole is; that a part is allowed says nothing of the whole. What holds in the usual
    game, or would hold, is an aside.
    """
    values = {True: yes, False: no}

    def value(said: bool | None, reason: str = "", aside: bool = False) -> Value:
        return Value(None if said is None else values[said], reason, aside)

    def alone(line: str) -> Value | None:
        m = _ALONE.fullmatch(line[:CLOSE_LOOK])
        return value((m["yes"] is not None) != (m["not"] is not None)) if m else None

    def stated(text: str) -> Value | None:
        said = [c for c in _claims(text[-CLOSE_LOOK:]) if c is not None]
        direct = [c.says for c in said if not c.aside]
        if len(set(direct)) == 1:
            return value(direct[0])
        if direct:
            return value(None, f"both {yes} and {no}")
        return value(said[-1].says, aside=True) if said else None

    def marked(text: str) -> Value | None:
        if _SEVERAL.search(text):
            return value(None, f"both {yes} and {no}")
        first = _FIRST.match(text)
        if first:
            return value((first["yes"] is not None) != (first["not"] is not None))
        return stated(text)

    return Reader(
        marked=lambda m: alone(m.text) or marked(m.text[:CLOSE_LOOK]),
        stated=lambda sentence, _: None if _ASKS.search(sentence[-CLOSE_LOOK:]) else stated(sentence),
        alone=alone,
        labels=labels,
    )


_YES = r"legal|allowed|permitted|permissible|admissible|valid"
_NO = r"illegal|forbidden|prohibited|impermissible|inadmissible|invalid|disallowed"
_WORD = rf"(?<![A-Za-z])(?:(?P<no>{_NO})|(?P<yes>{_YES}))(?![A-Za-z])"
"""Not with \\b: in Japanese no blank stands beside a word."""
_ALONE = re.compile(
    rf"\W*(?:(?:so|thus|hence|therefore),? )?(?:(?:the|this|that|its) (?:\w+ )?(?:is|are|was) |it(?:'s| is| was) )?"
    rf"(?P<not>not )?{_WORD}\W*",
    re.I,
)
_FIRST = re.compile(
    rf"\W*(?P<not>not )?{_WORD}(?=\W*(?:$|[.,;:!?(\[–—-]| because\b| since\b| as\b| in (?:this|that) |[*_`\"')\]]))",
    re.I,
)
"""How a text begins that begins with the answer."""
_SEVERAL = re.compile(rf"(?:{_YES}|{_NO})\b[^\w\n.]{{0,6}}(?:\b(?:{words.OR}|and)\b|[/|,])[^\w\n.]{{0,6}}"
                      rf"(?:maybe |perhaps |not )?(?P<two>{_YES}|{_NO})\W*$", re.I)  # fmt: skip
_ASKS = re.compile(r"\?\W*$|\bwhether\b[^.]*$", re.I)
_CLAIM = re.compile(rf"{_WORD}|(?P<cannot>\b(?:not|n't|cannot|im)[ -]?possible\b(?! to))", re.I)
_INTRODUCES = re.compile(
    r"((?:^|[.;:,!?] |\bbut |\band )(?:in|by|under|with|according to|following)\b[^,.;:]{0,50}),", re.I
)
_BREAKS = re.compile(
    r"[,;:()–—]|[.!?](?= |$)|\b(?:so|thus|hence|therefore|because|since|but|and|which|while|whereas|although|though|"
    r"when|making|makes?|means|however|as)\b",
    re.I,
)
_DENIES = re.compile(
    r"\b(?:no(?! (?:doubt|question|wonder))|not(?! only)|never|none|nothing|nobody|neither|nor|without|hardly|cannot|"
    r"fails? to|far from)\b|n't\b",
    re.I,
)
_ELSEWHERE = re.compile(
    r"\b(?:normal|normally|usual|usually|standard|ordinary|ordinarily|regular|orthodox|classical|conventional|real|"
    r"original|traditional|otherwise|would|if|were)\b",
    re.I,
)
_SEEMS = re.compile(rf"\b(?:seem|seems|seemed|looks?|looked|appears?|might|may|could)\b|{words.REJECTED}", re.I)
_PART = re.compile(
    r"\b(?:first|second|third|fourth|fifth|sixth|last|other|others|rest|remaining|some|most|white|black|individual|"
    r"half|until|till|too|also|white's|black's|(?:the|these|those|\w+ of the) others?)\b|\d\.|\b[a-h][1-8]\b",
    re.I,
)
"""A claim about a part: one move, or all but one."""
_EXCEPT = re.compile(r"[^.;:\n]{0,12}\b(?:except|apart from|but for|save for|other than|until|up to)\b", re.I)


class _Claim(NamedTuple):
    says: bool
    aside: bool


def _claims(text: str) -> list[_Claim | None]:
    """What a text says, word by word; None for what says nothing of the whole."""
    text = _INTRODUCES.sub(r"\1 ", text)
    found: list[_Claim | None] = []
    breaks = [m.end() for m in _BREAKS.finditer(text)]
    for m in _CLAIM.finditer(text):
        start = max((end for end in breaks if end <= m.start()), default=0)
        before = text[max(start, m.start() - 90) : m.start()]
        says = m["yes"] is not None
        if len(_DENIES.findall(before)) % 2:
            says = not says
        if says and _EXCEPT.match(text, m.end()):
            says = False
        seems = _SEEMS.search(before) or _ASKS.search(before)
        found.append(
            None if seems or (says and _PART.search(before)) else _Claim(says, bool(_ELSEWHERE.search(before)))
        )
    return found
