"""Tables from the log of a strategy: from its nodes alone, whatever stands in the records, or in the nodes."""

import json
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.pipeline import store
from harness.results import attempts
from tests.strategies.chances import recorded
from tests.support import Echo


def run(directory: Path, *nodes: dict | str, samples: int = 2) -> Path:
    """A run of Echo whose records say nothing of its rounds, with these nodes."""
    directory.mkdir(exist_ok=True)
    records = [
        {"task": "echo", "id": f"s{i}", "epoch": 1, "group": f"g{i}", "condition": "a", "params": {"answer": i},
         "outcome": "wrong", "value": 0.0, "response": "?"}
        for i in range(samples)
    ]  # fmt: skip
    lines = [node if isinstance(node, str) else json.dumps({"epoch": 1} | node) for node in nodes]
    (directory / store.RECORDS).write_text("".join(json.dumps(r) + "\n" for r in records))
    (directory / store.NODES).write_text("".join(line + "\n" for line in lines))
    return directory


def answer(sample: str, number: int, text: str) -> dict:
    return {"id": sample, "role": "answer", "round": number, "text": text, "stop_reason": "stop"}


def test_rounds_are_scored_anew_and_add_up_to_all_samples(tmp_path: Path) -> None:
    nodes = [answer("s0", 0, "0"), answer("s0", 1, "no"), answer("s0", 2, "0"), answer("s1", 0, "no")]
    [table] = attempts.of_run(recorded(run(tmp_path, *nodes)), Echo())
    assert [row[:8] for row in table.rows] == [
        ("0", "2", "", "", "", "", "2", "0"),
        ("1", "1", "0", "1", "0", "1", "0", "0"),
        ("2", "1", "0", "0", "1", "1", "0", "0"),
    ]
    assert [row[8].split()[0] for row in table.rows] == ["0.500", "0.000", "0.500"]
    assert all(row[8].endswith("n=2") for row in table.rows)


def test_an_answer_without_a_verdict_is_counted_apart(tmp_path: Path) -> None:
    """A verifier that fails says nothing of the answer."""
    nodes = [answer("s0", 0, "bug"), answer("s0", 1, "0"), answer("s1", 0, "1"), answer("s1", 1, "1")]
    [table] = attempts.of_run(recorded(run(tmp_path, *nodes)), Echo(breaks_on="bug"))
    assert table.header[6:8] == ("first verdict", "no verdict")
    assert [(row[2], row[6], row[7]) for row in table.rows] == [("", "1", "1"), ("1", "1", "0")]
    assert table.rows[0][8].endswith("n=1")


def test_a_strategy_that_noted_nothing_has_no_table(tmp_path: Path) -> None:
    assert attempts.of_run(recorded(run(tmp_path))) == []
    assert attempts.of_run(recorded(run(tmp_path, {"id": "s0", "role": "propose", "text": "a"}))) == []
    assert attempts.of_run(recorded(run(tmp_path, answer("s0", 0, "0"))), Echo()) == [], "one answer is no round"


def test_a_task_that_is_not_installed_any_more_has_no_table_of_rounds(tmp_path: Path) -> None:
    assert attempts.of_run(recorded(run(tmp_path, answer("s0", 0, "0"), answer("s0", 1, "0")))) == []


def test_ties_at_the_top_are_counted(tmp_path: Path) -> None:
    def vote(sample: str, text: str, tied: bool) -> dict:
        return {"id": sample, "role": "vote", "answer": text, "votes": 1, "tied": tied}

    nodes = [vote("s0", "a", True), vote("s0", "b", True), vote("s1", "a", True)]
    [table] = attempts.of_run(recorded(run(tmp_path, *nodes, samples=3)))
    values = dict(table.rows)
    assert values["tied at the top (the first to come won)"].startswith("0.500")
    assert values["samples with one answer alone"] == "1 of 2"
    assert values["different answers, mean"] == "1.50 [1.00, 7.85] n=2"
    assert values["samples without a vote: no answer was read"] == "1"


@pytest.mark.parametrize(
    "node",
    [
        "no JSON",
        "[1]",
        '{"role": "answer"}',
        '{"id": "s0", "epoch": [], "role": "answer"}',
        json.dumps(answer("s0", -1, "0") | {"epoch": 1}),
        json.dumps(answer("s0", 10**9, "0") | {"epoch": 1}),
        json.dumps(answer("s0", 0, "0") | {"epoch": 1, "text": 7}),
        json.dumps(answer("s0", 0, "0") | {"epoch": 1, "round": "1"}),
    ],
)
def test_a_line_that_is_no_node_is_an_error_in_words(tmp_path: Path, node: str) -> None:
    with pytest.raises(DataError):
        attempts.of_run(recorded(run(tmp_path, node)), Echo())


def test_hostile_names_and_reasons_do_no_harm(tmp_path: Path) -> None:
    nodes = [answer("s0", n, "0") | {"id": "nobody", "stop_reason": {"a": []}} for n in range(2)]
    [table] = attempts.of_run(recorded(run(tmp_path / "a", *nodes)), Echo())
    assert table.rows[1][1] == "0"
    with pytest.raises(DataError, match=r"nodes\.jsonl, line 1: `id` is not text, but a list"):
        attempts.of_run(recorded(run(tmp_path / "b", nodes[0] | {"id": ["s0"]})), Echo())


def test_edits_are_counted_by_whether_the_answer_changed(tmp_path: Path) -> None:
    said = [{"id": f"s{i}", "role": "edited", "said": value} for i, value in enumerate((True, False, None))]
    [table] = attempts.of_run(recorded(run(tmp_path, *said, samples=4)))
    assert [row[0] for row in table.rows] == ["all", "without an edit, or without an answer: left out"]
    assert (table.rows[0][1].split()[0], table.rows[1][1]) == ("0.500", "2")
