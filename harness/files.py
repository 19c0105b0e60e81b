"""JSON files and JSON Lines files, .gz too. JSON Lines are read and written one line at a time."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import sys
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

from harness.errors import DataError, HarnessError, UsageError, cause

# json.dumps would make a new encoder at each call.
_COMPACT = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def compact(value: Any) -> str:
    """JSON without spaces."""
    return _COMPACT.encode(value)


def json_line(value: Mapping[str, Any]) -> bytes:
    """One line of JSON, in UTF-8. Lone surrogates, which no UTF-8 file can hold, become a question mark."""
    return compact(value).encode("utf-8", "replace") + b"\n"


def read_json(source: Path) -> Any:
    """The value in a JSON file. Raises UsageError if the file can't be read, DataError if it is not JSON."""
    try:
        data = source.read_bytes()
        return json.loads(gzip.decompress(data) if source.suffix == ".gz" else data)
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{source}: can't be read: {cause(error)}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source}: not valid JSON: {error}") from None


def read_jsonl(source: Path) -> Iterator[tuple[str, bytes]]:
    """Yields (place, line) for every line that is not blank; `place` names file and line in messages. Raises UsageError
    if the file can't be read."""
    try:
        with gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb") as file:
            for number, line in enumerate(file, 1):
                if line.strip():
                    yield f"{source}, line {number}", line
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{source}: can't be read: {cause(error)}") from None


@contextlib.contextmanager
def writing(target: Path | None) -> Iterator[IO[bytes] | io.BufferedIOBase]:
    """A file to write to, which appears under its name once it is complete; standard output for None and `-`. Raises
    HarnessError if the file can't be written."""
    if target is None or str(target) == "-":
        yield sys.stdout.buffer
        return
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise HarnessError(f"{target}: can't be written: {cause(error)}") from None
    zipped = target.suffix == ".gz"
    with replacing(target) as part, gzip.open(part, "wb") if zipped else part.open("wb") as file:
        yield file  # the source may be the target


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """The path at which to write a file, which takes the place of `target` in one step once the block is done: a crash
    or a full disk leaves the old file or the new one. Raises HarnessError if the file can't be written."""
    part = target.with_name(target.name + ".part")
    try:
        yield part
        with part.open("rb+") as file:
            os.fsync(file.fileno())
        part.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            part.unlink()
        if isinstance(error, OSError):
            raise HarnessError(f"{target}: can't be written: {cause(error)}") from None
        raise
