"""The nouns, all frozen: Task, Sample, Request, Completion, Model, Strategy, Response, Score, Record.

One sample goes through them left to right (generate -> solve -> score -> record) and never back.
Knows no task, no model and no file; imports the standard library only.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

Scalar = str | int | float | bool | None
"""What a parameter of a sample may be: it becomes a cell of the tidy table."""

Params = Mapping[str, Scalar]


class Message(NamedTuple):
    """One turn of a conversation; `role` is system, user or assistant."""

    role: str
    content: str

    def as_dict(self) -> dict[str, str]:
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
    """

    id: str
    group: str
    condition: str
    params: Params
    messages: tuple[Message, ...]
    target: str


@dataclass(frozen=True, slots=True)
class Sampling:
    """Decoding parameters; None leaves a value to the server. `logprobs` is how many alternatives a token."""

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    reasoning_effort: str | None = None


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: for baselines and replay, which answer without reading the prompt."""

    task: Task
    sample: Sample
    epoch: int


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a model. A real model must not look at `origin`. `max_tokens_given` says that the user chose
    sampling.max_tokens; the default of a task may be lowered to what a server's context has room for."""

    messages: tuple[Message, ...]
    sampling: Sampling
    origin: Origin | None = None
    max_tokens_given: bool = False


class TokenLogprob(NamedTuple):
    """A generated token, its natural-log probability, and the most likely alternatives with theirs."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


StopReason = Literal["stop", "length", "content_filter", "other"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model returned. `text` is the answer alone; text of a thinking section is in `thinking`.

    Token counts are None where the server did not say. `served_by` is the model name that the server
    reports (a revision, where it has one).

    `error` has the server's words if it refused to answer this prompt for good: because of what it says (stop_reason
    content_filter) or because it does not fit (length). `notes` are sentences for the reader of the run's table; they
    are counted, so they hold nothing of the one sample.
    """

    text: str
    stop_reason: StopReason = "stop"
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    thinking_tokens: int | None = None
    thinking: str = ""
    logprobs: tuple[TokenLogprob, ...] | None = None
    latency_s: float = 0.0
    served_by: str = ""
    retries: int = 0
    notes: tuple[str, ...] = ()
    error: str = ""


class Model(Protocol):
    """Completes requests. `identity` is everything that can change an answer (revision, engine arguments);
    it goes into a record's identity, so that nothing stale is reused. Secrets never do.

    `complete` raises harness.errors.ModelError where no answer could be had; retries are its own affair.
    """

    name: str
    max_connections: int

    @property
    def identity(self) -> Params: ...

    async def start(self) -> None:
        """Make ready to answer: load, connect, start a server. Called once, before the first request."""

    async def complete(self, request: Request) -> Completion: ...

    async def close(self) -> None:
        """Give back what start took. Called once, whatever happened in between."""


@runtime_checkable
class Checked(Protocol):
    """A model that can tell before any run starts that it will not: a key is missing."""

    def check(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ModelOptions:
    """How to reach and drive a model: what the options of `harness run` and the registry say.

    `extra` holds the `-M key=value` pairs, as text; a backend takes those it knows and refuses others.
    """

    base_url: str | None = None
    api_key_env: str | None = None
    max_connections: int | None = None
    max_retries: int = 5
    timeout: float = 600.0
    extra: Mapping[str, str] = field(default_factory=dict)


Ask = Callable[..., Awaitable[Completion]]
"""`await ask(messages, **changes)`: one call of the model; `changes` are fields of Sampling.

Calls may depend on each other or run side by side; each is limited, counted and kept by the runner.
"""


@dataclass(frozen=True, slots=True)
class Response:
    """A strategy's answer: the final text, why it ended, and every completion that went into it."""

    text: str
    completions: tuple[Completion, ...]
    stop_reason: StopReason = "stop"

    @property
    def refusal(self) -> str:
        """The words of a server that refused the prompt, so that there is nothing to score; else ""."""
        return "" if self.text else next((c.error for c in self.completions if c.error), "")


@runtime_checkable
class Strategy(Protocol):
    """How a model is asked for one answer. Built from its `-S key=value` options (a frozen dataclass).

    `single_call` promises exactly one call a sample; others have each call journaled, so that a run that
    was cut off resumes in the middle of a sample.
    """

    single_call: ClassVar[bool]

    async def solve(self, messages: Sequence[Message], ask: Ask) -> Response: ...


class Outcome(StrEnum):
    """What became of a sample. An infrastructure error is never a wrong answer, and never dropped."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNPARSED = "unparsed"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    API_ERROR = "api_error"
    VERIFIER_ERROR = "verifier_error"

    @property
    def has_verdict(self) -> bool:
        """Whether the model had its say: only these outcomes are in an accuracy's denominator."""
        return self in (Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED, Outcome.REFUSED)

    @property
    def is_infrastructure(self) -> bool:
        """Whether the sample should be run again: the model is not to blame."""
        return self in (Outcome.API_ERROR, Outcome.VERIFIER_ERROR)


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on one response. `value` is 1, 0 or between; None without a verdict."""

    outcome: Outcome
    value: float | None
    answer: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, correct: bool, answer: str, **detail: Any) -> Score:
        return cls(Outcome.CORRECT if correct else Outcome.WRONG, float(correct), answer, detail)

    @classmethod
    def without_answer(cls, outcome: Outcome, **detail: Any) -> Score:
        return cls(outcome, 0.0 if outcome.has_verdict else None, None, detail)


class Task(Protocol):
    """One family of problems. Built from its `-T key=value` options (a frozen dataclass).

    `version` goes up when any generated sample or score changes. `factors` names the params whose values
    make up the condition: what the task changes on purpose, and nothing else. A class variable `differs` may say
    which features of prompt and target each factor changes by design (harness.audit.FEATURES, or `all`).

    A task may also have a static method `extras(records) -> list[harness.tables.Extra]`: tables of its own measures,
    shown under the accuracy of a run; `baselines`, further kinds of baseline that it knows (planner); and
    `slow_samples`, where making a sample may take long enough to be done in a thread.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    factors: ClassVar[tuple[str, ...]]

    @property
    def epochs(self) -> int:
        """How often each sample is asked, unless the user says otherwise."""

    @property
    def limit(self) -> int | None:
        """How many samples to draw, unless the user says otherwise, where they have no end; None where they have."""

    @property
    def sampling(self) -> Sampling:
        """The protocol's decoding parameters; the user's options go over them."""

    def samples(self, seed: int) -> Iterator[Sample]:
        """The samples in a fixed order, drawn lazily, perhaps without end. The conditions of a group follow
        each other, so that any limit leaves matched groups."""

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict, from the sample's params alone. Never raises on any text."""

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """What `baseline/KIND` answers, in the form the prompt asks for; kinds: oracle, random, shallow."""

    def examples(self, rng: random.Random, varied: bool = False) -> Iterator[Example]:
        """Worked examples without end that share no numbers with a published sample: for few-shot prompts, in the
        form that the options ask for; `varied`, in every form there is, to train the embedded model."""


@dataclass(frozen=True, slots=True)
class Record:
    """Sample + response + score + usage: one row. The field names are the columns of the tidy table."""

    run_id: str
    task: str
    task_version: str
    model: str
    strategy: str
    id: str
    group: str
    condition: str
    epoch: int
    params: Params
    input: list[dict[str, str]]
    target: str
    response: str
    outcome: str
    value: float | None
    answer: str | None
    detail: Mapping[str, Any]
    stop_reason: str | None
    calls: int
    prompt_tokens: int | None
    completion_tokens: int | None
    thinking_tokens: int | None
    latency_s: float | None
    error: str | None
    thinking: str
    served_by: str
    logprobs: list[TokenLogprob] | None
    identity: str
