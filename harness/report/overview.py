"""Several runs on one page: a table of them side by side, and what changed between those that asked the same."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report import markup, words
from harness.report.collect import RunData
from harness.report.markup import Plot, link, paragraph, table
from harness.report.sections import contrast
from harness.results.gate import Comparison
from harness.statistics.intervals import Estimate
from harness.text import interval, number, p_value, percent

UNTOLD = ("name", "status", "date")
"""Facts that are not columns of their own: the label has the name, and status is always there."""


def side_by_side(runs: Sequence[RunData]) -> str:
    """One row a run: what tells it from the others, its accuracy and its main gap."""
    gaps = [next(iter(words.main_gaps(run)), None) for run in runs]
    contrasts = {contrast(gap) for gap in gaps if gap}
    alike = len(contrasts) == 1
    shares, shift = Plot("", markup.SHARES_NARROW), Plot("", markup.ticks((g.gap for g in gaps if g), 3))
    told = {fact: _telling([run.facts[fact] for run in runs]) for fact in runs[0].telling if fact not in UNTOLD}
    rows = []
    for i, (run, gap) in enumerate(zip(runs, gaps, strict=True)):
        total = run.contrasts.total
        a = total.accuracy
        named = gap and f"{gap.gap.value:+.3f} {interval(gap.gap.low, gap.gap.high)}"
        right = f"{number(a.value)} {interval(a.low, a.high)}" if a else "-"
        row: list[object] = [link(f"run-{i}", run.label), shares.interval(a), right, a.n if a else 0]
        row += [shift.interval(gap and gap.gap), named or "-"]
        row += [] if alike else [contrast(gap) if gap else "-"]
        row += [percent(total.row()["no_verdict"]), run.recorded.status]
        rows.append(row + [values[i] for values in told.values()])
    header: list[object] = ["run", shares, "accuracy, 95% interval", "answers (n)", shift, "gap, 95% interval"]
    header += [] if alike else ["gap between"]
    note = f"Gap: {contrasts.pop()}, on the same problems. " if alike else "Gap: on the same problems. "
    note += "A row leads to the run's own section."
    title = "Runs side by side"
    return table(title, [*header, "no verdict", "status", *told], rows, note, "runs")


def _telling(values: Sequence[str]) -> list[str]:
    """What of each value is not in all of them: `max tokens 12` of the sampling."""
    parts = [[part for part in value.split(", ") if part] for value in values]
    shared = set(parts[0]).intersection(*parts)
    return [", ".join(part for part in own if part not in shared) or "-" for own in parts]


def differences(runs: Sequence[RunData]) -> str:
    """Each run against the first that asked the same, as `harness compare` has it; for the others why they have none."""
    parts = [paragraph(f"{run.label} is {run.beside.twin}.", "caution") for run in runs if run.beside and run.beside.twin]
    compared = [(i, run.beside.reference, c) for i, run in enumerate(runs) if run.beside and (c := run.beside.comparison)]
    if compared:
        parts.append(_compared(runs, compared))
    apart = [
        (link(f"run-{i}", run.label), runs[run.beside.reference].label, run.beside.reason)
        for i, run in enumerate(runs)
        if run.beside and run.beside.reason
    ]
    if apart:
        parts.append(table("Not comparable", ("run", "with", "why"), apart, kind="answers"))
    return "".join(parts)


def _compared(runs: Sequence[RunData], compared: Sequence[tuple[int, int, Comparison]]) -> str:
    plot = Plot("", markup.ticks((_difference(c) for *_, c in compared), 3))
    references = list(dict.fromkeys(runs[reference].label for _, reference, _ in compared))
    against = ["against"] if len(references) > 1 else []
    header = ("run", *against, plot, "difference", "95% interval", "p", "pairs (n)", "groups", "right to wrong",
              "wrong to right", "verdict")  # fmt: skip
    rows = []
    for i, reference, c in compared:
        found, change = _difference(c), c.overall
        rows.append(
            (link(f"run-{i}", runs[i].label), *([runs[reference].label] if against else []))
            + (plot.interval(found), f"{found.value:+.3f}")
            + (interval(found.low, found.high), p_value(change.p or 0.0), change.pairs, change.groups)
            + (len(c.lost), len(c.gained), change.verdict)
        )
    margin = compared[0][2].margin
    note = (
        "The difference of accuracies on the same samples: the run less the one it is compared with, as `harness compare` "
        f"gives it. No change: not worse by more than {margin:g}. Intervals are each for itself, not for all rows."
    )
    title = "Same samples, compared in pairs" + ("" if against else f", against {references[0]}")
    return table(title, header, rows, note, "runs")


def _difference(c: Comparison) -> Estimate:
    found = c.overall
    return Estimate(found.difference or 0.0, found.ci_low or 0.0, found.ci_high or 0.0, found.pairs)
