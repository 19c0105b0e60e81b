"""A choice that is written down, with a hash and on disk, before it is put to the test."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness.files import replacing


def freeze(path: Path, choice: Mapping[str, Any]) -> dict[str, Any]:
    """Write the choice with the time and its hash, on disk when this returns; gives what was written."""
    dated = {**choice, "time": datetime.now(UTC).isoformat(timespec="seconds")}
    frozen = {**dated, "sha256": digest(dated)}
    write_json(path, frozen)
    _sync(path.parent)
    return frozen


def digest(value: Mapping[str, Any]) -> str:
    """SHA-256 of the value as JSON with sorted keys and without spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """In the place of what is there, in one step. HarnessError if that is not possible."""
    with replacing(path) as part:
        part.write_text(json.dumps(value, indent=1) + "\n", encoding="utf-8")


def _sync(directory: Path) -> None:
    """Make a new name in a directory survive a power cut, where the system can do that."""
    with contextlib.suppress(OSError):
        there = os.open(directory, os.O_RDONLY)
        try:
            os.fsync(there)
        finally:
            os.close(there)
