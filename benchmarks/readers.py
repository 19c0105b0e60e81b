"""Our reader and others on the same labelled responses: `python benchmarks/readers.py [FOLDER]`.

FOLDER holds `TASK.jsonl.gz` with `params`, `response`, `stop_reason` and `expect.outcome` on each line; the default is
tests/fixtures/reading. The code is ours. It restates the others' patterns, which were not checked again against their
sources:

    gsm8k strict, flexible   lm-evaluation-harness, lm_eval/tasks/gsm8k/gsm8k.yaml
    Answer: pattern          simple-evals, common.py (ANSWER_PATTERN)
    MGSM                     simple-evals, mgsm_eval.py (last number behind the last "Answer")
    last \\boxed              MATH and its descendants
    exact match, contains    SQuAD's normalisation; the match of the whole response, or of its last line
    math-verify              the package, if it is installed
    a line an action         PlanBench, utils/text_to_pddl.py: in each line an action's verb, and colours in order

The others know right and wrong only. So every reader, ours too, agrees if it judges a response right exactly when the
label is `correct`, or when `expect.accept` allows `correct` as well. Silently wrong means that a right answer was
judged wrong, or an answer that is not right was judged right; a right answer that was not read does not count. All
strings are compared alike (`equal`), an expression for game24 by its numbers and value. Readers of numbers are left out
for tasks whose answers are not numbers, and `contains` for game24, which has no single text to look for.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from harness import plugins
from harness.reading.expressions import NotAnExpressionError, NoValueError, parse
from harness.reading.qa import normalise

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures" / "reading"
Judge = Callable[[dict[str, Any], str], bool | None]
"""From params and response: True for right, False for wrong, None if nothing is read."""

STRICT = re.compile(r"#### (\-?[0-9\.\,]+)")
FLEXIBLE = re.compile(r"(-?[$0-9.,]{2,})|(-?[0-9]+)")
PATTERN = re.compile(r"(?i)Answer\s*:\s*([^\n]+)")
NUMBER = re.compile(r"\d+\.?\d*")
BOXED = re.compile(r"\\boxed\s*\{((?:[^{}]|\{[^{}]*\})*)\}")
WORDS = re.compile(r"\\(?:text|textbf|mathrm|mathbf)\s*\{([^{}]*)\}")


def equal(params: dict[str, Any], said: str | None) -> bool | None:
    """Whether a string is the right answer, as the others compare: numbers without commas, names as SQuAD does; None
    for no string."""
    if said is None or not said.strip():
        return None
    if "numbers" in params:
        return makes(params, said)
    golds = [str(params["answer"]), *json.loads(params.get("aliases") or "[]")]
    said = said.strip().rstrip(".").replace(",", "").replace("$", "").strip() if not golds[0].isalpha() else said
    return any(normalise(said) == normalise(gold) for gold in golds)


def makes(params: dict[str, Any], said: str) -> bool:
    """Whether the first side of an equation uses the numbers once and makes the target."""
    try:
        side = parse(said.split("=")[0].strip(" $*`"), implicit=True)
        used = sorted(map(str, side.numbers)) == sorted(str(params["numbers"]).split())
        return used and side.value() == params.get("target", 24)
    except (NotAnExpressionError, NoValueError):
        return said.strip(" .*").lower() == "no solution" and params.get("solvable") == "no"


def strict(params: dict[str, Any], text: str) -> bool | None:
    """The first number behind `####`."""
    found = STRICT.search(text)
    return equal(params, found[1] if found else None)


def flexible(params: dict[str, Any], text: str) -> bool | None:
    """The last number of the response."""
    found = [a or b for a, b in FLEXIBLE.findall(text)]
    return equal(params, found[-1] if found else None)


def pattern(params: dict[str, Any], text: str) -> bool | None:
    """The rest of the line behind the first `Answer:`."""
    found = PATTERN.search(text)
    return equal(params, found[1] if found else None)


def mgsm(params: dict[str, Any], text: str) -> bool | None:
    """The last number behind the last `Answer`."""
    if "Answer" not in text:
        return None
    found = NUMBER.findall(text.split("Answer")[-1].strip().replace(",", ""))
    return equal(params, found[-1].rstrip(".") if found else None)


def boxed(params: dict[str, Any], text: str) -> bool | None:
    """What the last box holds."""
    found = BOXED.findall(text)
    return equal(params, WORDS.sub(r"\1", found[-1]) if found else None)


def exact(params: dict[str, Any], text: str) -> bool | None:
    """The whole response."""
    return equal(params, text)


def last_line(params: dict[str, Any], text: str) -> bool | None:
    """The last line, without `Answer:` before it."""
    return equal(params, (text.strip().splitlines() or [""])[-1].removeprefix("Answer:"))


def contains(params: dict[str, Any], text: str) -> bool | None:
    """Whether the right answer or an alias occurs anywhere in the response."""
    golds = [str(params["answer"]), *json.loads(params.get("aliases") or "[]")]
    words = f" {normalise(text)} "  # without punctuation, which turns <b>7</b> into one word
    return any(
        f" {normalise(gold)} " in words or re.search(rf"(?i)(?<!\w){re.escape(gold)}(?!\w)", text) for gold in golds
    )


def math_verify(params: dict[str, Any], text: str) -> bool | None:
    """The package's own verdict. Raises ImportError if it is not installed."""
    import math_verify as package  # type: ignore[import-not-found,unused-ignore]

    said = package.parse(text, parsing_timeout=None)
    return package.verify(package.parse(str(params["answer"])), said, timeout_seconds=None) if said else None


VERBS = (("pick up", "pick-up", 1), ("put down", "put-down", 1), ("unstack", "unstack", 2), ("stack", "stack", 2))


def line_an_action(params: dict[str, Any], text: str) -> bool | None:
    """Reads from each line the verb in it and the words for blocks in their order; the plan stands between [PLAN] and
    [PLAN END]."""
    world = plugins.task("blocksworld", {})
    inside = text.lower().split("[plan]")[-1].split("[plan end]")[0]
    letters = {"red": "a", "blue": "b", "orange": "c", "yellow": "d", "white": "e", "magenta": "f", "black": "g"}
    steps = []
    for line in inside.splitlines():
        named = [letters[word] for word in re.findall(r"[a-z]+", line) if word in letters]
        verb = next(((name, n) for said, name, n in VERBS if said in line), None)
        if verb and len(named) >= verb[1]:
            steps.append(f"({' '.join([verb[0], *named[: verb[1]]])})")
    return world.score(params, "\n".join(steps)).outcome.value == "correct" if steps else None


ANSWERS: dict[str, Judge] = {"last line": last_line, "Answer: pattern": pattern, "last \\boxed": boxed}
NUMBERS: dict[str, Judge] = {
    "contains": contains,
    "gsm8k strict": strict,
    "gsm8k flexible": flexible,
    "MGSM": mgsm,
    "math-verify": math_verify,
}
NAMES: dict[str, Judge] = {"exact match": exact, "contains": contains}
OTHERS: dict[str, dict[str, Judge]] = {
    "aiw": ANSWERS | NUMBERS,
    "arithmetic": ANSWERS | NUMBERS,
    "game24": ANSWERS,
    "reversal": ANSWERS | NAMES,
    "multihop": ANSWERS | NAMES,
    "blocksworld": {"a line an action": line_an_action},
}


def rows(name: str, path: Path) -> Iterator[list[str]]:
    """One row for each reader: how often it agrees, and how it errs."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        lines = [json.loads(line) for line in file]
    if name == "blocksworld":
        lines = [line for line in lines if line["params"].get("world") == "plain"]
    task = plugins.task(name, {})
    for reader in ("harness", *OTHERS[name]):
        agrees, wronged, unread, credited = 0, 0, 0, 0
        for line in lines:
            labels = {line["expect"]["outcome"], *(line["expect"].get("accept") or ())}
            if reader == "harness":
                outcome = task.score(line["params"], line["response"], line.get("stop_reason") or "stop").outcome.value
                said = outcome == "correct" if outcome in ("correct", "wrong") else None
            else:
                try:
                    said = OTHERS[name][reader](line["params"], line["response"])
                except ImportError:
                    yield [name, reader, str(len(lines)), "not installed", "", "", "", ""]
                    break
            agrees += "correct" in labels if said else labels != {"correct"}
            wronged += labels == {"correct"} and said is False
            unread += labels == {"correct"} and said is None
            credited += "correct" not in labels and bool(said)
        else:
            shares = [f"{100 * count / len(lines):.1f}%" for count in (agrees, wronged + credited)]
            yield [name, reader, str(len(lines)), shares[0], *map(str, (wronged, unread, credited)), shares[1]]


def main(folder: Path) -> None:
    """Print the rows of every task that has a file in the folder."""
    head = [
        "task",
        "reader",
        "n",
        "agrees",
        "right answer judged wrong",
        "right answer not read",
        "judged right, is not",
        "silently wrong",
    ]
    print("| " + " | ".join(head) + " |\n|" + "---|" * len(head))
    for name in OTHERS:
        if (folder / f"{name}.jsonl.gz").is_file():
            for row in rows(name, folder / f"{name}.jsonl.gz"):
                print("| " + " | ".join(row) + " |", flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else FIXTURES)
