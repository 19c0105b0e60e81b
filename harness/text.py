"""Numbers, names and tables as text: for the terminal, Markdown and LaTeX."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from unicodedata import category

from harness.statistics.intervals import Estimate


def align(header: Sequence[str], body: Sequence[Sequence[str]], left: int, width: int | None = None) -> str:
    """A table as text. Each column is as wide as its widest cell; the first `left` columns are left-aligned. Cells are
    made `printable`: none can end its line or pass for another one. A table that is wider than `width` (by default:
    than the terminal, if there is one) goes on below itself, with its first columns again."""
    header, body = list(map(printable, header)), [list(map(printable, cells)) for cells in body]
    widths = [max(len(line[i]) for line in [header, *body]) for i in range(len(header))]

    def part(columns: Sequence[int]) -> str:
        def line(cells: Sequence[str]) -> str:
            padded = [cells[i].ljust(widths[i]) if i < left else cells[i].rjust(widths[i]) for i in columns]
            return "  ".join(padded).rstrip()

        return "\n".join([line(header), "  ".join("-" * widths[i] for i in columns), *map(line, body)])

    return "\n\n".join(map(part, _columns(widths, left, width or _terminal())))


def _columns(widths: Sequence[int], left: int, most: int | None) -> list[list[int]]:
    """The columns of each part of a table, so that no part is wider than `most`; a single column may be."""
    if most is None or sum(widths) + 2 * (len(widths) - 1) <= most:
        return [list(range(len(widths)))]
    named = list(range(left if sum(widths[:left]) + 2 * left <= most // 2 else 1))
    parts, used = [list(named)], sum(widths[i] + 2 for i in named)
    for i in range(len(named), len(widths)):
        if len(parts[-1]) > len(named) and used + widths[i] > most:
            parts.append(list(named))
            used = sum(widths[n] + 2 for n in named)
        parts[-1].append(i)
        used += widths[i] + 2
    return parts


def _terminal() -> int | None:
    """The width of the terminal that is printed to; None for a file or a pipe, which are never cut."""
    return shutil.get_terminal_size().columns if sys.stdout is not None and sys.stdout.isatty() else None


def printable(text: str) -> str:
    """The text with what can't be printed (control characters, line ends, what turns the direction of writing, lone
    surrogates) as escapes: a name from a file then moves no cursor, and fits in XML. Spaces of all kinds stay."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or category(c) == "Zs" else _escaped(c) for c in text)


def printable_lines(text: str) -> str:
    """As `printable`, for text of several lines: line ends and tabs stay."""
    if text.isprintable():
        return text
    return re.sub(r"[^\n\t]+", lambda stretch: printable(stretch[0]), text)


def printable_json(text: str) -> str:
    """JSON of the same value with nothing in it that can't be printed but line ends."""
    return re.sub(r"[^\n]", lambda c: c[0] if c[0].isprintable() else _json_escaped(c[0]), text)


def _json_escaped(c: str) -> str:
    return "\\u007f" if c == "\x7f" else json.dumps(c)[1:-1]


def _escaped(c: str) -> str:
    return c.encode("unicode_escape").decode("ascii")


_MARKDOWN = {ord(c): f"\\{c}" for c in "\\|`*_[]#~$"} | {ord("<"): "&lt;", ord("&"): "&amp;"}


def markdown(text: str) -> str:
    """The text on one line, as Markdown shows it unchanged."""
    return printable(text).translate(_MARKDOWN)


_LATEX = {ord(c): f"\\{c}" for c in "&%$#_{}"} | {
    ord("\\"): r"\textbackslash{}",
    ord("~"): r"\textasciitilde{}",
    ord("^"): r"\textasciicircum{}",
}


def latex(text: str) -> str:
    """The text on one line, as LaTeX shows it unchanged."""
    return printable(text).translate(_LATEX)


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


def estimate(e: Estimate | None) -> str:
    """`0.192 [0.131, 0.271] n=120`; "-" for None."""
    return "-" if e is None else f"{e.value:.3f} {interval(e.low, e.high)} n={e.n}"


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

    def as_json(self) -> dict[str, Any]:
        """Title, note, and a row as an object of its header's names."""
        rows = [dict(zip(self.header, row, strict=True)) for row in self.rows]
        return {"title": self.title, "rows": rows, **({"note": self.note} if self.note else {})}

    def render(self) -> str:
        """The table as text, under its title and over its note."""
        note = [printable(self.note)] if self.note else []
        return "\n".join([printable(self.title), align(self.header, self.rows, left=1), *note])
