"""One call, the prompt as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.types import Aid, Response, Session


@dataclass(frozen=True)
class IO:
    """Ask once, the prompt as it is (input-output prompting)."""

    aid: ClassVar[Aid] = "none"
    max_calls: ClassVar[int] = 1

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. One call, with the messages as they are."""
        [completion] = await session.ask(session.messages)
        return Response(completion.text, completion.stop_reason)
