"""Runs that were written and never asked: as small as the point that a test of the gate makes."""

import json
from pathlib import Path

from harness.pipeline import store

SCHEMA = str(Path(__file__).parents[1] / "fixtures" / "junit.xsd")

Values = list[float | None]

BASE: Values = [1.0] * 400 + [0.0] * 100


def run(
    tmp_path: Path,
    name: str,
    values: Values,
    groups: int | None = None,
    text: str = "",
    of: str = "echo",
    model: str = "m",
    conditions: str = "ba",
    **about: object,
) -> Path:
    """A run `of` a task with these values, in turn of each condition (a letter each); each is in a group of its own
    unless there are fewer groups."""
    directory = tmp_path / name
    directory.mkdir(parents=True)
    config = {"task": of, "model": model, "strategy": "io"}
    said = {"run_id": name, "status": "complete", "config": config, "task": {"version": "1"}} | about
    store.write_config(directory, said)
    lines = []
    for i, value in enumerate(values):
        outcome = "truncated" if value is None else "correct" if value == 1 else "wrong"
        lines.append({"task": of, "id": f"s{i}", "epoch": 1, "group": f"g{i % (groups or len(values))}",
                      "condition": conditions[i % len(conditions)], "params": {"n": i}, "outcome": outcome,
                      "value": value, "response": f"{text or name} {i}",
                      "input": [{"role": "user", "content": str(i)}]})  # fmt: skip
    (directory / store.RECORDS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return directory


def flipped(values: Values, lost: int, gained: int) -> Values:
    """The same answers with so many turned from right to wrong and back."""
    made = list(values)
    right, wrong = [i for i, v in enumerate(values) if v == 1], [i for i, v in enumerate(values) if v == 0]
    for i in right[:lost]:
        made[i] = 0.0
    for i in wrong[:gained]:
        made[i] = 1.0
    return made
