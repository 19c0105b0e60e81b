"""The study `harness components`: a model as a sum, on matched prompts and in its weights."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.lab.components import Part, attentions, direct_logits, parts, through_values
from harness.lab.composition import NAMES, Composition, FullOV, compositions, direct_path, full_ov
from harness.lab.models import LabModel
from harness.lab.pairs import Pair
from harness.lab.patching import ids
from harness.lab.studies import Asked
from harness.report.pictures import Picture, heat_map
from harness.report.study import Study
from harness.statistics.intervals import Estimate, skewed_mean_interval, wilson
from harness.text import Extra, estimate, interval

if TYPE_CHECKING:
    from torch import Tensor

FORWARDS = 6
"""Forward passes a pair."""
MOST_DRAWN = 128
"""Heads, at most, whose compositions are drawn."""

Added = dict[str, float]
"""What each part adds to logit(right) - logit(wrong) at the last position."""


@dataclass(frozen=True)
class Sides:
    """What the parts add in the clean and in the corrupted run. `whole` are the model's own differences, `off` is the
    largest distance of a sum from them."""

    clean: Added
    corrupted: Added
    whole: tuple[float, float]
    off: float


def sides(lab: LabModel, pair: Pair) -> Sides:
    """Of one pair."""
    added, whole = [], []
    for tokens in (pair.clean, pair.corrupted):
        stream, some = parts(lab, ids(lab, tokens))
        added.append(_added(lab, stream, some, pair))
        whole.append(_difference(lab, stream, pair))
    off = max(abs(sum(a.values()) - w) for a, w in zip(added, whole, strict=True))
    return Sides(added[0], added[1], (whole[0], whole[1]), off)


def split(lab: LabModel, pair: Pair, heads: Sequence[str]) -> list[tuple[Added, Added]]:
    """(clean, corrupted) of each of these heads: what it adds, by the part that its values read."""
    found: list[list[Added]] = []
    for tokens in (pair.clean, pair.corrupted):
        stream, some = parts(lab, ids(lab, tokens))
        look = attentions(lab, ids(lab, tokens))
        at = [tuple(map(int, name.split("."))) for name in heads]
        found.append([_added(lab, stream, through_values(lab, some, look[i], i, h), pair) for i, h in at])
    return list(zip(*found, strict=True))


def _added(lab: LabModel, stream: Tensor, some: Sequence[Part], pair: Pair) -> Added:
    last = stream[0, -1]

    def logit(part: Part, token: int) -> float:
        return float(direct_logits(lab, last, part.written[0, -1], token))

    return {part.name: logit(part, pair.right) - logit(part, pair.wrong) for part in some}


def _difference(lab: LabModel, stream: Tensor, pair: Pair) -> float:
    """The model's own, from its own norm and unembedding."""
    import torch

    with torch.no_grad():
        logits = lab.model.lm_head(lab.model.model.norm(stream[:, -1]))[0].float()
    return float(logits[pair.right] - logits[pair.wrong])


def components_study(lab: LabModel, asked: Asked, top: int, heads: int) -> Study:
    """Direct logit attribution on matched pairs, of `heads` heads split by what their values read; full OV circuits of
    all heads; compositions of all pairs of heads. Tables show `top` rows."""
    found, left_out = asked.pairs(lab)
    looked = [sides(lab, pair) for pair in found]
    names = [name for name in _by_effect(looked) if _kind(name) == "heads"][:heads]
    through = [split(lab, pair, names) for pair in found]
    circuits = [full_ov(lab, layer, head) for layer in range(len(lab.layers)) for head in range(lab.heads)]
    joined = sorted(compositions(lab), key=lambda c: -c.beyond)
    direct = direct_path(lab)
    sentences = [_sum_sentence(lab, looked), *_weights_sentences(lab, circuits, joined, direct)]
    sentences += asked.left_out(left_out)
    tables = [
        _kinds_table(looked), _parts_table(looked, top), *_through_tables(names, through, top),
        _ov_table(circuits, top), _composition_table(lab, joined, top),
    ]  # fmt: skip
    rows = [*_pair_rows(found, looked, names, through), *_weight_rows(circuits, joined, direct)]
    title = f"Components of {lab.name} on {asked.task.name}"
    return Study("components", title, asked.words(lab), sentences, tables, rows, _pictures(lab, looked, joined))


def _mean(values: Sequence[float]) -> str:
    """With its interval over pairs. One pair has none: its value is measured, not estimated."""
    if len(values) == 1:
        return f"{values[0]:.3f} n=1"
    return estimate(Estimate(statistics.fmean(values), *skewed_mean_interval(values), len(values)))


def _kind(name: str) -> str:
    return {"e": "embedding", "m": "MLPs", "b": "biases"}.get(name[0], "heads")


def _three(clean: Sequence[float], corrupted: Sequence[float]) -> tuple[str, str, str]:
    apart = [a - b for a, b in zip(clean, corrupted, strict=True)]
    return _mean(clean), _mean(corrupted), _mean(apart)


SIDES = ("clean", "corrupted", "clean - corrupted")
LOGITS = (
    "Logit of the right answer minus that of the wrong one; means with 95% intervals over pairs, if there are some."
)


def _kinds_table(looked: Sequence[Sides]) -> Extra:
    kinds = list(dict.fromkeys(map(_kind, looked[0].clean)))

    def of(side: Mapping[str, float], kind: str) -> float:
        return sum(value for name, value in side.items() if _kind(name) == kind)

    rows = [(kind, *_three([of(s.clean, kind) for s in looked], [of(s.corrupted, kind) for s in looked]))
            for kind in kinds]  # fmt: skip
    rows.append(("all of them", *_three([s.whole[0] for s in looked], [s.whole[1] for s in looked])))
    note = f"{LOGITS} The embedding's is the direct path."
    return Extra("what each kind of part adds to the logit difference", ("parts", *SIDES), tuple(rows), note=note)


def _moved(looked: Sequence[Sides], name: str) -> float:
    return abs(statistics.fmean(s.clean[name] - s.corrupted[name] for s in looked))


def _by_effect(looked: Sequence[Sides]) -> list[str]:
    return sorted(looked[0].clean, key=lambda name: -_moved(looked, name))


def _parts_table(looked: Sequence[Sides], top: int) -> Extra:
    names = _by_effect(looked)[:top]
    rows = tuple((n, *_three([s.clean[n] for s in looked], [s.corrupted[n] for s in looked])) for n in names)
    title = f"the {len(rows)} parts that differ most between the two runs (of {len(looked[0].clean)})"
    return Extra(title, ("part", *SIDES), rows, note=LOGITS)


def _through_tables(heads: Sequence[str], through: Sequence[Sequence[tuple[Added, Added]]], top: int) -> list[Extra]:
    note = f"{LOGITS} Attention and norms are frozen; from a head it is what the virtual head of the two adds."
    tables = []
    for i, head in enumerate(heads):
        there = [one[i] for one in through]
        senders = sorted(there[0][0], key=lambda n: -abs(statistics.fmean(a[n] - b[n] for a, b in there)))[:top]
        rows = tuple((n, *_three([a[n] for a, _ in there], [b[n] for _, b in there])) for n in senders)
        tables.append(Extra(f"what head {head} adds, by what its values read", ("read", *SIDES), rows, note=note))
    return tables


def _ov_table(circuits: Sequence[FullOV], top: int) -> Extra:
    best = sorted(circuits, key=lambda c: -c.copying)[:top]
    rows = tuple(
        (f"{c.layer}.{c.head}", f"{c.copying:+.3f}", f"{c.positive:.3f}",
         estimate(Estimate(c.itself / c.tokens, *wilson(c.itself, c.tokens), c.tokens)))
        for c in best
    )  # fmt: skip
    note = ("Eigenvalues are exact. Positive ones mean copying on the whole, and a head can have them and raise other "
            "tokens more than the one that it reads: the last column counts.")  # fmt: skip
    header = ("layer.head", "copying", "share of positive eigenvalues", "tokens that raise themselves most")
    return Extra(
        f"full OV circuits: the {len(rows)} heads that copy most (of {len(circuits)})", header, rows, note=note
    )


def _composition_table(lab: LabModel, joined: Sequence[Composition], top: int) -> Extra:
    middle = statistics.median(c.beyond for c in joined) if joined else 0.0
    rows = tuple((f"{_head(c.earlier)} -> {_head(c.later)}", NAMES[c.kind], f"{c.score:.3f}", f"{c.beyond:+.1f}")
                 for c in joined[:top])  # fmt: skip
    note = (f"From the weights, so exact: |W OV| / (|W| |OV|). Turned at random it would be {_at_random(lab):.3f} "
            f"(root mean square). The median of all is {middle:+.1f} standard deviations beyond that.")  # fmt: skip
    return Extra(f"the {len(rows)} compositions furthest beyond random orientation (of {len(joined)})",
                 ("heads", "through", "score", "standard deviations"), rows, note=note)  # fmt: skip


def _at_random(lab: LabModel) -> float:
    return 1 / math.sqrt(int(lab.model.config.hidden_size))


def _head(at: tuple[int, int]) -> str:
    return f"{at[0]}.{at[1]}"


def _sum_sentence(lab: LabModel, looked: Sequence[Sides]) -> str:
    clean, corrupted = _mean([s.whole[0] for s in looked]), _mean([s.whole[1] for s in looked])
    most = _by_effect(looked)[0]
    share = _mean([s.clean[most] - s.corrupted[most] for s in looked])
    told = sum(s.whole[0] > 0 > s.whole[1] for s in looked)
    off = max(s.off for s in looked)
    wrong = "" if told else ": what follows is how it fails"
    right = "" if off < 1e-2 else " This is no rounding: what these parts add is not all that the model does."
    return (
        f"The logit difference of {lab.name} is {clean} in clean prompts and {corrupted} in corrupted ones ({told} of "
        f"{len(looked)} pairs told apart{wrong}). What {_shown(most)} adds differs most between them: {share}. The "
        f"parts add up to the model's own difference within {off:.1g}.{right}"
    )


def _shown(name: str) -> str:
    return {"heads": f"head {name}", "embedding": "the embedding", "MLPs": f"the MLP of layer {name.split()[-1]}"}.get(
        _kind(name), name
    )


def _weights_sentences(
    lab: LabModel, circuits: Sequence[FullOV], joined: Sequence[Composition], direct: tuple[int, int]
) -> list[str]:
    best = max(circuits, key=lambda c: c.copying)
    copy = sum(c.copying > 0.5 for c in circuits)
    said = [
        f"{copy} of {len(circuits)} heads copy (eigenvalues of the full OV circuit: above 0.5); most of all "
        f"{best.layer}.{best.head} ({best.copying:+.3f}; {best.itself} of {best.tokens} tokens raise themselves most, "
        f"{interval(*wilson(best.itself, best.tokens))}). By the direct path {direct[0]} of {direct[1]} do.",
    ]
    if joined:
        c = joined[0]
        said.append(f"Of {len(joined)} compositions of two heads, {_head(c.later)} reading {_head(c.earlier)} through "
                    f"its {NAMES[c.kind]} is furthest beyond random orientation: {c.score:.3f} against "
                    f"{_at_random(lab):.3f}, {c.beyond:.1f} standard deviations. It is from the weights: whether a "
                    "prompt makes use of it, `harness circuit` says.")  # fmt: skip
    return said


def _pair_rows(
    found: Sequence[Pair], looked: Sequence[Sides], heads: Sequence[str],
    through: Sequence[Sequence[tuple[Added, Added]]],
) -> list[dict[str, Any]]:  # fmt: skip
    return [
        {"what": what, "clean": pair.samples[0], "corrupted": pair.samples[1], "part": name, "into": into,
         "value": value, "value_corrupted": corrupted[name]}
        for pair, s, split_heads in zip(found, looked, through, strict=True)
        for what, into, (clean, corrupted) in (
            ("adds", "logits", (s.clean, s.corrupted)),
            *(("adds through values", head, both) for head, both in zip(heads, split_heads, strict=True)),
        )
        for name, value in clean.items()
    ]  # fmt: skip


def _weight_rows(
    circuits: Sequence[FullOV], joined: Sequence[Composition], direct: tuple[int, int]
) -> list[dict[str, Any]]:
    def row(what: str, part: str, into: str, value: float) -> dict[str, Any]:
        return {"what": what, "clean": "", "corrupted": "", "part": part, "into": into, "value": value,
                "value_corrupted": ""}  # fmt: skip

    rows = [row("raise themselves, share", "embed", "logits", direct[0] / direct[1])]
    for c in circuits:
        name = _head((c.layer, c.head))
        rows += [row("copying", name, "", c.copying), row("positive eigenvalues", name, "", c.positive),
                 row("raise themselves, share", name, "logits", c.itself / c.tokens)]  # fmt: skip
    for j in joined:
        into = f"{_head(j.later)}.{j.kind}"
        rows += [row("composition", _head(j.earlier), into, j.score),
                 row("composition, standard deviations", _head(j.earlier), into, j.beyond)]  # fmt: skip
    return rows


def _pictures(lab: LabModel, looked: Sequence[Sides], joined: Sequence[Composition]) -> Sequence[Picture]:
    depth = len(lab.layers)

    def apart(name: str) -> float:
        return statistics.fmean(s.clean[name] - s.corrupted[name] for s in looked)

    values = [[*(apart(f"{layer}.{h}") for h in range(lab.heads)), apart(f"mlp {layer}")] for layer in range(depth)]
    reach = max(abs(v) for row in values for v in row) or 1.0
    columns = [*map(str, range(lab.heads)), "mlp"]
    drawn = [heat_map("what each part adds to the logit difference, clean - corrupted, in logits", values, columns,
                      [*map(str, range(depth))], -reach, reach, down="layer", across="head", shows="adds")]  # fmt: skip
    if joined and depth * lab.heads <= MOST_DRAWN:
        every = [(layer, h) for layer in range(depth) for h in range(lab.heads)]
        most = max(c.score for c in joined) or 1.0
        for kind, name in NAMES.items():
            scores = {(c.later, c.earlier): c.score for c in joined if c.kind == kind}
            readers = [at for at in every if any(later == at for later, _ in scores)]
            grid = [[scores.get((at, other), 0.0) for other in every] for at in readers]
            if grid:
                drawn.append(heat_map(f"a head (row) reads an earlier one (column) through its {name}", grid,
                                      [*map(_head, every)], [*map(_head, readers)], 0, most, down="head",
                                      across="earlier head", shows="composition"))  # fmt: skip
    return drawn
