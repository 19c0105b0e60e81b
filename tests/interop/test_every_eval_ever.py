"""What we export for Every Eval Ever passes the coalition's own validator (`tox -e every-eval-ever` installs it)."""

import subprocess
import sys
from pathlib import Path

import pytest

from harness import api
from harness.results import export
from harness.results.importing import import_file


def test_the_coalitions_validator_finds_nothing_to_say(tmp_path: Path, monkeypatch) -> None:
    pytest.importorskip("every_eval_ever", reason="every_eval_ever IS NOT TESTED: `tox -e every-eval-ever` installs it")
    run = api.run("aiw", "tiny", limit=12, epochs=3, out=tmp_path / "runs").directory
    _, samples = export.write(run, "lm-eval", tmp_path / "results.json")
    # The validator wants to know who made the model: that is in its name then.
    [named] = import_file("lm-eval", samples, {"model": "meta-llama/Llama-3.1-8B"}, tmp_path / "runs")
    monkeypatch.chdir(tmp_path)
    files = export.write(named.directory, "every-eval-ever", Path())
    command = [sys.executable, "-m", "every_eval_ever", "validate", *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout
