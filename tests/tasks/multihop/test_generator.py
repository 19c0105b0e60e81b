"""The guarantees of generated questions, checked from the prompt's words alone by a solver of the tests' own."""

import functools
import itertools
import pydoc_data.topics
import random
import re
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks.invented import names
from harness.tasks.multihop import generator
from harness.tasks.multihop.generator import KINDS, SUPPORT
from harness.tasks.multihop.items import Document, Item
from harness.tasks.multihop.prompts import CLOSED_BOOK, DOCUMENTS, OFFER
from harness.tasks.multihop.world import ATTRIBUTES, RELATIONS, chains

SEEDS = 1000
DOCUMENTS_SHOWN = 10


# A solver that reads ----------------------------------------------------------------------------------------------

SAYS = sorted([r.says for r in RELATIONS] + [a.says for a in ATTRIBUTES.values()], key=len, reverse=True)
SENTENCE = re.compile(rf"(\w+) ({'|'.join(map(re.escape, SAYS))}) (\w+)")


def facts_in(documents) -> dict[tuple[str, str], set[str]]:
    """What the sentences state; near misses match no wording."""
    facts: dict[tuple[str, str], set[str]] = {}
    for _, text in documents:
        for sentence in text.rstrip(".").split(". "):
            m = SENTENCE.fullmatch(sentence)
            if m:
                facts.setdefault((m[1], m[2]), set()).add(m[3])
    return facts


def noun_phrase(text: str) -> tuple[str, tuple[str, ...]]:
    """ "the firm that powers X" -> (X, ("gets its power from",)); exactly one reading, or the test fails."""
    if re.fullmatch(r"[A-Z][a-z]{5}", text):
        return text, ()
    readings = []
    for relation in RELATIONS:
        before, after = relation.of.split("{}")
        if text.startswith(before) and text.endswith(after) and len(text) > len(before) + len(after):
            try:
                start, path = noun_phrase(text[len(before) : len(text) - len(after)])
            except ValueError:
                continue
            readings.append((start, (*path, relation.says)))
    if len(readings) != 1:
        raise ValueError(f"{len(readings)} readings of {text}")
    return readings[0]


def values(phrase: str, facts) -> set[str]:
    start, path = noun_phrase(phrase)
    found = {start}
    for wording in path:
        found = set().union(*(facts.get((thing, wording), set()) for thing in found))
    return found


def year(things: set[str], wording: str, facts) -> set[int]:
    return {int(y) for thing in things for y in facts.get((thing, wording), ())}


def solve(question: str, documents) -> set[str]:
    """Every answer that follows from the documents."""
    facts = facts_in(documents)
    if m := re.fullmatch(r"What is the name of (.*)\?", question):
        return values(m[1], facts)
    for attribute in ATTRIBUTES.values():
        ask, between = attribute.asks.split("{}")[:2]
        if (m := re.fullmatch(rf"{ask}(.*?){between}(.*)\?", question)) and attribute.asks.startswith(ask):
            years = [year(values(side, facts), attribute.says, facts) for side in m.groups()]
            if all(years) and _typed(m[1], attribute.type, facts):
                return {"yes" if a < b else "no" for a, b in itertools.product(*years)}
        if m := re.fullmatch(
            rf"Which (\w+) (?:(.*) the (\w+) that )?{attribute.done} earlier, (\w+) or (\w+)\?", question
        ):
            if (m[3] or m[1]) != attribute.type:
                continue
            ends = [facts.get((side, m[2]), set()) if m[2] else {side} for side in m.groups()[3:]]
            years = [year(end, attribute.says, facts) for end in ends]
            return {m[4] if a < b else m[5] for a, b in itertools.product(*years)}
    for one, other in itertools.permutations(RELATIONS, 2):
        m = re.fullmatch(rf"Which {one.domain} {one.says} (.*) and {other.says} (.*)\?", question)
        if m and one.domain == other.domain:
            ends = values(m[1], facts), values(m[2], facts)
            titles = {title for title, _ in facts}
            return {
                t for t in titles
                if facts.get((t, one.says), set()) & ends[0] and facts.get((t, other.says), set()) & ends[1]
            }  # fmt: skip
    return set()


def _typed(phrase: str, type: str, facts) -> bool:
    """ "Was {} born before {}?" and "was founded": the wording tells them apart already; the years must be there."""
    return any(wording == ATTRIBUTES[type].says for _, wording in facts)


# Over a thousand seeds --------------------------------------------------------------------------------------------


@functools.cache
def made(kind: str) -> list[Item]:
    return [
        generator.item(generator.plan(kind, DOCUMENTS_SHOWN, DOCUMENTS_SHOWN, "test", seed), f"{kind}-{seed}")
        for seed in range(SEEDS)
    ]


@pytest.fixture(params=list(KINDS))
def items(request) -> list[Item]:
    return made(request.param)


def pages(item: Item) -> tuple[Document, ...]:
    return (*item.support, *item.distractors)


def test_there_is_exactly_one_answer_and_it_is_the_given_one(items) -> None:
    for item in items:
        assert len(pages(item)) == DOCUMENTS_SHOWN
        assert solve(item.question, pages(item)) == {item.answer}, item


def test_without_any_one_support_document_no_answer_follows(items) -> None:
    for item in items:
        for i in range(len(item.support)):
            left = (*item.support[:i], *item.support[i + 1 :], *item.distractors)
            assert len(solve(item.question, left)) != 1, item


def test_nothing_follows_from_the_question_alone(items) -> None:
    assert all(not solve(item.question, ()) for item in items)


def test_nothing_follows_from_the_distractors(items) -> None:
    assert all(len(solve(item.question, item.distractors)) != 1 for item in items)


def test_the_twin_has_no_answer_and_differs_in_the_relation_of_one_sentence(items) -> None:
    for item in items:
        assert len(solve(item.question, (*item.twin, *item.distractors))) != 1, item
        changed = [(a, b) for a, b in zip(item.support, item.twin, strict=True) if a != b]
        ((before, after),) = changed
        assert before.title == after.title
        sentences = zip(before.text.split(". "), after.text.split(". "), strict=True)
        ((said, near),) = [(a, b) for a, b in sentences if a != b]
        assert (said.split()[0], said.split()[-1]) == (near.split()[0], near.split()[-1]), "the same two names"
        assert abs(len(said) - len(near)) <= 10


def test_near_misses_are_not_a_mark_of_the_twin(items) -> None:
    """Documents that say nothing but near misses of relations occur among distractors too, and in both twins."""
    nears = [r.near for r in RELATIONS] + [a.near for a in ATTRIBUTES.values()]
    assert all(any(near in text for _, text in item.distractors for near in nears) for item in items)


def test_every_hop_has_distractors_with_its_relation_of_other_things(items) -> None:
    for item in items:
        stated = Counter(wording for _, wording in facts_in(item.distractors))
        for hop in item.hops:
            relation = next(r for r in SAYS if r in hop.question)
            assert stated[relation] >= (DOCUMENTS_SHOWN // len(item.support) - 1) // 2 + (len(item.support) == 4), item
        assert stated[item.last_wording] >= 2, item


def test_at_least_three_things_could_be_the_answer(items) -> None:
    for item in items:
        candidates = set(itertools.chain.from_iterable(item.entities))
        assert item.answer in candidates
        assert candidates == {"yes", "no"} or len(candidates) >= 3, item


def test_the_question_names_neither_a_bridge_nor_the_answer_unless_it_is_a_comparison(items) -> None:
    for item in items:
        hidden = [hop.answer for hop in item.hops]
        assert not any(name in item.question for name in hidden), item
        if "comparison" not in item.kind:
            assert item.answer == hidden[-1]


def test_bridges_and_answers_are_also_in_documents_that_do_not_help(items) -> None:
    for item in items:
        for hop in item.hops:
            if not hop.answer.isdigit():
                assert any(hop.answer in text for _, text in item.distractors), item


def test_no_distractor_states_what_a_hop_needs(items) -> None:
    for item in items:
        stated = {(wording, value) for (_, wording), said in facts_in(item.distractors).items() for value in said}
        for hop in item.hops[:2] if item.kind == "intersection" else item.hops:
            relation = next(r for r in SAYS if r in hop.question)
            assert (relation, hop.answer) not in stated, item


def test_each_hop_is_answered_by_its_document_alone(items) -> None:
    for item in items:
        for hop in item.hops[: len(item.support)]:
            assert hop.answer in (item.support[hop.support].text + item.support[hop.support].title)


def test_yes_and_no_and_first_and_second_come_equally_often() -> None:
    for kind in ("comparison", "bridge_comparison"):
        answers = Counter(i.answer for i in made(kind) if i.answer in ("yes", "no"))
        assert abs(answers["yes"] - answers["no"]) < 4 * answers.total() ** 0.5
        first = Counter(i.question.index(i.answer) < len(i.question) - 9 for i in made(kind) if i.answer not in answers)
        assert abs(first[True] - first[False]) < 4 * first.total() ** 0.5


def test_the_answer_is_any_of_the_candidates() -> None:
    """By alphabet it stands anywhere among them: its mean place is the middle, up to chance."""
    for kind in ("chain2", "chain3", "chain4", "intersection"):
        ranks = []
        for item in made(kind):
            names_ = sorted(set(itertools.chain.from_iterable(item.entities)))
            ranks.append(names_.index(item.answer) / (len(names_) - 1))
        assert sum(ranks) / len(ranks) == pytest.approx(0.5, abs=4 * 0.35 / SEEDS**0.5)


def test_the_most_mentioned_name_is_seldom_the_answer() -> None:
    for kind in ("chain2", "chain3", "chain4", "intersection"):
        hits = 0.0
        for item in made(kind):
            text = " ".join(f"{title} {text}" for title, text in pages(item))
            counts = {name: text.count(name) for name in set(itertools.chain.from_iterable(item.entities))}
            most = [name for name, n in counts.items() if n == max(counts.values())]
            hits += (item.answer in most) / len(most)
        assert hits / SEEDS < 0.25, kind


# Names and wordings -----------------------------------------------------------------------------------------------


def test_no_name_is_a_part_of_another() -> None:
    assert len(set(map(str.lower, names()))) == len(names())
    assert {len(name) for name in names()} == {6}


def test_no_name_is_a_word_or_in_one() -> None:
    texts = [" ".join(pydoc_data.topics.topics.values()), DOCUMENTS, OFFER, CLOSED_BOOK]
    texts += [f"{r.says} {r.near} {r.of}" for r in RELATIONS]
    words = set(re.findall(r"[a-z]{6,}", " ".join(texts).lower()))
    listed = Path("/usr/share/dict/words")
    if listed.exists():
        words |= set(listed.read_text(encoding="utf-8").lower().split())
    parts = {word[i : i + 6] for word in words for i in range(len(word) - 5)}
    assert not parts & set(map(str.lower, names()))


def test_wordings_are_told_apart_and_twins_are_about_as_long() -> None:
    says = [r.says for r in RELATIONS] + [a.says for a in ATTRIBUTES.values()]
    nears = [r.near for r in RELATIONS] + [a.near for a in ATTRIBUTES.values()]
    assert len(set(says + nears)) == len(says + nears)
    for thing in (*RELATIONS, *ATTRIBUTES.values()):
        assert abs(len(thing.says) - len(thing.near)) <= 9


def test_chains_never_use_a_relation_twice() -> None:
    for hops in (2, 3, 4):
        assert len(chains(hops)) > 10
        assert all(len(set(c)) == hops for c in chains(hops))


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(list(KINDS)), st.integers(8, 40), st.integers(0, 10**6))
def test_any_number_of_documents_keeps_the_guarantees(kind: str, documents: int, seed: int) -> None:
    plan = generator.plan(kind, 8, documents, "any", seed)
    item = generator.item(plan, "x")
    assert len(pages(item)) == documents
    shown = (*item.support, *item.distractors[: 8 - SUPPORT[kind]])
    assert solve(item.question, pages(item)) == solve(item.question, shown) == {item.answer}


def test_faults_are_found() -> None:
    """The solver notices a support document that says too little, and one that another stands in for."""
    plan = generator.plan("chain2", 10, 10, 0)
    broken = generator.Plan(**{f: getattr(plan, f) for f in plan.__slots__} | {"support": plan.twin})
    assert "not exactly one answer, the given one" in generator.faults(broken, 8)
    spoilt = generator.Plan(**{f: getattr(plan, f) for f in plan.__slots__} | {"twin": plan.support})
    assert generator.faults(spoilt, 8) == ["the unanswerable twin has an answer"]


def test_neighbouring_seeds_share_no_question() -> None:
    rng = random.Random(0)
    kind = rng.choice(list(KINDS))
    questions = [generator.plan(kind, 10, 10, "1", seed, i).question for seed in (1, 2) for i in range(200)]
    assert len(set(questions)) == len(questions)
