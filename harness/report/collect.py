"""From run directories to what a report shows: counts in one pass, and the samples in compressed blocks."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness import launch, store
from harness.audit import Finding, audit_run
from harness.errors import DataError
from harness.statistics import intervals
from harness.statistics.intervals import Estimate
from harness.tables import Cell, Contrasts
from harness.text import Extra

BLOCK = 500
"""Samples a block: one is unpacked when a sample in it is opened."""

MOST_LEVELS = 40
NUMERIC = ("optimal_cost",)
"""Params against which accuracy is drawn with a fitted curve."""

INDEXED = "id epoch condition group outcome".split()
SHOWN = "id condition group epoch outcome value answer target response thinking detail params input error".split()
SHOWN += "stop_reason calls prompt_tokens completion_tokens latency_s".split()


@dataclass
class RunData:
    """One run: its configuration, its gaps, and accuracy by each factor's level, by length, and by tokens used."""

    directory: Path
    about: Mapping[str, Any]
    contrasts: Contrasts
    extras: list[Extra]
    confounds: list[Finding] = field(default_factory=list)
    """What differs between matched conditions, declared by the task or not."""
    levels: dict[str, dict[str, Estimate | None]] = field(default_factory=dict)
    boxes: dict[str, dict[str, Estimate | None]] = field(default_factory=dict)
    """Accuracy by level as in `levels`, with its 50% interval."""
    numeric: dict[str, dict[str, dict[float, Cell]]] = field(default_factory=dict)
    tokens: list[tuple[int, float]] = field(default_factory=list)

    @property
    def title(self) -> str:
        config = self.about["config"]
        return f"{config['task']}, {config['model']}"


def collect(directory: Path) -> RunData:
    """Read a run once. DataError for one without records."""
    about = store.read_config(directory)
    factors = tuple((about.get("task") or {}).get("factors") or ())
    contrasts = Contrasts(factors, about.get("conditions") or ())
    run = RunData(directory, about, contrasts, [])
    for record in store.read_records(directory):
        contrasts.add(record)
        params = record["params"]
        for name in NUMERIC:
            if isinstance(params.get(name), int | float):
                cells = run.numeric.setdefault(name, {}).setdefault(record["condition"], {})
                cells.setdefault(float(params[name]), Cell()).add(record)
        if record.get("completion_tokens") and record["value"] is not None:
            run.tokens.append((record["completion_tokens"], record["value"]))
    if not contrasts.total.samples:
        raise DataError(f"{directory} has no records")
    for factor in factors:
        matched = contrasts.matched_levels(factor)
        if 1 < len(matched) <= MOST_LEVELS:
            run.levels[factor] = {level: _accuracy(cells) for level, cells in matched.items()}
            run.boxes[factor] = {level: _accuracy(cells, 0.5) for level, cells in matched.items()}
    run.numeric = {n: by for n, by in run.numeric.items() if any(len(cells) > 2 for cells in by.values())}
    run.confounds = [f for f in audit_run(directory) if f.verdict not in ("equal", "small")]
    run.extras = [*launch.extras(directory), *launch.statistics(directory)]
    return run


def _accuracy(cells: Sequence[Cell], confidence: float = 0.95) -> Estimate | None:
    """Of several cells together; a group is one cluster in all of them."""
    clusters: dict[str, list[float]] = {}
    for cell in cells:
        for group, (k, n) in cell.clusters.items():
            total = clusters.setdefault(group, [0.0, 0])
            total[0] += k
            total[1] += n
    return intervals.accuracy([(k, int(n)) for k, n in clusters.values()], confidence)


# Samples ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Samples:
    """The index of all samples (columns as lists), and the samples themselves in gzipped, base64-coded blocks."""

    index: str
    blocks: list[str]
    count: int


def samples(directories: Sequence[Path]) -> Samples:
    """Two runs of one task are put side by side: `flip` is lost or gained where a sample's verdict changed."""
    before = _verdicts(directories[0]) if len(directories) == 2 else {}
    columns: dict[str, list[Any]] = {
        "run": [],
        "id": [],
        "epoch": [],
        "condition": [],
        "group": [],
        "outcome": [],
        "flip": [],
    }
    calls = [_calls(directory) for directory in directories]
    blocks: list[str] = []
    block: list[Mapping[str, Any]] = []
    for run, record in _records(directories):
        flip = ""
        old = before.get((record["id"], record["epoch"]))
        if run == 1 and old is not None and record["value"] is not None and (old >= 1) != (record["value"] >= 1):
            flip = "lost" if old >= 1 else "gained"
        for name, column in columns.items():
            column.append({"run": run, "flip": flip}.get(name, record.get(name)))
        shown = {name: record.get(name) for name in SHOWN} | {"run": run}
        if (record.get("calls") or 0) > 1:
            shown["several"] = calls[run].get((record["id"], record["epoch"]), [])
        block.append(shown)
        if len(block) == BLOCK:
            blocks.append(_packed(block))
            block = []
    if block:
        blocks.append(_packed(block))
    return Samples(_packed(columns), blocks, len(columns["id"]))


def _records(directories: Sequence[Path]) -> Iterator[tuple[int, dict[str, Any]]]:
    for run, directory in enumerate(directories):
        for record in store.read_records(directory):
            yield run, record


def _verdicts(directory: Path) -> dict[tuple[str, int], float]:
    return {(r["id"], r["epoch"]): r["value"] for r in store.read_records(directory) if r["value"] is not None}


def _calls(directory: Path) -> dict[tuple[str, int], list[dict[str, Any]]]:
    """The calls behind each answer that took several, in the order in which they were answered."""
    found: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for _, line in store.read_lines(directory / store.JOURNAL):
        call = json.loads(line)
        said = call["completion"]
        shown = {"input": call.get("input") or [], "response": said.get("text"), "thinking": said.get("thinking")}
        shown |= {name: said.get(name) for name in ("stop_reason", "completion_tokens")}
        found.setdefault((call.get("id"), call.get("epoch")), []).append(shown)
    return found


def _packed(value: Any) -> str:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii")
