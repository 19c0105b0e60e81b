"""The published prompts, one text file each, quoted literally: they are the protocol (repository licence MIT).

next_column.txt is ours, for strategies that search.
"""

from __future__ import annotations

from importlib import resources

from harness.tasks.arithmetic.numerals import DIGITS

PROMPTS = ("direct", "cot", "counting")

_TEXTS = {name: (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip() for name in PROMPTS}


def question(prompt: str, expression: str, base: int) -> str:
    """What the model is asked. `{result}` stays as it stands: it is part of the published wording."""
    text = _TEXTS[prompt].replace("{base}", str(base)).replace("{digits}", DIGITS[:base])
    return text.replace("{expression}", expression)
