"""The stream of one prompt in another: the logit lens is a special case, and a patch of itself changes nothing."""

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness import plugins
from harness.errors import UsageError
from harness.lab.lens import lens_logits
from harness.lab.models import open_model
from harness.lab.patching import ids
from harness.lab.patchscope import patchscope
from harness.lab.patchscope_study import Scope, layers
from harness.lab.prompts import Chosen, prompts
from tests.lab.built import induction_model


@pytest.fixture(scope="module")
def lab():
    return open_model("tiny")


@pytest.fixture(scope="module")
def two(lab):
    found = prompts(lab, Chosen(plugins.task("aiw", {"family": "procedural"}), 0, (), 2))
    return found[0].ids, found[1].ids


def test_into_the_end_of_the_same_prompt_it_is_the_logit_lens(lab, two) -> None:
    source, last = two[0], len(two[0]) - 1
    said = patchscope(lab, source, last, source, last, [(layer, 4) for layer in range(5)])
    lens = lens_logits(lab, ids(lab, source))
    assert torch.allclose(torch.stack([s.first for s in said]), lens[:, -1], atol=1e-4)


def test_a_stream_put_back_where_it_was_changes_nothing(lab, two) -> None:
    source = two[0]
    with torch.no_grad():
        out = lab.model.generate(ids(lab, source), attention_mask=torch.ones(1, len(source)), max_new_tokens=6,
                                 do_sample=False, pad_token_id=0)  # fmt: skip
    own = tuple(out[0, len(source) :].tolist())
    for said in patchscope(lab, source, 9, source, 9, [(layer, layer) for layer in range(4)], 6):
        assert said.tokens == own


def test_the_patch_is_on_the_first_pass_alone() -> None:
    built = induction_model()
    # Told that it ends in 7, the target says what followed 7 (9), and then what followed that (11). What followed 11 is
    # the place of the patch: it is seen as 7 through the cache. At a later pass there is no such place to patch.
    target = [0, 3, 5, 7, 9, 11, 3]
    said = patchscope(built, [0, 7], 1, target, 6, [(0, 0)], 3)
    assert said[0].tokens == (9, 11, 7)
    passes = []
    handle = built.layers[0].register_forward_pre_hook(lambda _, args, kwargs: passes.append(1), with_kwargs=True)
    patchscope(built, [0, 7], 1, target, 6, [(0, 0)], 3)
    handle.remove()
    assert len(passes) == 4
    assert not built.layers[0]._forward_pre_hooks
    assert not built.model.model.norm._forward_pre_hooks


def test_layers_that_there_are_not_are_refused(lab) -> None:
    assert layers(lab, Scope()) == [(i, i) for i in range(5)]
    assert layers(lab, Scope(target_layer="1")) == [(i, 1) for i in range(5)]
    for wrong in ("4", "-1", "x", "9" * 5000):
        with pytest.raises(UsageError, match="layers 0 to 3"):
            layers(lab, Scope(target_layer=wrong))


def test_the_command_prints_what_each_layer_yields(harness, tmp_path) -> None:
    few = ("patchscope", "aiw", "-m", "tiny", "-T", "family=procedural", "--limit", 4)
    assert "forward passes" in harness(*few, "--dry-run")[1]
    code, out, _ = harness(*few, "--tokens", 2, "--target", "itself", "--target-layer", "end")
    assert code == 0
    assert "what the target says" in out
    (kept,) = (tmp_path / "results").iterdir()
    assert len((kept / "rows.csv").read_text().splitlines()) == 21
    code, out, _ = harness(*few, "--tokens", 2)
    assert code == 0
    code, _, err = harness(*few, "--target", "")
    assert (code, "--target" in err) == (2, True)
