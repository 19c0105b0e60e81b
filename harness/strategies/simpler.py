"""Simpler questions and their answers, for decompose.py: reading the next question, and editing an answer.

Is an answer made from the simpler answers before it? One of them is edited, and the question is asked again. The edit
puts another name (or number) of the prompt in the place of one that the simpler answer gives. An answer that does not
change was not made from it. After Lanham et al. 2023 (arXiv 2307.13702), who edit a chain of thought.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence

_IN_A_SENTENCE = re.compile(r"(?<=[a-z,] )[A-Z][\w-]{1,40}|\b\d{1,9}\b")
"""A name, which has a capital letter inside a sentence, or a number."""


def edited(turns: Sequence[tuple[str, str]], prompt: str, rng: random.Random) -> list[tuple[str, str]] | None:
    """The (question, answer) turns with one answer edited, chosen by `rng` among those that can be; None if none can.
    The last name of the prompt that an answer gives is replaced by another one that neither it nor its question has."""
    known = list(dict.fromkeys(_IN_A_SENTENCE.findall(prompt)))
    possible = []
    for i, (asked, answer) in enumerate(turns):
        given = [word for word in re.findall(r"[\w-]+", answer) if word in known]
        others = [
            word for word in known
            if given and word[0].isdecimal() == given[-1][0].isdecimal() and word not in answer and word not in asked
        ]  # fmt: skip
        if others:
            possible.append((i, given[-1], others))
    if not possible:
        return None
    i, old, others = rng.choice(possible)
    asked, answer = turns[i]
    new = re.sub(rf"(?<![\w-]){re.escape(old)}(?![\w-])", rng.choice(others), answer)
    return [*turns[:i], (asked, new), *turns[i + 1 :]]


_FOLLOW_UP = re.compile(r"follow[ -]?up:[ \t]*(.{1,500})", re.I)


def follow_up(reply: str) -> str:
    """The simpler question that a reply asks; "" if it asks none."""
    found = _FOLLOW_UP.search(reply)
    question = found[1].strip() if found else ""
    return "" if question.lower().strip(" .*\"'") in ("none", "no") else question
