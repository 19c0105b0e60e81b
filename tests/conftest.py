"""For all tests: the command as a script sees it, and benchmarks/ on the path (its mock server, its hostile texts)."""

import os
import sys
from pathlib import Path

import hypothesis
import pytest

from harness.cli import main

sys.path.append(str(Path(__file__).parents[1] / "benchmarks"))

# A machine that is crowded makes no test fail: neither an example nor the drawing of examples has a time limit.
slow = hypothesis.HealthCheck.too_slow
hypothesis.settings.register_profile("harness", deadline=None, suppress_health_check=[slow])
hypothesis.settings.load_profile("harness")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """`-n auto`: each worker imports everything anew, and tests that end processes need room beside them."""
    return min(4, os.cpu_count() or 1)


@pytest.fixture
def harness(tmp_path, monkeypatch, capsys):
    """Runs the command in an empty directory; (exit code, standard output, standard error)."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["harness", *map(str, args)])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return code, out, err

    return call


@pytest.fixture
def validate(harness):
    """Runs `harness validate` on a domain, a problem and a plan; (exit code, standard output, standard error)."""

    def call(domain: str, problem: str, plan: str, *options: str) -> tuple[int, str, str]:
        for name, text in (("d.pddl", domain), ("p.pddl", problem), ("plan.txt", plan)):
            Path(name).write_text(text)
        return harness("validate", "d.pddl", "p.pddl", "plan.txt", *options)

    return call
