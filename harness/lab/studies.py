"""The studies `harness lens` and `harness patch`, from a task's matched pairs to what is shown."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.errors import UsageError
from harness.lab import patch_found
from harness.lab import tuned as tuned_lens
from harness.lab.hooks import Kind, Site, all_sites
from harness.lab.lens import LensRow, lens
from harness.lab.models import LabModel
from harness.lab.pairs import Pair, pairs
from harness.lab.patching import Effect, How, agreement, attribute, ends, ids, sweep
from harness.report.pictures import HeatMap, heat_map, token
from harness.report.study import Study
from harness.statistics.intervals import wilson
from harness.text import Extra, interval
from harness.types import Task


@dataclass(frozen=True)
class Asked:
    """Which pairs a study looks at: `how` and `aligned` as harness.lab.pairs.pairs, at most `limit`."""

    task: Task
    seed: int
    how: str
    limit: int
    aligned: bool = False

    def pairs(self, lab: LabModel) -> tuple[list[Pair], int]:
        """(the pairs, how many were left out)."""
        return pairs(lab, self.task, self.seed, self.how, self.limit, self.aligned)

    def words(self, lab: LabModel) -> dict[str, str]:
        """For study.json and the page."""
        return {
            "model": lab.name, "task": f"{self.task.name} {self.task.version}", "pairs": self.how,
            "seed": str(self.seed), "limit": str(self.limit),
            **({"prompts of different lengths": "aligned"} if self.aligned else {}),
        }  # fmt: skip

    def left_out(self, n: int) -> list[str]:
        """Why `n` pairs were left out, if some were."""
        why = "they have one right answer, or one that begins the other" if self.aligned else (
            "their prompts have different numbers of tokens (--align takes those), or one right answer")  # fmt: skip
        return [f"{n} pairs were left out: {why}."] if n else []


def lens_study(lab: LabModel, asked: Asked, tuned: Path | None = None) -> Study:
    """The logit lens over the clean prompts of the pairs: means over pairs at the last position, a map of the first.
    With `tuned` the tuned lens, whose translators are in that file."""
    translators = tuned_lens.read(lab, tuned) if tuned else None
    found, left_out = asked.pairs(lab)
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
            str(layer) if layer < depth else "end", _mean_range([r.p for r in rows]),
            f"{first} of {len(rows)}", f"{statistics.median(r.rank for r in rows):g}",
            _mean_range([r.kl for r in rows]),
            f"{common!r} ({tops.count(common)} of {len(tops)})",
        ))  # fmt: skip
    header = ("before layer", "p(answer)", "answer on top", "median rank", "KL to the end, nats", "commonest top token")
    arrives = [_arrives([at[layer].rank for layer in range(depth + 1)]) for at in last]
    right = [layer for layer in arrives if layer is not None]
    ends_right = interval(*wilson(len(right), len(found)))
    sentence = f"{lab.name} ends with the right answer on top in {len(right)} of {len(found)} prompts {ends_right}" + (
        f"; there it is on top, and stays, from before layer {_spread(right)} of {depth} on." if right else "."
    )
    kept = _row_dicts(lab, found, looked)
    note = f"At the last position of n={len(found)} prompts; means, and from the smallest to the largest."
    shown = Extra("what the model would answer at each layer", header, tuple(table), note=note)
    title = f"{'Tuned' if translators else 'Logit'} lens: {lab.name} on {asked.task.name}"
    words, said = asked.words(lab), [sentence, *asked.left_out(left_out)]
    if translators:
        words |= {"translators": str(tuned), **{f"trained: {name}": v for name, v in translators.about.items()}}
        trained = translators.about.get("model")
        if trained != lab.name:
            said.append(f"The translators say that they were trained on {trained}, not on {lab.name}.")
    return Study("lens", title, words, said, [shown], kept, [_lens_map(lab, found[0], looked[0])])


def _mean_range(values: Sequence[float]) -> str:
    mean = f"{statistics.mean(values):.3f}"
    return mean if len(values) == 1 else f"{mean} ({min(values):.3f} to {max(values):.3f})"


def _spread(layers: Sequence[int]) -> str:
    """Median and range."""
    middle = f"{statistics.median(layers):g}"
    return middle if len(layers) == 1 else f"{middle} (median; {min(layers)} to {max(layers)}, n={len(layers)})"


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


def _lens_map(lab: LabModel, pair: Pair, rows: Sequence[LensRow]) -> HeatMap:
    depth, length = len(lab.layers), len(pair.clean)
    values = [[0.0] * length for _ in range(depth + 1)]
    for row in rows:
        values[row.layer][row.position] = row.p
    answer = lab.token(pair.right)
    return by_position(
        lab, pair, values, f"p({answer!r}), the right answer, by layer and position: {pair.samples[0]}",
        [*map(str, range(depth)), "end"], (0, 1), "before layer", f"p({answer!r})",
    )  # fmt: skip


WIDE = 60
"""Positions that are drawn: so many fit on a page."""
SEEN = 0.02
"""A position with less than this share of the scale at every layer is drawn if there is room."""


def by_position(
    lab: LabModel, pair: Pair, values: Sequence[Sequence[float | None]], title: str, rows: Sequence[str],
    scale: tuple[float, float], down: str, shows: str, note: str = "",
) -> HeatMap:  # fmt: skip
    """A heat map of `values` [row, position] of the clean prompt. Of a long one the positions that say something: what
    differs, the end, and where values are large; a column of dots stands for what is left out. If the prompts are
    aligned, a column names its partner too."""
    length = len(pair.clean)
    strength = [max((abs(line[i] or 0.0) for line in values), default=0.0) for i in range(length)]
    loud = sorted((i for i in range(length) if strength[i] >= SEEN * scale[1]), key=lambda i: -strength[i])
    order = dict.fromkeys([length - 1, *pair.differ, *loud, *reversed(range(length))])
    kept = sorted(list(order)[:WIDE])
    columns: list[int | None] = []
    for i, before in zip(kept, [-1, *kept], strict=False):
        columns += [None, i] if i != before + 1 else [i]
    if len(kept) < length:
        loudest = max((strength[i] for i in range(length) if i not in kept), default=0.0)
        note = f"{note} Dots: {length - len(kept)} of {length} positions are not drawn; no value there is above " \
               f"{loudest:.3f}.".lstrip()  # fmt: skip
    if pair.alignment:
        note = f"{note} {patch_found.columns(pair)}".lstrip()
    return heat_map(
        title, [[None if i is None else line[i] for i in columns] for line in values],
        ["\u2026" if i is None else f"{i} {_tokens(lab, pair, i)}" for i in columns], rows, *scale,
        down=down, across="position and token", shows=shows,
        marked=[x for x, i in enumerate(columns) if i in pair.differ],
        meant=f"where the prompts of {pair.samples[0]} and {pair.samples[1]} differ", note=note,
    )  # fmt: skip


def _tokens(lab: LabModel, pair: Pair, at: int) -> str:
    """A position's token; of aligned prompts the partner's too if it is another, or nothing in its place."""
    own = token(lab.token(pair.clean[at]))
    if not pair.alignment:
        return own
    there = pair.partners.get(at)
    other = "" if there is None else token(lab.token(pair.corrupted[there]))
    return own if other == own else f"{own} | {other}".rstrip()


def patch_study(
    lab: LabModel, asked: Asked, kinds: Sequence[Kind], hows: Sequence[How], top: int, attribution: bool
) -> Study:
    """Patching over sites. With `attribution`, the linear estimate of every site comes first, and the `top` sites of
    each kind by it are measured by true patching; else every site is."""
    found, left_out = asked.pairs(lab)
    told = [(pair, ends(lab, pair)) for pair in found]
    clear = [pair for pair, e in told if e.clean > 0 > e.corrupted]
    if not clear:
        raise UsageError(
            f"{lab.name} answers none of the {len(found)} pairs right on both sides: there is nothing to restore",
            "patching explains a difference that the model makes; try other pairs, or another task",
        )
    tables, rows, pictures = [], [], []
    sentences = list[str]()
    for how in hows:
        estimates = [_estimates(lab, pair, kinds, how) for pair in clear] if attribution else []
        heads = _best_heads(estimates, top)
        effects = {
            i: _measured(lab, pair, kinds, how, top, (estimates[i], heads) if attribution else None)
            for i, pair in enumerate(clear)
        }
        for kind in kinds:
            tables.append(_top_table(lab, clear, effects, kind, how, top))
        if attribution:
            tables.append(_agreement_table([e for some in effects.values() for e in some], how))
        sentences += patch_found.sentences(lab, clear, effects, how, whole=not attribution)
        rows += [_effect_row(lab, clear[i], effect, how) for i, some in effects.items() for effect in some]
        shown = estimates[0] if attribution else {e.site: e.moved(how) for e in effects[0]}
        notes = _how_good([e for some in effects.values() for e in some], how) if attribution else {}
        pictures += [_patch_map(lab, clear[0], shown, kind, how, notes.get(kind)) for kind in kinds]
    sentences.append(
        f"{lab.name} prefers the right answer to the other prompt's on both sides in {len(clear)} of {len(found)} "
        "pairs; only these are patched."
    )
    if unpartnered := patch_found.unpartnered(clear):
        sentences.append(unpartnered)
        tables[0] = replace(tables[0], note=patch_found.note(clear))
    return Study("patch", f"Activation patching: {lab.name} on {asked.task.name}", asked.words(lab),
                 [*sentences, *asked.left_out(left_out)], tables, rows, pictures)  # fmt: skip


def _estimates(lab: LabModel, pair: Pair, kinds: Sequence[Kind], how: How) -> dict[Site, float]:
    """The linear estimate of every site."""
    sites = sites_of(lab, pair, kinds)
    return dict(zip(sites, attribute(lab, pair, sites, how), strict=True))


def _largest(values: Mapping[Site, float], top: int) -> list[Site]:
    return sorted(values, key=lambda site: -abs(values[site]))[:top]


def _best_heads(estimates: Sequence[Mapping[Site, float]], top: int) -> list[Site]:
    """The heads with the largest estimates, mean over pairs: heads are the same in each, positions are not."""
    heads = [site for site in (estimates[0] if estimates else ()) if site.head is not None]
    return _largest({site: statistics.fmean(some[site] for some in estimates) for site in heads}, top)


def sites_of(lab: LabModel, pair: Pair, kinds: Sequence[Kind]) -> list[Site]:
    """The sites at which the two runs can differ (a decoder knows of nothing that comes later), and that have a
    partner."""
    every, partners = all_sites(lab, len(pair.clean), kinds, pair.first), pair.partners
    return [site for site in every if site.position is None or site.position in partners]


def _measured(
    lab: LabModel, pair: Pair, kinds: Sequence[Kind], how: How, top: int,
    estimated: tuple[Mapping[Site, float], Sequence[Site]] | None,
) -> list[Effect]:  # fmt: skip
    if estimated is None:
        return sweep(lab, pair, sites_of(lab, pair, kinds), how)
    estimates, heads = estimated
    chosen = [
        site
        for kind in kinds
        for site in (heads if kind == "head" else _largest({s: v for s, v in estimates.items() if s.kind == kind}, top))
    ]
    return [replace(effect, attributed=estimates[effect.site]) for effect in sweep(lab, pair, chosen, how)]


def _place(lab: LabModel, pair: Pair, site: Site) -> str:
    if site.position is None:
        return "with partner" if pair.alignment else "all"
    return f"{site.position} {lab.token(pair.clean[site.position])!r}"


def _top_table(
    lab: LabModel, found: Sequence[Pair], effects: dict[int, list[Effect]], kind: Kind, how: How, top: int
) -> Extra:
    every = [(pair, effect) for i, pair in enumerate(found) for effect in effects[i] if effect.site.kind == kind]
    best = sorted(every, key=lambda item: -abs(item[1].moved(how)))[:top]
    body: tuple[tuple[str, ...], ...] = tuple(
        (
            f"{e.site.layer}" + ("" if e.site.head is None else f".{e.site.head}"),
            _place(lab, pair, e.site),
            pair.samples[0], f"{e.restored:+.3f}", f"{e.p:+.3f}", f"{e.kl:+.3f}",
            "-" if e.attributed is None else f"{e.attributed:+.3f}",
        )
        for pair, e in best
    )  # fmt: skip
    where = {"head": "layer.head", "resid": "before layer"}.get(kind, "layer")
    moved = ("logit difference, normalised", "change of p(answer)", "KL regained, nats", "linear estimate")
    header: tuple[str, ...] = (where, "position", "pair", *moved)
    if all(e.attributed is None for _, e in best):
        header, body = header[:-1], tuple(row[:-1] for row in body)
    title = f"{how}: the {len(body)} sites of {kind} that move most (of {len(every)})"
    return Extra(title, header, body)


NAMES: dict[Kind, str] = {"resid": "Residual stream", "attn": "Attention", "mlp": "MLP", "head": "Heads"}


def _how_good(effects: Sequence[Effect], how: How) -> dict[str, str]:
    """By kind of site, how far its picture of estimates is to be believed."""
    found = {a.kind: f"Pearson r {a.r:.3f}, slope {a.slope:.3f}" for a in agreement(effects, how)
             if a.r is not None and a.slope is not None}  # fmt: skip
    sizes = Counter(e.site.kind for e in effects)
    told = "Linear estimates. Against true patching of the {} largest (a narrow range, in which r can be low): {}."
    return {kind: told.format(n, found.get(kind, "too few to say"))
            for kind, n in sizes.items()}  # fmt: skip


def _agreement_table(effects: Sequence[Effect], how: How) -> Extra:
    def cell(value: float | None) -> str:
        return "-" if value is None else f"{value:.3f}"

    rows = tuple((a.kind, str(a.sites), cell(a.r), cell(a.rho), cell(a.slope)) for a in agreement(effects, how))
    note = "Slope below 1: the linear estimate makes effects smaller than they are. Believe the measured ones."
    return Extra(f"{how}: linear estimate against true patching, of the sites that were measured",
                 ("site", "n", "Pearson r", "Spearman rho", "slope"), rows, note=note)  # fmt: skip


def _effect_row(lab: LabModel, pair: Pair, effect: Effect, how: How) -> dict[str, Any]:
    position = effect.site.position
    there = None if position is None else pair.partners[position]
    return {
        "clean": pair.samples[0], "corrupted": pair.samples[1], "how": how, "site": effect.site.kind,
        "layer": effect.site.layer, "head": "" if effect.site.head is None else effect.site.head,
        "position": "" if position is None else position,
        "token": "" if position is None else lab.token(pair.clean[position]),
        "partner": "" if there is None else there,
        "partner_token": "" if there is None else lab.token(pair.corrupted[there]),
        "restored": effect.restored, "p": effect.p, "kl": effect.kl,
        "attributed": "" if effect.attributed is None else effect.attributed,
    }  # fmt: skip


def _patch_map(
    lab: LabModel, pair: Pair, values: Mapping[Site, float], kind: Kind, how: How, estimated: str | None
) -> HeatMap:  # fmt: skip
    """Of one pair: how far each site moves the run from where it starts (0) to the other one (1)."""
    depth = len(lab.layers)
    what = "linear estimate" if estimated else "share of the logit difference"
    moved = "restored" if how == "denoise" else "lost"
    title = f"{NAMES[kind]}, {how}: {what} that is {moved} in {pair.samples[0]} against {pair.samples[1]}"
    rows, shows, scale = list(map(str, range(depth))), f"{moved} ({what})" if estimated else moved, (-1, 1)
    if kind == "head":
        cells = [[values.get(Site(kind, layer, i, None)) for i in range(lab.heads)] for layer in range(depth)]
        return heat_map(title, cells, list(map(str, range(lab.heads))), rows, *scale, down="layer", across="head",
                        shows=shows, note=f"{estimated or ''} {patch_found.note([pair])}".strip())  # fmt: skip
    partners = pair.partners
    cells = [[values.get(Site(kind, layer, None, i), 0.0) if i in partners else None for i in range(len(pair.clean))]
             for layer in range(depth)]  # fmt: skip
    down = "before layer" if kind == "resid" else "layer"
    return by_position(lab, pair, cells, title, rows, scale, down, shows, estimated or "")
