"""How offers in Game of 24 are read: an expression with all the numbers, or the claim that there is no solution.

The value reader of game24 (see harness.reading). The steps of a worked solution, and tries that come to another number
than the target, are not offers. Parsing only, no verdict.
"""

from __future__ import annotations

import functools
import re
from typing import Literal, NamedTuple

from harness.reading.expressions import plain_notation
from harness.reading.values import Marked, Reader, Value


class Offer(NamedTuple):
    """`sides` are the parts of a chain of equations as written; one part without an `=`.

    `denied`: "≠" follows. `whole`: it has as many numbers as the puzzle.
    """

    kind: Literal["expression", "unsolvable", "unreadable"]
    sides: tuple[str, ...] = ()
    denied: bool = False
    whole: bool = True


@functools.lru_cache(maxsize=512)
def reader(count: int, target: int) -> Reader:
    """Reads the answer to a puzzle of `count` numbers. A value's note is its `Offer`."""
    return Reader(
        marked=lambda m: _marked(m, count),
        stated=lambda sentence, _: _stated(sentence, count, target),
        alone=lambda line: _alone(line, count, target),
        labels="expression|equation|verdict",
    )


def _value(offer: Offer, aside: bool = False) -> Value:
    return Value(" = ".join(offer.sides) if offer.sides else offer.kind, aside=aside, note=offer)


def _marked(stretch: Marked, count: int) -> Value | None:
    line = _noted(stretch.text)
    if _two_offers(line, count):
        return Value(None, "several answers")
    offer = _of_line(line, count)
    if offer is not None:
        return _value(offer)
    if _DECLINED.match(line) or _claims(line):
        return _value(Offer("unsolvable"))
    # A shorter expression on a line below the mark is a step of the solution.
    partial = _of_line(line, 1)
    if partial is not None:
        return _value(partial._replace(whole=False), aside=stretch.below)
    said = line.strip(" *_.:()=")
    if not stretch.sure or not re.search(r"[A-Za-z]", said) or len(said.split()) > 12:
        return None  # nothing, the target, or a sentence about the answer
    return Value(None, "not_an_expression", note=Offer("unreadable", (said[:200],)))


def _stated(sentence: str, count: int, target: int) -> Value | None:
    line = _noted(sentence)
    if _two_offers(line, count):
        return Value(None, "several answers")
    offer = _of_line(line, count)
    if offer is None:
        return _value(Offer("unsolvable")) if _claims(line) else None
    if offer.kind == "unsolvable":
        return _value(offer)
    return _value(offer, aside=offer.denied or bool(_TRIED.search(line)) or _misses(offer, target))


def _alone(line: str, count: int, target: int) -> Value | None:
    """The value of a line that is an expression and nothing else. One that comes to another number is a try; one with
    fewer numbers that comes to the target is the last step of a solution."""
    text = _noted(line)
    offer = _of_line(text, count)
    words = bool(re.search(r"[A-Za-z]{2,}", _ALLOWED_WORDS.sub("", text))) or bool(_FAILED.search(text))
    if offer is None and not words:
        step = _of_line(text, 1)
        ends = step is not None and len(step.sides) > 1 and step.sides[-1] == str(target)
        return _value(step._replace(whole=False), aside=True) if ends and step is not None else None
    if offer is None or offer.kind != "expression" or offer.denied or _misses(offer, target):
        return None
    return None if words else _value(offer)


def _misses(offer: Offer, target: int) -> bool:
    """Whether an equation ends in another number than the target."""
    last = offer.sides[-1] if len(offer.sides) > 1 else ""
    return last.isdecimal() and int(last[:9]) != target


def _two_offers(line: str, count: int) -> bool:
    """Whether a line offers two things with "or" between them."""
    if "or" not in line or not _EITHER.search(line):
        return False
    return all(_of_line(part, count) is not None or _claims(part) for part in _EITHER.split(line, 1))


def _noted(text: str) -> str:
    """A line in plain notation, without the bullet or number that it begins with."""
    text = plain_notation(text[:2_000])
    if "!" in text or "==" in text:
        text = text.replace("!=", "≠").replace("==", "=")
    return _BULLET.sub("", text, count=1)


_EITHER = re.compile(r"\bor\b", re.I)
_ALLOWED_WORDS = re.compile(
    r"sqrt|\b(?:correct|valid|works?|yes|answer|equals|is|and|so|thus|hence|therefore|we get|gives)\b", re.I
)
_FAILED = re.compile(r"[✗✘❌]|\b(?:no|not|fails?|wrong|too (?:big|small|high|low))\b|n't\b", re.I)
_TRIED = re.compile(
    r"\b(?:try|trying|tried|tries|attempts?|what if|instead of|why not|close|fails)\b|[✗✘❌]"
    r"|\b(?:is|was|gives|makes) not\b|n't\b",
    re.I,
)
_RUN = re.compile(r"(?:[-+*/^()=!% \t0-9]|\.(?=[0-9])|sqrt)+")
_REMARK = re.compile(r"(= *[0-9]+) +\(")
_OPERATOR = re.compile(r"[0-9)][ \t]*[-+*/^%(!]|sqrt")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_BULLET = re.compile(r"^[ \t]*(?:[-*+•>#]|\d{1,2}[.)])[ \t]+(?=[(0-9])")

_ADJECTIVE = r"(?:valid|possible|such|known|exact|correct|real|arithmetic|basic|single)"
_MAKE = (
    r"(?:ma[dk]e|obtain|reach|get|form|produce|create|yield|equal|achieve|attain|result in|find|found|give|done|solve)"
)
_UNSOLVABLE = re.compile(
    rf"\bno (?:{_ADJECTIVE} )*(?:solution|way|combination|expression|sequence|possibilit)"
    rf"|\bno (?:{_ADJECTIVE} )+(?:operation|step|answer)"
    r"|(?<!not )\bimpossible\b|(?:\bnot|n't) (?:to )?(?:be )?(?:possible|solvable|achievable|reachable)\b"
    r"|\bun(?:solvable|reachable|achievable|attainable)\b|\bnone of (?:the|these) (?:combination|expression|possib|way)"
    rf"|\b(?:cannot|can ?not|can't|could not|couldn't|unable to) (?:be )?(?:(?:used|combined|manipulated) to )?{_MAKE}"
    r"|\b(?:input|combination|numbers|set|puzzle|problem)\b[^.\n]{0,30}\b(?:do|does)(?: not|n't) "
    rf"(?:allow|have an?y? (?:\w+ )?(?:solution|combination)|work|{_MAKE})"
    r"|keine? l[öo]sung|unl[öo]sbar|unm[öo]glich|nicht m[öo]glich|pas de solution|aucune solution|sans solution"
    r"|sin soluci[óo]n|no (?:hay|existe|tiene) (?:ninguna )?soluci[óo]n|imposible|sem solu[çc][ãa]o"
    r"|não há solu[çc][ãa]o"
    r"|nessuna soluzione|non (?:c'è|esiste|ha) (?:una )?soluzione|无解|無解|没有解|沒有解|解なし|不可能|해가 없|불가능"
    r"|нет решени|невозможно",
    re.IGNORECASE,
)
_DECLINED = re.compile(
    r"[\W_]*(?:none(?: exists)?|n/a|nil|null|no|never|there is none|invalid(?: input)?|unsolvable)[\W_]*$",
    re.IGNORECASE,
)
_I = re.compile(r"\b(?:i|we)(?:'m| am| are| was| were)? (?:\w+ )?$", re.I)
_OTHERS = re.compile(
    r"\b(?:others?|another|alternative|else|further|simpler|(?:don't|do not|not) (?:agree|think|believe|say|claim))\b",
    re.IGNORECASE,
)


def _of_line(line: str, count: int) -> Offer | None:
    """The last offer in a line: an expression with at least `count` numbers, or the claim that there is no solution."""
    found, end = None, 0
    if " (" in line:
        line = _REMARK.sub(r"\1; (", line)  # a parenthesis behind a result is a remark, not a factor
    for run in _RUN.finditer(line):
        if _OPERATOR.search(run.group()) and len(run.group()) < 2_000:
            sides = _sides(run.group())
            if any(_OPERATOR.search(side) and len(_NUMBER.findall(side)) >= count for side in sides):
                found, end = Offer("expression", sides, denied=line[run.end() :].startswith("≠")), run.end()
    behind = line[end:]
    if behind.strip(" *_.") and count > 1 and _claims(behind) and (found is None or not _claims(line[:end])):
        return Offer("unsolvable")
    return found


def _claims(line: str) -> bool:
    """Whether a line says that there is no solution at all; "no other solution" does not say so."""
    claim = _UNSOLVABLE.search(line[:1_000])
    if claim is None:
        return False
    if _I.search(line[: claim.start()]):
        return False  # "I couldn't find a solution" gives up
    sentence = line[line.rfind(".", 0, claim.start()) + 1 : claim.end() + 60].partition(":")[0]
    return not _OTHERS.search(sentence)


def _sides(run: str) -> tuple[str, ...]:
    """The sides of a chain of equations, without markdown, and without a parenthesis that goes around the chain."""
    trimmed = run.strip(" \t*=%/!").lstrip(")").rstrip("+-^(=!%/* \t")
    sides = [side for part in trimmed.split("=") if (side := part.strip(" \t*"))]
    if not sides:
        return ()
    excess = sides[-1].count(")") - sides[-1].count("(")
    if excess > 0 and sides[-1].endswith(")" * excess):
        sides[-1] = sides[-1][:-excess].rstrip()
        if len(sides) > 1 and sides[0].count("(") > sides[0].count(")") and sides[0].startswith("("):
            sides[0] = sides[0][1:].lstrip()
    return tuple(sides)
