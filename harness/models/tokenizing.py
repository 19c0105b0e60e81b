"""A server's own tokenizer, beside its OpenAI-compatible endpoints: /tokenize and /detokenize, as vLLM has them.

With it an answer is continued through the completions endpoint: the prompt as the chat template makes it, then what the
answer has begun with, as tokens. A chat endpoint would put the beginning through the template once more, which may drop
its thinking, and through a parser that takes what follows for thinking.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from harness.types import Cut, Message

Ask = Callable[[str, Mapping[str, Any]], Awaitable[Any]]
"""The JSON that the server replies to a JSON body at a path beside /v1; None if it has no such endpoint."""

KEPT = 512
"""Prompts whose tokens are kept: an answer is begun at several places in a row."""
END = 16
"""Tokens at the end of a prompt in which the opening of a thinking section is looked for."""


class ServerTokenizer:
    """What a server's tokenizer says; None wherever the server has none."""

    def __init__(self, ask: Ask, model: str, template: Any = None) -> None:
        """`template` are the arguments of the chat template that requests have, if they have some."""
        self._ask, self._model = ask, model
        self._template = {"chat_template_kwargs": template} if template else {}
        self._prompts: dict[tuple[Message, ...], tuple[list[int], str]] = {}

    async def begun(self, messages: tuple[Message, ...]) -> list[int] | None:
        """The tokens of a prompt and of the answer's beginning, which is the last message."""
        *asked, last = messages
        prompt = await self._prompt(tuple(asked))
        if prompt is None:
            return None
        ids, end = prompt
        text = opened_once(end, last.content)
        more = await self._ids({"prompt": text, "add_special_tokens": False}) if text else []
        return None if more is None else [*ids, *more]

    async def given(self, messages: tuple[Message, ...], text: str) -> tuple[list[int], list[int]] | None:
        """The tokens of a prompt, with what the answer has begun with, and those of a text that is to stand behind."""
        if messages[-1].role == "assistant":
            before = await self.begun(messages)
        else:
            prompt = await self._prompt(messages)
            before = prompt and prompt[0]
        own = await self._ids({"prompt": text, "add_special_tokens": False}) if text else []
        return None if before is None or own is None else (before, own)

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        """See harness.types.Continues.cut."""
        ids = await self._ids({"prompt": text, "add_special_tokens": False})
        if ids is None:
            return None
        parts = []
        for n in at:
            part = text if n >= len(ids) else await self._text(ids[:n])
            part = part if part is None else part.rstrip("\ufffd")  # half a character
            if part is None or not text.startswith(part):
                return None
            parts.append(part)
        return Cut(len(ids), tuple(parts))

    async def _prompt(self, messages: tuple[Message, ...]) -> tuple[list[int], str] | None:
        if messages not in self._prompts:
            asked = {"messages": [m.as_dict() for m in messages], "add_generation_prompt": True, **self._template}
            ids = await self._ids(asked)
            end = await self._text(ids[-END:]) if ids else None
            if ids is None or end is None:
                return None
            if len(self._prompts) >= KEPT:
                self._prompts.pop(next(iter(self._prompts)))
            self._prompts[messages] = (ids, end)
        return self._prompts[messages]

    async def _ids(self, asked: Mapping[str, Any]) -> list[int] | None:
        reply = await self._ask("/tokenize", {"model": self._model, **asked})
        ids = reply.get("tokens") if isinstance(reply, dict) else None
        # llama.cpp has an endpoint of this name that takes other fields: it gives no tokens for these.
        if not isinstance(ids, list) or not ids or not all(type(i) is int for i in ids):
            return None
        return ids

    async def _text(self, ids: Sequence[int]) -> str | None:
        if not ids:
            return ""
        reply = await self._ask("/detokenize", {"model": self._model, "tokens": list(ids)})
        text = reply.get("prompt") if isinstance(reply, dict) else None
        return text if isinstance(text, str) else None


_OPENING = re.compile(r"\s{0,10}(<[^<>/\n]{1,60}>|\[THINK\]|◁think▷)\s{0,10}")


def opened_once(prompt: str, begun: str) -> str:
    """What an answer begins with, without the tag that opens its thinking if the chat template has put one at the end
    of the prompt."""
    opening = _OPENING.match(begun)
    if opening is None or not prompt.rstrip().endswith(opening[1]):
        return begun
    return begun[opening.end() if prompt[-1:].isspace() else opening.end(1) :]
