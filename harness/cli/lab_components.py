"""harness components: a model as a sum of its parts. Needs the extra `lab`."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.group import cli, echo, opt
from harness.cli.lab import asked, opened, show


@cli.command()
@asked
@opt("--top", type=click.IntRange(1), default=10, help="Rows of each table; all are in rows.csv.")
@opt("--heads", type=click.IntRange(0), default=2, help="So many heads are split by what their values read.")
def components(top: int, heads: int, **options: Any) -> None:
    """What each part adds to an answer's logits (direct logit attribution), what each head copies, and which heads read
    which."""
    from harness.lab.components_study import FORWARDS, components_study

    lab, which = opened(options)
    if options["dry_run"]:
        echo(f"{FORWARDS * which.limit} forward passes at most; OV circuits and compositions take none")
        return
    show(components_study(lab, which, top, heads), options)
