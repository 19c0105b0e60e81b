"""Arithmetic samples: matched groups that recall can't pass, the published protocol literally, honest baselines."""

import itertools
import random
import re
import tomllib
from collections.abc import Iterator
from importlib import resources

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.options import build
from harness.tasks.arithmetic import problems
from harness.tasks.arithmetic.numerals import DIGITS, numeral, result
from harness.tasks.arithmetic.task import Arithmetic, numerals, span
from harness.types import Sample

SHAPES = [(operation, digits) for operation in ("add", "sub", "mul") for digits in (2, 3, 4, 5)]


def arithmetic(**options: str) -> Arithmetic:
    return build(Arithmetic, options, "task arithmetic")


def samples(task: Arithmetic, limit: int | None = None, seed: int = 0) -> list[Sample]:
    return list(itertools.islice(task.samples(seed), limit or task.limit))


def groups(task: Arithmetic, limit: int, seed: int = 0) -> Iterator[list[Sample]]:
    return (list(g) for _, g in itertools.groupby(samples(task, limit, seed), key=lambda s: s.group))


def test_default_is_a_hundred_pairs_in_five_bases_and_two_prompts() -> None:
    made = samples(arithmetic())
    assert len(made) == 1000
    assert len({s.group for s in made}) == 100
    assert [s.condition for s in made[:3]] == ["base10/direct", "base10/cot", "base8/direct"]
    assert len({s.id for s in made}) == len(made)


@pytest.mark.parametrize("offset", range(10))
def test_over_a_thousand_seeds_every_pair_is_legal_in_every_base_and_no_two_bases_share_its_answer(offset: int) -> None:
    bases = (10, 8, 9, 11, 16)
    for seed in range(100 * offset, 100 * offset + 100):
        operation, digits = SHAPES[seed % len(SHAPES)]
        for pair in itertools.islice(problems.matched(operation, digits, bases, seed), 5):
            left, sign, right = re.fullmatch(r"([0-7]+)([-+*])([0-7]+)", pair).groups()
            assert len(left) == len(right) == digits
            assert sign == problems.SIGNS[operation]
            assert "0" not in (left[0], right[0])
            values = {
                base: {"+": int.__add__, "-": int.__sub__, "*": int.__mul__}[sign](int(left, base), int(right, base))
                for base in bases
            }
            assert all(value > 0 for value in values.values()), "a difference is never negative, nor 0"
            written = {base: result(pair, base) for base in bases}
            assert len(set(written.values())) == len(bases)
            assert all(int(written[base], base) == values[base] for base in bases)


@pytest.mark.parametrize(("operation", "digits"), SHAPES)
def test_samples_of_a_group_differ_in_base_and_prompt_alone(operation: str, digits: int) -> None:
    for group in groups(arithmetic(operation=operation, digits=str(digits), prompt="all", shots="3"), 150):
        assert len(group) == 15
        assert len({s.condition for s in group}) == 15
        sums = [s for s in group if s.params["prompt"] != "counting"]
        assert len({s.params["expression"] for s in sums}) == 1
        texts = {re.sub(r'base-\d+|the digits are "\w+"', "", s.messages[0].content.splitlines()[-1]) for s in sums}
        assert len(texts) == 2, "one text a prompt"


def test_each_pair_comes_once_in_an_order_that_the_seed_chooses() -> None:
    first, second = (list(problems.matched("add", 2, (10, 9, 8, 11, 16), seed)) for seed in (1, 2))
    assert len(first) == len({numerals(pair) for pair in first}) == 528
    assert {numerals(pair) for pair in first} == {numerals(pair) for pair in second}
    assert first[:50] != second[:50]


@given(st.integers(1, 2000), st.integers(0, 2**62))
def test_the_permutation_loses_and_repeats_nothing(size: int, key: int) -> None:
    seen = {problems._permuted(i, size, key.to_bytes(8, "big")) for i in range(size)}
    assert seen == set(range(size))


def test_neighbouring_seeds_start_with_other_pairs() -> None:
    def pairs(seed: int) -> set[str]:
        return set(itertools.islice(problems.matched("add", 5, (10, 9), seed), 200))

    assert not pairs(1) & pairs(2)


def test_same_seed_same_samples() -> None:
    assert samples(arithmetic(shots="2"), 60, 5) == samples(arithmetic(shots="2"), 60, 5)


@given(st.integers(0, 10**30), st.integers(2, 36))
def test_numerals_are_what_int_reads_back(value: int, base: int) -> None:
    assert int(numeral(value, base), base) == value
    assert set(numeral(value, base)) <= set(DIGITS[:base])


def test_the_published_prompts_are_quoted_literally() -> None:
    text = {s.condition: s.messages[0].content for s in samples(arithmetic(pairs="published", prompt="all"), 10)}
    assert text["base9/cot"] == (
        'You are a mathematician. Assuming that all numbers are in base-9 where the digits are "012345678", what is '
        '76+14? Let\'s think step by step, and end the response with the result in "\\boxed{result}".'
    )
    assert text["base9/direct"].endswith(' what is 76+14? End the response with the result in "\\boxed{result}".')
    counting = arithmetic(pairs="published", prompt="counting", bases="9")
    assert samples(counting)[1].messages[0].content == (
        'You are a mathematician. Assuming that all numbers are in base-9 where the digits are "012345678", what is '
        "the next number after 8? Do this by counting the few preceding numbers and completing the sequence. End the "
        "response with the result."
    )


def test_the_published_pairs_are_made_again() -> None:
    """First, last and distinct pairs of the published files."""
    assert [len(set(problems.published(2, base))) for base in (8, 9, 10, 11, 16)] == [811, 900, 932, 951, 990]
    assert list(problems.published(2, 9))[:3] == ["76+14", "86+57", "63+34"]
    assert list(problems.published(3, 16))[-1] == "8E5+B9F"
    assert list(problems.published(4, 11))[-1] == "2890+12A3"
    *_, last = problems.published_demonstrations(2, 9)
    assert (last[:2], last[-1]) == (["72+63", "62+38"], "67+22")
    assert list(problems.published_counting(9))[:4] == ["0", "8", "10", "18"]


def test_published_sets_have_the_published_sizes() -> None:
    assert len(samples(arithmetic(pairs="published"))) == 5 * 2 * 1000
    assert len(samples(arithmetic(pairs="published", prompt="counting"))) == 5 * 200


def test_in_context_examples_are_worked_in_the_samples_base_and_never_ask_for_its_pair() -> None:
    task = arithmetic(shots="16", prompt="cot,counting")
    for sample in samples(task, 200):
        *shown, asked = sample.messages[0].content.splitlines()
        if sample.params["prompt"] == "counting":
            assert not shown
            continue
        assert len(shown) == 16
        for line in shown:
            pair = re.search(r"what is ([^?]+)\?", line)[1]
            assert numerals(pair) != numerals(sample.params["expression"])
            assert line.endswith(f"\\boxed{{{result(pair, sample.params['base'])}}}")
        assert sample.params["expression"] in asked


@pytest.mark.parametrize("operation", ["add", "sub", "mul"])
def test_every_equation_of_a_worked_example_is_true(operation: str) -> None:
    task = arithmetic(operation=operation, digits="4", prompt="cot")
    shown = (task.examples(sample, random.Random(i)) for i, sample in enumerate(itertools.islice(task.samples(0), 50)))
    for prompt, answer in (shot for examples in shown for shot in itertools.islice(examples, 4)):
        base = int(re.search(r"base-(\d+)", prompt)[1])
        equations = re.findall(r"([0-9A-Z]+(?:[-+*][0-9A-Z]+)+)=([0-9A-Z]+)", answer)
        assert len(equations) >= 4
        for left, right in equations:
            worth = re.sub(r"[0-9A-Z]+", lambda m, b=base: str(int(m[0], b)), left)
            total, *rest = re.split(r"(?=[-+])", worth)
            total = int(total.partition("*")[0]) * int(total.partition("*")[2] or 1)
            assert total + sum(map(int, rest)) == int(right, base), (left, right, base)


def test_examples_are_right_and_share_no_pair_with_a_sample() -> None:
    """One numeral is longer than the other, which is so in no sample."""
    task = arithmetic()
    for prompt, answer in itertools.islice(task.examples(None, random.Random(1)), 500):
        base = int(re.search(r"base-(\d+)", prompt)[1])
        asked = re.search(r"(?:what is|next number after) ([0-9A-Z]+(?:[-+*][0-9A-Z]+)?)\?", prompt)[1]
        assert task.score({"base": base, "expression": asked}, answer).value == 1
        parts = re.split(r"[-+*]", asked)
        assert len(parts) == 1 or len(parts[0]) == len(parts[1]) + 1


def test_examples_are_in_the_base_and_prompt_of_the_sample() -> None:
    task = arithmetic(prompt="all", bases="10,9")
    for sample in itertools.islice(task.samples(0), 12):
        prompt, answer = next(iter(task.examples(sample, random.Random(1))))
        assert f"base-{sample.params['base']}" in prompt
        assert ("next number" in prompt) == (sample.params["prompt"] == "counting")
        assert (answer.startswith("\\boxed")) == (sample.params["prompt"] == "direct")


@pytest.mark.parametrize("rule", ["robust", "original"])
@pytest.mark.parametrize("operation", ["add", "sub", "mul"])
@pytest.mark.parametrize("bases", ["10,8,9,11,16", "16,11", "36,20,19", "2"])
def test_the_oracle_is_always_right(operation: str, rule: str, bases: str) -> None:
    task = arithmetic(operation=operation, rule=rule, prompt="all", bases=bases, digits="3")
    for sample in samples(task, 150):
        assert task.score(sample.params, task.baseline("oracle", sample, random.Random(0))).value == 1, sample


def test_shallow_is_right_in_base_10_only_so_strictly_between() -> None:
    task = arithmetic()
    for sample in samples(task):
        score = task.score(sample.params, task.baseline("shallow", sample, random.Random(0)))
        assert score.value == (sample.params["base"] == 10)
        assert score.detail["answered_in_base_10"] is True


def test_shallow_answers_where_numerals_have_letters() -> None:
    task = arithmetic(bases="36,35", prompt="all", digits="4")
    for sample in samples(task, 30):
        assert task.score(sample.params, task.baseline("shallow", sample, random.Random(0))).answer is not None


@pytest.mark.parametrize(
    ("options", "values"),
    [
        ({"bases": "9"}, 143),
        ({"bases": "10"}, 179),
        ({"bases": "9", "prompt": "counting"}, 648),
        ({"bases": "8", "operation": "sub"}, 56),
    ],
)
def test_random_is_near_its_analytic_chance(options: dict[str, str], values: int) -> None:
    task = arithmetic(**options)
    sample = samples(task, 1)[0]
    low, high = span(sample.params)
    assert high - low + 1 == values
    rng = random.Random(0)
    hits = sum(task.score(sample.params, task.baseline("random", sample, rng)).value for _ in range(10_000))
    assert hits / 10_000 == pytest.approx(1 / values, abs=4 / (10_000 * values) ** 0.5)


@pytest.mark.parametrize(("operation", "digits"), SHAPES)
def test_the_right_answer_is_one_of_the_values_that_random_draws_from(operation: str, digits: int) -> None:
    for sample in samples(arithmetic(operation=operation, digits=str(digits), prompt="direct,counting"), 100):
        low, high = span(sample.params)
        assert low <= int(sample.target, int(sample.params["base"])) <= high


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"operation": "div"}, "not one of add, sub, mul"),
        ({"digits": "6"}, "not between 2 and 5"),
        ({"shots": "17"}, "not between 0 and 16"),
        ({"bases": "1"}, "bases: 1 is not between 2 and 36"),
        ({"bases": "10,x"}, ".x. is not a whole number"),
        ({"bases": ""}, "bases is empty"),
        ({"bases": "5,10,11"}, "never differ in 10 or above"),
        ({"prompt": "loud"}, "there is no 'loud'"),
        ({"prompt": ""}, "is empty"),
        ({"pairs": "published", "operation": "mul"}, "the published pairs are sums"),
    ],
)
def test_wrong_options_are_explained(options: dict[str, str], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        arithmetic(**options)


def test_published_accuracies_have_one_figure_a_base() -> None:
    text = (resources.files("harness.tasks.arithmetic") / "published.toml").read_text(encoding="utf-8")
    published = tomllib.loads(text)
    rows = [*published["direct"].values(), *published["cot"].values(), published["counting"]]
    assert all(len(figures) == 5 for row in rows for figures in row.values())
    assert published["cot"]["digits2"]["gpt-4-0314"][1] == 38.6
