"""What a kind of question brings: its groups, its answer from the question alone, and the names that it has."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from harness.errors import DataError
from harness.types import Param, Params


class Question(NamedTuple):
    """One question of a group: its levels of the factors, what else params hold, the text and the right answer."""

    levels: dict[str, str]
    params: dict[str, Param]
    text: str
    answer: str


class Options(Protocol):
    """The options of the task that kinds look at; see task.py."""

    @property
    def names(self) -> tuple[str, ...]: ...
    @property
    def rungs(self) -> tuple[str, ...]: ...
    @property
    def graphs(self) -> tuple[str, ...]: ...
    @property
    def form(self) -> str: ...
    @property
    def lengths(self) -> tuple[int, ...]: ...
    @property
    def orders(self) -> tuple[str, ...]: ...
    @property
    def asked(self) -> tuple[str, ...]: ...
    @property
    def n(self) -> tuple[int, ...]: ...
    @property
    def wording(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Kind:
    """A kind of question. `groups` draws (group, its questions) without end from a seed in words; `answer` is the
    verifier: it sees the params of the question alone. `default` is how many groups are drawn by default."""

    names: tuple[str, ...]
    groups: Callable[[Options, str], Iterator[tuple[str, list[Question]]]]
    answer: Callable[[Params], str]
    default: int


def yes(truth: bool) -> str:
    """A truth as it is answered."""
    return "yes" if truth else "no"


def asked_for(truth: bool, polarity: str) -> str:
    """The answer if the question is about more (the truth itself) or about less (its opposite)."""
    return yes(truth == (polarity == "more"))


def whole_numbers(params: Params, name: str) -> tuple[int, ...]:
    """The param as whole numbers. Raises DataError if it is anything else."""
    value: Any = params.get(name)
    if not isinstance(value, Sequence) or isinstance(value, str) or not all(type(part) is int for part in value):
        raise DataError(f"a ladder sample needs params.{name}, a list of whole numbers")
    return tuple(value)


def word(params: Params, name: str, choices: Sequence[str]) -> str:
    """The param as one of these words. Raises DataError if it is none."""
    value = params.get(name)
    if not isinstance(value, str) or value not in choices:
        raise DataError(f"a ladder sample needs params.{name}, one of {', '.join(choices)}")
    return value
