"""Planning domains, one folder each: the PDDL, how it is said in English, and its renamings."""

from __future__ import annotations

import functools
import random
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources

from harness.verifiers.pddl import Action, Node, parse_domain
from harness.verifiers.pddl_compile import CompiledDomain, compile_domain
from harness.verifiers.plan_text import Lexicon, Step


@dataclass(frozen=True, eq=False)  # made once a set of names, so compared and hashed by identity
class World:
    """A domain under some names: its PDDL, how its actions, facts and objects are said, and how they are read.

    `names` maps the original names to those used here (the identity for the plain domain).
    """

    pddl: str
    names: Mapping[str, str]
    say: Mapping[str, str]
    objects: Mapping[str, str]
    variable: str
    compiled: CompiledDomain = field(repr=False)
    lexicon: Lexicon = field(repr=False)

    def sentence(self, atom: tuple[str, ...]) -> str:
        """An action or a fact (in this world's names) in words; `?x` is said as a variable."""
        name, *arguments = atom
        phrases = (self.variable.format(a[1:].upper()) if a[0] == "?" else self.objects[a] for a in arguments)
        return self.say[name].format(*phrases)

    def rules(self) -> str:
        """The actions in words, a line each, in the same form whatever the names: what they need and what they do."""
        return "\n".join(self._rule(action) for action in self.compiled.domain.actions.values())

    def _rule(self, action: Action) -> str:
        needs, effects = (list(_atoms(node)) for node in (action.precondition, action.effect))
        does = self.sentence((action.name, *(name for name, _ in action.parameters)))
        parts = [f"- {does}: possible only if {_listed([self.sentence(a) for _, a in needs])}"]
        parts.append(f"afterwards it is true that {_listed([self.sentence(a) for true, a in effects if true])}")
        gone = [self.sentence(a) for true, a in effects if not true]
        if gone:
            parts.append(f"and no longer true that {_listed(gone)}")
        return "; ".join(parts) + "."

    def rename(self, text: str) -> str:
        """PDDL text of the plain domain in this world's names."""
        return rename(text, self.names)

    def steps(self, plan: list[Step]) -> list[Step]:
        """A plan of the plain domain in this world's names."""
        return [(self.names[name], *arguments) for name, *arguments in plan]


def _atoms(node: Node | None) -> Iterator[tuple[bool, tuple[str, ...]]]:
    """(whether it is asserted, atom) of a conjunction of plain facts."""
    if not node:
        return
    if node[0] == "and":
        for part in node[1:]:
            if isinstance(part, Node):
                yield from _atoms(part)
    elif node[0] == "not" and isinstance(node[1], Node):
        yield False, tuple(map(str, node[1]))
    else:
        yield True, tuple(map(str, node))


def _listed(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def rename(text: str, names: Mapping[str, str]) -> str:
    """Every name in a PDDL text replaced; a map that is one-to-one is undone by its inverse."""
    return re.sub(r"[^\s()]+", lambda m: names.get(m.group().lower(), m.group()), text)


def _file(domain: str, name: str) -> str:
    return (resources.files("harness.pddl_domains") / domain / name).read_text(encoding="utf-8")


@functools.cache
def plain(domain: str) -> World:
    """The domain under its own names."""
    wording = tomllib.loads(_file(domain, "wording.toml"))
    say = {name: row["say"] for name, row in wording["actions"].items()} | wording["predicates"]
    also = {phrase: name for name, row in wording["actions"].items() for phrase in row.get("also", [])}
    return _world(_file(domain, "domain.pddl"), {}, say, wording["objects"], wording["variable"], also)


@functools.cache
def mystery(domain: str) -> World:
    """The domain under names that hide what it is about."""
    renaming = tomllib.loads(_file(domain, "mystery.toml"))
    names = renaming["names"]
    objects = {o: f"object {o}" for o in plain(domain).objects}
    return _world(rename(plain(domain).pddl, names), names, renaming["say"], objects, "object {0}")


@functools.lru_cache(maxsize=4096)
def randomised(domain: str, seed: int) -> World:
    """The domain under names that mean nothing, other ones for every seed: nobody has been trained on them."""
    base, rng = plain(domain), random.Random(seed)
    originals = [*base.compiled.domain.actions, *base.compiled.domain.predicates]
    made: dict[str, str] = {}
    for word, name in zip(_words(rng), originals, strict=False):
        made[name] = word
    say = {}
    for name, word in made.items():
        places = len(set(re.findall(r"\{\d\}", base.say[name])))
        say[word] = " ".join([word, *(f"{{{i}}}" for i in range(places))])
    objects = {o: f"object {o}" for o in base.objects}
    return _world(rename(base.pddl, made), made, say, objects, "object {0}")


def _words(rng: random.Random) -> Iterator[str]:
    """Distinct words of ten letters that mean nothing."""
    seen: set[str] = set()
    while True:
        word = "".join(rng.choice("bcdfghjklmnpqrstvwxz") + rng.choice("aeiou") for _ in range(5))
        if word not in seen:
            seen.add(word)
            yield word


def _world(
    pddl: str,
    names: Mapping[str, str],
    say: Mapping[str, str],
    objects: Mapping[str, str],
    variable: str,
    also: Mapping[str, str] | None = None,
) -> World:
    compiled = compile_domain(parse_domain(pddl))
    actions = compiled.domain.actions
    verbs = {re.sub(r"\{.*| the \{.*", "", say[a]).strip(): (a, len(actions[a].parameters)) for a in actions}
    verbs |= {a: (a, len(actions[a].parameters)) for a in actions}
    verbs |= {phrase: (a, len(actions[a].parameters)) for phrase, a in (also or {}).items()}
    phrases = {phrase: o for o, phrase in objects.items()}
    # "the red one", "red": the first word stands for the object where no other object has it.
    shorts = [phrase.split()[0] for phrase in objects.values()]
    phrases |= {p.split()[0]: o for o, p in objects.items() if shorts.count(p.split()[0]) == 1}
    full = {n: n for n in (*actions, *compiled.domain.predicates)} if not names else dict(names)
    return World(pddl, full, say, objects, variable, compiled, Lexicon(verbs, phrases))
