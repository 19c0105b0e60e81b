"""For pytest: `def test_reasoning(harness_run): harness_run("aiw", "tiny", limit=60).gate("nightly")`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def harness_run(tmp_path: Path) -> Callable[..., Any]:
    """`harness.run` with its runs in the test's own folder; the run's `gate(BASE)` fails the test on a regression."""
    import harness

    def run(task: str, model: str, **options: Any) -> Any:
        return harness.run(task, model, **{"out": tmp_path, **options})

    return run
