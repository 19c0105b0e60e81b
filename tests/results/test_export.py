"""Runs in the formats of other tools: the shapes; tests/interop opens them with those tools."""

import json
import re
from pathlib import Path

import pytest

from harness import api
from harness.errors import UsageError
from harness.results import export
from harness.results.importing import import_file
from harness.results.records import open_run
from tests.foreign_logs import lm_eval_line, lm_eval_log


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return api.run("aiw", "baseline/random", limit=6, epochs=3, out=tmp_path_factory.mktemp("runs")).directory


def test_a_log_for_inspect_ai_has_every_sample_with_its_verdict(run: Path, tmp_path: Path) -> None:
    export.write(run, "inspect", tmp_path / "log.json")
    log = json.loads((tmp_path / "log.json").read_text())
    assert (log["version"], log["status"], len(log["samples"])) == (2, "success", 18)
    assert {s["scores"]["harness"]["value"] for s in log["samples"]} <= {"C", "I", "N"}
    assert all(s["metadata"]["condition"] and s["messages"][-1]["role"] == "assistant" for s in log["samples"])


def test_a_log_for_inspect_ai_has_the_extension_that_it_reads(run: Path, tmp_path: Path) -> None:
    assert export.write(run, "inspect", tmp_path / "log") == [tmp_path / "log.json"]
    with pytest.raises(UsageError, match="would not read"):
        export.write(run, "inspect", tmp_path / "log.eval")


def test_results_for_lm_evaluation_harness_have_each_condition_in_the_tasks_group(run: Path, tmp_path: Path) -> None:
    export.write(run, "lm-eval", tmp_path / "results.json")
    made = json.loads((tmp_path / "results.json").read_text())
    assert len(made["group_subtasks"]["aiw"]) == 6
    assert made["results"]["aiw"].keys() == {"alias", "sample_len", "acc,none", "acc_stderr,none"}
    assert made["n-samples"]["aiw"] == {"original": 18, "effective": 18}


def test_samples_for_lm_evaluation_harness_stand_beside_the_results(run: Path, tmp_path: Path) -> None:
    _, samples = export.write(run, "lm-eval", tmp_path / "results.json")
    assert re.fullmatch(r"samples_aiw_\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d\.\d{6}\.jsonl", samples.name)
    rows = [json.loads(line) for line in samples.read_text().splitlines()]
    assert [row["doc_id"] for row in rows] == list(range(6))
    assert all(len(row["resps"][0]) == 3 and row["doc"]["params"] and 0 <= row["acc"] <= 1 for row in rows)


def test_export_says_what_was_written(run: Path, harness) -> None:
    code, out, _ = harness("export", run, "--to", "lm-eval", "-o", "deep/results.json")
    assert (code, out.count("lm-eval: deep/")) == (0, 2)


def test_verdicts_that_were_taken_from_a_log_do_not_become_ours(tmp_path: Path) -> None:
    log = lm_eval_log(tmp_path, [lm_eval_line(i) for i in range(3)])
    [made] = import_file("lm-eval", log, {}, tmp_path / "runs")
    [path] = export.write(made.directory, "inspect", tmp_path / "log.json")
    assert list(json.loads(path.read_text())["samples"][0]["scores"]) == [open_run(made.directory).scored_by]
    [again] = import_file("inspect", path, {}, tmp_path / "runs")
    assert again.config.model == made.config.model
    assert "as scored by lm-eval" in open_run(again.directory).scored_by
