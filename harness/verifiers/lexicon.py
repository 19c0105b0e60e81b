"""How a planning domain is said in words: what plan_text reads plans with."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from harness.verifiers.fact_text import loose, loose_pattern

BETWEEN_NAMES = r"(?: *, *| +(?:(?:from|into|onto|on top of|on|upon|to|with|off|at|in|over|by|via) +)?)"
"""What may stand between bare names: "c from b", "b, a"."""


@dataclass(frozen=True)
class Lexicon:
    """How a domain is said in words, all in lower case.

    `verbs` maps the phrase an action starts with ("pick up") to the actions that start so; `actions` maps an action
    to its whole sentence ("use {0} to lift {1} ...") and the number of its objects; `objects` maps a phrase ("red
    block", "object a") to the PDDL object.
    """

    verbs: Mapping[str, tuple[str, ...]]
    actions: Mapping[str, tuple[str, int]]
    objects: Mapping[str, str]
    facts: frozenset[str] = frozenset()
    """Names of facts, which are no actions when they stand in parentheses."""
    _verb: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _parted: re.Pattern[str] | None = field(init=False, repr=False, compare=False)
    _joint: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _object: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _bare: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _starts: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    _parted_starts: tuple[tuple[str, ...], ...] = field(init=False, repr=False, compare=False)
    _names: dict[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        verbs = sorted(self.verbs, key=len, reverse=True)  # "unstack from" is not read as "unstack"
        inflected = [_inflected(v) for v in verbs]
        names = _alternatives(dict.fromkeys(self.objects.values()))
        # A name such as "a" is a word as well; one with a number is not.
        said = {*self.objects, *(n for n in self.objects.values() if re.search(r"\d", n))}
        phrases = "|".join(loose_pattern(p) for p in sorted(said, key=len, reverse=True))
        put = object.__setattr__
        put(self, "_verb", re.compile(rf"(?:{'|'.join(f'({v})' for v in inflected)})\b"))
        put(self, "_starts", tuple(self.verbs[v] for v in verbs))
        # "put the red block down": a verb of two words with its object between them.
        parted = [v for v in verbs if len(v.split(" ")) == 2]
        between = [_inflected(v.split(" ")[0]) + rf" ((?:the |an? )?(?:{phrases}|{names}|it)) {v.split(' ')[1]}"
                   for v in parted]  # fmt: skip
        put(self, "_parted", re.compile(rf"(?:{'|'.join(f'({v})' for v in between)})\b") if parted else None)
        put(self, "_parted_starts", tuple(self.verbs[v] for v in parted))
        joint = r"(?:\s*[,;]\s*(?:and\s+)?(?:then\s+)?|\s+and\s+(?:then\s+)?|\s+then\s+)"
        put(self, "_joint", re.compile(rf"{joint}(?=(?:{'|'.join([*inflected, *_first_words(parted)])})\b)"))
        put(self, "_object", re.compile(rf"\b(?:{phrases})\b"))
        # "c on the table", "c from a to clear a"; but "hoist1 to lift crate0" goes on with what has a number.
        more = "" if any(re.search(r"\d", n) for n in said) else "|(?:to|so|because|since|which|from|on|onto) .*"
        bare = rf"[ (\[]*((?:{names})(?:{BETWEEN_NAMES}(?:{names}))*)[ )\]]*(?:[.,;:(].*{more})?"
        put(self, "_bare", re.compile(bare))
        names_said = {loose(name): name for name in said.intersection(self.objects.values())}
        put(self, "_names", names_said | {loose(phrase): name for phrase, name in self.objects.items()})

    def verb(self, content: str) -> tuple[tuple[str, ...], str] | None:
        """(actions, rest of the text) where the text starts with the phrase of one or more actions."""
        m = self._verb.match(content)
        if m:
            assert m.lastindex
            return self._starts[m.lastindex - 1], content[m.end() :]
        m = self._parted.match(content) if self._parted else None
        if m:
            assert m.lastindex
            which = next(i for i in range(len(self._parted_starts)) if m.group(2 * i + 1) is not None)
            return self._parted_starts[which], f" {m.group(2 * which + 2)}{content[m.end() :]}"
        return None

    def clauses(self, content: str) -> list[str]:
        """Its parts, where several actions are joined: "pick up ... and stack it on ..."."""
        return self._joint.split(content)

    def mentions(self, content: str) -> bool:
        """Whether an object is named in the domain's words."""
        return bool(self._object.search(content))

    def phrase(self, name: str) -> str:
        """How an object is said."""
        return next((phrase for phrase, of in self.objects.items() if of == name), name)

    def named(self, rest: str) -> list[str]:
        """The objects that a step names, in order: in the domain's words, or as bare names and nothing else."""
        bare = self._bare.fullmatch(rest.replace('"', "").replace("'", ""))
        if bare:
            return re.split(BETWEEN_NAMES, bare.group(1))
        return [self._names[loose(m.group())] for m in self._object.finditer(rest)]

    def which(self, actions: tuple[str, ...], rest: str, objects: int) -> tuple[str, ...]:
        """Of actions that start alike, those with so many objects ("put a on b", "put a on the table"), and of these
        those whose other words stand in the text ("use ... to lift"), where there are such."""
        if len(actions) == 1:
            return actions
        fitting = tuple(a for a in actions if self.actions[a][1] == objects)
        if fitting:
            actions = fitting
        words = set(re.findall(r"[a-z]+", rest))
        scores = {a: len(words.intersection(re.findall(r"[a-z]+", self.actions[a][0]))) for a in actions}
        return tuple(a for a in actions if scores[a] == max(scores.values()))


def _inflected(phrase: str) -> str:
    """A phrase with or without its blanks ("pick-up"), its first word also as it stands after "he" or in the past.

    Not "picking up": that is how steps are explained.
    """
    first, *rest = re.split(r"[ -]", phrase)
    stem, last = (first[:-1], "e") if first.endswith("e") else (first, first[-1:])
    ends = "e|es|ed" if last == "e" else f"s|es|ed|{re.escape(last)}ed"
    word = rf"{re.escape(stem)}(?:{ends}){'' if last == 'e' else '?'}"
    return "[ _-]?".join([word, *map(re.escape, rest)])


def _first_words(phrases: Sequence[str]) -> list[str]:
    return [_inflected(p.split(" ")[0]) for p in phrases]


def _alternatives(phrases: Mapping[str, object]) -> str:
    """Longer phrases first, so that "unstack from" is not read as "unstack"."""
    return "|".join(re.escape(p) for p in sorted(phrases, key=len, reverse=True))
