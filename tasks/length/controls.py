"""Controls of length: the same text in lines, the same instruction in other words; another value of the fact."""

from __future__ import annotations

import random
import re
from dataclasses import replace

from harness.tasks.length.hidden import DIGITS
from harness.tasks.rewording import replaced
from harness.types import Message, Param, Sample

PLACEBOS = {"words": "the instruction above the text", "layout": "lines in the place of paragraphs"}
CHANGES = {"fact": "the number, the town, or how many there are: what the answer follows from"}

_WORDS = {
    # As long as what it replaces, in characters and words.
    "Read the text. The question about it stands below the text.":
    "Read this text. The question about it comes below the text.",
}  # fmt: skip


def reworded(sample: Sample, placebo: str) -> Sample | None:
    """See PLACEBOS."""
    text = sample.messages[0].content
    if placebo == "words":
        return _asked_as(sample, replaced(text, _WORDS))
    head, *paragraphs, question, end = text.split("\n\n")
    return _asked_as(sample, "\n\n".join([head, " \n".join(paragraphs), question, end]))


def _asked_as(sample: Sample, text: str) -> Sample | None:
    return replace(sample, messages=(Message("user", text),)) if text != sample.messages[0].content else None


def changed(sample: Sample, rng: random.Random) -> Sample | None:
    """See CHANGES."""
    text, old = sample.messages[0].content, str(sample.params["answer"])
    kind, shallow = sample.params["kind"], str(sample.params["shallow"])
    if kind == "aiw":
        return _other_family(sample, text, rng)
    if kind == "multihop":
        towns = sample.params["candidates"]
        assert isinstance(towns, tuple | list)
        new = rng.choice([str(town) for town in towns if town != old])
    else:
        taken = set(re.findall(r"\d+", text))
        new = rng.choice([n for n in map(str, range(*DIGITS)) if n not in taken and not n.endswith("0")])
    told = {**sample.params, "answer": new, "shallow": new if shallow == old else shallow}
    return _told(sample, replaced(text, {old: new}), told, new)


def _other_family(sample: Sample, text: str, rng: random.Random) -> Sample:
    """Another number of the siblings that are asked for."""
    numbers = {noun: int(n) for n, noun in re.findall(r"(\d) (sisters|brothers)\b", text)}
    asked = re.findall(r"How many (sisters|brothers)", text)[-1]
    (other,) = (n for noun, n in numbers.items() if noun != asked)
    new = rng.choice([n for n in range(2, 9) if n != numbers[asked] and other not in (n, n + 1)])
    told = {**sample.params, "answer": str(new + 1), "shallow": str(new)}
    return _told(sample, text.replace(f"{numbers[asked]} {asked}", f"{new} {asked}", 1), told, str(new + 1))


def _told(sample: Sample, text: str, params: dict[str, Param], answer: str) -> Sample:
    return replace(sample, messages=(Message("user", text),), params=params, target=answer)
