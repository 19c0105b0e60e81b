"""Published responses, and what their benchmark's own scorer said of each: a draw that comes with the tests, and the
whole corpora where there are any (HARNESS_CORPORA says where)."""

from __future__ import annotations

import gzip
import json
import os
from pathlib import Path
from typing import Any

import pytest

DRAWN = Path(__file__).parent / "fixtures" / "published"
WHOLE = Path(os.environ.get("HARNESS_CORPORA", Path(__file__).parents[2] / "shared" / "corpora"))

drawn_and_whole = pytest.mark.parametrize("corpora", [pytest.param(DRAWN, id="drawn"), pytest.param(WHOLE, id="whole")])
"""For a test that holds on each line: on the draw always, on the whole corpus if it is there."""


def rows(name: str, corpora: Path = WHOLE) -> list[dict[str, Any]]:
    """The lines of a corpus; if a whole one is not there, the test is skipped and says so."""
    path = corpora / f"{name}.jsonl.gz"
    if corpora == WHOLE and not path.exists():
        pytest.skip(f"THE WHOLE CORPUS {name} IS NOT TESTED: there is no {path} (set HARNESS_CORPORA)")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [json.loads(line) for line in file]
