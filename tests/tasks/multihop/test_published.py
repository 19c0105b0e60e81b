"""Published sets from their official formats (fixtures by us), from the hub's, and when the hub is out of reach."""

import gzip
import importlib
import json
import random
import sys
import types
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import hub
from harness.errors import DataError, HarnessError, UsageError
from harness.options import build
from harness.reading.choices import UNANSWERABLE
from harness.tasks.multihop import evaluate, export, published
from harness.tasks.multihop.task import Multihop

FIXTURES = Path(__file__).parent / "fixtures"
FILES = {
    "hotpotqa": "hotpotqa.json",
    "2wikimultihopqa": "2wikimultihopqa.json",
    "musique": "musique_ans.jsonl",
    "musique_full": "musique_full.jsonl",
    "strategyqa": "strategyqa.json",
}


def samples(dataset: str, file: Path | None = None, **options: str):
    path = file or FIXTURES / FILES[dataset]
    task = build(Multihop, {"dataset": dataset, "file": str(path), **options}, "task multihop")
    return task, list(task.samples(0))


@pytest.mark.parametrize("dataset", FILES)
@pytest.mark.parametrize("rule", ["robust", "original"])
def test_the_oracle_is_right_on_every_official_format(dataset: str, rule: str) -> None:
    task, made = samples(dataset, rule=rule)
    assert made
    assert all(task.score(s.params, task.baseline("oracle", s, random.Random(0))).value == 1 for s in made)
    for kind in ("random", "shallow"):
        assert all(task.baseline(kind, s, random.Random(0)) for s in made)


def test_documents_stand_as_published_with_the_gold_ones_in_the_order_of_the_hops() -> None:
    _, made = samples("hotpotqa")
    full, closed = made[:2]
    assert [s.params["context"] for s in made] == ["full", "closed_book"] * 2
    assert "[1] Velm: Velm is a town. It has a mill.\n[2] Ostrik bridge: " in full.messages[0].content
    assert full.params["gold"] == "1,2"
    assert "Velm is a town" not in closed.messages[0].content
    assert full.params["scorer"] == "hotpotqa"


def test_places_can_be_swept_on_published_questions() -> None:
    _, made = samples("hotpotqa", positions="start,end", documents="3", contexts="full", order="forward")
    assert [(s.params["position"], s.params["gold"]) for s in made[:2]] == [("start", "0,1"), ("end", "1,2")]
    assert len({tuple(sorted(s.messages[0].content.split("\n"))) for s in made[:1]}) == 1


def test_a_question_with_too_few_documents_is_left_out() -> None:
    _, made = samples("hotpotqa", documents="4", contexts="full")
    assert {s.group for s in made} == {"h1"}


def test_both_rows_of_a_musique_full_question_are_one_group_wherever_they_stand() -> None:
    _, made = samples("musique_full", contexts="full,unanswerable")
    assert [s.group for s in made] == ["2hop__11_12"] * 2 + ["2hop__21_22"] * 2
    assert sorted(s.target for s in made[:2]) == ["Velm", UNANSWERABLE]
    assert len({s.id for s in made}) == 4


def test_musique_aliases_are_right_answers() -> None:
    task, made = samples("musique")
    assert task.score(made[0].params, "Velm town").value == 1


def test_musique_full_is_not_taken_for_musique_ans() -> None:
    with pytest.raises(DataError, match="not answerable"):
        samples("musique", FIXTURES / FILES["musique_full"])


def test_strategyqa_facts_are_its_documents() -> None:
    _, made = samples("strategyqa")
    assert [s.target for s in made] == ["yes", "yes", "no", "no"]
    assert "[2] Ostrik: Barges need deep rivers." in made[0].messages[0].content


def test_packed_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "h.json.gz"
    file.write_bytes(gzip.compress((FIXTURES / "hotpotqa.json").read_bytes()))
    assert len(samples("hotpotqa", file)[1]) == 4


# Files that are not what they should be ---------------------------------------------------------------------------


def broken(tmp_path: Path, dataset: str, change) -> Path:
    text = (FIXTURES / FILES[dataset]).read_text(encoding="utf-8")
    rows = json.loads(text) if text.startswith("[") else [json.loads(line) for line in text.splitlines()]
    change(rows[1] if len(rows) > 1 else rows[0])
    file = tmp_path / "broken.json"
    file.write_text(json.dumps(rows))
    return file


@pytest.mark.parametrize(
    ("dataset", "change", "message"),
    [
        ("hotpotqa", lambda r: r.pop("answer"), "`answer` is missing"),
        ("hotpotqa", lambda r: r.pop("_id"), "`_id` is missing"),
        ("hotpotqa", lambda r: r.update(_id="h1"), "comes twice"),
        ("hotpotqa", lambda r: r.update(context=[["a"]]), "`context` is not a list of pairs"),
        ("hotpotqa", lambda r: r.update(context=[["a", [1]]]), "sentence of the document 'a'"),
        ("hotpotqa", lambda r: r.update(supporting_facts=[["Moon", 0]]), "'Moon' is not in the context"),
        ("hotpotqa", lambda r: r.update(supporting_facts=[[["Moon"], 0]]), "supporting"),
        ("hotpotqa", lambda r: r.update(question=7), "`question` is not text"),
        ("musique", lambda r: r.pop("answerable"), "`answerable` is missing"),
        ("musique", lambda r: r["paragraphs"][0].pop("title"), "`title` is missing"),
        ("musique", lambda r: r.update(answer_aliases=[3]), "answer_aliases"),
        ("musique", lambda r: r.update(question_decomposition=[3]), "question_decomposition"),
        ("musique", lambda r: r["question_decomposition"][0].update(paragraph_support_idx=[1]), "decomposition"),
        ("strategyqa", lambda r: r.update(answer="yes"), "`answer` is not true or false"),
        ("strategyqa", lambda r: r.update(facts=[1]), "facts"),
    ],
)
def test_a_malformed_row_is_named_with_its_file(tmp_path: Path, dataset: str, change, message: str) -> None:
    file = broken(tmp_path, dataset, change)
    with pytest.raises(DataError, match=message) as error:
        samples(dataset, file)
    assert "broken.json, row 2" in error.value.message


@pytest.mark.parametrize("text", ["", "{", "[", "[1]", "null", "7", '{"a": 1}', '{"a": 1}\n{', "[]", "[[[[", '"x"'])
def test_a_file_of_something_else_is_a_clear_error(tmp_path: Path, text: str) -> None:
    for dataset in FILES:
        file = tmp_path / f"{dataset}.json"
        file.write_text(text)
        with pytest.raises(DataError, match=dataset):
            samples(dataset, file)


def test_files_that_cannot_be_read_are_clear_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="can't be read"):
        samples("hotpotqa", tmp_path / "no.json")
    packed = tmp_path / "x.json.gz"
    packed.write_text("not gzip")
    with pytest.raises(UsageError, match="can't be read"):
        samples("hotpotqa", packed)
    latin = tmp_path / "latin.json"
    latin.write_bytes(b'["\xe9"]')
    with pytest.raises(DataError, match="not UTF-8"):
        samples("hotpotqa", latin)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda v: st.lists(v, max_size=3) | st.dictionaries(st.sampled_from("title idx sent_id sentences a".split()), v),
    max_leaves=8,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.data())
def test_no_value_in_any_field_ends_in_anything_but_questions_or_a_clear_error(tmp_path: Path, data) -> None:
    dataset = data.draw(st.sampled_from(list(FILES)))
    text = (FIXTURES / FILES[dataset]).read_text(encoding="utf-8")
    row = json.loads(text)[0] if text.startswith("[") else json.loads(text.splitlines()[-1])
    row[data.draw(st.sampled_from(sorted(row)))] = data.draw(JSON)
    try:
        items = published._items(dataset, [row], "fuzz")
    except HarnessError:
        return
    assert len(items) == 1


# The hub ----------------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def no_hub(monkeypatch):
    """No test reaches for the network."""
    published._from_hub.cache_clear()
    monkeypatch.setattr(hub, "_reachable", lambda url: False)
    for name in hub.OFFLINE:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("dataset", FILES)
def test_without_the_hub_the_command_says_how_to_give_a_file(dataset: str, harness) -> None:
    code, _, error = harness("run", "--task", "multihop", "-T", f"dataset={dataset}", "--model", "baseline/oracle")
    assert code == 1
    assert "can't be reached" in error
    assert f"-T dataset={dataset} -T file=PATH" in error


def test_with_a_file_the_command_runs(harness) -> None:
    options = ["-T", "dataset=hotpotqa", "-T", f"file={FIXTURES / 'hotpotqa.json'}"]
    code, out, _ = harness("run", "--task", "multihop", *options, "--model", "baseline/oracle")
    assert code == 0
    assert "1.000" in out


def test_without_the_package_the_error_says_what_to_install(monkeypatch) -> None:
    monkeypatch.setattr(hub, "_reachable", lambda url: True)

    def missing(name: str):
        raise ImportError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(DataError, match="not installed") as error:
        published.load("hotpotqa", None)
    assert "datasets>=2.20" in error.value.hint
    assert "file=PATH" in error.value.hint


def stand_in(monkeypatch, rows) -> list[tuple]:
    """A stand-in for the package `datasets`; what it was asked for."""
    asked: list[tuple] = []

    def load_dataset(name, config, split, revision, trust_remote_code):
        assert trust_remote_code is False
        asked.append((name, config, split, revision))
        if isinstance(rows, Exception):
            raise rows
        return rows

    monkeypatch.setattr(hub, "_reachable", lambda url: True)
    monkeypatch.setitem(sys.modules, "datasets", types.SimpleNamespace(load_dataset=load_dataset))
    return asked


def test_rows_of_the_hub_are_lists_side_by_side(monkeypatch) -> None:
    (row, _) = json.loads((FIXTURES / "hotpotqa.json").read_text(encoding="utf-8"))
    titles, sentences = zip(*row["context"], strict=True)
    facts, sent_ids = zip(*row["supporting_facts"], strict=True)
    as_on_hub = {k: row[k] for k in ("question", "answer", "type", "level")} | {
        "id": row["_id"],
        "context": {"title": list(titles), "sentences": list(sentences)},
        "supporting_facts": {"title": list(facts), "sent_id": list(sent_ids)},
    }
    asked = stand_in(monkeypatch, [as_on_hub])
    (item,) = published.load("hotpotqa", None).items
    (same, _) = published.load("hotpotqa", FIXTURES / "hotpotqa.json").items
    assert item == same
    assert asked == [("hotpotqa/hotpot_qa", "distractor", "validation", "1908d6afbbead072334abe2965f91bd2709910ab")]


def test_what_goes_wrong_at_the_hub_is_told_in_one_line(monkeypatch) -> None:
    stand_in(monkeypatch, RuntimeError("Dataset scripts are no longer supported\nand more"))
    with pytest.raises(DataError, match=r"RuntimeError: Dataset scripts are no longer supported$"):
        published.load("strategyqa", None)


def test_offline_mode_goes_to_the_cache_without_asking_for_the_hub(monkeypatch) -> None:
    stand_in(monkeypatch, [{"qid": "1", "question": "Is it?", "answer": True, "facts": "One. Two.", "term": "It"}])
    monkeypatch.setattr(hub, "_reachable", lambda url: pytest.fail("asked"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (item,) = published.load("strategyqa", None).items
    assert item.support[0].text == "One. Two."


# Export and official figures --------------------------------------------------------------------------------------


def test_generated_questions_can_be_written_and_read_back_as_musique_full(tmp_path: Path) -> None:
    file = tmp_path / "ours.jsonl.gz"
    result = CliRunner().invoke(export.main, [str(file), "--questions", "12", "--documents", "12"])
    assert result.exit_code == 0, result.output
    task, made = samples("musique_full", file)
    assert len(made) == 36
    assert all(task.score(s.params, s.target).value == 1 for s in made)
    rows = published.read_json(file)
    for answerable, twin in zip(rows[::2], rows[1::2], strict=True):
        assert (answerable["id"], answerable["answerable"], twin["answerable"]) == (twin["id"], True, False)
        supports = [sum(p["is_supporting"] for p in row["paragraphs"]) for row in (answerable, twin)]
        assert supports[1] == supports[0] - 1 == int(answerable["id"][0]) - 1
        for step in answerable["question_decomposition"]:
            paragraph = answerable["paragraphs"][step["paragraph_support_idx"]]
            assert step["answer"] in paragraph["paragraph_text"] + paragraph["title"]


def test_a_perfect_prediction_of_the_exported_file_has_perfect_official_figures(tmp_path: Path) -> None:
    gold, predicted = tmp_path / "gold.jsonl", tmp_path / "predicted.jsonl"
    CliRunner().invoke(export.main, [str(gold), "--questions", "6"], catch_exceptions=False)
    lines = [
        {
            "id": row["id"],
            "predicted_answer": row["answer"],
            "predicted_support_idxs": [p["idx"] for p in row["paragraphs"] if p["is_supporting"]],
            "predicted_answerable": row["answerable"],
        }
        for row in published.read_json(gold)
    ]
    predicted.write_text("".join(json.dumps(line) + "\n" for line in lines))
    result = CliRunner().invoke(evaluate.main, ["musique", str(predicted), str(gold)])
    assert set(json.loads(result.output).values()) == {1.0}


def test_official_figures_of_prediction_files(tmp_path: Path) -> None:
    predicted = tmp_path / "p.json"
    predicted.write_text(json.dumps({"answer": {"h1": "Velm"}, "sp": {"h2": [["Ostrik", 0], ["Nald", 0]]}}))
    found = evaluate.evaluate("hotpotqa", predicted, FIXTURES / "hotpotqa.json")
    assert (found["em"], found["sp_em"], found["joint_em"]) == (0.5, 0.5, 0)
    aliases = tmp_path / "aliases.json"
    aliases.write_text('{"Q_id": "Q3", "aliases": ["I. Torun"], "demonyms": []}\n')
    evidence = [["The Red Mill", "director", "Ada Torun"], ["Ada Torun", "mother", "I. Torun"]]
    facts = [["the red mill", 0], ["Ada Torun", 0]]
    predicted.write_text(json.dumps({"answer": {"w1": "I Torun"}, "sp": {"w1": facts}, "evidence": {"w1": evidence}}))
    found = evaluate.evaluate("2wikimultihopqa", predicted, FIXTURES / "2wikimultihopqa.json", aliases)
    assert set(found.values()) == {100.0}


@pytest.mark.parametrize("text", ["{}", "[]", "7", '{"answer": 3, "sp": {}}', '{"answer": {"h1": 3}, "sp": {}}', "{"])
def test_predictions_that_are_none_are_a_clear_error(tmp_path: Path, text: str) -> None:
    predicted = tmp_path / "p.json"
    predicted.write_text(text)
    for dataset, gold in (("hotpotqa", "hotpotqa"), ("2wikimultihopqa",) * 2, ("musique", "musique")):
        result = CliRunner().invoke(evaluate.main, [dataset, str(predicted), str(FIXTURES / FILES[gold])])
        assert result.exit_code == 1, (dataset, text, result.output)
        assert result.output.startswith("Error: ")
