"""Scoring AIW responses: the published rule, which compares text, and ours, which compares values."""

from __future__ import annotations

import re

from harness.reading import commitment, numbers
from harness.reading.outcome import judge
from harness.types import Outcome, Params, Score, StopReason


def original(params: Params, response: str) -> Score:
    """The rule of the AIW repository's example scripts at commit 4d5d079, defects included.

    It puts the text in lower case on one line, takes the first number after the first `answer:`, else after the
    first `has`, and compares strings. It looks for a parameterised answer anywhere in the text.
    Written with `find` because the published `answer:.*?(\\d+)` takes quadratic time on hostile text.
    """
    right = canonical(str(params["answer"]))
    letter = re.match(r"[A-Z]", right)
    if letter:
        found = re.search(rf"{letter.group()}\s*\+\s*1|{letter.group()} 1", response)
        return Score.of(True, right) if found else Score.without_answer(Outcome.UNPARSED, reason="no such expression")
    text = response.replace("\n", " ").lower()
    for word in ("answer:", "has"):
        start = text.find(word)
        number = re.compile(r"\d+").search(text, start + len(word)) if start >= 0 else None
        if number:
            return Score.of(number.group() == right, number.group(), rule="original", after=word)
    return Score.without_answer(Outcome.UNPARSED, rule="original", reason="no number after `answer:` or `has`")


def robust(params: Params, response: str, stop_reason: StopReason) -> Score:
    """The answer that the response commits to (see harness.reading), compared as a value."""
    right = canonical(str(params["answer"]))
    plain = _AS_ASKED.fullmatch(response) if len(response) < 60 else None
    if plain and stop_reason != "content_filter":  # in the form asked for: no need to look closely
        number = plain[1].lstrip("0") or "0"
        return Score.of(number == right, number)
    found, _ = commitment.read(response, numbers.reader(_counts(params, right)), _PROMPT)
    return judge(found, found.value == right, stop_reason, response)


_AS_ASKED = re.compile(r"[#*\s]*answer: ?([0-9]{1,15})[.\s]*", re.I)
_PROMPT = re.compile(
    r"^(?:(?:Alice|Bob) (?:has|is)\b[^\n]{0,300}\bhow many\b"
    r"|(?:(?-i:[A-Z][a-z]+) (?:has|is)|In the family of)\b[^\n]{0,300}\bhow many\b[^\n?]{0,120}\?)"
    r"|^Solve this problem\b|^Before providing answer\b",
    re.I | re.M,
)
_ASKED = {"friends": "(?:female )?friends?", "extension": "brothers?", "light_relation": "brothers?"}
_ASKED |= dict.fromkeys(("original", "female", "bignum", "parameterised"), "sisters?") | {"light_siblings": "siblings?"}


def _counts(params: Params, right: str) -> numbers.Counts:
    """What the question asks to count, as far as the params say."""
    stated = str(params.get("stated") or "")
    letters = "".join(sorted(set(re.findall(r"[A-Z]", right + stated))))
    asked = str(params.get("asked") or "")
    asked = (
        f"{asked.removesuffix('s')}s?"
        if asked in ("brothers", "sisters")
        else _ASKED.get(str(params.get("family")), "")
    )
    return numbers.Counts(letters, asked, tuple(part for part in stated.split(",") if part))


def canonical(right: str) -> str:
    """A right answer in one form: the published ones are written as `7`, `7.0` or `M+1`."""
    return right.removesuffix(".0")
