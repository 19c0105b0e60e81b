"""Tables and plots as HTML. Whatever text comes in is escaped here, and only here."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

from harness.statistics.intervals import Estimate
from harness.types import Outcome

EXPLAINED = {
    "answers (n)": "answers with a verdict: correct, wrong, unparsed or refused",
    "no verdict": "share of answers that were cut off or ended in an error: they are in no accuracy",
    "groups": "different problems; an interval holds for problems like these",
    "p": "how often chance alone would make a difference as large as this, if there were none",
    "p, all gaps (Holm)": "p corrected for the number of gaps that are looked at here",
    "95% interval": "values that the answers are compatible with",
    "unparsed": "no answer could be read from the response; counts as not correct",
    "truncated": "cut off by the limit of tokens: no verdict",
    "refused": "the model would not answer; counts as not correct",
    "api_error": "no answer could be had: no verdict",
    "verifier_error": "the answer could not be checked: no verdict",
}
"""Words in the headers of tables that a newcomer can't know; shown if pointed at."""

SHORT = 30
"""Text of so many characters is not broken into lines on a desktop."""
MARGIN = 4.0
"""Percent of a plot's width left free on both sides."""


class Html(str):
    """Text that is markup already."""


class Words(str):
    """The header of a column of words, which are left-aligned; others have numbers."""


def text(value: object) -> str:
    """Escaped, unless it is markup already."""
    return value if isinstance(value, Html) else escape(str(value))


def link(target: str, words: object) -> Html:
    """A link within the page."""
    return Html(f'<a href="#{escape(target)}">{_breakable(words)}</a>')


def _breakable(value: object) -> str:
    """Names of conditions are long, and may be broken behind a slash or an underscore."""
    return value if isinstance(value, Html) else text(value).replace("/", "/<wbr>").replace("_", "_<wbr>")


def paragraph(words: object, kind: str = "") -> str:
    """`kind` is a class of style.css."""
    return f"<p{_kinds(kind)}>{text(words)}</p>"


def folded(title: str, inside: str, kind: str = "", opened: bool = False) -> str:
    """What is shown if the reader wants it, and in print."""
    shown = " open" if opened else ""
    return f'<details class="{kind}"{shown}><summary>{text(title)}</summary>{inside}</details>'


def table(
    title: str, header: Sequence[object], rows: Iterable[Sequence[object]], note: str = "", kind: str = ""
) -> str:
    """A table under its title; scrolls if it is too wide, with the first column in place."""
    head = "".join(_head(h) for h in header)
    body = "".join("<tr>" + "".join(map(_cell, itertools.count(), row, header)) + "</tr>" for row in rows)
    caption = f"<figcaption>{text(title)}</figcaption>" if title else ""
    return (
        f'<figure class="table {kind}">{caption}<div class="scroll" tabindex="0" role="region" '
        f'aria-label="{escape(title)}"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'
        f"{paragraph(note, 'note') if note else ''}</figure>"
    )


def _head(name: object) -> str:
    if isinstance(name, Plot):
        return f'<th scope="col" class="plot"><span>{escape(name.name)}</span>{name.axis()}</th>'
    why, said = EXPLAINED.get(str(name)), text(name)
    said = f'<abbr title="{escape(why)}">{said}</abbr>' if why else said
    said = f'<span class="key {name}">{said}</span>' if isinstance(name, Outcome) else said
    return f'<th scope="col"{_kinds("word" * isinstance(name, Words))}>{said}</th>'


def _cell(i: int, value: object, header: object) -> str:
    if isinstance(value, Drawn):
        return f"<td{_kinds('plot', 'both' * bool(value.words))}>{text(value.words)}{value.svg}</td>"
    long = "long" * (isinstance(value, str) and len(_words(value)) > SHORT)
    if i == 0:
        return f'<th scope="row"{_kinds(long or "short")}>{_breakable(value)}</th>'
    return f"<td{_kinds(long, 'word' * isinstance(header, Words))}>{text(value)}</td>"


def _kinds(*names: str) -> str:
    """The attribute with these classes of style.css; "" for none."""
    shown = " ".join(filter(None, names))
    return f' class="{shown}"' if shown else ""


def _words(value: object) -> str:
    """What of a cell is read."""
    return re.sub("<[^>]*>", "", value) if isinstance(value, Html) else str(value)


def facts(title: str, pairs: Iterable[tuple[str, str]]) -> str:
    """Names and values, one pair a line."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(value)}</dd>" for name, value in pairs)
    return f'<figure class="table"><figcaption>{escape(title)}</figcaption><dl>{rows}</dl></figure>'


# Plots in tables ----------------------------------------------------------------------------------------------------


class Drawn(NamedTuple):
    """A cell that is drawn. What it shows stands in words over it, or else in the other cells of its row."""

    svg: str
    words: str = ""


@dataclass(frozen=True)
class Plot:
    """A column of a table that draws intervals on one scale, from `low` to `high` with a line at each tick."""

    name: str
    ticks: tuple[float, ...]

    def _x(self, value: float) -> str:
        low, high = self.ticks[0], self.ticks[-1]
        share = min(1.0, max(0.0, (value - low) / (high - low)))
        return f"{MARGIN + (100 - 2 * MARGIN) * share:.2f}%"

    def axis(self) -> str:
        """The scale, for the head of the column; "" if it has no ticks."""
        if not self.ticks:
            return ""
        marks = (f'<text x="{self._x(t)}" y="11">{t:g}</text>' for t in self.ticks)
        return f'<svg class="axis" aria-hidden="true">{"".join(marks)}</svg>'

    def interval(self, found: Estimate | None, box: Estimate | None = None, words: str = "") -> Drawn:
        """A point with its interval, and perhaps with a box of another one; none for None."""
        parts = [
            f'<line class="{"zero" if t == 0 else "tick"}" x1="{self._x(t)}" x2="{self._x(t)}" y1="0" y2="100%"/>'
            for t in self.ticks
        ]
        if box:
            wide = float(self._x(box.high)[:-1]) - float(self._x(box.low)[:-1])
            parts.append(f'<rect class="box" x="{self._x(box.low)}" width="{wide:.2f}%" y="25%" height="50%"/>')
        if found:
            ends = f'x1="{self._x(found.low)}" x2="{self._x(found.high)}" y1="50%" y2="50%"'
            parts.append(f'<line class="whole" {ends}/><circle cx="{self._x(found.value)}" cy="50%" r="5"/>')
        return Drawn(f'<svg aria-hidden="true">{"".join(parts)}</svg>', words)


SHARES, SHARES_NARROW = (0.0, 0.25, 0.5, 0.75, 1.0), (0.0, 0.5, 1.0)
STEPS = (0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0)


def ticks(found: Iterable[Estimate], most: int = 4) -> tuple[float, ...]:
    """Round numbers that span these intervals and 0, with so many steps between them at most."""
    limits = [0.0, *(x for e in found for x in (e.low, e.high))]
    low, high = min(limits), max(limits)
    for step in STEPS:
        first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
        if last - first <= most:
            break
    return tuple(round(i * step, 4) for i in range(first, max(last, first + 1) + 1))


def bar(counts: Mapping[str, int]) -> Drawn:
    """Shares of outcomes, side by side; each has its colour by its name."""
    total, at, parts = max(1, sum(counts.values())), 0.0, []
    for name, count in counts.items():
        if count:
            wide = 100 * count / total
            parts.append(f'<rect class="{escape(name)}" x="{at:.2f}%" width="{wide:.2f}%" y="20%" height="60%"/>')
            at += wide
    return Drawn(f'<svg aria-hidden="true">{"".join(parts)}</svg>')
