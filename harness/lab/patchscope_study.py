"""The study `harness patchscope`: what another prompt says of the residual stream of a task's prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from harness.errors import UsageError
from harness.lab.models import LabModel
from harness.lab.patching import ids
from harness.lab.patchscope import Said, patchscope
from harness.lab.prompts import Chosen, cut, places, prompts
from harness.report.pictures import Curves
from harness.report.study import Study
from harness.statistics.intervals import Clusters, Estimate
from harness.text import Extra, estimate

COUNTED = ("own", "source")


@dataclass(frozen=True)
class Scope:
    """`at` is the place in the source (harness.lab.prompts.places). `target` is a text whose last token gives way;
    `identity` is the one in identity.txt, and `itself` the source, which gives way where it is read. `target_layer` is
    `same`, `end` or a number."""

    at: str = "last"
    target: str = "identity"
    target_layer: str = "same"
    tokens: int = 8


def layers(lab: LabModel, scope: Scope) -> list[tuple[int, int]]:
    """(source layer, target layer), each source layer and the end. UsageError for a layer that there is not."""
    depth = len(lab.layers)
    if scope.target_layer == "same":
        return [(layer, layer) for layer in range(depth + 1)]
    if scope.target_layer == "end":
        return [(layer, depth) for layer in range(depth + 1)]
    if not (scope.target_layer.isascii() and scope.target_layer.isdigit() and int(scope.target_layer[:6]) < depth):
        raise UsageError(f"--target-layer {scope.target_layer}: {lab.name} has layers 0 to {depth - 1}, "
                         "or give same or end")  # fmt: skip
    return [(layer, int(scope.target_layer)) for layer in range(depth + 1)]


def patchscope_study(lab: LabModel, chosen: Chosen, scope: Scope) -> Study:
    """For every layer: what the target says, how often its first token is the model's own next token at the place of
    the source, and how often it is the source's token there."""
    import torch

    which = layers(lab, scope)
    found = prompts(lab, chosen)
    where = places(lab, found, scope.at)
    text = (resources.files("harness.lab") / "identity.txt").read_text(encoding="utf-8").strip()
    text = text if scope.target == "identity" else scope.target
    whole = lab.tokenizer(text)["input_ids"]
    if not whole:
        raise UsageError("--target: a text of one token at least")
    counts: dict[tuple[int, str], Clusters] = {}
    rows: list[dict[str, Any]] = []
    shown: list[tuple[str, str, list[Said]]] = []
    for prompt, at in zip(where.prompts, where.positions, strict=True):
        target, target_at = (prompt.ids, at) if scope.target == "itself" else (whole, len(whole) - 1)
        said = patchscope(lab, prompt.ids, at, target, target_at, which, scope.tokens)
        with torch.no_grad():
            own = int(lab.model(ids(lab, prompt.ids[: at + 1])).logits[0, -1].argmax())
        names = lab.token(prompt.ids[at]), lab.token(own)
        shown.append((*names, said))
        for one in said:
            hits = {"own": one.tokens[0] == own, "source": one.tokens[0] == prompt.ids[at]}
            for name, hit in hits.items():
                counts.setdefault((one.source_layer, name), Clusters()).add(prompt.sample.group, float(hit))
            rows.append({
                "id": prompt.sample.id, "position": at, "token": names[0], "next": names[1],
                "source_layer": one.source_layer, "target_layer": one.target_layer,
                "text": lab.tokenizer.decode(list(one.tokens)), **hits,
            })  # fmt: skip
    return _study(lab, chosen, scope, which, counts, shown, rows, text)


def _study(
    lab: LabModel, chosen: Chosen, scope: Scope, which: Sequence[tuple[int, int]],
    counts: dict[tuple[int, str], Clusters], shown: Sequence[tuple[str, str, Sequence[Said]]],
    rows: Sequence[dict[str, Any]], text: str,
) -> Study:  # fmt: skip
    depth = len(lab.layers)
    shares: dict[tuple[int, str], Estimate | None] = {at: c.accuracy() for at, c in counts.items()}
    body = []
    for i, (layer, into) in enumerate(which):
        examples = [repr(lab.tokenizer.decode(list(said[i].tokens))) for _, _, said in shown[:3]]
        body.append((_name(layer, depth), _name(into, depth), *(estimate(shares[layer, name]) for name in COUNTED),
                     cut(" | ".join(examples), 120)))  # fmt: skip
    header = ("from before layer", "into layer", "model's own next token", "token at the place", "first prompts")
    # From the end into the end it is the model itself.
    own = {layer: e.value for layer, _ in which if layer < depth and (e := shares[layer, "own"]) is not None}
    layer = max(own, key=lambda at: own[at])
    sentences = [
        f"Put into the target, {lab.name}'s residual stream from before layer {_name(layer, depth)} makes it say the "
        f"model's own next token most often: {estimate(shares[layer, 'own'])} prompts.",
        f"In the first prompt the token at the place is {shown[0][0]!r} and the model's own next one {shown[0][1]!r}.",
    ]
    names = [_name(layer, depth) for layer, _ in which]
    lines = {"the model's own next token": [shares[layer, "own"] for layer, _ in which],
             "the token at the place": [shares[layer, "source"] for layer, _ in which]}  # fmt: skip
    words = chosen.words(lab) | {
        "at": scope.at, "target": "the source itself" if scope.target == "itself" else text,
        "target layer": scope.target_layer, "tokens": str(scope.tokens),
    }  # fmt: skip
    table = Extra("what the target says", header, tuple(body), note="Shares of the first token said; 95%, over groups.")
    picture = Curves("what the first token is, by source layer", names, lines, "before layer")
    title = f"Patchscope: {lab.name} on {chosen.task.name}"
    return Study("patchscope", title, words, sentences, [table], rows, [picture])


def _name(layer: int, depth: int) -> str:
    return str(layer) if layer < depth else "end"
