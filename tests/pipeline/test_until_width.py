"""--until-width: a run ends between two groups, where its interval is narrow enough."""

import asyncio
import json
from pathlib import Path

import pytest
import until_width

from harness.pipeline.config import RunConfig
from harness.pipeline.runner import FIRST_CHECK, Run, checks
from harness.pipeline.store import Writer
from harness.strategies.io import IO
from tests.support import Echo, Parrot, records


def run(directory: Path, enough, connections: int = 4, reply=None, budget: int | None = None):
    """(result, ids of the records) of a run of 400 groups that ends when `enough` says so."""
    directory.mkdir(exist_ok=True)
    config, writer = RunConfig("echo", "parrot", budget_tokens=budget), Writer(directory)
    try:
        model = Parrot(reply, connections)
        made = Run("test", config, Echo(size=800), IO(), model, writer, {}, enough=enough)
        return asyncio.run(made.execute()), set(records(directory))
    finally:
        writer.close()


def test_a_rule_is_looked_at_from_thirty_groups_on_then_after_each_further_fifth() -> None:
    upcoming = checks()
    assert [next(upcoming) for _ in range(5)] == [30, 36, 43, 51, 61]


@pytest.mark.parametrize("connections", [1, 16])
def test_a_run_ends_with_whole_groups_of_which_every_answer_has_arrived(tmp_path: Path, connections: int) -> None:
    seen: list[int] = []

    def enough() -> bool:
        seen.append(len(records(tmp_path / "run")))
        return len(seen) == 3

    result, done = run(tmp_path / "run", enough, connections)
    assert result.status == "complete"
    assert seen == [60, 72, 86]
    assert done == {(f"s{i}", 1) for i in range(86)}


def test_a_run_that_was_cut_off_ends_where_it_would_have_ended(tmp_path: Path) -> None:
    def enough() -> bool:
        return len(records(tmp_path / "run")) >= 86

    cut, _ = run(tmp_path / "run", enough, budget=230)
    assert cut.status == "incomplete"
    result, done = run(tmp_path / "run", enough, budget=10_000)
    assert result.status == "complete"
    assert len(done) == 86


def test_without_a_narrow_interval_all_samples_are_asked(tmp_path: Path) -> None:
    result, done = run(tmp_path / "run", lambda: False)
    assert (result.status, len(done)) == ("complete", 800)


def test_the_rule_and_what_came_of_it_are_said_and_kept(harness, tmp_path: Path) -> None:
    command = ("run", "-t", "arithmetic", "-m", "baseline/random", "--until-width", 0.2)
    code, _, err = harness(*command)
    assert code == 2
    assert "--until-width needs --limit" in err
    code, out, _ = harness(*command, "--limit", 600)
    assert code == 0
    kept = json.loads(next(tmp_path.glob("results/*/run.json")).read_text())
    assert kept["records"] == 10 * FIRST_CHECK
    assert f"{kept['stopping']['rule']}: {kept['stopping']['end']}" in " ".join(out.split())
    code, out, _ = harness(*command[:-1], 0.001, "--limit", 400)
    assert "so it was not reached" in out


def test_a_task_of_few_groups_says_that_they_were_not_enough(harness) -> None:
    _, out, _ = harness("run", "-t", "aiw", "-m", "baseline/oracle", "--until-width", 2, "--epochs", 1)
    assert "after 4 groups" in out
    assert "so it was not reached" in out


def test_intervals_hold_at_the_stop() -> None:
    """300 runs of the full simulation (benchmarks/until_width.py): not off 95% by more than chance."""
    coverage, groups, _ = until_width.measure(until_width.Setting(0.8, 0.25, 0.3), 300)
    assert 0.91 < coverage < 0.99
    assert 40 < groups < 100
