"""The fictional facts of a seed, and the training and test files made of them."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from harness.errors import HarnessError, UsageError, cause
from harness.seeds import derive
from harness.tasks.reversal.people import MOST, ORDERS, Order, Person, asked, draw, reversed_order, split
from harness.tasks.reversal.prompts import frames, text
from harness.types import Message, Sample

Trained = Literal["name_first", "description_first", "both"]
TRAINED: tuple[Trained, ...] = ("name_first", "description_first", "both")
DIRECTIONS = ("forward", "reverse")
Format = Literal["chat", "completions"]


@dataclass(frozen=True, slots=True)
class Fact:
    """A person, how training states the fact (`trained`), the order that counts as forward, and the seed of the set."""

    group: str
    person: Person
    trained: Trained
    order: Order
    seed: int


@lru_cache(maxsize=4)
def facts(seed: int, count: int) -> tuple[Fact, ...]:
    """`count` facts of each kind: stated name first, description first, or both ways. A seed always gives the same.

    For every other fact that is stated both ways, the description counts as first. So forward and reverse ask for names
    equally often in this control, too.
    """
    people = draw(random.Random(derive("reversal", "fictional", seed, count)), 3 * count)
    made = []
    for index, person in enumerate(people):
        # Kinds take turns, so that any --limit leaves equally many of each.
        trained = TRAINED[index % 3]
        order = ORDERS[index % 2] if trained == "both" else trained
        made.append(Fact(f"fictional{count}-{seed}-{index:04d}", person, trained, order, seed))
    return tuple(made)


def fictional_sample(fact: Fact, direction: str, wording: int, set_name: str) -> Sample:
    """One question about a fact of the training data; `wording` counts the test frames from 0."""
    order = fact.order if direction == "forward" else reversed_order(fact.order)
    start, _ = split(frames("test", order)[wording], fact.person, order)
    given, answer = asked(fact.person, order)
    params: dict[str, str | int] = {
        "set": set_name, "direction": direction, "order": order, "trained": fact.trained, "given": given,
        "answer": answer, "wording": wording, "start": start, "facts_seed": fact.seed,
    }  # fmt: skip
    question = Message("user", text("finish").replace("{start}", start))
    name = f"{fact.group}/{direction}" + (f"/{wording}" if wording else "")
    return Sample(name, fact.group, direction, params, (question,), answer)


def training_lines(made: Iterable[Fact], paraphrases: int, form: Format) -> Iterator[dict[str, Any]]:
    """Each fact in `paraphrases` wordings, in the order of training; one trained both ways has twice as many lines."""
    for fact in made:
        orders = [fact.order] if fact.trained != "both" else [fact.order, reversed_order(fact.order)]
        for order in orders:
            for frame in frames("train", order)[:paraphrases]:
                start, rest = split(frame, fact.person, order)
                yield _line(start, rest, form)


def test_lines(made: Iterable[Fact], paraphrases: int, form: Format) -> Iterator[dict[str, Any]]:
    """Each fact in both directions, in wordings that the training data do not have. `harness score --task reversal`
    needs the `params` of a line and a response."""
    for fact in made:
        set_name = "fictional_both" if fact.trained == "both" else "fictional"
        for direction in DIRECTIONS:
            for wording in range(paraphrases):
                sample = fictional_sample(fact, direction, wording, set_name)
                line = _line(str(sample.params["start"]), sample.target, form)
                yield {"id": sample.id, **line, "params": dict(sample.params)}


def _line(start: str, rest: str, form: Format) -> dict[str, Any]:
    """One example in the format of fine-tuning APIs. A completion starts with a space, as those APIs ask for, because
    tokenisers join it to the word."""
    if form == "completions":
        return {"prompt": start, "completion": f" {rest}"}
    asked = text("finish").replace("{start}", start)
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": rest}]}


def write(directory: Path, seed: int, count: int, paraphrases: int, test_paraphrases: int, form: Format) -> list[str]:
    """Write train.jsonl and test.jsonl into a directory, over any that are there. Returns a line of report for each.

    Raises UsageError for counts out of range, HarnessError if the files can't be written.
    """
    limits = (("facts", count, MOST // 3), ("paraphrases", paraphrases, len(frames("train", "name_first"))),
              ("test-paraphrases", test_paraphrases, len(frames("test", "name_first"))))  # fmt: skip
    for name, value, most in limits:
        if not 1 <= value <= most:
            raise UsageError(f"--{name}: {value} is not between 1 and {most}")
    made = facts(seed, count)
    training = list(training_lines(made, paraphrases, form))
    random.Random(derive("reversal", "shuffle", seed)).shuffle(training)
    written = []
    for name, lines in (("train.jsonl", training), ("test.jsonl", test_lines(made, test_paraphrases, form))):
        path, count = directory / name, 0
        before = path.exists()
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8") as file:
                for line in lines:
                    file.write(json.dumps(line, ensure_ascii=False) + "\n")
                    count += 1
        except OSError as error:
            raise HarnessError(f"{path}: can't be written: {cause(error)}", "choose another directory") from None
        written.append(f"{path}: {count} lines" + (" (in place of those that were there)" if before else ""))
    return written
