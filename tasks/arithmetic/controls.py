"""Controls of arithmetic: the same expression in other words, in another layout, in another order of the sentence; and
with another digit. Worked examples in the prompt are worded as the question is."""

from __future__ import annotations

import random
import re

from harness.tasks.arithmetic.numerals import DIGITS, result
from harness.tasks.rewording import asked_as, said_otherwise
from harness.types import Sample

PLACEBOS = {
    "words": "synonyms around the expression",
    "layout": "blanks around the sign, and commas between the digits of the base",
    "order": "the question first, and the base behind it",
}
CHANGES = {"digit": "one digit of the expression"}

_ASSUMING = re.compile(r'Assuming (that all numbers are in base-\d+ where the digits are "\w+"), what is ([^?\n]+)\?')


def reworded(sample: Sample, placebo: str) -> Sample:
    """See PLACEBOS."""
    text = sample.messages[-1].content
    if placebo == "words":
        return asked_as(sample, said_otherwise(text, _SYNONYMS))
    if placebo == "layout":
        text = re.sub(r'(?<=the digits are ")\w+', lambda m: ", ".join(m[0]), text)
        return asked_as(sample, re.sub(r"(?<=what is )(\w+)([-+*])(\w+)(?=\?)", r"\1 \2 \3", text))
    return asked_as(sample, _ASSUMING.sub(r"What is \2, assuming \1?", text))


_SYNONYMS = (
    ("Assuming that", "Supposing that"),
    (" where the digits are", ", whose digits are"),
    ("what is the next number after", "which number comes next after"),
    ("what is", "how much is"),
)


def changed(sample: Sample, bases: tuple[int, ...], rng: random.Random) -> Sample | None:
    """See CHANGES. The expression is legal in all of these bases, with another answer in each of them (if there is such
    a digit), and no worked example has it. Counting keeps its last digit, and so whether it carries, if it has more."""
    text, base = sample.messages[-1].content, int(str(sample.params["base"]))
    old, right = str(sample.params["expression"]), sample.target
    head, asked = text[: text.rfind("\n") + 1], text[text.rfind("\n") + 1 :]
    places = [i for i, c in enumerate(old) if c.isalnum()]
    if old.isalnum() and len(old) > 1:
        places.pop()
    first = {i for i in places if len(old) > 1 and (not i or not old[i - 1].isalnum())}
    ways = [(i, digit) for i in places for digit in DIGITS[i in first : base] if digit != old[i]]

    def legal(expression: str) -> bool:
        return set(expression) <= {*DIGITS[: min(bases)], *"+-*"}

    own = old.isalnum() or not legal(old)  # the counting control and published pairs are a base's own
    second: Sample | None = None
    for i, digit in rng.sample(ways, len(ways)):
        expression = f"{old[:i]}{digit}{old[i + 1 :]}"
        answer = result(expression, base)
        if answer == right or answer.startswith("-") or expression in head:
            continue
        params = {**sample.params, "expression": expression, "answer": answer}
        made = asked_as(sample, head + asked.replace(f" {old}?", f" {expression}?"), params, answer)
        if own or (legal(expression) and len({result(expression, b) for b in bases}) == len(bases)):
            return made
        second = second or made
    return second
