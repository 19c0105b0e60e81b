"""The wording of the questions: one text file each, with places for what the rendering puts there."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def template(name: str) -> str:
    return (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip()
