"""Parents and children on public record: our own pairs, or the user's copy of the published file."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from pathlib import Path

from harness.errors import DataError, UsageError, cause

COLUMNS = ("child", "parent", "parent_type")


@dataclass(frozen=True, slots=True)
class Pair:
    """A child, a parent, and what the parent is: mother or father."""

    child: str
    parent: str
    relation: str


@dataclass(frozen=True)
class Pairs:
    """The pairs in the file's order, each once; the children of each parent; and everybody who answers some question,
    under `child`, `mother` and `father`."""

    rows: tuple[Pair, ...]
    children: dict[str, tuple[str, ...]]
    answers: dict[str, tuple[str, ...]]

    @classmethod
    def of(cls, rows: list[Pair]) -> Pairs:
        """Sorts rows, of which no two are the same pair, by parent and by kind of answer."""
        children: dict[str, tuple[str, ...]] = {}
        for row in rows:
            children[row.parent] = tuple(dict.fromkeys((*children.get(row.parent, ()), row.child)))
        answers = {"child": [row.child for row in rows]}
        answers |= {kind: [row.parent for row in rows if row.relation == kind] for kind in ("mother", "father")}
        return cls(tuple(rows), children, {kind: tuple(dict.fromkeys(names)) for kind, names in answers.items()})


@lru_cache(maxsize=4)
def load(path: Path | None) -> Pairs:
    """The pairs of a CSV file with the columns child, parent, parent_type (others are ignored); without a path, our own
    pairs. Repeated pairs are read once (the published file has 18).

    Raises UsageError if the file can't be read, DataError if it has another form.
    """
    where = str(path or "celebrities.csv")
    try:
        source = path if path is not None else resources.files("harness.tasks.reversal") / "celebrities.csv"
        reader = csv.DictReader(io.StringIO(source.read_text(encoding="utf-8")))
        header = reader.fieldnames or []
        missing = [column for column in COLUMNS if column not in header]
        if missing:
            raise DataError(f"{where}: the column {missing[0]} is missing", f"it needs {', '.join(COLUMNS)}")
        rows = [_pair(row, f"{where}, line {reader.line_num}") for row in reader]
    except OSError as error:
        hint = "-T file=PATH wants a copy of parent_child_pairs.csv"
        raise UsageError(f"{where}: can't be read: {cause(error)}", hint) from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{where}: not a CSV file in UTF-8: {error}") from None
    if not rows:
        raise DataError(f"{where}: there are no pairs")
    once: dict[tuple[str, str], Pair] = {}
    for row in rows:
        once.setdefault((row.child, row.parent), row)
    return Pairs.of(list(once.values()))


def _pair(row: dict[str, str | None], where: str) -> Pair:
    child, parent, relation = ((row[column] or "").strip() for column in COLUMNS)
    # The published file may have the enumeration's name before it: `ParentType.mother`.
    relation = relation.rpartition(".")[2].lower()
    if not child or not parent or relation not in ("mother", "father"):
        raise DataError(f"{where}: needs a child, a parent, and mother or father as parent_type")
    return Pair(child, parent, relation)
