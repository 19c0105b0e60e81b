"""What is on disk survives crashes: torn lines, locks, full disks, and odd values."""

import json
from pathlib import Path

import pytest

from harness.errors import DataError, HarnessError, UsageError
from harness.files import json_line
from harness.pipeline import store
from harness.results.parquet import Kinds, write_parquet

RECORD = {
    "task": "t",
    "group": "g",
    "condition": "c",
    "value": 1.0,
    "id": "a",
    "epoch": 1,
    "response": "",
    "outcome": "correct",
    "params": {"n": 1},
    "input": [{"role": "user", "content": "?"}],
    "detail": {},
    "identity": "x",
}

CONFIG = {"task": "t", "model": "m"}


def write(directory: Path, *lines: bytes) -> None:
    (directory / "records.jsonl").write_bytes(b"".join(lines))


def line(**changes) -> bytes:
    return json_line(RECORD | changes)


def mended(directory: Path, about: dict | None = None) -> list[str]:
    """What a resumed run says of the files that it takes up."""
    writer = store.Writer(directory)
    try:
        return writer.take_up(about)
    finally:
        writer.close()


def test_a_torn_last_line_is_dropped(tmp_path: Path) -> None:
    write(tmp_path, line(), line(id="b")[:-9])
    assert [r["id"] for r in store.read_records(tmp_path)] == ["a"]
    assert mended(tmp_path) == []
    assert (tmp_path / "records.jsonl").read_bytes() == line()


def test_a_broken_line_in_the_middle_is_an_error_that_names_it(tmp_path: Path) -> None:
    write(tmp_path, line(), b"{oops}\n", line(id="b"))
    with pytest.raises(DataError, match="line 2"):
        list(store.read_records(tmp_path))


def test_infrastructure_errors_are_taken_out_to_be_done_again(tmp_path: Path) -> None:
    write(tmp_path, line(), line(id="b", outcome="api_error", value=None), line(id="c", detail={"x": "_error"}))
    assert mended(tmp_path) == []
    assert [r["id"] for r in store.read_records(tmp_path)] == ["a", "c"]


def test_two_writers_are_kept_apart(tmp_path: Path) -> None:
    writer = store.Writer(tmp_path)
    try:
        with pytest.raises(HarnessError, match="in use by another run"):
            store.Writer(tmp_path)
    finally:
        writer.close()
    store.Writer(tmp_path).close()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full to stand for a full disk")
def test_a_full_disk_is_a_message_that_says_how_to_go_on(tmp_path: Path) -> None:
    (tmp_path / "calls.jsonl").symlink_to("/dev/full")
    writer = store.Writer(tmp_path)
    with pytest.raises(HarnessError, match="No space left") as error:
        writer.append({"a": 1}, store.JOURNAL)
    assert "--resume" in error.value.hint
    writer.close()


def test_appended_lines_are_on_disk_at_once(tmp_path: Path) -> None:
    writer = store.Writer(tmp_path)
    writer.append(RECORD)
    assert [r["id"] for r in store.read_records(tmp_path)] == ["a"]
    writer.close()


def test_run_json_is_replaced_in_one_step(tmp_path: Path) -> None:
    store.write_config(tmp_path, {"status": "running", "config": CONFIG})
    store.write_config(tmp_path, {"status": "complete", "config": CONFIG})
    assert store.read_config(tmp_path) == {"status": "complete", "config": CONFIG}
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


@pytest.mark.parametrize("text", ["", "[]", "{", "{}"])
def test_a_broken_run_json_is_a_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    with pytest.raises(DataError, match=r"run\.json"):
        store.read_config(tmp_path)


def test_not_a_run_directory(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a run directory"):
        store.find_run(tmp_path)


def test_the_parquet_table_has_params_as_columns(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    write(tmp_path, line(), line(id="b", params={"n": 2.5, "s": "x"}, answer=None), line(id="c", params={"t": True}))
    kinds = Kinds()
    for record in store.read_records(tmp_path):
        kinds.add(record)
    write_parquet(tmp_path, tmp_path / "records.parquet", kinds)
    rows = pq.read_table(tmp_path / "records.parquet").to_pylist()
    assert [r["params_n"] for r in rows] == [1.0, 2.5, None]
    assert rows[1]["params_s"] == "x"
    assert rows[2]["params_t"] is True
    assert json.loads(rows[0]["input"]) == RECORD["input"]


def test_lone_surrogates_do_not_stop_the_log() -> None:
    assert json.loads(json_line({"a": "\ud800x"}))["a"] == "?x"


def test_identity_depends_on_every_part() -> None:
    base = store.identity("t", "1", {"a": 1}, ("m",), None)
    assert base == store.identity("t", "1", {"a": 1}, ("m",), None)
    assert (
        len({base, store.identity("t", "1", {"a": 2}, ("m",), None), store.identity("t", "2", {"a": 1}, ("m",), None)})
        == 3
    )


def test_run_ids_are_unique_and_safe_as_file_names() -> None:
    ids = {store.new_run_id("aiw", "vllm//tmp/my model") for _ in range(50)}
    assert len(ids) == 50
    assert all(c.isalnum() or c in "-._" for i in ids for c in i)


def test_what_is_no_run_is_left_out_of_several_and_named(tmp_path: Path) -> None:
    """`results/*` names a README and the baselines beside the runs; a name that nothing has is still an error."""
    run = tmp_path / "run"
    run.mkdir()
    store.write_config(run, {"run_id": "run"})
    (tmp_path / "README.md").write_text("x")
    assert store.find_runs([run, tmp_path / "README.md"]) == ([run], [str(tmp_path / "README.md")])
    with pytest.raises(UsageError, match="not a run directory"):
        store.find_runs([run, tmp_path / "nothing"])
    with pytest.raises(UsageError, match="none of"):
        store.find_runs([tmp_path / "README.md", tmp_path])
