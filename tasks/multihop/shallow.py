"""Answers without reasoning: guesses and shortcuts that read the prompt's surface. Their scores are the floor."""

from __future__ import annotations

import random
import re

from harness.reading.choices import UNANSWERABLE
from harness.tasks.multihop.prompts import OFFER
from harness.types import Params

_DOCUMENT = re.compile(r"^\[\d+\] (.*?): (.*)$", re.M)
_ASKS_YES_NO = re.compile(r"(?:is|are|was|were|did|do|does|has|have|had|can|could|would|will|should)\b", re.I)


def options(params: Params, prompt: str) -> list[str]:
    """All possible guesses, each once: the things of the type asked for that the documents name (or yes and no), and
    "unanswerable" if the prompt offers it. For published sets: the titles instead of the things."""
    found = _candidates(params, prompt)
    return found + [UNANSWERABLE] if OFFER in prompt else found


def _candidates(params: Params, prompt: str) -> list[str]:
    given = str(params.get("candidates") or "")
    if given:
        return given.split(",")
    if _ASKS_YES_NO.match(question(prompt)):
        return ["yes", "no"]
    return list(dict.fromkeys(title for title, _ in _DOCUMENT.findall(prompt))) or [UNANSWERABLE]


def question(prompt: str) -> str:
    """The question of a prompt."""
    return prompt.rpartition("\nQuestion: ")[2].rpartition("\nAnswer:")[0]


def question_only(params: Params, prompt: str, rng: random.Random) -> str:
    """One of the candidates that the question names, else any candidate: a guess without the documents."""
    candidates = _candidates(params, prompt)
    asked = question(prompt)
    return rng.choice([name for name in candidates if name in asked] or candidates)


def frequent(params: Params, prompt: str, rng: random.Random) -> str:
    """The candidate that the documents mention most often; a random one of several."""
    candidates = _candidates(params, prompt)
    documents = prompt.rpartition("\nQuestion: ")[0]
    counts = {name: documents.count(name) for name in candidates}
    most = max(counts.values())
    return rng.choice([name for name in candidates if counts[name] == most])


def last_hop(params: Params, prompt: str, rng: random.Random) -> str:
    """The last step alone. Chain: any object of the last relation. Intersection: any subject of the last relation.
    Comparison: one of the two. Published sets: the title of the document that shares most words with the question,
    among the documents that the question does not name."""
    documents: list[tuple[str, str]] = _DOCUMENT.findall(prompt)
    asked = question(prompt)
    kind, wording = str(params.get("kind")), str(params.get("last_relation") or "")
    if not documents or "comparison" in kind or _candidates(params, prompt) == ["yes", "no"]:
        return question_only(params, prompt, rng)
    if not wording:
        words = set(re.findall(r"\w+", asked.lower()))
        unnamed = [d for d in documents if d[0] not in asked] or documents
        return max(unnamed, key=lambda d: len(words & set(re.findall(r"\w+", d[1].lower()))))[0]
    if kind == "intersection":
        ends = [title for title, text in documents if f"{title} {wording} " in text]
    else:
        ends = [end for _, text in documents for end in re.findall(rf"\b{re.escape(wording)} (\w+)\.", text)]
    return rng.choice(ends)


def ends(params: Params, prompt: str, rng: random.Random) -> str:
    """The first and the last step, each alone: "unanswerable" if the prompt offers it and lacks the first relation of a
    thing that the question names, else as last_hop. Published sets: as last_hop."""
    if OFFER in prompt and any(f" {fact} " not in prompt for fact in str(params.get("first_facts") or " ").split(",")):
        return UNANSWERABLE
    return last_hop(params, prompt, rng)


SHALLOW = {"ends": ends, "question": question_only, "last_hop": last_hop, "frequent": frequent}
