"""What a model is asked and what it returns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, runtime_checkable

from harness.types.sample import Message, Params, Sample

if TYPE_CHECKING:
    from harness.types.task import Task


@dataclass(frozen=True, slots=True)
class Sampling:
    """Decoding parameters; None leaves a value to the server. `logprobs` is how many alternatives a token.

    `given` is the text of the answer: the model writes nothing, and the completion has that text with the
    log-probability of each of its tokens (ScoresText).
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logprobs: int | None = None
    reasoning_effort: str | None = None
    thinking_tokens: int | None = None
    given: str | None = None

    def identity(self) -> dict[str, Any]:
        """What makes an answer another one. A parameter that came later counts if it is given: what was asked before
        there was one keeps its identity."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if name not in _LATER or value is not None}


_LATER = ("thinking_tokens", "given")


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from: for baselines and replay, which answer without reading the prompt."""

    task: Task
    sample: Sample
    epoch: int


@dataclass(frozen=True, slots=True)
class Request:
    """One call of a model. A real model must not look at `origin`. `max_tokens_given` says that the user chose
    sampling.max_tokens; the default of a task may be lowered to what a server's context has room for.

    If the last message is the assistant's, the answer has begun with it: the model goes on from its end, and the
    completion is what it adds (harness.types.Continues).
    """

    messages: tuple[Message, ...]
    sampling: Sampling
    origin: Origin | None = None
    max_tokens_given: bool = False

    @property
    def begun(self) -> str:
        """What the answer has begun with; "" if it is the model that begins."""
        return self.messages[-1].content if self.messages and self.messages[-1].role == "assistant" else ""


class TokenLogprob(NamedTuple):
    """A token of an answer, its natural-log probability, and the most likely alternatives with theirs."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


StopReason = Literal["stop", "length", "content_filter", "other"]


@dataclass(frozen=True, slots=True)
class Completion:
    """What a model returned. `text` is the answer alone; text of a thinking section is in `thinking`.

    Token counts are None if the server does not report them; `cached_tokens` are those of the prompt that it did not
    have to compute again. `served_by` is the model name that the server reports,
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
    cached_tokens: int | None = None


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


class Cut(NamedTuple):
    """Beginnings of a text, cut at tokens of the model: how many tokens the whole text has, and the beginnings."""

    length: int
    parts: tuple[str, ...]


@runtime_checkable
class Continues(Protocol):
    """A model that can go on from the beginning of an answer (Request.begun)."""

    @property
    def cannot_continue(self) -> str:
        """Why it can't after all, in words; "" if it can. Known before it is started."""

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        """The first so many tokens of a text, for each number in `at`; None if its tokens can't be had."""


@runtime_checkable
class ScoresText(Protocol):
    """A model that takes the text of an answer (Sampling.given) and says how likely it is.

    The completion has that text, the stop reason stop, and one TokenLogprob for each of the text's tokens: natural logs
    of the model's own distribution, whatever the temperature, each after the prompt, what the answer has begun with,
    and the tokens before it. `completion_tokens` is their number; the end of the answer is none of them. A text that
    does not fit into the context behind its prompt gets an empty completion with the stop reason length and an `error`.
    """

    @property
    def cannot_score_text(self) -> str:
        """Why it can't after all, in words; "" if it can. Known before it is started."""


@runtime_checkable
class LimitsThinking(Protocol):
    """A model that takes a limit of thinking tokens (Sampling.thinking_tokens)."""

    def check_thinking(self) -> None:
        """Raises UsageError, which says what to do, if it takes none after all."""


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
