"""What a finished study says of itself, of whatever kind it is: the lines that its command printed."""

from __future__ import annotations

from pathlib import Path

from harness.errors import DataError
from harness.files import no_links, read_json
from harness.pipeline.store import STUDY


def told(directory: Path) -> list[str]:
    """The lines of a study's result; none if it is not complete, or if the directory is no study. DataError if its
    study.json is not one."""
    if not (directory / STUDY).is_file():
        return []
    no_links(directory)
    about = read_json(directory / STUDY)
    lines = about.get("lines", []) if isinstance(about, dict) else None
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise DataError(f"{directory / STUDY}: is not what a study writes")
    return lines
