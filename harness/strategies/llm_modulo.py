"""Propose, verify, tell the model what is wrong, and again: LLM-Modulo (Kambhampati et al. 2024, arXiv 2402.01817).

The verifier decides, not the model: an answer that it accepts is right, and it may accept none. Asking anew helps even
if nothing is said, so what feedback adds is seen only against `feedback=none`: as many answers at most, but each asked
for as if it were the first. The published runs on PlanBench (Valmeekam et al. 2023, arXiv 2305.15771) ask at most 15
times.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.options import option, settle
from harness.strategies import parts
from harness.types import Aid, Message, Response, Session


@dataclass(frozen=True)
class LLMModulo:
    """Ask, and ask again with what the task's verifier says is wrong, until it accepts an answer (LLM-Modulo)."""

    rounds: int = option(15, "answers at most; the last one counts if none is accepted", between=(1, 1000))
    feedback: Literal["none", "binary", "first-error", "all-errors"] = option(
        "first-error",
        "what the model is told: binary, first-error, all-errors; none: it is asked as if for the first time",
    )
    max_calls: int | None = option(
        None, "calls at most; a sample that needs more is truncated  [as many as rounds]", between=(1, 1000)
    )

    aid: ClassVar[Aid] = "verifier"

    def __post_init__(self) -> None:
        settle(self, "strategy llm-modulo")
        object.__setattr__(self, "max_calls", min(self.rounds, self.max_calls or self.rounds))

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve."""
        level = "binary" if self.feedback == "none" else self.feedback
        parts.feedback(session, parts.NOTHING, level)
        if self.feedback == "none" and self.rounds > 1:
            parts.need_temperature(session, "llm-modulo -S feedback=none")
        messages = list(session.messages)
        [answer] = await session.ask(messages)
        for made in range(self.rounds):
            session.note(role="answer", round=made, text=answer.text, stop_reason=answer.stop_reason)
            told = parts.feedback(session, answer, level)
            if told.right or answer.error or made + 1 == self.rounds:
                break
            if self.feedback != "none":
                messages += [parts.said(answer), Message("user", f"{told.text}\n\n{AGAIN}")]
            again = await parts.ask_again(session, messages, self.max_calls, answer.text)
            if isinstance(again, Response):
                return again
            answer = again
        return Response(answer.text, answer.stop_reason, detail={"rounds": made + 1, "accepted": told.right})


AGAIN = "Give the whole answer again, corrected, in the form that was asked for."
