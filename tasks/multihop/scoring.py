"""Scoring answers: the official metrics on the whole response, and our reading of free text.

Both verdicts come with the official numbers of the whole response under their official names (`em`, `f1`, ...).
"""

from __future__ import annotations

import functools
import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.errors import DataError
from harness.reading import choices, commitment, qa
from harness.reading.choices import UNANSWERABLE
from harness.reading.outcome import judge
from harness.types import Outcome, Params, Score, StopReason


def golds_of(params: Params) -> Sequence[str]:
    """The right answers: `golds`, a list, or `answer` and the JSON list in `aliases`. Raises DataError without any."""
    golds: Any = params.get("golds")
    if golds is None and isinstance(params.get("answer"), str):
        golds = [params["answer"]]
        if params.get("aliases"):
            try:
                golds += json.loads(str(params["aliases"]))
            except (ValueError, TypeError):
                raise DataError("params.aliases is not a JSON list of texts") from None
    if not isinstance(golds, list) or not golds or not all(isinstance(gold, str) for gold in golds):
        raise DataError("a multihop sample needs params.golds (a list of texts) or params.answer (a text)")
    return golds


def original(params: Params, response: str, stop_reason: StopReason) -> Score:
    """Right if the official scorer's exact match is 1 for the response as it stands. Otherwise a response that was cut
    off is truncated and one that a filter ended is refused."""
    golds = golds_of(params)
    metrics = qa.answer_metrics(str(params.get("scorer")), response, golds)
    if metrics["em"] != 1 and stop_reason == "length":
        return Score.without_answer(Outcome.TRUNCATED, **metrics)
    if metrics["em"] != 1 and stop_reason == "content_filter":
        return Score.without_answer(Outcome.REFUSED, **metrics)
    return Score.of(metrics["em"] == 1, response.strip()[:200], **metrics)


def robust(params: Params, response: str, stop_reason: StopReason) -> Score:
    """What the response commits to, compared as a value of the kind asked for: a name, yes or no, or a phrase."""
    golds = golds_of(params)
    metrics: dict[str, Any] = qa.answer_metrics(str(params.get("scorer")), response, golds)
    candidates = _possible(params)
    found, _ = commitment.read(response, choices.reader(candidates), _PROMPT)
    if found.value is None:
        return judge(found, False, stop_reason, response, **metrics)
    answer = found.value
    if not candidates and answer != UNANSWERABLE:  # a phrase in the model's own words: take the gold that it gives
        answer = next((gold for gold in golds if _contains(answer, gold)), answer)
    return judge(found, any(_same(answer, gold) for gold in golds), stop_reason, response, answer=answer, **metrics)


def given(params: Params, response: str, stop_reason: StopReason) -> Score:
    """The reading of `robust` with no verdict: its answer is as the response has it, and not the gold that it gives."""
    found, _ = commitment.read(response, choices.reader(_possible(params)), _PROMPT)
    return judge(found, False, stop_reason, response)


def _possible(params: Params) -> tuple[str, ...]:
    """The answers that are possible; empty if they are not known."""
    known = str(params.get("candidates") or "")
    yes_no = known == "yes,no" or set(map(str.lower, golds_of(params))) <= {"yes", "no"}
    return ("yes", "no") if yes_no else _candidates(known)


@functools.lru_cache(maxsize=4096)
def _candidates(known: str) -> tuple[str, ...]:
    """The names that could be the answer, sorted, so that their order does not hint at the right one."""
    return tuple(sorted(filter(None, known.split(","))))


_PROMPT = re.compile(r"^\[1\] |^Answer the question\b", re.I | re.M)


def cite(places: Sequence[int]) -> str:
    """A line that names the documents at these places, as the prompt asks for it."""
    return f"\nDocuments: {', '.join(str(place + 1) for place in sorted(places))}"


def gold_places(params: Params) -> list[int]:
    """The places of the documents needed, from 0. Raises DataError if `params.gold` has something else."""
    try:
        return [int(place) for place in str(params.get("gold") or "").split(",") if place]
    except ValueError:
        raise DataError(f"params.gold: {params.get('gold')!r} are no places such as 3,7") from None


_CITED = re.compile(
    r"^[^\w\n]{0,8}documents?(?: used)?[^\w\n]{0,2}[:=]"
    r"((?:[^\w\n]|\d){0,200}(?:(?:and|none)(?:[^\w\n]|\d){0,20}){0,5})$",
    re.I | re.M,
)
Rule = Callable[[Params, str, StopReason], Score]


def with_support(rule: Rule, params: Params, response: str, stop_reason: StopReason) -> Score:
    """The verdict on the response without its last line of document numbers. For questions with an answer, `detail`
    also rates these numbers by MuSiQue's support metric (`support_em`, `support_f1`, ...)."""
    lines = list(_CITED.finditer(response))
    text = response[: lines[-1].start()] + response[lines[-1].end() :] if lines else response
    score = rule(params, text.strip(), stop_reason)
    if params.get("context") == "unanswerable":
        return score
    cited = [int(n) - 1 for n in re.findall(r"\d{1,6}", lines[-1][1])] if lines else []
    metrics = qa.musique_support(cited, gold_places(params))
    return replace(score, detail={**score.detail, **{f"support_{name}": value for name, value in metrics.items()}})


def _same(answer: str, gold: str) -> bool:
    """Whether two phrases have the same words. A gold without any word ("???") must be matched as it is written."""
    if answer == gold or not _folded(gold):
        return answer.strip().casefold() == gold.strip().casefold()
    return qa.normalise(answer) == qa.normalise(gold) or _folded(answer) == _folded(gold)


def _folded(text: str) -> list[str]:
    """Words without case, accents, dashes or articles: "Spider–Man" and "spider man" are one."""
    plain = text.casefold()
    if not plain.isascii():
        plain = "".join(c for c in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(c))
    return [word for word in re.findall(r"\w+", plain) if word not in ("a", "an", "the")]


MOST_AROUND = 12
"""The most words that may stand around an answer in the sentence that gives it."""


def _contains(phrase: str, gold: str) -> bool:
    """Whether a sentence gives the gold as whole words, leaves no alternative open, and says little else."""
    words, wanted = _folded(phrase), _folded(gold)
    if not wanted or len(words) > len(wanted) + MOST_AROUND:
        return False
    if words == wanted:
        return True
    if {"or", "not", "either", "neither", "nor"} & (set(words) - set(wanted)):
        return False
    return any(words[i : i + len(wanted)] == wanted for i in range(len(words) - len(wanted) + 1))
