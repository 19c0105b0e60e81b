"""The logs of Tree of Thoughts as answers of our task (`harness import game24 FILE --with ranks=24.csv`).

A log is a list of objects with `idx` (the puzzle's place in the published 24.csv), `ys` (the answers) and `infos` (the
original verdicts, `r`). A log does not hold the puzzles, so a copy of that file is needed. Source of the format:
princeton-nlp/tree-of-thought-llm (MIT), logs/game24.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from harness.answers import PublishedAnswer
from harness.errors import DataError, UsageError
from harness.files import read_json
from harness.tasks.game24.puzzles import ranked
from harness.types import Message, Sample


def read(path: Path, options: Mapping[str, str]) -> Iterator[PublishedAnswer]:
    """Every answer of a log. The option `ranks` is a copy of 24.csv. `model` and `prompt` (standard, cot) are taken
    from the file's name if they are not given, which has both in the repository (gpt-4_0.7_naive_cot_...).

    Raises UsageError for missing or unknown options, DataError if the file is not a log of Game of 24.
    """
    unknown = set(options) - {"ranks", "model", "prompt"}
    if unknown or "ranks" not in options:
        what = f"there is no {', '.join(sorted(unknown))}" if unknown else "a log does not hold its puzzles"
        raise UsageError(f"format game24: {what}", "--with ranks=24.csv, and if you like model=NAME, prompt=cot")
    rows, order = read_json(path), ranked(Path(options["ranks"]))
    if not isinstance(rows, list):
        raise DataError(f"{path}: expected a list of puzzles with their answers")
    name = path.stem.split("_")
    prompt = options.get("prompt") or next((p for p in ("standard", "cot") if p in name), "published")
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict) or not isinstance(row.get("idx"), int) or not isinstance(row.get("ys"), list):
            raise DataError(f"{path}, row {number}: no `idx` and `ys`: not a log of Game of 24")
        if not 0 <= row["idx"] < len(order):
            raise DataError(f"{path}, row {number}: there is no puzzle {row['idx']} in {options['ranks']}")
        puzzle = order[row["idx"]]
        numbers, group = " ".join(map(str, puzzle.numbers)), "-".join(map(str, puzzle.numbers))
        condition = f"24/solvable/{prompt}"
        params = {"numbers": numbers, "index": row["idx"], "target": 24, "world": "24", "solvable": "yes"}
        sample = Sample(f"{group}/{condition}", group, condition, {**params, "prompt": prompt},
                        (Message("user", f"Input: {numbers}"),), f"{puzzle.goal.solution} = 24")  # fmt: skip
        infos = row.get("infos") or []
        for epoch, text in enumerate(row["ys"], 1):
            verdict = infos[epoch - 1].get("r") if epoch <= len(infos) and isinstance(infos[epoch - 1], dict) else None
            yield PublishedAnswer("game24", options.get("model") or name[0], sample, str(text), epoch,
                         verdict=None if verdict is None else bool(verdict))  # fmt: skip
