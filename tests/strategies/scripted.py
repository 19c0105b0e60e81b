"""A Session without a run: a task's sample, and a function that answers. Deterministic, and quick enough for draws."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from harness.types import Completion, Message, Outcome, Params, Sampling, Spent, StopReason, Task

Reply = Callable[[str, int], "str | Completion"]
"""The answer to a prompt (its last message) that is asked for the n-th time, from 1."""


class Scripted:
    """Keeps what is asked (`asked`, in order) and what is noted (`nodes`)."""

    def __init__(self, reply: Reply, task: Task | None = None, params: Params | None = None, prompt: str = "?") -> None:
        self.reply, self.task, self.params = reply, task or Task(), params or {}
        self.messages = (Message("user", prompt),)
        self.rng = random.Random(0)
        self.temperature = 0.7
        self.asked: list[tuple[Message, ...]] = []
        self.nodes: list[dict[str, Any]] = []
        self._times: Counter[str] = Counter()

    @property
    def sampling(self) -> Sampling:
        return Sampling(temperature=self.temperature)

    @property
    def spent(self) -> Spent:
        return Spent(len(self.asked), 0, 0)

    async def ask(self, messages: Sequence[Message], *, n: int = 1, shared: bool = False, **_: Any) -> list[Completion]:
        made = []
        for _ in range(n):
            self.asked.append(tuple(messages))
            text = messages[-1].content
            self._times[text] += 1
            reply = self.reply(text, self._times[text])
            made.append(reply if isinstance(reply, Completion) else Completion(reply, key=str(len(self.asked))))
        return made

    def steps(self, partial: str, k: int):
        return self.task.steps(self.params, partial, k)

    def join(self, partial: str, thought: str) -> str:
        return self.task.join(partial, thought)

    def weigh(self, partial: str):
        return self.task.weigh(self.params, partial)

    def judge(self, partial: str):
        return self.task.judge(self.params, partial)

    def feedback(self, response: str, level: str = "first-error", stop_reason: StopReason = "stop"):
        return self.task.feedback(self.params, response, level, stop_reason)

    def answer(self, text: str):
        return self.task.score(self.params, text).answer

    def key(self, text: str, stop_reason: StopReason = "stop"):
        found = self.task.read(self.params, text, stop_reason)
        return None if found is None else self.task.answer_key(found)

    def right(self, text: str, stop_reason: StopReason = "stop") -> bool:
        return self.task.score(self.params, text, stop_reason).outcome is Outcome.CORRECT

    def note(self, **node: Any) -> None:
        self.nodes.append(node)

    def of(self, role: str) -> list[dict[str, Any]]:
        """The nodes of one role, in order."""
        return [node for node in self.nodes if node["role"] == role]
