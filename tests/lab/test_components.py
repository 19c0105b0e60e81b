"""A model as a sum: what parts add to logits, what heads copy, which heads read which. On the model that was built by
hand the truth is known."""

import csv
import math

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness import plugins
from harness.lab import induction
from harness.lab.components import attentions, direct_logits, parts, through_values
from harness.lab.components_study import sides, split
from harness.lab.composition import compositions, copying, direct_path, full_ov, random_orientation, reading, writing
from harness.lab.models import open_model
from harness.lab.pairs import pairs
from tests.lab.built import induction_model


@pytest.fixture(scope="module")
def built():
    return induction_model()


@pytest.fixture(scope="module")
def tiny():
    return open_model("tiny")


@pytest.fixture(scope="module")
def found(tiny):
    return pairs(tiny, plugins.task("aiw", {}), 0, "condition:original/restricted", 2)[0]


@pytest.mark.parametrize("name", ["built", "tiny"])
def test_the_parts_add_up_to_the_logits_of_every_token(built, tiny, name: str) -> None:
    lab = built if name == "built" else tiny
    ids = induction.repeated(lab, 12, 2, 0)
    stream, some = parts(lab, ids)
    logits = lab.model(ids).logits
    for token in range(0, logits.shape[-1], 11):
        total = sum(direct_logits(lab, stream, part.written, token) for part in some)
        assert torch.allclose(total, logits[..., token], atol=1e-4)


@pytest.mark.parametrize("name", ["built", "tiny"])
def test_what_a_head_writes_is_the_sum_of_what_its_values_read(built, tiny, name: str) -> None:
    lab = built if name == "built" else tiny
    ids = induction.repeated(lab, 12, 2, 0)
    _, some = parts(lab, ids)
    written, look = {p.name: p.written for p in some}, attentions(lab, ids)
    for layer in range(len(lab.layers)):
        for head in range(lab.heads):
            split_up = through_values(lab, some, look[layer], layer, head)
            assert torch.allclose(sum(p.written for p in split_up), written[f"{layer}.{head}"], atol=1e-4)


def test_biases_of_the_attention_are_parts_of_their_own(built) -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    from harness.lab.models import LabModel

    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=24, hidden_size=32, intermediate_size=16, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, attention_bias=True, bos_token_id=0, attn_implementation="eager",
    )  # fmt: skip
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    for block in model.model.layers:
        block.input_layernorm.weight.uniform_(0.5, 2)
        for proj in (block.self_attn.v_proj, block.self_attn.o_proj):
            proj.bias.normal_()
    lab = LabModel("biased", model, built.tokenizer)
    ids = induction.repeated(lab, 10, 2, 0)
    stream, some = parts(lab, ids)
    assert [p.name for p in some if p.name.startswith("bias")] == ["bias 0", "bias 1"]
    assert torch.allclose(sum(p.written for p in some), stream, atol=1e-5)
    split_up = through_values(lab, some, attentions(lab, ids)[1], 1, 3)
    assert [p.name for p in split_up][-2:] == ["mlp 0", "bias"]
    written = next(p.written for p in some if p.name == "1.3")
    assert torch.allclose(sum(p.written for p in split_up), written, atol=1e-5)


def test_the_head_that_was_built_to_answer_adds_the_answer_and_reads_the_token_itself(built) -> None:
    ids = induction.repeated(built, 10, 1, 1)[:, :15]
    answer = int(ids[0, 5])  # token 4 stands at 14 again; what followed it comes next
    assert int(ids[0, 4]) == int(ids[0, 14])
    stream, some = parts(built, ids)
    added = {p.name: float(direct_logits(built, stream, p.written, answer)[0, -1]) for p in some}
    assert added["1.0"] > 0.99 * sum(added.values())
    read = through_values(built, some, attentions(built, ids)[1], 1, 0)
    reads = {p.name: float(direct_logits(built, stream, p.written, answer)[0, -1]) for p in read}
    assert reads["embed"] > 0.99 * added["1.0"]
    assert abs(reads["0.0"]) < 0.01 * added["1.0"]  # it reads that head through its keys


def test_the_composition_that_was_built_stands_out_and_decoys_do_not(built) -> None:
    first, *others = sorted(compositions(built), key=lambda c: -c.beyond)
    assert (first.earlier, first.later, first.kind) == ((0, 0), (1, 0), "k")
    assert first.score == pytest.approx(1 / math.sqrt(24))  # 24 of 64 directions, all of the same size
    assert first.beyond > 50
    assert max(c.beyond for c in others) < 3
    by_name = {(c.earlier, c.later, c.kind): c for c in others}
    assert by_name[(0, 0), (1, 0), "q"].score == by_name[(0, 0), (1, 0), "v"].score == 0


def test_scores_of_compositions_are_frobenius_ratios_with_the_gain_folded_in(tiny) -> None:
    some = compositions(tiny)
    assert len(some) == 6 * 16 * 3
    for c in some[::37]:
        later = reading(tiny, *c.later, c.kind)
        earlier = writing(tiny, *c.earlier) @ reading(tiny, *c.earlier, "v")
        assert c.score == pytest.approx(float((later @ earlier).norm() / later.norm() / earlier.norm()), abs=1e-5)
    block = tiny.layers[2]
    own = block.self_attn.q_proj.weight[64:128] * block.input_layernorm.weight
    assert torch.equal(reading(tiny, 2, 1, "q"), own)


def test_random_orientation_has_the_moments_of_matrices_that_are_turned_at_random() -> None:
    rng = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=rng)

    width, draws = 12, 8000
    one, other = drawn(3, width), drawn(width, 5) @ drawn(5, width)
    turned, r = torch.linalg.qr(drawn(draws, width, width))
    turned = turned * torch.diagonal(r, dim1=-2, dim2=-1).sign()[:, None, :]
    squared = (one @ turned @ other).pow(2).sum((1, 2)) / one.pow(2).sum() / other.pow(2).sum()

    def share(m: torch.Tensor) -> float:
        return float((m @ m.T).pow(2).sum() / (m @ m.T).trace() ** 2)

    mean, deviation = random_orientation(width, share(one), share(other))
    assert float(squared.mean()) == pytest.approx(mean, abs=4 * deviation / math.sqrt(draws))
    assert float(squared.std()) == pytest.approx(deviation, rel=0.05)
    assert random_orientation(width, 1 / width, 0.3)[1] == pytest.approx(0, abs=1e-8)  # one that is alike everywhere


def test_random_weights_are_at_random_orientation() -> None:
    from transformers import LlamaConfig, LlamaForCausalLM

    from harness.lab.models import LabModel

    torch.manual_seed(1)
    config = LlamaConfig(vocab_size=24, hidden_size=64, intermediate_size=8, num_hidden_layers=3,
                         num_attention_heads=4, num_key_value_heads=2, attn_implementation="eager")  # fmt: skip
    some = compositions(LabModel("random", LlamaForCausalLM(config), None))
    assert len(some) == (4 + 8) * (4 + 2 + 2)  # heads that share keys and values count once
    beyond = [c.beyond for c in some]
    assert abs(sum(beyond) / len(beyond)) < 0.5
    assert sum(abs(b) > 2 for b in beyond) < 0.15 * len(beyond)


def test_eigenvalues_of_the_full_circuit_are_those_of_the_small_product(built, tiny) -> None:
    gain, block = tiny.model.model.norm.weight, tiny.layers[1]
    embedding = tiny.model.model.embed_tokens.weight
    read = block.self_attn.v_proj.weight[:64] * block.input_layernorm.weight
    whole = (tiny.model.lm_head.weight * gain) @ block.self_attn.o_proj.weight[:, :64] @ read @ embedding.T
    values = torch.linalg.eigvals(whole)
    direct = float(values.real.sum() / values.abs().sum())
    assert full_ov(tiny, 1, 0).copying == pytest.approx(direct, abs=1e-3)
    positive = float(values.abs()[values.real > 0].sum() / values.abs().sum())
    assert full_ov(tiny, 1, 0).positive == pytest.approx(positive, abs=1e-3)
    assert positive < 0.5
    one = full_ov(built, 1, 0)
    assert (one.positive, one.itself, one.tokens) == (1.0, 24, 24)
    assert one.copying == pytest.approx(1, abs=1e-5)
    assert full_ov(built, 0, 0).itself == 0  # what it writes, the unembedding does not read
    assert direct_path(built) == (0, 24)


def test_positive_eigenvalues_do_not_say_that_a_token_raises_itself_most(built) -> None:
    """The trap: [[1, 3], [0, 1]] has the eigenvalues 1 and 1, and one of its two tokens raises the other more."""
    lab = induction_model()
    attention = lab.layers[1].self_attn
    for token in range(0, 24, 2):  # every second token says the next one thrice as loud as itself
        attention.o_proj.weight[48 + token + 1] += 3 * attention.o_proj.weight[48 + token]
    one = full_ov(lab, 1, 0)
    assert one.copying == pytest.approx(1, abs=0.02)
    assert one.itself == 12
    assert copying(lab, 1, 0) == one.copying


def test_both_sides_of_a_pair_add_up_to_the_models_own_difference(tiny, found) -> None:
    for pair in found:
        one = sides(tiny, pair)
        assert one.off < 1e-4
        logits = tiny.model(torch.tensor([pair.clean])).logits[0, -1]
        assert one.whole[0] == pytest.approx(float(logits[pair.right] - logits[pair.wrong]), abs=1e-4)
        assert sum(one.corrupted.values()) == pytest.approx(one.whole[1], abs=1e-4)
        assert one.clean["embed"] == pytest.approx(one.corrupted["embed"], abs=1e-2), "the last token is the same"
        ((clean, corrupted),) = split(tiny, pair, ["2.1"])
        assert sum(clean.values()) == pytest.approx(one.clean["2.1"], abs=1e-4)
        assert sum(corrupted.values()) == pytest.approx(one.corrupted["2.1"], abs=1e-4)


def test_the_command_prints_and_keeps_what_it_finds(harness, tmp_path) -> None:
    few = ("components", "aiw", "-m", "tiny", "--pairs", "condition:original/restricted", "--limit", 2)
    code, out, _ = harness(*few, "--top", 3, "--heads", 1)
    assert code == 0
    for said in ("parts add up to the model's own", "of 16 heads copy", "through its keys", "all of them",
                 "by what its values read", "standard deviations"):  # fmt: skip
        assert said in out
    (kept,) = (tmp_path / "results").iterdir()
    rows = list(csv.DictReader((kept / "rows.csv").open()))
    adds = [r for r in rows if r["what"] == "adds"]
    assert len(adds) == 2 * 21  # embedding, 16 heads, 4 MLPs
    assert len([r for r in rows if r["what"] == "composition"]) == 288
    assert (kept / "page.html").read_text().count("<svg") == 4
    code, out, _ = harness(*few, "--dry-run")
    assert "12 forward passes at most" in out
