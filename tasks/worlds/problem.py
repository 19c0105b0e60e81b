"""What the kinds of this task have in common: a problem that is asked in several worlds. Knows no prompt, no score."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

DEFAULT = "default"
"""The name of every kind's default world."""


class Question(NamedTuple):
    """A question in words that are the same in every world (`parts` fill the prompt), its answer in each world, and the
    answers between which a guess would have to choose."""

    parts: Mapping[str, str]
    answers: Mapping[str, str]
    candidates: tuple[str, ...]


class Problem(NamedTuple):
    """One group: the question, the comprehension check, and how the prompt states each world (`rules`). `length` is how
    much there is to do: statements, legs, half-moves; of a set the features of a card, of music the notes."""

    main: Question
    check: Question
    rules: Mapping[str, Mapping[str, str]]
    length: int


class Ask(NamedTuple):
    """What a kind needs to draw a problem: `turn` counts the problems of a run, for what is balanced over them;
    `held_out` problems, for worked examples, have nothing in common with those of samples."""

    rng: random.Random
    length: int
    turn: int
    held_out: bool = False


@dataclass(frozen=True)
class Kind:
    """One pair of Wu et al.: its worlds, the default one first; `draw` makes a problem. `counts`: its answers are
    numbers and not one of a few names. `form` is how an answer is written. `sized`: the option `length` says how much
    there is to do."""

    name: str
    worlds: tuple[str, ...]
    draw: Callable[[Ask], Problem]
    form: str = "Answer: {}"
    counts: bool = False
    sized: bool = True
