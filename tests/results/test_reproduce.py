"""Published tables, asked again: recipes are data, and our numbers stand beside the published ones."""

import itertools
import json
from pathlib import Path

import pytest

from harness.errors import DataError, UsageError
from harness.pipeline import store
from harness.pipeline.questions import samples_of
from harness.plugins import task as make_task
from harness.results import published, reproduce
from harness.results.records import open_run
from harness.results.reproduce import Part
from harness.statistics.intervals import Cluster, Clusters

RECIPES = reproduce.recipes()


@pytest.mark.parametrize("name", [name for name, recipe in RECIPES.items() if recipe.axes is None])
def test_every_part_asks_conditions_that_were_published(name: str) -> None:
    for part in RECIPES[name].parts:
        config = part.config("baseline/oracle", {}, {}, {})
        samples = itertools.islice(samples_of(make_task(config.task, config.task_options), config), 400)
        there = {p.condition for p in published.read(part.task) if p.strategy == part.published}
        assert there & {sample.condition for sample in samples}, part.label


def run(tmp_path: Path, answers: dict[str, list[list[float]]]) -> Path:
    """A run of aiw; the answers of each condition: a list a group of the values of its repeats."""
    directory = tmp_path / "run"
    directory.mkdir()
    config = {"model": "m", "task": "aiw", "strategy": "io"}
    store.write_config(directory, {"run_id": "r", "status": "complete", "config": config, "task": {"version": "4"}})
    lines = []
    for condition, groups in answers.items():
        for g, values in enumerate(groups, 1):
            for epoch, value in enumerate(values, 1):
                line = {"task": "aiw", "id": f"{condition}/{g}", "epoch": epoch, "group": f"V{g}", "params": {}}
                line |= {"condition": condition, "outcome": "correct" if value else "wrong", "value": value}
                lines.append(line | {"response": "x"})
    (directory / store.RECORDS).write_text("".join(json.dumps(line) + "\n" for line in lines))
    return directory


PART = Part("AIW", "aiw")
AS_O1_MINI = [35, 58, 54, 60, 43, 54]


def test_the_published_answers_themselves_differ_by_nothing(tmp_path: Path) -> None:
    answers = [[1.0] * right + [0.0] * (60 - right) for right in AS_O1_MINI]
    made = reproduce.table(PART, open_run(run(tmp_path, {"original/thinking_v2": answers})))
    (row,) = [row for row in made.rows if row[4] == "o1-mini"]
    assert row[:4] == ("original/thinking_v2", "0.844", row[2], "360")
    assert row[5] == f"0.844 {row[2]} n=360, recomputed", "its interval too"
    assert row[6] == "+0.000"
    assert row[8] == "1.000"


def test_a_model_that_fails_differs_beyond_doubt(tmp_path: Path) -> None:
    made = reproduce.table(PART, open_run(run(tmp_path, {"original/thinking_v2": [[0.0] * 60] * 6})))
    assert {(row[6][0], row[8]) for row in made.rows} == {("-", "<0.001")}


def test_conditions_without_a_published_number_are_named(tmp_path: Path) -> None:
    made = open_run(run(tmp_path, {"original/thinking_v2": [[1.0]], "mine/standard": [[1.0]]}))
    assert reproduce.missing(PART, made) == ["mine/standard"]


def test_any_counts_a_sample_as_right_if_one_of_its_repeats_is(tmp_path: Path) -> None:
    made = open_run(run(tmp_path, {"a": [[0.0, 1.0, 0.0], [0.0, 0.0, 0.0]]}))
    assert reproduce.cells(Part("x", "aiw"), made)["a"].accuracy().value == pytest.approx(1 / 6)
    assert reproduce.cells(Part("x", "aiw", measure="any"), made)["a"].accuracy().value == 0.5


def test_without_shared_groups_both_sides_bring_their_own_uncertainty() -> None:
    one = Clusters({"a": Cluster(50.0, 100)})
    low, high = reproduce.difference(one, Clusters({"b": Cluster(50.0, 100)}), 0.95)
    assert (low, high) == pytest.approx((-0.138, 0.138), abs=0.003)  # Newcombe's interval
    spread = Clusters({f"g{i}": Cluster(10.0 * (i % 2), 10) for i in range(10)})
    wider = reproduce.difference(one, spread, 0.95)
    assert wider[0] < low
    assert wider[1] > high


@pytest.mark.parametrize(
    "text",
    [
        "",
        "title = 1",
        'title = "t"\npaper = "p"\nrun = []',
        'title = "t"\npaper = "p"\n[[run]]\nlabel = "l"\ntask = "aiw"\nmeasure = "best"',
        'title = "t"\npaper = "p"\n[[run]]\nlabel = "l"\nexecute = "rm"',
        'title = "t"\npaper = "p"\nrun = 5',
    ],
)
def test_a_recipe_of_another_form_is_an_error(text: str) -> None:
    with pytest.raises(DataError, match="recipe x"):
        reproduce._read("x", text)


def test_parts_that_ask_the_same_are_of_one_run() -> None:
    """The best of 100 answers is counted on the answers that are asked for anyway."""
    assert [len(parts) for parts in RECIPES["game24"].runs.values()] == [2, 2, 1, 1, 1]
    assert len(RECIPES["planbench"].runs) == 2


def test_an_unknown_table_is_explained() -> None:
    with pytest.raises(UsageError, match="no recipe 'awi'"):
        reproduce.find("awi")


def test_the_command_lists_shows_counts_and_asks(harness) -> None:
    assert all(name in harness("reproduce")[1] for name in RECIPES)
    _, out, _ = harness("reproduce", "aiw")
    assert "o1-preview" in out
    assert "asked as: harness run --task aiw -T family=original,extension,friends,plus" in out
    _, out, _ = harness("reproduce", "aiw", "--model", "baseline/oracle", "--dry-run")
    assert "(24 samples + 6 controls) x 60 epochs = 1800 calls" in out
    code, out, _ = harness("reproduce", "aiw", "--model", "baseline/oracle", "--epochs", "1", "--display", "none")
    assert (code, "note: epochs 1 is not the published protocol's" in out) == (0, True)
    assert "original/thinking_v2" in out.partition("ours - published")[2]
    (directory,) = Path("results").iterdir()
    code, again, _ = harness("reproduce", "aiw", directory)
    assert again.partition("ours - published")[2].split("source:")[0] in out
    assert "note: results" in again
    assert "epochs is 1, and the recipe has 60" in again
    code, _, err = harness("reproduce", "llm-modulo", directory, directory)
    assert (code, "task is aiw, and the recipe has" in err) == (2, True)
    code, _, err = harness("reproduce", "planbench", directory)
    assert (code, "has 2 runs, and 1 were given" in err) == (2, True)
