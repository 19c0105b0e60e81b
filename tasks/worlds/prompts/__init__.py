"""The prompts as text files, all ours: KIND.txt states a world, KIND_question.txt and KIND_check.txt ask in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib import resources

PROMPTS = ("direct", "cot", "check")
_END = {"direct": "End the response with", "cot": "Let's think step by step, and end the response with"}
_END["check"] = _END["direct"]
_GAP = re.compile(r"\{(\w+)\}")


def _read(name: str) -> str:
    return (resources.files(__name__) / f"{name}.txt").read_text(encoding="utf-8").strip()


_KINDS = ("code", "spatial", "chess", "set", "music")
_RULES = {kind: _read(kind) for kind in _KINDS}
_ASKED = {(kind, what): _read(f"{kind}_{what}") for kind in _KINDS for what in ("question", "check")}


def text(kind: str, prompt: str, rules: Mapping[str, str], parts: Mapping[str, str]) -> str:
    """What the model is asked: the same text in every world, but for what `rules` fills in."""
    asked = _ASKED[kind, "check" if prompt == "check" else "question"]
    question = _GAP.sub(lambda m: parts[m[1]], asked.replace("{end}", _END[prompt]))
    return _GAP.sub(lambda m: question if m[1] == "question" else rules[m[1]], _RULES[kind])
