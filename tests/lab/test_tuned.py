"""The tuned lens on the model of the package, and files that are none of ours."""

import struct

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch
from safetensors.torch import save_file

from harness import plugins
from harness.errors import DataError, UsageError
from harness.lab import tuned
from harness.lab.lens import lens_logits
from harness.lab.models import open_model
from harness.lab.prompts import Chosen, halves, prompts

TASK = plugins.task("aiw", {"family": "procedural"})


@pytest.fixture(scope="module")
def lab():
    return open_model("tiny")


def test_translators_of_zero_are_the_logit_lens(lab) -> None:
    ids = torch.tensor([[5, 9, 33, 70, 12]])
    assert torch.allclose(lens_logits(lab, ids, tuned.Translators.zero(lab)), lens_logits(lab, ids), atol=1e-4)


def test_on_held_out_groups_it_is_nearer_to_the_model_at_every_layer(lab, monkeypatch) -> None:
    monkeypatch.setattr(tuned, "STEP_TOKENS", 128)
    fitted, tested = halves(prompts(lab, Chosen(TASK, 0, (), 24), answered=True), 0)
    before = {name: p.clone() for name, p in lab.model.named_parameters()}
    made = tuned.train(lab, fitted, 0, 16, {"model": "tiny"})
    found = tuned.compare(lab, tested, made)
    assert [f.layer for f in found] == [0, 1, 2, 3]
    assert all(f.change.high < 0 for f in found)
    assert found[0].tuned.value < found[0].logit.value / 2
    assert all(torch.equal(p, before[name]) for name, p in lab.model.named_parameters())
    one, again = (tuned.train(lab, fitted, 0, 1) for _ in range(2))
    assert torch.equal(one.turn, again.turn), "the same seed gives the same translators"


def test_what_was_written_is_read(lab, tmp_path) -> None:
    made = tuned.Translators(torch.randn(4, 256, 256), torch.randn(4, 256), {"model": "tiny"})
    made.write(tmp_path / "t.safetensors")
    read = tuned.read(lab, tmp_path / "t.safetensors")
    assert torch.equal(read.turn, made.turn)
    assert torch.equal(read.shift, made.shift)
    assert read.about == {"model": "tiny"}


@pytest.mark.parametrize(
    ("tensors", "said"),
    [
        ({"turn": torch.zeros(4, 256, 8), "shift": torch.zeros(4, 256)}, r"tiny needs turn \[4, 256, 256\]"),
        ({"turn": torch.zeros(4, 256, 256)}, "tiny needs"),
        ({"turn": torch.zeros(4, 256, 256, dtype=torch.float64), "shift": torch.zeros(4, 256)}, "not all float32"),
        ({"turn": torch.full((4, 256, 256), torch.inf), "shift": torch.zeros(4, 256)}, "no finite numbers"),
    ],
)
def test_a_file_of_another_shape_is_refused(lab, tmp_path, tensors, said: str) -> None:
    save_file(tensors, tmp_path / "t.safetensors")
    with pytest.raises(DataError, match=said):
        tuned.read(lab, tmp_path / "t.safetensors")


@pytest.mark.parametrize("data", [b"", b"\x80\x02]q\x00.", struct.pack("<Q", 2**60), struct.pack("<Q", 2) + b"[]"])
def test_a_file_that_is_no_safetensors_is_refused(lab, tmp_path, data: bytes) -> None:
    (tmp_path / "t.safetensors").write_bytes(data)
    with pytest.raises(DataError, match="can't be read as safetensors"):
        tuned.read(lab, tmp_path / "t.safetensors")
    with pytest.raises(UsageError, match="no such file"):
        tuned.read(lab, tmp_path)


def test_the_command_trains_one_and_uses_it(harness) -> None:
    few = ("aiw", "-m", "tiny", "-T", "family=procedural")
    train = ("lens", *few, "--train-tuned", "own.safetensors", "--steps", 2, "--prompts", 96)
    assert "2 steps" in harness(*train, "--dry-run")[1]
    code, out, _ = harness(*train)
    assert code == 0
    assert "tuned - logit" in out
    pairs = ("aiw", "-m", "tiny", "--pairs", "condition:original/restricted", "--limit", 1)
    code, out, _ = harness("lens", *pairs, "--tuned", "own.safetensors")
    assert code == 0
    assert "trained on" not in out
    for options, said in (
        (("--tuned", "a", "--train-tuned", "b.safetensors"), "give one of them"),
        (("--train-tuned", "b.pt"), "has to end in .safetensors"),
        (("--tuned", "nowhere.safetensors"), "no such file"),
    ):
        code, _, err = harness("lens", *few, *options)
        assert (code, said in err) == (2, True)
