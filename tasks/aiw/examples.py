"""Worked examples: few-shot prompts are made of them, and the embedded model is trained on them.

No example has the numbers of a published variation, and whole families (extension, friends,
parameterised) never occur: a model can't have learnt from here what it does there.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import get_args

from harness.tasks.aiw import problems
from harness.tasks.aiw.family import Sex
from harness.tasks.aiw.problems import Problem, Relation, Siblings
from harness.tasks.aiw.prompts import SUFFIXES, published
from harness.types import Example


def examples(rng: random.Random, prompts: tuple[str, ...] = ()) -> Iterator[Example]:
    """Worked examples without end, in the given prompt types; without any, in all of them and two informal ones."""
    while True:
        problem = _problem(rng)
        prompt = rng.choice(prompts or (*SUFFIXES, *SUFFIXES, "", "cot"))
        yield Example(*_dialogue(problem, prompt, rng))


def _problem(rng: random.Random) -> Problem:
    kind = rng.choices(("siblings", "siblings_100", "light", "plus"), (60, 15, 15, 10))[0]
    if kind == "plus":
        return problems.plus(_cousins(rng), rng.choice(problems.FEMALE_NAMES))
    person = _siblings(rng, 99 if kind == "siblings_100" else 14)
    order: tuple[Relation, Relation] = rng.choice((("brothers", "sisters"), ("sisters", "brothers")))
    if kind == "light":
        light = rng.choice((problems.light_siblings, problems.light_relation, problems.light_attribute))
        return light(person, order)
    form = rng.choice(("has", *problems.SIBLING_FORMS))
    return problems.siblings(person, order, form, stated_sex=rng.random() < 0.2)


def _siblings(rng: random.Random, largest: int) -> Siblings:
    """Half are as published: about a woman, and the sisters of her brother. The rest have any person and relation."""
    taken = {(v["brothers"], v["sisters"]) for f in ("original", "bignum") for v in published(f).values()}
    while True:
        brothers, sisters = rng.randint(1, largest), rng.randint(1, largest)
        if (brothers, sisters) in taken:
            continue
        if rng.random() < 0.5:
            name = "Alice" if rng.random() < 0.3 else rng.choice(problems.FEMALE_NAMES)
            return Siblings(name, "female", brothers, sisters)
        sex = rng.choice(get_args(Sex))
        asked, of = rng.choice(get_args(Relation)), rng.choice(get_args(Relation))
        return Siblings(rng.choice(problems.NAMES[sex]), sex, brothers, sisters, asked, of)


def _cousins(rng: random.Random) -> problems.Cousins:
    taken = [tuple(v.values()) for v in published("plus").values()]
    while True:
        sisters, brothers = rng.randint(1, 4), rng.randint(1, 4)
        home = sisters + brothers + 1
        aunt, uncle = home + rng.randint(0, 6), home + rng.randint(0, 6)
        made = problems.Cousins(sisters, brothers, aunt, uncle, rng.randint(1, 5), rng.choice(("son", "daughter")))
        if (sisters, brothers, aunt, uncle, made.children, made.child) not in taken:
            return made


def _dialogue(problem: Problem, prompt: str, rng: random.Random) -> tuple[str, str]:
    """The prompt, and the answer in the form it asks for: bare, worked, or worked and checked."""
    final = f"### Answer: {problem.answer}"
    if prompt in SUFFIXES:
        asked = f"{problem.text} {SUFFIXES[prompt]}"
        if prompt == "standard" and rng.random() < 0.3:
            asked += "\n\nLet's think step by step."
        if prompt in ("restricted", "format_only"):
            return asked, final
        if prompt.startswith("thinking"):
            return (
                asked,
                f"Let me think carefully. {problem.worked} I checked it: the answer is {problem.answer}.\n{final}",
            )
        return asked, f"{problem.worked}\n{final}"
    if prompt == "cot":
        return f"{problem.text}\n\nLet's think step by step.", f"{problem.worked} So the answer is {problem.answer}."
    return problem.text, f"{problem.worked} So the answer is {problem.answer}."
