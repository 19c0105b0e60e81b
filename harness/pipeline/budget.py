"""The token budget of a run (--budget-tokens): what is used, and what is reserved for requests under way."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

from harness.errors import BudgetSpent
from harness.types import Completion, Request

CHARACTERS_A_TOKEN = 4
"""Of English text: for what a server does not count."""

ESTIMATED = f"the server sent no token counts: for the budget, {CHARACTERS_A_TOKEN} characters counted as a token"


class Budget:
    """Lets a request begin only while the tokens used and reserved together are below the limit. So a run uses at most
    the limit and what one request may take (its prompt, as estimated, and its max_tokens), and a small budget lets
    fewer requests run side by side. Without a limit it only counts."""

    def __init__(self, limit: int | None, used: int = 0) -> None:
        self.limit, self.used = limit, used
        self._reserved = 0
        self._longer = 0  # the most by which a prompt was longer than estimated
        self._freed = asyncio.Event()

    async def reserve(self, request: Request) -> int:
        """Reserve what a request may take, and return it: `settle` takes it back. Waits while the requests under way
        might use up the limit. Raises BudgetSpent once it is used up."""
        if self.limit is None:
            return 0
        while self.used + self._reserved >= self.limit:
            if self.used >= self.limit:
                raise BudgetSpent(f"the budget of {self.limit} tokens is spent ({self.used} used)")
            self._freed.clear()
            await self._freed.wait()
        given = request.sampling.given
        answer = request.sampling.max_tokens if given is None else len(given) // CHARACTERS_A_TOKEN + 1
        # An answer of unknown length may take all that is left: nothing is asked beside it.
        most = self.limit if answer is None else _prompt(request) + self._longer + answer
        self._reserved += most
        return most

    def settle(self, reserved: int, request: Request, completion: Completion | None) -> None:
        """Take back what was reserved, and count what was used; `completion` is None if there was no answer."""
        self._reserved -= reserved
        if completion is not None:
            self._longer = max(self._longer, (completion.prompt_tokens or 0) - _prompt(request))
            texts = (m.content for m in request.messages)
            self.used += used(
                completion.prompt_tokens,
                completion.completion_tokens,
                () if completion.error else texts,
                (completion.text, completion.thinking),
            )
        self._freed.set()


def used(prompt_tokens: Any, completion_tokens: Any, prompt: Iterable[str], answer: Iterable[str]) -> int:
    """Tokens of a call by the server's counts; those that it does not give are estimated from the texts."""
    return sum(
        count if isinstance(count, int) else sum(map(len, texts)) // CHARACTERS_A_TOKEN
        for count, texts in ((prompt_tokens, prompt), (completion_tokens, answer))
    )


def paid_before(messages: Any, answer: Mapping[str, Any]) -> int:
    """Tokens that an earlier try has used for a record, or for a completion in its journal; `messages` are its
    input."""
    asked = [m.get("content") for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []
    said = [answer.get(name) for name in ("response", "text", "thinking")]
    return used(
        answer.get("prompt_tokens"),
        answer.get("completion_tokens"),
        () if answer.get("error") else [text for text in asked if isinstance(text, str)],
        [text for text in said if isinstance(text, str)],
    )


def _prompt(request: Request) -> int:
    return sum(len(m.content) for m in request.messages) // CHARACTERS_A_TOKEN + 1
