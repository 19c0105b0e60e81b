"""Worked examples: few-shot prompts are made of them, and the embedded model is trained on them.

No example has the numbers of a published variation. Whole families (extension, friends, parameterised) never occur in
`varied`, which the embedded model is trained on: it can't have learnt from here what it does there.
"""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from typing import get_args

from harness.tasks.aiw import problems
from harness.tasks.aiw.family import Sex
from harness.tasks.aiw.problems import Problem, Relation, Siblings
from harness.tasks.aiw.prompts import SUFFIXES, published
from harness.types import Example


def varied(rng: random.Random) -> Iterator[Example]:
    """Worked examples without end, in all prompt types and two informal ones."""
    while True:
        problem = _problem(rng)
        prompt = rng.choice((*SUFFIXES, *SUFFIXES, "", "cot"))
        step_by_step = prompt == "standard" and rng.random() < 0.3
        yield Example(*_dialogue(problem, prompt, step_by_step))


def like(family: str, prompt: str, rng: random.Random) -> Iterator[Example]:
    """Worked examples without end, of one family in one prompt type. The numbers do not depend on the family if its
    published variations share them with the others'."""
    while True:
        yield Example(*_dialogue(_of_family(family, rng), prompt))


def _of_family(family: str, rng: random.Random) -> Problem:
    if family == "plus":
        return problems.plus(_cousins(rng))
    if family.startswith("procedural"):
        _, build = problems.procedural(rng)
        return build(family.partition("_")[2] or problems.VARIANTS[0])
    brothers, sisters = _numbers(rng, 99 if family == "bignum" else 14)
    order: tuple[Relation, Relation] = rng.choice((("brothers", "sisters"), ("sisters", "brothers")))
    if family == "friends":
        return problems.friends(brothers, sisters, order[0] == "sisters")
    if family == "extension":
        return problems.extension(sisters, brothers)
    if family == "parameterised":
        first, second = rng.sample("PQRSTUVW", 2)
        return problems.siblings(Siblings("Alice", "female", first, second), order)
    person = Siblings("Alice", "female", brothers, sisters)
    light = {
        "light_siblings": problems.light_siblings,
        "light_relation": problems.light_relation,
        "light_attribute": problems.light_attribute,
    }
    if family in light:
        return light[family](person, order)
    return problems.siblings(person, order, stated_sex=family == "female")


def _numbers(rng: random.Random, largest: int) -> tuple[int, int]:
    """Brothers and sisters that no published variation has, in either order."""
    while True:
        drawn = rng.randint(1, largest), rng.randint(1, largest)
        if not {drawn, drawn[::-1]} & _taken():
            return drawn


@functools.cache
def _taken() -> frozenset[tuple[int, int]]:
    rows = [v for family in ("original", "bignum", "extension") for v in published(family).values()]
    pairs = [tuple(n for n in row.values() if isinstance(n, int)) for row in rows]
    return frozenset((pair[0], pair[1]) for pair in pairs)


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


def _dialogue(problem: Problem, prompt: str, step_by_step: bool = False) -> tuple[str, str]:
    """The prompt, and the answer in the form it asks for: bare, worked, or worked and checked."""
    final = f"### Answer: {problem.answer}"
    if prompt in SUFFIXES:
        asked = f"{problem.text} {SUFFIXES[prompt]}"
        if step_by_step:
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
