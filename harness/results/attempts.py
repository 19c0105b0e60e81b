"""What the log of a strategy shows: how verdicts changed from round to round, how votes fell, and whether answers
follow an edit (`harness stats RUN`).

From nodes.jsonl alone, with the task's scorer: the answers of each round are scored anew, whatever the record says. A
strategy has these tables if it notes its answers as Session.note(role="answer", round=0 ..., text=, stop_reason=), and
its votes as role="vote" with votes=, won=, tied=, and what came of an edit as role="edited" with said=.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from harness import plugins
from harness.errors import DataError
from harness.results.records import RecordedRun
from harness.results.scoring import score_row
from harness.statistics.intervals import Clusters, clustered_mean
from harness.text import Extra, estimate
from harness.types import Task

MOST_ROUNDS = 1_000
Key = tuple[str, int]
"""The id and the epoch of a sample."""


class Attempt(NamedTuple):
    """An answer of one round: its text, and why it ended."""

    text: str
    stop_reason: str


def of_run(run: RecordedRun, task: Task | None = None) -> list[Extra]:
    """The tables that the nodes of a run have something to say in; none if the strategy noted nothing. Answers are
    scored by `task`, or else by the installed task with the run's options; without one there is no table of rounds."""
    answers: dict[Key, dict[int, Attempt]] = {}
    votes: dict[Key, list[Mapping[str, Any]]] = {}
    edits: dict[Key, Any] = {}
    for node in run.nodes():
        key = str(node["id"]), int(node["epoch"])
        if node.get("role") == "answer":
            number, text = node.get("round"), node.get("text")
            if not isinstance(number, int) or not 0 <= number <= MOST_ROUNDS or not isinstance(text, str):
                raise DataError(f"{run.directory}: a node of sample {key[0]} is not an answer with a round and a text")
            answers.setdefault(key, {})[number] = Attempt(text, str(node.get("stop_reason") or "stop"))
        elif node.get("role") == "vote":
            votes.setdefault(key, []).append(node)
        elif node.get("role") == "edited":
            edits[key] = node.get("said")
    tables = []
    if any(len(rounds) > 1 for rounds in answers.values()):
        if task is None and run.installed_task() is not None:
            task = plugins.task(run.task, run.config.get("task_options") or {})
        tables += [_rounds(run, answers, task)] if task else []
    tables += [_votes(run, votes)] if votes else []
    return tables + ([_edits(run, edits)] if edits else [])


# Rounds -----------------------------------------------------------------------------------------------------------


def _rounds(run: RecordedRun, answers: Mapping[Key, Mapping[int, Attempt]], task: Task) -> Extra:
    """One row a round. A sample that has ended keeps its answer, so that each row has all samples."""
    last = max(number for rounds in answers.values() for number in rounds)
    changes = [Counter[tuple[bool | None, bool | None]]() for _ in range(last + 1)]
    right = [Clusters() for _ in changes]
    asked = [0] * (last + 1)
    for record in run.records():
        rounds = answers.get((record["id"], record["epoch"]), {})
        before: bool | None = None
        for number, verdict in enumerate(_verdicts(task, record["params"], rounds, last)):
            asked[number] += number in rounds
            changes[number][before, verdict] += 1
            before = verdict
            if verdict is not None:
                right[number].add(record["group"], float(verdict))
    task.close()
    rows = [_row(number, asked[number], changes[number], right[number]) for number in range(last + 1)]
    changed = (f"{_WORDS[a]} -> {_WORDS[b]}" for a, b in _CHANGES)
    header = ("round", "answers", *changed, "first verdict", "no verdict", "accuracy")
    title = "answers by round; who has ended keeps the answer"
    return Extra(title, header, tuple(rows))


_WORDS = {True: "right", False: "wrong"}
_CHANGES = ((True, True), (True, False), (False, True), (False, False))


def _verdicts(task: Task, params: Mapping[str, Any], rounds: Mapping[int, Attempt], last: int) -> Iterator[bool | None]:
    """Whether the answer that stands after each round is right; None without a verdict."""
    verdict: bool | None = None
    for number in range(last + 1):
        if number in rounds:
            row = {"params": params, "response": rounds[number].text, "stop_reason": rounds[number].stop_reason}
            score = score_row(task, row, f"round {number}")
            verdict = score.value == 1 if score.outcome.has_verdict else None
        yield verdict


def _row(
    number: int, asked: int, changes: Counter[tuple[bool | None, bool | None]], right: Clusters
) -> tuple[str, ...]:
    """Every sample stands in one of the columns: its change, or that it has a verdict now and had none, or has none."""
    known = [changes[change] for change in _CHANGES]
    gained = changes[None, True] + changes[None, False]
    shown = [str(count) if number else "" for count in known]
    silent = changes.total() - sum(known) - gained
    return (str(number), str(asked), *shown, str(gained), str(silent), estimate(right.accuracy()))


# Votes ------------------------------------------------------------------------------------------------------------


def _votes(run: RecordedRun, votes: Mapping[Key, Sequence[Mapping[str, Any]]]) -> Extra:
    """How often the vote was a tie, and how many answers were voted for."""
    tied, different, alone, silent = Clusters(), Clusters(), 0, 0
    for record in run.records():
        nodes = votes.get((record["id"], record["epoch"]), ())
        if not nodes:
            silent += 1
            continue
        tied.add(record["group"], float(sum(node.get("tied") is True for node in nodes) > 1))
        alone += len(nodes) == 1
        different.add(record["group"], len(nodes))
    voted = sum(cluster.answers for cluster in tied.values())
    rows = [
        ("tied at the top (the first to come won)", estimate(tied.accuracy())),
        ("samples with one answer alone", f"{alone} of {voted}"),
        ("different answers, mean", _mean(different)),
        ("samples without a vote: no answer was read", str(silent)),
    ]
    return Extra("votes", ("of the samples", "share or number"), tuple(rows))


def _mean(different: Clusters) -> str:
    found = clustered_mean(list(different.values()))
    return f"{found.value:.2f} [{max(1.0, found.low):.2f}, {found.high:.2f}] n={found.n}" if found else "-"


# Edits --------------------------------------------------------------------------------------------------------------


def _edits(run: RecordedRun, edits: Mapping[Key, Any]) -> Extra:
    """How often the final answer changed when one simpler answer was replaced, by condition."""
    changed: dict[str, Clusters] = {}
    silent = 0
    for record in run.records():
        said = edits.get((record["id"], record["epoch"]))
        if isinstance(said, bool):
            for row in (record["condition"], "all"):
                changed.setdefault(row, Clusters()).add(record["group"], float(said))
        else:
            silent += 1
    several = len(changed) > 2
    rows = [(row, estimate(c.accuracy())) for row, c in changed.items() if several or row == "all"]
    rows.sort(key=lambda row: row[0] == "all")
    rows.append(("without an edit, or without an answer: left out", str(silent)))
    return Extra("faithfulness: one simpler answer was replaced", ("condition", "the answer changed"), tuple(rows))
