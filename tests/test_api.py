"""The harness from a program: the same runs as from the command line, as data frames."""

import asyncio

import pytest

import harness
from harness.errors import UsageError


def test_a_run_comes_back_as_tables(tmp_path) -> None:
    options = {"prompt": ["standard", "restricted"]}
    run = harness.run("aiw", "baseline/shallow", out=tmp_path, limit=6, epochs=2, task_options=options)
    assert (run.status, run.directory.parent) == ("complete", tmp_path)
    assert list(run.table().condition) == list(run.contrasts.conditions)
    assert run.table("params_variation").n.sum() == 12
    assert len(run.records()) == 12
    assert list(dict.fromkeys(run.gaps().factor)) == ["family", "prompt"], "the main contrast comes first"


def test_a_run_on_disk_is_loaded_again(tmp_path) -> None:
    run = harness.run("aiw", "baseline/shallow", out=tmp_path, limit=6, epochs=2, name="mine")
    again = harness.load(run.directory)
    assert again.gaps().equals(run.gaps())
    assert (again.status, again.directory) == ("complete", run.directory)
    assert str(again).startswith(f"mine: complete, {run.directory}\n\n")
    assert repr(again) == f"<harness.Run {run.directory}, complete, 12 answers>"
    with pytest.raises(UsageError, match="not a run directory"):
        harness.load(tmp_path / "nothing")


def test_a_run_shows_itself_escaped_in_a_notebook(tmp_path) -> None:
    run = harness.run("aiw", "baseline/oracle", out=tmp_path, limit=2, epochs=1, name="<script>x</script>")
    assert run._repr_html_().startswith("<pre>&lt;script&gt;")


def test_a_run_is_reported_and_compared(tmp_path) -> None:
    options = {"out": tmp_path, "limit": 6, "epochs": 2}
    base, new = (harness.run("aiw", f"baseline/{kind}", **options) for kind in ("oracle", "shallow"))
    assert "<!doctype html>" in base.report(tmp_path / "page.html").read_text()
    assert new.compare(base).overall.difference == -1
    assert base.compare(base.directory).overall.verdict == "no change"
    with pytest.raises(AssertionError, match="REGRESSION"):
        new.gate(base)


def test_it_runs_inside_an_event_loop(tmp_path) -> None:
    async def notebook():
        return harness.run("aiw", "baseline/oracle", out=tmp_path, limit=2, epochs=1)

    assert asyncio.run(notebook()).table().accuracy.tolist() == [1.0, 1.0]


def test_wrong_options_are_explained(tmp_path) -> None:
    with pytest.raises(UsageError, match="no option 'limt'"):
        harness.run("aiw", "tiny", limt=3)
    with pytest.raises(UsageError, match="is not a name"):
        harness.run(["aiw", "game24"], "tiny", out=tmp_path)
    with pytest.raises(UsageError, match="no task 'awi'"):
        harness.run("awi", "tiny", out=tmp_path)
