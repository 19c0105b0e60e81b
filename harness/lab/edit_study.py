"""The studies `harness trace` and `harness edit`."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError, HarnessError, UsageError, cause
from harness.files import read_jsonl
from harness.lab import planted
from harness.lab.editing import grace
from harness.lab.editing.editor import Editor, Given, Method
from harness.lab.editing.ft import FT, FTL
from harness.lab.editing.grace import GRACE
from harness.lab.editing.ke import KE
from harness.lab.editing.measuring import SUMMED, Answered, Verifier, ask, harmonic, share
from harness.lab.editing.requests import Edit, Query, encoded, read, unrelated
from harness.lab.editing.rome import ROME
from harness.lab.models import LabModel
from harness.lab.subjects import ROLES
from harness.lab.trace import TRACED, Fact, Noise, Place, averages, best_place, known, mean, trace
from harness.options import build, suggestion
from harness.report.pictures import heat_map
from harness.report.study import Study
from harness.statistics.intervals import Estimate, wilson
from harness.text import Extra, estimate, number

METHODS: dict[str, type[Any]] = {m.name: m for m in (FT, FTL, KE, ROME, GRACE)}
PLAIN = 5
"""Tokens of an answer that goes on with a text: what comes behind it may name the other answer."""
MEASURED = (
    ("reliability", "reliability"), ("generality", "generality"), ("locality_neighbour", "other subjects"),
    ("locality_subject", "subject's other facts"), ("portability", "consequences"),
)  # fmt: skip


@dataclass(frozen=True)
class Edits:
    """A model, edits of facts, the texts it knows, and what it should still know after all edits. `tokens` is how many
    an answer may have; `spare` are edits that are not measured, about other subjects."""

    lab: LabModel
    edits: list[Edit]
    texts: list[str]
    kept: list[Query]
    tokens: int
    spare: Sequence[Edit] = ()


def from_planted(seed: int, count: int) -> Edits:
    """The planted model of a seed, trained now. UsageError for more edits than it has subjects for."""
    if count > planted.MOST_EDITS:
        raise UsageError(f"the planted model has {planted.MOST_EDITS} facts to edit, not {count}", "give a smaller --n")
    made = planted.world(seed)
    asked = planted.requests(made, count)
    lab = planted.train(made)
    edits, spare = ([encoded(lab, r) for r in some] for some in (asked, planted.spare(made)))
    return Edits(lab, edits, made.texts(), planted.kept(made, asked), 4, spare)


def from_file(lab: LabModel, path: Path, texts: Path | None, count: int, tokens: int) -> Edits:
    """The first `count` edits of a requests.jsonl. The texts are those of `texts`, else of facts.jsonl beside it, else
    the requests' own."""
    everything = read(path)
    asked = everything[:count]
    spare = unrelated(everything[count:], asked)
    beside = path.parent / "facts.jsonl"
    source = texts or (beside if beside.is_file() else None)
    known_texts = _texts(lab, source) if source else [f"{r.prompt} {r.old}." for r in asked]
    changed = {(q.text, q.asked) for r in asked for q in r.queries if q.before != q.after}
    kept = [q for r in asked for q in r.queries if q.before == q.after and (q.text, q.asked) not in changed]
    if all(r.plain for r in asked):
        tokens = min(tokens, PLAIN)
    edits, left = ([encoded(lab, r) for r in some] for some in (asked, spare))
    return Edits(lab, edits, known_texts, list(dict.fromkeys(kept)), tokens, left)


def _texts(lab: LabModel, path: Path) -> list[str]:
    """The texts of a file: lines of messages, of prompt and completion, or of `text`."""
    from harness.types import Message

    found = []
    for where, line in read_jsonl(path):
        try:
            value = json.loads(line)
            if "messages" in value:
                *turns, last = (Message(m["role"], m["content"]) for m in value["messages"])
                found.append(lab.prompt(turns) + last.content)
            else:
                found.append(str(value["text"]) if "text" in value else value["prompt"] + value["completion"])
        except (ValueError, KeyError, TypeError) as error:
            raise DataError(f"{where}: no text ({type(error).__name__}: {error})",
                            'lines of "text", of "prompt" and "completion", or of "messages"') from None  # fmt: skip
    return found


def methods(names: Sequence[str], options: Mapping[str, str]) -> list[Method]:
    """The methods by name, in the order of the literature, with options `METHOD.KEY` (as `rome.steps`). UsageError for
    what there is not."""
    for name in [*names, *(key.partition(".")[0] for key in options)]:
        if name not in METHODS:
            raise UsageError(f"there is no editing method '{name}'", suggestion(name, list(METHODS), "methods"))
    given: dict[str, dict[str, str]] = {name: {} for name in names}
    for key, value in options.items():
        name, _, option = key.partition(".")
        if name not in given:
            raise UsageError(f"-E {key}: --method does not have {name}")
        given[name][option] = value
    return [build(METHODS[name], given[name], f"method {name}") for name in METHODS if name in given]


def facts(asked: Edits) -> list[Fact]:
    """What is traced: the facts before they are edited."""
    return [Fact(e.request.id, e.prompt, e.old[0]) for e in asked.edits]


def right_facts(asked: Edits) -> list[Fact]:
    """The facts that the model answers right. UsageError if there are none."""
    found = known(asked.lab, facts(asked))
    if not found:
        raise UsageError(
            f"{asked.lab.name} answers none of the {len(asked.edits)} prompts right: there is nothing to trace",
            "train it on facts.jsonl of `harness edits-data` first, or look at `planted`",
        )
    return found


def trace_study(asked: Edits, noise: Noise, progress: Callable[[int, int], None]) -> Study:
    """Causal tracing: total effect, mean indirect effects by kind, layer and role of the token."""
    right = right_facts(asked)
    traced = trace(asked.lab, right, noise, progress=progress)
    found = averages(traced)
    place = best_place(found)
    best = next(a for a in found if (a.kind, a.layer, a.role) == ("mlp", place.layer, place.role))
    total = mean([t.total for t in traced])
    sentences = [
        f"{asked.lab.name}: noise on the subject takes {estimate(total)} from the probability of the right answer "
        f"(total effect, mean over prompts). Of the MLPs that of {place} gives back most: {estimate(best.effect)}.",
        f"{len(right)} of {len(asked.edits)} prompts are traced: those that the model answers right.",
    ]
    roles = [role for role in ROLES if any(a.role == role for a in found)]
    tables, pictures = [], []
    for kind in TRACED:
        by_place = {(a.layer, a.role): a.effect for a in found if a.kind == kind}
        rows = tuple(
            (str(layer), *(estimate(by_place.get((layer, role))) for role in roles))
            for layer in range(len(asked.lab.layers))
        )
        where = "before layer" if kind == "resid" else "layer"
        title = f"{kind}: mean indirect effect by token"
        tables.append(Extra(title, (where, *roles), rows, note=_note(kind, noise)))
        values = [
            [e.value if (e := by_place.get((layer, role))) else 0.0 for role in roles]
            for layer in range(len(asked.lab.layers))
        ]
        pictures.append(heat_map(title, values, roles, [*map(str, range(len(values)))], 0, max(total.value, 0.01),
                                 down=where, across="token", shows="effect"))  # fmt: skip
    rows_out = [
        {"fact": t.fact.name, "site": kind, "layer": layer, "position": at, "role": t.fact.prompt.role(at) or "",
         "token": asked.lab.token(t.fact.prompt.ids[at]), "clean": t.clean, "corrupted": t.corrupted, "effect": effect}
        for t in traced for (kind, layer, at), effect in t.effects.items()
    ]  # fmt: skip
    words = {"model": asked.lab.name, "facts": str(len(right)), "noise": f"{noise.sd:g} standard deviations",
             "draws": str(noise.draws), "seed": str(noise.seed), "window": str(noise.window)}  # fmt: skip
    return Study("trace", f"Causal tracing: {asked.lab.name}", words, sentences, tables, rows_out, pictures)


def _note(kind: str, noise: Noise) -> str:
    if kind == "resid":
        return "95% interval over prompts; n prompts."
    return f"95% interval over prompts; n prompts. Restored together: {noise.window} layers around the named one."


def traced_place(
    asked: Edits, noise: Noise, progress: Callable[[int, int], None] = lambda done, all: None
) -> Place:  # fmt: skip
    """Where an editor works by default: the MLP with the largest mean indirect effect."""
    return best_place(averages(trace(asked.lab, right_facts(asked), noise, ("mlp",), progress)))


@dataclass(frozen=True)
class Result:
    """What one method did. `answers` after each edit alone; the last three, after all edits in sequence, if asked."""

    method: str
    answers: list[Answered]
    seconds: float
    keys: int | None
    sequence: list[Answered]
    kept: list[Answered]
    keys_after: int | None
    failed: Sequence[str] = ()
    """Why an edit could not be made. Alone, what is asked behind it is asked of the model as it was; in sequence, what
    it has done so far stays."""


def run(
    method: Method, asked: Edits, place: Place, score: Verifier, sequential: bool, seed: int
) -> tuple[Result, Editor]:
    """Every edit alone, each in a fresh copy; then, if `sequential`, all of them one after the other in one copy, which
    is the editor's model then."""
    editor = method.open(Given(asked.lab, place, asked.texts, seed, asked.spare))
    answers: list[Answered] = []
    took, keys, failed = [], 0, []
    for edit in asked.edits:
        start = time.perf_counter()
        if wrong := _fails(editor, edit):
            failed.append(f"{method.name} can't make the edit '{edit.request.id}': {wrong}")
            editor.undo()
        took.append(time.perf_counter() - start)
        keys += editor.keys or 0
        answers += _asked(editor.lab, [edit], score, asked.tokens)
        editor.undo()
    found = keys if editor.keys is not None else None
    if not sequential:
        return Result(method.name, answers, statistics.mean(took), found, [], [], None, failed), editor
    for edit in asked.edits:
        if wrong := _fails(editor, edit):
            failed.append(f"{method.name} can't make the edit '{edit.request.id}' in sequence: {wrong}")
    sequence, kept = _asked(editor.lab, asked.edits, score, asked.tokens), _kept(editor.lab, asked, score)
    return Result(method.name, answers, statistics.mean(took), found, sequence, kept, editor.keys, failed), editor


def _fails(editor: Editor, edit: Edit) -> str:
    """Make an edit. If it can't be made (a matrix can't be inverted, say), why: the others are made all the same."""
    try:
        editor.edit(edit)
    except (HarnessError, RuntimeError) as error:
        return cause(error)
    return ""


def untouched(asked: Edits, score: Verifier) -> Result:
    """The model as it is, asked for the facts after the edits: what doing nothing reaches."""
    answers = _asked(asked.lab, asked.edits, score, asked.tokens)
    return Result("none", answers, 0.0, None, answers, _kept(asked.lab, asked, score), None)


def few_keys(asked: Edits, chosen: Sequence[Method]) -> str:
    """What is to be said if ROME's covariance comes from fewer keys than it has rows; empty if not."""
    if not any(method.name == ROME.name for method in chosen):
        return ""
    wanted = int(asked.lab.layers[0].mlp.down_proj.in_features)
    there = sum(len(asked.lab.tokens(text)[0]) for text in asked.texts)
    if there >= wanted:
        return ""
    return (
        f"ROME's covariance comes from {there} keys (tokens of texts), fewer than its {wanted} rows: it is singular "
        "but for what is added to its diagonal, and spares few other facts. Give texts with more tokens: --texts FILE"
    )


def _kept(lab: LabModel, asked: Edits, score: Verifier) -> list[Answered]:
    """Each fact that was kept is a group of its own. No edit asks for them: the wrong answer is any edit's."""
    return ask(lab, [(asked.edits[0].request, q) for q in asked.kept], True, score, asked.tokens)


def _asked(lab: LabModel, edits: Sequence[Edit], score: Verifier, most: int, after: bool = True) -> list[Answered]:
    return ask(lab, [(e.request, q) for e in edits for q in e.request.queries], after, score, most)


def edit_study(
    asked: Edits, chosen: Sequence[Method], place: Place, score: Verifier, sequential: bool, seed: int,
    save: Path | None = None,
) -> Study:  # fmt: skip
    """Each method on the same edits, beside the model as it was. With `save`, the model after all edits of the one
    method is kept there. A method that can't begin is left out and named; HarnessError if none can."""
    before = _asked(asked.lab, asked.edits, score, asked.tokens, after=False)
    results: list[Result] = []
    left_out: list[HarnessError] = []
    for method in chosen:
        try:
            result, editor = run(method, asked, place, score, sequential, seed)
        except HarnessError as error:
            left_out.append(error)
            continue
        results.append(result)
        if save is not None:
            save_model(editor.lab, save)
    if not results:
        raise left_out[0]
    none = untouched(asked, score)
    alone = [(r.method, r.answers) for r in (none, *results)]
    tables = [
        _table("before any edit, right by the facts before", [("none", before)]),
        _table("after each edit alone, right by the facts after: generated", alone),
        _table("the same by probability", alone, generated=False),
    ]  # fmt: skip
    if sequential:
        tables += [
            _table(
                f"after all {len(asked.edits)} edits in sequence: generated",
                [(r.method, r.sequence) for r in (none, *results)],
            ),
            _retention([none, *results]),
        ]
    tables += [_cost(results), _distances(asked)]
    rows = [
        _row(r.method, mode, a)
        for r in (none, *results)
        for mode, some in (("alone", r.answers), *((("sequence", r.sequence), ("kept", r.kept)) if sequential else ()))
        for a in some
    ]
    words = {"model": asked.lab.name, "edits": str(len(asked.edits)), "place": str(place), "seed": str(seed),
             **{m.name: str(m) for m in chosen}}  # fmt: skip
    title = f"Editing {len(asked.edits)} facts of {asked.lab.name}"
    told = [*_sentences(asked, before, results, place), *(f"Left out: {error}." for error in left_out)]
    if warning := few_keys(asked, chosen):
        told.append(f"{warning}.")
    return Study("edit", title, words, told, tables, rows)


def _sentences(asked: Edits, before: Sequence[Answered], results: Sequence[Result], place: Place) -> list[str]:
    known_before = share(before, "reliability")
    told = [
        f"{asked.lab.name} knew {estimate(known_before)} of the facts before the edits; weights are edited at {place}."
    ]
    for r in results:
        reached, wide, kept = (estimate(share(r.answers, name)) for name in SUMMED)
        told.append(f"{r.method}: reliability {reached}, generality {wide}, locality {kept}.")
        told += [f"{line}." for line in r.failed]
    if known_before is not None and known_before.value < 0.8:
        told.append("What a model does not know before an edit says little about the edit.")
    return told


def _table(title: str, shown: Sequence[tuple[str, Sequence[Answered]]], generated: bool = True) -> Extra:
    named = [(key, head) for key, head in MEASURED if any(share(a, key, generated) for _, a in shown)]
    rows = tuple(
        (name, *(estimate(share(answers, key, generated)) for key, _ in named), number(harmonic(answers, generated)))
        for name, answers in shown
    )  # fmt: skip
    note = "n answers; intervals are Wilson's, over edits. S: harmonic mean of reliability, generality, locality."
    return Extra(title, ("method", *(head for _, head in named), "S"), rows, note=note)


def _retention(results: Sequence[Result]) -> Extra:
    rows = tuple(
        (r.method, estimate(share(r.sequence, "reliability")), estimate(plain(r.kept)),
         "-" if r.keys_after is None else str(r.keys_after))
        for r in results
    )  # fmt: skip
    note = "ERR: past edits that still hold. TRR: facts that no edit changes, and that are still known."
    return Extra("after all edits", ("method", "ERR", "TRR", "keys"), rows, note=note)


def plain(answers: Sequence[Answered]) -> Estimate | None:
    """The share of right answers, with Wilson's interval; None without one."""
    right = sum(a.right for a in answers)
    return Estimate(right / len(answers), *wilson(right, len(answers)), len(answers)) if answers else None


def _cost(results: Sequence[Result]) -> Extra:
    rows = tuple(
        (r.method, f"{r.seconds:.2f}", "-" if r.keys is None else f"{r.keys}") for r in results
    )  # fmt: skip
    return Extra("what an edit takes", ("method", "seconds an edit, mean", "keys, of all edits alone"), rows)


def _distances(asked: Edits) -> Extra:
    """Medians that choose GRACE's layer and radius: from a prompt to another wording of its fact, and to the nearest
    question about something else."""
    edits = [e for e in asked.edits if e.request.queries][:24]
    texts: dict[str, tuple[int, ...]] = {}
    for e in edits:
        for q in e.request.queries:
            texts[q.text] = tuple(asked.lab.tokens(q.rendered(asked.lab))[0])
    layers = range(len(asked.lab.layers))
    found = dict(zip(texts, grace.keys(asked.lab, list(texts.values()), layers), strict=True)) if texts else {}
    rows = []
    for layer in layers:
        at = {text: keys[layer] for text, keys in found.items()}
        same, other = [], []
        for e in edits:
            own = [q.text for q in e.request.queries if q.question in ("reliability", "generality")]
            first = at[own[0]]
            same += [float((first - at[t]).norm()) for t in own[1:]]
            far = [float((first - key).norm()) for t, key in at.items() if t not in own]
            other += [min(far)] if far else []
        rows.append((str(layer), *(f"{statistics.median(x):.2f} (n={len(x)})" if x else "-" for x in (same, other))))
    header = ("layer", "the same in other words", "the nearest other question")
    note = "A radius of GRACE between the two generalises without swallowing what is near; if there is none, it can't."
    return Extra("distances between keys, medians", header, tuple(rows), note=note)


def _row(method: str, mode: str, a: Answered) -> dict[str, Any]:
    return {"method": method, "mode": mode, "edit": a.request, "question": a.query.question, "prompt": a.query.text,
            "before": a.query.before, "after": a.query.after, "text": a.text, "right": int(a.right),
            "likelier": int(a.likelier)}  # fmt: skip


def save_model(lab: LabModel, directory: Path) -> None:
    """A Hugging Face directory (safetensors, config, tokenizer), as vLLM serves it. UsageError if there is something
    already, HarnessError if it can't be written."""
    check_free(directory)
    try:
        lab.model.save_pretrained(directory)
        lab.tokenizer.save_pretrained(directory)
    except OSError as error:
        raise HarnessError(f"{directory} can't be written: {cause(error)}", "choose another --save") from None


def check_free(directory: Path) -> None:
    """UsageError if a directory has something in it."""
    if directory.exists() and (not directory.is_dir() or any(directory.iterdir())):
        raise UsageError(f"--save {directory}: there is something already", "choose a new directory")
