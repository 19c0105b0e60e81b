"""What a line of records.jsonl, a line of calls.jsonl and run.json may hold. These files may come from anybody: what is
of another type is refused here, once, so that nothing behind has to look again. Knows no files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple, get_args

from harness.errors import UsageError
from harness.pipeline.selection import read_limit
from harness.text import printable
from harness.twins import KINDS
from harness.types import Completion, Outcome, StopReason, TokenLogprob

MOST = 2**53
"""Counts below this are exact in JSON, and in every table."""
DEEPEST = 64
"""Values nested deeper than this are refused: they can be read, and not written again."""

PLACEBO, CHANGE = "placebo", "change"


def is_control(text: str) -> bool:
    """Whether a text is the `control` of a sample that is one: `placebo NAME` or `change NAME`."""
    kind, space, name = text.partition(" ")
    return kind in (PLACEBO, CHANGE) and bool(space and name)


OUTCOMES = frozenset(Outcome)
_STOP_REASONS = frozenset(get_args(StopReason))


class Field(NamedTuple):
    """What a value must be: of one of these types exactly (True is no number), and so that `holds`, if that is there.
    `words` say it. None needs no check."""

    types: frozenset[type]
    words: str
    holds: Callable[[Any], bool] | None = None

    @property
    def or_none(self) -> Field:
        """The same, or null."""
        return Field(self.types | {type(None)}, f"{self.words} or null", self.holds)


Fields = Mapping[str, Field]


def _field(words: str, *types: type, holds: Callable[[Any], bool] | None = None) -> Field:
    return Field(frozenset(types), words, holds)


def _in_columns(value: int) -> bool:
    return -(2**63) <= value < 2**63


_SCALARS: dict[type, Callable[[Any], bool] | None] = {
    str: None,
    bool: None,
    type(None): None,
    int: _in_columns,
    float: math.isfinite,
}


def _scalars(values: Collection[Any], lists: bool = False) -> bool:
    """Whether these are scalars that a table's column can hold, or with `lists` also lists of such."""
    for value in values:
        kind = type(value)
        if kind in _SCALARS:
            holds = _SCALARS[kind]
            if holds is not None and not holds(value):
                return False
        elif not (lists and kind in (list, tuple) and _scalars(value)):
            return False
    return True


def _messages(value: Collection[Any]) -> bool:
    return all(type(m) is dict and type(m.get("role")) is str and type(m.get("content")) is str for m in value)


def _tokens(value: Collection[Any], size: int = 3) -> bool:
    """Whether these are triples of a token, its log-probability, and pairs of the same for its alternatives."""
    return all(
        isinstance(t, list | tuple)
        and len(t) == size
        and type(t[0]) is str
        and type(t[1]) in (int, float)
        and t[1] < math.inf  # a probability of 0 is -Infinity; NaN is none
        and (size == 2 or (isinstance(t[2], list | tuple) and _tokens(t[2], 2)))
        for t in value
    )


def _limit(value: Any) -> bool:
    try:
        last = 0 if isinstance(value, float) else int(str(value).rpartition("-")[2])
        return read_limit(value) == value and last < MOST
    except (UsageError, ValueError):  # ValueError: a number of thousands of digits
        return False


def _most_samples(limit: Any) -> float:
    """How many samples a limit leaves at most; none (None) and a share (0.1) don't say."""
    if isinstance(limit, str):
        first, _, last = limit.partition("-")
        return int(last) - int(first) + 1
    return limit if isinstance(limit, int) else math.inf


_TEXT = _field("text", str)
_TRUTH = _field("true or false", bool)
_COUNT = _field("a whole number from 0 on", int, holds=lambda v: 0 <= v < MOST)
_FROM_ONE = _field("a whole number from 1 on", int, holds=lambda v: 1 <= v < MOST)
_WHOLE = _field("a whole number of 64 bits", int, holds=_in_columns)
_AMOUNT = _field("a number from 0 on", int, float, holds=lambda v: 0 <= v < MOST)  # NaN is none
_OBJECT = _field("an object", dict)
_CONTROL = _field("empty, `placebo NAME` or `change NAME`", str, holds=lambda v: not v or is_control(v))
_TEXTS = _field("a list of texts", list, tuple, holds=lambda v: all(type(t) is str for t in v))
_OPTIONS = _field("an object of texts", dict, holds=lambda v: all(type(t) is str for t in v.values()))
_MESSAGES = _field("a list of messages with role and content", list, tuple, holds=_messages)
_LOGPROBS = _field("a list of tokens with log-probabilities", list, tuple, holds=_tokens)

ESSENTIAL = frozenset("task id epoch group condition params outcome value response".split())
"""Without these keys a line is no record. Others may be missing: earlier versions had fewer."""

RECORD: Fields = {
    **dict.fromkeys("task id group condition response".split(), _TEXT),
    **dict.fromkeys("run_id task_version model strategy aid target answer stop_reason".split(), _TEXT.or_none),
    **dict.fromkeys("error thinking served_by identity".split(), _TEXT.or_none),
    **dict.fromkeys("calls cached prompt_tokens completion_tokens thinking_tokens".split(), _COUNT.or_none),
    "epoch": _FROM_ONE,
    "control": _CONTROL.or_none,
    "params": _field("an object of texts, numbers of 64 bits, truth values, or lists of these", dict,
                     holds=lambda v: _scalars(v.values(), lists=True)),
    "outcome": _field(f"one of {', '.join(Outcome)}", str, Outcome, holds=OUTCOMES.__contains__),
    "value": _field("a number from 0 to 1", int, float, bool, holds=lambda v: 0 <= v <= 1).or_none,
    "input": _MESSAGES.or_none,
    "detail": _OBJECT.or_none,
    "latency_s": _AMOUNT.or_none,
    "logprobs": _LOGPROBS.or_none,
}  # fmt: skip

VERDICT: Fields = {name: RECORD[name] for name in ("outcome", "value", "answer", "detail")}
"""The part of a record that a task's scorer gives."""

CALL: Fields = {
    "key": _TEXT,
    "id": _TEXT.or_none,
    "epoch": _FROM_ONE.or_none,
    "input": _MESSAGES.or_none,
    "completion": _OBJECT,
}

NODE: Fields = {"id": _TEXT, "epoch": _FROM_ONE}
"""A strategy's note (Session.note) has the place of its sample, and anything beside."""

COMPLETION: Fields = {
    **dict.fromkeys("text thinking served_by error key".split(), _TEXT),
    "stop_reason": _field(f"one of {', '.join(sorted(_STOP_REASONS))}", str, holds=_STOP_REASONS.__contains__),
    **dict.fromkeys("prompt_tokens completion_tokens thinking_tokens cached_tokens".split(), _COUNT.or_none),
    "logprobs": _LOGPROBS.or_none,
    "latency_s": _AMOUNT,
    "retries": _COUNT,
    "notes": _TEXTS,
}

_CONFIG: Fields = {
    **dict.fromkeys(("task", "model", "strategy"), _TEXT),
    **dict.fromkeys(("task_options", "strategy_options"), _OPTIONS),
    **dict.fromkeys(("model_options", "sampling"), _OBJECT.or_none),
    "seed": _WHOLE,
    "limit": _field("a limit as --limit takes it", int, float, str, holds=_limit).or_none,
    **dict.fromkeys(("epochs", "budget_tokens"), _FROM_ONE.or_none),
    "sample_id": _TEXTS.or_none,
    **dict.fromkeys(("num_fewshot", "placebo", "sensitivity"), _COUNT),
    "cache": _TRUTH,
    **dict.fromkeys(("system_message", "name"), _TEXT.or_none),
    "twins": _field("a kind of twins", str, holds=lambda v: v in ("", *KINDS)),
}
_MODEL_OPTIONS: Fields = {
    **dict.fromkeys(("base_url", "api_key_env"), _TEXT.or_none),
    "max_connections": _FROM_ONE.or_none,
    "max_retries": _COUNT,
    "timeout": _AMOUNT,
    "extra": _OPTIONS,
}
_SAMPLING: Fields = {
    **dict.fromkeys(("temperature", "top_p"), _AMOUNT.or_none),
    **dict.fromkeys(("max_tokens", "logprobs", "thinking_tokens"), _COUNT.or_none),
    "seed": _WHOLE.or_none,
    "stop": _TEXTS.or_none,
    **dict.fromkeys(("reasoning_effort", "given"), _TEXT.or_none),
}
_TASK: Fields = {
    **dict.fromkeys(("name", "version", "main", "varies"), _TEXT.or_none),
    "factors": _TEXTS.or_none,
    "measures": _OPTIONS.or_none,
}
_ABOUT: Fields = {
    **dict.fromkeys("run_id status created finished reason git_commit".split(), _TEXT.or_none),
    "config": _field("an object with a task and a model", dict),
    **dict.fromkeys("task model versions imported sampling notes data".split(), _OBJECT.or_none),
    "controls": _field("an object that has a text for each control", dict,
                       holds=lambda v: all(is_control(name) and type(text) is str for name, text in v.items())).or_none,
    "conditions": _TEXTS.or_none,
    **dict.fromkeys(("records", "tokens_used"), _COUNT.or_none),
}  # fmt: skip


def wrong(value: Any, fields: Fields, needed: Collection[str] = ()) -> str:
    """What is wrong with a JSON object, "" if nothing is. Keys that `fields` does not name may hold anything."""
    if type(value) is not dict:
        return f"is {_shown(value)}, not an object"
    for name, (types, words, holds) in fields.items():
        try:
            found = value[name]
        except KeyError:
            if name in needed:
                return f"has no `{name}`"
            continue
        if type(found) not in types or (holds is not None and found is not None and not holds(found)):
            return f"`{name}` is not {words}, but {_shown(found)}"
    return ""


def wrong_record(record: Any, needed: Collection[str] = ESSENTIAL) -> str:
    """What makes this no record of a sample, "" if it is one."""
    return wrong(record, RECORD, needed) or _contradiction(record)


def wrong_verdict(verdict: Mapping[str, Any]) -> str:
    """What is wrong with the outcome, value, answer and detail that a scorer gave."""
    return wrong(verdict, VERDICT, VERDICT) or _contradiction(verdict)


def _contradiction(record: Mapping[str, Any]) -> str:
    outcome, value = record["outcome"], record["value"]
    if outcome not in _JUDGED:
        return "" if value is None else f"`value` is {value}, and the outcome {outcome} has none"
    if value is None or value == (0 if outcome == "correct" else 1):  # what is partly right may be called either
        return f"`value` is {'null' if value is None else value}, and the outcome is {outcome}"
    return ""


_JUDGED = frozenset(o for o in Outcome if o.has_verdict)


def wrong_call(call: Any) -> str:
    """What makes this no call of a strategy, "" if it is one."""
    return wrong(call, CALL, ("key", "completion")) or _completion(call["completion"])


def _completion(value: Any) -> str:
    said = wrong(value, COMPLETION, ("text",))
    unknown = "" if said else next((name for name in value if name not in COMPLETION), "")
    return f"has the unknown key `{printable(unknown)[:40]}`" if unknown else said


def completion_from(value: Any) -> Completion:
    """A completion from its JSON form. Raises ValueError for anything else: of a cache, for example."""
    if said := _completion(value):
        raise ValueError(said)
    fields = dict(value)
    if fields.get("logprobs") is not None:
        fields["logprobs"] = tuple(
            TokenLogprob(token, logprob, tuple((t, p) for t, p in top)) for token, logprob, top in fields["logprobs"]
        )
    fields["notes"] = tuple(fields.get("notes", ()))  # completions of earlier versions have none
    return Completion(**fields)


def wrong_node(node: Any) -> str:
    """What makes this no note of a strategy, "" if it is one."""
    return wrong(node, NODE, NODE)


def wrong_about(about: Any) -> str:
    """What makes this no run.json, "" if it is one."""
    said = wrong(about, _ABOUT, ("config",)) or _part(about, "config", _CONFIG, ("task", "model"))
    if said:
        return said
    parts = ((about["config"], "model_options", _MODEL_OPTIONS), (about["config"], "sampling", _SAMPLING))
    return next(filter(None, (_part(*part) for part in (*parts, (about, "task", _TASK)))), "")


def _part(value: Mapping[str, Any], name: str, fields: Fields, needed: Collection[str] = ()) -> str:
    said = "" if value.get(name) is None else wrong(value[name], fields, needed)
    return f"in `{name}`: {said}" if said else ""


def _shown(value: Any) -> str:
    """A value of a file, short, in a message."""
    if isinstance(value, dict | list | tuple):
        return "an object" if isinstance(value, dict) else "a list"
    if isinstance(value, str):
        return f"'{printable(value[:40])}{'...' if len(value) > 40 else ''}'"
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 10**20:
        return "a number of more than 20 digits"
    return json.dumps(value, default=lambda v: type(v).__name__)


def too_deep(text: bytes, value: Any) -> bool:
    """Whether a value is nested deeper than DEEPEST. `text` is its JSON, which tells most that are not by counting."""
    return text.count(b"[") + text.count(b"{") > DEEPEST and _deeper(value, DEEPEST)


def _deeper(value: Any, levels: int) -> bool:
    if not isinstance(value, dict | list | tuple):
        return False
    return levels == 0 or any(_deeper(v, levels - 1) for v in (value.values() if isinstance(value, dict) else value))


class Members:
    """Whether records are of one run, each sample once in each epoch. Remembers a hash of each, not the records."""

    def __init__(self, about: Mapping[str, Any] | None = None) -> None:
        """`about` is run.json; without it only repeats are noticed."""
        about = about or {}
        config = about.get("config") or {}
        told = {"run_id": about.get("run_id"), "task": config.get("task")}
        self._own = [(name, value) for name, value in told.items() if value is not None]
        self._epochs, self._limit = config.get("epochs") or math.inf, _most_samples(config.get("limit"))
        self._seen: set[int] = set()
        self._samples = 0

    def stranger(self, record: Mapping[str, Any]) -> str:
        """Why a record from a file can't be one more of this run, "" if it can."""
        for name, own in self._own:
            if record.get(name, own) not in (own, None):
                return f"is of another run: its {name} is {_shown(record[name])}, not {_shown(own)}"
        epoch = record["epoch"]
        if epoch > self._epochs:
            return f"is of epoch {epoch}, and the run has {self._epochs}"
        if said := self.repeated(record):
            return said
        self._samples += epoch == 1 and not record.get("control")
        if self._samples > self._limit:
            return f"is of one sample more than the run's limit of {self._limit}"
        return ""

    def repeated(self, record: Mapping[str, Any]) -> str:
        """Whether a record of its sample and epoch is there already, in words; "" and remembered if not."""
        key = hash((record["id"], record["epoch"]))
        if key in self._seen:
            return f"is of sample {_shown(record['id'])}, epoch {record['epoch']}, which is there already"
        self._seen.add(key)
        return ""

    def has(self, place: Mapping[str, Any]) -> bool:
        """Whether there is a record of that sample and epoch."""
        return hash((place["id"], place["epoch"])) in self._seen

    def __len__(self) -> int:
        return len(self._seen)
