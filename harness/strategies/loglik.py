"""The option whose letter the model holds most likely, instead of what it writes: one token, and its alternatives.

As multiple-choice sets are scored by log-probabilities (MMLU: Hendrycks et al. 2020, arXiv 2009.03300), but under a
chat prompt: the letters compete as the first token of the answer, and nothing is thought before. Options that are
scored by their whole text (HellaSwag, PIQA ...) need the probabilities of a prompt, which chat endpoints do not give:
such numbers are not comparable with these.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import ClassVar

from harness.errors import UsageError
from harness.options import option, settle
from harness.types import Aid, Completion, Message, Response, Session

ASK = "Give the letter of one option now, and nothing else."
_OPTION = re.compile(r"^\(?([A-Z])[).:] ", re.M)


@dataclass(frozen=True)
class Loglik:
    """Take the option whose letter is the most likely next token (needs a model that gives log-probabilities)."""

    alternatives: int = option(20, "how many alternatives of the token are asked for", between=(2, 20))

    aid: ClassVar[Aid] = "none"
    max_calls: ClassVar[int] = 1

    def __post_init__(self) -> None:
        settle(self, "strategy loglik")

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. The detail has the probability of each letter among all letters."""
        *before, last = session.messages
        letters = list(dict.fromkeys(_OPTION.findall(last.content)))
        if len(letters) < 2:
            raise UsageError("strategy loglik: the prompt has no options A), B) ...", "it is for multiple choice: hub")
        asked = [*before, Message(last.role, f"{last.content}\n\n{ASK}")]
        [reply] = await session.ask(asked, max_tokens=1, temperature=0.0, logprobs=self.alternatives)
        if reply.error:
            return Response("", reply.stop_reason)
        shares = probabilities(reply, letters)
        if not shares:  # none of the letters is among the alternatives: what was written has no answer either
            return Response(reply.text)
        return Response(f"Answer: {max(shares, key=lambda letter: shares[letter])}", detail={"probabilities": shares})


def probabilities(reply: Completion, letters: list[str]) -> dict[str, float]:
    """The probability of each letter as the first token, however it is spelt (" A", "(A"), among those of all letters.
    Empty if none is among the alternatives. UsageError if the model gives no log-probabilities."""
    if not reply.logprobs:
        raise UsageError("strategy loglik: this model gives no log-probabilities", "another model, or --strategy io")
    first = reply.logprobs[0]
    mass = dict.fromkeys(letters, 0.0)
    for token, logprob in dict(((first.token, first.logprob), *first.top)).items():
        letter = token.strip(" \t\n▁Ġ()*_`\"'.:")
        if letter in mass:
            mass[letter] += math.exp(min(0.0, logprob))
    total = sum(mass.values())
    return {letter: round(share / total, 6) for letter, share in mass.items()} if total > 0 else {}
