"""A user's own instances: a folder of PDDL files (-T instances=DIR)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import DataError, UsageError, cause
from harness.pddl.parse import PDDLError, Problem, parse_problem
from harness.pddl_domains import World, own


@dataclass(frozen=True)
class Folder:
    """A folder of problem files. `domain` and `wording` are the texts of the user's own domain, or None and ""."""

    path: Path
    files: tuple[Path, ...]
    domain: str | None
    wording: str

    def world(self) -> World:
        """The user's own domain. Raises PDDLError or WordingError if it can't be read."""
        assert self.domain is not None
        return own(self.domain, self.wording, str(self.path / "wording.yaml"))

    def problems(self, base: World) -> Iterator[tuple[str, Problem]]:
        """(name, problem) of each file, in the order of the numbers in their names, then of the names.

        Raises DataError for a file that is not a problem of the domain.
        """
        for file in self.files:
            try:
                yield file.stem, parse_problem(_read(file), base.domain)
            except PDDLError as error:
                raise DataError(f"{file}: {error.message}", error.hint) from None


def read_folder(path: Path) -> Folder:
    """The problems in a folder. Raises UsageError if it can't be read or has no problems."""
    if not path.is_dir():
        raise UsageError(f"{path}: there is no such folder", "-T instances=DIR wants a folder with .pddl files")
    files = sorted((f for f in path.glob("*.pddl") if not f.name.startswith("domain")), key=_in_order)
    if not files:
        raise UsageError(f"{path}: no .pddl problems are in it")
    domain, wording = path / "domain.pddl", path / "wording.yaml"
    return Folder(
        path,
        tuple(files),
        _read(domain) if domain.is_file() else None,
        _read(wording) if wording.is_file() else "",
    )


def _in_order(file: Path) -> tuple[int, str]:
    digits = "".join(c for c in file.stem if c.isdecimal())[:18]
    return int(digits or 0), file.name


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise UsageError(f"{file}: can't be read: {cause(error)}") from None
