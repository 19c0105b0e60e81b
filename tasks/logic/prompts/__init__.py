"""Our prompts, one text file for each kind of question; `{...}` is filled in."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def template(name: str) -> str:
    """The text of `name`.txt."""
    return (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip()
