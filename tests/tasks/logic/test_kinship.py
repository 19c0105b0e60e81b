"""Kinship: exactly one relation follows, by two solvers that share no code, on any story."""

import itertools
import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.options import build
from harness.tasks.logic import kin, names
from harness.tasks.logic.kinship import KIND, solve
from harness.tasks.logic.prompts import template
from harness.tasks.logic.task import Logic


def samples(limit: int, **options: str):
    return list(itertools.islice(build(Logic, {"kind": "kinship"} | options, "task logic").samples(0), limit))


EDGES = st.lists(st.tuples(st.integers(0, 5), st.sampled_from(kin.TOLD), st.integers(0, 5)), min_size=1, max_size=7)


@settings(max_examples=300, deadline=None)
@given(edges=EDGES, pair=st.permutations(range(6)))
def test_both_solvers_find_the_same_relations_in_any_family(edges, pair) -> None:
    edges, (a, b) = [edge for edge in edges if edge[0] != edge[2]], pair[:2]
    try:
        joined = kin.related(6, edges, a, b)
    except kin.ContradictionError:
        return
    told = kin.closure((str(x), relation, str(y)) for x, relation, y in edges)
    assert joined == {relation for x, relation, y in told if (x, y) == (str(a), str(b))}


def families(people: int):
    """All that the prompt's rules allow, written from its words alone: who is whose spouse (at most one), and which
    marriage each person is a child of, of these people or of strangers. Nobody descends from themselves."""

    def marriages(left: tuple[int, ...]):
        if not left:
            yield {}
            return
        one, *others = left
        yield from marriages(tuple(others))
        for other in others:
            for rest in marriages(tuple(p for p in others if p != other)):
                yield rest | {one: other, other: one}

    for spouse in marriages(tuple(range(people))):
        own = [min(p, spouse.get(p, p)) for p in range(people)]  # somebody's marriage; with a stranger, if with nobody
        for born in itertools.product([*sorted(set(own)), *range(people, 2 * people)], repeat=people):
            over = {(own[p], born[p]) for p in range(people)}
            for _ in range(people):
                over |= {(a, d) for a, b in over for c, d in over if b == c}
            if all(a != b for a, b in over) and all(born[p] != born[q] for p, q in spouse.items()):
                yield spouse, own, born


def holds(family, a: int, relation: str, b: int) -> bool:
    """Whether a is the parent, child, sibling, spouse and so on of b in a family, by what the words mean."""
    spouse, own, born = family
    told = {
        "parent": lambda x, y: own[x] == born[y],
        "child": lambda x, y: own[y] == born[x],
        "sibling": lambda x, y: x != y and born[x] == born[y],
        "spouse": lambda x, y: spouse.get(x) == y,
    }
    by_way_of = {
        "grandparent": [("parent", "parent")], "grandchild": [("child", "child")], "uncle": [("sibling", "parent")],
        "nephew": [("child", "sibling")], "parent-in-law": [("parent", "spouse")],
        "child-in-law": [("spouse", "child")], "sibling-in-law": [("sibling", "spouse"), ("spouse", "sibling")],
    }  # fmt: skip
    if relation in told:
        return told[relation](a, b)
    return any(told[r](a, c) and told[s](c, b) for r, s in by_way_of[relation] for c in range(len(own)))


def test_what_the_solvers_find_is_what_holds_in_every_family_that_the_prompt_allows() -> None:
    """All paths of two steps, in all families of three; of those asked, exactly one relation holds in every one."""
    every = [
        (family, {(a, r, b) for a, b in itertools.permutations(range(3), 2) for r in kin.RELATIONS
                  if holds(family, a, r, b)})
        for family in families(3)
    ]  # fmt: skip
    for chain in itertools.product(kin.TOLD, repeat=2):
        models = [true for _, true in every if set(kin.edges_of(chain)) <= true]
        try:
            found = kin.related(3, kin.edges_of(chain), 0, 2)
        except kin.ContradictionError:
            assert models == []
            continue
        certain = set.intersection(*models)
        assert found == {r for r in kin.RELATIONS if (0, r, 2) in certain}, chain
        assert any(chain in chains for chains in kin.paths(2).values()) == (len(found) == 1)


def test_the_prompt_defines_each_relation_that_words_leave_open_as_the_solver_takes_it() -> None:
    told = {"parent": "parent", "child": "child", "brother or sister": "sibling", "husband or wife": "spouse"}
    one = "|".join(told)
    defined: dict[str, set[tuple[str, str]]] = {}
    definition = r"[Aa]n? (\S+) or (\S+) is (.*?)(?:, and (?=a )|[.:])"
    for man, woman, said in re.findall(definition, template("kinship_rules")):
        [relation] = {kin.OF_LABEL[man][0], kin.OF_LABEL[woman][0]}
        ways = re.findall(rf"(?:a|the) ({one}) of one's ({one})", said)
        defined[relation] = {(told[a], told[b]) for a, b in ways}
    open_ones = {"uncle", "nephew", "parent-in-law", "child-in-law", "sibling-in-law"}
    assert defined == {t: {(r, s) for r, s, made in kin._JOINS if made == t} for t in open_ones}


@pytest.mark.parametrize(
    ("chain", "relation"),
    [
        (("parent", "parent"), "grandparent"),
        (("sibling", "parent"), "uncle"),
        (("parent", "child"), "spouse"),
        (("spouse", "sibling"), "sibling-in-law"),
        (("parent", "spouse"), "parent-in-law"),
        (("child", "sibling", "child"), "grandchild"),
        (("spouse", "child", "parent"), "sibling-in-law"),
    ],
)
def test_a_chain_of_relations_is_the_relation_that_people_call_it(chain: tuple[str, ...], relation: str) -> None:
    assert chain in kin.paths(len(chain))[relation]


@pytest.mark.parametrize(
    "edges",
    [
        [(0, "spouse", 1), (0, "spouse", 2)],
        [(0, "parent", 1), (1, "parent", 0)],
        [(0, "sibling", 1), (0, "spouse", 1)],
        [(0, "parent", 3), (1, "parent", 3), (2, "parent", 3)],
    ],
)
def test_families_that_can_not_be_are_refused(edges) -> None:
    with pytest.raises(kin.ContradictionError):
        kin.related(4, edges, 0, 1)


def test_every_relation_has_paths_of_every_depth() -> None:
    for depth in KIND.depths:
        assert set(kin.paths(depth)) == set(kin.RELATIONS)


def test_all_22_labels_come_about_equally_often() -> None:
    counts = Counter(s.target for s in samples(4_000, names="familiar"))
    assert set(counts) == set(kin.LABELS)
    assert max(counts.values()) / 4_000 <= 0.08


def test_with_distractors_still_exactly_one_relation_follows() -> None:
    for sample in samples(300, distractors="all", order="all", depth="2-6"):
        assert solve(sample.params) == sample.target


def test_without_any_one_of_its_sentences_a_path_tells_nothing() -> None:
    for sample in samples(60, names="familiar"):
        lines = sample.params["question"].split("\n")
        for i in range(sample.params["depth"]):
            with pytest.raises(ValueError, match="0 relations"):
                solve({"question": "\n".join(lines[:i] + lines[i + 1 :])})


def test_misleading_names_suit_the_other_gender() -> None:
    for sample in samples(80, names="familiar,misleading"):
        first = sample.params["question"].partition('missing in "')[2].split()[0]
        woman = sample.target in {words[1] for words in kin.RELATIONS.values()}
        assert (first in names.WOMEN) == (woman == (sample.params["names"] == "familiar"))


def test_readers_need_the_text_only() -> None:
    for sample, reader in itertools.product(samples(20), KIND.readers.values()):
        assert reader({"question": sample.params["question"]}, random.Random(0)) in kin.LABELS
