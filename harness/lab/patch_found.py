"""What patching has found, in sentences: over pairs, with how many they are. A site alone says little: that the tokens
that differ restore everything at layer 0 is so by definition."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from harness.lab.align import MOVED
from harness.lab.hooks import Kind
from harness.lab.models import LabModel
from harness.lab.pairs import Pair
from harness.lab.patching import Effect, How
from harness.statistics.intervals import Estimate, mean_interval
from harness.text import estimate

HALF = 0.5
DID = {"denoise": "restores", "noise": "takes away"}


def sentences(
    lab: LabModel, found: Sequence[Pair], effects: Mapping[int, Sequence[Effect]], how: How, whole: bool
) -> list[str]:
    """Where the difference is in the residual stream (if the `whole` of it was patched), which head carries most of it,
    and the strongest single site of attention and MLP."""
    made = [_stream(lab, found, effects, how)] if whole else []
    return [line for line in (*made, _heads(lab, effects, how), _single(lab, found, effects, how)) if line]


def unpartnered(found: Sequence[Pair]) -> str:
    """How many positions of aligned pairs are not patched; "" if all prompts have the length of their partner."""
    some = [pair for pair in found if pair.alignment]
    if not some:
        return ""
    clean, corrupted = (sum(pair.alone[side] for pair in some) for side in (0, 1))
    of = sum(len(pair.clean) for pair in some), sum(len(pair.corrupted) for pair in some)
    return (
        f"{len(some)} of {len(found)} pairs that are patched have prompts of different lengths, aligned by words: "
        f"{clean} of {of[0]} positions of clean prompts and {corrupted} of {of[1]} of corrupted ones have no partner "
        "and are not patched."
    )


def note(found: Sequence[Pair]) -> str:
    """The same for under a table, with what to beware of."""
    said = unpartnered(found)
    return f"Positions are those of the clean prompt. {said} {MOVED}" if said else ""


def columns(pair: Pair) -> str:
    """What the columns of an aligned pair's picture are."""
    mine, theirs = pair.samples
    alone, missing = pair.alone
    return (
        f"Columns are the tokens of {mine}; behind | stands the partner in {theirs} if it is another token, nothing if "
        f"there is none ({alone} of {len(pair.clean)} positions). {missing} of {len(pair.corrupted)} positions of "
        f"{theirs} have no partner and no column."
    )


def _stream(
    lab: LabModel, found: Sequence[Pair], effects: Mapping[int, Sequence[Effect]], how: How
) -> str:  # fmt: skip
    """Up to which layer the tokens that differ carry half of the difference, and from which the last position does."""
    until, since = [], []
    depth = len(lab.layers)
    for i, pair in enumerate(found):
        moved = {(e.site.layer, e.site.position): e.moved(how) for e in effects[i] if e.site.kind == "resid"}
        if not moved:
            return ""
        last = len(pair.clean) - 1
        differ = [at for at in pair.differ if at != last and at in pair.partners]
        there = [any(moved[layer, at] >= HALF for at in differ) for layer in range(depth)]
        end = [moved[layer, last] >= HALF for layer in range(depth)]
        until.append(max((layer for layer in range(depth) if there[layer]), default=-1))
        since.append(next((layer for layer in range(depth) if all(end[layer:])), depth))
    n, does = len(found), DID[how]
    early = f"at the tokens that differ it {does} half of the difference or more up to before layer {_spread(until)}"
    if min(until) < 0:
        few = sum(u < 0 for u in until)
        known = " and has a partner" if any(pair.alignment for pair in found) else ""
        early = f"in {few} of {n} pairs no single token that differs{known} {does} half of the difference"
    late = f"at the last position from before layer {_spread(since)} on"
    if max(since) == depth:
        late = f"at the last position only behind the last layer in {sum(s == depth for s in since)} of {n} pairs"
    return f"{how.capitalize()}, residual stream: {early}, {late} (of {depth} layers; {_of(n)})."


def _of(n: int) -> str:
    return "1 pair" if n == 1 else f"median, and range, of {n} pairs"


def _spread(layers: Sequence[int]) -> str:
    low, high, middle = min(layers), max(layers), statistics.median(layers)
    return f"{middle:g}" if low == high else f"{middle:g} ({low} to {high})"


def _heads(lab: LabModel, effects: Mapping[int, Sequence[Effect]], how: How) -> str:
    by_head: dict[tuple[int, int], list[float]] = {}
    for some in effects.values():
        for e in some:
            if e.site.head is not None:
                by_head.setdefault((e.site.layer, e.site.head), []).append(e.moved(how))
    n = len(effects)
    means = {name: statistics.fmean(values) for name, values in by_head.items() if len(values) == n}
    if not means:
        return ""
    first, *others = sorted(means, key=lambda name: -means[name])[:3]
    of = len(lab.layers) * lab.heads
    chosen = "" if len(means) == of else f" {len(means)} were patched."
    shown = Estimate(means[first], *mean_interval(by_head[first]), n) if n > 1 else None
    said = f"{estimate(shown)} pairs (mean)" if shown else f"{means[first]:.3f} in the one pair"
    then = ", ".join(f"{layer}.{head} {means[layer, head]:.3f}" for layer, head in others)
    return (
        f"{how.capitalize()}, heads: of {of}, {first[0]}.{first[1]} {DID[how]} most of the difference: {said}"
        + (f"; then {then}." if then else ".") + chosen
    )  # fmt: skip


def _single(lab: LabModel, found: Sequence[Pair], effects: Mapping[int, Sequence[Effect]], how: How) -> str:
    every = [(e, found[i]) for i, some in effects.items() for e in some if e.site.kind in ("attn", "mlp")]
    if not every:
        return ""
    e, pair = max(every, key=lambda item: item[0].moved(how))
    at = e.site.position or 0
    names: dict[Kind, str] = {"attn": "attention", "mlp": "MLP"}
    right, wrong = (repr(lab.token(t)) for t in (pair.right, pair.wrong))
    return (
        f"{how.capitalize()}, attention and MLP at single positions: the {names[e.site.kind]} of layer {e.site.layer} "
        f"at position {at} ({lab.token(pair.clean[at])!r}) {DID[how]} most, {e.moved(how):.3f} of the difference "
        f"between {pair.samples[0]} ({right}) and {pair.samples[1]} ({wrong}); one pair."
    )
