"""A sample as a line of JSON: `harness show --json` writes it, `harness score` and `harness import` take it back.

For people who ask the model with a program of their own, or with another tool.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple, get_args

from harness import plugins
from harness.pipeline.checks import is_control
from harness.types import Aid, Message, Sample, StopReason, Task


def line_of(task: Task, sample: Sample) -> dict[str, Any]:
    """What a program needs to ask the sample, and what `harness score` needs to judge the response. `sampling` is the
    task's protocol without what it leaves to the server."""
    protocol = {name: value for name, value in dataclasses.asdict(task.sampling).items() if value not in (None, ())}
    return {
        "task": task.name,
        "task_version": task.version,
        "id": sample.id,
        "group": sample.group,
        "condition": sample.condition,
        "input": [m.as_dict() for m in sample.messages],
        "params": dict(sample.params),
        "target": sample.target,
        **({"control": sample.control} if sample.control else {}),
        "sampling": protocol,
        "epochs": task.epochs,
    }


EXPORTED = ("task", "task_version", "id", "group", "condition", "input", "params", "target", "strategy", "aid")
"""The columns of a record that an export gives to another tool: a line, and how it was asked."""


class Asked(NamedTuple):
    """A line read back: which task it is of, in which version ("" if the line does not say), and the sample.

    `strategy` and `aid` are those of an export; what help an answer had is not lost on the way through another tool.
    """

    task: str
    task_version: str
    sample: Sample
    strategy: str
    aid: Aid


def asked(line: Any) -> Asked | None:
    """The sample in a line, wherever it has been since; None if it is not a line of an installed task.

    Params that are None are left out: tables of other tools give every line the params of all lines. A task scores a
    param that is None as one that is not there.
    """
    if not isinstance(line, Mapping) or not isinstance(line.get("params"), Mapping):
        return None
    names = [line.get(key) for key in ("task", "id", "group", "condition")]
    if not all(isinstance(name, str) and name for name in names) or names[0] not in plugins.installed("tasks"):
        return None
    task, name, group, condition = map(short_name, names)
    params = {short_name(key): value for key, value in line["params"].items() if value is not None}
    if not all(_is_param(value) for value in params.values()):
        return None
    target = line["target"] if isinstance(line.get("target"), str) else ""
    version = "" if line.get("task_version") is None else short_name(line["task_version"])
    strategy = short_name(line["strategy"]) if isinstance(line.get("strategy"), str) else "published"
    aid: Aid = line["aid"] if line.get("aid") in get_args(Aid) else "none"
    said = line.get("control")
    control = short_name(said) if isinstance(said, str) and is_control(said) else ""
    sample = Sample(name, group, condition, params, messages(line.get("input")), target, control)
    return Asked(task, version, sample, strategy, aid)


def stop_reason(value: Any) -> StopReason:
    """Why an answer ended, if a file says so; else as if it had ended by itself."""
    return value if value in get_args(StopReason) else "stop"


def _is_param(value: Any) -> bool:
    return all(isinstance(one, str | int | float | None) for one in (value if isinstance(value, list) else [value]))


def short_name(value: Any, most: int = 200) -> str:
    """A name from a file, as it may stand in run.json, in a table and on a terminal: printable, and not too long."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int | float) else "?"
    return "".join(c if c.isprintable() else "?" for c in text[:most])


def messages(value: Any) -> tuple[Message, ...]:
    """The conversation in a value of a file: a text is one message of the user; what is not a message is left out."""
    if isinstance(value, str):
        return (Message("user", value),)
    if not isinstance(value, list):
        return ()
    turns = [turn for turn in value if isinstance(turn, Mapping)]
    return tuple(Message(str(t.get("role") or "user"), text_of(t.get("content"))) for t in turns)


def text_of(content: Any) -> str:
    """The text of a message's content: itself, or the texts of its parts (`{"type": "text", "text": ...}`)."""
    if isinstance(content, list):
        return "".join(text_of(part.get("text")) for part in content if isinstance(part, Mapping))
    return content if isinstance(content, str) else ""
