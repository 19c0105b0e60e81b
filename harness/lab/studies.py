"""The studies `harness lens` and `harness patch`, from a task's matched pairs to what is shown."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.lab import tuned as tuned_lens
from harness.lab.drawing import heat_map
from harness.lab.hooks import Kind, all_sites
from harness.lab.lens import LensRow, lens
from harness.lab.models import LabModel
from harness.lab.pairs import Pair, pairs
from harness.lab.patching import Effect, How, agreement, attribute, ends, ids, sweep
from harness.lab.study import Study
from harness.text import Extra
from harness.types import Task


@dataclass(frozen=True)
class Asked:
    """Which pairs a study looks at: `how` as harness.lab.pairs.pairs, at most `limit`."""

    task: Task
    seed: int
    how: str
    limit: int

    def words(self, lab: LabModel) -> dict[str, str]:
        """For study.json and the page."""
        return {
            "model": lab.name, "task": f"{self.task.name} {self.task.version}", "pairs": self.how,
            "seed": str(self.seed), "limit": str(self.limit),
        }  # fmt: skip


def left_out_sentence(n: int) -> str:
    """Why pairs were left out."""
    return f"{n} pairs were left out: their prompts have different numbers of tokens, or one right answer."


def _left_out(n: int) -> list[str]:
    return [left_out_sentence(n)] if n else []


def lens_study(lab: LabModel, asked: Asked, tuned: Path | None = None) -> Study:
    """The logit lens over the clean prompts of the pairs: means over pairs at the last position, a map of the first.
    With `tuned` the tuned lens, whose translators are in that file."""
    translators = tuned_lens.read(lab, tuned) if tuned else None
    found, left_out = pairs(lab, asked.task, asked.seed, asked.how, asked.limit)
    looked = [lens(lab, ids(lab, pair.clean), pair.right, translators) for pair in found]
    depth = len(lab.layers)
    last = [{row.layer: row for row in rows if row.position == len(pair.clean) - 1}
            for pair, rows in zip(found, looked, strict=True)]  # fmt: skip
    table = []
    for layer in range(depth + 1):
        rows = [at[layer] for at in last]
        tops = [lab.token(row.top) for row in rows]
        common = max(set(tops), key=lambda t: (tops.count(t), t))
        first = sum(row.rank == 0 for row in rows)
        table.append((
            str(layer) if layer < depth else "end", f"{statistics.mean(r.p for r in rows):.3f}",
            f"{first} of {len(rows)}", f"{statistics.median(r.rank for r in rows):g}",
            f"{statistics.mean(r.kl for r in rows):.3f}",
            f"{common} ({tops.count(common)} of {len(tops)})",
        ))  # fmt: skip
    header = ("before layer", "p(answer)", "answer on top", "median rank", "KL to the end, nats", "commonest top token")
    arrives = [_arrives([at[layer].rank for layer in range(depth + 1)]) for at in last]
    right = [layer for layer in arrives if layer is not None]
    sentence = f"{lab.name} ends with the right answer on top in {len(right)} of {len(found)} prompts" + (
        f"; it is there to stay from layer {statistics.median(right):g} of {depth} on (median)." if right else "."
    )
    kept = _row_dicts(lab, found, looked)
    shown = Extra("what the model would answer at each layer", header, tuple(table))
    title = f"{'Tuned' if translators else 'Logit'} lens: {lab.name} on {asked.task.name}"
    words, said = asked.words(lab), [sentence, *_left_out(left_out)]
    if translators:
        words |= {"translators": str(tuned), **{f"trained: {name}": v for name, v in translators.about.items()}}
        trained = translators.about.get("model")
        if trained != lab.name:
            said.append(f"The translators say that they were trained on {trained}, not on {lab.name}.")
    return Study("lens", title, words, said, [shown], kept, [_lens_map(lab, found[0], looked[0])])


def _arrives(ranks: Sequence[int]) -> int | None:
    """The first layer from which on the answer is on top; None if it is not at the end."""
    wrong = [layer for layer, rank in enumerate(ranks) if rank > 0]
    first = wrong[-1] + 1 if wrong else 0
    return first if first < len(ranks) else None


def _row_dicts(lab: LabModel, found: Sequence[Pair], looked: Sequence[Sequence[LensRow]]) -> list[dict[str, Any]]:
    return [
        {"clean": pair.samples[0], "corrupted": pair.samples[1], "layer": row.layer, "position": row.position,
         "token": lab.token(pair.clean[row.position]), "top": lab.token(row.top), "top_p": row.top_p, "p": row.p,
         "rank": row.rank, "kl": row.kl}
        for pair, rows in zip(found, looked, strict=True)
        for row in rows
    ]  # fmt: skip


def _lens_map(lab: LabModel, pair: Pair, rows: Sequence[LensRow]) -> str:
    depth, length = len(lab.layers), len(pair.clean)
    values = [[0.0] * length for _ in range(depth + 1)]
    for row in rows:
        values[row.layer][row.position] = row.p
    title = f"p({lab.token(pair.right)!r}) by layer and position: {pair.samples[0]}"
    names = [*map(str, range(depth)), "end"]
    return heat_map(title, values, [lab.token(t) for t in pair.clean], names, 0, 1)


def patch_study(
    lab: LabModel, asked: Asked, kinds: Sequence[Kind], hows: Sequence[How], top: int, attribution: bool
) -> Study:
    """Patching over sites. With `attribution`, the linear estimate of every site comes first, and the `top` sites of
    each kind by it are measured by true patching; else every site is."""
    found, left_out = pairs(lab, asked.task, asked.seed, asked.how, asked.limit)
    told = [(pair, ends(lab, pair)) for pair in found]
    clear = [pair for pair, e in told if e.clean > 0 > e.corrupted]
    if not clear:
        raise UsageError(
            f"{lab.name} answers none of the {len(found)} pairs right on both sides: there is nothing to restore",
            "patching explains a difference that the model makes; try other pairs, or another task",
        )
    tables, rows, pictures, sentences = [], [], [], []
    if len(clear) < len(found):
        sentences.append(f"{len(found) - len(clear)} of {len(found)} pairs are left out: the model does not prefer the "
                         "right answer on both sides.")  # fmt: skip
    for how in hows:
        effects = {i: _measured(lab, pair, kinds, how, top, attribution) for i, pair in enumerate(clear)}
        for kind in kinds:
            tables.append(_top_table(lab, clear, effects, kind, how, top))
        if attribution:
            tables.append(_agreement_table([e for some in effects.values() for e in some], how))
        sentences.append(_best_sentence(lab, clear, effects, how))
        rows += [_effect_row(lab, clear[i], effect, how) for i, some in effects.items() for effect in some]
        if not attribution:
            pictures += [_patch_map(lab, clear[0], effects[0], kind, how) for kind in kinds]
    return Study("patch", f"Activation patching: {lab.name} on {asked.task.name}", asked.words(lab),
                 [*sentences, *_left_out(left_out)], tables, rows, pictures)  # fmt: skip


def _measured(lab: LabModel, pair: Pair, kinds: Sequence[Kind], how: How, top: int, attribution: bool) -> list[Effect]:
    sites = all_sites(lab, len(pair.clean), kinds)
    if not attribution:
        return sweep(lab, pair, sites, how)
    estimates = dict(zip(sites, attribute(lab, pair, sites), strict=True))
    chosen = [
        site
        for kind in kinds
        for site in sorted((s for s in sites if s.kind == kind), key=lambda s: -abs(estimates[s]))[:top]
    ]
    return [replace(effect, attributed=estimates[effect.site]) for effect in sweep(lab, pair, chosen, how)]


def _moved(effect: Effect, how: How) -> float:
    """How far the site moved the run away from where it started."""
    return effect.restored if how == "denoise" else 1 - effect.restored


def _top_table(
    lab: LabModel, found: Sequence[Pair], effects: dict[int, list[Effect]], kind: Kind, how: How, top: int
) -> Extra:
    every = [(pair, effect) for i, pair in enumerate(found) for effect in effects[i] if effect.site.kind == kind]
    best = sorted(every, key=lambda item: -abs(_moved(item[1], how)))[:top]
    body = tuple(
        (
            f"{e.site.layer}" + ("" if e.site.head is None else f".{e.site.head}"),
            "all" if e.site.position is None else f"{e.site.position} {lab.token(pair.clean[e.site.position])!r}",
            pair.samples[0], f"{e.restored:+.3f}", f"{e.p:+.3f}", f"{e.kl:+.3f}",
            "-" if e.attributed is None else f"{e.attributed:+.3f}",
        )
        for pair, e in best
    )  # fmt: skip
    where = {"head": "layer.head", "resid": "before layer"}.get(kind, "layer")
    moved = ("logit difference, normalised", "change of p(answer)", "KL regained, nats", "linear estimate")
    header = (where, "position", "pair", *moved)
    return Extra(f"{how}: the {len(body)} sites of {kind} that move most (of {len(every)})", header, body)


def _agreement_table(effects: Sequence[Effect], how: How) -> Extra:
    def cell(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    rows = tuple((a.kind, str(a.sites), cell(a.r), cell(a.rho), cell(a.slope)) for a in agreement(effects))
    note = "Slope below 1: the linear estimate makes effects smaller than they are. Believe the measured ones."
    return Extra(f"{how}: linear estimate against true patching, of the sites that were measured",
                 ("site", "n", "Pearson r", "Spearman rho", "slope"), rows, note=note)  # fmt: skip


def _best_sentence(lab: LabModel, found: Sequence[Pair], effects: dict[int, list[Effect]], how: How) -> str:
    every = [(e, found[i]) for i, some in effects.items() for e in some]
    e, pair = max(every, key=lambda item: abs(_moved(item[0], how)))
    at = e.site.position
    where = "all positions" if at is None else f"position {at}, {lab.token(pair.clean[at])!r}"
    head = "" if e.site.head is None else f" head {e.site.head}"
    did = "restores" if how == "denoise" else "leaves"
    name = "residual stream before layer" if e.site.kind == "resid" else f"{e.site.kind} of layer"
    right, wrong = (repr(lab.token(t)) for t in (pair.right, pair.wrong))
    return (
        f"{how.capitalize()}: the {name} {e.site.layer}{head} ({where}) {did} {e.restored:.0%} of the difference "
        f"between {pair.samples[0]} ({right}) and {pair.samples[1]} ({wrong})."
    )


def _effect_row(lab: LabModel, pair: Pair, effect: Effect, how: How) -> dict[str, Any]:
    position = effect.site.position
    return {
        "clean": pair.samples[0], "corrupted": pair.samples[1], "how": how, "site": effect.site.kind,
        "layer": effect.site.layer, "head": "" if effect.site.head is None else effect.site.head,
        "position": "" if position is None else position,
        "token": "" if position is None else lab.token(pair.clean[position]),
        "restored": effect.restored, "p": effect.p, "kl": effect.kl,
        "attributed": "" if effect.attributed is None else effect.attributed,
    }  # fmt: skip


def _patch_map(lab: LabModel, pair: Pair, effects: Sequence[Effect], kind: Kind, how: How) -> str:
    depth = len(lab.layers)
    if kind == "head":
        columns = [str(h) for h in range(lab.heads)]
        places = {(e.site.layer, e.site.head): e.restored for e in effects if e.site.kind == kind}
    else:
        columns = [lab.token(t) for t in pair.clean]
        places = {(e.site.layer, e.site.position): e.restored for e in effects if e.site.kind == kind}
    values = [[places[layer, column] for column in range(len(columns))] for layer in range(depth)]
    title = f"{how}, {kind}: logit difference" + ("" if kind == "head" else f", {' / '.join(pair.samples)}")
    return heat_map(title, values, columns, list(map(str, range(depth))), -1, 1)
