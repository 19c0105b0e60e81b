"""Lens and patching, on the model of the package: figures that were measured with other libraries too."""

import random
from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness import plugins
from harness.errors import UsageError
from harness.lab import metrics, patch_found, studies
from harness.lab.hooks import KINDS, Site, all_sites, capture, changed
from harness.lab.lens import lens, lens_logits
from harness.lab.models import open_model
from harness.lab.pairs import pair, pairs
from harness.lab.patching import Effect, agreement, attribute, ends, ids, sweep
from harness.lab.studies import sites_of
from harness.types import Message, Sample

TASK = plugins.task("aiw", {})


@pytest.fixture(scope="module")
def lab():
    return open_model("tiny")


def sisters(n: int, words: str = "sisters") -> Sample:
    """AIW, the restricted prompt: Alice has 3 brothers and n sisters."""
    base = next(s for s in TASK.samples(0) if s.id == "original/V1/restricted")
    asked = base.messages[0].content.replace("6 sisters", f"{n} {words}")
    answer = str(n + 1)
    params = {**base.params, "answer": answer}
    return replace(base, id=f"{n}", params=params, target=answer, messages=(Message("user", asked),))


@pytest.fixture(scope="module")
def six_two(lab):
    return pair(lab, TASK, sisters(6), sisters(2))


def test_a_pair_is_two_prompts_that_differ_where_the_fact_differs_with_the_answer_begun(lab, six_two) -> None:
    assert six_two.common == "### Answer: "
    assert [lab.token(six_two.clean[i]) for i in six_two.differ] == ["6"]
    assert (lab.token(six_two.right), lab.token(six_two.wrong)) == ("7", "3")


def test_the_lens_ends_with_the_models_own_distribution(lab, six_two) -> None:
    clean = ids(lab, six_two.clean)
    own = lab.model(clean).logits[0].softmax(-1)
    assert torch.allclose(lens_logits(lab, clean)[-1].softmax(-1), own, atol=1e-6)
    rows = {r.layer: r for r in lens(lab, clean, six_two.right) if r.position == len(six_two.clean) - 1}
    assert [rows[i].p for i in range(4)] == pytest.approx([0.002, 0.032, 0.006, 0.191], abs=1e-3)
    assert rows[4].rank == 0
    assert rows[4].kl == 0


def test_the_residual_stream_at_the_fact_carries_it_and_what_stands_before_it_nothing(lab, six_two) -> None:
    effects = {e.site: e for e in sweep(lab, six_two, all_sites(lab, len(six_two.clean), ("resid",)))}
    at = six_two.differ[0]
    assert effects[Site("resid", 0, None, at)].restored == pytest.approx(1, abs=1e-3)
    assert {effects[Site("resid", layer, None, i)].restored for layer in range(4) for i in range(at)} == {0.0}


def test_everything_that_the_last_layer_adds_up_at_the_last_position_restores_the_clean_run(lab, six_two) -> None:
    clean, corrupted = (ids(lab, tokens) for tokens in (six_two.clean, six_two.corrupted))
    logits, donor = capture(lab, clean)
    own = lab.model(corrupted).logits[0, -1]

    def restored(*kinds: str) -> float:
        def put(kind: str):
            return lambda value: torch.cat([value[:, :-1], donor[kind, 3][:, -1:]], 1)

        with changed(lab, {(kind, 3): put(kind) for kind in kinds}):
            said = lab.model(corrupted).logits[0, -1]
        found = [metrics.logit_difference(x, six_two.right, six_two.wrong) for x in (said, logits[0, -1], own)]
        return float(metrics.normalised(*found))

    assert restored("resid", "attn", "mlp") == pytest.approx(1, abs=1e-5)
    assert restored("resid", "mlp") == pytest.approx(1, abs=0.2), "its attention brings the rest"
    assert restored("resid") < 1


def test_noising_and_denoising_swap_roles_with_the_prompts(lab, six_two) -> None:
    swapped = replace(
        six_two, clean=six_two.corrupted, corrupted=six_two.clean, right=six_two.wrong, wrong=six_two.right
    )
    sites = random.Random(0).sample(all_sites(lab, len(six_two.clean), KINDS), 40)
    into_corrupted = [e.restored for e in sweep(lab, six_two, sites)]
    into_clean = [e.restored for e in sweep(lab, swapped, sites, "noise")]
    assert [1 - x for x in into_clean] == pytest.approx(into_corrupted, abs=1e-5)


def test_the_linear_estimate_finds_the_sites_and_shrinks_them(lab, six_two) -> None:
    sites = all_sites(lab, len(six_two.clean), ("mlp", "head"))
    estimates = attribute(lab, six_two, sites)
    effects = [replace(e, attributed=a) for e, a in zip(sweep(lab, six_two, sites), estimates, strict=True)]
    found = {row.kind: row for row in agreement(effects)}
    assert (found["mlp"].sites, found["head"].sites) == (4 * len(six_two.clean), 16)
    assert found["mlp"].r >= 0.99
    assert 0.70 <= found["head"].r <= 0.75
    assert found["head"].slope < 0.5


def test_the_estimate_of_noising_is_that_of_denoising_with_the_prompts_swapped(lab, six_two) -> None:
    """It was compared with what is left, not with what is lost, and taken in the other run."""
    swapped = replace(
        six_two, clean=six_two.corrupted, corrupted=six_two.clean, right=six_two.wrong, wrong=six_two.right
    )
    sites = all_sites(lab, len(six_two.clean), ("mlp",), first=20)
    assert attribute(lab, six_two, sites, "noise") == pytest.approx(attribute(lab, swapped, sites), abs=1e-6)
    effects = [replace(e, attributed=e.moved("noise")) for e in sweep(lab, six_two, sites[:8], "noise")]
    assert [a.slope for a in agreement(effects, "noise")] == [pytest.approx(1)]


def test_only_sites_that_can_differ_are_patched(lab, six_two) -> None:
    at = six_two.differ[0]
    sites = sites_of(lab, six_two, ("resid", "head"))
    assert {s.position for s in sites if s.kind == "resid"} == set(range(at, len(six_two.clean)))
    assert len([s for s in sites if s.kind == "head"]) == 16


def test_a_wide_map_shows_what_differs_the_end_and_what_is_large(lab, six_two, monkeypatch) -> None:
    monkeypatch.setattr(studies, "WIDE", 6)
    length = len(six_two.clean)
    values = [[1.0 if i == 2 else 0.0 for i in range(length)]]
    made = studies.by_position(lab, six_two, values, "t", ["0"], (0, 1), "layer", "p")
    last, fact = length - 1, six_two.differ[0]
    shown = [label.partition(" ")[0] for label in made.columns]
    assert shown == ["\u2026", "2", "\u2026", str(fact), "\u2026", *map(str, range(last - 3, last + 1))]
    assert [made.columns[i].partition(" ")[0] for i in made.marked] == [str(fact)]
    assert made.values[0][1] == 1.0
    assert made.values[0][0] is None
    assert "no value there is above 0.000" in made.note


def test_the_sentences_say_where_the_stream_carries_the_difference(lab, six_two) -> None:
    """Half of it, up to a layer at the tokens that differ, and from a layer on at the last position."""
    last, fact = len(six_two.clean) - 1, six_two.differ[0]
    moved = {(0, fact): 1.0, (1, fact): 0.6, (2, last): 0.3, (3, last): 0.9}
    effects = [
        Effect(Site("resid", layer, None, at), moved.get((layer, at), 0.0), 0, 0)
        for layer in range(4) for at in (fact, last)
    ]  # fmt: skip
    effects += [Effect(Site("head", 1, h, None), h / 4, 0, 0) for h in range(4)]
    stream, heads = patch_found.sentences(lab, [six_two], {0: effects}, "denoise", whole=True)
    assert "up to before layer 1, at the last position from before layer 3 on (of 4 layers; 1 pair)" in stream
    assert "1.3 restores most of the difference: 0.750 in the one pair; then 1.2 0.500" in heads
    assert len(patch_found.sentences(lab, [six_two], {0: effects}, "denoise", whole=False)) == 1


def test_the_linear_estimate_is_true_patching_on_a_linear_model(six_two) -> None:
    """Attention is uniform (its queries are zeros, so the softmax is frozen), norms hand on what they get, and MLPs add
    nothing: what is left is linear in every activation."""
    lab = open_model("tiny")
    for block in lab.layers:
        block.self_attn.q_proj.weight.zero_()
        block.mlp.down_proj.weight.zero_()
    sites = random.Random(0).sample(all_sites(lab, len(six_two.clean), ("resid", "attn")), 40)
    sites += all_sites(lab, len(six_two.clean), ("head",))
    bent = largest_error(lab, six_two, sites)
    for block in lab.layers:
        block.input_layernorm = block.post_attention_layernorm = torch.nn.Identity()
    lab.model.model.norm = torch.nn.Identity()
    assert largest_error(lab, six_two, sites) < 1e-4
    assert bent > 1e-2, "with its norms it is not linear"


def largest_error(lab, pair, sites) -> float:
    """Of the linear estimates, in the normalised logit difference."""
    effects, estimates = sweep(lab, pair, sites), attribute(lab, pair, sites)
    assert max(abs(e.restored) for e in effects) > 0.5, "there is something to estimate"
    return max(abs(e.restored - a) for e, a in zip(effects, estimates, strict=True))


def test_the_ends_are_far_apart(lab, six_two) -> None:
    found = ends(lab, six_two)
    assert found.clean == pytest.approx(16.88, abs=0.01)
    assert found.corrupted == pytest.approx(-15.41, abs=0.01)


def test_reading_changes_nothing_and_hooks_do_not_stay(lab, six_two) -> None:
    clean = ids(lab, six_two.clean)
    before = lab.model(clean).logits
    logits, kept = capture(lab, clean)
    assert torch.equal(before, logits)
    assert set(kept) == {(kind, layer) for kind in KINDS for layer in range(4)}
    assert torch.equal(before, lab.model(clean).logits)


def test_prompts_of_different_lengths_are_refused_with_the_words_that_differ(lab) -> None:
    with pytest.raises(UsageError, match=r"positions do not match.*step-sisters"):
        pair(lab, TASK, sisters(6), sisters(2, "step-sisters"))


def test_one_right_answer_for_both_is_refused(lab) -> None:
    with pytest.raises(UsageError, match="same right answer"):
        pair(lab, TASK, sisters(6), replace(sisters(6), id="again"))


def test_pairs_of_a_condition_come_from_different_samples(lab) -> None:
    found, left_out = pairs(lab, TASK, 0, "condition:original/restricted", 2)
    assert [p.samples for p in found] == [
        ("original/V1/restricted", "original/V2/restricted"), ("original/V2/restricted", "original/V3/restricted"),
    ]  # fmt: skip
    assert left_out == 0


def test_metrics_are_what_their_names_say() -> None:
    logits = torch.tensor([[1.0, 2.0, 4.0]])
    assert metrics.logit_difference(logits, 2, 0).item() == 3
    assert metrics.rank(logits, 1).item() == 1
    assert metrics.kl(logits, logits).item() == 0
    assert metrics.normalised(torch.tensor(2.0), 3.0, 1.0).item() == 0.5


@pytest.mark.parametrize("command", ["lens", "patch"])
def test_a_study_is_printed_and_kept(harness, tmp_path, command: str) -> None:
    options = ("aiw", "-m", "tiny", "--pairs", "condition:original/restricted", "--limit", 1)
    more = ("--sites", "resid,head", "--how", "denoise,noise") if command == "patch" else ()
    code, out, _ = harness(command, *options, *more)
    assert code == 0
    assert "original/V1/restricted" in out or command == "lens"
    (kept,) = (tmp_path / "results").iterdir()
    assert "<svg" in (kept / "page.html").read_text()
    assert len((kept / "rows.csv").read_text().splitlines()) > 200
    assert "forward passes" in harness(command, *options, "--dry-run")[1]


def test_slope_and_correlations_are_printed_beside_linear_estimates(harness) -> None:
    few = ("aiw", "-m", "tiny", "--pairs", "condition:original/restricted", "--limit", 1)
    code, out, _ = harness("patch", *few, "--sites", "mlp,head", "--attribution", "--top", 5)
    assert code == 0
    lines = [line.split() for line in out.splitlines()]
    assert next(line for line in lines if "rho" in line)[-1] == "slope"
    for kind in ("mlp", "head"):
        (row,) = [line for line in lines if line[:2] == [kind, "5"]]
        assert len([float(cell) for cell in row[2:]]) == 3


def test_what_can_not_be_done_is_said(harness) -> None:
    for options, said in (
        (("-m", "gpt-4o"), "the lab can't open 'gpt-4o'"),
        (("-m", "hf/nowhere"), "nowhere can't be loaded"),
        (("-m", "tiny", "-M", "colour=red"), "no model option 'colour'"),
        (("-m", "tiny", "-M", "dtype=int3"), "dtype 'int3'"),
        (("-m", "tiny", "--pairs", "original/standard,friends/standard"), "positions do not match"),
    ):
        code, _, err = harness("lens", "aiw", *options)
        assert code in (1, 2)
        assert said in err
