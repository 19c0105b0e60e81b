"""Heat maps and curves of the lab as inline SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.report.plots import COLOURS, svg
from harness.statistics.intervals import Estimate
from harness.text import printable

MOST_LABELS = 64
"""Of more columns than this, some are named."""


def heat_map(
    title: str, values: Sequence[Sequence[float]], columns: Sequence[str], rows: Sequence[str], low: float, high: float
) -> str:
    """`values` [row, column] between `low` and `high` (what lies beyond has the colour of the end). Blue is low and red
    is high if they have opposite signs; else white is low."""

    def draw(ax: Any) -> None:
        colours = "RdBu_r" if low < 0 < high else "Blues"
        image = ax.imshow(values, aspect="auto", cmap=colours, vmin=low, vmax=high, interpolation="nearest")
        step = max(1, -(-len(columns) // MOST_LABELS))
        named = range(0, len(columns), step)
        ax.set_xticks(list(named), [_label(columns[i]) for i in named], rotation=90, fontsize=7)
        ax.set_yticks(range(len(rows)), [_label(r) for r in rows], fontsize=7)
        ax.set_title(title, fontsize=9, loc="left")
        ax.figure.colorbar(image, ax=ax, fraction=0.03, pad=0.01).ax.tick_params(labelsize=7)

    size = (max(4.8, 0.17 * min(len(columns), MOST_LABELS) + 1.6), max(1.6, 0.17 * len(rows) + 1.2))
    return svg(size, draw, title)


def _label(text: str) -> str:
    """A token can be a line end or a space."""
    shown = printable(text.replace("\n", "\\n"))
    return shown if shown.strip() else f"'{shown}'"


def curves(title: str, columns: Sequence[str], lines: Mapping[str, Sequence[Estimate | None]], across: str) -> str:
    """Lines over the same columns, each value with its interval; None leaves a gap."""

    def draw(ax: Any) -> None:
        for i, (name, line) in enumerate(lines.items()):
            at = [(x + 0.06 * i, e) for x, e in enumerate(line) if e is not None]
            xs, values = [x for x, _ in at], [e.value for _, e in at]
            reach = [[e.value - e.low for _, e in at], [e.high - e.value for _, e in at]]
            colour = COLOURS[i % len(COLOURS)]
            ax.errorbar(xs, values, yerr=reach, color=colour, marker="o", markersize=3, capsize=2, label=name)
        step = max(1, -(-len(columns) // 16))
        named = range(0, len(columns), step)
        ax.set_xticks(list(named), [columns[i] for i in named], fontsize=7)
        ax.set_xlabel(across, fontsize=8)
        ax.set_title(title, fontsize=9, loc="left")
        ax.legend(fontsize=7)

    return svg((6.4, 3.2), draw, title)
