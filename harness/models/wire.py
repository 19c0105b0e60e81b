"""The OpenAI-compatible wire format: requests to JSON bodies, JSON replies to completions. Pure functions.

A server's reply is hostile input: any JSON gives a Completion or a ModelError of kind bad_response.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

from harness.errors import ModelError
from harness.types import Completion, Message, Request, StopReason, TokenLogprob

Api = Literal["chat", "completions", "responses"]
TokensField = Literal["max_tokens", "max_completion_tokens"]

PATHS: dict[Api, str] = {"chat": "/chat/completions", "completions": "/completions", "responses": "/responses"}

_STOP_REASONS: dict[str, StopReason] = {"stop": "stop", "length": "length", "content_filter": "content_filter"}


# Requests ---------------------------------------------------------------------------------------------------------


def body(api: Api, model: str, request: Request, tokens_field: TokensField, extra: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON body of a request. What is None is left to the server; `extra` goes over everything."""
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
        else:
            given["prompt"] = plain_prompt(request.messages)
            given["max_tokens"] = s.max_tokens
            given["logprobs"] = s.logprobs
    return {k: v for k, v in given.items() if v is not None} | dict(extra)


def plain_prompt(messages: tuple[Message, ...]) -> str:
    """Messages for a model that only continues text: contents with blank lines between, no role names."""
    return "\n\n".join(m.content for m in messages)


# Replies ----------------------------------------------------------------------------------------------------------


def completion(api: Api, reply: Any) -> Completion:
    """The completion in a reply. Raises ModelError(bad_response) for anything of another shape."""
    if not isinstance(reply, dict):
        raise bad_response("the reply is not a JSON object", reply)
    try:
        made = _responses(reply) if api == "responses" else _choice(api, reply)
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise bad_response(
            f"the reply has another shape than expected ({type(error).__name__}: {error})", reply
        ) from None
    text, thought = split_thinking(made.text)
    served_by = "@".join(str(part) for part in (reply.get("model"), reply.get("system_fingerprint")) if part)
    return replace(made, text=text, thinking="\n\n".join(t for t in (made.thinking, thought) if t), served_by=served_by)


def _choice(api: Api, reply: dict[str, Any]) -> Completion:
    choice = reply["choices"][0]
    prompt_tokens, completion_tokens, thinking_tokens = _usage(reply.get("usage"))
    stop_reason = _STOP_REASONS.get(str(choice.get("finish_reason")), "other")
    if api == "completions":
        text, thinking, logprobs = _text(choice["text"]), "", _completion_logprobs(choice.get("logprobs"))
    else:
        message = choice["message"]
        text = _text(message.get("content"))
        thinking = _text(message.get("reasoning_content") or message.get("reasoning"))
        logprobs = _chat_logprobs(choice.get("logprobs"))
        if message.get("refusal"):
            text, stop_reason = _text(message["refusal"]), "content_filter"
    return Completion(text, stop_reason, prompt_tokens, completion_tokens, thinking_tokens, thinking, logprobs)


def _responses(reply: dict[str, Any]) -> Completion:
    texts, thinking, refused = [], [], False
    for item in reply["output"]:
        if item["type"] == "message":
            for part in item["content"]:
                refused |= part["type"] == "refusal"
                texts.append(_text(part.get("text") or part.get("refusal")))
        elif item["type"] == "reasoning":
            thinking += [_text(part.get("text")) for part in item.get("summary") or []]
    why = (reply.get("incomplete_details") or {}).get("reason")
    stop_reason: StopReason = "content_filter" if refused or why == "content_filter" else "stop"
    if reply.get("status") == "incomplete" and stop_reason == "stop":
        stop_reason = "length" if why == "max_output_tokens" else "other"
    prompt_tokens, completion_tokens, thinking_tokens = _usage(reply.get("usage"))
    return Completion(
        "".join(texts), stop_reason, prompt_tokens, completion_tokens, thinking_tokens, "\n\n".join(thinking)
    )


def _text(content: Any) -> str:
    """Content as text: null is empty, a list of parts is joined; surrogates that UTF-8 can't hold are replaced."""
    if content is None:
        return ""
    if isinstance(content, list):
        content = "".join(part if isinstance(part, str) else str(part.get("text") or "") for part in content)
    if not isinstance(content, str):
        raise TypeError(f"content is of type {type(content).__name__}")
    return content if content.isascii() else content.encode("utf-8", "replace").decode("utf-8")


def _usage(usage: Any) -> tuple[int | None, int | None, int | None]:
    """(prompt, completion, thinking) tokens; None where the server does not say."""
    if not isinstance(usage, dict):
        return None, None, None
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    counts = (
        usage.get("prompt_tokens", usage.get("input_tokens")),
        usage.get("completion_tokens", usage.get("output_tokens")),
        details.get("reasoning_tokens") if isinstance(details, dict) else None,
    )
    prompt, answer, thinking = (n if isinstance(n, int) and 0 <= n < 2**53 else None for n in counts)
    return prompt, answer, thinking


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


def split_thinking(text: str) -> tuple[str, str]:
    """(answer, thinking) of a text that starts with a <think> section.

    Some chat templates supply the opening tag, so that the text starts inside; a section that is never closed
    leaves no answer.
    """
    start, end = "<think>", "</think>"
    stripped = text.lstrip()
    if stripped.startswith(start):
        thought, _, answer = stripped[len(start) :].partition(end)
        return answer.lstrip(), thought.strip()
    if end in text and start not in text.partition(end)[0]:
        thought, _, answer = text.partition(end)
        return answer.lstrip(), thought.strip()
    return text, ""


def bad_response(what: str, reply: Any) -> ModelError:
    return ModelError(f"{what}: {excerpt(reply)}", "bad_response")


def excerpt(reply: Any) -> str:
    """What a server sent, short enough for a message, on one line."""
    text = reply if isinstance(reply, str) else repr(reply)[:2000]
    return repr(re.sub(r"\s+", " ", text[:2000]).strip()[:200])
