"""Our prompts, one text file each. `way_out` goes into all of them if some puzzles have no solution."""

from __future__ import annotations

from importlib import resources

PROMPT_TYPES = ("zero_shot", "standard", "cot")


def _text(name: str) -> str:
    return (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip()


TEMPLATES = {name: _text(name) for name in PROMPT_TYPES}
WAY_OUT = " " + _text("way_out")
