"""Published answers become runs: scored by our tasks, in run directories like any other (`harness import`).

A format is an entry point of the group `harness.importers`: a function `read(path, options)` that yields
`harness.types.PublishedAnswer`. One run directory is made for each task and model in the file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from harness import plugins
from harness.errors import DataError
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.pipeline.record import Record
from harness.results.records import Tally, close_run, describe_run
from harness.results.rescore import score_row, verdict
from harness.types import PublishedAnswer, Task


@dataclass(frozen=True)
class Imported:
    """A run directory made of published answers; `agree` of `judged` answers have the same verdict here and there."""

    directory: Path
    config: RunConfig
    tally: Tally
    agree: int
    judged: int


def import_file(kind: str, source: Path, options: Mapping[str, str], out: Path) -> list[Imported]:
    """Score every answer of a published file. UsageError or DataError for what can't be read, before a run is made."""
    read = plugins.load("importers", kind)
    runs: dict[tuple[str, str], list[PublishedAnswer]] = {}
    for answer in read(source, options):
        runs.setdefault((answer.task, answer.model), []).append(answer)
    if not runs:
        raise DataError(f"{source}: no answers are in it")
    about = {"format": kind, "file": source.name, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}
    return [_run(about, task, model, answers, out) for (task, model), answers in runs.items()]


def _run(source: Mapping[str, str], task_name: str, model: str, answers: list[PublishedAnswer], out: Path) -> Imported:
    task: Task = plugins.task(task_name, {})
    config = RunConfig(task_name, f"imported/{model}", strategy="published")
    directory = out / store.new_run_id(task_name, f"imported-{model.replace('/', '-')}")
    directory.mkdir(parents=True)
    tally, same = Tally(task), Counter[bool]()
    about = describe_run(directory.name, config, task) | {"imported": dict(source)}
    store.write_config(directory, about)
    writer = store.Writer(directory)
    try:
        for answer in answers:
            record = _record(task, config, directory.name, answer)
            if answer.verdict is not None and record["value"] is not None:
                same[(record["value"] == 1) == answer.verdict] += 1
            tally.add(record)
            writer.append(record)
    finally:
        writer.close()
    close_run(directory, about, tally)
    return Imported(directory, config, tally, same[True], same.total())


def _record(task: Task, config: RunConfig, run_id: str, answer: PublishedAnswer) -> dict[str, Any]:
    sample = answer.sample
    row = {"params": sample.params, "response": answer.response, "stop_reason": answer.stop_reason}
    score = score_row(task, row, f"sample {sample.id}")
    values: dict[str, Any] = {f.name: None for f in fields(Record)}
    values |= {"run_id": run_id, "task": task.name, "task_version": task.version, "model": config.model}
    values |= {"strategy": config.strategy, "aid": "none", "id": sample.id, "group": sample.group}
    values |= {
        "condition": sample.condition,
        "epoch": answer.epoch,
        "params": sample.params,
        "input": [m.as_dict() for m in sample.messages],
    }
    values |= {"target": sample.target, "response": answer.response, "stop_reason": answer.stop_reason}
    values |= verdict(score)
    values |= {"detail": {**score.detail, "published_verdict": answer.verdict}, "calls": 1}
    values |= {"error": score.detail.get("error"), "thinking": "", "served_by": answer.model}
    values |= {"identity": store.identity(task.name, task.version, sample.id, answer.epoch, answer.response)}
    return values | dict(answer.usage)
