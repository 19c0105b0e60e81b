"""The logs of Tree of Thoughts become runs. The fixtures are written in its format."""

import json
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.pipeline.store import read_records
from harness.results.importing import import_file
from harness.tasks.game24.puzzles import puzzles


@pytest.fixture
def ranks(tmp_path: Path) -> Path:
    """Our own puzzles in the published file's form."""
    rows = [f"{i},{' '.join(map(str, p.numbers))},5.0,99.0%,5.0,2.0" for i, p in enumerate(puzzles(), 1)]
    path = tmp_path / "24.csv"
    path.write_text("\n".join(["Rank,Puzzles,AMT (s),Solved rate,1-sigma Mean (s),1-sigma STD (s)", *rows]) + "\n")
    return path


def test_a_log_becomes_a_run_with_every_answer(tmp_path: Path, ranks: Path) -> None:
    puzzle = puzzles()[7]
    answers = [f"Answer: {puzzle.goal.solution} = 24", "Answer: 1 + 1 = 24"]
    log = tmp_path / "gpt-4_0.7_naive_cot_sample_100_start900_end1000.json"
    log.write_text(json.dumps([{"idx": 7, "ys": answers, "infos": [{"r": 1}, {"r": 1}]}]))
    (made,) = import_file("game24", log, {"ranks": str(ranks)}, tmp_path / "runs")
    assert (made.config.model, made.agree, made.judged) == ("imported/gpt-4", 1, 2)
    assert [r["outcome"] for r in read_records(made.directory)] == ["correct", "wrong"]
    assert list(made.tally.contrasts.conditions) == ["24/solvable/cot"]


@pytest.mark.parametrize(
    ("content", "message"),
    [("{}", "expected a list"), ('[{"idx": 7}]', "row 1"), ('[{"idx": 9999, "ys": []}]', "no puzzle 9999")],
)
def test_what_is_wrong_with_a_log_is_said(tmp_path: Path, ranks: Path, content: str, message: str) -> None:
    (tmp_path / "log.json").write_text(content)
    with pytest.raises(HarnessError, match=message):
        import_file("game24", tmp_path / "log.json", {"ranks": str(ranks)}, tmp_path / "runs")
    with pytest.raises(HarnessError, match=r"--with|does not hold"):
        import_file("game24", tmp_path / "log.json", {}, tmp_path / "runs")
