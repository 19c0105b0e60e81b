"""Two ways to send a JSON body by HTTP POST. They know nothing of retries or of what the bodies mean."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from harness import __version__
from harness.errors import ModelErrorKind

LARGEST_REPLY = 64 * 2**20
"""Bytes; AiohttpTransport takes no larger reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status. Names of headers are in lower case; a reply of status 200 comes without
    headers."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(Exception):
    """No reply: the connection was refused or dropped, or the time was up."""

    def __init__(self, message: str, kind: ModelErrorKind) -> None:
        super().__init__(message)
        self.kind = kind


class Transport(Protocol):
    """A connection to a server's API."""

    async def open(self) -> None:
        """Prepare connections. Called once, before anything else."""
        ...

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """The reply to a JSON body at a path of the API, whatever its status. Raises TransportError if no whole reply
        comes within the time."""

    async def models(self, within_s: float) -> Any:
        """The JSON of the server's list of models, None if it can't be had within `within_s` seconds."""

    async def close(self) -> None:
        """Close the connections."""
        ...


class AiohttpTransport:
    """The lean transport: a shared session, keep-alive, no redirects, no cookies."""

    def __init__(self, base_url: str, key: str | None, timeout: float, connections: int) -> None:
        self._base_url, self._timeout, self._connections = base_url, timeout, connections
        self._headers = {"Content-Type": "application/json", "User-Agent": f"harness/{__version__}"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"

    async def open(self) -> None:
        """See Transport.open."""
        import aiohttp
        from yarl import URL

        self._errors = aiohttp.ClientError
        local = urlsplit(self._base_url).hostname in ("localhost", "127.0.0.1", "::1")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout),
            headers=self._headers,
            trust_env=not local,  # a proxy can't reach this machine's loopback
        )
        self._url = URL
        self._urls: dict[str, Any] = {}

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """See Transport.post."""
        url = self._urls.get(path) or self._urls.setdefault(path, self._url(self._base_url + path))
        try:
            async with self._session.post(url, data=json.dumps(body).encode(), allow_redirects=False) as response:
                content = await self._read(response)
                headers = {k.lower(): v for k, v in response.headers.items()} if response.status != 200 else {}
                return Reply(response.status, headers, content)
        except TimeoutError:
            raise TransportError(f"no answer within {self._timeout:g} s", "timeout") from None
        except (self._errors, OSError) as error:
            raise TransportError(_cause(error), "transient") from None

    async def models(self, within_s: float) -> Any:
        """See Transport.models."""
        try:
            url = self._url(self._base_url + "/models")
            async with asyncio.timeout(within_s), self._session.get(url, allow_redirects=False) as response:
                return json.loads(await self._read(response)) if response.status == 200 else None
        except (self._errors, OSError, TransportError, ValueError, RecursionError):  # TimeoutError is an OSError
            return None

    async def _read(self, response: Any) -> bytes:
        if (response.content_length or 0) > LARGEST_REPLY:
            raise TransportError(f"the reply is larger than {LARGEST_REPLY >> 20} MiB", "bad_response")
        chunks, size = [], 0
        async for chunk in response.content.iter_any():
            chunks.append(chunk)
            size += len(chunk)
            if size > LARGEST_REPLY:
                raise TransportError(f"the reply is larger than {LARGEST_REPLY >> 20} MiB", "bad_response")
        return b"".join(chunks)

    async def close(self) -> None:
        """See Transport.close."""
        await self._session.close()


class OpenAITransport:
    """The openai package, without its retries: it knows hosted models, Azure and the responses endpoint."""

    def __init__(
        self,
        base_url: str,
        key: str | None,
        timeout: float,
        connections: int,
        azure_endpoint: str | None = None,
        api_version: str | None = None,
    ) -> None:
        self._base_url, self._key, self._timeout, self._connections = base_url, key or "EMPTY", timeout, connections
        self._azure_endpoint, self._api_version = azure_endpoint, api_version

    async def open(self) -> None:
        """See Transport.open."""
        import openai

        self._openai = openai
        # The package would follow a redirect to anywhere with the prompts.
        client = openai.DefaultAsyncHttpxClient(follow_redirects=False)
        common: dict[str, Any] = {
            "api_key": self._key, "timeout": self._timeout, "max_retries": 0, "http_client": client,
        }  # fmt: skip
        if self._azure_endpoint:
            self._client: Any = openai.AsyncAzureOpenAI(
                azure_endpoint=self._azure_endpoint, api_version=self._api_version or "2024-10-21", **common
            )
        else:
            self._client = openai.AsyncOpenAI(base_url=self._base_url, **common)

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """See Transport.post."""
        call = {
            "/chat/completions": self._client.chat.completions,
            "/completions": self._client.completions,
            "/responses": self._client.responses,
        }[path].with_raw_response.create
        known = {"model", "messages", "prompt", "input"}
        try:
            # What the package does not insist on goes as it is: our names are the wire's names.
            raw = await asyncio.wait_for(
                call(
                    **{k: v for k, v in body.items() if k in known},
                    extra_body={k: v for k, v in body.items() if k not in known},
                ),
                self._timeout,
            )
            return Reply(200, {}, raw.content if isinstance(raw.content, bytes) else raw.http_response.content)
        except (self._openai.APITimeoutError, TimeoutError):
            raise TransportError(f"no answer within {self._timeout:g} s", "timeout") from None
        except self._openai.APIStatusError as error:
            return Reply(
                error.status_code, {k.lower(): v for k, v in error.response.headers.items()}, error.response.content
            )
        except self._openai.APIConnectionError as error:
            raise TransportError(_cause(error.__cause__ or error), "transient") from None

    async def models(self, within_s: float) -> Any:
        """See Transport.models."""
        try:
            raw = await asyncio.wait_for(self._client.models.with_raw_response.list(), within_s)
            return json.loads(raw.http_response.content)
        except (self._openai.OpenAIError, TimeoutError, ValueError, RecursionError):
            return None

    async def close(self) -> None:
        """See Transport.close."""
        await self._client.close()


def _cause(error: BaseException) -> str:
    """An exception on one line, without addresses of objects."""
    return f"{type(error).__name__}: {error}".replace("\n", " ")[:300].rstrip(": ")
