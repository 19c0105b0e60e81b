"""A scripted model that thinks: for each prompt it is known after how many tokens of thinking it knows the answer.

`MockServer(respond=Thinker(minds))` serves it with thinking apart from the answer (as a reasoning parser does), a
tokenizer whose tokens are words, a chat template that opens the thinking section, and a prefix cache.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.types import Sample

OPEN, CLOSE = "<think>\n", "\n</think>\n\n"
_PIECES = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class Mind:
    """How one prompt is thought about. `knows` is the least number of tokens after which the answer is right, `loses`
    the number from which on it is wrong again; both None for never. `thinks_on`: asked to answer before it knows, it
    goes on thinking: with a tag ("tag"), or in so many words ("words"). `hurries`: with a limit that it knows of, it
    gets there by so many tokens earlier, so that a cut trace is no true re-run."""

    right: str
    wrong: str
    length: int
    knows: int | None
    loses: int | None = None
    thinks_on: str = ""
    hurries: int = 0

    def answer(self, thought: int) -> str:
        """What it answers after so many tokens of thinking."""
        knows = self.knows is not None and thought >= self.knows and (self.loses is None or thought < self.loses)
        return self.right if knows else self.wrong


def thought(tokens: int) -> str:
    """Thinking of so many tokens."""
    return " ".join(f"step{i}" for i in range(tokens))


class Thinker:
    """Answers as the mind of each prompt does. `counts` has what was asked of it."""

    def __init__(self, minds: Mapping[str, Mind], tokenizer: bool = True, cached: bool = True) -> None:
        """`minds` by the text of the prompt. Without `tokenizer` there is no /tokenize; without `cached` no count of
        cached tokens."""
        self.minds, self.tokenizer, self.cached = dict(minds), tokenizer, cached
        self.counts: Counter[str] = Counter()
        self._ids: dict[str, int] = {}
        self._pieces: list[str] = []

    def __call__(self, path: str, body: dict[str, Any]) -> dict[str, Any] | None:
        """See MockServer."""
        if path.endswith("tokenize"):
            return self._tokens(path, body) if self.tokenizer else None
        self.counts[path] += 1
        if path == "/completions":
            prompt = body["prompt"] if isinstance(body["prompt"], str) else self._text(body["prompt"])
            question, _, begun = prompt.partition("<|assistant|>")
            return self._continued(question, begun, body["max_tokens"], "text", path)
        *asked, last = body["messages"]
        if last["role"] == "assistant":
            assert body["continue_final_message"] is True
            assert body["add_generation_prompt"] is False
            return self._continued(asked[-1]["content"], last["content"], body["max_tokens"], "message", path)
        return self._whole(last["content"], body)

    def _whole(self, question: str, body: Mapping[str, Any]) -> dict[str, Any]:
        mind, limit = self.minds[question], body.get("thinking_token_budget")
        length = min(mind.length, limit or mind.length)
        closed = length + 8 <= body["max_tokens"]
        length = length if closed else min(length, body["max_tokens"])
        known = length + mind.hurries if limit is not None else length
        answer = f"Final answer: {mind.answer(known)}" if closed else None
        usage = {"prompt_tokens": self._count(question), "completion_tokens": length + (3 if closed else 0)}
        usage |= {"completion_tokens_details": {"reasoning_tokens": length}}
        message = {"role": "assistant", "content": answer, "reasoning_content": thought(length)}
        choice = {"index": 0, "message": message, "finish_reason": "stop" if closed else "length"}
        return {"id": "c", "object": "chat.completion", "model": "mock", "choices": [choice], "usage": usage}

    def _continued(self, question: str, begun: str, most: int, kind: str, path: str) -> dict[str, Any]:
        mind = self.minds[question]
        steps, close, _ = begun.partition(CLOSE)
        assert close, f"the thinking is not closed: {begun!r}"
        assert begun.count("<think>") == 1, f"the thinking is opened more than once: {begun!r}"
        known = len(_PIECES.findall(steps.removeprefix(OPEN)))
        text, reason = f" {mind.answer(known)}", "stop"
        if mind.thinks_on and mind.answer(known) != mind.right:
            text, reason = {"tag": (f" <think> {thought(most)}", "length"), "words": (" hm" * most, "length")}[
                mind.thinks_on
            ]
        self.counts["thinks on"] += reason == "length"
        usage: dict[str, Any] = {"prompt_tokens": self._count(f"{question}<|assistant|>{begun}")}
        usage |= {"completion_tokens": min(most, self._count(text))}
        if self.cached:
            usage["prompt_tokens_details"] = {"cached_tokens": self._count(f"{question}<|assistant|>{steps}")}
        answer: dict[str, Any] = {"text": text}
        if kind == "message":
            answer = {"message": {"role": "assistant", "content": text}}
        choice = {"index": 0, **answer, "finish_reason": reason}
        return {"id": "c", "object": "text_completion", "model": "mock", "choices": [choice], "usage": usage}

    def _tokens(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if path == "/detokenize":
            return {"prompt": self._text(body["tokens"])}
        text = body["prompt"] if "prompt" in body else f"{body['messages'][-1]['content']}<|assistant|>{OPEN}"
        ids = []
        for piece in _PIECES.findall(text):
            if piece not in self._ids:
                self._ids[piece] = len(self._pieces)
                self._pieces.append(piece)
            ids.append(self._ids[piece])
        return {"tokens": ids, "count": len(ids), "max_model_len": 100_000}

    def _text(self, ids: Iterable[int]) -> str:
        return "".join(self._pieces[i] for i in ids)

    @staticmethod
    def _count(text: str) -> int:
        return len(_PIECES.findall(text))


def prompt_of(sample: Sample) -> str:
    """The key of a sample's mind."""
    return sample.messages[-1].content
