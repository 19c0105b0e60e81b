"""Runs of one report beside each other: which of them asked the same, what changed, and which are the same twice."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import DataError
from harness.results import baselines, gate
from harness.results.baselines import Answers
from harness.results.gate import Comparison
from harness.results.records import RecordedRun

CALLED = {"num_fewshot": "number of examples", "system_message": "system message", "options": "task options"}


@dataclass(frozen=True)
class Beside:
    """A run against an earlier one of the report, by its number: `comparison` is what `harness compare` gives for the
    two, None with a `reason` if they can't be compared. `twin` says which run it is once more, "" if none."""

    reference: int
    comparison: Comparison | None = None
    reason: str = ""
    twin: str = ""


class Runs:
    """Compares each run with the first that asked the same. Of no more runs than needed are the answers kept: of those
    that later ones are compared with, and of the one that is being read."""

    def __init__(self, runs: Sequence[RecordedRun], labels: Sequence[str]) -> None:
        self._runs, self._labels = runs, labels
        self._asked = [(run.task, run.version, run.asked) for run in runs]
        self._first: dict[int, Answers] = {}
        self._digests: list[tuple[int, int]] = []
        self._answers = Answers()
        self._at = 0
        self._sum = self._count = 0

    def begin(self, i: int) -> None:
        """The records that come next are those of run number `i`."""
        self._at, self._answers, self._sum, self._count = i, Answers(), 0, 0

    def add(self, record: Mapping[str, Any]) -> str:
        """Take in the next record. `lost` or `gained` if its verdict differs from that of the earlier run."""
        if len(self._runs) < 2:
            return ""
        told = (record.get("identity") or record["id"], record["epoch"], record["response"])
        digest = hashlib.blake2b(repr(told).encode("utf-8", "replace"), digest_size=16).digest()
        self._sum, self._count = (self._sum + int.from_bytes(digest)) % 2**128, self._count + 1
        if self._asked.count(self._asked[self._at]) < 2:
            return ""
        answer = baselines.answer_of(record, self._runs[self._at])
        self._answers[answer.id, answer.epoch] = answer
        before = self._first.get(self._reference)
        return gate.changed(before.get((answer.id, answer.epoch)), answer) if before else ""

    @property
    def _reference(self) -> int:
        return self._asked.index(self._asked[self._at])

    def end(self) -> Beside | None:
        """What became of the run that was begun last; None for the first run."""
        i, reference = self._at, self._reference
        twin = self._twin()
        self._digests.append((self._sum, self._count))
        if reference == i:
            self._first[i] = self._answers
            return Beside(0, reason=self._why_not(), twin=twin) if i else None
        before = self._first[reference]
        if i == max(n for n, asked in enumerate(self._asked) if asked == self._asked[i]):
            del self._first[reference]
        try:
            runs, answers = (self._runs[reference], self._runs[i]), (before, self._answers)
            return Beside(reference, gate.compare_answers(runs, answers), twin=twin)
        except DataError as error:
            reason = str(error)
            paths = {str(self._runs[n].directory): self._labels[n] for n in (reference, i)}
            for path in sorted(paths, key=len, reverse=True):  # a page has no paths of the machine that made it
                reason = reason.replace(path, paths[path])
            return Beside(reference, reason=reason, twin=twin)

    def _twin(self) -> str:
        mine = self._runs[self._at].directory.resolve()
        for run, label, digest in zip(self._runs, self._labels, self._digests, strict=False):
            if run.directory.resolve() == mine:
                return f"the same directory as {label}"
            if digest == (self._sum, self._count):
                return f"the same answers as {label}"
        return ""

    def _why_not(self) -> str:
        first, own = self._runs[0], self._runs[self._at]
        if first.task != own.task:
            return "another task"
        if first.version != own.version:
            return f"another version of the task ({own.version}, not {first.version})"
        ours, theirs = own.asked_by_option, first.asked_by_option
        other = [name for name in ours if ours[name] != theirs[name]]
        names = ", ".join(CALLED.get(name, name) for name in other)
        shown = "; ".join(f"{ours[name] or 'default'}, not {theirs[name] or 'default'}" for name in other)
        return f"other {names} ({shown})"
