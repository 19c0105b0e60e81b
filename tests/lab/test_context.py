"""Small decoders beyond the length that they were trained at: the strings, the losses, the study."""

import csv

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness.lab import context_study, positions, small
from harness.lab.context_study import TIMES, Line, Plan, difference


def strings(length: int, n: int = 4) -> torch.Tensor:
    return small.periodic(n, length, torch.Generator().manual_seed(3))


def test_strings_are_periodic_and_a_longer_one_goes_on_with_the_shorter() -> None:
    ids = strings(96, 40)
    periods = []
    for row in ids:
        fitting = [p for p in range(small.PERIODS[0], small.PERIODS[1] + 1) if torch.equal(row[p:], row[:-p])]
        assert fitting
        periods.append(fitting[0])
    assert len(set(periods)) > 4
    assert torch.equal(strings(32, 40), ids[:, :32])


@pytest.mark.parametrize("way", small.WAYS)
def test_no_token_sees_what_follows_it(way: str) -> None:
    model = small.fresh(way, 32, 0)
    ids = strings(48)
    other = ids.clone()
    other[:, 40:] = (other[:, 40:] + 1) % small.TOKENS
    before, after = (small.logits(model, some) for some in (ids, other))
    assert before.shape == (4, 48, small.TOKENS)
    assert torch.allclose(before[:, :40], after[:, :40], atol=1e-5)
    assert not torch.allclose(before[:, 40:], after[:, 40:], atol=1e-5)


def test_scaling_by_one_changes_no_logit_and_scaling_by_more_does() -> None:
    model, ids = small.fresh("RoPE", 32, 0), strings(64)
    own = small.logits(model, ids)
    for scaling in context_study.SCALINGS.values():
        assert torch.equal(small.logits(model, ids, scaling(1, 32)), own)
        assert not torch.allclose(small.logits(model, ids, scaling(4, 32)), own, atol=1e-3)


def test_the_last_tokens_are_judged_with_everything_before_them() -> None:
    model, ids = small.fresh("ALiBi", 32, 0), strings(64)
    said = small.logits(model, ids[:, :-1]).log_softmax(-1)
    by_hand = torch.stack([-said[:, t - 1].gather(1, ids[:, t : t + 1])[:, 0] for t in range(48, 64)]).mean(0)
    assert torch.allclose(small.losses(model, ids, 16), by_hand, atol=1e-5)


def test_training_learns_and_is_the_same_by_seed() -> None:
    fresh = small.fresh("RoPE", 32, 0)
    one, two = (small.trained(fresh, 25, 32, 1) for _ in range(2))
    assert all(torch.equal(one.weights[name], two.weights[name]) for name in one.weights)
    ids = strings(32, 32)
    with torch.no_grad():
        assert small.losses(one, ids, 16).mean() < small.losses(fresh, ids, 16).mean() - 0.2
    assert all(not w.requires_grad for w in one.weights.values())


def test_lines_are_compared_on_the_same_strings() -> None:
    one = Line("RoPE + PI", False, {1: [[1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]})
    base = Line("RoPE", False, {1: [[0.5, 1.5, 2.5], [0.3, 1.3, 2.3]]})
    found = difference(one, base, 1)
    assert (round(found.value, 6), found.n) == (0.6, 3)
    assert one.at(1).value == 2
    assert one.at(1).low < 1.5 < 2.5 < one.at(1).high
    assert found.high - found.low < one.at(1).high - one.at(1).low


def test_the_command_prints_and_keeps_the_table(harness, tmp_path) -> None:
    code, out, _ = harness("context", "--steps", 2, "--tuning", 1, "--seeds", 2, "--sequences", 8)
    assert code == 0
    assert "loss of the last 16 tokens, nats" in out
    assert "RoPE + YaRN, 1 steps at 128" in out
    assert "A blind guess has 3.18" in out
    assert out.count("the same") == len(context_study.SCALINGS), "a factor of 1 is no other model"
    assert "smallest and largest loss of a model" in out
    (kept,) = (tmp_path / "results").iterdir()
    assert "<svg" in (kept / "page.html").read_text()
    rows = list(csv.DictReader((kept / "rows.csv").open()))
    lines = {(row["positions"], row["tuned_steps"]) for row in rows}
    assert len(lines) == 11
    assert len(rows) == 11 * len(TIMES) * 2
    assert {row["n"] for row in rows} == {"8"}
    assert {int(row["length"]) for row in rows} == {32, 64, 128, 256}


def test_a_dry_run_counts_what_a_run_does(harness) -> None:
    plan = Plan(steps=2, tuning=1, seeds=1, sequences=8)
    steps = []
    context_study.measured(plan, lambda: steps.append(1))
    assert len(steps) == plan.passes
    _, out, _ = harness("context", "--steps", 2, "--tuning", 1, "--seeds", 1, "--sequences", 8, "--dry-run")
    assert f"{plan.passes} forward passes" in out
    assert harness("context", "--length", 8)[0] == 2


def test_frequencies_fit_the_heads() -> None:
    for scaling in (*context_study.SCALINGS.values(), *context_study.PLAIN.values()):
        assert scaling(2, 32).frequencies.shape == positions.plain(small.WIDTH // small.HEADS).frequencies.shape
