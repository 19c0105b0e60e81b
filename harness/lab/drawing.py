"""Heat maps of the lab as inline SVG."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.report.plots import svg
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
        ax.set_title(title, fontsize=9)
        ax.figure.colorbar(image, ax=ax, fraction=0.03, pad=0.01).ax.tick_params(labelsize=7)

    size = (max(4.8, 0.17 * min(len(columns), MOST_LABELS) + 1.6), max(1.6, 0.17 * len(rows) + 1.2))
    return svg(size, draw, title)


def _label(text: str) -> str:
    """A token can be a line end or a space."""
    shown = printable(text.replace("\n", "\\n"))
    return shown if shown.strip() else f"'{shown}'"
