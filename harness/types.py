"""The nouns, all frozen: Task, Sample, Request, Completion, Model, Strategy, Response, Score.

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
    are counted, so they hold nothing of the one sample. `key` is that of the call in calls.jsonl: the session fills it
    in, for strategies of more than one call.
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
    key: str = ""


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


@runtime_checkable
class Waits(Protocol):
    """A model that may have to wait for its server before it can answer anything."""

    @property
    def waiting(self) -> str:
        """What it waits for, in words; "" if it does not wait."""


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
        """

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
        """Take in one record, a flat dict with the columns of harness.pipeline.record."""

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
    """What can be measured of a sample -> the param that holds the number: `steps` is the length of its solution,
    `tokens` what a right answer takes at least (characters / 4): a run whose limit is lower says so. Audited between
    conditions, and drawn in the report."""
    baselines: ClassVar[Mapping[str, str]] = {}
    """Kinds of baseline beside oracle, random and shallow -> what they answer. They may take their time."""
    behind_slash: ClassVar[str] = ""
    """The option that may stand behind the task's name: `-t hub/gsm8k` is `-t hub -T set=gsm8k`."""
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

    # Controls: what each gap of the task is compared with (`harness run --placebo`, `--sensitivity`).

    placebos: ClassVar[Mapping[str, str]] = {}
    """Rewordings of a sample that must not matter -> what they change, in words: other names, another order of
    sentences that carry no order, synonyms, another layout. Two or three for each task."""
    changes: ClassVar[Mapping[str, str]] = {}
    """Changes of one fact of a sample, after which another answer is right -> what they change, in words."""

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        """The same question in the same group and condition, reworded as `placebos` says; the right answer is the same,
        except for its names. None if this sample can't be. The caller gives it its id and its `control`."""
        return None

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        """The sample with one fact changed as `changes` says, its own words otherwise: another answer is right, with
        params that say so. None if this sample can't be. The caller gives it its id and its `control`."""
        return None

    # What strategies may use; a task overrides what it has.

    def read(self, params: Params, response: str, stop_reason: StopReason = "stop") -> str | None:
        """See Session.answer. By default the answer that `score` shows: a task whose scorer puts the right answer in
        the place of what was read overrides this, as a reader must not know what is right."""
        return self.score(params, response, stop_reason).answer

    def answer_key(self, answer: str) -> str:
        """See Session.key: an answer that `read` gave, in one form. By default in lower case, with single spaces."""
        return " ".join(answer.casefold().split())

    def steps(self, params: Params, partial: str, k: int) -> list[Message] | None:
        """See Session.steps. Whether a partial answer is complete must be seen from its text, not by a verifier."""
        return None

    def join(self, partial: str, thought: str) -> str:
        """See Session.join."""
        return f"{partial}\n{thought}" if partial else thought

    def weigh(self, params: Params, partial: str) -> list[Message] | None:
        """See Session.weigh. Nothing that only a solver or an executor knows."""
        return None

    def judge(self, params: Params, partial: str) -> float | None:
        """See Session.judge. Only what follows from the question: never from a stored answer."""
        return None

    judge_aid: ClassVar[Aid] = "verifier"
    """What `judge` tells: "oracle" if of a question with two answers it tells which one is right."""

    feedback_aid: ClassVar[Aid] = "oracle"
    """What `feedback` knows: "verifier" if it follows from the question alone, "oracle" if the stored answer is needed.
    """

    verifiable: ClassVar[str] = ""
    """If the aid is "oracle": options with which it is "verifier", as `-T form=number`. It is one for a whole run."""

    def feedback(self, params: Params, response: str, level: str, stop_reason: StopReason = "stop") -> Feedback | None:
        """See Session.feedback; its text never gives the answer away. By default whether `score` finds the response
        right, at every level."""
        return Feedback.of(self.score(params, response, stop_reason))

    # What a task loads from elsewhere.

    @classmethod
    def pins(cls) -> Sequence[Any]:
        """The published sets that the task can load (harness.hub.Pin): `harness doctor --hub` looks for each."""
        return ()

    def data(self) -> Mapping[str, Any]:
        """What the samples were made from, if it was loaded (harness.hub.loaded): it stands in run.json under `data`.
        Asked once samples were drawn. `note`, if there is one, is a sentence for the reader of the run's table."""
        return {}

    def close(self) -> None:
        """Release what the task has started, such as a planner. Called once at the end of a run, whatever happened."""
