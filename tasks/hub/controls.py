"""Controls of published sets: the same item in another layout, in other words around it, with its options in another
order. The words of the item are the set's and stay. No rule can change a fact of it and say what is right then, but for
numbers of a solution that can be computed again (twins.py)."""

from __future__ import annotations

import random
import re

from harness.tasks.hub.items import LETTERS
from harness.tasks.rewording import asked_as, mixed, said_otherwise
from harness.types import Param, Sample

_WORDS = {"words": "synonyms in the instruction"}
_LAYOUT = {"layout": "letters in brackets, or the question on a line of its own"}
PLACEBOS = {
    "options": {"order": "the options in another order", **_WORDS, **_LAYOUT},
    "free": {**_WORDS, **_LAYOUT},
}


def reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
    """See PLACEBOS. None for another order if an option speaks of its place or of other options."""
    text = sample.messages[-1].content
    if placebo == "order":
        return _reordered(sample, rng)
    instruction, _, rest = text.partition("\n\n")
    if placebo == "words":
        return asked_as(sample, f"{said_otherwise(instruction, _SYNONYMS)}\n\n{rest}")
    if sample.params["kind"] == "choice":
        head, options = _split(sample)
        return asked_as(sample, head + _listed(options, "({}) {}"))
    place = text.index("Question: ", len(instruction))
    return asked_as(sample, f"{text[:place]}Question:\n{text[place + len('Question: ') :]}")


_SYNONYMS = (
    ("the one option that is right.", "the single option that is correct."),
    ("the one option that is most likely right. The question is not shown.",
     "the single option that is most likely correct. The question is left out."),
    ("You may think first.", "You can think before that."),
)  # fmt: skip


def _split(sample: Sample) -> tuple[str, list[str]]:
    """(the prompt up to its options, the options as they are shown)."""
    text, given = sample.messages[-1].content, sample.params["options"]
    options = list(map(str, given)) if isinstance(given, tuple | list) else []
    listed = _listed(options)
    assert text.endswith(listed), "the options stand at the end of the prompt"
    return text[: len(text) - len(listed)], options


def _listed(options: list[str], form: str = "{}) {}") -> str:
    return "\n".join(form.format(letter, text) for letter, text in zip(LETTERS, options, strict=False))


def _reordered(sample: Sample, rng: random.Random) -> Sample | None:
    head, options = _split(sample)
    if any(_SPEAKS_OF_OTHERS.search(option) for option in options):
        return None
    places = mixed(rng, range(len(options)))
    shown, order = [options[i] for i in places], sample.params["order"]
    answer = LETTERS[places.index(LETTERS.index(sample.target))]
    params: dict[str, Param] = {**sample.params, "options": tuple(shown), "answer": answer}
    params["order"] = tuple(order[i] for i in places) if isinstance(order, tuple | list) else order
    return asked_as(sample, head + _listed(shown), params, answer)


_SPEAKS_OF_OTHERS = re.compile(
    r"(?i:\b(?:all|none|neither|both|either|any|some) of (?:the|these|them|those)\b(?! other options)|\bthe above\b)"
    r"|\b(?i:options?|choices?|answers?) \(?[A-H]\b|\b(?:[A-H]|[ivx]+)\)?(?:,| and| or| &) \(?(?:[A-H]|[ivx]+)\b"
)
