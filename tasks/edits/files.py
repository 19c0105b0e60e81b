"""What an editor needs: the facts that a model is to know before, and the edits that are asked for, as files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

from harness.errors import HarnessError, UsageError, cause
from harness.tasks.edits.cases import MOST, Case, cases
from harness.tasks.edits.questions import facts, metric, statement
from harness.tasks.edits.task import every_question, prompt

Format = Literal["chat", "completions"]


def fact_lines(made: tuple[Case, ...], form: Format) -> Iterator[dict[str, Any]]:
    """Every fact in both wordings, in the format of fine-tuning APIs. What is left to the model is the last name."""
    for case in made:
        names = (*case.subjects, *case.heads, *case.places, *case.origins)
        for wording in (0, 1):
            for sentence in facts(case, wording):
                last = next(name for name in names if sentence.endswith(f" {name}."))
                yield _line(sentence.removesuffix(f" {last}."), f"{last}.", form)


def _line(start: str, rest: str, form: Format) -> dict[str, Any]:
    if form == "completions":
        return {"prompt": start, "completion": f" {rest}"}
    asked = f"Finish the sentence: {start}"
    return {"messages": [{"role": "user", "content": asked}, {"role": "assistant", "content": rest}]}


def request(case: Case, index: int) -> dict[str, Any]:
    """One edit as editors ask for it: a prompt that the new object completes, and the questions that test it."""
    subject, old, new = case.subjects[case.edited], case.heads[case.edited], case.heads[case.new]
    sentence = case.relation.head[0].format(subject=subject, person=new)
    found: dict[str, Any] = {
        "id": case.group, "subject": subject, "prompt": sentence.removesuffix(f" {new}."), "target_old": old,
        "target_new": new, "statement": statement(case),
    }  # fmt: skip
    for question, text, before, after, names in every_question(case, index):
        full = prompt(case, text, "after", "model")
        line: dict[str, Any] = {"question": question, "prompt": text, "before": before, "after": after}
        line |= {"asked": full, "candidates": names}
        found.setdefault(metric(question), []).append(line)
    return found


def write(directory: Path, seed: int, count: int, things: int, form: Format) -> list[str]:
    """Write facts.jsonl and requests.jsonl into a directory, over any that are there. Returns a line of report for
    each. Raises UsageError for counts out of range, HarnessError if the files can't be written."""
    for name, value, low, high in (("edits", count, 1, MOST), ("things", things, 3, 10)):
        if not low <= value <= high:
            raise UsageError(f"--{name}: {value} is not between {low} and {high}")
    made = cases(seed, count, things)
    written = []
    lines = {"facts.jsonl": fact_lines(made, form), "requests.jsonl": (request(c, i) for i, c in enumerate(made))}
    for name, rows in lines.items():
        path, count = directory / name, 0
        try:
            directory.mkdir(parents=True, exist_ok=True)
            with path.open("w", encoding="utf-8") as file:
                for row in rows:
                    file.write(json.dumps(row, ensure_ascii=False) + "\n")
                    count += 1
        except OSError as error:
            raise HarnessError(f"{path}: can't be written: {cause(error)}", "choose another directory") from None
        written.append(f"{path}: {count} lines")
    return written
