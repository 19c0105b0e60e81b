"""The kind `rules`: does a statement follow from facts and rules? See theories.py for how they are drawn.

A theory and its twin are asked about in the same words. In the closed world, what does not follow is false; in the open
world it is unknown. The theory's text is the same in both.
"""

from __future__ import annotations

import itertools
import random
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple, TypeVar

from harness.tasks.logic import in_steps, names, scoring, theories
from harness.tasks.logic.kinds import UNKNOWN, YES_NO, YES_NO_UNKNOWN, Asked, Item, Kind, Search
from harness.tasks.logic.prompts import template
from harness.types import Feedback, Message, Params, StopReason

T = TypeVar("T")
ATTRIBUTES = (
    "tall old rare cheap dusty painted marked hidden locked wrapped folded stained numbered labelled stolen insured "
    "listed checked scratched dented borrowed lost signed stamped weighed measured tested repaired inspected approved "
    "registered photographed admired imported handmade waxed scented lacquered padded lined cracked chipped "
    "crooked sturdy useful famous lucky waterproof fireproof washable sacred haunted"
).split()
"""None excludes another, or follows from it: what is unknown by the theory is so for all that one knows of words."""
THINGS = "box cup lamp chair table book bag coat bottle clock basket drum kettle ladder mirror rug vase wheel".split()
WORLD_TRUTH = {
    "pillow": ("soft light", "hard heavy"),
    "cushion": ("soft light", "hard heavy"),
    "blanket": ("soft warm", "hard cold"),
    "scarf": ("soft warm", "hard cold"),
    "sponge": ("soft light", "hard heavy"),
    "balloon": ("round light", "square heavy"),
    "ball": ("round", "square"),
    "barrel": ("round heavy", "square light"),
    "coin": ("round thin", "square thick"),
    "helmet": ("hard round", "soft square"),
    "hammer": ("hard heavy", "soft light"),
    "anvil": ("hard heavy", "soft light"),
    "brick": ("hard heavy", "soft light"),
    "piano": ("heavy", "light"),
    "knife": ("sharp hard", "blunt soft"),
    "razor": ("sharp thin", "blunt thick"),
    "needle": ("sharp thin", "blunt thick"),
    "sword": ("sharp hard", "blunt soft"),
}
"""Thing -> what it is, and what it is not, for all one knows: goods like THINGS, so that ATTRIBUTES fit them."""


class Words(NamedTuple):
    """The words of a theory: two things, and its attributes by number."""

    things: tuple[str, str]
    attributes: tuple[str, ...]


def words_for(level: str, theory: theories.Theory, follows: bool, rng: random.Random) -> Words:
    """Familiar words that the world says nothing about, nonsense words, or (misleading) a goal of which the world says
    the opposite of what the theory says: the thing is known to have the attribute if it does not follow."""
    count = theory.attributes
    if level == "nonsense":
        drawn = [word.lower() for word in names.nonsense(rng, count + 2)]
        return Words((drawn[0], drawn[1]), tuple(drawn[2:]))
    attributes = rng.sample(ATTRIBUTES, count)
    if level == "familiar":
        one, two = rng.sample(THINGS, 2)
        return Words((one, two), tuple(attributes))
    one, two = rng.sample(list(WORLD_TRUTH), 2)
    true, false = (rng.choice(text.split()) for text in WORLD_TRUTH[one])
    attributes[theory.goal] = false if follows else true
    return Words((one, two), tuple(attributes))


def items(asked: Asked) -> Iterator[Item]:
    """A theory and its twin, in each set of names, order, distractors and world; the question is drawn once."""
    for distractors in asked.levels["distractors"]:
        theory = theories.draw(asked.draw("theory"), asked.depth, distractors, asked.draw("distractors"))
        combined = itertools.product(
            ("plain", "twin"), *(asked.levels[f] for f in ("names", "polarity", "order", "world"))
        )
        for form, level, polarity, order, world in combined:
            made = theory if form == "plain" else theory.twin()
            follows = theory.goal in theories.closure(_of_first(made), made.rules)
            words = words_for(level, theory, follows, asked.draw("names", level))
            negated = polarity == "negated" or (polarity == "drawn" and asked.draw("polarity").random() < 0.5)
            answer = "yes" if follows != negated else "no"
            if world == "open" and not follows:
                answer = UNKNOWN
            premises = _premises(made, words, order)
            question = _question(words.things[0], words.attributes[made.goal], negated)
            yield Item(
                f"{premises}\n\n{template(f'world_{world}')}\n\nQuestion: {question}",
                template("yes_no" if world == "closed" else "yes_no_unknown"),
                YES_NO if world == "closed" else YES_NO_UNKNOWN,
                answer,
                {"names": level, "form": form, "polarity": polarity, "order": order, "distractors": distractors,
                 "world": world},
                {"negated": negated},
            )  # fmt: skip


def _of_first(theory: theories.Theory) -> list[int]:
    return [attribute for thing, attribute in theory.facts if thing == 0]


def _premises(theory: theories.Theory, words: Words, order: str) -> str:
    """Facts, then rules. `forward`: those that the goal needs stand in the order of their use, with the others between
    them as drawn; `backward` turns that order round. The idle fact of a twin stands where the needed one would."""
    facts = _ordered(theory.facts, [place for is_rule, place in theory.needed if not is_rule], order)
    rules = _ordered(theory.rules, [place for is_rule, place in theory.needed if is_rule], order)
    a = words.attributes
    lines = [f"The {words.things[thing]} is {a[attribute]}." for thing, attribute in facts]
    lines += [f"If something is {' and '.join(a[b] for b in rule.body)}, then it is {a[rule.head]}." for rule in rules]
    return "\n".join(lines)


def _ordered(block: Sequence[T], needed: Sequence[int], order: str) -> list[T]:
    """The block with what stands at the needed places put into that order, or its reverse, at the same places."""
    found = list(block)
    if order != "shuffled":
        for place, source in zip(sorted(needed), needed if order == "forward" else needed[::-1], strict=True):
            found[place] = block[source]
    return found


def _question(thing: str, attribute: str, negated: bool) -> str:
    return f"Is it true that the {thing} is {'not ' if negated else ''}{attribute}?"


# The text again -----------------------------------------------------------------------------------------------------

_FACT = re.compile(r"^The (\w+) is (\w+)\.$", re.M)
_RULE = re.compile(r"^If something is (\w+(?: and \w+)*), then it is (\w+)\.$", re.M)
_ASKS = re.compile(r"^Question: Is it true that the (\w+) is (not )?(\w+)\?$", re.M)
_STEP = re.compile(r"the (\w+) is (\w+)\W*", re.I)


class Read(NamedTuple):
    """A question as its text has it: facts by thing, rules, and what is asked."""

    facts: Mapping[str, frozenset[str]]
    rules: tuple[tuple[tuple[str, ...], str], ...]
    thing: str
    goal: str
    negated: bool
    open: bool


@lru_cache(maxsize=256)
def read(question: str) -> Read:
    """Raises ValueError for a text that asks no such question."""
    asks = _ASKS.search(question)
    if asks is None:
        raise ValueError("no question about a thing and an attribute was found")
    facts: dict[str, set[str]] = {}
    for thing, attribute in _FACT.findall(question):
        facts.setdefault(thing, set()).add(attribute)
    rules = tuple((tuple(body.split(" and ")), head) for body, head in _RULE.findall(question))
    held = {thing: frozenset(attributes) for thing, attributes in facts.items()}
    return Read(held, rules, asks[1], asks[3], bool(asks[2]), "is unknown if" in question)


def solve(params: Params) -> str:
    """The answer from the text alone, by backward chaining."""
    made = read(str(params["question"]))
    if theories.proved(made.goal, made.facts.get(made.thing, frozenset()), made.rules):
        return "no" if made.negated else "yes"
    return UNKNOWN if made.open else "yes" if made.negated else "no"


# Shallow readers ----------------------------------------------------------------------------------------------------


def _said(made: Read, follows: bool) -> str:
    if follows:
        return "no" if made.negated else "yes"
    return UNKNOWN if made.open else "yes" if made.negated else "no"


def _reader(looks: Callable[[Read, frozenset[str]], bool]) -> Callable[[Params, random.Random], str]:
    """A reader that holds that the goal follows if `looks` says so of the text and the facts of the thing asked
    about."""

    def reads(params: Params, rng: random.Random) -> str:
        made = read(str(params["question"]))
        return _said(made, looks(made, made.facts.get(made.thing, frozenset())))

    return reads


def local(made: Read) -> dict[str, float]:
    """What can be counted of a theory without a chain of steps: the eight local readers look at these. Theory and twin
    have the same numbers at depths of 2 and more."""
    own = made.facts.get(made.thing, frozenset())
    goals = [body for body, head in made.rules if head == made.goal]
    uses = [sum(a in body for body, _ in made.rules) for a in own]
    held = [sum(a in own for a in body) / len(body) for body, _ in made.rules]
    return {
        "polarity": float(made.negated),
        "some body atom of a goal rule holds": float(any(a in own for body in goals for a in body)),
        "a whole body of a goal rule holds": float(any(all(a in own for a in body) for body in goals)),
        "own facts": float(len(own)),
        "own facts in rules": sum(n > 0 for n in uses) / max(1, len(own)),
        "mean uses of own facts": sum(uses) / max(1, len(own)),
        "rules that fire at once": float(sum(share == 1 for share in held)),
        "rules half held": float(sum(0 < share < 1 for share in held)),
    }


def back(made: Read, own: frozenset[str], steps: int) -> bool:
    """Whether the goal may follow for all that is seen in so many steps back from it: what is not given, and is the
    head of some rule beyond them, is taken to follow."""

    def may(atom: str, left: int) -> bool:
        if atom in own:
            return True
        bodies = [body for body, head in made.rules if head == atom]
        return bool(bodies) if left == 0 else any(all(may(a, left - 1) for a in body) for body in bodies)

    return may(made.goal, steps)


def _overlap(made: Read, own: frozenset[str]) -> bool:
    """Whether more of the rules with the goal's word share a word with the thing's facts than do not."""
    near = [bool(own & set(body)) for body, head in made.rules if made.goal == head or made.goal in body]
    return sum(near) * 2 > len(near)


def shallow(params: Params, rng: random.Random) -> str:
    """The word "not": what is asked without it follows."""
    made = read(str(params["question"]))
    return "no" if made.negated else "yes"


READERS = {
    "shallow": shallow,
    "body": _reader(lambda made, own: local(made)["some body atom of a goal rule holds"] > 0),
    "whole-body": _reader(lambda made, own: local(made)["a whole body of a goal rule holds"] > 0),
    "overlap": _reader(_overlap),
    "last-rule": _reader(lambda made, own: bool(made.rules) and made.rules[-1][1] == made.goal),
    "one-back": _reader(lambda made, own: back(made, own, 1)),
    "three-back": _reader(lambda made, own: back(made, own, 3)),
}


# What search and feedback see: the text of the question ---------------------------------------------------------------


def _walk(made: Read, partial: str) -> tuple[dict[str, set[str]], str | None]:
    """(what is known of each thing after the steps of a partial answer, the first line that is no step from there)."""
    known = {thing: set(attributes) for thing, attributes in made.facts.items()}
    for line in filter(None, partial.split("\n")):
        if in_steps.complete(line):
            continue
        step = _STEP.fullmatch(line.strip())
        thing, attribute = (step[1].lower(), step[2].lower()) if step else ("", "")
        has = known.get(thing, set())
        if not any(head == attribute and has.issuperset(body) for body, head in made.rules):
            return known, line
        has.add(attribute)
    return known, None


def judge(params: Params, partial: str) -> float:
    """0 if a line is not what one rule gives from the facts and the lines before it, or if the answer is wrong; 1 if it
    is right. Before an answer, if the goal follows: 1 / (1 + the fewest rules that still lead to it), else 1."""
    made = read(str(params["question"]))
    known, wrong = _walk(made, partial)
    if wrong is not None:
        return 0.0
    if in_steps.complete(partial):
        return float(scoring.read(params, partial.rpartition("\n")[2])[0] == solve(params))
    left = fewest(frozenset(known.get(made.thing, ())), made.rules, made.goal)
    return 1.0 if left is None else 1 / (1 + left)


def fewest(known: frozenset[str], rules: tuple[tuple[tuple[str, ...], str], ...], goal: str) -> int | None:
    """How many rules must at least be used to get the goal; None if it does not follow. Breadth first over the
    attributes that rules towards the goal can add."""
    useful = {goal}
    while more := {a for body, head in rules if head in useful for a in body} - useful:
        useful |= more
    level, seen = {known}, {known}
    for count in range(len(rules) + 1):
        if any(goal in has for has in level):
            return count
        level = {
            has | {head}
            for has in level
            for body, head in rules
            if head in useful and head not in has and has.issuperset(body)
        } - seen
        seen |= level
        if not level or len(seen) > MOST_STATES:
            return None
    return None


MOST_STATES = 5_000
"""Sets of attributes that `fewest` looks at; our theories have far fewer."""


def steps(params: Params, partial: str, k: int) -> list[Message] | None:
    """The prompt for the next steps; None behind an answer."""
    if in_steps.complete(partial):
        return None
    made = read(str(params["question"]))
    words = YES_NO_UNKNOWN if made.open else YES_NO
    answers = ", ".join(f'"Answer: {word}"' for word in words[:-1]) + f' or "Answer: {words[-1]}"'
    done = f"These steps are done:\n{partial}" if partial else "No step is done yet."
    text = template("rules_steps").format(question=params["question"], done=done, k=k, answers=answers)
    return [Message("user", text)]


MOST_LINES = 200
"""Lines of a response that feedback looks at."""


def feedback(params: Params, response: str, level: str, stop_reason: StopReason = "stop") -> Feedback:
    """Right or wrong; and which statements that stand alone on a line do not follow."""
    found = Feedback.of(scoring.closed({**params, "answer": solve(params)}, response, stop_reason))
    if found.right or level == "binary":
        return found
    made = read(str(params["question"]))
    known = {t: set(everything(made, t)) for t in made.facts}
    wrong = []
    for line in response.split("\n")[:MOST_LINES]:
        step = _STEP.fullmatch(line.strip()[: in_steps.LONGEST])
        if step and step[1].lower() in known and step[2].lower() not in known[step[1].lower()]:
            wrong.append(line.strip())
    shown = list(dict.fromkeys(wrong))[: None if level == "all-errors" else 1]
    return Feedback(False, "\n".join([found.text, *(f'"{line}" does not follow.' for line in shown)]))


def everything(made: Read, thing: str) -> frozenset[str]:
    """All attributes of a thing that follow."""
    has = set(made.facts.get(thing, ()))
    while new := {head for body, head in made.rules if head not in has and has.issuperset(body)}:
        has |= new
    return frozenset(has)


KIND = Kind(
    name="rules",
    about="facts and rules in a closed or an open world (RuleTaker, ProofWriter)",
    levels={
        "names": ("familiar", "nonsense", "misleading"),
        "polarity": ("drawn", "positive", "negated"),
        "order": ("shuffled", "forward", "backward"),
        "distractors": ("none", "same_predicate", "same_entity"),
        "world": ("closed", "open"),
    },
    items=items,
    readers=READERS,
    solve=solve,
    depths=(0, 1, 2, 3, 4, 5, 6),
    usual=(1, 2, 3, 4, 5),
    feedback=feedback,
    search=Search(steps, judge),
)
