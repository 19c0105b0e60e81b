"""What CONTRIBUTING.md teaches: a package beside the harness brings a task and a strategy, and is used like ours."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parent / "fixtures" / "extension"
TUTORIAL = Path(__file__).parent.parent / "CONTRIBUTING.md"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the package installed in it. Nothing is fetched: setuptools has to be there."""
    made = tmp_path_factory.mktemp("extension")
    shutil.copytree(SOURCE, made / "source")
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--no-index"]
    done = subprocess.run(
        [*pip, "--target", str(made / "site"), str(made / "source")], capture_output=True, text=True, check=False
    )
    if "setuptools" in done.stderr and done.returncode:
        pytest.skip("the extension IS NOT TESTED: setuptools is not installed here")
    assert done.returncode == 0, done.stderr
    return made / "site"


@pytest.fixture
def harness(site: Path, tmp_path: Path):
    def call(*args: str) -> str:
        code = "from harness.cli import cli; cli(prog_name='harness')"
        environment = os.environ | {"PYTHONPATH": str(site), "HARNESS_OUT": str(tmp_path / "results")}
        done = subprocess.run(
            [sys.executable, "-c", code, *args],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=environment,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return call


def test_a_task_and_a_strategy_of_another_package_are_listed_with_their_options(harness) -> None:
    assert "Is a number even or odd, in digits and in words?" in harness("tasks")
    assert "digits of a number" in harness("tasks", "parity")
    assert re.search(r"^twice .*\bverifier$", harness("strategies"), re.M)
    assert "rounds" in harness("strategies", "twice")


def test_the_task_is_shown_audited_and_run(harness) -> None:
    assert "Is one zero zero even or odd?" in harness("show", "parity", "--limit", "2")
    assert "0 of 8 comparisons differ" in harness("audit", "parity")
    assert "read unevenly between conditions: none" in harness("audit", "parity", "--reading")
    table = harness("run", "--task", "parity", "--model", "baseline/oracle", "--limit", "20", "--display", "none")
    assert re.search(r"^all +20 +1\.000", table, re.M)


def test_the_strategy_s_aid_is_in_the_run_and_its_records(harness, tmp_path) -> None:
    said = harness("run", "--task", "parity", "--model", "baseline/oracle", "--strategy", "twice", "--limit", "4")
    assert "aid                     verifier" in said
    (run,) = (tmp_path / "results").iterdir()
    about = json.loads((run / "run.json").read_text())
    assert about["strategy"] == {"name": "twice", "aid": "verifier", "max_calls": 2}
    records = [json.loads(line) for line in (run / "records.jsonl").read_text().splitlines()]
    assert {r["aid"] for r in records} == {"verifier"}
    assert "twice (aid: verifier)" in harness("leaderboard", str(run))


@pytest.mark.parametrize(("file", "most"), [("parity.py", 40), ("twice.py", 30), ("setup.cfg", 20)])
def test_the_tutorial_is_this_file(file: str, most: int) -> None:
    text = (SOURCE / file).read_text()
    assert len(text.splitlines()) <= most
    assert text.strip() in TUTORIAL.read_text()
