"""Runs as records of Every Eval Ever, checked against the coalition's schemas (tests/fixtures/every_eval_ever)."""

import hashlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from harness import api
from harness.errors import DataError
from harness.results import export
from harness.results.importing import import_file
from harness.results.records import open_run
from tests.foreign_logs import inspect_log, inspect_sample, lm_eval_line, lm_eval_log

SCHEMAS = Path(__file__).parents[1] / "fixtures" / "every_eval_ever"


def check(name: str, value: Any) -> None:
    schema = json.loads((SCHEMAS / f"{name}.schema.json").read_text())
    jsonschema.Draft7Validator(schema).validate(value)


def written(run: Path, root: Path) -> tuple[dict[str, Any], list[dict[str, Any]], Path]:
    whole, samples = export.write(run, "every-eval-ever", root)
    found, lines = json.loads(whole.read_text()), [json.loads(line) for line in samples.read_text().splitlines()]
    check("eval", found)
    for line in lines:
        check("instance_level_eval", line)
    return found, lines, samples


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return api.run("aiw", "tiny", limit=12, epochs=3, out=tmp_path_factory.mktemp("runs")).directory


def test_conditions_and_gaps_are_results_with_their_uncertainty(run: Path, tmp_path: Path) -> None:
    found, lines, _ = written(run, tmp_path)
    results = {r["evaluation_name"]: r for r in found["evaluation_results"]}
    contrasts = open_run(run).read()
    assert len(results) == len(contrasts.conditions) + 1 + len(contrasts.gaps())
    total, gap = results["aiw.all"]["score_details"], results["aiw.gap.family.friends-original"]
    assert total["uncertainty"]["num_samples"] == 36 == len(lines)
    assert total["uncertainty"]["confidence_interval"]["confidence_level"] == 0.95
    assert gap["score_details"]["score"] == contrasts.gaps()[0].gap.value
    assert gap["metric_config"]["min_score"] == -1


def test_samples_belong_to_the_result_of_their_condition(run: Path, tmp_path: Path) -> None:
    found, lines, path = written(run, tmp_path)
    results = {r["evaluation_result_id"]: r["score_details"] for r in found["evaluation_results"]}
    for result in {line["evaluation_result_id"] for line in lines}:
        scores = [line["evaluation"]["score"] for line in lines if line["evaluation_result_id"] == result]
        assert results[result]["score"] == pytest.approx(sum(scores) / len(scores))
    assert {line["evaluation_id"] for line in lines} == {found["evaluation_id"]}
    detailed = found["detailed_evaluation_results"]
    assert detailed["total_rows"] == len(lines)
    assert detailed["checksum"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert tmp_path / detailed["file_path"] == path


def test_the_same_run_is_written_to_the_same_place(run: Path, tmp_path: Path) -> None:
    assert written(run, tmp_path)[2] == written(run, tmp_path)[2]


def test_verdicts_of_another_tool_are_that_tools(tmp_path: Path) -> None:
    log = lm_eval_log(tmp_path, [lm_eval_line(i, float(i % 2)) for i in range(6)], model="meta-llama/Llama-3.1-8B")
    [made] = import_file("lm-eval", log, {}, tmp_path / "runs")
    found, lines, path = written(made.directory, tmp_path)
    assert found["eval_library"]["name"] == "lm-evaluation-harness"
    assert (found["model_info"]["id"], found["model_info"]["developer"]) == ("meta-llama/Llama-3.1-8B", "meta-llama")
    assert path.parent == tmp_path / "data/gsm8k/meta-llama/Llama-3.1-8B"
    assert lines[0]["answer_attribution"][0]["extraction_method"] == "as scored by lm-eval (exact_match,strict-match)"


def test_an_answer_without_a_verdict_has_no_score(tmp_path: Path) -> None:
    rows = [inspect_sample(i) for i in range(4)]
    rows[2] |= {"error": {"message": "no route"}, "output": {}, "scores": {}}
    [made] = import_file("inspect", inspect_log(tmp_path / "log.json", rows), {}, tmp_path / "runs")
    found, lines, _ = written(made.directory, tmp_path)
    assert len(lines) == 3
    assert found["evaluation_results"][0]["score_details"]["details"]["api_error"] == "1"


def test_names_in_a_run_lead_nowhere(run: Path, tmp_path: Path) -> None:
    about = json.loads((run / "run.json").read_text())
    (tmp_path / "hostile").mkdir()
    records = [json.loads(line) | {"task": "../../data"} for line in (run / "records.jsonl").read_text().splitlines()]
    (tmp_path / "hostile" / "records.jsonl").write_text("".join(json.dumps(record) + "\n" for record in records))
    about["config"] |= {"task": "../../data", "model": "../.."}
    about |= {"model": {"model": []}, "sampling": {"a": 7}, "versions": {"x": []}, "created": "../../.."}
    (tmp_path / "hostile" / "run.json").write_text(json.dumps(about))
    for kind, to in (("every-eval-ever", "root"), ("lm-eval", "root/results.json")):
        for path in export.write(tmp_path / "hostile", kind, tmp_path / to):
            assert path.resolve().is_relative_to(tmp_path / "root")


def test_a_run_without_a_verdict_is_refused(tmp_path: Path) -> None:
    rows = [inspect_sample(i, error={"message": "no route"}) | {"scores": {}, "output": {}} for i in range(2)]
    log = inspect_log(tmp_path / "log.json", [*rows, inspect_sample(2)])
    [made] = import_file("inspect", log, {}, tmp_path / "runs")
    lines = (made.directory / "records.jsonl").read_text().splitlines()
    (made.directory / "records.jsonl").write_text("\n".join(lines[:2]) + "\n")
    about = json.loads((made.directory / "run.json").read_text())
    (made.directory / "run.json").write_text(json.dumps(about | {"records": 2}))
    with pytest.raises(DataError, match="no answer has a verdict"):
        export.write(made.directory, "every-eval-ever", tmp_path)
