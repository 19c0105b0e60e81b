"""Does a language model reason, or only recognise? The same question in matched worlds, checked by verifiers.

import harness
run = harness.run(task="aiw", model="tiny", limit=60)
run.gaps()      # a pandas DataFrame; run.table(), run.records(), run.report("page.html"), run.compare(other)
harness.load("results/RUN")   # one that is on disk
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from harness.api import Run

__version__ = "0.1.0"


def run(task: str, model: str, **options: Any) -> Run:
    """Run one task on one model; see harness.api.run for the options."""
    from harness import api  # `harness --help` needs none of it

    return api.run(task, model, **options)


def load(run: str | Path) -> Run:
    """A run on disk; see harness.api.load."""
    from harness import api

    return api.load(run)
