"""Counts as tables: rows and columns for files, text for the terminal."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import UsageError
from harness.files import compact, csv_row, replacing
from harness.results.counts import Cell, Contrasts, Gap
from harness.statistics import intervals
from harness.text import align, estimate, interval, number, p_value, percent, printable
from harness.types import Outcome

NESTED = ("input", "detail", "params", "logprobs")


def column(record: Mapping[str, Any], name: str) -> Any:
    """A column of the tidy table: a key of the record, or `params_*`. UsageError if there is none."""
    params = record.get("params") or {}
    if name == "strategy" and name in record:
        return with_aid(str(record[name]), str(record.get("aid") or "none"))
    if name in record and name not in NESTED:
        return record[name]
    short = name.removeprefix("params_")
    if short in params:
        return compact(params[short]) if isinstance(params[short], list | tuple) else params[short]
    known = [k for k in record if k not in NESTED] + [f"params_{k}" for k in params]
    raise UsageError(f"the records have no column '{name}'", f"columns: {', '.join(known)}")


def with_aid(strategy: str, aid: str) -> str:
    """A strategy's name with what helped it beside the model: `best-of-n (aid: oracle)`. What saw the answer key then
    never has the name of what did not."""
    return strategy if aid in ("none", "") else f"{strategy} (aid: {aid})"


CEILING = "; the answer key was used: a ceiling, not a result"
"""Said of runs whose strategy saw it: they stand in boards and tables of their own."""

_Entry = TypeVar("_Entry")


def apart(entries: Iterable[_Entry], sees_key: Callable[[_Entry], bool], show: Callable[[list[_Entry]], str]) -> str:
    """What did not see the answer key as text, and below it, in a table of its own, what did."""
    blind: list[_Entry] = []
    ceilings: list[_Entry] = []
    for entry in entries:
        (ceilings if sees_key(entry) else blind).append(entry)
    above = show(blind) if blind else ""
    below = show(ceilings) if ceilings else ""
    title = CEILING.removeprefix("; ") + ":\n" if below else ""
    return "\n\n".join(filter(None, (above, title + below)))


APART = ("task", "model", "strategy", "aid")
"""Records that differ in one of these are never in one row: their accuracies are of different things."""


class Tidy:
    """A tidy table over the records of one run or several: one row for each combination of the columns `by`.

    The same answer counts once in a row: records of one identity (the hash of everything that was asked, and of the
    repeat) are the same answer, kept in two run directories. `repeated` counts those that were left out.
    """

    def __init__(self, by: Sequence[str], several: bool = True) -> None:
        """`several`: whether the records are of several runs. Those of one run are different answers, and nothing need
        be remembered of them."""
        self._by = tuple(by)
        self._several = several
        self._cells: dict[tuple[Any, ...], Cell] = {}
        self._apart: dict[tuple[Any, ...], tuple[Any, ...]] = {}
        self._seen: set[int] = set()
        """Hashes, which take a third of the memory."""
        self.repeated = 0

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record in its row. UsageError if `by` has no such column, or if the row would mix tasks, models,
        strategies or what helped them."""
        key = tuple(column(record, name) for name in self._by)
        if self._several and record.get("identity") is not None:
            same = hash((key, record["identity"]))
            if same in self._seen:
                self.repeated += 1
                return
            self._seen.add(same)
        own = (*(record.get(name) for name in APART[:-1]), record.get("aid") or "none")
        for name, mine, others in zip(APART, own, self._apart.setdefault(key, own), strict=True):
            if mine != others:
                raise UsageError(
                    f"one row would mix the {name} {others} and the {name} {mine}",
                    f"add `{name}` to --by: --by {','.join((name, *self._by))}",
                )
        self._cells.setdefault(key, Cell()).add(record)

    def rows(self) -> list[dict[str, Any]]:
        """In the order of first occurrence; columns as in Cell.row, and `aid`: what helped the strategy."""
        return [
            dict(zip(self._by, key, strict=True)) | cell.row() | {"aid": self._apart[key][-1]}
            for key, cell in self._cells.items()
        ]


def tabulate(records: Iterable[Mapping[str, Any]], by: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a Tidy table over these records."""
    table = Tidy(by)
    for record in records:
        table.add(record)
    return table.rows()


def write_summary(path: Path, about: Mapping[str, Any], contrasts: Contrasts) -> None:
    """A run's summary.csv: one row a condition, and one for all of them. `about` is the run's configuration."""
    name = {column: about.get(column) for column in ("task", "model", "strategy")}
    rows = [name | {"condition": c} | cell.row() for c, cell in contrasts.conditions.items()]
    rows.append(name | {"condition": "all"} | contrasts.total.row())
    rows = [row | {"aid": ", ".join(sorted(contrasts.aids))} for row in rows]
    with replacing(path) as part, part.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(map(csv_row, rows))


MOST_GROUPS = 15
"""More groups than this are not listed one by one."""

# Text -------------------------------------------------------------------------------------------------------------


def render(rows: Sequence[Mapping[str, Any]], by: Sequence[str], usage: bool = True) -> str:
    """Rows of `tabulate` as text; without `usage`, no tokens and seconds. Outcomes that never occur are left out,
    except correct and wrong."""
    shown = [str(o) for o in Outcome if o in ("correct", "wrong") or any(row[o] for row in rows)]
    truncated = any(row["truncated"] for row in rows)
    header = [*by, "n", "accuracy", "95% CI", *shown, "no verdict"]
    header += ["if truncated"] if truncated else []
    header += ["tokens in", "out", "s/sample"] if usage else []
    body = []
    for row in rows:
        samples = sum(row[o] for o in Outcome)
        line = [str(row[name]) for name in by] + [str(row["n"]), number(row["accuracy"])]
        line += [interval(row["ci_low"], row["ci_high"]), *(str(row[o]) for o in shown), percent(row["no_verdict"])]
        line += [interval(row["accuracy_low"], row["accuracy_high"])] if truncated else []
        if usage:
            each = row["seconds"] / max(samples, 1)
            line += [str(row["prompt_tokens"]), str(row["completion_tokens"]), f"{each:.2f}"]
        body.append(line)
    return align(header, body, left=len(by))


GAP_HEADER = ["", "gap", "95% CI", "p", "p, all gaps (Holm)", "n", "groups"]


def _gap_cells(g: Gap) -> list[str]:
    cells = [f"{g.level} - {g.reference}", f"{g.gap.value:+.3f}", interval(g.gap.low, g.gap.high)]
    return [*cells, p_value(g.p), p_value(g.p_holm), str(g.gap.n), str(g.groups)]


def render_main_gaps(runs: Iterable[tuple[str, Contrasts]]) -> str:
    """The gaps that the tasks of these (label, counts) exist for, a row each, as text; "" if there are none."""
    body = [[label, *_gap_cells(g)] for label, contrasts in runs for g in contrasts.main_gaps()]
    return align(["gap within group", *GAP_HEADER], body, left=2) if body else ""


def render_overview(runs: Iterable[tuple[str, Contrasts]]) -> str:
    """Runs side by side, given as (label, counts), as text: accuracy, and the gaps that the task exists for, one below
    the other."""
    body = []
    for label, contrasts in runs:
        row = contrasts.total.row()
        own = [label, str(row["n"]), number(row["accuracy"]), interval(row["ci_low"], row["ci_high"])]
        own.append(percent(row["no_verdict"]))
        for gap in [_gap_cells(g)[:4] for g in contrasts.main_gaps()] or [[""] * 4]:
            body.append([*own, *gap])
            own = [""] * len(own)
    header = ["run", "n", "accuracy", "95% CI", "no verdict", "gap within group", "gap", "95% CI", "p"]
    return align(header, body, left=1)


def render_contrasts(contrasts: Contrasts) -> str:
    """The gaps first (those of the main factor on top), then the rows of every condition and of all together, of the
    groups if there are few, the worst condition and all conditions correct."""
    parts = []
    if gaps := contrasts.gaps():
        parts.append(align(["gap within group", *GAP_HEADER], [[g.factor, *_gap_cells(g)] for g in gaps], left=2))
    rows = [{"condition": c} | cell.row() for c, cell in contrasts.conditions.items()]
    if len(rows) > 1:
        rows.append({"condition": "all"} | contrasts.total.row())
    parts.append(render(rows, ["condition"], usage=False))
    groups = contrasts.groups
    if 1 < len(groups) <= MOST_GROUPS:
        # Sorted, so that two equal runs print the same: records stand in the order in which answers arrived.
        estimates = {group: intervals.accuracy([cluster]) for group, cluster in sorted(groups.items())}
        body = [[g, str(e.n), number(e.value), interval(e.low, e.high)] for g, e in estimates.items() if e]
        parts.append(align(["group", "n", "accuracy", "95% CI"], body, left=1))
    worst, everywhere = contrasts.worst(), contrasts.all_conditions()
    lines = []
    if worst:
        lines.append(f"worst condition         {printable(str(worst))}")
    if everywhere:
        lines.append(f"all conditions correct  {estimate(everywhere)} (groups, repeats of a group apart)")
    if contrasts.aid:
        lines.append(f"aid                     {printable(contrasts.aid)} (what helped beside the model)")
    total, beside = contrasts.total, contrasts.controls
    prompts, answers = (getattr(total, name) + getattr(beside, name) for name in ("prompt_tokens", "completion_tokens"))
    if prompts or answers:
        seconds = f"{total.seconds / max(total.samples, 1):.2f} s a sample"
        of = (
            f" (of these controls: {beside.prompt_tokens} in, {beside.completion_tokens} out)" if beside.samples else ""
        )
        lines.append(f"tokens                  {prompts} in, {answers} out{of}; {seconds}")
    if few := few_groups(contrasts):
        lines.append(few)
    return "\n\n".join([*parts, "\n".join(lines)] if lines else parts)


def few_groups(contrasts: Contrasts) -> str:
    """What intervals and p-values say if there are few groups; "" if there are enough."""
    count = len(contrasts.groups)
    if not 0 < count < intervals.FEW:
        return ""
    groups = "1 group" if count == 1 else f"{count} groups"
    return f"{groups}: intervals hold for these, and less often than 95% for groups in general"
