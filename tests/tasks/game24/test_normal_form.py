"""Two expressions have one normal form exactly if they take the same way."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.reading.expressions import NoValueError, parse
from harness.tasks.game24 import solver

NUMBERS = st.integers(1, 13).map(str)
TREES = st.recursive(NUMBERS, lambda part: st.tuples(st.sampled_from("+-*/"), part, part), max_leaves=5)


def written(tree, swap: bool) -> str:
    """In brackets throughout, and with the operands of + and * swapped if `swap`."""
    if isinstance(tree, str):
        return tree
    operator, left, right = tree
    parts = [written(left, swap), written(right, swap)]
    if swap and operator in "+*":
        parts.reverse()
    return f"({parts[0]} {operator} {parts[1]})"


def form(text: str) -> str | None:
    try:
        return solver.normal_form(parse(text))
    except NoValueError:
        return None


@given(TREES)
def test_order_and_outer_brackets_make_no_difference(tree) -> None:
    assert form(written(tree, False)) == form(written(tree, True)) == form(f"(({written(tree, True)}))")


@given(TREES)
def test_the_normal_form_has_the_value_of_the_expression(tree) -> None:
    text = written(tree, False)
    found = form(text)
    if found is not None:
        assert parse(found).value() == parse(text).value()
        assert form(found) == found


@pytest.mark.parametrize("numbers", [(4, 5, 6, 10), (1, 1, 1, 8), (1, 2, 2, 4)])
def test_the_ways_of_the_solver_are_their_own_normal_forms(numbers) -> None:
    assert all(form(way.text) == way.text for way in solver.ways(numbers))


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("(1 - 5) * (2 - 8)", "(8 - 2) * (5 - 1)", True),
        ("-(3 - 5) * 12", "12 * (5 - 3)", True),
        ("8 - (2 - 3) + 4", "3 + 4 - 2 + 8", True),
        ("6 / (3 / 4)", "6 * 4 / 3", True),
        ("24 / 1", "24 * 1", False),
        ("3 - 5", "5 - 3", False),
        ("2 * (3 + 4)", "2 * 3 + 4", False),
    ],
)
def test_ways_are_told_apart(one: str, other: str, same: bool) -> None:
    assert (form(one) == form(other)) is same


@pytest.mark.parametrize("text", ["1 / 0", "5 / (3 - 3)", "2 ** 3", "4!", "7 % 2"])
def test_what_has_no_value_or_another_operator_has_no_normal_form(text: str) -> None:
    assert form(text) is None
