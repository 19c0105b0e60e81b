"""vLLM servers as processes: found, started, watched and ended. A small script stands in for vLLM itself."""

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

from harness.errors import FatalModelError, HarnessError, UsageError
from harness.models import server_process, vllm_server
from harness.models.server_process import log_lines
from harness.models.vllm_launch import Engine, Server, Settings, command_line
from harness.models.vllm_server import open_model
from harness.types import Message, ModelOptions, Request, Sampling

pytestmark = pytest.mark.skipif(os.name != "posix", reason="servers are started on POSIX systems only")

# Answers with its own arguments. Holds a lock on `alive`, and so does its worker, until both are gone.
FAKE_VLLM = """
import fcntl, http.server, json, os, subprocess, sys, time

words = sys.argv[1:]
given = dict(zip(words, words[1:]))
alive = open(os.path.join(os.path.dirname(__file__), "alive"), "a")
fcntl.flock(alive, fcntl.LOCK_SH)
worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(120)"], pass_fds=[alive.fileno()])
if "--says" in given:
    print(given["--says"], flush=True)
if "--die-at-start" in words:
    raise RuntimeError("the engine is out of luck")
ready_at = time.monotonic() + float(given.get("--load-seconds", 0))
MODEL = given.get("--model", words[0])

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, body, status=200):
        wanted = "Bearer " + os.environ.get("VLLM_API_KEY", "")
        if "--asks-for-key" in words and "/v1/" in self.path and self.headers["Authorization"] != wanted:
            body, status = {"error": "Unauthorized"}, 401
        body = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        loaded = time.monotonic() >= ready_at
        self.reply({"/v1/models": {"data": [{"id": given["--served-model-name"], "max_model_len": 512}]},
                    "/version": {"version": "0.0-fake"}}.get(self.path, {}), 200 if loaded else 503)

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        text = asked["messages"][-1]["content"]
        if text == "crash":
            print("the GPU fell off the bus", flush=True)
            os._exit(3)
        if text == "hang":
            time.sleep(60)
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        message = {"role": "assistant", "content": json.dumps([words, dict(os.environ), asked])}
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        self.reply({"id": "1", "object": "chat.completion", "created": 0, "model": MODEL, "choices": [choice],
                    "usage": usage})

http.server.ThreadingHTTPServer((given["--host"], int(given["--port"])), Handler).serve_forever()
"""


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A state directory of its own, and no vLLM anywhere."""
    monkeypatch.setattr(vllm_server, "_state", lambda: tmp_path)
    for name in ("HARNESS_VLLM_COMMAND", "HARNESS_VLLM_PYTHON"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    return tmp_path


@pytest.fixture
def fake(tmp_path):
    """The words that start the stand-in."""
    script = tmp_path / "fake_vllm.py"
    script.write_text(FAKE_VLLM)
    return shlex.join([sys.executable, str(script)])


def model_of(command, on_line=lambda line: None, max_retries=5, **extra):
    options = ModelOptions(extra={"command": command, **extra}, max_retries=max_retries)
    model = open_model("org/name", options)
    model.on_line = on_line
    return model


async def ask(model, text="hello"):
    return await model.complete(Request((Message("user", text),), Sampling()))


async def talk(model, text="hello"):
    """Start, one question, close."""
    try:
        await model.start()
        return await ask(model, text)
    finally:
        await model.close()


def arguments_in(completion):
    return json.loads(completion.text)[0]


def wait_until_gone(home):
    """Until neither server nor worker is left."""
    import fcntl

    with (home / "alive").open() as file:
        deadline = time.monotonic() + 10
        while True:
            try:
                return fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                assert time.monotonic() < deadline, "the server or its worker still runs"
                time.sleep(0.02)


def is_running(home):
    import fcntl

    with (home / "alive").open() as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def registrations(home):
    return list((home / "servers").glob("*.json"))


# --- starting ---


def test_a_server_is_started_asked_and_ended(home, fake):
    async def scenario():
        model = model_of(fake)
        await model.start()
        assert is_running(home)
        completion = await ask(model)
        assert completion.prompt_tokens == 1
        await model.close()
        assert not is_running(home)

    asyncio.run(scenario())


def test_engine_arguments_reach_the_server_exactly(fake):
    options = {"tensor_parallel_size": "2", "enforce-eager": "true", "enable_prefix_caching": "false",
               "hf_overrides": '{"a": "b c"}'}  # fmt: skip
    words = arguments_in(asyncio.run(talk(model_of(fake, **options))))
    port = words[words.index("--port") + 1]
    assert words == [
        "--model", "org/name", "--host", "127.0.0.1", "--port", port, "--served-model-name", "org/name",
        "--no-enable-prefix-caching", "--enforce-eager", "--hf-overrides", '{"a": "b c"}',
        "--tensor-parallel-size", "2",
    ]  # fmt: skip


def test_after_serve_the_model_is_the_first_argument():
    words = command_line(["vllm", "serve"], Engine("org/name", {}), 1)
    assert words[:3] == ["vllm", "serve", "org/name"]
    assert "--model" not in words


def test_options_of_requests_do_not_reach_the_server(fake):
    model = model_of(fake, chat_template_kwargs='{"enable_thinking": false}')
    assert "enable_thinking" not in " ".join(arguments_in(asyncio.run(talk(model))))
    assert "enable_thinking" in str(model.identity["extra_body"])


def test_the_server_gets_our_environment_and_no_usage_statistics(fake, monkeypatch):
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    environment = json.loads(asyncio.run(talk(model_of(fake))).text)[1]
    assert environment["VLLM_CPU_KVCACHE_SPACE"] == "1"
    assert environment["VLLM_NO_USAGE_STATS"] == "1"


@pytest.mark.parametrize(("asked", "sent"), [(2048, 512), (100, 100)])
def test_a_length_limit_beyond_the_context_is_lowered_to_it(fake, asked, sent):
    async def scenario():
        model = model_of(fake)
        await model.start()
        try:
            return await model.complete(Request((Message("user", "hello"),), Sampling(max_tokens=asked)))
        finally:
            await model.close()

    assert json.loads(asyncio.run(scenario()).text)[2]["max_tokens"] == sent


def test_a_server_that_asks_for_a_key_gets_it(fake, monkeypatch):
    monkeypatch.setenv("VLLM_API_KEY", "secret-key")
    model = model_of(fake, asks_for_key="true")
    assert asyncio.run(talk(model)).text
    assert "secret-key" not in str(model.identity)


def test_the_command_may_come_from_the_environment(fake, monkeypatch):
    monkeypatch.setenv("HARNESS_VLLM_COMMAND", fake)
    model = open_model("org/name", ModelOptions())
    assert "--model" in arguments_in(asyncio.run(talk(model)))


def test_a_python_with_vllm_may_be_named(home, fake, monkeypatch):
    python = home / "python"
    python.write_text(f'#!/bin/sh\ntest "$2" = vllm.entrypoints.openai.api_server && shift 2 && exec {fake} "$@"\n')
    python.chmod(0o755)
    monkeypatch.setenv("HARNESS_VLLM_COMMAND", "not-this-one")
    model = open_model("org/name", ModelOptions(extra={"python": str(python)}))
    assert arguments_in(asyncio.run(talk(model)))[0] == "--model"


def test_vllm_on_the_path_is_used(home, fake, monkeypatch):
    script = home / "vllm"
    script.write_text(f'#!/bin/sh\ntest "$1" = serve && shift && exec {fake} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{home}:/usr/bin:/bin")
    assert arguments_in(asyncio.run(talk(open_model("org/name", ModelOptions()))))[0] == "org/name"


def test_without_vllm_there_are_three_ways_out():
    with pytest.raises(HarnessError) as failure:
        asyncio.run(open_model("org/name", ModelOptions()).start())
    for way in ("HARNESS_VLLM_PYTHON", "PATH", "-M command=", "--base-url", "hosted"):
        assert way in failure.value.hint


def test_a_command_that_is_no_program_is_a_usage_error(home):
    with pytest.raises(UsageError, match="not a program: no-such-program run"):
        asyncio.run(model_of("no-such-program run").start())
    assert not (home / "logs").exists()


@pytest.mark.parametrize("key", ["model", "host", "served-model-name", "api_key", "hf_token", "--dtype", "a b", "Key"])
def test_arguments_that_can_not_be_set_are_usage_errors(key):
    with pytest.raises(UsageError):
        open_model("org/name", ModelOptions(extra={key: "x"}))


def test_values_of_our_own_options_are_checked():
    with pytest.raises(UsageError, match="startup_timeout: 'soon' is not a number"):
        open_model("org/name", ModelOptions(extra={"startup_timeout": "soon"}))


def test_a_directory_without_a_model_is_a_usage_error(home):
    with pytest.raises(UsageError, match=r"no config\.json"):
        open_model(str(home), ModelOptions())


def test_a_port_in_use_is_a_usage_error(fake):
    async def scenario():
        first = model_of(fake)
        await first.start()
        port = re.search(r"\d+$", first._server.url)[0]
        try:
            with pytest.raises(UsageError, match=f"port {port}"):
                await model_of(fake, port=port).start()
        finally:
            await first.close()

    asyncio.run(scenario())


def test_a_model_that_loads_slowly_is_waited_for_and_its_progress_told(fake):
    lines = []
    model = model_of(fake, lines.append, load_seconds="0.8")
    assert asyncio.run(talk(model)).stop_reason == "stop"
    assert lines[0].startswith("starting a server for org/name, log: /")
    assert "ready at http://127.0.0.1:" in lines[-1]


def test_a_server_that_never_gets_ready_times_out_and_is_ended(home, fake):
    model = model_of(fake, load_seconds="60", startup_timeout="0.6", says="Loading weights 10%")
    with pytest.raises(FatalModelError, match=r"within 0.6 s(.|\n)*Loading weights 10%") as failure:
        asyncio.run(talk(model))
    assert failure.value.kind == "timeout"
    wait_until_gone(home)


def test_a_server_that_dies_at_start_shows_its_last_words(home, fake):
    with pytest.raises(FatalModelError, match="RuntimeError: the engine is out of luck") as failure:
        asyncio.run(talk(model_of(fake, die_at_start="true")))
    assert "File " not in failure.value.message
    log = re.search(r"log: (\S+)", failure.value.message)[1]
    assert "Traceback" in Path(log).read_text()
    wait_until_gone(home)


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        ("torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB", "gpu_memory_utilization"),
        ("OSError: You are trying to access a gated repo.", "HF_TOKEN"),
        ("RepositoryNotFoundError: 401 Client Error. Repository Not Found for url", "check the model's name"),
        ("importlib.metadata.PackageNotFoundError: No package metadata was found for vllm", "-M python="),
        ("/x/bin/python: No module named vllm", "install it there"),
        ("RuntimeError: CPU Generator does not use offset", "enable_chunked_prefill=false"),
        ("api_server.py: error: unrecognized arguments: --tensor-paralel-size 2", "spelling"),
    ],
)
def test_known_causes_come_with_advice(fake, words, advice):
    with pytest.raises(FatalModelError) as failure:
        asyncio.run(talk(model_of(fake, die_at_start="true", says=words)))
    assert advice in failure.value.hint


def test_a_cancelled_start_leaves_nothing_behind(home, fake):
    async def scenario():
        start = asyncio.create_task(model_of(fake, load_seconds="60").start())
        while not (home / "alive").exists():
            await asyncio.sleep(0.02)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start

    asyncio.run(scenario())
    wait_until_gone(home)


# --- in mid-run ---


def test_a_crash_in_mid_run_is_fatal_at_once_and_names_the_log(fake):
    async def scenario():
        model = model_of(fake, max_retries=1000)
        await model.start()
        waiting = asyncio.create_task(ask(model, "hang"))
        try:
            with pytest.raises(FatalModelError, match=r"ended in mid-run; log: /(.|\n)*the GPU fell off the bus"):
                await ask(model, "crash")
            with pytest.raises(FatalModelError):
                await waiting
            with pytest.raises(FatalModelError):
                await ask(model)
        finally:
            await model.close()

    asyncio.run(scenario())


# --- identity ---


def test_identity_tells_engine_arguments_and_the_servers_version(fake):
    first, second = (model_of(fake, revision="abc", dtype="bfloat16") for _ in range(2))
    asyncio.run(talk(first))
    told = {"model": "org/name", "vllm_version": "0.0-fake", "engine_revision": "abc", "engine_dtype": "bfloat16"}
    assert told.items() <= dict(first.identity).items()
    asyncio.run(talk(second))
    assert second.identity == first.identity


def test_identity_changes_with_the_weights_in_a_directory(home):
    (home / "config.json").write_text("{}")
    (home / "model.safetensors").write_text("one")
    before = open_model(str(home), ModelOptions()).identity
    (home / "model.safetensors").write_text("two")
    assert open_model(str(home), ModelOptions()).identity != before


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
