"""What a server says about how an answer ended, and why there is none, is believed."""

import asyncio
import contextlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mock_server import Faults, MockServer

from harness.errors import FatalModelError, ModelError
from harness.models import context, openai_api, refusals, wire
from harness.models.openai_api import OpenAICompatible
from harness.types import Completion, Message, ModelOptions, Request, Sampling


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(openai_api, "BACKOFF_BASE_S", 0.001)
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def ask(server: MockServer, retries: int = 1, system: str = "", **extra: str) -> Completion | ModelError:
    """The answer to one prompt, or what went wrong."""

    async def run():
        model = OpenAICompatible("mock", ModelOptions(server.base_url, max_retries=retries, extra=extra))
        await model.start()
        before = (Message("system", system),) if system else ()
        try:
            return await model.complete(
                Request((*before, Message("user", "Alice has 2 sisters")), Sampling(1.0, max_tokens=99, seed=3))
            )
        except ModelError as error:
            return error
        finally:
            await model.close()

    return asyncio.run(run())


def answered(reply: object, status: int = 200, **how) -> tuple[Completion | ModelError, int]:
    """(what came of a reply that a server always gives, number of requests)."""
    faults = Faults(body=json.dumps(reply).encode(), status=None if status == 200 else status)
    with MockServer(faults) as server:
        return ask(server, **how), server.counters.requests


def chat(word: object, text: object = "### Answer: 3", **choice) -> dict:
    return {"choices": [{"finish_reason": word, "message": {"role": "assistant", "content": text}, **choice}]}


# --- how an answer ended ---

WORDS = {
    "stop": "stop STOP eos eos_token stop_sequence end_turn tool_calls function_call completed COMPLETE null "
    "FINISH_REASON_STOP FinishReason.STOP endTurn",
    "length": "length max_tokens MAX_TOKENS LENGTH model_length max_output_tokens model_context_window_exceeded "
    "ERROR_LIMIT FINISH_REASON_MAX_TOKENS maxTokens max-tokens",
    "content_filter": "content_filter content-filter SAFETY refusal blocklist PROHIBITED_CONTENT RECITATION SPII "
    "sensitive content_filtered guardrail_intervened ERROR_TOXIC contentFilter",
}


@pytest.mark.parametrize(("reason", "word"), [(r, w) for r, words in WORDS.items() for w in words.split()])
def test_known_finish_reasons_are_read_in_any_spelling(reason: str, word: str) -> None:
    made = wire.completion("chat", chat(word))
    assert (made.text, made.stop_reason, made.notes) == ("### Answer: 3", reason, ())
    assert wire.completion("completions", {"choices": [{"text": "7", "finish_reason": word}]}).stop_reason == reason


def test_what_follows_a_colon_is_not_read_and_a_missing_reason_is_an_end() -> None:
    assert wire.completion("chat", chat("content_filter: PROHIBITED_CONTENT", None)).stop_reason == "content_filter"
    assert wire.completion("chat", chat(None)).stop_reason == "stop"


@pytest.mark.parametrize(
    "word",
    "error abort aborted cancelled insufficient_system_resource failed in_progress queued MALFORMED_FUNCTION_CALL "
    "network_error timeout error:upstream".split(),
)
def test_an_answer_that_failed_is_asked_again_and_never_scored(word: str) -> None:
    made, requests = answered(chat(word, "Alice has 2 brothers and"))
    assert isinstance(made, ModelError)
    assert (requests, word.partition(":")[0] in made.message) == (2, True)


def test_an_unknown_reason_with_a_text_is_noted_and_without_one_is_a_failure() -> None:
    made = wire.completion("chat", chat("fell_asleep"))
    assert (made.text, made.stop_reason) == ("### Answer: 3", "other")
    assert "'fell_asleep'" in made.notes[0]
    with pytest.raises(ModelError, match="fell_asleep"):
        wire.completion("chat", chat("fell_asleep", None))


@pytest.mark.parametrize(
    ("reply", "reason"),
    [
        ({"status": "completed"}, "stop"),
        ({"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}, "length"),
        ({"status": "incomplete", "incomplete_details": {"reason": "content_filter"}}, "content_filter"),
        ({"status": "incomplete"}, "other"),
        ({"status": "failed"}, None),
        ({"status": "cancelled"}, None),
        ({"status": "in_progress"}, None),
        ({"status": "queued"}, None),
        ({"status": "completed", "error": {"code": "server_error", "message": "oh"}}, None),
    ],
)
def test_the_status_of_a_response_is_believed(reply: dict, reason: str | None) -> None:
    reply = {"output": [{"type": "message", "content": [{"type": "output_text", "text": "7"}]}], **reply}
    if reason is None:
        with pytest.raises(ModelError):
            wire.completion("responses", reply)
    else:
        assert wire.completion("responses", reply).stop_reason == reason


# --- errors in replies with status 200 ---

OUT = {"code": 402, "message": "credits used up"}


@pytest.mark.parametrize(
    "reply",
    [
        {"error": OUT},
        {**chat("stop"), "error": OUT},
        chat("stop", error=OUT),
        {"error": "credits used up", "code": 402},
        {"message": "credits used up", "code": 402},
    ],
)
def test_an_error_outranks_the_text_beside_it(reply: dict) -> None:
    made, _ = answered(reply)
    assert isinstance(made, ModelError)
    assert "credits used up" in made.message
    assert "KeyError" not in made.message


@pytest.mark.parametrize(
    ("error", "kind", "fatal", "requests"),
    [
        ({"code": 401, "message": "no such key"}, "auth", True, 1),
        ({"code": 402, "message": "pay"}, "auth", True, 1),
        ({"code": "403", "message": "forbidden"}, "auth", True, 1),
        ({"code": "insufficient_quota", "message": "pay"}, "auth", True, 1),
        ({"code": 429, "message": "slow down"}, "rate_limit", False, 2),
        ({"code": 502, "message": "upstream went away"}, "transient", False, 2),
        ({"type": "overloaded_error", "message": "busy"}, "transient", False, 2),
        ({"message": "something"}, "transient", False, 2),
        ("something", "transient", False, 2),
        ({"code": 400, "message": "bad"}, "bad_request", False, 1),
    ],
)
def test_an_error_in_a_good_reply_is_what_its_status_would_be(error, kind, fatal, requests) -> None:
    for reply in ({"error": error}, chat("error", "half a", error=error)):
        made, asked = answered(reply)
        assert (made.kind, isinstance(made, FatalModelError), asked) == (kind, fatal, requests)


def test_a_reply_without_choices_is_told_in_plain_words() -> None:
    for choices in ([], None):
        with pytest.raises(ModelError, match="holds no choices"):
            wire.completion("chat", {"id": "1", "choices": choices})


def test_a_stream_that_was_not_asked_for_is_told_as_one() -> None:
    with MockServer(Faults(body=b'data: {"choices": []}\n\ndata: [DONE]\n\n')) as server:
        assert "the reply is a stream of events" in ask(server).message


def test_an_error_without_content_is_none() -> None:
    assert wire.completion("chat", {**chat("stop"), "error": {"code": None, "message": ""}}).text == "### Answer: 3"


# --- filters ---

AZURE = {
    "message": "The response was filtered due to the prompt triggering the content management policy.",
    "code": "content_filter",
    "status": 400,
    "innererror": {"code": "ResponsibleAIPolicyViolation"},
}
OPENROUTER = {"code": 403, "message": "no", "metadata": {"reasons": ["violence"], "flagged_input": "attack"}}
FILTERS = {
    "OpenRouter": (403, {"error": OPENROUTER}),
    "Azure": (400, {"error": AZURE}),
    "Azure, inner": (400, {"error": {"message": "no", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
    "DashScope": (400, {"code": "data_inspection_failed", "message": "Input data may contain inappropriate content."}),
    "OpenAI": (400, {"error": {"message": "Your prompt was flagged as violating our usage policy.", "code": None}}),
    "DeepSeek": (400, {"error": {"message": "Content Exists Risk", "type": "invalid_request_error"}}),
    "Moonshot": (400, {"error": {"message": "considered high risk", "type": "content_filter"}}),
    "plain": (403, {"error": "the message was flagged by moderation"}),
    "Gemini": (200, {"choices": [], "promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}),
    "in a good reply": (200, {"error": {"code": 403, "message": "your input was flagged by moderation"}}),
}


@pytest.mark.parametrize("name", FILTERS)
def test_a_prompt_that_a_filter_refuses_is_refused_with_the_servers_words(name: str) -> None:
    status, reply = FILTERS[name]
    made, requests = answered(reply, status)
    assert isinstance(made, Completion)
    assert (made.text, made.stop_reason, requests) == ("", "content_filter", 1)
    assert made.error.startswith("127.0.0.1")


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (403, "you have no access to this model"),
        (403, "Your account was suspended for violating our usage policies"),
        (401, "flagged"),
        (402, "moderation costs extra"),
    ],
)
def test_a_refused_account_is_no_refused_prompt(status: int, message: str) -> None:
    made, _ = answered({"error": {"message": message}}, status)
    assert isinstance(made, FatalModelError)


# --- what stands beside an answer ---


@pytest.mark.parametrize(
    ("message", "notes", "thinking"),
    [
        ({"reasoning": {"summary": "short"}}, 1, ""),
        ({"reasoning": True}, 1, ""),
        ({"reasoning_content": 7}, 1, ""),
        ({"reasoning_content": [{"type": "thinking", "thinking": "hm"}]}, 0, "hm"),
        ({"content": [None, {"type": "text", "text": "### Answer: 3"}]}, 0, ""),
        ({"content": [{"type": "text", "text": {"value": "### Answer: 3", "annotations": []}}]}, 0, ""),
        ({"content": [{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, "### Answer: 3"]}, 0, "hm"),
    ],
)
def test_a_side_field_never_costs_the_answer(message: dict, notes: int, thinking: str) -> None:
    reply = chat("stop")
    reply["choices"][0]["message"] |= message
    made = wire.completion("chat", reply)
    assert (made.text, made.stop_reason, made.thinking) == ("### Answer: 3", "stop", thinking)
    assert len(made.notes) == notes


@pytest.mark.parametrize(
    "logprobs",
    [
        [1],
        {"content": [{"token": "a", "logprob": None}]},
        {"content": [{"token": "a", "logprob": -1, "top_logprobs": {"a": -1}}]},
        {"content": 7},
        "x",
    ],
)
def test_odd_logprobs_are_left_out_with_a_note(logprobs: object) -> None:
    made = wire.completion("chat", chat("stop", logprobs=logprobs))
    assert (made.text, made.logprobs, len(made.notes)) == ("### Answer: 3", None, 1)
    assert "logprobs" in made.notes[0]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": 10.0, "completion_tokens": 4}, (10, 4)),
        ({"prompt_tokens": None}, (None, None)),
        (None, (None, None)),
        ({"prompt_tokens": "10", "completion_tokens": -4}, (None, None)),
        ({"prompt_tokens": float("nan"), "completion_tokens": True}, (None, None)),
        ({"prompt_tokens": float("inf"), "completion_tokens": 10**9}, (None, None)),
        ({"prompt_tokens": 10, "completion_tokens": 10**4000}, (10, None)),
        ([], (None, None)),
        ("10", (None, None)),
    ],
)
def test_odd_token_counts_are_unknown_and_whole_floats_are_counts(usage: object, counts: tuple) -> None:
    made = wire.completion("chat", {**chat("stop"), "usage": usage})
    assert (made.prompt_tokens, made.completion_tokens) == counts
    wrong = usage is not None and usage not in (
        {"prompt_tokens": 10.0, "completion_tokens": 4},
        {"prompt_tokens": None},
    )
    assert [note for note in made.notes if "token counts that can't be right" in note] == list(made.notes)
    assert len(made.notes) == wrong


# --- parts of a request that are refused ---

EXTRA = {"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}


@pytest.mark.parametrize(
    ("message", "hint"),
    [
        ("Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.", "tokens_field=max_completion"),
        (EXTRA, "omit=seed"),
        ("Unsupported value: 'temperature' does not support 0.5 with this model.", "omit=temperature"),
        ("System role not supported", "--system-message"),
        ("something else", ""),
    ],
)
@pytest.mark.parametrize("status", [400, 422])
def test_a_refused_field_is_told_with_what_to_do(status: int, message: object, hint: str) -> None:
    made, requests = answered({"error": {"message": message}}, status, system="be short")
    assert (made.kind, requests, hint in made.hint, bool(hint) == bool(made.hint)) == ("bad_request", 1, True, True)


@pytest.mark.parametrize("extra", [{"omit": "seed, temperature"}, {"omit": "seed", "drop": "temperature,seed"}])
def test_fields_can_be_left_out_of_requests(extra: dict) -> None:
    model = OpenAICompatible("m", ModelOptions("http://127.0.0.1/v1", extra=extra))
    request = Request((Message("user", "u"),), Sampling(1.0, max_tokens=9, seed=3))
    assert set(model._body(request, 9)) == {"model", "messages", "max_tokens"}
    assert model.identity["omit"] == "seed,temperature"
    assert "omit" not in OpenAICompatible("m", ModelOptions("http://127.0.0.1/v1")).identity


@pytest.mark.parametrize("client", ["aiohttp", "openai"])
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_told_and_not_followed(client: str, status: int) -> None:
    with (
        MockServer() as other,
        MockServer(Faults(status=status, location=f"http://me:secret@127.0.0.1:{other.port}/v1/?key=secret")) as server,
    ):
        made = ask(server, client=client)
        assert (server.counters.requests, other.counters.requests) == (1, 0)
    assert isinstance(made, FatalModelError)
    assert f"redirects to http://127.0.0.1:{other.port}/v1/" in made.message
    assert "secret" not in made.message + made.hint


# --- anything at all ---

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.sampled_from(["stop", "error"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                "error message code type status detail metadata reasons flagged_input raw innererror n_ctx choices "
                "finish_reason content reasoning text value usage prompt_tokens logprobs output summary".split()
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(JSON, st.sampled_from([200, 400, 403, 500]))
def test_any_json_of_a_server_is_read(value: object, status: int) -> None:
    said = refusals.read(json.dumps(value).encode())
    assert isinstance(said.text, str)
    refusals.is_filter(said, status)
    context.is_too_long(said, status)
    context.read(said)
    context.listed(value, "m")
    assert isinstance(refusals.parameter_hint(said, {"seed": 1, "messages": []}), str)
    for api in ("chat", "completions", "responses"):
        for reply in (value, {"choices": [value]}, {"output": [value]}, {"choices": [{"message": value}]}):
            with contextlib.suppress(ModelError):
                wire.completion(api, reply).text.encode("utf-8")


@pytest.mark.parametrize("unit", ["prompt ", "input (", "max_tokens ", "1 + ", "context length ", "9", ",999", "a" * 7])
def test_reading_a_long_message_takes_no_time(unit: str) -> None:
    said = refusals.words({"error": {"message": unit * 100_000}})
    assert len(said.text) <= refusals.LONGEST
    refusals.is_filter(said, 400)
    context.is_too_long(said, 400)
    context.read(said)
