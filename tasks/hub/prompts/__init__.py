"""Our instructions, one file for each kind of answer, and those of the conditions that leave something out."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

_NAMES = ("choice", "label", "yes_no", "number", "text", "choices_only", "no_context")
_TEXTS = {name: files(__name__).joinpath(f"{name}.txt").read_text(encoding="utf-8").strip() for name in _NAMES}
_GAP = re.compile(r"\{(\w+)\}")


def fill(name: str, values: Mapping[str, str]) -> str:
    """The text with its gaps filled, each once: braces in a question stay as they are."""
    return _GAP.sub(lambda m: values[m[1]], _TEXTS[name])
