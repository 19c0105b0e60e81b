"""TransformerLens as a second opinion on the lab (`tox -e lab-oracle` installs it): lens, patching, attribution and
parts of the package's model, place by place. Nothing of the lab's own hooks is used on its side."""

from dataclasses import replace

import pytest

pytest.importorskip("torch", reason="the lab is NOT COMPARED with TransformerLens: `tox -e lab-oracle` installs it")
pytest.importorskip("transformer_lens", reason="NOT COMPARED with TransformerLens: `tox -e lab-oracle` installs it")
import torch
from transformer_lens.model_bridge import TransformerBridge

from harness import plugins
from harness.lab.components import direct_logits, parts
from harness.lab.composition import reading, writing
from harness.lab.hooks import Site, all_sites
from harness.lab.lens import lens_logits
from harness.lab.models import directory, open_model
from harness.lab.pairs import pair
from harness.lab.patching import attribute, ends, ids, sweep
from harness.types import Message

TASK = plugins.task("aiw", {})
NAMES = {
    "resid": "blocks.{}.hook_resid_pre", "attn": "blocks.{}.hook_attn_out", "mlp": "blocks.{}.hook_mlp_out",
    "head": "blocks.{}.attn.hook_z",
}  # fmt: skip
"""Of our kinds of sites, their hook points."""


@pytest.fixture(scope="module")
def lab():
    return open_model("tiny")


@pytest.fixture(scope="module")
def bridge():
    return TransformerBridge.boot_transformers(directory("tiny"))


@pytest.fixture(scope="module")
def six_two(lab):
    """Alice has 3 brothers and 6 sisters, or 2 of them."""
    base = next(s for s in TASK.samples(0) if s.id == "original/V1/restricted")

    def sisters(n: int):
        asked = base.messages[0].content.replace("6 sisters", f"{n} sisters")
        params, answer = {**base.params, "answer": str(n + 1)}, str(n + 1)
        return replace(base, id=str(n), params=params, target=answer, messages=(Message("user", asked),))

    return pair(lab, TASK, sisters(6), sisters(2))


def difference(logits: torch.Tensor, of) -> torch.Tensor:
    return logits[0, -1, of.right] - logits[0, -1, of.wrong]


def part(site: Site, value: torch.Tensor) -> torch.Tensor:
    """The stretch of an activation [1, position, ...] that a site names; hook_z is [1, position, head, head size], or
    has its heads side by side."""
    if site.head is not None:
        return value[:, :, site.head] if value.ndim == 4 else value[..., site.head * 64 : (site.head + 1) * 64]
    return value if site.position is None else value[:, site.position]


def test_logits_and_the_lens_are_the_same(lab, bridge, six_two) -> None:
    tokens = ids(lab, six_two.clean)
    with torch.no_grad():
        logits, cache = bridge.run_with_cache(tokens)
        assert torch.allclose(logits, lab.model(tokens).logits, atol=1e-4)
        ours = lens_logits(lab, tokens)
        for layer in range(4):
            stream = cache[NAMES["resid"].format(layer)]
            theirs = bridge.unembed(bridge.ln_final(stream))[0]
            assert torch.allclose(ours[layer], theirs, atol=1e-4)


@pytest.mark.parametrize(("kind", "n"), [("resid", 4), ("attn", 4), ("mlp", 4), ("head", 16)])
def test_patching_has_the_same_effect_at_every_site(lab, bridge, six_two, kind: str, n: int) -> None:
    sites = all_sites(lab, len(six_two.clean), (kind,))
    assert len(sites) == (n if kind == "head" else n * len(six_two.clean))
    found = ends(lab, six_two)
    with torch.no_grad():
        _, donor = bridge.run_with_cache(ids(lab, six_two.clean))
        for effect in sweep(lab, six_two, sites):
            name = NAMES[kind].format(effect.site.layer)

            def put(value: torch.Tensor, hook: object, site: Site = effect.site, name: str = name) -> torch.Tensor:
                value = value.clone()
                part(site, value)[:] = part(site, donor[name])
                return value

            logits = bridge.run_with_hooks(ids(lab, six_two.corrupted), fwd_hooks=[(name, put)])
            theirs = float(difference(logits, six_two) - found.corrupted) / (found.clean - found.corrupted)
            assert effect.restored == pytest.approx(theirs, abs=1e-4), effect.site


@pytest.mark.parametrize("kind", ["resid", "attn", "mlp", "head"])
def test_linear_estimates_are_the_same(lab, bridge, six_two, kind: str) -> None:
    names = [NAMES[kind].format(layer) for layer in range(4)]
    kept: dict[str, torch.Tensor] = {}

    def keeps(name: str):
        def keep(value: torch.Tensor, hook: object) -> torch.Tensor:  # the hook's own name is another one
            value.retain_grad()
            kept[name] = value
            return value

        return keep

    with torch.no_grad():
        _, donor = bridge.run_with_cache(ids(lab, six_two.clean))
    with torch.enable_grad():
        bridge.requires_grad_(True)
        logits = bridge.run_with_hooks(ids(lab, six_two.corrupted), fwd_hooks=[(name, keeps(name)) for name in names])
        difference(logits, six_two).backward()
        bridge.requires_grad_(False)
    found = ends(lab, six_two)
    sites = all_sites(lab, len(six_two.clean), (kind,))
    assert len(kept) == 4
    for site, ours in zip(sites, attribute(lab, six_two, sites), strict=True):
        name = NAMES[kind].format(site.layer)
        product = (donor[name] - kept[name].detach()) * kept[name].grad / (found.clean - found.corrupted)
        assert ours == pytest.approx(float(part(site, product).sum()), abs=1e-4), site


def test_parts_add_what_they_add_there(lab, bridge, six_two) -> None:
    tokens = ids(lab, six_two.clean)
    stream, some = parts(lab, tokens)
    by_name = {p.name: p.written for p in some}
    with torch.no_grad():
        _, cache = bridge.run_with_cache(tokens)
        for layer in range(4):
            assert torch.allclose(by_name[f"mlp {layer}"], cache[NAMES["mlp"].format(layer)], atol=1e-4)
            heads = sum(by_name[f"{layer}.{head}"] for head in range(4))
            assert torch.allclose(heads, cache[NAMES["attn"].format(layer)], atol=1e-4)
            for head in range(4):
                z = part(Site("head", layer, head, None), cache[NAMES["head"].format(layer)])
                theirs = z @ bridge.W_O[layer, head]
                assert torch.allclose(by_name[f"{layer}.{head}"], theirs, atol=1e-4)
        total = sum(direct_logits(lab, stream, p.written, six_two.right) for p in some)
        assert torch.allclose(total, bridge(tokens)[..., six_two.right], atol=1e-4)


def test_weights_of_heads_are_the_same(lab, bridge) -> None:
    for layer in range(4):
        gain = lab.layers[layer].input_layernorm.weight
        for head in range(4):
            assert torch.allclose(writing(lab, layer, head).T, bridge.W_O[layer, head], atol=1e-6)
            for kind, theirs in (("q", bridge.W_Q), ("k", bridge.W_K), ("v", bridge.W_V)):
                assert torch.allclose(reading(lab, layer, head, kind), theirs[layer, head].T * gain, atol=1e-6)
