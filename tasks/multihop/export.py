"""Generated questions as a file in MuSiQue-Full's format, for the official scripts and for training.

    python -m harness.tasks.multihop.export OUT.jsonl --questions 500 --documents 20 --seed 0

Run it outside the clone's root, where ./harness has no tasks inside.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from harness.errors import HarnessError
from harness.files import writing
from harness.tasks.multihop.generator import LEAST
from harness.tasks.multihop.items import Item
from harness.tasks.multihop.layout import Layout
from harness.tasks.multihop.task import KINDS, Multihop


def musique_full(item: Item, documents: int) -> Iterator[dict[str, Any]]:
    """The two rows of a question: the answerable one, and its twin, in which the changed document supports nothing.

    Raises ValueError if the question has fewer documents than `documents`.
    """
    where = Layout(item)
    places = where.places(documents, "random", "random")
    if places is None:
        raise ValueError(f"{item.id} has no {documents} documents")
    for answerable, support in ((True, item.support), (False, item.twin)):
        supports = {place: hop for hop, place in enumerate(places) if answerable or hop != item.twin_hop}
        shown = where.documents(documents, places, support)
        yield {
            "id": f"{len(support)}hop__{item.id}",
            "paragraphs": [
                {"idx": i, "title": title, "paragraph_text": text, "is_supporting": i in supports}
                for i, (title, text) in enumerate(shown)
            ],
            "question": item.question,
            "question_decomposition": [
                {
                    "id": number,
                    "question": hop.question,
                    "answer": hop.answer,
                    "paragraph_support_idx": places[hop.support] if places[hop.support] in supports else None,
                }
                for number, hop in enumerate(item.hops, 1)
            ],
            "answer": item.answer,
            "answer_aliases": list(item.aliases),
            "answerable": answerable,
        }


@click.command()
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--questions", type=click.IntRange(1), default=500, show_default=True, help="Two rows each.")
@click.option("--documents", type=click.IntRange(LEAST, 200), default=20, show_default=True, help="Paragraphs a row.")
@click.option("--types", default=",".join(KINDS), show_default=True, help="Kinds of questions.")
@click.option("--seed", type=int, default=0, show_default=True)
def main(out: Path, questions: int, documents: int, types: str, seed: int) -> None:
    """Write generated questions to OUT in MuSiQue-Full's format (JSON lines; .gz is packed)."""
    try:
        task = Multihop(types=tuple(types.split(",")), documents=(documents,))
        with writing(out) as file:
            for index in range(questions):
                for row in musique_full(task.item(seed, index), documents):
                    file.write(json.dumps(row).encode() + b"\n")
    except HarnessError as error:
        raise click.ClickException(f"{error.message}\n  {error.hint}") from None


if __name__ == "__main__":
    main()
