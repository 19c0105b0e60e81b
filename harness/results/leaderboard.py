"""Runs side by side: one row a model, task, strategy and condition, and published numbers if the user asks for them.

The columns are a contract (COLUMNS, documented in results/README.md). Reads run directories, and the file reference.csv
beside each task.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module, resources
from pathlib import Path
from typing import Any

from harness import plugins
from harness.errors import DataError
from harness.models.registry import aliases
from harness.results.counts import Contrasts
from harness.results.records import RecordedRun, complete_runs
from harness.statistics import intervals
from harness.statistics.intervals import Cluster, Clusters, Estimate, MatchedDifference, Stratum
from harness.text import align, interval, number

COLUMNS = (
    "model task task_version condition strategy n accuracy ci_low ci_high gap gap_ci_low gap_ci_high worst_condition "
    "all_conditions coverage truncated tokens cost date run_id source"
).split()

ALL = "all"
"""The row over all conditions of a run: its gap is that of the worst condition."""

REFERENCE_COLUMNS = "model task condition group strategy n correct date paper where kind".split()
"""Columns of a task's reference.csv: `correct` of `n`, the paper and the place in it (`where`); `kind` is recomputed
(from published outputs) or quoted. A condition with several groups has a row for each. A published share without its n
is not taken in."""

Row = dict[str, Any]


@dataclass(frozen=True)
class Counted:
    """A run with its counts."""

    run: RecordedRun
    contrasts: Contrasts

    @property
    def model(self) -> str:
        """The model's name, as the run was asked for."""
        return str(self.run.config["model"])


def read(runs: Iterable[Path], incomplete: bool = False) -> tuple[list[Counted], list[str]]:
    """(the runs, each read once, notes about what was left out). `incomplete` takes in what is not complete."""
    found, notes = complete_runs(runs, incomplete)
    return [Counted(run, run.read()) for run in found], notes


def rows(runs: Sequence[Counted], published: bool = False) -> list[Row]:
    """The rows of each run; with `published`, the published numbers of their tasks come after."""
    made = [row for run in runs for row in _rows(run)]
    for task in dict.fromkeys(counted.run.task for counted in runs) if published else ():
        made += reference(task)
    return made


def _rows(counted: Counted) -> Iterator[Row]:
    run, contrasts = counted.run, counted.contrasts
    imported = run.about.get("imported")
    source = f"imported: {imported.get('file')}" if isinstance(imported, dict) else "run"
    source += f", {run.scored_by}" if run.scored_by else ""
    source += "" if run.status == "complete" else f" ({run.status})"
    common: Row = {"model": counted.model, "task": run.task, "strategy": _strategy(counted), "source": source}
    common |= {"task_version": run.version, "run_id": run.about.get("run_id"), "date": run.date[:10]}
    first = next(iter(contrasts.conditions))
    gaps = {c: contrasts.gap_between(c, first) for c in contrasts.conditions if c != first}
    for condition, cell in contrasts.conditions.items():
        yield _row(common | {"condition": condition}, cell, gaps.get(condition), counted.model)
    worst, everywhere = contrasts.worst(), contrasts.all_conditions()
    last = _row(common | {"condition": ALL}, contrasts.total, contrasts.gap_of_worst(), counted.model)
    last["worst_condition"] = worst.condition if worst else None
    last["all_conditions"] = everywhere.value if everywhere else None
    yield last


def _strategy(counted: Counted) -> str:
    """Its name, and what helped it beside the model: what saw a verifier stands apart from what did not."""
    aid, name = counted.contrasts.aid, str(counted.run.config["strategy"])
    return f"{name} (aid: {aid})" if aid else name


def _row(common: Row, cell: Any, gap: Estimate | None, model: str) -> Row:
    counts = cell.row()
    tokens = counts["prompt_tokens"] + counts["completion_tokens"]
    found = dict.fromkeys(COLUMNS) | common
    found |= {name: counts[name] for name in ("n", "accuracy", "ci_low", "ci_high")}
    found |= {"coverage": 1 - counts["no_verdict"], "truncated": counts["truncated"], "tokens": tokens}
    found["cost"] = _cost(model, counts["prompt_tokens"], counts["completion_tokens"])
    if gap is not None:
        found |= {"gap": gap.value, "gap_ci_low": gap.low, "gap_ci_high": gap.high}
    return found


def _cost(model: str, prompt: int, completion: int) -> float | None:
    """In US dollars; None if the model is not an alias with a `price`."""
    alias = aliases().get(model)
    if alias is None or alias.price is None:
        return None
    return round((prompt * alias.price[0] + completion * alias.price[1]) / 1e6, 6)


# Published numbers --------------------------------------------------------------------------------------------------


def reference(task: str) -> list[Row]:
    """The published numbers that ship with a task, clustered by group if the groups are known; empty if it ships none.

    DataError for a file of another form.
    """
    if task not in plugins.installed("tasks"):
        return []
    package = plugins.installed("tasks")[task].module.rpartition(".")[0]
    file = resources.files(import_module(package)) / "reference.csv"
    if not file.is_file():
        return []
    reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    if reader.fieldnames is None or list(reader.fieldnames) != REFERENCE_COLUMNS:
        raise DataError(f"{file}: its columns must be {', '.join(REFERENCE_COLUMNS)}")
    conditions: dict[tuple[str, ...], list[Mapping[str, str]]] = {}
    for row in reader:
        if row["task"] == task:
            conditions.setdefault((row["model"], row["condition"], row["strategy"], row["where"]), []).append(row)
    return [_published(rows) for rows in conditions.values()]


def _published(rows: Sequence[Mapping[str, str]]) -> Row:
    """The published answers of a model to one condition: a row for each group, or one for all answers."""
    clusters, row = Clusters(), rows[0]
    for part in rows:
        clusters.add(part["group"], float(part["correct"]), int(part["n"]))
    a = clusters.accuracy()
    if a is None:
        raise DataError(f"the published number of {row['model']}, {row['condition']} has no answers behind it")
    found = dict.fromkeys(COLUMNS) | {name: row[name] for name in ("model", "task", "condition", "strategy", "date")}
    found |= {"n": a.n, "accuracy": a.value, "ci_low": a.low, "ci_high": a.high}
    return found | {"source": f"published, {row['kind']}: {row['paper']}, {row['where']}"}


# Ranks --------------------------------------------------------------------------------------------------------------


def ranks(runs: Iterable[Counted]) -> list[Row]:
    """The runs of the same samples by accuracy (ties share a rank), with the ranks that can't be ruled out. Runs of
    other samples (another version, other options, seed or limit) are never ranked against each other.

    A run's best rank is one plus the number of runs that are better beyond doubt, its worst the number of runs less
    those that are worse beyond doubt (Mohamad, van Zwet and Goeman 2019, arXiv 1812.05507): the interval of each
    pairwise difference excludes zero, at 95% for all pairs of a task together (Bonferroni). Runs that share
    groups are compared within them, others as independent samples.
    """
    by_task: dict[str, list[Counted]] = {}
    for counted in runs:
        asked = f" ({counted.run.asked})" if counted.run.asked else ""
        by_task.setdefault(f"{counted.run.task} {counted.run.version}{asked}", []).append(counted)
    found: list[Row] = []
    for task, members in by_task.items():
        members = [m for m in members if m.contrasts.total.accuracy]
        members.sort(key=lambda m: -(m.contrasts.total.accuracy or Estimate(0, 0, 0, 0)).value)
        limits = rank_limits([m.contrasts.groups for m in members])
        for counted, (best, least) in zip(members, limits, strict=True):
            a = counted.contrasts.total.accuracy
            assert a is not None
            ahead = sum(m.contrasts.total.accuracy.value > a.value for m in members if m.contrasts.total.accuracy)
            found.append(
                {"task": task, "rank": 1 + ahead, "rank_low": best, "rank_high": least}
                | {"model": counted.model, "strategy": _strategy(counted), "estimate": a}
            )
    return found


def rank_limits(models: Sequence[Clusters]) -> list[tuple[int, int]]:
    """(best, worst) rank that can't be ruled out of each model, see `ranks`."""
    n = len(models)
    confidence = 1 - 0.05 / max(1, n * (n - 1) // 2)
    above = [[_sign(a, b, confidence) if a is not b else 0 for b in models] for a in models]
    return [(1 + sum(above[j][i] > 0 for j in range(n)), n - sum(sign > 0 for sign in above[i])) for i in range(n)]


def _sign(one: Clusters, other: Clusters, confidence: float) -> int:
    """1 if the one is better beyond doubt, -1 if the other is, else 0."""
    shared = [[Stratum(*one[group], *other[group])] for group in one if group in other]
    if shared:
        low, high = MatchedDifference(shared).interval(confidence)
    else:
        sides = [Cluster(sum(c.right for c in side.values()), side.answers) for side in (one, other)]
        low, high = intervals.difference(*sides[0], *sides[1], confidence)
    return 1 if low > 0 else -1 if high < 0 else 0


# Text ---------------------------------------------------------------------------------------------------------------

SHOWN = "model task condition strategy n accuracy gap worst_condition all_conditions coverage source".split()


def _cells(row: Row) -> list[str]:
    """The columns of SHOWN as text; intervals stand with what they belong to."""
    text = {name: "" if row[name] is None else str(row[name]) for name in SHOWN}
    text["accuracy"] = f"{number(row['accuracy'])} {interval(row['ci_low'], row['ci_high'])}"
    if row["gap"] is not None:
        text["gap"] = f"{row['gap']:+.3f} {interval(row['gap_ci_low'], row['gap_ci_high'])}"
    for name in ("all_conditions", "coverage"):
        text[name] = "" if row[name] is None else number(row[name])
    return [text[name] for name in SHOWN]


def render(table: Sequence[Row]) -> str:
    """The columns of SHOWN as text for the terminal."""
    return align(SHOWN, [_cells(row) for row in table], left=4)


def render_ranks(table: Sequence[Row]) -> str:
    """The rows of `ranks` as text for the terminal."""
    header = ["task", "model", "strategy", "rank", "95% of ranks", "n", "accuracy"]
    body = [
        [r["task"], r["model"], r["strategy"], str(r["rank"]), f"{r['rank_low']} to {r['rank_high']}"]
        + [str(r["estimate"].n), f"{number(r['estimate'].value)} {interval(r['estimate'].low, r['estimate'].high)}"]
        for r in table
    ]
    return align(header, body, left=3)


def to_csv(table: Sequence[Row]) -> str:
    """All COLUMNS; an empty cell is a value that is not known."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(table)
    return out.getvalue()


def to_markdown(table: Sequence[Row]) -> str:
    """The columns of SHOWN as a Markdown table."""
    lines = ["| " + " | ".join(SHOWN) + " |", "|" + "---|" * len(SHOWN)]
    lines += ["| " + " | ".join(cell.replace("|", "\\|") for cell in _cells(row)) + " |" for row in table]
    return "\n".join(lines) + "\n"


_LATEX = {"\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
          "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}  # fmt: skip


def to_latex(table: Sequence[Row]) -> str:
    """A tabular environment; needs no package."""
    lines = [r"\begin{tabular}{" + "l" * len(SHOWN) + "}", r"\hline"]
    body = [list(SHOWN), *(_cells(row) for row in table)]
    lines += [" & ".join("".join(_LATEX.get(c, c) for c in cell) for cell in cells) + r" \\" for cells in body]
    lines.insert(3, r"\hline")
    return "\n".join([*lines, r"\hline", r"\end{tabular}"]) + "\n"
