"""Logs that the other tools write themselves, over lines of `harness show --json` and over documents of their own, come
in, are scored and compared (`tox -e interop` installs the tools)."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from harness.results import gate
from harness.results.importing import Imported, import_file
from harness.results.records import open_run

COUNT = 6


@pytest.fixture
def prompts(harness) -> Path:
    """Lines of `harness show --json`, in the working directory of the test."""
    _, out, _ = harness("show", "aiw", "--json", "--limit", COUNT)
    Path("prompts.jsonl").write_text(out)
    return Path("prompts.jsonl")


def rows(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()]


def only(found: list[Imported]) -> Imported:
    [made] = found
    return made


# inspect_ai ---------------------------------------------------------------------------------------------------------


def inspect_log(prompts: Path, form: str, ours: bool, answer: str = "", name: str = "model") -> Path:
    """A log of inspect_ai with its mock model, which gives each prompt its target (or always `answer`)."""
    reason = "inspect_ai IS NOT TESTED: `tox -e interop` installs it"
    inspect_ai = pytest.importorskip("inspect_ai", reason=reason)
    from inspect_ai import dataset, model, scorer

    targets = {row["input"][-1]["content"]: row["target"] for row in rows(prompts)}

    def reply(messages, tools, tool_choice, config):
        return model.ModelOutput.from_content("mockllm/model", f"### Answer: {answer or targets[messages[-1].text]}")

    keys = ["task", "task_version", "group", "condition", "params"] if ours else []
    fields = dataset.FieldSpec(input="input", target="target", id="id", metadata=keys)
    task = inspect_ai.Task(dataset=dataset.json_dataset(str(prompts), fields), scorer=scorer.includes(), name="mine")
    mock = model.get_model(f"mockllm/{name}", custom_outputs=reply, memoize=False)
    options = {"epochs": 2, "log_format": form, "log_dir": f"logs-{form}-{name}", "display": "none"}
    [log] = inspect_ai.eval(task, model=mock, **options)
    assert log.status == "success", log.error
    return next(Path(f"logs-{form}-{name}").glob(f"*.{form}"))


@pytest.fixture(autouse=True)
def no_download(monkeypatch) -> None:
    """inspect_ai's mock model counts tokens with a table from the web."""
    if "inspect_ai" in sys.modules or Path(sys.prefix, "bin", "inspect").exists():
        api = pytest.importorskip("inspect_ai.model._model").ModelAPI

        async def count(self, text: str) -> int:
            return len(text)

        monkeypatch.setattr(api, "count_text_tokens", count)


@pytest.mark.parametrize("form", ["eval", "json"])
def test_prompts_of_ours_that_inspect_ai_asked_are_scored_by_our_task(prompts: Path, form: str) -> None:
    made = only(import_file("inspect", inspect_log(prompts, form, ours=True), {}, Path("runs")))
    assert (made.config.task, made.config.model) == ("aiw", "imported/mockllm/model")
    records = list(open_run(made.directory).records())
    assert [r["outcome"] for r in records] == ["correct"] * 2 * COUNT
    assert (made.agree, made.judged) == (2 * COUNT, 2 * COUNT)
    assert {r["condition"] for r in records} == {row["condition"] for row in rows(prompts)}
    assert records[0]["input"] == rows(prompts)[0]["input"]


def test_two_logs_of_inspect_ai_are_compared_by_its_own_scorer(prompts: Path) -> None:
    logs = [
        inspect_log(prompts, "eval", ours=False, answer=answer, name=name) for answer, name in (("", "a"), ("x", "b"))
    ]
    runs = [only(import_file("inspect", log, {}, Path("runs"))).directory for log in logs]
    assert open_run(runs[0]).scored_by == "as scored by inspect_ai (includes)"
    found = gate.compare(*runs)
    assert (found.task, found.overall.base, found.overall.new) == ("mine", 1.0, 0.0)
    assert (found.overall.pairs, found.other_prompts) == (2 * COUNT, 0)


# lm-evaluation-harness ----------------------------------------------------------------------------------------------

TASK = """
task: {name}
dataset_path: json
dataset_kwargs:
  data_files: {file}
test_split: train
output_type: generate_until
doc_to_text: "{{{{input[0]['content']}}}}"
doc_to_target: "{{{{target}}}}"
repeats: 2
generation_kwargs:
  until: []
  max_gen_toks: 64
metric_list:
  - metric: exact_match
    aggregation: mean
    higher_is_better: true
"""

MODEL = """
import sys

from lm_eval.__main__ import cli_evaluate
from lm_eval.models.dummy import DummyLM

answer = sys.argv.pop(1)
DummyLM.generate_until = lambda self, requests, disable_tqdm=False: [
    f"### Answer: {r.doc['target']}" if answer == "right" else answer for r in requests
]
cli_evaluate()
"""


def lm_eval_log(prompts: Path, name: str, answer: str) -> Path:
    """A samples file of lm_eval with its dummy model, which gives each prompt its target (or always `answer`)."""
    pytest.importorskip("lm_eval", reason="lm_eval IS NOT TESTED: `tox -e interop` installs it")
    folder = Path(f"lm-{name}")
    folder.mkdir()
    (folder / "mine.yaml").write_text(TASK.format(name="mine", file=prompts.resolve()))
    (folder / "model.py").write_text(MODEL)
    command = [sys.executable, folder / "model.py", answer, "--model", "dummy", "--tasks", "mine", "--log_samples"]
    command += ["--include_path", folder, "--output_path", folder / "out"]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return next(folder.glob("out/**/samples_mine_*.jsonl"))


def test_prompts_of_ours_that_lm_eval_asked_are_scored_by_our_task(prompts: Path) -> None:
    made = only(import_file("lm-eval", lm_eval_log(prompts, "a", "right"), {}, Path("runs")))
    assert made.config.task == "aiw"
    records = list(open_run(made.directory).records())
    assert [r["outcome"] for r in records] == ["correct"] * 2 * COUNT
    assert [r["epoch"] for r in records[:2]] == [1, 2]


def test_two_logs_of_lm_eval_are_compared_by_its_own_metric(prompts: Path) -> None:
    lines = [{key: row[key] for key in ("input", "target")} for row in rows(prompts)]
    Path("documents.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    answers = (("a", "none"), ("b", lines[0]["target"]))
    logs = [lm_eval_log(Path("documents.jsonl"), name, answer) for name, answer in answers]
    made = [only(import_file("lm-eval", log, {}, Path("runs"))) for log in logs]
    assert (made[0].config.task, made[0].config.strategy) == ("mine", "as scored by lm-eval")
    found = gate.compare(*(run.directory for run in made))
    same = sum(line["target"] == lines[0]["target"] for line in lines) / COUNT
    assert (found.overall.base, found.overall.new, found.overall.pairs) == (0.0, same, COUNT)
