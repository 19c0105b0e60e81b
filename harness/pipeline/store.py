"""Run directories: create, append durably, resume, read. Knows records as flat JSON, nothing of tasks or models.

`run.json` says what was asked, `records.jsonl` grows a line a record while the run lasts; `records.parquet`
and `summary.csv` are written when it is done. One writer at a time (a lock file keeps two out).
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError, HarnessError, UsageError, cause
from harness.files import compact, json_line, no_links
from harness.types import Outcome

RECORDS = "records.jsonl"
JOURNAL = "calls.jsonl"
NODES = "nodes.jsonl"

ESSENTIAL = {"task", "id", "epoch", "group", "condition", "params", "outcome", "value", "response"}
"""Without these keys a line is no record."""

OUTCOMES = frozenset(Outcome)


def new_run_id(task: str, model: str) -> str:
    """Sorts by time, tells task and model, and is unique."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    task, short = (re.sub(r"[^\w.-]", "-", name) for name in (task, model.rstrip("/").rpartition("/")[2]))
    return f"{stamp}-{task[:60]}-{short[:40]}-{secrets.token_hex(4)}"


def find_run(name: str | Path, out: Path = Path("results")) -> Path:
    """The run directory with that path, or with that name under `out`."""
    for directory in (Path(name), out / name):
        if (directory / "run.json").is_file():
            return directory
    raise UsageError(f"{name} is not a run directory (it has no run.json)", "give the path that `harness run` printed")


def find_runs(names: Sequence[str | Path]) -> tuple[list[Path], list[str]]:
    """(run directories, what else there was): `results/*` names a README and baselines too. UsageError for a name that
    does not exist, and if none is a run."""
    found, others = [], []
    for name in names:
        if len(names) > 1 and Path(name).exists() and not (Path(name) / "run.json").is_file():
            others.append(str(name))
        else:
            found.append(find_run(name))
    if not found:
        raise UsageError(f"none of {', '.join(map(str, names[:3]))} ... is a run directory", "harness run makes one")
    return found, others


def read_config(directory: Path) -> dict[str, Any]:
    """The contents of run.json. DataError also if a link is in the directory."""
    no_links(directory)
    try:
        config: dict[str, Any] = json.loads((directory / "run.json").read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"{directory}/run.json can't be read: {cause(error)}") from None
    except ValueError as error:
        raise DataError(f"{directory}/run.json is not valid JSON: {error}") from None
    asked = config.get("config") if isinstance(config, dict) else None
    if not isinstance(asked, dict) or not all(isinstance(asked.get(name), str) for name in ("task", "model")):
        raise DataError(f"{directory}/run.json is not that of a run: it has no `config` with a task and a model")
    return config


def write_config(directory: Path, config: Mapping[str, Any]) -> None:
    """Replace run.json in one step, so that a crash leaves the old or the new one."""
    _replace(directory / "run.json", json.dumps(config, indent=1, ensure_ascii=False) + "\n")


def _replace(path: Path, text: str) -> None:
    part = path.with_suffix(path.suffix + ".part")
    try:
        with part.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise HarnessError(f"{path} can't be written: {cause(error)}") from None


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of every whole line; a torn last one (no newline) is left out. DataError if the folder has a
    link."""
    no_links(path.parent)
    if path.is_dir():
        raise DataError(f"{path} is a directory")
    if not path.is_file():
        return
    offset = 0
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield offset, line
            offset += len(line)


def read_records(directory: Path) -> Iterator[dict[str, Any]]:
    """The records of a run in the order they were made. DataError for a line that is not a record."""
    return (located.record for located in located_records(directory))


class Located(NamedTuple):
    """A record, and its line's place in the file: offset and length in bytes."""

    offset: int
    length: int
    record: dict[str, Any]


def located_records(directory: Path) -> Iterator[Located]:
    """The records of a run in the order in which they were made. DataError for a line that is not a record."""
    for number, (offset, line) in enumerate(read_lines(directory / RECORDS), 1):
        try:
            record = json.loads(line)
        except ValueError:
            raise DataError(f"{directory / RECORDS}: line {number} is not valid JSON") from None
        if not isinstance(record, dict) or not record.keys() >= ESSENTIAL or record["outcome"] not in OUTCOMES:
            raise DataError(f"{directory / RECORDS}: line {number} is not a record")
        yield Located(offset, len(line), record)


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def identity(*parts: Any) -> str:
    """The hash under which an answer may be used again: of everything that could have changed it."""
    text = _CANONICAL.encode(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Writer:
    """The one writer of a run directory: takes the lock, mends what a crash left, appends."""

    def __init__(self, directory: Path) -> None:
        from filelock import FileLock, Timeout

        no_links(directory)
        self.directory = directory
        self._lock = FileLock(directory / "lock")
        try:
            self._lock.acquire(timeout=0)
        except PermissionError as error:
            raise HarnessError(f"{directory} can't be written: {cause(error)}") from None
        except Timeout:
            raise HarnessError(
                f"{directory} is in use by another run", "wait for it, or start a new run without --resume"
            ) from None
        try:
            self._mend()
            self._files = {name: _append_only(directory / name) for name in (RECORDS,)}
        except BaseException:
            self._lock.release()
            raise
        self._dirty = False

    def _mend(self) -> None:
        """Drop torn last lines, the records of infrastructure errors, and the nodes of samples without a record: they
        are to be done again."""
        for name in (RECORDS, JOURNAL, NODES):
            path = self.directory / name
            if path.is_file():
                whole = sum(len(line) for _, line in read_lines(path))
                if whole < path.stat().st_size:
                    os.truncate(path, whole)
        records = self.directory / RECORDS
        _drop(records, _failed)
        nodes = self.directory / NODES
        if nodes.is_file():
            done = {(r["id"], r["epoch"]) for r in read_records(self.directory)}
            _drop(nodes, lambda line: _place(line, nodes) not in done)

    def append(self, record: Mapping[str, Any], name: str = RECORDS) -> None:
        """Hand one line to the operating system: from here on it survives the end of this process, also kill -9."""
        if name not in self._files:
            self._files[name] = _append_only(self.directory / name)
        line = json_line(record)
        try:
            written = os.write(self._files[name], line)
            while written < len(line):
                written += os.write(self._files[name], line[written:])
        except OSError as error:
            raise HarnessError(
                f"{self.directory / name} can't be written: {cause(error)}",
                f"make room, then finish the run with --resume {self.directory}: what is there is kept",
            ) from None
        self._dirty = True

    def sync(self) -> None:
        """Make what was appended survive a power cut. Blocks for some milliseconds: call it from a thread."""
        if self._dirty:
            self._dirty = False
            for file in list(self._files.values()):
                with contextlib.suppress(OSError):  # not every file system can
                    os.fsync(file)

    def close(self) -> None:
        """Make all of it durable, and give the lock back."""
        self.sync()
        for file in self._files.values():
            os.close(file)
        self._lock.release()


def _append_only(path: Path) -> int:
    others = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | others, 0o644)


def _drop(path: Path, dropped: Callable[[bytes], bool]) -> None:
    """Leave out some of the lines of a file, in one step."""
    if any(dropped(line) for _, line in read_lines(path)):
        part = path.with_suffix(".part")
        with part.open("wb") as file:
            file.writelines(line for _, line in read_lines(path) if not dropped(line))
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)


def read_nodes(directory: Path) -> Iterator[dict[str, Any]]:
    """What the strategy noted (Session.note), with the `id` and `epoch` of the sample. DataError for a line that is no
    node."""
    path = directory / NODES
    for _, line in read_lines(path):
        _place(line, path)
        yield json.loads(line)


def _place(line: bytes, path: Path) -> tuple[str, int]:
    """(id, epoch) of the sample that a node belongs to."""
    try:
        node = json.loads(line)
        return str(node["id"]), int(node["epoch"])
    except (ValueError, KeyError, TypeError, RecursionError):
        raise DataError(f"{path} holds a line that is no node") from None


def _failed(line: bytes) -> bool:
    # Cheap test first: almost no line has it.
    return b"_error" in line and Outcome(json.loads(line)["outcome"]).is_infrastructure


_NESTED = (dict, list, tuple)
"""A constant: `dict | list | tuple` would be made anew for every cell."""


def flatten(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record as one row of the tidy table: params become `params_NAME`, nested values JSON text."""
    row: dict[str, Any] = {}
    for key, value in record.items():
        if key == "params" and isinstance(value, dict):
            for name, param in value.items():
                row[f"params_{name}"] = compact(param) if isinstance(param, _NESTED) else param
        else:
            row[key] = compact(value) if isinstance(value, _NESTED) else value
    return row
