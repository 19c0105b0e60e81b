"""The wording, all of it ours: relations.toml says everything there is to say and to ask of a kind of thing; the text
files are the prompt around it."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any


@dataclass(frozen=True)
class Relation:
    """The sentences about a kind of thing, such as ships and their captains; see relations.toml."""

    kind: str
    plural: str
    role: str
    roles: str
    head: tuple[str, str]
    place: tuple[str, str]
    question: str
    paraphrases: tuple[str, ...]
    asks_place: str
    two_hop: str
    reverse: str
    description: str


@cache
def text(name: str) -> str:
    """The text of NAME.txt in this folder, with places such as {facts} to fill in."""
    return (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip()


def _load() -> tuple[tuple[Relation, ...], tuple[str, str]]:
    read = tomllib.loads((resources.files(__name__) / "relations.toml").read_text(encoding="utf-8"))
    first, second = read.pop("born")["facts"]
    relations = []
    for kind, said in read.items():
        fields: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in said.items()
        }
        relations.append(Relation(kind, **fields))
    return tuple(relations), (first, second)


RELATIONS, BORN = _load()
PARAPHRASES = min(len(relation.paraphrases) for relation in RELATIONS)
