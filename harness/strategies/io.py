"""One call, the prompt as it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from harness.types import Ask, Message, Response


@dataclass(frozen=True)
class IO:
    """Ask once, the prompt as it is (input-output prompting)."""

    single_call: ClassVar[bool] = True

    async def solve(self, messages: Sequence[Message], ask: Ask) -> Response:
        completion = await ask(messages)
        return Response(completion.text, (completion,), completion.stop_reason)
