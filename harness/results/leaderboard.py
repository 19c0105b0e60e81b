"""Runs side by side: one row a model, task, strategy and condition, and published numbers if the user asks for them.

The columns are a contract (COLUMNS, documented in results/README.md).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any

from harness.files import csv_row
from harness.models.registry import cost
from harness.results import published
from harness.results.counts import Cell, Worst
from harness.results.published import Published
from harness.results.ranks import Board, Counted, as_good_for_less
from harness.results.tables import render_main_gaps, with_aid
from harness.statistics.intervals import Estimate
from harness.text import align, interval, latex, markdown, number, printable

COLUMNS = (
    "model task task_version condition strategy n accuracy ci_low ci_high gap gap_ci_low gap_ci_high worst_condition "
    "all_conditions coverage truncated tokens cost date run_id source name asked"
).split()

ALL = "all"
"""The row over all conditions of a run: its gap is that of the worst condition. Its tokens and its cost are all that
was paid, also for controls, which are in no other number."""

Row = dict[str, Any]


def rows(runs: Sequence[Counted], with_published: bool = False) -> list[Row]:
    """The rows of each run; with `with_published`, the published numbers of their tasks come after."""
    made = [row for run in runs for row in _rows(run)]
    for task in dict.fromkeys(counted.run.task for counted in runs) if with_published else ():
        made += reference(task)
    return made


def _rows(counted: Counted) -> Iterator[Row]:
    run, contrasts = counted.run, counted.contrasts
    source = f"imported: {run.imported.get('file')}" if run.imported else "run"
    source += f", {run.scored_by}" if run.scored_by else ""
    source += "" if run.status == "complete" else f" ({run.status})"
    common: Row = {"model": run.model, "task": run.task, "strategy": _strategy(counted), "source": source}
    common |= {"task_version": run.version, "run_id": run.about.get("run_id"), "date": run.date[:10]}
    common |= {"name": run.name or None, "asked": run.asked or None}
    first = next(iter(contrasts.conditions))
    gaps = {c: contrasts.gap_between(c, first) for c in contrasts.conditions if c != first}
    for condition, cell in contrasts.conditions.items():
        yield _row(common | {"condition": condition}, cell, gaps.get(condition), run.model)
    worst, everywhere = contrasts.worst(), contrasts.all_conditions()
    last = _row(common | {"condition": ALL}, contrasts.total, contrasts.gap_of_worst(), run.model)
    paid = [
        getattr(contrasts.total, n) + getattr(contrasts.controls, n) for n in ("prompt_tokens", "completion_tokens")
    ]
    last |= {"tokens": sum(paid), "cost": cost(run.model, *paid)}
    last["worst_condition"] = _named(worst) if worst else None
    last["all_conditions"] = everywhere.value if everywhere else None
    yield last


def _named(worst: Worst) -> str:
    return f"{worst.condition} ({len(worst.ties)} more tied)" if worst.ties else worst.condition


def _strategy(counted: Counted) -> str:
    return with_aid(str(counted.run.config["strategy"]), counted.contrasts.aid)


def _row(common: Row, cell: Cell, gap: Estimate | None, model: str) -> Row:
    counts = cell.row()
    tokens = counts["prompt_tokens"] + counts["completion_tokens"]
    found = dict.fromkeys(COLUMNS) | common
    found |= {name: counts[name] for name in ("n", "accuracy", "ci_low", "ci_high")}
    found |= {"coverage": 1 - counts["no_verdict"], "truncated": counts["truncated"], "tokens": tokens}
    found["cost"] = cost(model, counts["prompt_tokens"], counts["completion_tokens"])
    if gap is not None:
        found |= {"gap": gap.value, "gap_ci_low": gap.low, "gap_ci_high": gap.high}
    return found


# Published numbers --------------------------------------------------------------------------------------------------


def reference(task: str) -> list[Row]:
    """The published numbers that ship with a task as rows, clustered by group if the groups are known."""
    return [_published(found) for found in published.read(task)]


def unmatched(table: Sequence[Row]) -> list[str]:
    """Notes about tasks whose published numbers are of other conditions than the runs'."""
    found = []
    for task in dict.fromkeys(row["task"] for row in table):
        mine, theirs = (
            {r["condition"] for r in table if r["task"] == task and bool(r["run_id"]) is own} - {ALL}
            for own in (True, False)
        )
        if theirs and mine and not mine & theirs:
            named = ", ".join(sorted(theirs)[:3])
            found.append(f"{task}: no published number is of a condition of these runs: {named} ...")
    return found


def _published(found: Published) -> Row:
    a = found.accuracy
    row = dict.fromkeys(COLUMNS) | {"model": found.model, "task": found.task, "condition": found.condition}
    row |= {"strategy": found.strategy, "date": found.date}
    row |= {"n": a.n, "accuracy": a.value, "ci_low": a.low, "ci_high": a.high}
    return row | {"source": f"published, {found.kind}: {found.source}"}


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
    """The columns of SHOWN as text for the terminal. What is the same in all rows stands above, once; long sources are
    numbered below."""
    sources = list(dict.fromkeys(str(row["source"]) for row in table if row["source"] not in _SHORT))
    cells = [
        [*line[:-1], line[-1] if line[-1] in _SHORT else f"[{sources.index(line[-1]) + 1}]"]
        for line in map(_cells, table)
    ]
    same = [name for name, *column in zip(SHOWN, *cells, strict=True) if len(set(column)) == 1 and len(cells) > 1]
    kept = [i for i, name in enumerate(SHOWN) if name not in same or name in ("condition", "accuracy")]
    said = [f"{name} {cells[0][i]}" for i, name in enumerate(SHOWN) if i not in kept and cells[0][i]]
    left = sum(SHOWN[i] in ("model", "task", "condition", "strategy") for i in kept)
    parts = [printable(f"all rows: {', '.join(said)}")] if said else []
    parts.append(align([SHOWN[i] for i in kept], [[line[i] for i in kept] for line in cells], left=left))
    parts += ["\n".join(f"[{i}] {printable(source)}" for i, source in enumerate(sources, 1))] if sources else []
    return "\n\n".join(parts)


_SHORT = ("run", "run (incomplete)", "run (interrupted)", "run (running)")


def render_board(board: Board) -> str:
    """The gaps that its task exists for, the ranks, and what is as good for less, as text for the terminal."""
    runs = board.ranked
    count = "1 run" if len(runs) == 1 else f"{len(runs)} runs of the same samples"
    gaps = render_main_gaps((r.label, r.counted.contrasts) for r in runs)
    priced = any(r.counted.cost is not None for r in runs)
    header = [
        "run",
        "model",
        "strategy",
        "rank",
        "95% of ranks",
        "tie",
        "n",
        "accuracy",
        *(["cost, $"] if priced else []),
    ]
    body = [
        [r.label, r.counted.run.model, _strategy(r.counted), str(r.rank), f"{r.low} to {r.high}", r.tie]
        + [str(r.accuracy.n), f"{number(r.accuracy.value)} {interval(r.accuracy.low, r.accuracy.high)}"]
        + ([number(r.counted.cost)] if priced else [])
        for r in runs
    ]
    parts = [printable(f"{board.title}: {count}"), *([gaps] if gaps else []), align(header, body, left=3)]
    parts += [printable(f"{label}: no answer has a verdict") for label in board.unranked]
    return "\n\n".join([*parts, *map(printable, as_good_for_less(board))])


def to_csv(table: Sequence[Row]) -> str:
    """All COLUMNS; an empty cell is a value that is not known. See `csv_row` for texts that look like formulas."""
    out = io.StringIO()
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(map(csv_row, table))
    return out.getvalue()


def to_markdown(table: Sequence[Row]) -> str:
    """The columns of SHOWN as a Markdown table."""
    lines = ["| " + " | ".join(SHOWN) + " |", "|" + "---|" * len(SHOWN)]
    lines += ["| " + " | ".join(markdown(cell) for cell in _cells(row)) + " |" for row in table]
    return "\n".join(lines) + "\n"


def to_latex(table: Sequence[Row]) -> str:
    """A tabular environment; needs no package."""
    lines = [r"\begin{tabular}{" + "l" * len(SHOWN) + "}", r"\hline"]
    body = [list(SHOWN), *(_cells(row) for row in table)]
    lines += [" & ".join(map(latex, cells)) + r" \\" for cells in body]
    lines.insert(3, r"\hline")
    return "\n".join([*lines, r"\hline", r"\end{tabular}"]) + "\n"
