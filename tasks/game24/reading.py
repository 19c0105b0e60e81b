"""Which answer a response gives: the last expression it offers, or that there is none. Parsing only, no verdict.

In this order: what stands behind the last "answer:" (or in a box), unless it is taken back; else the last expression
with enough numbers, or the last statement that it can't be done, whichever comes later. The steps of a worked
solution are no offers. Takes linear time; only the end of a long text is looked at.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from harness.verifiers import answers
from harness.verifiers.expressions import plain_notation

LONGEST = 20_000
"""Characters at the end of a response that are read."""
MOST_MARKERS = 10
"""Where the last ten times that "answer" is said nothing comes of it, nothing will."""


class Offer(NamedTuple):
    """`sides` are the parts of a chain of equations (one part where nothing is said to be equal), as written.

    `last_line`: nothing comes after it, so that it may be incomplete where the response was cut.
    `denied`: it is said not to be equal to what follows.
    """

    kind: Literal["expression", "unsolvable", "unreadable", "nothing"]
    sides: tuple[str, ...] = ()
    marked: bool = False
    last_line: bool = False
    denied: bool = False


_MARKER = re.compile(
    r"\banswer\b(?: to [a-z' ]{1,60}| here)?[*_\"'”)]{0,4} ?(?::|=(?!=)|\bis\b:?|\bwould be\b)", re.IGNORECASE
)
_RUN = re.compile(r"(?:[-+*/^()=!% \t0-9]|\.(?=[0-9])|sqrt)+")
_REMARK = re.compile(r"(= *[0-9]+) +\(")
_OPERATOR = re.compile(r"[0-9)][ \t]*[-+*/^%(!]|sqrt")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_BULLET = re.compile(r"^[ \t]*(?:[-*+•>#]|\d{1,2}[.)])[ \t]+(?=[(0-9])")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*\w*[ \t]*$", re.MULTILINE)

_ADJECTIVE = r"(?:valid|possible|such|known|exact|correct|real|arithmetic|basic|single)"
_MAKE = (
    r"(?:ma[dk]e|obtain|reach|get|form|produce|create|yield|equal|achieve|attain|result in|find|found|give|done|solve)"
)
_UNSOLVABLE = re.compile(
    rf"\bno (?:{_ADJECTIVE} )*(?:solution|way|combination|expression|sequence|possibilit)"
    rf"|\bno (?:{_ADJECTIVE} )+(?:operation|step|answer)"
    r"|(?<!not )\bimpossible\b|(?:\bnot|n't) (?:be )?(?:possible|solvable|achievable|reachable)\b"
    r"|\bun(?:solvable|reachable|achievable|attainable)\b|\bnone of (?:the|these) (?:combination|expression|possib|way)"
    rf"|\b(?:cannot|can ?not|can't|could not|couldn't|unable to) (?:be )?(?:(?:used|combined|manipulated) to )?{_MAKE}"
    r"|\b(?:input|combination|numbers|set|puzzle|problem)\b[^.\n]{0,30}\b(?:do|does)(?: not|n't) "
    rf"(?:allow|have an?y? (?:\w+ )?(?:solution|combination)|work|{_MAKE})",
    re.IGNORECASE,
)
_DECLINED = re.compile(r"[\W_]*(?:none|n/a|nil|null|no|never|invalid(?: input)?|unsolvable)[\W_]*$", re.IGNORECASE)
_OTHERS = re.compile(r"\b(?:others?|another|alternative|else|further|simpler)\b", re.IGNORECASE)
_TAKEN_BACK = re.compile(
    r"\b(?:wait|hold on|hmm|oops|actually)\b(?= *[,.!:…-])|\b(?:correction|edit):|\b(?:scratch that|"
    r"let me (?:re|try)\w*|that(?:'s| is| was) (?:wrong|incorrect|not right)|"
    r"i made an? (?:mistake|error)|i was wrong|on second thought)\b",
    re.IGNORECASE,
)


def read(response: str, count: int) -> Offer:
    """The answer of a response to a puzzle of `count` numbers."""
    text = (answers.without_thinking(response) if "<" in response else response)[-LONGEST:]
    if "`" in text or "~" in text:
        text = _FENCE.sub("", text)
    text = plain_notation(text).replace("!=", "≠").replace("==", "=")
    lines = text.rstrip().split("\n")
    for number, marker in itertools.islice(_markers(lines), MOST_MARKERS):
        offer = _marked(lines, number, lines[number][marker.end() :], count)
        # "The answer is correct" is about an answer; "Answer: see above" is meant as one.
        if offer is not None and (offer.kind != "unreadable" or marker.group().endswith((":", "="))):
            return offer
    return _unmarked(lines, count)


def _markers(lines: list[str]) -> Iterator[tuple[int, re.Match[str]]]:
    """Where something is said to be the answer, the last first."""
    for number in range(len(lines) - 1, -1, -1):
        for marker in reversed(list(_MARKER.finditer(lines[number]))):
            yield number, marker


def _marked(lines: list[str], number: int, content: str, count: int) -> Offer | None:
    """What a marker announces; None where that is nothing, or nothing but a number, which names the goal."""
    rest = lines[number + 1 :]
    if not content.strip(" *_.:()"):
        below = _unmarked(rest, count)
        if below.kind != "nothing":
            return below._replace(marked=True)
        first = next((line for line in rest if line.strip()), "")
        return Offer("unsolvable", marked=True) if first and _DECLINED.match(first) else None
    doubt = _TAKEN_BACK.search("\n".join([content, *rest])) if rest or len(content) > 40 else None
    if doubt is not None:
        before, after = _parted([content, *rest], doubt.end())
        later = _unmarked(after, count, short=False)
        if later.kind != "nothing":
            return later
        content, rest = before[0], before[1:]
    if any(_claims(line, leading=True) for line in rest):
        return Offer("unsolvable", marked=True)
    # Behind an expression with all the numbers, shorter ones say how it comes about.
    offer = _of_line(content, count) or _of_line(content, 1)
    if offer is None:
        said = content.strip(" *_.:()")
        return None if said.isdigit() else Offer("unreadable", (said[:200],), marked=True, last_line=not rest)
    return offer._replace(marked=True, last_line=not rest)


def _parted(lines: list[str], position: int) -> tuple[list[str], list[str]]:
    text = "\n".join(lines)
    return text[:position].split("\n"), text[position:].split("\n")


def _unmarked(lines: list[str], count: int, short: bool = True) -> Offer:
    """The last complete expression or statement that there is none. An expression with too few numbers is a step of
    the way; only where there is nothing else, and `short` ones are asked for, the last line's is what is offered."""
    said = [_BULLET.sub("", line, count=1) for line in lines if line.strip()]
    for number in range(len(said) - 1, -1, -1):
        offer = _of_line(said[number], count)
        if offer is not None:
            return offer._replace(last_line=number == len(said) - 1)
    if short and said and "left" not in said[-1]:
        offer = _of_line(said[-1], 1)
        if offer is not None and len(offer.sides) > 1:
            return offer._replace(last_line=True)
    return Offer("nothing")


def _of_line(line: str, count: int) -> Offer | None:
    """The last thing a line offers: an expression with at least `count` numbers, or that there is none."""
    found, end = None, 0
    if " (" in line:
        line = _REMARK.sub(r"\1; (", line)  # a parenthesis behind a result is a remark, no factor
    for run in _RUN.finditer(line):
        if _OPERATOR.search(run.group()) and len(run.group()) < 2_000:
            sides = _sides(run.group())
            if any(_OPERATOR.search(side) and len(_NUMBER.findall(side)) >= count for side in sides):
                found, end = Offer("expression", sides, denied=line[run.end() :].startswith("≠")), run.end()
    behind = line[end:]
    if behind.strip(" *_.") and _claims(behind, leading=False):
        return Offer("unsolvable")
    return found


def _claims(line: str, leading: bool) -> bool:
    """Whether a line says that there is no solution: at all, not no other one. `leading`: that it begins with it."""
    if _DECLINED.match(line) and not leading:
        return True
    claim = _UNSOLVABLE.search(line[:1_000])
    if claim is None or (leading and (claim.start() >= 60 or _OPERATOR.search(line))):
        return False
    sentence = line[line.rfind(".", 0, claim.start()) + 1 : claim.end() + 60]
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
