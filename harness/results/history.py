"""One row a run and commit, kept in a CSV file that is committed, and its trend as text (`harness history`)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

from harness.errors import DataError, UsageError, cause
from harness.files import csv_row, csv_row_read
from harness.results.records import RecordedRun
from harness.statistics.intervals import Estimate
from harness.text import align, interval, number, printable

COLUMNS = (
    "date commit run_id task task_version model strategy n accuracy ci_low ci_high all_conditions no_verdict asked"
).split()
"""New ones are added at the end; a file that lacks the last ones is read too."""

OLDEST = COLUMNS[: COLUMNS.index("asked")]

BARS = "▁▂▃▄▅▆▇█"

Row = dict[str, str]


def add(runs: Iterable[RecordedRun], file: Path) -> list[Row]:
    """Append a row for each run that the file does not have yet; the rows added. The runs must be complete."""
    before = read(file) if file.exists() else []
    known = {row["run_id"] for row in before}
    added = [row for row in map(_row, runs) if row["run_id"] not in known]
    file.parent.mkdir(parents=True, exist_ok=True)
    with file.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(map(csv_row, [*before, *added]))
    return added


def _row(opened: RecordedRun) -> Row:
    contrasts = opened.read()
    a, everywhere = contrasts.total.accuracy, contrasts.all_conditions()
    if a is None:
        raise DataError(f"{opened.directory}: no sample has a verdict")
    about, config = opened.about, opened.config
    values = [opened.date[:19], about.get("git_commit") or "", about["run_id"]]
    values += [config["task"], opened.version, config["model"], opened.strategy, a.n]
    values += [f"{x:.6f}" for x in (a.value, a.low, a.high)]
    values += [f"{everywhere.value:.6f}" if everywhere else "", f"{contrasts.total.row()['no_verdict']:.6f}"]
    values.append(opened.asked)
    return dict(zip(COLUMNS, map(str, values), strict=True))


def read(file: Path) -> list[Row]:
    """The rows of a history. UsageError if the file can't be opened, DataError if its columns are others."""
    try:
        with file.open(newline="", encoding="utf-8") as source:
            reader = csv.DictReader(source)
            rows = [{"asked": "", **csv_row_read(row)} for row in reader]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{file}: can't be read: {cause(error)}", "harness history add RUN makes one") from None
    if list(reader.fieldnames or ()) not in (COLUMNS, OLDEST):
        raise DataError(f"{file} is not a history: its columns must be {', '.join(COLUMNS)}")
    return rows


SERIES = ("task", "task_version", "asked", "model", "strategy")


def render(rows: Iterable[Row]) -> str:
    """The runs of each task, version, model and strategy in time, with a bar for each accuracy. Runs that asked other
    samples (task options, seed, limit) are another series: their accuracies are of other questions."""
    series: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        series.setdefault(tuple(row[name] for name in SERIES), []).append(row)
    parts = []
    for (task, version, asked, model, strategy), members in series.items():
        members.sort(key=lambda row: row["date"])
        estimates = [_estimate(row) for row in members]
        bars = "".join(BARS[min(len(BARS) - 1, int(e.value * len(BARS)))] for e in estimates)
        body = [
            [row["date"], row["commit"][:10], str(e.n), number(e.value), interval(e.low, e.high)]
            for row, e in zip(members, estimates, strict=True)
        ]
        header = ["date", "commit", "n", "accuracy", "95% CI"]
        samples = f"{task} {version}" + (f" ({asked})" if asked else "")
        parts.append(f"{printable(f'{samples}, {model}, {strategy}')}   {bars}\n{align(header, body, left=2)}")
    return "\n\n".join(parts)


def _estimate(row: Row) -> Estimate:
    try:
        return Estimate(float(row["accuracy"]), float(row["ci_low"]), float(row["ci_high"]), int(row["n"]))
    except (ValueError, TypeError):
        raise DataError(f"the history's row of {row.get('run_id')} has no accuracy, interval and n") from None
