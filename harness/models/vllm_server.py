"""Open-weight models on vLLM: `vllm/ORG/NAME`, or `vllm/DIR` with a Hugging Face directory.

Finds a vLLM server for the model or starts one, then speaks its OpenAI-compatible API. vLLM itself is never
imported: its pins clash with those of other packages, so it has an environment, container or machine of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
import platform
import re
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from urllib.parse import urlsplit

import platformdirs

from harness.errors import UsageError
from harness.models.openai_api import OpenAICompatible
from harness.models.openai_api import Settings as RequestSettings
from harness.models.rope import overridden
from harness.models.server_process import is_alive
from harness.models.vllm_launch import (
    API_KEY,
    NOBODY,
    Engine,
    OnLine,
    Server,
    Settings,
    failure,
    get,
    served_models,
    start,
)
from harness.options import build, describe
from harness.text import printable
from harness.types import Completion, Cut, ModelOptions, Params, Request

_RECORDED = "options are recorded, and this is a secret: set the environment variable"
RESERVED = {
    "api_key": f"{_RECORDED} VLLM_API_KEY",
    "hf_token": f"{_RECORDED} HF_TOKEN",
    "host": "servers are started on this machine's loopback interface only",
    **dict.fromkeys(("model", "model_tag", "served_model_name"), "that is what follows vllm/ in the model's name"),
}
"""Arguments of vLLM that must not be given, and why."""

MODEL_FILES = (".safetensors", ".bin", ".gguf", ".json", ".jinja", ".model")


# --- what is asked for ---


def open_model(name: str, options: ModelOptions) -> VLLM:
    """The model, not yet started. Raises UsageError for options that are not allowed."""
    engine, settings, request_settings = _read(name, options)
    return VLLM(f"vllm/{name}", engine, settings, request_settings, options)


def _read(name: str, options: ModelOptions) -> tuple[Engine, Settings, RequestSettings]:
    """(engine, settings of the server, settings of requests): the -M options, sorted by what they are for. Raises
    UsageError for options that are not allowed."""
    ours, requests = ({row[0] for row in describe(cls)} for cls in (Settings, RequestSettings))
    requests -= {"azure_endpoint", "api_version"} if options.base_url else {"azure_endpoint", "api_version", "model"}
    given: dict[str, dict[str, str]] = {"ours": {}, "requests": {}, "engine": {}}
    for key, value in options.extra.items():
        key = key.replace("-", "_")
        if not re.fullmatch("[a-z][a-z0-9_]*", key):
            raise UsageError(f"-M {key}={value}: '{key}' can't be an argument of vLLM")
        if key in RESERVED and key not in requests:
            raise UsageError(f"model vllm/{name} takes no option '{key}'", RESERVED[key])
        given["ours" if key in ours else "requests" if key in requests else "engine"][key] = value
    settings = build(Settings, given["ours"], f"model vllm/{name}")
    request_settings = build(RequestSettings, given["requests"], f"model vllm/{name}")
    elsewhere = bool(options.base_url)
    engine = Engine(name, given["engine"]) if elsewhere else _local(name, given["engine"])
    directory = Path(engine.model) if engine.weights else None
    engine = replace(engine, arguments=overridden(engine.arguments, directory, elsewhere))
    return engine, settings, request_settings


def _local(name: str, arguments: Mapping[str, str]) -> Engine:
    """An engine on this machine. As for vLLM, a name that is a directory means that directory."""
    directory = Path(name).expanduser()
    by_path = name.startswith(("/", "./", "../", "~"))
    if not by_path and directory.is_dir() and any(key.startswith("trust") for key in arguments):
        raise UsageError(
            f"vllm/{name} is a folder here, and trust_remote_code would run the code in it",
            f"vllm/./{name} if you mean the folder; run in another directory if you mean the model of the hub",
        )
    if (directory / "config.json").is_file():
        directory = directory.resolve()
        return Engine(str(directory), arguments, _fingerprint(directory))
    if by_path:
        raise UsageError(f"vllm/{name}: {directory} is not a Hugging Face model directory (it has no config.json)")
    return Engine(name, arguments)


def _fingerprint(directory: Path) -> str:
    """A fingerprint of the model's files: of the contents of small files, and of size and time of large ones."""
    digest = hashlib.sha256()
    for file in sorted(f for f in directory.iterdir() if f.suffix in MODEL_FILES and f.is_file()):
        stat = file.stat()
        digest.update(f"{file.name} {stat.st_size} ".encode())
        digest.update(file.read_bytes() if stat.st_size < 64 * 2**20 else str(stat.st_mtime_ns).encode())
    return digest.hexdigest()[:16]


# --- the model ---


class VLLM:
    """A model behind a vLLM server, which is found or started when the run starts."""

    def __init__(
        self, name: str, engine: Engine, settings: Settings, request_settings: RequestSettings, options: ModelOptions
    ) -> None:
        self.name = name
        self.max_connections = options.max_connections or 256
        self.on_line: OnLine = _tell
        self._engine, self._settings = engine, settings
        self._request_settings, self._options = request_settings, options
        self._server: Server | None = None
        self._client: OpenAICompatible | None = None
        self._end_noticed: asyncio.Task[None] | None = None
        self._version: str | None = None

    @property
    def identity(self) -> Params:
        """See harness.types.Model. It is complete once the model is started, since the server itself reports the
        version. With a base URL, the engine's arguments are what the user claims of that server."""
        request = dict(self._client.identity) if self._client else {}
        if not self._options.base_url:
            request.pop("server", None)  # a port of this machine, another one each time
        arguments = {f"engine_{key}": value for key, value in self._engine.arguments.items()}
        return {"model": self._engine.model, "weights": self._engine.weights, "vllm_version": self._version,
                **request, **arguments}  # fmt: skip

    @property
    def waiting(self) -> str:
        """See harness.types.Waits."""
        return self._client.waiting if self._client else ""

    @property
    def cannot_continue(self) -> str:
        """See harness.types.Continues."""
        return "the responses endpoint begins each answer anew" if self._request_settings.api == "responses" else ""

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        """See harness.types.Continues.cut."""
        assert self._client, "start comes first"
        return await self._client.cut(text, at)

    @property
    def cannot_score_text(self) -> str:
        """See harness.types.ScoresText."""
        api = self._request_settings.api
        return "" if api == "chat" else f"-M api={api}: it takes the chat template, which is that of api=chat"

    def check_thinking(self) -> None:
        """See harness.types.LimitsThinking. The server itself must know where thinking begins and ends
        (`--reasoning-parser`, `--reasoning-config`), and refuses the request otherwise."""
        if self._request_settings.api == "responses":
            said = f"{self.name}: --thinking-tokens: the responses endpoint takes no limit of thinking tokens"
            raise UsageError(said, "-M api=chat")

    async def start(self) -> None:
        """See harness.types.Model.start. Finds a server for the model or starts one, unless there is a base URL. Raises
        what `vllm_launch.start` raises."""
        if self._options.base_url:
            base_url = self._options.base_url.rstrip("/")
            base_url += "" if urlsplit(base_url).path else "/v1"
            self._server = Server(base_url.removesuffix("/v1"))
        else:
            self._server = await _find_or_start(self._engine, self._settings, self.on_line)
            self._end_noticed = asyncio.create_task(_until_ended(self._server))
            base_url = f"{self._server.url}/v1"
        version = (await get(f"{self._server.url}/version"))[1]
        self._version = version.get("version") if isinstance(version, dict) else None
        key_name = self._options.api_key_env or (API_KEY if os.environ.get(API_KEY) else None)
        options = replace(self._options, base_url=base_url, api_key_env=key_name, max_connections=self.max_connections)
        self._client = OpenAICompatible(self._engine.model, options, self._request_settings, "thinking_token_budget")
        await self._client.start()

    async def complete(self, request: Request) -> Completion:
        """See harness.types.Model.complete. Raises FatalModelError as soon as the server's process is gone, without
        waiting for retries."""
        assert self._client, "start comes first"
        if not self._end_noticed:
            return await self._client.complete(request)
        call = asyncio.ensure_future(self._client.complete(request))
        try:
            await asyncio.wait({call, self._end_noticed}, return_when=asyncio.FIRST_COMPLETED)
            if call.done() and not (call.exception() and self._server and self._server.has_ended()):
                return call.result()
        finally:
            call.cancel()
        assert self._server
        raise failure(f"the vLLM server of {self._engine.model} has ended in mid-run", self._server.log)

    async def close(self) -> None:
        """See harness.types.Model.close. Ends the server if this model has started it, unless it is kept or shared."""
        if self._end_noticed:
            self._end_noticed.cancel()
        server, self._server = self._server, None
        try:
            if self._client:
                await self._client.close()
        finally:
            if server and server.process:
                await _let_go(self._engine, server, self._settings, self.on_line)


async def _until_ended(server: Server) -> None:
    while not server.has_ended():
        await asyncio.sleep(0.5)


def _tell(line: str) -> None:
    print(f"vllm: {printable(line)}", file=sys.stderr, flush=True)


# --- whose server it is ---

_shared: list[tuple[Engine, Server]] | None = None
"""Within `sharing`: servers of this process that no run uses now; else None."""


@contextlib.contextmanager
def sharing() -> Iterator[None]:
    """Lets several runs in one process share a server: a run in this block takes over the server of an earlier one
    instead of loading the same model again. A server that waits is ended when another model needs its place, and at the
    end."""
    global _shared
    before, _shared = _shared, []
    try:
        yield
    finally:
        waiting, _shared = _shared, before
        for _, server in waiting:
            _end(server)


async def _find_or_start(engine: Engine, settings: Settings, on_line: OnLine) -> Server:
    waiting, others = [s for e, s in _shared or [] if e == engine], [s for e, s in _shared or [] if e != engine]
    if _shared:
        _shared.clear()
    for server in others:
        await asyncio.to_thread(_end, server)
    found = waiting[0] if waiting and not waiting[0].has_ended() else await find(engine)
    if found:
        on_line(f"{engine.model} is served at {found.url} already")
        return found
    server = await start(engine, settings, _state() / "logs", on_line)
    if settings.keep:
        register(engine, server)
    return server


async def _let_go(engine: Engine, server: Server, settings: Settings, on_line: OnLine) -> None:
    if settings.keep and not server.has_ended():
        on_line(f"{engine.model} stays at {server.url}; `kill {server.pid}` ends it")
    elif _shared is not None and not server.has_ended():
        _shared.append((engine, server))
    else:
        await asyncio.to_thread(_end, server)


def _end(server: Server) -> None:
    if server.process:
        server.process.end()


# --- servers that outlive a run ---


def _state() -> Path:
    return Path(platformdirs.user_state_dir("harness"))


def _registration(pid: int) -> Path:
    # The host's name is part of it: home directories are often shared by the machines of a cluster.
    return _state() / "servers" / f"{platform.node()}-{pid}.json"


def register(engine: Engine, server: Server) -> None:
    """Let later runs of this user on this machine find the server."""
    file = _registration(server.pid)
    file.parent.mkdir(parents=True, exist_ok=True)
    facts = {"engine": asdict(engine), "url": server.url, "pid": server.pid, "log": server.log}
    part = file.with_suffix(".part")
    part.write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    part.replace(file)


async def find(engine: Engine) -> Server | None:
    """A registered server that serves this very engine and answers, else None. Registrations of dead servers are
    removed."""
    for file in sorted(_registration(0).parent.glob(f"{platform.node()}-*.json")):
        try:
            facts = json.loads(file.read_text(encoding="utf-8"))
            server, its_engine = Server(facts["url"], int(facts["pid"]), facts["log"]), Engine(**facts["engine"])
        except (OSError, ValueError, KeyError, TypeError):
            file.unlink(missing_ok=True)
            continue
        status, _ = await get(f"{server.url}/health") if is_alive(server.pid) else (NOBODY, None)
        if status == NOBODY:
            file.unlink(missing_ok=True)
        elif its_engine == engine and status == 200 and engine.model in await served_models(f"{server.url}/v1"):
            return server
    return None


# --- harness serve ---


def serve(name: str, options: ModelOptions, port: int | None = None, on_line: OnLine = _tell) -> int:
    """Serve the model until Ctrl-C or SIGTERM; runs started meanwhile find the server. Returns the exit code.

    Raises HarnessError if the server can't be started or ends by itself, UsageError if there is a base URL.
    """
    if options.base_url:
        raise UsageError(f"vllm/{name} is served at {options.base_url}: there is nothing to start")
    engine, settings, _ = _read(name, options)
    settings = replace(settings, port=port or settings.port, keep=False)
    return asyncio.run(_serve(engine, settings, on_line))


async def _serve(engine: Engine, settings: Settings, on_line: OnLine) -> int:
    running = await find(engine)
    if running:
        on_line(f"{engine.model} is served at {running.url}/v1 already (pid {running.pid})")
        return 0
    task = asyncio.current_task()
    assert task
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):  # Windows, where the start is refused below
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    server: Server | None = None
    try:
        server = await start(engine, settings, _state() / "logs", on_line)
        register(engine, server)
        on_line(f"{engine.model} is served at {server.url}/v1 until Ctrl-C; `harness run` finds it there")
        await _until_ended(server)
        raise failure(f"the vLLM server of {engine.model} has ended", server.log)
    except asyncio.CancelledError:
        on_line("ended")
        return 0
    finally:
        if server:
            _registration(server.pid).unlink(missing_ok=True)
            _end(server)
