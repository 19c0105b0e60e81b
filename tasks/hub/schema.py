"""What a file of `sets/` says of a published set: where it is, which columns hold what, and how it is asked.

A set is data: nothing in its file is executed. README.md has the keys.
"""

from __future__ import annotations

import dataclasses
import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Literal, get_args

from harness.errors import DataError, UsageError
from harness.hub import Pin
from harness.options import suggestion

Kind = Literal["choice", "label", "yes_no", "number", "text"]
"""choice: one of lettered options, which the row brings. label: one of a few words, which the set declares; yes_no: one
of two. number, text: an answer of the model's own that is compared as a value or as words."""

AnswerIs = Literal["index", "index1", "letter", "label", "text", "value", "number"]
"""What the answer's column holds: a place from 0 or from 1, a letter, an entry of the column `option_labels`, the text
of an option (or, without options, of the answer), a value that the table `values` maps to a label, or a text with a
number behind "####"."""

SHIPPED = "example"
"""The set that needs neither hub nor file: rows of our own."""


@dataclass(frozen=True)
class Columns:
    """Where a row has what. `question` and `context` are templates: `{premise}` stands for a column, `{a.b}` for a
    field of one. `options` is the path of a list, or several paths. What stands in `drop` (column -> values) is left
    out, and so is what does not stand in `keep`. `words` says a value of a column in other words. Without `id` rows
    are counted."""

    question: str
    answer: str
    context: str = ""
    options: str | tuple[str, ...] = ()
    option_labels: str = ""
    id: str = ""
    part: str = ""
    drop: Mapping[str, list[Any]] = field(default_factory=dict)
    keep: Mapping[str, list[Any]] = field(default_factory=dict)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class Quoted:
    """A published result: of whom, what kind of number, and where it stands. `how` is the tag of hub numbers in the
    README: source (read in a repository's files) or paper (read in its text)."""

    who: str
    accuracy: float
    where: str
    how: Literal["source", "paper"]
    n: int | None = None


@dataclass(frozen=True, eq=False)  # equal only to itself: caches go by the set
class HubSet:
    """A published set. `released` is the year in which its answers went on the web. `shots` and `shots_split` are those
    of the usual protocol. `labels` are the words of a label set, in the order of the set's own coding; `values` maps
    what the answer's column holds to them. `marks`: solutions have calculator marks, so that twins can be made (see
    twins.py). `rows_unchecked` is a number from memory: never printed, never asserted.
    """

    name: str
    title: str
    pin: Pin
    kind: Kind
    answer_is: AnswerIs
    columns: Columns
    licence: str
    released: int
    columns_from: str
    shots: int = 0
    shots_split: str = ""
    labels: tuple[str, ...] = ()
    values: Mapping[str, str] = field(default_factory=dict)
    answers: tuple[str, ...] = ()
    histogram: Mapping[str, float] = field(default_factory=dict)
    clean: Literal["", "wikihow"] = ""
    marks: bool = False
    access: Literal["open", "gated"] = "open"
    note: str = ""
    rows_unchecked: int | None = None
    published: tuple[Quoted, ...] = ()

    @property
    def options_vary(self) -> bool:
        """Whether the options are the row's own, so that they can be put in another order."""
        return self.kind == "choice"


@functools.cache
def names() -> tuple[str, ...]:
    """All sets, the shipped one first."""
    folder = files(__package__).joinpath("sets")
    found = sorted(f.name.removesuffix(".toml") for f in folder.iterdir() if f.name.endswith(".toml"))
    return (SHIPPED, *(name for name in found if name != SHIPPED))


@functools.cache
def find(name: str) -> HubSet:
    """The set of that name. UsageError if there is none, DataError if its file is not of the form."""
    if name not in names():
        raise UsageError(f"task hub: there is no set '{name}'", suggestion(name, list(names()), "sets"))
    text = files(__package__).joinpath("sets", f"{name}.toml").read_text(encoding="utf-8")
    try:
        return read(name, tomllib.loads(text))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"set {name}: {type(error).__name__}: {error}") from None


def read(name: str, table: Mapping[str, Any]) -> HubSet:
    """A set from the table of its file. ValueError, KeyError or TypeError if it is not of the form."""
    top = dict(table)
    pin = Pin.of(name, top.pop("source"))
    columns = dict(top.pop("columns"))
    if isinstance(columns.get("options"), list):
        columns["options"] = tuple(columns["options"])
    published = tuple(Quoted(**row) for row in top.pop("published", ()))
    top = {key: tuple(value) if isinstance(value, list) else value for key, value in top.items()}
    made = HubSet(name=name, pin=pin, columns=Columns(**columns), published=published, **top)
    for value, allowed in ((made.kind, Kind), (made.answer_is, AnswerIs)):
        if value not in get_args(allowed):
            raise ValueError(f"{value} is none of {', '.join(get_args(allowed))}")
    if made.kind in ("label", "yes_no") and len(made.labels) < 2:
        raise ValueError("a label set needs its `labels`")
    if made.kind == "choice" and not made.columns.options:
        raise ValueError("a set of choices needs columns.options")
    if not {*made.values.values()} <= {*made.labels, *made.answers}:
        raise ValueError("`values` maps to something that is no label")
    return made


def described() -> list[dict[str, Any]]:
    """All sets as flat rows, for tables and tests."""
    rows = []
    for name in names():
        found = find(name)
        rows.append({f.name: getattr(found, f.name) for f in dataclasses.fields(found)} | {"at": found.pin.at})
    return rows
