"""What the tests of planners and validators start from."""

import pytest

from harness.pddl import cross_check, planner_pool
from tests.waiting import HANG


@pytest.fixture(autouse=True)
def patient(monkeypatch) -> None:
    """On a crowded machine a process may take long to start and to answer."""
    monkeypatch.setattr(planner_pool, "START_LIMIT", HANG)
    monkeypatch.setattr(cross_check, "TIME_LIMIT", HANG)
