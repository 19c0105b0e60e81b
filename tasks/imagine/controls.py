"""Controls of word problems: the same problem about other people, with the idle fact told elsewhere, in other words;
and with another number, from which another answer follows."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace

from harness.seeds import derive
from harness.tasks.imagine.problems import Numbers, Problem, problem
from harness.tasks.imagine.stories import Fact, values
from harness.tasks.imagine.trees import computed
from harness.tasks.persons import FIRST
from harness.tasks.rewording import asked_as, others, replaced, with_capitals
from harness.types import Sample

PLACEBOS = {
    "names": "other first names; in stories without people, another building or ship",
    "order": "the fact on which nothing depends at another place",
    "words": "synonyms in the story and in what is imagined",
}
CHANGES = {"number": "one number: of the story, or of what is imagined"}


def drawn(sample: Sample, *seed: object) -> Problem | None:
    """The problem that a sample tells, drawn again; `seed` begins as that of the task's samples does. None if the
    sample has another group."""
    m = re.fullmatch(r"(-?\d+)-(\d+)-(\d+)", sample.group)
    return problem(random.Random(derive(*seed, *map(int, m.groups()))), int(m[2])) if m else None


# The same problem -------------------------------------------------------------------------------------------------

_PLACES: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "trip": {"museum": ("castle", "cathedral", "fortress")},
    "village": {"mill": ("forge", "school"), "church": ("chapel", "manor"), "bridge": ("barn", "dairy"),
                "tower": ("gate", "wall"), "inn": ("bakery", "brewery"), "well": ("fountain", "pond")},
    "factory": {"factory": ("workshop", "plant")},
    "ferry": {"ferry": ("steamer", "ship")},
    "theatre": {"theatre": ("playhouse", "concert hall")},
}  # fmt: skip
"""Of stories without people: a word -> words that may stand for it."""


def renamed(sample: Sample, rng: random.Random) -> Sample | None:
    """With other names."""
    text = sample.messages[-1].content
    words = others(rng, [name for name in FIRST if re.search(rf"\b{name}\b", text)], FIRST)
    for word, instead in _PLACES.get(str(sample.params["story"]), {}).items():
        words[word] = rng.choice(instead)
    return asked_as(sample, replaced(text, with_capitals(words)))


def told_elsewhere(told: Problem, rng: random.Random) -> Problem:
    """The problem with its idle fact at another place."""
    places = [place for place in range(len(told.walk.parts) + 1) if place != told.idle_at]
    return replace(told, idle_at=rng.choice(places))


_SYNONYMS = with_capitals(
    {
        "buys": "purchases",
        "every": "each",
        "on hand": "in stock",
        "at first": "to begin with",
        "in the end": "at the end",
        "wants to": "would like to",
        "want to go": "would like to go",
        "needs": "requires",
        "lives": "resides",
        "in all": "in total",
        "holds": "contains",
        "evenly": "in equal parts",
        "equally": "in equal parts",
        "are spoiled": "have gone bad",
        "are thrown away": "are discarded",
        "sets off": "departs",
        "everybody": "everyone",
        "stay empty": "remain empty",
        "go home": "leave for home",
        "are taken by": "are occupied by",
        "dry up": "wither",
        "everything else in the text stays as it is": "all else in the text remains the same",
    }
)
_PATTERNS = (
    (re.compile(r"(\d (?:euros|pages|bolts|litres|apple trees)) an? (\w+)"), r"\1 per \2"),
    (re.compile(r"(\d+) (stamps|euros|bolts|apple trees) (more|fewer) "), r"\1 \3 \2 "),
    (re.compile(r"How many years old is ([\w ]+)\?"), r"How old is \1, in years?"),
    (re.compile(r"What is the sum of the ages of "), "How much is the sum of the ages of "),
    (re.compile(r"(\d+ (?:times as (?:many|much) \w+|years (?:older|younger))|\d+ times as old) "), r"exactly \1 "),
)


def said_otherwise(sample: Sample) -> Sample | None:
    """With synonyms. None if the story has none of the words."""
    text = replaced(sample.messages[-1].content, _SYNONYMS)
    for pattern, said in _PATTERNS:
        text = pattern.sub(said, text)
    return asked_as(sample, text) if text != sample.messages[-1].content else None


# Another answer ---------------------------------------------------------------------------------------------------


def altered(told: Problem, fact: str, size: str, rng: random.Random) -> Problem | None:
    """The problem with another number, so that the answer in this condition is another one: that of the changed fact in
    the condition's own world, or else of another fact of the story in both. No answer stands in the text. None if no
    other number will do."""
    for plain, other in _ways(told, fact, size, rng):
        made = replace(told, numbers={**told.numbers, size: Numbers(plain, other, told.numbers[size].idle)})
        old, new = (set(p.answers(size)) for p in (told, made))
        stated = {n for f in told.walk.facts for n in (plain[f.quantity], other[f.quantity])}
        own = made.answers(size)
        right = own[fact in ("restated", "imagine")]
        if own[0] != own[1] and right not in old and not new & {*stated, *told.numbers[size].idle}:
            return made
    return None


def _ways(told: Problem, fact: str, size: str, rng: random.Random) -> Iterator[tuple[dict[str, int], dict[str, int]]]:
    """(all quantities of the plain world, those of the other one) with one stated number changed."""
    plain, other, _ = told.numbers[size]
    most = told.walk.story.most[size]
    facts = [f for f in told.walk.facts if f is not told.changed]
    order: list[Fact] = [told.changed, *rng.sample(facts, len(facts))]
    for one in order:
        for number in rng.sample(list(values(one.kind, size)), len(values(one.kind, size))):
            if number in (plain[one.quantity], other[one.quantity]):
                continue
            worlds = []
            for known, own in ((plain, fact in ("plain", "idle")), (other, fact in ("restated", "imagine"))):
                changed = one is not told.changed or own
                stated = {f.quantity: known[f.quantity] for f in told.walk.facts}
                worlds.append(computed(told.walk.steps, stated | ({one.quantity: number} if changed else {}), most))
            if worlds[0] is not None and worlds[1] is not None:
                yield worlds[0], worlds[1]
