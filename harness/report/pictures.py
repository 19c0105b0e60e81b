"""The pictures of a study as data: heat maps, curves, graphs. A study keeps its pictures like this, and they are drawn
anew whenever they are shown (harness.report.drawing): no markup is taken from a file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.statistics.intervals import Estimate
from harness.text import Extra, estimate, interval, printable

MOST_COLUMNS, MOST_ROWS = 128, 256
"""Of a heat map. One with more columns shows the last ones."""
MOST_POINTS = 2_000
"""Of curves: points, and of a graph: nodes, and connections."""
LONGEST = 2_000
"""Characters of a label or a title."""
LARGEST = 12
"""Values of a heat map that are also told in words."""


@dataclass(frozen=True)
class HeatMap:
    """`values` [row, column], None if there is none, in colours from `low` to `high` (what lies beyond has the colour
    of the end); below 0 is another colour than above. `down` and `across` say what rows and columns are, `shows` what a
    value is; `marked` are columns that stand out, `meant` says why."""

    title: str
    values: Sequence[Sequence[float | None]]
    columns: Sequence[str]
    rows: Sequence[str]
    low: float
    high: float
    down: str = ""
    across: str = ""
    shows: str = ""
    marked: Sequence[int] = ()
    meant: str = ""
    note: str = ""

    def table(self) -> Extra:
        """The largest values, in words."""
        found = [(value, row, column) for row, line in zip(self.rows, self.values, strict=True)
                 for column, value in zip(self.columns, line, strict=True) if value]  # fmt: skip
        found.sort(key=lambda item: -abs(item[0]))
        body = tuple((row, token(column), f"{value:.3f}") for value, row, column in found[:LARGEST])
        title = f"The {len(body)} largest of {sum(len(line) for line in self.values)} values"
        return Extra(title, (self.down or "row", self.across or "column", self.shows or "value"), body)


@dataclass(frozen=True)
class Curves:
    """Lines over the same columns, each value with its interval; None leaves a gap. `across` and `up` name the axes,
    `level` is a line of its own (a blind guess), which `meant` explains."""

    title: str
    columns: Sequence[str]
    lines: Mapping[str, Sequence[Estimate | None]]
    across: str
    up: str = ""
    level: float | None = None
    meant: str = ""

    def table(self) -> Extra:
        """Every point."""
        rows = zip(*self.lines.values(), strict=True)
        body = tuple((column, *map(_point, row)) for column, row in zip(self.columns, rows, strict=True))
        return Extra("Each point", (self.across, *self.lines), body)


@dataclass(frozen=True)
class Graph:
    """Nodes (name, place from left to right, place from top to bottom, whether it is used) and connections (from, to)
    by the numbers of nodes."""

    title: str
    nodes: Sequence[tuple[str, float, float, bool]]
    edges: Sequence[tuple[int, int]]
    note: str = ""

    def table(self) -> Extra:
        """What leads into each node."""
        into: dict[int, list[str]] = {}
        for sender, receiver in self.edges:
            into.setdefault(receiver, []).append(self.nodes[sender][0])
        body = tuple((self.nodes[i][0], ", ".join(dict.fromkeys(names))) for i, names in into.items())
        return Extra("What leads into each part", ("into", "from"), body)


Picture = HeatMap | Curves | Graph
_KINDS: dict[str, type[HeatMap | Curves | Graph]] = {"heat map": HeatMap, "curves": Curves, "graph": Graph}


def _point(e: Estimate | None) -> str:
    return estimate(e) if e is None or e.n else f"{e.value:.3f} {interval(e.low, e.high)}"


def token(text: str) -> str:
    """A token as a label: one can be a line end or a space, and begins with one if it begins a word."""
    shown = printable(text.replace("\n", "\\n").replace("\t", "\\t"))
    return shown.strip() or f"'{shown}'"


def heat_map(
    title: str, values: Sequence[Sequence[float | None]], columns: Sequence[str], rows: Sequence[str], low: float,
    high: float, *, down: str = "", across: str = "", shows: str = "", marked: Sequence[int] = (), meant: str = "",
    note: str = "",
) -> HeatMap:  # fmt: skip
    """A heat map of what there is room for: of very many columns the last ones."""
    drop = max(0, len(columns) - MOST_COLUMNS)
    if drop:
        note = f"{note} The first {drop} of {len(columns)} columns are not shown; rows.csv has them.".strip()
    return HeatMap(
        title, [list(line)[drop:] for line in values], list(columns)[drop:], list(rows), low, high, down, across,
        shows, [i - drop for i in marked if i >= drop], meant, note,
    )  # fmt: skip


# In study.json ------------------------------------------------------------------------------------------------------


def as_json(picture: Picture) -> dict[str, Any]:
    """What `read` reads."""
    kind = next(name for name, cls in _KINDS.items() if isinstance(picture, cls))
    found: dict[str, Any] = {"kind": kind} | dict(vars(picture))
    if isinstance(picture, HeatMap):
        found["values"] = [[None if v is None else _rounded(v) for v in line] for line in picture.values]
    if isinstance(picture, Curves):
        found["lines"] = {name: [None if e is None else [*map(_rounded, e[:3]), e.n] for e in line]
                          for name, line in picture.lines.items()}  # fmt: skip
    return found


def _rounded(value: float) -> float:
    return float(f"{value:.5g}")


def read(value: Any) -> Picture:
    """A picture from study.json, which may be a stranger's. ValueError says what is wrong with it."""
    kind = value.get("kind") if isinstance(value, dict) else None
    if kind not in list(_KINDS):  # a list has no hash
        raise ValueError("a picture is none of " + ", ".join(_KINDS))
    title = text(value.get("title"), "the title of a picture")
    if kind == "heat map":
        return _read_map(title, value)
    return _read_curves(title, value) if kind == "curves" else _read_graph(title, value)


def _read_map(title: str, value: Mapping[str, Any]) -> HeatMap:
    columns = texts(value.get("columns"), "columns of a heat map", MOST_COLUMNS)
    rows = texts(value.get("rows"), "rows of a heat map", MOST_ROWS)
    values = items(value.get("values"), "values of a heat map", MOST_ROWS)
    if len(values) != len(rows) or any(not isinstance(line, list) or len(line) != len(columns) for line in values):
        raise ValueError("a heat map has other values than rows and columns")
    low, high = number(value.get("low")), number(value.get("high"))
    if not low < high or low > 0 or high < 0:
        raise ValueError("a heat map has no scale that holds 0")
    marked = [i for i in items(value.get("marked", []), "marked columns", MOST_COLUMNS) if isinstance(i, int)]
    said = {name: text(value.get(name, ""), f"`{name}` of a heat map")
            for name in ("down", "across", "shows", "meant", "note")}  # fmt: skip
    cells = [[None if v is None else number(v) for v in line] for line in values]
    return HeatMap(title, cells, columns, rows, low, high, marked=marked, **said)


def _read_curves(title: str, value: Mapping[str, Any]) -> Curves:
    columns = texts(value.get("columns"), "columns of curves", MOST_POINTS)
    lines = value.get("lines")
    if not isinstance(lines, dict) or not lines or len(lines) * len(columns) > MOST_POINTS:
        raise ValueError(f"curves have no lines, or more than {MOST_POINTS} points")
    found = {}
    for name, line in lines.items():
        points = items(line, "points of a curve", MOST_POINTS)
        if len(points) != len(columns):
            raise ValueError("a curve has other points than columns")
        found[text(name, "the name of a curve")] = [None if point is None else _estimate(point) for point in points]
    level = value.get("level")
    said = [text(value.get(name, ""), f"`{name}` of curves") for name in ("across", "up", "meant")]
    return Curves(title, columns, found, said[0], said[1], None if level is None else number(level), said[2])


def _estimate(value: Any) -> Estimate:
    if not isinstance(value, list) or len(value) != 4:
        raise ValueError("a point of a curve is no value with its interval and n")
    middle, low, high, n = map(number, value)
    if not low <= middle <= high:
        raise ValueError("a point of a curve lies outside its interval")
    return Estimate(middle, low, high, int(n))


def _read_graph(title: str, value: Mapping[str, Any]) -> Graph:
    nodes = []
    for node in items(value.get("nodes"), "nodes of a graph", MOST_POINTS):
        if not isinstance(node, list) or len(node) != 4:
            raise ValueError("a node of a graph is no name with its place")
        x, y = number(node[1]), number(node[2])
        if max(abs(x), abs(y)) > MOST_POINTS:
            raise ValueError("a node of a graph lies too far away")
        nodes.append((text(node[0], "the name of a node"), x, y, bool(node[3])))
    edges = items(value.get("edges"), "connections of a graph", 10 * MOST_POINTS)
    if any(not isinstance(e, list) or len(e) != 2 or not all(_index(i, nodes) for i in e) for e in edges):
        raise ValueError("a connection of a graph leads nowhere")
    return Graph(title, nodes, [(a, b) for a, b in edges], text(value.get("note", ""), "`note` of a graph"))


def _index(i: Any, of: Sequence[Any]) -> bool:
    return isinstance(i, int) and not isinstance(i, bool) and 0 <= i < len(of)


def number(value: Any) -> float:
    """A number of a file that can be drawn."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not abs(value) < 1e30:
        raise ValueError("a picture has something else in place of a number")
    return float(value)


def text(value: Any, what: str, longest: int = LONGEST) -> str:
    """A text of a file."""
    if not isinstance(value, str) or len(value) > longest:
        raise ValueError(f"{what} is no text of at most {longest} characters")
    return value


def texts(value: Any, what: str, most: int, longest: int = LONGEST) -> list[str]:
    """Texts of a file."""
    return [text(one, f"one of the {what}", longest) for one in items(value, what, most)]


def items(value: Any, what: str, most: int) -> list[Any]:
    """A list of a file."""
    if not isinstance(value, list) or len(value) > most:
        raise ValueError(f"{what}: no list of at most {most}")
    return value
