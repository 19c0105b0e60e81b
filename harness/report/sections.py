"""One run as a reader wants it: the contrast in words and as a picture, accuracy, what went wrong, then the rest."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report import markup, words
from harness.report.collect import RunData
from harness.report.markup import Plot, Words, folded, paragraph, table
from harness.report.plots import curves, numeric, slug, svg
from harness.results.counts import Gap
from harness.statistics.intervals import Estimate
from harness.studies import budget, budget_tables
from harness.text import Extra, estimate, interval, number, p_value, percent
from harness.types import Outcome

MOST_ROWS = 24
"""Longer tables of conditions or gaps are folded."""
MOST_ERRORS = 5
MOST_TABLES = 3
"""Wrong answers are shown for each level of the main factor if there are no more levels."""


def run(i: int, data: RunData) -> str:
    """The sections of run number `i`."""
    drawn = _pictures(i, data)
    staged = [extra for extra in data.extras if extra.stages]
    by_budget = [picture for name in ("gap-by-budget", "by-budget") if (picture := drawn.pop(name, ""))]
    funnels = [picture for extra in staged if (picture := drawn.pop(slug(extra.title), ""))]
    mistakes = _mistakes(data)
    parts = [
        first(data),
        *(_accuracy(i, data, [*drawn.values()]) if data.contrasts.total.accuracy else ()),
        _thinking(data, by_budget),
        f'<h3 id="wrong-{i}">What went wrong</h3>',
        _outcomes(data),
        _errors(data),
        *map(_extra, staged),
        _grid([*funnels, f"<div>{''.join(mistakes)}</div>"] if funnels else mistakes),
        folded("Details", _details(data), "more").replace("<details", f'<details id="details-{i}"', 1),
    ]
    return "\n".join(part for part in parts if part)


def first(data: RunData) -> str:
    """What a reader must see first: the findings in words, how far they hold, the gaps, and what of them is beyond a
    placebo."""
    parts = [paragraph(line, "caution") for line in words.cautions(data)]
    parts += [paragraph(line, "lead") for line in words.findings(data)]
    parts += [paragraph(line, "quiet") for line in words.remarks(data)]
    return "\n".join([*parts, _gaps(data), *map(_extra, data.controls)])


def _gaps(data: RunData) -> str:
    """The gaps of the main factor, and the others under them; folded if there are very many."""
    main, others = words.main_gaps(data), data.contrasts.gaps()[len(words.main_gaps(data)) :]
    if not main:
        return ""
    shown = [*main, *others] if len(main) + len(others) <= MOST_ROWS else main[:MOST_ROWS]
    rest = [gap for gap in [*main, *others] if gap not in shown]
    title = "Gap: the difference of accuracies on the same problems"
    return _gap_table(title, shown) + (folded(f"{len(rest)} more gaps", _gap_table("", rest)) if rest else "")


def _gap_table(title: str, gaps: Sequence[Gap]) -> str:
    plot = Plot("gap, 95% interval", markup.ticks(g.gap for g in gaps))
    header = ("contrast", plot, "gap", "95% interval", "p", "p, all gaps (Holm)", "answers (n)", "groups")
    rows = [
        (contrast(g), plot.interval(g.gap), f"{g.gap.value:+.3f}", interval(g.gap.low, g.gap.high))
        + (p_value(g.p), p_value(g.p_holm), g.gap.n, g.groups)
        for g in gaps
    ]
    return table(title, header, rows, kind="forest")


def contrast(gap: Gap) -> str:
    """`family: friends - original`."""
    return f"{gap.factor}: {gap.level} - {gap.reference}"


def _forest(title: str, rows: Sequence[tuple[str, Estimate | None, Estimate | None, str]], name: str) -> str:
    """Accuracies with their intervals: (name, estimate, box, share without a verdict)."""
    plot = Plot("accuracy, 95% interval" + (", box 50%" if any(box for *_, box, _ in rows) else ""), markup.SHARES)
    last = ("no verdict",) if any(without for *_, without in rows) else ()
    body = [
        (label, plot.interval(e, box), number(e.value if e else None), interval(*(e[1:3] if e else (None, None))))
        + (e.n if e else 0, *((without,) if last else ()))
        for label, e, box, without in rows
    ]
    return table(title, (name, plot, "accuracy", "95% interval", "answers (n)", *last), body, kind="forest")


def _accuracy(i: int, data: RunData, drawn: Sequence[str]) -> list[str]:
    title = f'<h3 id="accuracy-{i}">Accuracy by condition</h3>'
    return [title, _conditions(data), _grid([*_levels(data), *drawn, _all_together(data)])]


def _conditions(data: RunData) -> str:
    cells = dict(data.contrasts.conditions)
    if len(cells) > 1:
        cells["all"] = data.contrasts.total
    rows = [(name, cell.accuracy, None, percent(cell.row()["no_verdict"])) for name, cell in cells.items()]
    made = _forest("", rows, "condition")
    if len(rows) > MOST_ROWS:
        made = _forest("", rows[-1:], "condition") + folded(f"Each of {len(rows) - 1} conditions", made)
    return made


def _thinking(data: RunData, drawn: Sequence[str]) -> str:
    """The gap as a function of thinking, if the run cut its traces."""
    if data.thinking is None:
        return ""
    said = [paragraph(str(course)) for course in budget.courses(data.thinking)]
    said += [paragraph(line, "quiet") for line in budget_tables.notes(data.thinking)]
    tables = [_extra(extra) for extra in budget_tables.tables(data.thinking)]
    return "\n".join(["<h3>Budget of thinking</h3>", *said, _grid(drawn), folded("Each budget", "".join(tables))])


def _all_together(data: RunData) -> str:
    lines = []
    if worst := data.contrasts.worst():
        lines.append(f"Worst condition: {worst}.")
    if everywhere := data.contrasts.all_conditions():
        lines.append(f"Problems solved in all of their conditions: {estimate(everywhere)}.")
    inside = "".join(paragraph(line, "quiet") for line in lines)
    return f"<div>{inside}</div>" if lines else ""


def _levels(data: RunData) -> list[str]:
    """Accuracy by each factor; nothing if its levels are the conditions."""
    found = []
    for factor, levels in data.levels.items():
        if len(levels) < len(data.contrasts.conditions) and not numeric(levels):
            rows = [(name, e, data.boxes[factor][name], "") for name, e in levels.items()]
            found.append(_forest(f"By {factor}, all else equal", rows, factor))
    return found


def _pictures(i: int, data: RunData) -> dict[str, str]:
    """The drawn pictures of a run, by name."""
    return {
        name: f'<figure class="picture"><figcaption>{markup.text(title)}</figcaption>'
        f"{svg(size, draw, title, str(i))}</figure>"
        for name, title, size, draw in curves(data)
    }


def _grid(parts: Sequence[str]) -> str:
    """Side by side if there is room."""
    shown = [part for part in parts if part]
    return f'<div class="grid">{"".join(shown)}</div>' if len(shown) > 1 else "".join(shown)


def _outcomes(data: RunData) -> str:
    """What became of the answers in each condition."""
    total = data.contrasts.total
    shown = [o for o in Outcome if o in ("correct", "wrong") or total.outcomes[o]]
    cells = data.contrasts.conditions
    cells = (cells if len(cells) <= MOST_ROWS else {}) | ({"all": total} if len(cells) > 1 else {})
    rows = [
        (name, markup.bar({o: cell.outcomes[o] for o in shown}), cell.samples, *(cell.outcomes[o] for o in shown))
        for name, cell in cells.items()
    ]
    header = ("condition", Plot("share of the answers", ()), "answers asked for", *shown)
    return table("What became of the answers", header, rows, kind="forest")


def _errors(data: RunData) -> str:
    """Why there were no answers, in the words of the server or the verifier."""
    rows = data.mistakes.errors.most_common(MOST_ERRORS)
    return table("Commonest errors", (Words("error"), "how often"), rows, kind="reasons") if rows else ""


def _mistakes(data: RunData) -> list[str]:
    """The commonest wrong answers: at each level of the main factor, or all together if there are many levels."""
    found = data.mistakes
    levels = [level for level in (*data.levels.get(data.contrasts.main, ()), *found.wrong) if found.wrong[level]]
    levels = list(dict.fromkeys(levels))
    parts: list[str | None] = [*levels] if 1 <= len(levels) <= MOST_TABLES else [None]
    tables = []
    for level in parts:
        common = [mistake for mistake in found.commonest(level) if mistake.times > 1]
        if not common:
            continue
        wrong = found.wrong.total() if level is None else found.wrong[level]
        of = f"{data.contrasts.main} {level}, " if level else ""
        header: list[object] = ["answer", "how often", "share of the wrong ones"]
        rows: list[list[object]] = [[m.answer, m.times, f"{100 * m.share:.0f}%"] for m in common]
        if any(m.source for m in common):
            header.append(Words("what it may come from"))
            rows = [[*row, m.source] for row, m in zip(rows, common, strict=True)]
        tables.append(table(f"Commonest wrong answers ({of}{wrong} wrong)", header, rows))
    if found.partial and tables:
        note = "Only the first groups were searched for targets of other conditions: there are very many."
        tables.append(paragraph(note, "note"))
    if found.left_out:
        note = f"{found.left_out} wrong answers are not told apart here: there are too many different ones."
        tables.append(paragraph(note, "note"))
    if not tables and found.wrong:
        count = words.counted(found.wrong.total(), "wrong answer")
        tables.append(paragraph(f"No wrong answer was given twice ({count}).", "quiet"))
    return tables


def _extra(extra: Extra) -> str:
    return table(extra.title[:1].upper() + extra.title[1:], extra.header, extra.rows, extra.note)


def _details(data: RunData) -> str:
    parts = [_extra(extra) for extra in data.extras if not extra.stages]
    if data.confounds:
        rows = [
            (f"{f.factor}: {f.level} - {f.reference}", f.feature, f.pairs, f.before, f.after, f.verdict)
            for f in data.confounds
        ]
        header = (
            "contrast",
            Words("feature of the prompt"),
            "pairs",
            "at the reference",
            "at the level",
            Words("judged"),
        )
        parts.append(table("What differs between matched conditions beside what is asked", header, rows))
    about = data.recorded.about
    told = {name: value for name, value in data.facts.items() if value} | {
        "seed": str(data.recorded.config.get("seed", "-")),
        "harness": str((about.get("versions") or {}).get("harness", "-")),
    }
    parts.append(markup.facts("Configuration", told.items()))
    return f"<div>{''.join(parts)}</div>"
