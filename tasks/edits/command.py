"""The command `harness edits-data`. Imports only click, because `harness --help` loads this module for its help."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("edits-data", short_help="Write the facts of the task edits, as files.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--seed", type=int, default=0, show_default=True, envvar="HARNESS_SEED",
    help="Seed of the facts: give `harness run` the same.",
)  # fmt: skip
@click.option("--edits", type=int, default=100, show_default=True, help="Edits: as -T edits=...")
@click.option("--things", type=int, default=6, show_default=True, help="Things in the circle of each: as -T things=...")
@click.option(
    "--format", "form", type=click.Choice(["chat", "completions"]), default="chat", show_default=True,
    help="Lines of messages, or of prompt and completion.",
)  # fmt: skip
def edits_data(directory: Path, seed: int, edits: int, things: int, form: str) -> None:
    """Write facts.jsonl and requests.jsonl for the edits task: what a model is to know, and which facts to edit."""
    from harness.tasks.edits.files import write
    from harness.text import printable

    for line in write(directory, seed, edits, things, "chat" if form == "chat" else "completions"):
        click.echo(printable(line))
    chosen = "".join(f" -T {k}={v}" for k, v, d in (("edits", edits, 100), ("things", things, 6)) if v != d)
    click.echo(f"test the edited model: harness run --task edits -T how=model{chosen} --seed {seed} --model ...")
