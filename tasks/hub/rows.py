"""The rows of a set: from the hub, from a file, or ours; what they must be is asserted before a model is asked."""

from __future__ import annotations

import functools
import importlib
import json
import stat
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path
from typing import Any

from harness import hub
from harness.errors import DataError, UsageError, cause
from harness.files import read_jsonl
from harness.hub import Row
from harness.tasks.hub.items import LETTERS, Item, items
from harness.tasks.hub.schema import SHIPPED, HubSet

TOLERANCE = 0.01
"""How far the share of an answer may be from the one recorded with the set."""


@dataclass(frozen=True, eq=False)  # equal only to itself: caches go by what was loaded
class Loaded:
    """Items, and what run.json says of the rows they come from (harness.hub.loaded)."""

    items: tuple[Item, ...]
    about: Mapping[str, Any]


def load(hub_set: HubSet, file: Path | None = None, split: str = "", config: str = "") -> Loaded:
    """The set's items, from `file` or from the hub; `split` and `config` are others than the set's, such as the split
    of worked examples. Rows of the hub in the set's own split must be as many as published, with the published share
    of each answer. UsageError if the file can't be read, DataError for everything else that is wrong."""
    if file is None:
        return _from_hub(hub_set, split, config)
    try:
        found = file.stat()
    except OSError as error:
        raise UsageError(
            f"{file}: can't be read: {cause(error)}", "-T file=PATH: .jsonl, .jsonl.gz or .parquet"
        ) from None
    if not stat.S_ISREG(found.st_mode):  # a pipe may never end, and can't be read twice
        raise UsageError(f"{file}: is no regular file", "-T file=PATH: .jsonl, .jsonl.gz or .parquet")
    return _from_file(hub_set, file, found.st_mtime_ns)


@functools.lru_cache(maxsize=4)
def _from_hub(hub_set: HubSet, split: str, config: str) -> Loaded:
    if hub_set.name == SHIPPED:
        place = files(__package__).joinpath("sets", "rows", f"{split or hub_set.pin.split}.jsonl")
        rows: list[Row] = [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()]
        return Loaded(tuple(items(hub_set, rows, "our rows")), {"set": SHIPPED, **hub.loaded(None, "shipped", rows)})
    pin = replace(hub_set.pin, split=split or hub_set.pin.split, configs=(config,) if config else hub_set.pin.configs)
    rows = hub.load(pin, f"-T set={hub_set.name} -T file=PATH reads its rows from a .jsonl or .parquet file")
    found = items(hub_set, rows, pin.at)
    if not split and not config:
        check(hub_set, len(rows), found)
    return Loaded(tuple(found), hub.loaded(pin, "hub", rows))


@functools.lru_cache(maxsize=4)
def _from_file(hub_set: HubSet, file: Path, changed: int) -> Loaded:
    """`changed` is a part of the cache's key. A run counts its samples first, so the cache saves a second reading."""
    rows = _rows(file)
    found = items(hub_set, rows, str(file))
    published = hub_set.pin.rows
    said = f"{file.name}: {len(rows):,} rows"
    if published is None:
        said += ", and the published count is not known"
    elif published != len(rows):
        said += f", not the published {published:,}"
    else:
        said += ", as many as published"
    return Loaded(tuple(found), {**hub.loaded(hub_set.pin, str(file), rows), "note": f"set {hub_set.name}: {said}"})


def _rows(file: Path) -> list[Row]:
    if file.suffix == ".parquet":
        try:
            return list(importlib.import_module("pyarrow.parquet").read_table(file).to_pylist())
        except Exception as error:  # of many kinds
            raise DataError(f"{file}: can't be read as parquet: {str(error).splitlines()[0][:200]}") from None
    found = []
    for place, line in read_jsonl(file):
        try:
            found.append(json.loads(line))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{place}: not valid JSON: {error}") from None
    return found


def check(hub_set: HubSet, rows: int, found: list[Item]) -> None:
    """DataError, with set and pin, if the rows are not as many as published, if an answer is none of the set's, if a
    label never comes, or if the share of an answer is more than a point off the recorded one."""
    where = f"set {hub_set.name} ({hub_set.pin.at})"
    if hub_set.pin.rows is not None and rows != hub_set.pin.rows:
        raise DataError(f"{where}: it has {rows:,} rows, and {hub_set.pin.rows:,} were published", _OTHER)
    counts = Counter(LETTERS[item.gold] if hub_set.options_vary else item.answer for item in found)
    allowed = hub_set.answers or hub_set.labels
    if allowed and (others := sorted(counts.keys() - set(allowed))):
        raise DataError(f"{where}: the answer {others[0]!r} is none of {', '.join(allowed)}", _OTHER)
    if allowed and (missing := [label for label in allowed if not counts[label]]):
        raise DataError(f"{where}: no row has the answer {missing[0]!r}", _OTHER)
    for answer, share in hub_set.histogram.items():
        is_now = counts[answer] / len(found)
        if abs(is_now - share) > TOLERANCE:
            raise DataError(f"{where}: {is_now:.3f} of its answers are {answer!r}, not {share:.3f} as recorded", _OTHER)


_OTHER = "these are other rows than the set was declared with: look at what changed on the hub"
