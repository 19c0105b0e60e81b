"""What is said under the table of a run: once each, with the number of samples, also after a resume."""

import json
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import pytest
from mock_server import Faults, MockServer

from harness import launch
from harness.launch import Finished
from harness.pipeline import store
from harness.pipeline.checks import completion_from
from harness.pipeline.config import RunConfig
from harness.pipeline.remarks import MOST, Remarks
from harness.report import words
from harness.report.collect import collect
from harness.results.rescore import score_run
from harness.types import Completion, ModelOptions, Sampling


@pytest.fixture(autouse=True)
def no_keys(monkeypatch) -> None:
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def run(tmp_path: Path, faults: Faults, task: str = "aiw", sampling: Sampling | None = None, **more) -> Finished:
    with MockServer(faults) as server:
        options = ModelOptions(server.base_url, max_connections=1, max_retries=0)
        how = {"model_options": options, "sampling": sampling or Sampling(), "limit": 4, "epochs": 1, **more}
        config = RunConfig(task, "openai/mock", **how)
        finished = launch.start(config, tmp_path)
        if finished.result.status == "incomplete":
            return launch.resume(finished.directory, budget_tokens=None)
        return finished


def outcomes(finished: Finished) -> Counter[str]:
    return Counter(r["outcome"] for r in store.read_records(finished.directory))


def reply(word: str, text: str = "### Answer: 3") -> bytes:
    message = {"role": "assistant", "content": text}
    usage = {"prompt_tokens": 9, "completion_tokens": 4}
    return json.dumps({"choices": [{"finish_reason": word, "message": message}], "usage": usage}).encode()


@pytest.mark.parametrize("length", [512, 1024, 2048])
@pytest.mark.parametrize("given", [None, 2048])
def test_a_task_whose_limit_fills_the_context_is_answered_and_says_that_it_was_lowered(tmp_path, length, given) -> None:
    finished = run(tmp_path, Faults(context=length), sampling=Sampling(max_tokens=given))
    assert set(outcomes(finished)) <= {"correct", "wrong"}
    (note,) = finished.notes
    assert note.startswith("the limit of 2048 tokens an answer (--max-tokens) was lowered")
    assert f"the context of {length} tokens" in note
    assert note.endswith("(4 samples)")


def test_prompts_that_do_not_fit_are_counted_and_their_records_have_the_servers_words(tmp_path) -> None:
    finished = run(tmp_path, Faults(context=20))
    assert outcomes(finished) == {"truncated": 4}
    (note,) = finished.notes
    assert note.startswith("4 samples did not fit")
    assert "--max-tokens" in note
    assert all("maximum context length is 20 tokens" in r["error"] for r in store.read_records(finished.directory))
    assert finished.result.status == "complete"


def test_the_embedded_model_says_it_in_the_same_words(tmp_path) -> None:
    config = RunConfig("aiw", "tiny", model_options=ModelOptions(extra={"context": "32"}), limit=2, epochs=1)
    finished = launch.start(config, tmp_path)
    assert outcomes(finished) == {"truncated": 2}
    assert finished.notes[0].startswith("2 samples did not fit")
    assert all("the model's context 32" in r["error"] for r in store.read_records(finished.directory))


def test_refused_prompts_are_counted_and_stay_refused_when_scored_anew(tmp_path) -> None:
    body = json.dumps({"error": {"code": "content_filter", "message": "flagged"}}).encode()
    finished = run(tmp_path, Faults(status=400, body=body), task="blocksworld")
    assert outcomes(finished) == {"refused": 4}
    assert finished.notes[0].startswith("4 samples refused by the server's content filter")
    score_run(finished.task, {}, finished.directory, tmp_path / "again")
    assert {r["outcome"] for r in store.read_records(tmp_path / "again")} == {"refused"}


def test_an_unknown_finish_reason_is_said_once_and_a_resume_adds_to_it(tmp_path) -> None:
    """The budget ends the run after one answer; the resume asks for the other three."""
    finished = run(tmp_path, Faults(body=reply("fell_asleep")), budget_tokens=10)
    assert next(n for n in finished.notes if "fell_asleep" in n).endswith("(4 samples)")
    assert sum(json.loads((finished.directory / "run.json").read_text())["notes"].values()) == 4


def test_answers_that_are_all_empty_are_said(tmp_path) -> None:
    assert any("are empty (4 samples)" in note for note in run(tmp_path, Faults(body=reply("stop", ""))).notes)
    assert run(tmp_path, Faults(body=reply("stop"))).notes == []


def test_a_server_that_changes_its_model_in_mid_run_is_told() -> None:
    remarks = Remarks()
    for name in ["m@1"] * 3 + ["m@2", "", None]:
        remarks.add({"outcome": "correct", "response": "7", "stop_reason": "stop", "served_by": name})
    assert "different models or revisions" in remarks.lines()[0]
    assert remarks.lines()[0].endswith("'m@1' (3 samples), 'm@2' (1 sample)")
    for i in range(1000):
        remarks.add({"outcome": "correct", "response": "7", "served_by": f"\x1b[31m{i}" * 1000})
    assert len(remarks.lines()[0]) < 500
    assert "\x1b" not in remarks.lines()[0]


def test_a_refused_prompt_is_not_kept_in_the_cache(tmp_path, monkeypatch) -> None:
    """Another day the server may have more room, or another filter."""
    monkeypatch.setattr("harness.pipeline.cache.platformdirs.user_cache_dir", lambda _: str(tmp_path / "cache"))
    with MockServer(Faults(context=20)) as server:
        config = RunConfig(
            "aiw", "openai/mock", model_options=ModelOptions(server.base_url), limit=2, epochs=1, cache=True
        )
        assert outcomes(launch.start(config, tmp_path)) == {"truncated": 2}
        server.faults = Faults()
        assert "truncated" not in outcomes(launch.start(config, tmp_path))


def test_completions_of_earlier_versions_are_read_and_notes_survive_the_disk() -> None:
    assert completion_from({"text": "7"}) == Completion("7")
    noted = Completion("7", notes=("a", "b"), error="no")
    assert completion_from(json.loads(json.dumps(asdict(noted)))) == noted


def test_a_run_of_an_earlier_version_or_with_odd_notes_is_resumed() -> None:
    assert Remarks(None).lines() == []
    assert Remarks(["x"]).lines() == []
    assert Remarks({"a": 2, "b": "x"}).lines() == ["a (2 samples)"]


def test_notes_of_a_hostile_server_are_bounded() -> None:
    remarks = Remarks()
    for i in range(1000):
        remarks.note([f"note {i}"])
    assert len(remarks.notes) == MOST + 1
    assert remarks.notes["other notes"] == 1000 - MOST


@pytest.mark.parametrize(("limit", "said"), [(100, True), (4096, False)])
def test_a_limit_under_what_a_right_answer_takes_is_said_with_the_table_and_in_the_report(tmp_path, limit, said):
    """31 moves of about 9 tokens: the oracle's own answer would be cut."""
    config = RunConfig("hanoi", "baseline/oracle", task_options={"discs": "5", "start": "tower"}, limit=3,
                       sampling=Sampling(max_tokens=limit))  # fmt: skip
    finished = launch.start(config, tmp_path)
    [(data,), _] = collect([finished.directory])
    for lines in (finished.notes, words.cautions(data)):
        assert any("o right answer fits into the limit of 100 tokens" in line for line in lines) == said


def test_a_limit_that_is_no_number_is_none() -> None:
    remarks = Remarks(None, "tokens", "4096")
    remarks.add({"params": {"tokens": 9_999}, "outcome": "wrong", "response": "x"})
    assert not remarks.beyond_limit
