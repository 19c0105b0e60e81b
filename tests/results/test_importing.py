"""Logs of other tools become runs: scored by our tasks if the prompts are ours, else with the verdicts of the log."""

import gzip
import itertools
import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import api, plugins
from harness.errors import DataError, HarnessError, UsageError
from harness.results import baselines, export, from_inspect, gate, gate_output, lines
from harness.results.importing import import_file
from harness.results.records import open_run
from tests.foreign_logs import (
    DATE,
    inspect_header,
    inspect_log,
    inspect_sample,
    lm_eval_line,
    lm_eval_log,
    zstd_zip,
)


def prompts(task: str = "aiw", count: int = 6) -> list[dict[str, Any]]:
    made = plugins.task(task, {})
    return [lines.line_of(made, s) for s in itertools.islice(made.samples(0), count)]


def one(kind: str, path: Path, **options: str):
    [made] = import_file(kind, path, options, path.parent / "runs")
    return made, list(open_run(made.directory).records())


# Whose verdict ------------------------------------------------------------------------------------------------------


def test_answers_to_our_prompts_in_a_log_of_lm_eval_are_scored_by_our_task(tmp_path: Path) -> None:
    asked = prompts()
    rows = [
        lm_eval_line(i, 0.0, doc=doc, resps=[[f"### Answer: {doc['target']}", "no idea"]])
        for i, doc in enumerate(asked)
    ]
    made, records = one("lm-eval", lm_eval_log(tmp_path, rows, "mine"))
    assert (made.config.task, made.config.model) == ("aiw", "imported/org/model")
    assert [(r["epoch"], r["outcome"]) for r in records[:2]] == [(1, "correct"), (2, "refused")]
    assert {r["condition"] for r in records} == {doc["condition"] for doc in asked}
    assert made.judged == 0, "one verdict for two responses is no verdict on either"


@pytest.mark.parametrize("suffix", ["json", "eval"])
def test_answers_to_our_prompts_in_a_log_of_inspect_are_scored_by_our_task(tmp_path: Path, suffix: str) -> None:
    keys = ("task", "task_version", "group", "condition", "params")
    rows = [
        inspect_sample(0, "C" if i else "I", id=doc["id"], target=doc["target"], metadata={k: doc[k] for k in keys})
        | {"output": {"completion": f"### Answer: {doc['target']}"}}
        for i, doc in enumerate(prompts())
    ]
    made, records = one("inspect", inspect_log(tmp_path / f"log.{suffix}", rows, task="mine", model="m"))
    assert (made.config.task, [r["outcome"] for r in records]) == ("aiw", ["correct"] * 6)
    assert (made.agree, made.judged) == (5, 6)


def test_every_filter_has_the_same_responses_so_they_count_once(tmp_path: Path) -> None:
    rows = [
        lm_eval_line(0, doc=doc, filter=f) for doc in prompts(count=3) for f in ("strict-match", "flexible-extract")
    ]
    assert len(one("lm-eval", lm_eval_log(tmp_path, rows))[1]) == 3


def test_a_task_that_is_not_installed_keeps_the_verdicts_of_the_log_and_says_so(tmp_path: Path) -> None:
    made, records = one("lm-eval", lm_eval_log(tmp_path, [lm_eval_line(i, float(i % 2)) for i in range(8)]))
    assert (made.config.task, made.config.strategy) == ("gsm8k", "as scored by lm-eval")
    assert [r["value"] for r in records] == [0.0, 1.0] * 4
    assert (records[0]["group"], records[0]["answer"], records[0]["response"]) == ("0", "0", "It is 0.")
    assert open_run(made.directory).scored_by == "as scored by lm-eval (exact_match,strict-match)"
    assert "verdicts are lm-eval's (exact_match,strict-match)" in made.notes[0]


def test_another_tools_task_with_the_name_of_ours_is_not_ours(tmp_path: Path, harness) -> None:
    made, _ = one("lm-eval", lm_eval_log(tmp_path, [lm_eval_line(i) for i in range(4)], "aiw"))
    assert open_run(made.directory).installed_task() is None
    code, _, err = harness("score", "--task", "aiw", made.directory)
    assert (code, "can't be scored anew" in err) == (2, True)
    assert harness("report", made.directory, "-o", "r.html")[0] == 0


def test_answers_made_for_another_version_are_scored_and_said(tmp_path: Path) -> None:
    rows = [lm_eval_line(i, doc=doc | {"task_version": "1"}) for i, doc in enumerate(prompts())]
    assert "6 of version 1" in one("lm-eval", lm_eval_log(tmp_path, rows))[0].notes[0]


# Choosing -----------------------------------------------------------------------------------------------------------


def test_several_metrics_or_filters_are_named_and_one_has_to_be_chosen(tmp_path: Path) -> None:
    both = {"metrics": ["acc", "acc_norm"], "acc": 1.0, "acc_norm": 0.0}
    log = lm_eval_log(tmp_path, [lm_eval_line(i, **both) for i in range(3)])
    with pytest.raises(UsageError, match="has several metrics: acc, acc_norm"):
        one("lm-eval", log)
    assert [r["value"] for r in one("lm-eval", log, metric="acc_norm")[1]] == [0.0] * 3
    with pytest.raises(UsageError, match="has no metric 'f1'"):
        one("lm-eval", log, metric="f1")
    log = lm_eval_log(tmp_path, [lm_eval_line(0, filter=name) for name in ("strict-match", "flexible-extract")])
    with pytest.raises(UsageError, match="has several filters: strict-match, flexible-extract"):
        one("lm-eval", log)
    assert one("lm-eval", log, filter="flexible-extract")[0].config.strategy == "as scored by lm-eval"


def test_a_metric_that_is_no_share_is_not_taken(tmp_path: Path) -> None:
    log = lm_eval_log(tmp_path, [lm_eval_line(i, metrics=["bleu"], bleu=37.2) for i in range(3)])
    with pytest.raises(DataError, match="no metric with a value from 0 to 1"):
        one("lm-eval", log)


def test_a_log_of_several_scorers_has_to_be_told_which(tmp_path: Path) -> None:
    scores = {"match": {"value": "C"}, "judge": {"value": {"style": 0.5, "truth": True}}}
    log = inspect_log(tmp_path / "log.json", [inspect_sample(i, scores=scores) for i in range(3)])
    with pytest.raises(UsageError, match=r"several scorers: match, judge\.style, judge\.truth"):
        one("inspect", log)
    assert [r["value"] for r in one("inspect", log, scorer="judge.style")[1]] == [0.5] * 3


def test_scores_of_inspect_are_counted_as_inspect_counts_them(tmp_path: Path) -> None:
    values = ["C", "I", "P", "N", True, 0.25, "yes"]
    log = inspect_log(tmp_path / "log.eval", [inspect_sample(i, value) for i, value in enumerate(values)])
    assert [r["value"] for r in one("inspect", log)[1]] == [1.0, 0.0, 0.5, 0.0, 1.0, 0.25, 1.0]


def test_the_model_is_that_of_the_results_beside_or_has_to_be_named(tmp_path: Path) -> None:
    log = lm_eval_log(tmp_path, [lm_eval_line(0)])
    assert one("lm-eval", log)[0].config.model == "imported/org/model"
    next(tmp_path.glob("results*.json")).unlink()
    with pytest.raises(UsageError, match="which model"):
        one("lm-eval", log)
    (tmp_path / f"results_{DATE}.json").write_text("{")
    with pytest.raises(DataError, match="not valid JSON"):
        one("lm-eval", log)
    assert one("lm-eval", log, model="mine")[0].config.model == "imported/mine"
    with pytest.raises(UsageError, match="there is no modle"):
        one("lm-eval", log, modle="mine")


def test_forms_of_a_multiple_choice_log_are_read(tmp_path: Path) -> None:
    choices = {f"gen_args_{i}": {"arg_0": "Q:", "arg_1": f" {c}"} for i, c in enumerate("AB")}
    row = lm_eval_line(0, arguments=choices, resps=[[["-1.5", "True"]], [["-2.5", "False"]]], filtered_resps=[["-1.5"]])
    record = one("lm-eval", lm_eval_log(tmp_path, [row]))[1][0]
    assert (record["input"][0]["content"], record["response"]) == ("Q:", "A: -1.5\nB: -2.5")


# Two logs in, a comparison out --------------------------------------------------------------------------------------


def test_two_logs_of_lm_eval_are_compared_on_the_same_documents(tmp_path: Path) -> None:
    runs = []
    for name, right in (("a", 10), ("b", 25)):
        rows = [lm_eval_line(i, float(i < right)) for i in range(30)]
        for row in rows:  # the template of the model is around the question
            row["arguments"]["gen_args_0"]["arg_0"] = f"<{name}>Q</{name}>"
        runs.append(one("lm-eval", lm_eval_log(tmp_path / name, rows, model=name))[0].directory)
    found = gate.compare(*runs)
    assert (found.overall.verdict, found.overall.pairs, found.other_prompts) == ("improvement", 30, 30)
    assert "verdicts as scored by lm-eval (exact_match,strict-match)" in gate_output.render(found)
    assert "30 of 30 questions stood in other prompts" in gate_output.to_markdown(found)


def test_two_logs_of_inspect_are_compared_whatever_the_ids_of_their_messages(tmp_path: Path) -> None:
    runs = []
    for name, right in (("a", 10), ("b", 25)):
        rows = [inspect_sample(i, "C" if i < right else "I") for i in range(30)]
        log = inspect_log(tmp_path / f"{name}.eval", rows, model=name)
        runs.append(one("inspect", log)[0].directory)
    found = gate.compare(*runs)
    assert (found.overall.verdict, found.other_prompts) == ("improvement", 0)


def test_a_log_can_be_the_baseline_of_later_ones(tmp_path: Path) -> None:
    runs = [
        one("lm-eval", lm_eval_log(tmp_path / name, [lm_eval_line(i, float(i < right)) for i in range(30)]))[
            0
        ].directory
        for name, right in (("old", 25), ("new", 10))
    ]
    base = baselines.set_baseline(open_run(runs[0]), "kept", tmp_path)
    assert gate.compare(base, runs[1]).overall == gate.compare(*runs).overall
    assert open_run(base).scored_by == "as scored by lm-eval (exact_match,strict-match)"


def test_logs_of_other_documents_or_other_metrics_are_not_compared(tmp_path: Path) -> None:
    def log(name: str, **changes: Any) -> Path:
        return one("lm-eval", lm_eval_log(tmp_path / name, [lm_eval_line(i, **changes) for i in range(5)]))[0].directory

    base = log("base")
    with pytest.raises(DataError, match="5 of 5 samples were asked otherwise"):
        gate.compare(base, log("documents", doc={"question": "another"}))
    with pytest.raises(DataError, match="5 of 5 samples were asked otherwise"):
        gate.compare(base, log("targets", target="another"))
    with pytest.raises(DataError, match="of different tasks: gsm8k version exact_match,strict-match and"):
        gate.compare(base, log("metric", filter="flexible-extract"))


def test_every_command_that_shows_such_a_run_says_whose_verdicts_they_are(tmp_path: Path, harness) -> None:
    for name, right in (("a", 10), ("b", 25)):
        log = lm_eval_log(tmp_path / name, [lm_eval_line(i, float(i < right)) for i in range(30)], model=f"org/{name}")
        code, out, _ = harness("import", "lm-eval", log)
        assert (code, "as scored by lm-eval" in out) == (0, True)
    runs = sorted((tmp_path / "results").iterdir())
    for command in (["table", *runs], ["stats", *runs], ["leaderboard", *runs], ["compare", *runs]):
        code, out, err = harness(*command)
        assert (code, "as scored by lm-eval" in out + err) == (0, True)
    assert harness("report", *runs, "-o", "r.html")[0] == 0
    assert "as scored by lm-eval" in harness("leaderboard", *runs, "--csv", "-")[1]


def test_runs_of_other_documents_are_not_ranked_against_each_other(tmp_path: Path, harness) -> None:
    for name, count in (("a", 10), ("b", 11)):
        harness("import", "lm-eval", lm_eval_log(tmp_path / name, [lm_eval_line(i) for i in range(count)], model=name))
    _, out, _ = harness("leaderboard", *(tmp_path / "results").iterdir())
    assert out.count("1 to 1") == 2


# Our own exports come back ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "to"), [("inspect", "log"), ("lm-eval", "results.json")])
def test_an_exported_run_comes_back_with_the_same_verdicts(tmp_path: Path, kind: str, to: str) -> None:
    run = api.run("aiw", "tiny", limit=12, epochs=3, out=tmp_path).directory
    written = export.write(run, kind, tmp_path / "out" / to)
    made, records = one(kind, written[-1])
    before = {(r["id"], r["epoch"]): r for r in open_run(run).records()}
    assert (made.agree, made.judged) == (36, 36)
    for r in records:
        old = before[r["id"], r["epoch"]]
        for key in ("outcome", "value", "params", "group", "condition", "target", "input", "response", "stop_reason"):
            assert r[key] == old[key]


def test_an_answer_that_never_came_comes_back_as_an_error(tmp_path: Path) -> None:
    rows = [inspect_sample(i, error={"message": "no route", "traceback": ""} if i == 2 else None) for i in range(3)]
    rows[2] |= {"scores": {}, "output": {}}
    records = one("inspect", inspect_log(tmp_path / "log.eval", rows))[1]
    assert [(r["outcome"], r["error"]) for r in records] == [("correct", None)] * 2 + [("api_error", "no route")]


# Hostile files ------------------------------------------------------------------------------------------------------


def test_a_log_in_two_frames_or_packed_in_the_old_way_is_read(tmp_path: Path) -> None:
    members = {"samples/1_epoch_1.json": inspect_sample(1), "header.json": inspect_header()}
    packed = {name: json.dumps(value).encode() for name, value in members.items()}
    assert len(one("inspect", zstd_zip(tmp_path / "two.eval", packed, frames=3))[1]) == 1
    with zipfile.ZipFile(tmp_path / "old.eval", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in packed.items():
            archive.writestr(name, data)
    assert len(one("inspect", tmp_path / "old.eval")[1]) == 1


def test_a_log_that_was_cut_off_is_read_by_its_journal(tmp_path: Path) -> None:
    members = {"_journal/start.json": inspect_header(), "samples/1_epoch_1.json": inspect_sample(1)}
    packed = {name: json.dumps(value).encode() for name, value in members.items()}
    assert len(one("inspect", zstd_zip(tmp_path / "cut.eval", packed))[1]) == 1


def test_long_texts_that_are_attached_are_put_back(tmp_path: Path) -> None:
    row = inspect_sample(1, attachments={"abc": "a long question", "def": "a long answer"})
    row["input"][0]["content"] = "attachment://abc"
    row["output"]["choices"][0]["message"]["content"] = [{"type": "text", "text": "attachment://def"}]
    record = one("inspect", inspect_log(tmp_path / "log.eval", [row]))[1][0]
    assert (record["input"][0]["content"], record["response"]) == ("a long question", "a long answer")


@pytest.mark.parametrize("method", ["zstandard", "deflate"])
def test_a_member_that_unpacks_to_too_much_is_refused(tmp_path: Path, monkeypatch, method: str) -> None:
    monkeypatch.setattr(from_inspect, "MOST_BYTES", 1000)
    members = {"header.json": json.dumps(inspect_header()).encode(), "samples/1_epoch_1.json": b" " * 1_000_000}
    if method == "zstandard":
        zstd_zip(tmp_path / "log.eval", members)
    else:
        with zipfile.ZipFile(tmp_path / "log.eval", "w", zipfile.ZIP_DEFLATED) as archive:
            for name, data in members.items():
                archive.writestr(name, data)
    with pytest.raises(DataError, match="too large when it is unpacked"):
        one("inspect", tmp_path / "log.eval")


def test_all_members_together_have_a_limit_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(from_inspect, "MOST_IN_ALL", 2000)
    with pytest.raises(DataError, match="too large"):
        one("inspect", inspect_log(tmp_path / "log.eval", [inspect_sample(i) for i in range(9)]))


def test_a_line_of_a_packed_file_that_never_ends_is_refused(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("harness.files.MOST_BYTES", 1000)
    log = tmp_path / "samples_x.jsonl.gz"
    log.write_bytes(gzip.compress(b"x" * 1_000_000))
    with pytest.raises(DataError, match="is longer than"):
        one("lm-eval", log, model="m")


@pytest.mark.parametrize("damage", [200, -30, -8])
def test_a_damaged_log_is_an_error(tmp_path: Path, damage: int) -> None:
    log = inspect_log(tmp_path / "log.eval", [inspect_sample(i) for i in range(3)])
    data = bytearray(log.read_bytes())
    data[damage : damage + 6] = b"\xff" * 6 if damage > 0 else b"\x00" * 6
    log.write_bytes(data[: len(log.read_bytes())])
    with pytest.raises(HarnessError):
        one("inspect", log)


DEEP = "[" * 100_000 + "]" * 100_000
HOSTILE_LINES = ["7", "[]", "{}", "{", DEEP, '{"doc_id": 0, "doc": ' + "[" * 700 + "]" * 700 + ', "resps": [["x"]]}']
HOSTILE_LINES += [json.dumps(lm_eval_line(0, **change)) for change in (
    {"resps": []}, {"resps": 7}, {"resps": [[]]}, {"filter": []}, {"doc_id": None}, {"doc_id": {"a": 1}},
    {"exact_match": "x"}, {"exact_match": None}, {"exact_match": 10**400}, {"exact_match": -1}, 
    {"metrics": [[]]}, {"exact_match": float("inf")}, {"exact_match": float("nan")},
)]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE_LINES, ids=lambda line: line[:30])
def test_a_line_of_another_form_is_one_message(tmp_path: Path, line: str) -> None:
    log = lm_eval_log(tmp_path, [])
    log.write_text(line + "\n")
    with pytest.raises(HarnessError):
        one("lm-eval", log)


@pytest.mark.parametrize("text", ["", "7", "[]", "{}", "{", DEEP, '{"eval": []}', '{"eval": {"task": "x"}}',
                                  json.dumps(inspect_header()), json.dumps(inspect_header() | {"samples": [7]}),
                                  json.dumps(inspect_header() | {"samples": {"a": 1}}),
                                  json.dumps(inspect_header() | {"samples": [inspect_sample(0, epoch=0)]}),
                                  json.dumps(inspect_header() | {"samples": [inspect_sample(0, scores=[])]}),
                                  json.dumps(inspect_header() | {"samples": [inspect_sample(0), inspect_sample(0)]})],
                         ids=lambda text: text[:30])  # fmt: skip
def test_a_log_of_another_form_is_one_message(tmp_path: Path, text: str) -> None:
    (tmp_path / "log.json").write_text(text)
    with pytest.raises(HarnessError):
        one("inspect", tmp_path / "log.json")


def test_names_in_a_log_lead_nowhere_and_print_plainly(tmp_path: Path) -> None:
    log = inspect_log(tmp_path / "log.json", [inspect_sample(1)], task="../../x\x1b[31m", model="../../y\x1b[0m")
    made, _ = one("inspect", log)
    assert made.directory.parent == tmp_path / "runs"
    assert "\x1b" not in made.config.task + made.config.model
    assert made.config.task == "x?[31m"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**30), 10**30) | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)


def changed(base: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The object with some of its keys gone and others of any type."""
    changes = st.dictionaries(st.sampled_from(sorted(base)), JSON, max_size=3)
    gone = st.sets(st.sampled_from(sorted(base)), max_size=2)
    return st.builds(lambda new, out: {k: v for k, v in (base | new).items() if k not in out}, changes, gone)


DOC = prompts(count=1)[0]


@settings(max_examples=40)
@given(st.lists(changed(lm_eval_line(0)) | changed(lm_eval_line(1, doc=DOC)) | changed(DOC).map(
    lambda doc: lm_eval_line(2, doc=doc)), min_size=1, max_size=3))  # fmt: skip
def test_any_lines_make_a_run_or_one_message(tmp_path_factory, rows) -> None:
    log = lm_eval_log(tmp_path_factory.mktemp("log"), rows)
    _run_or_message("lm-eval", log)


@settings(max_examples=40)
@given(st.lists(changed(inspect_sample(0)) | changed(inspect_sample(1, metadata=DOC)) | changed(DOC).map(
    lambda doc: inspect_sample(2, metadata=doc)), min_size=1, max_size=3), changed(inspect_header()))  # fmt: skip
def test_any_samples_make_a_run_or_one_message(tmp_path_factory, rows, header) -> None:
    log = tmp_path_factory.mktemp("log") / "log.json"
    log.write_text(json.dumps({**header, "samples": rows}))
    _run_or_message("inspect", log)


def _run_or_message(kind: str, log: Path) -> None:
    try:
        made = import_file(kind, log, {}, log.parent / "runs")
    except HarnessError:
        return
    assert all(list(open_run(run.directory).records()) for run in made)


def test_a_file_that_can_not_be_scored_leaves_no_run(tmp_path: Path) -> None:
    log = lm_eval_log(tmp_path, [lm_eval_line(i, doc=doc | {"params": {"x": i}}) for i, doc in enumerate(prompts())])
    with pytest.raises(DataError, match="needs params"):
        one("lm-eval", log)
    assert not (tmp_path / "runs").exists()


@settings(max_examples=40)
@given(st.integers(0, 2500), st.binary(min_size=1, max_size=8))
def test_any_damage_to_a_log_makes_a_run_or_one_message(tmp_path_factory, place: int, noise: bytes) -> None:
    log = inspect_log(tmp_path_factory.mktemp("log") / "log.eval", [inspect_sample(i) for i in range(3)])
    data = bytearray(log.read_bytes())
    place %= len(data)
    data[place : place + len(noise)] = noise
    log.write_bytes(bytes(data))
    _run_or_message("inspect", log)


@pytest.mark.parametrize(("kind", "to"), [("inspect", "log"), ("lm-eval", "results.json")])
def test_the_help_that_an_answer_had_is_not_lost_on_the_way_through_another_tool(tmp_path: Path, kind, to) -> None:
    run = api.run("aiw", "baseline/oracle", limit=2, epochs=1, out=tmp_path).directory
    path = run / "records.jsonl"
    path.write_text(path.read_text().replace('"strategy":"io","aid":"none"', '"strategy":"twice","aid":"verifier"'))
    made, records = one(kind, export.write(run, kind, tmp_path / to)[-1])
    assert (made.config.strategy, {r["aid"] for r in records}) == ("twice", {"verifier"})
