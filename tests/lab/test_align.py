"""Pairs of prompts with different numbers of tokens: which positions are partners, and what patching makes of them."""

import csv
from dataclasses import replace
from types import SimpleNamespace

import pytest

pytest.importorskip("torch", reason="the lab's tests need torch: tox -e lab")
import torch
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.lab import metrics
from harness.lab.align import align, words
from harness.lab.components_study import sides
from harness.lab.hooks import KINDS, Site, all_sites, capture, changed, columns, patched
from harness.lab.models import open_model
from harness.lab.pairs import pair
from harness.lab.patching import attribute, ids, sweep
from harness.lab.studies import by_position, sites_of
from tests.lab.test_patching import TASK, largest_error, sisters


class Letters:
    """A tokenizer whose tokens are single characters."""

    def decode(self, some) -> str:
        return "".join(map(chr, some))


LETTERS = SimpleNamespace(tokenizer=Letters(), token=chr)


def partners(one: str, other: str) -> str:
    """Each partner of a character of the first text, _ for none."""
    found = dict(align(LETTERS, [*map(ord, one)], [*map(ord, other)]).partners)
    return "".join(other[found[i]] if i in found else "_" for i in range(len(one)))


@pytest.fixture(scope="module")
def lab():
    return open_model("tiny")


@pytest.fixture(scope="module")
def longer(lab):
    """The clean prompt has one digit more than the corrupted one."""
    return pair(lab, TASK, sisters(12), sisters(6), aligned=True)


@pytest.fixture(scope="module")
def shorter(lab):
    return pair(lab, TASK, sisters(6), sisters(12), aligned=True)


def at_partners(lab, pair, kinds) -> list[Site]:
    """Also those before the first difference, which a study does not patch."""
    return [s for s in all_sites(lab, len(pair.clean), kinds) if s.position is None or s.position in pair.partners]


# Which positions are partners


def test_words_that_were_exchanged_are_matched_from_their_end() -> None:
    assert partners("has 12 dogs.", "has 7 dogs.") == "has _7 dogs."
    assert partners("has 7 dogs.", "has 12 dogs.") == "has 2 dogs."
    assert partners("Jo ran", "Alice ran") == "ce ran"


def test_a_number_that_begins_as_the_other_does_is_still_another_number() -> None:
    """Its last digit is where it has been read; tokens alone would match the first one."""
    assert partners("has 12 dogs", "has 1 dogs") == "has _1 dogs"
    found = align(LETTERS, [*map(ord, "has 12 dogs")], [*map(ord, "has 2 dogs")])
    assert found.differ == (4, 5), "the 2 of 12 is in a word that differs"
    assert found.first == 4


def test_words_that_only_one_prompt_has_have_no_partner_and_the_rest_between_them_has() -> None:
    assert partners("a big dog ran home", "a dog ran back home") == "a ____dog ran home"
    found = align(LETTERS, [*map(ord, "a dog")], [*map(ord, "a big dog")])
    assert (found.differ, found.first) == ((), 2), "what differs is in the other prompt alone"


def test_the_last_positions_are_partners_even_if_they_differ() -> None:
    assert partners("so be it now", "so be it") == "so be ____it"


def test_a_word_is_what_is_written_together() -> None:
    def split(text: str) -> list[str]:
        return ["".join(map(chr, word)) for word in words(LETTERS, [*map(ord, text)])]

    assert split("Alice's 12 dogs") == ["Alice", "'", "s", " ", "12", " ", "dogs"]
    assert split("\u4ed6\u6709 3") == ["\u4ed6", "\u6709", " ", "3"], "such letters are words of their own"


TEXTS = st.text(alphabet="ab1 .", min_size=1, max_size=14)


@settings(max_examples=150, deadline=None)
@given(TEXTS, TEXTS)
def test_partners_rise_on_both_sides_and_are_swapped_with_the_prompts(one: str, other: str) -> None:
    assume(one != other)
    a, b = [*map(ord, one)], [*map(ord, other)]
    found, back = align(LETTERS, a, b), align(LETTERS, b, a)
    mine, theirs = zip(*found.partners, strict=True)
    assert list(mine) == sorted(set(mine))
    assert list(theirs) == sorted(set(theirs))
    assert found.partners[-1] == (len(a) - 1, len(b) - 1)
    assert tuple((j, i) for i, j in found.partners) == back.partners
    assert found.first == back.first
    assert a[: found.first] == b[: found.first]
    assert all((i, i) in found.partners for i in range(found.first))
    kept = [i for i in range(len(a)) if i not in found.differ]
    assert all(a[i] == b[dict(found.partners)[i]] for i in kept), "what does not differ has a partner that is the same"


# What patching makes of them ------------------------------------------------------------------------------------------


def test_prompts_of_different_lengths_are_refused_with_the_words_and_the_flag(lab) -> None:
    with pytest.raises(UsageError, match=r"positions do not match; they differ in 12 / 6") as caught:
        pair(lab, TASK, sisters(12), sisters(6))
    assert "--align" in caught.value.hint


def test_prompts_of_one_length_are_the_same_pair_aligned_or_not(lab) -> None:
    plain, aligned = (pair(lab, TASK, sisters(6), sisters(2), aligned=a) for a in (False, True))
    assert plain == aligned
    assert plain.partners == {i: i for i in range(len(plain.clean))}
    assert plain.alone == (0, 0)


def test_the_number_of_two_digits_has_one_digit_without_a_partner(lab, longer, shorter) -> None:
    assert [lab.token(longer.clean[i]) for i in longer.differ] == ["1", "2"]
    assert (longer.alone, shorter.alone) == ((1, 0), (0, 1))
    assert [lab.token(longer.corrupted[longer.partners[i]]) for i in longer.differ if i in longer.partners] == ["6"]
    assert shorter.partners == {b: a for a, b in longer.partners.items()}
    sites = sites_of(lab, longer, ("resid",))
    assert {s.position for s in sites} == set(range(longer.first, len(longer.clean))) - {longer.differ[0]}
    with pytest.raises(KeyError):
        sweep(lab, longer, [Site("resid", 0, None, longer.differ[0])])


@pytest.mark.parametrize("which", ["longer", "shorter"])
@pytest.mark.parametrize("how", ["denoise", "noise"])
def test_what_stands_before_the_first_difference_has_no_effect(lab, which: str, how, request) -> None:
    one = request.getfixturevalue(which)
    sites = [s for s in at_partners(lab, one, ("resid", "attn", "mlp")) if s.position < one.first and s.layer in (1, 3)]
    assert len(sites) > 60
    assert {e.moved(how) for e in sweep(lab, one, sites, how)} == {0.0}


@pytest.mark.parametrize("which", ["longer", "shorter"])
def test_everything_that_the_last_layer_adds_up_at_the_last_position_restores_the_clean_run(
    lab, which: str, request
) -> None:
    one = request.getfixturevalue(which)
    logits, donor = capture(lab, ids(lab, one.clean))
    own = lab.model(ids(lab, one.corrupted)).logits[0, -1]

    def put(kind: str):
        return lambda value: torch.cat([value[:, :-1], donor[kind, 3][:, -1:]], 1)

    with changed(lab, {(kind, 3): put(kind) for kind in ("resid", "attn", "mlp")}):
        said = lab.model(ids(lab, one.corrupted)).logits[0, -1]
    found = [metrics.logit_difference(x, one.right, one.wrong) for x in (said, logits[0, -1], own)]
    assert float(metrics.normalised(*found)) == pytest.approx(1, abs=1e-4)
    (alone,) = sweep(lab, one, [Site("resid", 3, None, len(one.clean) - 1)])
    assert 0.3 < alone.restored < 1, "its attention brings the rest"


def test_noising_and_denoising_swap_roles_with_the_prompts(lab, longer, shorter) -> None:
    sites = [*sites_of(lab, longer, KINDS)[5::9], Site("resid", 3, None, len(longer.clean) - 1)]
    theirs = [s if s.position is None else s._replace(position=longer.partners[s.position]) for s in sites]
    into_corrupted = [e.restored for e in sweep(lab, longer, sites)]
    into_clean = [e.restored for e in sweep(lab, shorter, theirs, "noise")]
    assert max(into_corrupted) > 0.3
    assert [1 - x for x in into_clean] == pytest.approx(into_corrupted, abs=1e-5)
    swapped = attribute(lab, shorter, theirs, "noise")
    assert attribute(lab, longer, sites) == pytest.approx(swapped, abs=1e-6)


@pytest.mark.parametrize("which", ["longer", "shorter"])
def test_a_head_is_patched_at_positions_with_a_partner_and_keeps_its_own_elsewhere(lab, which: str, request) -> None:
    one = request.getfixturevalue(which)
    _, donor = capture(lab, ids(lab, one.clean), ("head",))
    corrupted = ids(lab, one.corrupted)
    back = {there: here for here, there in one.partners.items()}

    def by_hand(value):
        value = value.clone()
        for there, here in back.items():
            value[0, there, columns(lab, 2)] = donor["head", 1][0, here, columns(lab, 2)]
        return value

    with changed(lab, {("head", 1): by_hand}):
        expected = lab.model(corrupted).logits[0]
    said = patched(lab, corrupted[0], [None, Site("head", 1, 2, None)], donor, partners=back)
    assert torch.allclose(said[1], expected, atol=1e-4)
    assert not torch.allclose(said[0], expected, atol=1e-2)


def test_the_linear_estimate_is_true_patching_on_a_linear_model(longer, shorter) -> None:
    """As for prompts of one length: uniform attention, no norms, no MLPs."""
    lab = open_model("tiny")
    for block in lab.layers:
        block.self_attn.q_proj.weight.zero_()
        block.mlp.down_proj.weight.zero_()
        block.input_layernorm = block.post_attention_layernorm = torch.nn.Identity()
    lab.model.model.norm = torch.nn.Identity()
    for one in (longer, shorter):
        sites = at_partners(lab, one, ("resid", "attn"))
        sites = [s for s in sites if s.position in one.differ or s.position % 11 == 7]
        assert largest_error(lab, one, [*sites, *at_partners(lab, one, ("head",))]) < 1e-4


def test_the_parts_of_both_prompts_add_up(lab, longer) -> None:
    assert sides(lab, longer).off < 1e-4


# What is shown ------------------------------------------------------------------------------------------


def test_a_map_names_both_partners_and_says_whose_columns_they_are(lab, longer, shorter) -> None:
    def shown(one):
        values = [[None if i not in one.partners else 0.5 for i in range(len(one.clean))]]
        return by_position(lab, one, values, "t", ["0"], (0, 1), "layer", "p")

    made, at = shown(longer), longer.differ[0]
    assert made.columns[at - 1 : at + 3] == [f"{at - 1} ' '", f"{at} 1 |", f"{at + 1} 2 | 6", f"{at + 2} sisters"]
    assert made.marked == [at, at + 1]
    assert made.note == (
        "Columns are the tokens of 12; behind | stands the partner in 6 if it is another token, nothing if there is "
        f"none (1 of {len(longer.clean)} positions). 0 of {len(longer.corrupted)} positions of 6 have no partner and "
        "no column."
    )
    assert shown(shorter).columns[at] == f"{at} 6 | 2"
    assert by_position(lab, replace(longer, corrupted=longer.clean[:-1] + (0,), alignment=None),
                       [[0.0] * len(longer.clean)], "t", ["0"], (0, 1), "layer", "p").note == ""  # fmt: skip


FEW = ("aiw", "-m", "tiny", "--pairs", "change:original/restricted", "--limit", 1, "--sites", "resid,head")


@pytest.mark.parametrize("more", [(), ("--attribution", "--top", 6)])
def test_patch_says_what_has_no_partner(harness, tmp_path, more) -> None:
    """The first pair has 6 sisters in one prompt and 11 or so in the other."""
    code, out, _ = harness("patch", *FEW, "--align", *more)
    assert code == 0
    said = "1 of 1 pairs that are patched have prompts of different lengths, aligned by words: 0 of 52 positions of "
    assert out.count(said) == 2, "as a sentence and under the first table"
    assert "1 of 53 of corrupted ones have no partner and are not patched" in out
    assert "Queries and keys are rotated" in out
    (kept,) = (tmp_path / "results").iterdir()
    rows = list(csv.DictReader((kept / "rows.csv").open()))
    assert all(int(r["partner"]) == int(r["position"]) + 1 for r in rows if r["position"])
    page = (kept / "page.html").read_text()
    assert "12 6 | " in page
    assert "with partner" in out


def test_same_lengths_give_the_same_rows_with_and_without_the_flag(harness, tmp_path) -> None:
    few = ("patch", "aiw", "-m", "tiny", "--pairs", "condition:original/restricted", "--limit", 1, "--sites",
           "resid,head", "--how", "noise")  # fmt: skip
    kept = []
    for more in ((), ("--align",)):
        code, out, _ = harness(*few, *more, "--out", f"kept{len(more)}")
        assert code == 0
        assert "no partner" not in out
        (study,) = (tmp_path / f"kept{len(more)}").iterdir()
        kept.append((study / "rows.csv").read_bytes())
    assert kept[0] == kept[1]


def test_lens_takes_such_pairs_and_without_the_flag_says_so(harness) -> None:
    four = ("aiw", "-m", "tiny", "--pairs", "change:original/restricted")
    _, out, _ = harness("lens", *four)
    assert "1 pairs were left out: their prompts have different numbers of tokens (--align takes" in out
    code, out, _ = harness("lens", *four, "--align")
    assert code == 0
    assert "in 4 of 4 prompts" in out
    assert "left out" not in out


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (("circuit",), "a circuit needs prompts of one length"),
        (("localise",), "without it"),
        (("lens", "--train-tuned", "made"), "nothing to align"),
    ],
)
def test_commands_for_which_it_makes_no_sense_refuse_it(harness, command, said: str) -> None:
    code, _, err = harness(*command, "aiw", "-m", "tiny", "--align")
    assert code == 2
    assert said in err
