"""The evaluator's confusion matrix: each verdict once, by step, against the exact judge."""

import json
from dataclasses import asdict
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.pipeline import store
from harness.results import attempts, verdicts
from harness.results.records import open_run
from harness.strategies.tot import ToT
from tests.strategies.test_resume import CONFIG, Scripted, execute


@pytest.fixture
def searched(tmp_path: Path) -> Path:
    """Four puzzles, searched with an evaluator that is right in 80%; see test_resume."""
    execute(tmp_path / "run", Scripted(), ToT(b=3, n_evaluate=1, steps=3))
    about = {"run_id": "test", "config": asdict(CONFIG), "status": "complete", "task": {"version": "2"}}
    store.write_config(tmp_path / "run", about)
    return tmp_path / "run"


def rows(run: Path) -> list[tuple[str, ...]]:
    [table] = verdicts.of_run(open_run(run))
    assert table.header[1:4] == ("verdict", "verdicts", "can still be right")
    return list(table.rows)


def test_sure_and_impossible_are_as_right_as_the_evaluator(searched: Path) -> None:
    found = rows(searched)
    assert {row[1] for row in found} == {"sure", "impossible"}
    right = sum(int(row[3]) if row[1] == "sure" else int(row[2]) - int(row[3]) for row in found)
    n = sum(int(row[2]) for row in found)
    assert abs(right / n - 0.8) < 3 * (0.8 * 0.2 / n) ** 0.5
    verdicts = [node for node in store.read_nodes(searched) if node["role"] == "value"]
    assert n == len({node["call"] for node in verdicts})


def test_a_run_without_a_search_has_no_such_table(tmp_path: Path) -> None:
    from tests.results.recorded import run

    assert verdicts.of_run(open_run(run(tmp_path, "plain", [1.0] * 20 + [0.0] * 20))) == []


def test_nodes_of_another_shape_are_passed_over_or_named(searched: Path) -> None:
    before, sample = rows(searched), next(store.read_records(searched))["id"]
    odd = [{"id": "nobody", "epoch": 1, "role": "value"}, {"id": "nobody", "epoch": 1, "role": ["x"], "parent": 3}]
    odd += [{"id": sample, "epoch": 1, "role": "value", "parent": [1], "node": {}, "said": [2], "call": 7}]
    with (searched / store.NODES).open("a") as file:
        file.writelines(json.dumps(node) + "\n" for node in odd)
    assert rows(searched) == before
    with (searched / store.NODES).open("a") as file:
        file.write("[1]\n")
    with pytest.raises(DataError, match="is a list, not an object"):
        rows(searched)


def test_the_tables_of_rounds_and_votes_are_not_confused_by_a_search(searched: Path) -> None:
    assert attempts.of_run(open_run(searched)) == []


def test_the_strategy_itself_stays_blind(searched: Path) -> None:
    assert {record["aid"] for record in store.read_records(searched)} == {"none"}
