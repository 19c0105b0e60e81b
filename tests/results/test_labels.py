"""Runs side by side are called by what tells them apart."""

from pathlib import Path

import pytest

import harness
from harness.results.labels import differences, facts, labels
from harness.results.records import RecordedRun, open_run


def run(
    name: str = "", model: str = "m", run_id: str = "r", date: str = "2026-01-02T03:04:05", **config
) -> RecordedRun:
    asked = {"task": "aiw", "model": model, "strategy": "io", "name": name, **config}
    about = {"config": asked, "run_id": run_id, "finished": date, "status": "complete", "task": {"version": "4"}}
    return RecordedRun(Path(run_id), about)


def test_a_run_with_a_name_is_called_by_it(tmp_path: Path) -> None:
    made = harness.run("aiw", "baseline/oracle", limit=2, name="before the fix", out=tmp_path)
    assert labels([open_run(made.directory)]) == ["before the fix"]


def test_runs_of_other_models_are_called_by_task_and_model() -> None:
    assert labels([run(model="a"), run(model="b")]) == ["aiw, a", "aiw, b"]


def test_runs_of_one_model_are_told_apart_by_what_was_asked_of_them() -> None:
    found = labels([run(), run(task_options={"family": "friends"}), run(task_options={"family": "friends"}, seed=1)])
    assert found == ["aiw, m, defaults", "aiw, m, family=friends", "aiw, m, family=friends, seed 1"]


def test_runs_that_asked_the_same_are_told_apart_by_date_and_then_by_run_id() -> None:
    assert labels([run(date="2026-01-02"), run(date="2026-01-03")]) == ["aiw, m, 2026-01-02", "aiw, m, 2026-01-03"]
    assert labels([run(run_id="x"), run(run_id="y")]) == ["aiw, m, x", "aiw, m, y"]


@pytest.mark.parametrize("runs", [[run(), run()], [run(name="n")] * 3, [run(name="n"), run(name="n", model="b")]])
def test_labels_are_all_different(runs: list[RecordedRun]) -> None:
    assert len(set(labels(runs))) == len(runs)


def test_a_name_is_one_short_line() -> None:
    assert run(name="a\nb\x1b" + "c" * 200).name == ("a b " + "c" * 200)[:80]


def test_a_table_of_runs_has_the_facts_in_which_they_differ() -> None:
    assert differences([run(model="a"), run(model="b", seed=2)]) == ["model", "options"]
    assert facts(run(seed=2))["options"] == "seed 2"
