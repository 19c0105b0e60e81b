"""Look for features inside a model: probe, sae, patchscope. Needs the extra `lab`."""

from __future__ import annotations

from typing import Any

import click

from harness.cli.group import cli, echo, opt, pairs, split
from harness.cli.lab import load, modelled, show

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
