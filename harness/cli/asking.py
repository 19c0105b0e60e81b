"""Commands that make samples and answers: run, score, import, validate, show."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click

from harness.cli.group import (
    EXIT_INCOMPLETE,
    RunCommand,
    cli,
    echo,
    echo_json,
    echo_value,
    message,
    model_args,
    note,
    opt,
    pairs,
    read_config_file,
    rule_option,
    show_error,
    split,
    task_options,
    trust_option,
    with_rule,
)


@cli.command(cls=RunCommand)
@opt(
    "--task",
    "-t",
    "--tasks",
    multiple=True,
    help="Task(s), comma-separated or repeated; `all` for every installed one.",
)
@opt("--model", "-m", multiple=True, help="Model(s): an alias, or BACKEND/NAME. See `harness models`.")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where runs are kept.")
@task_options
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Option of the model (repeatable).")
@opt("--model-args", metavar="KEY=VALUE,...", help="As several -M, in the spelling of lm-evaluation-harness.")
@opt("-S", "--strategy-option", multiple=True, metavar="KEY=VALUE", help="Option of the strategy (repeatable).")
@rule_option
@opt("--claim", type=click.Path(path_type=Path), help="What this run is to show: a file that `harness claim` wrote.")
@opt("--resume", type=click.Path(path_type=Path), help="Finish this run; no other option is needed, as a rule.")
@trust_option
@opt("--dry-run", is_flag=True, help="Say how many calls and tokens it would take; send nothing.")
@opt("--display", type=click.Choice(["rich", "plain", "none"]), help="Progress.  [default: rich on a terminal]")
@opt("--config", type=click.Path(path_type=Path), is_eager=True, expose_value=False, callback=read_config_file,
     help="TOML file with any of these options.")  # fmt: skip
def run(**options: Any) -> None:
    """Run tasks on models, print the table, leave a run directory."""
    from harness import display, launch, plugins
    from harness.errors import UsageError
    from harness.options import parse_pairs
    from harness.pipeline.config import OPTIONS, configure
    from harness.pipeline.store import find_run
    from harness.types import ModelOptions

    if options["resume"]:
        show = options["display"] or display.default()
        context = click.get_current_context()
        given_here = [p for p in options if context.get_parameter_source(p) is click.core.ParameterSource.COMMANDLINE]
        repeatable = {"base_url", "api_key_env", "model_option"}
        refused = sorted(set(given_here) - {"resume", "out", "display", "budget_tokens"} - repeatable)
        if refused:
            names = ", ".join("--" + name.replace("_", "-") for name in refused)
            raise UsageError(f"--resume finishes a run as it was asked: it does not take {names}")
        changes = {"budget_tokens": options["budget_tokens"]} if options["budget_tokens"] else {}
        here = {name: options[name] for name in given_here}
        repeated = ModelOptions(
            here.get("base_url"), here.get("api_key_env"), extra=parse_pairs(here.get("model_option", ()), "-M")
        )
        finished = launch.resume(find_run(options["resume"], options["out"]), show, repeated, tables_of, **changes)
        sys.exit(_ending(finished))

    tasks, models = split(options["task"]), split(options["model"])
    tasks = list(plugins.installed("tasks")) if tasks == ["all"] else tasks
    if not tasks or not models:
        missing = "--task" if not tasks else "--model"
        raise UsageError(f"{missing} is missing", "for example: harness run --task aiw --model tiny")
    given = with_rule(pairs(options, "task_option", "-T"), options["rule"])
    by_task = launch.select_options(tasks, given)
    asked = {option.name: options[option.name] for option in OPTIONS}
    model_options = model_args(options["model_args"]) if options["model_args"] else {}
    model_options |= pairs(options, "model_option", "-M")
    strategy_options = pairs(options, "strategy_option", "-S")
    configs = [
        configure(task, model, asked, by_task[task], model_options, strategy_options)
        for model in models
        for task in tasks
    ]
    claim = None
    if options["claim"]:
        from harness.results import claims

        if len(configs) > 1:
            raise UsageError("--claim is about one run: one task, one model")
        claim = claims.read(options["claim"])
        claims.fits(claim, configs[0], launch.prepare(configs[0])[0])
    runs, worst = ask_all(configs, options, tables_of, claim=claim)
    if len(runs) > 1:
        _overview(runs)
    sys.exit(worst)


def ask_all(
    configs: list[Any],
    options: Mapping[str, Any],
    show: Callable[[Any], None],
    ended: Callable[[Any], None] = lambda _: None,
    claim: Any = None,
) -> tuple[list[Any], int]:
    """Make these runs one after the other, and say how each ended: (those that have answers, the exit code). `show` is
    given a run before the files of its end are written, `ended` when they are; `claim` is what the one run is
    to show. With the option `dry_run` only the cost is said."""
    from harness import display, launch
    from harness.errors import ModelError
    from harness.models import registry
    from harness.types import Checked

    # Open all of them first: an error in the last one should not appear after hours spent on the first.
    opened = [launch.prepare(config)[2] for config in configs]
    if options["dry_run"]:
        dry_run(configs)
        return [], 0
    for model in opened:
        if isinstance(model, Checked):
            model.check()
    runs, worst = [], 0
    with registry.shared(list(dict.fromkeys(config.model for config in configs))):
        for config in configs:
            try:
                finished = launch.start(config, options["out"], options["display"] or display.default(), show, claim)
            except ModelError as error:
                if len(configs) == 1:
                    raise
                show_error(error)  # another model, or another task, may get answers
                worst = max(worst, error.exit_code)
                continue
            worst = max(worst, _ending(finished))
            ended(finished)
            runs.append(finished)
            if finished.result.status == "interrupted":
                break  # Ctrl-C ends all runs, not only this one
    return runs, worst


def tables_of(finished: Any) -> None:
    """Print a run's tables and notes. They need no disk, so they come before the files that do."""
    from harness.text import printable

    config, progress = finished.config, finished.result.progress
    what = f"{config.task} (version {finished.task.version}), {config.model}, strategy {config.strategy}"
    echo(f"\n{printable(what)}, seed {config.seed}: {progress.done} of {progress.total} records")
    if progress.done:
        _show(finished.tally)
    notes_of(finished)


def notes_of(finished: Any) -> None:
    """Print what a reader of a run's table should know."""
    for line in finished.notes:
        note(line, err=False)


def _ending(finished: Any) -> int:
    """Say where a run is, and return the exit code."""
    from harness.launch import resume_command

    result, config = finished.result, finished.config
    echo(f"\nrun: {finished.directory}")
    if result.status == "complete":
        return 0
    message(f"not complete: {result.reason}")
    more = f" {result.resume_with}" if result.resume_with else ""
    echo(f"finish it with: {resume_command(finished.directory, config)}{more}", err=True)
    return EXIT_INCOMPLETE


def _overview(runs: list[Any]) -> None:
    """Print the runs that were just made side by side."""
    from harness.results.labels import labels
    from harness.results.records import open_run
    from harness.results.tables import apart, render_overview

    names = labels([open_run(run.directory) for run in runs])
    counted = [(name, run.tally.contrasts) for name, run in zip(names, runs, strict=True)]
    echo(f"\n{len(runs)} runs\n" + apart(counted, lambda one: "oracle" in one[1].aids, render_overview))


def _show(tally: Any) -> None:
    """Print a run's tables: conditions and gaps, then the task's own."""
    from harness.results import tables

    echo("\n" + tables.render_contrasts(tally.contrasts))
    for table in tally.tables():
        echo("\n" + table.render())


def dry_run(configs: list[Any]) -> None:
    from harness import launch
    from harness.models.registry import cost

    for config in configs:
        e = launch.estimate(config)
        least, most = (cost(config.model, e.prompt_tokens, tokens) for tokens in (0, e.completion_tokens))
        paid = "" if least is None or most is None else f", ${least:.2f} to ${most:.2f}"
        asked = f"({e.samples} samples + {e.controls} controls)" if e.controls else f"{e.samples} samples"
        echo(
            f"{config.task}, {config.model}: {asked} x {e.epochs} epochs"
            f"{' = ' if e.calls == (e.samples + e.controls) * e.epochs else ', at most '}{e.calls} "
            f"{'calls' if e.bounded else 'calls at least'}, about {e.prompt_tokens} prompt tokens, at most "
            f"{e.completion_tokens} completion tokens if every answer ran to its limit{paid}; nothing was sent"
        )


@cli.command()
@opt("--task", "-t", required=True, help="The task that the responses answer.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write; a new directory for a run.")
@task_options
@rule_option
def score(task: str, source: Path, output: Path | None, task_option: tuple[str, ...], rule: str | None) -> None:
    """Score responses in a JSONL file (.gz too) or in a run directory, without any model."""
    from harness import plugins, twins
    from harness.options import parse_pairs
    from harness.pipeline import store
    from harness.results import rescore

    given = with_rule(parse_pairs(task_option, "-T"), rule)
    if source.is_dir():
        directory = store.find_run(source)
        run = rescore.run_of(directory, task)
        made = twins.arms(plugins.task(task, run.config.get("task_options", {}) | given), run.twins)
        _show(rescore.score_run(made, given, directory, output))
        if output is not None:
            echo(f"\nrun: {output}")
        return
    made = plugins.task(task, given)
    scored = rescore.score_file(made, source, output)
    counts = ", ".join(f"{n} {outcome}" for outcome, n in scored.outcomes.most_common())
    echo(f"{scored.outcomes.total()} responses: {counts}", err=True)
    if scored.other_versions:
        note(rescore.version_note(made, scored.other_versions))


@cli.command("import")
@click.argument("format")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--with", "extra", multiple=True, metavar="KEY=VALUE", help="What the format needs beside the file.")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where runs are kept.")
def import_(format: str, files: tuple[Path, ...], extra: tuple[str, ...], out: Path) -> None:
    """Make runs of answers that other programs have collected.

    FORMAT is prompts (lines of `harness show --json` with a response), lm-eval (samples_*.jsonl of --log_samples),
    inspect (.eval, .json), or a published one: planbench, aiw, game24. --with model=NAME names the model.

    Answers to prompts of an installed task (`harness show TASK --json`) are scored by it. Others keep the verdict of
    their log, and the run says so: --with metric=exact_match --with filter=strict-match choose which (lm-eval), --with
    scorer=NAME (inspect).
    """
    from harness.options import parse_pairs
    from harness.results import importing
    from harness.text import printable

    for file in files:
        for made in importing.import_file(format, file, parse_pairs(extra, "--with"), out):
            answers = made.tally.contrasts.total.samples
            about = f"{made.config.task}, {made.config.model}, strategy {made.config.strategy}"
            echo("\n" + printable(f"{about}: {answers} answers of {file.name}"))
            _show(made.tally)
            echo("")
            for line in made.notes:
                note(line, err=False)
            if made.judged:
                echo(f"same verdict as in the file: {made.agree} of {made.judged}")
            echo(f"run: {made.directory}")


@cli.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="DOMAIN PROBLEM PLAN")
@click.option("--batch", type=click.Path(path_type=Path), help='JSON lines {"domain", "problem", "plan"} (PDDL texts).')
@click.option("-o", "--output", type=click.Path(path_type=Path), help="With --batch: where to write.")
@opt("--cross-check", type=click.Choice(["val", "unified-planning", "pddl"]), help="Ask this validator too.")
def validate(files: tuple[Path, ...], batch: Path | None, output: Path | None, cross_check: Any) -> None:
    """Check a plan: execute it, and name the first step that fails and the facts it lacks. Exit code 1 if invalid,
    2 if a file can't be read.

    --cross-check shows another validator's verdict beside ours; ours decides. Known differences: VAL accepts an extra
    argument if parameters have no types, crashes on a missing argument, and may overlook unknown objects and text
    before the first action; unified-planning can read neither such plans nor comments behind an action. VAL is the
    program Validate on the PATH, or the one that HARNESS_VAL names. The package pddl executes no plans: it only reports
    whether it can read the domain and the problem.
    """
    from harness.errors import UsageError
    from harness.pddl import validation
    from harness.pddl.parse import PDDLError

    if batch is not None:
        if files:
            raise UsageError("give either --batch FILE or DOMAIN PROBLEM PLAN")
        tally = validation.validate_batch(batch, output, cross_check)
        reasons = ", ".join(f"{n} {r}" for r, n in tally.reasons.most_common())
        echo(f"{tally.reasons.total()} plans: {reasons}", err=True)
        if cross_check:
            echo(f"{cross_check}: differs on {tally.differ}, no verdict on {tally.silent}", err=True)
        return
    if len(files) != 3:
        raise UsageError("three files are needed: DOMAIN PROBLEM PLAN", "or --batch FILE")
    texts = validation.read_files(*files)
    try:
        verdict = validation.validate_one(*texts)
    except PDDLError as error:
        raise UsageError(error.message, error.hint) from None
    for line in validation.notes(texts[0]):
        note(line)
    echo(validation.explain(verdict))
    if cross_check:
        opinion = validation.second_opinion(cross_check, *texts)
        echo(validation.explain_opinion(cross_check, opinion, verdict))
    sys.exit(0 if verdict.valid else 1)


@cli.command()
@click.argument("what", metavar="TASK|RUN|STUDY")
@opt("--limit", type=click.IntRange(1), help="How many samples.  [default: 3; with --json, as many as there are]")
@opt("--seed", type=int, help="Of a task: seed of generated samples.  [default: 0]")
@opt("--placebo", type=click.IntRange(0), default=0, help="Of a task: so many rewordings beside each sample.")
@opt("--sensitivity", type=click.IntRange(0), default=0, help="Of a task: so many changes of a fact beside each.")
@click.option("--outcome", help="Of a run: only answers of this outcome (wrong, correct, unparsed, truncated ...).")
@click.option("--condition", help="Of a run: only this condition.")
@click.option("--sample-id", help="Of a run: only this sample.")
@click.option("--json", "as_json", is_flag=True, help="One JSON line a prompt or a record, for a program of your own.")
@task_options
def show(
    what: str,
    limit: int | None,
    seed: int | None,
    placebo: int,
    sensitivity: int,
    as_json: bool,
    task_option: tuple[str, ...],
    **only: Any,
) -> None:
    """Print prompts of a task with their targets, without a model; or samples of a run with their answers; or what a
    study has found.

    With --json, of a task: lines to which a program of yours adds `response` (and `stop_reason`: stop or length, if it
    is known), and which `harness score --task TASK FILE` and `harness import prompts FILE` then take. With --placebo
    or --sensitivity, what `harness run` asks with these options; a line or a record that is a control says so
    (`control`).
    """
    from harness import plugins
    from harness.errors import UsageError
    from harness.options import parse_pairs
    from harness.pipeline.config import RunConfig

    run = None if plugins.is_task(what) else _run_called(what)
    if run is None and not plugins.is_task(what) and _show_study(what, as_json, only):
        return
    if run is None:
        if given := [name for name, value in only.items() if value is not None]:
            raise UsageError(f"--{given[0].replace('_', '-')} is for the samples of a run, and {what} is a task")
        task = plugins.task(what, parse_pairs(task_option, "-T"))
        count = limit or (task.limit if as_json else 3)
        config = RunConfig(what, "", seed=seed or 0, limit=count, placebo=placebo, sensitivity=sensitivity)
        _show_task(task, config, as_json)
        return
    here = click.get_current_context().get_parameter_source
    for name, flag in (
        ("seed", "--seed"),
        ("placebo", "--placebo"),
        ("sensitivity", "--sensitivity"),
        ("task_option", "-T"),
    ):
        if here(name) is click.core.ParameterSource.COMMANDLINE:  # not of a variable that is meant for runs
            raise UsageError(f"{flag} is for the samples of a task, and {what} is a run")
    _show_run(run, limit, as_json, only)


def _run_called(name: str) -> Path | None:
    from harness.errors import UsageError
    from harness.pipeline import store

    try:
        return store.find_run(name)
    except UsageError:
        return None


def _show_study(what: str, as_json: bool, only: dict[str, Any]) -> bool:
    """Print what a study says; False if there is none of this name."""
    from harness.errors import UsageError
    from harness.files import read_json
    from harness.pipeline import store
    from harness.report.study import of_the_lab, read
    from harness.studies.told import told

    directory = store.find_study(what)
    if directory is None:
        return False
    if given := [name for name, value in only.items() if value is not None]:
        raise UsageError(f"--{given[0].replace('_', '-')} is for the samples of a run, and {what} is a study")
    if of_the_lab(directory):
        study = read(directory)
        value, text = study.as_json(), study.render()
    else:
        value, text = read_json(directory / store.STUDY), "\n".join(told(directory))
    if as_json:
        echo_value(value)
    else:
        echo(f"{text}\n\nstudy: {directory}")
    return True


def _show_task(task: Any, config: Any, as_json: bool) -> None:
    import random

    from harness.files import json_line
    from harness.pipeline.questions import samples_of
    from harness.results.lines import line_of
    from harness.text import printable

    if as_json:
        for sample in samples_of(task, config):
            echo_json(json_line(line_of(task, sample)).decode(), nl=False)
        return
    for number, sample in enumerate(samples_of(task, config)):
        parts = [f"[{message.role}] {message.content}" for message in sample.messages]
        shallow = task.baseline("shallow", sample, random.Random(config.seed))
        parts += [_labelled("target", sample.target), _labelled("shallow answer", shallow)]
        control = f", control: {sample.control}" if sample.control else ""
        head = "--- " + printable(f"{sample.id}   group {sample.group}, condition {sample.condition}{control}")
        echo("\n".join(["", head] if number else [head]) + "\n" + "\n".join(part.rstrip() for part in parts))


def _show_run(directory: Path, limit: int | None, as_json: bool, only: dict[str, str | None]) -> None:
    """The samples of a run that have what was asked for, with what is in their record."""
    import itertools

    from harness.errors import UsageError
    from harness.files import json_line
    from harness.options import suggestion
    from harness.results.records import open_run
    from harness.types import Outcome

    outcomes = [str(outcome) for outcome in Outcome]
    if only["outcome"] is not None and only["outcome"] not in outcomes:
        raise UsageError(f"there is no outcome '{only['outcome']}'", suggestion(only["outcome"], outcomes, "outcomes"))
    run = open_run(directory)
    wanted = [
        (key, only[name]) for name, key in (("outcome", "outcome"), ("condition", "condition"), ("sample_id", "id"))
    ]
    fitting = (r for r in run.records(controls=True) if all(value is None or r[key] == value for key, value in wanted))
    number = 0
    for number, record in enumerate(itertools.islice(fitting, limit or (None if as_json else 3)), 1):
        if as_json:
            echo_json(json_line(record).decode(), nl=False)
        else:
            echo(_record(record, first=number == 1))
    if not number:
        echo("no sample of the run has that", err=True)


def _record(record: dict[str, Any], first: bool) -> str:
    from harness.text import printable

    epoch = f" (epoch {record['epoch']})" if record["epoch"] != 1 else ""
    control = f", control: {record['control']}" if record["control"] else ""
    parts = [
        "" if first else "\n",
        "--- "
        + printable(f"{record['id']}{epoch}   {record['outcome']}, condition {record['condition']}{control}")
        + "\n",
    ]
    parts += [f"[{message['role']}] {message['content']}\n" for message in record.get("input") or ()]
    parts.append(_labelled("response", record["response"] or "(empty)") + "\n")
    parts.append(_labelled("answer as read", str(record.get("answer") or "-")) + "\n")
    parts.append(_labelled("target", str(record.get("target") or "-")) + "\n")
    told = {k: v for k, v in (record.get("detail") or {}).items() if v not in (None, "", [], {})}
    parts += [printable(f"{key}: {value}") + "\n" for key, value in told.items()]
    if record.get("error"):
        parts.append(_labelled("error", record["error"]) + "\n")
    return "".join(parts).rstrip()


def _labelled(label: str, text: str) -> str:
    """`label: text`, or the lines of a longer text below the label."""
    lines = text.strip().splitlines()
    return f"{label}: {''.join(lines)}" if len(lines) < 2 else "\n  ".join([f"{label}:", *lines])
