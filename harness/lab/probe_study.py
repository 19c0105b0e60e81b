"""The study `harness probe`: a param of a task's samples, looked for in the activations at every layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import UsageError
from harness.lab.hooks import Kind, capture
from harness.lab.models import LabModel
from harness.lab.probes import Examples, Found, measure
from harness.lab.prompts import Chosen, Places, Prompt, as_row, batches, halves, places, prompts, streams
from harness.report.pictures import Curves
from harness.report.study import Study
from harness.text import Extra, estimate, number

if TYPE_CHECKING:
    from torch import Tensor

MOST_LABELS = 100


@dataclass(frozen=True)
class Wanted:
    """What is looked for: the param `label`, in what `kind` hands on at the place `at` (harness.lab.prompts.places).
    `types` says what the control labels: `token` (the token at the place), `word` (the first word of the prompt that
    most others do not have), a param, or `auto`: token if there are half as many tokens as labels, else word."""

    label: str
    kind: Kind = "resid"
    at: str = "last"
    types: str = "auto"
    rank: int | None = None
    penalty: float | None = None
    draws: int = 5


def labelled(found: Sequence[Prompt], label: str) -> list[Prompt]:
    """The prompts whose sample has the param. UsageError if it has no values that a probe could tell apart."""
    kept = [p for p in found if isinstance(p.sample.params.get(label), str | int | float | bool)]
    values = {str(p.sample.params[label]) for p in kept}
    if 2 <= len(values) <= MOST_LABELS:
        return kept
    every: dict[str, set[str]] = {}
    for prompt in found:
        for name, value in prompt.sample.params.items():
            every.setdefault(name, set()).add(str(value))
    fit = [f"{n} ({len(v)} values)" for n, v in every.items() if 2 <= len(v) <= MOST_LABELS]
    raise UsageError(
        f"--label {label}: {len(values)} values in {len(kept)} of {len(found)} prompts; a probe tells 2 to "
        f"{MOST_LABELS} apart",
        f"params that could be looked for: {', '.join(fit) or 'none'}",
    )


def word_types(lab: LabModel, where: Places, wanted: Wanted) -> tuple[list[str], str]:
    """(the word type of each prompt, what it is in words)."""
    tokens = [lab.token(p.ids[at]) for p, at in zip(where.prompts, where.positions, strict=True)]
    labels = [str(p.sample.params[wanted.label]) for p in where.prompts]
    how = wanted.types
    if how == "auto":
        how = "token" if 2 * len(set(tokens)) >= len(set(labels)) > 1 and len(set(tokens)) > 1 else "word"
    if how == "token":
        return tokens, "the token at the place"
    if how == "word":
        return _words(where.prompts, labels), "the first word of the prompt that most others do not have"
    if not all(how in p.sample.params for p in where.prompts):
        raise UsageError(f"--types {how}: some samples have no such param", "give token, word, or a param of the task")
    return [str(p.sample.params[how]) for p in where.prompts], f"the param {how}"


def _words(found: Sequence[Prompt], labels: Sequence[str]) -> list[str]:
    split = [_split(p) for p in found]
    common = Counter(word for words in split for word in set(words))
    rare = len(found) / 2
    return [
        next((w for w in words if common[w] < rare and w != label and not w.isdigit()), "")
        for words, label in zip(split, labels, strict=True)
    ]


def _split(prompt: Prompt) -> list[str]:
    return "".join(c if c.isalnum() else " " for c in prompt.text).split()


def activations(lab: LabModel, where: Places, kind: Kind) -> Tensor:
    """[layer, prompt, width] at the places; of the residual stream also what comes out of the last layer."""
    import torch

    rows: list[Tensor] = []
    done = 0
    for ids, some in batches(lab, where.prompts):
        at = torch.tensor(where.positions[done : done + len(some)], device=ids.device)
        with torch.no_grad():
            if kind == "resid":
                values = streams(lab, ids)[1]
            else:
                _, kept = capture(lab, ids, (kind,))
                values = torch.stack([kept[kind, layer] for layer in range(len(lab.layers))])
        rows.append(values[:, torch.arange(len(some), device=ids.device), at].float())
        done += len(some)
    return torch.cat(rows, 1)


def split_rows(where: Places, examples: Examples, seed: int) -> tuple[list[int], list[int], int]:
    """(rows to fit, rows to test, how many of the others are left out). A test example needs a label and a word type
    that occur in training, and other tokens up to its place: with the same ones its activation would be the same."""
    fitted = {id(p) for p in halves(where.prompts, seed)[0]}
    train = [i for i, p in enumerate(where.prompts) if id(p) in fitted]
    others = [i for i, p in enumerate(where.prompts) if id(p) not in fitted]
    before = [p.ids[: at + 1] for p, at in zip(where.prompts, where.positions, strict=True)]
    seen = {before[i] for i in train}
    labels, types = {examples.labels[i] for i in train}, {examples.types[i] for i in train}
    test = [i for i in others if before[i] not in seen and examples.labels[i] in labels and examples.types[i] in types]
    if len({examples.groups[i] for i in test}) < 2 or len({examples.labels[i] for i in train}) < 2:
        new = sum(examples.types[i] not in types for i in others)
        old = sum(before[i] in seen for i in others)
        raise UsageError(
            f"of {len(others)} examples to test, {len(test)} are left: {old} have the same tokens up to the place as "
            f"one in training, {new} a word type that is not there", "raise --limit, or choose another --at or --types"
        )  # fmt: skip
    return train, test, len(others) - len(test)


def probe_study(
    lab: LabModel, chosen: Chosen, wanted: Wanted, on_layer: Callable[[int, int], None] = lambda *_: None
) -> Study:
    """A probe and its control at every layer."""
    found = prompts(lab, chosen)
    kept = labelled(found, wanted.label)
    where = places(lab, kept, wanted.at, wanted.label)
    types, what = word_types(lab, where, wanted)
    labels = [str(p.sample.params[wanted.label]) for p in where.prompts]
    examples = Examples(labels, types, [p.sample.group for p in where.prompts])
    train, test, left_out = split_rows(where, examples, chosen.seed)
    values = activations(lab, where, wanted.kind).double().cpu().numpy()
    layers = []
    for layer, x in enumerate(values):
        layers.append(measure(layer, x, examples, train, test, chosen.seed, wanted.rank, wanted.penalty, wanted.draws))
        on_layer(layer + 1, len(values))
    depth = len(lab.layers)
    names = [str(f.layer) if f.layer < depth else "end" for f in layers]
    commonest, times = Counter(labels[i] for i in test).most_common(1)[0]
    table = Extra(
        f"probes for {wanted.label} ({len(set(labels))} values)",
        ("before layer" if wanted.kind == "resid" else f"{wanted.kind} of layer", "accuracy", "control", "selectivity",
         "bits (at most H)", "penalty"),
        tuple((name, *_cells(f)) for name, f in zip(names, layers, strict=True)),
        note=f"H({wanted.label}) is {layers[0].entropy:.3f} bits; always saying '{commonest}' is right in {times} of "
        f"{len(test)}. Intervals at 95%, over groups.",
    )  # fmt: skip
    groups = [len({examples.groups[i] for i in rows}) for rows in (train, test)]
    sentences = [
        _sentence(lab, wanted, layers, names),
        f"Fitted to {len(train)} prompts of {groups[0]} groups, tested on {len(test)} of {groups[1]} others; a word "
        f"type of the control ({len(set(types))}) is {what}, and its labels are drawn {wanted.draws} times.",
    ]
    if left_out:
        sentences.append(f"{left_out} test prompts are left out: their tokens up to the place are those of one in "
                         "training, or their label or word type is not there.")  # fmt: skip
    if where.lacking:
        sentences.append(f"{where.lacking} of {len(kept)} prompts have no such place.")
    words = chosen.words(lab) | {
        "label": wanted.label, "site": wanted.kind, "at": wanted.at, "word types": wanted.types,
        "rank": "full" if wanted.rank is None else str(wanted.rank),
        "penalty": "chosen" if wanted.penalty is None else f"{wanted.penalty:g}",
    }  # fmt: skip
    picture = Curves(
        f"{wanted.label}: probe and control, 95% intervals", names,
        {"accuracy": [f.accuracy for f in layers], "control": [f.control for f in layers]}, "layer",
    )  # fmt: skip
    rows = [_row(f, len(train), len(set(labels))) for f in layers]
    return Study("probe", f"Probes of {lab.name} on {chosen.task.name}", words, sentences, [table], rows, [picture])


def _cells(f: Found) -> tuple[str, ...]:
    return (*(estimate(e) for e in (f.accuracy, f.control, f.selectivity, f.bits)), f"{f.penalty:g}")


def _sentence(lab: LabModel, wanted: Wanted, layers: Sequence[Found], names: Sequence[str]) -> str:
    best, name = max(zip(layers, names, strict=True), key=lambda pair: pair[0].selectivity.value)
    clear = sum(f.selectivity.low > 0 for f in layers)
    where = "at the end" if name == "end" else f"at layer {name}"
    return (
        f"{lab.name}: {wanted.label} is read from the activations better than labels without meaning at {clear} of "
        f"{len(layers)} layers (the interval of the selectivity is above 0); most so {where}: accuracy "
        f"{estimate(best.accuracy)}, control {number(best.control.value)}, selectivity {estimate(best.selectivity)}, "
        f"{number(best.bits.value)} of {best.entropy:.3f} bits. That a probe finds it does not say that the model uses "
        "it."
    )


def _row(f: Found, fitted: int, classes: int) -> dict[str, Any]:
    found: dict[str, Any] = {"layer": f.layer, "penalty": f.penalty, "entropy": f.entropy, "fitted": fitted,
                             "labels": classes}  # fmt: skip
    for name in ("accuracy", "control", "selectivity", "bits"):
        found |= as_row(name, getattr(f, name))
    return found
