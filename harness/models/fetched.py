"""Models that `harness models get` has installed: a folder each in the user's data directory, with a form each backend
can read. Says where they are; harness.models.get puts them there."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import platformdirs

from harness.errors import UsageError

Form = Literal["ct2", "hf"]


def folder(name: str) -> Path:
    """Where a model of this name is, or would be."""
    return Path(platformdirs.user_data_dir("harness")) / "models" / name


def form(name: str, wanted: Form) -> Path:
    """The directory of a model for a backend. UsageError if the model is not installed."""
    found = folder(name) / wanted
    if not found.is_dir():
        raise UsageError(f"{name} is not installed", f"harness models get {name}")
    return found
