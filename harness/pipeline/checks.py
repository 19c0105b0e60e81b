"""What a line of records.jsonl, a line of calls.jsonl and run.json may hold. These files may come from anybody: what is
of another type is refused here, once, so that nothing behind has to look again. Knows no files.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Mapping
from typing import Any, get_args

from harness.text import printable
from harness.types import Completion, Outcome, StopReason, TokenLogprob

Check = Callable[[Any], bool]
Fields = Mapping[str, tuple[Check, str]]
"""Name -> (whether a value is what it should be, what it should be, in words)."""

MOST = 2**53
"""Counts below this are exact in JSON, and in every table."""
DEEPEST = 64
"""Values nested deeper than this are refused: they can be read, and not written again."""

OUTCOMES = frozenset(Outcome)
_STOP_REASONS = frozenset(get_args(StopReason))


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _object(value: Any) -> bool:
    return isinstance(value, dict)


def _count(value: Any) -> bool:
    return type(value) is int and 0 <= value < MOST


def _from_one(value: Any) -> bool:
    return type(value) is int and 1 <= value < MOST


def _whole(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _amount(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value < MOST  # false for NaN


def _share(value: Any) -> bool:
    return isinstance(value, int | float) and 0 <= value <= 1


def _texts(value: Any) -> bool:
    return type(value) in (list, tuple) and all(map(_text, value))


def _pairs(value: Any) -> bool:
    return isinstance(value, dict) and all(map(_text, value.values()))


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _param(value: Any) -> bool:
    """A scalar: text, a truth value, nothing, or a number that a table's column can hold."""
    if value is None or isinstance(value, str | bool):
        return True
    return _whole(value) if isinstance(value, int) else isinstance(value, float) and math.isfinite(value)


def _params(value: Any) -> bool:
    """Params are scalars, or lists of scalars."""
    if not isinstance(value, dict):
        return False
    return all(_param(v) or (type(v) in (list, tuple) and all(map(_param, v))) for v in value.values())


def _messages(value: Any) -> bool:
    return type(value) in (list, tuple) and all(
        isinstance(m, dict) and isinstance(m.get("role"), str) and isinstance(m.get("content"), str) for m in value
    )


def _logprob(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not value > MOST


def _logprobs(value: Any) -> bool:
    """Triples of a token, its log-probability, and pairs of the same for its alternatives."""
    return type(value) in (list, tuple) and all(
        isinstance(t, list | tuple)
        and len(t) == 3
        and isinstance(t[0], str)
        and _logprob(t[1])
        and isinstance(t[2], list | tuple)
        and all(
            isinstance(a, list | tuple) and len(a) == 2 and isinstance(a[0], str) and _logprob(a[1]) for a in t[2]
        )
        for t in value
    )


ESSENTIAL = frozenset("task id epoch group condition params outcome value response".split())
"""Without these keys a line is no record. Others may be missing: earlier versions had fewer."""

_TEXT_OR_NONE = (_or_none(_text), "text or null")
_COUNT_OR_NONE = (_or_none(_count), "a number of tokens or calls, or null")
RECORD: Fields = {
    **dict.fromkeys("task id group condition response".split(), (_text, "text")),
    **dict.fromkeys("run_id task_version model strategy aid target answer stop_reason".split(), _TEXT_OR_NONE),
    **dict.fromkeys("error thinking served_by identity".split(), _TEXT_OR_NONE),
    **dict.fromkeys("calls prompt_tokens completion_tokens thinking_tokens".split(), _COUNT_OR_NONE),
    "epoch": (_from_one, "a whole number from 1 on"),
    "params": (_params, "an object of texts, numbers of 64 bits, truth values, or lists of these"),
    "outcome": (lambda v: isinstance(v, str) and v in OUTCOMES, f"one of {', '.join(Outcome)}"),
    "value": (_or_none(_share), "a number from 0 to 1, or null"),
    "input": (_or_none(_messages), "a list of messages with role and content"),
    "detail": (_or_none(_object), "an object"),
    "latency_s": (_or_none(_amount), "a number of seconds, or null"),
    "logprobs": (_or_none(_logprobs), "a list of tokens with their log-probabilities, or null"),
}

VERDICT: Fields = {name: RECORD[name] for name in ("outcome", "value", "answer", "detail")}
"""The part of a record that a task's scorer gives."""

CALL: Fields = {
    "key": (_text, "text"),
    "id": _TEXT_OR_NONE,
    "epoch": (_or_none(_from_one), "a whole number from 1 on"),
    "input": (_or_none(_messages), "a list of messages with role and content"),
    "completion": (_object, "an object"),
}

_COMPLETION: Fields = {
    **dict.fromkeys("text thinking served_by error".split(), (_text, "text")),
    "stop_reason": (lambda v: isinstance(v, str) and v in _STOP_REASONS, f"one of {', '.join(_STOP_REASONS)}"),
    **dict.fromkeys("prompt_tokens completion_tokens thinking_tokens".split(), _COUNT_OR_NONE),
    "logprobs": RECORD["logprobs"],
    "latency_s": (_amount, "a number of seconds"),
    "retries": (_count, "a number"),
    "notes": (_texts, "a list of texts"),
}

_OPTIONS = (_pairs, "an object of texts")
_OBJECT_OR_NONE = (_or_none(_object), "an object")
_CONFIG: Fields = {
    **dict.fromkeys(("task", "model", "strategy"), (_text, "text")),
    "task_options": _OPTIONS,
    "strategy_options": _OPTIONS,
    "model_options": _OBJECT_OR_NONE,
    "sampling": _OBJECT_OR_NONE,
    "seed": (_whole, "a whole number"),
    **dict.fromkeys(("limit", "epochs", "budget_tokens"), (_or_none(_from_one), "a whole number from 1 on, or null")),
    "num_fewshot": (_count, "a number"),
    "cache": (lambda v: isinstance(v, bool), "true or false"),
    **dict.fromkeys(("system_message", "name"), _TEXT_OR_NONE),
}
_MODEL_OPTIONS: Fields = {
    **dict.fromkeys(("base_url", "api_key_env"), _TEXT_OR_NONE),
    "max_connections": (_or_none(_from_one), "a whole number from 1 on, or null"),
    "max_retries": (_count, "a number"),
    "timeout": (_amount, "a number of seconds"),
    "extra": _OPTIONS,
}
_SAMPLING: Fields = {
    **dict.fromkeys(("temperature", "top_p"), (_or_none(_amount), "a number or null")),
    **dict.fromkeys(("max_tokens", "logprobs"), (_or_none(_count), "a whole number or null")),
    "seed": (_or_none(_whole), "a whole number or null"),
    "stop": (_or_none(_texts), "a list of texts"),
    "reasoning_effort": _TEXT_OR_NONE,
}
_TASK: Fields = {
    **dict.fromkeys(("name", "version", "main", "varies"), _TEXT_OR_NONE),
    "factors": (_or_none(_texts), "a list of texts"),
    "measures": (_or_none(_pairs), "an object of texts"),
}
_ABOUT: Fields = {
    **dict.fromkeys("run_id status created finished reason git_commit".split(), _TEXT_OR_NONE),
    "config": (_object, "an object with a task and a model"),
    **dict.fromkeys("task model versions imported sampling notes".split(), _OBJECT_OR_NONE),
    "conditions": (_or_none(_texts), "a list of texts"),
    "records": (_or_none(_count), "a number"),
}


def wrong(value: Any, fields: Fields, needed: Collection[str] = ()) -> str:
    """What is wrong with a JSON object, "" if nothing is. Keys that `fields` does not name may hold anything."""
    if not isinstance(value, dict):
        return f"is {_shown(value)}, not an object"
    for name, (holds, words) in fields.items():
        if name not in value:
            if name in needed:
                return f"has no `{name}`"
        elif not holds(value[name]):
            return f"`{name}` is not {words}, but {_shown(value[name])}"
    return ""


def wrong_record(record: Any, needed: Collection[str] = ESSENTIAL) -> str:
    """What makes this no record of a sample, "" if it is one."""
    return wrong(record, RECORD, needed) or _contradiction(record)


def wrong_verdict(verdict: Mapping[str, Any]) -> str:
    """What is wrong with the outcome, value, answer and detail that a scorer gave."""
    return wrong(verdict, VERDICT, VERDICT) or _contradiction(verdict)


def _contradiction(record: Mapping[str, Any]) -> str:
    outcome, value = record["outcome"], record["value"]
    said = f"`value` {value} contradicts the outcome {outcome}"
    if Outcome(outcome).has_verdict:
        return said if value is None or value == (outcome != "correct") else ""
    return "" if value is None else said


def wrong_call(call: Any) -> str:
    """What makes this no call of a strategy, "" if it is one."""
    return wrong(call, CALL, ("key", "completion")) or _completion(call["completion"])


def _completion(value: Any) -> str:
    said = wrong(value, _COMPLETION, ("text",))
    unknown = "" if said else next((name for name in value if name not in _COMPLETION), "")
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


def too_deep(text: bytes | str, value: Any) -> bool:
    """Whether a value is nested deeper than DEEPEST. `text` is its JSON, which tells most that are not by counting."""
    brackets: tuple[Any, Any] = (b"[", b"{") if isinstance(text, bytes) else ("[", "{")
    return sum(map(text.count, brackets)) > DEEPEST and _deeper(value, DEEPEST)


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
        self._own = {name: value for name, value in told.items() if value is not None}
        self._epochs, self._limit = config.get("epochs") or math.inf, config.get("limit") or math.inf
        self._seen: set[int] = set()
        self._samples = 0

    def stranger(self, record: Mapping[str, Any]) -> str:
        """Why a record can't be one of this run, "" if it can. Each record is given once."""
        for name, own in self._own.items():
            if record.get(name, own) not in (own, None):
                return f"is of another run: its {name} is {_shown(record[name])}, not {_shown(own)}"
        epoch = record["epoch"]
        if epoch > self._epochs:
            return f"is of epoch {epoch}, and the run has {self._epochs}"
        key = hash((record["id"], epoch))
        if key in self._seen:
            return f"has sample {_shown(record['id'])}, epoch {epoch} once more"
        self._seen.add(key)
        self._samples += epoch == 1
        if self._samples > self._limit:
            return f"is of one sample more than the run's limit of {self._limit}"
        return ""

    def __len__(self) -> int:
        return len(self._seen)
