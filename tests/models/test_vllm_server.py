"""vLLM servers as processes: found, started, watched and named. A small script stands in for vLLM itself."""

import asyncio
import json
import os
import re
from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.errors import FatalModelError, HarnessError, UsageError
from harness.models import vllm_launch
from harness.models.vllm_launch import Engine, command_line
from harness.models.vllm_server import open_model
from harness.types import Message, ModelOptions, Request, Sampling
from tests.models.fake_vllm import (
    NEVER,
    arguments_in,
    ask,
    is_running,
    model_of,
    talk,
    wait_until_gone,
)
from tests.waiting import until_async

pytestmark = [
    pytest.mark.skipif(os.name != "posix", reason="servers are started on POSIX systems only"),
    pytest.mark.usefixtures("home"),
]

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


def test_the_server_gets_the_environment_that_it_needs_and_no_usage_statistics(fake, monkeypatch):
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")
    monkeypatch.setenv("OPENAI_API_KEY", "not its key")
    environment = json.loads(asyncio.run(talk(model_of(fake))).text)[1]
    assert environment["VLLM_CPU_KVCACHE_SPACE"] == "1"
    assert "OPENAI_API_KEY" not in environment
    assert environment["PYTHONSAFEPATH"] == "1"  # a vllm.py in the working directory is not imported
    assert environment["VLLM_NO_USAGE_STATS"] == "1"


@pytest.mark.parametrize(
    ("asked", "given", "sent"), [(2048, True, 512), (100, True, 100), (100, False, 100), (2048, False, 460)]
)
def test_a_length_limit_beyond_the_context_is_lowered_to_it(fake, asked, given, sent):
    """A task's limit to what is left beside the prompt, as far as that can be told before the first answer."""

    async def scenario():
        model = model_of(fake)
        await model.start()
        try:
            request = Request((Message("user", "hello"),), Sampling(max_tokens=asked), max_tokens_given=given)
            return await model.complete(request)
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
    model = model_of(fake, lines.append, loading="3")
    assert asyncio.run(talk(model)).stop_reason == "stop"
    assert lines[0].startswith("starting a server for org/name, log: /")
    assert "ready at http://127.0.0.1:" in lines[-1]


def test_a_server_that_never_gets_ready_times_out_and_is_ended(home, fake, monkeypatch):
    """The clock stands still until the server has begun, and then leaps."""

    def monotonic():
        begun = any("Loading weights" in log.read_text() for log in (home / "logs").glob("*.log"))
        return 1000.0 if begun else 0.0

    monkeypatch.setattr(vllm_launch, "time", SimpleNamespace(monotonic=monotonic))
    model = model_of(fake, loading=NEVER, startup_timeout="0.6", says="Loading weights 10%")
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
        start = asyncio.create_task(model_of(fake, loading=NEVER).start())
        await until_async(lambda: is_running(home), "the server has started")
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
