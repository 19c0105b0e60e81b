"""vLLM servers that are shared, kept, and ended however we end. A small script stands in for vLLM itself."""

import asyncio
import contextlib
import gc
import json
import os
import re
import shlex
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from harness.models import server_process, vllm_server
from harness.models.server_process import log_lines
from harness.models.vllm_launch import Engine, Server, Settings
from harness.models.vllm_server import open_model
from harness.types import ModelOptions
from tests.models.fake_vllm import (
    FAKE_VLLM,
    arguments_in,
    ask,
    is_running,
    model_of,
    registrations,
    talk,
    wait_until_gone,
)
from tests.waiting import HANG, ended, started, until

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="servers are started on POSIX systems only"),
    pytest.mark.usefixtures("home"),
]

# --- reuse ---


def test_a_kept_server_serves_the_next_run(home, fake):
    async def scenario():
        first, second, other = model_of(fake, keep="true"), model_of(fake), model_of(fake, dtype="float32")
        await talk(first)
        try:
            assert is_running(home)
            await second.start()
            assert second._server.url == first_url(home)
            await second.close()
            assert await vllm_server.find(other._engine) is None
        finally:
            os.kill(json.loads(registrations(home)[0].read_text())["pid"], signal.SIGTERM)

    def first_url(home):
        return json.loads(registrations(home)[0].read_text())["url"]

    asyncio.run(scenario())
    wait_until_gone(home)


def test_a_server_at_a_base_url_is_used_and_left_alone(home, fake):
    async def scenario():
        owner = model_of(fake)
        await owner.start()
        try:
            for url in (owner._server.url, f"{owner._server.url}/v1/"):
                guest = open_model("org/name", ModelOptions(base_url=url))
                assert (await talk(guest)).stop_reason == "stop"
                assert guest.identity["vllm_version"] == "0.0-fake"
                assert is_running(home)
        finally:
            await owner.close()

    asyncio.run(scenario())


def test_stale_and_broken_registrations_are_removed(home):
    engine = Engine("org/name", {})
    gone = subprocess.Popen(["true"])
    gone.wait()
    vllm_server.register(engine, Server("http://127.0.0.1:9", gone.pid))
    vllm_server.register(engine, Server("http://127.0.0.1:9", os.getpid()))  # alive, but nobody listens
    vllm_server._registration(1).write_text("{torn")
    assert len(registrations(home)) == 3
    assert asyncio.run(vllm_server.find(engine)) is None
    assert registrations(home) == []


def test_runs_that_share_load_a_model_once_and_another_model_takes_its_place(home, fake):
    lines = []
    with vllm_server.sharing():
        for extra in ({}, {}, {"dtype": "float32"}):
            asyncio.run(talk(model_of(fake, lines.append, **extra)))
            assert is_running(home)
    assert [line.split()[0] for line in lines if " ready at " not in line] == ["starting", "org/name", "starting"]
    assert not is_running(home)


# --- the end ---

PROGRAM = """
import asyncio, pathlib, sys
from harness.models import vllm_launch, vllm_server
from harness.types import ModelOptions

what, command, home = sys.argv[1:]
vllm_server._state = lambda: pathlib.Path(home)
vllm_launch.ANSWERS_WITHIN_S = 3600
options = ModelOptions(extra={"command": command})

async def run():
    model = vllm_server.open_model("org/name", options)
    try:
        await model.start()
        print("started", flush=True)
        await asyncio.sleep(3600)
    finally:
        await model.close()

if what == "serve":
    sys.exit(vllm_server.serve("org/name", options, on_line=lambda line: print(line, flush=True)))
asyncio.run(run())
"""


@contextlib.contextmanager
def program(what, fake, home):
    """A process that starts a server, to `run` or to `serve` with it, and the line that says that it has."""
    words = [sys.executable, "-c", PROGRAM, what, fake, str(home)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True, "start_new_session": True}
    with started(words, **options) as us:
        yield us, next((line for line in us.stdout if "started" in line or "is served at" in line), "it has ended")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_us_however_we_end(home, fake, number):
    with program("run", fake, home) as (us, line):
        assert line == "started\n"
        assert is_running(home)
        us.send_signal(number)
        assert ended(us) != 0
    wait_until_gone(home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_registers_a_server_until_it_is_told_to_end(home, fake, number):
    with program("serve", fake, home) as (serving, line):
        assert re.search(r"http://127\.0\.0\.1:\d+/v1", line)
        assert "--model" in arguments_in(asyncio.run(talk(open_model("org/name", ModelOptions()))))
        assert is_running(home)
        serving.send_signal(number)
        assert ended(serving) == 0
    assert registrations(home) == []
    wait_until_gone(home)


def test_a_server_that_is_already_there_is_not_served_twice(home, fake):
    lines = []
    with program("serve", fake, home) as (serving, _):
        assert vllm_server.serve("org/name", ModelOptions(extra={"command": fake}), on_line=lines.append) == 0
        serving.terminate()
        assert ended(serving) == 0
    assert "already" in lines[0]
    wait_until_gone(home)


def test_no_file_stays_open_and_no_zombie_is_left(fake):
    async def start_and_end():
        model = model_of(fake)
        await model.start()
        pid = model._server.pid
        await ask(model)
        await model.close()
        return pid

    def files():
        gc.collect()  # those of other tests are closed when their garbage is collected
        return len(list(Path("/dev/fd").iterdir()))

    asyncio.run(start_and_end())
    before = files()
    pid = asyncio.run(start_and_end())
    assert files() == before
    with pytest.raises(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)


def test_a_server_that_ignores_sigterm_is_killed(home, monkeypatch):
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)"
    command = [sys.executable, "-c", f"{stubborn}; time.sleep(3600)"]
    with monkeypatch.context() as short:
        short.setattr(server_process, "GRACE", 0.3)
        process = server_process.ServerProcess(command, os.environ, home / "log")
    monkeypatch.setattr(server_process, "GRACE", HANG)  # how long we wait for the supervisor, which has the 0.3
    until(lambda: "up" in log_lines(home / "log", 1), "the server ignores SIGTERM")
    assert process.exit_code() is None
    process.end()
    assert process.exit_code() == 128 + signal.SIGKILL


PARENT = """
import os, pathlib, shlex, sys
from harness.models.server_process import ServerProcess

command, home, what = sys.argv[1:]
log = pathlib.Path(home, "log")
print(ServerProcess(shlex.split(command), os.environ, log, outlives_us=what == "kept").pid, flush=True)
sys.stdin.read()
"""


def orphan(home, what):
    """A server that runs, and whose parent has ended; the pid of its supervisor."""
    home.mkdir()
    script = home / "fake_vllm.py"
    script.write_text(FAKE_VLLM)
    words = [sys.executable, str(script), "m", "--host", "127.0.0.1", "--port", "0", "--served-model-name", "m"]
    command = [sys.executable, "-c", PARENT, shlex.join(words), str(home), what]
    with started(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        pid = int(parent.stdout.readline())
        until(lambda: is_running(home), "the server has started")
    return pid


def test_a_server_outlives_us_only_if_it_is_told_to(home):
    """The supervisor of another, which came later and looks as often, has noticed that its parent is gone."""
    kept = orphan(home / "kept", "kept")
    try:
        orphan(home / "other", "ends with us")
        wait_until_gone(home / "other")
        assert is_running(home / "kept")
    finally:
        os.kill(kept, signal.SIGTERM)
    wait_until_gone(home / "kept")


# --- logs ---


def test_log_lines_tell_the_cause_without_the_noise(home):
    log = home / "log"
    log.write_text(
        "\x1b[36m(EngineCore pid=9)\x1b[0m ERROR 11-23 10:52:23 [core.py:15] Traceback (most recent call last):\n"
        '(EngineCore pid=9) ERROR 11-23 10:52:23 [core.py:15]   File "/x/core.py", line 9, in run\n'
        "(EngineCore pid=9) ERROR 11-23 10:52:23 [core.py:15]     raise ValueError(\n"
        "Loading 10%\rLoading 100%\n"
        "ValueError: no access with hf_abcdefghijklmnop\n"
        "\n"
        "(EngineCore pid=9) ERROR 11-23 10:52:23 [core.py:15] ValueError: no access with hf_abcdefghijklmnop\n"
        "  the explanation of it\n"
        'INFO:     127.0.0.1:36918 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'
        "(APIServer pid=7) INFO 11-23 10:52:25 [core_client.py:777] [shutdown] MPClient: complete\n"
    )
    assert log_lines(log, 15) == ["Loading 100%", "ValueError: no access with hf_***", "the explanation of it"]


def test_settings_are_all_explained():
    assert all(row[2] for row in vllm_server.describe(Settings))
