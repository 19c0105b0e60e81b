"""The published prompt suffixes (one text file each, quoted literally: they are the protocol) and numbers."""

from __future__ import annotations

import functools
import tomllib
from importlib import resources
from typing import Any

PROMPT_TYPES = ("standard", "thinking_v1", "thinking_v2", "restricted", "format_only")

SUFFIXES: dict[str, str] = {
    name: (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip() for name in PROMPT_TYPES
}


@functools.cache
def published(family: str) -> dict[str, dict[str, Any]]:
    """The published variations of a family by name (V1 ...), as in published.toml."""
    text = (resources.files("harness.tasks.aiw") / "published.toml").read_text(encoding="utf-8")
    return dict(tomllib.loads(text)[family])
