"""A search's evaluator against the truth: of what it called sure, likely or impossible, how much could still be right?

For `harness stats`, from the nodes of a run (harness/strategies/search.py) and the task's exact judge: after the fact,
so that a strategy that was blind stays blind.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping

from harness import plugins
from harness.results.records import RecordedRun
from harness.statistics.intervals import Clusters
from harness.text import Extra, interval, number
from harness.types import Task

WORDS = ("sure", "likely", "impossible", "")
MOST_STEPS = 8
"""Steps behind the last have a row together."""


def of_run(run: RecordedRun, task: Task | None = None) -> list[Extra]:
    """The table of a run's verdicts by step; none if it has no verdicts, or the task no exact judge for them. `task`
    judges, or else the installed task with the run's options."""
    if not any(node.get("role") == "value" for node in run.nodes()):
        return []
    if task is None and run.installed_task() is not None:
        task = plugins.task(run.task, run.config.get("task_options") or {})
    if task is None:
        return []
    samples = {(str(r["id"]), r["epoch"]): (str(r["group"]), r["params"]) for r in run.records()}
    counts: dict[tuple[int, str], Clusters] = {}
    unknown = 0
    seen: set[str] = set()
    for place, nodes in itertools.groupby(run.nodes(), key=lambda node: (str(node["id"]), node["epoch"])):
        listed = list(nodes)
        if place not in samples:
            continue
        group, params = samples[place]
        states = {str(node.get("node")): node for node in listed if node.get("role") == "state"}
        for node in listed:
            state, key = states.get(str(node.get("parent"))), str(node.get("call") or "")
            if node.get("role") != "value" or state is None or key in seen:
                continue  # a verdict that was used again is counted once
            if key:
                seen.add(key)
            truth = task.judge(params, str(state.get("partial") or ""))
            if truth is None:
                unknown += 1
                continue
            step, word = min(_whole(state.get("depth")), MOST_STEPS), str(node.get("said") or "")
            counts.setdefault((step, word if word in WORDS else ""), Clusters()).add(group, float(truth > 0))
    task.close()
    return [_table(counts, unknown)] if counts else []


def _whole(value: object) -> int:
    return value if isinstance(value, int) and value >= 0 else 0


def _table(counts: Mapping[tuple[int, str], Clusters], unknown: int) -> Extra:
    rows = []
    for step, word in sorted(counts, key=lambda key: (key[0], WORDS.index(key[1]))):
        found = counts[step, word].accuracy()
        assert found is not None
        label = f"{step}" if step < MOST_STEPS else f"{step} or more"
        right = round(sum(k for k, _ in counts[step, word].values()))
        rows.append((label, word or "(not read)", str(found.n), str(right), number(found.value),
                     interval(found.low, found.high)))  # fmt: skip
    title = "verdicts of the model on partial answers, against the task's exact judge; each verdict once"
    title += f"; {unknown} of which the judge can't tell are left out" if unknown else ""
    header = ("step", "verdict", "verdicts", "can still be right", "share", "95% CI")
    return Extra(title, header, tuple(rows))
