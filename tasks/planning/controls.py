"""Placebos of planning: the same instance with other names of objects of the same kind, with facts, goals and actions
in another order, in other words. Everything is done on the text and on the PDDL of params."""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.tasks.planning import scoring
from harness.tasks.planning.instances import compiled
from harness.tasks.rewording import asked_as, mixed, replaced, said_otherwise
from harness.types import Sample

PLACEBOS = {
    "names": "other colours of blocks, other numbers of packages, trucks, pegs and so on (not where a number says a "
    "size or a place: discs, cells)",
    "order": "another order of the actions, of the facts at the start and of the goals",
    "words": "synonyms around facts and actions",
}
CHANGES = {
    "fact": "one fact of the goal, or two blocks change places in it (of a plan to judge or carry out: one action; of "
    "a question about a fact, an action or a plan: what is asked about)"
}
IN_PDDL = ("problem", "plan", "asked_action", "asked_facts")
"""Params with names of objects, in PDDL."""


def reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
    """See PLACEBOS. None for a folder's instance whose objects are just one of each kind, and have no numbers."""
    text = sample.messages[-1].content
    if placebo == "words":
        return asked_as(sample, said_otherwise(text, _WORDS))
    if placebo == "order":
        params = {**sample.params, "problem": _facts_mixed(str(sample.params["problem"]), rng)}
        return asked_as(sample, _ordered(text, rng, sample.params.get("ability") == "goal_shuffling"), params)
    return _renamed(sample, text, rng)


_WORDS = (
    ("These are the actions that can be taken:", "The following actions can be taken:"),
    ("Here is a planning domain in PDDL.", "This is a planning domain in PDDL."),
    ("possible only if", "can be taken only if"),
    (": always possible;", ": can always be taken;"),
    ("; afterwards ", "; as a result "),
    ("What an action does not mention stays as it is.", "All that an action does not mention stays the same."),
    ("There are these objects:", "These are the objects:"),
    ("At the start it is true that:", "At the beginning it is true that:"),
    ("At the start exactly these facts are true, and no others:", "At the beginning exactly the following facts are "
     "true, and no others:"),
    ("The goal is that:", "What is wanted is that:"),
    ("Give a plan that ", "Find a plan that "),
    ("Work out a plan that ", "Find a plan that "),
    ("These actions are carried out one after the other", "The following actions are carried out one by one"),
    ("any number of actions can be taken, one after the other", "any number of actions can be taken, one by one"),
    ("Can this action be taken at the start?", "Is it possible to take this action at the beginning?"),
)  # fmt: skip

# Order ------------------------------------------------------------------------------------------------------------

_INIT = re.compile(r"(?<=\(:init )(?:\([^()]*\)\s?)+(?=\))")
_GOAL = re.compile(r"(?<=\(:goal \(and )(?:\([^()]*\)\s?)+(?=\)\))")


_STATED = re.compile(rf"{_GOAL.pattern}|(?<=goal is that:\n)(?:- .*(?:\n|\Z))+")
"""The facts of a goal, in PDDL or in a list."""


def _ordered(text: str, rng: random.Random, shuffling: bool) -> str:
    """All lists in another order. If the last goal is the one before it in another order (`shuffling`), it still is."""
    while True:
        other = _lines_mixed(_facts_mixed(text, rng), rng)
        goals = [re.findall(r"\([^()]*\)", goal) or goal.split("\n") for goal in _STATED.findall(other)]
        if not shuffling or goals[-2] != goals[-1]:
            return other


def _facts_mixed(text: str, rng: random.Random) -> str:
    """The facts of each (:init ...) and each (:goal (and ...)) in another order."""

    def other(m: re.Match[str]) -> str:
        return " ".join(mixed(rng, re.findall(r"\([^()]*\)", m[0])))

    return _GOAL.sub(other, _INIT.sub(other, text))


def _lines_mixed(text: str, rng: random.Random) -> str:
    """The lines of each list in another order. What has an order, such as a plan, is numbered."""
    return re.sub(r"(?:^- .*(?:\n|\Z)){2,}", lambda m: _mixed_lines(m[0], rng), text, flags=re.M)


def _mixed_lines(block: str, rng: random.Random) -> str:
    end = "\n" if block.endswith("\n") else ""
    return "\n".join(mixed(rng, block.removesuffix("\n").split("\n"))) + end


# Names ------------------------------------------------------------------------------------------------------------

_LETTERS = "abcdefghijkl"
_SAYING = ("disc#", "cell#", "c#-#")
"""Patterns of names whose numbers say something: how large a disc is, where a cell lies."""
Renames = Callable[[str], str]


def _renamed(sample: Sample, text: str, rng: random.Random) -> Sample | None:
    world = scoring.world_of(sample.params)
    objects = compiled(world, str(sample.params["problem"])).problem.objects
    if set(objects) <= set(_LETTERS):
        pool, patterns = list(_LETTERS), {"#"}
        used = sorted(objects)
    else:
        patterns = {p for p in (re.sub(r"\d+", "#", name) for name in objects) if "#" in p and p not in _SAYING}
        used = sorted(
            {n for name in objects if re.sub(r"\d+", "#", name) in patterns for n in re.findall(r"\d+", name)}
        )
        pool = _numbers(text, patterns, used)
    if len(pool) < 2 or not used:
        return None
    other = _permutation(rng, pool, used)
    names = dict(_names(patterns, other))
    phrases = {world.wording.phrase(old): world.wording.phrase(new) for old, new in names.items()}
    params: dict[str, Any] = {
        name: _in_pddl(value, names) if name in IN_PDDL and isinstance(value, str) else value
        for name, value in sample.params.items()
    }
    nl = sample.params["prompt"] == "nl"
    renames: Renames = (lambda t: replaced(t, phrases)) if nl else (lambda t: _in_pddl(t, names))
    target = renames(sample.target)
    made = asked_as(sample, renames(text), params, target)
    return made if made.messages != sample.messages else None


def _numbers(text: str, patterns: set[str], used: list[str]) -> list[str]:
    """The numbers that names may have: as many as there are objects if all names are alike (o1, o2, ...), also those of
    an example that stands before the question; else from 0 or 1 to 9, or the largest."""
    largest = max(map(int, used), default=0)
    if patterns == {"o#"}:
        largest = max(int(n) for n in (*re.findall(r"\bo(\d+)\b", text), *used))
        return [str(n) for n in range(1, largest + 1)]
    return [str(n) for n in range(0 if "0" in used else 1, max(largest, 9) + 1)]


def _permutation(rng: random.Random, pool: list[str], used: list[str]) -> Mapping[str, str]:
    """Each of the pool gets another one, at least each that is used."""
    while True:
        other = dict(zip(pool, rng.sample(pool, len(pool)), strict=True))
        if all(other[name] != name for name in used):
            return other


def _names(patterns: Iterable[str], other: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """All names of these patterns with their new names."""
    for pattern in patterns:
        for parts in itertools.product(other, repeat=pattern.count("#")):
            yield _filled(pattern, parts), _filled(pattern, [other[part] for part in parts])


def _filled(pattern: str, parts: Iterable[str]) -> str:
    rest = iter(parts)
    return re.sub("#", lambda _: next(rest), pattern)


def _in_pddl(text: str, names: Mapping[str, str]) -> str:
    """The names replaced where PDDL stands: within parentheses, and in the sentence that lists objects with their
    types. The letter a is a word elsewhere."""
    found, depth, start = [], 0, 0
    for m in re.finditer(r"[()]", text):
        if depth == 0 and m[0] == "(":
            found.append(_objects(text[start : m.start()], names))
            start = m.start()
        depth += 1 if m[0] == "(" else -1
        if depth == 0:
            found.append(replaced(text[start : m.end()], names))
            start = m.end()
    return "".join([*found, _objects(text[start:], names)])


def _objects(text: str, names: Mapping[str, str]) -> str:
    return re.sub(r"^The objects are .*\.$", lambda m: replaced(m[0], names), text, flags=re.M)
