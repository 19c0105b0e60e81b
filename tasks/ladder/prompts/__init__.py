"""The texts of all kinds (one TOML file each) and the words that stand for variables (stories.toml, chains.toml)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


@cache
def texts(name: str) -> dict[str, Any]:
    """The texts of prompts/NAME.toml."""
    return tomllib.loads((resources.files(__name__) / f"{name}.toml").read_text(encoding="utf-8"))
