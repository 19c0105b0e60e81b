"""One response and its score, as every reader of responses that are already there takes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import DataError, HarnessError
from harness.types import Outcome, Score, Task


def score_row(task: Task, row: Mapping[str, Any], where: str) -> Score:
    """One line's score. A verifier that fails gives a verifier_error; DataError if the line itself is wrong."""
    try:
        return task.score(row["params"], row["response"], row.get("stop_reason") or "stop")
    except HarnessError as error:
        raise DataError(f"{where}: {error.message}", error.hint) from None
    except Exception as error:
        return Score.without_answer(Outcome.VERIFIER_ERROR, error=f"{type(error).__name__}: {error}")
