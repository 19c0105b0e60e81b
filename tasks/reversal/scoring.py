"""Two verdicts on one response: the published readings (does it start with the target?), and ours on the one name that
it commits to."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from harness.errors import DataError
from harness.reading import commitment, names
from harness.reading.outcome import Reading, judge
from harness.types import Outcome, Params, Score, StopReason

SEPARATOR = "|"
"""Stands between the names in params that hold several."""

CLOSE_LOOK = 400
"""How many characters of an answer are kept, and of a line are checked for a name."""


def original(params: Params, response: str) -> Score:
    """The verdict is the published one-query reading: the response starts with the target. Letter case matters for
    celebrities, and not for fictional people. `detail` has all published readings, see `readings`."""
    detail = readings(params, response)
    if not response.strip():
        return Score.without_answer(Outcome.UNPARSED, reason="the response is empty", **detail)
    return Score.of(bool(detail["one_query"]), response.strip()[:CLOSE_LOOK], rule="original", **detail)


def readings(params: Params, response: str) -> dict[str, bool]:
    """The published readings of one response, each with a denominator of its own.

    `one_query`: the response starts with the target; the denominator is responses. For celebrities there are two more.
    `named`: a line of it has the form of a name (2 to 5 words with capitals); in the published forward test any such
    name counted as knowing the parent. `any_of_k`: such a line starts with the target; a sample has passed if any of
    its k repeats has `any_of_k`, and the denominator is samples, not responses.
    """
    target = _text(params, "answer")
    if params.get("set", "celebrities") != "celebrities":
        return {"one_query": response.strip().lower().startswith(target.lower())}
    named = [line for line in response.split("\n") if _is_name(line)]
    return {
        "one_query": response.startswith(target),
        "named": bool(named),
        "any_of_k": any(line.startswith(target) for line in named),
    }


def _is_name(line: str) -> bool:
    words = line[:CLOSE_LOOK].split()
    return not line.startswith("I don") and 2 <= len(words) <= 5 and all(word[0].isupper() for word in words)


def robust(params: Params, response: str, stop_reason: StopReason) -> Score:
    """The one name that a response commits to, whatever stands around it (see harness.reading).

    Case, accents, punctuation and an article in front do not matter. If the facts are in the prompt, all names there
    are read alike. For celebrities the other possible names are unknown: a phrase is right if it gives an accepted
    name, does not deny it, and has no other name before it. `detail` has the published readings too.
    """
    accepted = (_text(params, "answer"), *_several(params, "accepted"))
    detail: dict[str, Any] = dict(readings(params, response))
    found, known, response = _found(params, accepted, response, stop_reason)
    if found.value is None or known:
        return judge(found, found.value in accepted, stop_reason, response, **detail)
    right = [name for name in accepted if _says(plain(found.value), name)]
    right = [] if _listed_behind_another(found.value, right) else right
    answer = right[0] if right else found.value
    return judge(found, bool(right), stop_reason, response, answer=answer, **detail)


def given(params: Params, response: str, stop_reason: StopReason) -> Score:
    """The reading of `robust` with no verdict: its answer is as the response has it, and not the name that it gives."""
    accepted = (_text(params, "answer"), *_several(params, "accepted"))
    found, _, response = _found(params, accepted, response, stop_reason)
    return judge(found, False, stop_reason, response)


def _found(
    params: Params, accepted: tuple[str, ...], response: str, stop_reason: StopReason
) -> tuple[Reading, tuple[str, ...], str]:
    """(what the response commits to, the possible answers if they are known, the part of the response that counts)."""
    others = tuple(name for name in _several(params, "others") if name not in accepted)
    known = tuple(sorted({*accepted, *others})) if others else ()  # sorted, so that the order hides the right one
    given = str(params.get("given") or "")
    # A description as given asks for a name; a name as given asks for a description, or for a relative's name.
    named = params.get("set", "celebrities") == "celebrities" or given.startswith("the ")
    shape = names.NAME if named or not given else names.DESCRIPTION
    reader = names.reader(known, _LABELS, shape, given)
    if stop_reason == "length" and str(params.get("set")).startswith("fictional"):
        # The prompt asks for the missing part alone, so a model that goes on has given it in the first line.
        first, ended, _ = response.strip().partition("\n")
        response = f"Answer: {first}\n" if ended and reader.alone(first) is not None else response
    return commitment.read(response, reader, _PROMPT)[0], known, response


_LABELS = r"missing (?:part|piece|name|words?)|sentence|completion|name|person"
_LABELS += r"|(?:mother|father|parent|child|son|daughter)(?: of)?"
_PROMPT = re.compile(
    r"^(?:Here is what is known|Finish the sentence|Who is (?:the|a) (?:mother|father|parent|child)\b)", re.I | re.M
)
_JOINT = re.compile(r"[,;/\n]|\b(?:and|or)\b")
_DENIED = ("not ", "isn t ", "never ")


def _listed_behind_another(answer: str, right: list[str]) -> bool:
    """Whether a list of names begins with one that is not right: "Lee Anne, Tom Cruise"."""
    parts = [part.strip(" .!\"'") for part in _JOINT.split(answer)]
    listed = [part for part in parts if part]
    return len(listed) > 1 and _is_name(listed[0]) and not any(_says(plain(listed[0]), name) for name in right)


def _says(said: str, name: str) -> bool:
    """Whether a name stands in the text as whole words, at one place at least without being denied."""
    plain = f" {_plain_name(name)} "
    place = said.find(plain)
    while place >= 0:
        if not said[: place + 1].endswith(tuple(f" {word}" for word in _DENIED)):
            return True
        place = said.find(plain, place + 1)
    return False


@lru_cache(maxsize=4096)
def _plain_name(name: str) -> str:
    return plain(name).strip().removeprefix("the ")


def plain(text: str) -> str:
    """In lower case, without accents, with one space between words and a space at either end."""
    return f" {' '.join(_WORDS.findall(names.folded(text).replace(POSSESSIVE, ' ')))} "


POSSESSIVE = "'s"
_WORDS = re.compile(r"[^\W_]+")


def _text(params: Params, name: str) -> str:
    value = params.get(name)
    if not isinstance(value, str) or not value.strip():
        raise DataError(f"a reversal sample needs params.{name}, the text that is asked for")
    return value


def _several(params: Params, name: str) -> list[str]:
    value = params.get(name) or ""
    if not isinstance(value, str):
        raise DataError(f"params.{name} is text, with {SEPARATOR} between names")
    return [part for part in value.split(SEPARATOR) if part]
