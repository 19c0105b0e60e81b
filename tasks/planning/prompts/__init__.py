"""The wording of the questions: one text file each, with places that the rendering fills."""

from __future__ import annotations

import functools
from importlib import resources


@functools.cache
def template(name: str) -> str:
    """The text of NAME.txt in this folder, for `str.format`."""
    return (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip()
