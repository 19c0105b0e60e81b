"""Look inside a model on the matched prompts of a task: lens, patch, induction, circuit. Needs the extra `lab`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.cli.group import cli, echo, opt, pairs, split, task_options

F = TypeVar("F", bound=Callable[..., Any])


def modelled(*more: Callable[[Any], Any]) -> Callable[[F], F]:
    """A decorator with the options of every command of the lab that looks at a task's prompts, and `more` of them."""

    def decorator(command: F) -> F:
        for decorate in reversed([
            click.argument("task"),
            opt("--model", "-m", required=True, help="tiny, hf/DIR (a Hugging Face directory) or hf/ORG/NAME."),
            *more,
            opt("--seed", type=int, default=0, help="Seed of the samples."),
            task_options,
            opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE",
                help="dtype, device, revision (repeatable)."),
            opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where studies are kept."),
            opt("--dry-run", is_flag=True, help="Say how many forward passes it would take, and do none."),
        ]):  # fmt: skip
            command = decorate(command)
        return command

    return decorator


asked = modelled(
    opt("--pairs", "how", default="change", help="Matched prompts: `change` (one fact is changed; `change:CONDITION` "
        "in one condition), `CONDITION,CONDITION` of one group, or `condition:CONDITION` (its samples two by two)."),
    opt("--limit", type=click.IntRange(1), default=4, help="Pairs, at most."),
    opt("--align", is_flag=True, help="Also pairs of prompts with different numbers of tokens: tokens are matched by "
        "words, and what has no partner is not patched."),
)  # fmt: skip
"""The options of a command that looks at matched pairs."""


def opened(options: dict[str, Any]) -> tuple[Any, Any]:
    """(the lab's model, which pairs to look at)."""
    from harness import plugins
    from harness.lab.studies import Asked

    task = plugins.task(options["task"], pairs(options, "task_option", "-T"))
    return load(options), Asked(task, options["seed"], options["how"], options["limit"], options["align"])


def load(options: dict[str, Any]) -> Any:
    """The lab's model that the options name."""
    from harness.errors import UsageError
    from harness.lab.models import open_model
    from harness.options import parse_pairs

    given = parse_pairs(options["model_option"], "-M")
    for name in given:
        if name not in ("dtype", "device", "revision"):
            raise UsageError(f"the lab has no model option '{name}'", "-M dtype=..., device=... or revision=...")
    return open_model(options["model"], **given)


def place(kind: str, options: dict[str, Any]) -> Path:
    """Where a new study of this kind is kept."""
    from harness.pipeline.store import new_run_id

    name = new_run_id(f"{kind}-{options['task'].replace('/', '-')}".rstrip("-"), options["model"])
    return Path(options["out"]) / name


def show(study: Any, options: dict[str, Any], begun: Path | None = None) -> None:
    """Print a study, and keep it; in the directory that it has begun, if there is one."""
    echo(study.render())
    directory = begun or place(study.kind, options)
    study.write(directory, begun is not None)
    echo(f"\nstudy: {directory} (page.html, rows.csv)")


@cli.command()
@asked
@opt("--tuned", type=click.Path(path_type=Path), help="Translators of a tuned lens, which --train-tuned has made.")
@opt(
    "--train-tuned",
    "train",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Train a tuned lens on half of the groups, compare it with the logit lens on the others, and keep it.",
)
@opt("--steps", type=click.IntRange(1), default=250, help="Steps of --train-tuned.")
@opt("--prompts", "limit_prompts", type=click.IntRange(4), default=400, help="Prompts for --train-tuned, at most.")
def lens(tuned: Path | None, train: Path | None, steps: int, limit_prompts: int, **options: Any) -> None:
    """The logit lens (or the tuned one): what a model would answer if it ended after each layer."""
    from harness.errors import UsageError
    from harness.lab.studies import lens_study

    if tuned and train:
        raise UsageError("--tuned reads translators and --train-tuned makes some", "give one of them")
    if train and options["align"]:
        raise UsageError("--align: --train-tuned looks at single prompts, not at pairs: there is nothing to align")
    lab, which = opened(options)
    if train:
        _train_tuned(lab, which, train, steps, limit_prompts, options)
    elif options["dry_run"]:
        echo(f"{which.limit} forward passes, one for each pair")
    else:
        show(lens_study(lab, which, tuned), options)


def _train_tuned(lab: Any, which: Any, path: Path, steps: int, limit: int, options: dict[str, Any]) -> None:
    from harness import display
    from harness.lab.prompts import Chosen
    from harness.lab.tensors import writable
    from harness.lab.tuned_study import tuned_study

    writable(path)
    if options["dry_run"]:
        echo(f"{steps} steps, each a forward pass of a batch of prompts and a backward one through each layer's "
             f"translator, and forward passes of half of {limit} prompts")  # fmt: skip
        return
    chosen = Chosen(which.task, which.seed, ("all",), limit)
    show(tuned_study(lab, chosen, path, steps, display.counting("steps")), options)
    echo(f"translators: {path} (harness lens --tuned {path})")


@cli.command()
@asked
@opt("--sites", multiple=True, default=("resid", "attn", "mlp", "head"), help="Kinds of sites (comma-separated).")
@opt("--how", "direction", multiple=True, default=("denoise",), help="denoise, noise (comma-separated).")
@opt(
    "--attribution",
    is_flag=True,
    help="Estimate every site by its gradient first; measure only the --top of each kind.",
)
@opt("--top", type=click.IntRange(1), default=10, help="Sites of each kind to show, and with --attribution to measure.")
def patch(sites: tuple[str, ...], direction: tuple[str, ...], attribution: bool, top: int, **options: Any) -> None:
    """Activation patching: which parts of a model carry the difference between two matched prompts of a task."""
    from harness.errors import UsageError
    from harness.lab.hooks import KINDS
    from harness.lab.studies import patch_study, sites_of

    kinds: Any = split(sites)
    hows: Any = split(direction)
    for given, known, flag in ((kinds, KINDS, "--sites"), (hows, ("denoise", "noise"), "--how")):
        wrong = [name for name in given if name not in known]
        if wrong or not given:
            raise UsageError(f"{flag}: '{', '.join(wrong)}' is none of {', '.join(known)}")
    lab, which = opened(options)
    if options["dry_run"]:
        found, _ = which.pairs(lab)
        each = [top * len(kinds) + 3 if attribution else len(sites_of(lab, p, kinds)) for p in found]
        echo(f"{len(hows) * sum(each)} forward passes for {len(found)} pairs")
        return
    show(patch_study(lab, which, kinds, hows, top, attribution), options)


@cli.command()
@opt("--model", "-m", required=True, help="tiny, hf/DIR (a Hugging Face directory) or hf/ORG/NAME.")
@opt("--tokens", type=click.IntRange(2), default=24, help="Random tokens, which then come again.")
@opt("--sequences", type=click.IntRange(1), default=8, help="How many of such prompts.")
@opt("--seed", type=int, default=0, help="Seed of the tokens.")
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="dtype, device, revision (repeatable).")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where studies are kept.")
def induction(tokens: int, sequences: int, **options: Any) -> None:
    """Induction heads: which heads look at what followed the same token the last time, and does repetition help?"""
    from harness.lab.circuit_study import induction_study

    show(induction_study(load(options), tokens, sequences, options["seed"]), options | {"task": ""})


@cli.command()
@asked
@opt("--tau", multiple=True, default=("0.1",), help="How much KL a cut may cost, in nats (comma-separated).")
@opt("--against", type=click.Path(path_type=Path), help="A known circuit: `sender -> receiver`, one a line.")
def circuit(tau: tuple[str, ...], against: Path | None, **options: Any) -> None:
    """Which connections between a model's parts an answer needs (ACDC), on the matched prompts of a task."""
    from harness import display
    from harness.errors import UsageError
    from harness.lab.circuit import Graph
    from harness.lab.circuit_study import circuit_study, known_edges

    if options["align"]:
        raise UsageError(
            "--align: a circuit needs prompts of one length: at a token without a partner no connection could be cut, "
            "and what differs would pass there",
            "harness lens, patch and components take prompts of different lengths",
        )
    try:
        taus = [float(value) for value in split(tau)]
    except ValueError:
        taus = []
    if not taus or not all(0 < t < 1e6 for t in taus):
        raise UsageError(f"--tau: {', '.join(tau)} is no number above 0")
    lab, which = opened(options)
    if options["dry_run"]:
        echo(f"{len(Graph(lab).edges()) * len(taus)} forward passes of up to {which.limit} prompts each")
        return
    known = known_edges(against) if against else []
    show(circuit_study(lab, which, taus, known, display.counting("connections tried")), options)
