"""Positions: each scaling at factor 1 is plain RoPE; numbers of the papers' code; LongNet as one softmax."""

import math

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness.lab import positions
from harness.lab.positions import dynamic, linear, ntk, plain, rotated, yarn

SIZE = 64


@pytest.fixture
def x() -> torch.Tensor:
    return torch.randn(2, 4, 16, SIZE, generator=torch.Generator().manual_seed(0))


def attention(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor, causal: bool) -> torch.Tensor:
    """[batch, head, position, size], in the plain way."""
    scores = q @ k.transpose(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        n = q.shape[-2]
        scores = scores.masked_fill(torch.ones(n, n, dtype=torch.bool).triu(1), -torch.inf)
    return scores.softmax(-1) @ v


@pytest.mark.parametrize("size", [16, 64, 128])
def test_every_method_is_plain_rope_at_factor_one_bit_for_bit(size: int) -> None:
    own = plain(size)
    dynamics = dynamic(size, 1, 64, 64), dynamic(size, 4, 64, 64)
    for scaled in (linear(size, 1), ntk(size, 1), *dynamics, yarn(size, 1, 64)):
        assert torch.equal(scaled.frequencies, own.frequencies)
        assert scaled.scale == 1


def test_interpolation_by_two_at_even_positions_is_plain_at_half_of_them(x) -> None:
    at = torch.arange(x.shape[-2])
    assert torch.equal(rotated(x, linear(SIZE, 2), 2 * at), rotated(x, plain(SIZE), at))


def test_scores_of_rotated_vectors_depend_on_distance_alone(x) -> None:
    q, k = x[0, 0, :1], x[0, 0, 1:2]
    scores = [rotated(q, plain(SIZE), torch.tensor([i + 5])) @ rotated(k, plain(SIZE), torch.tensor([i])).T
              for i in (0, 7, 100)]  # fmt: skip
    assert torch.allclose(scores[0], scores[1], atol=1e-4)
    assert torch.allclose(scores[0], scores[2], atol=1e-3)


def test_ntk_keeps_the_fastest_frequency_and_divides_the_slowest() -> None:
    ratio = plain(SIZE).frequencies / ntk(SIZE, 4).frequencies
    assert ratio[0] == 1
    assert ratio[-1].item() == pytest.approx(4, rel=1e-5)


def test_dynamic_ntk_grows_with_the_length_beyond_the_trained_one() -> None:
    slow = [dynamic(SIZE, 2, 64, n).frequencies[-1].item() for n in (32, 64, 128, 256)]
    assert slow[0] == slow[1] > slow[2] > slow[3]
    assert slow[1] / slow[2] == pytest.approx(3, rel=1e-5), "alpha is 2 * 128 / 64 - 1"


def test_yarn_keeps_fast_frequencies_interpolates_slow_ones_and_scales_logits() -> None:
    assert positions.ramp(128, 2048) == (16, 41)
    assert positions.ramp(16, 64) == (0, 3), "so small a head is interpolated in five of eight"
    own, scaled = plain(128).frequencies, yarn(128, 4, 2048)
    assert torch.equal(scaled.frequencies[:17], own[:17])
    assert torch.allclose(scaled.frequencies[41:], own[41:] / 4)
    assert all(own[i] / 4 < scaled.frequencies[i] < own[i] for i in range(17, 41))
    assert scaled.scale == pytest.approx(0.1 * math.log(4) + 1)


def test_alibi_s_slopes_are_those_of_the_paper_and_of_its_code() -> None:
    assert positions.slopes(8) == [2.0**-h for h in range(1, 9)]
    assert positions.slopes(12) == [*positions.slopes(8), *positions.slopes(16)[0:8:2]]
    assert positions.slopes(16)[0] == pytest.approx(2**-0.5)
    bias = positions.alibi(8, 5)
    assert bias[0, 4].tolist() == [-2.0, -1.5, -1.0, -0.5, 0.0]
    assert bias[7, 4, 0].item() == -4 / 256


def test_sinusoids_are_sines_and_cosines_of_one_angle() -> None:
    found = positions.sinusoids(10, 8)
    assert found.shape == (10, 8)
    assert torch.allclose(found[:, :4].square() + found[:, 4:].square(), torch.ones(10, 4))


@pytest.mark.parametrize("causal", [True, False])
def test_one_pattern_of_the_whole_length_is_full_attention_exactly(x, causal: bool) -> None:
    q, k, v = x, x.flip(1), x.flip(2)
    assert torch.equal(positions.dilated(q, k, v, [(16, 1)], causal), attention(q, k, v, causal))
    assert torch.equal(positions.dilated(q, k, v, [(64, 1)], causal), attention(q, k, v, causal)), "cut to the length"


@pytest.mark.parametrize("causal", [True, False])
def test_the_mixture_is_one_softmax_over_all_kept_keys_each_as_often_as_it_is_kept(x, causal: bool) -> None:
    q, k, v = x, x.flip(1), x.flip(2)
    patterns = [(4, 1), (8, 2), (16, 4)]
    times = sum(positions.kept(pattern, 4, 16).float() for pattern in patterns)
    if causal:
        times = times.tril()
    scores = q @ k.transpose(-1, -2) / math.sqrt(SIZE) + times.log()
    assert torch.allclose(positions.dilated(q, k, v, patterns, causal), scores.softmax(-1) @ v, atol=1e-6)


def test_heads_begin_at_different_tokens_and_what_no_head_keeps_is_zero(x) -> None:
    seen = positions.kept((8, 4), 4, 16)
    assert [[i for i in range(16) if seen[h, i].any()] for h in range(4)] == [
        [h, h + 4, h + 8, h + 12] for h in range(4)
    ]
    assert seen[0, 0].nonzero().flatten().tolist() == [0, 4]
    out = positions.dilated(x, x, x, [(8, 4), (16, 4)])
    assert out[:, 0, 1].abs().max() == 0
    assert out[:, 1, 1].abs().max() > 0


def test_no_gradient_flows_through_the_weights_of_the_mixture() -> None:
    q = torch.randn(1, 1, 8, 4, generator=torch.Generator().manual_seed(1), requires_grad=True)
    ones = torch.ones(1, 1, 8, 4)
    positions.dilated(q, q, ones, [(4, 1), (8, 2)]).sum().backward()
    assert torch.allclose(q.grad, torch.zeros_like(q), atol=1e-5), "each output is 1, whatever the scores"
