"""Answers that other programs have collected become runs, in run directories like any other (`harness import`).

A format is an entry point of the group `harness.importers`: a function `read(path, options)` that yields
`harness.answers.PublishedAnswer`. Our tasks score the answers; an answer that none of them can score keeps the verdict
of its file, and its run says so. One run directory is made for each task, model and way of asking in a file.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, NamedTuple

from harness import plugins
from harness.answers import PublishedAnswer, Scorer
from harness.errors import DataError, UsageError
from harness.options import suggestion
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.pipeline.questions import controls_of
from harness.pipeline.record import Record
from harness.results.controls import Controls
from harness.results.records import Tally, close_run, describe_run
from harness.results.rescore import verdict, version_note
from harness.results.scoring import score_row
from harness.types import Aid, Outcome, Score, Task


@dataclass(frozen=True)
class Imported:
    """A run directory made of answers; `agree` of `judged` answers have the same verdict here and in the file. `notes`
    say what to know of the run."""

    directory: Path
    config: RunConfig
    tally: Tally
    agree: int
    judged: int
    notes: tuple[str, ...] = ()


class _Kind(NamedTuple):
    """What all answers of a run have in common."""

    task: str
    model: str
    strategy: str
    aid: Aid
    scorer: Scorer | None


def import_file(kind: str, source: Path, options: Mapping[str, str], out: Path) -> list[Imported]:
    """Make runs of all answers of a file. UsageError or DataError for what can't be read, before a run is made."""
    read = plugins.load("importers", kind)
    runs: dict[_Kind, list[PublishedAnswer]] = {}
    try:
        for answer in read(source, options):
            same = _Kind(answer.task, answer.model, answer.strategy, answer.aid, answer.scorer)
            runs.setdefault(same, []).append(answer)
    except RecursionError:
        raise DataError(f"{source}: is nested too deeply") from None
    if not runs:
        raise DataError(f"{source}: no answers are in it")
    for answers in runs.values():
        _each_once(source, answers)
    scored = [(same, _task(same), answers) for same, answers in runs.items()]
    scores = [[_score(task, answer) for answer in answers] for _, task, answers in scored]
    with source.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    about = {"format": kind, "file": source.name, "sha256": digest}
    return [_run(about, *run, found, out) for run, found in zip(scored, scores, strict=True)]


def _each_once(source: Path, answers: Sequence[PublishedAnswer]) -> None:
    [(key, times)] = Counter((answer.sample.id, answer.epoch) for answer in answers).most_common(1)
    if times > 1:
        raise DataError(f"{source}: sample {key[0]} (repeat {key[1]}) is in it {times} times", "were two logs joined?")


def _run(
    about_file: Mapping[str, str],
    same: _Kind,
    task: Task,
    answers: Sequence[PublishedAnswer],
    scores: Sequence[Score],
    out: Path,
) -> Imported:
    strategy = same.strategy if same.scorer is None else f"as scored by {same.scorer.tool}"
    model = same.model.removeprefix("imported/")  # an export of an imported run comes back
    config = RunConfig(task.name, f"imported/{model}", strategy=strategy)
    directory = out / store.new_run_id(task.name, f"imported-{model.replace('/', '-')}")
    directory.mkdir(parents=True)
    imported = dict(about_file) | {"samples": _fingerprint(answers)}
    imported |= {"scored_by": same.scorer.tool, "metric": same.scorer.metric} if same.scorer else {}
    about = describe_run(directory.name, config, task) | {"imported": imported}
    about["strategy"] = {"name": strategy, "aid": same.aid, "max_calls": None}
    known = controls_of(task, replace(config, placebo=len(task.placebos), sensitivity=len(task.changes)))
    if asked := dict.fromkeys(answer.sample.control for answer in answers if answer.sample.control):
        about["controls"] = {control: known.get(control, "") for control in asked}
    tally, agreed = Tally(task, controls=Controls(about.get("controls") or {}, task)), Counter[bool]()
    store.write_config(directory, about)
    writer = store.Writer(directory)
    try:
        for answer, score in zip(answers, scores, strict=True):
            record = _record(task, config, directory.name, answer, score)
            if same.scorer is None and answer.verdict is not None and record["value"] is not None:
                agreed[(record["value"] == 1) == (answer.verdict == 1)] += 1
            tally.add(record)
            writer.append(record)
    finally:
        writer.close()
    close_run(directory, about, tally)
    return Imported(directory, config, tally, agreed[True], agreed.total(), _notes(task, same, answers))


def _notes(task: Task, same: _Kind, answers: Sequence[PublishedAnswer]) -> tuple[str, ...]:
    if same.scorer is not None:
        return (f"no installed task can score these answers: verdicts are {same.scorer.tool}'s ({same.scorer.metric})",)
    others = Counter(a.task_version for a in answers if a.task_version not in ("", task.version))
    return (version_note(task, others),) if others else ()


def _task(same: _Kind) -> Task:
    """The installed task, or one that only has a name. The version of such a task is the metric: verdicts of different
    metrics are never compared."""
    if same.scorer is None:
        return plugins.task(same.task, {})
    made: Task = type("NotInstalled", (Task,), {"name": same.task, "version": same.scorer.metric})()
    return made


def _fingerprint(answers: Sequence[PublishedAnswer]) -> str:
    """The same for all files with answers to the same samples, equally often."""
    own = (a for a in answers if not a.sample.control)
    return store.identity(sorted((a.sample.id, a.epoch, store.identity(a.sample.params)) for a in own))


def _score(task: Task, answer: PublishedAnswer) -> Score:
    if answer.error or (answer.scorer is not None and answer.verdict is None):
        return Score.without_answer(Outcome.API_ERROR, error=answer.error or "the file has no verdict")
    if answer.scorer is not None and answer.verdict is not None:
        value = float(answer.verdict)
        return Score(Outcome.CORRECT if value == 1 else Outcome.WRONG, value)
    row = {"params": answer.sample.params, "response": answer.response, "stop_reason": answer.stop_reason}
    return score_row(task, row, f"sample {answer.sample.id}")


def _record(task: Task, config: RunConfig, run_id: str, answer: PublishedAnswer, score: Score) -> dict[str, Any]:
    sample = answer.sample
    values: dict[str, Any] = {f.name: None for f in fields(Record)}
    values |= {"run_id": run_id, "task": task.name, "task_version": task.version, "model": config.model}
    values |= {"strategy": config.strategy, "aid": answer.aid, "id": sample.id, "group": sample.group}
    values |= {
        "condition": sample.condition,
        "epoch": answer.epoch,
        "params": sample.params,
        "input": [m.as_dict() for m in sample.messages],
    }
    values |= {
        "target": sample.target,
        "control": sample.control,
        "response": answer.response,
        "stop_reason": answer.stop_reason,
    }
    values |= verdict(score)
    values |= {"detail": {**score.detail, "published_verdict": answer.verdict}, "calls": 1}
    values |= {"error": score.detail.get("error"), "thinking": "", "served_by": answer.model}
    values |= {"identity": store.identity(task.name, task.version, sample.id, answer.epoch, answer.response)}
    return values | dict(answer.usage)


# What readers of formats share -------------------------------------------------------------------------------------


def known_options(kind: str, given: Mapping[str, str], known: Mapping[str, str]) -> None:
    """UsageError for an option that the format does not have; `known` says of each what it is."""
    for name in given:
        if name not in known:
            said = ", ".join(f"--with {key}={value}" for key, value in known.items())
            raise UsageError(f"format {kind}: there is no {name}", said)


def choose(where: str, what: str, names: Sequence[str], chosen: str | None) -> str:
    """One of several metrics, filters or scorers of a file: the one that the user chose, or the only one.

    UsageError if there are several and none is chosen, or if the chosen one is not among them; DataError for none.
    """
    of = "" if what == "filter" else " with a value from 0 to 1 for every sample"
    if not names:
        raise DataError(f"{where}: has no {what}{of}", "values of other ranges (perplexity, BLEU) are not taken")
    if chosen is not None and chosen not in names:
        raise UsageError(f"{where}: has no {what} '{chosen}'{of}", suggestion(chosen, list(names), f"{what}s"))
    if chosen is None and len(names) > 1:
        hint = f"choose one: --with {what}={names[0]}"
        raise UsageError(f"{where}: has several {what}s: {', '.join(names[:20])}", hint)
    return chosen if chosen is not None else names[0]


def share(value: Any) -> float | None:
    """A verdict as a number from 0 to 1, or None if it is none."""
    return float(value) if isinstance(value, bool | int | float) and 0 <= value <= 1 else None
