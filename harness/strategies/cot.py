"""One or two calls with a request to reason first: zero-shot chain of thought (Kojima et al. 2022, arXiv 2205.11916).

As published it makes two calls: one for the reasoning, and one that has the whole transcript and asks for the answer.
With one call the task reads the answer out of the reasoning. The published numbers are those of two calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from harness.options import option
from harness.strategies import parts
from harness.types import Aid, Message, Response, Session


@dataclass(frozen=True)
class CoT:
    """Ask with "Let's think step by step." under the prompt (zero-shot chain of thought)."""

    trigger: str = option("Let's think step by step.", "what is put under the last user message")
    extract: Literal["one-call", "two-call"] = option(
        "one-call", "one-call: the answer is read from the reasoning; two-call: a second call asks for it, as published"
    )
    extraction: str = option(
        "So what is the final answer? Give it alone, in the form that was asked for.", "two-call: what the second asks"
    )

    aid: ClassVar[Aid] = "none"

    @property
    def max_calls(self) -> int:
        """One or two, see `extract`."""
        return 2 if self.extract == "two-call" else 1

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve."""
        *before, last = session.messages
        asked = [*before, Message(last.role, f"{last.content}\n\n{self.trigger}")]
        [completion] = await session.ask(asked)
        if self.extract == "two-call" and not completion.error:
            [completion] = await session.ask([*asked, parts.said(completion), Message("user", self.extraction)])
        return Response(completion.text, completion.stop_reason)
