"""The kind `induction`: which rule fits the examples, and what does it say of one more thing? An exact version space
(Mitchell 1982, Artificial Intelligence 18: 203-226).

A rule says yes to the things that have one certain property, or two of different kinds: 105 rules over five kinds of
three properties. In the form `plain` exactly one of them fits all examples, and it asks for two properties. In the form
`twin` one of the examples is another one with the same answer, several rules fit, and they disagree about the thing
that is asked about: "unknown".
"""

from __future__ import annotations

import functools
import itertools
import random
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from harness.tasks.logic import names
from harness.tasks.logic.kinds import UNKNOWN, YES_NO_UNKNOWN, Asked, Item, Kind
from harness.tasks.logic.prompts import template
from harness.types import Params

KINDS, VALUES, EXAMPLES = 5, 3, 8
HALF = EXAMPLES // 2
SPARE = HALF + 3
FAMILIAR = {
    "size": ("small", "middling", "large"),
    "colour": ("red", "green", "blue"),
    "shape": ("round", "square", "flat"),
    "surface": ("smooth", "rough", "hairy"),
    "weight": ("light", "handy", "heavy"),
    "age": ("new", "worn", "ancient"),
}
OBJECTS = tuple(itertools.product(range(VALUES), repeat=KINDS))
RULES = tuple(
    sorted(
        (
            tuple(zip(kinds, values, strict=True))
            for size in (1, 2)
            for kinds in itertools.combinations(range(KINDS), size)
            for values in itertools.product(range(VALUES), repeat=size)
        ),
        key=len,
    )
)
"""Each rule: pairs (kind of property, value), all of which a thing must have."""
AGREE = tuple(
    {
        says: sum(1 << i for i, rule in enumerate(RULES) if all(o[k] == v for k, v in rule) == says)
        for says in (True, False)
    }
    for o in OBJECTS
)
"""For each thing the rules that say yes to it, and those that say no, as bits."""


YES = tuple(sum(1 << i for i, agree in enumerate(AGREE) if agree[True] >> rule & 1) for rule in range(len(RULES)))
"""For each rule the things that it says yes to, as bits."""
ALL = (1 << len(OBJECTS)) - 1


def zone(rule: int, rival: int, says: bool, other: bool) -> int:
    """The things to which the rule says one answer and its rival another, as bits."""
    return (YES[rule] if says else ALL ^ YES[rule]) & (YES[rival] if other else ALL ^ YES[rival])


@functools.cache
def listed(things: int) -> tuple[int, ...]:
    """The places of the bits."""
    return tuple(i for i in range(len(OBJECTS)) if things >> i & 1)


PAIRS = tuple(i for i, rule in enumerate(RULES) if len(rule) == 2)
RIVALS = {
    i: tuple(
        j
        for j in PAIRS
        if len({*RULES[i]} & {*RULES[j]}) == 1 and len({kind for kind, _ in (*RULES[i], *RULES[j])}) == 3
    )
    for i in PAIRS
}
"""For each rule of two properties those that ask for one of them and for one of a third kind."""


class Problem(NamedTuple):
    """Places in OBJECTS: examples with their answers, the same in the twin, the thing asked about, and its answer."""

    plain: tuple[tuple[int, bool], ...]
    twin: tuple[tuple[int, bool], ...]
    asked: int
    answer: bool


def fitting(examples: Sequence[tuple[int, bool]]) -> int:
    """The rules that fit all examples, as bits."""
    return functools.reduce(lambda left, example: left & AGREE[example[0]][example[1]], examples, (1 << len(RULES)) - 1)


def draw(rng: random.Random) -> Problem:
    """Half of the examples are yes. Of the two answers to the plain form either is as likely.

    A rule and a rival are drawn that disagree about the thing asked about. Seven examples fit both. The eighth of the
    plain form is one to which the rule says no and its rival yes, and leaves nothing but the rule; to that of the twin
    both say no. So the forms have the same yes examples: what these have in common does not tell them apart.
    """
    answer = rng.random() < 0.5
    while True:
        rule = rng.choice(PAIRS)
        rival = rng.choice(RIVALS[rule])
        asked = rng.choice(listed(zone(rule, rival, answer, not answer)))
        telling = rng.choice(listed(zone(rule, rival, False, True) & ~(1 << asked)))
        examples = _same(rule, rival, rng)
        plain = [*examples, (telling, False)]
        if fitting(plain) == 1 << rule:
            twin = [*examples, (_like(telling, asked, examples, listed(zone(rule, rival, False, False)), rng), False)]
            order = rng.sample(range(EXAMPLES), EXAMPLES)
            return Problem(tuple(plain[i] for i in order), tuple(twin[i] for i in order), asked, answer)


def _same(rule: int, rival: int, rng: random.Random) -> list[tuple[int, bool]]:
    """Examples that a rule and its rival agree about: half of all are yes, and one less is no. Each is, of three drawn
    things, the one that leaves fewest rules."""
    pools = {says: rng.sample(listed(zone(rule, rival, says, says)), SPARE) for says in (True, False)}
    left, found = (1 << len(RULES)) - 1, list[tuple[int, bool]]()
    for says in [True, False] * (HALF - 1) + [True]:
        pool = pools[says]
        best = min(pool[:3], key=lambda i: (left & AGREE[i][says]).bit_count())
        pool.remove(best)
        found.append((best, says))
        left &= AGREE[best][says]
    return found


def _like(
    telling: int, asked: int, examples: Sequence[tuple[int, bool]], pool: Sequence[int], rng: random.Random
) -> int:
    """One of the pool that has about as much in common with the yes examples as `telling` has, and is none of them."""
    yes = [OBJECTS[i] for i, says in examples if says]

    def shared(thing: int) -> int:
        return sum(a == b for other in yes for a, b in zip(OBJECTS[thing], other, strict=True))

    used, wanted = {asked, *(i for i, _ in examples)}, shared(telling)
    drawn = [i for i in rng.sample(pool, 16) if i not in used]
    return min(drawn, key=lambda i: abs(shared(i) - wanted))


def items(asked: Asked) -> Iterator[Item]:
    """One problem in both forms, in each set of words."""
    problem = draw(asked.draw("problem"))
    for form, level in itertools.product(("plain", "twin"), asked.levels["names"]):
        rng = asked.draw("names", level)
        if level == "familiar":
            kinds = rng.sample(list(FAMILIAR), KINDS)
            words = [rng.sample(FAMILIAR[kind], VALUES) for kind in kinds]
        else:
            drawn = [word.lower() for word in names.nonsense(rng, KINDS * (VALUES + 1))]
            kinds = drawn[:KINDS]
            words = [drawn[KINDS + VALUES * k : KINDS + VALUES * (k + 1)] for k in range(KINDS)]
        listed = "\n".join(f"{kind}: {', '.join(words[k])}" for k, kind in enumerate(kinds))
        examples = problem.plain if form == "plain" else problem.twin
        said = "\n".join(f"{_shown(i, words)}: {'yes' if says else 'no'}" for i, says in examples)
        answer = ("yes" if problem.answer else "no") if form == "plain" else UNKNOWN
        yield Item(
            template("induction_rules").format(kinds=listed, examples=said)
            + f"\n\nQuestion: What does the rule say to a thing that is {_shown(problem.asked, words)}?",
            template("induction"),
            YES_NO_UNKNOWN,
            answer,
            {"names": level, "form": form},
        )


def _shown(thing: int, words: Sequence[Sequence[str]]) -> str:
    return ", ".join(words[k][value] for k, value in enumerate(OBJECTS[thing]))


# The text again -----------------------------------------------------------------------------------------------------

_KIND = re.compile(r"^\w+: (\w+), (\w+), (\w+)$", re.M)
_EXAMPLE = re.compile(r"^(\w+(?:, \w+)+): (yes|no)$", re.M)
_ASKS = re.compile(r"^Question: What does the rule say to a thing that is (\w+(?:, \w+)+)\?$", re.M)


class Read(NamedTuple):
    """Words of a text: the kinds of properties, the examples with their answers, and the thing asked about."""

    kinds: list[tuple[str, ...]]
    examples: list[tuple[frozenset[str], bool]]
    asked: frozenset[str]


def read(params: Params) -> Read:
    """Raises ValueError for another text."""
    text = str(params["question"])
    asks = _ASKS.search(text)
    if asks is None:
        raise ValueError("no question about a thing was found")
    examples = [(frozenset(words.split(", ")), says == "yes") for words, says in _EXAMPLE.findall(text)]
    return Read(_KIND.findall(text), examples, frozenset(asks[1].split(", ")))


def rules_of(made: Read) -> list[frozenset[str]]:
    """All rules in words that fit: each of one property, or of two of different kinds."""
    single = [frozenset([word]) for words in made.kinds for word in words]
    double = [frozenset(pair) for a, b in itertools.combinations(made.kinds, 2) for pair in itertools.product(a, b)]
    return [rule for rule in single + double if all((rule <= thing) == says for thing, says in made.examples)]


def solve(params: Params) -> str:
    """From the text alone: what all rules that fit say. Raises ValueError if none fits."""
    made = read(params)
    said = {rule <= made.asked for rule in rules_of(made)}
    if not said:
        raise ValueError("no rule fits the examples")
    return UNKNOWN if len(said) == 2 else "yes" if said.pop() else "no"


def nearest(params: Params, rng: random.Random) -> str:
    """The answer to the example that shares most properties with the thing asked about."""
    made = read(params)
    best = max(len(made.asked & thing) for thing, _ in made.examples)
    return "yes" if rng.choice([says for thing, says in made.examples if len(made.asked & thing) == best]) else "no"


def always(params: Params, rng: random.Random) -> str:
    """Unknown, always: half of the samples are twins."""
    return UNKNOWN


def one_property(params: Params, rng: random.Random) -> str:
    """Yes if the thing has the property that tells the examples apart best by itself."""
    made = read(params)
    words = [word for kind in made.kinds for word in kind]
    hits = {word: sum((word in thing) == says for thing, says in made.examples) for word in words}
    best = rng.choice([word for word in words if hits[word] == max(hits.values())])
    return "yes" if best in made.asked else "no"


KIND = Kind(
    name="induction",
    about="the one rule that fits the examples, applied (version space)",
    levels={"names": ("familiar", "nonsense")},
    items=items,
    readers={"shallow": always, "nearest": nearest, "property": one_property},
    solve=solve,
)
