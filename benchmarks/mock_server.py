"""A mock OpenAI-compatible server on the loopback interface: deterministic answers, latency, faults, counters.

    python benchmarks/mock_server.py --port 0 --latency-ms 50

prints its URL. In tests: `with MockServer(Faults(error_500=0.3)) as server: ... server.base_url`.
What happens to a request depends on its body and on how often that body has come before, never on time or order.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import itertools
import json
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

HANG = 900.0
"""Seconds after which the end of the server is waited for no longer: it ends a hang and nothing else."""


@dataclass(frozen=True)
class Faults:
    """What goes wrong. The first five are shares (0 to 1) of attempts, which add up: an attempt has at most one."""

    rate_limited: float = 0.0
    error_500: float = 0.0
    dropped: float = 0.0
    garbage: float = 0.0
    slow: float = 0.0
    slow_s: float = 5.0
    retry_after: str | None = None
    status: int | None = None
    """Answer everything with this status."""
    body: bytes | None = None
    """Answer everything with these bytes."""
    location: str | None = None
    """Redirect there (with `status`)."""
    context: int | None = None
    """Refuse, in vLLM's words, a request that is longer than this together with its `max_tokens`; a token is four
    characters."""
    tells_context: bool = False
    """State the context length in the list of models too."""
    text: str | None = None
    """Answer everything with this text in a well-formed reply."""
    die_after: int | None = None
    """Drop every connection after so many answers, until `revive`."""
    back_after: int | None = None
    """With `die_after`: revive by itself after so many dropped connections."""
    hold_after: int | None = None
    """After so many answers keep all others waiting, until `release`."""


@dataclass
class Counters:
    """Counts of requests; `by_prompt` and `answered_by_prompt` by the hash of the body."""

    requests: int = 0
    answered: int = 0
    concurrent: int = 0
    most_concurrent: int = 0
    held: int = 0
    """Requests that `hold_after` keeps waiting."""
    by_status: Counter[str] = field(default_factory=Counter)
    by_prompt: Counter[str] = field(default_factory=Counter)
    answered_by_prompt: Counter[str] = field(default_factory=Counter)
    by_authorization: Counter[str] = field(default_factory=Counter)
    """By what the header Authorization says, "" for none."""


def chance(*parts: object) -> float:
    """A number in [0, 1) that depends on the parts alone."""
    return int.from_bytes(hashlib.sha256(repr(parts).encode()).digest()[:7], "big") / 2**56


def answer(prompt: str) -> str:
    """An answer with the stated number of sisters, or one more; which of the two depends on the prompt's hash."""
    words = prompt.split()
    stated = [int(n) for n, what in itertools.pairwise(words) if n.isdigit() and what.startswith("sister")]
    return f"### Answer: {(stated or [0])[0] + (chance(prompt) < 0.5)}"


class MockServer:
    """The server, in a thread of its own if used as a context manager. With `port` 0 it takes a free one."""

    def __init__(
        self,
        faults: Faults = Faults(),
        latency_s: float = 0.0,
        port: int = 0,
        reply: Callable[[str], str] | None = None,
        respond: Callable[[str, dict[str, Any]], dict[str, Any] | None] | None = None,
    ) -> None:
        """`reply` makes an answer of the last message; without it, see `answer`. `respond` makes a whole reply of a
        path (without /v1) and a body, in place of that; None is a 404. It also answers /tokenize and /detokenize."""
        self.faults, self.latency_s, self.port, self.reply = faults, latency_s, port, reply or answer
        self.respond = respond
        self.counters = Counters()
        self.revived = False

    @property
    def base_url(self) -> str:
        """What clients take as their base URL, ending in /v1."""
        return f"http://127.0.0.1:{self.port}/v1"

    def revive(self) -> None:
        """Answer again after `die_after` has ended the answers."""
        self.revived = True

    def release(self) -> None:
        """End what `hold_after` began."""
        self._loop.call_soon_threadsafe(self._released.set)

    def __enter__(self) -> MockServer:
        ready = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self.serve(ready)), daemon=True)
        self._thread.start()
        while not ready.wait(0.1):
            if not self._thread.is_alive():
                raise RuntimeError("the mock server did not start")
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(HANG)
        if self._thread.is_alive():
            raise RuntimeError(f"a hang, not a slow machine: the mock server has not ended after {HANG:g} s")

    async def serve(self, ready: threading.Event | None = None) -> None:
        """Serve until stopped. Sets `self.port` to the real port, then `ready`; without `ready`, prints the URL."""
        self._loop, self._stop, self._released = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event()
        app = web.Application(client_max_size=64 * 2**20)
        app.add_routes(
            [web.post(f"/v1/{path}", self._complete) for path in ("chat/completions", "completions", "responses")]
            + [
                web.get("/v1/models", self._models),
                web.post("/tokenize", self._beside),
                web.post("/detokenize", self._beside),
                web.get("/health", self._health),
                web.get("/counters", self._counted),
            ]
        )
        runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", self.port, reuse_address=True)
        await site.start()
        self.port = runner.addresses[0][1]
        if ready:
            ready.set()
        else:
            print(self.base_url, flush=True)
        await self._stop.wait()
        await runner.cleanup()

    async def _models(self, _: web.Request) -> web.Response:
        told = {"max_model_len": self.faults.context} if self.faults.tells_context else {}
        return web.json_response({"object": "list", "data": [{"id": "mock", "object": "model", **told}]})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response()

    async def _beside(self, request: web.Request) -> web.Response:
        made = self.respond(request.path, await request.json()) if self.respond else None
        return web.json_response(status=404) if made is None else web.json_response(made)

    async def _counted(self, _: web.Request) -> web.Response:
        return web.json_response({k: v for k, v in vars(self.counters).items() if not isinstance(v, Counter)})

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        c = self.counters
        c.requests += 1
        c.by_authorization[request.headers.get("Authorization", "")] += 1
        c.concurrent += 1
        c.most_concurrent = max(c.most_concurrent, c.concurrent)
        try:
            return await self._respond(request)
        finally:
            c.concurrent -= 1

    async def _respond(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        prompt = _prompt(body)
        key = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        self.counters.by_prompt[key] += 1
        attempt = self.counters.by_prompt[key]
        if self.latency_s:
            await asyncio.sleep(self.latency_s)
        f = self.faults
        if f.back_after is not None and self.counters.by_status["dropped"] >= f.back_after:
            self.revived = True
        dead = f.die_after is not None and self.counters.answered >= f.die_after and not self.revived
        fault = "dropped" if dead else self._fault(key, attempt)
        self.counters.by_status[fault] += 1
        if fault == "rate_limited":
            headers = {"Retry-After": f.retry_after} if f.retry_after else {}
            return web.json_response(
                {"error": {"message": "slow down", "code": "rate_limit"}}, status=429, headers=headers
            )
        if fault == "error_500":
            return web.json_response({"error": {"message": "it broke"}}, status=500)
        if fault == "dropped":
            assert request.transport
            request.transport.abort()
            return web.Response()
        if fault == "garbage":
            return web.Response(text="<html>not what you wanted</html>")
        if fault == "slow":
            await asyncio.sleep(f.slow_s)
        if f.status is not None and f.location is not None:
            return web.Response(status=f.status, headers={"Location": f.location})
        if f.status is not None and f.body is not None:
            return web.Response(status=f.status, body=f.body, content_type="application/json")
        asked, took = body.get("max_tokens", 0), max(1, len(prompt) // 4)
        if f.context is not None and asked + took > f.context:
            said = (
                f"'max_tokens' or 'max_completion_tokens' is too large: {asked}. This model's maximum context length "
            )
            said += f"is {f.context} tokens and your request has {took} input tokens ({asked} > {f.context} - {took})."
            return web.json_response(
                {"object": "error", "type": "BadRequestError", "code": 400, "message": said}, status=400
            )
        if f.status is not None:
            quoted = f"refused, you sent {request.headers.get('Authorization')}"
            return web.json_response({"error": {"message": quoted, "code": f.text}}, status=f.status)
        if f.hold_after is not None and self.counters.answered >= f.hold_after:
            self.counters.held += 1
            await self._released.wait()
            self.counters.held -= 1
        self.counters.answered += 1
        self.counters.answered_by_prompt[key] += 1
        if f.body is not None:
            return web.Response(body=f.body, content_type="application/json")
        if self.respond:
            made = self.respond(request.path.removeprefix("/v1"), body)
            return web.json_response(status=404) if made is None else web.json_response(made)
        return web.json_response(
            _reply(request.path, body, f.text if f.text is not None else self.reply(prompt), prompt)
        )

    def _fault(self, key: str, attempt: int) -> str:
        drawn = chance(key, attempt)
        for name in ("rate_limited", "error_500", "dropped", "garbage", "slow"):
            share = getattr(self.faults, name)
            if drawn < share:
                return name
            drawn -= share
        return "ok"


def _prompt(body: dict[str, Any]) -> str:
    messages = body.get("messages") or body.get("input")
    return str(messages[-1]["content"]) if messages else str(body.get("prompt", ""))


def _reply(path: str, body: dict[str, Any], text: str, prompt: str) -> dict[str, Any]:
    """A well-formed reply of the endpoint at `path`."""
    n_in, n_out = max(1, len(prompt) // 4), max(1, len(text) // 4)
    if path.endswith("/responses"):
        output = [{"type": "message", "role": "assistant", "id": "m", "status": "completed",
                   "content": [{"type": "output_text", "text": text, "annotations": []}]}]  # fmt: skip
        usage = {"input_tokens": n_in, "output_tokens": n_out, "total_tokens": n_in + n_out}
        return {"id": "r", "object": "response", "created_at": 0, "model": body.get("model"), "status": "completed",
                "output": output, "usage": usage}  # fmt: skip
    chat = path.endswith("/chat/completions")
    choice: dict[str, Any] = {"index": 0, "finish_reason": "stop"}
    choice |= {"message": {"role": "assistant", "content": text}} if chat else {"text": text}
    if body.get("logprobs") and chat:
        top = [{"token": text, "logprob": -0.5}, {"token": "other", "logprob": -1.5}]
        choice["logprobs"] = {"content": [{"token": text, "logprob": -0.5, "top_logprobs": top}]}
    elif body.get("logprobs"):
        choice["logprobs"] = {"tokens": [text], "token_logprobs": [-0.5], "top_logprobs": [{text: -0.5}]}
    usage = {"prompt_tokens": n_in, "completion_tokens": n_out, "total_tokens": n_in + n_out}
    kind = "chat.completion" if chat else "text_completion"
    return {"id": "c", "object": kind, "created": 0, "model": body.get("model"), "choices": [choice], "usage": usage}


def main() -> None:
    """Serve with the faults of the command line until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency-ms", type=float, default=0.0)
    for name in ("rate-limited", "error-500", "dropped", "garbage", "slow"):
        parser.add_argument(f"--{name}", type=float, default=0.0, help="share of attempts")
    parser.add_argument("--retry-after")
    a = parser.parse_args()
    faults = Faults(a.rate_limited, a.error_500, a.dropped, a.garbage, a.slow, retry_after=a.retry_after)
    asyncio.run(MockServer(faults, a.latency_ms / 1000, a.port).serve())


if __name__ == "__main__":
    main()
