"""The official metrics of a prediction file, as the published scripts print them.

    python -m harness.tasks.multihop.evaluate hotpotqa PREDICTIONS GOLD
    python -m harness.tasks.multihop.evaluate 2wikimultihopqa PREDICTIONS GOLD --aliases id_aliases.json
    python -m harness.tasks.multihop.evaluate musique PREDICTIONS GOLD

Run it outside the clone's root, where ./harness has no tasks inside. Files in the official formats, .gz too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from harness.errors import DataError, HarnessError
from harness.reading import qa
from harness.tasks.multihop.published import read_json


def evaluate(dataset: str, predictions: Path, gold: Path, aliases: Path | None = None) -> qa.Metrics:
    """The official metrics of a set by name. Raises DataError for files that are not in the official formats."""
    rows = read_json(gold)
    told = read_json(predictions)
    try:
        if dataset == "musique":
            return qa.musique_file(_lines(told), _lines(rows))
        if dataset == "hotpotqa":
            return qa.hotpotqa_file(told, _lines(rows))
        return qa.wiki2_file(told, _lines(rows), _aliases(aliases) if aliases else None)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DataError(
            f"{predictions} or {gold}: not in the official format: {type(error).__name__}: {error}",
            'predictions are {"answer": {id: text}, "sp": ...} or, for musique, JSON lines with `predicted_answer` ...',
        ) from None


def _lines(value: Any) -> list[Any]:
    """A file of one JSON line is read as one object; this makes it a list again."""
    return value if isinstance(value, list) else [value]


def _aliases(path: Path) -> dict[str, list[str]]:
    return {row["Q_id"]: [*row["aliases"], *row["demonyms"]] for row in _lines(read_json(path))}


@click.command()
@click.argument("dataset", type=click.Choice(["hotpotqa", "2wikimultihopqa", "musique"]))
@click.argument("predictions", type=click.Path(path_type=Path))
@click.argument("gold", type=click.Path(path_type=Path))
@click.option("--aliases", type=click.Path(path_type=Path), help="2WikiMultiHopQA's id_aliases.json.")
def main(dataset: str, predictions: Path, gold: Path, aliases: Path | None) -> None:
    """Print the official metrics of PREDICTIONS against GOLD as JSON."""
    try:
        click.echo(json.dumps(evaluate(dataset, predictions, gold, aliases), indent=2))
    except HarnessError as error:
        raise click.ClickException(f"{error.message}\n  {error.hint}") from None


if __name__ == "__main__":
    main()
