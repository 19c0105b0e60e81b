"""Training data from runs: verified answers, pairs, and groups that are never written."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.cli import results as results_cli
from harness.pipeline import store
from harness.results import traces
from harness.results.records import open_run


def run(tmp_path: Path, answers: list[tuple[str, str, str]], **more) -> Path:
    """Answers as (group, response, outcome); the sample is the group's only one."""
    directory = tmp_path / "run"
    directory.mkdir(exist_ok=True)
    store.write_config(directory, {"run_id": "r", "config": {"model": "m", "task": "echo", "strategy": "io"}})
    lines = []
    for epoch, (group, response, outcome) in enumerate(answers, 1):
        line = {"task": "echo", "id": f"{group}/a", "epoch": epoch, "group": group, "condition": "a", "params": {}}
        line |= {"input": [{"role": "user", "content": f"say {group}"}], "response": response, "outcome": outcome}
        lines.append(
            line
            | {
                "value": None if outcome in ("truncated", "api_error") else float(outcome == "correct"),
                "detail": {},
                **more,
            }
        )
    (directory / store.RECORDS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return directory


def written(tmp_path: Path, directory: Path, kind: str, **options) -> list[dict]:
    traces.write(open_run(directory), kind, tmp_path / "out.jsonl", **{"held_out": 0.0, **options})
    return [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]


ANSWERS = [
    ("1", "one", "correct"),
    ("1", "uno", "correct"),
    ("1", "one", "correct"),
    ("2", "three", "wrong"),
    ("2", "two", "correct"),
    ("2", "??", "unparsed"),
    ("2", "tw", "truncated"),
    ("3", "", "api_error"),
    ("1", "two", "wrong"),
]


def test_a_chat_ends_in_an_answer_that_was_right_and_no_text_comes_twice(tmp_path: Path) -> None:
    lines = written(tmp_path, run(tmp_path, ANSWERS), "sft")
    assert [(line["group"], line["messages"][-1]["content"]) for line in lines] == [
        ("1", "one"),
        ("1", "uno"),
        ("2", "two"),
    ]
    assert lines[0]["messages"][0] == {"role": "user", "content": "say 1"}


def test_a_pair_is_a_right_and_a_wrong_answer_to_one_sample(tmp_path: Path) -> None:
    lines = written(tmp_path, run(tmp_path, ANSWERS), "preference")
    shown = [
        (line["prompt"][0]["content"], line["chosen"][0]["content"], line["rejected"][0]["content"]) for line in lines
    ]
    assert shown == [("say 2", "two", "three"), ("say 1", "one", "two")]


def test_hinted_answers_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    directory = run(tmp_path, ANSWERS, detail={"strategy": {"hinted": True}})
    assert written(tmp_path, directory, "sft") == []
    assert {line["hinted"] for line in written(tmp_path, directory, "sft", hinted=True)} == {True}


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=8), min_size=1, max_size=50, unique=True), st.floats(0, 0.99))
def test_no_group_that_is_held_out_is_ever_written(names: list[str], share: float) -> None:
    kept = [name for name in names if not traces.is_held_out("echo", name, share)]
    more = [name for name in names if not traces.is_held_out("echo", name, min(1.0, share + 0.2))]
    assert set(more) <= set(kept), "a larger share holds out the same groups and others"


def test_held_out_groups_are_counted_and_are_about_as_many_as_the_share_says(tmp_path: Path) -> None:
    answers = [(f"g{i}", "x", "correct") for i in range(1000)]
    counted = traces.write(open_run(run(tmp_path, answers)), "sft", tmp_path / "out.jsonl")
    assert counted["lines"] + counted["held out"] == 1000
    assert counted["held out"] == pytest.approx(200, abs=40)
    groups = [json.loads(line)["group"] for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert not [group for group in groups if traces.is_held_out("echo", group)]


def test_answers_to_prompts_that_are_not_known_are_counted_and_left_out(tmp_path: Path) -> None:
    """As in a run of imported answers."""
    for kind in ("sft", "preference"):
        directory = run(tmp_path, ANSWERS, input=None)
        counted = traces.write(open_run(directory), kind, tmp_path / "out.jsonl", held_out=0.0)
        assert (counted["lines"], counted["not known"] > 0) == (0, True)


def test_options_of_training_data_are_refused_for_other_tools(harness, tmp_path: Path) -> None:
    assert results_cli.HELD_OUT == traces.HELD_OUT
    code, _, err = harness("export", run(tmp_path, ANSWERS), "--to", "inspect", "-o", "x", "--held-out", "0.5")
    assert (code, "are for --to sft" in err) == (2, True)


def test_the_command_says_what_was_left_out(harness) -> None:
    harness("run", "--task", "arithmetic", "--model", "baseline/oracle", "--limit", "40", "--display", "none")
    (directory,) = Path("results").iterdir()
    code, out, _ = harness("export", directory, "--to", "sft", "-o", "train.jsonl", "--held-out", "0.5")
    lines = [json.loads(line) for line in Path("train.jsonl").read_text().splitlines()]
    assert (code, f"{len(lines)} lines" in out, "answers are of groups that are held out" in out) == (0, True, True)
    assert 0 < len(lines) < 40
    assert all(line["messages"][-1]["role"] == "assistant" for line in lines)
