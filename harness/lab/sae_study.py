"""The studies `harness sae train`, `eval` and `steer`."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.lab import metrics, sae
from harness.lab.hooks import Change, changed
from harness.lab.models import LabModel
from harness.lab.pairs import Pair
from harness.lab.patching import ids
from harness.lab.prompts import Chosen, Prompt, as_row, batches, cut, group_mean, group_ratio, halves, prompts, streams
from harness.lab.studies import Asked
from harness.lab.tuned import real_positions
from harness.report.study import Study
from harness.seeds import derive
from harness.statistics.intervals import Estimate, mean_interval, wilson
from harness.text import Extra, estimate, interval

if TYPE_CHECKING:
    from torch import Tensor

AROUND = 8
"""Tokens shown before the one at which a feature fires."""


def _kept(ids: Tensor, rows: Sequence[Prompt]) -> Tensor:
    """[batch, position]: True for tokens of the prompts but the first."""
    kept = real_positions(ids, rows)
    kept[:, 0] = False
    return kept


def gathered(lab: LabModel, found: Sequence[Prompt], layer: int) -> Tensor:
    """The stream that goes into a layer, [position, width], at every position but the first of each prompt."""
    import torch

    return torch.cat([streams(lab, ids)[1][layer][_kept(ids, rows)].float() for ids, rows in batches(lab, found)])


def train_study(
    lab: LabModel, chosen: Chosen, layer: int, recipe: sae.Recipe, path: Path,
    on_step: Callable[[int, int], None] = lambda *_: None,
) -> Study:  # fmt: skip
    """Trained on half of the groups, written to `path`, and evaluated on the others."""
    if not 0 <= layer < len(lab.layers):
        raise UsageError(f"--layer {layer}: {lab.name} has layers 0 to {len(lab.layers) - 1}")
    fitted, _ = halves(prompts(lab, chosen, answered=True), chosen.seed)
    about = chosen.words(lab) | {"layer": str(layer), "features": str(recipe.features), "steps": str(recipe.steps),
                                 "penalty": f"{recipe.penalty:g}", "revive": f"{recipe.revive:g}"}  # fmt: skip
    made = sae.train(gathered(lab, fitted, layer), recipe, about, on_step)
    made.write(path)
    return eval_study(lab, chosen, made, str(path), (), "sae-train")


def losses(lab: LabModel, found: Sequence[Prompt], made: sae.SAE) -> dict[str, list[float]]:
    """Cross-entropy (nats) of each token but the first two of each prompt (the second one is foretold at the first
    position, which stays): `clean`; with the stream `rebuilt`; with `zero` or its `mean` in the stream's place."""
    import torch

    mean = gathered(lab, found, made.layer).mean(0)
    put: dict[str, Callable[[Tensor], Tensor] | None] = {
        "clean": None, "rebuilt": lambda x: made.rebuilt(x.float()).to(x.dtype), "zero": torch.zeros_like,
        "mean": lambda x: mean.to(x.dtype).expand_as(x),
    }  # fmt: skip
    kept: dict[str, list[float]] = {name: [] for name in put}
    with torch.no_grad():
        for tokens, rows in batches(lab, found):
            there = real_positions(tokens, rows)[:, 2:]
            for name, change in put.items():
                changes = {("resid", made.layer): _behind_first(change)} if change else {}
                with changed(lab, changes):  # type: ignore[arg-type]
                    logits = lab.model(tokens, use_cache=False).logits[:, 1:-1].float()
                each = torch.nn.functional.cross_entropy(logits.transpose(1, 2), tokens[:, 2:], reduction="none")
                kept[name] += each[there].tolist()
    return kept


def _behind_first(change: Callable[[Tensor], Tensor]) -> Change:
    import torch

    return lambda value: torch.cat([value[:, :1], change(value[:, 1:])], 1)


def quality(lab: LabModel, found: Sequence[Prompt], made: sae.SAE) -> dict[str, Estimate | None]:
    """L0, explained variance, loss recovered against zero and mean ablation, at the tokens of the answers and at every
    token: intervals over groups. Explained variance
    is 1 - sum |e - mean e|^2 / sum |x - mean x|^2 with e = x - x^; loss recovered is (ablated - rebuilt) / (ablated -
    clean)."""
    x = gathered(lab, found, made.layer)
    error = x - made.rebuilt(x)
    groups = [p.sample.group for p in found for _ in p.ids[1:]]
    rest = (error - error.mean(0)).pow(2).sum(-1).tolist()
    total = (x - x.mean(0)).pow(2).sum(-1).tolist()
    explained = group_ratio([t - r for t, r in zip(total, rest, strict=True)], total, groups, len(groups))
    active = (made.features(x) > 0).sum(-1).float().tolist()
    shown: dict[str, Estimate | None] = {"L0": group_mean(active, groups), "explained variance": explained}
    loss = losses(lab, found, made)
    behind = [(p.sample.group, at >= p.asked) for p in found for at in range(2, len(p.ids))]
    for where, rows in (
        ("answers", [i for i, (_, answer) in enumerate(behind) if answer]), ("every token", range(len(behind))),
    ):  # fmt: skip
        if not rows:
            continue
        later = [behind[i][0] for i in rows]
        some = {name: [values[i] for i in rows] for name, values in loss.items()}
        for name in ("zero", "mean"):
            top = [a - r for a, r in zip(some[name], some["rebuilt"], strict=True)]
            bottom = [a - c for a, c in zip(some[name], some["clean"], strict=True)]
            shown[f"loss recovered, {where} ({name} ablation)"] = group_ratio(top, bottom, later, len(later))
        for name, values in some.items():
            shown[f"loss in nats, {where}: {name}"] = group_mean(values, later)
    return shown


def eval_study(
    lab: LabModel, chosen: Chosen, made: sae.SAE, name: str, features: Sequence[int], kind: str = "sae-eval"
) -> Study:
    """How well an autoencoder rebuilds the stream on the half of the groups that a training with the same seed
    leaves out, and at which tokens features fire: those named, or those of the largest activations."""
    n = len(made.maxima)
    if wrong := [i for i in features if i >= n]:
        raise UsageError(f"--feature {wrong[0]}: the autoencoder has features 0 to {n - 1}")
    _, tested = halves(prompts(lab, chosen, answered=True), chosen.seed)
    f = made.features(gathered(lab, tested, made.layer))
    fires = (f > 0).sum(0)
    dead = int((fires == 0).sum())
    shown = quality(lab, tested, made)
    table = Extra(
        "how well the stream is rebuilt",
        ("measure", "value"),
        tuple((key, estimate(value)) for key, value in shown.items()),
        note="Over positions; intervals at 95%, over groups. The first position of a prompt is left out.",
    )
    chosen_features = list(features) or f.amax(0).topk(min(8, n)).indices.tolist()
    contexts = [(p, at) for p in tested for at in range(1, len(p.ids))]
    examples = tuple(_examples(lab, f[:, i], contexts, i) for i in chosen_features)
    tops = Extra(
        "at which tokens features fire", ("feature", "fires", "largest", "examples: [token] activation"), examples
    )
    explained, recovered = shown["explained variance"], shown["loss recovered, answers (zero ablation)"]
    sentences = [
        f"The autoencoder of layer {made.layer} ({n} features) explains {estimate(explained)} of the variance of "
        f"{lab.name}'s residual stream and recovers {estimate(recovered)} of the answers' loss (zero ablation), on "
        f"{len(tested)} prompts of {len({p.sample.group for p in tested})} groups.",
        f"{dead} of {n} features ({dead / n:.1%}, {interval(*wilson(dead, n))}) never fire at the {len(f)} positions.",
    ]
    if made.about.get("model") != lab.name:
        sentences.append(f"It says that it was trained on {made.about.get('model')}, not on {lab.name}.")
    rows = [{"measure": key, **as_row("value", value)} for key, value in shown.items()]
    rows.append({"measure": "dead share", **as_row("value", Estimate(dead / n, *wilson(dead, n), n))})
    words = chosen.words(lab) | {"file": name} | {f"trained: {k}": v for k, v in made.about.items()}
    title = f"Sparse autoencoder of {lab.name}, layer {made.layer}"
    return Study(kind, title, words, sentences, [table, tops], rows)


def _examples(lab: LabModel, f: Tensor, contexts: Sequence[tuple[Prompt, int]], i: int) -> tuple[str, ...]:
    parts: dict[str, float] = {}
    for row in f.argsort(descending=True)[:40].tolist():
        prompt, at = contexts[row]
        value = float(f[row])
        text = lab.tokenizer.decode(list(prompt.ids[max(0, at - AROUND) : at]))
        here = f"...{text}[{lab.token(prompt.ids[at])}] {value:.2f}"
        if value > 0 and len(parts) < 3:
            parts.setdefault(" ".join(here.split()).rpartition(" ")[0], value)
    shown = " | ".join(f"{cut(text, 80)} {value:.2f}" for text, value in parts.items()) or "-"
    times = int((f > 0).sum())
    fires = Estimate(times / len(f), *wilson(times, len(f)), len(f))
    return str(i), estimate(fires), f"{float(f.max()):.2f}", shown


def difference(lab: LabModel, pair: Pair, layer: int, change: Callable[[Tensor], Tensor] | None) -> float:
    """The logit difference of the clean prompt of a pair, with the stream into a layer changed but at the first
    position."""
    import torch

    with torch.no_grad(), changed(lab, {("resid", layer): _behind_first(change)} if change else {}):
        logits = lab.model(ids(lab, pair.clean), use_cache=False).logits[0, -1].float()
    return float(metrics.logit_difference(logits, pair.right, pair.wrong))


def steer_study(
    lab: LabModel, asked: Asked, made: sae.SAE, name: str, feature: int, factor: float, draws: int
) -> Study:
    """A feature is set to `factor` times its maximum at every position of the clean prompts; the control adds the same
    amounts along random directions of the same norm."""
    import torch

    n, width = made.decoder.shape
    if feature >= n:
        raise UsageError(f"--feature {feature}: the autoencoder has features 0 to {n - 1}")
    found, _ = asked.pairs(lab)
    value = factor * float(made.maxima[feature])
    rng = torch.Generator().manual_seed(derive("steer", asked.seed) % 2**63)
    randoms = torch.randn(draws, width, generator=rng).to(made.decoder.device)
    randoms = randoms / randoms.norm(dim=-1, keepdim=True) * made.decoder[feature].norm()
    rows: list[dict[str, Any]] = []
    for pair in found:
        before = difference(lab, pair, made.layer, None)

        def effect(direction: Tensor | None, pair: Pair = pair, before: float = before) -> float:
            def change(x: Tensor) -> Tensor:
                return made.steered(x.float(), feature, value, direction).to(x.dtype)

            return difference(lab, pair, made.layer, change) - before

        rows.append({"clean": pair.samples[0], "corrupted": pair.samples[1], "before": before, "feature": effect(None),
                     "random": [effect(r) for r in randoms]})  # fmt: skip
    body, more = [], []
    for row in rows:
        control = Estimate(statistics.fmean(row["random"]), *mean_interval(row["random"]), draws)
        larger = sum(abs(r) >= abs(row["feature"]) for r in row["random"])
        body.append((row["clean"], f"{row['before']:+.3f}", f"{row['feature']:+.3f}", estimate(control),
                     f"{larger} of {draws}"))  # fmt: skip
        more.append(larger)
    effects = [row["feature"] for row in rows]
    whole = Estimate(statistics.fmean(effects), *mean_interval(effects), len(effects))
    chance = (sum(more) + 1) / (len(rows) * draws + 1)
    sentences = [
        f"Feature {feature} set to {value:.3g} ({factor:g} times its maximum) at layer {made.layer} changes the logit "
        f"difference of the answer by {estimate(whole)} pairs (mean). Of {len(rows) * draws} random directions of the "
        f"same norm {sum(more)} change it as much or more (share {chance:.3f}, this one counted).",
    ]
    if value == 0:
        sentences.append("The feature never fired in training: it is set to 0.")
    header = ("clean prompt", "before", "feature", "random directions", "as large or larger")
    table = Extra("change of the logit difference, in logits", header, tuple(body))
    flat = [{**row, "random": statistics.fmean(row["random"]), "random_sd": statistics.pstdev(row["random"]),
             "draws": draws} for row in rows]  # fmt: skip
    words = asked.words(lab) | {"file": name, "feature": str(feature), "factor": f"{factor:g}"}
    return Study("sae-steer", f"Steering {lab.name} on {asked.task.name}", words, sentences, [table], flat)
