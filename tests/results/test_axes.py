"""Standard benchmarks against AIW: quoted cells with their conflicts, and both axes measured by one tool."""

import json
import re
from pathlib import Path

import pytest

from harness.errors import DataError, UsageError
from harness.pipeline import store
from harness.results import axes, reproduce
from harness.results.records import open_run

RECIPE = reproduce.find("standard-vs-aiw")
LABELS = [part.label for part in RECIPE.parts]
FIXTURES = Path(__file__).parents[1] / "fixtures" / "hub"


def quoted() -> dict[str, dict[str, str]]:
    table = axes.quoted_table(RECIPE.axes, LABELS)
    return {row[0]: dict(zip(LABELS, row[1:], strict=True)) for row in table.rows}


def test_where_sources_disagree_no_number_stands_as_a_fact() -> None:
    cells = quoted()
    assert cells["gpt-4-0613"]["AIW"] == "conflict: 0.370 / 0.310"
    assert cells["llama-2-70b-chat"]["GSM8K"] == "conflict: 0.568 / 0.267"
    assert cells["mistral-large-2402"]["ARC-c"] == "conflict: 0.942 / 0.914"
    assert cells["claude-3-opus"]["MMLU"] == "0.868"
    conflicts = [cell for row in cells.values() for cell in row.values() if cell.startswith("conflict")]
    assert len(conflicts) == 9
    assert all(re.fullmatch(r"conflict: 0\.\d{3} / 0\.\d{3}", cell) for cell in conflicts)


def test_averages_from_memory_are_not_printed() -> None:
    assert {row["AIW"] for model, row in quoted().items() if model != "gpt-4-0613"} == {"-"}


def test_the_quoted_table_is_shown_with_its_sources_and_how_to_measure(harness) -> None:
    code, out, _ = harness("reproduce", "standard-vs-aiw")
    assert code == 0
    assert "conflict: 0.254 / 0.074" in out
    assert "source: LAION-AI/AIW at 4d5d079" in out
    assert "GSM8K is asked as: harness run --task hub -T set=gsm8k -T forms=published --model M" in out


# Measured -----------------------------------------------------------------------------------------------------------


def run(folder: Path, model: str, part: str, right: float, options: dict | None = None, n: int = 100) -> Path:
    """A run of a part with this share of right answers, and shuffled ones that are all wrong."""
    made = next(p for p in RECIPE.parts if p.label == part)
    directory = folder / f"{model}-{part}"
    directory.mkdir(parents=True)
    given = dict(made.options) if options is None else options
    config = {"model": model, "task": made.task, "strategy": "io", "task_options": given}
    about = {"run_id": "r", "status": "complete", "config": config, "task": {"version": "1"}}
    store.write_config(directory, about)
    lines = []
    for i in range(n):
        for condition in ("published", "shuffled") if made.task == "hub" else ("original/standard",):
            value = float(i < right * n and condition != "shuffled")
            line = {"task": made.task, "id": f"{i}/{condition}", "group": f"g{i % 4}", "condition": condition}
            line |= {"epoch": 1, "outcome": "correct" if value else "wrong", "value": value, "params": {}}
            lines.append(json.dumps(line | {"response": "x"}))
    (directory / store.RECORDS).write_text("".join(f"{line}\n" for line in lines))
    return directory


RATES = {"a": (0.9, 0.6), "b": (0.8, 0.1), "c": (0.7, 0.3), "d": (0.5, 0.2)}


def test_both_axes_are_measured_and_orders_compared(tmp_path: Path, harness) -> None:
    made = [run(tmp_path, m, part, r) for m, rates in RATES.items() for part, r in zip(("GSM8K", "AIW"), rates)]  # noqa: B905
    code, out, _ = harness("reproduce", "standard-vs-aiw", *made, "--picture", tmp_path / "axes.svg")
    assert "Standard benchmarks against AIW" in (tmp_path / "axes.svg").read_text()
    assert code == 0
    row = next(line for line in out.splitlines() if line.startswith("b "))
    assert ("0.800 [" in row, "0.100 [" in row) == (True, True), "only the published order of options counts"
    (told,) = [line.split() for line in out.splitlines() if line.startswith("GSM8K  ")]
    # Of a, b, c, d: 1 4 2 3 against 1 2 3 4: 1 - 6 * (4 + 1 + 1) / 60.
    assert told[1:] == ["+0.400", "-", "4", "2", "of", "6"]


def test_one_model_has_a_row_and_no_coefficient(tmp_path: Path, harness) -> None:
    _, out, _ = harness("reproduce", "standard-vs-aiw", run(tmp_path, "a", "MMLU", 0.5), run(tmp_path, "a", "AIW", 0.2))
    assert re.search(r"^a +0\.500 \[.*\] +- +- +- +0\.200 \[", out, re.M)
    assert "same order" not in out


@pytest.mark.parametrize(
    ("part", "options"),
    [
        ("AIW", {}),
        ("MMLU", {"set": "mmlu", "forms": "choices_only"}),
        ("AIW", {"family": "original,friends", "prompt": "standard"}),
        ("MMLU", {}),
    ],
)
def test_a_run_with_other_options_is_of_no_part(tmp_path: Path, part: str, options: dict) -> None:
    made = open_run(run(tmp_path, "a", part, 0.5, options))
    with pytest.raises(UsageError, match="of none of the recipe's parts"):
        axes.part_of(RECIPE.axes, RECIPE.parts, made)


def test_forms_beside_the_published_one_do_not_matter(tmp_path: Path) -> None:
    made = open_run(run(tmp_path, "a", "GSM8K", 0.5, {"set": "gsm8k"}))
    assert axes.part_of(RECIPE.axes, RECIPE.parts, made).label == "GSM8K"


def test_a_run_without_a_verdict_is_told(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no answer with a verdict"):
        axes.measured(open_run(run(tmp_path, "a", "AIW", 0.5, n=0)))


@pytest.mark.parametrize(
    "table",
    [
        {"y": "AIW", "sources": [], "quoted": [{"model": "m", "MMLU": [86.4]}]},
        {"y": "AIW", "sources": [], "quoted": [{"model": "m", "MMMU": [0.5]}]},
        {"y": "none", "sources": []},
    ],
)
def test_cells_that_are_no_shares_of_a_part_are_refused(table: dict) -> None:
    with pytest.raises(DataError):
        axes.Axes.read(table, LABELS)


def test_asking_needs_the_hub_and_says_so_in_one_message(harness, monkeypatch) -> None:
    from harness import hub

    monkeypatch.setattr(hub, "_reachable", lambda url: False)
    code, _, err = harness("reproduce", "standard-vs-aiw", "--model", "baseline/oracle")
    assert (code, "cais/mmlu: the hub can't be reached" in err) == (1, True)


def test_what_a_run_was_asked_otherwise_is_said(tmp_path: Path, harness) -> None:
    other = {"set": "mmlu", "forms": "published,shuffled", "file": "rows.jsonl"}
    _, out, _ = harness("reproduce", "standard-vs-aiw", run(tmp_path, "a", "MMLU", 0.5, other))
    assert "-T file is rows.jsonl, and the recipe has none" in out
    assert "-T forms" not in out
    code, _, err = harness("reproduce", "standard-vs-aiw", "--picture", "x.png")
    assert (code, "need --model" in err) == (2, True)
