"""The kind `entailment`: does a statement follow from a premise? Statements that only rephrase a part of it against
statements that assert something new, which joins several parts by what everybody knows of the words.

"Not all of natural language inference is reasoning": a statement that is a part of the premise, or says it in other
words, follows without any step. Forms: `plain` says one part the other way round (older, younger), `conjunct` repeats
one part and drops the others, `assertion` compares two people whom no part compares. Half of each do not follow.

`depth` is the number of parts that an assertion joins. The premise has two rows of people of that many parts, alike at
their ends: along one row everybody is older than the next, along the other row it goes up and down.
"""

from __future__ import annotations

import itertools
import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence

from harness.tasks.logic import names
from harness.tasks.logic.kinds import YES_NO, Asked, Item, Kind
from harness.tasks.logic.prompts import template
from harness.types import Params

WORDINGS = (
    ("is older than", "is younger than"),
    ("is taller than", "is shorter than"),
    ("is faster than", "is slower than"),
    ("is richer than", "is poorer than"),
    ("is stronger than", "is weaker than"),
    ("arrived before", "arrived after"),
    ("lives north of", "lives south of"),
    ("was born before", "was born after"),
    ("got up earlier than", "got up later than"),
    ("paid more than", "paid less than"),
)
"""Each with its converse; all are transitive, and nobody stands in them to themselves."""

Link = tuple[int, int]
"""(a, b): a is older than b."""


def links_of(depth: int, rng: random.Random) -> tuple[list[Link], list[Link]]:
    """(a straight row of people 0 to depth, a row of as many others that begins and ends alike but is not straight).
    Of depth 2 there is no such row: then its first person is the younger one."""
    straight = [(i, i + 1) for i in range(depth)]
    first = depth + 1
    if depth == 2:
        return straight, [(first + 1, first), (first + 1, first + 2)]
    ups = rng.sample(range(1, depth - 1), rng.randint(1, depth - 2))
    bent = [(first + i + 1, first + i) if i in ups else (first + i, first + i + 1) for i in range(depth)]
    return straight, bent


def follows(links: Sequence[Link], a: int, b: int) -> bool:
    """Whether a is certainly older than b: everything younger than a, link by link."""
    below, todo = set[int](), [a]
    while todo:
        now = todo.pop()
        new = {y for x, y in links if x == now} - below
        below |= new
        todo += new
    return b in below


def items(asked: Asked) -> Iterator[Item]:
    """One premise with a statement of each form, in each set of names and order."""
    depth, rng = asked.depth, asked.draw("problem")
    straight, bent = links_of(depth, rng)
    links = straight + bent
    wording = rng.choice(WORDINGS)
    said = [rng.random() < 0.5 for _ in links]  # whether a link is said the other way round
    combined = itertools.product(("plain", "conjunct", "assertion"), asked.levels["names"], asked.levels["order"])
    for form, level, order in combined:
        own = asked.draw("statement", form)
        right = own.random() < 0.5
        if form == "assertion":
            row = straight if right or depth == 2 else bent
            a, b = row[0][0], row[-1][1]
            if depth == 2 and not right:
                a, b = b, a
            turned = own.random() < 0.5
        else:
            place = own.randrange(len(links))
            a, b = links[place] if right else links[place][::-1]
            turned = said[place] != (form == "plain")
        drawn = asked.draw("names", level)
        people = 2 * (depth + 1)
        called = names.people(drawn, people) if level == "familiar" else names.nonsense(drawn, people)
        parts = [_said(called, link, turn, wording) for link, turn in zip(links, said, strict=True)]
        told = [parts[i] for i in _order(len(links), depth, order, asked.draw("order"))]
        premise = f"{', '.join(told[:-1])}, and {told[-1]}."
        statement = _said(called, (a, b), turned, wording)
        yield Item(
            f"Premise: {premise}\nStatement: {statement}.\n\nQuestion: Does the statement follow from the premise?",
            template("yes_no"),
            YES_NO,
            "yes" if follows(links, a, b) else "no",
            {"form": form, "names": level, "order": order},
        )


def _said(called: Sequence[str], link: Link, turned: bool, wording: tuple[str, str]) -> str:
    a, b = (called[person] for person in link)
    return f"{b} {wording[1]} {a}" if turned else f"{a} {wording[0]} {b}"


def _order(count: int, depth: int, order: str, rng: random.Random) -> list[int]:
    """`forward`: the parts of each row from its first person to its last, those of the other row at drawn places
    between them; `backward`: the reverse."""
    shuffled = rng.sample(range(count), count)
    if order == "shuffled":
        return shuffled
    rows = [
        iter(sorted((i for i in shuffled if (i < depth) == one), reverse=order == "backward")) for one in (True, False)
    ]
    return [next(rows[0] if i < depth else rows[1]) for i in shuffled]


# The text again -----------------------------------------------------------------------------------------------------

_MORE, _LESS = (dict(zip(side, range(len(WORDINGS)), strict=True)) for side in zip(*WORDINGS, strict=True))
PART = re.compile(rf"(\w+) ({'|'.join([*_MORE, *_LESS])}) (\w+)")
_TEXT = re.compile(r"^Premise: (.*)\nStatement: (.*)$", re.M)


def read(params: Params) -> tuple[list[tuple[str, str]], tuple[str, str], list[tuple[str, str, str]]]:
    """(pairs older, younger of the premise, the pair of the statement, all parts as they are written: the statement
    last). Raises ValueError for another text."""
    found = _TEXT.search(str(params["question"]))
    parts = PART.findall(found[1]) + PART.findall(found[2]) if found else []
    if len(parts) < 2:
        raise ValueError("no premise with a statement was found")
    pairs = [(a, b) if words in _MORE else (b, a) for a, words, b in parts]
    return pairs[:-1], pairs[-1], parts


def solve(params: Params) -> str:
    """From the text alone: a statement follows if its denial leaves no order in which the people can be put, by taking
    away whoever has nobody above until nobody is left."""
    pairs, (a, b), _ = read(params)
    return "no" if in_order([*pairs, (b, a)]) else "yes"


def in_order(pairs: Sequence[tuple[str, str]]) -> bool:
    """Whether there is an order of all people in which the first of each pair comes before the second."""
    above: dict[str, set[str]] = defaultdict(set)
    for x, y in pairs:
        above[y].add(x)
        above[x] |= set()
    while free := [person for person, others in above.items() if not others]:
        for person in free:
            del above[person]
        for others in above.values():
            others.difference_update(free)
    return not above


def sides(params: Params, rng: random.Random) -> str:
    """Yes if the one is the older of some part, and the other the younger of some part."""
    pairs, (a, b), _ = read(params)
    return "yes" if any(x == a for x, _ in pairs) and any(y == b for _, y in pairs) else "no"


def same_order(params: Params, rng: random.Random) -> str:
    """Yes if the premise names the two in the same order as the statement."""
    _, _, parts = read(params)
    *premise, (a, _, b) = parts
    words = [name for x, _, y in premise for name in (x, y)]
    return "yes" if words.index(a) < words.index(b) else "no"


def one_part(params: Params, rng: random.Random) -> str:
    """Yes if one part of the premise says as much: the reader that never joins two parts."""
    pairs, pair, _ = read(params)
    return "yes" if pair in pairs else "no"


READERS: dict[str, Callable[[Params, random.Random], str]] = {
    "shallow": same_order,
    "sides": sides,
    "one-part": one_part,
}
KIND = Kind(
    name="entailment",
    about="statements that rephrase a premise against statements that need a new assertion",
    levels={"names": ("familiar", "nonsense"), "order": ("shuffled", "forward", "backward")},
    items=items,
    readers=READERS,
    solve=solve,
    depths=(2, 3, 4, 5),
    usual=(3, 4),
)
