"""Kind `defeasible`: rules with exceptions ("Tweety"), asked before and after one more fact.

One theory, one question, and four facts that may become known: one supports the answer (strengthen), one objects to it
without going before it (weaken), one overrules it (rebut), and one does not bear on it (irrelevant). Every such fact is
of the same form and has one rule of its own in the theory, so that the fact alone tells nothing.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from harness.tasks.logic import defaults
from harness.tasks.logic.argument import ROLES
from harness.tasks.logic.defaults import Default, Theory
from harness.tasks.logic.kinds import UNKNOWN, YES_NO_UNKNOWN, Asked, Item, Kind
from harness.tasks.logic.names import article, nonsense, people, plural
from harness.tasks.logic.prompts import template
from harness.tasks.logic.revision import CHANGES, Revision
from harness.types import Params

UPDATES = tuple(CHANGES)


class Plan(NamedTuple):
    """A theory about a person, the kind that is asked for, and the kind that each update adds. `other`: a kind that a
    second person is of."""

    theory: Theory
    asked: int
    updates: Mapping[str, int]
    other: int
    kinds: int


@dataclass
class _Draft:
    """A theory in the making; kinds are numbers."""

    strict: list[tuple[defaults.Kind, defaults.Kind]]
    rules: list[Default]
    before: list[tuple[int, int]]
    count: int = 0

    def new(self) -> int:
        self.count += 1
        return self.count - 1

    def rule(self, body: int, head: int, holds: bool) -> int:
        self.rules.append(Default(body, head, holds))
        return len(self.rules) - 1


def plan(rng: random.Random, depth: int) -> Plan:
    """A chain of `depth` defaults from what the person is to what is asked, and a rule of its own for each update."""
    specific, holds = rng.random() < 0.5, rng.random() < 0.5
    draft = _Draft([], [], [])
    chain = [draft.new() for _ in range(depth + 1)]
    links = [draft.rule(a, b, holds or b != chain[-1]) for a, b in itertools.pairwise(chain)]
    topic, wide = draft.new(), draft.new()
    aside = draft.rule(wide, topic, rng.random() < 0.5)
    updates = {name: draft.new() for name in UPDATES}

    def own(name: str, head: int, holds: bool, over: int, under: int | None = None) -> None:
        """The rule of an update. It goes before rule `over`; or if `under` is given, that rule goes before it."""
        rule = draft.rule(updates[name], head, holds)
        if specific:
            draft.strict.append((updates[name], draft.rules[over].body))
        else:
            draft.before.append((rule, over) if under is None else (under, rule))

    own("strengthen", chain[-1], holds, rng.choice((aside, links[-1])))
    own("rebut", chain[-1], not holds, links[-1])
    if depth > 1 and rng.random() < 0.5:  # an objection to what the answer rests on
        at = rng.randrange(depth - 1)
        own("weaken", chain[at + 1], False, rng.choice((aside, links[at])))
    else:
        own("weaken", chain[-1], not holds, aside)
    if not specific and rng.random() < 0.5:  # an objection that is overruled
        own("irrelevant", chain[-1], not holds, aside, under=links[-1])
    else:
        own("irrelevant", topic, rng.random() < 0.5, rng.choice((aside, links[-1])))
    theory = Theory(
        frozenset({chain[0]}), tuple(draft.strict), tuple(draft.rules), frozenset(draft.before), specific=specific
    )
    return Plan(theory, chain[-1], updates, rng.choice(list(updates.values())), draft.count)


def items(asked: Asked) -> Iterator[Item]:
    """One theory in all names: before any update, and after each."""
    draw = asked.draw("theory")
    made = plan(draw, asked.depth)
    order = draw.sample(range(len(made.theory.defaults)), len(made.theory.defaults))
    mixed = [draw.random() for _ in range(len(made.theory.strict) + len(made.theory.before) + 2)]
    priority = "specificity" if made.theory.specific else "order"
    for level in asked.levels["names"]:
        rng = asked.draw("names", level)
        if level == "familiar":
            words, (person, other) = rng.sample(ROLES, made.kinds), people(rng, 2)
        else:
            drawn = nonsense(rng, made.kinds + 2)
            words, (person, other) = [word.lower() for word in drawn[2:]], drawn[:2]
        known = _theory(made, words, person, other, order, mixed)
        asks = f"Question: Is {person} {article(words[made.asked])}?"
        for form in ("plain", *UPDATES):
            theory, told = made.theory, ""
            if form in UPDATES:
                theory = theory.told(made.updates[form])
                told = f"Now it becomes known that {person} is also {article(words[made.updates[form]])}.\n\n"
            yield Item(
                f"{known}\n\n{told}{asks}",
                f"{template(f'defeasible_{priority}')} {template('defeasible')}",
                YES_NO_UNKNOWN,
                defaults.answer(theory, made.asked),
                {"names": level, "form": form},
                {"priority": priority},
            )


def _theory(
    made: Plan, words: Sequence[str], person: str, other: str, order: Sequence[int], mixed: Sequence[float]
) -> str:
    """Facts and strict rules in a drawn order, numbered rules, and which goes before which."""
    theory, number = made.theory, {rule: i for i, rule in enumerate(order, 1)}
    lines = [f"{who} is {article(words[int(kind)])}." for who, kind in ((person, *theory.facts), (other, made.other))]
    lines += [f"Every {words[int(a)]} is {article(words[int(b)])}." for a, b in theory.strict]
    lines = [line for _, line in sorted(zip(mixed, lines, strict=False))]
    for rule in order:
        body, head, holds = theory.defaults[rule]
        who, what = plural(words[int(body)]).capitalize(), plural(words[int(head)])
        lines.append(f"Rule {number[rule]}: {who} are normally {'' if holds else 'not '}{what}.")
    stated = sorted((number[i], number[j]) for i, j in theory.before)
    return "\n".join(lines + [f"Rule {i} goes before rule {j}." for i, j in stated])


# A second solver, from the question's words -------------------------------------------------------------------------

_FACT = re.compile(r"^(\w+) is an? (\w+)\.$", re.M)
_STRICT = re.compile(r"^Every (\w+) is an? (\w+)\.$", re.M)
_RULE = re.compile(r"^Rule (\d+): (\w+) are normally (not )?(\w+)\.$", re.M)
_BEFORE = re.compile(r"^Rule (\d+) goes before rule (\d+)\.$", re.M)
_TOLD = re.compile(r"^Now it becomes known that (\w+) is also an? (\w+)\.$", re.M)
_ASKS = re.compile(r"^Question: Is (\w+) an? (\w+)\?$", re.M)


class _Read(NamedTuple):
    theory: Theory
    asked: str
    told: str
    """The kind that the update adds; "" before it. It is among the facts."""


def _read(params: Params) -> _Read:
    """The theory of a question; kinds are their plurals. Raises ValueError for a text that is no question."""
    text = str(params["question"])
    asks = _ASKS.search(text)
    if asks is None:
        raise ValueError("no question")
    person, asked = asks[1], plural(asks[2])
    told = [plural(kind) for who, kind in _TOLD.findall(text) if who == person]
    facts = [plural(kind) for who, kind in _FACT.findall(text) if who == person]
    rules = sorted((int(n), Default(body.lower(), head, not no)) for n, body, no, head in _RULE.findall(text))
    before = frozenset((int(i) - 1, int(j) - 1) for i, j in _BEFORE.findall(text))
    strict = tuple((plural(a), plural(b)) for a, b in _STRICT.findall(text))
    theory = Theory(frozenset([*facts, *told]), strict, tuple(rule for _, rule in rules), before, not before)
    return _Read(theory, asked, next(iter(told), ""))


def solve(params: Params) -> str:
    """The answer from the question down, from the text; the generator goes from the facts up."""
    read = _read(params)
    return defaults.answer_by_proof(read.theory, read.asked)


# Shallow readers -----------------------------------------------------------------------------------------------------


def unmoved(params: Params, rng: random.Random) -> str:
    """The right answer before the update, whatever becomes known: half of the answers after updates."""
    theory, asked, told = _read(params)
    return defaults.answer_by_proof(replace(theory, facts=theory.facts - {told}), asked)


def last_rule(params: Params, rng: random.Random) -> str:
    """What becomes known overrules: what its own rule says of the question, else as before."""
    theory, asked, told = _read(params)
    said = [rule.holds for rule in theory.defaults if rule.body == told and rule.head == asked]
    return ("yes" if said[0] else "no") if said else unmoved(params, rng)


def caution(params: Params, rng: random.Random) -> str:
    """Unknown as soon as a rule of what becomes known denies anything, else as before."""
    theory, _, told = _read(params)
    return UNKNOWN if any(r.body == told and not r.holds for r in theory.defaults) else unmoved(params, rng)


def counted(params: Params, rng: random.Random) -> str:
    """What more rules say of what is asked, whether they apply or not; unknown if they are as many."""
    theory, asked, _ = _read(params)
    said = [rule.holds for rule in theory.defaults if rule.head == asked]
    yes = sum(said)
    return UNKNOWN if 2 * yes == len(said) else "yes" if 2 * yes > len(said) else "no"


def update_only(params: Params, rng: random.Random) -> str:
    """Nothing but whether something becomes known: yes or no before, any answer after."""
    return rng.choice(YES_NO_UNKNOWN if _TOLD.search(str(params["question"])) else YES_NO_UNKNOWN[:2])


KIND = Kind(
    name="defeasible",
    about="rules with exceptions: what holds before and after one more fact?",
    levels={"names": ("familiar", "nonsense")},
    items=items,
    readers={
        "shallow": unmoved, "last-rule": last_rule, "caution": caution, "counted": counted, "update-only": update_only
    },
    solve=solve,
    depths=(1, 2, 3),
    usual=(1, 2, 3),
    collector=Revision,
)  # fmt: skip
