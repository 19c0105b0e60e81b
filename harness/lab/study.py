"""What a command of the lab has found: sentences, tables, pictures, one tidy row for each place; kept in a directory.

study.json says how it was asked and what came out, rows.csv has every number, page.html shows it (it has no script).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html import escape
from importlib import resources
from pathlib import Path
from typing import Any

from harness import __version__
from harness.errors import HarnessError, cause
from harness.files import csv_row, replacing
from harness.report.markup import facts, paragraph, table
from harness.text import Extra, printable


@dataclass(frozen=True)
class Study:
    """`kind` is the command; `asked` how it was called, in words; `rows` are tidy (one for each place and pair), with
    the same keys; `pictures` are SVG that this package drew (harness.lab.drawing)."""

    kind: str
    title: str
    asked: Mapping[str, str]
    sentences: Sequence[str]
    tables: Sequence[Extra]
    rows: Sequence[Mapping[str, Any]]
    pictures: Sequence[str] = field(default=())

    def render(self) -> str:
        """For the terminal."""
        return "\n\n".join([*map(printable, self.sentences), *(t.render() for t in self.tables)])

    def as_json(self) -> dict[str, Any]:
        """What study.json holds."""
        return {
            "kind": self.kind,
            "made": datetime.now(UTC).isoformat(timespec="seconds"),
            "harness": __version__,
            "asked": dict(self.asked),
            "sentences": list(self.sentences),
            "tables": [t.as_json() for t in self.tables],
        }

    def page(self) -> str:
        """A self-contained page."""
        style = (resources.files("harness.report") / "style.css").read_text(encoding="utf-8")
        policy = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"
        return "\n".join([
            "<!doctype html>",
            '<html lang="en"><head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{policy}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            '<meta name="color-scheme" content="light dark">',
            f"<title>{escape(self.title)}</title><style>{style}</style></head><body>",
            f"<header><h1>{escape(self.title)}</h1></header><main>",
            *(paragraph(line, "lead" if i == 0 else "") for i, line in enumerate(self.sentences)),
            *(f'<figure class="table"><div class="scroll">{picture}</div></figure>' for picture in self.pictures),
            *(table(t.title[:1].upper() + t.title[1:], t.header, t.rows, t.note) for t in self.tables),
            facts("How it was asked", self.asked.items()),
            f'</main><footer class="quiet">Made by harness {escape(__version__)}.</footer></body></html>',
            "",
        ])  # fmt: skip

    def write(self, directory: Path, begun: bool = False) -> None:
        """Make the directory with its three files; if it is `begun`, it is there already. HarnessError if that is not
        possible."""
        out = io.StringIO()
        if self.rows:
            writer = csv.DictWriter(out, list(self.rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(map(csv_row, self.rows))
        files = {
            "study.json": json.dumps(self.as_json(), ensure_ascii=False, indent=1) + "\n",
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
