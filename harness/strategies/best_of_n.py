"""Several samples, and a judge that takes the first one that is right.

With the task's verifier it is what a user with a sound checker can have (best-of-n with a verifier: Cobbe et al. 2021,
arXiv 2110.14168, who trained theirs). With the answer key it is a ceiling: the share of problems that any of n samples
solves (coverage: Brown et al. 2024, arXiv 2407.21787). All n are drawn; `llm-modulo -S feedback=none` stops earlier.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.options import option, settle
from harness.strategies import parts
from harness.types import Aid, Completion, Response, Session


@dataclass(frozen=True)
class BestOfN:
    """Ask n times and give the first sample that the verifier accepts, or the answer key (a ceiling)."""

    n: int = option(10, "number of samples", between=(1, 1000))
    by: Literal["verifier", "oracle"] = option("verifier", "who accepts: the task's verifier, or the answer key")

    def __post_init__(self) -> None:
        settle(self, "strategy best-of-n")

    @property
    def aid(self) -> Aid:
        """As the option `by` says."""
        return self.by

    @property
    def max_calls(self) -> int:
        """n."""
        return self.n

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. The first sample if none is accepted."""
        if self.n > 1:
            parts.need_temperature(session, "best-of-n")
        if self.by == "verifier":
            parts.feedback(session, parts.NOTHING, "binary")
        made = await session.ask(session.messages, n=self.n)
        accepted = [i for i, one in enumerate(made) if self._accepts(session, one)]
        chosen = made[accepted[0] if accepted else 0]
        detail = {"n": self.n, "accepted": len(accepted)}
        return Response(chosen.text, chosen.stop_reason, detail=detail)

    def _accepts(self, session: Session, one: Completion) -> bool:
        if self.by == "oracle":
            return session.right(one.text, one.stop_reason)
        return parts.feedback(session, one, "binary").right
