"""harness context: small decoders beyond the length that they were trained at. Needs the extra `lab`."""

from __future__ import annotations

from pathlib import Path

import click

from harness.cli.group import cli, echo, opt
from harness.cli.lab import show


@cli.command()
@opt("--length", type=click.IntRange(32, 128), default=32, help="Tokens that the models are trained at.")
@opt("--steps", type=click.IntRange(1, 100_000), default=600, help="Steps of training (ALiBi: three times as many).")
@opt("--seeds", type=click.IntRange(1, 100), default=2, help="Models of each kind.")
@opt("--sequences", type=click.IntRange(8, 10_000), default=128, help="Strings that are asked at each length.")
@opt("--tuning", type=click.IntRange(1, 10_000), default=30, help="Steps of tuning for the scalings of RoPE.")
@opt("--seed", type=int, default=0, help="Seed of weights and strings.")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where studies are kept.")
@opt("--dry-run", is_flag=True, help="Say how many forward passes it would take.")
def context(out: Path, dry_run: bool, **options: int) -> None:
    """Length extrapolation: RoPE (as it is, PI, NTK, YaRN), ALiBi, sinusoids and LongNet, trained here at one length
    and asked at up to eight times that length."""
    from harness import display
    from harness.lab.context_study import Plan, context_study
    from harness.lab.models import need_torch

    plan = Plan(**options)
    if dry_run:
        echo(f"{plan.passes} forward passes of models with {plan.words()['model']}, most of them steps of training")
        return
    need_torch()
    told = display.counting("forward passes")
    done = 0

    def step() -> None:
        nonlocal done
        done += 1
        told(done, plan.passes)

    show(context_study(plan, step), {"out": out, "task": "", "model": "small"})
