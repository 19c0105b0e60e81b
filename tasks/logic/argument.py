"""Kind `argument`: does a conclusion follow? Eight schemes in three variants, each with an invalid twin.

In the twin one premise "everyone who is ... is ..." stands the other way round, and so does one that is not needed and
is built the other way round: its conclusion, its words, its length and the build of its premises are those of the valid
argument.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Iterator, Mapping, Sequence

from harness.tasks.logic import argument_forms as forms
from harness.tasks.logic.argument_forms import Argument, Clause, Literal, Sentence
from harness.tasks.logic.kinds import YES_NO, Asked, Item, Kind
from harness.tasks.logic.names import article, nonsense, people
from harness.tasks.logic.prompts import template
from harness.types import Params

ROLES = (
    "painter swimmer cyclist singer gardener pilot dancer baker climber doctor sailor farmer skier potter "
    "juggler teacher lawyer drummer runner hunter writer driver student nurse tailor"
).split()
PREDICATES = 12
"""At least as many as the longest argument has: 5, 4 in its mirror, 2 in idle premises."""
STARTS = ("Everyone who", "Whoever")


def phrase(clause: Clause, words: Sequence[str]) -> str:
    """A clause behind a subject: "is a painter or a swimmer", "is neither a painter nor a swimmer"."""
    named = [(article(words[a]), holds) for a, holds in clause.literals]
    signs = {holds for _, holds in named}
    if signs == {False} and len(named) > 1 and clause.every:
        return f"is neither {' nor '.join(name for name, _ in named)}"
    joint = " and " if clause.every else " or "
    if signs == {True}:
        return f"is {joint.join(name for name, _ in named)}"
    return joint.join(f"is {'' if holds else 'not '}{name}" for name, holds in named)


def says(sentence: Sentence, start: str, person: str, words: Sequence[str]) -> str:
    """A sentence, without a full stop. `start` is how a general one begins."""
    if sentence.kind == "single":
        return f"{person} {phrase(sentence.two, words)}"
    start = "At least one person who" if sentence.kind == "some" else start
    return f"{start} {phrase(sentence.one, words)} {phrase(sentence.two, words)}"


def items(asked: Asked) -> Iterator[Item]:
    """A scheme in one variant, valid and turned, in all names and with and without idle premises."""
    draw = asked.draw("scheme")
    scheme, variant = draw.choice(list(forms.SCHEMES)), draw.choice(forms.VARIANTS)
    argument = forms.vary(forms.SCHEMES[scheme], variant, draw)
    argument, twin = forms.pair(argument, draw)
    shown = {"plain": argument, "invalid": twin}
    count = len(argument.premises)
    starts = [draw.choice(STARTS) for _ in range(count + 2)]
    order = draw.sample(range(count + 2), count + 2)
    for level, distractors in itertools.product(asked.levels["names"], asked.levels["distractors"]):
        words, person = _words(level, asked)
        idle = forms.idle(argument) if distractors == "same_predicate" else ()
        for form, (premises, conclusion) in shown.items():
            said = [says(p, start, person, words) for p, start in zip((*premises, *idle), starts, strict=False)]
            lines = "\n".join(f"{said[i]}." for i in order if i < len(said))
            concluded = says(conclusion, "everyone who", person, words).replace("At least", "at least")
            levels = {"names": level, "distractors": distractors, "form": form}
            answer = "yes" if form == "plain" else "no"
            question = f"{lines}\n\nQuestion: Does it follow that {concluded}?"
            yield Item(question, template("argument"), YES_NO, answer, levels, {"scheme": scheme, "variant": variant})


def _words(level: str, asked: Asked) -> tuple[list[str], str]:
    """(a word for each predicate, a person's name)."""
    rng = asked.draw("names", level)
    if level == "familiar":
        return rng.sample(ROLES, PREDICATES), people(rng, 1)[0]
    person, *drawn = nonsense(rng, PREDICATES + 1)
    return [word.lower() for word in drawn], person


# A second solver, from the question's words -------------------------------------------------------------------------

_LITERAL = re.compile(r"(not )?\ban? (\w+)")
_SECOND = re.compile(r"(?<!\band)(?<!\bor) (?=is\b)")


def _clause(text: str, number: dict[str, int]) -> Clause:
    denied = text.startswith("is neither")
    found = [Literal(number.setdefault(m[2], len(number)), not (m[1] or denied)) for m in _LITERAL.finditer(text)]
    return Clause(tuple(found), every=" or " not in text)


def _sentence(text: str, number: dict[str, int]) -> Sentence:
    """A sentence as its words say. Raises ValueError if it is none of ours."""
    parts = _SECOND.split(text)
    if len(parts) == 2 and len(parts[0].split()) == 1:
        return Sentence("single", forms.EMPTY, _clause(parts[1], number))
    if len(parts) != 3:
        raise ValueError(f"not a sentence of an argument: {text[:100]}")
    kind = "some" if parts[0].lower().startswith("at least one") else "all"
    return Sentence(kind, _clause(parts[1], number), _clause(parts[2], number))


def turned(line: str) -> str:
    """A line "Everyone who is ... is ..." turned round. Raises ValueError for another one."""
    start, one, two = _SECOND.split(line.rstrip("."))
    return f"{start} {two} {one}."


def read(params: Params) -> Argument:
    """The argument of a question; predicates are numbered as they come. Raises ValueError for a text that is none."""
    before, _, asks = str(params["question"]).rpartition("\n\nQuestion: Does it follow that ")
    number: dict[str, int] = {}
    premises = tuple(_sentence(line.rstrip("."), number) for line in before.split("\n"))
    return Argument(premises, _sentence(asks.rstrip("?"), number))


def solve(params: Params) -> str:
    """The answer by a tableau, from the text; the generator goes by truth tables."""
    return "yes" if forms.valid_by_tableau(read(params)) else "no"


# Shallow readers -----------------------------------------------------------------------------------------------------


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def polarity(params: Params, rng: random.Random) -> str:
    """Follows if the number of denials is even."""
    return _yes(len(re.findall(r"\b(?:not|neither)\b", str(params["question"]))) % 2 == 0)


def conclusion(params: Params, rng: random.Random) -> str:
    """By the conclusion alone: follows if it denies nothing."""
    asks = str(params["question"]).rpartition("\nQuestion: ")[2]
    return _yes(not re.search(r"\b(?:not|neither)\b", asks))


def ends(params: Params, rng: random.Random) -> str:
    """Follows if the conclusion's first part is the first part of a premise, and its second part the second part of
    one."""
    premises, target = read(params)
    sides: Mapping[str, list[Clause]] = {"one": [p.one for p in premises], "two": [p.two for p in premises]}
    return _yes((target.kind == "single" or target.one in sides["one"]) and target.two in sides["two"])


KIND = Kind(
    name="argument",
    about="does a conclusion follow from two or three premises, or only seem to?",
    levels={"names": ("familiar", "nonsense"), "distractors": ("none", "same_predicate")},
    items=items,
    readers={"shallow": ends, "polarity": polarity, "conclusion": conclusion},
    solve=solve,
)
