"""Answers kept across runs (`--cache`): one SQLite file, keyed by the identity of the call."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import platformdirs

from harness.errors import HarnessError, cause
from harness.types import Completion, TokenLogprob


class Cache:
    """get and put by key. Several processes may share the file."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or make the file (by default in the user's cache folder). HarnessError if it can't be opened or is no
        cache."""
        path = path or Path(platformdirs.user_cache_dir("harness")) / "completions.sqlite"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=30, isolation_level=None)
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        except (OSError, sqlite3.Error) as error:
            raise HarnessError(
                f"the cache {path} can't be used: {cause(error)}", "remove the file, or run without --cache"
            ) from None

    def get(self, key: str) -> Completion | None:
        """The completion kept under a key; None if there is none, or if the file can't be read now."""
        try:
            row = self._db.execute("SELECT value FROM completions WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error:
            return None  # then the model is asked
        return completion_from(json.loads(row[0])) if row else None

    def put(self, key: str, completion: Completion) -> None:
        """Keep a completion. A cache that can't be written is no error."""
        value = json.dumps(asdict(completion))
        with contextlib.suppress(sqlite3.Error):  # an answer that can't be cached is an answer all the same
            self._db.execute("INSERT OR REPLACE INTO completions VALUES (?, ?)", (key, value))

    def close(self) -> None:
        self._db.close()


def completion_from(value: Mapping[str, Any]) -> Completion:
    """A completion from its JSON form."""
    fields = dict(value)
    if fields.get("logprobs") is not None:
        fields["logprobs"] = tuple(
            TokenLogprob(token, logprob, tuple((t, p) for t, p in top)) for token, logprob, top in fields["logprobs"]
        )
    fields["notes"] = tuple(fields.get("notes", ()))  # completions of earlier versions have none
    return Completion(**fields)
