"""One call with a request to reason first: zero-shot chain of thought (Kojima et al. 2022, arXiv 2205.11916)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from harness.options import option
from harness.types import Aid, Message, Response, Session


@dataclass(frozen=True)
class CoT:
    """Ask once, with "Let's think step by step." under the prompt (zero-shot chain of thought)."""

    trigger: str = option("Let's think step by step.", "what is put under the last user message")

    aid: ClassVar[Aid] = "none"
    max_calls: ClassVar[int] = 1

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. One call, with `trigger` under the last message."""
        *before, last = session.messages
        asked = [*before, Message(last.role, f"{last.content}\n\n{self.trigger}")]
        [completion] = await session.ask(asked)
        return Response(completion.text, completion.stop_reason)
