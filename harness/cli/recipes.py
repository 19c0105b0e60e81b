"""Published tables, asked again: `harness reproduce`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from harness.cli.group import (
    RunCommand,
    cli,
    echo,
    note,
    opt,
    pairs,
    task_options,
    trust_option,
)


@cli.command(cls=RunCommand)
@click.argument("table", required=False)
@click.argument("runs", nargs=-1, type=click.Path(path_type=Path))
@opt("--model", "-m", help="The model to ask: an alias, or BACKEND/NAME.")
@opt("--out", type=click.Path(path_type=Path), default=Path("results"), help="Where runs are kept.")
@task_options
@opt("-M", "--model-option", multiple=True, metavar="KEY=VALUE", help="Option of the model (repeatable).")
@trust_option
@opt(
    "--picture",
    type=click.Path(path_type=Path),
    help="Draw accuracy against cost, or against each other: a .png, .svg or .pdf file.",
)
@opt("--dry-run", is_flag=True, help="Say how many calls and tokens it would take; send nothing.")
@opt("--display", type=click.Choice(["rich", "plain", "none"]), help="Progress.  [default: rich on a terminal]")
def reproduce(
    table: str | None, runs: tuple[Path, ...], model: str | None, picture: Path | None, **options: Any
) -> None:
    """Ask a published table again, and print it beside the published numbers with a test of each difference.

    Without TABLE, the tables there are; without --model, the published numbers and how they were measured. RUNS are
    runs of the recipe that exist already (one for each that it makes, in order): then nothing is asked. A table that
    sets benchmarks against each other takes any of its runs, of any models. Options of a run go over the recipe's; that
    is said. Of several runs, what an answer cost stands beside what it reached. Where the task has rewordings that must
    not matter, one is asked beside (the recipe may say more; --placebo 0 asks none): what of a gap is beyond it.
    """
    from harness.results import reproduce as recipes

    if table is None:
        _list(recipes)
        return
    recipe = recipes.find(table)
    echo(f"{recipe.title} ({recipe.paper})")
    for line in recipe.notes:
        note(line, err=False)
    if recipe.axes is not None:
        _quoted(recipe)
    if model is None and not runs and (picture or options["dry_run"]):
        raise click.UsageError("--picture and --dry-run need --model, or runs that there are already")
    if model is None and not runs and recipe.axes is not None:
        for part in recipe.parts:
            echo(f"{part.label} is asked as: {part.command}")
        return
    if model is None and not runs:
        for part in recipe.parts:
            echo("\n" + recipes.table(part, None).render())
            echo(f"asked as: {part.command}")
    elif runs and recipe.axes is not None:
        _against(recipe, list(runs), picture)
        return
    elif runs:
        _costs(_compare(recipes, recipe, list(runs)), picture)
    else:
        made, worst = _ask(recipes, recipe, str(model), options)
        if made and recipe.axes is not None:
            _against(recipe, [run.directory for _, run in made], picture)
        elif made:
            _costs(made, picture)
            _sources(recipes, recipe)
        sys.exit(worst)
    _sources(recipes, recipe)


def _list(recipes: Any) -> None:
    from harness.text import align

    rows = [[r.name, r.title, r.paper] for r in recipes.recipes().values()]
    echo(align(["name", "table", "paper"], rows, left=3))


def _sources(recipes: Any, recipe: Any) -> None:
    for source in recipes.sources(recipe.parts):
        echo(f"source: {source}")


def _costs(runs: list[tuple[str, Any]], picture: Path | None) -> None:
    """What the answers of these (label, run) cost, as a table and, if asked for, as a picture. What saw the answer key
    is not drawn."""
    from harness.report import plots
    from harness.results import costs, tables

    spent = costs.read(run for _, run in runs)
    for one, (label, _) in zip(spent, runs, strict=True):
        one.label = label
    if len(spent) > 1:
        title = "accuracy and cost of one answer"
        echo(
            "\n"
            + tables.apart(spent, lambda m: "oracle" in m.aid, lambda some: costs.spent_table(title, some).render())
        )
    if picture:
        blind = [m for m in spent if "oracle" not in m.aid]
        found = [(m.label, per, a) for m in blind if (per := m.each("tokens")) and (a := m.contrasts.total.accuracy)]
        if found:
            plots.save_one(plots.by_cost(found), picture)
            echo(f"picture: {picture}")
        else:
            note("nothing to draw: the tokens of no run are known", err=False)


def _compare(recipes: Any, recipe: Any, directories: list[Path]) -> list[tuple[str, Any]]:
    from harness.errors import UsageError
    from harness.pipeline import store
    from harness.results.records import open_run

    asked, opened = list(recipe.runs.values()), []
    if len(directories) != len(asked):
        names = "; ".join(parts[0].label for parts in asked)
        raise UsageError(f"{recipe.name} has {len(asked)} runs, and {len(directories)} were given", names)
    for parts, directory in zip(asked, directories, strict=True):
        run = open_run(store.find_run(directory))
        for name, wanted, own in parts[0].departures(run):
            told = f"{directory}: {name} is {own or 'not given'}, and the recipe has {wanted or 'none'}"
            if name in ("task", "strategy"):
                raise UsageError(
                    f"{told} ({parts[0].label})", f"`harness reproduce {recipe.name}` shows its runs, in order"
                )
            note(told, err=False)
        for part in parts:
            _show(recipes, part, run)
        _controls(run)
        opened.append((parts[0].label, run))
    return opened


def _quoted(recipe: Any) -> None:
    from harness.results import axes

    echo("\n" + axes.quoted_table(recipe.axes, [part.label for part in recipe.parts]).render())
    for source in recipe.axes.sources:
        echo(f"source: {source}")
    echo("")


def _against(recipe: Any, directories: list[Path], picture: Path | None) -> None:
    from harness.pipeline import store
    from harness.report import plots
    from harness.results import axes
    from harness.results.records import open_run

    runs = [open_run(store.find_run(directory)) for directory in directories]
    for run in runs:
        if run.status != "complete":
            note(f"{run.directory} is {run.status}: these are not all of its answers", err=False)
        for name, wanted, own in axes.part_of(recipe.axes, recipe.parts, run).departures(run):
            if name.removeprefix("-T ") not in recipe.axes.free:
                note(
                    f"{run.directory}: {name} is {own or 'not given'}, and the recipe has {wanted or 'none'}", err=False
                )
    cells = axes.read(recipe.axes, recipe.parts, runs)
    for table in axes.tables(recipe.axes, [part.label for part in recipe.parts], cells):
        echo("\n" + table.render())
    if picture:
        found = axes.points(recipe.axes, cells)
        if found:
            plots.save_one(plots.against(found, recipe.axes.y), picture)
            echo(f"picture: {picture}")
        else:
            note(f"nothing to draw: no model has a benchmark and {recipe.axes.y}", err=False)


def _show(recipes: Any, part: Any, run: Any) -> None:
    echo("\n" + recipes.table(part, run).render())
    if run.status != "complete":
        note(f"{run.directory} is {run.status}: these are not all of its answers", err=False)
    if others := recipes.missing(part, run):
        note(f"no published number of {', '.join(others[:5])}{' ...' if len(others) > 5 else ''}", err=False)


def _controls(run: Any) -> None:
    """What of the gaps of a run is beyond a placebo, if one was asked."""
    from harness.results import controls

    if run.controls:
        with controls.of_run(run) as beside:
            for table in beside.tables(run.read(controls=[beside.add])):
                echo("\n" + table.render())


def _ask(recipes: Any, recipe: Any, model: str, options: dict[str, Any]) -> tuple[list[tuple[str, Any]], int]:
    from harness.cli.asking import ask_all, notes_of
    from harness.pipeline.config import OPTIONS
    from harness.results.records import open_run

    context = click.get_current_context()
    unset = (click.core.ParameterSource.DEFAULT, click.core.ParameterSource.DEFAULT_MAP)
    given = {o.name: options[o.name] for o in OPTIONS if context.get_parameter_source(o.name) not in unset}
    own, of_model = pairs(options, "task_option", "-T"), pairs(options, "model_option", "-M")
    for option, value in {**given, **own}.items():
        if any({**part.run, **part.options}.get(option, value) != value for part in recipe.parts):
            note(f"{option} {value} is not the published protocol's", err=False)
    asked = list(recipe.runs.values())
    configs = [parts[0].config(model, given, own, of_model) for parts in asked]
    parts_of = {id(config): parts for config, parts in zip(configs, asked, strict=True)}

    def ended(finished: Any) -> None:
        run = open_run(finished.directory)
        for part in parts_of[id(finished.config)] if recipe.axes is None else ():
            _show(recipes, part, run)
        _controls(run)

    runs, worst = ask_all(configs, options, notes_of, ended)
    return [(parts_of[id(run.config)][0].label, open_run(run.directory)) for run in runs], worst
