"""Rules of a party: twins of which one can be kept and the other can't, told apart by no count."""

import itertools
import random

import logic_arguments
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness import plugins
from harness.tasks.logic import sat
from harness.tasks.logic import sat_formulas as formulas

SAMPLES = list(itertools.islice(plugins.task("logic", {"kind": "sat"}).samples(0), 960))
LITERALS = st.tuples(st.integers(1, 5), st.booleans()).map(lambda pair: pair[0] if pair[1] else -pair[0])
CLAUSES = st.lists(LITERALS, min_size=3, max_size=3, unique_by=abs).map(tuple)


@given(st.lists(CLAUSES, max_size=30))
def test_both_solvers_agree_on_any_formula(clauses: list[formulas.Clause]) -> None:
    assert (formulas.solutions(5, clauses) > 0) == formulas.satisfiable(clauses)


@given(seed=st.integers(0, 10_000), depth=st.sampled_from(sat.KIND.depths), extra=st.integers(0, 3))
def test_twins_differ_in_one_literal_and_one_alone_has_a_solution(seed: int, depth: int, extra: int) -> None:
    variables = min(8, sat.LEAST.get(depth, 4) + extra)
    one, two = formulas.twins(random.Random(seed), variables, depth * variables)
    assert formulas.solutions(variables, one)
    assert not formulas.solutions(variables, two)
    assert sum(x != y for a, b in zip(one, two, strict=True) for x, y in zip(a, b, strict=True)) == 1
    assert len(set(one)) == len(set(two)) == depth * variables


def test_the_solver_of_the_text_gives_every_answer() -> None:
    for sample in SAMPLES:
        assert sat.solve(sample.params) == sample.target, sample.messages


def test_a_clause_is_a_rule() -> None:
    assert sat.rule((1, -2, 3), ["Ada", "Ben", "Cleo"]) == ("If Ada does not come and Ben comes, then Cleo comes.")
    question = "\n" + sat.rule((1, -2, 3), ["Ada", "Ben", "Cleo"])
    assert sat.clauses_of({"question": question}) == [(1, -2, 3)]


def test_depth_is_the_number_of_rules_for_each_person() -> None:
    for sample in SAMPLES:
        assert len(sat.clauses_of(sample.params)) == int(str(sample.params["depth"])) * int(
            str(sample.params["persons"])
        )


@pytest.mark.parametrize("ratio", sorted(logic_arguments.RATIOS))
def test_random_formulas_are_satisfiable_as_often_as_known(ratio: float) -> None:
    mean, tolerance = logic_arguments.RATIOS[ratio]
    assert abs(logic_arguments.satisfied(ratio, 2_000) - mean) <= tolerance


def test_shallow_readers_are_at_their_floors() -> None:
    shares = logic_arguments.reader_shares("sat", SAMPLES, lambda s: "")
    assert shares["shallow", ""] == 0.5
    assert abs(shares["polarity", ""] - 0.5) < 0.06
    assert shares["majority", ""] < 0.65


def test_a_text_that_is_no_question_is_an_error_that_can_be_caught() -> None:
    with pytest.raises(ValueError, match="no rules"):
        sat.solve({"question": "Can they all come?"})
