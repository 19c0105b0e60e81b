"""Replies that are no HTTP, or none of this API: each is an error that is asked again, whatever client reads it."""

import asyncio
import contextlib
import json

import pytest

from harness.errors import FatalModelError, ModelError
from harness.models import openai_api, transport
from harness.models.openai_api import OpenAICompatible
from harness.types import Completion, Message, ModelOptions, Request, Sampling

GOOD = json.dumps({"choices": [{"message": {"content": "7"}, "finish_reason": "stop"}]}).encode()


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(openai_api, "BACKOFF_BASE_S", 0.001)
    monkeypatch.setattr(transport, "LARGEST_REPLY", 2**20)
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def whole(body: bytes, head: str = "Content-Type: application/json", status: str = "200 OK") -> bytes:
    return f"HTTP/1.1 {status}\r\nConnection: close\r\n{head}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def answered(reply: bytes, client: str) -> tuple[Completion | ModelError, int]:
    """(what becomes of a reply that a server always gives, number of requests)."""

    async def run() -> tuple[Completion | ModelError, int]:
        asked = 0

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal asked
            head = await reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"POST"):
                asked += 1
                writer.write(reply)
            else:
                writer.write(whole(b"{}"))
            with contextlib.suppress(ConnectionError):  # the client reads no more of it
                await writer.drain()
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            model = OpenAICompatible("mock", ModelOptions(url, max_retries=1, extra={"client": client}))
            await model.start()
            try:
                return await model.complete(Request((Message("user", "7?"),), Sampling())), asked
            except ModelError as error:
                return error, asked
            finally:
                await model.close()

    return asyncio.run(run())


CHUNKED = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
BROKEN = {
    "HTML": (whole(b"<html>nginx</html>", "Content-Type: text/html"), "bad_response", "the reply is not JSON"),
    "empty": (whole(b""), "bad_response", "the reply is not JSON"),
    "no choices": (whole(b"{}"), "bad_response", "the reply holds no choices"),
    "half": (whole(GOOD)[:-9], "transient", "the reply broke off, or is not HTTP"),
    "garbage in chunks": (f"{CHUNKED}zz\r\n".encode() + GOOD, "transient", "the reply broke off, or is not HTTP"),
    "half of the chunks": (f"{CHUNKED}5\r\n12345".encode(), "transient", "the reply broke off, or is not HTTP"),
    "no gzip": (whole(GOOD, "Content-Encoding: gzip"), "transient", ""),
    "no HTTP": (b"220 smtp ready\r\n\r\n", "transient", "the reply broke off, or is not HTTP"),
    "huge": (whole(b" " * 2**21), "bad_response", "the reply is larger than 1 MiB"),
    "huge error": (whole(b" " * 2**21, status="500 No"), "bad_response", "the reply is larger than 1 MiB"),
}


@pytest.mark.parametrize("client", ["aiohttp", "openai"])
@pytest.mark.parametrize("name", BROKEN)
def test_a_reply_that_is_broken_is_asked_again_and_told(name: str, client: str) -> None:
    reply, kind, said = BROKEN[name]
    made, requests = answered(reply, client)
    assert isinstance(made, ModelError)
    assert not isinstance(made, FatalModelError)
    assert (made.kind, requests) == (kind, 2)
    assert said in made.message


ODD = {
    "another content type": whole(GOOD, "Content-Type: text/html"),
    "no content type": whole(GOOD, "X: y"),
    "invalid UTF-8 elsewhere": whole(GOOD[:-1] + b', "x": "\xff\xfe"}'),
    "several choices": whole(GOOD.replace(b"}]}", b'}, {"message": {"content": "8"}, "finish_reason": "error"}]}')),
    "no end but the connection's": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n" + GOOD,
}


@pytest.mark.parametrize("client", ["aiohttp", "openai"])
@pytest.mark.parametrize("name", ODD)
def test_an_answer_in_an_odd_wrapping_is_an_answer(name: str, client: str) -> None:
    made, requests = answered(ODD[name], client)
    assert isinstance(made, Completion), made
    assert (made.text, made.stop_reason, requests) == ("7", "stop", 1)
