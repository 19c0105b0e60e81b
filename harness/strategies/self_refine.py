"""Answer, feedback, a better answer: Self-Refine (Madaan et al. 2023, arXiv 2303.17651).

The feedback is the model's own, or a verifier's, or the answer key's, which says no more than that an answer is wrong
and ends the loop at a right one. Huang et al. 2024 (arXiv 2310.01798) found that models seldom correct their reasoning
without such help, and that the key alone explains the gain: so each source is an `aid` of its own in every table.
`harness stats RUN` shows how answers changed from round to round. Compare at equal calls with self-consistency.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.options import option, settle
from harness.strategies import parts
from harness.types import Aid, Completion, Message, Response, Session


@dataclass(frozen=True)
class SelfRefine:
    """Ask, ask for feedback on the answer, ask for a better one (Self-Refine)."""

    rounds: int = option(3, "how often the answer is refined at most", between=(1, 100))
    feedback: Literal["self", "verifier", "oracle"] = option(
        "self", "whose feedback: the model's own, the task's verifier, or the answer key (right or wrong, no more)"
    )
    stop: Literal["phrase", "unchanged", "rounds"] = option(
        "phrase", "feedback=self ends if it contains the phrase, if an answer is unchanged, or after all rounds"
    )
    phrase: str = option("it is correct", "stop=phrase: the words that end it, in lower case")
    memory: Literal["all", "last"] = option("all", "which rounds the model sees: all, or the last one")
    max_calls: int | None = option(
        None, "calls at most; a sample that needs more is truncated  [as many as the rounds take]", between=(1, 1000)
    )

    def __post_init__(self) -> None:
        settle(self, "strategy self-refine")
        most = 1 + self.rounds * (2 if self.feedback == "self" else 1)
        object.__setattr__(self, "max_calls", min(most, self.max_calls or most))

    @property
    def aid(self) -> Aid:
        """As the option `feedback` says; whether an answer is unchanged takes a reader."""
        if self.feedback != "self":
            return self.feedback
        return "reader" if self.stop == "unchanged" else "none"

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve."""
        if self.feedback == "verifier":
            parts.feedback(session, parts.NOTHING, "first-error")
        [answer] = await session.ask(session.messages)
        session.note(role="answer", round=0, text=answer.text, stop_reason=answer.stop_reason)
        history: list[Message] = []
        refined, same = 0, False
        while refined < self.rounds and not same and not answer.error:
            turn = [*(history if self.memory == "all" else []), parts.said(answer)]
            told = await self._told(session, turn, answer)
            if isinstance(told, Response):
                return told
            if not told:
                break
            turn += told
            better = await parts.ask_again(session, [*session.messages, *turn], self.max_calls, answer.text)
            if isinstance(better, Response):
                return better
            refined += 1
            session.note(role="answer", round=refined, text=better.text, stop_reason=better.stop_reason)
            same = self.stop == "unchanged" and self._same(session, answer, better)
            history, answer = turn, better
        return Response(answer.text, answer.stop_reason, detail={"refined": refined})

    async def _told(self, session: Session, turn: Sequence[Message], answer: Completion) -> list[Message] | Response:
        """What the conversation goes on with: feedback, and the request for a better answer. Empty if nothing is to be
        mended; a Response if the sample is at its end."""
        if self.feedback == "oracle":
            right = session.right(answer.text, answer.stop_reason)
            return [] if right else [Message("user", f"The answer is wrong.\n\n{REFINE}")]
        if self.feedback == "verifier":
            found = parts.feedback(session, answer, "first-error")
            return [] if found.right else [Message("user", f"{found.text}\n\n{REFINE}")]
        asked = Message("user", REVIEW.format(phrase=self.phrase))
        review = await parts.ask_again(session, [*session.messages, *turn, asked], self.max_calls, answer.text)
        if isinstance(review, Response):
            return review
        session.note(role="feedback", text=review.text)
        ends = self.stop == "phrase" and self.phrase.lower() in review.text.lower()
        return [] if ends else [asked, parts.said(review), Message("user", REFINE)]

    def _same(self, session: Session, one: Completion, other: Completion) -> bool:
        if self.feedback != "self":
            return False  # the verifier or the key ends the loop
        key = session.key(one.text, one.stop_reason)
        return key is not None and key == session.key(other.text, other.stop_reason)


REVIEW = (
    "Review your answer above: go through it step by step and say what is wrong with it, if anything. "
    'If nothing is, say "{phrase}".'
)
REFINE = "Now give the whole answer again, improved by this feedback, in the form that was asked for."
