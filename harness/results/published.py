"""Published numbers that ship with the tasks: the file reference.csv beside each task that has one."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module, resources
from importlib.resources.abc import Traversable

from harness import plugins
from harness.errors import DataError
from harness.statistics.intervals import Clusters, Estimate

REFERENCE_COLUMNS = "model task condition group strategy n correct date paper where kind".split()
"""Columns of a task's reference.csv: `correct` of `n`, the paper and the place in it (`where`); `kind` is recomputed
(from published outputs) or quoted. A condition with several groups has a row for each. A published share without its n
is not taken in."""


@dataclass(frozen=True)
class Published:
    """The published answers of a model to one condition, by group if the groups are known (else one, called "")."""

    model: str
    task: str
    condition: str
    strategy: str
    date: str
    kind: str
    source: str
    clusters: Clusters

    @property
    def accuracy(self) -> Estimate:
        """With its 95% interval, clustered by group."""
        found = self.clusters.accuracy()
        assert found is not None, "a row without answers is refused when it is read"
        return found


def read(task: str) -> list[Published]:
    """The published numbers of an installed task; none if it ships none, or is not installed. DataError for a file of
    another form."""
    folder = task_folder(task)
    file = folder / "reference.csv" if folder is not None else None
    if file is None or not file.is_file():
        return []
    reader = csv.DictReader(io.StringIO(file.read_text(encoding="utf-8")))
    if reader.fieldnames is None or list(reader.fieldnames) != REFERENCE_COLUMNS:
        raise DataError(f"{file}: its columns must be {', '.join(REFERENCE_COLUMNS)}")
    found: dict[tuple[str, ...], Published] = {}
    for row in (r for r in reader if r["task"] == task):
        key = (row["model"], row["condition"], row["strategy"], row["where"])
        made = found.setdefault(key, _published(row))
        if int(row["n"]) < 1:
            raise DataError(f"{file}: {row['model']}, {row['condition']}: it has no answers behind it")
        made.clusters.add(row["group"], float(row["correct"]), int(row["n"]))
    return list(found.values())


def _published(row: Mapping[str, str]) -> Published:
    names = ("model", "task", "condition", "strategy", "date", "kind")
    return Published(
        **{name: row[name] for name in names}, source=f"{row['paper']}, {row['where']}", clusters=Clusters()
    )


def task_folder(task: str) -> Traversable | None:
    """The folder of an installed task's package; None if it is not installed."""
    installed = plugins.installed("tasks")
    return resources.files(import_module(installed[task].module.rpartition(".")[0])) if task in installed else None


def task_folders() -> Iterator[Traversable]:
    """The folders of all installed tasks, each once."""
    seen = set()
    for task, entry in plugins.installed("tasks").items():
        package = entry.module.rpartition(".")[0]
        folder = task_folder(task)
        if package not in seen and folder is not None:
            seen.add(package)
            yield folder
