"""Score responses that are already there: a JSONL file, or the records of a run. No model is called."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import sys
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from harness import store
from harness.errors import DataError, HarnessError, UsageError
from harness.parquet import Kinds, note_kinds, write_parquet
from harness.tables import Contrasts, write_summary
from harness.types import Outcome, Score, Task


def score_file(task: Task, source: Path, target: Path | None) -> Counter[str]:
    """Score lines `{"params": {...}, "response": "..."}`; the same lines plus outcome, value, answer and detail
    go to `target`, or to standard output. Other keys are kept. Returns the outcome counts.

    Lines are read and written one at a time. DataError names a line that is not of that form.
    """
    outcomes: Counter[str] = Counter()
    with writing(target) as out:
        for where, line in read_jsonl(source):
            row = _row(line, where)
            score = score_row(task, row, where)
            outcomes[score.outcome.value] += 1
            row |= {"outcome": score.outcome.value, "value": score.value, "answer": score.answer}
            out.write(store.dumps(row | {"detail": score.detail}))
    return outcomes


def score_row(task: Task, row: dict[str, Any], where: str) -> Score:
    """One line's score. A verifier that fails is a verifier_error, except where the line itself is wrong."""
    try:
        return task.score(row["params"], row["response"], row.get("stop_reason") or "stop")
    except HarnessError as error:
        raise DataError(f"{where}: {error.message}", error.hint) from None
    except Exception as error:
        return Score.without_answer(Outcome.VERIFIER_ERROR, error=f"{type(error).__name__}: {error}")


def score_run(task: Task, task_options: Mapping[str, str], directory: Path, target: Path | None) -> Contrasts:
    """Score the records of a run anew; with `target`, a new run directory with the new verdicts is made."""
    contrasts = Contrasts(task.factors, store.read_config(directory).get("conditions") or ())
    kinds = Kinds()
    writer = None
    if target is not None:
        if target.exists():
            raise UsageError(f"{target} exists already", "give a new directory with -o")
        target.mkdir(parents=True)
        about = store.read_config(directory)
        config = about["config"] | {"task_options": {**about["config"].get("task_options", {}), **task_options}}
        store.write_config(target, about | {"run_id": target.name, "rescored_from": str(directory), "config": config})
        writer = store.Writer(target)
    try:
        for record in store.read_records(directory):
            if record.get("stop_reason") is not None and not _refused(record):  # strategy and model did their part
                score = score_row(task, record, f"{directory}, sample {record['id']}")
                record |= {"outcome": score.outcome.value, "value": score.value, "answer": score.answer}
                record |= {
                    "detail": dict(score.detail),
                    "task_version": task.version,
                    "error": score.detail.get("error"),
                }
            contrasts.add(record)
            note_kinds(record["params"], kinds)
            if writer:
                writer.append(record | {"run_id": writer.directory.name})
    finally:
        if writer:
            writer.close()
    if target is not None:
        write_parquet(target, target / "records.parquet", kinds)
        write_summary(target / "summary.csv", config, contrasts)
    return contrasts


def _refused(record: Mapping[str, Any]) -> bool:
    """Whether the server refused the prompt (its words are in `error`): there is no answer to score."""
    return bool(record.get("error")) and record["outcome"] in (Outcome.REFUSED, Outcome.TRUNCATED)


def read_jsonl(source: Path) -> Iterator[tuple[str, bytes]]:
    """(place for messages, line) of every line that is not blank; `.gz` files are unpacked."""
    try:
        with gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{source}, line {number}", line
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{source}: can't be read: {error}") from None


def _row(line: bytes, where: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{where}: not valid JSON: {error}") from None
    if not isinstance(row, dict) or not isinstance(row.get("params"), dict):
        raise DataError(f'{where}: needs an object with "params" (an object) and "response" (text)')
    if row.get("response") is None:
        row["response"] = ""
    if not isinstance(row["response"], str):
        raise DataError(f"{where}: `response` is not text")
    return row


@contextlib.contextmanager
def writing(target: Path | None) -> Iterator[IO[bytes] | io.BufferedIOBase]:
    if target is None or str(target) == "-":
        yield sys.stdout.buffer
        return
    part = target.with_name(target.name + ".part")  # the source may be the target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with gzip.open(part, "wb") if target.suffix == ".gz" else part.open("wb") as file:
            yield file
        part.replace(target)
    except OSError as error:
        raise HarnessError(f"{target}: can't be written: {error.strerror or error}") from None
