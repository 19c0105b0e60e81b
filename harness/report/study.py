"""What a command of the lab has found: sentences, tables, pictures, one tidy row for each place; kept in a directory.

study.json says how it was asked and what came out, rows.csv has every number, page.html shows it (it has no script).
A study is read from study.json alone, which may be a stranger's: everything in it is checked here and escaped when it
is shown.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from harness import __version__
from harness.errors import DataError, HarnessError, cause
from harness.files import csv_row, no_links, read_json, replacing
from harness.pipeline.store import STUDY, find_study, runs_of_study
from harness.report import drawing, page, pictures
from harness.report.markup import facts, paragraph
from harness.report.pictures import Picture
from harness.text import Extra, printable

MOST_BYTES = 32 * 2**20
"""Of a study.json."""
MOST = 200
"""Sentences, tables, pictures, facts, and columns of a table."""
MOST_ROWS = 5_000
LONGEST = 20_000
"""Characters of a sentence, a cell or a note."""
MEND = "take the file as the command wrote it, or run the command again"
NO_PICTURES = "This study was made by an earlier version, which kept no pictures in study.json: its page.html has them."


@dataclass(frozen=True)
class Study:
    """`kind` is the command; `asked` how it was called, in words; `rows` are tidy (one for each place and pair), with
    the same keys: they are in rows.csv, and a study that was read has none. `made` and `harness` say when and by which
    version, of a study that was read."""

    kind: str
    title: str
    asked: Mapping[str, str]
    sentences: Sequence[str]
    tables: Sequence[Extra]
    rows: Sequence[Mapping[str, Any]]
    pictures: Sequence[Picture] = field(default=())
    made: str = ""
    harness: str = __version__

    def render(self) -> str:
        """For the terminal."""
        return "\n\n".join([*map(printable, self.sentences), *(t.render() for t in self.tables)])

    def as_json(self) -> dict[str, Any]:
        """What study.json holds."""
        return {
            "kind": self.kind,
            "title": self.title,
            "made": self.made or datetime.now(UTC).isoformat(timespec="seconds"),
            "harness": self.harness,
            "asked": dict(self.asked),
            "sentences": list(self.sentences),
            "tables": [{"title": t.title, "header": t.header, "rows": t.rows, "note": t.note} for t in self.tables],
            "pictures": [pictures.as_json(picture) for picture in self.pictures],
        }

    def section(self) -> str:
        """As HTML: what was found, then pictures, tables, and how it was asked."""
        asked = {"command": f"harness {self.kind}", **self.asked, "made": self.made, "harness": self.harness}
        return "\n".join([
            *(paragraph(printable(line), "lead" if i == 0 else "") for i, line in enumerate(self.sentences)),
            *map(drawing.figure, self.pictures),
            *map(drawing.numbers_of, self.tables),
            facts("How it was asked", ((printable(k), printable(v)) for k, v in asked.items() if v)),
        ])  # fmt: skip

    def page(self) -> str:
        """A self-contained page."""
        return page.build([], None, studies=[self])

    def write(self, directory: Path, begun: bool = False) -> None:
        """Make the directory with its three files; if it is `begun`, it is there already. HarnessError if that is not
        possible."""
        out = io.StringIO()
        if self.rows:
            writer = csv.DictWriter(out, list(self.rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(csv_row, self.rows))
        files = {
            STUDY: json.dumps(self.as_json(), ensure_ascii=False) + "\n",
            "rows.csv": out.getvalue(),
            "page.html": self.page(),
        }
        try:
            directory.mkdir(parents=True, exist_ok=begun)
            for name, content in files.items():
                with replacing(directory / name) as part:
                    part.write_text(content, encoding="utf-8")
        except OSError as error:
            raise HarnessError(f"{directory} can't be written: {cause(error)}", "choose another --out") from None


def of_the_lab(name: Path) -> Path | None:
    """The directory of a study that a command of the lab has made, by its path or its name under results/. None for
    anything else, also for another study (falsify): one has runs, or says its kind in `study`. DataError if its
    study.json is no JSON."""
    directory = None if (name / "run.json").is_file() else find_study(name)
    if directory is None or runs_of_study(directory):
        return None
    no_links(directory)
    about = _about(directory / STUDY)
    return None if isinstance(about, dict) and "study" in about else directory


def _about(path: Path) -> Any:
    try:
        size = path.stat().st_size
    except OSError as error:
        raise DataError(f"{path}: can't be read: {cause(error)}", MEND) from None
    if size > MOST_BYTES:
        raise DataError(f"{path}: is longer than {MOST_BYTES // 2**20} MiB, which no study is", MEND)
    try:
        return read_json(path)
    except DataError as error:
        raise DataError(error.message, MEND) from None


def read(directory: Path) -> Study:
    """A study that was kept, without its rows. DataError, which names the file, for anything else."""
    no_links(directory)
    path = directory / STUDY
    about = _about(path)
    try:
        return _study(about)
    except (ValueError, RecursionError) as error:
        raise DataError(f"{path}: {error}", MEND) from None


def _study(about: Any) -> Study:
    if not isinstance(about, dict) or "sentences" not in about:
        raise ValueError("is no study of the lab (it has no sentences)")
    kind = pictures.text(about.get("kind"), "`kind`", 60)
    sentences = pictures.texts(about["sentences"], "sentences", MOST, LONGEST)
    if "pictures" not in about:
        sentences.append(NO_PICTURES)
    asked = about.get("asked")
    if not isinstance(asked, dict) or len(asked) > MOST:
        raise ValueError(f"`asked` is no object of at most {MOST} texts")
    told = {pictures.text(k, "a name in `asked`"): pictures.text(v, f"`asked`: {k[:60]}", LONGEST)
            for k, v in asked.items()}  # fmt: skip
    drawn = [pictures.read(one) for one in pictures.items(about.get("pictures", []), "pictures", MOST)]
    tables = tuple(_tables(pictures.items(about.get("tables"), "tables", MOST)))
    title = pictures.text(about.get("title", f"{kind} of {told.get('model', 'a model')}"), "`title`")
    made, version = (pictures.text(about.get(name, ""), f"`{name}`", 60) for name in ("made", "harness"))
    return Study(kind, title, told, sentences, tables, (), drawn, made, version)


def _tables(found: Sequence[Any]) -> Iterator[Extra]:
    for one in found:
        if not isinstance(one, dict):
            raise ValueError("a table is no object")
        rows = pictures.items(one.get("rows"), "rows of a table", MOST_ROWS)
        header = one.get("header")
        if header is None and all(isinstance(row, dict) for row in rows):  # of an earlier version
            header, rows = list(rows[0]) if rows else [], [list(row.values()) for row in rows]
        names = pictures.texts(header, "columns of a table", MOST, LONGEST)
        cells = [tuple(pictures.texts(row, "cells of a table", MOST, LONGEST)) for row in rows]
        if any(len(row) != len(names) for row in cells):
            raise ValueError("a row of a table has other cells than columns")
        title, note = (pictures.text(one.get(name, ""), f"`{name}` of a table", LONGEST) for name in ("title", "note"))
        yield Extra(title, tuple(names), tuple(cells), note=note)
