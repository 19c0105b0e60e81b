"""Is every way of writing read alike in every condition of a task? Common styles are read before any model is asked.

A reader that knows a notation in one world and not in the other makes a gap out of nothing.
"""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from harness.reading.styles import Reads, Style, is_list, render, styles_for
from harness.seeds import derive
from harness.text import align
from harness.types import Outcome, Sample, Task

EXPECTED: dict[Reads, Outcome] = {
    "nothing": Outcome.UNPARSED,
    "truncated": Outcome.TRUNCATED,
    "refused": Outcome.REFUSED,
}
MOST_SAMPLES = 60
"""Samples that are enough to see a style read otherwise."""
MOST_DRAWS = 50
"""Draws of the random baseline until one is wrong."""


class Row(NamedTuple):
    """How a style is read in one condition: `meant` of `n` responses as a person would."""

    style: str
    condition: str
    meant: int
    n: int
    first_miss: str


def read_styles(task: Task, samples: Iterable[Sample]) -> list[Row]:
    """Each style with the right answer and with a wrong one, in the condition of each sample."""
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    misses: dict[tuple[str, str], str] = {}
    for sample in samples:
        wrong = wrong_answer(task, sample)
        for style in styles_for(sample.target, wrong):
            for right in (True, False) if wrong and "{answer}" in style.template else (True,):
                text, expected = expectation(style, sample.target, wrong, right)
                score = task.score(sample.params, text, style.stop_reason)
                key = (style.name, sample.condition)
                counts[key][0] += score.outcome is expected
                counts[key][1] += 1
                if score.outcome is not expected:
                    misses.setdefault(key, f"{score.outcome.value}, not {expected.value}")
    return [Row(*key, meant, n, misses.get(key, "")) for key, (meant, n) in counts.items()]


def expectation(style: Style, answer: str, wrong: str, right: bool) -> tuple[str, Outcome]:
    """(a response in this style that gives the right or the wrong answer, the outcome that a person would see)."""
    given, other = (answer, wrong) if right else (wrong, answer)
    outcome = EXPECTED[style.reads] if style.reads != "answer" else Outcome.CORRECT if right else Outcome.WRONG
    return render(style, given, other), outcome


def wrong_answer(task: Task, sample: Sample) -> str:
    """A wrong answer as the task writes it; of a list, all items but the last. Empty if the task has none."""
    if is_list(sample.target):
        return sample.target.rpartition("\n")[0]
    rng = random.Random(derive("wrong answer", sample.id))
    for _ in range(MOST_DRAWS):
        drawn = task.baseline("random", sample, rng)
        score = task.score(sample.params, drawn)
        if score.outcome is Outcome.WRONG and score.answer:
            if is_list(drawn):
                return drawn
            if "\n" not in score.answer:
                return score.answer
    return ""


def uneven(rows: Iterable[Row]) -> list[str]:
    """The styles that are read better in one condition than in another."""
    shares: dict[str, set[float]] = defaultdict(set)
    for row in rows:
        shares[row.style].add(row.meant / row.n)
    return [style for style, values in shares.items() if len(values) > 1]


def render_rows(rows: Iterable[Row]) -> str:
    """A table: a row a style, with the conditions in which it is not always read as meant."""
    by_style: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        by_style[row.style].append(row)
    table = []
    for style, found in by_style.items():
        missed = [f"{r.condition} ({r.meant} of {r.n}: {r.first_miss})" for r in found if r.meant < r.n]
        listed = "; ".join(missed[:2]) + (f"; and {len(missed) - 2} more" if len(missed) > 2 else "")
        table.append(
            [style, f"{sum(r.meant for r in found)} of {sum(r.n for r in found)}", str(len(found)), listed or "-"]
        )
    return align(["style of answering", "read as a person would", "conditions", "read otherwise in"], table, left=4)
