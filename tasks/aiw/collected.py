"""The collected responses of the AIW repository as answers of our task (`harness import aiw FILE`).

Each file is a list of objects with `model`, `prompt`, `model_response`, `right_answer`, `trial`, `session` and the
original verdict `correct`; one file may hold several models. Source: LAION-AI/AIW (Apache-2.0), collected_responses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.answers import PublishedAnswer
from harness.errors import DataError, UsageError
from harness.files import read_json
from harness.tasks.aiw.task import published_sample


def read(path: Path, options: Mapping[str, str]) -> Iterator[PublishedAnswer]:
    """The answers of one file, except those to prompts of several turns or without a known answer.

    Raises UsageError for any option, DataError if the file is not a list of responses.
    """
    if options:
        raise UsageError("format aiw takes no options")
    rows = read_json(path)
    if not isinstance(rows, list):
        raise DataError(f"{path}: expected a list of responses")
    asked: Counter[tuple[str, str]] = Counter()
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or "prompt" not in row or "model_response" not in row:
            raise DataError(f"{path}: row {number} has no prompt and model_response")
        sample = published_sample(row["prompt"], row.get("right_answer"))
        if sample is None or row["model_response"] is None:
            continue
        model = str(row.get("model", "unknown")).removeprefix("openai/")
        asked[model, sample.id] += 1
        verdict = row.get("correct")
        yield PublishedAnswer(
            "aiw",
            model,
            sample,
            str(row["model_response"]),
            epoch=asked[model, sample.id],
            verdict=None if verdict is None else bool(verdict),
        )
