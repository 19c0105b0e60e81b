"""What a run is to show, written down before it: `harness claim`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any

import click

from harness.cli.group import RunCommand, cli, echo, opt, pairs, rule_option, task_options, with_rule


@cli.command(cls=RunCommand)
@opt("--task", "-t", required=True, help="The task that the run will ask.")
@opt("--model", "-m", required=True, help="The model that it will ask.")
@task_options
@opt("-S", "--strategy-option", multiple=True, metavar="KEY=VALUE", help="Option of the strategy (repeatable).")
@rule_option
@opt("--contrast", required=True, metavar="'LEVEL - REFERENCE'",
     help="The gap, as tables print it; with `FACTOR: ` before it if several factors have it.")  # fmt: skip
@opt("--expect", type=click.Choice(["lower", "higher", "different", "same"]), required=True,
     help="Lower than -margin, higher than margin, one of the two, or between them.")  # fmt: skip
@opt("--margin", type=click.FloatRange(0, 1, max_open=True), default=0.0, help="How far from 0, in accuracy.")
@opt("--alpha", type=click.FloatRange(0, 0.5, min_open=True, max_open=True), default=0.05,
     help="How often a claim that is false may be shown.")  # fmt: skip
@opt("--to", "target", type=click.Path(path_type=Path), default=Path("claim.json"), help="The file to write.")
def claim(target: Path, contrast: str, expect: Any, margin: float, alpha: float, **options: Any) -> None:
    """Write down what a run is to show, with its hash, before it is asked: `harness run --claim FILE` then says whether
    it is shown. All else that a run shows is exploratory.

    Takes the options of `harness run` that decide what is asked; the run must be given the same.
    """
    from datetime import UTC, datetime

    from harness import launch
    from harness.errors import HarnessError, UsageError, cause
    from harness.files import json_line
    from harness.pipeline.config import OPTIONS, configure
    from harness.results import claims
    from harness.text import printable

    if target.exists():
        raise UsageError(f"{target} exists already: a claim is not made over another", "give another --to")
    given = with_rule(pairs(options, "task_option", "-T"), options["rule"])
    asked = {option.name: options[option.name] for option in OPTIONS}
    strategy_options = pairs(options, "strategy_option", "-S")
    config = configure(options["task"], options["model"], asked, given, {}, strategy_options)
    task = launch.prepare(config)[0]
    made = claims.claim(config, task, contrast, expect, margin, alpha, datetime.now(UTC).isoformat(timespec="seconds"))
    try:
        with target.open("xb") as file:
            file.write(json_line(made.as_json()))
    except OSError as error:
        raise HarnessError(f"{target} can't be written: {cause(error)}") from None
    echo(printable(f"claimed: {made}, alpha {alpha:g}, {made.records} answers of {config.model}"))
    echo(f"sha256: {made.sha256}\nPublish the hash (a commit, a mail) if others are to believe that it came first.")
    echo(f"ask it with the same options and --claim {shlex.quote(str(target))}")
