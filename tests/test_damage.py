"""Random damage to the files of a run, and every command that reads them: it says what is wrong, or is right.

HARNESS_DAMAGES=1000 tries so many others than the suite, which always tries the same.
"""

import contextlib
import io
import json
import os
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness import api
from harness.cli import main
from harness.pipeline import store

SAMPLES = 12
EXAMPLES = int(os.environ.get("HARNESS_DAMAGES", "80"))


def call(*words: object) -> tuple[int, str, str]:
    """(exit code, standard output, standard error) of a command. What is not a message of ours is raised."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8") for _ in range(2))
    before, sys.argv = sys.argv, ["harness", *map(str, words)]
    code = 0
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.argv = before
        texts = []
        for stream in (out, err):
            stream.flush()
            texts.append(stream.buffer.getvalue().decode("utf-8", "replace"))
    return code, *texts


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run with journaled calls, as a strategy of several calls leaves it."""
    made = api.run("aiw", "baseline/random", limit=SAMPLES, epochs=1, out=tmp_path_factory.mktemp("whole")).directory
    lines = [json.loads(line) for line in (made / store.RECORDS).read_text().splitlines()]
    calls = [
        {"key": f"{line['id']}{i}", "id": line["id"], "epoch": 1, "input": line["input"],
         "completion": {"text": "a", "stop_reason": "stop", "completion_tokens": 1, "notes": []}}
        for line in lines for i in range(2)
    ]  # fmt: skip
    text = "".join(json.dumps(line | {"calls": 2}) + "\n" for line in lines)
    (made / store.RECORDS).write_text(text)
    (made / store.JOURNAL).write_text("".join(json.dumps(one) + "\n" for one in calls))
    return made


NUMBERS = st.sampled_from([0, 1, -1, 2, 10**30, 2**63, 0.5, 1e308, float("nan"), float("inf"), 2**53])
TEXTS = st.sampled_from(
    ["", "x", "1", "correct", "wrong", "truncated", "refused", "api_error", "verifier_error", "aiw"]
)
SCALARS = st.none() | st.booleans() | NUMBERS | TEXTS | st.text(max_size=5)
VALUES = st.recursive(SCALARS, lambda v: st.lists(v, max_size=2) | st.dictionaries(TEXTS, v, max_size=2), max_leaves=4)
PLACE = st.integers(0, 10**6)


def paths(value: Any, at: tuple = ()) -> list[tuple]:
    """The places of all values in a JSON value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at] + [path for key, inner in items for path in paths(inner, (*at, key))]


def changed(value: Any, place: int, new: Any, drop: bool) -> Any:
    """The value with something else, or nothing, at one of its places."""
    found = paths(value)
    path = found[place % len(found)]
    if not path:
        return new
    inner = value
    for key in path[:-1]:
        inner = inner[key]
    if drop:
        del inner[path[-1]]
    else:
        inner[path[-1]] = new
    return value


@st.composite
def a_value(draw: Callable) -> Callable[[bytes], bytes]:
    """Something else at a place of one of the lines (run.json is one line here)."""
    line, place, new, drop = draw(PLACE), draw(PLACE), draw(VALUES), draw(st.sampled_from([False, False, True]))

    def damage(data: bytes) -> bytes:
        lines = [data] if data.startswith(b"{\n") else data.splitlines(keepends=True)
        i = line % len(lines)
        lines[i] = json.dumps(changed(json.loads(lines[i]), place, new, drop)).encode() + b"\n"
        return b"".join(lines)

    return damage


@st.composite
def some_bytes(draw: Callable) -> Callable[[bytes], bytes]:
    """Bytes cut out, overwritten or put in anywhere."""
    place, cut = draw(PLACE), draw(st.sampled_from([0, 1, 5, 300, 3000]))
    new = draw(st.sampled_from([b"", b"\0" * 600, b"\n", b"\xff", b'"', b"{", b"9", b"}\n{"]) | st.binary(max_size=3))

    def damage(data: bytes) -> bytes:
        at = place % (len(data) + 1)
        return data[:at] + new + data[at + cut :]

    return damage


@st.composite
def whole_lines(draw: Callable) -> Callable[[bytes], bytes]:
    """A line that is there twice, missing, or glued to the next."""
    line, how = draw(PLACE), draw(st.sampled_from(["twice", "missing", "glued", "swapped"]))

    def damage(data: bytes) -> bytes:
        lines = data.splitlines(keepends=True)
        i = line % len(lines)
        made = {"twice": [lines[i]] * 2, "missing": [], "glued": [lines[i].rstrip()], "swapped": [lines[i]]}[how]
        rest = lines[i + 1 :]
        return b"".join([*lines[:i], *rest[:1], *made, *rest[1:]] if how == "swapped" else [*lines[:i], *made, *rest])

    return damage


def hurt(file: Path, damages: list[Callable[[bytes], bytes]]) -> None:
    data = file.read_bytes()
    for damage in damages:
        with contextlib.suppress(ValueError, IndexError, ZeroDivisionError):  # damaged too much already
            data = damage(data)
    file.write_bytes(data)


DAMAGES = st.lists(a_value() | some_bytes() | whole_lines(), min_size=1, max_size=2)
FILES = st.sampled_from([store.RECORDS, store.RECORDS, store.JOURNAL, "run.json"])
COMMANDS: dict[str, tuple[str, ...]] = {
    "table": ("table", "RUN", "--json", "-", "--by", "condition", "--incomplete"),
    "by a param": ("table", "RUN", "--by", "params_family,outcome", "--incomplete"),
    "two runs": ("table", "RUN", "WHOLE", "--incomplete"),
    "stats": ("stats", "RUN", "--adjust", "words"),
    "leaderboard": ("leaderboard", "RUN", "WHOLE", "--csv", "-", "--incomplete"),
    "compare": ("compare", "WHOLE", "RUN"),
    "base": ("compare", "RUN", "WHOLE"),
    "baseline": ("baseline", "set", "RUN", "--name", "x"),
    "history": ("history", "add", "RUN"),
    "score": ("score", "--task", "aiw", "RUN"),
    "again": ("score", "--task", "aiw", "RUN", "-o", "again"),
    "inspect": ("export", "RUN", "--to", "inspect", "-o", "x.json"),
    "lm-eval": ("export", "RUN", "--to", "lm-eval", "-o", "x"),
    "report": ("report", "RUN", "-o", "x.html"),
    "replay": ("run", "-t", "aiw", "-m", "replay/RUN", "--limit", "12", "--epochs", "1", "--display", "none"),
    "resume": ("run", "--resume", "RUN", "--display", "none"),
}


SETTINGS = settings(
    max_examples=EXAMPLES,
    derandomize="HARNESS_DAMAGES" not in os.environ,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@SETTINGS
@given(
    FILES,
    DAMAGES,
    st.lists(st.sampled_from(sorted(COMMANDS)), min_size=1, max_size=3, unique=True),
)
def test_a_damaged_run_is_refused_or_read_right(whole, tmp_path, monkeypatch, file, damages, commands) -> None:
    monkeypatch.chdir(tmp_path)
    for left in tmp_path.iterdir():
        shutil.rmtree(left) if left.is_dir() else left.unlink()
    run = tmp_path / "run"
    shutil.copytree(whole, run)
    hurt(run / file, damages)
    for name in commands:
        words = [word.replace("RUN", str(run)).replace("WHOLE", str(whole)) for word in COMMANDS[name]]
        code, out, err = call(*words)
        assert code in (0, 1, 2, 3, 100), name
        assert "Traceback" not in out + err
        assert code in (0, 3, 100) or "error: " in err, name
        if name == "table" and code == 0:
            rows = [{k: v or 0 for k, v in row.items()} for row in json.loads(out)]
            outcomes = ("correct", "wrong", "unparsed", "refused", "truncated", "api_error", "verifier_error")
            assert sum(row[outcome] for row in rows for outcome in outcomes) == SAMPLES
            assert all(0 <= row["accuracy"] <= 1 for row in rows)
        if name == "resume" and code == 0:
            assert json.loads((run / "run.json").read_text())["status"] == "complete"
            assert len(list(store.read_records(run, store.read_config(run)))) == SAMPLES


@SETTINGS
@given(st.sampled_from(["answers.jsonl", "run.json"]), DAMAGES)
def test_a_damaged_baseline_is_refused_or_read_right(whole, tmp_path, monkeypatch, file, damages) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.rmtree("results", ignore_errors=True)
    assert call("baseline", "set", whole, "--name", "x")[0] == 0
    hurt(Path("results/baselines/x") / file, damages)
    code, out, err = call("compare", "x", whole)
    assert code in (0, 1, 2, 100)
    assert "Traceback" not in out + err
    assert code in (0, 100) or "error: " in err
    assert code or re.search(rf"^(all|\S+/\S+) +{SAMPLES} ", out, re.M)
