"""The answers come from solved equations; here they are checked by building families person by person."""

import itertools
import random
import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.tasks.aiw import problems
from harness.tasks.aiw.family import Circle, Fact, Form, UnsolvableError, as_form, solve, unknown

NUMBER = {"brother": "male", "brothers": "male", "sister": "female", "sisters": "female"}


def count_by_hand(text: str) -> set[int]:
    """Reads a sibling problem's words, makes the children one by one and lets each one asked about look around."""
    name, asked, of = re.search(r"How many (\w+) does (\w+)'s (\w+) have", text).group(2, 1, 3)
    own = "female" if name in problems.FEMALE_NAMES else "male"
    children = [(name, own)]
    for number, what in re.findall(r"(\d+) (brothers?|sisters?)", text):
        children += [(f"{what}-{i}", NUMBER[what]) for i in range(int(number))]
    answers = set()
    for person, sex in children:
        if sex == NUMBER[of] and person != name:
            answers.add(sum(1 for other, s in children if s == NUMBER[asked] and other != person))
    return answers


@given(st.integers(0, 2**40), st.sampled_from(problems.VARIANTS))
def test_procedural_answers_agree_with_counting_persons(seed: int, variant: str) -> None:
    _, build = problems.procedural(random.Random(seed))
    problem = build(variant)
    assert {str(n) for n in count_by_hand(problem.text)} == {problem.answer}


@given(
    st.sampled_from(sorted(problems.NAMES["female"] + problems.NAMES["male"])),
    st.integers(1, 120),
    st.integers(1, 120),
    st.sampled_from(["brothers", "sisters"]),
    st.sampled_from(["brothers", "sisters"]),
    st.sampled_from(problems.SIBLING_FORMS),
)
def test_every_wording_states_the_same_family(name, brothers, sisters, asked, of, form) -> None:
    sex = "female" if name in problems.FEMALE_NAMES else "male"
    person = problems.Siblings(name, sex, brothers, sisters, asked, of)
    problem = problems.siblings(person, ("sisters", "brothers"), form)
    assert {str(n) for n in count_by_hand(problem.text)} == {problem.answer}


@given(st.integers(1, 4), st.integers(0, 4), st.integers(0, 4), st.integers(0, 4), st.integers(1, 4))
def test_cousins_agree_with_every_way_of_sharing_out_the_children(
    sisters, brothers, on_mothers, on_fathers, own
) -> None:
    """No single uncle's children are known, yet every world that fits the facts has the same number of cousins."""
    home = sisters + brothers + 1
    cousins = problems.Cousins(sisters, brothers, home + on_mothers, home + on_fathers, own, "son")
    found = set()
    for uncle1, uncle2, aunt1, aunt2 in itertools.product(range(9), repeat=4):
        nephews_of_aunt = home + uncle1 + uncle2
        nephews_of_uncle = home + aunt1 + aunt2
        if nephews_of_aunt == cousins.of_aunt and nephews_of_uncle == cousins.of_uncle:
            found.add(uncle1 + uncle2 + aunt1 + aunt2 + own)
    assert {str(n) for n in found} == {problems.plus(cousins).answer}


@given(st.integers(0, 30), st.integers(0, 30))
def test_extension_and_friends_agree_with_counting(a: int, b: int) -> None:
    girls, boys = ["Alice", *range(a)], ["Bob", *range(b)]
    assert problems.extension(a, b).answer == str(len(boys))
    women = ["Alice", *range(b)]
    assert problems.friends(max(a, 1), b, True).answer == str(len(women))
    assert len(girls) == a + 1


def test_letters_stay_letters() -> None:
    person = problems.Siblings("Alice", "female", "N", "M")
    assert problems.siblings(person, ("brothers", "sisters")).answer == "M+1"
    assert problems.light_siblings(person, ("brothers", "sisters")).answer == "M+N"


def test_an_open_question_is_refused_not_guessed() -> None:
    circle = Circle("x")
    with pytest.raises(UnsolvableError, match="do not determine"):
        solve([Fact(circle.count("male", "female"), as_form(3))], circle.count("female", "male"))


def test_contradicting_facts_are_refused() -> None:
    with pytest.raises(UnsolvableError, match="contradict"):
        solve([Fact(unknown("a"), as_form(1)), Fact(unknown("a"), as_form(2))], unknown("a"))


def test_a_sum_is_determined_though_its_parts_are_not() -> None:
    total = unknown("a") + unknown("b")
    assert str(solve([Fact(total, as_form(5))], total * Fraction(2))) == "10"


@given(st.lists(st.tuples(st.sampled_from("ab"), st.integers(-3, 3)), max_size=6))
def test_forms_add_like_numbers(terms: list[tuple[str, int]]) -> None:
    total = as_form(0)
    for name, factor in terms:
        total = total + Form({name: 1}) * factor
    values = {"a": 7, "b": -2}
    assert sum(c * values[n] for n, c in total.terms.items()) == sum(values[n] * f for n, f in terms)
