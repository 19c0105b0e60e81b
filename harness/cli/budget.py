"""The gap as a function of thinking: `harness budget`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from harness.cli.group import (
    RunCommand,
    cli,
    echo,
    echo_value,
    note,
    opt,
    pairs,
    task_options,
    trust_option,
)


@cli.command(cls=RunCommand)
@click.argument("what", metavar="TASK|RUN")
@opt("--model", "-m", help="The model to ask: an alias, or BACKEND/NAME.")
@opt("--at", help="Budgets in tokens, as 64,128,256.  [default: 8, each twice the one before, up to --thinking-tokens "
     "or else --max-tokens]")  # fmt: skip
@opt("--close", help=r"What ends the thinking, as \n</think>\n\n (its default); \n is a line end.")
@opt("--ask", help="What the answer then begins with.  [default: Final answer:]")
@opt("--answer-tokens", type=click.IntRange(1, 4096), help="Most tokens of an early answer.  [default: 32]")
@opt("--check", type=click.IntRange(1, 3), help="Ask truly again at so many budgets, with --thinking-tokens.")
@opt("--picture", type=click.Path(path_type=Path), help="Draw the curve: a .png, .svg or .pdf file.")
@click.option("--json", "as_json", is_flag=True, help="The tables as JSON.")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where runs are kept.")
@task_options
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Option of the model (repeatable).")
@opt("-S", "--strategy-option", multiple=True, metavar="KEY=VALUE", help="Option of the strategy forced (repeatable).")
@trust_option
@opt("--dry-run", is_flag=True, help="Say how many calls and tokens it would take at most; send nothing.")
@opt("--display", type=click.Choice(["rich", "plain", "none"]), help="Progress.  [default: rich on a terminal]")
def budget(what: str, model: str | None, as_json: bool, picture: Path | None, **options: Any) -> None:
    """Accuracy and the gap by budget of thinking, from one trace of each sample.

    Each sample is asked once, with all the room there is. Then its thinking is cut at several budgets, closed, and the
    answer asked for: the points of the curve differ in nothing but the cut. The server must show its thinking and
    continue an answer that is begun (vLLM does both). RUN is a run of the strategy `forced` that there is already:
    then nothing is asked, and --check does not apply.
    """
    from harness import plugins
    from harness.errors import UsageError
    from harness.pipeline import store
    from harness.results.records import open_run
    from harness.studies import budget as study

    if not plugins.is_task(what):
        if model is not None or options["check"]:
            raise UsageError(f"{what} is no task, and to a run --model and --check do not apply", "`harness tasks`")
        _show(study.study(open_run(store.find_run(what))), [], picture, as_json)
        return
    if model is None:
        raise UsageError("--model is missing", f"for example: harness budget {what} --model vllm/Qwen/Qwen3-8B")
    sys.exit(_ask(what, model, options, picture, as_json))


def _ask(task: str, model: str, options: dict[str, Any], picture: Path | None, as_json: bool) -> int:
    """Make the run, and those that check it; show what they say. Returns the exit code."""
    from harness import plugins
    from harness.cli.asking import ask_all, notes_of
    from harness.errors import UsageError
    from harness.pipeline.config import OPTIONS, configure
    from harness.pipeline.questions import sampling_of
    from harness.results.records import open_run
    from harness.studies import budget as study

    if options["strategy"] not in ("io", study.STRATEGY):
        raise UsageError(f"--strategy {options['strategy']}: this command has a strategy of its own, {study.STRATEGY}")
    asked = {option.name: options[option.name] for option in OPTIONS} | {"strategy": study.STRATEGY}
    own = pairs(options, "strategy_option", "-S")
    own |= {name: str(options[name]) for name in ("at", "close", "ask", "answer_tokens") if options[name] is not None}
    of_task, of_model = pairs(options, "task_option", "-T"), pairs(options, "model_option", "-M")
    config = configure(task, model, asked, of_task, of_model, own)
    configs = [config]
    if options["check"]:
        strategy: Any = plugins.strategy(study.STRATEGY, own)
        sampling = sampling_of(plugins.task(config.task, config.task_options), config)
        for b in study.check_points(strategy.budgets(sampling), options["check"]):
            asked_again = asked | {"strategy": "io", "thinking_tokens": b}
            configs.append(configure(task, model, asked_again, of_task, of_model, {}))
    runs, worst = ask_all(configs, options, notes_of)
    found = {run.config.strategy: run for run in runs}
    if study.STRATEGY not in found:
        return worst
    try:
        made = study.study(open_run(found[study.STRATEGY].directory))
    except UsageError as error:
        if not worst:
            raise
        note(error.message)  # it was cut off before its first answer
        return worst
    checked = []
    for run in runs:
        limit = run.config.sampling.thinking_tokens
        if run.config.strategy == "io" and limit in made.budgets:
            checked.append(study.check(made, limit, open_run(run.directory).records()))
    _show(made, [one for one in checked if one], picture, as_json)
    return worst


def _show(made: Any, checked: Sequence[Any], picture: Path | None, as_json: bool) -> None:
    from harness.studies import budget as study
    from harness.studies import budget_tables

    tables = budget_tables.tables(made) + ([budget_tables.checks(checked)] if checked else [])
    said = [str(course) for course in study.courses(made)]
    told = budget_tables.notes(made)
    if as_json:
        value: Mapping[str, Any] = {"run": str(made.run.directory), "says": said, "notes": told}
        echo_value({**value, "tables": [table.as_json() for table in tables]})
    else:
        for table in tables:
            echo("\n" + table.render())
        echo("")
        for line in said:
            echo(line)
        for line in told:
            note(line, err=False)
    if made.run.status != "complete":
        note(f"{made.run.directory} is {made.run.status}: these are not all of its answers")
    if picture:
        from harness.report import plots

        curves = made.levels()
        if curves:
            plots.save_one(plots.by_budget(curves), picture)
            echo(f"picture: {picture}", err=as_json)
        else:
            note("nothing to draw: no answer has a verdict")
