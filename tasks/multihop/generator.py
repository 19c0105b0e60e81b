"""Questions over fictional worlds: chains of two to four hops, intersections, comparisons, bridge comparisons.

A distractor page is made like a support page: it states the relation of a hop about other things, and has a near miss
of that relation with the thing that the hop leads to. So no page stands out by what it says. `faults` checks an item
with the solver, and the generator keeps only items without faults. Reads top to bottom: plans, the item, the
guarantees.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from harness.seeds import derive
from harness.tasks.invented import draw_names
from harness.tasks.multihop.items import Document, Hop, Item, Single
from harness.tasks.multihop.world import (
    ATTRIBUTES,
    BY_DOMAIN,
    BY_RANGE,
    RELATIONS,
    Both,
    Earlier,
    Follow,
    Page,
    Path,
    Query,
    Relation,
    Statement,
    chains,
    facts_of,
    solve,
)

FIRST_YEAR, LAST_YEAR = 1500, 1999


@dataclass(frozen=True, slots=True)
class Plan:
    """An item as pages. `twin` is the support with the statement of hop `twin_hop` turned into its near miss."""

    kind: str
    question: str
    query: Query
    support: tuple[Page, ...]
    distractors: tuple[Page, ...]
    hops: tuple[Hop, ...]
    answer: str
    twin: tuple[Page, ...]
    twin_hop: int
    types: Mapping[str, str]
    answer_type: str
    hop_wordings: tuple[str, ...]


class Names:
    """Fresh names for one item, each with its type."""

    def __init__(self, rng: random.Random, count: int) -> None:
        self._left = draw_names(rng, count)
        self.types: dict[str, str] = {}

    def new(self, type: str) -> str:
        """A name that was not used yet, for a thing of this type."""
        name = self._left.pop()
        self.types[name] = type
        return name


class Pages:
    """Makes pages with their sentences in any order and one more statement about the same thing."""

    def __init__(self, rng: random.Random, names: Names) -> None:
        self._rng, self._names = rng, names
        self.things: dict[str, list[str]] = {"person": [], "firm": [], "town": []}

    def mention(self, name: str) -> str:
        """Allow other pages to mention the name in their extra statement."""
        type = self._names.types[name]
        if type != "book":
            self.things[type].append(name)
        return name

    def page(self, title: str, statements: Sequence[Statement], taken: Sequence[Relation]) -> Page:
        """A page with one more statement by a relation that is not among `taken`, or a near miss of it."""
        rng = self._rng
        free = [r for r in BY_DOMAIN[self._names.types[title]] if r not in taken]
        said = list(statements)
        if free:
            relation = free[int(rng.random() * len(free))]
            things = self.things[relation.range]
            thing = things[int(rng.random() * len(things))] if things else self._names.new(relation.range)
            if thing == title:
                thing = self._names.new(relation.range)
            said.append((relation.says if rng.random() < 0.5 else relation.near, thing))
        for i in range(len(said) - 1, 0, -1):  # random.shuffle takes several times as long
            j = int(rng.random() * (i + 1))
            said[i], said[j] = said[j], said[i]
        return Page(title, tuple(said))


# Plans ------------------------------------------------------------------------------------------------------------


def chain(rng: random.Random, hops: int, distractors: int) -> Plan:
    """For example "the person who founded the firm that published ...": each hop is on a page of its own."""
    every = chains(hops)
    relations = every[int(rng.random() * len(every))]
    rows = 1 + -(-distractors // hops)  # the true chain and enough others like it
    names = Names(rng, rows * (hops + 1) + distractors + hops + 8)
    pages = Pages(rng, names)
    kinds = [relations[0].domain, *(r.range for r in relations)]
    grid = [[names.new(kind) for kind in kinds] for _ in range(rows)]
    for row in grid:
        for name in row[1:]:
            pages.mention(name)

    def page(row: int, hop: int) -> Page:
        relation, things = relations[hop], grid[row]
        # The near miss leads to the same place in another chain; those of the first distractors lead to the true chain.
        other = grid[row - 1 if row else 1 + int(rng.random() * (rows - 1))]
        said = [(relation.says, things[hop + 1]), (relation.near, other[hop + 1])]
        return pages.page(things[hop], said, relations)

    support = tuple(page(0, hop) for hop in range(hops))
    wanted = [(row, hop) for row in range(1, rows) for hop in reversed(range(hops))][:distractors]
    others = tuple(page(row, hop) for row, hop in wanted)
    true = grid[0]
    asked = true[0]
    for relation in relations:
        asked = relation.of.format(asked)
    twin_hop = int(rng.random() * hops)
    return Plan(
        f"chain{hops}",
        f"What is the name of {asked}?",
        Follow((true[0], tuple(r.says for r in relations))),
        support,
        others,
        tuple(Hop(f"{true[0] if i == 0 else f'#{i}'} >> {r.says}", true[i + 1], i) for i, r in enumerate(relations)),
        true[-1],
        _broken(support, twin_hop, relations[twin_hop].says, relations[twin_hop].near),
        twin_hop,
        names.types,
        kinds[-1],
        tuple(r.says for r in relations),
    )


_MEETING = tuple(
    (r1, r2) for r1 in RELATIONS for r2 in RELATIONS if r1.domain == r2.domain != "book" and r1.range != r2.range
)
"""Pairs of relations that one thing can have. Not of a book, because no relation leads to a book."""


def intersection(rng: random.Random, distractors: int) -> Plan:
    """Which person was born in the town of A and works for the firm of B: two branches that meet on a third page."""
    first, second = _MEETING[int(rng.random() * len(_MEETING))]
    kind = first.domain
    # Each branch starts from a thing that can have a near miss with the thing asked for.
    near_misses = {r.domain: r for r in BY_RANGE[kind]}
    to_a, to_b = (
        _choice(rng, [r for r in BY_RANGE[to] if r not in (first, second) and r.domain in near_misses])
        for to in (first.range, second.range)
    )
    names = Names(rng, 5 * distractors + 24)
    pages = Pages(rng, names)
    a, b, answer = names.new(to_a.domain), names.new(to_b.domain), names.new(kind)
    ends_a = [pages.mention(names.new(first.range)) for _ in range(2 + distractors // 4)]
    ends_b = [pages.mention(names.new(second.range)) for _ in range(2 + distractors // 4)]
    asked = [answer] + [names.new(kind) for _ in range(distractors)]
    for name in asked:
        pages.mention(name)
    taken = (first, second, to_a, to_b)

    def start(relation: Relation, title: str, end: str, *nears: str) -> Page:
        near = near_misses[relation.domain].near
        return pages.page(title, [(relation.says, end), *[(near, name) for name in nears]], taken)

    def met(title: str, i: int, j: int, near: bool = False) -> Page:
        return pages.page(title, [(first.near if near else first.says, ends_a[i]), (second.says, ends_b[j])], taken)

    # Every thing of the type asked for that has a page, not only the answer, is named once more on a page from which a
    # branch starts. Each round has a page with one half of the answer's facts, one with the other half, one with a near
    # miss of a half, and two starts of other branches.
    support = (start(to_a, a, ends_a[0], asked[1]), start(to_b, b, ends_b[0], asked[2]), met(answer, 0, 0))
    others: list[Page] = []
    paged = 1
    while len(others) < distractors:
        turn, step = divmod(len(others), 5)
        i, ahead = 1 + turn % (len(ends_a) - 1), asked[3 * turn + 3 : 3 * turn + 6]
        if step == 2:
            others.append(start(to_a, names.new(to_a.domain), ends_a[i], *ahead[:1], *asked[: turn == 0]))
        elif step == 3:
            others.append(start(to_b, names.new(to_b.domain), ends_b[i], *ahead[1:]))
        else:
            others.append(met(asked[paged], i if step == 1 else 0, i if step == 0 else 0, near=step == 4))
            paged += 1
    broken = [(0, to_a), (1, to_b), (2, first), (2, second)][int(rng.random() * 4)]
    question = f"Which {kind} {first.says} {to_a.of.format(a)} and {second.says} {to_b.of.format(b)}?"
    return Plan(
        "intersection",
        question,
        Both(first.says, (a, (to_a.says,)), second.says, (b, (to_b.says,))),
        support,
        tuple(others),
        (
            Hop(f"{a} >> {to_a.says}", ends_a[0], 0),
            Hop(f"{b} >> {to_b.says}", ends_b[0], 1),
            Hop(f"Which {kind} {first.says} #1 and {second.says} #2?", answer, 2),
        ),
        answer,
        _broken(support, broken[0], broken[1].says, broken[1].near),
        broken[0],
        names.types,
        kind,
        (to_a.says, to_b.says, second.says),
    )


def comparison(rng: random.Random, distractors: int, bridge: bool = False) -> Plan:
    """Which of two things has the earlier year, or is it the first? With `bridge`, the years are those of the things
    that they lead to.

    The two possible answers come equally often, whichever of the two forms is asked.
    """
    yes_no, first_is_earlier = rng.random() < 0.5, rng.random() < 0.5
    relation = RELATIONS[int(rng.random() * len(RELATIONS))]
    kind = relation.domain if bridge else ("person", "firm", "town", "book")[int(rng.random() * 4)]
    dated = ATTRIBUTES[relation.range if bridge else kind]
    names = Names(rng, 4 * distractors + 24)
    pages = Pages(rng, names)
    pairs = 2 + distractors
    years = rng.sample(range(FIRST_YEAR, LAST_YEAR + 1), 2 * pairs)
    if (years[0] < years[1]) != first_is_earlier:
        years[0], years[1] = years[1], years[0]
    compared = [names.new(kind) for _ in range(pairs)]
    ends = [names.new(relation.range) for _ in range(pairs)] if bridge else compared
    for name in dict.fromkeys(compared[: 2 + distractors // 2] + ends[: 2 + distractors // 2]):
        pages.mention(name)

    def leads(i: int) -> Page:
        near = ends[i - 2] if i > 1 else ends[2 + int(rng.random() * max(1, distractors // 2))]
        return pages.page(compared[i], [(relation.says, ends[i]), (relation.near, near)], (relation,))

    def has_year(i: int) -> Page:
        said = [(dated.says, str(years[i]))] + [(dated.near, str(years[pairs + i]))] * (rng.random() < 0.5)
        return pages.page(ends[i], said, (relation,) if bridge else ())

    if bridge:
        support: tuple[Page, ...] = (leads(0), has_year(0), leads(1), has_year(1))
        made = [leads(2 + n // 2) if n % 2 == 0 else has_year(2 + n // 2) for n in range(distractors)]
    else:
        support = (has_year(0), has_year(1))
        made = [has_year(2 + n) for n in range(distractors)]
    path = ((relation.says,) if bridge else ()) + (dated.says,)
    a, b = compared[:2]
    query = Earlier((a, path), (b, path), yes_no)
    if yes_no:
        asked = [relation.of.format(name) if bridge else name for name in (a, b)]
        question = dated.asks.format(*asked)
    elif bridge:
        question = f"Which {kind} {relation.says} the {relation.range} that {dated.done} earlier, {a} or {b}?"
    else:
        question = f"Which {kind} {dated.done} earlier, {a} or {b}?"
    hops = []
    for n, page in enumerate(support):
        if bridge and n % 2 == 0:
            hops.append(Hop(f"{page.title} >> {relation.says}", ends[n // 2], n))
        else:
            subject = f"#{n}" if bridge else page.title
            hops.append(Hop(f"{subject} >> {dated.says}", str(years[n // 2 if bridge else n]), n))
    answer = ("yes" if first_is_earlier else "no") if yes_no else (a if first_is_earlier else b)
    twin_hop = int(rng.random() * len(support))
    leading = bridge and twin_hop % 2 == 0
    broken = (relation.says, relation.near) if leading else (dated.says, dated.near)
    return Plan(
        "bridge_comparison" if bridge else "comparison",
        question,
        query,
        support,
        tuple(made),
        tuple(hops),
        answer,
        _broken(support, twin_hop, *broken),
        twin_hop,
        names.types,
        "yes_no" if yes_no else kind,
        path * 2,
    )


def _broken(support: tuple[Page, ...], hop: int, says: str, near: str) -> tuple[Page, ...]:
    """The support with the statement that a hop needs turned into its near miss (same names, no such relation)."""
    page = support[hop]
    statements = tuple((near, value) if wording == says else (wording, value) for wording, value in page.statements)
    return (*support[:hop], replace(page, statements=statements), *support[hop + 1 :])


def _choice(rng: random.Random, options: Sequence[Relation]) -> Relation:
    return options[int(rng.random() * len(options))]


KINDS: dict[str, Callable[[random.Random, int], Plan]] = {
    "chain2": lambda rng, n: chain(rng, 2, n),
    "chain3": lambda rng, n: chain(rng, 3, n),
    "chain4": lambda rng, n: chain(rng, 4, n),
    "intersection": intersection,
    "comparison": comparison,
    "bridge_comparison": lambda rng, n: comparison(rng, n, bridge=True),
}
SUPPORT = {"chain2": 2, "chain3": 3, "chain4": 4, "intersection": 3, "comparison": 2, "bridge_comparison": 4}
"""How many documents a question needs."""
LEAST = 8
"""The fewest documents. With fewer some guarantees can't hold, such as three things that could be the answer."""


# The item ---------------------------------------------------------------------------------------------------------


def plan(kind: str, least: int, most: int, *seed: object) -> Plan:
    """A plan without faults, for `least` to `most` documents. The same seed parts give the same plan."""
    attempt = 0
    while True:
        made = KINDS[kind](random.Random(derive("multihop", kind, *seed, attempt)), most - SUPPORT[kind])
        if not faults(made, least - SUPPORT[kind]):
            return made
        attempt += 1


def item(made: Plan, name: str) -> Item:
    """The plan in words, as an item named `name`, with the names that a guesser may choose from."""
    texts = {page: Document(page.title, page.text()) for page in (*made.support, *made.distractors, *made.twin)}
    wanted = made.answer_type
    entities = _named(made, wanted)
    return Item(
        id=name,
        kind=made.kind,
        question=made.question,
        answer=made.answer,
        scorer="musique",
        support=tuple([texts[p] for p in made.support]),
        distractors=tuple([texts[p] for p in made.distractors]),
        twin=tuple([texts[p] for p in made.twin]),
        twin_hop=made.twin_hop,
        hops=made.hops,
        singles=_singles(made) if isinstance(made.query, Follow) else (),
        entities=(("yes", "no"), *[() for _ in entities[1:]]) if wanted == "yes_no" else entities,
        first_facts=_first_facts(made.query),
        last_wording=made.hop_wordings[-1],
    )


def _named(made: Plan, type: str) -> tuple[tuple[str, ...], ...]:
    """The things of a type that each page names, support first."""
    return tuple(
        tuple([n for n in (page.title, *[v for _, v in page.statements]) if made.types.get(n) == type])
        for page in (*made.support, *made.distractors)
    )


_BY_WORDING = {relation.says: relation for relation in RELATIONS}


def _singles(made: Plan) -> tuple[Single, ...]:
    """Each hop of a chain, asked about the thing that the hop before leads to."""
    found = []
    for hop, page in zip(made.hops, made.support, strict=True):
        relation = _BY_WORDING[made.hop_wordings[hop.support]]
        asked = f"What is the name of {relation.of.format(page.title)}?"
        fact = f"{page.title} {relation.says}"
        found.append(Single(asked, hop.answer, _named(made, relation.range), fact, relation.says))
    return tuple(found)


def _first_facts(query: Query) -> tuple[str, ...]:
    if isinstance(query, Follow):
        paths: tuple[Path, ...] = (query.path,)
    else:
        paths = (query.first_path, query.second_path) if isinstance(query, Both) else (query.first, query.second)
    return tuple(f"{start} {wordings[0]}" for start, wordings in paths)


# The guarantees ---------------------------------------------------------------------------------------------------


def faults(made: Plan, distractors: int) -> list[str]:
    """The guarantees (README.md) that do not hold; empty if all do. What distractors must provide is checked on the
    first `distractors` of them, what they must not spoil on all of them."""
    found = []
    facts = facts_of((*made.support, *made.distractors))
    if solve(made.query, facts) != {made.answer}:
        found.append("not exactly one answer, the given one")
    for page in made.support:
        if len(solve(made.query, facts, without=page.title)) == 1:
            found.append("a support document is not needed")
    if len(solve(made.query, {**facts_of(made.twin), **facts_of(made.distractors)})) == 1:
        found.append("the unanswerable twin has an answer")
    titles = [page.title for page in (*made.support, *made.distractors)]
    if len(set(titles)) < len(titles):
        found.append("two documents about one thing")
    shown = made.distractors[:distractors]
    said = [{wording for wording, _ in page.statements} for page in shown]
    if any(not any(wording in wordings for wordings in said) for wording in made.hop_wordings):
        found.append("a relation of a hop is in no distractor")
    mentioned = {name for page in (*made.support, *shown) for name in (page.title, *[v for _, v in page.statements])}
    if made.answer_type != "yes_no" and sum(made.types.get(name) == made.answer_type for name in mentioned) < 3:
        found.append("fewer than three things could be the answer")
    # The things that hops lead to: the bridges and, except in comparisons (whose question names it), the answer.
    bridges = {hop.answer for hop in made.hops if not hop.answer.isdecimal()}
    if any(name in made.question for name in bridges):
        found.append("the question names a bridge or the answer")
    if not bridges <= {value for page in shown for _, value in page.statements}:
        found.append("a bridge or the answer is in no distractor")
    if isinstance(made.query, Both):
        halves = ((made.query.first, made.hops[0].answer), (made.query.second, made.hops[1].answer))
        if any(not any(half in page.statements for page in shown) for half in halves):
            found.append("one branch alone gives the answer away")
    return found
