"""Two ways to send a JSON body by HTTP POST. They know nothing of retries or of what the bodies mean."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import ssl
from collections.abc import AsyncIterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urlsplit

from harness import __version__
from harness.errors import ModelErrorKind
from harness.trust import LOOPBACK

LARGEST_REPLY = 64 * 2**20
"""Bytes, unpacked; no larger reply is taken."""

CONNECT_WITHIN_S = 15.0
"""Seconds for making a connection; firewalls let such a request wait for ever."""

PROBE_WITHIN_S = 15.0


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, whatever its status. Names of headers are in lower case; a reply of status 200 comes without
    headers."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class TransportError(Exception):
    """No reply that can be used. `kind` is unreachable if no connection could be made, transient if it was dropped,
    timeout if the time was up, and bad_response if the reply is too large."""

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

    async def beside(self, path: str, body: Mapping[str, Any]) -> Reply | None:
        """As `post`, of an endpoint that stands beside the API's /v1; None if there can be none."""

    async def models(self, within_s: float) -> Any:
        """The JSON of the server's list of models, None if it can't be had within `within_s` seconds."""

    async def probe(self) -> str:
        """Why the server does not answer, in words; "" if it does, whatever it says."""

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

        self._errors, self._unconnected = aiohttp.ClientError, aiohttp.ClientConnectorError
        self._late = aiohttp.ServerTimeoutError
        local = urlsplit(self._base_url).hostname in LOOPBACK
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._connections),
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._timeout, sock_connect=min(CONNECT_WITHIN_S, self._timeout)),
            headers=self._headers,
            trust_env=not local,  # a proxy can't reach this machine's loopback
        )
        self._url = URL
        self._urls: dict[str, Any] = {}

    async def post(self, path: str, body: Mapping[str, Any]) -> Reply:
        """See Transport.post."""
        return await self._post(self._base_url + path, body)

    async def beside(self, path: str, body: Mapping[str, Any]) -> Reply | None:
        """See Transport.beside."""
        return await self._post(self._base_url.removesuffix("/v1") + path, body)

    async def _post(self, address: str, body: Mapping[str, Any]) -> Reply:
        url = self._urls.get(address) or self._urls.setdefault(address, self._url(address))
        try:
            async with self._session.post(url, data=json.dumps(body).encode(), allow_redirects=False) as response:
                content = await self._read(response)
                headers = {k.lower(): v for k, v in response.headers.items()} if response.status != 200 else {}
                return Reply(response.status, headers, content)
        except self._late:
            raise _no_connection_in_time(self._timeout) from None
        except TimeoutError:
            raise TransportError(f"no answer within {self._timeout:g} s", "timeout") from None
        except (self._errors, OSError) as error:
            raise _failure(error, isinstance(error, self._unconnected)) from None

    async def probe(self) -> str:
        """See Transport.probe."""
        try:
            url = self._url(self._base_url + "/models")
            async with asyncio.timeout(PROBE_WITHIN_S), self._session.get(url, allow_redirects=False) as response:
                return _absence(response.status)
        except TimeoutError:
            return f"no answer within {PROBE_WITHIN_S:g} s"
        except (self._errors, OSError) as error:
            return str(_failure(error, isinstance(error, self._unconnected)))

    async def models(self, within_s: float) -> Any:
        """See Transport.models."""
        try:
            url = self._url(self._base_url + "/models")
            async with asyncio.timeout(within_s), self._session.get(url, allow_redirects=False) as response:
                return json.loads(await self._read(response)) if response.status == 200 else None
        except (self._errors, OSError, TransportError, ValueError, RecursionError):  # TimeoutError is an OSError
            return None

    async def _read(self, response: Any) -> bytes:
        return await _bounded(response.content.iter_any(), response.content_length or 0)

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

        async def bounded(response: Any) -> None:
            """Read no more of a reply than is taken: the package reads all of it, of errors too."""
            response._content = await _bounded(response.aiter_bytes())

        self._openai = openai
        # The package would follow a redirect to anywhere with the prompts.
        client = openai.DefaultAsyncHttpxClient(follow_redirects=False, event_hooks={"response": [bounded]})
        timeout = openai.Timeout(self._timeout, connect=min(CONNECT_WITHIN_S, self._timeout))
        common: dict[str, Any] = {
            "api_key": self._key, "timeout": timeout, "max_retries": 0, "http_client": client,
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
        except (self._openai.APITimeoutError, TimeoutError) as error:
            if type(error.__cause__).__name__ == "ConnectTimeout":
                raise _no_connection_in_time(self._timeout) from None
            raise TransportError(f"no answer within {self._timeout:g} s", "timeout") from None
        except self._openai.APIStatusError as error:
            return Reply(
                error.status_code, {k.lower(): v for k, v in error.response.headers.items()}, error.response.content
            )
        except self._openai.APIConnectionError as error:
            raise self._failure(error) from None

    async def beside(self, path: str, body: Mapping[str, Any]) -> Reply | None:
        """See Transport.beside. The package knows the API alone."""
        return None

    def _failure(self, error: BaseException) -> TransportError:
        cause = error.__cause__ or error
        # The package has had two HTTP clients, whose exceptions have the same names.
        unconnected = type(cause).__name__ in ("ConnectError", "ProxyError")
        return cause if isinstance(cause, TransportError) else _failure(cause, unconnected)

    async def probe(self) -> str:
        """See Transport.probe."""
        try:
            await asyncio.wait_for(self._client.models.with_raw_response.list(), PROBE_WITHIN_S)
        except (self._openai.APITimeoutError, TimeoutError):
            return f"no answer within {PROBE_WITHIN_S:g} s"
        except self._openai.APIStatusError as error:
            return _absence(error.status_code)
        except self._openai.APIConnectionError as error:
            failure = self._failure(error)
            return str(failure) if failure.kind != "bad_response" else ""
        except (self._openai.OpenAIError, ValueError):
            pass  # an odd answer is one
        return ""

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


async def _bounded(chunks: AsyncIterable[bytes], announced: int = 0) -> bytes:
    """A reply from its parts. Raises TransportError as soon as it is too large, or before if its length says so."""
    too_large = TransportError(f"the reply is larger than {LARGEST_REPLY >> 20} MiB", "bad_response")
    if announced > LARGEST_REPLY:
        raise too_large
    read, size = [], 0
    async for chunk in chunks:
        read.append(chunk)
        size += len(chunk)
        if size > LARGEST_REPLY:
            raise too_large
    return b"".join(read)


ABSENT = (502, 503, 504)
"""What a gateway says if there is no server behind it."""


def _absence(status: int) -> str:
    return f"a gateway answers with {status}" if status in ABSENT else ""


def _no_connection_in_time(timeout: float) -> TransportError:
    return TransportError(f"no connection within {min(CONNECT_WITHIN_S, timeout):g} s", "unreachable")


_WORDS = {
    errno.ECONNREFUSED: "connection refused",
    errno.EHOSTUNREACH: "there is no route to it",
    errno.ENETUNREACH: "the network can't be reached",
}


def _failure(error: BaseException, connecting: bool) -> TransportError:
    """A client's exception in words of our own; `connecting` if there was no connection yet."""
    if not connecting:
        broken = type(error).__name__ in ("ClientPayloadError", "ClientResponseError", "RemoteProtocolError")
        broken = broken and "disconnected" not in str(error)
        what = "the reply broke off, or is not HTTP" if broken else "the connection was closed before the reply"
        return TransportError(what, "transient")
    causes = list(_causes(error))
    what = next((said for cause in causes if (said := _in_words(cause))), f"no connection ({type(error).__name__})")
    proxy = "the proxy of the environment (HTTP_PROXY, HTTPS_PROXY): " if "Proxy" in type(error).__name__ else ""
    return TransportError(proxy + what, "unreachable")


def _in_words(cause: BaseException) -> str:
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = getattr(cause, "verify_message", "")  # aiohttp's own exception of this class has none, its cause does
        return f"its TLS certificate is not accepted ({why})" if why else ""
    if isinstance(cause, ssl.SSLError):
        return "it does not speak TLS (is it http:// instead of https://?)"
    if isinstance(cause, socket.gaierror) or "DNS" in type(cause).__name__:
        return "no address is known for that name (DNS)"
    return _WORDS.get(cause.errno or 0, "") if isinstance(cause, OSError) else ""


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An exception and what it was raised from, the nearest first; at most ten of them."""
    waiting = [error]
    for _ in range(10):
        if not waiting:
            return
        yield (found := waiting.pop(0))
        linked = [getattr(found, "os_error", None), getattr(found, "certificate_error", None)]
        linked += [found.__cause__, found.__context__]
        linked += found.exceptions if isinstance(found, BaseExceptionGroup) else ()
        waiting += [cause for cause in linked if cause is not None]
