"""The record of one sample. Its fields are the keys of records.jsonl and the columns of the tidy table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.types import Params, TokenLogprob


@dataclass(frozen=True, slots=True)
class Record:
    """Sample + response + score + usage: one row. The field names are the columns of the tidy table.

    `cached`: how many of the calls were answered from the cache, so that nothing was paid for them in this run.
    `control` is that of the sample: "" for a question of the task.
    """

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
    cached: int
    control: str
    identity: str
