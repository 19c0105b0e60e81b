"""The `harness` command: options in, one function called, its result printed. Everything else is imported
inside the commands, so that `harness --help` stays quick.
"""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import click

from harness import __version__

F = TypeVar("F", bound=Callable[..., Any])

EXIT_INCOMPLETE = 3

CONFIG_PAIRS = "harness.config_pairs"
"""Under this name the context keeps the [T], [M] and [S] of a --config file: the command line's pairs go over them."""


def opt(*names: str, **attributes: Any) -> Callable[[F], F]:
    """An option that can also be set as HARNESS_<NAME> and by its name in the --config file."""
    long = next(n for n in names if n.startswith("--")).removeprefix("--").partition("/")[0]
    variable = "HARNESS_" + long.replace("-", "_").upper()
    if not attributes.get("is_flag") and attributes.get("default") not in (None, ()):
        attributes.setdefault("show_default", True)
    return click.option(*names, envvar=variable, **attributes)


def _read_config(context: click.Context, _: click.Parameter, path: Path | None) -> None:
    """--config: a TOML file of option names and values; options on the command line go over it."""
    if path is None:
        return
    import tomllib

    from harness.errors import UsageError
    from harness.options import suggestion

    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise UsageError(f"{path}: can't be read as TOML: {error}") from None
    known = {p.name: p for p in context.command.params if p.name}
    defaults: dict[str, Any] = {}
    pairs: dict[str, tuple[str, ...]] = {}
    for key, value in values.items():
        name = {"T": "task_option", "M": "model_option", "S": "strategy_option"}.get(key, key.replace("-", "_"))
        if name not in known:
            raise UsageError(f"{path}: there is no option '{key}'", suggestion(key, sorted(known), "options"))
        if name in ("task_option", "model_option", "strategy_option") and isinstance(value, dict):
            pairs[name] = tuple(f"{k}={_text(v)}" for k, v in value.items())
            continue
        several = getattr(known[name], "multiple", False)
        items = value if isinstance(value, list) and several else [value]
        if not all(isinstance(item, str | int | float) for item in items):
            raise UsageError(f"{path}: {key} = {value!r}: not a value of this option")
        defaults[name] = items if several else value
    context.meta[CONFIG_PAIRS] = pairs
    context.default_map = {**(context.default_map or {}), **defaults}


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(map(_text, value)) if isinstance(value, list) else str(value)


def _split(values: tuple[str, ...]) -> list[str]:
    """Repeated and comma-separated names, in order, each once."""
    return list(dict.fromkeys(part.strip() for value in values for part in value.split(",") if part.strip()))


class Commands(click.Group):
    """The commands below, and those that installed packages register as `harness.commands`."""

    def invoke(self, ctx: click.Context) -> Any:
        """Click ends with 1 where the reader of the output has gone (`| head`); nothing was wrong, so here it is 0."""
        try:
            done = super().invoke(ctx)
            sys.stdout.flush()
        except BrokenPipeError:
            # What is left in the buffer must not be written when Python ends.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(0)
        return done

    @cached_property
    def brought(self) -> dict[str, Any]:
        """Entry points by command name. Read here, because harness.plugins imports too much for --help."""
        from importlib.metadata import entry_points

        return {e.name: e for e in entry_points(group="harness.commands")}

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *self.brought})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in self.brought:
            return own
        try:
            command: click.Command = self.brought[cmd_name].load()
        except ImportError as error:
            raise click.ClickException(f"command '{cmd_name}' can't be imported: {error}") from error
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="harness")
def cli() -> None:
    """Does a language model reason, or only recognise? The same question in matched worlds, checked by verifiers."""


task_options = opt("-T", "--task-option", multiple=True, metavar="KEY=VALUE", help="Option of the task (repeatable).")
rule_option = opt("--rule", type=click.Choice(["robust", "original"]), help="How answers are read: -T rule=...")


@cli.command()
@opt("--task", "-t", multiple=True, help="Task(s), comma-separated or repeated; `all` for every installed one.")
@opt("--model", "-m", multiple=True, help="Model(s): an alias, or BACKEND/NAME. See `harness models`.")
@opt("--limit", type=click.IntRange(1), help="Samples a task, before epochs.")
@opt("--seed", type=int, default=0, help="Seed of generated samples and of sampling.")
@opt("--epochs", "--trials", type=click.IntRange(1), help="How often each sample is asked.  [default: the task's]")
@opt("--strategy", default="io", help="How the model is asked. See `harness strategies`.")
@opt("--temperature", type=click.FloatRange(0), help="Sampling temperature.  [default: the task's]")
@opt("--top-p", type=click.FloatRange(0, 1, min_open=True), help="Nucleus sampling.")
@opt("--max-tokens", type=click.IntRange(1), help="Tokens of an answer, at most.  [default: the task's]")
@opt("--logprobs", type=click.IntRange(0, 20), help="Ask for this many alternatives a token.")
@opt("--reasoning-effort", help="For models that take one: low, medium, high ...")
@opt("--system-message", help="A system message before each sample.")
@opt("--num-fewshot", type=click.IntRange(0), default=0, help="Worked examples before each sample.")
@opt("--max-connections", type=click.IntRange(1), help="Simultaneous requests.  [default: the backend's]")
@opt("--max-retries", type=click.IntRange(0), default=5, help="Retries of a failed request.")
@opt("--timeout", type=click.FloatRange(0, min_open=True), default=600.0, help="Seconds for one attempt.")
@opt("--cache/--no-cache", default=False, help="Keep answers and reuse them in later runs.")
@opt("--budget-tokens", type=click.IntRange(1), help="Stop when this many tokens are used.")
@opt("--base-url", help="An OpenAI-compatible server, e.g. http://127.0.0.1:8000/v1")
@opt("--api-key-env", help="Name of the environment variable that holds the key.")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where runs are kept.")
@task_options
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Option of the model (repeatable).")
@opt("-S", "--strategy-option", multiple=True, metavar="KEY=VALUE", help="Option of the strategy (repeatable).")
@rule_option
@opt("--resume", type=click.Path(path_type=Path), help="Finish this run; no other option is needed.")
@opt("--dry-run", is_flag=True, help="Say how many calls and tokens it would take; send nothing.")
@opt("--display", type=click.Choice(["rich", "plain", "none"]), help="Progress.  [default: rich on a terminal]")
@opt("--config", type=click.Path(path_type=Path), is_eager=True, expose_value=False, callback=_read_config,
     help="TOML file with any of these options.")  # fmt: skip
def run(**options: Any) -> None:
    """Run tasks on models, print the table, leave a run directory."""
    from harness import display, launch, plugins
    from harness.errors import UsageError
    from harness.models import registry
    from harness.options import parse_pairs
    from harness.runner import RunConfig
    from harness.store import find_run
    from harness.types import Checked, ModelOptions, Sampling

    show = options["display"] or display.default()
    for name, pairs in click.get_current_context().meta.get(CONFIG_PAIRS, {}).items():
        options[name] = (*pairs, *options[name])
    for name in ("temperature", "top_p", "timeout"):
        if options[name] is not None and not math.isfinite(options[name]):
            raise UsageError(f"--{name.replace('_', '-')}: {options[name]} is not a finite number")
    if options["resume"]:
        context = click.get_current_context()
        given_here = [p for p in options if context.get_parameter_source(p) is click.core.ParameterSource.COMMANDLINE]
        refused = sorted(set(given_here) - {"resume", "out", "display", "budget_tokens"})
        if refused:
            names = ", ".join("--" + name.replace("_", "-") for name in refused)
            raise UsageError(f"--resume finishes a run as it was asked: it does not take {names}")
        changes = {"budget_tokens": options["budget_tokens"]} if options["budget_tokens"] else {}
        finished = launch.resume(find_run(options["resume"], options["out"]), show, **changes)
        sys.exit(_report(finished))

    tasks, models = _split(options["task"]), _split(options["model"])
    tasks = list(plugins.installed("tasks")) if tasks == ["all"] else tasks
    if not tasks or not models:
        missing = "--task" if not tasks else "--model"
        raise UsageError(f"{missing} is missing", "for example: harness run --task aiw --model tiny")
    given = parse_pairs(options["task_option"], "-T") | ({"rule": options["rule"]} if options["rule"] else {})
    by_task = launch.select_options(tasks, given)
    model_options = ModelOptions(
        **{k: options[k] for k in ("base_url", "api_key_env", "max_connections", "max_retries", "timeout")},
        extra=parse_pairs(options["model_option"], "-M"),
    )
    sampling = Sampling(
        **{k: options[k] for k in ("temperature", "top_p", "max_tokens", "logprobs", "reasoning_effort")}
    )
    configs = [
        RunConfig(
            task=task,
            model=model,
            task_options=by_task[task],
            model_options=model_options,
            strategy_options=parse_pairs(options["strategy_option"], "-S"),
            sampling=sampling,
            **{
                k: options[k] for k in ("strategy", "seed", "limit", "epochs", "system_message", "num_fewshot", "cache")
            },
            budget_tokens=options["budget_tokens"],
        )
        for model in models
        for task in tasks
    ]
    # What is wrong with the last one should not show after hours of the first.
    opened = [launch.prepare(config)[2] for config in configs]
    if options["dry_run"]:
        _dry_run(configs)
        return
    for model in opened:
        if isinstance(model, Checked):
            model.check()
    worst = 0
    with registry.shared(models):
        for config in configs:
            finished = launch.start(config, options["out"], show)
            worst = max(worst, _report(finished))
            if finished.result.status == "interrupted":
                break  # Ctrl-C means all of it
    sys.exit(worst)


def _report(finished: Any) -> int:
    """Print a finished run's tables; the exit code."""
    from harness import launch, tables

    result, progress = finished.result, finished.result.progress
    config = finished.config
    click.echo(f"\n{config.task} (version {finished.task.version}), {config.model}, strategy {config.strategy}, "
               f"seed {config.seed}: {progress.done} of {progress.total} records")  # fmt: skip
    if progress.done:
        click.echo("\n" + tables.render_contrasts(result.contrasts))
        for extra in launch.extras(finished.directory):
            click.echo("\n" + extra.render())
    for line in finished.notes:
        click.echo(f"note: {line}")
    click.echo(f"\nrun: {finished.directory}")
    if result.status == "complete":
        return 0
    click.echo(f"not complete: {result.reason}", err=True)
    click.echo(f"finish it with: harness run --resume {finished.directory}", err=True)
    return EXIT_INCOMPLETE


def _dry_run(configs: list[Any]) -> None:
    from harness import launch

    for config in configs:
        e = launch.estimate(config)
        click.echo(
            f"{config.task}, {config.model}: {e.samples} samples x {e.epochs} epochs = {e.calls} "
            f"{'calls' if e.exact else 'calls at least'}, about {e.prompt_tokens} prompt tokens, "
            f"at most {e.completion_tokens} completion tokens; nothing was sent"
        )


@cli.command()
@opt("--task", "-t", required=True, help="The task that the responses answer.")
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="Where to write; a new directory for a run.")
@task_options
@rule_option
def score(task: str, source: Path, output: Path | None, task_option: tuple[str, ...], rule: str | None) -> None:
    """Score responses in a JSONL file (.gz too) or in a run directory, without any model."""
    from harness import launch, plugins, scoring, store, tables
    from harness.options import parse_pairs

    given = parse_pairs(task_option, "-T") | ({"rule": rule} if rule else {})
    if source.is_dir():
        directory = store.find_run(source)
        made_with = store.read_config(directory)["config"].get("task_options", {})
        contrasts = scoring.score_run(plugins.task(task, made_with | given), given, directory, output)
        click.echo(tables.render_contrasts(contrasts))
        for extra in launch.extras(output or directory):
            click.echo("\n" + extra.render())
        return
    outcomes = scoring.score_file(plugins.task(task, given), source, output)
    counts = ", ".join(f"{n} {outcome}" for outcome, n in outcomes.most_common())
    click.echo(f"{outcomes.total()} responses: {counts or 'none'}", err=True)


@cli.command("import")
@click.argument("format")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--with", "extra", multiple=True, metavar="KEY=VALUE", help="What the format needs beside the file.")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where runs are kept.")
def import_(format: str, file: Path, extra: tuple[str, ...], out: Path) -> None:
    """Make runs of published answers and score them: FORMAT is planbench, aiw ..."""
    from harness import importing, launch, tables
    from harness.options import parse_pairs

    for made in importing.import_file(format, file, parse_pairs(extra, "--with"), out):
        click.echo(f"\n{made.config.task}, {made.config.model}: {made.contrasts.total.samples} answers of {file.name}")
        click.echo("\n" + tables.render_contrasts(made.contrasts))
        for table in launch.extras(made.directory):
            click.echo("\n" + table.render())
        if made.judged:
            click.echo(f"\nsame verdict as in the file: {made.agree} of {made.judged}")
        click.echo(f"run: {made.directory}")


@cli.command()
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="DOMAIN PROBLEM PLAN")
@click.option("--batch", type=click.Path(path_type=Path), help='JSON lines {"domain", "problem", "plan"} (PDDL texts).')
@click.option("-o", "--output", type=click.Path(path_type=Path), help="With --batch: where to write.")
@opt("--cross-check", type=click.Choice(["val", "unified-planning"]), help="Ask this validator too.")
def validate(files: tuple[Path, ...], batch: Path | None, output: Path | None, cross_check: Any) -> None:
    """Check a plan: execute it, and name the first step that fails and the facts it lacks. Exit code 1 if invalid.

    --cross-check puts another validator's verdict beside ours, which decides. Known differences: VAL accepts an extra
    argument where parameters have no types, crashes on a missing one, and may overlook unknown objects and text before
    the first action; unified-planning reads neither such plans nor comments behind an action. VAL is the program
    Validate on the PATH, or the one that HARNESS_VAL names.
    """
    from harness import validation
    from harness.errors import UsageError

    if batch is not None:
        if files:
            raise UsageError("give either --batch FILE or DOMAIN PROBLEM PLAN")
        tally = validation.validate_batch(batch, output, cross_check)
        reasons = ", ".join(f"{n} {r}" for r, n in tally.reasons.most_common())
        click.echo(f"{tally.reasons.total()} plans: {reasons}", err=True)
        if cross_check:
            click.echo(f"{cross_check}: differs on {tally.differ}, no verdict on {tally.silent}", err=True)
        return
    if len(files) != 3:
        raise UsageError("three files are needed: DOMAIN PROBLEM PLAN", "or --batch FILE")
    texts = validation.read_files(*files)
    verdict = validation.validate_one(*texts)
    click.echo(validation.explain(verdict))
    if cross_check:
        opinion = validation.second_opinion(cross_check, *texts)
        click.echo(validation.explain_opinion(cross_check, opinion, verdict))
    sys.exit(0 if verdict.valid else 1)


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@opt("--by", default="task,model,strategy,condition", help="Columns to group by; params as params_NAME.")
@click.option(
    "--csv", "csv_file", type=click.Path(path_type=Path, allow_dash=True), help="Write CSV there (- for here)."
)
@click.option("--parquet", "parquet_file", type=click.Path(path_type=Path), help="Write Parquet there.")
def table(runs: tuple[Path, ...], by: str, csv_file: Path | None, parquet_file: Path | None) -> None:
    """Tidy table over the records of one or more runs."""
    from harness import launch, store, tables

    columns = _split((by,))
    rows = launch.table([store.find_run(r) for r in runs], columns)
    if csv_file or parquet_file:
        import pandas as pd

        from harness.errors import HarnessError

        frame = pd.DataFrame(rows)
        try:
            if csv_file:
                frame.to_csv(sys.stdout if str(csv_file) == "-" else csv_file, index=False)
            if parquet_file:
                frame.to_parquet(parquet_file, index=False)
        except OSError as error:
            raise HarnessError(f"the table can't be written: {error}") from None
    else:
        click.echo(tables.render(rows, columns))


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@opt("--adjust", multiple=True, metavar="FEATURE", help="Odds ratios also adjusted for a feature of `harness audit`.")
def stats(runs: tuple[Path, ...], adjust: tuple[str, ...]) -> None:
    """What runs say beyond accuracy: odds ratios, fluctuation, pass@k, and which gaps they are large enough to show."""
    from harness import launch, store

    for directory in [store.find_run(run) for run in runs]:
        found = launch.statistics(directory, _split(adjust))
        click.echo(f"{directory}\n")
        click.echo("\n\n".join(table.render() for table in found) or "a single condition, asked once: nothing to add")
        click.echo("")


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", "csv_file", type=click.Path(path_type=Path, allow_dash=True), help="Write CSV (- for here).")
@click.option("--markdown", type=click.Path(path_type=Path, allow_dash=True), help="Write a Markdown table.")
@click.option("--latex", type=click.Path(path_type=Path, allow_dash=True), help="Write a LaTeX tabular.")
@click.option("--published", is_flag=True, help="Add the published numbers of these tasks, marked as such.")
@click.option("--incomplete", is_flag=True, help="Take in runs that are not complete, marked as such.")
def leaderboard(runs: tuple[Path, ...], published: bool, incomplete: bool, **files: Path | None) -> None:
    """Runs side by side: one row a model, task, strategy and condition; ranks with their uncertainty."""
    from harness import leaderboard as boards
    from harness import store
    from harness.errors import HarnessError

    directories = [store.find_run(run) for run in runs]
    table, notes = boards.rows(directories, incomplete, published)
    writers = {"csv_file": boards.to_csv, "markdown": boards.to_markdown, "latex": boards.to_latex}
    for name, write in writers.items():
        if str(files[name]) == "-":
            click.echo(write(table), nl=False)
        elif files[name] is not None:
            try:
                Path(str(files[name])).write_text(write(table), encoding="utf-8")
            except OSError as error:
                raise HarnessError(f"{files[name]}: can't be written: {error.strerror}") from None
    if "-" not in map(str, files.values()):
        click.echo(boards.render(table))
        click.echo("\n" + boards.render_ranks(boards.ranks(directories, incomplete)))
    for note in notes:
        click.echo(f"note: {note}", err=True)


@cli.command()
@click.argument("task")
@opt("--limit", type=click.IntRange(1), default=3, help="How many samples.")
@opt("--seed", type=int, default=0, help="Seed of generated samples.")
@task_options
def show(task: str, limit: int, seed: int, task_option: tuple[str, ...]) -> None:
    """Sample prompts of a task with their targets, without a model."""
    import itertools
    import random

    from harness import plugins
    from harness.options import parse_pairs

    made = plugins.task(task, parse_pairs(task_option, "-T"))
    for sample in itertools.islice(made.samples(seed), limit):
        click.echo(f"--- {sample.id}   group {sample.group}, condition {sample.condition}")
        for message in sample.messages:
            click.echo(f"[{message.role}] {message.content}")
        click.echo(f"target: {sample.target}   shallow: {made.baseline('shallow', sample, random.Random(seed))}\n")


@cli.command()
@click.argument("base")
@click.argument("new")
@opt("--metric", default="accuracy", help="accuracy, or detail.NAME: a number or truth value in the scores' detail.")
@opt("--margin", type=click.FloatRange(0, 1), default=0.02, help="A drop up to this is no regression.")
@opt("--alpha", type=click.FloatRange(0, 0.5, min_open=True), default=0.05, help="Level of significance.")
@opt("--fail-on", type=click.Choice(["regression", "inconclusive"]), default="regression",
     help="What ends with exit code 100 (a regression), or also with 3 (too few samples to tell).")  # fmt: skip
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write everything as JSON.")
@click.option("--junit", "junit_file", type=click.Path(path_type=Path), help="Write JUnit XML.")
@click.option("--summary", "summary_file", type=click.Path(path_type=Path), help="Write Markdown.")
def compare(base: str, new: str, metric: str, margin: float, alpha: float, fail_on: str, **files: Path | None) -> None:
    """Regression gate: NEW against BASE (runs, or names of baselines), paired on the same samples."""
    from harness import compare as gate
    from harness.errors import HarnessError

    result = gate.compare(gate.find(base), gate.find(new), metric=metric, margin=margin, alpha=alpha)
    click.echo(gate.render(result))
    try:
        gate.write_outputs(result, fail_on, [(k, files[f"{k}_file"]) for k in ("json", "junit", "summary")])
    except OSError as error:
        raise HarnessError(f"{error.filename}: can't be written: {error.strerror}") from None
    sys.exit(result.exit_code(fail_on))


@cli.group()
def baseline() -> None:
    """Baselines that runs are compared with, kept in results/baselines/."""


@baseline.command("set")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--name", help="What the baseline is called.  [default: task-model]")
def set_baseline(run: Path, name: str | None) -> None:
    """Keep what `harness compare NAME RUN` needs of a run: small, to be committed."""
    from harness import compare as gate
    from harness import store
    from harness.errors import HarnessError

    directory = store.find_run(run)
    config = store.read_config(directory)["config"]
    try:
        target = gate.set_baseline(directory, name or f"{config['task']}-{config['model'].replace('/', '-')}")
    except OSError as error:
        raise HarnessError(f"the baseline can't be written: {error}") from None
    click.echo(f"baseline: {target}")


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The page to write.")
@click.option("--static-png", type=click.Path(path_type=Path), help="A folder for each picture as PNG, SVG and PDF.")
def report(runs: tuple[Path, ...], output: Path | None, static_png: Path | None) -> None:
    """One self-contained page about runs: gaps, pictures, and every sample to look at."""
    from harness import store
    from harness.errors import HarnessError, UsageError
    from harness.report import collect, page, plots

    if output is None and static_png is None:
        raise UsageError("nothing to write", "give -o FILE.html, or --static-png FOLDER, or both")
    directories = [store.find_run(run) for run in runs]
    try:
        if output is not None:
            output.write_text(page.build(directories), encoding="utf-8")
            click.echo(f"report: {output}")
        if static_png is not None:
            made = [path for d in directories for path in plots.save(collect.collect(d), static_png)]
            click.echo(f"{len(made)} files in {static_png}")
    except OSError as error:
        raise HarnessError(f"{error.filename}: can't be written: {error.strerror}") from None


HISTORY = Path("results/history.csv")


@cli.group()
def history() -> None:
    """How accuracy went from run to run: one row a run and commit, in a CSV file to be committed."""


@history.command("add")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--file", type=click.Path(path_type=Path), default=HISTORY, show_default=True)
def history_add(runs: tuple[Path, ...], file: Path) -> None:
    """Add runs that the file does not have yet."""
    from harness import history as histories
    from harness import store
    from harness.errors import HarnessError

    try:
        added = histories.add([store.find_run(run) for run in runs], file)
    except OSError as error:
        raise HarnessError(f"{file}: can't be written: {error.strerror}") from None
    click.echo(f"{len(added)} of {len(runs)} runs added to {file}")


@history.command("show")
@click.option("--file", type=click.Path(path_type=Path), default=HISTORY, show_default=True)
def history_show(file: Path) -> None:
    """The trend of each task and model."""
    from harness import history as histories

    click.echo(histories.render(histories.read(file)))


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", "kind", type=click.Choice(["inspect", "lm-eval"]), required=True, help="The other tool.")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="The JSON file to write.")
def export(run: Path, kind: str, output: Path) -> None:
    """A run as a log of inspect_ai, or as results of lm-evaluation-harness."""
    from harness import export as exports
    from harness import store
    from harness.errors import HarnessError

    try:
        exports.write(store.find_run(run), kind, output)
    except OSError as error:
        raise HarnessError(f"{output}: can't be written: {error.strerror}") from None


@cli.command()
@click.argument("task")
@opt("--limit", type=click.IntRange(2), default=600, help="How many samples are looked at.")
@opt("--seed", type=int, default=0, help="Seed of generated samples.")
@task_options
@click.option("--fail", is_flag=True, help="Exit code 100 if anything differs that the task does not declare.")
def audit(task: str, limit: int, seed: int, task_option: tuple[str, ...], fail: bool) -> None:
    """Are a task's matched conditions matched? Compares prompts and targets, without any model."""
    import itertools

    from harness import audit as audits
    from harness import plugins
    from harness.options import parse_pairs

    made = plugins.task(task, parse_pairs(task_option, "-T"))
    findings = audits.audit(made, itertools.islice(made.samples(seed), limit))
    if not findings:
        click.echo(f"task {task} has a single condition with these options: nothing to compare")
        return
    click.echo(audits.render(findings))
    warned = audits.warnings(findings)
    click.echo(f"\n{len(warned)} of {len(findings)} comparisons differ and are not declared by the task")
    sys.exit(100 if warned and fail else 0)


@cli.command()
@click.argument("task", required=False)
def tasks(task: str | None) -> None:
    """The installed tasks; with a name, the options of that one."""
    _list("tasks", task, "-T")


@cli.command()
@click.argument("strategy", required=False)
def strategies(strategy: str | None) -> None:
    """The installed strategies; with a name, the options of that one."""
    _list("strategies", strategy, "-S")


def _list(kind: Any, name: str | None, flag: str) -> None:
    from harness import plugins
    from harness.options import describe
    from harness.tables import align

    if name is None:
        loaded = {n: plugins.load(kind, n) for n in plugins.installed(kind)}
        body = [[n, (c.__doc__ or "").strip().partition("\n")[0]] for n, c in loaded.items()]
        click.echo(align(["name", "what"], body, left=2))
        return
    made = plugins.load(kind, name)
    click.echo((made.__doc__ or "").strip())
    options = describe(made)
    if options:
        click.echo("\n" + align([f"{flag} option", "default", "what"], [list(o) for o in options], left=3))


@cli.command()
def models() -> None:
    """The aliases of the registry (yours too), and the backends."""
    from harness import plugins
    from harness.models.registry import aliases
    from harness.tables import align

    body = [[a.name, a.model, a.about] for a in aliases().values()]
    click.echo(align(["alias", "model", "what"], body, left=3))
    click.echo(f"\nor BACKEND/NAME, with one of: {', '.join(plugins.installed('models'))}")
    click.echo(
        "baseline/oracle, baseline/random, baseline/shallow; replay/RUN; embedded/DIR; openai/NAME; vllm/ORG/NAME"
    )


@cli.command()
@click.argument("model")
@opt("--port", type=click.IntRange(1, 65535), help="Port on the loopback interface.  [default: a free one]")
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Engine argument (repeatable).")
def serve(model: str, port: int | None, model_option: tuple[str, ...]) -> None:
    """Start a local OpenAI-compatible vLLM server for a model of the registry."""
    from harness.errors import UsageError
    from harness.models.registry import resolve
    from harness.options import parse_pairs
    from harness.types import ModelOptions

    backend, name, options = resolve(model, ModelOptions(extra=parse_pairs(model_option, "-M")))
    if backend != "vllm":
        raise UsageError(f"{model} is not a vLLM model but {backend}/{name}", "`harness models` lists those on vLLM")
    from harness.models import vllm_server

    sys.exit(vllm_server.serve(name, options, port))


@cli.command()
def doctor() -> None:
    """What works on this machine, and what to install for what does not."""
    from harness.doctor import examine
    from harness.tables import align

    findings = examine()
    body = [[f.what, {True: "ok", False: "MISSING", None: "-"}[f.works], f.detail] for f in findings]
    click.echo(align(["part", "state", "detail"], body, left=3))
    sys.exit(1 if any(f.works is False for f in findings) else 0)


def main() -> None:
    """Entry point: errors are one message and what to do, never a traceback."""
    from harness.errors import HarnessError

    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Exit as end:
        sys.exit(end.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(EXIT_INCOMPLETE)
    except HarnessError as error:
        click.echo(f"error: {error.message}" + (f"\n  {error.hint}" if error.hint else ""), err=True)
        sys.exit(error.exit_code)
