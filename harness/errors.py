"""Errors for the person at the terminal: what was wrong, where, and what to do. Shown by the CLI alone."""

from __future__ import annotations

from typing import Literal


class HarnessError(Exception):
    """Anything that stops the harness for a reason the user can act on. `hint` says what to do."""

    exit_code = 1

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(HarnessError):
    """Wrong names, options or values, noticed before anything is run."""

    exit_code = 2


class AidError(HarnessError):
    """A strategy asks for help, or for calls, that it has not declared."""

    exit_code = 2


class DataError(HarnessError):
    """A file whose contents are not what they should be."""


class StorageError(HarnessError):
    """The files of a run can't be written any more: the disk is full, or the directory is gone. The run stops."""


ModelErrorKind = Literal[
    "rate_limit", "transient", "timeout", "unreachable", "bad_request", "bad_response", "auth", "not_found"
]


class ModelError(HarnessError):
    """A request has no answer, even after retries. The sample becomes an `api_error`."""

    def __init__(self, message: str, kind: ModelErrorKind, hint: str = "") -> None:
        super().__init__(message, hint)
        self.kind = kind


class FatalModelError(ModelError):
    """No other request would fare better (no access, no such model, the server is gone): the run stops."""


class BudgetSpent(HarnessError):  # noqa: N818 - the end of a budget is not a fault
    """The run's token budget is used up: --resume with a larger one runs the missing samples."""


def cause(error: Exception) -> str:
    """What an exception says, without the number and the path that an OSError's text has: the path stands before."""
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
