"""What became of a sample, and the verdict on a response."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    """What became of a sample. An infrastructure error is never a wrong answer, and never dropped."""

    CORRECT = "correct"
    WRONG = "wrong"
    UNPARSED = "unparsed"
    TRUNCATED = "truncated"
    REFUSED = "refused"
    API_ERROR = "api_error"
    VERIFIER_ERROR = "verifier_error"

    @property
    def has_verdict(self) -> bool:
        """Whether the model had its say: only these outcomes are in an accuracy's denominator."""
        return self in (Outcome.CORRECT, Outcome.WRONG, Outcome.UNPARSED, Outcome.REFUSED)

    @property
    def is_infrastructure(self) -> bool:
        """Whether the sample should be run again: the model is not to blame."""
        return self in (Outcome.API_ERROR, Outcome.VERIFIER_ERROR)


@dataclass(frozen=True, slots=True)
class Score:
    """The verdict on one response. `value` is 1, 0 or between; None without a verdict."""

    outcome: Outcome
    value: float | None
    answer: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, correct: bool, answer: str, **detail: Any) -> Score:
        """A verdict on an answer that was read."""
        return cls(Outcome.CORRECT if correct else Outcome.WRONG, float(correct), answer, detail)

    @classmethod
    def without_answer(cls, outcome: Outcome, **detail: Any) -> Score:
        """An outcome without an answer: its value is 0 if it counts as a verdict, else None."""
        return cls(outcome, 0.0 if outcome.has_verdict else None, None, detail)
