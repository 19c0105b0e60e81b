"""Several samples, and a vote on their answers: self-consistency (Wang et al. 2022, arXiv 2203.11171).

The vote is on answers that were read, in one form each (Session.key), and every sample has one vote. A sample without
an answer does not vote, and is not replaced. Of answers with as many votes the one that came first wins.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

from harness.options import option, settle
from harness.strategies import parts
from harness.types import Aid, Response, Session


@dataclass(frozen=True)
class SelfConsistency:
    """Ask k times and give the answer that most samples agree on (majority vote)."""

    k: int = option(10, "number of samples, each with one vote", between=(1, 1000))

    aid: ClassVar[Aid] = "reader"

    def __post_init__(self) -> None:
        settle(self, "strategy self-consistency")

    @property
    def max_calls(self) -> int:
        """k."""
        return self.k

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. The response is the first sample with the winning answer; the first of all
        if no answer was read."""
        if self.k > 1:
            parts.need_temperature(session, "self-consistency")
        made = await session.ask(session.messages, n=self.k)
        keys = [session.key(one.text, one.stop_reason) for one in made]
        votes = Counter(key for key in keys if key is not None)
        most = max(votes.values(), default=0)
        tied = [key for key in votes if votes[key] == most]  # in the order in which they came
        winner = keys.index(tied[0]) if tied else 0
        for key, n in votes.items():
            session.note(role="vote", answer=key, votes=n, first=keys.index(key), won=key == tied[0], tied=n == most)
        detail = {"k": self.k, "voted": votes.total(), "votes": most, "tied": len(tied)}
        return Response(made[winner].text, made[winner].stop_reason, detail=detail)
