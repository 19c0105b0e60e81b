"""Twins of word problems with calculator marks: other numbers in the same words, and the answer that is right then.

The fixture gsm8k_like.jsonl has invented items in the published form. The formulas here were written from the
questions, not from the marks.
"""

import contextlib
import json
import random
import re
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins, twins
from harness.results.audit import warnings
from harness.results.audit_controls import audit_controls
from harness.tasks.hub import chains, quantities
from harness.tasks.hub.chains import Mark, NoTwinError
from harness.tasks.hub.quantities import NUMBER

FIXTURES = Path(__file__).parents[2] / "fixtures"
LIKE = FIXTURES / "gsm8k_like.jsonl"
ITEMS = [json.loads(line) for line in LIKE.read_text(encoding="utf-8").splitlines()]
RIGHT = {
    1: lambda trays, rolls, sold: trays * rolls - sold,
    2: lambda saved, months, coat, nieces: (saved * months - coat) / nieces,
    3: lambda km: 3 * km,
    5: lambda boxes, used: 12 * boxes - used,
    6: lambda price, off: price - price * off / 100,
    7: lambda price, up: price + price * up / 100,
    8: lambda pages, weeks, book: book - pages * 7 * weeks,
    9: lambda litres, hours: litres * 60 * hours,
    10: lambda red, green, more: red + green + more,
    11: lambda start, stop, off, on: start - off + on,
    12: lambda year, rows, seats, empty: rows * seats - empty,
    13: lambda three, four, goats, more: goats * Fraction(3, 4) + more,
    14: lambda bill, tip: (bill + tip) / 10,
    15: lambda skirt, blouse, sets: (skirt + blouse) * sets,
    17: lambda clock, train, longer, speed: (train + longer) * speed,
    18: lambda age, years: 3 * age + years,
    19: lambda stamps, price, given: stamps * price - given,
    23: lambda pay, times, usual, worked: usual * pay + (worked - usual) * pay * times,
    26: lambda money, shirts, price, belt: (money - shirts * price - belt) / 4,
    27: lambda bricks, monday, tuesday: bricks * (monday + tuesday),
    28: lambda pencils, price: 100 * price / pencils,
    30: lambda deep, climbs, slides, days: deep - (climbs - slides) * days,
}
NONE = {
    4: "may be two things",  # 120 litres are sold, and 120 are left
    16: "sum of two others",
    20: "more often than the question",  # 7 pieces, twice: one of them might be a count of what is only listed
    21: "may be two things",  # 30 roses, and 30 tulips that are left
    22: "may be two things",  # 100 per cent, and 100 chairs
    24: "does not hold exactly",
    25: "is not in the question",  # 37*3 has no mark
    29: "may be two things",  # 4 cats, and 4 legs
}


def chain_of(item: dict) -> chains.Chain:
    return chains.chain(item["question"], chains.marks(item["answer"]), item["answer"].rpartition("#### ")[2])


def numbers(text: str) -> list[Fraction]:
    return [Fraction(n.replace(",", "")) for n in re.findall(NUMBER, text)]


def words(text: str) -> str:
    return re.sub(NUMBER, "#", text)


@settings(max_examples=3)
@given(seed=st.integers(0, 10**6))
def test_a_twin_has_other_numbers_and_the_answer_that_is_right_for_them(seed: int) -> None:
    for place, right in RIGHT.items():
        item = ITEMS[place - 1]
        chain = chain_of(item)
        assert right(*numbers(item["question"])) == Fraction(item["answer"].rpartition("#### ")[2])
        twin = chains.twin(chain, random.Random(seed))
        assert twin is not None
        assert words(twin.question) == words(item["question"])
        assert right(*numbers(twin.question)) == Fraction(twin.answer)
        assert Fraction(twin.answer) != right(*numbers(item["question"]))


@settings(max_examples=3)
@given(seed=st.integers(0, 10**6))
def test_a_twin_keeps_hops_operations_digits_and_the_order_by_size(seed: int) -> None:
    for place in RIGHT:
        chain = chain_of(ITEMS[place - 1])
        twin = chains.twin(chain, random.Random(seed))
        before, after = numbers(chain.question), numbers(twin.question)
        assert len(twin.question) == len(chain.question), "as many digits, commas and points"
        assert [words(m.computed) for m in twin.marks] == [words(m.computed) for m in chain.marks]
        for old, new in zip(chain.marks, twin.marks, strict=True):
            results = Fraction(old.result), Fraction(new.result)
            assert results[0].denominator == 1 or results[1].denominator > 1
            assert (results[0] > 0) == (results[1] > 0)
        for a, x in zip(before, after, strict=True):
            assert [a < b for b in before] == [x < y for y in after]
        for quantity, new in zip(chain.numbers, after, strict=True):
            assert (quantity.value == new) == quantity.kept
            assert quantity.kept or new != 1


@pytest.mark.parametrize("place", NONE)
def test_an_item_whose_numbers_are_not_tied_without_doubt_has_no_twin(place: int) -> None:
    assert {*NONE, *RIGHT} == set(range(1, len(ITEMS) + 1))
    with pytest.raises(NoTwinError, match=NONE[place]):
        chain_of(ITEMS[place - 1])


@pytest.mark.parametrize(
    ("question", "solution", "answer", "reason"),
    [
        ("He has 3 cats.", "He has 3.", "3", "no calculator marks"),
        ("He has 3 cats and 4 dogs.", "<<3+4=7>>7 <<x>>", "7", "another form"),
        ("He has 3 cats and 4 dogs.", "<<3+4=7>>7 <<7*x=14>>", "14", "another form"),
        ("He has 3 cats and 4 dogs.", "<<__import__('os')=7>>7", "7", "another form"),
        ("He has three cats.", "<<3+1=4>>4", "4", "no number of the question"),
        ("He has 1 cat.", "<<1+1=2>>2", "2", "no number of the question"),
        ("He has 3 cats and 4 dogs.", "<<3+4=7>>7, and 9 others", "16", "the last mark is not the answer"),
        ("He has 3 cats, 4 dogs, 9 hens.", "<<3+4=7>>7", "7", "is in no mark"),
        ("He has 13 cats and 24 dogs. Which are more?", "<<13*2=26>>26 <<24*2=48>>48", "48", "is not in the question"),
        ("Both have 13 cats and 24 dogs.", "<<13*2=26>>26 <<24*2=48>>48", "48", "a result that no later mark uses"),
        ("Tom, Ann and Bob have 3 cats each.", "<<3*3=9>>9", "9", "more often than the question"),
        ("He has 3 cats and three dogs.", "<<3+3=6>>6", "6", "two things"),
        ("20% are red, 30% blue, 50% green, of 40.", "<<40*20/100=8>>8", "8", "sum of two others"),
        ("25% are red, 35% blue, 40% green, of 90.", "<<90*25/100=22.5>>", "22.5", "make up the whole"),
    ],
)
def test_what_keeps_an_item_from_having_a_twin_is_said(question: str, solution: str, answer: str, reason: str) -> None:
    with pytest.raises(NoTwinError, match=reason):
        chains.twin(chains.chain(question, chains.marks(solution), answer), random.Random(0))


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("12 apples", False), ("$12", False), ("1.5 times", False), ("1,250 stamps", False), ("5kg", False),
        ("a 5-pound bag", False), ("30 cents", False), ("20% off", False), ("2 weeks", False), ("20 feet", False),
        ("1 apple", True), ("0 points", True), ("12 months", True), ("60 minutes", True), ("7 days", True),
        ("100% of", True), ("1/2 of", True), ("3 1/2 cups", True), ("the 3rd", True), ("in 1987 he", True),
        ("at 5:30", True), ("at 9 am", True), ("at 9 p.m.", True), ("4 legs", True), ("a 5-star", True),
        ("room 12", True), ("on May 5", True), ("2 and a half", True),
        ("the 3 friends", True), ("all 4 cats", True), ("5 dozen", True), ("5 million", True),
        ("3-5 eggs", True), ("x2", None), ("10K", True),
    ],
)  # fmt: skip
def test_numbers_that_no_other_can_stand_for_are_kept(text: str, kept: bool | None) -> None:
    found = quantities.quantities(f"He saw {text} there.")
    assert (found[0].kept if found else None) == kept


@pytest.mark.parametrize(
    ("question", "value"),
    [
        ("half of it", Fraction(1, 2)),
        ("two and a half weeks", Fraction(5, 2)),
        ("3 and a half weeks", Fraction(7, 2)),
        ("in two hours and a half", None),
        ("thirty-five hens", Fraction(35)),
        ("each day of a week", Fraction(7)),
        ("a week", None),
        ("40 percent", Fraction(1, 100)),
        ("three hours, 5 minutes", Fraction(60)),
    ],
)
def test_words_bring_numbers_into_a_solution(question: str, value: Fraction | None) -> None:
    said = quantities.said(question, quantities.quantities(question) or [])
    assert value in said if value is not None else not said & {Fraction(7), Fraction(1, 3)}


@settings(max_examples=30)
@given(
    text=st.from_regex(r"[1-9][0-9]{0,5}(\.[0-9]{1,2})?", fullmatch=True), seed=st.integers(0, 10**6), far=st.booleans()
)
def test_another_number_is_written_as_the_first_one(text: str, seed: int, far: bool) -> None:
    quantity = quantities.Quantity(0, text, False)
    value = quantities.other(quantity, random.Random(seed), far)
    if value is not None:
        said = quantities.written(value, text)
        assert value not in (quantity.value, 1)
        assert Fraction(said) == value
        assert len(said) == len(text)
        assert (said[-1] == "0") == (text[-1] == "0")


@pytest.mark.parametrize(
    ("value", "like", "said"),
    [
        ("1250", "3,400", "1,250"),
        ("7/2", "12.50", "3.50"),
        ("1/4", ".2", None),
        ("1/5", ".4", ".2"),
        ("-9", "-3", "-9"),
    ],
)
def test_a_value_is_written_as_another_number_is(value: str, like: str, said: str | None) -> None:
    assert quantities.written(Fraction(value), like) == said


@settings(max_examples=30)
@given(
    st.text(), st.lists(st.tuples(st.text(), st.text()), max_size=3), st.text("<>=0123456789+-*/.,() x", max_size=60)
)
def test_no_text_breaks_the_reading_of_an_item(question: str, marks: list, solution: str) -> None:
    for read in (lambda: chains.marks(solution), lambda: chains.chain(question, [Mark(*m) for m in marks], "3")):
        with contextlib.suppress(NoTwinError):
            read()


@pytest.mark.parametrize("much", ["<<" * 10_000, "<<1+1=2>>" * 500, f"<<{'9' * 199}=9>>", f"<<9**{'9' * 9}**9=9>>"])
def test_a_solution_without_end_is_none(much: str) -> None:
    with pytest.raises(NoTwinError):
        chains.chain("He has 9 cats.", chains.marks(much), "9")
    assert quantities.quantities("9 " * 3_000) is None
    assert quantities.quantities("9" * 5_000) is None


def test_items_without_a_twin_are_counted_and_their_runs_show_the_marks() -> None:
    task = twins.arms(plugins.task("hub/gsm8k", {"file": str(LIKE)}), "questions")
    samples = list(task.samples(0))
    assert (task.data()["items"], task.data()["without_twin"]) == (len(ITEMS), len(NONE))
    assert len(samples) == 2 * len(RIGHT)
    twin, item = samples[:2]
    assert item.params["chain"] == "14*26=364; 364-215=149"
    assert twin.params["chain"].endswith(f"={twin.target}")
    assert "chain" not in next(plugins.task("hub/gsm8k", {"file": str(LIKE)}).samples(0)).params


def test_other_numbers_are_a_change_that_the_answer_must_follow() -> None:
    task = plugins.task("hub/gsm8k", {"file": str(LIKE)})
    samples = list(task.samples(0))
    changed = {s.id: task.changed(s, "numbers", random.Random(1)) for s in samples}
    assert sum(found is not None for found in changed.values()) == len(RIGHT)
    for sample in samples:
        if found := changed[sample.id]:
            assert words(found.messages[0].content) == words(sample.messages[0].content)
            assert set(found.params) == set(sample.params)
            assert task.score(found.params, f"Answer: {found.target}").value == 1
            assert task.score(found.params, f"Answer: {sample.target}").value == 0
    assert not warnings(audit_controls(task, 0, 60))
    assert not plugins.task("hub/arc-challenge", {}).changes


def test_the_text_of_an_item_is_cut_before_a_number_and_its_twin_at_the_same_place() -> None:
    texts = twins.arms(plugins.task("hub/gsm8k", {"file": str(LIKE)}), "texts")
    shown = list(texts.samples(0))
    assert len(shown) >= 30
    for twin, item in zip(shown[::2], shown[1::2], strict=True):
        assert re.match(r"\$?\d", item.target)
        assert (len(twin.target), len(twin.params["beginning"])) == (len(item.target), len(item.params["beginning"]))
        assert texts.score(item.params, item.target).value == 1


def test_another_set_has_no_twins(harness) -> None:
    code, _, err = harness("twins", "hub/arc-challenge", "--model", "baseline/oracle", "--no-texts")
    assert code == 2
    assert "set arc-challenge names no published items" in err
    assert "gsm8k" in err


def test_results_are_as_long_and_as_round_as_the_item_s_if_such_numbers_are_found() -> None:
    assert [chains.significant(n) for n in ("1200", "1,205", "0.50", "0")] == [2, 4, 1, 0]
    round_one = chains.chain("40 crates hold 50 jars each.", [Mark("40*50", "2000")], "2000")
    found = [chains.twin(round_one, random.Random(seed)).answer for seed in range(20)]
    assert {len(answer) for answer in found} == {4}
    assert {chains.significant(answer) for answer in found} == {1}
