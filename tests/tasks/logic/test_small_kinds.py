"""Lookup, colours, induction and entailment: what each promises of its questions."""

import itertools
import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.options import build
from harness.tasks.logic import colours, entailment, induction, lookup
from harness.tasks.logic.task import Logic


def samples(kind: str, limit: int, **options: str):
    return list(itertools.islice(build(Logic, {"kind": kind} | options, "task logic").samples(0), limit))


def test_each_animal_is_feared_once_and_none_fears_itself() -> None:
    for seed in range(200):
        made = lookup.story(random.Random(seed))
        assert sorted(made.fears) == sorted(made.kinds) == [0, 1, 2, 3]
        assert {lookup.solve(made._replace(asked=i), 1) for i in range(4)} == {0, 1, 2, 3}
        assert all(made.fears[a] != a != made.fears[made.fears[a]] for a in range(4))


def test_the_answer_is_any_other_animal_equally_often() -> None:
    for depth in (1, 2, 3):
        found: Counter[tuple[int, ...]] = Counter()
        for seed in range(3_000):
            made = lookup.story(random.Random(seed))
            own = made.asked if depth == 1 else made.kinds[made.asked]
            found[(lookup.solve(made, depth) - own) % 4] += 1
        assert set(found) == {1, 2, 3}
        assert max(found.values()) / 3_000 == pytest.approx(1 / 3, abs=0.05)


def test_each_colour_is_named_equally_often_and_the_asked_one_never() -> None:
    for sample in samples("colours", 60):
        text, asks = sample.params["question"].split("\n\n")
        told = Counter(re.findall(r" is (\w+)\.$", text, re.M))
        assert set(told.values()) == {sample.params["depth"]}
        person = asks.split()[4]
        assert re.search(rf"^{person} is an? ", text, re.M)
        assert not re.search(rf"^{person} is (?!an? )", text, re.M)


def test_colours_that_the_examples_do_not_settle_have_no_answer() -> None:
    with pytest.raises(ValueError, match="2 colours"):
        colours.solve({"question": "A is a dog.\nB is a dog.\nC is a dog.\nB is red.\nC is old.\n\n"
                                   "Question: Which colour is A most likely?"})  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9))
def test_exactly_one_rule_fits_and_in_the_twin_several_that_disagree(seed: int) -> None:
    made = induction.draw(random.Random(seed))
    assert induction.fitting(made.plain).bit_count() == 1
    fits = induction.fitting(made.twin)
    assert {bool(induction.AGREE[made.asked][True] & 1 << i) for i in range(105) if fits >> i & 1} == {True, False}
    assert sum(a != b for a, b in zip(made.plain, made.twin, strict=True)) == 1
    assert [says for _, says in made.plain] == [says for _, says in made.twin]
    for examples in (made.plain, made.twin):
        assert len({thing for thing, _ in examples} | {made.asked}) == induction.EXAMPLES + 1
        assert sum(says for _, says in examples) == induction.HALF


def test_the_language_of_rules_is_what_the_prompt_says() -> None:
    assert len(induction.RULES) == 15 + 90
    sample = samples("induction", 1)[0]
    made = induction.read(sample.params)
    assert len(induction.rules_of(made._replace(examples=[]))) == 105
    both = "\n".join(f"{', '.join(sorted(made.asked))}: {says}" for says in ("yes", "no"))
    question = both + sample.params["question"].partition("what the rule says to them:")[2]
    with pytest.raises(ValueError, match="no rule"):
        induction.solve({"question": question})


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**9), depth=st.integers(3, 5))
def test_the_two_rows_are_alike_at_their_ends(seed: int, depth: int) -> None:
    straight, bent = entailment.links_of(depth, random.Random(seed))
    assert len(straight) == len(bent) == depth
    assert entailment.follows(straight, 0, depth)
    first, last = bent[0][0], bent[-1][1]
    assert {first, last} == {depth + 1, 2 * depth + 1}
    assert not entailment.follows(bent, first, last)
    assert not entailment.follows(bent, last, first)


def test_every_wording_is_read_both_ways() -> None:
    for wording, converse in entailment.WORDINGS:
        for statement, answer in ((f"Ann {wording} Cem", "yes"), (f"Cem {converse} Ann", "yes"),
                                  (f"Cem {wording} Ann", "no"), (f"Ann {wording} Dan", "no")):  # fmt: skip
            premise = f"Ann {wording} Bob, and Cem {converse} Bob."
            assert entailment.solve({"question": f"Premise: {premise}\nStatement: {statement}.\n"}) == answer


def test_statements_that_rephrase_need_one_part_and_assertions_several() -> None:
    made = samples("entailment", 600)
    found = {form: [s for s in made if s.params["form"] == form] for form in ("plain", "conjunct", "assertion")}
    right = {
        form: sum(entailment.one_part(s.params, random.Random(0)) == s.target for s in members) / len(members)
        for form, members in found.items()
    }
    assert right["plain"] == right["conjunct"] == 1
    assert right["assertion"] == pytest.approx(0.5, abs=0.1)
    sides = [entailment.sides(s.params, random.Random(0)) == s.target for s in found["assertion"]]
    assert sum(sides) / len(sides) == pytest.approx(0.5, abs=0.1)
    assert all("follow" in s.params["question"] for s in made)


def test_a_conjunct_stands_in_the_premise_word_for_word_if_it_follows() -> None:
    for sample in samples("entailment", 300):
        premise, _, rest = sample.params["question"].partition("\nStatement: ")
        same = rest.partition(".\n")[0] in premise
        assert same == (sample.params["form"] == "conjunct" and sample.target == "yes")
