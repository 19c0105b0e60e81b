"""Controls of AIW: the same problem with other names, its facts in another order, in other words; and with another
number, from which another answer follows."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.tasks.aiw import problems
from harness.tasks.aiw.problems import FEMALE_NAMES, NAMES, Problem, Relation, Siblings, counted
from harness.tasks.aiw.prompts import SUFFIXES
from harness.tasks.aiw.variations import BUILDERS, numbers, person
from harness.tasks.rewording import asked_as, others, replaced
from harness.types import Param, Params, Sample

PLACEBOS = {
    "names": "other first names, of the same sex",
    "order": "the stated facts in another order",
    "words": "synonyms in the statement and in the question",
}
CHANGES = {"number": "the number that the answer follows from; of light_attribute, whether it is a girl or a boy"}


def reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
    """See PLACEBOS. None for a problem of a published file that has no known name, or is told in another way."""
    body, suffix = _parts(sample)
    if placebo == "names":
        text = _renamed(body, rng)
    else:
        text = _reordered(body) if placebo == "order" else _said_otherwise(body)
    if text == body:
        return None
    params = sample.params
    if placebo == "order" and "shallow" in params:
        params = _stated_the_other_way_round(params)
    return asked_as(sample, text + suffix, params)


def _parts(sample: Sample) -> tuple[str, str]:
    """(the problem, what stands behind it: how it is to be answered)."""
    text = sample.messages[-1].content
    suffix = SUFFIXES.get(str(sample.params["prompt"]), "")
    place = text.rfind(suffix) if suffix else len(text)
    return text[:place], text[place:]


# The same problem -------------------------------------------------------------------------------------------------


def _renamed(body: str, rng: random.Random) -> str:
    words: dict[str, str] = {}
    for pool in NAMES.values():
        words |= others(rng, _known(body, pool), pool)
    return replaced(body, words)


def _known(body: str, pool: tuple[str, ...]) -> list[str]:
    return [name for name in pool if re.search(rf"\b{name}\b", body)]


_COUNT = r"(?:\d+|[A-Z]) (?:(?:male|female) )?(?:brother|sister|friend)s?\b"
_TWO = re.compile(rf"({_COUNT})((?:,? and |\. S?[Hh]e has |, and \w+ has )(?:s?he also has |her |his )?)({_COUNT})")
_TWO_PEOPLE = re.compile(rf"([A-Z]\w+ has {_COUNT})(,? and )([A-Z]\w+ has {_COUNT})\.")
_TWO_SIDES = re.compile(r"(\w+'s mother has .*? in all\.) (\w+'s father has .*? in all\.)")


def _reordered(body: str) -> str:
    """Two counts change places, or what is said of two people. In AIW+ the two sides of the family do as well."""
    found = _TWO_PEOPLE.sub(r"\3\2\1.", body, count=1)
    if found == body:
        found = _TWO.sub(r"\3\2\1", body, count=1)
    return _TWO_SIDES.sub(r"\2 \1", found)


def _stated_the_other_way_round(params: Params) -> dict[str, Param]:
    """`stated` in the new order, and `shallow` if it is the number that is stated first."""
    stated = str(params["stated"]).split(",")
    if len(stated) > 2:  # AIW+: only the siblings have changed places
        stated[:2] = stated[1::-1]
        return {**params, "stated": ",".join(stated)}
    first = params["family"] in ("light_siblings", "light_attribute")
    return {**params, "stated": ",".join(stated[::-1]), "shallow": stated[1] if first else params["shallow"]}


_SYNONYMS = (
    (re.compile(rf" has ({_COUNT}) and (s?he) also has ({_COUNT})\."), r" has \1, and \2 has \3 as well."),
    (re.compile(rf"\. (S?[Hh]e) has ({_COUNT}) as well\."), r". \1 also has \2."),
    (re.compile(r" lives with (her|his) parents,"), r" lives together with \1 parents,"),
    (re.compile(r" there are, beside (\w+),"), r" there are, apart from \1,"),
    (re.compile(r"^(\w+) is (\w+)'s brother\."), r"\1 is a brother of \2."),
    (re.compile(r"All of them, (\w+) too, are friends with each other, and none has"),
     r"All of them, \1 included, are friends with one another, and none of them has"),
    (re.compile(r" and no other siblings\."), r" and no further siblings."),
    (re.compile(r" nephews and nieces in all\."), r" nephews and nieces altogether."),
    (re.compile(r"How many ([\w ]{3,30}?) does ([\w' ]{2,60}?) have\?"), r"How many \1 has \2 got?"),
)  # fmt: skip


def _said_otherwise(body: str) -> str:
    for pattern, said in _SYNONYMS:
        body = pattern.sub(said, body)
    return body


# Another answer ---------------------------------------------------------------------------------------------------


def changed(sample: Sample, rng: random.Random) -> Sample | None:
    """See CHANGES. None for a problem of a published file that does not state two counts, one of them of those who are
    asked for."""
    body, suffix = _parts(sample)
    params: dict[str, Param] = dict(sample.params)
    family = str(params["family"])
    if family == "published":
        return _published(sample, rng)
    if family.startswith("procedural"):
        problem = _procedural(params, body, rng)
    else:
        problem = _of_a_family(family, dict(numbers(family)[str(params["variation"])]), rng)
    params |= {"answer": problem.answer, "shallow": problem.shallow, "stated": ",".join(problem.stated)}
    tail = body[len(body.rstrip()) :]
    return asked_as(sample, problem.text + tail + suffix, params, problem.answer)


_ANSWERED_BY = {
    "light_relation": ("brothers",),
    "light_siblings": ("brothers", "sisters"),
    "extension": ("brothers_of_bob",),
    "plus": ("of_aunt", "of_uncle", "children"),
}
"""Numbers of a family from each of which another answer follows; of the others, the number of sisters."""
_LETTERS = "KLMNPRSTVXYZ"


def _of_a_family(family: str, row: dict[str, Any], rng: random.Random) -> Problem:
    if family == "light_attribute":
        alice, order = person(row)
        return problems.light_attribute(replace(alice, name=rng.choice(NAMES["male"]), sex="male"), order)
    key = rng.choice(_ANSWERED_BY.get(family, ("sisters",)))
    row[key] = _another(row[key], row.values(), rng, least=_children(row) + 1 if key.startswith("of_") else 1)
    return BUILDERS[family](row)


def _children(row: Mapping[str, Any]) -> int:
    """Of AIW+: Alice and her siblings, who are nephews and nieces as well."""
    return int(row["sisters"]) + int(row["brothers"]) + 1


def _another(number: int | str, stated: Any, rng: random.Random, least: int = 1, most: int = 10**9) -> int | str:
    """Another number, near it, or another letter; none that is stated."""
    if isinstance(number, str):
        return rng.choice([letter for letter in _LETTERS if letter not in stated])
    near = range(max(least, number - 5), min(number + 5, most) + 1)
    return rng.choice([n for n in near if n not in stated])


def _procedural(params: dict[str, Param], body: str, rng: random.Random) -> Problem:
    """Also notes the new number in the params."""
    asked: Relation = "brothers" if params["asked"] == "brothers" else "sisters"
    of: Relation = "brothers" if params["of"] == "brothers" else "sisters"
    first: Relation = "brothers" if str(params["stated"]).split(",")[0] == str(params["brothers"]) else "sisters"
    both = (int(str(params["brothers"])), int(str(params["sisters"])))
    params[asked] = int(_another(both[asked == "sisters"], both, rng, most=max(12, *both)))
    [name] = [name for pool in NAMES.values() for name in _known(body, pool)]
    who = Siblings(
        name, "female" if name in FEMALE_NAMES else "male", int(str(params["brothers"])), int(str(params["sisters"])),
        asked, of,
    )  # fmt: skip
    order: tuple[Relation, Relation] = (first, "sisters" if first == "brothers" else "brothers")
    return problems.siblings(who, order, str(params["form"]), stated_sex=params["family"] == "procedural_stated")


_QUESTION = re.compile(r"How many (brother|sister|female friend)s does [^?]{0,60} have\?")


def _published(sample: Sample, rng: random.Random) -> Sample | None:
    """With two counts in a statement, the answer goes up and down with the number of those who are asked for."""
    body, suffix = _parts(sample)
    asked, counts = _QUESTION.search(body), list(re.finditer(_COUNT, body))
    if asked is None or len(counts) != 2 or not sample.target.isdecimal():
        return None
    numbers = [m[0].partition(" ")[0] for m in counts]
    found = [m for m in counts if m[0].partition(" ")[2].removesuffix("s") == asked[1]]
    if len(found) != 1 or not all(number.isdecimal() for number in numbers):
        return None
    old = int(found[0][0].partition(" ")[0])
    new = int(_another(old, tuple(map(int, numbers)), rng))
    answer = str(int(sample.target) + new - old)
    text = body[: found[0].start()] + counted(new, asked[1]) + body[found[0].end() :]
    return asked_as(sample, text + suffix, {**sample.params, "answer": answer}, answer)
