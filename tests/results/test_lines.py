"""Prompts as lines that come back with responses: `harness show --json`, `harness score`, `harness import`."""

import itertools
import json
import random
from pathlib import Path

import pytest

from harness import plugins
from harness.results.lines import asked, line_of, messages

TASKS = list(plugins.installed("tasks"))


def answered(out: str, key: str) -> str:
    return "".join(json.dumps({**(row := json.loads(line)), "response": row[key]}) + "\n" for line in out.splitlines())


def test_what_show_prints_as_json_is_what_score_takes(harness) -> None:
    code, out, _ = harness("show", "blocksworld", "--json", "--limit", "6", "-T", "rename=plain,mystery")
    Path("r.jsonl").write_text(answered(out, "target"))
    assert harness("score", "--task", "blocksworld", "r.jsonl", "-o", "scored.jsonl")[0] == code == 0
    rows = [json.loads(line) for line in Path("scored.jsonl").read_text().splitlines()]
    assert [row["outcome"] for row in rows] == ["correct"] * 6
    assert rows[0].keys() > {"id", "group", "condition", "input", "sampling", "epochs", "task_version"}


def test_json_has_all_samples_that_a_run_asks_and_plain_text_the_first_three(harness) -> None:
    assert len(harness("show", "aiw", "--json")[1].splitlines()) == 24
    assert harness("show", "aiw")[1].count("--- ") == 3
    assert len(harness("show", "game24", "--json", "--limit", "7")[1].splitlines()) == 7


def test_a_plan_is_shown_on_lines_of_its_own(harness) -> None:
    _, out, _ = harness("show", "blocksworld", "--limit", "1")
    lines = out.splitlines()
    assert lines[lines.index("target:") + 1].startswith("  1. ")
    assert "shallow answer:" in lines
    assert lines[-1].startswith("  ")


def test_answers_to_another_version_are_scored_and_said(harness) -> None:
    out = harness("show", "aiw", "--json", "--limit", "2")[1].replace('"task_version":"4"', '"task_version":"3"')
    Path("r.jsonl").write_text(answered(out, "target"))
    code, _, err = harness("score", "--task", "aiw", "r.jsonl", "-o", "out.jsonl")
    assert (code, "another version of aiw than 4 (2 of version 3)" in err) == (0, True)


@pytest.mark.parametrize("command", [("score", "--task", "aiw", "e.jsonl"), ("validate", "--batch", "e.jsonl")])
def test_a_file_without_lines_is_an_error_and_leaves_nothing(harness, command) -> None:
    Path("e.jsonl").write_text("\n")
    code, _, err = harness(*command, "-o", "out.jsonl")
    assert (code, "e.jsonl has no lines" in err) == (1, True)
    assert [path.name for path in Path().iterdir()] == ["e.jsonl"]


@pytest.mark.parametrize("name", TASKS)
def test_a_line_is_read_back_as_the_sample_and_scored_alike(name: str) -> None:
    """Also if another tool's table has given every line the params of all lines, as None."""
    task, rng = plugins.task(name, {}), random.Random(0)
    samples = list(itertools.islice(task.samples(0), 40))
    every = dict.fromkeys(key for sample in samples for key in sample.params)
    for sample in samples:
        line = json.loads(json.dumps(line_of(task, sample)))
        found = asked(line | {"params": every | line["params"]})
        assert found is not None
        assert (found.task, found.task_version) == (name, task.version)
        assert (found.sample.id, found.sample.messages) == (sample.id, sample.messages)
        for kind in ("oracle", "random"):
            text = task.baseline(kind, sample, rng)
            assert task.score(found.sample.params, text) == task.score(sample.params, text)


@pytest.mark.parametrize("name", TASKS)
def test_a_param_has_one_type_in_all_lines(name: str) -> None:
    """Tables of other tools have a type for each column."""
    task = plugins.task(name, {})
    kinds: dict[str, set[type]] = {}
    for sample in itertools.islice(task.samples(0), 60):
        for key, value in sample.params.items():
            kinds.setdefault(key, set()).add(type(value))
    assert {key: found for key, found in kinds.items() if len(found - {type(None)}) > 1} == {}


@pytest.mark.parametrize("value", [None, [], "x", {}, {"task": "aiw"}, {"task": "aiw", "params": []}])
def test_what_is_no_line_of_an_installed_task_is_none(value: object) -> None:
    assert asked(value) is None
    assert asked({"task": "gsm8k", "params": {}, "id": "1", "group": "1", "condition": "x"}) is None


def test_messages_are_read_in_the_forms_of_other_tools() -> None:
    parts = [{"type": "text", "text": "a"}, {"type": "image", "image": "x"}, {"type": "text", "text": "b"}]
    assert messages([{"role": "user", "content": parts}, 7, {"content": None}])[0].content == "ab"
    assert messages("hello")[0] == ("user", "hello")
    assert messages(7) == ()


def test_answered_prompts_become_a_run_with_gaps(harness) -> None:
    out = harness("show", "aiw", "--json", "--limit", "12")[1]
    Path("r.jsonl").write_text(answered(out, "target") * 2)
    assert "which model was asked" in harness("import", "prompts", "r.jsonl")[2]
    code, out, _ = harness("import", "prompts", "r.jsonl", "--with", "model=mine")
    assert (code, "gap within group" in out, "24 answers" in out) == (0, True, True)
    Path("r.jsonl").write_text('{"params": {}, "response": "x"}\n')
    assert "not a line of `harness show --json`" in harness("import", "prompts", "r.jsonl")[2]
