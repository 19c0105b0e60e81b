"""How likely a model holds something to be true: from its answers to a question of yes or no."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from harness.types import Completion


def probability(replies: Sequence[Completion]) -> float:
    """The probability of yes: from the first token's alternatives if the one reply has them, else the share of yes
    among the replies, as (yes + 1) / (replies + 2) so that few replies are not taken for certainty."""
    if len(replies) == 1 and replies[0].logprobs:
        first = replies[0].logprobs[0]
        mass = {"yes": 0.0, "no": 0.0}
        for token, logprob in first.top or ((first.token, first.logprob),):
            word = _word(token)
            if word in mass:
                mass[word] += math.exp(min(0.0, logprob))
        if sum(mass.values()) > 0:
            return mass["yes"] / sum(mass.values())
    said = [_word(reply.text) for reply in replies]
    return (said.count("yes") + 1) / (said.count("yes") + said.count("no") + 2)


def _word(text: str) -> str:
    found = re.match(r"\W{0,9}(yes|no|true|false)\b", text.lower())
    return {"true": "yes", "false": "no"}.get(found[1], found[1]) if found else ""
