"""Published items against fresh ones: `harness twins`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.group import RunCommand, cli, echo, note, opt, pairs, split, task_options, trust_option


@cli.command(cls=RunCommand)
@click.argument("targets", nargs=-1, required=True, metavar="TASK|RUN...")
@opt("--model", "-m", help="The model to ask: an alias, or BACKEND/NAME.")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where runs are kept.")
@task_options
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Option of the model (repeatable).")
@opt("-S", "--strategy-option", multiple=True, metavar="KEY=VALUE", help="Option of the strategy (repeatable).")
@opt("--control-pairs", type=click.IntRange(0), default=100,
     help="Pairs of the control, random sums in base 9 that nobody can know; 0 for none.")  # fmt: skip
@opt("--texts/--no-texts", default=True, 
     help="Also show the first part of each published text, and ask for the rest, and how likely it is.")  # fmt: skip
@trust_option
@opt("--dry-run", is_flag=True, help="Say how many calls and tokens it would take; send nothing.")
@opt("--display", type=click.Choice(["rich", "plain", "none"]), help="Progress.  [default: rich on a terminal]")
def twins(targets: tuple[str, ...], model: str | None, control_pairs: int, texts: bool, **options: Any) -> None:
    """Are the published items of TASK known by heart?

    Each published item is asked beside a fresh twin: a problem as hard, in the same words, which is not published. What
    a model does better on published items is the excess. Tasks: aiw, game24, arithmetic, hub/gsm8k, blocksworld and the
    other planning domains (-T instances=DIR: the instances of a folder, such as PlanBench's; else the default set). A
    task without published items, such as imagine, can't be asked: nobody can know its items by heart.

    Of tasks with published texts, the first part of each is shown, and the rest asked for. A model that says how likely
    a given text is (vllm/, embedded/, hf/) is given the real rest too, and that of the twin: the page has the mean
    log-probability a token of both, within pairs. Texts known by heart are likelier; so are common names and numbers.

    RUNs of `harness twins` are read, and only what they don't have is asked; without --model, nothing. A run that was
    cut off is finished by `harness run --resume RUN`.
    """
    from harness.cli.asking import ask_all
    from harness.errors import UsageError
    from harness.results.records import open_run
    from harness.studies import twins as study

    tasks, runs = _sorted_out(split(targets))
    if model is None and (tasks or options["dry_run"]):
        raise UsageError("--model is missing", f"for example: harness twins {' '.join(tasks) or 'aiw'} --model tiny")
    made: list[Any] = []
    worst = 0
    if model is not None:
        have = {(run.task, run.twins) for run in runs}
        wanted = _wanted(study, tasks, model, control_pairs, texts, options)
        missing = [config for config in wanted if (config.task, config.twins) not in have]
        made, worst = ask_all(missing, options, lambda _: None)
    for line in dict.fromkeys(line for finished in made for line in finished.notes):
        note(line, err=False)
    opened = [*runs, *(open_run(finished.directory) for finished in made)]
    if opened:
        order = {"questions": 0, "control": 1, "texts": 2, "likelihood": 3}
        read = sorted((study.read(run) for run in opened), key=lambda arms: order[arms.run.twins])
        echo("\n" + study.page(read))
    if made:
        note("the page again: harness twins " + " ".join(str(run.directory) for run in opened), err=False)
    sys.exit(worst)


def _sorted_out(targets: list[str]) -> tuple[list[str], list[Any]]:
    """(tasks, runs) of what was named."""
    from harness import plugins
    from harness.pipeline import store
    from harness.results.records import open_run

    tasks = [name for name in targets if plugins.is_task(name)]
    return tasks, [open_run(store.find_run(name)) for name in targets if name not in tasks]


def _wanted(
    study: Any, tasks: list[str], model: str, control_pairs: int, texts: bool, options: dict[str, Any]
) -> list[Any]:
    """The runs of a study of these tasks."""
    from harness.launch import cannot_score_text, select_options
    from harness.models.registry import open_model
    from harness.pipeline.config import OPTIONS, configure

    asked = {option.name: options[option.name] for option in OPTIONS}
    of_model, of_strategy = pairs(options, "model_option", "-M"), pairs(options, "strategy_option", "-S")
    by_task = select_options(tasks, pairs(options, "task_option", "-T")) if tasks else {}
    found = []
    for task in tasks:
        config = configure(task, model, asked, by_task[task], of_model, of_strategy)
        likely = texts and not cannot_score_text(open_model(config.model, config.model_options))
        found += study.configs(config, texts, likely)
    if control_pairs:
        base = configure(study.CONTROL, model, asked, {}, of_model, of_strategy)
        found.append(study.control(base, control_pairs))
    return found
