"""Start a vLLM server as a process of its own, wait until it is ready, and say what went wrong if it never is.

vLLM is never imported: it runs from another environment, a container or another machine.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import socket
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness import trust
from harness.errors import FatalModelError, HarnessError, ModelErrorKind, UsageError, cause
from harness.models.server_process import ServerProcess, is_alive, log_lines
from harness.options import option

OnLine = Callable[[str], None]
"""A function that gets the progress of a start, line by line."""

API_KEY = "VLLM_API_KEY"
"""The environment variable with the key that a vLLM server asks its clients for, if any."""

ANSWERS_WITHIN_S = 5.0
"""How long a server may take to say something about itself."""


@dataclass(frozen=True)
class Settings:
    """The -M options about the server. All others go to the request (see openai_api) or, as they are, to vLLM."""

    command: str | None = option(None, "what starts vLLM, e.g. a container [$HARNESS_VLLM_COMMAND]")
    python: str | None = option(None, "python of the environment that has vLLM [$HARNESS_VLLM_PYTHON]")
    port: int = option(0, "port of a server that is started; 0: any free one")
    startup_timeout: float = option(900.0, "seconds until a started server must answer")
    keep: bool = option(False, "leave a started server running, for later runs")
    pass_env: tuple[str, ...] = option((), "further environment variables that a started server gets, as AWS_PROFILE")


@dataclass(frozen=True)
class Engine:
    """The model to serve, and how. Servers of equal engines (and vLLM versions) answer alike.

    `weights` is a fingerprint of a local directory, None for a model of the hub.
    """

    model: str
    arguments: Mapping[str, str]
    weights: str | None = None


@dataclass(frozen=True)
class Server:
    """A server that answers. `process` is None if another program has started it; `pid` is 0 if it is unknown."""

    url: str
    pid: int = 0
    log: str = ""
    process: ServerProcess | None = None

    def has_ended(self) -> bool:
        """Whether the server has ended; False also if this can't be known."""
        if self.process:
            return self.process.exit_code() is not None
        return self.pid != 0 and not is_alive(self.pid)


# --- start one ---


def launcher(settings: Settings) -> list[str]:
    """The command that starts vLLM's server, as words. -M options go before the environment, and that before the PATH.
    Raises UsageError for a command that can't be used, HarnessError if vLLM is not found."""
    command = settings.command or (None if settings.python else os.environ.get("HARNESS_VLLM_COMMAND"))
    python = settings.python or os.environ.get("HARNESS_VLLM_PYTHON")
    if command:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise UsageError(f"the command that starts vLLM can't be read: {error}: {command}") from None
    elif python:
        words = [str(Path(python).expanduser()), "-m", "vllm.entrypoints.openai.api_server"]
    elif shutil.which("vllm"):
        words = ["vllm", "serve"]
    else:
        raise HarnessError(
            "vLLM was not found on this machine",
            "one of: install vLLM in an environment of its own and set HARNESS_VLLM_PYTHON to that environment's "
            "python; put `vllm` on the PATH, or say what starts it with -M command=...; use a server that runs "
            "elsewhere with --base-url, or a hosted model",
        )
    if not words or not shutil.which(words[0]):
        raise UsageError(f"what is to start vLLM is not a program: {command or words[0]}")
    return words


def command_line(words: list[str], engine: Engine, port: int) -> list[str]:
    """The whole command. `vllm serve` takes the model as its first argument, any other command that serves vLLM as
    --model."""
    model = [engine.model] if words[-1] == "serve" else ["--model", engine.model]
    flags: list[str] = []
    for key, value in engine.arguments.items():
        flag = key.replace("_", "-")
        flags += {"true": [f"--{flag}"], "false": [f"--no-{flag}"]}.get(value.lower(), [f"--{flag}", value])
    return [*words, *model, "--host", "127.0.0.1", "--port", str(port), "--served-model-name", engine.model, *flags]


async def start(engine: Engine, settings: Settings, logs: Path, on_line: OnLine) -> Server:
    """Start a server for the engine and wait until it answers. Raises FatalModelError if it ends or does not answer
    within `startup_timeout` seconds, UsageError or HarnessError if vLLM can't be started here."""
    if os.name != "posix":
        raise HarnessError("vLLM servers are started on Linux and macOS only", "use one that runs with --base-url")
    words, port = launcher(settings), _port(settings.port)
    short = re.sub("[^A-Za-z0-9.-]+", "-", engine.model).strip("-")[-60:]
    log = logs / f"{datetime.now():%Y%m%d-%H%M%S}-{short}-{port}.log"
    environment = trust.child_environment(trust.SERVING_NAMES, trust.SERVING_PREFIXES, settings.pass_env)
    # `python -m` would import what lies in the working directory before what is installed.
    environment |= {"VLLM_NO_USAGE_STATS": "1", "PYTHONSAFEPATH": "1"}
    process = ServerProcess(command_line(words, engine, port), environment, log, outlives_us=settings.keep)
    server = Server(f"http://127.0.0.1:{port}", process.pid, str(log), process)
    try:
        on_line(f"starting a server for {engine.model}, log: {log}")
        await _until_ready(engine, server, settings, on_line)
    except BaseException:  # a cancellation too, so that nothing is left behind
        await asyncio.to_thread(process.end)
        raise
    return server


def _port(wanted: int) -> int:
    """The wanted port; any free one for 0. Raises UsageError if the port is taken: whatever has it would be taken for
    our server."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wanted))
        except (OSError, OverflowError) as error:
            hint = "leave the port out to get a free one"
            raise UsageError(f"port {wanted} can't be used: {cause(error)}", hint) from None
        port: int = probe.getsockname()[1]
    return port


async def _until_ready(engine: Engine, server: Server, settings: Settings, on_line: OnLine) -> None:
    start = told = time.monotonic()
    line = ""
    while not server.has_ended():
        seconds = time.monotonic() - start
        if (await get(f"{server.url}/health"))[0] == 200:
            break
        if seconds > settings.startup_timeout:
            raise failure(
                f"vLLM did not get ready to serve {engine.model} within {settings.startup_timeout:g} s",
                server.log,
                "timeout",
                "-M startup_timeout=SECONDS gives it more time",
            )
        if time.monotonic() - told >= 5:
            told, before = time.monotonic(), line
            line = "".join(log_lines(Path(server.log), 1))
            if line != before:
                on_line(f"{seconds:4.0f} s  {trust.masked(line)[:100]}")
        await asyncio.sleep(0.2)
    else:
        raise failure(f"vLLM ended before it could serve {engine.model}", server.log)
    served = await served_models(f"{server.url}/v1")
    if engine.model not in served:
        raise failure(f"the server that was started serves {', '.join(served) or 'nothing'}, not {engine.model}",
                       server.log)  # fmt: skip
    on_line(f"{time.monotonic() - start:4.0f} s  ready at {server.url}")


NOBODY = 0
"""In place of an HTTP status: no program listens there."""


async def get(url: str, headers: Mapping[str, str] = MappingProxyType({})) -> tuple[int, Any]:
    """(HTTP status, JSON of the body or None). The status is NOBODY if no program listens there, -1 if no answer comes
    within 5 s. No proxy is asked."""
    import aiohttp

    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=ANSWERS_WITHIN_S)) as session,
            session.get(url, headers=headers) as response,
        ):
            text = await response.text()
            status = response.status
    except aiohttp.ClientConnectorError:
        return NOBODY, None
    except (aiohttp.ClientError, TimeoutError):
        return -1, None
    try:
        return status, json.loads(text)
    except ValueError:
        return status, None


async def served_models(base_url: str, key: str | None = None) -> dict[str, dict[str, Any]]:
    """The rows of a server's list of models by model name, empty if it gives no list."""
    key = key or os.environ.get(API_KEY)
    _, answer = await get(f"{base_url}/models", {"Authorization": f"Bearer {key}"} if key else {})
    rows = answer.get("data") if isinstance(answer, dict) else None
    return {str(row.get("id")): row for row in rows if isinstance(row, dict)} if isinstance(rows, list) else {}


# --- when it fails ---

_CAUSES: tuple[tuple[str, ModelErrorKind, str], ...] = (
    (
        r"package metadata was found for vllm|PackageNotFoundError: vllm",
        "transient",
        "the `vllm` script does not work in this build of vLLM: use -M python=/path/to/the/python/beside/it",
    ),
    (r"No module named '?vllm", "transient", "that python's environment has no vLLM: install it there"),
    (
        r"unrecognized arguments",
        "bad_request",
        "-M options that the harness does not know itself go to vLLM: check their spelling",
    ),
    (
        r"greater than the derived max_model_len",
        "bad_request",
        "the model's context is shorter: lower -M max_model_len",
    ),
    (
        r"out of memory|OutOfMemoryError|No available memory|[Aa]vailable memory on|Free memory on device"
        r"|larger than the available KV cache memory",
        "transient",
        "lower -M gpu_memory_utilization (0.9 unless set) or -M max_model_len, or end what else holds the memory",
    ),
    (
        r"RepositoryNotFound|Repository Not Found|Repo id must be in the form|is not a valid model identifier"
        r"|RevisionNotFound|LocalEntryNotFound",
        "not_found",
        "check the model's name and revision; a private one needs HF_TOKEN, one that is to be used offline must have "
        "been downloaded",
    ),
    (
        r"CPU Generator does not use offset",
        "transient",
        "this vLLM fails on CPUs when it splits a prompt of a request with a seed: -M enable_chunked_prefill=false",
    ),
    (
        r"GatedRepo|gated repo|401 Client Error|403 Client Error",
        "auth",
        "the model is gated: accept its licence on its page and set HF_TOKEN",
    ),
)


def failure(message: str, log: str, kind: ModelErrorKind = "transient", hint: str = "") -> FatalModelError:
    """The error of a server: the message with the end of the log, and what to do if the log shows the cause."""
    lines = [trust.masked(line) for line in log_lines(Path(log), 15)] if log else []
    text = "\n".join(log_lines(Path(log), 60)) if log else ""
    for pattern, its_kind, advice in _CAUSES:
        if re.search(pattern, text):
            kind, hint = its_kind, advice
            break
    where = f"; log: {log}" if log else ""
    return FatalModelError("\n  ".join([f"{message}{where}", *lines]), kind, hint)
