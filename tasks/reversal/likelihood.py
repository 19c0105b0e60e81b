"""How likely the right answer was to the model, whatever it answered: for runs with logprobs (--logprobs 20).

After Berglund et al. 2023 (arXiv 2309.12288), section 2.1: the log-probability of the correct name against that of
random names. They read it off the whole name with the model in hand. An API gives alternatives of generated tokens
only, so this compares first tokens: a name has the log-probability of the most likely alternative that it starts with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from harness.statistics import intervals
from harness.statistics.intervals import Clusters
from harness.statistics.repeats import mean_of_shares
from harness.tasks.reversal.scoring import SEPARATOR
from harness.text import Extra, interval, number
from harness.types import Outcome

MOST_OTHERS = 50
"""A target is compared with at most this many random names."""
ARTICLES = ("the", "a", "an")


class _Answer(NamedTuple):
    """One answer: its group, the right name, other names to compare with, and the first token's alternatives."""

    group: str
    right: str
    others: list[str]
    first: dict[str, float]


class Likelihoods:
    """The task's collector (Task.collector). Its table has one row for each direction."""

    def __init__(self) -> None:
        self._answers: dict[str, list[_Answer]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Takes in a record that has a verdict and logprobs; ignores others."""
        first = _first_token(record.get("logprobs") or ())
        if first and Outcome(record["outcome"]).has_verdict:
            params = record["params"]
            others = [name for name in str(params.get("others") or "").split(SEPARATOR) if name]
            answer = _Answer(record["group"], str(params["answer"]), others, first)
            self._answers.setdefault(str(params["direction"]), []).append(answer)

    def tables(self) -> list[Extra]:
        """One table; none if no record had logprobs."""
        rows = tuple(_row(direction, members) for direction, members in self._answers.items())
        header = ("direction", "n", "target among alternatives", "its log-probability", "likelier than a random name")
        return [Extra("first token of the answer (chance: 0.5)", header, rows)] if rows else []


def _row(direction: str, members: Sequence[_Answer]) -> tuple[str, ...]:
    targets = list(dict.fromkeys(answer.right for answer in members))
    seen, ahead = Clusters(), Clusters()
    found = []
    for group, answer, others, first in members:
        # If the prompt has no other names, compare with the answers to the other questions.
        names = (others or [t for t in targets if t != answer])[:MOST_OTHERS]
        own = _likelihood(answer, first)
        if own is not None:
            found.append(own)
        shares = [_ahead(own, _likelihood(name, first)) for name in names]
        seen.add(group, float(own is not None))
        ahead.add(group, sum(shares) / len(shares) if shares else 0.5)
    log_probability = "-"
    if found:
        low, high = intervals.skewed_mean_interval(found)
        log_probability = f"{sum(found) / len(found):.2f} [{low:.2f}, {min(0.0, high):.2f}] n={len(found)}"
    among, likelier = seen.accuracy(), mean_of_shares(list(ahead.values()), len(members))
    assert among is not None
    assert likelier is not None
    shown = [f"{number(e.value)} {interval(e.low, e.high)}" for e in (among, likelier)]
    return direction, str(len(members)), shown[0], log_probability, shown[1]


def _first_token(logprobs: Sequence[Any]) -> dict[str, float]:
    """The alternatives of the first token that is neither space nor an article. Maps their text, in lower case and
    without space around, to the highest log-probability."""
    for token, logprob, top in logprobs:
        if token.strip().lower() not in ("", *ARTICLES):
            found: dict[str, float] = {}
            for text, value in (*top, (token, logprob)):
                key = text.strip().lower()
                if key:
                    found[key] = max(value, found.get(key, value))
            return found
    return {}


def _likelihood(name: str, first: Mapping[str, float]) -> float | None:
    """The log-probability of the most likely alternative that the name starts with; None if it starts with none."""
    article, _, rest = name.lower().partition(" ")
    said = rest if article in ARTICLES else name.lower()
    return max((value for text, value in first.items() if said.startswith(text)), default=None)


def _ahead(own: float | None, other: float | None) -> float:
    """1 if the target is likelier, 0 if less likely, 1/2 if both are below all alternatives or start alike."""
    if own is None or other is None:
        return 0.5 if own is other else float(own is not None)
    return 0.5 if own == other else float(own > other)
