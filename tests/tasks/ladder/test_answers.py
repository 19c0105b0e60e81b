"""Every answer has two independent solvers that agree, and the acceptance script's claims hold on small samples."""

import itertools
import random
from fractions import Fraction

import ladder_acceptance as acceptance
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.tasks.ladder import boolean, circuits, dags, equivalence, rungs, scm, tables, worlds
from harness.tasks.ladder.circuits import Circuit, Query, Rule
from harness.tasks.ladder.worlds import World


def shares_of_kinds() -> st.SearchStrategy[tuple[int, ...]]:
    cuts = st.lists(st.integers(1, 99), min_size=3, max_size=3, unique=True).map(sorted)
    return cuts.map(lambda c: (c[0], c[1] - c[0], c[2] - c[1], 100 - c[2]))


WORLDS = st.builds(World, *[st.integers(1, 99)] * 3, shares_of_kinds(), shares_of_kinds())


@settings(deadline=None, max_examples=40)
@given(WORLDS)
def test_formulas_and_enumeration_agree_on_any_world(world: World) -> None:
    assert worlds.by_formula(world) == worlds.by_enumeration(world)
    assert World.of(world.flat()) == world


def test_a_confounded_world_by_hand() -> None:
    """Nobody is harmed or helped by X, but those with Z do both."""
    world = World(50, 90, 10, (20, 0, 0, 80), (80, 0, 0, 20))
    found = worlds.by_formula(world)
    assert found.association == (Fraction(74, 100), Fraction(26, 100))
    assert found.intervention == (Fraction(1, 2), Fraction(1, 2))
    assert found.necessity == 0


def test_frequencies_alone_do_not_say_what_rung_3_is() -> None:
    """P(Y | do X) = .6 and P(Y | do not X) = .4 in both worlds; the probability of necessity is 1/3 in one, 1 in the
    other."""
    least, most = ((40, 20, 0, 40), (0, 60, 40, 0))
    found = [worlds.by_formula(World(50, 50, 50, kinds, kinds)) for kinds in (least, most)]
    assert found[0].association == found[1].association == (Fraction(6, 10), Fraction(4, 10))
    assert found[0].intervention == found[1].intervention
    assert [f.necessity for f in found] == [Fraction(1, 3), 1]


@pytest.mark.parametrize("graph", tables.GRAPHS)
@settings(deadline=None, max_examples=15)
@given(counts=st.tuples(*[st.integers(1, 300)] * 8))
def test_the_formula_of_each_graph_is_what_enumeration_says_of_any_table(graph: str, counts: tables.Table) -> None:
    assert (tables.association(counts), tables.EFFECT[graph](counts)) == tables.by_enumeration(counts, graph)


def test_the_worked_table_has_opposite_signs() -> None:
    table = tables.table_of((3, 1, 9), (1, 1, 7, 3))
    assert sum(table) == 1000
    assert round(float(tables.association(table)), 3) == 0.132
    assert tables.backdoor(table) == Fraction(-12, 100)
    assert tables.opposed((3, 1, 9), (1, 1, 7, 3)) >= 0


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32), st.booleans(), st.data())
def test_bits_enumeration_and_the_twin_network_agree_on_any_circuit(
    seed: int, before: bool, data: st.DataObject
) -> None:
    circuit = boolean.random_circuit(random.Random(seed))
    lamps = st.integers(0, len(circuit.rules) - 1)
    pairs = st.tuples(lamps, st.integers(0, 1))
    seen = tuple(data.draw(st.lists(pairs, max_size=3, unique_by=lambda pair: pair[0])))
    query = Query(data.draw(lamps), seen, data.draw(st.none() | pairs), before)
    found = circuits.by_enumeration(circuit, query)
    assert circuits.by_twin_network(circuit, query) == found
    assert circuits.answer(circuit, query) == (next(iter(found)) if len(found) == 1 else None)
    assert circuits.circuit_of(circuits.written(circuit)) == circuit


def test_what_was_seen_before_the_hand_says_something_else() -> None:
    """The second lamp is on if the first is on or an event happens. It was on; was that the event?"""
    circuit = Circuit((Rule("event", (2,)), Rule("or", (0, 3))), 2)
    assert circuits.answer(circuit, Query(1, ((0, 0), (1, 1)), (0, 1), before=True)) == 1
    assert circuits.answer(circuit, Query(1, ((0, 1), (1, 1)), (0, 0), before=True)) is None
    assert circuits.answer(circuit, Query(1, ((0, 0), (1, 0)), (0, 0), before=True)) == 0


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 2**32), st.data())
def test_a_lamp_seen_to_be_so_never_says_more_than_one_that_is_turned_so(seed: int, data: st.DataObject) -> None:
    """If rung 1 has one answer and rung 2 has one, it is the same: therefore there is no rung 1 of this kind."""
    circuit = boolean.random_circuit(random.Random(seed))
    lamp, target, other = (data.draw(st.integers(0, len(circuit.rules) - 1)) for _ in range(3))
    value, seen = data.draw(st.integers(0, 1)), data.draw(st.integers(0, 1))
    first = circuits.answer(circuit, Query(target, ((lamp, value), (other, seen))))
    second = circuits.answer(circuit, Query(target, ((other, seen),), (lamp, value)))
    assert None in (first, second) or first == second


def test_the_counts_of_graphs_and_classes_are_the_known_ones() -> None:
    assert [claim.holds for claim in acceptance.of_classes()] == [True, True]


def test_relations_that_hold_for_certain() -> None:
    """A collider is known for certain; a chain is not told from a fork."""
    collider = frozenset({(0, 1), (2, 1)})
    [number] = [i for i, c in enumerate(dags.classes(3)) if collider in c.graphs]
    assert dags.verdict(3, number, "direct", 0, 1) == "valid"
    assert dags.verdict(3, number, "effect", 0, 2) == "valid"
    assert dags.verdict(3, number, "direct", 1, 0) == "impossible"
    chain = frozenset({(0, 1), (1, 2)})
    [number] = [i for i, c in enumerate(dags.classes(3)) if chain in c.graphs]
    assert len(dags.classes(3)[number].graphs) == 3
    assert dags.verdict(3, number, "direct", 0, 1) == "possible"
    assert dags.verdict(3, number, "effect", 0, 2) == "impossible"
    assert "cause" not in equivalence.hypotheses(3)


def test_conditioning_on_a_common_effect_ties_its_causes() -> None:
    collider = frozenset({(0, 2), (1, 2), (2, 3)})
    assert dags.independent(collider, 4, 0, 1, ())
    assert not dags.independent(collider, 4, 0, 1, (2,))
    assert not dags.independent(collider, 4, 0, 1, (3,)), "nor on what it causes"


def test_a_question_about_what_never_happens_has_no_answer() -> None:
    model = (scm.by_shares("A", (), [(0, 1)]),)
    assert scm.probability(model, {"A": 1}, {"A": 1}, {}) is None


@pytest.mark.parametrize("part", ["worlds", "lamps", "classes", "chains"])
def test_a_small_acceptance_holds(part: str) -> None:
    assert [claim for claim in acceptance.PARTS[part](320, 1) if not claim.holds and "order" not in claim.what] == []


def test_tables_are_accepted_too() -> None:
    assert [claim for claim in acceptance.of_tables("small", 48) if not claim.holds] == []


def test_each_block_of_worlds_has_each_triple_with_either_polarity_equally_often() -> None:
    made = list(itertools.islice(rungs.worlds("any"), 64))
    counted = [(*worlds.by_formula(world).triple, polarity) for world, polarity in made]
    for half in (counted[:32], counted[32:]):
        assert all(half.count(cell) == 2 for cell in set(half))
        assert len(set(half)) == 16
    assert all(worlds.by_formula(world).margin >= Fraction(1, 10) for world, _ in made)
