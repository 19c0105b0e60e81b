"""The OpenAI-compatible wire format: requests to JSON bodies, JSON replies to completions. Pure functions.

A server's reply is hostile input: any JSON gives a Completion or a ModelError.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Literal, TypeVar

from harness.errors import ModelError
from harness.models import refusals
from harness.models.refusals import ServerError, Words, excerpt
from harness.reading.envelope import split_thinking
from harness.types import Completion, Message, Request, StopReason, TokenLogprob

T = TypeVar("T")
Api = Literal["chat", "completions", "responses"]
TokensField = Literal["max_tokens", "max_completion_tokens"]
ThinkingField = Literal[
    "thinking_token_budget", "thinking_budget_tokens", "thinking_budget", "chat_template_kwargs", "nvext", "thinking",
    "reasoning",
]  # fmt: skip
"""How servers call the limit of thinking tokens: vLLM, llama.cpp, Alibaba Cloud's Qwen, templates that know a
thinking_budget (SGLang), NVIDIA NIM, Anthropic's compatible endpoint, OpenRouter."""

PATHS: dict[Api, str] = {"chat": "/chat/completions", "completions": "/completions", "responses": "/responses"}


# How an answer ended ----------------------------------------------------------------------------------------------

Ending = Literal["end", "cut", "filter", "failure"]

_ENDINGS: dict[Ending, str] = {
    "end": "stop stopped eos eos_token eos_found end_of_text endoftext stop_sequence stop_token stop_word stop_str "
    "stop_string end_turn end ended done complete completed finish finished success normal tool_calls tool_call "
    "tool_use function_call null none",
    "cut": "length max_tokens max_token max_length max_len max_new_tokens max_output_tokens max_completion_tokens "
    "max_context model_length token_limit limit error_limit context_length context_limit context_length_exceeded "
    "context_window_exceeded model_context_window_exceeded length_limit length_capped truncated incomplete repetition",
    "filter": "content_filter content_filtered content_filtering content_blocked content_policy "
    "content_policy_violation content_moderation safety refusal refused blocklist prohibited_content recitation spii "
    "sensitive language model_armor image_safety image_prohibited_content image_recitation guardrail "
    "guardrail_intervened guardrails blocked block flagged moderation moderated policy policy_violation unsafe "
    "error_toxic toxicity responsible_ai censored",
    "failure": "error errored abort aborted cancel canceled cancelled user_cancel user_cancelled failed failure fail "
    "in_progress queued pending running incomplete_stream insufficient_system_resource insufficient_system_resources "
    "malformed_function_call unexpected_tool_call too_many_tool_calls malformed_response network_error server_error "
    "internal_error internal_server_error engine_error engine_overloaded overloaded unavailable service_unavailable "
    "timeout timed_out time_limit deadline_exceeded rate_limit rate_limit_exceeded interrupted preempted evicted "
    "disconnected disconnect client_disconnected killed crashed load unload pause_turn unspecified",
}
"""The words of servers for each ending, in lower case with underscores: OpenAI, vLLM, SGLang, TGI, llama.cpp, Ollama,
Anthropic, Gemini, Bedrock, Cohere, Mistral, DeepSeek, xAI, z.AI and gateways in front of them."""

_ENDING_OF: dict[str, Ending] = {word: ending for ending, words in _ENDINGS.items() for word in words.split()}


_STOP_REASONS: dict[Ending, StopReason] = {"end": "stop", "cut": "length", "filter": "content_filter"}


def ending(word: Any) -> Ending | None:
    """What a finish reason means, None for an unknown one; a missing one is an end. Only the part before a colon is
    read, whatever its case, and of an enumeration the value's name (FinishReason.MAX_TOKENS, FINISH_REASON_STOP)."""
    if isinstance(word, dict):  # SGLang's own form
        word = word.get("type")
    if word is None:
        return "end"
    if not isinstance(word, str):
        return None
    word = word[:100].partition(":")[0].rpartition(".")[2].strip()
    word = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", word).lower()
    word = re.sub(r"[^a-z]+", "_", word).strip("_")
    for prefix in ("finish_reason_", "finishreason_", "stop_reason_", "reason_"):
        word = word.removeprefix(prefix)
    return "end" if not word else _ENDING_OF.get(word)


def _ended(word: Any, text: str) -> tuple[StopReason, tuple[str, ...]]:
    """(stop reason, notes). Raises ServerError if the answer was not finished, or if it is empty and ended in an
    unknown way."""
    how = ending(word)
    said = excerpt(word if isinstance(word, str) else repr(word)[:100])[:50]
    if how == "failure" or (how is None and not text.strip()):
        raise ServerError(Words(f"the server ended the answer with {said}"))
    if how is None:
        return "other", (f"the server ended answers with {said}, which is not known: they are taken as they are",)
    return _STOP_REASONS[how], ()


# Requests ---------------------------------------------------------------------------------------------------------


def body(
    api: Api,
    model: str,
    request: Request,
    tokens_field: TokensField,
    extra: Mapping[str, Any],
    thinking_field: ThinkingField | None = None,
) -> dict[str, Any]:
    """The JSON body of a request. Parameters that are None are left out, so that the server decides; `extra` overrides
    all. A limit of thinking tokens goes into `thinking_field`."""
    s = request.sampling
    given: dict[str, Any] = {"model": model, "temperature": s.temperature, "top_p": s.top_p}
    if api == "responses":
        given["input"] = [m.as_dict() for m in request.messages]
        given["max_output_tokens"] = s.max_tokens
        given["reasoning"] = {"effort": s.reasoning_effort} if s.reasoning_effort else None
    else:
        given |= {"seed": s.seed, "stop": list(s.stop) or None}
        if api == "chat":
            given["messages"] = [m.as_dict() for m in request.messages]
            given[tokens_field] = s.max_tokens
            given["reasoning_effort"] = s.reasoning_effort
            given |= {"logprobs": True, "top_logprobs": s.logprobs} if s.logprobs is not None else {}
            given |= {"continue_final_message": True, "add_generation_prompt": False} if request.begun else {}
        else:
            given["prompt"] = plain_prompt(request.messages)
            given["max_tokens"] = s.max_tokens
            given["logprobs"] = s.logprobs
    limit = thinking_limit(thinking_field, s.thinking_tokens) if thinking_field and s.thinking_tokens else {}
    made = {k: v for k, v in given.items() if v is not None} | limit | dict(extra)
    for name in limit.keys() & extra.keys():  # both have arguments of the chat template
        if isinstance(limit[name], dict) and isinstance(extra[name], dict):
            made[name] = limit[name] | extra[name]
    return made


def thinking_limit(field: ThinkingField, tokens: int) -> dict[str, Any]:
    """The part of a body that limits thinking, see ThinkingField."""
    known: dict[ThinkingField, dict[str, Any]] = {
        "thinking_token_budget": {"thinking_token_budget": tokens},
        "thinking_budget_tokens": {"thinking_budget_tokens": tokens},
        "thinking_budget": {"enable_thinking": True, "thinking_budget": tokens},
        "chat_template_kwargs": {"chat_template_kwargs": {"thinking_budget": tokens}},
        "nvext": {"nvext": {"max_thinking_tokens": tokens}},
        "thinking": {"thinking": {"type": "enabled", "budget_tokens": tokens}},
        "reasoning": {"reasoning": {"max_tokens": tokens}},
    }
    return known[field]


def plain_prompt(messages: tuple[Message, ...]) -> str:
    """Messages for a model that only continues text: contents with blank lines between, no role names. The beginning of
    an answer stands right behind the prompt, as the model would have written it."""
    begun = messages[-1].content if messages and messages[-1].role == "assistant" else ""
    return "\n\n".join(m.content for m in (messages[:-1] if begun else messages)) + begun


# Replies ----------------------------------------------------------------------------------------------------------


def completion(api: Api, reply: Any, begun: bool = False) -> Completion:
    """The completion in a reply. Raises ServerError if the reply is an error, and ModelError(bad_response) for anything
    of another shape. `begun`: the request had the beginning of the answer, its thinking closed: a server's parser may
    take all of the rest for thinking."""
    if not isinstance(reply, dict):
        raise bad_response("the reply is not a JSON object", reply)
    _raise_error(reply)
    if not isinstance(reply.get("output" if api == "responses" else "choices"), list) and _is_error(reply):
        raise ServerError(refusals.words(reply))
    try:
        made = _responses(reply) if api == "responses" else _choice(api, reply)
        if begun and made.thinking and not made.text:
            made = replace(made, text=made.thinking, thinking="")
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise bad_response(
            f"the reply has another shape than expected ({type(error).__name__}: {error})", reply
        ) from None
    text, thought = split_thinking(made.text, native=True)
    text = text.lstrip() if thought else text
    served_by = "@".join(str(part) for part in (reply.get("model"), reply.get("system_fingerprint")) if part)
    thinking = "\n\n".join(t for t in (made.thinking, thought) if t)
    return replace(made, text=text, thinking=thinking, served_by=served_by, cached_tokens=_cached(reply.get("usage")))


def _raise_error(holder: dict[str, Any]) -> None:
    """Raises ServerError for an error, even if there is a text beside it. An error whose fields are all empty does not
    count."""
    error = holder.get("error")
    if any(error.values()) if isinstance(error, dict) else error:
        raise ServerError(refusals.words({"error": error}))


def _raise_blocked(reply: dict[str, Any]) -> None:
    """Raises ServerError for a refused prompt in Gemini's form: feedback on the prompt in the place of choices."""
    feedback = reply.get("promptFeedback") or reply.get("prompt_feedback")
    reason = (feedback.get("blockReason") or feedback.get("block_reason")) if isinstance(feedback, dict) else None
    if reason:
        raise ServerError(Words(f"the prompt was blocked: {reason}"[:200], frozenset({"content_filter"})))


def _is_error(reply: dict[str, Any]) -> bool:
    """Whether a reply without an answer is an error that is not wrapped in `error`: {"message": ..., "code": ...}."""
    return any(isinstance(reply.get(name), str) for name in ("message", "detail", "error_msg", "msg"))


def _choice(api: Api, reply: dict[str, Any]) -> Completion:
    choices = reply.get("choices")
    if not choices:
        _raise_blocked(reply)
        raise bad_response("the reply holds no choices", reply)
    choice = choices[0]
    _raise_error(choice)
    side = _Side()
    thinking, refused = "", False
    if api == "completions":
        text, logprobs = _text(choice["text"]), side.read("logprobs", _completion_logprobs, choice.get("logprobs"))
    else:
        message = choice["message"]
        _raise_error(message)
        text = _text(message.get("content"))
        thinking = side.read("reasoning", _thinking, message) or ""
        logprobs = side.read("logprobs", _chat_logprobs, choice.get("logprobs"))
        refusal = message.get("refusal")
        refused = bool(refusal) and not (isinstance(refusal, bool) and text)
        text = _text(refusal) if isinstance(refusal, str) and refusal else text
    stop_reason, notes = ("content_filter", ()) if refused else _ended(choice.get("finish_reason"), text or thinking)
    counts = _usage(reply.get("usage"), side)
    return Completion(text, stop_reason, *counts, thinking, logprobs, notes=(*notes, *side.notes))


def _responses(reply: dict[str, Any]) -> Completion:
    texts, thinking, refused, side = [], [], False, _Side()
    for item in (i for i in reply["output"] if isinstance(i, dict)):
        if item.get("type") == "message":
            for part in (p for p in item.get("content") or [] if isinstance(p, dict)):
                refused |= part.get("type") == "refusal"
                texts.append(_text(part.get("refusal")) if part.get("type") == "refusal" else _part(part))
        elif item.get("type") == "reasoning":
            thinking.append(side.read("reasoning", _thought, item.get("summary")) or "")
    text, thought = "".join(texts), "\n\n".join(t for t in thinking if t)
    details = reply.get("incomplete_details")
    why = details.get("reason") if isinstance(details, dict) else None
    status = reply.get("status")
    # A status without a reason is a cut of unknown cause: it gets a word that the table does not have.
    word = (why or "incomplete without a reason") if status == "incomplete" else status
    stop_reason, notes = ("content_filter", ()) if refused else _ended(word, text or thought)
    counts = _usage(reply.get("usage"), side)
    return Completion(text, stop_reason, *counts, thought, notes=(*notes, *side.notes))


class _Side:
    """Reads what stands beside an answer: an unknown form of it costs a note, never the answer."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def read(self, name: str, reader: Callable[[Any], T], value: Any) -> T | None:
        try:
            return reader(value)
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
            self.notes.append(
                f"the server sent `{name}` in a form that is not known: it was left out, the answers kept"
            )
            return None


_THINKING_PARTS = ("thinking", "reasoning")


def _thinking(message: dict[str, Any]) -> str:
    """The text of a thinking section that the server sends apart from the answer, or in parts of its own."""
    content = message.get("content")
    parts = [p for p in content if isinstance(p, dict)] if isinstance(content, list) else []
    sent = [message.get("reasoning_content") or message.get("reasoning")]
    sent += [[p] for p in parts if p.get("type") in _THINKING_PARTS]
    return "\n\n".join(t for t in map(_thought, sent) if t)


def _thought(value: Any) -> str:
    """A thought as text; lists of parts call it text, thinking, reasoning or content."""
    if not isinstance(value, list):
        return _text(value)
    texts = []
    for part in value:
        named = part if isinstance(part, dict) else {"text": part}
        found = next((named[k] for k in ("text", "thinking", "reasoning", "content") if named.get(k)), None)
        texts.append(_text(found))
    return "\n\n".join(t for t in texts if t)


def _text(content: Any) -> str:
    """Content as text: null is empty, a list of parts is joined; surrogates that UTF-8 can't hold are replaced."""
    if content is None:
        return ""
    if isinstance(content, list):
        content = "".join(_part(part) for part in content)
    if not isinstance(content, str):
        raise TypeError(f"content is of type {type(content).__name__}")
    return content if content.isascii() else content.encode("utf-8", "replace").decode("utf-8")


def _part(part: Any) -> str:
    """One part of a content: text, {"text": ...} or {"text": {"value": ...}}; nulls and thoughts are empty."""
    if isinstance(part, str):
        return part
    text = part.get("text") if isinstance(part, dict) and part.get("type") not in _THINKING_PARTS else None
    if isinstance(text, dict):
        text = text.get("value")
    return text if isinstance(text, str) else ""


MOST_TOKENS = 10**7
"""More than any context holds: a larger count of one call is not believed."""


def _usage(usage: Any, side: _Side) -> tuple[int | None, int | None, int | None]:
    """(prompt, completion, thinking) tokens; None for a count that the server does not give. One that can't be right
    (text, negative, NaN, too large) is left out with a note."""
    if usage is None:
        return None, None, None
    counts = usage if isinstance(usage, dict) else {"prompt_tokens": usage}
    details = counts.get("completion_tokens_details") or counts.get("output_tokens_details")
    given = (
        counts.get("prompt_tokens", counts.get("input_tokens")),
        counts.get("completion_tokens", counts.get("output_tokens")),
        details.get("reasoning_tokens") if isinstance(details, dict) else None,
    )
    prompt, answer, thinking = map(_count, given)
    if any(count is not None and _count(count) is None for count in given):
        side.notes.append("the server sent token counts that can't be right: they were left out")
    return prompt, answer, thinking


def _cached(usage: Any) -> int | None:
    """Tokens of the prompt that the server took from its cache, None if it does not say."""
    details = None
    if isinstance(usage, dict):
        details = usage.get("prompt_tokens_details") or usage.get("input_tokens_details")
    return _count(details.get("cached_tokens")) if isinstance(details, dict) else None


def _count(value: Any) -> int | None:
    """A number of tokens (10.0 is 10), None for anything else."""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MOST_TOKENS else None


def _chat_logprobs(logprobs: Any) -> tuple[TokenLogprob, ...] | None:
    if not logprobs or logprobs.get("content") is None:
        return None
    return tuple(
        TokenLogprob(
            _text(t["token"]),
            float(t["logprob"]),
            tuple((_text(a["token"]), float(a["logprob"])) for a in t.get("top_logprobs") or ()),
        )
        for t in logprobs["content"]
    )


def _completion_logprobs(logprobs: Any) -> tuple[TokenLogprob, ...] | None:
    if not logprobs:
        return None
    tops = logprobs.get("top_logprobs") or [None] * len(logprobs["tokens"])
    rows = zip(logprobs["tokens"], logprobs["token_logprobs"], tops, strict=True)
    # The first token of an echoed prompt has no probability.
    return tuple(
        TokenLogprob(_text(token), float(p), tuple((_text(t), float(q)) for t, q in (top or {}).items()))
        for token, p, top in rows
        if p is not None
    )


def bad_response(what: str, reply: Any) -> ModelError:
    """An error for a reply that can't be read; `what` is wrong with it, and an excerpt of it is shown."""
    return ModelError(f"{what}: {excerpt(reply)}", "bad_response")
