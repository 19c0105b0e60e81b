"""From run directories to what a report shows: counts in one pass, and the samples in compressed blocks."""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageError
from harness.pipeline import store
from harness.pipeline.remarks import Remarks
from harness.report.beside import Beside, Runs
from harness.report.mistakes import Mistakes
from harness.results.audit import Finding, FirstSamples, audit
from harness.results.controls import of_run
from harness.results.costs import Spending
from harness.results.counts import Cell, Contrasts
from harness.results.effects import Effects
from harness.results.labels import differences, facts, labels
from harness.results.records import RecordedRun, Tables, open_run
from harness.statistics.intervals import Clusters, Estimate
from harness.studies import budget
from harness.text import Extra

BLOCK = 500
"""Samples in a block. The page unpacks a block when a sample in it is opened."""

MOST_NODES = 500
"""Nodes of a search that are shown of one sample."""
NODE = "node parent role depth thought value visits pruned chosen said".split()

MOST_LEVELS = 40
"""A factor with more levels than this is not drawn."""
PIECE = 60
"""Characters of an answer in the list of samples."""
INDEXED = "id epoch condition group outcome".split()
SHOWN = "id condition group epoch outcome value answer target response thinking detail params input error".split()
SHOWN += "stop_reason calls prompt_tokens completion_tokens latency_s".split()


Key = tuple[str, int]
"""(id, epoch) of a sample."""

Calls = dict[Key, list[dict[str, Any]]]
"""What was kept beside the record of each sample (its calls, its nodes), in the order in which it was written."""


@dataclass
class RunData:
    """One run: its configuration, its gaps, and accuracy by each factor's level, by length, and by tokens used."""

    recorded: RecordedRun
    contrasts: Contrasts
    extras: list[Extra]
    mistakes: Mistakes
    controls: list[Extra] = field(default_factory=list)
    """What the questions beside the samples say (harness.results.controls); they are in no other number."""
    label: str = ""
    """Different for each run of the report."""
    facts: dict[str, str] = field(default_factory=dict)
    """What was asked of whom and how (harness.results.labels.facts)."""
    telling: list[str] = field(default_factory=list)
    """The facts in which the runs of the report differ."""
    spending: Spending | None = None
    """What it spent on each sample, if the runs of the report have several strategies."""
    beside: Beside | None = None
    """The run against an earlier one of the report; None for the first."""
    confounds: list[Finding] = field(default_factory=list)
    """What differs between matched conditions, declared by the task or not."""
    levels: dict[str, dict[str, Estimate | None]] = field(default_factory=dict)
    boxes: dict[str, dict[str, Estimate | None]] = field(default_factory=dict)
    """Accuracy by level as in `levels`, with its 50% interval."""
    numeric: dict[str, dict[str, dict[float, Cell]]] = field(default_factory=dict)
    """Counts by measure (Task.measures), condition and value: accuracy is drawn against it with a fitted curve."""
    tokens: list[tuple[int, float]] = field(default_factory=list)
    thinking: budget.Study | None = None
    """What its answers say at each budget of thinking, if it cut traces (strategy `forced`)."""
    unread: str = ""
    """Why a run that cut traces does not show that; "" if it does."""
    beyond_limit: str = ""
    """How many samples have no right answer within the run's limit of tokens (harness.pipeline.remarks); "" for none.
    """

    @property
    def title(self) -> str:
        """Task and model, as "aiw, tiny"."""
        return f"{self.recorded.task}, {self.recorded.config['model']}"


def collect(directories: Sequence[Path]) -> tuple[list[RunData], Samples]:
    """What a report of these runs shows, and their samples. Reads each run once.

    A run is compared with the first one that asked the same: a sample's `flip` is `lost` or `gained` if its verdict
    changed. Raises DataError for a run without records.
    """
    opened = [open_run(directory) for directory in directories]
    named, telling = labels(opened), differences(opened)
    samples, beside = _SampleBlocks(), Runs(opened, named)
    runs = []
    for i, run in enumerate(opened):
        samples.begin(i, _calls(run.directory), _nodes(run))
        beside.begin(i)
        spending = Spending(run, Contrasts(), named[i]) if "strategy" in telling else None
        also = [spending.add] if spending else []
        data = _run(run, lambda record: samples.add(record, beside.add(record)), *also)
        if spending:
            spending.contrasts, data.spending = data.contrasts, spending
        data.label, data.facts, data.telling, data.beside = named[i], facts(run), telling, beside.end()
        if data.beside is None or data.beside.comparison is None:
            samples.forget_flips()
        runs.append(data)
    return runs, samples.packed()


def _run(run: RecordedRun, *on_record: Callable[[Mapping[str, Any]], None]) -> RunData:
    numbers, effects, first = _Numbers(run.measures), Effects((), run.measures, run.varies), FirstSamples()
    mistakes = Mistakes(run.main or next(iter(run.factors), ""))
    remarks = Remarks(None, run.measures.get("tokens", ""), run.part("sampling").get("max_tokens"))
    task = run.installed_task()
    own = Tables(task)
    add = [numbers.add, effects.add, first.add, mistakes.add, remarks.add, *on_record, own.add]
    with of_run(run) as beside:
        contrasts = run.read(*add, controls=[beside.add])
        controls = beside.tables(contrasts)
    extras = [*own.tables(), *effects.tables(contrasts)]
    data = RunData(run, contrasts, extras, mistakes, controls=controls)
    for factor in run.factors:
        matched = contrasts.matched_levels(factor)
        if 1 < len(matched) <= MOST_LEVELS:
            data.levels[factor] = {level: _accuracy(cells) for level, cells in matched.items()}
            data.boxes[factor] = {level: _accuracy(cells, 0.5) for level, cells in matched.items()}
    data.numeric = {n: by for n, by in numbers.cells.items() if any(len(cells) > 2 for cells in by.values())}
    data.tokens, data.beyond_limit = numbers.tokens, remarks.beyond_limit
    if run.config.get("strategy") == budget.STRATEGY:
        try:
            data.thinking = budget.study(run)
        except (UsageError, DataError) as error:
            data.unread = f"its budgets of thinking are not shown: {error.message}"
    if task is not None:
        data.confounds = [f for f in audit(task, first.samples) if f.verdict not in ("equal", "small")]
    return data


class _Numbers:
    """Counts answers by what the task measures of a sample (Task.measures), and collects (tokens, value) of each."""

    def __init__(self, measures: Mapping[str, str]) -> None:
        self._measures = measures
        self.cells: dict[str, dict[str, dict[float, Cell]]] = {}
        self.tokens: list[tuple[int, float]] = []

    def add(self, record: Mapping[str, Any]) -> None:
        for name, param in self._measures.items():
            value = record["params"].get(param)
            if isinstance(value, int | float):
                cells = self.cells.setdefault(name, {}).setdefault(record["condition"], {})
                cells.setdefault(float(value), Cell()).add(record)
        if record.get("completion_tokens") and record["value"] is not None:
            self.tokens.append((record["completion_tokens"], record["value"]))


def _accuracy(cells: Sequence[Cell], confidence: float = 0.95) -> Estimate | None:
    """The accuracy of several cells together, in which a group is one cluster; None without a verdict."""
    clusters = Clusters()
    for cell in cells:
        for group, cluster in cell.clusters.items():
            clusters.add(group, *cluster)
    return clusters.accuracy(confidence)


# Samples ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Samples:
    """The index of all samples (columns as lists), and the samples themselves in gzipped, base64-coded blocks.
    `changed`: whether any verdict differs from that of an earlier run."""

    index: str
    blocks: list[str]
    count: int
    changed: bool


class _SampleBlocks:
    """Collects the samples of one run after another."""

    def __init__(self) -> None:
        self._run, self._calls, self._nodes, self._begun = 0, Calls(), Calls(), 0
        self._columns: dict[str, list[Any]] = {name: [] for name in ("run", *INDEXED, "flip", "piece")}
        self._blocks: list[str] = []
        self._block: list[Mapping[str, Any]] = []

    def begin(self, run: int, calls: Calls, nodes: Calls) -> None:
        """The records that come next belong to run number `run`."""
        self._run, self._calls, self._nodes, self._begun = run, calls, nodes, len(self._columns["id"])

    def add(self, record: Mapping[str, Any], flip: str) -> None:
        """Take in the next record of the run that `begin` named."""
        key = record["id"], record["epoch"]
        own = {"run": self._run, "flip": flip, "piece": _piece(record)}
        for name, column in self._columns.items():
            column.append(own.get(name, record.get(name)))
        shown = {name: record.get(name) for name in SHOWN} | {"run": self._run}
        if (record.get("calls") or 0) > 1:
            shown["several"] = self._calls.get(key, [])
        if tree := self._nodes.get(key):
            shown |= {"tree": tree[:MOST_NODES], "nodes": len(tree)}
        self._block.append(shown)
        if len(self._block) == BLOCK:
            self._pack()

    def forget_flips(self) -> None:
        """The run that `begin` named turned out not to be comparable."""
        flips = self._columns["flip"]
        flips[self._begun :] = [""] * (len(flips) - self._begun)

    def _pack(self) -> None:
        self._blocks.append(_packed(self._block))
        self._block = []

    def packed(self) -> Samples:
        """All samples added so far. Call it once, at the end."""
        if self._block:
            self._pack()
        return Samples(_packed(self._columns), self._blocks, len(self._columns["id"]), any(self._columns["flip"]))


def _piece(record: Mapping[str, Any]) -> str:
    """The beginning of what was read as the answer, on one line; "" if nothing was."""
    return " ".join(str(record.get("answer") or "")[: 4 * PIECE].split())[:PIECE]


def _calls(directory: Path) -> Calls:
    found: Calls = {}
    for call in store.read_calls(directory):
        said = call["completion"]
        shown = {"input": call.get("input") or [], "response": said.get("text"), "thinking": said.get("thinking")}
        shown |= {name: said.get(name) for name in ("stop_reason", "completion_tokens")}
        found.setdefault((call.get("id", ""), call.get("epoch", 0)), []).append(shown)
    return found


def _nodes(run: RecordedRun) -> Calls:
    """What a search noted of each sample: its states, and what was said of them."""
    found: Calls = {}
    for node in run.nodes():
        if node.get("node") is not None:
            shown = {name: node[name] for name in NODE if node.get(name) is not None}
            found.setdefault((node["id"], node["epoch"]), []).append(shown)
    return found


def _packed(value: Any) -> str:
    data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=str).encode("utf-8", "replace")
    return base64.b64encode(gzip.compress(data, 6, mtime=0)).decode("ascii")
