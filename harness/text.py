"""Numbers and tables as text for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.statistics.intervals import Estimate


def align(header: Sequence[str], body: Sequence[Sequence[str]], left: int) -> str:
    """A table as text. Each column is as wide as its widest cell; the first `left` columns are left-aligned."""
    widths = [max(len(line[i]) for line in [header, *body]) for i in range(len(header))]

    def line(cells: Sequence[str]) -> str:
        padded = [c.ljust(w) if i < left else c.rjust(w) for i, (c, w) in enumerate(zip(cells, widths, strict=True))]
        return "  ".join(padded).rstrip()

    return "\n".join([line(header), "  ".join("-" * w for w in widths), *map(line, body)])


def printable(text: str) -> str:
    """The text with what can't be printed (control characters, line ends, lone surrogates) as escapes: a name from a
    file then moves no cursor, and fits in XML."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def number(value: float | None) -> str:
    """With three decimals; "-" for None."""
    return "-" if value is None else f"{value:.3f}"


def percent(value: float | None) -> str:
    """A share (0 to 1) in percent with one decimal; "-" for None."""
    return "-" if value is None else f"{100 * value:.1f}%"


def p_value(p: float) -> str:
    """With three decimals; "<0.001" for anything smaller."""
    return "<0.001" if p < 0.001 else f"{p:.3f}"


def interval(low: float | None, high: float | None) -> str:
    """`[0.131, 0.271]`; "-" if a limit is None."""
    return "-" if low is None or high is None else f"[{low:.3f}, {high:.3f}]"


def estimate(e: Estimate) -> str:
    """`0.192 [0.131, 0.271] n=120`."""
    return f"{e.value:.3f} {interval(e.low, e.high)} n={e.n}"


@dataclass(frozen=True)
class Extra:
    """A table beside accuracy (a task's come from Task.collector), cells as text; the first column is left-aligned.

    `stages` is for a table that the report also draws: the estimates of each row in the order of its stages, as
    (row, ((stage, estimate), ...)). `note` explains under the table what does not explain itself.
    """

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    stages: tuple[tuple[str, tuple[tuple[str, Estimate], ...]], ...] = ()
    note: str = ""

    def render(self) -> str:
        """The table as text, under its title and over its note."""
        return "\n".join([self.title, align(self.header, self.rows, left=1), *([self.note] if self.note else [])])
