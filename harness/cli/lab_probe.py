"""Look for features inside a model: probe, sae, patchscope. Needs the extra `lab`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from harness.cli.group import cli, echo, opt, pairs, split
from harness.cli.lab import asked, load, modelled, opened, show

prompted = modelled(
    opt("--condition", "conditions", multiple=True,
        help="Conditions whose prompts are taken (comma-separated), or all [default: the task's first one]."),
    opt("--limit", type=click.IntRange(4), default=400, help="Prompts, at most."),
)  # fmt: skip
"""The options of a command that looks at many prompts, split by groups."""


def chosen(options: dict[str, Any]) -> Any:
    """Which prompts the options name."""
    from harness import plugins
    from harness.lab.prompts import Chosen

    task = plugins.task(options["task"], pairs(options, "task_option", "-T"))
    return Chosen(task, options["seed"], tuple(split(options["conditions"])), options["limit"])


@cli.command()
@prompted
@opt("--label", required=True, metavar="PARAM", help="What to look for: a param of the task's samples.")
@opt("--at", default="last", help="Where: last, a position, `stated` (where the prompt states it) or text:WORDS.")
@opt("--site", type=click.Choice(["resid", "attn", "mlp"]), default="resid", help="Of which activations.")
@opt("--types", default="auto", help="What the control labels: token, word, a param, or auto.")
@opt("--rank", type=click.IntRange(1), help="Rank of the probe's weights (default: full).")
@opt("--l2", "penalty", type=click.FloatRange(min=0), help="Penalty on them (default: chosen in the groups to fit).")
@opt("--draws", type=click.IntRange(2), default=5, help="How often the control's labels are drawn.")
def probe(
    label: str, at: str, site: Any, types: str, rank: int | None, penalty: float | None, draws: int, **options: Any
) -> None:
    """Linear probes with a control task: at which layers can a param of the samples be read?"""
    from harness import display
    from harness.lab.probe_study import Wanted, probe_study

    which, lab = chosen(options), load(options)
    if options["dry_run"]:
        echo(f"{which.limit} forward passes at most, one for each prompt; no gradient through the model")
        return
    wanted = Wanted(label, site, at, types, rank, penalty, draws)
    show(probe_study(lab, which, wanted, display.counting("layers")), options)


@cli.group()
def sae() -> None:
    """Sparse autoencoders: features of a layer's residual stream, trained, evaluated and set to a value."""


@sae.command()
@prompted
@opt("--layer", type=click.IntRange(0), required=True, help="The layer whose input is taken apart.")
@opt("--to", "path", type=click.Path(path_type=Path), required=True, help="The file to make (.safetensors).")
@opt("--features", type=click.IntRange(1, 2**20), default=1024, help="How many directions.")
@opt("--l1", type=click.FloatRange(min=0), default=1.0, help="Penalty on the sum of the features.")
@opt("--top", type=click.IntRange(1), help="Keep so many features of each position, in place of a penalty (TopK).")
@opt(
    "--revive",
    type=click.FloatRange(0),
    default=0.0,
    help="With --top: weight of a loss that brings dead features back (AuxK; in its paper 0.03125).",
)
@opt("--steps", type=click.IntRange(1), default=1000, help="Steps of 256 positions.")
def train(
    layer: int, path: Path, features: int, l1: float, top: int | None, revive: float, steps: int, **options: Any
) -> None:  # fmt: skip
    """Train one on half of the groups of a task's prompts, and evaluate it on the others."""
    from harness import display
    from harness.errors import UsageError
    from harness.lab.sae import Recipe
    from harness.lab.sae_study import train_study
    from harness.lab.tensors import writable

    writable(path)
    if revive and top is None:
        raise UsageError("--revive is for --top alone: with a penalty a dead feature has no gradient")
    which, lab = chosen(options), load(options)
    if options["dry_run"]:
        echo(f"{which.limit} forward passes at most to gather, {steps} steps of the autoencoder alone, and "
             f"{5 * which.limit // 2} forward passes to evaluate")  # fmt: skip
        return
    recipe = Recipe(features, l1, top, steps, seed=options["seed"], revive=revive)
    show(train_study(lab, which, layer, recipe, path, display.counting("steps")), options)


FILE = opt("--sae", "path", type=click.Path(path_type=Path), required=True, help="What `harness sae train` has made.")


@sae.command(name="eval")
@prompted
@FILE
@opt("--feature", "features", type=click.IntRange(0), multiple=True, help="Show examples of these (repeatable).")
def evaluate(path: Path, features: tuple[int, ...], **options: Any) -> None:
    """How well one rebuilds the stream, and at which tokens its features fire."""
    from harness.lab.sae import read
    from harness.lab.sae_study import eval_study

    which, lab = chosen(options), load(options)
    made = read(lab, path)
    if options["dry_run"]:
        echo(f"{6 * which.limit // 2} forward passes at most")
        return
    show(eval_study(lab, which, made, str(path), features), options)


@sae.command()
@asked
@FILE
@opt("--feature", type=click.IntRange(0), required=True, help="Which feature.")
@opt("--factor", type=float, default=5.0, help="It is set to so many times its maximum in training.")
@opt("--draws", type=click.IntRange(2), default=20, help="Random directions of the same norm, to compare with.")
def steer(path: Path, feature: int, factor: float, draws: int, **options: Any) -> None:
    """Set a feature to a value: what becomes of the answers to matched prompts?"""
    from harness.lab.sae import read
    from harness.lab.sae_study import steer_study

    lab, which = opened(options)
    made = read(lab, path)
    if options["dry_run"]:
        echo(f"{which.limit * (draws + 2)} forward passes at most")
        return
    show(steer_study(lab, which, made, str(path), feature, factor, draws), options)


@cli.command()
@prompted
@opt("--at", default="last", help="Where the stream is read: last, a position or text:WORDS.")
@opt(
    "--target",
    default="identity",
    metavar="TEXT",
    help="A text whose last token gives way, identity (a text that repeats words), or itself (the prompt read).",
)
@opt("--target-layer", default="same", help="The layer into which it is put: same, end or a number.")
@opt("--tokens", type=click.IntRange(1, 256), default=8, help="Tokens that the target then says, at most.")
def patchscope(at: str, target: str, target_layer: str, tokens: int, **options: Any) -> None:
    """The residual stream of a task's prompts, put into another prompt: what does that one say?"""
    from harness.lab.patchscope_study import Scope, layers, patchscope_study

    which, lab = chosen(options), load(options)
    scope = Scope(at, target, target_layer, tokens)
    if options["dry_run"]:
        echo(f"{which.limit * (2 + len(layers(lab, scope)) * tokens)} forward passes at most")
        return
    show(patchscope_study(lab, which, scope), options)
