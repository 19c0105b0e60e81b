"""Controls of multi-hop questions: the same question about things of other names, with its documents in another order
or layout, in other words; and with one fact of a document that is needed changed, so that another answer follows.

Rewordings work on the prompt. A changed question is made from its plan, and its answer follows from what its documents
state then (world.solve)."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from harness.tasks.invented import draw_names, names
from harness.tasks.multihop import generator
from harness.tasks.multihop.generator import FIRST_YEAR, LAST_YEAR, Plan
from harness.tasks.multihop.prompts import CLOSED_BOOK, DOCUMENTS
from harness.tasks.multihop.scoring import gold_places
from harness.tasks.multihop.world import Both, Earlier, Follow, Page, facts_of, solve
from harness.tasks.rewording import asked_as, in_params, mixed, replaced, said_otherwise
from harness.types import Param, Sample

_ORDER = "the documents that are not needed in another order, and the sentences within a document"
PLACEBOS = {
    "generated": {
        "names": "other invented names of all things",
        "order": _ORDER,
        "words": "synonyms in the instruction, and of relations in documents and question alike",
    },
    "published": {
        "words": "synonyms in the instruction",
        "layout": "an empty line between the documents, and before the answer",
        "order": "the documents that are not needed in another order",
    },
}
CHANGES = {
    "generated": {"fact": "one fact of a document that is needed"},
    "published": {},
}


def reworded(sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
    """See PLACEBOS. None for another order if there are no documents, or only those that are needed."""
    text, generated = sample.messages[-1].content, sample.params["dataset"] == "generated"
    if placebo == "names":
        return _renamed(sample, rng)
    if placebo == "order":
        return _reordered(sample, generated, rng)
    if placebo == "layout":
        head, _, tail = text.rpartition("\nAnswer:")
        return asked_as(sample, re.sub(r"(?<!\n)\n(?=\[\d+\] )", "\n\n", head) + "\n\nAnswer:" + tail)
    return _said_otherwise(sample, generated)


_NAME = re.compile(r"\b[A-Z][a-z]{5}\b")


def _renamed(sample: Sample, rng: random.Random) -> Sample:
    """Names that only the params have are others, too."""
    params = sample.params
    where = " ".join([sample.messages[-1].content, *(v for v in params.values() if isinstance(v, str))])
    used = [name for name in dict.fromkeys(_NAME.findall(where)) if name in _invented()]
    fresh = [name for name in draw_names(rng, 3 * len(used)) if name not in used]
    words = dict(zip(used, fresh, strict=False))
    found = {name: in_params(value, words) for name, value in params.items()}
    return asked_as(sample, replaced(sample.messages[-1].content, words), found, replaced(sample.target, words))


@cache
def _invented() -> frozenset[str]:
    return frozenset(names())


def _reordered(sample: Sample, sentences: bool, rng: random.Random) -> Sample | None:
    text = sample.messages[-1].content
    documents = re.findall(r"^\[\d+\] (.*)$", text, re.M)[: int(str(sample.params["shown"]))]
    needed = set(gold_places(sample.params))
    free = [i for i in range(len(documents)) if i not in needed]
    if not documents or (len(free) < 2 and not sentences):
        return None
    order = dict(zip(free, mixed(rng, free), strict=True)) if len(free) > 1 else {}
    shown = [documents[order.get(i, i)] for i in range(len(documents))]
    if sentences:
        shown = [_sentences_mixed(document, rng) for document in shown]
    old = "\n".join(f"[{i}] {document}" for i, document in enumerate(documents, 1))
    new = "\n".join(f"[{i}] {document}" for i, document in enumerate(shown, 1))
    return asked_as(sample, text.replace(old, new))


def _sentences_mixed(document: str, rng: random.Random) -> str:
    title, _, told = document.partition(": ")
    return f"{title}: {' '.join(mixed(rng, re.findall(r'[^. ][^.]*[.]', told)))}"


_INSTRUCTION = (
    ("from the documents below alone; some of them have nothing to do with it.",
     "only from the documents below; some of them are about other things."),
    ("as well as you can.", "as well as you are able to."),
)  # fmt: skip
_SYNONYMS = {
    "works for": "is employed by",
    "was taught by": "was trained by",
    "who taught": "who trained",
    "founded": "set up",
    "is based": "has its seat",
    "is governed by": "is ruled by",
    "who governs": "who rules",
    "gets its power from": "gets its electricity from",
    "powers": "gives electricity to",
    "published": "brought out",
    "is set": "takes place",
}
"""Wordings of world.py -> what is said instead."""


def _said_otherwise(sample: Sample, relations: bool) -> Sample:
    text = sample.messages[-1].content
    told = DOCUMENTS if sample.params["shown"] else CLOSED_BOOK
    text = text.replace(told, said_otherwise(told, _INSTRUCTION), 1)
    if not relations:
        return asked_as(sample, text)
    params: dict[str, Param] = dict(sample.params)
    params |= {name: in_params(params[name], _SYNONYMS) for name in ("first_facts", "last_relation") if name in params}
    return asked_as(sample, replaced(text, _SYNONYMS), params)


# Another answer ---------------------------------------------------------------------------------------------------


def plans(plan: Plan, hop: int, rng: random.Random) -> Iterator[Plan]:
    """The plan with one fact of its support changed, so that its question has exactly one answer, another one: each
    way, in random order. With `hop`, counted from 1, the answer of that hop of a chain is another one."""
    if isinstance(plan.query, Follow):
        yield from _chains(plan, hop - 1 if hop else len(plan.hops) - 1, rng)
    elif isinstance(plan.query, Both):
        yield from _meetings(plan, plan.query, rng)
    else:
        yield from _years(plan, plan.query, rng)


def _chains(plan: Plan, hop: int, rng: random.Random) -> Iterator[Plan]:
    """The hop leads to another thing of the same type that the documents mention: best to none of the chain itself."""
    page, wording, old = plan.support[hop], plan.hop_wordings[hop], plan.hops[hop].answer
    own = {page.title, *(value for _, value in page.statements)}
    told = [value for other in (*plan.support, *plan.distractors) for _, value in other.statements]
    alike = [name for name in dict.fromkeys(told) if plan.types.get(name) == plan.types[old] and name not in own]
    chain = {p.title for p in plan.support}
    for name in sorted(rng.sample(alike, len(alike)), key=chain.__contains__):
        hops = tuple(h._replace(answer=name) if i == hop else h for i, h in enumerate(plan.hops))
        support = _stating(plan.support, hop, wording, old, name)
        last = hop == len(plan.hops) - 1
        made = replace(plan, support=support, hops=hops, answer=name if last else plan.answer)
        if not last or not _wrong(made):
            yield made


def _meetings(plan: Plan, query: Both, rng: random.Random) -> Iterator[Plan]:
    """One branch leads to another thing, so that another page has both. It changes places with the page that had both
    before, so that the pages that are needed stand where they stood."""
    for branch in rng.sample((0, 1), 2):
        wording, old = plan.hop_wordings[branch], plan.hops[branch].answer
        ends = dict.fromkeys(
            value
            for page in plan.distractors
            for said, value in page.statements
            if said == (query.first, query.second)[branch] and value != old
        )
        for end in rng.sample(list(ends), len(ends)):
            support = _stating(plan.support, branch, wording, old, end)
            found = solve(query, facts_of((*support, *plan.distractors)))
            place = next((i for i, page in enumerate(plan.distractors) if found == {page.title}), None)
            if place is None:
                continue
            before, after = support[2], plan.distractors[place]
            hops = [*plan.hops]
            hops[branch], hops[2] = hops[branch]._replace(answer=end), hops[2]._replace(answer=after.title)
            made = replace(
                plan,
                support=(*support[:2], after),
                distractors=(*plan.distractors[:place], before, *plan.distractors[place + 1 :]),
                hops=tuple(hops),
                answer=after.title,
            )
            if not _wrong(made):
                yield made


def _years(plan: Plan, query: Earlier, rng: random.Random) -> Iterator[Plan]:
    """One of the two years is another one, on the other side of the other year."""
    dated = [i for i, hop in enumerate(plan.hops) if hop.answer.isdecimal()]
    years = [int(plan.hops[i].answer) for i in dated]
    told = {value for page in (*plan.support, *plan.distractors) for _, value in page.statements}
    wording = plan.hop_wordings[-1]
    for one in rng.sample((0, 1), 2):
        own, other = years[one], years[1 - one]
        beyond = range(other + 1, LAST_YEAR + 1) if own < other else range(FIRST_YEAR, other)
        free = [year for year in beyond if str(year) not in told]
        if not free:
            continue
        year, place = str(rng.choice(free)), dated[one]
        hops = tuple(h._replace(answer=year) if i == place else h for i, h in enumerate(plan.hops))
        support = _stating(plan.support, place, wording, str(own), year)
        [answer] = solve(query, facts_of((*support, *plan.distractors)))
        made = replace(plan, support=support, hops=hops, answer=answer)
        if not _wrong(made):
            yield made


def _stating(pages: tuple[Page, ...], place: int, wording: str, old: str, new: str) -> tuple[Page, ...]:
    """The pages with one statement of one of them about something else."""
    page = pages[place]
    said = tuple((w, new) if (w, value) == (wording, old) else (w, value) for w, value in page.statements)
    return (*pages[:place], replace(page, statements=said), *pages[place + 1 :])


def _wrong(made: Plan) -> bool:
    """Whether the pages do not imply the answer and no other."""
    return solve(made.query, facts_of((*made.support, *made.distractors))) != {made.answer}


def item_of(sample: Sample) -> tuple[str, int, int] | None:
    """(kind, seed, index) of a generated question that has its documents and an answer in them; else None."""
    context = str(sample.params["context"])
    if sample.params["dataset"] != "generated" or not (context == "full" or context.startswith("hop")):
        return None
    kind, _, rest = sample.group.partition("-")
    seed, _, index = rest.rpartition("-")
    return (kind, int(seed), int(index)) if kind in generator.KINDS else None
