"""The OpenAI-compatible backend against a real HTTP server that misbehaves as servers do."""

import asyncio
import contextlib
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mock_server import Faults, MockServer

from harness.errors import FatalModelError, ModelError, UsageError
from harness.models import openai_api, wire
from harness.models.openai_api import OpenAICompatible
from harness.types import Completion, Message, ModelOptions, Request, Sampling
from tests.waiting import HANG, until_async

ALICE = "Alice has 3 brothers and she also has 6 sisters. How many?"
CLIENTS = ["aiohttp", "openai"]
DEFAULT = Sampling()


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    """Waits shrink, so that what is tested is their order and their end."""
    monkeypatch.setattr(openai_api, "BACKOFF_BASE_S", 0.001)
    monkeypatch.setattr(openai_api, "RETRY_AFTER_CAP_S", 0.3)
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def ask(
    server: MockServer,
    *prompts: str,
    sampling: Sampling = DEFAULT,
    retries: int = 5,
    timeout: float = HANG,
    api_key_env: str | None = None,
    **extra: str,
) -> list[Completion | BaseException]:
    """Asks all prompts at once; an exception stands in the place of an answer."""
    options = ModelOptions(server.base_url, api_key_env, max_retries=retries, timeout=timeout, extra=extra)

    async def run():
        model = OpenAICompatible("mock", options)
        await model.start()
        try:
            requests = [Request((Message("user", p),), replace(sampling, seed=i)) for i, p in enumerate(prompts)]
            return await asyncio.gather(*(model.complete(r) for r in requests), return_exceptions=True)
        finally:
            await model.close()

    return asyncio.run(run())


def texts(answers) -> set[str]:
    return {a.text if isinstance(a, Completion) else repr(a) for a in answers}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("api", ["chat", "completions", "responses"])
def test_every_endpoint_answers_through_both_clients(client: str, api: str) -> None:
    with MockServer() as server:
        (answer,) = ask(server, ALICE, client=client, api=api)
    assert answer.text.startswith("### Answer: ")
    assert (answer.stop_reason, answer.served_by, answer.retries) == ("stop", "mock", 0)
    assert answer.prompt_tokens == len(ALICE) // 4
    assert answer.latency_s > 0


@pytest.mark.parametrize(("api", "alternatives"), [("chat", 2), ("completions", 1)])
def test_logprobs_are_read(api: str, alternatives: int) -> None:
    with MockServer() as server:
        (answer,) = ask(server, ALICE, api=api, sampling=Sampling(logprobs=2))
    assert answer.logprobs[0].logprob == -0.5
    assert len(answer.logprobs[0].top) == alternatives


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("share", [0.05, 0.30])
@pytest.mark.parametrize("fault", ["rate_limited", "error_500", "dropped", "garbage"])
def test_faults_are_retried_until_the_answer_comes(client: str, share: float, fault: str) -> None:
    count = 40 if client == "aiohttp" else 15
    with MockServer(Faults(**{fault: share}, retry_after="0.01" if fault == "rate_limited" else None)) as server:
        answers = ask(server, *[f"{ALICE} {i}" for i in range(count)], retries=12, client=client)
        assert server.counters.answered == count
        assert server.counters.requests >= count
    assert texts(answers) <= {"### Answer: 6", "### Answer: 7"}
    assert sum(a.retries for a in answers) == server.counters.requests - count


def test_retries_are_bounded_and_the_last_cause_is_told() -> None:
    with MockServer(Faults(error_500=1.0)) as server:
        (error,) = ask(server, ALICE, retries=2)
        assert server.counters.requests == 3
    assert isinstance(error, ModelError)
    assert not isinstance(error, FatalModelError)
    assert (error.kind, "500: 'it broke' (3 tries)" in error.message) == ("transient", True)


def test_no_retries_means_one_try() -> None:
    with MockServer(Faults(error_500=1.0)) as server:
        ask(server, ALICE, retries=0)
        assert server.counters.requests == 1


def test_a_rate_limit_pauses_all_requests_for_as_long_as_the_server_says(monkeypatch) -> None:
    """Every first attempt of the first prompt is refused: the second prompt, asked later, waits as well. The clock is
    ours: it stands still until both wait, and then the time is over."""
    now, pauses, over = [1000.0], [], asyncio.Event()

    async def pause(seconds: float) -> None:
        pauses.append(seconds)
        await over.wait()
        now[0] = max(now[0], 1000.0 + seconds)

    clock = SimpleNamespace(monotonic=lambda: now[0], perf_counter=time.perf_counter)
    monkeypatch.setattr(openai_api, "time", clock)
    monkeypatch.setattr(openai_api, "asyncio", SimpleNamespace(sleep=pause))
    with MockServer(Faults(rate_limited=1.0, retry_after="0.2")) as server:
        options = ModelOptions(server.base_url, max_retries=1)

        async def run() -> None:
            model = OpenAICompatible("mock", options)
            await model.start()
            request = Request((Message("user", ALICE),), Sampling())
            first = asyncio.create_task(model.complete(request))
            await until_async(lambda: pauses, "the first request waits")
            server.faults = Faults()
            second = asyncio.create_task(model.complete(replace(request, messages=(Message("user", "another"),))))
            await until_async(lambda: len(pauses) == 2 or second.done(), "the second waits, or does not")
            assert (len(pauses), server.counters.requests) == (2, 1)
            over.set()
            await asyncio.gather(first, second)
            await model.close()

        asyncio.run(run())
    assert all(0.2 <= seconds <= 0.22 + 1e-9 for seconds in pauses)
    assert server.counters.requests == 3


@pytest.mark.parametrize("client", CLIENTS)
def test_an_answer_past_the_timeout_is_a_timeout(client: str) -> None:
    with MockServer(Faults(slow=1.0, slow_s=HANG)) as server:
        (error,) = ask(server, ALICE, retries=1, timeout=0.1, client=client)
    assert (error.kind, "no answer within 0.1 s" in error.message) == ("timeout", True)


def test_a_server_that_dies_and_comes_back_is_waited_for() -> None:
    with MockServer(Faults(die_after=3, back_after=12)) as server:
        answers = ask(server, *[f"{ALICE} {i}" for i in range(10)], retries=12)
        assert server.counters.by_status["dropped"] == 12
    assert texts(answers) <= {"### Answer: 6", "### Answer: 7"}


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize(
    ("status", "kind", "fatal"),
    [
        (401, "auth", True),
        (403, "auth", True),
        (404, "not_found", True),
        (400, "bad_request", False),
        (422, "bad_request", False),
    ],
)
def test_refusals_are_not_retried(client: str, status: int, kind: str, fatal: bool) -> None:
    with MockServer(Faults(status=status)) as server:
        (error,) = ask(server, ALICE, client=client)
        assert server.counters.requests == 1
    assert (error.kind, isinstance(error, FatalModelError)) == (kind, fatal)


def test_a_spent_quota_is_not_waited_for() -> None:
    with MockServer(Faults(status=429, text="insufficient_quota")) as server:
        (error,) = ask(server, ALICE)
        assert server.counters.requests == 1
    assert isinstance(error, FatalModelError)


@pytest.mark.parametrize("client", CLIENTS)
def test_the_key_never_reaches_a_message(client: str, monkeypatch) -> None:
    monkeypatch.setenv("MY_KEY", "sk-very-secret")
    with MockServer(Faults(status=401)) as server:
        (error,) = ask(server, ALICE, client=client, api_key_env="MY_KEY")
    assert "[key]" in error.message
    assert "sk-very" not in error.message + error.hint + repr(error)


@pytest.mark.parametrize(
    ("text", "read"),
    [("", ""), ("x" * 10_000_000, "x" * 10_000_000), ("\ud800!", "?!"), ("\x00\u2028", "\x00\u2028")],
    ids=["empty", "10 MB", "lone surrogate", "controls"],
)
def test_odd_answers_arrive_as_they_are(text: str, read: str) -> None:
    with MockServer(Faults(text=text)) as server:
        (answer,) = ask(server, ALICE)
    assert answer.text == read


def test_invalid_utf8_is_replaced() -> None:
    body = b'{"choices": [{"message": {"content": "a\xff\xfeb"}, "finish_reason": "stop"}]}'
    with MockServer(Faults(body=body)) as server:
        (answer,) = ask(server, ALICE)
    assert answer.text == "a\ufffd\ufffdb"


@pytest.mark.parametrize(
    "body", [b"", b"null", b"[]", b"{}", b'{"choices": []}', b'{"choices": [{"message": 7}]}', b"[" * 100_000]
)
def test_replies_of_another_shape_are_bad_responses(body: bytes) -> None:
    with MockServer(Faults(body=body)) as server:
        (error,) = ask(server, ALICE, retries=1)
        assert server.counters.requests == 2
    assert (type(error), error.kind) == (ModelError, "bad_response")


def test_hosted_models_need_a_key_in_the_environment() -> None:
    with pytest.raises(UsageError, match="OPENAI_API_KEY"):
        asyncio.run(OpenAICompatible("gpt-4o", ModelOptions()).start())


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("127.0.0.1:8000", "not a URL"),
        ("ftp://x/v1", "not a URL"),
        ("http://me:secret@x/v1", "credentials"),
        ("", "not a URL"),
    ],
)
def test_wrong_base_urls_are_refused(url: str, message: str) -> None:
    with pytest.raises(UsageError, match=message) as error:
        OpenAICompatible("m", ModelOptions(url))
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "extra",
    [
        {"extra_body": "{"},
        {"extra_body": "[]"},
        {"api": "chats"},
        {"colour": "red"},
        {"patience": "nan"},
        {"patience": "-1"},
    ],
)
def test_wrong_options_are_refused(extra: dict[str, str]) -> None:
    with pytest.raises(UsageError):
        OpenAICompatible("m", ModelOptions("http://127.0.0.1/v1", extra=extra))


def test_identity_never_holds_a_secret(monkeypatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    assert "secret" not in json.dumps(dict(OpenAICompatible("m", ModelOptions("http://127.0.0.1/v1")).identity))


REQUEST = Request(
    (Message("system", "s"), Message("user", "u")),
    Sampling(temperature=0.5, max_tokens=9, seed=3, stop=("x",), logprobs=2, reasoning_effort="low"),
)


def test_bodies_hold_what_was_asked_and_nothing_that_was_not() -> None:
    assert wire.body("chat", "m", REQUEST, "max_completion_tokens", {"k": 1}) == {
        "model": "m",
        "temperature": 0.5,
        "seed": 3,
        "stop": ["x"],
        "max_completion_tokens": 9,
        "reasoning_effort": "low",
        "logprobs": True,
        "top_logprobs": 2,
        "k": 1,
        "messages": [{"role": "system", "content": "s"}, {"role": "user", "content": "u"}],
    }
    plain = wire.body("completions", "m", REQUEST, "max_tokens", {})
    assert (plain["prompt"], plain["max_tokens"], plain["logprobs"]) == ("s\n\nu", 9, 2)
    assert wire.body("responses", "m", REQUEST, "max_tokens", {})["reasoning"] == {"effort": "low"}
    assert set(wire.body("chat", "m", Request(REQUEST.messages, Sampling()), "max_tokens", {})) == {"model", "messages"}


@pytest.mark.parametrize(
    ("text", "answer", "thinking"),
    [
        ("7", "7", ""),
        ("<think>a</think>\n7", "7", "a"),
        ("a</think>7", "7", "a"),
        ("<think>never closed 7", "", "never closed 7"),
        ("say <think>", "say <think>", ""),
        ("say <think>x</think> 7", "say <think>x</think> 7", ""),
        ("<think>\n\n</think>\n\n<think>a</think>7", "7", "a"),
        ("[THINK]a[/THINK]7", "7", "a"),
        ("[THINK]never closed 7", "", "never closed 7"),
        ("◁think▷a◁/think▷7", "7", "a"),
        ("<seed:think>a</seed:think>7", "7", "a"),
        ("<|channel|>analysis<|message|>a<|end|><|start|>assistant<|channel|>final<|message|>7<|return|>", "7", "a"),
        ("<reasoning>a</reasoning>7", "<reasoning>a</reasoning>7", ""),
    ],
)
def test_thinking_is_kept_apart_from_the_answer(text: str, answer: str, thinking: str) -> None:
    made = wire.completion("chat", chat_reply(content=text))
    assert (made.text, made.thinking) == (answer, thinking)


def chat_reply(**message) -> dict:
    return {"choices": [{"message": message, "finish_reason": "stop"}]}


def test_thinking_fields_content_parts_and_refusals() -> None:
    made = wire.completion("chat", chat_reply(content=[{"type": "text", "text": "7"}], reasoning_content="a"))
    assert (made.text, made.thinking) == ("7", "a")
    refused = wire.completion("chat", chat_reply(content=None, refusal="no"))
    assert (refused.text, refused.stop_reason) == ("no", "content_filter")


def test_a_response_that_ran_out_of_tokens_says_so() -> None:
    reply = {
        "status": "incomplete",
        "incomplete_details": {"reason": "max_output_tokens"},
        "output": [{"type": "reasoning", "summary": [{"text": "hm"}]}],
        "usage": {"input_tokens": 1, "output_tokens": 5, "output_tokens_details": {"reasoning_tokens": 5}},
    }
    made = wire.completion("responses", reply)
    assert (made.text, made.stop_reason, made.thinking, made.thinking_tokens) == ("", "length", "hm", 5)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "message",
                    "content",
                    "text",
                    "logprobs",
                    "usage",
                    "output",
                    "type",
                    "tokens",
                    "refusal",
                    "finish_reason",
                    "summary",
                    "top_logprobs",
                    "token_logprobs",
                    "incomplete_details",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from(["chat", "completions", "responses"]))
def test_any_json_is_a_completion_or_a_bad_response(reply, api) -> None:
    for value in (
        reply,
        {"choices": [reply]},
        {"choices": [{"message": reply, "text": reply, "logprobs": reply}]},
        {"output": [reply]},
        {"output": [{"type": "message", "content": reply}]},
    ):
        with contextlib.suppress(ModelError):
            wire.completion(api, value).text.encode("utf-8")
