"""`harness falsify`: where a model breaks most, found by a search and proved on fresh groups."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import click

from harness.cli.group import RunCommand, cli, echo, echo_value, note, opt, pairs, task_options, trust_option


class StudyCommand(RunCommand):
    """A command with the options of a run, except for those that a study decides itself."""

    @cached_property
    def run_options(self) -> list[click.Parameter]:
        """One click option for each entry of OPTIONS that is left to the user."""
        from harness.studies.falsify import DECIDED

        return [option for option in super().run_options if option.name not in DECIDED]


@cli.command(cls=StudyCommand)
@click.argument("task", required=False)
@opt("--model", "-m", help="The model to ask: an alias, or BACKEND/NAME.")
@opt("--budget-calls", type=click.IntRange(1), default=2000, help="Most calls, of search and confirmation together.")
@opt("--factor", default="", help="The factor whose levels are compared.  [default: the task's main one]")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where studies are kept.")
@task_options
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Option of the model (repeatable).")
@opt("-S", "--strategy-option", multiple=True, metavar="KEY=VALUE", help="Option of the strategy (repeatable).")
@opt("--resume", type=click.Path(path_type=Path), help="Go on with this study, or show one that is complete.")
@trust_option
@opt("--dry-run", is_flag=True, help="List the points and say how many calls it would take; send nothing.")
@opt("--display", type=click.Choice(["rich", "plain", "none"]), help="Progress.  [default: rich on a terminal]")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def falsify(task: str | None, model: str | None, resume: Path | None, as_json: bool, **options: Any) -> None:
    """Search TASK's options for the point at which the model breaks most, then prove it on fresh groups.

    A point is a condition of the task (its other factors and options held) less its reference in the same groups.
    Options that know the word `all` are searched in all their values; -T narrows them, and gives several values to an
    option that takes one: -T digits=2,3. Successive halving finds the worst point. It is frozen (freeze.json) and asked
    anew on groups that the search has not seen: only that is evidence. 75% of the calls are for the search.

    A task with few groups is halved between search and confirmation: what is confirmed then holds for those groups.
    """
    from harness import display
    from harness.errors import UsageError
    from harness.options import parse_pairs
    from harness.pipeline.config import OPTIONS, configure
    from harness.studies import falsify as study
    from harness.studies.found import Order, lines
    from harness.studies.found import as_json as told
    from harness.types import ModelOptions

    context = click.get_current_context()
    command_line = click.core.ParameterSource.COMMANDLINE
    given_here = {name for name in context.params if context.get_parameter_source(name) is command_line}
    show = options["display"] or display.default()
    if resume is not None:
        repeatable = {"resume", "display", "as_json", "base_url", "api_key_env", "model_option"}
        if refused := sorted(given_here - repeatable):
            names = ", ".join("--" + name.replace("_", "-") for name in refused)
            raise UsageError(f"--resume goes on as the study was asked for: it does not take {names}")
        here = {name: options[name] for name in repeatable & given_here if name in options}
        extra = parse_pairs(here.get("model_option", ()), "-M")
        repeated = ModelOptions(here.get("base_url"), here.get("api_key_env"), extra=extra)
        directory, found = study.resume(resume, show, repeated)
    else:
        if not task or not model:
            missing = "TASK" if not task else "--model"
            raise UsageError(f"{missing} is missing", "for example: harness falsify aiw --model tiny")
        asked = {option.name: options[option.name] for option in OPTIONS if option.name not in study.DECIDED}
        of_strategy = pairs(options, "strategy_option", "-S")
        of_task, of_model = pairs(options, "task_option", "-T"), pairs(options, "model_option", "-M")
        config = configure(task, model, asked, of_task, of_model, of_strategy)
        order = Order(config, options["budget_calls"], options["factor"])
        if options["dry_run"]:
            for line in study.plan(order).lines():
                echo(line)
            return
        directory, found = study.start(order, options["out"], show)
    if as_json:
        echo_value({**told(found), "directory": str(directory)})
        return
    echo("\n" + "\n".join(lines(found)))
    for line in found.notes:
        note(line, err=False)
    echo(f"\nstudy: {directory}")
