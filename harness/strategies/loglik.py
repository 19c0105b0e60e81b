"""The option that the model holds most likely, instead of what it writes: by its letter, or by its whole text.

By the letter: one token, and its alternatives, as MMLU is scored (Hendrycks et al. 2020, arXiv 2009.03300), but under a
chat prompt: the letters compete as the first token of the answer, and nothing is thought before.

By the text: each option is given as the answer, and its log-probability is the sum of its tokens' (`acc` of
lm-evaluation-harness); divided by its bytes in UTF-8, long options have no handicap (`acc_norm` there). Sets such as
HellaSwag, PIQA and ARC are published so, but behind the question alone. Here the prompt shows the options too: such
numbers are not comparable with these.

By the answer nothing is chosen: the prompt's last message, the assistant's, is given as the answer, and the response
says how likely it is (`harness twins`).
"""

from __future__ import annotations

import asyncio
import math
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.errors import UsageError
from harness.options import option, settle
from harness.twins import likelihood_told
from harness.types import Aid, Completion, Message, Response, Session

ASK = "Give the letter of one option now, and nothing else."
ASK_TEXT = "Give the text of one option now, without its letter, and nothing else."
_OPTION = re.compile(r"^\(?([A-Z])[).:] ", re.M)


@dataclass(frozen=True)
class Loglik:
    """Take the option that is most likely, by its letter or its text (needs a model that gives log-probabilities)."""

    by: Literal["letter", "text", "answer"] = option(
        "letter",
        "letter: the letter as the next token; text: the whole text of an option as the answer (vllm, hf, embedded); "
        "answer: no option, but the answer that stands at the prompt's end (harness twins asks so)",
    )
    per: Literal["text", "byte"] = option(
        "text", "with by=text, what decides: the log-probability of the text, or that divided by its bytes in UTF-8"
    )
    alternatives: int = option(20, "how many alternatives of the token are asked for", between=(2, 20))

    aid: ClassVar[Aid] = "none"

    def __post_init__(self) -> None:
        settle(self, "strategy loglik")
        if self.per == "byte" and self.by != "text":
            raise UsageError("strategy loglik: per=byte is for whole texts", "with -S by=text")

    @property
    def scores_text(self) -> bool:
        """See harness.types.ScoresText."""
        return self.by != "letter"

    @property
    def max_calls(self) -> int | None:
        """By the letter one; by the text one for each option, of which questions have as many as they like."""
        return None if self.by == "text" else 1

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. By the letter the detail has the probability of each letter among all
        letters; by the text the log-probability of each option (`sums`), and that divided by its bytes (`per_byte`)."""
        *before, last = session.messages
        if self.by == "answer":
            return await self._of_answer(session, before, last)
        options = texts(last.content)
        if len(options) < 2:
            raise UsageError("strategy loglik: the prompt has no options A), B) ...", "it is for multiple choice: hub")
        if self.by == "text":
            return await self._by_text(session, [*before, Message(last.role, f"{last.content}\n\n{ASK_TEXT}")], options)
        letters = list(options)
        asked = [*before, Message(last.role, f"{last.content}\n\n{ASK}")]
        [reply] = await session.ask(asked, max_tokens=1, temperature=0.0, logprobs=self.alternatives)
        if reply.error:
            return Response("", reply.stop_reason)
        shares = probabilities(reply, letters)
        if not shares:  # none of the letters is among the alternatives: what was written has no answer either
            return Response(reply.text)
        return Response(f"Answer: {max(shares, key=lambda letter: shares[letter])}", detail={"probabilities": shares})

    async def _of_answer(self, session: Session, asked: list[Message], answer: Message) -> Response:
        if answer.role != "assistant":
            raise UsageError("strategy loglik: the prompt does not end with an answer", "-S by=text, or by=letter")
        [reply] = await session.ask(asked, given=answer.content, temperature=0.0, logprobs=None)
        if reply.error or reply.logprobs is None:
            return Response("", reply.stop_reason)
        return Response(likelihood_told(math.fsum(t.logprob for t in reply.logprobs), len(reply.logprobs)))

    async def _by_text(self, session: Session, asked: list[Message], options: dict[str, str]) -> Response:
        how: dict[str, Any] = {"temperature": 0.0, "logprobs": None}
        there = {letter: text for letter, text in options.items() if text}  # what has no text would be certain
        made = await asyncio.gather(*(session.ask(asked, given=text, **how) for text in there.values()))
        replies = dict(zip(there, (reply for [reply] in made), strict=True))
        for reply in replies.values():
            if reply.error:
                return Response("", reply.stop_reason)
        if not all(reply.logprobs for reply in replies.values()):
            raise UsageError(
                "strategy loglik: this model gives no log-probabilities", "another model, or --strategy io"
            )
        sums = {letter: math.fsum(t.logprob for t in reply.logprobs or ()) for letter, reply in replies.items()}
        per_byte = {letter: value / len(there[letter].encode()) for letter, value in sums.items()}
        decides = per_byte if self.per == "byte" else sums
        best = max(decides, key=lambda letter: decides[letter])
        told = {"sums": sums, "per_byte": per_byte}
        rounded = {name: {k: round(v, 6) for k, v in values.items()} for name, values in told.items()}
        return Response(f"Answer: {best}", detail=rounded)


def texts(prompt: str) -> dict[str, str]:
    """The text of each option of a prompt by its letter. An option goes on until the next one, or an empty line; if a
    letter comes twice, the text behind it is that of the last."""
    found = list(_OPTION.finditer(prompt))
    ends = [*(m.start() for m in found[1:]), len(prompt)]
    return {m[1]: prompt[m.end() : end].partition("\n\n")[0].strip() for m, end in zip(found, ends, strict=False)}


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
