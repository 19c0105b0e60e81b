"""Whole runs, as processes, against a real HTTP server: what a bad network or a crash may and may not do."""

import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from fractions import Fraction
from pathlib import Path

import pytest
from mock_server import Faults, MockServer

from harness.tasks.game24.in_steps import successors
from tests import waiting

SAMPLES = 120
HARNESS = str(Path(sys.executable).with_name("harness"))


def command(server: MockServer, directory: Path, *more: str) -> list[str]:
    return [
        HARNESS,
        "run",
        "--task",
        "aiw",
        "-T",
        "family=procedural",
        "--limit",
        str(SAMPLES),
        "--model",
        "openai/mock",
        "--base-url",
        server.base_url,
        "--out",
        str(directory),
        "--display",
        "none",
        *more,
    ]


def run(server: MockServer, directory: Path, *more: str, patient: bool = True) -> subprocess.CompletedProcess[str]:
    more = ("--max-retries", "12", *more) if patient else more
    done = waiting.run(command(server, directory, *more))
    assert "Traceback" not in done.stderr
    return done


def resume(directory: Path) -> subprocess.CompletedProcess[str]:
    return waiting.run([HARNESS, "run", "--resume", str(directory), "--display", "none"])


def until_held(server: MockServer, process: subprocess.Popen, requests: int) -> None:
    """Until so many requests wait at the server: all that it has answered has arrived, and nothing moves any more."""
    waiting.until(lambda: server.counters.held == requests or process.poll() is not None, f"{requests} requests wait")
    assert process.poll() is None, "the run goes on"


def until_answered(server: MockServer, process: subprocess.Popen, answers: float) -> None:
    """Until the server has given more answers than that, or the process has ended."""
    waiting.until(lambda: server.counters.answered > answers or process.poll() is not None, f"{answers} answers")


def only_run(directory: Path) -> Path:
    (found,) = (p for p in directory.iterdir() if p.is_dir())
    return found


def records(directory: Path) -> dict[tuple[str, int], dict]:
    """Without what no two runs have in common: their id, and how long the network took. The port is part of the
    model's identity, so of the record's."""
    lines = (only_run(directory) / "records.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [json.loads(line) for line in lines]
    assert len({(r["id"], r["epoch"]) for r in rows}) == len(rows)
    return {
        (r["id"], r["epoch"]): {k: v for k, v in r.items() if k not in ("run_id", "latency_s", "identity")}
        for r in rows
    }


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> dict:
    directory = tmp_path_factory.mktemp("undisturbed")
    with MockServer() as server:
        assert run(server, directory).returncode == 0
    return records(directory)


@pytest.mark.parametrize("share", [0.05, 0.30])
@pytest.mark.parametrize("fault", ["rate_limited", "error_500", "dropped", "garbage"])
def test_records_under_faults_equal_those_of_an_undisturbed_run(tmp_path, undisturbed, fault, share) -> None:
    faults = Faults(**{fault: share}, retry_after="0.01")
    with MockServer(faults) as server:
        done = run(server, tmp_path)
        assert server.counters.answered == SAMPLES
    assert done.returncode == 0
    assert records(tmp_path) == undisturbed


def test_slow_answers_past_the_timeout_are_asked_again(tmp_path, undisturbed) -> None:
    """Slow ones are never answered. Where the machine makes others late as well, they too are asked again."""
    with MockServer(Faults(slow=0.05, slow_s=waiting.HANG)) as server:
        patience = ("--timeout", "1", "--max-connections", "16", "--max-retries", "1000")
        assert run(server, tmp_path, *patience, patient=False).returncode == 0
        assert server.counters.by_status["slow"] > 0
    assert records(tmp_path) == undisturbed


def test_what_fails_for_good_is_an_api_error_and_resume_finishes_it(tmp_path, undisturbed) -> None:
    with MockServer(Faults(error_500=0.3)) as server:
        done = run(server, tmp_path, "--max-retries", "0", patient=False)
        assert done.returncode == 3
        assert "--resume" in done.stderr
        failed = [r for r in records(tmp_path).values() if r["outcome"] == "api_error"]
        assert 10 < len(failed) < 70
        assert f"{len(failed)} samples ended in an infrastructure error" in done.stderr
        server.faults = Faults()
        asked = server.counters.requests
        assert resume(only_run(tmp_path)).returncode == 0
        assert server.counters.requests - asked == len(failed)
    assert records(tmp_path) == undisturbed


def test_a_server_that_dies_and_comes_back(tmp_path, undisturbed) -> None:
    with MockServer(Faults(die_after=40)) as server:
        assert run(server, tmp_path, "--max-retries", "0", patient=False).returncode == 3
        server.revive()
        assert resume(only_run(tmp_path)).returncode == 0
    assert records(tmp_path) == undisturbed


def test_kill_9_in_the_middle_then_resume_asks_nothing_twice(tmp_path, undisturbed) -> None:
    """At most the requests in flight at the kill are asked again."""
    connections, half = 4, SAMPLES // 2
    with MockServer(Faults(hold_after=half)) as server:
        words = command(server, tmp_path, "--max-connections", str(connections))
        with waiting.started(words, stdout=subprocess.DEVNULL) as process:
            until_held(server, process, connections)
            process.send_signal(signal.SIGKILL)
            waiting.ended(process)
        server.release()
        kept = len((only_run(tmp_path) / "records.jsonl").read_bytes().splitlines())
        assert kept == half
        assert resume(only_run(tmp_path)).returncode == 0
        twice = [n for n in server.counters.by_prompt.values() if n > 1]
        assert len(twice) <= connections
        assert server.counters.requests <= SAMPLES + connections
    assert records(tmp_path) == undisturbed


KILLS = int(os.environ.get("HARNESS_KILLS", "4"))
"""How often the run of several calls a sample is killed. More of them take a while (about 2 s each)."""


@pytest.fixture
def chain(tmp_path_factory, monkeypatch) -> tuple[str, ...]:
    """The options of a run with the strategy of tests/fixtures/chain, of three calls a sample."""
    site = tmp_path_factory.mktemp("site")
    shutil.copy(Path(__file__).parent / "fixtures" / "chain" / "chain.py", site)
    told = site / "chain-1.dist-info"
    told.mkdir()
    (told / "METADATA").write_text("Metadata-Version: 2.1\nName: chain\nVersion: 1\n")
    (told / "entry_points.txt").write_text("[harness.strategies]\nchain = chain:Chain\n")
    monkeypatch.setenv("PYTHONPATH", str(site))
    return ("--strategy", "chain", "--max-connections", "4")


def test_kill_9_at_any_moment_of_samples_of_several_calls_asks_again_what_was_in_flight(tmp_path, chain) -> None:
    """Killed again and again in full flow: the same records, each call asked once but for the four in flight."""
    with MockServer() as server:
        assert run(server, tmp_path / "undisturbed", *chain).returncode == 0
        calls = server.counters.answered
    assert calls == 3 * SAMPLES
    rng, kills = random.Random(0), 0
    with MockServer(latency_s=0.005) as server:
        words = command(server, tmp_path / "killed", *chain)
        for i in range(KILLS):
            moment = (i + rng.random()) * calls / KILLS
            with waiting.started(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                until_answered(server, process, moment)
                process.send_signal(signal.SIGKILL)
                kills += waiting.ended(process) == -signal.SIGKILL
                assert b"Traceback" not in process.stderr.read()
            words = [HARNESS, "run", "--resume", str(only_run(tmp_path / "killed")), "--display", "none"]
        assert resume(only_run(tmp_path / "killed")).returncode == 0
        again = server.counters.answered - len(server.counters.answered_by_prompt)
        assert len(server.counters.answered_by_prompt) == calls
        assert again <= 4 * kills
    assert kills >= KILLS - 1
    assert records(tmp_path / "killed") == records(tmp_path / "undisturbed")


def next_steps(prompt: str) -> str:
    """Every next step of Game of 24; verdicts that depend on the numbers alone."""
    if found := re.search(r"With the numbers (.+), write the", prompt):
        return "\n".join(line for _, line in successors(tuple(sorted(map(Fraction, found[1].split())))))
    if "Numbers: " in prompt:
        return ("sure", "likely", "impossible")[sum(map(ord, prompt.rpartition("Numbers: ")[2])) % 3]
    return "impossible"


def test_kill_9_in_the_middle_of_searches_keeps_their_calls_trees_and_tokens(tmp_path) -> None:
    """Trees of many calls each, killed in full flow: what was answered is not asked again, and nothing else differs."""
    search = ("--task", "game24", "--limit", "6", "--strategy", "tot", "-S", "n_evaluate=1", "-S", "b=3")
    search += ("--temperature", "0.7", "--max-connections", "4")

    def asked(server: MockServer, directory: Path) -> list[str]:
        words = command(server, directory)
        return [*words[: words.index("--task")], *search, *words[words.index("--model") :]]

    with MockServer(reply=next_steps) as server:
        assert waiting.run(asked(server, tmp_path / "undisturbed")).returncode == 0
        calls = server.counters.answered
    assert calls > 100
    rng, kills = random.Random(1), 0
    with MockServer(latency_s=0.005, reply=next_steps) as server:
        words = asked(server, tmp_path / "killed")
        for i in range(KILLS):
            moment = (i + rng.random()) * calls / KILLS
            with waiting.started(words, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
                until_answered(server, process, moment)
                process.send_signal(signal.SIGKILL)
                kills += waiting.ended(process) == -signal.SIGKILL
                assert b"Traceback" not in process.stderr.read()
            words = [HARNESS, "run", "--resume", str(only_run(tmp_path / "killed")), "--display", "none"]
        assert resume(only_run(tmp_path / "killed")).returncode == 0
        assert server.counters.answered - calls <= 4 * kills
    assert kills >= KILLS - 1
    assert records(tmp_path / "killed") == records(tmp_path / "undisturbed"), "answers, calls and token totals"
    assert trees(tmp_path / "killed") == trees(tmp_path / "undisturbed")


def trees(directory: Path) -> dict[str, list[str]]:
    """The nodes of each sample but for the keys of their calls, which have the port in them. A sample that was cut off
    may have noted its tree twice: the last counts."""
    found: dict[str, dict[int, str]] = {}
    for line in (only_run(directory) / "nodes.jsonl").read_text(encoding="utf-8").splitlines():
        node = json.loads(line)
        node.pop("call", None)
        found.setdefault(node["id"], {})[node["node"]] = json.dumps(node, sort_keys=True)
    return {name: [nodes[number] for number in sorted(nodes)] for name, nodes in sorted(found.items())}


def test_ctrl_c_again_and_again_is_no_traceback(tmp_path, undisturbed) -> None:
    """From the moment when the run waits for the server until the process is gone."""
    with MockServer(Faults(hold_after=20)) as server:
        words = command(server, tmp_path, "--max-connections", "4")
        with waiting.started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            until_held(server, process, 4)
            waiting.until(lambda: process.send_signal(signal.SIGINT) or process.poll() is not None, "the run ends")
            _, err = waiting.said(process)
        assert process.returncode == 3
        assert "Traceback" not in err
        server.release()
        assert resume(only_run(tmp_path)).returncode == 0
    assert records(tmp_path) == undisturbed


def test_a_directory_that_is_removed_while_the_run_lasts_ends_it_with_the_table(tmp_path) -> None:
    """Not at the end, when everything has been asked and paid for in vain."""
    with MockServer(Faults(hold_after=20)) as server:
        words = command(server, tmp_path, "--max-connections", "4")
        with waiting.started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            until_held(server, process, 4)
            shutil.rmtree(only_run(tmp_path))
            out, err = waiting.said(process)
        assert server.counters.answered == 20
    assert (process.returncode, "Traceback" in err) == (1, False)
    assert "records.jsonl was removed or replaced while the run lasts" in err
    assert "20 of 120 records" in out
    assert "all " in out, "the table of what there was"
    assert not list(tmp_path.iterdir()), "nothing is left that looks like a run"


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_leaves_a_run_that_resumes(tmp_path, undisturbed, how) -> None:
    with MockServer(Faults(hold_after=20)) as server:
        words = command(server, tmp_path, "--max-connections", "4")
        with waiting.started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
            until_held(server, process, 4)
            process.send_signal(how)
            out, err = waiting.said(process)
        assert process.returncode == 3
        assert "Traceback" not in err
        assert "--resume" in err
        assert "all " in out, "the table of what there is"
        assert json.loads((only_run(tmp_path) / "run.json").read_text())["status"] == "interrupted"
        assert len(records(tmp_path)) == 20
        server.release()
        assert resume(only_run(tmp_path)).returncode == 0
    assert records(tmp_path) == undisturbed


STUCK = """
import sys, threading
from harness.cli import main
from harness.models.embedded import Embedded
def generate(self, batch):
    print("computing", flush=True)
    threading.Event().wait()
Embedded.generate = generate
main()
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_in_the_middle_of_a_batch_of_this_process(tmp_path, how) -> None:
    """A batch of long answers takes minutes on a laptop, and can't be ended."""
    words = [sys.executable, "-P", "-c", STUCK, "run", "-t", "aiw", "-m", "tiny", "--out", tmp_path]
    with waiting.started(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "computing\n"
        process.send_signal(how)
        _, err = waiting.said(process)
    assert (process.returncode, "--resume" in err) == (3, True)
    assert json.loads((only_run(tmp_path) / "run.json").read_text())["status"] == "interrupted"


def test_a_run_in_the_background_does_not_hear_a_ctrl_c_that_is_meant_for_others(tmp_path, undisturbed) -> None:
    """A shell has its background jobs ignore SIGINT: then so does the run."""
    with MockServer(Faults(hold_after=20)) as server:
        words = command(server, tmp_path, "--max-connections", "4")
        with waiting.started(words, hears_ctrl_c=False, stdout=subprocess.DEVNULL) as process:
            until_held(server, process, 4)
            process.send_signal(signal.SIGINT)
            server.release()
            assert waiting.ended(process) == 0
    assert records(tmp_path) == undisturbed


def test_two_runs_on_one_directory_are_kept_apart(tmp_path) -> None:
    with MockServer(Faults(hold_after=2)) as server:
        words = command(server, tmp_path, "--max-connections", "2")
        with waiting.started(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
            until_held(server, process, 2)
            second = resume(only_run(tmp_path))
    assert second.returncode == 1
    assert "in use by another run" in second.stderr


def test_a_refused_key_ends_the_run_at_once(tmp_path) -> None:
    with MockServer(Faults(status=401)) as server:
        done = run(server, tmp_path)
        assert server.counters.requests <= 80
    assert done.returncode == 3
    assert "401" in done.stderr


FULL_DISK = """
import errno, os, sys
from harness.cli import main

def write(file, data):
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

os.write = write
sys.argv = ["harness", "run", "--resume", sys.argv[1], "--display", "none"]
main()
"""


def test_a_full_disk_ends_the_run_with_one_message(tmp_path) -> None:
    with MockServer() as server:
        assert run(server, tmp_path).returncode == 0
        directory = only_run(tmp_path)
        (directory / "records.jsonl").write_text("")
        done = waiting.run([sys.executable, "-c", FULL_DISK, str(directory)])
    assert done.returncode == 1
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_leaves_the_exit_code_of_an_incomplete_run(tmp_path) -> None:
    """`harness run ... | true` in a shell script must not look complete; the same for both outputs."""
    with MockServer(Faults(status=400)) as server:
        for stderr in (subprocess.DEVNULL, subprocess.STDOUT):
            words = command(server, tmp_path, "--limit", "2")
            with waiting.started(words, stdout=subprocess.PIPE, stderr=stderr) as process:
                process.stdout.close()
                assert waiting.ended(process) == 3
    assert len(list(tmp_path.glob("*/summary.csv"))) == 2, "and leaves all of its files"


@pytest.mark.parametrize("text", ["", "x" * 10_000_000, "\ud800 \x00"], ids=["empty", "10 MB", "not UTF-8"])
def test_odd_answers_are_recorded_as_they_came(tmp_path, text) -> None:
    with MockServer(Faults(text=text)) as server:
        done = run(server, tmp_path, "--limit", "2", "--epochs", "1")
    assert done.returncode == 0
    assert {len(r["response"]) for r in records(tmp_path).values()} == {len(text)}
    assert {r["outcome"] for r in records(tmp_path).values()} == {"unparsed"}
    assert (only_run(tmp_path) / "records.parquet").stat().st_size > 0


def test_keys_are_nowhere_on_disk(tmp_path) -> None:
    with MockServer(Faults(status=400)) as server:
        environment = {**os.environ, "MY_KEY": "sk-very-secret"}
        waiting.run(command(server, tmp_path, "--limit", "2", "--api-key-env", "MY_KEY"), env=environment)
    texts = [p.read_bytes() for p in only_run(tmp_path).iterdir() if p.is_file()]
    assert any(b"[key]" in t for t in texts), "the server quoted it"
    assert not any(b"sk-very-secret" in t for t in texts)
