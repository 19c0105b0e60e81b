"""Published data sets of the Hugging Face hub: a pin says which, `load` gets its rows, `probe` says if it is there.

The package `datasets` is imported only here, and only if a set is loaded. Knows no task.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError

Row = Mapping[str, Any]

PATIENCE = 6.0
"""Seconds after which the hub counts as out of reach. The library on its own would retry for minutes."""
OFFLINE = ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE")
"""Environment variables with which `datasets` takes what it has kept, and asks nobody."""
NOT_PINNED = "not pinned"


@dataclass(frozen=True)
class Pin:
    """Where a set is on the hub. `name` is ours, `repo` the hub's. `revision` is a commit; "" if none is known, and
    then the newest is loaded and said to be "not pinned". Several `configs` are loaded one after the other, and each
    row then has a column `config`. `rows` is the published number of rows of the split, if it is known."""

    name: str
    repo: str
    configs: tuple[str, ...] = ()
    split: str = "test"
    revision: str = ""
    rows: int | None = None

    @property
    def at(self) -> str:
        """The pin in words, for messages: `allenai/ai2_arc, ARC-Challenge, test, at 210d026`."""
        named = [self.repo, *(self.configs if len(self.configs) == 1 else ()), self.split]
        return f"{', '.join(named)}, {f'at {self.revision[:7]}' if self.revision else NOT_PINNED}"

    @classmethod
    def of(cls, name: str, source: Mapping[str, Any]) -> Pin:
        """From the table of a TOML file. DataError if it is not one, or if its revision is no commit."""
        configs = source.get("config", ())
        pin = cls(
            name,
            str(source.get("repo", "")),
            tuple(configs) if isinstance(configs, list) else (configs,) if configs else (),
            str(source.get("split", "test")),
            str(source.get("revision", "")),
            source.get("rows"),
        )
        if not re.fullmatch(r"[\w.-]+/[\w.-]+", pin.repo) or not re.fullmatch(r"(?:[0-9a-f]{40})?", pin.revision):
            raise DataError(f"set {name}: `repo` is OWNER/NAME, and `revision` a commit of 40 digits or empty")
        return pin


def load(pin: Pin, hint: str = "") -> list[Row]:
    """The rows of a pin, in the hub's order. `hint` says what else can be done. A script of the repository is never
    executed.

    DataError, in one line, if the hub can't be reached, `datasets` is not installed, or the set can't be loaded.
    """
    if Path(pin.repo).exists():  # `datasets` would read it, and run a script in it
        raise DataError(f"{pin.repo} is a folder here, which would be read in place of the hub's set", hint)
    if not offline() and not _reachable(_url(f"datasets/{pin.repo}")):
        raise DataError(
            f"{pin.repo}: the hub can't be reached within {PATIENCE:.0f} seconds",
            "; ".join(filter(None, (hint, "HF_HUB_OFFLINE=1 takes what `datasets` has kept"))),
        )
    try:
        datasets = importlib.import_module("datasets")
    except ImportError:
        install = "pip install 'datasets>=2.20'"
        raise DataError(
            f"{pin.repo}: the package `datasets` is not installed", "; ".join(filter(None, (install, hint)))
        ) from None
    rows: list[Row] = []
    for config in pin.configs or (None,):
        try:
            # From 4 on `datasets` runs no script and takes the word; before, it would ask, or run it.
            asked = {"split": pin.split, "revision": pin.revision or None, "trust_remote_code": False}
            found = datasets.load_dataset(pin.repo, config, **asked)
            rows += [{**row, "config": config} for row in found] if len(pin.configs) > 1 else list(found)
        except Exception as error:  # of many kinds, from many packages
            raise DataError(f"{pin.repo}: could not be loaded from the hub: {_told(error)}", hint) from None
    return rows


def offline() -> bool:
    """Whether the environment says that the hub is not to be asked."""
    return any(os.environ.get(name, "") in ("1", "true", "TRUE", "on", "yes") for name in OFFLINE)


def loaded(pin: Pin | None, source: str, rows: Iterable[Row]) -> dict[str, Any]:
    """What run.json says of rows that were loaded: where from, how many, and a hash of all of them. `source` is "hub",
    or the path of a file; a pin of rows from a file says which set they are taken for."""
    listed = list(rows)
    found: dict[str, Any] = {"source": source, "rows": len(listed), "sha256": fingerprint(listed)}
    if pin is not None:
        found |= {"set": pin.name, "repo": pin.repo, "config": ",".join(pin.configs), "split": pin.split}
        found["revision"] = pin.revision or NOT_PINNED
        if source == "hub" and not pin.revision:
            found["note"] = f"set {pin.name} is {NOT_PINNED}: these are the newest rows of {pin.repo}"
    return found


def fingerprint(rows: Iterable[Row]) -> str:
    """SHA-256 over the rows as JSON with sorted keys, a line each: the same rows have the same, wherever they come
    from."""
    digest = hashlib.sha256()
    for row in rows:
        digest.update(json.dumps(row, sort_keys=True, ensure_ascii=False, default=str).encode("utf-8", "replace"))
        digest.update(b"\n")
    return digest.hexdigest()


# Is it there? -------------------------------------------------------------------------------------------------------


def probe(pins: Iterable[Pin]) -> Iterator[tuple[Pin, bool, str]]:
    """Yields (pin, whether the hub has it, in words) for each, without loading a row. Once the hub has not answered, it
    is not asked again."""
    away = ""
    for pin in pins:
        if not away and (offline() or not _reachable(_url(""))):
            away = "HF_HUB_OFFLINE is set" if offline() else f"the hub can't be reached within {PATIENCE:.0f} seconds"
        if away:
            yield pin, False, away
            continue
        yield pin, *_asked(pin)


def _asked(pin: Pin) -> tuple[bool, str]:
    try:
        hub = importlib.import_module("huggingface_hub")
    except ImportError:
        return False, "pip install 'datasets>=2.20'"
    try:
        info = hub.HfApi().dataset_info(pin.repo, revision=pin.revision or None, timeout=PATIENCE)
    except Exception as error:  # of many kinds, from many packages
        return False, _told(error)
    if pin.revision:
        return True, f"at {pin.revision[:7]}"
    return True, f"{NOT_PINNED}; the newest is {info.sha}"


def _told(error: Exception) -> str:
    first = str(error).strip().split("\n", 1)[0][:300]
    return f"{type(error).__name__}: {first}" if first else type(error).__name__


def _url(path: str) -> str:
    return f"{os.environ.get('HF_ENDPOINT', 'https://huggingface.co')}/{path}"


def _reachable(url: str) -> bool:
    """Whether a server answers without a server error. In a thread, because looking up a name has no time limit."""
    answered: list[bool] = []

    def ask() -> None:
        try:
            with urllib.request.urlopen(urllib.request.Request(url, method="HEAD"), timeout=PATIENCE):
                answered.append(True)
        except urllib.error.HTTPError as error:
            answered.append(error.code < 500)
        except (OSError, ValueError):
            pass

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    thread.join(PATIENCE)
    return bool(answered) and answered[0]
