"""vLLM servers that are shared, kept, and ended however we end. A small script stands in for vLLM itself."""

import asyncio
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from harness.models import server_process, vllm_server
from harness.models.server_process import log_lines
from harness.models.vllm_launch import Engine, Server, Settings
from harness.models.vllm_server import open_model
from harness.types import ModelOptions
from tests.models.fake_vllm import (
    arguments_in,
    is_running,
    model_of,
    registrations,
    talk,
    wait_until_gone,
)

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
from harness.models import vllm_server
from harness.types import ModelOptions

what, command, home = sys.argv[1:]
vllm_server._state = lambda: pathlib.Path(home)
options = ModelOptions(extra={"command": command})

async def run():
    model = vllm_server.open_model("org/name", options)
    try:
        await model.start()
        print("started", flush=True)
        await asyncio.sleep(60)
    finally:
        await model.close()

if what == "serve":
    sys.exit(vllm_server.serve("org/name", options, on_line=lambda line: print(line, flush=True)))
asyncio.run(run())
"""


def program(what, fake, home):
    """A process that starts a server, to `run` or to `serve` with it."""
    words = [sys.executable, "-c", PROGRAM, what, fake, str(home)]
    return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_the_server_ends_with_us_however_we_end(home, fake, number):
    with program("run", fake, home) as us:
        assert us.stdout.readline() == "started\n"
        assert is_running(home)
        us.send_signal(number)
        us.wait(10)
    wait_until_gone(home)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_registers_a_server_until_it_is_told_to_end(home, fake, number):
    with program("serve", fake, home) as serving:
        for line in serving.stdout:
            if "is served at" in line:
                break
        assert re.search(r"http://127\.0\.0\.1:\d+/v1", line)
        assert "--model" in arguments_in(asyncio.run(talk(open_model("org/name", ModelOptions()))))
        assert is_running(home)
        serving.send_signal(number)
        assert serving.wait(10) == 0
    assert registrations(home) == []
    wait_until_gone(home)


def test_a_server_that_is_already_there_is_not_served_twice(home, fake):
    lines = []
    with program("serve", fake, home) as serving:
        while "is served at" not in serving.stdout.readline():
            pass
        assert vllm_server.serve("org/name", ModelOptions(extra={"command": fake}), on_line=lines.append) == 0
        serving.terminate()
        serving.wait(10)
    assert "already" in lines[0]
    wait_until_gone(home)


def test_no_file_stays_open_and_no_zombie_is_left(fake):
    asyncio.run(talk(model_of(fake)))
    before = len(list(Path("/dev/fd").iterdir()))
    asyncio.run(talk(model_of(fake)))
    assert len(list(Path("/dev/fd").iterdir())) == before
    with pytest.raises(ChildProcessError):
        os.waitpid(-1, os.WNOHANG)


def test_a_server_that_ignores_sigterm_is_killed(home, monkeypatch):
    monkeypatch.setattr(server_process, "GRACE", 0.3)
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True)"
    process = server_process.ServerProcess(
        [sys.executable, "-c", f"{stubborn}; time.sleep(60)"], os.environ, home / "log"
    )
    while "up" not in log_lines(home / "log", 1):
        time.sleep(0.02)
    assert process.exit_code() is None
    process.end()
    assert process.exit_code() == 128 + signal.SIGKILL


def test_a_server_outlives_us_only_if_it_is_told_to(home, fake):
    words = "import sys; from harness.models.server_process import ServerProcess; import os, pathlib\n"
    words += "p = ServerProcess(sys.argv[2:], os.environ, pathlib.Path(sys.argv[1]), outlives_us=True); print(p.pid)"
    command = [*shlex.split(fake), "m", "--host", "127.0.0.1", "--port", "0", "--served-model-name", "m"]
    done = subprocess.run([sys.executable, "-c", words, str(home / "log"), *command], stdout=subprocess.PIPE, text=True)
    while not (home / "alive").exists():
        time.sleep(0.02)
    time.sleep(0.3)  # several times as long as the supervisor needs to notice that its parent is gone
    assert is_running(home)
    os.kill(int(done.stdout), signal.SIGTERM)
    wait_until_gone(home)


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
