"""Ask, and where the answer was wrong ask for the reasoning to the right one: the rationales of STaR (Zelikman, Wu, Mu,
Goodman 2022, arXiv 2203.14465).

What STaR trains on, without the training: rationales that reach the answer, by themselves or with the answer as a hint
(rationalisation). A hinted response is no evidence that the model can solve the problem: the record's detail says
`strategy.hinted`, the aid is `oracle`, and `harness export --to sft` leaves it out unless it is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.options import option
from harness.types import Aid, Message, Response, Session


@dataclass(frozen=True)
class STaR:
    """Ask; if the answer is wrong, ask again with the right one as a hint (rationales of STaR)."""

    hint: str = option(
        "Hint: the right answer is as follows. Reason as if you did not know it, and arrive at it.",
        "what is put under the last user message, before the right answer",
    )

    aid: ClassVar[Aid] = "oracle"
    max_calls: ClassVar[int] = 2

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. The hinted response if it is right, else the first one."""
        [first] = await session.ask(session.messages)
        session.note(role="answer", round=0, text=first.text, stop_reason=first.stop_reason)
        if first.error or session.right(first.text, first.stop_reason):
            return Response(first.text, first.stop_reason, detail={"hinted": False})
        *before, last = session.messages
        hinted = Message(last.role, f"{last.content}\n\n{self.hint}\n{session.solution()}")
        [second] = await session.ask([*before, hinted])
        session.note(role="answer", round=1, text=second.text, stop_reason=second.stop_reason, hinted=True)
        kept = session.right(second.text, second.stop_reason)
        chosen = second if kept else first
        return Response(chosen.text, chosen.stop_reason, detail={"hinted": kept})
