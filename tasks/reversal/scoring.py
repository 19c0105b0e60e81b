"""Two verdicts on one response: the published readings (it starts with the target), and the one name it commits to."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from harness.errors import DataError
from harness.types import Outcome, Params, Score, StopReason
from harness.verifiers.answers import is_refusal, without_thinking

SEPARATOR = "|"
"""Between the names of params that hold several."""

CLOSE_LOOK = 400
"""Characters of an answer that are looked at."""


def original(params: Params, response: str) -> Score:
    """The published readings. The verdict is the one-query reading: the response starts with the target; letter case
    counts for celebrities, and not for fictional people. `detail` has the others, see `readings`."""
    detail = readings(params, response)
    if not response.strip():
        return Score.without_answer(Outcome.UNPARSED, reason="the response is empty", **detail)
    return Score.of(bool(detail["one_query"]), response.strip()[:CLOSE_LOOK], rule="original", **detail)


def readings(params: Params, response: str) -> dict[str, bool]:
    """The published readings of one response, each with a denominator of its own.

    `one_query`: it starts with the target; the denominator is responses.
    Of celebrities also: `named`: a line of it has the form of a name (2 to 5 words with capitals), which alone counted
    as knowing the parent in the published forward test, whatever the name; `any_of_k`: such a line starts with the
    target. A sample has passed if any of its k repeats has `any_of_k`; the denominator is samples, not responses.
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
    """The one answer that a response commits to, whatever stands around it.

    Case, accents and punctuation do not matter, nor an article in front. The answer is what follows the last "answer:"
    or "answer is", else the response if it is short, else its last sentence. Of several names the first counts, unless
    they are those in the prompt: then one of them has to stand alone. A name that is denied ("not Tom Cruise") is none.
    `detail` has the published readings too.
    """
    accepted = [_text(params, "answer"), *_several(params, "accepted")]
    detail = readings(params, response)
    answer, marked = _committed(response)
    if stop_reason == "length" and str(params.get("set")).startswith("fictional"):
        # Asked for the missing part alone, a model that goes on has given it in the first line.
        first, ended, _ = response.strip().partition("\n")
        answer, marked = (first[:CLOSE_LOOK], True) if ended else (answer, marked)
    if not answer or (stop_reason == "length" and not marked):
        outcome = {"length": Outcome.TRUNCATED, "content_filter": Outcome.REFUSED}.get(stop_reason, Outcome.UNPARSED)
        return Score.without_answer(outcome, reason="no answer before the end of the response", **detail)
    others = [name for name in _several(params, "others") if name not in accepted]
    said = _plain(answer)
    found = {name for name in (*accepted, *others) if _says(said, name)}
    right = [name for name in accepted if name in found]
    if stop_reason == "content_filter" or (not found and (_UNKNOWN.search(answer) or is_refusal(answer))):
        return Score.without_answer(Outcome.REFUSED, reason="says that it does not know, or declines", **detail)
    if right and len(found) > len(right):
        return Score.without_answer(Outcome.UNPARSED, reason="several answers: " + "; ".join(sorted(found)), **detail)
    if right and not others and _listed_behind_another(answer, right):
        return Score.of(False, answer, reason="another name comes first", **detail)
    return Score.of(bool(right), right[0] if right else answer, **detail)


_UNKNOWN = re.compile(
    r"\b(?:i (?:do not|don[’']?t|am not|[’']?m not) (?:know|sure|aware|certain|have)|unknown|no (?:information|answer)|"
    r"(?:cannot|can[’']?t) (?:be )?(?:say|tell|determine|find|answer|provide|identify)|not (?:publicly )?known)\w*",
    re.I,
)
_MARKER = re.compile(r"\banswer\b[*_ ]{0,4}(?::|\bis\b:?)", re.I)
_SENTENCE_END = re.compile(r"(?<=[a-z\d\"')][.!?])\s+(?=[A-Z\"'(])")
_JOINT = re.compile(r"[,;/\n]|\b(?:and|or)\b")
_DENIED = ("not ", "isn t ", "never ")
SHORT = 200
"""Characters of a response that is taken whole."""


def _committed(response: str) -> tuple[str, bool]:
    """(the answer's text, whether it was said to be the answer or is all there is)."""
    text = without_thinking(response).replace("*", "").replace("`", "").replace("_", " ").strip()
    for marker in reversed(list(_MARKER.finditer(text))[-3:]):
        rest = text[marker.end() : marker.end() + CLOSE_LOOK].strip()
        if re.search(r"\w", rest):
            return _SENTENCE_END.split(rest.split("\n", 1)[0], maxsplit=1)[0], True
    if len(text) <= SHORT:
        return text, False
    last = text[-CLOSE_LOOK:].rsplit("\n", 1)[-1]
    return _SENTENCE_END.split(last)[-1], False


def _listed_behind_another(answer: str, right: list[str]) -> bool:
    """Whether a list of names begins with one that is not right: "Lee Anne, Tom Cruise"."""
    parts = [part.strip(" .!\"'") for part in _JOINT.split(answer)]
    names = [part for part in parts if part]
    return len(names) > 1 and _is_name(names[0]) and not any(_says(_plain(names[0]), name) for name in right)


def _says(said: str, name: str) -> bool:
    """Whether a name stands in the text as whole words and is not denied at its every place."""
    plain = f" {_plain_name(name)} "
    place = said.find(plain)
    while place >= 0:
        if not said[: place + 1].endswith(tuple(f" {word}" for word in _DENIED)):
            return True
        place = said.find(plain, place + 1)
    return False


@lru_cache(maxsize=4096)
def _plain_name(name: str) -> str:
    return _plain(name).strip().removeprefix("the ")


def _plain(text: str) -> str:
    """Lower case, without accents, words apart by one space, a space at either end."""
    if not text.isascii():
        text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return f" {' '.join(_WORDS.findall(text.casefold().replace(POSSESSIVE, ' ')))} "


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
