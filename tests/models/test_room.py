"""Prompts and answers that don't fit a server's context: told apart, asked again with what fits, and never silent."""

import asyncio
import json

import pytest
from mock_server import Faults, MockServer

from harness.errors import ModelError
from harness.models import context, openai_api, refusals
from harness.models.openai_api import OpenAICompatible
from harness.types import Completion, Message, ModelOptions, Request, Sampling


@pytest.fixture(autouse=True)
def quick(monkeypatch) -> None:
    monkeypatch.setattr(openai_api, "BACKOFF_BASE_S", 0.001)
    for name in ("OPENAI_API_KEY", "HTTP_PROXY", "http_proxy"):
        monkeypatch.delenv(name, raising=False)


def ask(
    server: MockServer,
    *prompts: str,
    max_tokens: int | None = 2048,
    given: bool = False,
    retries: int = 0,
    **extra: str,
) -> list[Completion]:
    """Asks one after the other."""

    async def run():
        model = OpenAICompatible("mock", ModelOptions(server.base_url, max_retries=retries, extra=extra))
        await model.start()
        try:
            return [
                await model.complete(
                    Request((Message("user", p),), Sampling(max_tokens=max_tokens), max_tokens_given=given)
                )
                for p in prompts
            ]
        finally:
            await model.close()

    return asyncio.run(run())


# --- what servers say ---

PROMPT_TOO_LONG = {
    "OpenAI": (400, {"error": {"message": "oh", "code": "context_length_exceeded"}}),
    "OpenAI, words": (
        400,
        "This model's maximum context length is 4096 tokens. However, your messages resulted in 5000 tokens. Please "
        "reduce the length of the messages.",
    ),
    "vLLM": (
        400,
        "The prompt (total length 5000) is too long to fit into the model (context length 4096). Make sure that "
        "`max_model_len` is no smaller than the number of text tokens plus multimodal tokens.",
    ),
    "vLLM, decoder": (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096."),
    "vLLM, newer": (
        400,
        "You passed 5000 input tokens and requested 99 output tokens. However, the model's context length is only 4096 "
        "tokens, resulting in a maximum input length of 3997 tokens. Please reduce the length of the prompt.",
    ),
    "vLLM 0.32": (
        400,
        "This model's maximum context length is 512 tokens. However, your prompt contains at least 513 input tokens, "
        "which exceeds this limit.",
    ),
    "vLLM 0.32, characters": (
        400,
        "This model's maximum context length is 512 tokens. However, your prompt contains 9035 characters (more than "
        "6656 characters, which is the upper bound for 512 input tokens). Please reduce the length of the prompt.",
    ),
    "llama.cpp": (
        400,
        {"error": {"code": 400, "type": "exceed_context_size_error", "n_prompt_tokens": 5000, "n_ctx": 4096,
                   "message": "the request exceeds the available context size. try increasing it"}},
    ),
    "llama.cpp, 500": (500, {"error": {"code": 500, "type": "exceed_context_size_error", "message": "no"}}),
    "llama.cpp, words": (500, "request (5000 tokens) exceeds the available context size (4096 tokens), increase it"),
    "SGLang": (400, "The input (5000 tokens) is longer than the model's context length (4096 tokens)."),
    "TGI": (422, "Input validation error: `inputs` must have less than 4096 tokens. Given: 5000"),
    "LM Studio": (
        400,
        "The number of tokens to keep from the initial prompt is greater than the context length. Try to load the "
        "model with a larger context length, or provide a shorter input",
    ),
    "LM Studio, other": (
        400,
        "Trying to keep the first 5000 tokens when context the overflows. However, the model is loaded with context "
        "length of only 4096 tokens, which is not enough.",
    ),
    "Anthropic": (400, "prompt is too long: 210000 tokens > 200000 maximum"),
    "Gemini": (400, "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."),
    "Mistral": (400, "Prompt contains 5000 tokens, too large for model with 4096 maximum context length"),
    "Cohere": (400, "too many tokens: total number of tokens in the prompt cannot exceed 4081 - received 5000."),
    "xAI": (400, "This model's maximum prompt length is 4096 but the request contains 5000 tokens."),
    "DashScope": (400, "Range of input length should be [1, 4096]"),
    "Bedrock": (400, "Input is too long for requested model."),
    "Ollama": (400, "the input length exceeds the context length"),
    "Triton": (400, "Prompt length (5000) exceeds maximum input length (4096)."),
    "MiniMax": (400, "invalid params, context window exceeds limit"),
    "Moonshot": (400, "Invalid request: Your request exceeded model token limit: 8192"),
    "Copilot": (400, "prompt token count of 5000 exceeds the limit of 4096"),
    "z.AI": (400, "Prompt exceeds max length"),
    "OpenAI, newer": (400, "Your input exceeds the context window of this model. Please adjust your input."),
    "OpenAI, configured": (400, "Input tokens exceed the configured limit of 4096 tokens."),
    "Poolside": (400, "The input exceeds the maximum allowed input length"),
    "Fireworks": (400, "The prompt is too long: 5000, model maximum context length: 4095"),
    "in a good reply": (200, {"error": {"code": 400, "message": "prompt is too long"}}),
    "a proxy": (413, "<html>413 Request Entity Too Large</html>"),
}  # fmt: skip


@pytest.mark.parametrize("name", PROMPT_TOO_LONG)
def test_a_prompt_that_does_not_fit_is_truncated_with_the_servers_words(name: str) -> None:
    status, said = PROMPT_TOO_LONG[name]
    body = json.dumps(said if isinstance(said, dict) else {"error": {"message": said}}).encode()
    if isinstance(said, str) and said.startswith("<"):
        body = said.encode()
    with MockServer(Faults(body=body, status=None if status == 200 else status)) as server:
        (made,) = ask(server, "Alice " * 10, max_tokens=99, retries=2)
        assert server.counters.requests == 1, "no later try fares better"
    assert (made.text, made.stop_reason) == ("", "length")
    assert made.error


@pytest.mark.parametrize(
    ("status", "message"),
    [
        (400, "temperature is too large"),
        (400, "max_tokens is not supported"),
        (400, "max_tokens cannot be set together with max_completion_tokens"),
        (500, "the request took too long"),
        (500, "CUDA out of memory"),
        (429, "too many tokens per minute"),
        (404, "no model of that context length"),
    ],
)
def test_other_refusals_are_not_taken_for_a_lack_of_room(status: int, message: str) -> None:
    assert not context.is_too_long(refusals.words({"error": {"message": message}}), status)


NO_ROOM = {
    "'max_tokens' or 'max_completion_tokens' is too large: 2048. This model's maximum context length is 512 tokens "
    "and your request has 60 input tokens (2048 > 512 - 60).": 452,
    "This model's maximum context length is 512 tokens. However, you requested 2108 tokens (60 in the messages, 2048 "
    "in the completion). Please reduce the length of the messages or completion.": 452,
    "This model's maximum context length is 512 tokens. However, you requested 2108 tokens.": 452,
    "You passed 60 input tokens and requested 2048 output tokens. However, the model's context length is only 512 "
    "tokens, resulting in a maximum input length of 0 tokens.": 452,
    "Requested token count exceeds the model's maximum context length of 512 tokens. You requested a total of 2108 "
    "tokens: 60 tokens from the input messages and 2048 tokens for the completion.": 452,
    "`inputs` tokens + `max_new_tokens` must be <= 512. Given: 60 `inputs` tokens and 2048 `max_new_tokens`": 452,
    "input length and `max_tokens` exceed context limit: 60 + 2048 > 512, decrease input length or `max_tokens`": 452,
    "This endpoint's maximum context length is 1,512 tokens. However, you requested about 2108 tokens (60 of text "
    "input, 2048 in the output).": 1452,
    "The sum of prompt length (60.0), query length (0) and max_tokens (2048) should not exceed max_num_tokens "
    "(512)": 452,
    "max_tokens is too large: 2048. This model supports at most 1000 completion tokens, whereas you gave 2048.": 1000,
    "Invalid max_tokens value, the valid range of max_tokens is [1, 1000]": 1000,
    "Range of max_tokens should be [1, 1000]": 1000,
    "max_tokens: 2048 > 1000, which is the maximum allowed number of output tokens for this model": 1000,
    "The maximum tokens you requested exceeds the model limit of 1000. Try again with a lower value": 1000,
    "`max_tokens` must be less than or equal to `1000`, the maximum value for `max_tokens` is less than that": 1000,
    # The prompt may be longer than what was counted: carefully.
    "This model's maximum context length is 512 tokens. However, you requested 2048 output tokens and your prompt "
    "contains at least 60 input tokens, for a total of at least 2108 tokens.": 452,
    "This model's maximum context length is 512 tokens. However, you requested 2048 output tokens and your prompt is "
    "large, for a total of at least 2108 tokens.": 452,
    # The count stopped at the first token too many, which is no count of the prompt: by the estimate, at most half.
    "You passed 1 input tokens and requested 2048 output tokens. However, the model's context length is only 512 "
    "tokens, resulting in a maximum input length of 0 tokens.": 452,
    # vLLM 0.32, which does not count the prompt here: by the estimate.
    "max_tokens=2048 cannot be greater than max_model_len=512. Please request fewer output tokens. "
    "(parameter=max_tokens, value=2048)": 452,
    # Nothing to go by.
    "Please reduce the length of the messages or completion.": None,
}


@pytest.mark.parametrize("message", NO_ROOM)
def test_what_fits_is_read_from_the_servers_words(message: str) -> None:
    said = refusals.words({"error": {"message": message}})
    assert context.is_too_long(said, 422 if message.startswith("`inputs") else 400)
    request = Request((Message("user", "x" * 36),), Sampling(max_tokens=2048))
    assert context.Room().after_refusal(request, 2048, said) == NO_ROOM[message]


@pytest.mark.parametrize(
    ("models", "length"),
    [
        ({"data": [{"id": "mock", "max_model_len": 512}]}, 512),
        ({"data": [{"id": "another", "max_model_len": 64}, {"id": "mock", "context_length": 512}]}, 512),
        ({"data": [{"id": "/models/x.gguf", "meta": {"n_ctx_train": 4096, "n_ctx": 512}}]}, 512),
        ({"data": [{"id": "a", "max_model_len": 64}, {"id": "b", "max_model_len": 512}]}, None),
        ({"data": [{"id": "mock", "max_model_len": "512"}]}, None),
        ({"data": 7}, None),
        (None, None),
    ],
)
def test_the_length_of_a_context_is_read_from_the_list_of_models(models: object, length: int | None) -> None:
    assert context.listed(models, "mock") == length


# --- what is done about it ---

PROMPT = "Alice has 2 sisters. " * 20  # 105 tokens for the mock server


@pytest.mark.parametrize("given", [True, False])
def test_a_limit_that_does_not_fit_is_lowered_to_what_the_server_says(given: bool) -> None:
    """Also without retries: the server is well. What was learned spares the next prompt the refusal."""
    with MockServer(Faults(context=512)) as server:
        first, second = ask(server, PROMPT, PROMPT + "Bob has none.", given=given)
        assert server.counters.requests == 3
    assert first.text.startswith("### Answer: ")
    assert second.text.startswith("### Answer: ")
    assert (first.retries, first.error) == (0, "")
    assert "limit of 2048 tokens" in first.notes[0]
    assert "512" in first.notes[0]


@pytest.mark.parametrize("client", ["aiohttp", "openai"])
def test_a_default_limit_is_lowered_before_any_refusal_if_the_server_tells_its_context(client: str) -> None:
    with MockServer(Faults(context=512, tells_context=True)) as server:
        (made,) = ask(server, PROMPT, client=client)
        assert server.counters.requests == 1
    assert "lowered" in made.notes[0]


def test_a_limit_that_is_left_out_of_requests_is_not_said_to_be_lowered() -> None:
    with MockServer(Faults(context=512, tells_context=True)) as server:
        (made,) = ask(server, PROMPT, omit="max_tokens")
    assert made.notes == ()


def test_a_limit_that_fits_is_asked_for_as_it_is() -> None:
    with MockServer(Faults(context=512, tells_context=True)) as server:
        (made,) = ask(server, PROMPT, max_tokens=300)
    assert made.notes == ()


def test_a_server_that_refuses_what_it_said_would_fit_is_asked_a_bounded_number_of_times() -> None:
    body = {"message": next(iter(NO_ROOM))}
    with MockServer(Faults(status=400, body=json.dumps(body).encode())) as server:
        (made,) = ask(server, PROMPT)
        assert server.counters.requests == 2
    assert (made.text, made.stop_reason) == ("", "length")
    assert "512 - 60" in made.error


@pytest.mark.parametrize("true", [60, 120, 300, 480])
def test_a_server_that_counts_a_prompt_no_further_than_it_must_is_not_taken_at_its_word(true: int) -> None:
    """vLLM 0.17: a few requests find a limit that fits, whatever the prompt's true length."""
    room, limit, asked = context.Room(), 2048, 0
    request = Request((Message("user", "x" * 400),), Sampling(max_tokens=2048))
    while limit is not None and limit + true > 512:
        counted = min(true, max(512 - limit, 0) + 1)
        said = f"You passed {counted} input tokens and requested {limit} output tokens. However, the model's context "
        said += f"length is only 512 tokens, resulting in a maximum input length of {max(512 - limit, 0)} tokens."
        limit, asked = room.after_refusal(request, limit, refusals.words({"message": said})), asked + 1
    assert limit is not None
    assert asked <= openai_api.SHORTER_AT_MOST


def test_an_answer_that_our_estimate_cut_is_asked_for_again_with_the_true_room() -> None:
    """Tokens of the first prompt are dense, so that the second looks longer than it is."""
    room = context.Room()
    room.context = 1000
    dense, thin = (Request((Message("user", "x" * n),), Sampling(max_tokens=2048)) for n in (800, 1600))
    room.answered(dense, 500)
    limit = room.limit(thin)
    assert limit == 1000 - 901
    assert room.after_cut(limit, 2048, 400) == 600
    assert room.after_cut(600, 2048, 400) is None


def test_short_prompts_under_a_long_template_do_not_mislead_about_long_ones() -> None:
    room = context.Room()
    room.context = 4096
    room.answered(Request((Message("user", "hello"),), Sampling()), 40)
    assert (room.limit(Request((Message("user", "x" * 4000),), Sampling(max_tokens=4096))) or 0) > 2500


def test_a_hostile_context_is_not_learned() -> None:
    room = context.Room()
    said = refusals.words({"message": "maximum context length is 3 tokens, you requested 9 output tokens"})
    assert room.after_refusal(Request((Message("user", "x"),), Sampling(max_tokens=9)), 9, said) is None
    assert room.context is None


def test_a_lack_of_room_is_never_an_infrastructure_error() -> None:
    with MockServer(Faults(context=64)) as server:
        answers = ask(server, PROMPT, "short", given=True)
    assert [a.stop_reason for a in answers] == ["length", "stop"]
    assert not any(isinstance(a, ModelError) for a in answers)
