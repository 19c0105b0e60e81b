"""Scoring answers: the official metrics on the whole response, and our reading of free text.

Both verdicts come with the official numbers of the whole response under their official names (`em`, `f1`, ...).
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from harness.errors import DataError
from harness.tasks.multihop import reading
from harness.tasks.multihop.items import UNANSWERABLE
from harness.types import Outcome, Params, Score, StopReason
from harness.verifiers import qa
from harness.verifiers.answers import is_refusal


def golds_of(params: Params) -> Sequence[str]:
    """The right answers: `golds`, a list, or `answer` and the JSON list in `aliases`. DataError where there is none."""
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
    """Right if the official scorer's exact match is 1 for the response as it stands; a cut one has no verdict."""
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
    metrics = qa.answer_metrics(str(params.get("scorer")), response, golds)
    phrase = reading.read(response)
    if phrase.text is None or (stop_reason in ("length", "content_filter") and not phrase.marked):
        return _without(stop_reason, response, phrase.reason or "cut before an answer", metrics)
    answer, reason = _value(phrase.text, golds, str(params.get("candidates") or ""))
    if answer is None:
        return _without(stop_reason, response, reason, metrics)
    return Score.of(any(_same(answer, gold) for gold in golds), answer, **metrics)


def cite(places: Sequence[int]) -> str:
    """A line that names the documents at these places, as the prompt asks for it."""
    return f"\nDocuments: {', '.join(str(place + 1) for place in sorted(places))}"


def gold_places(params: Params) -> list[int]:
    """The places of the documents needed, from 0. DataError for what is none."""
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
    """The verdict on the response without its last line of document numbers, and how good these are by MuSiQue's
    support metric (`support_em`, `support_f1`, ...); for questions with an answer alone, as there."""
    lines = list(_CITED.finditer(response))
    text = response[: lines[-1].start()] + response[lines[-1].end() :] if lines else response
    score = rule(params, text.strip(), stop_reason)
    if params.get("context") == "unanswerable":
        return score
    cited = [int(n) - 1 for n in re.findall(r"\d{1,6}", lines[-1][1])] if lines else []
    metrics = qa.musique_support(cited, gold_places(params))
    return replace(score, detail={**score.detail, **{f"support_{name}": value for name, value in metrics.items()}})


def _without(stop_reason: StopReason, response: str, reason: str, metrics: qa.Metrics) -> Score:
    if stop_reason == "content_filter" or is_refusal(response):
        outcome = Outcome.REFUSED
    else:
        outcome = Outcome.TRUNCATED if stop_reason == "length" else Outcome.UNPARSED
    return Score.without_answer(outcome, reason=reason, **metrics)


MOST_WORDS = 30
"""A phrase of more words than this, that has none of the right answers in it, is no answer but an essay."""


def _value(phrase: str, golds: Sequence[str], candidates: str) -> tuple[str | None, str]:
    """(what the phrase gives as the answer, reason where it gives none): its first sentence or, where names or yes and
    no are asked for and that has none, all of it."""
    yes_no = candidates == "yes,no" or set(map(str.lower, golds)) <= {"yes", "no"}
    head = _SENTENCE_END.split(phrase, maxsplit=1)[0]
    found: tuple[str | None, str] = (None, "")
    for part in dict.fromkeys((head, phrase)) if yes_no or candidates else (head,):
        if reading.declines(part) and not any(_same(part, gold) for gold in golds):
            return UNANSWERABLE, ""
        if yes_no:
            found = reading.yes_or_no(part), "neither yes nor no"
        elif candidates:
            found = reading.named(part, candidates.split(","))
        else:
            found = next((gold for gold in golds if _contains(part, gold)), None), "a phrase too long for an answer"
        if found[0] is not None:
            return found
    if found[1].startswith("several"):
        return found
    return _short(head, found[1])


_SENTENCE_END = re.compile(r"(?<=\w{4}[.!?;])\s|(?<=[\"')][.!?;])\s")
"""Not behind "St." or "Jr."."""


def _short(phrase: str, reason: str) -> tuple[str | None, str]:
    return (phrase.strip(" .\"'")[:200], "") if 0 < len(phrase.split()) <= MOST_WORDS else (None, reason)


def _same(answer: str, gold: str) -> bool:
    return qa.normalise(answer) == qa.normalise(gold) or _folded(answer) == _folded(gold)


def _folded(text: str) -> list[str]:
    """Words without case, accents, dashes or articles: "Spider–Man" and "spider man" are one."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
    return [word for word in re.findall(r"\w+", plain) if word not in ("a", "an", "the")]


MOST_AROUND = 12
"""Words that may stand around an answer in the sentence that gives it."""


def _contains(phrase: str, gold: str) -> bool:
    """Whether a sentence gives the gold as whole words, leaves no other open, and says little else."""
    words, wanted = _folded(phrase), _folded(gold)
    if not wanted or len(words) > len(wanted) + MOST_AROUND:
        return False
    if words == wanted:
        return True
    if {"or", "not", "either", "neither", "nor"} & (set(words) - set(wanted)):
        return False
    return any(words[i : i + len(wanted)] == wanted for i in range(len(words) - len(wanted) + 1))
