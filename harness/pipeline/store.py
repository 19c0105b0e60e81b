"""Run directories: create, append durably, resume, read. Knows records as flat JSON, nothing of tasks or models.

`run.json` says what was asked, `records.jsonl` grows a line a record while the run lasts; `records.parquet`
and `summary.csv` are written when it is done. One writer at a time (a lock file keeps two out). What a line may hold
is in `checks`: a bad one is an error that names it, until a resumed run puts it aside.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import DataError, HarnessError, StorageError, UsageError, cause
from harness.files import compact, json_line, no_links, replacing
from harness.pipeline.checks import Members, too_deep, wrong_about, wrong_call, wrong_node, wrong_record
from harness.types import Outcome

RECORDS = "records.jsonl"
JOURNAL = "calls.jsonl"
NODES = "nodes.jsonl"

LONGEST = 2**30
"""Bytes of a line: what is longer is no record of ours."""


def new_run_id(task: str, model: str) -> str:
    """Sorts by time, tells task and model, and is unique."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    task, short = (re.sub(r"[^\w.-]", "-", name) for name in (task, model.rstrip("/").rpartition("/")[2]))
    return f"{stamp}-{task[:60]}-{short[:40]}-{secrets.token_hex(4)}"


def find_run(name: str | Path, out: Path = Path("results")) -> Path:
    """The run directory with that path, or with that name under `out`. UsageError for anything else, a study too."""
    for directory in (Path(name), out / name):
        if (directory / "run.json").is_file():
            return directory
    if study := find_study(name, out):
        if runs := runs_of_study(study):
            raise UsageError(f"{name} is a study of {len(runs)} runs, not a run", f"name one of its runs: {runs[0]}")
        raise UsageError(
            f"{name} is a study, not a run: it holds what was found inside a model, and no answers",
            f"harness show {name} prints it, harness report {name} -o FILE.html makes a page; its numbers are "
            f"in {study / 'rows.csv'}",
        )
    raise UsageError(f"{name} is not a run directory (it has no run.json)", "give the path that `harness run` printed")


def find_runs(names: Sequence[str | Path]) -> tuple[list[Path], list[str]]:
    """(run directories, what else there was): `results/*` names a README and baselines too. A study that is named alone
    stands for its runs; among others it is left out, as what it asks in a search is chosen. UsageError for a name that
    does not exist, and if none is a run."""
    if len(names) == 1 and (runs := runs_of_study(Path(names[0]))):
        return runs, []
    found, others = [], []
    for name in names:
        if len(names) > 1 and Path(name).exists() and not (Path(name) / "run.json").is_file():
            others.append(str(name))
        else:
            found.append(find_run(name))
    if not found:
        raise UsageError(f"none of {', '.join(map(str, names[:3]))} ... is a run directory", "harness run makes one")
    return found, others


STUDY = "study.json"
"""The file that makes a directory a study: a question of several runs, which stand in it, or one of the lab
(harness.report.study), which has none."""


def find_study(name: str | Path, out: Path = Path("results")) -> Path | None:
    """The study with that path, or with that name under `out`; None if there is none, or if no file can have that
    name."""
    with contextlib.suppress(OSError, ValueError):
        return next((d for d in (Path(name), out / name) if (d / STUDY).is_file()), None)
    return None


def runs_of_study(directory: Path) -> list[Path]:
    """The runs of a study by name; none if the directory is no study."""
    if not (directory / STUDY).is_file():
        return []
    return sorted(run.parent for run in directory.glob("*/run.json"))


def read_config(directory: Path) -> dict[str, Any]:
    """The contents of run.json, every part of its type. UsageError if it can't be read, DataError for anything else,
    also if a link is in the directory."""
    path = directory / "run.json"
    no_links(directory)
    try:
        about, said = _parsed(path.read_bytes())
    except OSError as error:
        raise UsageError(f"{path} can't be read: {cause(error)}") from None
    if said := said or wrong_about(about):
        raise DataError(f"{path}: {said}", "put it back as `harness run` wrote it, or run it again")
    found: dict[str, Any] = about
    return found


def _parsed(line: bytes) -> tuple[Any, str]:
    """(the value, what is wrong with it) of JSON from a file."""
    try:
        value = json.loads(line)
    except RecursionError:
        return None, "is nested too deeply"
    except ValueError:
        return None, "is not valid JSON"
    return value, "is nested too deeply" if too_deep(line, value) else ""


def write_config(directory: Path, config: Mapping[str, Any]) -> None:
    """Replace run.json in one step, so that a crash leaves the old or the new one."""
    with replacing(directory / "run.json") as part:
        part.write_text(json.dumps(config, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """(offset, line) of every whole line; a torn last one (no newline) is left out. Of a line longer than LONGEST only
    its beginning. HarnessError if the file can't be read, DataError if the folder has a link."""
    no_links(path.parent)
    if path.is_dir():
        raise DataError(f"{path} is a directory")
    if not path.is_file():
        return
    try:
        with path.open("rb") as file:
            offset = 0
            while line := file.readline(LONGEST):
                rest = line
                while len(rest) == LONGEST and not rest.endswith(b"\n"):
                    rest = file.readline(LONGEST)
                if rest.endswith(b"\n"):
                    yield offset, line
                offset = offset + len(line) if rest is line else file.tell()
    except OSError as error:
        raise HarnessError(f"{path} can't be read: {cause(error)}") from None


def read_records(directory: Path, about: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
    """The records of a run in the order in which they were made, checked as `located_records` says."""
    return (located.record for located in located_records(directory, about))


class Located(NamedTuple):
    """A record, and its line's place in the file: offset and length in bytes."""

    offset: int
    length: int
    record: dict[str, Any]


def located_records(directory: Path, about: Mapping[str, Any] | None = None) -> Iterator[Located]:
    """The records of a run in the order in which they were made.

    DataError, which names file and line, for a line that is no record and for a second record of a sample and epoch;
    with `about` (run.json) also for a record of another run, and if a finished run has more or fewer than it says.
    """
    path, members = directory / RECORDS, Members(about)
    for number, (offset, line) in enumerate(read_lines(path), 1):
        record, said = _checked(line, wrong_record)
        if said := said or members.stranger(record):
            raise DataError(f"{path}, line {number}: {said}", _mend_hint(directory, about))
        record["control"] = record.get("control") or ""  # earlier versions had no controls
        yield Located(offset, len(line), record)
    told = about.get("records") if about and about.get("status") == "complete" else None
    if told is not None and told != len(members):
        said = f"has {len(members)} records, and the run had {told} when it was finished"
        raise DataError(f"{path} {said}", _mend_hint(directory, about))


def _checked(line: bytes, wrong: Callable[[Any], str]) -> tuple[dict[str, Any], str]:
    """(the object in a line, what is wrong with it); `wrong` is a check of `checks`."""
    value, said = _parsed(line)
    return value, said or wrong(value)


def _mend_hint(directory: Path, about: Mapping[str, Any] | None) -> str:
    if about and about.get("imported"):
        return "import the published answers again"
    return f"harness run --resume {directory} puts bad lines aside and asks for what is missing"


def read_calls(directory: Path) -> Iterator[dict[str, Any]]:
    """The journaled calls of a run in the order in which they were made. DataError, which names file and line, for a
    line that is no call."""
    return _read(directory, JOURNAL, wrong_call)


def read_nodes(directory: Path) -> Iterator[dict[str, Any]]:
    """What the strategy noted (Session.note), with the `id` and `epoch` of the sample. DataError for a line that is no
    node."""
    return _read(directory, NODES, wrong_node)


def _read(directory: Path, name: str, wrong: Callable[[Any], str]) -> Iterator[dict[str, Any]]:
    path = directory / name
    for number, (_, line) in enumerate(read_lines(path), 1):
        value, said = _checked(line, wrong)
        if said:
            raise DataError(f"{path}, line {number}: {said}", _mend_hint(directory, None))
        yield value


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=str)


def identity(*parts: Any) -> str:
    """The hash under which an answer may be used again: of everything that could have changed it."""
    text = _CANONICAL.encode(parts)
    return hashlib.sha256(text.encode()).hexdigest()[:32]


class Writer:
    """The one writer of a run directory: takes the lock, takes up and mends what an earlier try has left, appends."""

    def __init__(self, directory: Path) -> None:
        """Takes the lock. HarnessError if another process has it, or if the directory can't be written."""
        from filelock import FileLock, Timeout

        no_links(directory)
        self.directory = directory
        self._files: dict[str, int] = {}
        self._whole: dict[str, int] = {}
        """The length of each file up to the end of its last whole line."""
        self._members = Members()
        self._broken: StorageError | None = None
        self._dirty = False
        self._lock = FileLock(directory / "lock")
        try:
            self._lock.acquire(timeout=0)
        except (OSError, NotImplementedError) as error:
            if isinstance(error, Timeout):
                said, hint = "is in use by another run", "wait for it, or start a new run without --resume"
                raise HarnessError(f"{directory} {said}", hint) from None
            raise HarnessError(f"{directory} can't be written: {cause(error)}") from None

    def take_up(
        self,
        about: Mapping[str, Any] | None = None,
        on_record: Callable[[dict[str, Any]], object] = lambda _: None,
        on_call: Callable[[dict[str, Any]], object] = lambda _: None,
    ) -> list[str]:
        """Read what an earlier try has left, and mend it: each file is read once, and written again only if need be.

        A torn last line is cut off. A record of an infrastructure error is dropped: it is to be done again. A line that
        is no record of this run (`about` is its run.json) or no call is put aside in records.bad.jsonl or
        calls.bad.jsonl: it is asked again. Nodes of samples without a record are dropped: they are noted again. Returns
        what was put aside, in words.
        """
        self._members = Members(about)

        def record_of(line: bytes) -> str | None:
            record, said = _checked(line, wrong_record)
            if not said and Outcome(record["outcome"]).is_infrastructure:
                return None
            said = said or ("" if record.get("identity") else "has no `identity`") or self._members.stranger(record)
            if not said:
                on_record(record)
            return said

        def call_of(line: bytes) -> str:
            call, said = _checked(line, wrong_call)
            if not said:
                on_call(call)
            return said

        def node_of(line: bytes) -> str | None:
            node, said = _checked(line, wrong_node)
            return said or ("" if self._members.has(node) else None)

        said = [self._mend(RECORDS, record_of), self._mend(JOURNAL, call_of), self._mend(NODES, node_of)]
        self._open(RECORDS)  # a directory that is removed is noticed by its files
        return [text for text in said if text]

    def _mend(self, name: str, judge: Callable[[bytes], str | None]) -> str:
        """Keep the lines of a file of which `judge` says "", drop those of which it says None, and put those aside of
        which it says what is wrong. Returns what was put aside, in words."""
        path = self.directory / name
        aside = path.with_suffix(".bad.jsonl")
        dropped: set[int] = set()
        bad: dict[int, str] = {}
        end = 0
        for number, (offset, line) in enumerate(read_lines(path), 1):
            said = judge(line)
            end = offset + len(line)
            if said is None:
                dropped.add(offset)
            elif said:
                bad[offset] = f"line {number} {said}"
        try:
            if bad or dropped:
                with aside.open("ab") if bad else contextlib.nullcontext() as beside, replacing(path) as part:
                    with part.open("wb") as file:
                        for offset, line in read_lines(path):
                            if offset in bad and beside is not None:
                                beside.write(line if line.endswith(b"\n") else line + b"\n")
                            elif offset not in dropped:
                                file.write(line)
                    if beside is not None:
                        beside.flush()
                        os.fsync(beside.fileno())
            elif path.is_file() and path.stat().st_size > end:
                os.truncate(path, end)
        except OSError as error:
            raise HarnessError(f"{path} can't be mended: {cause(error)}") from None
        if not bad:
            return ""
        lines = "; ".join(list(bad.values())[:3]) + ("; ..." if len(bad) > 3 else "")
        count = "1 bad line is" if len(bad) == 1 else f"{len(bad)} bad lines are"
        return f"{path}: {count} put aside in {aside.name}, and what is missing is asked again ({lines})"

    def append(self, record: Mapping[str, Any], name: str = RECORDS) -> None:
        """Hand one line to the operating system: from here on it survives the end of this process, also kill -9.

        StorageError if it can't be written; the file then ends with its last whole line. DataError for what could not
        be read again: it is the fault of who made it.
        """
        if self._broken:
            raise self._broken
        line = self._line(record, name)
        file = self._open(name)
        try:
            written = os.write(file, line)
            while written < len(line):
                written += os.write(file, line[written:])
        except OSError as error:
            failure = self._failure(name, error)
            try:
                os.ftruncate(file, self._whole[name])
            except OSError:
                self._broken = failure  # half a line may be there: nothing may follow it
            raise failure from None
        self._whole[name] += len(line)
        self._dirty = True

    def _line(self, record: Mapping[str, Any], name: str) -> bytes:
        try:
            line = json_line(record)
        except (TypeError, ValueError, RecursionError) as error:
            said, line = f"can't be written as JSON: {error}", b""
        else:
            said = "is nested too deeply" if too_deep(line, record) else ""
            if name == RECORDS:
                said = said or wrong_record(record) or self._members.repeated(record)
        if said:
            raise DataError(f"a record of sample {record.get('id')} {said}", "this is a fault of the task or strategy")
        return line

    def _open(self, name: str) -> int:
        if name not in self._files:
            try:
                self._files[name] = _append_only(self.directory / name)
                self._whole[name] = os.fstat(self._files[name]).st_size
            except OSError as error:
                raise self._failure(name, error) from None
        return self._files[name]

    def _failure(self, name: str, error: OSError) -> StorageError:
        return StorageError(
            f"{self.directory / name} can't be written: {cause(error)}",
            f"make room, then finish the run with --resume {self.directory}: what is there is kept",
        )

    def sync(self) -> None:
        """Make what was appended survive a power cut. Blocks for some milliseconds: call it from a thread.

        StorageError if that fails, or if the files that are written to are not those of the directory any more.
        """
        for name, file in list(self._files.items()):
            path = self.directory / name
            try:
                there = os.path.samestat(path.stat(), os.fstat(file))
            except (FileNotFoundError, NotADirectoryError):
                there = False
            except OSError:
                continue  # a network that is away for a moment
            if not there:
                raise StorageError(
                    f"{path} was removed or replaced while the run lasts: nothing that is written to it is kept",
                    "start a new run",
                )
        if self._dirty:
            self._dirty = False
            for name, file in list(self._files.items()):
                try:
                    os.fsync(file)
                except OSError as error:
                    if error.errno not in _CANT_SYNC:
                        raise self._failure(name, error) from None

    def close(self) -> None:
        """Make all of it durable, and give the lock back."""
        try:
            with contextlib.suppress(StorageError):  # was told, or the run is over
                self.sync()
            for file in self._files.values():
                os.close(file)
        finally:
            self._files.clear()
            self._lock.release()


_CANT_SYNC = {errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EROFS}
"""What file systems and devices answer that can't sync a file."""


def _append_only(path: Path) -> int:
    others = getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | others, 0o644)


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
