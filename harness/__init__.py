"""Does a language model reason, or only recognise? The same question in matched worlds, checked by verifiers.

import harness
run = harness.run(task="aiw", model="tiny", limit=60)
run.gaps()      # a pandas DataFrame; run.table(), run.records(), run.report("page.html"), run.compare(other)
harness.load("results/RUN")   # one that is on disk
harness.falsify(task="aiw", model="tiny")   # where it breaks most, found by a search and proved on fresh groups
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from harness.api import Falsified, Run

__version__ = "0.1.0"


def run(task: str, model: str, **options: Any) -> Run:
    """Run one task on one model; see harness.api.run for the options."""
    from harness import api  # `harness --help` needs none of it

    return api.run(task, model, **options)


def load(run: str | Path) -> Run:
    """A run on disk; see harness.api.load."""
    from harness import api

    return api.load(run)


def falsify(task: str, model: str, **options: Any) -> Falsified:
    """Search a task's options for where a model breaks, and prove it on fresh groups; see harness.api.falsify."""
    from harness import api

    return api.falsify(task, model, **options)
