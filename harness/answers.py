"""Answers that another program wrote, as importers read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness.types import Aid, Sample, StopReason


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
