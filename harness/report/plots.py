"""The pictures of a report, drawn with matplotlib: as SVG in the page's colours for the page, as files for papers."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from html import escape
from pathlib import Path
from typing import Any, NamedTuple

from harness.errors import HarnessError, UsageError, cause
from harness.report.collect import RunData
from harness.results.counts import Cell
from harness.statistics import curve, intervals
from harness.statistics.intervals import Cluster, Estimate

Draw = Callable[[Any], None]

INK, DATA, CURVE = "#000000", "#1f6f8b", "#c1502e"
COLOURS = (DATA, CURVE, "#7a5b9e", "#4f8a3c", "#a8842c", "#7c7c7c")
"""On the page each is a variable of style.css (--plot0 ...), which has its own in the dark."""
BINS = 8
FONT = 9
SIZE = (4.8, 2.9)
"""Inches: two side by side on a desktop, one on a phone, and the text of both can be read."""


class Picture(NamedTuple):
    """`size` is width and height in inches; `draw` draws the picture on matplotlib axes."""

    name: str
    title: str
    size: tuple[float, float]
    draw: Draw


class Dot(NamedTuple):
    """One row of a picture: an estimate with its interval and n."""

    name: str
    value: float
    low: float
    high: float
    n: int


def plots(run: RunData) -> Iterator[Picture]:
    """Every picture that fits the run, for files. The page has the first ones in its tables."""
    gaps = run.contrasts.gaps()
    if gaps:
        rows = [Dot(f"{g.factor}: {g.level} - {g.reference}", *g.gap) for g in gaps]
        yield Picture("gaps", "Gap within groups", (7, _height(len(rows))), lambda ax: _dots(ax, rows, zero=True))
    cells = [(name, cell) for name, cell in run.contrasts.conditions.items() if cell.accuracy][:60]
    rows_c = [Dot(name, *a) for name, cell in cells if (a := cell.accuracy)]
    if rows_c:
        yield Picture("conditions", "Accuracy by condition", (7, _height(len(rows_c))), lambda ax: _dots(ax, rows_c))
    for factor, levels in run.levels.items():
        if not numeric(levels) and any(levels.values()):
            rows_l = [Dot(name, *a) for name, a in levels.items() if a]
            yield Picture(f"by-{factor}", f"Accuracy by {factor}", (7, _height(len(rows_l))), _by_name(factor, rows_l))
    yield from curves(run)


def curves(run: RunData) -> Iterator[Picture]:
    """The pictures that a table can't hold: accuracy against numbers, and funnels."""
    for factor, levels in run.levels.items():
        if numeric(levels) and any(levels.values()):
            yield Picture(f"by-{factor}", f"Accuracy by {factor}", SIZE, _by_level(factor, levels, run.boxes[factor]))
    for name, by_condition in run.numeric.items():
        if any(cell.clusters for cells in by_condition.values() for cell in cells.values()):
            yield Picture(f"by-{name}", f"Accuracy by {name.replace('_', ' ')}", SIZE, _by_number(name, by_condition))
    for extra in run.extras:
        if any(row for _, row in extra.stages):
            yield Picture(slug(extra.title), extra.title.capitalize(), SIZE, _by_stage(extra.stages))
    if run.thinking is not None:
        for make, lines in ((gap_by_budget, run.thinking.gap_lines()), (by_budget, run.thinking.levels())):
            if any(len(points) > 1 for points in lines.values()):
                yield make(lines)
    if len({t for t, _ in run.tokens}) > BINS:
        yield Picture("by-tokens", "Accuracy by tokens of the answer", SIZE, _by_tokens(run.tokens))


_ROUND = [digit * 10**power for power in range(8) for digit in (1, 3)]


def by_cost(runs: Sequence[tuple[str, float, Estimate]]) -> Picture:
    """Accuracy of each run, (label, tokens an answer, accuracy), against what an answer cost."""

    def draw(ax: Any) -> None:
        shown = sorted(runs, key=lambda run: run[1])
        for i, (label, tokens, a) in enumerate(shown):
            error = [[a.value - a.low], [a.high - a.value]]
            colour = COLOURS[i % len(COLOURS)]
            ax.errorbar([tokens], [a.value], yerr=error, fmt="o", color=colour, label=f"{label} (n={a.n})")
        ax.set_xscale("log")
        least, most = shown[0][1], shown[-1][1]
        marks = [t for t in _ROUND if least / 1.5 <= t <= most * 1.5] or [least]
        ax.set_xticks(marks, [f"{t:g}" for t in marks], fontsize=FONT)
        ax.minorticks_off()
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlabel("tokens of prompts and answers, for one answer", fontsize=FONT)
        ax.set_ylabel("accuracy, 95% interval", fontsize=FONT)
        ax.legend(fontsize=FONT - 1, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        _plain(ax)

    return Picture("by-cost", "Accuracy against cost", (7, max(SIZE[1], 0.3 * len(runs))), draw)


def against(points: Sequence[tuple[str, str, Estimate, Estimate]], y: str) -> Picture:
    """Models on two axes: (benchmark, model, accuracy there, accuracy in `y`), each with its interval. A model on the
    diagonal is as good in both."""
    benchmarks = list(dict.fromkeys(point[0] for point in points))

    def draw(ax: Any) -> None:
        ax.plot([0, 1], [0, 1], color=INK, linewidth=0.8, linestyle=":")
        for i, benchmark in enumerate(benchmarks):
            own = [(model, a, b) for name, model, a, b in points if name == benchmark]
            xs, ys = [a.value for _, a, _ in own], [b.value for _, _, b in own]
            x_error = [[a.value - a.low for _, a, _ in own], [a.high - a.value for _, a, _ in own]]
            y_error = [[b.value - b.low for _, _, b in own], [b.high - b.value for _, _, b in own]]
            ax.errorbar(xs, ys, xerr=x_error, yerr=y_error, fmt="o", color=COLOURS[i % len(COLOURS)], label=benchmark)
            for model, a, b in own:
                ax.annotate(model, (a.value, b.value), xytext=(4, 4), textcoords="offset points", fontsize=FONT - 2)
        ax.set_xlim(-0.03, 1.03)
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlabel("accuracy in the benchmark, 95% interval", fontsize=FONT)
        ax.set_ylabel(f"accuracy in {y}, 95% interval", fontsize=FONT)
        ax.legend(fontsize=FONT - 1, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))
        _plain(ax)

    return Picture("against", f"Standard benchmarks against {y}", (7, 4.5), draw)


Curves = Mapping[str, Sequence[tuple[int, Estimate]]]
"""Lines by name, with points (tokens of thinking, estimate)."""


def by_budget(curves: Curves) -> Picture:
    """Accuracy against the budget of thinking, a line for each name."""

    def draw(ax: Any) -> None:
        _budget_lines(ax, curves)
        ax.set_ylim(-0.03, 1.03)
        ax.set_ylabel("accuracy, 95% interval", fontsize=FONT)

    return Picture("by-budget", "Accuracy by budget of thinking", (SIZE[0], 3.4), draw)


def gap_by_budget(curves: Curves) -> Picture:
    """Gaps against the budget of thinking, a line for each."""

    def draw(ax: Any) -> None:
        ax.axhline(0, color=INK, linewidth=0.8)
        _budget_lines(ax, curves)
        ax.set_ylabel("gap, 95% interval", fontsize=FONT)

    return Picture("gap-by-budget", "Gap by budget of thinking", (SIZE[0], 3.4), draw)


def _budget_lines(ax: Any, curves: Curves) -> None:
    for i, (name, points) in enumerate(list(curves.items())[: len(COLOURS)]):
        found = [a for _, a in points]
        error = [[a.value - a.low for a in found], [a.high - a.value for a in found]]
        xs = [tokens * 1.03 ** (i - (len(curves) - 1) / 2) for tokens, _ in points]  # apart, to be seen
        label = f"{name} ({_counts([a.n for a in found])})"
        ax.errorbar(xs, [a.value for a in found], yerr=error, fmt="o-", color=COLOURS[i], label=label)
    marks = sorted({tokens for points in curves.values() for tokens, _ in points})
    ax.set_xscale("log")
    ax.set_xticks(marks, [f"{t:g}" for t in marks], fontsize=FONT)
    ax.minorticks_off()
    ax.set_xlabel("tokens of thinking after which the answer was asked for", fontsize=FONT)
    ax.legend(fontsize=FONT - 1, frameon=False, loc="upper center", bbox_to_anchor=(0.5, -0.2), ncols=2)
    _plain(ax)


def slug(title: str) -> str:
    """A title as the name of a picture."""
    return re.sub(r"\W+", "-", title)


def numeric(levels: Iterable[str]) -> bool:
    """Whether the levels of a factor are numbers (a base, a position in the context)."""
    return all(re.fullmatch(r"-?\d+(?:\.\d+)?", name) for name in levels)


def _height(rows: int) -> float:
    return 0.9 + 0.28 * max(1, rows)


def _dots(ax: Any, rows: Sequence[Dot], zero: bool = False) -> None:
    """Points with intervals, one under the other; n beside each."""
    for y, (_, value, low, high, n) in enumerate(rows):
        ax.plot([low, high], [y, y], color=DATA, linewidth=2, solid_capstyle="butt")
        ax.plot([value], [y], "o", color=DATA, markersize=6)
        ax.annotate(f"n={n}", (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=FONT)
    ax.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=FONT)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    if zero:
        ax.axvline(0, color=INK, linewidth=0.8)
        widest = max([0.05, *(abs(x) for row in rows for x in (row.low, row.high))])
        ax.set_xlim(-1.1 * widest, 1.1 * widest)
    else:
        ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("difference of accuracies, 95% interval" if zero else "accuracy, 95% interval", fontsize=FONT)
    _plain(ax)


def _by_name(factor: str, rows: Sequence[Dot]) -> Draw:
    def draw(ax: Any) -> None:
        _dots(ax, rows)
        ax.set_xlabel(f"accuracy by {factor}, all else equal, 95% interval", fontsize=FONT)

    return draw


def _by_level(factor: str, levels: Mapping[str, Estimate | None], boxes: Mapping[str, Estimate | None]) -> Draw:
    """A box (50%) with whiskers (95%) for each level, in numerical order, joined by a line."""
    shown = sorted(((name, a) for name, a in levels.items() if a), key=lambda item: float(item[0]))

    def draw(ax: Any) -> None:
        values = [a.value for _, a in shown]
        errors = [[a.value - a.low for _, a in shown], [a.high - a.value for _, a in shown]]
        ax.errorbar(range(len(shown)), values, yerr=errors, fmt="o-", color=DATA, linewidth=1.5)
        for x, (name, _) in enumerate(shown):
            box = boxes[name]
            if box:
                ax.bar([x], [box.high - box.low], 0.3, box.low, color=DATA, alpha=0.25, edgecolor=DATA, linewidth=1)
        ax.set_xticks(range(len(shown)), [name for name, _ in shown], fontsize=FONT)
        ax.set_xlim(-0.5, len(shown) - 0.5)
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlabel(f"{factor}, all else equal; {_counts([a.n for _, a in shown])}", fontsize=FONT)
        ax.set_ylabel("accuracy (box 50%, line 95%)", fontsize=FONT)
        _plain(ax)

    return draw


def _by_number(name: str, by_condition: Mapping[str, Mapping[float, Cell]]) -> Draw:
    """All conditions together: points with intervals at each value, and the fitted logistic curve."""
    points: dict[float, list[Cluster]] = {}
    for cells in by_condition.values():
        for x, cell in cells.items():
            points.setdefault(x, []).extend(cell.clusters.values())

    def draw(ax: Any) -> None:
        shown = [(x, a) for x, clusters in sorted(points.items()) if (a := intervals.accuracy(clusters))]
        errors = [[a.value - a.low for _, a in shown], [a.high - a.value for _, a in shown]]
        ax.errorbar([x for x, _ in shown], [a.value for _, a in shown], yerr=errors, fmt="o", color=DATA)
        fit = curve.logistic([curve.Point(x, *cluster) for x, clusters in points.items() for cluster in clusters])
        if fit is not None:
            low, high = min(points), max(points)
            xs = [low + (high - low) * i / 100 for i in range(101)]
            ys = [1 / (1 + math.exp(-max(-50.0, min(50.0, fit.intercept + fit.slope * x)))) for x in xs]
            ax.plot(xs, ys, color=CURVE, linewidth=1.5)
        ax.set_ylim(-0.03, 1.03)
        line = "; line: fitted logistic curve" if fit is not None else ""
        ax.set_xlabel(f"{name.replace('_', ' ')}; {_counts([a.n for _, a in shown])}{line}", fontsize=FONT)
        ax.set_ylabel("accuracy, 95% interval", fontsize=FONT)
        _plain(ax)

    return draw


def _by_stage(stages: Sequence[tuple[str, Sequence[tuple[str, Estimate]]]]) -> Draw:
    """A funnel: a line for each row, falling from stage to stage; rows stand a little apart, so that intervals show."""
    names = list(dict.fromkeys(stage for _, row in stages for stage, _ in row))
    shown = stages[: len(COLOURS)]

    def draw(ax: Any) -> None:
        for i, (row, estimates) in enumerate(shown):
            xs = [names.index(stage) + 0.08 * (i - (len(shown) - 1) / 2) for stage, _ in estimates]
            found = [e for _, e in estimates]
            errors = [[e.value - e.low for e in found], [e.high - e.value for e in found]]
            label = f"{row} (n={found[0].n})" if found else row
            ax.errorbar(
                xs, [e.value for e in found], yerr=errors, fmt="o-", label=label, color=COLOURS[i], linewidth=1.5
            )
        ax.set_xticks(range(len(names)), names, fontsize=FONT)
        ax.set_ylim(-0.03, 1.03)
        ax.set_ylabel("share of answers, 95% interval", fontsize=FONT)
        ax.legend(fontsize=FONT - 1, frameon=False, loc="lower left")
        _plain(ax)

    return draw


def _by_tokens(tokens: Sequence[tuple[int, float]]) -> Draw:
    """Accuracy in BINS bins of equally many answers (the last may have fewer); takes all answers as independent."""
    ordered = sorted(tokens)

    def draw(ax: Any) -> None:
        size, sizes = math.ceil(len(ordered) / BINS), list[int]()
        for start in range(0, len(ordered), size):
            chunk = ordered[start : start + size]
            k, n = sum(v for _, v in chunk), len(chunk)
            low, high = intervals.wilson(k, n)
            x = sum(t for t, _ in chunk) / n
            sizes.append(n)
            ax.errorbar([x], [k / n], yerr=[[k / n - low], [high - k / n]], fmt="o", color=DATA)
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlabel(f"tokens of the answer, mean of each bin; {_counts(sizes)}", fontsize=FONT)
        ax.set_ylabel("accuracy, 95% interval", fontsize=FONT)
        _plain(ax)

    return draw


def _counts(sizes: Sequence[int]) -> str:
    """How many answers are behind the points. Said once: beside each point the numbers would overprint."""
    low, high = min(sizes), max(sizes)
    return f"n={low} a point" if low == high else f"n={low} to {high} a point"


def _plain(ax: Any) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(labelsize=FONT)
    ax.grid(True, axis="both", color="#888888", alpha=0.25, linewidth=0.6)


def _style(**more: Any) -> AbstractContextManager[None]:
    """Matplotlib's defaults while a picture is made and written: a matplotlibrc in the working directory, which
    matplotlib reads by itself, may be a stranger's (text.usetex starts programs). A name with a dollar sign is no
    formula."""
    from matplotlib import rc_context, rcParamsDefault

    own: dict[Any, Any] = {name: value for name, value in rcParamsDefault.items() if not name.startswith("backend")}
    return rc_context(own | {"text.parse_math": False} | more)


def _figure(size: tuple[float, float], draw: Draw) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure.add_subplot())
    return figure


def svg(size: tuple[float, float], draw: Draw, label: str, salt: str = "") -> str:
    """A picture as SVG for the page: no background, the page's colours, text as text, and `label` as its name for
    screen readers. `salt` keeps the ids of pictures with one label apart."""
    out = io.StringIO()
    with _style(**{"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": f"{salt} {label}"}):
        _figure(size, draw).savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    for i, colour in enumerate(COLOURS):
        text = text.replace(colour, f"var(--plot{i})")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    # Matplotlib's style sheet would apply to the whole page; the styles that it puts in attributes stay.
    text = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", text, flags=re.S)
    text = re.sub(r"<!--.*?-->", "", text, flags=re.S)
    text = re.sub(r' id="[a-zA-Z0-9]+_\d+"', "", text)  # these are referred to by nothing
    text = re.sub(r"(\d\.\d\d)\d+", r"\1", text)  # a hundredth of a point
    text = re.sub(r"\s*\n\s*", " ", text)
    return text.replace("<svg", f'<svg role="img" aria-label="{escape(label)}"', 1)


def save_one(picture: Picture, path: Path) -> None:
    """Write a picture to a file whose ending says the kind. UsageError if it is none of PNG, SVG and PDF; HarnessError
    if the file can't be written."""
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"{path}: a picture is a file that ends in .png, .svg or .pdf")
    try:
        with _style():
            figure = _figure(picture.size, picture.draw)
            figure.suptitle(picture.title, fontsize=9)
            figure.savefig(path, dpi=200)
    except OSError as error:
        raise HarnessError(f"{path}: can't be written: {cause(error)}") from None


def save(run: RunData, folder: Path) -> list[Path]:
    """Write each picture as PNG, SVG and PDF into `folder`, which is created if needed; returns the paths."""
    made = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, title, size, draw in plots(run):
        with _style():
            figure = _figure(size, draw)
            figure.suptitle(f"{run.title}: {title.lower()}", fontsize=9)
            for kind in ("png", "svg", "pdf"):
                path = folder / f"{run.recorded.directory.name}-{re.sub(r'[^a-z0-9-]', '-', name.lower())}.{kind}"
                figure.savefig(path, dpi=200)
                made.append(path)
    return made
