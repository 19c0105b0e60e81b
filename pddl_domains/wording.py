"""The English wording of a domain: a small YAML file, checked against the domain with messages that name the line.

Sections, all optional but the first two for the domains shipped here. Without a wording, a name stands for itself:

    actions:    {pick-up: pick up the {0}}     {0}, {1} stand for the objects, in the order of the parameters
    predicates: {clear: the {0} is clear}
    also:       {stack: [place], on: [...]}    what a reader understands as well: starts of an action, other sentences
    objects:    {a: red block, p#: package_#}  # stands for a number; for objects not listed their names are used
    variable:   block {0}                      how a parameter is written in the rules
    renamed:    {stack: _ {0} from {1}}        its sentence under any other name, for which _ stands
    mystery:    {stack: overcome}              the other names of the mystery world
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import yaml

from harness.errors import DataError
from harness.pddl.parse import Domain

SECTIONS = ("actions", "predicates", "also", "objects", "variable", "renamed", "mystery")
PLACE = re.compile(r"\{(\d)\}")


class WordingError(DataError):
    """A wording that does not fit its domain; the message names the line."""


@dataclass(frozen=True)
class Wording:
    """Sentences for every action and predicate (`say`), other phrases for them, and phrases for objects."""

    say: Mapping[str, str]
    also: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    objects: Mapping[str, str] = field(default_factory=dict)
    variable: str = "{0}"
    renamed: Mapping[str, str] = field(default_factory=dict)
    mystery: Mapping[str, str] = field(default_factory=dict)

    @functools.cached_property
    def _phrases(self) -> dict[str, str]:
        return dict(self.objects)

    def phrase(self, name: str) -> str:
        """The phrase for an object; its own name if the wording has no other."""
        said = self._phrases.get(name)
        if said is None:
            said = self._phrase(name)
            if len(self._phrases) < 10_000:
                self._phrases[name] = said
        return said

    def _phrase(self, name: str) -> str:
        pattern = re.sub(r"\d+", "#", name)
        if pattern in self.objects:
            numbers = iter(re.findall(r"\d+", name))
            return re.sub("#", lambda _: next(numbers, ""), self.objects[pattern])
        return name

    @property
    def neutral(self) -> bool:
        """Whether the names of objects mean nothing (a, b, c), so that no world needs other ones."""
        return bool(self.objects) and all(len(name) == 1 for name in self.objects)


def default_say(name: str, arity: int) -> str:
    """A sentence for a name without a wording: `lift {0} {1}`."""
    return " ".join([name, *(f"{{{i}}}" for i in range(arity))])


def arities(domain: Domain) -> dict[str, int]:
    """The number of arguments of every action and predicate."""
    return {a.name: len(a.parameters) for a in domain.actions.values()} | {
        p: len(s) for p, s in domain.predicates.items()
    }


def read_wording(text: str, domain: Domain, where: str = "wording.yaml") -> Wording:
    """The wording in a YAML text. Raises WordingError, with the line, for a text that is not YAML, not of this form, or
    not about this domain."""
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}" if mark else ""
        raise WordingError(f"{where}{place}: not valid YAML: {getattr(error, 'problem', error)}") from None
    sections = _mapping(root, where, "the file") if root is not None else {}
    for key, (line, _) in sections.items():
        if key not in SECTIONS:
            raise WordingError(f"{where}, line {line}: there is no section '{key}'", f"sections: {', '.join(SECTIONS)}")
    known, actions = arities(domain), set(domain.actions)
    kinds = set(domain.types) | set(domain.constants)
    say = {name: default_say(name, n) for name, n in known.items()}
    for section, names in (("actions", actions), ("predicates", set(domain.predicates))):
        for name, line, sentence in _texts(sections, section, where):
            _is_known(name, names, line, where, section)
            _check_places(sentence, known[name], line, where, ordered=section == "actions")
            say[name] = sentence
    renamed = {}
    for name, line, sentence in _texts(sections, "renamed", where):
        _is_known(name, set(known), line, where, "renamed")
        _check_places(sentence, known[name], line, where, ordered=name in actions)
        if not sentence.startswith("_ ") and (name in actions or " _ " not in f"{sentence} "):
            raise WordingError(f"{where}, line {line}: '{sentence}' must hold the name's place, a _ of its own")
        renamed[name] = sentence
    mystery: dict[str, str] = {}
    for name, line, word in _texts(sections, "mystery", where):
        _is_known(name, set(known) | kinds, line, where, "mystery")
        if not re.fullmatch(r"[a-z][a-z-]*", word) or word in mystery.values():
            raise WordingError(f"{where}, line {line}: '{word}' must be a word in lower case that no other name has")
        mystery[name] = word
    variable = "{0}"
    if "variable" in sections:
        line, node = sections["variable"]
        variable = _text(node, where)
        _check_places(variable, 1, line, where, ordered=True)
    objects = {}
    for name, line, phrase in _texts(sections, "objects", where):
        if name.count("#") != phrase.count("#"):
            raise WordingError(f"{where}, line {line}: '{name}' and '{phrase}' differ in #", 'quotes keep it: "ball #"')
        objects[name] = phrase
    return Wording(say, _also(sections, known, actions, where), objects, variable, renamed, mystery)


_Section = tuple[int, yaml.Node]


def _mapping(node: yaml.Node, where: str, what: str) -> dict[str, _Section]:
    """Each key with its line and value. Keys are text, also `on`, which YAML takes for true."""
    line = node.start_mark.line + 1
    if not isinstance(node, yaml.MappingNode):
        raise WordingError(f"{where}, line {line}: {what} must be a mapping, name: value")
    found: dict[str, _Section] = {}
    for key, value in node.value:
        line = key.start_mark.line + 1
        name = _text(key, where)
        if name in found:
            raise WordingError(f"{where}, line {line}: '{name}' comes twice")
        found[name] = (line, value)
    return found


def _text(node: yaml.Node, where: str) -> str:
    if not isinstance(node, yaml.ScalarNode) or not node.value.strip():
        raise WordingError(f"{where}, line {node.start_mark.line + 1}: expected a text")
    return str(node.value).strip()


def _texts(sections: Mapping[str, _Section], name: str, where: str) -> list[tuple[str, int, str]]:
    """(name, line, text) of a section's rows."""
    if name not in sections:
        return []
    rows = _mapping(sections[name][1], where, f"section {name}")
    return [(key.lower(), line, _text(node, where)) for key, (line, node) in rows.items()]


def _also(
    sections: Mapping[str, _Section], known: Mapping[str, int], actions: set[str], where: str
) -> dict[str, tuple[str, ...]]:
    if "also" not in sections:
        return {}
    found: dict[str, tuple[str, ...]] = {}
    for name, (line, node) in _mapping(sections["also"][1], where, "section also").items():
        _is_known(name, set(known), line, where, "also")
        if not isinstance(node, yaml.SequenceNode):
            raise WordingError(f"{where}, line {line}: expected a list of phrases")
        phrases = tuple(_text(item, where) for item in node.value)
        for phrase in phrases:
            _check_places(phrase, 0 if name in actions else known[name], line, where, ordered=False)
        found[name] = phrases
    return found


def _is_known(name: str, names: set[str], line: int, where: str, section: str) -> None:
    if name not in names:
        raise WordingError(f"{where}, line {line}: {section}: the domain has no '{name}'", f"it has {_listed(names)}")


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _check_places(sentence: str, arity: int, line: int, where: str, ordered: bool) -> None:
    """Raises WordingError unless every argument has its place, if `ordered` (an action) in the order of the parameters,
    in which they are read back."""
    places: Sequence[int] = [int(n) for n in PLACE.findall(sentence)]
    rest = PLACE.sub("", sentence)
    if "{" in rest or "}" in rest:
        raise WordingError(f"{where}, line {line}: '{sentence}': braces hold a number, as in {{0}}")
    if sorted(places) != list(range(arity)):
        wanted = ", ".join(f"{{{i}}}" for i in range(arity)) or "no places"
        raise WordingError(f"{where}, line {line}: '{sentence}' must have {wanted}, each once")
    if ordered and list(places) != sorted(places):
        raise WordingError(f"{where}, line {line}: '{sentence}': the places of an action stand in order")
