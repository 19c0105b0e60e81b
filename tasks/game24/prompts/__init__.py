"""Our prompts, one text file each; next_steps, last_step and weigh_* are for strategies that search.

`way_out` goes into all of them if some puzzles have no solution."""

from __future__ import annotations

from importlib import resources

PROMPT_TYPES = ("zero_shot", "standard", "cot")


def _text(name: str) -> str:
    return (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip()


TEMPLATES = {name: _text(name) for name in PROMPT_TYPES}
WAY_OUT = " " + _text("way_out")
NEXT_STEPS, LAST_STEP = _text("next_steps"), _text("last_step")
WEIGH_LEFT, WEIGH_ANSWER = _text("weigh_left"), _text("weigh_answer")
