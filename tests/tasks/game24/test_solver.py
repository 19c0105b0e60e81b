"""The exhaustive solver against independent brute force, and the shipped puzzles against the solver."""

import collections
import itertools
import random
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.reading.expressions import parse
from harness.tasks.game24 import solver
from harness.tasks.game24.puzzles import TARGETS, difficulty, puzzles, search

NUMBERS = st.lists(st.integers(1, 13), min_size=4, max_size=4).map(lambda some: tuple(sorted(some)))
PRIME = 2**61 - 1


def brute_force(numbers: tuple[int, ...]) -> dict[Fraction, set[tuple[int, ...]]]:
    """Every value that two-by-two joining makes, negative ones on the way too, each with the different ways to make
    it: a way is known by the values it would have with random numbers (of a large prime field) in place of the given.

    Equal numbers can change places: of the assignments of random numbers to places, the least result counts.
    """
    rng = random.Random(5)
    labels = [rng.randrange(1, PRIME) for _ in numbers]
    orders = [
        [labels[i] for i in order]
        for order in itertools.permutations(range(len(numbers)))
        if all(numbers[i] == numbers[place] for place, i in enumerate(order))
    ]
    found: dict[Fraction, set[tuple[int, ...]]] = collections.defaultdict(set)
    start = [(Fraction(n), tuple(order[i] for order in orders)) for i, n in enumerate(numbers)]

    def join(left: list[tuple[Fraction, tuple[int, ...]]]) -> None:
        if len(left) == 1:
            value, marks = left[0]
            found[value].add(tuple(sorted(marks)))
        for i, j in itertools.permutations(range(len(left)), 2):
            (a, x), (b, y) = left[i], left[j]
            rest = [part for k, part in enumerate(left) if k not in (i, j)]
            if i < j:
                join([*rest, (a + b, tuple((u + v) % PRIME for u, v in zip(x, y, strict=True)))])
                join([*rest, (a * b, tuple(u * v % PRIME for u, v in zip(x, y, strict=True)))])
            join([*rest, (a - b, tuple((u - v) % PRIME for u, v in zip(x, y, strict=True)))])
            if b:
                join([*rest, (a / b, tuple(u * pow(v, -1, PRIME) % PRIME for u, v in zip(x, y, strict=True)))])

    join(start)
    return found


@given(NUMBERS)
@settings(max_examples=12, deadline=None)
def test_the_solver_agrees_with_brute_force(numbers: tuple[int, ...]) -> None:
    expected = {value: len(ways) for value, ways in brute_force(numbers).items() if value > 0}
    found = collections.Counter(way.value for way in solver.ways(numbers) if way.value > 0)
    assert found == expected, "as many different ways to each value, by an independent notion of different"
    assert solver.reachable(numbers) - {0} == {v for v in expected if v.denominator == 1}


@given(NUMBERS)
@settings(max_examples=25, deadline=None)
def test_every_way_is_an_expression_of_the_numbers_with_its_value(numbers: tuple[int, ...]) -> None:
    ways = solver.ways(numbers)
    assert len({way.text for way in ways}) == len(ways)
    for way in ways[::17]:
        read = parse(way.text)
        assert read.value() == way.value
        assert sorted(map(int, read.numbers)) == sorted(numbers)


@pytest.mark.parametrize(
    ("numbers", "texts"),
    [
        ((4, 5, 6, 10), ["5 * 4 + 10 - 6", "6 * 5 + 4 - 10", "(10 - 4) * 5 - 6", "5 * (10 - 6) + 4"]),
        ((3, 3, 8, 8), ["8 / (3 - 8 / 3)"]),
        ((1, 1, 1, 1), []),
    ],
)
def test_solutions_of_known_puzzles(numbers: tuple[int, ...], texts: list[str]) -> None:
    assert [way.text for way in solver.solutions(numbers, 24)] == texts


def test_fractions_are_needed_only_where_no_order_avoids_them() -> None:
    (needed,) = solver.solutions((3, 3, 8, 8), 24)
    assert needed.needs_fractions
    (avoided,) = [way for way in solver.solutions((3, 4, 6, 9), 72) if way.text == "9 * 6 * 4 / 3"]
    assert not avoided.needs_fractions


def test_too_many_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="too many"):
        solver.ways((1, 2, 3, 4, 5, 6))


def test_there_are_1362_puzzles() -> None:
    """As many as in the published file: all multisets of 1 to 13 that make 24."""
    every = itertools.combinations_with_replacement(range(1, 14), 4)
    assert {n for n in every if solver.can_make(n, 24)} == {p.numbers for p in puzzles()}
    assert len(puzzles()) == 1362


def test_the_shipped_puzzles_are_what_the_search_finds() -> None:
    for puzzle in random.Random(1).sample(puzzles(), 40):
        found = search(puzzle.numbers)
        assert found is not None
        assert (found.goal, found.other) == (puzzle.goal, puzzle.other)
        assert puzzle.unreachable in found.out_of_reach


def test_the_solutions_of_every_puzzle_are_right() -> None:
    for puzzle in puzzles():
        assert puzzle.other.target in TARGETS
        assert puzzle.unreachable in TARGETS
        assert puzzle.other.target != 24
        for goal in (puzzle.goal, puzzle.other):
            read = parse(goal.solution)
            assert read.value() == goal.target
            assert tuple(sorted(map(int, read.numbers))) == puzzle.numbers


def test_the_easiest_come_first() -> None:
    assert list(puzzles()) == sorted(puzzles(), key=difficulty)
    assert not puzzles()[0].goal.fractions
    assert sum(p.goal.fractions for p in puzzles()[-16:]) == sum(p.goal.fractions for p in puzzles()) == 16


def test_other_targets_are_as_hard_as_24() -> None:
    """The two that differ in fractions, 1 3 4 6 and 1 4 5 6, have no other target of two digits that needs them."""
    assert sum(p.goal.fractions != p.other.fractions for p in puzzles()) == 2
    assert sum(p.goal.ways == p.other.ways for p in puzzles()) == 1233
    assert all(0.4 <= p.goal.ways / p.other.ways <= 2.5 for p in puzzles())


def test_a_target_says_little_about_whether_it_can_be_made() -> None:
    """The best guess from the target alone, knowing how often each occurs: by hundreds, chance is a half."""

    def best_guess(some) -> float:
        reached = collections.Counter(p.other.target for p in some)
        unreached = collections.Counter(p.unreachable for p in some)
        return sum(max(reached[t], unreached[t]) for t in TARGETS) / 2 / len(some)

    assert best_guess(puzzles()) < 0.53
    assert best_guess(puzzles()[900:1000]) < 0.53
