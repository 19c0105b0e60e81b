"""Passes through a part of a model give what whole passes give."""

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness.lab import partial, planted
from harness.lab.editing.editor import copied
from harness.lab.editing.grace import keys
from harness.lab.editing.rome import second_moment
from harness.lab.editing.running import following
from harness.lab.hooks import capture, changed
from harness.lab.models import LabModel, open_model
from harness.lab.subjects import Prompt
from harness.lab.trace import Fact, Noise, spread, trace
from harness.seeds import derive


@pytest.fixture(scope="module")
def lab() -> LabModel:
    return planted.untrained(planted.world(0))


def test_tracing_gives_what_whole_passes_of_each_run_give(lab) -> None:
    fact = Fact("one", Prompt((5, 9, 14, 20, 31), 1, 3), 7)
    noise = Noise(draws=3, window=2)
    (found,) = trace(lab, [fact], noise)
    ids = torch.tensor([fact.prompt.ids])
    drawn = torch.Generator().manual_seed(derive("trace", noise.seed, fact.name))
    added = 3.0 * spread(lab, [fact]) * torch.randn(3, 2, int(lab.model.config.hidden_size), generator=drawn)
    with torch.no_grad():
        logits, clean = capture(lab, ids)
        assert found.clean == pytest.approx(float(logits[0, -1].softmax(-1)[7]), abs=1e-6)

        def chance(places, at: int) -> float:
            def put(place):
                def change(value):
                    value = value.clone()
                    if place == ("resid", 0):
                        value[:, 1:3] += added
                    if place in places:
                        value[:, at] = clean[place][0, at]
                    return value

                return change

            with changed(lab, {place: put(place) for place in {("resid", 0), *places}}):
                return float(lab.model(ids.expand(3, -1)).logits[:, -1].softmax(-1)[:, 7].mean())

        corrupted = chance((), 0)
        assert found.corrupted == pytest.approx(corrupted, abs=1e-6)
        for (kind, layer, at), effect in found.effects.items():
            places = [(kind, i) for i in ((layer,) if kind == "resid" else (layer - 1, layer)) if i >= 0]
            assert effect == pytest.approx(chance(places, at) - corrupted, abs=1e-6), (kind, layer, at)
    assert len(found.effects) == 3 * 3 * 4


def test_layers_below_a_change_are_computed_once_for_a_prompt_and_what_follows(lab) -> None:
    own = copied(lab, lab.layers[2].mlp.down_proj)
    prompts, target = torch.tensor([[5, 9, 14], [6, 7, 8]]), torch.tensor([[3, 4], [4, 3]])
    calls = []
    handle = own.layers[1].mlp.register_forward_hook(lambda *_: calls.append(1))
    with torch.no_grad(), partial.same_below(own, 2):
        first = following(own, prompts, target)
        assert torch.equal(following(own, prompts, target), first)
        own.layers[2].mlp.down_proj.weight.data += 0.01
        changed_once = following(own, prompts, target)
        assert len(calls) == 2
        with pytest.raises(RuntimeError, match="other tokens follow"):
            following(own, prompts, target + 1)
    handle.remove()
    with torch.no_grad():
        assert torch.allclose(following(own, prompts, target), changed_once, atol=1e-6)
        assert torch.allclose(following(lab, prompts, target), first, atol=1e-6)
    assert not torch.allclose(first, changed_once, atol=1e-4)
    assert "forward" not in own.layers[1].__dict__


def test_what_goes_into_all_layers_is_read_in_one_pass(lab) -> None:
    prompts = [(5, 9, 14), (4, 3), (6, 7, 8)]
    for layer in range(3):
        one = keys(lab, prompts, [layer])
        for alone, together in zip(one, keys(lab, prompts, range(3)), strict=True):
            assert torch.allclose(alone[0], together[layer], atol=1e-6)


def test_a_second_moment_is_over_all_positions_of_texts_of_any_length(lab) -> None:
    texts = planted.world(0).texts()[:6]
    module, seen = lab.layers[1].mlp.down_proj, []
    handle = module.register_forward_pre_hook(lambda _, args: seen.append(args[0][0]))
    with torch.no_grad():
        for text in texts:
            lab.model(torch.tensor([lab.tokens(text)[0]]))
    handle.remove()
    all_keys = torch.cat(seen)
    assert torch.allclose(second_moment(lab, 1, texts), all_keys.T @ all_keys / len(all_keys), atol=1e-5)


def test_a_copy_has_only_its_own_part_of_the_weights_twice(lab) -> None:
    part = lab.layers[1].mlp.down_proj
    own = copied(lab, part)
    assert own.layers[1].mlp.down_proj.weight is not part.weight
    assert torch.equal(own.layers[1].mlp.down_proj.weight, part.weight)
    assert own.layers[0].mlp.down_proj is not lab.layers[0].mlp.down_proj
    assert own.layers[0].mlp.down_proj.weight is lab.layers[0].mlp.down_proj.weight


def test_the_logits_of_one_position_are_computed_from_states_in_one_piece() -> None:
    lab = open_model("tiny")
    pieces = []
    handle = lab.model.lm_head.register_forward_pre_hook(lambda _, args: pieces.append(args[0].is_contiguous()))
    with torch.no_grad():
        lab.model(torch.tensor([[5, 6, 7], [7, 6, 5]]), logits_to_keep=1)
    handle.remove()
    assert pieces == [True]
