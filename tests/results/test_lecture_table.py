"""The table of Tree of Thoughts on Game of 24, by one command on a scripted model, with its picture."""

import re
from pathlib import Path

from mock_server import MockServer

from tests.strategies.game24_model import Plain


def test_one_command_asks_the_whole_table_and_the_report_draws_accuracy_against_cost(harness) -> None:
    """Of ten answers to a puzzle about half are right; a search that weighs rightly always solves it."""
    model = Plain(right=1.0, seed=0, plain=0.5)
    with MockServer(reply=lambda prompt: model(prompt, 0)) as server:
        asked = ("--model", "openai/scripted", "--base-url", server.base_url, "--max-connections", "8")
        code, out, _ = harness("reproduce", "game24", *asked, "--limit", 1, "--epochs", 10, "--display", "none",
                               "--picture", "curve.svg")  # fmt: skip
    assert code == 0
    tables = re.split(r"\n(?=IO, |CoT, |CoT-SC, |ToT, )", out.partition("accuracy and cost of")[0])[1:]
    assert [table.splitlines()[0] for table in tables] == [
        "IO, 100 answers to each puzzle",
        "IO, best of 100: a ceiling, the answer key chooses",
        "CoT, 100 answers to each puzzle",
        "CoT, best of 100: a ceiling, the answer key chooses",
        "CoT-SC, a vote of 100",
        "ToT, b=1",
        "ToT, b=5",
    ]
    shown = [re.search(r"^24/solvable/\S+ +(\S+)", table, re.M)[1] for table in tables]
    assert 0.1 < float(shown[0]) < 0.9
    assert shown[1] == shown[3] == "1.000", "the key finds a right one among ten"
    assert shown[5:] == ["1.000", "1.000"]
    assert "note: epochs 10 is not the published protocol's" in out
    runs = re.findall("^run: (.+)$", out, re.M)
    assert len(runs) == 5
    cost = out.partition("accuracy and cost of one answer\n")[2].splitlines()[2:7]
    labels = ("IO, 100", "CoT, 100", "CoT-SC, ", "ToT, b=1", "ToT, b=5")
    assert {next(name for name in labels if line.startswith(name)) for line in cost} == set(labels)
    assert "Accuracy against cost" in Path("curve.svg").read_text()
    code, again, _ = harness("reproduce", "game24", *runs)
    assert (code, "\n".join(cost) in again) == (0, True)
