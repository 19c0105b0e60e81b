"""Edit facts in a model: trace (where a fact is held), edit (change it, and test what else has changed)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.cli.group import cli, echo, note, opt, split
from harness.cli.lab import load, show

F = TypeVar("F", bound=Callable[..., Any])


def _facts(command: F) -> F:
    """The options of both commands: which facts, which model."""
    for decorate in reversed([
        click.argument("requests"),
        opt("--model", "-m", help="tiny, hf/DIR (a Hugging Face directory) or hf/ORG/NAME; none for `planted`."),
        opt("--n", type=click.IntRange(1), default=24, help="Facts, at most: the first ones of the file."),
        opt("--seed", type=int, default=0, help="Seed of the planted model, of noise and of what a method draws."),
        opt("--draws", type=click.IntRange(1), default=10, help="Draws of noise for each prompt that is traced."),
        opt("--window", type=click.IntRange(0), default=0, help="Layers restored together; 0: as the paper, 10 of 48."),
        opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="dtype, device, revision (repeatable)."),
        opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where studies are kept."),
        opt("--dry-run", is_flag=True, help="Say how many forward passes it would take."),
    ]):  # fmt: skip
        command = decorate(command)
    return command


def _opened(options: dict[str, Any], texts: Path | None = None, tokens: int = 64) -> Any:
    """The facts and the model: `planted`, or the requests.jsonl of `harness edits-data` and --model."""
    from harness.errors import UsageError
    from harness.lab.edit_study import from_file, from_planted

    if options["requests"] == "planted":
        if options["model"]:
            raise UsageError("`planted` brings its own model", "leave out --model")
        options["model"] = "planted"
        return from_planted(options["seed"], options["n"])
    if not options["model"]:
        raise UsageError("which model? --model is missing", "`harness edit planted` brings its own")
    path = Path(options["requests"])
    if not path.is_file():
        raise UsageError(f"{path}: no such file", "`harness edits-data DIR` writes requests.jsonl; or give `planted`")
    return from_file(load(options), path, texts, options["n"], tokens)


def _noise(options: dict[str, Any], asked: Any) -> Any:
    from harness.lab.trace import Noise, window_of

    window = options["window"] or window_of(len(asked.lab.layers))
    return Noise(draws=options["draws"], seed=options["seed"], window=window)


@cli.command()
@_facts
def trace(**options: Any) -> None:
    """Causal tracing: where a model holds facts. REQUESTS is a requests.jsonl of `edits-data`, or `planted`."""
    from harness import display
    from harness.lab import edit_study
    from harness.lab.trace import TRACED, forwards

    asked = _opened(options)
    if options["dry_run"]:
        total = sum(forwards(asked.lab, fact, TRACED, options["draws"]) for fact in edit_study.facts(asked))
        echo(f"{total} forward passes for {len(asked.edits)} prompts, at most")
        return
    study = edit_study.trace_study(asked, _noise(options, asked), display.counting("prompts traced"))
    show(study, options | {"task": ""})


@cli.command()
@_facts
@opt(
    "--method", multiple=True, default=("ft", "ft-l", "rome", "grace"),
    help="ft, ft-l, ke, rome, grace (comma-separated). ke is trained first, on edits that are not measured: it takes "
    "the most passes.",
)  # fmt: skip
@opt("-E", "--edit-option", multiple=True, metavar="METHOD.KEY=VALUE", help="An option of a method: rome.steps=50.")
@opt("--site", metavar="LAYER,TOKEN", help="Where to edit: `1,last subject` or `2,last`. By default as tracing says.")
@opt("--sequential", is_flag=True, help="Make all edits in one model too, one after the other.")
@opt("--texts", type=click.Path(path_type=Path), help="Texts for ROME's covariance; else facts.jsonl beside REQUESTS.")
@opt("--max-tokens", type=click.IntRange(1), default=64, help="Tokens of an answer, at most (planted: 4).")
@opt("--save", type=click.Path(path_type=Path), help="Keep the model after all edits: a directory that vLLM serves.")
def edit(
    method: tuple[str, ...], edit_option: tuple[str, ...], site: str | None, sequential: bool, texts: Path | None,
    max_tokens: int, save: Path | None, **options: Any,
) -> None:  # fmt: skip
    """Edit facts in a copy of a model, and ask what has changed. REQUESTS is a requests.jsonl, or `planted`."""
    from harness import display, plugins
    from harness.errors import UsageError
    from harness.lab import edit_study
    from harness.lab.trace import forwards
    from harness.options import parse_pairs

    chosen = edit_study.methods(split(method), parse_pairs(edit_option, "-E"))
    if not chosen:
        raise UsageError("--method names none", "methods: " + ", ".join(edit_study.METHODS))
    if save is not None:
        if len(chosen) > 1 or not sequential:
            raise UsageError(
                "--save keeps the model after all edits of one method", "give one --method, and --sequential"
            )
        if not chosen[0].weights:
            raise UsageError(
                f"--save: {chosen[0].name} is a codebook beside the weights, which no server of models knows"
            )
        edit_study.check_free(save)
    place = _place(site)
    asked = _opened(options, texts, max_tokens)
    if options["dry_run"]:
        traced = (
            0 if place else sum(forwards(asked.lab, f, ("mlp",), options["draws"]) for f in edit_study.facts(asked))
        )
        modes = 2 if sequential else 1
        answers = sum(len(e.request.queries) for e in asked.edits) * (2 + len(chosen) * modes)
        answers += len(asked.kept) * (1 + len(chosen)) if sequential else 0
        edits = sum(method.passes(len(asked.edits) * modes) for method in chosen)
        echo(
            f"{traced} forward passes to trace, up to {edits} to edit (most with a backward pass), {answers} answers "
            f"of up to {asked.tokens} tokens"
        )
        return
    if warning := edit_study.few_keys(asked, chosen):
        note(warning)
    if place is None:
        place = edit_study.traced_place(asked, _noise(options, asked), display.counting("prompts traced"))
    elif place.layer >= len(asked.lab.layers):
        raise UsageError(f"--site: {asked.lab.name} has layers 0 to {len(asked.lab.layers) - 1}")
    score = plugins.task("edits", {}).score
    study = edit_study.edit_study(asked, chosen, place, score, sequential, options["seed"], save)
    show(study, options | {"task": ""})
    if save is not None:
        echo(f"model: {save} (ask it with --model hf/{save} in the lab, or serve it: vllm serve {save})")


def _place(site: str | None) -> Any:
    from harness.errors import UsageError
    from harness.lab.subjects import ALONE
    from harness.lab.trace import Place

    if site is None:
        return None
    layer, _, role = (part.strip() for part in site.partition(","))
    for known in ALONE:
        if role == known and layer.isdigit() and len(layer) < 5:
            return Place(int(layer), known)
    raise UsageError(f"--site: '{site}' is no LAYER,TOKEN", f"tokens: {', '.join(ALONE)}")
