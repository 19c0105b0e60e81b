"""Options on the command line, in the environment and in files: how they are spelt, and which goes over which."""

import json
import re
from pathlib import Path

import pytest

from harness.options import build
from harness.tasks.aiw.task import AIW
from tests.test_cli import ORACLE, only_run


def test_options_come_from_the_environment_too(harness, monkeypatch, tmp_path) -> None:
    for name, value in (
        ("TASK", "aiw"),
        ("MODEL", "baseline/oracle"),
        ("LIMIT", "2"),
        ("EPOCHS", "1"),
        ("DISPLAY", "none"),
    ):
        monkeypatch.setenv(f"HARNESS_{name}", value)
    assert harness("run")[0] == 0
    assert len((only_run(tmp_path) / "records.jsonl").read_text().splitlines()) == 2


def test_options_come_from_a_file_and_the_command_line_goes_over_it(harness, tmp_path) -> None:
    Path("c.toml").write_text('task = "aiw"\nmodel = ["baseline/oracle"]\nlimit = 5\n[T]\nprompt = ["standard"]\n')
    assert harness("run", "--config", "c.toml", "--limit", "3", "--epochs", "1", "--display", "none")[0] == 0
    records = [json.loads(line) for line in (only_run(tmp_path) / "records.jsonl").read_text().splitlines()]
    assert [(r["group"], r["condition"]) for r in records] == [
        ("V1", "original/standard"),
        ("V1", "friends/standard"),
        ("V2", "original/standard"),
    ]


def test_an_unknown_key_in_the_file_is_named(harness) -> None:
    Path("c.toml").write_text("limits = 5\n")
    code, _, err = harness("run", "--config", "c.toml")
    assert (code, "'limits'" in err) == (2, True)


def test_an_option_that_is_repeated_has_all_of_its_values(harness) -> None:
    args = ("run", "--task", "aiw", *ORACLE, "--epochs", "1", "-T", "prompt=standard")
    _, out, _ = harness(*args, "-T", "family=female", "-T", "family=original")
    assert re.search(r"^original/standard ", out, re.M)
    assert re.search(r"^female/standard ", out, re.M)


def test_options_are_spelt_as_in_lm_evaluation_harness_too(harness) -> None:
    args = ("run", "--tasks", "aiw", "--model", "openai/m", "--base_url", "http://127.0.0.1:9/v1", "--num_fewshot", "0")
    code, out, err = harness(*args, "--model_args", "omit=seed,temperature,max_body=1", "--limit", "1", "--dry_run")
    assert (code, "no option 'max_body'" in err) == (2, True)
    code, out, _ = harness(*args, "--model_args", "omit=seed,temperature", "--limit", "1", "--dry_run")
    assert (code, "30 calls" in out) == (0, True)


@pytest.mark.parametrize(
    ("limit", "ids"),
    [("2", [0, 1]), ("0.1", [0, 1, 2]), ("3-4", [2, 3]), ("24-30", [23])],
)
def test_a_limit_is_a_number_a_share_or_places(harness, limit: str, ids: list[int]) -> None:
    every = [s.id for s in build(AIW, {}, "task aiw").samples(0)]
    code, _, _ = harness("run", "--task", "aiw", *ORACLE, "--epochs", "1", "--limit", limit)
    assert code == 0
    lines = (only_run(Path()) / "records.jsonl").read_text().splitlines()
    assert [json.loads(line)["id"] for line in lines] == [every[i] for i in ids]


@pytest.mark.parametrize("limit", ["0", "-1", "1.5", "1.0", "4-3", "0-2", "a", "1-", "nan", ""])
def test_other_limits_are_refused(harness, limit: str) -> None:
    code, _, err = harness("run", "--task", "aiw", *ORACLE, "--limit", limit)
    assert (code, "is no limit" in err) == (2, True)


def test_one_sample_can_be_asked_again(harness) -> None:
    args = ("run", "--task", "aiw", *ORACLE, "--epochs", "2")
    code, out, _ = harness(*args, "--sample-id", "friends/V2/standard", "--sample-id", "original/V1/restricted")
    assert (code, "4 of 4 records" in out) == (0, True)
    lines = [json.loads(line) for line in (only_run(Path()) / "records.jsonl").read_text().splitlines()]
    assert {line["id"] for line in lines} == {"friends/V2/standard", "original/V1/restricted"}
    code, _, err = harness(*args, "--sample-id", "friends/V2/standart")
    assert (code, "did you mean 'friends/V2/standard'?" in err) == (2, True)
    assert len(list(Path("results").iterdir())) == 1


def test_two_rules_contradict_each_other(harness) -> None:
    args = ("run", "--task", "aiw", *ORACLE, "--epochs", "1", "--limit", "2", "--rule", "robust")
    code, _, err = harness(*args, "-T", "rule=original")
    assert (code, "--rule robust and -T rule=original contradict each other" in err) == (2, True)
    assert harness(*args, "-T", "rule=robust")[0] == 0


def test_users_aliases_are_found_in_the_working_directory(harness, tmp_path) -> None:
    Path("harness.toml").write_text('[models.mine]\nmodel = "baseline/oracle"\nabout = "my own"\n')
    assert "my own" in harness("models")[1]
    assert harness("run", "-t", "aiw", "-m", "mine", "--limit", "1", "--epochs", "1", "--display", "none")[0] == 0
    Path("harness.toml").write_text("[models.mine]\nmodle = 1\n")
    code, _, err = harness("models")
    assert (code, "[models.mine]" in err) == (1, True)


def test_a_harness_toml_that_is_not_text(harness) -> None:
    Path("harness.toml").write_bytes(b"\xff\xfe")
    code, _, err = harness("models")
    assert (code, "harness.toml" in err) == (1, True)


def test_resume_takes_no_option_that_would_be_ignored(harness, tmp_path) -> None:
    harness("run", "--task", "aiw", *ORACLE, "--epochs", "1")
    for more in (("--epochs", "2"), ("--limit", "1"), ("--dry-run",), ("--temperature", "1")):
        code, _, err = harness("run", "--resume", only_run(tmp_path), *more)
        assert (code, more[0] in err) == (2, True)


def test_pairs_on_the_command_line_go_over_the_files_not_instead_of_them(harness, tmp_path) -> None:
    Path("c.toml").write_text('task = "aiw"\nmodel = "baseline/oracle"\n[T]\nfamily = "friends"\nprompt = "standard"\n')
    assert harness("run", "--config", "c.toml", "-T", "prompt=restricted", "--epochs", "1", "--display", "none")[0] == 0
    conditions = {json.loads(line)["condition"] for line in (only_run(tmp_path) / "records.jsonl").open()}
    assert conditions == {"friends/restricted"}


@pytest.mark.parametrize("text", ["limit = [1, 2]", "seed = 1979-05-27", "[limit]\na = 1", "temperature = nan"])
def test_values_of_the_wrong_kind_in_the_file_are_named(harness, text) -> None:
    Path("c.toml").write_text(text)
    assert harness("run", "--config", "c.toml", "-t", "aiw", *ORACLE)[0] == 2
