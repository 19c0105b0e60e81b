"""A server that is not there, goes away or comes back: looked for by one request, waited for by all."""

import asyncio
import contextlib
import errno
import itertools
import socket
import ssl
from collections.abc import AsyncIterator

import pytest
from mock_server import Faults, MockServer

from harness.errors import FatalModelError, ModelError
from harness.models import health, openai_api, transport
from harness.models.health import IN_A_ROW, PROBES_AT_FIRST, Health
from harness.models.openai_api import OpenAICompatible
from harness.types import Completion, Message, ModelOptions, Request, Sampling, Waits
from tests.waiting import HANG, until_async

CLIENTS = ["aiohttp", "openai"]
REFUSED = "connection refused"


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(openai_api, "BACKOFF_BASE_S", 0.001)
    monkeypatch.setattr(health, "FIRST_WAIT_S", 0.01)
    monkeypatch.setattr(health, "LONGEST_WAIT_S", 0.05)
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


@contextlib.asynccontextmanager
async def started(
    base_url: str, retries: int = 0, timeout: float = HANG, **extra: str
) -> AsyncIterator[OpenAICompatible]:
    model = OpenAICompatible("mock", ModelOptions(base_url, max_retries=retries, timeout=timeout, extra=extra))
    await model.start()
    try:
        yield model
    finally:
        await model.close()


def about(i: int) -> Request:
    return Request((Message("user", f"Alice has {i} sisters"),), Sampling())


async def ask(model: OpenAICompatible, count: int) -> list:
    return await asyncio.gather(*(model.complete(about(i)) for i in range(count)), return_exceptions=True)


# --- one that was never there ---


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_was_never_there_ends_all_requests_after_a_few_tries(client: str) -> None:
    async def run(url: str) -> list:
        async with started(url, retries=5, client=client) as model:
            return await ask(model, 20)

    with socket.socket() as taken:  # nobody listens there, and nobody else gets the port
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/v1"
        answers = asyncio.run(run(url))
    assert {type(a) for a in answers} == {FatalModelError}
    assert {(a.kind, a.message) for a in answers} == {("unreachable", f"nothing answers at {url}: {REFUSED}")}
    assert "is the server running" in answers[0].hint


@pytest.mark.parametrize("client", CLIENTS)
def test_a_tunnel_with_nothing_behind_it_is_no_server(client: str) -> None:
    """It takes every connection and closes it."""

    async def run() -> tuple[list, int]:
        connections = 0

        async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            nonlocal connections
            connections += 1
            writer.close()

        async with await asyncio.start_server(close, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            async with started(url, retries=100, client=client) as model:
                return await ask(model, 2), connections

    answers, connections = asyncio.run(run())
    assert {(type(a), a.kind) for a in answers} == {(FatalModelError, "unreachable")}
    assert "the connection was closed before the reply" in answers[0].message
    assert connections < 50


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_takes_connections_and_never_says_a_word_is_none(client: str, monkeypatch) -> None:
    monkeypatch.setattr(transport, "PROBE_WITHIN_S", 0.05)
    over = asyncio.Event()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await over.wait()
        writer.close()

    async def run() -> list:
        async with await asyncio.start_server(silent, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
            async with started(url, retries=100, timeout=0.05, client=client) as model:
                answers = await ask(model, 4)
            over.set()
            return answers

    answers = asyncio.run(run())
    assert {(type(a), a.kind) for a in answers} == {(FatalModelError, "unreachable")}
    assert "no answer within 0.05 s" in answers[0].message


@pytest.mark.parametrize("client", CLIENTS)
def test_https_to_a_server_without_it_is_told(client: str) -> None:
    async def run(url: str) -> list:
        async with started(url, client=client) as model:
            return await ask(model, 1)

    with MockServer() as server:
        (error,) = asyncio.run(run(server.base_url.replace("http:", "https:")))
    assert "it does not speak TLS (is it http:// instead of https://?)" in error.message


def chained(*errors: BaseException) -> BaseException:
    for error, cause in itertools.pairwise(errors):
        error.__cause__ = cause
    return errors[0]


CERTIFICATE = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] ... (_ssl.c:992)")
CERTIFICATE.verify_message = "self-signed certificate"


@pytest.mark.parametrize(
    ("cause", "said"),
    [
        (ConnectionRefusedError(errno.ECONNREFUSED, "x"), REFUSED),
        (OSError(errno.EHOSTUNREACH, "x"), "there is no route to it"),
        (socket.gaierror(-2, "Name or service not known"), "no address is known for that name (DNS)"),
        (CERTIFICATE, "its TLS certificate is not accepted (self-signed certificate)"),
        (ExceptionGroup("tried", [OSError(errno.ENETUNREACH, "x")]), "the network can't be reached"),
        (ValueError("<object at 0x7f>"), "no connection (RuntimeError)"),
    ],
)
def test_why_there_is_no_connection_is_said_in_our_words(cause: BaseException, said: str) -> None:
    error = transport._failure(chained(RuntimeError("Cannot connect ssl:default"), OSError("all failed"), cause), True)
    assert (str(error), error.kind) == (said, "unreachable")


# --- one that goes away ---


@pytest.mark.parametrize("client", CLIENTS)
def test_a_server_that_goes_away_is_waited_for_and_no_try_is_lost(client: str) -> None:
    async def run() -> tuple[list, list, str]:
        with MockServer() as first:
            async with started(first.base_url, client=client) as model:
                before = await ask(model, 8)
                await asyncio.to_thread(first.__exit__)
                asked = asyncio.create_task(ask(model, 8))
                await until_async(lambda: model.waiting, "the requests wait")
                assert isinstance(model, Waits)
                waiting = model.waiting
                with MockServer(port=first.port):
                    after = await asked
                    assert model.waiting == ""
                first.__enter__()
                return before, after, waiting

    before, after, waiting = asyncio.run(run())
    assert {(type(a), a.retries) for a in (*before, *after)} == {(Completion, 0)}
    assert f"({REFUSED}): waiting for it" in waiting


def test_a_server_that_does_not_come_back_ends_the_run(monkeypatch) -> None:
    async def run() -> list:
        with MockServer() as server:
            async with started(server.base_url, retries=5, patience="0.1") as model:
                await ask(model, 1)
                await asyncio.to_thread(server.__exit__)
                answers = await ask(model, 8)
                server.__enter__()
                return answers

    answers = asyncio.run(run())
    assert {(type(a), a.kind) for a in answers} == {(FatalModelError, "unreachable")}
    assert "went away and was waited for 0.1 s" in answers[0].message


def test_a_server_that_is_there_and_drops_a_request_is_no_server_that_is_away() -> None:
    """Then the tries count: a prompt that breaks a server is not asked for ever."""

    async def run(url: str) -> list:
        async with started(url, retries=3) as model:
            return await ask(model, 10)

    with MockServer(Faults(dropped=1.0)) as server:
        answers = asyncio.run(run(server.base_url))
        assert server.counters.requests == 40
    assert {(type(a), a.kind) for a in answers} == {(ModelError, "transient")}


# --- the shared answer ---


class Probe:
    """Says what it was told to, one by one, then that the server is there."""

    def __init__(self, *says: str) -> None:
        self.says, self.asked = list(says), 0

    async def __call__(self) -> str:
        self.asked += 1
        await asyncio.sleep(0)
        return self.says.pop(0) if self.says else ""


def looked(probe: Probe, failures: int, unreachable: bool, answered: bool = True) -> list:
    async def run() -> list:
        watched = Health("there", probe, 60.0, "hint")
        if answered:
            watched.replied()
        waits = (watched.failed("refused", unreachable) for _ in range(failures))
        return await asyncio.gather(*waits, return_exceptions=True)

    return asyncio.run(run())


def test_all_requests_wait_and_one_of_them_looks() -> None:
    probe = Probe("refused", "refused")
    assert looked(probe, 50, unreachable=True) == [True] * 50
    assert probe.asked == 3


def test_a_try_counts_if_the_server_was_there_all_the_time() -> None:
    assert looked(Probe(), 3, unreachable=True) == [False] * 3


def test_dropped_connections_are_looked_into_only_if_many_come_in_a_row() -> None:
    probe = Probe("dropped")
    assert looked(probe, IN_A_ROW - 1, unreachable=False) == [False] * (IN_A_ROW - 1)
    assert probe.asked == 0
    assert looked(probe, IN_A_ROW, unreachable=False)[-1] is True


def test_a_server_that_has_never_answered_is_looked_for_a_few_times_only() -> None:
    probe = Probe(*["refused"] * 100)
    ends = looked(probe, 5, unreachable=True, answered=False)
    assert probe.asked == PROBES_AT_FIRST
    assert {str(end) for end in ends} == {"nothing answers at there: refused"}


def test_nothing_is_sent_while_one_request_looks_and_nothing_after_it_gave_up() -> None:
    async def run(probe: Probe, answered: bool) -> None:
        watched = Health("there", probe, 60.0, "hint")
        if answered:
            watched.replied()
        looks = asyncio.create_task(watched.failed("refused", unreachable=True))
        await until_async(lambda: probe.asked, "one request looks")
        with contextlib.nullcontext() if answered else pytest.raises(FatalModelError):
            await watched.turn()
        assert probe.says == [], "a turn comes when the server is back, or was given up"
        await asyncio.gather(looks, return_exceptions=True)

    asyncio.run(run(Probe("refused", "refused"), answered=True))
    asyncio.run(run(Probe(*["refused"] * PROBES_AT_FIRST), answered=False))
