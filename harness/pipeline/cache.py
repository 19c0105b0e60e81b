"""Answers kept across runs (`--cache`): one SQLite file, keyed by the identity of the call. The file may be damaged, in
use or somebody else's: what can't be read is asked again, and what is wrong is said once."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from dataclasses import asdict
from pathlib import Path

import platformdirs

from harness.errors import HarnessError, cause
from harness.pipeline.checks import completion_from, too_deep
from harness.types import Completion

VERSION = 1
"""Of the file's tables, in its user_version; 0 is a file of before there were versions, which has the same."""
PATIENCE_S = 1.0
"""How long a file that another program has locked is waited for, once: meanwhile no answer can be received."""
LARGEST = 2**26
"""Bytes of a kept answer."""


class Cache:
    """get and put by key. Several processes may share the file. `trouble` says why it is not used any more, or ""."""

    def __init__(self, path: Path | None = None) -> None:
        """Open or make the file (by default in the user's cache folder). HarnessError, which says what to do, if it
        can't be opened, is no cache, or is one of a later version."""
        self._path = path or Path(platformdirs.user_cache_dir("harness")) / "completions.sqlite"
        self.trouble = ""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(self._path, timeout=PATIENCE_S, isolation_level=None)
            self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, LARGEST)
            self._db.execute("PRAGMA trusted_schema=OFF")
            version = self._known_version()
            self._db.execute("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=NORMAL")
            self._db.execute("CREATE TABLE IF NOT EXISTS completions (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
            self._check_tables()
            if version != VERSION:
                self._db.execute(f"PRAGMA user_version={VERSION}")
        except (OSError, sqlite3.Error) as error:
            raise HarnessError(f"the cache {self._path} can't be used: {cause(error)}", _remedy(error)) from None

    def _known_version(self) -> int:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version not in (0, VERSION):
            said = f"the cache {self._path} is of version {version}, and this harness knows version {VERSION}"
            raise HarnessError(said, "update the harness, move the file away, or run without --cache")
        return int(version)

    def _check_tables(self) -> None:
        """A view or a trigger could do anything when an answer is looked up or kept."""
        made = self._db.execute("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
        columns = [row[1:3] for row in self._db.execute("PRAGMA table_xinfo(completions)")]
        if made != [("table", "completions")] or columns != [("key", "TEXT"), ("value", "TEXT")]:
            raise HarnessError(f"{self._path} is not a cache of the harness", "move it away, or run without --cache")

    def get(self, key: str) -> Completion | None:
        """The completion kept under a key; None if there is none or it can't be read: then the model is asked."""
        if self.trouble:
            return None
        try:
            row = self._db.execute("SELECT CAST(value AS BLOB) FROM completions WHERE key = ?", (key,)).fetchone()
        except sqlite3.DataError:  # larger than LARGEST
            return None
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        try:
            value = json.loads(row[0]) if row else None
            return completion_from(value) if row and not too_deep(row[0], value) else None
        except (ValueError, TypeError, RecursionError, AttributeError):
            return None

    def put(self, key: str, completion: Completion) -> None:
        """Keep a completion, in place of what could not be read. A cache that can't be written is no error: the answer
        is an answer all the same."""
        if self.trouble:
            return
        try:
            self._db.execute("INSERT OR REPLACE INTO completions VALUES (?, ?)", (key, json.dumps(asdict(completion))))
        except sqlite3.DataError:
            return
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        """Trying again at each answer could take PATIENCE_S each time."""
        self.trouble = f"the cache {self._path} was not used to the end ({cause(error)}): {_remedy(error)}"

    def close(self) -> None:
        """Release the file."""
        with contextlib.suppress(sqlite3.Error):
            self._db.close()


def _remedy(error: Exception) -> str:
    text = str(error)
    if "locked" in text or "busy" in text:
        return "wait for the other program that uses it, or run without --cache"
    if "malformed" in text or "not a database" in text or "corrupt" in text:
        return "remove the file, and answers are asked and kept anew, or run without --cache"
    return "make it a file that can be written, or run without --cache"
