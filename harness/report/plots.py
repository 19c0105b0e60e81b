"""The pictures of a report, drawn with matplotlib: as SVG in the page's colours for the page, as files for papers."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from harness.report.collect import RunData
from harness.results.counts import Cell
from harness.statistics import curve, intervals
from harness.statistics.intervals import Cluster, Estimate

Draw = Callable[[Any], None]

INK, DATA, CURVE = "#000000", "#1f6f8b", "#c1502e"
COLOURS = (DATA, CURVE, "#7a5b9e", "#4f8a3c", "#a8842c", "#8c8c8c")
BINS = 8


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
    """Every picture that fits the run."""
    gaps = run.contrasts.gaps()
    if gaps:
        rows = [Dot(f"{g.factor}: {g.level} - {g.reference}", *g.gap) for g in gaps]
        yield Picture("gaps", "Gap within groups", (7, _height(len(rows))), lambda ax: _dots(ax, rows, zero=True))
    cells = [(name, cell) for name, cell in run.contrasts.conditions.items() if cell.accuracy][:60]
    rows_c = [Dot(name, *a) for name, cell in cells if (a := cell.accuracy)]
    yield Picture("conditions", "Accuracy by condition", (7, _height(len(rows_c))), lambda ax: _dots(ax, rows_c))
    for factor, levels in run.levels.items():
        yield Picture(f"by-{factor}", f"Accuracy by {factor}", (7, 2.6), _by_level(factor, levels, run.boxes[factor]))
    for name, by_condition in run.numeric.items():
        yield Picture(f"by-{name}", f"Accuracy by {name.replace('_', ' ')}", (7, 3.2), _by_number(name, by_condition))
    for extra in run.extras:
        if extra.stages:
            yield Picture(re.sub(r"\W+", "-", extra.title), extra.title.capitalize(), (7, 3.2), _by_stage(extra.stages))
    if len({t for t, _ in run.tokens}) > BINS:
        yield Picture("by-tokens", "Accuracy by tokens of the answer", (7, 2.8), _by_tokens(run.tokens))


def _height(rows: int) -> float:
    return 0.9 + 0.28 * max(1, rows)


def _dots(ax: Any, rows: Sequence[Dot], zero: bool = False) -> None:
    """Points with intervals, one under the other; n beside each."""
    for y, (_, value, low, high, n) in enumerate(rows):
        ax.plot([low, high], [y, y], color=DATA, linewidth=2, solid_capstyle="butt")
        ax.plot([value], [y], "o", color=DATA, markersize=6)
        ax.annotate(f"n={n}", (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=8)
    ax.set_yticks(range(len(rows)), [row.name for row in rows], fontsize=8)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    if zero:
        ax.axvline(0, color=INK, linewidth=0.8)
        widest = max([0.05, *(abs(x) for row in rows for x in (row.low, row.high))])
        ax.set_xlim(-1.1 * widest, 1.1 * widest)
    else:
        ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("difference of accuracies, 95% interval" if zero else "accuracy, 95% interval", fontsize=8)
    _plain(ax)


def _by_level(factor: str, levels: Mapping[str, Estimate | None], boxes: Mapping[str, Estimate | None]) -> Draw:
    """A box (50%) with whiskers (95%) for each level. Levels that are numbers (a base, a position in the context) stand
    in numerical order, joined by a line."""
    shown = [(name, a) for name, a in levels.items() if a]
    numeric = all(re.fullmatch(r"-?\d+(?:\.\d+)?", name) for name, _ in shown)
    if numeric:
        shown.sort(key=lambda item: float(item[0]))

    def draw(ax: Any) -> None:
        values = [a.value for _, a in shown]
        errors = [[a.value - a.low for _, a in shown], [a.high - a.value for _, a in shown]]
        ax.errorbar(range(len(shown)), values, yerr=errors, fmt="o-" if numeric else "o", color=DATA, linewidth=1.5)
        for x, (name, _) in enumerate(shown):
            box = boxes[name]
            if box:
                ax.bar([x], [box.high - box.low], 0.3, box.low, color=DATA, alpha=0.25, edgecolor=DATA, linewidth=1)
        ax.set_xticks(range(len(shown)), [f"{name}\nn={a.n}" for name, a in shown], fontsize=8)
        ax.set_xlim(-0.5, len(shown) - 0.5)
        ax.set_ylim(-0.03, 1.03)
        ax.set_xlabel(f"{factor}, all else equal", fontsize=8)
        ax.set_ylabel("accuracy (box 50%, line 95%)", fontsize=8)
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
        for x, a in shown:
            ax.annotate(f"{a.n}", (x, -0.02), ha="center", va="top", fontsize=7)
        fit = curve.logistic([curve.Point(x, *cluster) for x, clusters in points.items() for cluster in clusters])
        if fit is not None:
            low, high = min(points), max(points)
            xs = [low + (high - low) * i / 100 for i in range(101)]
            ys = [1 / (1 + math.exp(-max(-50.0, min(50.0, fit.intercept + fit.slope * x)))) for x in xs]
            ax.plot(xs, ys, color=CURVE, linewidth=1.5)
        ax.set_ylim(-0.12, 1.03)
        ax.set_xlabel(f"{name.replace('_', ' ')} (n under each point; line: fitted logistic curve)", fontsize=8)
        ax.set_ylabel("accuracy, 95% interval", fontsize=8)
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
        ax.set_xticks(range(len(names)), names, fontsize=8)
        ax.set_ylim(-0.03, 1.03)
        ax.set_ylabel("share of answers, 95% interval", fontsize=8)
        ax.legend(fontsize=7, frameon=False, loc="lower left")
        _plain(ax)

    return draw


def _by_tokens(tokens: Sequence[tuple[int, float]]) -> Draw:
    """Accuracy in BINS bins of equally many answers (the last may have fewer); takes all answers as independent."""
    ordered = sorted(tokens)

    def draw(ax: Any) -> None:
        size = math.ceil(len(ordered) / BINS)
        for start in range(0, len(ordered), size):
            chunk = ordered[start : start + size]
            k, n = sum(v for _, v in chunk), len(chunk)
            low, high = intervals.wilson(k, n)
            x = sum(t for t, _ in chunk) / n
            ax.errorbar([x], [k / n], yerr=[[k / n - low], [high - k / n]], fmt="o", color=DATA)
            ax.annotate(f"n={n}", (x, -0.02), ha="center", va="top", fontsize=7)
        ax.set_ylim(-0.12, 1.03)
        ax.set_xlabel("tokens of the answer, mean of each bin", fontsize=8)
        ax.set_ylabel("accuracy, 95% interval", fontsize=8)
        _plain(ax)

    return draw


def _plain(ax: Any) -> None:
    for side in ("top", "right"):
        ax.spines[side].set_visible(False)
    ax.tick_params(labelsize=8)
    ax.grid(True, axis="both", color="#888888", alpha=0.25, linewidth=0.6)


def _figure(size: tuple[float, float], draw: Draw) -> Any:
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    draw(figure.add_subplot())
    return figure


def svg(size: tuple[float, float], draw: Draw, label: str) -> str:
    """A picture as SVG for the page: no background, ink in the page's colour, text as text, and `label` as its name for
    screen readers."""
    from matplotlib import rc_context

    out = io.StringIO()
    with rc_context({"svg.fonttype": "none", "font.family": "sans-serif", "svg.hashsalt": label}):
        _figure(size, draw).savefig(out, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = out.getvalue()
    text = text[text.index("<svg") :].replace(INK, "currentColor")
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.S)
    # Matplotlib's style sheet would apply to the whole page; the styles that it puts in attributes stay.
    text = re.sub(r"<defs>\s*<style[^>]*>.*?</style>\s*</defs>", "", text, flags=re.S)
    name = label.replace("&", "and").replace("<", "").replace('"', "")
    return text.replace("<svg", f'<svg role="img" aria-label="{name}"', 1)


def save(run: RunData, folder: Path) -> list[Path]:
    """Write each picture as PNG, SVG and PDF into `folder`, which is created if needed; returns the paths."""
    made = []
    folder.mkdir(parents=True, exist_ok=True)
    for name, title, size, draw in plots(run):
        figure = _figure(size, draw)
        figure.suptitle(f"{run.title}: {title.lower()}", fontsize=9)
        for kind in ("png", "svg", "pdf"):
            path = folder / f"{run.recorded.directory.name}-{re.sub(r'[^a-z0-9-]', '-', name.lower())}.{kind}"
            figure.savefig(path, dpi=200)
            made.append(path)
    return made
