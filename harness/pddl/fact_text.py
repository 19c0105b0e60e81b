"""Reading facts out of free text: PDDL atoms, or sentences in a domain's wording. Parsing only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from harness.pddl.parse import Fact
from harness.pddl.plan_words import PROMPT
from harness.reading.envelope import clean, cuts

LONGEST = 200_000
"""Characters of a response that are read: those at its end, where the answer is."""


@dataclass(frozen=True)
class FactLexicon:
    """How the facts of a domain are put into words.

    `templates` maps a predicate to its sentences ("the {0} is on top of the {1}"), `counts` maps it to the number of
    its objects, and `objects` maps the phrase for an object to its name. One regular expression finds all sentences: at
    any place its alternatives differ in fixed words, so matching is linear in the text.
    """

    templates: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, int]
    objects: Mapping[str, str]
    _sentence: re.Pattern[str] = field(init=False, repr=False, compare=False)
    _sentences: tuple[tuple[str, tuple[int, ...]], ...] = field(init=False, repr=False, compare=False)
    _names: Mapping[str, str] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        names = {loose(phrase): name for phrase, name in self.objects.items()} | {
            loose(n): n for n in self.objects.values()
        }
        anything = "|".join(
            loose_pattern(p) for p in sorted({*self.objects, *self.objects.values()}, key=len, reverse=True)
        )
        alternatives, sentences = [], []
        rows = [(name, sentence) for name, said in self.templates.items() for sentence in said]
        for name, sentence in sorted(rows, key=lambda row: -len(row[1])):
            parts = re.split(r"\{(\d)\}", sentence)
            pattern, order = "", []
            for i, part in enumerate(parts):
                if i % 2:
                    order.append(int(part))
                    pattern += rf"(?:the )?({anything})"
                else:
                    pattern += re.escape(part.lower().removesuffix("the ") if i + 1 < len(parts) else part.lower())
            alternatives.append(rf"({pattern})")
            sentences.append((name, tuple(order)))
        object.__setattr__(self, "_sentence", re.compile(rf"(?<![\w-])(?:{'|'.join(alternatives)})(?![\w-])"))
        object.__setattr__(self, "_sentences", tuple(sentences))
        object.__setattr__(self, "_names", names)

    def find(self, text: str) -> list[tuple[Fact, int, int]]:
        """(fact, start, end) of every sentence with a fact; `text` is in lower case."""
        found = []
        for m in self._sentence.finditer(text):
            group = 1
            for name, order in self._sentences:
                if m.group(group) is not None:
                    said = [self._names[loose(m.group(group + 1 + i))] for i in range(len(order))]
                    arguments = [""] * len(order)
                    for place, argument in zip(order, said, strict=True):
                        arguments[place] = argument
                    found.append(((name, *arguments), m.start(), m.end()))
                    break
                group += 1 + len(order)
        return found


_EMPHASIS = re.compile(r"[*`]|(?<![a-zA-Z0-9])_+|_+(?![a-zA-Z0-9])")


def without_emphasis(text: str) -> str:
    """The text without the emphasis of markdown. An underscore within a name stays."""
    return _EMPHASIS.sub("", text)


_NO_SIGN = re.compile(r"(?<=[0-9])_+(?![0-9])|(?<![0-9])_+")


@lru_cache(maxsize=4096)
def loose(phrase: str) -> str:
    """What all spellings of a name have in common: `red block`, `red_block`, `RedBlock`; `truck_1`, `truck 1`.

    A sign between two numbers stays: `l1-0` is not `l10`.
    """
    return _NO_SIGN.sub("", phrase.lower().replace(" ", "_").replace("-", "_"))


def loose_pattern(phrase: str) -> str:
    """A regular expression for a phrase in any spelling that is the same to `loose`."""
    parts = re.findall(r"\d+|[^\W\d_]+|[^\w\s-]+", phrase.lower())
    pattern = ""
    for before, part in zip(["", *parts], parts, strict=False):
        between = r"[ _-]{1,2}" if before.isdecimal() and part.isdecimal() else r"[ _-]{0,2}"
        pattern += (between if before else "") + re.escape(part)
    return pattern


@dataclass(frozen=True)
class FactText:
    """The facts that a text gives, or None and the `reason` why they can't be read.

    `final`: other text follows the facts, so that more text would not add to them.
    """

    facts: frozenset[Fact] | None
    reason: str = ""
    final: bool = False


@dataclass
class _Run:
    """Lines with facts that belong together; `announced` by a heading such as "Resulting state"."""

    announced: bool = False
    lines: list[str] = field(default_factory=list)
    closed: bool = False


_PDDL = re.compile(r"\(\s*([a-z][\w-]*)((?:\s+[\w-]+)*)\s*\)")
_ITEM = re.compile(
    r"^\s*(?:[(\[]?\d{1,4}\s*[.):\]]+|[^\w\s\"'(\[{<\\$/~.,;:!?=|]{1,3}(?=\s)|\|\s*\d{1,4}\s*\||<li>)\s*"
)
_HEADING = re.compile(
    r"\b(?:(?:final|resulting|end|last|new|following) (?:\w+ )?(?:state|situation|facts|conditions|configuration)|"
    r"state (?:after|at the end|is|now)"
    r"|afterwards|answer|at the end|(?:everything|all|facts|what) (?:that )?(?:is|are|holds?) (?:now )?true|"
    r"true (?:facts|afterwards|now)"
    r"|in the end|result|finally|after (?:the last|all|executing|these|those) (?:\w+ )?(?:steps?|actions?)|"
    r"facts (?:after|at the end|now))\b|\[resulting state\]"
)
_NEGATED = re.compile(r"\b(?:not|no longer|isn't|aren't|false|untrue|neither|nor|doesn't|don't)\b")
_GONE = re.compile(
    r"\b(?:no longer|not(?: any ?more)? true|false|untrue|removed|deleted|gone|do(?:es)? not hold|were true|"
    r"was true|before|initial(?:ly)?|"
    r"start(?:ing)?|given|previous|old|earlier|negative|ceased|lost|changed from)\b"
)
"""In a heading: what is listed below is no part of the state."""
_ASIDE = re.compile(
    r"^\W*(?:explanations?|reason(?:ing)?s?|why|changes?|notes?|check|verification|remarks?|step|steps|trace|"
    r"derivation|how|details?|summary of (?:the )?changes|"
    r"working|because|action)\b"
)


def read_facts(text: str, lexicon: FactLexicon) -> FactText:
    """The facts of the last list in the text: the list under the last heading that announces the resulting state
    ("final state", "answer" ...), else the last run of lines with facts.

    A line that denies facts ("is no longer true that") gives none, and a list under a heading that denies them is
    skipped. A listed item in which no fact can be read makes the whole text unreadable: nothing is dropped silently.
    """
    found = FactText(None, "no facts were found")
    for part, is_all in cuts(clean(text), PROMPT):
        found = _read(part, lexicon)
        if found.facts is not None:
            return found if is_all else FactText(found.facts, found.reason, True)
    return found


def _read(text: str, lexicon: FactLexicon) -> FactText:
    runs = [_Run()]
    gone = False
    for line in _unwrapped(without_emphasis(text[-LONGEST:]).lower()).split("\n"):
        if not line.strip():
            continue
        facts = read_line(line, lexicon)
        item = _ITEM.match(line)
        heads = line.rstrip().endswith(":") and not facts
        announces = _HEADING.search(line)
        if (
            announces
            and (not facts or announces.start() < 3 or ":" in line)
            and not (heads and _GONE.search(line))
            and not item
        ):
            runs[-1].closed = runs[-1].closed or bool(runs[-1].lines)
            runs.append(_Run(True))
            gone = False
        elif heads and (_GONE.search(line) or _ASIDE.match(line)):
            gone = True
            runs[-1].closed = True
            continue
        elif not facts and not item:
            if line.strip().startswith("```"):
                runs[-1].closed = runs[-1].closed or bool(runs[-1].lines)
                continue
            gone = gone and heads
            if runs[-1].lines and not (heads and runs[-1].announced):
                runs[-1].closed = True
            continue
        if gone or not (facts or item):
            continue
        if runs[-1].closed and runs[-1].lines:
            runs.append(_Run())
        runs[-1].lines.append(line)
    runs = [run for run in runs if any(read_line(line, lexicon) for line in run.lines)]
    if not runs:
        return FactText(None, "no facts were found")
    offered = next((run for run in reversed(runs) if run.announced), runs[-1])
    facts_of: set[Fact] = set()
    for line in offered.lines:
        found = read_line(line, lexicon)
        if not found and _ITEM.match(line) and not _NEGATED.search(line):
            return FactText(None, f"a fact that can't be read: {line.strip()[:80]!r}")
        if not _NEGATED.search(line):
            facts_of.update(found)
    return FactText(frozenset(facts_of), "", offered.closed or runs[-1] is not offered)


_TAGS = re.compile(r"</?(?:answer|state|facts|result|output)>|<br ?/?>|</li>|</?[ou]l>")


def _unwrapped(text: str) -> str:
    """The text with a line break for each tag, and with each text of a JSON list on a line of its own."""
    if "<" in text:
        text = _TAGS.sub("\n", text)
    if '"' in text:
        text = re.sub(r"[\"'],\s*(?=[\"'])", "\n", text)
        text = re.sub(r"(?<=[\[:])\s*(?=[\"'])", "\n", text).replace('"', "")
    return text


def read_line(line: str, lexicon: FactLexicon) -> list[Fact]:
    """The facts in a line, which is in lower case: its PDDL atoms, or its sentences if it has no atoms."""
    atoms = []
    if "(" in line:
        for m in _PDDL.finditer(line):
            name, arguments = m.group(1), m.group(2).split()
            if lexicon.counts.get(name) == len(arguments):
                atoms.append((name, *arguments))
    return atoms or [fact for fact, _, _ in lexicon.find(line)]
