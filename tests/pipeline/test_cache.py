"""The cache: what is damaged, locked, of another version or hostile costs answers or says what to do, never a run."""

import asyncio
import json
import sqlite3
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from harness.errors import HarnessError
from harness.pipeline import cache
from harness.pipeline.cache import Cache
from harness.pipeline.config import RunConfig
from harness.strategies.io import IO
from harness.types import Completion, TokenLogprob
from tests.support import Parrot, execute

GOOD = Completion("x", logprobs=(TokenLogprob("x", -0.5, (("x", -0.5), ("y", float("-inf")))),), notes=("n",))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file with one answer, under "k"."""
    file = tmp_path / "completions.sqlite"
    kept = Cache(file)
    kept.put("k", GOOD)
    kept.close()
    return file


def sql(path: Path, *statements: str, **values: object) -> None:
    with sqlite3.connect(path) as db:
        for statement in statements:
            db.execute(statement, values)
    db.close()


def test_an_answer_comes_back_as_it_was(path: Path) -> None:
    assert Cache(path).get("k") == GOOD
    assert Cache(path).get("other") is None


def test_a_cache_of_before_there_were_versions_is_used(path: Path) -> None:
    sql(path, "PRAGMA user_version=0")
    assert Cache(path).get("k") == GOOD


BAD = ["{", "", "null", "7", "[]", "[" * 100_000, b"\xff\xfe", 7, None, b"x", "x" * 2000,
       *(json.dumps(asdict(Completion("x")) | change) for change in [
           {"text": 5}, {"text": None}, {"stop_reason": "done"}, {"stop_reason": []}, {"prompt_tokens": "9"},
           {"prompt_tokens": 10**30}, {"completion_tokens": -1}, {"thinking": []}, {"logprobs": "x"},
           {"logprobs": [["a"]]}, {"logprobs": [["a", "b", []]]}, {"latency_s": float("nan")}, {"latency_s": None},
           {"served_by": 1}, {"retries": "x"}, {"notes": "abc"}, {"notes": [1]}, {"error": None}, {"own": 1},
           {"text": "x", "own": {"a": []}}])]  # fmt: skip


@pytest.mark.parametrize("value", BAD, ids=[f"{value!r:.60}" for value in BAD])
def test_a_value_that_is_no_answer_is_asked_anew_and_heals(path: Path, monkeypatch, value: object) -> None:
    monkeypatch.setattr(cache, "LARGEST", 1500)
    sql(path, "UPDATE completions SET value = :value", value=value)
    kept = Cache(path)
    assert kept.get("k") is None
    kept.put("k", GOOD)
    assert (kept.get("k"), kept.trouble) == (GOOD, "")


def test_a_value_that_is_not_utf_8_is_asked_anew(path: Path) -> None:
    sql(path, "UPDATE completions SET value = CAST(x'ff' AS TEXT)")
    assert Cache(path).get("k") is None


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda p: p.write_bytes(b"\0not a database\xff" * 500), "remove the file"),
        (lambda p: sql(p, "PRAGMA user_version=7"), "update the harness"),
        (lambda p: sql(p, "ALTER TABLE completions ADD COLUMN own TEXT"), "move it away"),
        (lambda p: sql(p, "DROP TABLE completions", "CREATE TABLE completions (a)"), "move it away"),
        (lambda p: sql(p, "DROP TABLE completions", "CREATE VIEW completions AS SELECT 'k' AS key, '' AS value"), ""),
        (lambda p: sql(p, "CREATE TRIGGER t INSERT ON completions BEGIN DELETE FROM completions; END"), "move it away"),
        (lambda p: (p.unlink(), p.mkdir()), "a file that can be written"),
    ],
)
def test_a_file_that_is_no_cache_of_ours_says_what_to_do(path: Path, damage, says: str) -> None:
    damage(path)
    with pytest.raises(HarnessError) as error:
        Cache(path)
    assert says in error.value.hint
    assert str(path) in error.value.message


def test_a_cache_that_is_locked_for_good_is_waited_for_once(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(cache, "PATIENCE_S", 0.01)
    kept = Cache(path)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    kept.put("new", GOOD)
    assert "locked" in kept.trouble
    assert "wait for the other program" in kept.trouble
    assert kept.get("k") is None, "no answer waits for a file that is not used any more"
    other.close()


def test_a_cache_that_another_program_holds_at_the_start_says_so(path: Path, monkeypatch) -> None:
    monkeypatch.setattr(cache, "PATIENCE_S", 0.01)
    sql(path, "PRAGMA journal_mode=DELETE")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(HarnessError, match="locked") as error:
        Cache(path)
    assert "wait for the other program" in error.value.hint
    other.close()


def test_a_cache_that_fails_in_the_middle_ends_no_run_and_is_said(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("harness.pipeline.cache.platformdirs.user_cache_dir", lambda _: str(tmp_path / "cache"))
    config = replace(RunConfig("echo", "parrot"), cache=True)

    class Damages(Parrot):
        async def start(self) -> None:
            sql(tmp_path / "cache" / "completions.sqlite", "DROP TABLE completions")

    result = asyncio.run(execute(tmp_path / "run", Damages(), IO(), config=config))
    assert (result.status, result.progress.done) == ("complete", 10)
    assert "was not used to the end (no such table: completions)" in result.cache_trouble
