"""Several runs on one page: a table of them side by side, and what changed between those that asked the same."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report import markup, plots, words
from harness.report.collect import RunData
from harness.report.markup import Html, Plot, Words, link, paragraph, table
from harness.report.sections import contrast
from harness.results.costs import cost_tables, together
from harness.results.gate import Comparison
from harness.results.tables import CEILING
from harness.statistics.intervals import Estimate
from harness.text import interval, number, p_value, percent

UNTOLD = ("name", "status", "date")
"""Facts that are not told of a run: the label has the name, and the status has a column."""


def side_by_side(runs: Sequence[RunData]) -> str:
    """One row a run: what tells it from the others, its accuracy and its main gap. What saw the answer key has a table
    of its own."""
    gaps = [next(iter(words.main_gaps(run)), None) for run in runs]
    contrasts = list(dict.fromkeys(contrast(gap) for gap in gaps if gap))
    told = _told(runs)
    shares = Plot("accuracy, 95% interval", markup.SHARES_NARROW)
    shift = Plot("gap, 95% interval", markup.ticks(g.gap for g in gaps if g))
    rows: list[list[object]] = []
    for i, (run, gap) in enumerate(zip(runs, gaps, strict=True)):
        total = run.contrasts.total
        found = total.accuracy
        right = f"{number(found.value)} {interval(found.low, found.high)}" if found else "-"
        drop = f"{gap.gap.value:+.3f} {interval(gap.gap.low, gap.gap.high)}" if gap else "-"
        facts = f"<br><small>{markup.text(told[i])}</small>" if told[i] else ""
        rows.append([Html(link(f"run-{i}", run.label) + facts), found.n if found else 0])
        rows[-1] += [shares.interval(found, words=right), shift.interval(gap.gap if gap else None, words=drop)]
        rows[-1] += [contrast(gap) if gap else "-"] if len(contrasts) > 1 else []
        rows[-1] += [percent(total.row()["no_verdict"]), run.recorded.status]
    between = [Words("gap between")] if len(contrasts) > 1 else []
    header = ["run", "answers (n)", shares, shift, *between, "no verdict", Words("status")]
    note = f"Gap: {contrasts[0]}, on the same problems." if len(contrasts) == 1 else "Gap: on the same problems."
    note += " The name of a run leads to its own section."
    parts = []
    for title, sees_key in (("Runs side by side", False), (f"Runs side by side{CEILING}", True)):
        own = [row for run, row in zip(runs, rows, strict=True) if ("oracle" in run.contrasts.aids) is sees_key]
        parts += [table(title, header, own, note, "runs")] if own else []
    return "".join(parts)


def _told(runs: Sequence[RunData]) -> list[str]:
    """Of each run the facts that it does not share with all others, but for those that its label has."""
    told: list[list[str]] = [[] for _ in runs]
    for fact in (fact for fact in runs[0].telling if fact not in UNTOLD):
        name = "version " if fact == "version" else ""
        parts = [[f"{name}{part}" for part in run.facts[fact].split(", ") if part] for run in runs]
        shared = set(parts[0]).intersection(*parts)
        for run, own, found in zip(runs, parts, told, strict=True):
            found += [part for part in own if part not in shared and part not in run.label.split(", ")]
    return [", ".join(found) for found in told]


def differences(runs: Sequence[RunData]) -> str:
    """Each run against the first that asked the same, as `harness compare` has it; else why there is none."""
    parts = [
        paragraph(f"{run.label} is {run.beside.twin}.", "caution") for run in runs if run.beside and run.beside.twin
    ]
    compared: dict[int, list[tuple[int, Comparison]]] = {}
    for i, run in enumerate(runs):
        if run.beside and run.beside.comparison:
            compared.setdefault(run.beside.reference, []).append((i, run.beside.comparison))
    parts += [_compared(runs, reference, found) for reference, found in compared.items()]
    apart = [
        (link(f"run-{i}", run.label), runs[run.beside.reference].label, run.beside.reason)
        for i, run in enumerate(runs)
        if run.beside and run.beside.reason
    ]
    if apart:
        parts.append(table("Not comparable", ("run", Words("with"), Words("why")), apart, kind="reasons"))
    return "".join(parts)


def costs(runs: Sequence[RunData]) -> str:
    """What strategies spent and reached on the same samples, and each against votes that cost as much; "" if all runs
    have one strategy."""
    spent = [run.spending for run in runs if run.spending]
    parts = []
    for title, members in together(spent).items():
        shown = cost_tables(title, members)
        found = [(m.label, per, a) for m in members if (per := m.each("tokens")) and (a := m.contrasts.total.accuracy)]
        if len(found) > 1:
            name, _, size, draw = plots.by_cost(found)
            caption = f"Accuracy against cost: {title}"
            drawn = plots.svg(size, draw, caption, name)
            parts.append(f'<figure class="picture"><figcaption>{markup.text(caption)}</figcaption>{drawn}</figure>')
        parts += [table(t.title[:1].upper() + t.title[1:], [Words(t.header[0]), *t.header[1:]], t.rows) for t in shown]
    return "".join(parts)


def _compared(runs: Sequence[RunData], reference: int, found: Sequence[tuple[int, Comparison]]) -> str:
    plot = Plot("difference, 95% interval", markup.ticks((_difference(c) for _, c in found)))
    header = ("run", plot, "difference", "95% interval", "p", "pairs (n)", "groups", "right to wrong", "wrong to right",
              Words("verdict"))  # fmt: skip
    rows = []
    for i, c in found:
        shift, change = _difference(c), c.overall
        assert change.p is not None
        limits = interval(shift.low, shift.high)
        rows.append(
            (link(f"run-{i}", runs[i].label), plot.interval(shift), f"{shift.value:+.3f}", limits, p_value(change.p))
            + (change.pairs, change.groups, len(c.lost), len(c.gained), change.verdict)
        )
    note = (
        "The difference of accuracies on the same samples, in pairs, as `harness compare` gives it. No change: not "
        f"worse by more than {found[0][1].margin:g}. Each interval holds by itself, not for all rows at once."
    )
    return table(f"Against {runs[reference].label}", header, rows, note, "forest")


def _difference(c: Comparison) -> Estimate:
    found = c.overall
    assert found.difference is not None
    assert found.ci_low is not None
    assert found.ci_high is not None
    return Estimate(found.difference, found.ci_low, found.ci_high, found.pairs)
