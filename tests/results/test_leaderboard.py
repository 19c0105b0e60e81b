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
from harness.results.leaderboard import COLUMNS, to_csv, to_latex, to_markdown
from harness.results.ranks import as_good_for_less, boards, pair_signs, rank_limits, read
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
    contract += "worst_condition all_conditions coverage truncated tokens cost date run_id source name asked"
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

    assert rank_limits(pair_signs([groups(1), groups(0)])) == [(1, 1), (2, 2)]
    others = Clusters({f"other {name}": cluster for name, cluster in groups(0).items()})
    assert rank_limits(pair_signs([groups(1), others])) == [(1, 2), (1, 2)]


def test_models_that_share_no_problem_are_compared_by_problems_and_not_by_answers() -> None:
    """Ten problems, each answered a hundred times alike: no thousand independent answers."""
    one = Clusters({f"a{i}": Cluster(100.0 * (i < 6), 100) for i in range(10)})
    other = Clusters({f"b{i}": Cluster(100.0 * (i < 4), 100) for i in range(10)})
    assert pair_signs([one, other]) == [[0, 0], [0, 0]]


def test_ranks_that_can_not_be_told_apart_overlap(tmp_path: Path) -> None:
    even = [float(i % 2) for i in range(40)]
    runs = [run(tmp_path, "good", [1.0] * 40, model="good"), run(tmp_path, "even", even, model="even")]
    runs += [run(tmp_path, "odd", [1 - v for v in even], model="odd"), run(tmp_path, "bad", [0.0] * 40, model="bad")]
    (board,) = boards(read(runs)[0])
    found = {r.counted.run.model: (r.low, r.high, r.tie) for r in board.ranked}
    assert found == {"good": (1, 1, "A"), "even": (2, 3, "B"), "odd": (2, 3, "B"), "bad": (4, 4, "C")}


def test_runs_of_other_questions_are_never_ranked_against_each_other(tmp_path: Path) -> None:
    runs = [run(tmp_path, name, values, model=name) for name, values in (("a", [1.0] * 9), ("b", [0.0] * 9))]
    runs += [run(tmp_path, "few", [1.0], model="few"), run(tmp_path, "hard", [0.0] * 9, model="hard")]
    for directory, changes in ((runs[2], {"limit": 3}), (runs[3], {"task_options": {"size": "9"}})):
        about = store.read_config(directory)
        store.write_config(directory, about | {"config": about["config"] | changes})
    found = {r.counted.run.model: (board.title, r.rank) for board in boards(read(runs)[0]) for r in board.ranked}
    assert found == {
        "a": ("echo 1", 1),
        "b": ("echo 1", 2),
        "few": ("echo 1 (limit 3)", 1),
        "hard": ("echo 1 (size=9)", 1),
    }


def test_of_runs_that_asked_the_same_of_a_model_the_newest_counts(tmp_path: Path) -> None:
    runs = [run(tmp_path, name, [1.0, 0.0]) for name in ("old", "new", "named")]
    for directory, changes in zip(runs, ({}, {"created": "2026-01-03"}, {"created": "2026-01-04"}), strict=True):
        store.write_config(directory, store.read_config(directory) | changes)
    about = store.read_config(runs[2])
    store.write_config(runs[2], about | {"config": about["config"] | {"name": "mine"}})
    found, notes = read(runs)
    assert [counted.run.directory.name for counted in found] == ["new", "named"]
    assert notes == ["old is left out: new asked the same of the same model later (--name keeps runs apart)"]
    assert len(read([runs[0], runs[0]])[0]) == 1


def test_runs_that_asked_other_samples_of_a_set_are_ranked_apart(tmp_path: Path) -> None:
    """As of two published files, or of a run that is not complete: the words of their configuration are the same."""
    runs = [run(tmp_path, "few", [1.0], model="few"), run(tmp_path, "many", [1.0, 0.0], model="many")]
    assert [board.title for board in boards(read(runs)[0])] == ["echo 1, 2 answers", "echo 1, 4 answers"]


def test_the_text_starts_with_the_gap_that_the_task_exists_for(tmp_path: Path) -> None:
    (board,) = boards(read([run(tmp_path, "r", [0.0, 1.0] * 4)])[0])
    title, _, gaps, *_ = leaderboard.render_board(board).splitlines()
    assert title == "echo 1: 1 run"
    assert gaps.split()[:3] == ["gap", "within", "group"]
    assert "a - b" in leaderboard.render_board(board)


def test_what_is_as_good_for_less_is_named_if_the_prices_are_known(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    price = '[models.{0}]\nmodel = "openai/x"\nprice = [{1}, {1}]\n'
    Path("harness.toml").write_text("".join(price.format(*one) for one in (("dear", 10), ("cheap", 1), ("bad", 0.1))))
    runs = [run(tmp_path, "dear", [1.0] * 20 + [0.0], model="dear"), run(tmp_path, "bad", [0.0] * 21, model="bad")]
    runs += [
        run(tmp_path, "cheap", [1.0] * 19 + [0.0] * 2, model="cheap"),
        run(tmp_path, "free", [1.0] * 21, model="m"),
    ]
    (board,) = boards(read(runs[:3])[0])
    (line,) = as_good_for_less(board)
    assert line.startswith("echo, cheap can't be told apart from echo, dear (-0.024 [")
    assert "21 groups) and costs 90% less ($0.00063 against $0.0063)" in line
    assert not as_good_for_less(boards(read([runs[0], runs[1]])[0])[0])
    assert not as_good_for_less(boards(read([runs[0], runs[3]])[0])[0])


def test_a_long_source_stands_below_the_table(tmp_path: Path) -> None:
    (row, *_), _ = rows([run(tmp_path, "r", [1])])
    text = leaderboard.render([row, row | {"source": "published, quoted: " + "a long title " * 9}])
    assert max(map(len, text.partition("\n\n")[0].splitlines())) < 120
    assert text.endswith("\n\n[1] published, quoted: " + "a long title " * 9)


def test_every_published_number_has_its_paper_its_n_and_a_condition_of_its_task() -> None:
    found = [row for task in installed("tasks") for row in leaderboard.reference(task)]
    assert len(found) > 80
    for row in found:
        assert row["n"] > 0
        assert 0 <= row["ci_low"] <= row["accuracy"] <= row["ci_high"] <= 1
        assert row["source"].startswith(("published, recomputed: ", "published, quoted: "))


def test_text_from_outside_is_escaped(tmp_path: Path) -> None:
    table, _ = rows([run(tmp_path, "r", [1], model="a|b_c&\\")])
    assert "a\\|b\\_c&amp;" in to_markdown(table)
    assert r"a|b\_c\&\textbackslash{}" in to_latex(table)
