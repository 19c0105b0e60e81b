"""`harness localise`: from a gap between two worlds to the place in the model, and back."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.group import cli, echo, opt, split
from harness.cli.lab import asked, opened, place, show


@cli.command()
@asked
@opt("--sites", multiple=True, default=("resid",), help="Kinds of sites: resid, attn, mlp, head (comma-separated).")
@opt("--enough", type=click.FloatRange(0, 1), default=0.8, help="Add sites until this share of the gap is closed.")
@opt("--top", type=click.IntRange(1), default=4, help="Sites, at most.")
@opt("--draws", type=click.IntRange(1), default=5, help="Draws of as many random sites.")
@opt("--max-tokens", type=click.IntRange(1), default=64, help="Tokens of an answer, at most.")
def localise(sites: tuple[str, ...], enough: float, top: int, draws: int, max_tokens: int, **options: Any) -> None:
    """Where a gap between two worlds sits in a model: chosen on half of the groups, confirmed on the other half."""
    from harness.errors import UsageError
    from harness.lab.hooks import KINDS
    from harness.lab.localise_study import Settings, forwards, localise_study

    kinds: Any = list(dict.fromkeys(split(sites)))
    wrong = [name for name in kinds if name not in KINDS]
    if wrong or not kinds:
        raise UsageError(f"--sites: '{', '.join(wrong)}' is none of {', '.join(KINDS)}")
    if options["align"]:
        raise UsageError("--align: localise takes prompts of different lengths without it, and counts places from "
                         "their ends")  # fmt: skip
    settings = Settings(kinds, enough, top, draws, max_tokens)
    lab, which = opened(options)
    if options["dry_run"]:
        passes, pairs = forwards(lab, which, settings)
        echo(f"at most {passes} forward passes for {pairs} pairs")
        return
    directory = place("localise", options)
    show(localise_study(lab, which, settings, directory), options, directory)
