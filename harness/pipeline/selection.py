"""Which samples of a task a run asks: --limit and --sample-id."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from typing import Any

from harness.errors import UsageError
from harness.options import closest
from harness.types import Sample, Task

Limit = int | float | str
"""A number of samples; a share of the task's (between 0 and 1); or places from 1, as `10-20`."""


def read_limit(value: Any) -> Limit:
    """A limit as a program or the command line gives it. UsageError for anything else."""
    if isinstance(value, str):
        value = _number(value.strip())
    if isinstance(value, int) and not isinstance(value, bool) and value >= 1:
        return value
    if isinstance(value, float) and 0 < value < 1:
        return value
    if isinstance(value, str):
        first, dash, last = value.partition("-")
        if dash and first.isdecimal() and last.isdecimal() and 1 <= int(first) <= int(last):
            return f"{int(first)}-{int(last)}"
    raise UsageError(
        f"--limit: {value!r} is no limit", "a number from 1 on, a share such as 0.1, or places such as 10-20"
    )


def _number(text: str) -> Limit:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def bounds(task: Task, seed: int, limit: Limit | None) -> tuple[int, int | None]:
    """(first, end) of the samples that a limit leaves, as of a slice; the end is None for all there are."""
    if limit is None:
        return 0, task.limit
    if isinstance(limit, str):
        first, _, last = limit.partition("-")
        return int(first) - 1, int(last)
    if isinstance(limit, float):
        size = task.limit if task.limit is not None else sum(1 for _ in task.samples(seed))
        return 0, math.ceil(size * limit)
    return 0, limit


def select(task: Task, seed: int, limit: Limit | None, ids: Sequence[str] = ()) -> Iterator[Sample]:
    """The samples of a run, in the task's order. With ids, those of them that have one of these; UsageError at the end
    for ids that none has."""
    samples = itertools.islice(task.samples(seed), *bounds(task, seed, limit))
    if not ids:
        yield from samples
        return
    missing, seen = dict.fromkeys(ids), []
    for sample in samples:
        seen.append(sample.id)
        if sample.id in missing:
            del missing[sample.id]
            yield sample
    if missing:
        name = next(iter(missing))
        close = closest(name, seen)
        meant = f"did you mean '{close}'? " if close else ""
        # Not all of them: a task may have thousands.
        hint = f"{meant}ids: {', '.join(seen[:5])} ... (`harness show {task.name}` prints them)"
        raise UsageError(f"task {task.name}: none of these samples has the id '{name}'", hint)


def size(task: Task, seed: int, limit: Limit | None, ids: Sequence[str] = ()) -> int:
    """How many samples `select` gives; generates them only if it must."""
    first, end = bounds(task, seed, limit)
    if ids or task.limit is None or end is None:
        return sum(1 for _ in select(task, seed, limit, ids))
    return max(0, end - first)
