"""The texts, all ours: stories.toml has the sentences and what they mean, problem.txt and revised.txt ask."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib import resources
from typing import Any


def _read(name: str) -> str:
    return (resources.files(__name__) / name).read_text(encoding="utf-8").strip()


PROBLEM, REVISED = _read("problem.txt"), _read("revised.txt")


@cache
def data() -> dict[str, Any]:
    """stories.toml, as it is."""
    return tomllib.loads(_read("stories.toml"))
