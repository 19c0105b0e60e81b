"""Lines of `harness show --json` with the responses of a program of the user's own (`harness import prompts FILE`).

`harness score` gives such lines their verdicts; as a run they also have gaps, tables and a report.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.answers import PublishedAnswer
from harness.errors import DataError, UsageError
from harness.files import read_jsonl
from harness.results.importing import known_options
from harness.results.lines import asked, short_name, stop_reason
from harness.results.rescore import answered


def read(path: Path, options: Mapping[str, str]) -> Iterator[PublishedAnswer]:
    """The answers of one file (.gz too). The option `model` names the model, or each line's own `model`. The lines of
    one prompt are its repeats, in their order.

    Raises UsageError if the model is not named, DataError for what is not such a line.
    """
    known_options("prompts", options, {"model": "NAME"})
    repeats: Counter[tuple[str, str]] = Counter()
    for where, text in read_jsonl(path):
        row = answered(text, where)
        found, model = asked(row), options.get("model") or row.get("model")
        if found is None:
            keys = "task (an installed one), id, group, condition and params"
            raise DataError(f"{where}: not a line of `harness show --json`: it needs {keys}")
        if not isinstance(model, str):
            raise UsageError(f"{where}: does not say which model was asked", "--with model=NAME")
        repeats[model, found.sample.id] += 1
        yield PublishedAnswer(
            found.task,
            short_name(model),
            found.sample,
            row["response"],
            epoch=repeats[model, found.sample.id],
            stop_reason=stop_reason(row.get("stop_reason")),
            strategy=found.strategy,
            aid=found.aid,
            task_version=found.task_version,
        )
