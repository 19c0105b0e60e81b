"""Agreement with the verdict that a person gives, over many ways of writing.

The written ones come with the tests (tests/fixtures/reading), a larger corpus if HARNESS_CORPORA says where it is.
"""

import gzip
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from harness import plugins
from tests.corpora import WHOLE

WRITTEN = sorted((Path(__file__).parents[1] / "fixtures" / "reading").glob("*.jsonl.gz"))
CORPORA = WHOLE / "reading"


def lines(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def count(path: Path) -> Counter[str]:
    """How many lines are read as labelled (`agree`), and how many have a wrong verdict instead of the right one or of
    none (`silent`)."""
    counts: Counter[str] = Counter()
    task = plugins.task(re.split(r"[._]", path.name)[0], {})
    for row in lines(path):
        score = task.score(row["params"], row["response"], row.get("stop_reason") or "stop")
        wanted, got = row["expect"]["outcome"], score.outcome.value
        agrees = got == wanted or got in row["expect"].get("accept", ())
        counts["lines"] += 1
        counts["agree"] += agrees
        counts["silent"] += not agrees and "correct" in (got, wanted) and got in ("correct", "wrong")
    return counts


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name.partition(".")[0])
def test_written_responses_are_read_as_a_person_reads_them(path: Path) -> None:
    counts = count(path)
    assert counts["lines"] > 400
    assert counts["agree"] >= 0.95 * counts["lines"], counts
    assert counts["silent"] <= 0.01 * counts["lines"], counts


def test_the_larger_corpus() -> None:
    if not CORPORA.is_dir():
        pytest.skip(f"the larger corpus of responses IS NOT TESTED: there is no {CORPORA} (set HARNESS_CORPORA)")
    counts = sum((count(path) for path in sorted(CORPORA.glob("*.jsonl.gz"))), Counter())
    assert counts["agree"] >= 0.97 * counts["lines"], counts
    assert counts["silent"] <= 0.005 * counts["lines"], counts
