"""Commands about runs that exist: tables, statistics, the gate, the leaderboard, the report."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cli.group import (
    F,
    cli,
    echo,
    echo_json,
    echo_value,
    find_runs,
    note,
    open_runs,
    opt,
    scored_elsewhere,
    split,
    task_options,
)

if TYPE_CHECKING:
    from harness.results.gate import FailOn

BY = "task,model,strategy,condition"
HELD_OUT = 0.2
"""That of harness.results.traces, which --help has no time to import; a test compares them."""


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@opt("--by", default=BY, help="Columns to group by; params as params_NAME.")
@click.option("--at-equal-cost", is_flag=True, help="Compare strategies: accuracy, cost, and votes that cost as much.")
@opt("--cost", type=click.Choice(["tokens", "calls", "dollars"]), default="tokens", help="With it: what is equal.")
@click.option("--incomplete", is_flag=True, help="Include runs that are not complete.")
@click.option("--csv", "csv_file", type=click.Path(path_type=Path, allow_dash=True), help="Write CSV (- for stdout).")
@click.option("--parquet", "parquet_file", type=click.Path(path_type=Path), help="Write Parquet.")
@click.option(
    "--json", "json_file", type=click.Path(path_type=Path, allow_dash=True), help="Write JSON (- for stdout)."
)
def table(
    runs: tuple[Path, ...], by: str, at_equal_cost: bool, cost: Any, incomplete: bool, **files: Path | None
) -> None:
    """Tidy table over the records of one or more runs, below the gaps that their tasks exist for. An answer that is in
    several of the runs counts once. Controls (--placebo, --sensitivity) have tables of their own below, and are in the
    rows only if `control` is one of the columns: --by control,condition.

    With --at-equal-cost: what each run reached and spent, and how it compares with the vote of as many answers of the
    cheapest run as cost the same. Ask the cheap one several times for that (--epochs).
    """
    from harness.results import controls, tables
    from harness.results.labels import labels
    from harness.text import printable

    columns = split((by,))
    if at_equal_cost and by not in (BY, "strategy"):
        raise click.UsageError("--at-equal-cost compares runs, a row each: --by can't be given beside it")
    opened = open_runs(runs, incomplete)
    if at_equal_cost:
        from harness.results import costs

        spent = costs.read(opened)
        if any(files.values()):
            _write_rows(costs.rows(spent, cost), **files)
        else:
            echo("\n\n".join(table.render() for table in costs.tables(spent, cost)))
        return
    tidy = tables.Tidy(columns, several=len(opened) > 1)
    whole = "control" in columns
    counted, beside = [], []
    for label, run in zip(labels(opened), opened, strict=True):
        with controls.of_run(run) as collector:
            rows_of = {"controls": [tidy.add, collector.add]} if whole else {"controls": [collector.add]}
            contrasts = run.read(*([] if whole else [tidy.add]), **rows_of)
            found = collector.tables(contrasts)
        counted.append((label, contrasts))
        beside += [f"{printable(label)}\n{table.render()}" if len(opened) > 1 else table.render() for table in found]
    for run in opened:
        scored_elsewhere(run)
    if tidy.repeated:
        note(f"{tidy.repeated} answers are in several runs, and count once")
    rows = tidy.rows()
    if not any(files.values()):
        gaps = tables.apart(counted, lambda one: "oracle" in one[1].aids, tables.render_main_gaps)
        shown = tables.apart(rows, lambda row: row["aid"] == "oracle", lambda some: tables.render(some, columns))
        echo("\n\n".join(filter(None, [gaps, shown, *beside])))
        return
    _write_rows(rows, **files)


def _write_rows(
    rows: Sequence[Mapping[str, Any]], csv_file: Path | None, parquet_file: Path | None, json_file: Path | None
) -> None:
    """Tidy rows as the files asked for. HarnessError for one that can't be written."""
    import pandas as pd

    from harness.errors import HarnessError, cause
    from harness.files import csv_row

    frame = pd.DataFrame(rows)
    for_spreadsheets = pd.DataFrame(map(csv_row, rows))
    try:
        if str(csv_file) == "-":
            echo(for_spreadsheets.to_csv(index=False), nl=False)
        elif csv_file:
            for_spreadsheets.to_csv(csv_file, index=False)
        if parquet_file:
            frame.to_parquet(parquet_file, index=False)
        if str(json_file) == "-":
            echo_json(frame.to_json(orient="records", indent=1, force_ascii=False))
        elif json_file:
            frame.to_json(json_file, orient="records", indent=1, force_ascii=False)
    except OSError as error:
        raise HarnessError(f"the table can't be written: {cause(error)}") from None


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@opt("--adjust", multiple=True, metavar="FEATURE", help="Odds ratios also adjusted for a feature of `harness audit`.")
@click.option("--json", "as_json", is_flag=True, help="As JSON: the tables of each run, their cells as text.")
def stats(runs: tuple[Path, ...], adjust: tuple[str, ...], as_json: bool) -> None:
    """What runs say beyond accuracy: what of a gap is beyond a placebo (if one was asked), odds ratios, fluctuation,
    pass@k, and which gaps they are large enough to show."""
    from harness.results import attempts, controls, effects, tables, verdicts
    from harness.results.labels import labels
    from harness.results.records import open_run
    from harness.text import printable

    opened = [open_run(directory) for directory in find_runs(runs)]
    told = []
    for label, run in zip(labels(opened), opened, strict=True):
        scored_elsewhere(run)
        with controls.of_run(run) as beside:
            contrasts, found = effects.of_run(run, split(adjust), [beside.add])
            said = beside.found(contrasts)
        found = [*controls.tables(said, run.controls), *found, *attempts.of_run(run), *verdicts.of_run(run)]
        if as_json:
            one = {"run": str(run.directory), "label": label, "tables": [table.as_json() for table in found]}
            told.append(one | ({"controls": controls.rows(said)} if run.controls else {}))
            continue
        parts = [printable(str(run.directory)), tables.render_main_gaps([(label, contrasts)])]
        parts += [table.render() for table in found]
        if not found:
            judged = contrasts.total.accuracy is not None
            parts.append("a single condition, asked once: nothing to add" if judged else "no answer has a verdict")
        echo("\n\n".join(filter(None, parts)) + "\n")
    if as_json:
        echo_value(told)


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--csv", "csv_file", type=click.Path(path_type=Path, allow_dash=True), help="Write CSV (- for stdout).")
@click.option("--markdown", type=click.Path(path_type=Path, allow_dash=True), help="Write a Markdown table.")
@click.option("--latex", type=click.Path(path_type=Path, allow_dash=True), help="Write a LaTeX tabular.")
@click.option("--published", is_flag=True, help="Add the published numbers of these tasks, marked as such.")
@click.option("--incomplete", is_flag=True, help="Include runs that are not complete, marked as such.")
def leaderboard(runs: tuple[Path, ...], published: bool, incomplete: bool, **files: Path | None) -> None:
    """Runs side by side: one row per model, task, strategy and condition; ranks with their uncertainty."""
    from harness.errors import HarnessError, cause
    from harness.results import leaderboard as board
    from harness.results import ranks

    read, notes = ranks.read(find_runs(runs), incomplete)
    table = board.rows(read, published)
    writers = {"csv_file": board.to_csv, "markdown": board.to_markdown, "latex": board.to_latex}
    for name, write in writers.items():
        if str(files[name]) == "-":
            echo(write(table), nl=False)
        elif files[name] is not None:
            try:
                Path(str(files[name])).write_text(write(table), encoding="utf-8")
            except OSError as error:
                raise HarnessError(f"{files[name]}: can't be written: {cause(error)}") from None
    if "-" not in map(str, files.values()):
        echo("\n\n".join([*map(board.render_board, ranks.boards(read)), board.render(table)]))
    for line in (*notes, *(board.unmatched(table) if published else ())):
        note(line)


def _outputs(command: F) -> F:
    """The files that a gate writes."""
    kinds = (("summary", "Write Markdown."), ("junit", "Write JUnit XML."), ("json", "Write everything as JSON."))
    for kind, text in kinds:
        command = click.option(f"--{kind}", type=click.Path(path_type=Path), help=text)(command)
    return command


@cli.command()
@click.argument("base")
@click.argument("new")
@opt("--metric", default="accuracy", help="accuracy, or detail.NAME: a number or truth value in the scores' detail.")
@opt("--margin", type=click.FloatRange(0, 1), default=0.02, help="A drop up to this is no regression.")
@opt("--alpha", type=click.FloatRange(1e-6, 0.5), default=0.05, help="Level of significance.")
@opt("--fail-on", type=click.Choice(["regression", "inconclusive"]),
     help="What fails. If not given: a regression, and what is undecided is an <error> in JUnit but exits with 0. "
          "regression: what is undecided is <skipped>. inconclusive: it is a <failure> and exits with 3.")  # fmt: skip
@_outputs
def compare(
    base: str, new: str, metric: str, margin: float, alpha: float, fail_on: FailOn | None, **files: Path | None
) -> None:
    """Regression gate: NEW against BASE (runs, or names of baselines), paired on the same samples.

    Exits with 100 for a regression. Undecided are too few samples to tell, and answers lost to infrastructure errors.
    A condition that is undecided by itself is <skipped> in JUnit.
    """
    from harness.results import gate
    from harness.results import gate_output as output
    from harness.results.baselines import find

    result = gate.compare(find(base), find(new), metric=metric, margin=margin, alpha=alpha)
    echo(output.render(result))
    _write(files, lambda: output.to_json(result), lambda: output.to_junit(result, fail_on),
           lambda: output.to_markdown(result))  # fmt: skip
    sys.exit(result.exit_code(fail_on))


def _write(files: Mapping[str, Path | None], *makers: Callable[[], str]) -> None:
    from harness.errors import HarnessError, cause
    from harness.results.gate_output import write_outputs

    try:
        write_outputs(dict(zip(("json", "junit", "summary"), makers, strict=True)), files)
    except OSError as error:
        raise HarnessError(f"{error.filename}: can't be written: {cause(error)}") from None


@cli.command("gate")
@click.argument("policy", type=click.Path(path_type=Path))
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@_outputs
def run_gate(policy: Path, runs: tuple[Path, ...], **files: Path | None) -> None:
    """One gate over many tasks: RUNS against the bases that a POLICY (a TOML file) names for them.

    \b
    alpha = 0.05                  # of all required checks together (Holm)
    margin = 0.02                 # a drop up to this is no regression
    fail_on = "inconclusive"      # may be left out, see `harness compare --help`
    [[check]]
    task = "aiw"                  # takes the run of this task
    base = "my-model-aiw"         # a baseline, or a run's folder
    # may be left out: name, model, conditions, metric, margin, tier = "advisory"

    Exit code: 100 if a required check regressed, 3 if one is undecided and fail_on is "inconclusive", 2 if one has no
    run or two runs fit it, else 0. An advisory check is shown and never fails. See results/gate.toml.
    """
    from harness.results import gate_output as output
    from harness.results import policy as policies
    from harness.results.records import open_run

    read = policies.read(policy)
    matched, notes = policies.match(read, [open_run(directory) for directory in find_runs(runs)])
    for line in notes:
        note(line)
    result = policies.judge(read, matched)
    echo(output.render_gate(result))
    _write(files, lambda: output.gate_to_json(result), lambda: output.gate_to_junit(result),
           lambda: output.gate_to_markdown(result))  # fmt: skip
    sys.exit(result.exit_code)


@cli.group()
def baseline() -> None:
    """Baselines that runs are compared with, kept in results/baselines/."""


@baseline.command("set")
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--name", help="What the baseline is called.  [default: task-model]")
def set_baseline(run: Path, name: str | None) -> None:
    """Keep the part of a run that `harness compare NAME RUN` needs: small, to be committed."""
    from harness.errors import HarnessError, cause
    from harness.pipeline import store
    from harness.results import baselines
    from harness.results.records import open_run
    from harness.text import printable

    opened = open_run(store.find_run(run))
    config = opened.config
    name = name or f"{config['task']}-{config['model']}".replace("/", "-")
    before = baselines.baseline_folder(name)
    replaced = open_run(before).about.get("run_id") if (before / baselines.ANSWERS).is_file() else None
    try:
        target = baselines.set_baseline(opened, name)
    except OSError as error:
        raise HarnessError(f"the baseline can't be written: {cause(error)}") from None
    echo(f"baseline: {target}" + (f" (in place of the one made of {printable(str(replaced))})" if replaced else ""))


@cli.command()
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), help="The page to write.")
@click.option("--static-png", type=click.Path(path_type=Path), help="A folder for each picture as PNG, SVG and PDF.")
def report(runs: tuple[Path, ...], output: Path | None, static_png: Path | None) -> None:
    """One self-contained page about runs: gaps in words and pictures, what went wrong, and every sample to look at.
    Several runs stand side by side, with what changed between those that asked the same. Of a study, its runs and what
    it says; one of the lab (harness lens, patch ...) has a section of its own, alone or below runs."""
    from harness.errors import HarnessError, UsageError, cause
    from harness.report import collect, page, plots
    from harness.report.study import of_the_lab, read
    from harness.studies.told import told

    if output is None and static_png is None:
        raise UsageError("nothing to write", "give -o FILE.html, or --static-png FOLDER, or both")
    of_lab = {name: found for name in runs if (found := of_the_lab(name))}
    studies = [read(directory) for directory in of_lab.values()]
    rest = tuple(name for name in runs if name not in of_lab)
    if static_png is not None and not rest:
        raise UsageError("--static-png is for the pictures of runs", "-o FILE.html has those of a study, as SVG")
    data, samples = collect.collect(find_runs(rest)) if rest else ([], None)
    try:
        if output is not None:
            said = told(rest[0]) if len(rest) == 1 else ()
            output.write_text(page.build(data, samples, said, studies), encoding="utf-8")
            echo(f"report: {output}")
        if static_png is not None:
            made = [path for run in data for path in plots.save(run, static_png)]
            echo(f"{len(made)} files in {static_png}")
    except OSError as error:
        raise HarnessError(f"{error.filename}: can't be written: {cause(error)}") from None


HISTORY = Path("results/history.csv")


@cli.group()
def history() -> None:
    """How accuracy changed from run to run: one row per run and commit, in a CSV file to be committed."""


@history.command("add")
@click.argument("runs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--file", type=click.Path(path_type=Path), default=HISTORY, show_default=True)
def history_add(runs: tuple[Path, ...], file: Path) -> None:
    """Add runs that the file does not have yet."""
    from harness.errors import HarnessError, cause
    from harness.results import history as histories

    try:
        added = histories.add(open_runs(runs, incomplete=False), file)
    except OSError as error:
        raise HarnessError(f"{file}: can't be written: {cause(error)}") from None
    echo(f"{len(added)} of {len(runs)} runs added to {file}")


@history.command("show")
@click.option("--file", type=click.Path(path_type=Path), default=HISTORY, show_default=True)
def history_show(file: Path) -> None:
    """The trend of each task and model."""
    from harness.results import history as histories

    echo(histories.render(histories.read(file)))


@cli.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--to", "kind", required=True, help="The other tool, or the kind of training data.",
              type=click.Choice(["inspect", "lm-eval", "every-eval-ever", "sft", "preference"]))  # fmt: skip
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True,
              help="The JSON file to write; for every-eval-ever the folder in which its data/ is.")  # fmt: skip
@opt("--held-out", type=click.FloatRange(0, 1, max_open=True), default=HELD_OUT,
     help="sft, preference: this share of groups is never written.")  # fmt: skip
@click.option("--with-hinted", is_flag=True, help="sft, preference: also answers that were given with a hint.")
def export(run: Path, kind: Any, output: Path, held_out: float, with_hinted: bool) -> None:
    """A run as a log of inspect_ai, as results and samples of lm-evaluation-harness, as a record of Every Eval Ever, or
    as training data.

    The samples of lm-evaluation-harness (samples_TASK_DATE.jsonl) are written beside the results. sft: chats that end
    in an answer that the verifier found right; preference: a right and a wrong answer to one prompt, as JSON Lines.
    """
    from harness.pipeline import store
    from harness.results import export as exports
    from harness.results import traces
    from harness.results.records import open_run

    directory = store.find_run(run)
    if kind not in ("sft", "preference") and (with_hinted or held_out != HELD_OUT):
        raise click.UsageError("--held-out and --with-hinted are for --to sft and --to preference")
    if kind in ("sft", "preference"):
        counted = traces.write(open_run(directory), kind, output, held_out, with_hinted)
        echo(f"{kind}: {output}, {counted['lines']} lines")
        echo(f"{counted['held out']} answers are of groups that are held out, {counted['hinted']} had a hint")
        if counted["not known"]:
            note(f"{counted['not known']} answers are left out: the run does not have their prompts", err=False)
        return
    for written in exports.write(directory, kind, output):
        echo(f"{kind}: {written}")
    if kind == "every-eval-ever":
        echo("before you submit it, say who evaluated (source_organization_name, evaluator_relationship),")
        echo("and who made the model if `developer` is unknown")


@cli.command()
@click.argument("task")
@opt("--limit", type=click.IntRange(2), default=600, help="How many samples are looked at.")
@opt("--seed", type=int, default=0, help="Seed of generated samples.")
@task_options
@click.option("--fail", is_flag=True, help="Exit code 100 if anything differs that the task does not declare.")
@click.option("--reading", is_flag=True, help="How common ways of answering are read, in each condition.")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def audit(
    task: str, limit: int, seed: int, task_option: tuple[str, ...], fail: bool, reading: bool, as_json: bool
) -> None:
    """Are a task's matched conditions matched, and are its controls what they say? Compares prompts and targets,
    without any model. A rewording must keep what is right, a change must change it (`control`).

    With --reading: is an answer read alike in all conditions, in whatever way it is written? --fail then exits with 100
    if a style is read better in one condition than in another.
    """
    import itertools
    from dataclasses import asdict

    from harness import plugins
    from harness.options import parse_pairs
    from harness.results import audit as audits
    from harness.results import evenness
    from harness.results.audit_controls import audit_controls

    made = plugins.task(task, parse_pairs(task_option, "-T"))
    if reading:
        rows = evenness.read_styles(made, itertools.islice(made.samples(seed), min(limit, evenness.MOST_SAMPLES)))
        uneven = evenness.uneven(rows)
        if as_json:
            echo_value([row._asdict() for row in rows])
            sys.exit(100 if uneven and fail else 0)
        echo(evenness.render_rows(rows))
        echo(f"\nread unevenly between conditions: {', '.join(uneven) or 'none'}")
        sys.exit(100 if uneven and fail else 0)
    findings = audits.audit(made, itertools.islice(made.samples(seed), limit))
    findings += audit_controls(made, seed, limit)
    if as_json:
        echo_value([asdict(finding) for finding in findings])
        sys.exit(100 if audits.warnings(findings) and fail else 0)
    if not findings:
        echo(f"task {task} has a single condition with these options: nothing to compare")
        return
    echo(audits.render(findings))
    warned = audits.warnings(findings)
    echo(f"\n{len(warned)} of {len(findings)} comparisons differ and are not declared by the task")
    sys.exit(100 if warned and fail else 0)
