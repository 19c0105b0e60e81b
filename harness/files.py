"""JSON files and JSON Lines files, .gz too. JSON Lines are read and written one line at a time."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import re
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


MOST_BYTES = 512 * 2**20
"""A JSON file, or a line of JSON Lines, that is longer (unpacked) is refused: its value would not fit in memory."""


def read_json(source: Path) -> Any:
    """The value in a JSON file. Raises UsageError if the file can't be read, DataError if it is not JSON or larger than
    MOST_BYTES."""
    try:
        with _opened(source) as file:
            data = file.read(MOST_BYTES + 1)
        return json.loads(_not_too_long(data, str(source)))
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{source}: can't be read: {cause(error)}") from None
    except (ValueError, RecursionError) as error:
        raise DataError(f"{source}: not valid JSON: {error}") from None


def read_jsonl(source: Path) -> Iterator[tuple[str, bytes]]:
    """Yields (place, line) for every line that is not blank; `place` names file and line in messages. Raises UsageError
    if the file can't be read, DataError for a line that is longer than MOST_BYTES."""
    try:
        with _opened(source) as file:
            for number, line in enumerate(iter(lambda: file.readline(MOST_BYTES + 1), b""), 1):
                if line.strip():
                    yield f"{source}, line {number}", _not_too_long(line, f"{source}, line {number}")
    except (OSError, EOFError, zlib.error) as error:
        raise UsageError(f"{source}: can't be read: {cause(error)}") from None


def _opened(source: Path) -> gzip.GzipFile | io.BufferedReader:
    return gzip.open(source, "rb") if source.suffix == ".gz" else source.open("rb")


def _not_too_long(data: bytes, where: str) -> bytes:
    if len(data) > MOST_BYTES:
        raise DataError(f"{where}: is longer than {MOST_BYTES // 2**20} MiB")
    return data


def file_name(text: str) -> str:
    """The text as one part of a path, which leads nowhere else: letters, digits and `._-`, not too long."""
    kept = "".join(c if c.isalnum() or c in "._-" else "_" for c in text[:150]).strip(".")
    return kept or "_"


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


# Folders ------------------------------------------------------------------------------------------------------------


def no_links(directory: Path) -> None:
    """DataError if something in the folder is a symbolic link. A run may come from a stranger, and a link in it would
    have us write to, or show, a file that stands somewhere else."""
    try:
        with os.scandir(directory) as entries:
            links = [entry.name for entry in entries if entry.is_symlink()]
    except OSError:
        return  # whoever reads or writes says what is wrong
    if links:
        raise DataError(
            f"{directory / min(links)} is a symbolic link",
            "no link in a run's folder is followed: remove it, or put the file itself there",
        )


# CSV ----------------------------------------------------------------------------------------------------------------

_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


def csv_row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row whose texts no spreadsheet runs: one that begins like a formula gets an apostrophe in front, unless it is a
    number. Other values stay. `csv_row_read` takes the apostrophe off."""
    return {csv_text(name): csv_text(v) if isinstance(v, str) else v for name, v in row.items()}


def csv_text(text: str) -> str:
    """A text of a CSV file, see `csv_row`."""
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def csv_row_read(row: Mapping[str, Any]) -> dict[str, Any]:
    """The row that `csv_row` was given, if its values were texts."""
    return {name: v[1:] if isinstance(v, str) and v[:1] == "'" and _FORMULA.match(v) else v for name, v in row.items()}
