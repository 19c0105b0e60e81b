"""Any OpenAI-compatible server: `openai/NAME`, hosted or, with --base-url, anywhere.

Two transports under one interface, both with the retries of this module: the `openai` package if its features are
needed (hosted models, Azure, the responses endpoint), and plain aiohttp for everything else, which takes a fraction of
the CPU time a request (see benchmarks/).
"""

from __future__ import annotations

import asyncio
import contextlib
import email.utils
import json
import os
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args
from urllib.parse import urlsplit, urlunsplit

from harness import trust
from harness.errors import FatalModelError, ModelError, ModelErrorKind, UsageError
from harness.models import context, given_text, refusals, wire
from harness.models.context import Room
from harness.models.given_text import Given
from harness.models.health import Health
from harness.models.tokenizing import ServerTokenizer
from harness.models.transport import ABSENT, AiohttpTransport, OpenAITransport, Transport, TransportError
from harness.options import build, option
from harness.types import Completion, Cut, ModelOptions, Params, Request

BACKOFF_BASE_S = 0.5
BACKOFF_CAP_S = 30.0
RETRY_AFTER_CAP_S = 120.0
"""Seconds; a server that asks for a longer wait gets this one."""

MODELS_WITHIN_S = 5.0
"""Seconds that a server has to report the length of its context; most servers do not report it at all."""

SHORTER_AT_MOST = 6
"""How often one request is asked again with another length limit."""


@dataclass(frozen=True)
class Settings:
    """The -M options of this backend."""

    api: wire.Api = option("chat", "endpoint: chat, completions or responses")
    client: Literal["auto", "aiohttp", "openai"] = option(
        "auto", "transport; auto: the openai package for hosted models, else aiohttp"
    )
    model: str | None = option(None, "the model's name at the server, where it is another")
    tokens_field: Literal["auto", "max_tokens", "max_completion_tokens"] = option(
        "auto", "name of the length limit; auto: max_completion_tokens for hosted models, else max_tokens"
    )
    extra_body: str | None = option(None, "JSON object that is merged into each request's body")
    chat_template_kwargs: str | None = option(None, 'JSON object for the chat template, as {"enable_thinking": false}')
    omit: tuple[str, ...] = option(
        (), "fields to leave out of each request, as seed,temperature: what a server refuses"
    )
    drop: tuple[str, ...] = option((), "another name of omit")
    thinking_field: Literal["auto", wire.ThinkingField] = option(
        "auto",
        "how the server calls the limit of --thinking-tokens: thinking_token_budget (vLLM), thinking_budget_tokens "
        "(llama.cpp), thinking_budget (Alibaba Cloud), chat_template_kwargs (SGLang), nvext (NVIDIA NIM), thinking "
        "(Anthropic), reasoning (OpenRouter)",
    )
    continuing: Literal["auto", "tokens", "chat"] = option(
        "auto",
        "how the beginning of an answer is sent: tokens (/tokenize, then the completions endpoint), or chat "
        "(continue_final_message); auto: tokens if the server has /tokenize",
    )
    patience: float = option(900.0, "seconds to wait for a server that has answered and is gone")
    azure_endpoint: str | None = option(None, "https://NAME.openai.azure.com, for Azure")
    api_version: str | None = option(None, "API version, for Azure")


class OpenAICompatible:
    """A model behind an OpenAI-compatible API. `model` is its name there; options.base_url is the server's address.

    A rate limit with a wait (429, 503 or 529 with Retry-After) pauses all requests of this model for that long. Other
    faults (429 without a wait, 408, 409, 5xx, dropped connections, time-outs, garbage) delay only the request they hit.
    After options.max_retries retries `complete` raises ModelError. If no server is there, nothing is asked until it is
    back (harness.models.health): such a try does not count. A request that is refused because prompt and answer
    together are longer than the context is asked again with a limit that fits, which is no retry.
    """

    def __init__(
        self,
        model: str,
        options: ModelOptions,
        settings: Settings | None = None,
        thinking_field: wire.ThinkingField | None = None,
    ) -> None:
        """`thinking_field`: how the server calls a limit of thinking tokens, unless the settings say so."""
        self._settings = settings or build(Settings, options.extra, f"model openai/{model}")
        self._model = self._settings.model or model
        self._omit = tuple(dict.fromkeys((*self._settings.omit, *self._settings.drop)))
        if not self._settings.patience >= 0:  # also nan
            raise UsageError(f"-M patience={self._settings.patience}: not a number of seconds")
        self._options = options
        self._base_url = _checked_url(options.base_url)
        self._hosted = self._base_url is None
        if self._settings.azure_endpoint and (self._base_url or self._settings.client == "aiohttp"):
            raise UsageError("-M azure_endpoint goes with neither --base-url nor -M client=aiohttp", "leave one out")
        self._extra = _json_option(self._settings.extra_body, "extra_body")
        if self._settings.chat_template_kwargs:
            kwargs = _json_option(self._settings.chat_template_kwargs, "chat_template_kwargs")
            self._extra = {**self._extra, "chat_template_kwargs": kwargs}
        chosen = self._settings.thinking_field
        self._thinking_field = thinking_field if chosen == "auto" else chosen
        self._tokenizer = ServerTokenizer(self._beside, self._model, self._extra.get("chat_template_kwargs"))
        self._transport: Transport | None = None
        self._key: str | None = None
        self._paused_until = 0.0
        self._room = Room()
        self.name = f"openai/{model}"
        self.max_connections = options.max_connections or 64

    @property
    def identity(self) -> Params:
        """See harness.types.Model."""
        return {
            "model": self._model,
            "server": self._server,
            "api": self._settings.api,
            "extra_body": json.dumps(self._extra, sort_keys=True) if self._extra else None,
            **({"omit": ",".join(self._omit)} if self._omit else {}),
            **{k: v for k in ("thinking_field", "continuing") if (v := getattr(self._settings, k)) != "auto"},
        }

    @property
    def _server(self) -> str:
        return self._settings.azure_endpoint or self._base_url or trust.HOSTED

    @property
    def cannot_continue(self) -> str:
        """See harness.types.Continues."""
        if self._hosted:
            return "OpenAI's models show no thinking, and begin each answer anew"
        return "the responses endpoint begins each answer anew" if self._settings.api == "responses" else ""

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        """See harness.types.Continues.cut: by the server's /tokenize, if it has that."""
        return await self._tokenizer.cut(text, at)

    def check_thinking(self) -> None:
        """See harness.types.LimitsThinking."""
        if self._settings.api == "responses":
            said = f"{self.name}: --thinking-tokens: the responses endpoint takes no limit of thinking tokens"
            raise UsageError(said, "--reasoning-effort limits thinking there")
        if self._thinking_field is None:
            others = "--reasoning-effort is what OpenAI's models take" if self._hosted else "servers have several names"
            raise UsageError(
                f"{self.name}: --thinking-tokens: it is not known how this server calls the limit",
                f"{others}; -M thinking_field=NAME names it: {', '.join(get_args(wire.ThinkingField))}",
            )

    def check(self) -> None:
        """See harness.types.Checked. Raises UsageError if the key that the server needs is not set."""
        variable = trust.key_variable(self._server, self._options.api_key_env)
        self._key = os.environ.get(variable) or None if variable else None
        if self._key is None and variable:
            raise UsageError(
                f"{self.name} needs a key in the environment variable {variable}, which is not set",
                f"export {variable}=..., or name another with --api-key-env, or a server with --base-url",
            )

    async def start(self) -> None:
        """See harness.types.Model.start. Raises UsageError if the key that the server needs is not set."""
        self.check()
        client = self._settings.client
        if client == "auto":
            client = "openai" if self._hosted or self._settings.api == "responses" else "aiohttp"
        base_url = self._base_url or trust.HOSTED
        if client == "openai":
            self._transport = OpenAITransport(
                base_url, self._key, self._options.timeout, self.max_connections, self._settings.azure_endpoint,
                self._settings.api_version,
            )  # fmt: skip
        else:
            self._transport = AiohttpTransport(base_url, self._key, self._options.timeout, self.max_connections)
        await self._transport.open()
        hint = "is this machine online?" if self._hosted else "is the server running, and is its address right?"
        address = self._settings.azure_endpoint or base_url
        self._health = Health(address, self._transport.probe, self._settings.patience, hint)
        if not self._hosted:
            within_s = min(MODELS_WITHIN_S, self._options.timeout)
            self._room.context = context.listed(await self._transport.models(within_s), self._model)

    async def complete(self, request: Request) -> Completion:
        """See harness.types.Model.complete. Raises FatalModelError if no request can succeed (no access, no such
        model). A prompt that a filter refuses, or that does not fit, gets an empty completion with an `error`."""
        if any("tokens" in name for name in self._omit):
            request = replace(request, sampling=replace(request.sampling, max_tokens=None))
        api, tokens, given = self._settings.api, None, None
        if request.sampling.given is not None:
            given = await self._given(request)
            api, tokens = "completions", given.tokens
            request = replace(request, sampling=given_text.sampling_of(request.sampling))
        elif request.begun and api == "chat" and self._settings.continuing != "chat":
            tokens = await self._tokens(request)
            api = "chat" if tokens is None else "completions"
        asked, limit = request.sampling.max_tokens, self._room.limit(request)
        attempt = shorter = 0
        cut: Completion | None = None
        while True:
            await self._wait_for_turn()
            body = self._body(request, limit, tokens) | (given.fields if given else {})
            start = time.perf_counter()
            try:
                completion = await self._attempt(api, body, bool(request.begun), given)
            except _TooLong as refusal:  # no retry: the server works, and says what fits
                fits = self._room.after_refusal(request, limit, refusal.said)
                if fits is None or shorter == SHORTER_AT_MOST:
                    return cut or Completion("", "length", error=refusal.message, latency_s=time.perf_counter() - start)
                limit, shorter = fits, shorter + 1
                continue
            except _Retryable as error:
                failure = error.error
                if error.no_reply and await self._health.failed(error.no_reply, failure.kind == "unreachable"):
                    continue
                if attempt == self._options.max_retries:
                    tries = attempt + 1
                    what = f"{failure.message} ({tries} {'try' if tries == 1 else 'tries'})"
                    raise ModelError(what, failure.kind, failure.hint) from None
                await self._back_off(error, attempt)
                attempt += 1
                continue
            self._room.answered(request, completion.prompt_tokens)
            notes = (*completion.notes, *context.lowered(asked, limit, self._room.context))
            completion = replace(completion, latency_s=time.perf_counter() - start, retries=attempt, notes=notes)
            if completion.stop_reason == "length" and cut is None:
                fits = self._room.after_cut(limit, asked, completion.prompt_tokens)
                if fits is not None:  # our estimate cut it: ask once more, with all the room
                    cut, limit = completion, fits
                    continue
            return completion

    async def _tokens(self, request: Request) -> list[int] | None:
        """The tokens of a prompt and the beginning of its answer; None if the server has no tokenizer for us.
        ModelError if it has to have one."""
        found = await self._tokenizer.begun(request.messages)
        if found is None and self._settings.continuing == "tokens":
            hint = "-M continuing=chat sends the beginning of an answer as a message"
            raise self._error(f"{self._where} has no /tokenize and /detokenize as vLLM has", "not_found", hint)
        return found

    async def _given(self, request: Request) -> Given:
        """The tokens of a request that gives the text of the answer. ModelError if the server has no tokenizer."""
        text = str(request.sampling.given)
        found = await self._tokenizer.given(request.messages, text)
        if found is None:
            raise self._error(f"{self._where} has no /tokenize and /detokenize as vLLM has", "not_found")
        return Given(text, *found, request.sampling.logprobs or 0)

    async def _beside(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON of an endpoint beside the API; None if there is no such endpoint. ModelError if it does not
        answer."""
        assert self._transport is not None, "start comes first"
        for attempt in range(self._options.max_retries + 1):
            await self._wait_for_turn()
            try:
                reply = await self._transport.beside(path, body)
            except TransportError as error:
                said = _Retryable(self._error(f"{self._where}{path}: {error}", error.kind))
            else:
                if reply is None or not (reply.status in (200, 408, 429) or reply.status >= 502):
                    return None
                if reply.status == 200:
                    with contextlib.suppress(ValueError, RecursionError):
                        return json.loads(reply.body)
                    return None
                said = _Retryable(self._error(f"{self._where}{path}: {reply.status}", "transient"))
            if attempt < self._options.max_retries:
                await self._back_off(said, attempt)
        raise said.error

    def _body(self, request: Request, limit: int | None, tokens: list[int] | None = None) -> dict[str, Any]:
        """`tokens` are the prompt, for the completions endpoint."""
        api = self._settings.api if tokens is None else "completions"
        if limit != request.sampling.max_tokens:
            request = replace(request, sampling=replace(request.sampling, max_tokens=limit))
        body = wire.body(api, self._model, request, self._tokens_field, self._extra, self._thinking_field)
        if tokens is not None:
            body["prompt"] = tokens
            body.pop("chat_template_kwargs", None)
        return {k: v for k, v in body.items() if k not in self._omit}

    @property
    def _tokens_field(self) -> wire.TokensField:
        if self._settings.tokens_field != "auto":
            return self._settings.tokens_field
        return "max_completion_tokens" if self._hosted else "max_tokens"

    async def _wait_for_turn(self) -> None:
        """Wait until the server is there, and until a pause that a rate limit has set for all requests is over; they do
        not come back in the same instant."""
        await self._health.turn()
        while (wait := self._paused_until - time.monotonic()) > 0:
            await asyncio.sleep(wait + random.uniform(0, min(0.1 * wait, 1.0)))

    async def _back_off(self, error: _Retryable, attempt: int) -> None:
        """Wait as long as the server asks, else exponentially with full jitter (each request draws its own wait from
        zero to the limit)."""
        if error.retry_after is not None:
            wait = min(error.retry_after, RETRY_AFTER_CAP_S)
            if error.everybody:
                self._paused_until = max(self._paused_until, time.monotonic() + wait)
            else:
                await asyncio.sleep(wait)
            return
        await asyncio.sleep(random.uniform(0, min(BACKOFF_CAP_S, BACKOFF_BASE_S * 2**attempt)))

    async def _attempt(
        self, api: wire.Api, body: Mapping[str, Any], begun: bool = False, given: Given | None = None
    ) -> Completion:
        assert self._transport is not None, "start comes first"
        try:
            reply = await self._transport.post(wire.PATHS[api], body)
        except TransportError as error:
            away = str(error) if error.kind != "bad_response" else ""
            raise _Retryable(self._error(f"{self._where}: {error}", error.kind), no_reply=away) from None
        if reply.status not in ABSENT:
            self._health.replied()
        if reply.status != 200:
            return self._unanswered(reply.status, refusals.read(reply.body), body, reply.headers)
        try:
            sent = json.loads(self._body_without_key(reply.body))
            return given.completion(sent) if given else wire.completion(api, sent, begun)
        except refusals.ServerError as error:
            return self._unanswered(error.words.status or 500, error.words, body)
        except (ValueError, RecursionError):
            start = refusals.excerpt(self._without_key(reply.body[:2000].decode("utf-8", "replace")))
            kind = "a stream of events" if reply.body[:6].startswith((b"data:", b"event:")) else "not JSON"
            raise _Retryable(self._error(f"{self._where}: the reply is {kind}: {start}", "bad_response")) from None
        except ModelError as error:
            raise _Retryable(self._error(f"{self._where}: {error.message}", error.kind)) from None

    @property
    def waiting(self) -> str:
        """See harness.types.Waits."""
        pause = self._paused_until - time.monotonic()
        limited = f"rate limit of {self._where}: waiting {pause:.0f} s" if pause > 1 else ""
        return limited or (self._health.waiting if self._transport else "")

    @property
    def _where(self) -> str:
        return urlsplit(self._server).netloc

    def _unanswered(
        self, status: int, said: refusals.Words, body: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> Completion:
        """What a reply without an answer means: an empty completion if a filter refused the prompt, else an error that
        is raised. Without `headers` the error came in a reply of status 200."""
        text = self._without_key(said.text)
        shown = [self._where, str(status) if headers is not None or said.status else ""]
        what = ": ".join(part for part in (*shown, refusals.excerpt(text) if text.strip() else "") if part)
        if refusals.is_filter(said, status):
            return Completion("", "content_filter", error=what)
        if context.is_too_long(said, status):
            raise _TooLong(what, said)
        raise self._refused(status, said, what, body, headers or {})

    def _refused(
        self, status: int, said: refusals.Words, what: str, body: Mapping[str, Any], headers: Mapping[str, str]
    ) -> Exception:
        """The error of a refusal: one to be retried, one for this sample only, or one for all of them."""
        wait = _retry_after(headers)
        if status in (401, 402, 403):
            variable = trust.key_variable(self._server, self._options.api_key_env)
            hint = f"is the key in {variable} right, and has it access to {self._model}?"
            hint = hint if variable else "no key was sent: --api-key-env NAME says which one this server gets"
            hint = "is there credit left on the account?" if status == 402 else hint
            return self._error(what, "auth", hint, FatalModelError)
        if status == 404:
            hint = "does --base-url end in /v1?" if self._base_url and not self._base_url.endswith("/v1") else ""
            return self._error(
                what, "not_found", hint or f"is there a model {self._model} on that server?", FatalModelError
            )
        if 300 <= status < 400:
            place = _place(headers.get("location", ""))
            what = f"{self._where}: {status}: the server redirects to {place or 'another place'}; no key is sent there"
            return self._error(what, "not_found", "give the server's final address with --base-url", FatalModelError)
        if status == 429 and "insufficient_quota" in (*said.codes, said.text):
            return self._error(what, "rate_limit", "the account has no quota left", FatalModelError)
        if status == 429 or (status in (503, 529) and wait is not None):
            return _Retryable(self._error(what, "rate_limit"), wait, everybody=True)
        if status in (408, 409) or status >= 500:
            absent = f"a gateway answers with {status}" if status in ABSENT and headers is not None else ""
            return _Retryable(self._error(what, "transient"), wait, no_reply=absent)
        return self._error(what, "bad_request", refusals.parameter_hint(said, body))

    def _without_key(self, text: str) -> str:
        """The text without the key, which servers like to quote, and without others."""
        return trust.masked(text, self._key)

    def _body_without_key(self, body: bytes) -> str:
        """A reply that may be recorded: a server can quote the key in an answer too."""
        text = body.decode("utf-8", "replace")
        return text.replace(self._key, trust.MASK) if self._key and len(self._key) >= trust.SHORTEST_KEY else text

    def _error(
        self, message: str, kind: ModelErrorKind, hint: str = "", cls: type[ModelError] = ModelError
    ) -> ModelError:
        """An error whose text can't hold the key."""
        return cls(self._without_key(message), kind, hint)

    async def close(self) -> None:
        """See harness.types.Model.close."""
        if self._transport:
            await self._transport.close()


class _Retryable(Exception):  # noqa: N818 - a signal between two methods, never seen outside
    """`no_reply` says in words why there was none; "" if the server itself has answered."""

    def __init__(
        self, error: ModelError, retry_after: float | None = None, everybody: bool = False, no_reply: str = ""
    ) -> None:
        super().__init__(error.message)
        self.error, self.retry_after, self.everybody, self.no_reply = error, retry_after, everybody, no_reply


class _TooLong(Exception):  # noqa: N818 - as _Retryable
    def __init__(self, message: str, said: refusals.Words) -> None:
        super().__init__(message)
        self.message, self.said = message, said


def _checked_url(url: str | None) -> str | None:
    if url is None:
        return None
    trust.check_no_secret(ModelOptions(url))
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError(
            f"--base-url {trust.masked(url)}: not a URL of a server", "for example http://127.0.0.1:8000/v1"
        )
    return url.rstrip("/")


def _json_option(text: str | None, name: str) -> dict[str, Any]:
    if not text:
        return {}
    try:
        value = json.loads(text)
    except ValueError as error:
        raise UsageError(f"-M {name}: not valid JSON: {error}") from None
    if not isinstance(value, dict):
        raise UsageError(f"-M {name}: not a JSON object")
    return value


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait, from retry-after-ms, or Retry-After in seconds or as a date; None if the headers ask for no
    wait."""
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            wait = float(headers[name]) / unit
        except (KeyError, ValueError):
            continue
        return wait if wait > 0 else None  # also for nan: then the usual back-off applies
    try:
        moment = email.utils.parsedate_to_datetime(headers["retry-after"])
    except (KeyError, ValueError):
        return None
    wait = moment.timestamp() - time.time()
    return wait if wait > 0 else None


def _place(location: str) -> str:
    """Where a redirect points, without what may be secret: credentials and the query."""
    try:
        parts = urlsplit(location)
    except ValueError:
        return ""
    return refusals.excerpt(urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))).strip("'")


def open_model(name: str, options: ModelOptions) -> OpenAICompatible:
    """The model, not yet started. Raises UsageError for options that are not allowed."""
    return OpenAICompatible(name, options)
