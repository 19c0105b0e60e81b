"""What a run is called beside others: its name, or what tells it from them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from harness.results.records import RecordedRun


def facts(run: RecordedRun) -> dict[str, str]:
    """What was asked of whom and how, in words; "" for what the run does not say. Its keys are headers of a table of
    runs, in the order in which a reader wants to know."""
    config = run.config
    return {
        "name": run.name,
        "task": run.task,
        "version": str(run.version or ""),
        "model": run.model,
        "strategy": ", ".join([run.strategy, *_pairs(config.get("strategy_options"))]),
        "options": run.asked,
        "epochs": str(config.get("epochs") or ""),
        "sampling": ", ".join(_pairs(run.about.get("sampling") or config.get("sampling"))),
        "model options": ", ".join(_pairs(_of(config.get("model_options")).get("extra"))),
        "status": run.status,
        "date": run.date[:16].replace("T", " "),
        "run": str(run.about.get("run_id") or run.directory.name),
    }


def _of(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _pairs(value: Any) -> list[str]:
    """`temperature 0`: what is not set is left out."""
    return [f"{name.replace('_', ' ')} {v}" for name, v in sorted(_of(value).items()) if v not in (None, "", [], ())]


TELLING = ("task", "model", "version", "strategy", "options", "epochs", "sampling", "model options", "date", "run")
"""The facts by which runs of one label are told apart, in this order."""


def labels(runs: Sequence[RecordedRun]) -> list[str]:
    """A label for each run, all different: its name (`--name`), else task and model, and of runs that would be called
    alike what tells them apart: options, sampling, else date, else run id."""
    told = [facts(run) for run in runs]
    found = [own["name"] or f"{own['task']}, {own['model']}" for own in told]
    for fact in TELLING:
        alike = Counter(found)
        told_by = {label: {own[fact] for own, other in zip(told, found, strict=True) if other == label}
                   for label, n in alike.items() if n > 1}  # fmt: skip
        found = [
            f"{label}, {own[fact] or _nothing(fact)}" if len(told_by.get(label, ())) > 1 else label
            for own, label in zip(told, found, strict=True)
        ]
    alike, seen = Counter(found), Counter[str]()
    for i, label in enumerate(found):  # one directory that is given twice
        if alike[label] > 1:
            seen[label] += 1
            found[i] = f"{label} #{seen[label]}"
    return found


def _nothing(fact: str) -> str:
    return "defaults" if fact == "options" else f"no {fact}"


def differences(runs: Sequence[RecordedRun]) -> list[str]:
    """The facts in which these runs differ, in order; the run ids, which always do, are left out."""
    told = [facts(run) for run in runs]
    return [fact for fact in (told[0] if told else ()) if fact != "run" and len({own[fact] for own in told}) > 1]
