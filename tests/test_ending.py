"""How a command ends: the table before the files, each file whole or not at all, an exit code that nothing hides."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.pddl_texts import BLOCKS, ON
from tests.waiting import ended, started

RUN = ("run", "--task", "aiw", "--model", "baseline/oracle", "--limit", "12", "--epochs", "1", "--display", "none")
HARNESS = str(Path(sys.executable).with_name("harness"))


def only_run(out: str = "results") -> Path:
    (directory,) = Path(out).iterdir()
    return directory


@pytest.mark.parametrize(
    ("name", "step"), [("summary.csv", "open"), ("summary.csv", "replace"), ("records.parquet", "replace"),
                       ("run.json", "replace")])  # fmt: skip
def test_a_disk_that_is_full_at_the_end_costs_a_file_and_not_the_table(harness, monkeypatch, name, step) -> None:
    """Each of the files of the end fails in turn: the table is there, the run is not complete, and resume makes all."""
    real = getattr(Path, step)
    times = []

    def full(self: Path, *args, **kwargs):
        if self.name == f"{name}.part":
            times.append(self)
            if name != "run.json" or len(times) > 1:  # run.json is written at the start too
                raise OSError(28, "No space left on device")
        return real(self, *args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(Path, step, full)
        code, out, err = harness(*RUN)
    assert (code, "No space left on device" in err, "--resume" in err) == (1, True, True)
    assert "friends - original" in out, "the table"
    run = only_run()
    assert json.loads((run / "run.json").read_text())["status"] in ("incomplete", "running")
    assert not list(run.glob("*.part"))
    code, out, _ = harness("run", "--resume", run)
    assert (code, json.loads((run / "run.json").read_text())["status"]) == (0, "complete")
    assert {"summary.csv", "records.parquet"} <= {path.name for path in run.iterdir()}
    assert harness("table", run)[0] == 0


def test_a_file_is_the_old_one_until_the_new_one_is_whole(harness, monkeypatch) -> None:
    harness(*RUN)
    run = only_run()
    before = (run / "summary.csv").read_bytes()
    with monkeypatch.context() as patched:
        patched.setattr("csv.DictWriter.writerows", lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error")))
        code, _, err = harness("run", "--resume", run)
    assert (code, "Input/output error" in err) == (1, True)
    assert (run / "summary.csv").read_bytes() == before


def test_a_run_that_says_complete_has_its_files(harness, monkeypatch) -> None:
    """run.json comes last: whatever ends the process before leaves a run that --resume takes up."""

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("harness.results.records.write_parquet", killed)
        assert harness(*RUN)[0] == 3
    run = only_run()
    assert json.loads((run / "run.json").read_text())["status"] == "running"
    assert harness("run", "--resume", run)[0] == 0


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """A folder with a run of the oracle and one of random answers, a policy that compares them, and a wrong plan."""
    folder = tmp_path_factory.mktemp("runs")
    for kind in ("oracle", "random"):
        words = [HARNESS, *RUN, "--model", f"baseline/{kind}", "--out", kind]
        words.remove("baseline/oracle")
        words.remove("--model")
        subprocess.run(words, cwd=folder, check=True, capture_output=True)
    base = next((folder / "oracle").iterdir()).relative_to(folder)
    (folder / "policy.toml").write_text(f'[[check]]\ntask = "aiw"\nbase = "{base}"\n')
    for name, text in (("d.pddl", BLOCKS), ("p.pddl", ON), ("plan.txt", "(nonsense)\n")):
        (folder / name).write_text(text)
    return folder


ENDINGS = {
    "compare": (100, "compare ORACLE RANDOM"),
    "gate": (100, "gate policy.toml RANDOM"),
    "validate": (1, "validate d.pddl p.pddl plan.txt"),
    "an error": (2, "table nothing"),
    "a table": (0, "table ORACLE"),
    "many lines": (0, "show aiw --limit 100"),
}


@pytest.mark.parametrize("both", [False, True], ids=["stdout", "both"])
@pytest.mark.parametrize(("code", "words"), ENDINGS.values(), ids=ENDINGS)
def test_a_reader_that_goes_away_changes_no_exit_code(runs: Path, code: int, words: str, both: bool) -> None:
    """`harness compare BASE NEW | head -1` in CI: the gate still fails. Nothing is said of the reader."""
    names = {kind.upper(): str(next((runs / kind).iterdir())) for kind in ("oracle", "random")}
    command = [HARNESS, *(names.get(word, word) for word in words.split())]
    stderr = subprocess.STDOUT if both else subprocess.PIPE
    with started(command, cwd=runs, stdout=subprocess.PIPE, stderr=stderr) as process:
        process.stdout.close()
        said = b"" if both else process.stderr.read()
        assert ended(process) == code
    assert b"Traceback" not in said
    assert b"ipe" not in said


def test_a_reader_that_goes_away_hides_no_failed_audit() -> None:
    patched = "import harness.results.audit as a; a.warnings = lambda _: [1]; from harness.cli import main; main()"
    words = ["audit", "aiw", "--limit", "8", "--fail"]
    with started([sys.executable, "-c", patched, *words], stdout=subprocess.PIPE) as process:
        process.stdout.close()
        assert ended(process) == 100


def test_the_files_of_a_gate_are_written_though_nobody_reads_its_table(runs: Path) -> None:
    base, new = (str(next((runs / kind).iterdir())) for kind in ("oracle", "random"))
    with started([HARNESS, "compare", base, new, "--junit", "gate.xml"], cwd=runs, stdout=subprocess.PIPE) as process:
        process.stdout.close()
        assert ended(process) == 100
    assert "<failure" in (runs / "gate.xml").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_an_output_on_a_full_disk_is_a_message(runs: Path) -> None:
    run = str(next((runs / "oracle").iterdir()))
    for command in (["table", run], ["table", run, "--csv", "-"]):
        with Path("/dev/full").open("w") as full:
            done = subprocess.run([HARNESS, *command], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
        assert (done.returncode, done.stderr.count("\n")) == (1, 1)
        assert "can't be written: No space left on device" in done.stderr
