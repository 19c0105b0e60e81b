"""How a model is asked for one answer, and what help there is."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from harness.types.model import Completion, Cut, Sampling, StopReason
from harness.types.sample import Message
from harness.types.score import Outcome, Score

Aid = Literal["none", "reader", "verifier", "oracle"]
"""What helps a strategy beside the model: nothing; the reader of answers (it sees which answer a text gives, not if it
is right); a sound verifier (it sees if a whole or partial answer holds, from the question alone); the answer key."""


@dataclass(frozen=True, slots=True)
class Response:
    """A strategy's answer: the final text, and why it ended.

    `best_so_far`: a search that met its limit has no answer, and the sample is `truncated`; the answer that it held at
    that moment (perhaps "") stands in the record's detail, and is not scored. None if the strategy came to its end.
    `detail` is what the strategy has to say of the sample: it stands in the record's detail under `strategy`.
    """

    text: str
    stop_reason: StopReason = "stop"
    best_so_far: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a task says of a response to the model that gave it, never the answer. `right`: there is nothing to mend."""

    right: bool
    text: str

    @classmethod
    def of(cls, score: Score) -> Feedback:
        """The level `binary`: whether the answer is right, and not a word more."""
        if score.value == 1:
            return cls(True, "The answer is correct.")
        if score.outcome is Outcome.TRUNCATED:
            return cls(False, CUT)
        return cls(False, "The answer is wrong." if score.answer is not None else UNREADABLE)


UNREADABLE = "An answer could not be read. Give it in the form that was asked for."
CUT = "The response was cut off before its answer was complete. Give a shorter one."


class Spent(NamedTuple):
    """Calls made for a sample so far, and their tokens, of the prompts and of the answers."""

    calls: int
    prompt_tokens: int
    completion_tokens: int


class Session(Protocol):
    """One sample as a strategy sees it: the prompt and the model, and what help it has declared. Never the params, in
    which the answer stands. AidError (harness.errors) for help that was not declared."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """The prompt."""

    @property
    def rng(self) -> random.Random:
        """Of this sample, repeat and seed alone: the same in a run that is resumed."""

    @property
    def sampling(self) -> Sampling:
        """How the run decodes, if `ask` changes nothing."""

    @property
    def spent(self) -> Spent:
        """Calls and tokens of this sample so far."""

    async def ask(
        self, messages: Sequence[Message], *, n: int = 1, shared: bool = False, **changes: Any
    ) -> list[Completion]:
        """`n` answers of the model to these messages; `changes` are fields of Sampling.

        Calls may depend on each other or run side by side; each is limited, counted and kept by the runner. `shared`:
        samples of a run that ask the same get the same answers. They depend on what is asked alone, and not on which
        sample asks first; the first pays (calls.jsonl), and each counts the call as its own (the record).

        If the last message is the assistant's, the model goes on from its end. A strategy that asks so has
        `continues = True` beside its aid, so that a model that can't is refused before anything is sent. `given=TEXT`
        asks how likely a text is as the answer (ScoresText); a strategy that does so has `scores_text = True` likewise.
        """

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        """See Continues.cut. Aid: none."""

    def answer(self, text: str, stop_reason: StopReason = "stop") -> str | None:
        """The answer that the task reads from a text, None if there is none. Aid: reader."""

    def key(self, text: str, stop_reason: StopReason = "stop") -> str | None:
        """The answer of a text in one form: texts that give the same answer, however written, have the same key. None
        if there is no answer. Aid: reader."""

    def steps(self, partial: str, k: int) -> list[Message] | None:
        """The prompt for `k` next thoughts behind a partial answer; None if the task knows no steps. Aid: none."""

    def join(self, partial: str, thought: str) -> str:
        """A partial answer with one more thought; as it was, if the thought does not have the form of a step. Aid:
        none."""

    def weigh(self, partial: str) -> list[Message] | None:
        """The prompt that asks whether something right can still come of a partial answer; the reply ends with one of
        the words sure, likely and impossible. None if the task has no words of its own for it. Aid: none."""

    def judge(self, partial: str) -> float | None:
        """How good a partial answer is, exactly: 0 if nothing right can come of it, up to 1. None if the task can't
        tell. Aid: verifier; oracle if that tells the answer itself (Task.judge_aid)."""

    def right(self, text: str, stop_reason: StopReason = "stop") -> bool:
        """Whether a text is scored as correct. Aid: oracle."""

    def solution(self) -> str:
        """The right answer, as a person would read it. Aid: oracle."""

    def feedback(self, response: str, level: str = "first-error", stop_reason: StopReason = "stop") -> Feedback | None:
        """What is wrong with a response; None if the task has no feedback. `level`: binary, first-error, all-errors.
        Aid: verifier; oracle if the task knows it from its stored answer alone (Task.feedback_aid)."""

    def note(self, **node: Any) -> None:
        """Keep a node or an edge of a search for the report (nodes.jsonl): flat JSON values."""


@runtime_checkable
class Strategy(Protocol):
    """How a model is asked for one answer. Built from its `-S key=value` options (a frozen dataclass).

    `aid` is what it declares as its help, which may depend on its options; more is refused. `max_calls` is a promise
    too: at most so many calls a sample, None if it depends. A strategy of one call has its answer in the record at
    once; of others each call is journaled, so that a run that was cut off resumes in the middle of a sample.
    """

    @property
    def aid(self) -> Aid:
        """Its help: of the class, or of the instance if an option decides it."""

    @property
    def max_calls(self) -> int | None:
        """Most calls a sample; None if it depends on the answers."""

    async def solve(self, session: Session) -> Response:
        """The answer to one sample."""


@runtime_checkable
class Bounded(Protocol):
    """A strategy whose calls have limits of their own."""

    def most_tokens(self, longest: int) -> int:
        """Most tokens of all its answers to a sample, if that of the run's limit has `longest`."""
