"""Planning domains, one folder each (PDDL, and its English wording), and any domain under other names.

A world is a domain under some names. `plain` has its own names; `mystery` has words that mislead; `random` has words
that mean nothing, other ones for every seed, so that no model has been trained on them.
"""

from __future__ import annotations

import functools
import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources

from harness.errors import DataError, UsageError
from harness.pddl.compile import CompiledDomain, compile_domain
from harness.pddl.fact_text import FactLexicon
from harness.pddl.lexicon import Lexicon
from harness.pddl.parse import OBJECT, Action, Domain, Fact, Node, parse_domain, read, typed
from harness.pddl_domains.wording import Wording, arities, default_say, read_wording
from harness.seeds import derive

SHIPPED = ("blocksworld", "checkers", "depots", "gripper", "hanoi", "logistics", "river", "sokoban")
WORLDS = ("plain", "mystery", "random")
UNNAMED = "unnamed"
"""The name of domains and problems whose own name would show what they are about."""


@dataclass(frozen=True, eq=False)  # made once a set of names, so compared and hashed by identity
class World:
    """A domain under some names: its PDDL, and how actions, facts and objects are put into words and read.

    `names` maps the original names to those used here (it is empty for the plain world): actions, predicates, types,
    constants, the domain's own name, and variables (`?x`), whose names may show what they stand for too.
    """

    pddl: str
    names: Mapping[str, str]
    wording: Wording
    base: World | None = field(default=None, repr=False)
    """The plain world that was renamed; None for a plain one."""

    @functools.cached_property
    def compiled(self) -> CompiledDomain:
        """The domain, ready to run plans. It is made when first needed, since each instance may have a random world of
        its own."""
        return compile_domain(parse_domain(self.pddl))

    @property
    def domain(self) -> Domain:
        """The domain as data, in this world's names."""
        return self.compiled.domain

    @functools.cached_property
    def _said(self) -> dict[Fact, str]:
        return {}

    def sentence(self, atom: Fact) -> str:
        """The sentence for an action or a fact in this world's names; `?x` becomes a variable."""
        said = self._said.get(atom)
        if said is None:
            said = self._say(atom)
            if len(self._said) < 10_000:  # samples of a world repeat the same sentences
                self._said[atom] = said
        return said

    def _say(self, atom: Fact) -> str:
        name, *arguments = atom
        said = (
            self.wording.variable.format(a[1:].upper()) if a.startswith("?") else self.wording.phrase(a)
            for a in arguments
        )
        return self.wording.say[name].format(*said)

    def rename(self, text: str, objects: Mapping[str, str] | None = None) -> str:
        """PDDL text of the plain world in this world's names; `objects` renames objects too."""
        return rename(text, {**self.names, **(objects or {})})

    def other_objects(self, names: list[str], seed: int) -> dict[str, str]:
        """Names for a problem's objects that mean nothing (o1, o2, ... in random order); empty if their own names mean
        nothing, and in the plain world."""
        if not self.names or self.wording.neutral:
            return {}
        shuffled = random.Random(seed).sample(sorted(names), len(names))
        return {name: f"o{i}" for i, name in enumerate(shuffled, 1)}

    @functools.cached_property
    def rules(self) -> str:
        """The actions in words, a line each, in the same form whatever the names: what they need and what they do.

        Raises UsageError if the domain has conditions or effects that go beyond lists of facts.
        """
        return self._rules(False)

    @functools.cached_property
    def exact_rules(self) -> str:
        """The same with nothing left to guess: each fact that ends is one for itself, what is not mentioned stays, and
        the kinds have a place of their own. (Released samples have `rules`.)"""
        return self._rules(True)

    def _rules(self, exact: bool) -> str:
        if self.base is not None:
            return _MARKED.sub(self._unmarked, _marked_rules(self.base, exact))
        actions = [self._rule(action, exact) for action in self.domain.actions.values()]
        kinds = self._hierarchy(exact)
        if not exact:
            return "\n".join([*actions, *kinds])
        parts = ["\n".join(actions), _EXACTLY]
        return "\n\n".join([*parts, "\n".join(["Kinds:", *kinds])] if kinds else parts)

    def _unmarked(self, m: re.Match[str]) -> str:
        name = self.names[m.group(2)]
        return _a(name) if m.group(1) else name

    def _hierarchy(self, exact: bool) -> list[str]:
        """The lines about types that the rules need, such as "Every crate is a surface"."""
        asked = {kind for action in self.domain.actions.values() for _, kinds in action.parameters for kind in kinds}
        pairs = [(t, s) for t in self.domain.types for s in sorted(self.domain.supertypes(t) & asked) if s != t]
        pairs = [(_kind(t, exact), _kind(s, exact)) for t, s in pairs if s != OBJECT]
        return [f"- Every {t} is {_a(s)}." for t, s in pairs]

    def _rule(self, action: Action, exact: bool) -> str:
        needs, effects = (list(self._atoms(node)) for node in (action.precondition, action.effect))
        types = [(v, [_kind(k, exact) for k in own]) for v, own in action.parameters if own != (OBJECT,)]
        kinds = [f"{self._variable(v)} is {_a(' or '.join(own))}" for v, own in types]
        needed = kinds + [(text if true else f"it is not true that {text}") for true, text in needs]
        does = f"- {self.sentence((action.name, *(name for name, _ in action.parameters)))}:"
        does += f" possible only if {_listed(needed)}" if needed else " always possible"
        added, gone = [t for true, t in effects if true], [t for true, t in effects if not true]
        parts = [does]
        parts += [f"afterwards it is true that {_listed(added)}"] if added else []
        if gone and exact:
            facts = "this is no longer true" if len(gone) == 1 else "these are no longer true"
            parts.append(f"{'and' if added else 'afterwards'} {facts}: {'; '.join(gone)}")
        elif gone:
            parts.append(f"{'and' if added else 'afterwards it is'} no longer true that {_listed(gone)}")
        return "; ".join(parts) + "."

    def _variable(self, name: str) -> str:
        return self.wording.variable.format(name[1:].upper())

    def _atoms(self, node: Node | None) -> Iterator[tuple[bool, str]]:
        """Yields (whether it is asserted, its sentence) for each fact and inequality of a conjunction. Raises
        UsageError for anything else."""
        if not node:
            return
        if node[0] == "and":
            for part in node[1:]:
                if isinstance(part, Node):
                    yield from self._atoms(part)
        elif node[0] == "not" and isinstance(node[1], Node):
            ((true, text),) = self._atoms(node[1])
            yield not true, text
        elif node[0] == "forall" and len(node) == 3:
            yield True, self._for_all(node)
        elif node[0] == "=" and all(isinstance(part, str) for part in node):
            yield True, " is the same as ".join(self._term(str(part)) for part in node[1:])
        elif node[0] == "increase" and isinstance(node[1], Node) and node[1][:1] == ["total-cost"]:
            return
        elif node[0] in self.domain.predicates:
            yield True, self.sentence(tuple(map(str, node)))
        else:
            raise UsageError(
                f"domain {self.domain.name}: ({node[0]} ...) can't be said in words yet", "use -T prompt=pddl"
            )

    def clause(self, condition: str) -> tuple[bool, str]:
        """(whether it is asserted, its sentence) of one condition in PDDL. Raises PDDLError for what is not PDDL,
        UsageError for what can't be said in words."""
        [found] = self._atoms(read(condition, "condition"))
        return found

    def _for_all(self, node: Node) -> str:
        """(forall (variables) (imply (facts) (facts))) as a clause. Raises UsageError for another form."""
        variables, body = node[1:]
        is_rule = isinstance(body, Node) and body[:1] == ["imply"]
        parts = [list(self._atoms(part)) for part in body[1:] if isinstance(part, Node)] if is_rule else []
        if len(parts) != 2 or not isinstance(variables, Node) or not all(true for part in parts for true, _ in part):
            raise UsageError(
                f"domain {self.domain.name}: (forall ...) can't be said in words unless it is (forall (...) (imply "
                "FACTS FACTS))",
                "use -T prompt=pddl",
            )
        there = [f"every {' or '.join(kinds)} {self._variable(v)}" for v, kinds in typed(variables, "domain")]
        given, then = (_listed([text for _, text in part]) for part in parts)
        return f"for {_listed(there)}: if it is true that {given}, then it is true that {then}"

    def _term(self, name: str) -> str:
        return self._variable(name) if name.startswith("?") else self.wording.phrase(name)

    def objects_by_kind(
        self, objects: Mapping[str, tuple[str, ...]], exact: bool = False
    ) -> list[tuple[str, list[str]]]:
        """(type, phrases of its objects) for each type of a problem; empty if no object has a type."""
        kinds: dict[str, list[str]] = {}
        for name, types in objects.items():
            kinds.setdefault(" or ".join(types), []).append(self.wording.phrase(name))
        return [] if set(kinds) <= {OBJECT} else [(_kind(kind, exact), phrases) for kind, phrases in kinds.items()]

    def lexicon(self, objects: frozenset[str]) -> Lexicon:
        """The lexicon for reading plans about these objects."""
        return _lexicon(self, objects | frozenset(n for n in self.wording.objects if "#" not in n))

    def facts(self, objects: frozenset[str]) -> FactLexicon:
        """The lexicon for reading facts about these objects."""
        return _fact_lexicon(self, objects)


@functools.lru_cache(maxsize=512)
def _lexicon(world: World, objects: frozenset[str]) -> Lexicon:
    verbs: dict[str, tuple[str, ...]] = {}
    templates = {}
    for action in world.domain.actions.values():
        template = world.wording.say[action.name]
        templates[action.name] = (template, len(action.parameters))
        start = re.sub(r"\{.*| the \{.*", "", template).strip() or action.name
        # "use {0} to lift {1}": the verb is the action's name, which stands within the sentence.
        starts = (start,) if action.name not in re.findall(r"[\w-]+", template.partition("{")[2]) else ()
        for phrase in dict.fromkeys((*starts, action.name, *world.wording.also.get(action.name, ()))):
            verbs[phrase] = (*verbs.get(phrase, ()), action.name)
    phrases = {world.wording.phrase(o): o for o in objects}
    # "block b": the kind of thing with its name, if names are letters.
    phrases |= {
        f"{phrase.split(' ')[-1]} {o}": o for phrase, o in list(phrases.items()) if " " in phrase and len(o) == 1
    }
    # "the red one", "red": the first word stands for the object if no other object has it.
    firsts = [re.split(r"[ _]", phrase)[0] for phrase in phrases]
    for phrase, name in list(phrases.items()):
        first = re.split(r"[ _]", phrase)[0]
        if firsts.count(first) == 1 and first.isalpha() and first != "the" and first != phrase:
            phrases[first] = name
    return Lexicon(verbs, templates, phrases, frozenset(world.domain.predicates))


@functools.lru_cache(maxsize=512)
def _fact_lexicon(world: World, objects: frozenset[str]) -> FactLexicon:
    templates: dict[str, tuple[str, ...]] = {}
    for name in world.domain.predicates:
        templates[name] = (world.wording.say[name], *world.wording.also.get(name, ()))
    counts = {name: len(signature) for name, signature in world.domain.predicates.items()}
    return FactLexicon(templates, counts, {world.wording.phrase(o): o for o in objects})


def _a(noun: str) -> str:
    if noun.startswith("\x02"):
        return f"\x04{noun}"
    return f"{'an' if noun[0] in 'aeiou' else 'a'} {noun}"


_EXACTLY = (
    "What an action does not mention stays as it is. What it makes true is true afterwards, even if the action also "
    "says that it is no longer true."
)
"""The second: a robot may go from a room to the same room."""


def _kind(name: str, exact: bool) -> str:
    """A type in words: `red-checker` is a red checker."""
    return name.replace("-", " ") if exact and "\x02" not in name else name


def _listed(phrases: list[str]) -> str:
    return phrases[0] if len(phrases) == 1 else f"{', '.join(phrases[:-1])} and {phrases[-1]}"


def rename(text: str, names: Mapping[str, str]) -> str:
    """A PDDL text with every name replaced. If the map is one-to-one, its inverse undoes it."""
    return re.sub(r"[^\s()]+", lambda m: names.get(m.group().lower(), m.group()), text)


def without_comments(text: str) -> str:
    """PDDL without comments, which would show what a domain is about, whatever its names."""
    lines = (line.partition(";")[0].rstrip() for line in text.split("\n"))
    return "\n".join(line for line in lines if line) + "\n"


def _file(domain: str, name: str) -> str:
    return (resources.files("harness.pddl_domains") / domain / name).read_text(encoding="utf-8")


@functools.cache
def plain(domain: str) -> World:
    """One of our domains under its own names. Raises DataError for an unknown domain."""
    if domain not in SHIPPED:
        raise DataError(f"there is no domain {domain!r}", f"domains: {', '.join(SHIPPED)}")
    return own(_file(domain, "domain.pddl"), _file(domain, "wording.yaml"), f"{domain}/wording.yaml")


@functools.lru_cache(maxsize=64)
def own(pddl: str, wording: str = "", where: str = "wording.yaml") -> World:
    """A user's own domain, from its text; without a wording, names stand for themselves. Raises PDDLError for a text
    that is not a domain, WordingError for a wording that does not fit it."""
    text = without_comments(pddl)
    return World(text, {}, read_wording(wording, parse_domain(text), where))


@functools.lru_cache(maxsize=64)
def mystery(base: World) -> World:
    """A plain world under names that hide what it is about; they are always the same ones."""
    rng = random.Random(derive("mystery", base.pddl))
    verbs, nouns = rng.sample(VERBS, len(VERBS)), rng.sample(NOUNS, len(NOUNS))
    taken = set(base.wording.mystery.values())
    words = {
        True: (w for w in verbs if w not in taken),
        False: (w for w in nouns if w not in taken),
    }
    made = dict(base.wording.mystery)
    for name in _originals(base):
        if name not in made:
            made[name] = next(words[name in base.domain.actions], None) or f"w{len(made)}"
    return _renamed(base, made)


@functools.lru_cache(maxsize=4096)
def randomised(base: World, seed: int) -> World:
    """A plain world under names that mean nothing, other ones for every seed, so that no model has been trained on
    them."""
    return _renamed(base, dict(zip(_originals(base), _words(random.Random(seed)), strict=False)))


def _originals(base: World) -> list[str]:
    """What a renaming renames: actions, predicates, types and constants, each once."""
    d = base.domain
    return list(dict.fromkeys([*d.actions, *d.predicates, *(t for t in d.types if t != OBJECT), *d.constants]))


def _words(rng: random.Random) -> Iterator[str]:
    """Distinct words of ten letters that mean nothing."""
    seen: set[str] = set()
    while True:
        word = "".join(rng.choice("bcdfghjklmnpqrstvwxz") + rng.choice("aeiou") for _ in range(5))
        if word not in seen:
            seen.add(word)
            yield word


def _renamed(base: World, words: Mapping[str, str]) -> World:
    """The base world under these names. The words around the names are the same, whatever the names are."""
    names = dict(words)
    names.setdefault(base.domain.name, UNNAMED)
    variables = dict.fromkeys(re.findall(r"\?[^\s()]+", base.pddl.lower()))
    if any(len(v) > 2 for v in variables):
        names |= {v: f"?x{i}" for i, v in enumerate(variables, 1)}
    return World(rename(base.pddl, names), names, _renamed_wording(base, names), base)


def _renamed_wording(base: World, names: Mapping[str, str]) -> Wording:
    say = {
        names[name]: base.wording.renamed.get(name, default_say("_", n)).replace("_", names[name], 1)
        for name, n in arities(base.domain).items()
    }
    objects = {o: f"object {o}" for o in base.wording.objects} if base.wording.neutral else {"o#": "object o#"}
    return Wording(say, objects=objects, variable="object {0}" if base.wording.variable != "{0}" else "{0}")


_MARKED = re.compile("(\x04?)\x02([^\x03]*)\x03")
"""A name between marks, and whether an article is to stand before it."""


@functools.lru_cache(maxsize=64)
def _marked_rules(base: World, exact: bool) -> str:
    """The rules of the base for any renaming of it, with each name between marks."""
    marked = {name: f"\x02{name}\x03" for name in _originals(base)}
    world = _renamed(base, marked)
    found = World(world.pddl, world.names, world.wording)
    return found.exact_rules if exact else found.rules


VERBS = (
    "admire annoy applaud avoid bless borrow celebrate charm comfort compare confess copy curse dance decorate deny "
    "doubt dream educate envy excuse fear flatter forget forgive greet guess honour ignore imagine imitate inherit "
    "interrupt invent invite juggle laugh listen mend mock mourn nod obey paint pardon pity polish ponder praise "
    "remember rescue ridicule salute scold season sigh sneeze tease thank tickle translate trust wander whisper yawn"
).split()
NOUNS = (
    "anthem apple autumn ballad banner basil breeze bronze candle canyon carnival cedar cello clover comet coral "
    "crimson daisy dawn echo ember fable fathom feather fern fog garnet ginger glacier grove harbour harvest heron "
    "honey island ivory jasmine jigsaw kettle lantern legend lemon lullaby lyric maple marble meadow melody mirror "
    "mist nectar noon ocean olive opal orchid pebble pepper picnic prairie proverb quartz quill rainbow raven ribbon "
    "riddle saffron sapphire shadow silk sonnet sparrow spice sunset tailor tale thistle thunder tulip velvet "
    "violet waltz willow winter wisdom zephyr"
).split()
