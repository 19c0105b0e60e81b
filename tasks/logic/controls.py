"""Controls of logic: the same question under other names, in another order, in other words; with one premise changed.

Names and orders are changed in the question that params keep, too: readers and solvers go by it. Other words stand in
the prompt alone.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache

from harness.tasks.invented import names as invented
from harness.tasks.logic import names
from harness.tasks.logic.abduction import TRAITS
from harness.tasks.logic.argument import ROLES
from harness.tasks.logic.changes import CHANGED
from harness.tasks.logic.colours import COLOURS
from harness.tasks.logic.induction import FAMILIAR
from harness.tasks.logic.kinds import UNKNOWN, Kind, numbered
from harness.tasks.logic.lookup import ANIMALS
from harness.tasks.logic.rules import ATTRIBUTES, THINGS, WORLD_TRUTH
from harness.tasks.logic.syllogism import categories
from harness.tasks.rewording import asked_as, in_params, mixed, others, replaced, with_capitals
from harness.types import Param, Sample

PLACEBOS = {
    "names": "other persons, things, kinds and properties, as familiar or as much nonsense, and as believable",
    "order": "another order of the premises; not in the conditions forward and backward",
    "words": "synonyms of what is said around the names",
}
CHANGES = {"premise": "one premise is another one (a fact, a literal, a rule turned round, an example)"}


def reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
    """See PLACEBOS. None for another order if the condition says which it is."""
    if placebo == "names":
        return _renamed(sample, rng)
    text, question, kind = sample.messages[-1].content, str(sample.params["question"]), str(sample.params["kind"])
    if placebo == "words":
        for pattern, new in _WORDS[kind]:
            text = re.sub(pattern, new, text, flags=re.M)
        return asked_as(sample, text)
    if sample.params["order"] != "shuffled":
        return None
    other = _ORDERED[kind](question, rng)
    return asked_as(sample, text.replace(question, other), {**sample.params, "question": other})


def changed(sample: Sample, kind: Kind, rng: random.Random) -> Sample | None:
    """The first change of one premise, in random order, with which the kind's solver gives another of the answers that
    are offered."""
    question = str(sample.params["question"])
    for other in CHANGED[kind.name](sample.params, rng):
        params: dict[str, Param] = {**sample.params, "question": other}
        try:
            right = kind.solve(params)
        except (KeyError, ValueError):
            continue
        if right != sample.target and right in numbered(params, "choices"):
            text = sample.messages[-1].content.replace(question, other)
            return asked_as(sample, text, {**params, "answer": right}, right)
    return None


# Names ------------------------------------------------------------------------------------------------------------


def _renamed(sample: Sample, rng: random.Random) -> Sample:
    text, kind = sample.messages[-1].content, str(sample.params["kind"])
    words = dict[str, str]()
    for pool in _POOLS[kind](sample):
        pool = [word for word in pool if names.plural(word) != word]  # a sheep stays one: its plural is the same word
        used = [word for word in pool if re.search(rf"\b(?:{word}|{names.plural(word)})\b", text, re.I)]
        words |= others(rng, used, pool)
    used = _nonsense(text)
    words |= dict(zip(used, _fresh(rng, used), strict=True))
    words |= {names.plural(old): names.plural(new) for old, new in words.items()}
    words = with_capitals({old.lower(): new.lower() for old, new in words.items()})
    if kind == "syllogism":
        words |= _believed_alike(text, rng)
    params: dict[str, Param] = {}
    for name, value in sample.params.items():
        params[name] = in_params(value, words) if name in ("question", "choices", "also", "answer") else value
    if kind in _SORTED:
        choices, also = numbered(params, "choices"), numbered(params, "also")
        order = sorted(range(len(choices)), key=lambda i: (choices[i] == UNKNOWN, choices[i]))
        params["choices"] = tuple(choices[i] for i in order)
        if also:
            params["also"] = tuple(also[i] for i in order)
    return asked_as(sample, replaced(text, words), params, replaced(sample.target, words))


_SORTED = ("lookup", "colours", "abduction")
"""Kinds whose choices are words of the problem in alphabetical order."""


def _nonsense(text: str) -> list[str]:
    """The invented words of a text."""
    found = dict.fromkeys(word[:6].capitalize() for word in re.findall(r"\b[A-Za-z]{6,8}\b", text))
    return [word for word in found if word in _invented()]


@cache
def _invented() -> frozenset[str]:
    return frozenset(invented())


def _fresh(rng: random.Random, used: list[str]) -> list[str]:
    """As many other invented words."""
    drawn = names.nonsense(rng, 2 * len(used))
    return [word for word in drawn if word not in used][: len(used)]


Pools = list[Sequence[str]]


def _of_rules(sample: Sample) -> Pools:
    """What the world says something about is kept: of a misleading goal the thing and its attribute."""
    if sample.params["names"] != "misleading":
        return [THINGS, ATTRIBUTES]
    asks = re.search(r"that the (\w+) is (?:not )?(\w+)\?", str(sample.params["question"]))
    assert asks is not None
    return [[thing for thing in WORLD_TRUTH if thing != asks[1]], [a for a in ATTRIBUTES if a != asks[2]]]


_POOLS: Mapping[str, Callable[[Sample], Pools]] = {
    "lookup": lambda _: [names.PEOPLE, ANIMALS],
    "colours": lambda _: [names.PEOPLE, ANIMALS, COLOURS],
    "rules": _of_rules,
    "kinship": lambda _: [names.WOMEN, names.MEN],
    "argument": lambda _: [names.PEOPLE, ROLES],
    "defeasible": lambda _: [names.PEOPLE, ROLES],
    "syllogism": lambda _: [],
    "entailment": lambda _: [names.PEOPLE],
    "sat": lambda _: [names.PEOPLE],
    "abduction": lambda _: [names.PEOPLE, TRAITS],
    "induction": lambda _: list(FAMILIAR.values()),
}
"""What familiar words are drawn from; beside them, nonsense becomes other nonsense."""


def _believed_alike(text: str, rng: random.Random) -> dict[str, str]:
    """Real kinds in a syllogism: those of another wide kind at the same places, so that as much is true of them."""
    words: dict[str, str] = {}
    used = [
        (wide, narrow) for wide, narrow in categories().items() if any(re.search(rf"\b{w}\b", text) for w in narrow)
    ]
    for wide, narrow in used:
        other = rng.choice([w for w in categories() if w != wide])
        fresh = rng.sample(categories()[other], len(narrow))
        words |= {wide: other, **dict(zip(narrow, fresh, strict=True))}
    return words


# Order ------------------------------------------------------------------------------------------------------------


def _lines(*patterns: str) -> Callable[[str, random.Random], str]:
    """For each pattern: the lines that have it, in another order at the same places."""

    def ordered(question: str, rng: random.Random) -> str:
        lines = question.split("\n")
        for pattern in patterns:
            places = [i for i, line in enumerate(lines) if re.fullmatch(pattern, line)]
            shown = mixed(rng, [lines[i] for i in places])
            for place, line in zip(places, shown, strict=True):
                lines[place] = line
        return "\n".join(lines)

    return ordered


def _parts(question: str, rng: random.Random) -> str:
    """The parts of a premise."""
    m = re.search(r"(?<=Premise: ).*(?=\.$)", question, re.M)
    assert m is not None
    *first, last = mixed(rng, re.split(r", (?:and )?", m[0]))
    return question.replace(m[0], f"{', '.join(first)}, and {last}")


_FACT, _IF = r"(?:The )?\w+ is (?:an? )?\w+\.", r"If .*"
_ORDERED: Mapping[str, Callable[[str, random.Random], str]] = {
    "lookup": _lines(r"\w+ (?:is|are) .*\."),
    "colours": _lines(_FACT),
    "rules": _lines(_FACT, _IF),
    "kinship": _lines(r"\w+ is the .*\."),
    "argument": _lines(r"(?!Question).+\."),
    "defeasible": _lines(rf"{_FACT}|Every .*", r"Rule \d+ goes .*"),
    "syllogism": _lines(r"(?:All|No|Some) \w+ are.*\."),
    "entailment": _parts,
    "sat": _lines(_IF),
    "abduction": _lines(_FACT, _IF),
    "induction": _lines(r"\w+: \w+, .*", r"\w+(?:, \w+)+: (?:yes|no)"),
}

# Words ------------------------------------------------------------------------------------------------------------

_WORDS: Mapping[str, Iterable[tuple[str, str]]] = {
    "lookup": (
        (r"^(\w+) are afraid of", r"\1 fear"),
        (r"Of which kind of animal are (\w+) afraid\?", r"Which kind of animal do \1 fear?"),
        (r"Of which kind of animal is (\w+) afraid\?", r"Which kind of animal does \1 fear?"),
        (r"is afraid of one kind of animal\. Of which kind is that kind afraid\?",
         "fears one kind of animal. Which kind does that kind fear?"),
    ),
    "colours": (
        (r"^(\w+) is (?!an? )(\w+)\.$", r"\1 has the colour \2."),
        (r"Which colour is (\w+) most likely\?", r"Which colour does \1 most likely have?"),
    ),
    "rules": (
        (r"^If something is (.*), then it is ", r"Whatever is \1 is "),
        (r"Is it true that the", "Is it the case that the"),
    ),
    "kinship": (
        (r"^(\w+) is the ([\w-]+) of (\w+)\.$", r"\1 is \3's \2."),
        (r"married to each other, nobody married twice", "husband and wife, nobody married more than once"),
    ),
    "argument": (
        (r"\bAt least one person who", "Some person who"),
        (r"\bat least one person who", "some person who"),
        (r"\bEveryone who", "Each person who"),
        (r"\beveryone who", "each person who"),
        (r"\bWhoever", "Anybody who"),
    ),
    "defeasible": (
        (r"are normally", "are typically"),
        (r"goes before", "takes precedence over"),
        (r"Now it becomes known that", "Now it turns out that"),
    ),
    "syllogism": (
        (r"Suppose that these two statements are true, and that there is at least one of each kind that they name\.",
         "Suppose that these two statements are true, and that each kind that they name has at least one member."),
        (r"Does it follow that", "Does it follow from them that"),
        (r"Which of these conclusions follows\?", "Which of the following conclusions follows from them?"),
    ),
    "entailment": (
        (r"is richer than", "is wealthier than"),
        (r"is faster than", "is quicker than"),
        (r"lives (north|south) of", r"lives to the \1 of"),
        (r"Does the statement follow from the premise\?", "If the premise is true, must the statement be true, too?"),
    ),
    "sat": (
        (r"\bcomes\b", "attends"),
        (r"\bdoes not come\b", "does not attend"),
        (r"There are rules:", "These are the rules:"),
        (r"Is it possible that all rules are kept\?", "Can all rules be kept at the same time?"),
    ),
    "abduction": (
        (r"^If someone is (.*), then they are ", r"Whoever is \1 is "),
        (r"^Observation: ", "It is observed: "),
        (r"Which single fact", "Which one fact"),
    ),
    "induction": (
        (r"Each thing has one property", "Every thing has exactly one property"),
        (r"it says yes to every thing that has what it asks for, and no to all others\.",
         "every thing that has what it asks for gets a yes, and all others get a no."),
        (r"Some things, and what the rule says to them:", "Here are some things, each with what the rule says to it:"),
        (r"What does the rule say to a thing that is", "What is the rule's answer to a thing that is"),
    ),
}  # fmt: skip
"""Patterns and what is put in their place, one after the other."""
