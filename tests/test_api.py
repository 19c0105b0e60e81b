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


def test_it_runs_inside_an_event_loop(tmp_path) -> None:
    async def notebook():
        return harness.run("aiw", "baseline/oracle", out=tmp_path, limit=2, epochs=1)

    assert asyncio.run(notebook()).table().accuracy.tolist() == [1.0, 1.0]


def test_wrong_options_are_explained(tmp_path) -> None:
    with pytest.raises(UsageError, match="no option 'limt'"):
        harness.run("aiw", "tiny", limt=3)
    with pytest.raises(UsageError, match="no task 'awi'"):
        harness.run("awi", "tiny", out=tmp_path)
