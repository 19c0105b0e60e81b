"""Probes on planted activations, whose truth is known, and on the model of the package."""

import random
import string

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness import plugins
from harness.errors import UsageError
from harness.lab.models import open_model
from harness.lab.probe_study import Wanted, activations, labelled, split_rows, word_types
from harness.lab.probes import Examples, control_labels, fit, measure
from harness.lab.prompts import Chosen, batches, group_ratio, halves, places, prompts, streams

TASK = plugins.task("aiw", {"family": "procedural"})
N, WIDTH = 160, 16


@pytest.fixture(scope="module")
def lab():
    return open_model("tiny")


@pytest.fixture(scope="module")
def found(lab):
    return prompts(lab, Chosen(TASK, 0, (), 16))


def planted(seed: int, labels: list[str], types: list[str], noise: float = 0.3):
    """Activations that hold the label in one direction a value and the word type in another."""
    rng = np.random.default_rng(seed)
    directions = {name: rng.normal(size=WIDTH) for name in sorted({*labels, *types})}
    x = np.array([directions[a] + directions[b] for a, b in zip(labels, types, strict=True)])
    return x + rng.normal(0, noise, x.shape), Examples(labels, types, [str(i // 2) for i in range(len(labels))])


def drawn(seed: int, values: str, n: int = N) -> list[str]:
    rng = random.Random(seed)
    return [rng.choice(values) for _ in range(n)]


def test_a_feature_that_was_planted_is_found() -> None:
    x, examples = planted(0, drawn(1, "abc"), drawn(2, string.ascii_uppercase))
    shown = measure(0, x, examples, range(80), range(80, 160), 0)
    assert shown.accuracy.value > 0.95
    assert shown.selectivity.low > 0
    assert 1.3 < shown.bits.value <= shown.entropy < 1.6


def test_labels_that_mean_nothing_have_no_selectivity() -> None:
    types = drawn(3, "stuvwxyzSTUVWXYZ")
    inside = 0
    for seed in range(4):
        labels = control_labels(drawn(4, "abc"), types, 99 + seed, 0)
        x, _ = planted(seed, types, types)
        examples = Examples(labels, types, [str(i) for i in range(N)])
        shown = measure(0, x, examples, range(80), range(80, 160), seed, penalty=0.01)
        inside += shown.selectivity.low <= 0 <= shown.selectivity.high
    assert inside == 4


def test_an_activation_without_the_feature_says_nothing_of_it() -> None:
    types = drawn(5, "stuvwxyz")
    x, _ = planted(0, types, types)
    shown = measure(0, x, Examples(drawn(6, "abc"), types, [str(i) for i in range(N)]), range(80), range(80, 160), 0)
    assert shown.accuracy.low < 0.45
    assert shown.bits.low < 0
    assert shown.selectivity.low < 0


def test_control_labels_are_per_type_and_come_from_the_tasks_own() -> None:
    types = drawn(7, "stuvwxyz")
    named = control_labels(["a", "a", "a", "b"], types, 0, 0)
    assert all(len({n for n, t in zip(named, types, strict=True) if t == word}) == 1 for word in types)
    assert set(named) <= {"a", "b"}
    assert named[:10] == control_labels(["a", "a", "a", "b"], types[:10], 0, 0), "a type has its label by itself"
    many = control_labels(["a", "a", "a", "b"], list(map(str, range(2000))), 0, 0)
    assert 0.7 < many.count("a") / 2000 < 0.8
    assert named != control_labels(["a", "a", "a", "b"], types, 0, 1)


@settings(max_examples=8)
@example(241, "abcd", 0.0)  # a label that training lacks
@given(st.integers(0, 10**6), st.sampled_from(["ab", "abcd"]), st.sampled_from([0.0, 1e-3, 10.0]))
def test_bits_are_never_above_the_entropy_of_the_label(seed: int, values: str, penalty: float) -> None:
    x, examples = planted(seed, drawn(seed, values, 40), drawn(seed + 1, "xyz", 40), noise=0.01)
    test = [i for i in range(24, 40) if examples.labels[i] in examples.labels[:24]]  # as split_rows leaves them
    shown = measure(0, x, examples, range(24), test, seed, penalty=penalty, draws=2)
    assert shown.bits.value <= shown.bits.high <= shown.entropy
    assert 0 <= shown.accuracy.low <= shown.accuracy.value <= shown.accuracy.high <= 1


def test_a_probe_of_low_rank_has_that_rank_and_a_penalty_shrinks() -> None:
    x, examples = planted(0, drawn(1, "abcdef"), drawn(2, "xyz"))
    loose, tight = fit(x, examples.labels, 1e-3), fit(x, examples.labels, 1.0)
    assert np.linalg.norm(tight.weight) < np.linalg.norm(loose.weight) / 2
    assert np.linalg.matrix_rank(fit(x, examples.labels, 1e-3, rank=2).weight, tol=1e-6) == 2
    same = fit(x, examples.labels, 1e-2, rank=6)
    assert np.allclose(same.weight, fit(x, examples.labels, 1e-2).weight)


def test_a_probe_is_the_minimum_of_its_loss() -> None:
    x, examples = planted(0, drawn(1, "abc"), drawn(2, "xyz"))
    probe = fit(x, examples.labels, 0.1)
    z = torch.tensor((x - probe.mean) / probe.scale)
    w = torch.tensor(probe.weight, requires_grad=True)
    y = torch.tensor(["abc".index(label) for label in examples.labels])
    loss = torch.nn.functional.cross_entropy(z @ w.T + torch.tensor(probe.bias), y) + 0.05 * w.pow(2).sum()
    assert torch.autograd.grad(loss, w)[0].abs().max() < 1e-4


def test_a_dimension_that_does_not_vary_is_left_alone() -> None:
    x = np.full((40, 3), 5.0) + np.random.default_rng(0).normal(0, 1e-8, (40, 3))
    assert not fit(x, drawn(0, "ab", 40), 1e-3).weight.any()


def test_no_group_is_in_both_halves_and_no_place_has_the_tokens_of_one_in_training(lab) -> None:
    every = prompts(lab, Chosen(TASK, 0, ("all",), 240))
    one, other = halves(every, 3)
    assert not {p.sample.group for p in one} & {p.sample.group for p in other}
    assert len(one) + len(other) == len(every)
    fewer = halves(every[:120], 3)[0]
    assert {p.sample.group for p in fewer} <= {p.sample.group for p in one}, "a group stays in its half"
    where = places(lab, every, "stated", "sisters")
    types, _ = word_types(lab, where, Wanted("sisters", at="stated", types="token"))
    examples = Examples([str(p.sample.params["sisters"]) for p in where.prompts], types,
                        [p.sample.group for p in where.prompts])  # fmt: skip
    train, test, left_out = split_rows(where, examples, 3)
    assert not {examples.groups[i] for i in train} & {examples.groups[i] for i in test}
    before = [p.ids[: at + 1] for p, at in zip(where.prompts, where.positions, strict=True)]
    assert not {before[i] for i in train} & {before[i] for i in test}
    assert len(train) + len(test) + left_out == len(where.prompts)


def test_a_place_is_the_token_that_states_the_value(lab, found) -> None:
    where = places(lab, found, "stated", "sisters")
    for prompt, at in zip(where.prompts, where.positions, strict=True):
        number = str(prompt.sample.params["sisters"])
        assert lab.token(prompt.ids[at]) == number[-1]
        assert lab.tokenizer.decode(list(prompt.ids[:at])).count(" sister") <= 1
    twice = [p for p in found if p.sample.params["sisters"] == p.sample.params["brothers"]]
    assert where.lacking >= len(twice)
    assert set(places(lab, found, "last").positions) == {p.asked - 1 for p in found}
    assert places(lab, found, "-2").positions == [p.asked - 2 for p in found]
    words = places(lab, found, "text:sisters").positions
    assert {lab.token(p.ids[at]).strip() for p, at in zip(found, words, strict=True)} <= {"sisters", "s"}
    with pytest.raises(UsageError, match="no place"):
        places(lab, found, "nowhere")
    with pytest.raises(UsageError, match="none of the 16 prompts"):
        places(lab, found, "text:giraffe")


def test_padding_changes_no_activation(lab, found) -> None:
    where = places(lab, sorted(found, key=lambda p: len(p.ids)), "last")
    together = activations(lab, where, "resid")
    assert together.shape == (5, 16, 256)
    for i in (0, 15):
        _, alone = streams(lab, torch.tensor([where.prompts[i].ids]))
        assert torch.allclose(together[:, i], alone[:, 0, -1], atol=1e-4)
    widths = [(tuple(ids.shape), len(some)) for ids, some in batches(lab, found, 150)]
    assert sum(n for _, n in widths) == 16
    assert all(rows == n and (rows == 1 or rows * width <= 150) for (rows, width), n in widths)


def test_what_can_not_be_looked_for_is_said(lab, found) -> None:
    with pytest.raises(UsageError, match="0 values") as error:
        labelled(found, "cousins")
    assert "sisters" in error.value.hint
    with pytest.raises(UsageError, match="1 values"):
        labelled(found, "family")
    with pytest.raises(UsageError, match="two groups"):
        prompts(lab, Chosen(TASK, 0, (), 1))
    with pytest.raises(UsageError, match="no samples of condition 'x'"):
        prompts(lab, Chosen(TASK, 0, ("x",), 2))


def test_a_ratio_has_an_interval_over_groups() -> None:
    e = group_ratio([1, 1, 3, 1], [2, 2, 4, 4], ["a", "a", "b", "c"], 4)
    assert e is not None
    assert e.value == 0.5
    assert e.low < 0.5 < e.high
    assert group_ratio([1.0], [0.0], ["a"], 1) is None


def test_the_command_prints_and_keeps_a_study(harness, tmp_path) -> None:
    options = ("probe", "aiw", "-m", "tiny", "-T", "family=procedural", "--label", "asked", "--limit", 40)
    assert "40 forward passes" in harness(*options, "--dry-run")[1]
    code, out, _ = harness(*options, "--l2", 0.1, "--draws", 2, "--rank", 1)
    assert code == 0
    assert "of 5 layers" in out
    assert "H(asked)" in out
    (kept,) = (tmp_path / "results").iterdir()
    assert len((kept / "rows.csv").read_text().splitlines()) == 6
    assert "<svg" in (kept / "page.html").read_text()
    code, _, err = harness("probe", "aiw", "-m", "tiny", "--label", "nothing", "--limit", 40)
    assert (code, "nothing" in err) == (2, True)
