"""The wording, all of it ours: frames that state a fact, one per line, and the questions. The published prompts have no
licence and are not here."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def text(name: str) -> str:
    """The text of NAME.txt in this folder, with places such as {start} to fill in."""
    return (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip("\n")


@cache
def frames(use: str, order: str) -> tuple[str, ...]:
    """Sentences with {name} and {description}. `order` is "name_first" or "description_first"; `use` is "train" or
    "test", which have no frame in common."""
    return tuple(text(f"{use}_{order}").split("\n"))


SHOTS = (
    ("Who is the mother of Stephen Hawking?", "Isobel Hawking"),
    ("Who is a child of Johann Ambrosius Bach? Name one.", "Johann Sebastian Bach"),
    ("Who is the father of Robinson Crusoe's parrot?", "I don't know."),
)
"""Questions and answers before each question about celebrities; none of them is one of our pairs."""
