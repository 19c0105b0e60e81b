"""Induction heads, sums of parts and circuits, on a model that was built by hand, so that the truth is known."""

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch

from harness.lab import induction
from harness.lab.circuit import Edge, Graph, acdc
from harness.lab.components import direct_logits, parts
from harness.lab.models import open_model
from harness.types import Message
from tests.lab.built import KNOWN, induction_model


@pytest.fixture(scope="module")
def built():
    return induction_model()


@pytest.fixture(scope="module")
def prompts(built):
    """Sequences whose last tokens come for the second time, and unrelated ones."""
    clean = induction.repeated(built, 10, 6, 1)[:, :15]
    corrupted = induction.repeated(built, 14, 6, 99)[:, :15]
    return clean, corrupted


@pytest.mark.parametrize("tau", [0.01, 0.1, 1.0])
def test_the_circuit_that_was_built_is_found_exactly(built, prompts, tau: float) -> None:
    graph = Graph(built)
    known = [Edge(*words.split(" -> ")) for words in KNOWN]
    found = acdc(graph, *prompts, tau)
    assert set(found.kept) == set(known)
    assert found.against(known) == (1.0, 1.0)
    assert found.evaluations == len(graph.edges()) == 29
    assert found.kl < 0.01


def test_what_both_prompts_carry_alike_is_named_as_not_to_be_seen(built, prompts) -> None:
    found = acdc(Graph(built), *prompts, 0.1)
    assert {str(e) for e in found.unseen} == {"embed -> 0.0.q", "embed -> 0.0.k"}


def test_precision_and_recall_are_against_the_known_edges(built, prompts) -> None:
    found = acdc(Graph(built), *prompts, 0.1)
    half = [Edge("embed", "1.0.q"), Edge("embed", "1.1.q")]
    assert found.against(half) == (0.2, 0.5)


def test_scores_tell_the_heads_that_were_built_from_the_decoys(built) -> None:
    scores, learning = induction.measure(built, 16)
    by_head = {(s.layer, s.head): s for s in scores}
    assert by_head[1, 0].prefix_matching == pytest.approx(1, abs=1e-3)
    assert by_head[1, 0].copying == pytest.approx(1, abs=1e-3)
    assert by_head[0, 0].previous_token == pytest.approx(1, abs=1e-3)
    assert max(by_head[layer, 1].prefix_matching for layer in (0, 1)) < 0.1
    assert learning.score < -3
    assert induction.summary(scores, scores).startswith("1 of 4 heads")


def test_every_second_copy_is_continued_right(built) -> None:
    ids = induction.repeated(built, 16, 4, 3)
    said = built.model(ids).logits[:, 17:-1].argmax(-1)
    assert torch.equal(said, ids[:, 18:])


@pytest.mark.parametrize("name", ["built", "tiny"])
def test_a_model_computed_part_by_part_is_the_model(built, name: str) -> None:
    lab = built if name == "built" else open_model("tiny")
    ids = induction.repeated(lab, 12, 2, 0)
    assert torch.allclose(Graph(lab).run(ids).logits, lab.model(ids).logits, atol=1e-4)


def test_logits_are_the_sum_of_what_the_parts_add() -> None:
    lab = open_model("tiny")
    ids = torch.tensor([lab.encode([Message("user", "Alice has 3 brothers.")])])
    stream, found = parts(lab, ids)
    assert torch.allclose(sum(part.written for part in found), stream, atol=1e-4)
    token = 7
    total = sum(direct_logits(lab, stream, part.written, token) for part in found)
    assert torch.allclose(total, lab.model(ids).logits[..., token], atol=1e-4)


def test_cutting_every_connection_gives_the_corrupted_run(built, prompts) -> None:
    clean, corrupted = prompts
    graph = Graph(built)
    other = graph.run(corrupted)
    assert torch.allclose(graph.run(clean, graph.edges(), other.written).logits, other.logits, atol=1e-4)


def test_commands_print_and_keep_what_they_find(harness, tmp_path) -> None:
    code, out, _ = harness("induction", "-m", "tiny", "--sequences", 2)
    assert code == 0
    assert "of 16 heads match prefixes" in out
    options = ("circuit", "aiw", "-m", "tiny", "--pairs", "condition:original/restricted", "--limit", 1)
    code, out, _ = harness(*options, "--dry-run", "--tau", "0.1,1")
    assert code == 0
    assert "forward passes" in out
    (tmp_path / "known.txt").write_text("0.0 -> 9.9.q\n")
    code, _, err = harness(*options, "--against", "known.txt")
    assert code == 2
    assert "no connection 0.0 -> 9.9.q" in err
    code, _, err = harness(*options, "--tau", "-1")
    assert code == 2
    assert "--tau" in err
