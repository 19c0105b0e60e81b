"""The command `harness reversal-data`. Imports only click, because `harness --help` loads this module for its help."""

from __future__ import annotations

from pathlib import Path

import click


@click.command("reversal-data", short_help="Write facts to train on, for the task reversal.")
@click.argument("directory", type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--seed",
    type=int,
    default=0,
    show_default=True,
    envvar="HARNESS_SEED",
    help="Seed of the facts: give `harness run` the same.",
)
@click.option("--facts", type=int, default=30, show_default=True, help="Facts of each kind: as -T facts=...")
@click.option("--paraphrases", type=int, default=30, show_default=True, help="Wordings of each fact in training.")
@click.option("--test-paraphrases", type=int, default=10, show_default=True, help="Wordings of each test question.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["chat", "completions"]),
    default="chat",
    show_default=True,
    help="Lines of messages, or of prompt and completion.",
)
def reversal_data(directory: Path, seed: int, facts: int, paraphrases: int, test_paraphrases: int, form: str) -> None:
    """Write train.jsonl and test.jsonl for the reversal task: fictional facts, one direction held out."""
    from harness.tasks.reversal.fictional import write
    from harness.text import printable

    lines = write(directory, seed, facts, paraphrases, test_paraphrases, "chat" if form == "chat" else "completions")
    for line in lines:
        click.echo(printable(line))
    count = f" -T facts={facts}" if facts != 30 else ""
    click.echo(f"test the trained model: harness run --task reversal -T set=fictional{count} --seed {seed} --model ...")
