"""Published answers become runs: scored by our tasks, in run directories like any other (`harness import`).

A format is an entry point of the group `harness.importers`: a function `read(path, options) -> Iterator[Answer]`. One
run directory is made for each task and model in the file.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import __version__, plugins, store
from harness.errors import DataError, UsageError
from harness.parquet import Kinds, note_kinds, write_parquet
from harness.runner import RunConfig
from harness.scoring import score_row
from harness.tables import Contrasts, write_summary
from harness.types import Record, Sample, StopReason, Task


@dataclass(frozen=True)
class Answer:
    """One answer of a published file. `verdict` is the original scorer's, None where the file has none."""

    task: str
    model: str
    sample: Sample
    response: str
    epoch: int = 1
    stop_reason: StopReason = "stop"
    verdict: bool | None = None
    usage: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Imported:
    """A run directory made of published answers; `agree` of `judged` answers have the same verdict here and there."""

    directory: Path
    config: RunConfig
    contrasts: Contrasts
    agree: int
    judged: int


def import_file(kind: str, source: Path, options: Mapping[str, str], out: Path) -> list[Imported]:
    """Score every answer of a published file. UsageError or DataError for what can't be read, before a run is made."""
    read = plugins.load("importers", kind)
    runs: dict[tuple[str, str], list[Answer]] = {}
    for answer in read(source, options):
        runs.setdefault((answer.task, answer.model), []).append(answer)
    if not runs:
        raise DataError(f"{source}: no answers are in it")
    about = {"format": kind, "file": source.name, "sha256": hashlib.sha256(source.read_bytes()).hexdigest()}
    return [_run(about, task, model, answers, out) for (task, model), answers in runs.items()]


def read_json(source: Path) -> Any:
    """The contents of a JSON file (.gz too). UsageError where it can't be opened, DataError where it is not JSON."""
    try:
        text = gzip.decompress(source.read_bytes()) if source.suffix == ".gz" else source.read_bytes()
        return json.loads(text)
    except (OSError, EOFError) as error:
        raise UsageError(f"{source}: can't be read: {error}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source}: not valid JSON: {error}") from None


def _run(about: Mapping[str, str], task_name: str, model: str, answers: list[Answer], out: Path) -> Imported:
    task: Task = plugins.task(task_name, {})
    config = RunConfig(task_name, f"imported/{model}", strategy="published")
    directory = out / store.new_run_id(task_name, f"imported-{model.replace('/', '-')}")
    directory.mkdir(parents=True)
    contrasts, kinds, same = Contrasts(task.factors), Kinds(), Counter[bool]()
    writer = store.Writer(directory)
    try:
        for answer in answers:
            record = _record(task, config, directory.name, answer)
            if answer.verdict is not None and record["value"] is not None:
                same[(record["value"] == 1) == answer.verdict] += 1
            contrasts.add(record)
            note_kinds(record["params"], kinds)
            writer.append(record)
        config_file = {
            "run_id": directory.name,
            "status": "complete",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "config": asdict(config),
            "imported": dict(about),
            "task": {"name": task.name, "version": task.version, "factors": task.factors},
            "versions": {"harness": __version__},
            "conditions": list(contrasts.conditions),
        }
        store.write_config(directory, config_file)
    finally:
        writer.close()
    write_parquet(directory, directory / "records.parquet", kinds)
    write_summary(directory / "summary.csv", asdict(config), contrasts)
    return Imported(directory, config, contrasts, same[True], same.total())


def _record(task: Task, config: RunConfig, run_id: str, answer: Answer) -> dict[str, Any]:
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
    values |= {"outcome": score.outcome.value, "value": score.value, "answer": score.answer}
    values |= {"detail": {**score.detail, "published_verdict": answer.verdict}, "calls": 1}
    values |= {"error": score.detail.get("error"), "thinking": "", "served_by": answer.model}
    values |= {"identity": store.identity(task.name, task.version, sample.id, answer.epoch, answer.response)}
    return values | dict(answer.usage)
