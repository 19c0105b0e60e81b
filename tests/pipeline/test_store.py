"""What is on disk survives crashes: torn lines, locks, full disks, and odd values."""

import contextlib
import errno
import json
import os
from dataclasses import asdict, fields
from pathlib import Path

import pytest

from harness.errors import DataError, HarnessError, StorageError, UsageError
from harness.files import json_line
from harness.pipeline import checks, store
from harness.pipeline.record import Record
from harness.results.parquet import Kinds, write_parquet
from harness.types import Completion

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


def test_a_failed_append_leaves_whole_lines_and_the_next_one_follows_them(tmp_path: Path, monkeypatch) -> None:
    """A disk that is full for a moment: half a line, an error, and then there is room again."""
    writer = store.Writer(tmp_path)
    writer.append(RECORD)
    whole = os.write
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda file, data: whole(file, data[:20]) if data.startswith(b"{") else _full())
        with pytest.raises(StorageError, match="No space left on device") as error:
            writer.append(RECORD | {"id": "b"})
    assert "--resume" in error.value.hint
    writer.append(RECORD | {"id": "c"})
    writer.close()
    assert (tmp_path / "records.jsonl").read_bytes() == line() + line(id="c")


def test_nothing_follows_half_a_line_that_could_not_be_cut_off(tmp_path: Path, monkeypatch) -> None:
    writer = store.Writer(tmp_path)
    with monkeypatch.context() as patched:
        patched.setattr(os, "write", lambda file, data: _full())
        patched.setattr(os, "ftruncate", lambda *_: _full())
        with pytest.raises(StorageError):
            writer.append(RECORD)
    with pytest.raises(StorageError, match="No space left"):
        writer.append(RECORD | {"id": "b"})
    writer.close()
    assert (tmp_path / "records.jsonl").read_bytes() == b""


def _full(*_: object) -> int:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_sync_that_fails_is_not_silent(tmp_path: Path, monkeypatch) -> None:
    """The disk may say only then that it is full; that a file can't be synced at all is no fault."""
    writer = store.Writer(tmp_path)
    for number, fails in ((errno.EINVAL, False), (errno.EIO, True)):
        writer.append(RECORD | {"id": str(number)})
        with monkeypatch.context() as patched:
            patched.setattr(os, "fsync", lambda _, number=number: _raise(OSError(number, os.strerror(number))))
            with pytest.raises(StorageError, match="Input/output") if fails else contextlib.nullcontext():
                writer.sync()
    writer.close()


def _raise(error: Exception) -> None:
    raise error


@pytest.mark.parametrize("how", ["removed", "replaced"])
def test_files_that_are_not_in_the_directory_any_more_are_noticed(tmp_path: Path, how: str) -> None:
    writer = store.Writer(tmp_path)
    writer.append(RECORD)
    writer.sync()
    (tmp_path / "records.jsonl").unlink()
    if how == "replaced":
        write(tmp_path, line())
    with pytest.raises(StorageError, match="was removed or replaced"):
        writer.sync()
    writer.close()


BAD = {
    "torn": line()[:-9] + b"\n",
    "a hole of zeros": b"\0" * 4096 + line(id="b"),
    "two lines in one": line(id="b")[:-1] + line(id="c"),
    "not UTF-8": line(id="b").replace(b"correct", b"corr\xff"),
    "garbage with _error in it": b"_error\n",
    "no object": b'["_error"]\n',
    "empty": b"\n",
    "nested": b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}\n",
    "100 levels": line(id="b", detail=json.loads('{"a":' * 100 + "1" + "}" * 100)),
    "5,000 digits": line(id="b").replace(b'"epoch":1', b'"epoch":' + b"1" * 5000),
    **{f"{name} {value!r:.20}": line(**{"id": "b", name: value}) for name, value in [
        ("id", None), ("id", 5), ("task", None), ("group", ["g"]), ("condition", {}), ("response", None),
        ("epoch", "1"), ("epoch", 0), ("epoch", True), ("epoch", 1.0), ("epoch", 10**30),
        ("params", []), ("params", None), ("params", {"a": {}}), ("params", {"a": [[1]]}), ("params", {"a": 10**30}),
        ("params", {"a": float("nan")}), ("outcome", "good"), ("outcome", []), ("outcome", None),
        ("value", "1"), ("value", None), ("value", float("nan")), ("value", 7), ("value", -1), ("value", 0.0),
        ("prompt_tokens", "1"), ("prompt_tokens", -1), ("prompt_tokens", 10**30), ("completion_tokens", 1.5),
        ("latency_s", float("inf")), ("latency_s", []), ("detail", []), ("input", "?"), ("input", [{"role": "user"}]),
        ("answer", 7), ("error", []), ("identity", 1), ("identity", None), ("logprobs", "x"), ("logprobs", [["a", 1]]),
        ("logprobs", [["a", float("nan"), []]]), ("task", "other"), ("run_id", "other"), ("epoch", 3),
    ]},
}  # fmt: skip
ABOUT = {"run_id": "r", "config": {"task": "t", "model": "m", "epochs": 2, "limit": 9}}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
def test_a_bad_line_is_named_put_aside_and_asked_again(tmp_path: Path, bad: bytes) -> None:
    write(tmp_path, line(), bad, line(id="z"))
    if b'"identity":null' not in bad:  # is needed to go on, not to count
        with pytest.raises(DataError, match=r"records\.jsonl, line 2: ") as error:
            list(store.read_records(tmp_path, ABOUT))
        assert "harness run --resume" in error.value.hint
    (said,) = mended(tmp_path, ABOUT)
    assert "1 bad line is put aside in records.bad.jsonl" in said
    assert "line 2" in said
    assert (tmp_path / "records.jsonl").read_bytes() == line() + line(id="z")
    assert (tmp_path / "records.bad.jsonl").read_bytes() == bad
    assert mended(tmp_path, ABOUT) == []


def test_what_is_put_aside_later_stands_below(tmp_path: Path) -> None:
    for bad in (b"one\n", b"two\n"):
        write(tmp_path, line(), bad)
        mended(tmp_path)
    assert (tmp_path / "records.bad.jsonl").read_bytes() == b"one\ntwo\n"


def test_a_second_record_of_a_sample_and_epoch_is_refused(tmp_path: Path) -> None:
    write(tmp_path, line(), line(epoch=2), line(response="other"))
    with pytest.raises(DataError, match=r"line 3: is of sample 'a', epoch 1, which is there already"):
        list(store.read_records(tmp_path))
    assert "line 3" in mended(tmp_path)[0]
    assert (tmp_path / "records.jsonl").read_bytes() == line() + line(epoch=2)


def test_no_more_samples_than_the_limit_are_counted(tmp_path: Path) -> None:
    write(tmp_path, *(line(id=str(i), epoch=epoch) for i in range(3) for epoch in (1, 2)))
    about = {"config": {"task": "t", "model": "m", "limit": 2}}
    with pytest.raises(DataError, match="line 5: is of one sample more than the run's limit of 2"):
        list(store.read_records(tmp_path, about))


@pytest.mark.parametrize("lines", [1, 3])
def test_a_finished_run_with_another_number_of_records_is_refused(tmp_path: Path, lines: int) -> None:
    """A line that somebody has deleted, or a last line that was torn later, would go unnoticed."""
    write(tmp_path, *(line(id=str(i)) for i in range(lines)), line(id="torn")[:-3])
    about = ABOUT | {"status": "complete", "records": 2}
    with pytest.raises(DataError, match=f"has {lines} records, and the run had 2 when it was finished"):
        list(store.read_records(tmp_path, about))
    assert len(list(store.read_records(tmp_path, about | {"status": "running"}))) == lines


def test_a_line_that_is_too_long_is_put_aside_too(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(store, "LONGEST", 1000)
    write(tmp_path, line(), line(id="b", response="x" * 5000), line(id="z"))
    assert "line 2 is not valid JSON" in mended(tmp_path)[0]
    assert (tmp_path / "records.jsonl").read_bytes() == line() + line(id="z")


CALL = {"key": "k", "id": "a", "epoch": 1, "input": [], "completion": {"text": "x"}}


@pytest.mark.parametrize("bad", [
    b"\0\0\0", b"[]", b'{"key": 1}', json_line(CALL | {"completion": []}), json_line(CALL | {"completion": {}}),
    *(json_line(CALL | {"completion": {"text": "x"} | change}) for change in [
        {"text": 1}, {"prompt_tokens": "1"}, {"stop_reason": "?"}, {"notes": "x"}, {"logprobs": [1]}, {"own": 1},
        {"latency_s": None}, {"retries": -1}])])  # fmt: skip
def test_a_bad_call_is_put_aside_and_the_others_are_kept(tmp_path: Path, bad: bytes) -> None:
    bad = bad.rstrip() + b"\n"
    (tmp_path / store.JOURNAL).write_bytes(json_line(CALL) + bad + json_line(CALL))
    with pytest.raises(DataError, match=r"calls\.jsonl, line 2: "):
        list(store.read_calls(tmp_path))
    assert "put aside in calls.bad.jsonl" in mended(tmp_path)[0]
    assert (tmp_path / "calls.bad.jsonl").read_bytes() == bad
    assert len(list(store.read_calls(tmp_path))) == 2


def test_a_torn_last_line_of_the_notes_of_a_search_is_cut_off(tmp_path: Path) -> None:
    write(tmp_path, line())
    node = b'{"id":"a","epoch":1,"text":"x"}\n'
    (tmp_path / store.NODES).write_bytes(node + node[:9])
    assert mended(tmp_path) == []
    assert (tmp_path / store.NODES).read_bytes() == node


def test_bad_notes_of_a_search_are_named_and_put_aside(tmp_path: Path) -> None:
    write(tmp_path, line())
    node, of_none = b'{"id":"a","epoch":1}\n', b'{"id":"b","epoch":1}\n'
    (tmp_path / store.NODES).write_bytes(node + b"{}\n" + of_none)
    with pytest.raises(DataError, match=r"nodes\.jsonl, line 2: has no `id`"):
        list(store.read_nodes(tmp_path))
    assert "put aside in nodes.bad.jsonl" in mended(tmp_path)[0]
    assert (tmp_path / store.NODES).read_bytes() == node, "a sample without a record is noted again"


def test_every_column_and_every_part_of_a_completion_is_checked() -> None:
    """A field that is added later must be checked too, and its answers must come back from the journal."""
    assert set(checks.RECORD) == {f.name for f in fields(Record)}
    assert set(checks.COMPLETION) == {f.name for f in fields(Completion)}
    assert checks.completion_from(json.loads(json.dumps(asdict(Completion("x"))))) == Completion("x")


@pytest.mark.parametrize("record", [{"value": "x"}, {"params": {"a": object()}}, {"params": {"a": {}}}, {"detail": []}])
def test_what_could_not_be_read_again_is_not_written(tmp_path: Path, record: dict) -> None:
    writer = store.Writer(tmp_path)
    with pytest.raises(DataError, match="a record of sample a "):
        writer.append(RECORD | record)
    writer.append(RECORD)
    with pytest.raises(DataError, match="is there already"):
        writer.append(RECORD)
    writer.close()
    assert (tmp_path / "records.jsonl").read_bytes() == line()


def test_a_file_that_could_not_be_replaced_is_the_old_one(tmp_path: Path, monkeypatch) -> None:
    store.write_config(tmp_path, {"config": CONFIG})
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", _full)
        with pytest.raises(HarnessError, match=r"run\.json: can't be written: No space left on device"):
            store.write_config(tmp_path, {"config": CONFIG, "status": "complete"})
    assert store.read_config(tmp_path) == {"config": CONFIG}
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


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


def test_a_full_disk_is_a_message_that_says_how_to_go_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    writer = store.Writer(tmp_path)
    monkeypatch.setattr(os, "write", write)
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


def about(**parts: object) -> str:
    return json.dumps({"config": CONFIG} | parts)


def config(**parts: object) -> str:
    return about(config=CONFIG | parts)


@pytest.mark.parametrize("text", [
    "", "[]", "{", "{}", "\udcff", "[" * 100_000, '{"a":' * 70 + "1" + "}" * 70, about(config=[]), about(task="t"),
    about(task={"factors": "a"}), about(task={"factors": [1]}), about(task={"version": 1}), about(run_id=7),
    about(task={"measures": {"a": 1}}), about(status=[]), about(conditions="ab"), about(conditions=[1]),
    about(notes=[]), about(records=-1), about(created=5), about(imported="x"), about(sampling=[]),
    config(task=1), config(model=5), config(strategy=None), config(limit=-1), config(limit="x"), config(limit=True),
    config(limit=10**30), config(limit="1-" + "9" * 5000),
    config(limit=0), config(limit=1.5), config(sample_id="a"), config(limit="9-3"),
    config(epochs=0), config(seed="x"), config(seed=2**70), config(task_options=[]), config(task_options={"a": 1}),
    config(model_options=[]), config(model_options={"timeout": "x"}), config(model_options={"extra": []}),
    config(sampling=5), config(sampling={"temperature": float("nan")}), config(sampling={"stop": "ab"}),
    config(name=[]), config(cache="yes"), config(num_fewshot=None), config(budget_tokens=1.5)])  # fmt: skip
def test_a_run_json_with_a_part_of_another_type_is_a_clear_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text, errors="surrogateescape")
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
