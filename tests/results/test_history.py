"""The history of runs, the pytest fixture, and the example workflow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from harness import api
from harness.errors import DataError, UsageError
from harness.pipeline import store
from harness.results import history
from harness.results.records import open_run

ROOT = Path(__file__).parents[2]

pytest_plugins = ["pytester"]


def test_a_run_is_added_once_and_its_trend_has_interval_and_n(tmp_path: Path) -> None:
    runs = [
        api.run("aiw", "baseline/random", limit=6, epochs=2, seed=s, out=tmp_path / "runs").directory for s in (1, 2)
    ]
    file = tmp_path / "results" / "history.csv"
    assert [
        len(history.add([open_run(r) for r in runs[:1]], file)),
        len(history.add([open_run(r) for r in runs], file)),
    ] == [1, 1]
    text = history.render(history.read(file))
    version = store.read_config(runs[0])["task"]["version"]
    assert text.startswith(f"aiw {version} (seed 1, limit 6), baseline/random, io   ")
    assert text.count(" 12 ") == 2


def test_runs_of_other_questions_are_no_trend(tmp_path: Path) -> None:
    """As of one task with other options: between them accuracy changes, and the model does not."""
    asked = [{}, {"task_options": {"family": "friends"}}, {"seed": 1}]
    runs = [api.run("aiw", "baseline/random", limit=6, epochs=1, out=tmp_path / "runs", **a).directory for a in asked]
    file = tmp_path / "history.csv"
    history.add([open_run(r) for r in runs], file)
    heads = [block.splitlines()[0] for block in history.render(history.read(file)).split("\n\n")]
    assert [head.partition(", baseline")[0].partition(" (")[2] for head in heads] == [
        "limit 6)",
        "family=friends, limit 6)",
        "seed 1, limit 6)",
    ]


def test_a_history_from_before_the_last_columns_is_read_and_kept(tmp_path: Path) -> None:
    run = api.run("aiw", "baseline/random", limit=6, epochs=1, out=tmp_path / "runs").directory
    file = tmp_path / "history.csv"
    row = "2026-01-01T00:00:00,abc,old,aiw,3,tiny,io,8,0.500000,0.200000,0.800000,,0.000000"
    file.write_text(",".join(history.OLDEST) + "\n" + row + "\n")
    history.add([open_run(run)], file)
    assert [r["run_id"] for r in history.read(file)] == ["old", run.name]
    assert "aiw 3, tiny, io" in history.render(history.read(file))


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        history.read(tmp_path / "nothing.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="not a history"):
        history.read(tmp_path / "other.csv")


def test_the_fixture_fails_a_test_on_a_regression(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_same(harness_run):
            base = harness_run("aiw", "baseline/oracle", limit=12, epochs=3)
            harness_run("aiw", "baseline/oracle", limit=12, epochs=3).gate(base.directory)

        def test_worse(harness_run):
            base = harness_run("aiw", "baseline/oracle", limit=12, epochs=3)
            harness_run("aiw", "baseline/shallow", limit=12, epochs=3).gate(base.directory)
        """
    )
    result = pytester.runpytest_subprocess("-p", "no:cacheprovider")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["*REGRESSION*"])


def test_the_example_workflow_runs(tmp_path: Path) -> None:
    """Its shell, step by step, with the committed baseline; what installs is left out."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/reasoning.yml").read_text(encoding="utf-8"))
    steps = [step["run"] for step in workflow["jobs"]["gate"]["steps"] if "run" in step]
    assert steps[0] == "pip install ."
    (tmp_path / "results").symlink_to(ROOT / "results", target_is_directory=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    summary = tmp_path / "summary.md"
    for step in steps[1:]:
        environment = os.environ | {"PATH": path, "GITHUB_STEP_SUMMARY": str(summary)}
        command = ["bash", "-e", "-c", step]
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "gate.xml").is_file()
    assert "### PASS: no regression in 1 required check" in summary.read_text(encoding="utf-8")
