"""Numbers and tables as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.statistics.intervals import Estimate


def align(header: Sequence[str], body: Sequence[Sequence[str]], left: int) -> str:
    """Columns of equal width, the first `left` of them left-aligned."""
    widths = [max(len(line[i]) for line in [header, *body]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *map(line, body)])


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def percent(value: float | None) -> str:
    return "-" if value is None else f"{100 * value:.1f}%"


def p_value(p: float) -> str:
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def interval(low: float | None, high: float | None) -> str:
    return "-" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def estimate(e: Estimate) -> str:
    return f"{e.value:.3f} {interval(e.low, e.high)} n={e.n}"


@dataclass(frozen=True)
class Extra:
    """A table that a task adds beside accuracy (Task.extras), cells as text; the first column is left-aligned.

    `stages`: where a picture says it better, estimates in an order: (row, ((stage, estimate), ...)).
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    stages: tuple[tuple[str, tuple[tuple[str, Estimate], ...]], ...] = ()

    def render(self) -> str:
        return f"{self.title}\n{align(self.header, self.rows, left=1)}"
