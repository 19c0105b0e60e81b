"""The wording, all of it ours: frame.txt is the prompt around a text, kinds.toml what is hidden in it, filler.toml what
the rest of it is made of."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Kind:
    """The sentences that are hidden, the question, and what the answer is called in the prompt."""

    facts: tuple[str, ...]
    question: str
    form: str


@dataclass(frozen=True)
class Words:
    """The parts of a filler sentence; see filler.toml."""

    forms: tuple[str, ...]
    adjectives: tuple[str, ...]
    nouns: tuple[str, ...]
    verbs: tuple[str, ...]
    places: tuple[str, ...]
    times: tuple[str, ...]


@cache
def frame() -> str:
    """The prompt, with places for {text}, {question} and {form}."""
    return (resources.files(__name__) / "frame.txt").read_text(encoding="utf-8").strip()


@cache
def kinds() -> dict[str, Kind]:
    """The sections of kinds.toml."""
    return {name: Kind(tuple(k["facts"]), k["question"], k["form"]) for name, k in _read("kinds").items()}


@cache
def words() -> Words:
    """The words of filler.toml."""
    read = _read("filler")
    plain = {key: tuple(read[key].split()) for key in ("adjectives", "nouns", "verbs")}
    phrases = {key: tuple(" ".join(p.split()) for p in read[key].split("|")) for key in ("places", "times")}
    return Words(tuple(read["forms"]), **plain, **phrases)


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((resources.files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
