"""How a planning domain is put into words: its verbs, its objects, and the step that a clause with these means."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from harness.pddl.fact_text import loose, loose_pattern

Step = tuple[str, ...]
"""An action and its objects; "" stands for an object that was left out."""
Fits = Callable[[Step], bool]
"""Whether the objects of a step are of the right kinds, as Validator.of_kinds."""

_PREPOSITIONS = (
    "from on top of|from the top of|from atop|on top of|on to|out of|while standing in|while in|in direction|"
    "from|into|onto|upon|on|to|towards|with|using|off|at|inside|in|within|over|by|via|atop|under"
)
_SAME_ROLE = {
    "onto": "on", "upon": "on", "atop": "on", "over": "on", "on top of": "on", "on to": "on", "into": "in",
    "inside": "in", "within": "in", "towards": "to", "using": "with", "off": "from", "out of": "from",
    "from on top of": "from", "from the top of": "from", "from atop": "from", "while standing in": "while",
    "while in": "while", "in direction": "direction",
}  # fmt: skip
_ROLE = re.compile(rf"(?<![a-z])({_PREPOSITIONS})(?: (?:{_PREPOSITIONS}|of|the|top|a|an))*[\s:=_(\"']*$")
"""The preposition right before an object, which shows its place. The first one counts ("from on top of the")."""
_IRREGULAR = {
    "take": "took|taken", "drive": "drove|driven", "fly": "flew|flown", "put": "put", "set": "set",
    "give": "gave|given", "forgive": "forgave|forgiven", "overcome": "overcame", "forget": "forgot|forgotten",
    "teach": "taught", "get": "got",
    "hold": "held", "leave": "left", "bring": "brought", "make": "made", "lay": "laid", "let": "let", "go": "went|gone",
    "sing": "sang|sung", "feed": "fed", "send": "sent", "build": "built", "carry": "carried", "move": "moved",
    "cast": "cast", "cut": "cut", "hit": "hit", "shut": "shut", "sell": "sold", "tell": "told", "throw": "threw|thrown",
}  # fmt: skip


_AFTER_NAME = (
    r"[^\w\s'-]|'(?![a-z])|$|,? (?:from|on|onto|into|to|with|using|off|at|in|and|then|upon|over|down|up|so|"
    r"because|since|which|is|by|for|away|first|"
    r"next|now|again|before|after|down|the|atop|without|as|while|back|aside|directly|–|—|-)(?![\w'])|_"
)
"""What may stand behind a name of one letter that is a word of English too."""


_WORD = re.compile(r"[^\W_]+")
MOST_ORDERS = 120
LONGEST_NAME = 40


class Verb(NamedTuple):
    """The words of an action at some place in a text: the actions that start with these words, and where the words end.
    `between` is the object that stands within them ("put the red block down")."""

    actions: tuple[str, ...]
    end: int
    between: str = ""


class Named(NamedTuple):
    """An object that a text names, and where."""

    start: int
    end: int
    name: str


@dataclass(frozen=True)
class Lexicon:
    """The words of a domain, all in lower case.

    `verbs` maps a phrase ("pick up") to the actions that start with it; `actions` maps an action to its whole sentence
    ("use {0} to lift {1} ...") and the number of its objects; `objects` maps a phrase ("red block", "object a") to the
    PDDL object.
    """

    verbs: Mapping[str, tuple[str, ...]]
    actions: Mapping[str, tuple[str, int]]
    objects: Mapping[str, str]
    facts: frozenset[str] = frozenset()
    """Names of predicates: in parentheses they are facts, not actions."""
    read: dict[str, object] = field(init=False, repr=False, compare=False, default_factory=dict)
    """How sentences were read before: responses repeat the same few."""
    words: frozenset[str] = field(init=False, repr=False, compare=False)
    """All words of the actions' sentences."""
    _verbs: _Spelled = field(init=False, repr=False, compare=False)
    _object: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _bare: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _names: dict[str, str] = field(init=False, repr=False, compare=False)
    _roles: dict[str, tuple[str, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        names = {loose(name): name for name in self.objects.values()}
        names |= {loose(phrase): name for phrase, name in self.objects.items()}
        phrases = sorted({*self.objects, *self.objects.values()}, key=len, reverse=True)
        letters = [p for p in phrases if len(p) == 1]
        said = "|".join(loose_pattern(p) for p in phrases if len(p) > 1) or "(?!)"
        # A name such as "a" is a word as well: it counts only if other names leave an object out. "a" and "i" must also
        # stand before something that may follow a name.
        others = rf",? (?:{'|'.join(map(re.escape, letters))})\b"
        words = rf"(?<![a-z0-9])(?<![a-z]')(?:(?<=the )[ai]|[ai](?={_AFTER_NAME}|{others}))"
        bare = rf"{said}|(?![ai]){_one_of(letters)}(?!'[a-z])|(?:{words})(?<={_one_of(letters)})" if letters else said
        put(self, "_object", re.compile(rf"(?<![a-z0-9])(?:{said})(?![a-z0-9])"))
        put(self, "_bare", re.compile(rf"(?<![a-z0-9])(?:{bare})(?![a-z0-9])") if letters else self._object)
        put(self, "_names", names)
        put(
            self, "words", frozenset(w for sentence, _ in self.actions.values() for w in re.findall("[a-z]+", sentence))
        )
        phrases_of_verbs = tuple(sorted(self.verbs, key=lambda v: (-len(v.split(" ")), -len(v))))
        put(self, "_verbs", _spelled(phrases_of_verbs))
        put(self, "_roles", {a: _roles(sentence, n) for a, (sentence, n) in self.actions.items()})

    def starts(self, text: str, position: int = 0) -> bool:
        """Whether an action's words, or the first of them, stand at this place."""
        word = _WORD.match(text, position)
        return word is not None and word.group() in self._verbs.words

    def verb_in(self, text: str, position: int = 0) -> int:
        """The place of the first verb at or behind `position`, -1 if there is no verb."""
        words = self._verbs.words
        return next((m.start() for m in _WORD.finditer(text, position) if m.group() in words), -1)

    def verbs_at(self, text: str, position: int = 0) -> list[Verb]:
        """Every verb that may start at `position`: first those with an object within them, then the others, longest
        first."""
        if not self.starts(text, position):
            return []
        found = []
        for verb, pattern in self._verbs.split:
            m = pattern.match(text, position)
            if m and (m.group(1) in ("it", "them") or self.name(m.group(1)) is not None):
                found.append(Verb(self.verbs[verb], m.end(), m.group(1)))
        for verb, spellings in self._verbs.whole:
            if text.startswith(spellings, position):
                ends = (position + len(said) for said in spellings if text.startswith(said, position))
                end = next((end for end in ends if not text[end : end + 1].isalnum()), -1)
                if end >= 0:
                    found.append(Verb(self.verbs[verb], end))
        return found

    def own_sentence(self, text: str, fits: Fits) -> Step | None:
        """The step, if the text is an action's whole sentence in the domain's own words and nothing else, as most texts
        are; None if it is not."""
        for action, (sentence, _) in self.actions.items():
            if not text.startswith(sentence[: sentence.find("{")]):
                continue
            objects = _filled(sentence, text, self._names)
            if objects is not None and fits((action, *objects)):
                return (action, *objects)
        return None

    def mentions(self, text: str) -> bool:
        """Whether the text names an object; names of one letter do not count."""
        return bool(self._object.search(text))

    def without_objects(self, text: str) -> str:
        """The text with a blank in place of each object."""
        return self._object.sub(" ", text)

    def named(self, text: str, least: int = 0) -> list[Named]:
        """The objects that a text names, in order. Names of one letter count if there are fewer than `least` others."""
        found = [Named(m.start(), m.end(), self._names[loose(m.group())]) for m in self._object.finditer(text)]
        if len(found) < least and self._bare is not self._object:
            found = [Named(m.start(), m.end(), self._names[loose(m.group())]) for m in self._bare.finditer(text)]
        return found

    def name(self, phrase: str) -> str | None:
        """The object that a phrase names, None if it names none."""
        return self._names.get(loose(phrase.strip()))

    def phrase(self, name: str) -> str:
        """The phrase for an object, or its name if it has no phrase."""
        return next((phrase for phrase, of in self.objects.items() if of == name), name)

    def number_of(self, actions: Sequence[str]) -> tuple[int, int]:
        """(least, greatest) number of objects of these actions."""
        counts = [self.actions[a][1] for a in actions]
        return min(counts), max(counts)

    def step(self, actions: tuple[str, ...], lead: str, rest: str, fits: Fits) -> Step | None:
        """The step that these words mean: one of `actions`, with objects from `rest`, and from `lead`, the words before
        the verb, if `rest` has too few. None if the action needs objects and none was found."""
        _, most = self.number_of(actions)
        after = self.named(rest, most)
        before = self.named(lead) if lead and len(after) < most else []
        best: Step | None = None
        for action in self._which(actions, f"{lead} {rest}", len(after)):
            count = self.actions[action][1]
            spans, texts = after[:count], rest
            if len(after) < count and before:
                shift = len(lead) + 1
                wanted = count - len(after)
                spans = before[:wanted] + [Named(n.start + shift, n.end + shift, n.name) for n in after]
                texts = f"{lead} {rest}"
            step = self._placed(action, spans, texts, fits)
            if step is None or (count and not any(step[1:])):
                continue
            if "" not in step and fits(step):
                return step
            if best is None or ("" in best and "" not in step):
                best = step
        return best

    def _placed(self, action: str, spans: Sequence[Named], text: str, fits: Fits) -> Step | None:
        """The step with the objects in their places: by the words before the objects if these show the places, else in
        order; in another order if only that one has the right kinds."""
        count = self.actions[action][1]
        names = [s.name for s in spans]
        if len(names) == count:
            step = (action, *names)
            by_role = self._by_role(action, spans, text)
            if by_role is not None and by_role != step and (fits(by_role) or not fits(step)):
                return by_role
            if fits(step):
                return step
            others = ((action, *order) for order in itertools.islice(itertools.permutations(names), MOST_ORDERS))
            return next((other for other in others if fits(other)), step)
        by_role = self._by_role(action, spans, text)
        choices: list[Step] = [
            (action, *(names[at.index(i)] if i in at else "" for i in range(count)))
            for at in itertools.combinations(range(count), len(names))
        ]
        if by_role is not None and fits(by_role):
            return by_role
        fitting = [c for c in choices if fits(c)]
        if not fitting and len(names) > 1:
            fitting = [
                (action, *(order[at.index(i)] if i in at else "" for i in range(count)))
                for at in itertools.combinations(range(count), len(names))
                for order in itertools.permutations(names)
            ]
            fitting = [c for c in fitting if fits(c)]
        return fitting[0] if fitting else (by_role or (choices[0] if choices else None))

    def _by_role(self, action: str, spans: Sequence[Named], text: str) -> Step | None:
        """The step with each object in the place that the word before it shows ("to b from a"); objects without such a
        word fill the first places that are left. None if no word shows a place, if two objects have the same place, or
        if one has none."""
        roles = self._roles[action]
        places: list[str] = [""] * len(roles)
        rest: list[str] = []
        end, placed = 0, False
        for span in spans:
            m = _ROLE.search(text[max(end, span.start - 40) : span.start])
            role = _SAME_ROLE.get(m.group(1), m.group(1)) if m else ""
            end = span.end
            index = roles.index(role) if role and role in roles else -1
            if index >= 0:
                if places[index]:
                    return None
                places[index] = span.name
                placed = True
            else:
                rest.append(span.name)
        for i, name in enumerate(places):
            if not name and rest and (not roles[i] or len(rest) >= places[i:].count("")):
                places[i] = rest.pop(0)
        return (action, *places) if placed and not rest else None

    def _which(self, actions: tuple[str, ...], text: str, objects: int) -> tuple[str, ...]:
        """Sorts actions that start alike ("put a on b", "put a on the table"): those that take the `objects` found or
        fewer come before those that take more, the nearest number first, then those that share most words with the
        text."""
        if len(actions) == 1:
            return actions
        words = set(re.findall(r"[a-z]+", text))

        def rank(action: str) -> tuple[bool, int, int]:
            sentence, count = self.actions[action]
            shared = len(words.intersection(re.findall(r"[a-z]+", sentence)))
            return (count > objects, -count if count <= objects else count, -shared)

        return tuple(sorted(actions, key=rank))


class _Spelled(NamedTuple):
    """How the verbs of a world are written.

    `words` are the first words of all spellings ("pick", "picking", "pickup"); `whole` has (verb, its spellings, the
    longest first); `split` has (verb, pattern) for verbs that may have an object within them ("put ... down").
    """

    words: frozenset[str]
    whole: tuple[tuple[str, tuple[str, ...]], ...]
    split: tuple[tuple[str, re.Pattern[str]], ...]


@lru_cache(maxsize=64)
def _spelled(verbs: tuple[str, ...]) -> _Spelled:
    """The spellings of these phrases, which come longest first. Kept, since verbs seldom differ from problem to
    problem."""
    whole = [(v, _spellings(v)) for v in verbs]
    split: list[tuple[str, re.Pattern[str]]] = []
    for v in verbs:
        first, *rest = v.split(" ")
        if len(rest) == 1:
            between = rf"(?:the |an? )?([a-z0-9][^,;:.()\n]{{0,{LONGEST_NAME}}}?)(?: one)?"
            forms = "|".join(map(re.escape, _forms(first)))
            split.insert(0, (v, re.compile(rf"(?:{forms}) {between} {re.escape(rest[0])}(?![a-z0-9])")))
    words = {m.group() for _, spellings in whole for s in spellings if (m := _WORD.match(s))}
    return _Spelled(frozenset(words), tuple(whole), tuple(split))


def _filled(sentence: str, text: str, names: Mapping[str, str]) -> list[str] | None:
    """The objects in the places of a sentence, by the places' numbers, if the text is that sentence and nothing
    else."""
    pieces = re.split(r"\{(\d)\}", sentence)
    objects = [""] * (len(pieces) // 2)
    position = len(pieces[0])
    for index, behind in zip(pieces[1::2], pieces[2::2], strict=True):
        end = text.find(behind, position) if behind else len(text)
        name = names.get(loose(text[position:end])) if 0 < end <= position + LONGEST_NAME else None
        if name is None:
            return None
        objects[int(index)] = name
        position = end + len(behind)
    return objects if position == len(text) else None


def _one_of(letters: Sequence[str]) -> str:
    return f"[{''.join(map(re.escape, letters))}]"


def _roles(sentence: str, count: int) -> tuple[str, ...]:
    """The preposition before each place of a sentence: "unstack {0} from {1}" gives ("", "from")."""
    found = [""] * count
    for m in re.finditer(r"([^{}]*)\{(\d)\}", sentence):
        word = _ROLE.search(m.group(1).lower())
        found[int(m.group(2))] = _SAME_ROLE.get(word.group(1), word.group(1)) if word else ""
    if "with" not in found and sentence.startswith(("use ", "using ")):
        found[0] = "with"
    return tuple(found)


def _spellings(phrase: str) -> tuple[str, ...]:
    """All spellings of a phrase, the longest first: with or without its blanks ("pick-up"), and with its first word in
    every form (he picks, picked, picking)."""
    first, *rest = re.split(r"[ -]", phrase)
    said = _forms(first)
    for word in rest:
        said = [f"{before}{between}{word}" for before in said for between in (" ", "-", "_", "")]
    return tuple(sorted(said, key=len, reverse=True))


def _forms(word: str) -> list[str]:
    """A verb in all its forms."""
    if not word.isalpha() or len(word) < 2:
        return [word]
    forms = _IRREGULAR[word].split("|") if word in _IRREGULAR else []
    if word.endswith("e"):
        return [*forms, word, f"{word}s", f"{word}d", f"{word[:-1]}ing"]
    if word.endswith("y") and word[-2] not in "aeiou":
        return [*forms, word, f"{word}ing", f"{word[:-1]}ies", f"{word[:-1]}ied"]
    return [
        *forms,
        word,
        *(f"{word}{ending}" for ending in ("s", "es", "ed", "ing", f"{word[-1]}ed", f"{word[-1]}ing")),
    ]
