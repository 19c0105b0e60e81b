"""Pictures of a study as HTML: each is a figure with its title, inline SVG in the page's colours, and its numbers as a
table. Whatever text is in it is escaped here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape
from typing import Any

from harness.report.markup import folded, paragraph, table
from harness.report.pictures import Curves, Graph, HeatMap, Picture, token
from harness.report.plots import COLOURS, FONT, svg
from harness.text import Extra, printable

CELL, LINE = 16, 14
"""Pixels: width and height of a cell of a heat map; a label fits beside each."""
WIDEST, HIGHEST = 44, 22
"""Of a cell, if there are few."""
LETTER = 6.2
"""Width of a letter of a label, at most, in most fonts of 11 pixels."""
LONGEST, NAME = 18, 48
"""Letters that are drawn of the label of a row or a column; of the name of an axis, a line, or what is shown."""
FAINT = 0.02
"""A value that has less of the colour is left blank."""
MOST_POINTED = 5_000
"""Of more cells than this none says its value when it is pointed at: the page would be too large."""


def figure(picture: Picture) -> str:
    """The picture under its title, with the numbers behind it as a folded table."""
    drawn = {HeatMap: _heat_map, Curves: _curves, Graph: _graph}[type(picture)](picture)  # type: ignore[operator]
    said = picture.table()
    numbers = folded(said.title, numbers_of(replace(said, title=""))) if said.rows else ""
    notes = [note for note in _notes(picture) if note]
    return (
        f'<figure class="map"><figcaption>{escape(printable(picture.title))}</figcaption><div class="scroll" '
        f'tabindex="0" role="region" aria-label="{escape(printable(picture.title))}">{drawn}</div>'
        f"{''.join(paragraph(printable(note), 'note') for note in notes)}{numbers}</figure>"
    )


def numbers_of(t: Extra) -> str:
    """A table under its title, whatever its texts are."""
    rows = [list(map(printable, row)) for row in t.rows]
    return table(printable(t.title[:1].upper() + t.title[1:]), list(map(printable, t.header)), rows, printable(t.note))


def _notes(picture: Picture) -> list[str]:
    if isinstance(picture, HeatMap):
        return [(picture.meant and picture.marked and f"Bold: {picture.meant}.") or "", picture.note]
    return [picture.note] if isinstance(picture, Graph) else []


def _named(size: tuple[float, float], title: str, inside: Sequence[str]) -> str:
    width, height = size
    return (
        f'<svg role="img" aria-label="{escape(printable(title))}" width="{width:g}" height="{height:g}" '
        f'viewBox="0 0 {width:g} {height:g}">{"".join(inside)}</svg>'
    )


def _words(x: float, y: float, words: str, kind: str = "", turned: bool = False) -> str:
    shown = f' class="{kind}"' if kind else ""
    turn = f' transform="rotate(-90 {x:g} {y:g})"' if turned else ""
    return f'<text x="{x:g}" y="{y:g}"{shown}{turn}>{escape(words)}</text>'


def _label(text: str, longest: int = LONGEST) -> str:
    shown = token(text)
    return shown if len(shown) <= longest else f"{shown[: longest - 1]}\u2026"


# Heat maps ----------------------------------------------------------------------------------------------------------


def _heat_map(picture: HeatMap) -> str:
    columns, rows = [_label(c) for c in picture.columns], [_label(r) for r in picture.rows]
    cell, line = max(CELL, min(WIDEST, 360 // max(1, len(columns)))), max(LINE, min(HIGHEST, 220 // max(1, len(rows))))
    longest = (LETTER - 0.6) * max(map(len, columns), default=0)
    upright = longest < cell - 4
    left, top = 30 + LETTER * max(map(len, rows), default=0), 30
    wide, high = cell * len(columns), line * len(rows)
    legend = 34 + 120 + 40 + LETTER * len(_label(picture.shows, NAME))
    size = (left + max(wide + 8, legend), top + high + (32 if upright else longest + 26))
    parts = [_scale(picture, left), _cells(picture, columns, rows, (left, top, cell, line))]
    parts.append(f'<rect class="frame" x="{left:g}" y="{top}" width="{wide}" height="{high}"/>')
    parts += [_words(left - 5, top + line * i + line / 2 + 4, name, "end") for i, name in enumerate(rows)]
    for i, name in enumerate(columns):
        bold = " marked" if i in picture.marked else ""
        middle = left + cell * i + cell / 2
        parts.append(_words(middle, top + high + 13, name, f"middle{bold}") if upright
                     else _words(middle + 4, top + high + 5, name, f"end{bold}", turned=True))  # fmt: skip
    parts.append(_words(left, size[1] - 5, _label(picture.across, NAME)))
    parts.append(_words(12, top + high / 2, _label(picture.down, NAME), "middle", turned=True))
    return _named(size, picture.title, parts)


def _share(value: float, picture: HeatMap) -> float:
    """How much of the colour of its side a value has, from -1 to 1."""
    end = picture.high if value > 0 else -picture.low
    return max(-1.0, min(1.0, value / end)) if end > 0 else 0.0


def _cells(
    picture: HeatMap, columns: Sequence[str], rows: Sequence[str], place: tuple[float, float, int, int]
) -> str:  # fmt: skip
    """`place`: left and upper end, width and height of a cell."""
    left, top, cell, line = place
    down = _label(picture.down, NAME)
    pointed = len(columns) * len(rows) <= MOST_POINTED
    found: dict[str, list[str]] = {"low": [], "high": []}
    for y, (row, values) in enumerate(zip(rows, picture.values, strict=True)):
        for x, (column, value) in enumerate(zip(columns, values, strict=True)):
            share = 0.0 if value is None else _share(value, picture)
            if value is None or abs(share) < FAINT:
                continue
            at = f'x="{left + cell * x:g}" y="{top + line * y}" fill-opacity="{abs(share):.2f}"'
            said = f"<title>{escape(f'{down} {row}, {column}: {value:.3f}')}</title>" if pointed else ""
            found["high" if share > 0 else "low"].append(f'<rect width="{cell}" height="{line}" {at}>{said}</rect>')
    return "".join(f'<g class="{side}">{"".join(cells)}</g>' for side, cells in found.items() if cells)


def _scale(picture: HeatMap, left: float, steps: int = 10) -> str:
    """The legend: the colours from one end to the other, with numbers."""
    low, high, wide = picture.low, picture.high, 12
    parts = []
    for i in range(steps):
        value = low + (high - low) * (i + 0.5) / steps
        share = _share(value, picture)
        parts.append(f'<rect class="{"high" if share > 0 else "low"}" x="{left + 34 + wide * i:g}" y="6" '
                     f'width="{wide}" height="10" fill-opacity="{abs(share):.2f}"/>')  # fmt: skip
    end = left + 34 + wide * steps
    parts.append(f'<rect class="frame" x="{left + 34:g}" y="6" width="{wide * steps}" height="10"/>')
    parts.append(_words(left + 29, 15, f"{low:.3g}", "end"))
    parts.append(_words(end + 5, 15, f"{high:.3g}  {_label(picture.shows, NAME)}"))
    return "".join(parts)


# Curves and graphs --------------------------------------------------------------------------------------------------


def _curves(picture: Curves) -> str:
    columns = [_label(c) for c in picture.columns]

    def draw(ax: Any) -> None:
        for i, (name, line) in enumerate(picture.lines.items()):
            at = [(x + 0.06 * i, e) for x, e in enumerate(line) if e is not None]
            xs, values = [x for x, _ in at], [e.value for _, e in at]
            reach = [[e.value - e.low for _, e in at], [e.high - e.value for _, e in at]]
            style = {"color": COLOURS[i % len(COLOURS)], "linestyle": "-" if i < len(COLOURS) else "--"}
            ax.errorbar(xs, values, yerr=reach, marker="o", markersize=3, capsize=2, label=_label(name, NAME), **style)
        if picture.level is not None:
            ax.axhline(picture.level, color="#000000", linewidth=0.8, linestyle=":", label=_label(picture.meant, NAME))
        step = max(1, -(-len(columns) // 16))
        named = range(0, len(columns), step)
        ax.set_xticks(list(named), [columns[i] for i in named], fontsize=FONT)
        ax.tick_params(labelsize=FONT)
        ax.set_xlabel(_label(picture.across, NAME), fontsize=FONT)
        ax.set_ylabel(_label(picture.up or "95% interval", NAME), fontsize=FONT)
        for side in ("top", "right"):
            ax.spines[side].set_visible(False)
        ax.grid(True, axis="both", color="#888888", alpha=0.25, linewidth=0.6)
        ax.legend(fontsize=FONT - 1, frameon=False, loc="center left", bbox_to_anchor=(1.0, 0.5))

    return svg((7, 3.2), draw, printable(picture.title))


def _graph(picture: Graph) -> str:
    across, down = 96, 26
    xs, ys = [x for _, x, _, _ in picture.nodes] or [0.0], [y for _, _, y, _ in picture.nodes] or [0.0]
    x0, y0 = min(xs), min(ys)
    place = [(60 + across * (x - x0), 20 + down * (y - y0)) for _, x, y, _ in picture.nodes]
    width = [LETTER * len(_label(name)) + 10 for name, *_ in picture.nodes]
    parts = []
    for a, b in picture.edges:
        x1, x2 = place[a][0] + width[a] / 2, place[b][0] - width[b] / 2
        bend = max(12.0, (x2 - x1) / 2)
        parts.append(f'<path class="edge" d="M{x1:.1f} {place[a][1]:.1f}C{x1 + bend:.1f} {place[a][1]:.1f} '
                     f'{x2 - bend:.1f} {place[b][1]:.1f} {x2:.1f} {place[b][1]:.1f}"/>')  # fmt: skip
    for (name, _, _, used), (x, y), wide in zip(picture.nodes, place, width, strict=True):
        box = f'<rect class="node" x="{x - wide / 2:.1f}" y="{y - 9:.1f}" width="{wide:.1f}" height="18" rx="4"/>'
        kind = "used" if used else "unused"
        parts.append(f'<g class="{kind}">{box}{_words(x, y + 4, _label(name), "middle")}</g>')
    size = (120 + across * (max(xs) - x0), 40 + down * (max(ys) - y0))
    return _named(size, picture.title, parts)
