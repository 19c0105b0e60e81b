"""The floors of task hub on many rows: `python benchmarks/hub_floors.py [ROWS]` prints them as a table.

Rows with four options and right answers drawn evenly. After shuffling, a model that always says A is right in a quarter
of them, and answers 5/23 of the items alike in two orders, as the second is never the first again.
Also how quickly samples are made and scored.
"""

from __future__ import annotations

import json
import random
import sys
import tempfile
import time
from pathlib import Path

from harness.reading import commitment  # noqa: F401 - its import is no part of the time
from harness.tasks.hub.tables import Letters
from harness.tasks.hub.task import Hub
from harness.text import align


def write_rows(file: Path, number: int, seed: int = 0) -> None:
    """Rows in ARC's columns."""
    rng = random.Random(seed)
    with file.open("w", encoding="utf-8") as out:
        for i in range(number):
            texts = [f"thing {rng.randrange(10_000)} {letter}" for letter in "abcd"]
            row = {"id": str(i), "question": f"Which of the things is number {i}?", "answerKey": rng.choice("ABCD")}
            out.write(json.dumps(row | {"choices": {"text": texts, "label": list("ABCD")}}) + "\n")


def measured(number: int) -> dict[str, float]:
    """Accuracy and consistency of always A, and of the letters of other baselines; samples a second."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "rows.jsonl"
        write_rows(file, number)
        task = Hub(set="arc-challenge", file=file)
        task.data()
        start = time.perf_counter()
        samples = list(task.samples(0))
        made = time.perf_counter() - start
    found: dict[str, float] = {"samples made a second": len(samples) / made}
    for kind in ("first", "random"):
        rng, letters, right = random.Random(0), Letters(), [0, 0]
        for sample in samples:
            score = task.score(sample.params, task.baseline(kind, sample, rng))
            record = {"params": sample.params, "answer": score.answer, "value": score.value, "group": sample.group}
            letters.add(record | {"epoch": 1})
            if sample.condition == "shuffled":
                right[0] += score.value == 1
                right[1] += 1
        found[f"{kind}: right after shuffling"] = right[0] / right[1]
        found[f"{kind}: answered alike in two orders"] = float(letters.tables()[1].rows[0][1])
    texts = {
        "as asked": "Answer: {}",
        "reasoned": "The first can't be, since it is another.\nOption C looks near.\n\nSo the answer is **{}**.",
    }
    for name, text in texts.items():
        start = time.perf_counter()
        for sample in samples[:20_000]:
            task.score(sample.params, text.format(sample.target))
        found[f"{name}: scored a second"] = min(20_000, len(samples)) / (time.perf_counter() - start)
    return found


def main() -> None:
    """Print the table."""
    number = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    rows = [[name, f"{value:.3f}" if value <= 1 else f"{value:,.0f}"] for name, value in measured(number).items()]
    print(align([f"{number:,} rows with four options", ""], rows, left=1))


if __name__ == "__main__":
    main()
