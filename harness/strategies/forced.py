"""Think once, then answer early: one trace of thinking, cut at several places, each closed and asked for its answer.

Budget forcing (Muennighoff et al. 2025, arXiv 2501.19393) ends thinking by appending the tag that closes it. Here one
trace is cut at every budget, so that the answers differ in nothing but where it was cut. `harness budget` makes
accuracy and gaps by budget of it. Of a model with other tags than <think>, `open` and `close` are what its template
has there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from harness.errors import UsageError
from harness.options import option, settle
from harness.reading.envelope import split_thinking
from harness.types import Aid, Completion, Cut, Message, Response, Sampling, Session

POINTS = 8
"""Budgets if none are given: each is twice the one before."""
MOST = 1_000_000
CHARACTERS_A_TOKEN = 4
"""Of a trace whose tokens nobody counts."""


@dataclass(frozen=True)
class Forced:
    """Ask once, then again for the answer after a part of the thinking, for several parts (`harness budget`)."""

    at: tuple[int, ...] = option(
        (),
        "tokens of thinking after which the answer is asked for, as 64,128,256  "
        f"[{POINTS} budgets, each twice the one before, up to --thinking-tokens or else --max-tokens]",
        between=(1, MOST),
    )
    trace: Literal["thinking", "text"] = option(
        "thinking", "what is cut: the thinking, or the text of the answer itself, of a model that reasons in it"
    )
    open: str = option(r"<think>\n", r"what stands before the thinking; \n is a line end")
    close: str = option(r"\n</think>\n\n", "what ends the thinking")
    ask: str = option("Final answer:", "what the answer begins with once thinking is closed")
    answer_tokens: int = option(32, "most tokens of an answer that is asked for early", between=(1, 4096))

    aid: ClassVar[Aid] = "none"
    continues: ClassVar[bool] = True

    def __post_init__(self) -> None:
        settle(self, "strategy forced")
        object.__setattr__(self, "at", tuple(sorted(self.at)))

    @property
    def max_calls(self) -> int:
        """The whole trace, and an answer for each budget."""
        return 1 + (len(self.at) or POINTS)

    def most_tokens(self, longest: int) -> int:
        """See harness.types.Bounded."""
        return longest + (self.max_calls - 1) * self.answer_tokens

    def budgets(self, sampling: Sampling) -> tuple[int, ...]:
        """The budgets in tokens, in ascending order. UsageError if none are given and there is no limit to begin at."""
        if self.at:
            return self.at
        most = sampling.thinking_tokens or sampling.max_tokens
        if most is None:
            raise UsageError("strategy forced: no budgets", "give -S at=64,128,256, or --max-tokens")
        return tuple(sorted({n for i in range(POINTS) if (n := most >> i)}))

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. The response is that of the whole trace; the detail has what was answered
        at each budget: see `_early`."""
        budgets = self.budgets(session.sampling)
        [whole] = await session.ask(session.messages)
        trace = whole.text if self.trace == "text" else whole.thinking
        counted = {"prompt_tokens": whole.prompt_tokens, "completion_tokens": whole.completion_tokens}
        ended = whole.stop_reason != "length" or (self.trace == "thinking" and bool(whole.text.strip()))
        told: dict[str, Any] = {"budgets": list(budgets), "whole": counted, "length": 0, "closed": ended}
        told |= {"cut_by": "", "cuts": []}
        if not whole.error and trace.strip():
            cut, told["cut_by"] = await _cut(session, whole, trace, budgets)
            told["length"] = cut.length
            parts = {b: part for b, part in zip(budgets, cut.parts, strict=True) if b < cut.length or not ended}
            told["cuts"] = await self._early(session, parts, cut.length)
        return Response(whole.text, whole.stop_reason, detail=told)

    async def _early(self, session: Session, parts: Mapping[int, str], length: int) -> list[dict[str, Any]]:
        """For each budget that is smaller than the trace (or all, if a limit ended the trace before its answer): `at`
        and what came of the part that is kept. Budgets that keep the same part are asked once: `same_as` is the one
        that was asked."""
        first = {part: b for b, part in sorted(parts.items(), reverse=True)}
        asked = [b for b, part in parts.items() if first[part] == b]
        answers = await asyncio.gather(*(self._answer(session, parts[b]) for b in asked))
        found = dict(zip(asked, answers, strict=True))
        own = [{"at": b, "kept": min(b, length), **found[b]} for b in asked]
        same = [{"at": b, "same_as": first[part]} for b, part in parts.items() if first[part] != b]
        return own + same

    async def _answer(self, session: Session, part: str) -> dict[str, Any]:
        opening, closing = ("", "\n\n") if self.trace == "text" else map(_lines, (self.open, self.close))
        words = _lines(self.ask)
        begun = Message("assistant", f"{opening}{part}{closing}{words}")
        how: dict[str, Any] = {"max_tokens": self.answer_tokens, "logprobs": None, "thinking_tokens": None}
        [made] = await session.ask([*session.messages, begun], **how)
        text = f"{words}{'' if made.text[:1].isspace() or not words else ' '}{made.text}"
        return {
            "text": text,
            "stop_reason": made.stop_reason,
            "reopened": bool(made.thinking or split_thinking(made.text)[1]),
            "error": made.error,
            "prompt_tokens": made.prompt_tokens,
            "completion_tokens": made.completion_tokens,
            "cached_tokens": made.cached_tokens,
        }


def _lines(text: str) -> str:
    return text.replace("\\n", "\n")


async def _cut(session: Session, whole: Completion, trace: str, budgets: Sequence[int]) -> tuple[Cut, str]:
    """The trace cut at each budget, and what told the tokens apart: logprobs, the model's tokenizer, or the share of
    characters."""
    if whole.logprobs and (cut := by_logprobs([t.token for t in whole.logprobs], trace, budgets)):
        return cut, "logprobs"
    if cut := await session.cut(trace, budgets):
        return cut, "tokenizer"
    return by_characters(whole, trace, budgets), "characters"


def by_logprobs(tokens: Sequence[str], trace: str, budgets: Sequence[int]) -> Cut | None:
    """A trace cut at the tokens that the server sent with their log-probabilities; None if it is not in them."""
    start = "".join(tokens).find(trace)
    if start < 0:
        return None
    ends, position = [], 0
    for token in tokens:
        position += len(token)
        if position > start:
            ends.append(min(position - start, len(trace)))
        if position >= start + len(trace):
            break
    return Cut(len(ends), tuple(trace[: ends[min(b, len(ends)) - 1]] for b in budgets))


def by_characters(whole: Completion, trace: str, budgets: Sequence[int]) -> Cut:
    """A trace cut at a share of its characters: as if all of its tokens were equally long."""
    length = whole.thinking_tokens if trace == whole.thinking else whole.completion_tokens
    if not length and whole.completion_tokens:
        length = round(whole.completion_tokens * len(trace) / (len(trace) + len(whole.text)))
    length = max(1, length or len(trace) // CHARACTERS_A_TOKEN)
    return Cut(length, tuple(trace[: len(trace) * min(b, length) // length] for b in budgets))
