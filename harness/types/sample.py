"""A question: its messages, what is changed in it, and the right answer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

Scalar = str | int | float | bool | None
Param = Scalar | tuple[Scalar, ...]
"""What a parameter of a sample may be: it becomes a cell of the tidy table, a tuple as a JSON list. Read back from a
file a tuple is a list."""

Params = Mapping[str, Param]


class Message(NamedTuple):
    """One turn of a conversation; `role` is system, user or assistant."""

    role: str
    content: str

    def as_dict(self) -> dict[str, str]:
        """As APIs and records have it."""
        return {"role": self.role, "content": self.content}


class Example(NamedTuple):
    """A worked example: a prompt and a correct answer in the form that the prompt asks for."""

    prompt: str
    answer: str


@dataclass(frozen=True, slots=True)
class Sample:
    """One problem. Samples of a group ask for the same reasoning and differ in the condition alone.

    `id` names the sample and is unique in a run together with the epoch; `target` is the right answer
    as a person would read it. Scoring never reads `target`: it follows from `params` (see Task.score).

    `control` is "" for a question of the task. `placebo NAME` or `change NAME` is a question that stands beside one, of
    the same group and condition: Task.reworded and Task.changed. It is in no accuracy and no gap of the task.
    """

    id: str
    group: str
    condition: str
    params: Params
    messages: tuple[Message, ...]
    target: str
    control: str = ""
