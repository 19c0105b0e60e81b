"""A claim is made before a run, can't be changed after it, and can fail."""

import json
from pathlib import Path

import pytest

from harness.errors import DataError
from harness.results import claims
from harness.results.claims import Claim
from harness.results.counts import Contrasts
from harness.statistics.intervals import Estimate

AIW = ("-t", "aiw", "-m", "baseline/shallow", "--epochs", 2)
TINY = ("-t", "aiw", "-m", "tiny", "--epochs", 4)
MADE = Claim("aiw", "4", "m", "family", "friends", "original", "lower", 0.1, 0.05, 720, {}, "2026-01-01T00:00:00+00:00")


def written(harness, *options: object, asked: tuple = AIW) -> tuple[int, str, str]:
    return harness("claim", *asked, "--contrast", "friends - original", *options)


def test_a_run_says_whether_its_claim_is_shown_and_so_does_its_report(harness, tmp_path: Path) -> None:
    code, out, _ = written(harness, "--expect", "lower", "--margin", 0.3, asked=TINY)
    assert code == 0
    made = json.loads((tmp_path / "claim.json").read_text())
    assert f"sha256: {made['sha256']}" in out
    code, out, _ = harness("run", *TINY, "--claim", "claim.json")
    assert code == 0
    assert "confirmatory, shown: family: friends - original is below -0.3" in out
    assert "90% interval" in out
    run = next(tmp_path.glob("results/*/run.json"))
    assert json.loads(run.read_text())["claim"] == made
    harness("report", run.parent, "-o", "page.html")
    assert "Confirmatory, shown: family: friends - original is below -0.3" in (tmp_path / "page.html").read_text()


def test_a_claim_can_fail(harness) -> None:
    written(harness, "--expect", "higher")
    _, out, _ = harness("run", *AIW, "--claim", "claim.json")
    assert "confirmatory, NOT shown: family: friends - original is above 0" in out


def test_without_a_claim_a_report_says_that_the_run_is_exploratory(harness, tmp_path: Path) -> None:
    harness("run", *AIW)
    harness("report", next((tmp_path / "results").iterdir()), "-o", "page.html")
    assert "exploratory: nothing was claimed before it" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize(
    "other", [("--seed", 1), ("--limit", 6), ("--epochs", 3), ("--temperature", 0.5), ("--system-message", "x")]
)
def test_a_run_that_is_asked_otherwise_is_refused_before_a_call(harness, tmp_path: Path, other: tuple) -> None:
    written(harness, "--expect", "lower")
    code, _, err = harness("run", *AIW, *other, "--claim", "claim.json")
    assert code == 2
    assert "is not the one that was claimed" in err
    assert not (tmp_path / "results").exists()


def test_a_claim_is_not_written_over_another(harness) -> None:
    assert written(harness, "--expect", "lower")[0] == 0
    code, _, err = written(harness, "--expect", "higher")
    assert code == 2
    assert "exists already" in err


def test_a_contrast_that_the_task_lacks_is_named_with_those_it_has(harness) -> None:
    code, _, err = harness("claim", *AIW, "--contrast", "frends - original", "--expect", "lower")
    assert code == 2
    assert "did you mean 'family: friends - original'?" in err


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"margin": 0.0}, "changed after it was made"),
        ({"expected": "higher"}, "changed after it was made"),
        ({"sha256": "0" * 64}, "changed after it was made"),
        ({"alpha": "0.5"}, "wrong type"),
        ({"asked": [1]}, "wrong type"),
        ({"more": 1}, "no claim"),
    ],
)
def test_a_file_that_was_changed_is_no_claim(change: dict, said: str) -> None:
    with pytest.raises(DataError, match=said):
        claims.from_json({**MADE.as_json(), **change}, "claim.json")


def test_a_claim_that_was_changed_in_run_json_is_refused_on_resume(harness, tmp_path: Path) -> None:
    written(harness, "--expect", "higher")
    harness("run", *AIW, "--claim", "claim.json")
    file = next(tmp_path.glob("results/*/run.json"))
    about = json.loads(file.read_text())
    about["claim"]["expected"] = "lower"
    file.write_text(json.dumps(about))
    for command in (("run", "--resume", file.parent), ("report", file.parent, "-o", "page.html")):
        code, _, err = harness(*command)
        assert code != 0
        assert "changed after it was made" in err


@pytest.mark.parametrize(
    ("expected", "low", "high", "shown"),
    [
        ("lower", -0.3, -0.11, True),
        ("lower", -0.3, -0.09, False),
        ("higher", 0.11, 0.3, True),
        ("higher", -0.2, -0.15, False),
        ("different", -0.3, -0.11, True),
        ("different", -0.3, 0.05, False),
        ("same", -0.09, 0.09, True),
        ("same", -0.09, 0.11, False),
    ],
)
def test_a_claim_is_shown_if_the_whole_interval_says_so(expected, low: float, high: float, shown: bool) -> None:
    made = Claim(**{**MADE.__dict__, "expected": expected})
    assert claims.holds_in(made, Estimate((low + high) / 2, low, high, 100)) is shown


def test_a_run_that_is_not_complete_decides_nothing() -> None:
    assert claims.verdict(MADE, Contrasts(), finished=False).startswith("not decided, the run is not complete")
    assert claims.verdict(MADE, Contrasts(), finished=True).startswith("not decided, no group has answers")


def test_the_hash_is_of_every_word_of_the_claim() -> None:
    others = {"task": "x", "margin": 0.2, "records": 1, "made": "", "asked": {"seed": "1"}, "model": "n"}
    assert len({MADE.sha256, *(Claim(**{**MADE.__dict__, k: v}).sha256 for k, v in others.items())}) == 7
