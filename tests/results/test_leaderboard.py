"""The leaderboard: stable columns, honest rows, ranks with their uncertainty."""

import csv
import io
import json
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.pipeline import store
from harness.plugins import installed
from harness.results import leaderboard
from harness.results.leaderboard import COLUMNS, read, to_csv, to_latex, to_markdown
from harness.statistics.intervals import Cluster, Clusters


def rows(directories: list[Path], incomplete: bool = False) -> tuple[list[leaderboard.Row], list[str]]:
    runs, notes = read(directories, incomplete)
    return leaderboard.rows(runs), notes


def run(tmp_path: Path, name: str, values: list[float], status: str = "complete", model: str = "m") -> Path:
    """A run with two conditions a group: `a` gets the value, `b` is always right."""
    directory = tmp_path / name
    directory.mkdir()
    about = {"run_id": name, "status": status, "created": "2026-01-02T03:04:05", "conditions": ["b", "a"]}
    about |= {
        "config": {"model": model, "task": "echo", "strategy": "io"},
        "task": {"version": "1", "factors": ["side"]},
    }
    store.write_config(directory, about)
    lines = []
    for i, value in enumerate(values):
        for side, v in (("a", value), ("b", 1.0)):
            outcome = "correct" if v == 1 else "wrong"
            line = {"task": "echo", "id": f"{i}{side}", "epoch": 1, "group": str(i), "condition": side, "value": v}
            line |= {"params": {"side": side}, "outcome": outcome, "response": ""}
            lines.append(line | {"prompt_tokens": 10, "completion_tokens": 5})
    (directory / store.RECORDS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return directory


def test_the_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    table, _ = rows([run(tmp_path, "r", [0, 1])])
    (header, *body) = csv.reader(io.StringIO(to_csv(table)))
    contract = "model task task_version condition strategy n accuracy ci_low ci_high gap gap_ci_low gap_ci_high "
    contract += "worst_condition all_conditions coverage truncated tokens cost date run_id source"
    assert header == COLUMNS == contract.split()
    assert [line[3] for line in body] == ["b", "a", "all"]


def test_gaps_are_within_groups_against_the_first_condition(tmp_path: Path) -> None:
    table, _ = rows([run(tmp_path, "r", [0, 0, 1, 1, 0, 1])])
    first, second, total = table
    assert first["gap"] is None
    assert second["gap"] == -0.5
    assert second["gap_ci_low"] < -0.5 < second["gap_ci_high"]
    assert total["gap"] == pytest.approx(-1 / 3)  # in groups 1, 3 and 5: the others chose the worst condition
    assert (total["worst_condition"], total["all_conditions"], total["n"], total["tokens"]) == ("a", 0.5, 12, 180)
    assert (total["date"], total["run_id"], total["source"]) == ("2026-01-02", "r", "run")


def test_incomplete_runs_are_left_out_unless_asked_for_and_then_marked(tmp_path: Path) -> None:
    directory = run(tmp_path, "r", [0, 1], status="incomplete")
    table, notes = rows([directory])
    assert (table, len(notes), "incomplete" in notes[0]) == ([], 1, True)
    table, _ = rows([directory], incomplete=True)
    assert {row["source"] for row in table} == {"run (incomplete)"}


def test_tokens_cost_what_the_alias_says(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("harness.toml").write_text('[models.paid]\nmodel = "openai/x"\nprice = [1.0, 2]\n')
    table, _ = rows([run(tmp_path, "r", [1], model="paid")])
    assert table[-1]["cost"] == pytest.approx((20 * 1 + 10 * 2) / 1e6)
    Path("harness.toml").write_text('[models.paid]\nmodel = "openai/x"\nprice = 3\n')
    with pytest.raises(DataError, match="price"):
        rows([tmp_path / "r"])


def test_models_that_answered_the_same_problems_are_compared_within_them(tmp_path: Path) -> None:
    """Problems are solved nearly always or nearly never, each a little more often by one of two models: as independent
    samples they could not be told apart."""

    def groups(gain: int) -> Clusters:
        return Clusters({str(i): Cluster(gain + 19.0 * (i % 2), 20) for i in range(24)})

    assert leaderboard.rank_limits([groups(1), groups(0)]) == [(1, 1), (2, 2)]
    others = Clusters({f"other {name}": cluster for name, cluster in groups(0).items()})
    assert leaderboard.rank_limits([groups(1), others]) == [(1, 2), (1, 2)]


def test_ranks_that_can_not_be_told_apart_overlap(tmp_path: Path) -> None:
    even = [float(i % 2) for i in range(40)]
    runs = [run(tmp_path, "good", [1.0] * 40, model="good"), run(tmp_path, "even", even, model="even")]
    runs += [run(tmp_path, "odd", [1 - v for v in even], model="odd"), run(tmp_path, "bad", [0.0] * 40, model="bad")]
    found = {r["model"]: (r["rank_low"], r["rank_high"]) for r in leaderboard.ranks(read(runs)[0])}
    assert found == {"good": (1, 1), "even": (2, 3), "odd": (2, 3), "bad": (4, 4)}


def test_runs_of_other_questions_are_never_ranked_against_each_other(tmp_path: Path) -> None:
    runs = [run(tmp_path, name, values, model=name) for name, values in (("a", [1.0] * 9), ("b", [0.0] * 9))]
    runs += [run(tmp_path, "few", [1.0], model="few"), run(tmp_path, "hard", [0.0] * 9, model="hard")]
    for directory, changes in ((runs[2], {"limit": 3}), (runs[3], {"task_options": {"size": "9"}})):
        about = store.read_config(directory)
        store.write_config(directory, about | {"config": about["config"] | changes})
    found = {row["model"]: (row["task"], row["rank"]) for row in leaderboard.ranks(read(runs)[0])}
    assert found == {
        "a": ("echo 1", 1),
        "b": ("echo 1", 2),
        "few": ("echo 1 (limit 3)", 1),
        "hard": ("echo 1 (size=9)", 1),
    }


def test_every_published_number_has_its_paper_its_n_and_a_condition_of_its_task() -> None:
    found = [row for task in installed("tasks") for row in leaderboard.reference(task)]
    assert len(found) > 80
    for row in found:
        assert row["n"] > 0
        assert 0 <= row["ci_low"] <= row["accuracy"] <= row["ci_high"] <= 1
        assert row["source"].startswith(("published, recomputed: ", "published, quoted: "))


def test_text_from_outside_is_escaped(tmp_path: Path) -> None:
    table, _ = rows([run(tmp_path, "r", [1], model="a|b_c&\\")])
    assert "a\\|b_c&" in to_markdown(table)
    assert r"a|b\_c\&\textbackslash{}" in to_latex(table)
