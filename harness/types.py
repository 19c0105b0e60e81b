"""The nouns, all frozen: Task, Sample, Request, Completion, Model, Strategy, Response, Score, Record.

One sample goes through them left to right (generate -> solve -> score -> record) and never back.
Knows no task, no model and no file; imports the standard library only.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ClassVar, Literal, NamedTuple, Protocol, runtime_checkable

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

    Token counts are None if the server does not report them. `served_by` is the model name that the server reports,
    with its revision if it has one.

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

    `complete` retries by itself, the runner never does; it raises harness.errors.ModelError if no answer can be had.
    """

    name: str
    max_connections: int

    @property
    def identity(self) -> Params:
        """Known once `start` has returned."""

    async def start(self) -> None:
        """Make ready to answer: load, connect, start a server. Called once, before the first request."""

    async def complete(self, request: Request) -> Completion:
        """One completion of one request. Many may be under way at once, up to `max_connections`."""

    async def close(self) -> None:
        """Release what `start` acquired. Called exactly once, also after an error."""


@runtime_checkable
class Checked(Protocol):
    """A model that can tell before any run starts that it will not: a key is missing."""

    def check(self) -> None:
        """Raises UsageError if the model will not answer."""


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


Aid = Literal["none", "reader", "verifier", "oracle"]
"""What helps a strategy beside the model: nothing; the reader of answers (it sees which answer a text gives, not if it
is right); a sound verifier (it sees if a whole or partial answer holds, from the question alone); the answer key."""


class Scorer(NamedTuple):
    """What gave a verdict that is taken as it is: another tool, and its metric."""

    tool: str
    metric: str


@dataclass(frozen=True)
class PublishedAnswer:
    """One answer of a file that another program wrote.

    The installed task scores it, unless `scorer` says whose verdict is taken instead. `verdict` is that of the file:
    right or not, or a number from 0 to 1; None if it has none. `error` says why there is no answer. `task_version` is
    the one that the question was made with, "" if the file does not say. `usage` holds columns of a record that the
    file knows (prompt_tokens, calls ...).
    """

    task: str
    model: str
    sample: Sample
    response: str
    epoch: int = 1
    stop_reason: StopReason = "stop"
    verdict: bool | float | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)
    error: str = ""
    strategy: str = "published"
    aid: Aid = "none"
    task_version: str = ""
    scorer: Scorer | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A strategy's answer: the final text, and why it ended."""

    text: str
    stop_reason: StopReason = "stop"


@dataclass(frozen=True, slots=True)
class Feedback:
    """What a task says of a response to the model that gave it, never the answer. `right`: there is nothing to mend."""

    right: bool
    text: str


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
    def spent(self) -> Spent:
        """Calls and tokens of this sample so far."""

    async def ask(self, messages: Sequence[Message], *, n: int = 1, **changes: Any) -> list[Completion]:
        """`n` answers of the model to these messages; `changes` are fields of Sampling.

        Calls may depend on each other or run side by side; each is limited, counted and kept by the runner.
        """

    def answer(self, text: str) -> str | None:
        """The answer that the task reads from a text, None if there is none. Aid: reader."""

    def steps(self, partial: str, k: int) -> list[Message] | None:
        """The prompt for `k` next thoughts behind a partial answer; None if the task knows no steps. Aid: none."""

    def join(self, partial: str, thought: str) -> str:
        """A partial answer with one more thought. Aid: none."""

    def judge(self, partial: str) -> float | None:
        """How good a partial answer is, exactly: 0 if nothing right can come of it. Aid: verifier."""

    def feedback(self, response: str, level: str = "first-error") -> Feedback | None:
        """What is wrong with a response; None if the task has no feedback. `level`: binary, first-error, all-errors.
        Aid: verifier."""

    def note(self, **node: Any) -> None:
        """Keep a node or an edge of a search for the report (nodes.jsonl): flat JSON values."""


@runtime_checkable
class Strategy(Protocol):
    """How a model is asked for one answer. Built from its `-S key=value` options (a frozen dataclass).

    `aid` is what it declares as its help; more is refused. `max_calls` is a promise too: at most so many calls a
    sample, None if it depends. A strategy of one call has its answer in the record at once; of others each call is
    journaled, so that a run that was cut off resumes in the middle of a sample.
    """

    aid: ClassVar[Aid]

    @property
    def max_calls(self) -> int | None:
        """Most calls a sample; None if it depends on the answers."""

    async def solve(self, session: Session) -> Response:
        """The answer to one sample."""


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
        """A verdict on an answer that was read."""
        return cls(Outcome.CORRECT if correct else Outcome.WRONG, float(correct), answer, detail)

    @classmethod
    def without_answer(cls, outcome: Outcome, **detail: Any) -> Score:
        """An outcome without an answer: its value is 0 if it counts as a verdict, else None."""
        return cls(outcome, 0.0 if outcome.has_verdict else None, None, detail)


class Collector(Protocol):
    """Reads the records of a run one by one, and makes tables of them (harness.text.Extra)."""

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in one record, a flat dict with the columns of Record."""

    def tables(self) -> Sequence[Any]:
        """The tables that the records so far have something to say in."""


class Task:
    """One family of problems. A subclass is a frozen dataclass: its fields are the `-T key=value` options (harness.
    options.option), and it defines `samples`, `score`, `baseline` and `examples`. The rest has defaults.

    `version` goes up when any generated sample or score changes. `factors` names the params whose values make up the
    condition: what the task changes on purpose, and nothing else.
    """

    name: ClassVar[str]
    version: ClassVar[str]
    factors: ClassVar[tuple[str, ...]] = ()
    main: ClassVar[str] = ""
    """The factor whose contrast the task exists for: it is shown first. The first of `factors` if it is not named."""
    varies: ClassVar[str] = ""
    """The param whose values are the same problem with other numbers: how much rates spread between them within a
    condition is the fluctuation that `harness stats` shows. "" if the task has none."""
    differs: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Features of prompt and target that each factor changes by design (harness.results.audit.FEATURES, or `all`)."""
    measures: ClassVar[Mapping[str, str]] = {}
    """What can be measured of a sample -> the param that holds the number: `steps` is the length of its solution.
    Audited between conditions, and drawn in the report."""
    baselines: ClassVar[Mapping[str, str]] = {}
    """Kinds of baseline beside oracle, random and shallow -> what they answer. They may take their time."""
    slow_samples: ClassVar[bool] = False
    """Whether making a sample may take long enough to be done in a thread."""

    @property
    def epochs(self) -> int:
        """How often each sample is asked, unless the user says otherwise."""
        return 1

    @property
    def limit(self) -> int | None:
        """Number of samples drawn by default, if the task could draw them without end; None if they have an end."""
        return None

    @property
    def sampling(self) -> Sampling:
        """The protocol's decoding parameters; the user's options go over them."""
        return Sampling(temperature=0.0, max_tokens=2048)

    def samples(self, seed: int) -> Iterator[Sample]:
        """The samples in a fixed order, drawn lazily, perhaps without end. The conditions of a group follow
        each other, so that any limit leaves matched groups."""
        raise NotImplementedError

    def score(self, params: Params, response: str, stop_reason: StopReason = "stop") -> Score:
        """The verdict, from the sample's params alone. Never raises on any text."""
        raise NotImplementedError

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """What `baseline/KIND` answers, in the form the prompt asks for; kinds: oracle, random, shallow."""
        return sample.target if kind == "oracle" else ""

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        """Worked examples without end that share no numbers with a published sample: for the few-shot prompt of a
        sample, in its own form (its world, its prompt type ...), but with no hint at its answer. Given the same `rng`,
        samples of one group get the same examples, each in its form. Without a sample: in every form there is, to train
        the embedded model."""
        return iter(())

    @staticmethod
    def collector() -> Collector | None:
        """A new collector of the task's own tables, shown under the accuracy of a run; None if it has none."""
        return None

    # What search may use; a task overrides what it has.

    def steps(self, params: Params, partial: str, k: int) -> list[Message] | None:
        """See Session.steps."""
        return None

    def join(self, partial: str, thought: str) -> str:
        """See Session.join."""
        return f"{partial}\n{thought}" if partial else thought

    def judge(self, params: Params, partial: str) -> float | None:
        """See Session.judge. Only what follows from the question: never from a stored answer."""
        return None

    def feedback(self, params: Params, response: str, level: str) -> Feedback | None:
        """See Session.feedback. Only what follows from the question: never from a stored answer."""
        return None

    def close(self) -> None:
        """Release what the task has started, such as a planner. Called once at the end of a run, whatever happened."""


@dataclass(frozen=True, slots=True)
class Record:
    """Sample + response + score + usage: one row. The field names are the columns of the tidy table."""

    run_id: str
    task: str
    task_version: str
    model: str
    strategy: str
    aid: str
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
