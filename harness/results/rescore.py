"""Score responses that are already there: a JSONL file, or the records of a run. No model is called."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.errors import DataError, HarnessError, UsageError
from harness.files import json_line, read_jsonl, writing
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.results.controls import Controls
from harness.results.records import RecordedRun, Tally, close_run, describe_run, open_run
from harness.results.scoring import score_row
from harness.types import Outcome, Score, Task


@dataclass(frozen=True)
class Scored:
    """How many lines had which outcome, and how many were made for other versions of the task."""

    outcomes: Counter[str] = field(default_factory=Counter)
    other_versions: Counter[str] = field(default_factory=Counter)


def score_file(task: Task, source: Path, target: Path | None) -> Scored:
    """Score lines `{"params": {...}, "response": "..."}`; the same lines plus outcome, value, answer and detail
    go to `target`, or to standard output. Other keys are kept.

    Lines are read and written one at a time. DataError names a line that is not of that form or of another task, and a
    file without lines.
    """
    scored = Scored()
    with writing(target) as out:
        for where, line in read_jsonl(source):
            row = answered(line, where)
            if isinstance(row.get("task"), str) and row["task"] != task.name:
                raise DataError(f"{where}: is of task {row['task']}, not of {task.name}", f"--task {row['task']}")
            if str(row.get("task_version") or task.version) != task.version:
                scored.other_versions[str(row["task_version"])] += 1
            score = score_row(task, row, where)
            scored.outcomes[score.outcome.value] += 1
            out.write(json_line(row | verdict(score)))
        if not scored.outcomes:
            raise DataError(f"{source} has no lines", "`harness show TASK --json` writes prompts to answer")
    return scored


def version_note(task: Task, found: Mapping[str, int]) -> str:
    """What to say if answers were made for other versions of the task; `found` counts them by version."""
    versions = ", ".join(f"{n} of version {version}" for version, n in sorted(found.items()))
    return f"answers were made for another version of {task.name} than {task.version} ({versions}): params may differ"


def verdict(score: Score) -> dict[str, Any]:
    """A score as columns of a record."""
    own = {"outcome": score.outcome.value, "value": score.value, "answer": score.answer}
    return own | {"detail": dict(score.detail)}


def run_of(directory: Path, task: str) -> RecordedRun:
    """The run in a directory. UsageError if it is of another task, or if no installed task can score it."""
    run = open_run(directory)
    if run.scored_by:
        reason = f"no installed task can; its verdicts were taken from a file, {run.scored_by}"
        raise UsageError(f"{directory} can't be scored anew: {reason}", "import the file again for another metric")
    if run.task != task:
        raise UsageError(f"{directory} is a run of {run.task}, not of {task}", f"--task {run.task}")
    return run


def score_run(task: Task, task_options: Mapping[str, str], directory: Path, target: Path | None) -> Tally:
    """Score the records of a run anew; with `target`, a new run directory with the new verdicts is made."""
    run = run_of(directory, task.name)
    tally = Tally(task, run.about.get("conditions") or (), Controls(run.controls, task))
    writer, about = None, dict(run.about)
    if target is not None:
        if target.exists():
            raise UsageError(f"{target} exists already", "give a new directory with -o")
        target.mkdir(parents=True)
        config = RunConfig.from_json(run.config)
        config = replace(config, task_options={**config.task_options, **task_options})
        about |= describe_run(target.name, config, task) | {"rescored_from": str(directory)}
        about["created"] = run.about.get("created")
        store.write_config(target, about)
        writer = store.Writer(target)
        for name in (store.JOURNAL, store.NODES):  # calls and nodes of a strategy are as they were
            if (directory / name).is_file():
                shutil.copyfile(directory / name, target / name)
    try:
        for record in run.records(controls=True):
            # Strategy and model did their part, and there is an answer to score.
            if record.get("stop_reason") is not None and not _refused(record) and not _unfinished(record):
                said = _of_strategy(record)
                record |= _columns(score_row(task, record, f"{directory}, sample {record['id']}"), task)
                record["detail"] |= said
            tally.add(record)
            if writer:
                writer.append(record | {"run_id": writer.directory.name})
    except HarnessError:
        if target is not None:
            shutil.rmtree(target, ignore_errors=True)  # half a run is none
        raise
    finally:
        if writer:
            writer.close()
    if target is not None:
        close_run(target, about, tally, run.status, str(run.about.get("reason") or ""))
    return tally


def _columns(score: Score, task: Task) -> dict[str, Any]:
    """What a new score changes in a record."""
    return verdict(score) | {"task_version": task.version, "error": score.detail.get("error")}


def _refused(record: Mapping[str, Any]) -> bool:
    """Whether the server refused the prompt (its words are in `error`): there is no answer to score."""
    return bool(record.get("error")) and record["outcome"] in (Outcome.REFUSED, Outcome.TRUNCATED)


def _unfinished(record: Mapping[str, Any]) -> bool:
    """Whether the strategy met its limit before it had an answer (Response.best_so_far)."""
    detail = record.get("detail")
    return isinstance(detail, dict) and "best_so_far" in detail


def _of_strategy(record: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a record's detail that is the strategy's (Response.detail), which no scorer changes."""
    detail = record.get("detail")
    return {"strategy": detail["strategy"]} if isinstance(detail, dict) and "strategy" in detail else {}


def answered(line: bytes, where: str) -> dict[str, Any]:
    """A line with a response. DataError if it has another form."""
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("params"), dict):
        raise DataError(f'{where}: needs an object with "params" (an object) and "response" (text)')
    if "response" not in row:
        hint = 'an answer that is empty is "response": ""'
        raise DataError(f"{where}: has no `response` (its keys: {', '.join(map(str, list(row)[:8]))})", hint)
    if row["response"] is None:
        row["response"] = ""
    if not isinstance(row["response"], str):
        raise DataError(f"{where}: `response` is not text")
    return row
