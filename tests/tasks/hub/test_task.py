"""Conditions of a published item, floors, worked examples, options, and what the table says beside accuracy."""

import itertools
import json
import os
import random
from pathlib import Path

import hub_floors
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins
from harness.errors import UsageError
from harness.options import build
from harness.tasks.hub import prompting
from harness.tasks.hub.tables import Letters
from harness.tasks.hub.task import Hub

FIXTURES = Path(__file__).parents[2] / "fixtures" / "hub"


def task(name: str = "example", **options: str) -> Hub:
    file = {} if name == "example" else {"file": str(FIXTURES / f"{name}.jsonl")}
    return build(Hub, {"set": name, **file, **options}, "task hub")


def groups(made: Hub, seed: int = 0):
    return [list(group) for _, group in itertools.groupby(made.samples(seed), key=lambda s: s.group)]


def test_conditions_of_an_item_stand_together_and_differ_in_their_form_alone() -> None:
    for group in groups(task(forms="all", orders="3")):
        assert [s.condition for s in group] == [
            "published", "shuffled-1", "shuffled-2", "shuffled-3", "none_of_the_above", "choices_only",
        ]  # fmt: skip
        published, *_, none, choices = group
        gold = published.params["options"]["ABCD".index(published.params["answer"])]
        for sample in group[:4]:
            assert sorted(sample.params["options"]) == sorted(published.params["options"])
            assert sample.params["options"]["ABCD".index(sample.params["answer"])] == gold
            assert [published.params["options"][i] for i in sample.params["order"]] == list(sample.params["options"])
        assert none.params["answer"] == published.params["answer"]
        assert gold not in none.params["options"]
        assert prompting.NONE_OF_THEM in none.messages[-1].content
        question = published.messages[-1].content.partition("Question: ")[2].partition("\n")[0]
        assert question not in choices.messages[-1].content
        assert all(text in choices.messages[-1].content for text in published.params["options"])


def test_without_its_text_a_question_is_the_same() -> None:
    for published, alone in groups(task("snli")):
        assert published.params["answer"] == alone.params["answer"]
        premise = "A man repairs a roof."
        assert (premise in published.messages[-1].content, premise in alone.messages[-1].content) == (True, False)
        assert "is not shown" in alone.messages[-1].content


def test_orders_are_drawn_by_seed_and_are_the_same_again() -> None:
    drawn = {seed: [s.params["order"] for s in task(forms="shuffled").samples(seed)] for seed in (0, 0, 1)}
    assert drawn[0] == [s.params["order"] for s in task(forms="shuffled").samples(0)]
    assert drawn[0] != drawn[1]


def test_orders_are_others_than_the_published_one_and_each_comes_once() -> None:
    for group in groups(task(orders="8")):
        drawn = [s.params["order"] for s in group]
        assert len(set(drawn)) == 9
        assert drawn[0] == (0, 1, 2, 3)
    for _, moved in groups(task("piqa")):
        assert moved.params["order"] == (1, 0)
    with pytest.raises(UsageError, match="has 2 options, which have 1 other order") as error:
        list(task("piqa", orders="2").samples(0))
    assert error.value.hint == "-T orders=1"


@pytest.mark.parametrize("order", ["xxxx", ["a", "b"], 7, None, {"a": 1}])
def test_an_order_of_another_form_counts_as_no_letter(order: object) -> None:
    letters = Letters()
    params = {"kind": "choice", "form": "published", "answer": "A", "order": order}
    for epoch in (1, 1):
        letters.add({"params": params, "answer": "A", "value": 1, "group": "g", "epoch": epoch})
    assert [table.title for table in letters.tables()] == ["letters", "option order"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"set": "ark-challenge"}, "there is no set 'ark-challenge'"),
        ({"set": "gsm8k", "forms": "shuffled"}, "set gsm8k has no shuffled"),
        ({"set": "arc-easy", "forms": "no_context"}, "set arc-easy has no no_context"),
        ({"set": "gsm8k", "rule": "inspect"}, "inspect reads no answers of the kind number"),
        ({"set": "gsm8k", "part": "algebra"}, "set gsm8k has no parts"),
        ({"config": "de"}, "our own rows have no configurations"),
        ({"set": "xnli", "config": "de", "file": "x.jsonl"}, "a file has no configurations"),
        ({"orders": "9"}, "9 is not between 1 and 8"),
    ],
)
def test_what_a_set_can_not_have_is_said(options: dict, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        build(Hub, options, "task hub")


def test_a_part_that_is_not_there_names_those_that_are() -> None:
    assert {s.params["part"] for s in task("mmlu", part="anatomy").samples(0)} == {"anatomy"}
    with pytest.raises(UsageError, match="no 'history'") as error:
        list(task("mmlu", part="history").samples(0))
    assert "anatomy, elementary_mathematics" in error.value.hint


def test_a_set_may_stand_behind_the_name_of_the_task(harness) -> None:
    assert plugins.named("hub/gsm8k") == ("hub", {"set": "gsm8k"})
    assert plugins.named("aiw") == ("aiw", {})
    assert not plugins.is_task("aiw/x")
    for wrong in ("aiw/x", "hub/"):
        with pytest.raises(UsageError, match="there is no task"):
            plugins.named(wrong)
    file = f"file={FIXTURES / 'piqa.jsonl'}"
    code, out, _ = harness("run", "-t", "hub/piqa", "-m", "baseline/oracle", "-T", file)
    assert (code, "hub (version 1), baseline/oracle" in out) == (0, True)
    assert "Dry a wet shoe." in harness("show", "hub/piqa", "-T", file)[1]


def test_a_set_behind_the_slash_and_another_one_in_an_option_are_refused() -> None:
    with pytest.raises(UsageError, match="task hub/arc-challenge: -T set=gsm8k says another one"):
        plugins.task("hub/arc-challenge", {"set": "gsm8k"})
    assert plugins.task("hub/gsm8k", {"set": "gsm8k"})


def test_a_pipe_is_no_file_of_rows(tmp_path) -> None:
    os.mkfifo(pipe := tmp_path / "rows.jsonl")
    for path in (pipe, tmp_path):
        with pytest.raises(UsageError, match="is no regular file"):
            build(Hub, {"set": "piqa", "file": str(path)}, "task hub").data()


def test_several_sets_are_runs_of_their_own(harness) -> None:
    code, _, _ = harness("run", "-t", "hub/example,hub", "-m", "baseline/oracle", "--limit", "2")
    assert (code, len(list(Path("results").iterdir()))) == (0, 2)


# Worked examples ----------------------------------------------------------------------------------------------------


def test_examples_are_the_first_of_their_split_in_the_form_that_is_asked() -> None:
    made = task()
    sample = next(made.samples(0))
    first, second = itertools.islice(made.examples(sample, random.Random(0)), 2)
    assert (first.answer, second.answer) == ("Answer: B", "Answer: C")
    assert first.prompt.startswith("Answer the question with the letter")
    assert made.score({**sample.params, "answer": "B"}, first.answer).value == 1
    assert {e.prompt for e in made.examples(sample, random.Random(1))}.isdisjoint(
        s.messages[-1].content for s in made.samples(0)
    )


def test_rows_of_a_file_have_examples_only_from_a_file() -> None:
    assert list(task("gsm8k").examples(None, random.Random(0))) == []
    shots = task("gsm8k", shots_file=str(FIXTURES / "gsm8k-platinum.jsonl")).examples(None, random.Random(0))
    assert next(shots).answer == "Answer: 36"


def test_examples_of_a_part_come_from_that_part() -> None:
    made = task("mmlu", shots_file=str(FIXTURES / "mmlu.jsonl"))
    sample = next(s for s in made.samples(0) if s.params["part"] == "anatomy")
    assert all("organ" in e.prompt or "femur" in e.prompt for e in made.examples(sample, random.Random(0)))


@pytest.mark.parametrize("rule", ["inspect", "simple-evals"])
def test_the_oracle_answers_in_the_form_that_other_rules_need(rule: str) -> None:
    made = task(rule=rule, forms="all")
    for sample in made.samples(0):
        assert made.score(sample.params, made.baseline("oracle", sample, random.Random(0))).value == 1


def test_a_rule_is_chosen_by_its_own_option_too(harness) -> None:
    code, out, _ = harness("run", "-t", "hub", "--rule", "simple-evals", "-m", "baseline/oracle", "--limit", "4")
    assert (code, "1.000" in out) == (0, True)
    code, _, err = harness("run", "-t", "hub", "--rule", "best", "-m", "baseline/oracle")
    assert (code, "'best' is not one of ours, inspect, simple-evals, lm-eval" in err) == (2, True)


# Floors and tables --------------------------------------------------------------------------------------------------


def test_a_fixed_letter_and_a_random_one_are_at_their_floors_after_shuffling() -> None:
    found = hub_floors.measured(1500)
    for kind in ("first", "random"):
        assert abs(found[f"{kind}: right after shuffling"] - 0.25) < 0.045
        alike = 0.25 if kind == "random" else 5 / 23
        assert abs(found[f"{kind}: answered alike in two orders"] - alike) < 0.045


def test_the_floors_of_the_readme_are_those_of_the_example(harness) -> None:
    readme = (Path(__file__).parents[3] / "tasks/hub/README.md").read_text(encoding="utf-8")
    for kind in ("oracle", "random", "shallow"):
        _, out, _ = harness("run", "-t", "hub", "-T", "forms=all", "-m", f"baseline/{kind}")
        line = next(line for line in out.splitlines() if line.startswith("all  "))
        assert f"{kind} {line.split()[2]}" in readme


def test_baselines_answer_as_they_say() -> None:
    sample = next(task("quartz", forms="published").samples(0))
    made, rng = task("quartz"), random.Random(0)
    assert made.baseline("first", sample, rng) == "Answer: A"
    assert made.baseline("shallow", sample, rng) == "Answer: A", "the most frequent of A, B, A"
    third = list(task("quartz", forms="published").samples(0))[1]
    assert third.params["options"]["AB".index(made.baseline("longest", third, rng)[-1])] == "on carpet"
    label = next(task("corr2cause").samples(0))
    assert task("corr2cause").baseline("shallow", label, rng) == "Answer: no"
    number = next(task("gsm8k").samples(0))
    assert task("gsm8k").baseline("random", number, rng)[8:] in ("1250", "2.5", "-3", "18")


def test_letters_and_consistency_stand_under_the_table(harness) -> None:
    _, out, _ = harness("run", "-t", "hub", "-T", "orders=3", "-T", "forms=published,shuffled", "-m", "baseline/first")
    assert "option order" in out
    row = next(line for line in out.splitlines() if line.startswith("4 orders"))
    assert float(row.split()[2]) < 0.2
    assert next(line for line in out.splitlines() if line.startswith("A  ")).split()[4] == "1.000"


def test_a_report_says_what_a_table_can_not_be_made_of(harness, monkeypatch) -> None:
    harness("run", "-t", "hub", "-m", "baseline/first", "--limit", "4")
    (made,) = Path("results").iterdir()
    monkeypatch.setattr(Letters, "tables", lambda self: [] + self.right)
    code, _, err = harness("report", str(made), "-o", "r.html")
    assert (code, "params or detail are not what the task makes (TypeError" in err) == (1, True)


def test_a_run_over_labels_has_no_table_of_letters(harness) -> None:
    _, out, _ = harness("run", "-t", "hub/snli", "-T", f"file={FIXTURES / 'snli.jsonl'}", "-m", "baseline/oracle")
    assert "option order" not in out


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=30),
                min_size=2, max_size=10, unique=True), st.integers(0, 9), st.integers(0, 99))  # fmt: skip
def test_options_of_any_text_are_read_by_their_letter(tmp_path_factory, options, gold, seed) -> None:
    texts = [f"{i} {text}" for i, text in enumerate(options)]
    gold %= len(texts)
    row = {"question": "?", "category": "x", "options": texts, "answer": "ABCDEFGHIJ"[gold]}
    file = tmp_path_factory.mktemp("rows") / "r.jsonl"
    file.write_text(json.dumps(row) + "\n", encoding="utf-8")
    made = build(Hub, {"set": "mmlu-pro", "file": str(file), "forms": "all"}, "task hub")
    for sample in made.samples(seed):
        assert made.score(sample.params, f"So the answer is ({sample.target}).").value == 1
