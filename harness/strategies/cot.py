"""One call with a request to reason first: zero-shot chain of thought (Kojima et al. 2022, arXiv 2205.11916)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.options import option
from harness.types import Ask, Message, Response


@dataclass(frozen=True)
class CoT:
    """Ask once, with "Let's think step by step." under the prompt (zero-shot chain of thought)."""

    trigger: str = option("Let's think step by step.", "what is put under the last user message")

    single_call: ClassVar[bool] = True

    async def solve(self, messages: Sequence[Message], ask: Ask) -> Response:
        *before, last = messages
        completion = await ask([*before, Message(last.role, f"{last.content}\n\n{self.trigger}")])
        return Response(completion.text, (completion,), completion.stop_reason)
