"""What models that are computed in this process have in common: embedded (CTranslate2) and hf (transformers).

Requests that wait are computed together, one batch at a time, in a thread of its own. Knows no library of models.
"""

from __future__ import annotations

import asyncio
import bisect
import hashlib
import math
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import TemplateError

from harness.errors import ModelError, cause
from harness.models.context import lowered
from harness.models.tokenizing import opened_once
from harness.reading.envelope import split_thinking
from harness.types import Completion, Cut, Message, Request, StopReason, TokenLogprob

QUICKLY_READ = 64 * 2**20
"""Weights of fewer bytes are read without anybody noticing: to hash them, or to load them afresh (embedded)."""


class Asked(NamedTuple):
    """A request that waits: the tokens of its prompt, for how many more the context has room, and those of the text
    that it gives as the answer, if it gives one."""

    ids: list[int]
    request: Request
    room: int
    given: list[int] | None = None

    @property
    def limit(self) -> int:
        """Tokens of the answer, at most."""
        return min(self.request.sampling.max_tokens or self.room, self.room)


class Generated(NamedTuple):
    """What a model has made of a request. `ids` have the token that ends an answer, if it `ended`; `logprobs` has one
    entry a token, or is empty if none were asked for. Of a given text `ids` are its tokens."""

    ids: list[int]
    ended: bool
    logprobs: Sequence[TokenLogprob] = ()


_COMPUTING: set[InProcess] = set()


def computing() -> bool:
    """Whether a batch is being computed. Its thread can't be ended, and a process that ends would wait for it."""
    return bool(_COMPUTING)


class InProcess:
    """A backend says how text becomes tokens, which requests may share a batch, and generates; the rest is here."""

    cannot_continue = ""
    cannot_score_text = ""

    def __init__(self, name: str, max_connections: int) -> None:
        self.name = name
        self.max_connections = max_connections
        self.context = 0
        self._waiting: list[tuple[Asked, asyncio.Future[Completion]]] = []
        self._busy: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=type(self).__name__.lower())

    # What a backend has to say ----------------------------------------------------------------------------------------

    def render(self, messages: tuple[Message, ...]) -> str:
        """The prompt as text, with what opens an answer at its end."""
        raise NotImplementedError

    def encode(self, text: str) -> list[int]:
        """The tokens of a text; nothing is put before or behind them."""
        raise NotImplementedError

    def ends(self, text: str) -> list[int] | None:
        """Where each token ends in the text; None if the tokenizer does not say."""
        raise NotImplementedError

    def decode(self, ids: Sequence[int]) -> str:
        """Tokens as text, without special ones."""
        raise NotImplementedError

    def alike(self, asked: Asked) -> Any:
        """What requests of one batch must have in common."""
        raise NotImplementedError

    def most(self, asked: Asked) -> int:
        """How many requests like this one are computed at once."""
        raise NotImplementedError

    def generate(self, batch: list[Asked]) -> list[tuple[Generated, float]]:
        """For each request what was generated, and in how many seconds. Called in a thread of its own."""
        raise NotImplementedError

    def likelihood(self, batch: list[Asked]) -> list[tuple[Generated, float]]:
        """As `generate`, for requests that give the text of the answer: one pass over prompt and text."""
        raise NotImplementedError

    # What they have in common -----------------------------------------------------------------------------------------

    async def complete(self, request: Request) -> Completion:
        """See harness.types.Model.complete. Raises ModelError if the model fails, or if its chat template refuses the
        messages. A prompt as long as the context gets an empty answer with the stop reason length; so does a given
        text that does not fit behind its prompt (ScoresText)."""
        asked, begun = (request.messages[:-1], request.begun) if request.begun else (request.messages, "")
        try:
            prompt = self.render(asked)
        except TemplateError as error:
            raise ModelError(f"{self.name}: the chat template refuses this prompt: {error}", "bad_request") from None
        prompt += opened_once(prompt, begun) if begun else ""
        ids, text = self.encode(prompt), request.sampling.given
        given = None if text is None else self._behind(prompt, ids, text)
        if given is not None and len(ids) + len(given) > self.context:
            said = f"prompt and text have {len(ids) + len(given)} tokens, the model's context {self.context}"
            return Completion("", "length", prompt_tokens=len(ids), completion_tokens=0, error=said)
        if given is not None and not ids:
            raise ModelError(f"{self.name}: the prompt has no token that a text could follow", "bad_request")
        if given is None and len(ids) >= self.context:
            # Asking again would not help: an answer that had no room is a truncated one.
            said = f"the prompt has {len(ids)} tokens, the model's context {self.context}"
            return Completion("", "length", prompt_tokens=len(ids), completion_tokens=0, error=said)
        answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._waiting.append((Asked(ids, request, self.context - len(ids), given), answer))
        if self._busy is None or self._busy.done():
            self._busy = asyncio.create_task(self._drain())
        return await answer

    def _behind(self, prompt: str, ids: list[int], text: str) -> list[int]:
        """The tokens of a text behind a prompt with these `ids`. If the text's first characters would make one token
        with the prompt's last ones, the text is encoded by itself: the prompt's tokens are those that a generated
        answer would follow."""
        whole = self.encode(prompt + text)
        return whole[len(ids) :] if whole[: len(ids)] == ids else self.encode(text)

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        """See harness.types.Continues.cut."""
        ends = self.ends(text)
        if ends is None:
            return None
        return Cut(len(ends), tuple(text if n >= len(ends) else text[: ends[n - 1]] for n in at))

    async def _drain(self) -> None:
        """Compute what waits, until nothing does. Requests that arrive meanwhile make the next batch."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # let the requests of this turn of the event loop arrive
        while self._waiting:
            first = self._waiting[0][0]
            key = (first.given is None, self.alike(first))
            batch = [w for w in self._waiting if (w[0].given is None, self.alike(w[0])) == key][: self.most(first)]
            taken = {id(w) for w in batch}
            self._waiting = [w for w in self._waiting if id(w) not in taken]
            try:
                made = await loop.run_in_executor(self._thread, self._completions, [asked for asked, _ in batch])
            except Exception as error:
                for _, answer in batch:
                    if not answer.done():
                        answer.set_exception(ModelError(f"{self.name}: {cause(error)}", "bad_response"))
                continue
            for (_, answer), completion in zip(batch, made, strict=True):
                if not answer.done():  # the caller may have been cancelled
                    answer.set_result(completion)

    def _completions(self, batch: list[Asked]) -> list[Completion]:
        _COMPUTING.add(self)
        try:
            made = self.generate(batch) if batch[0].given is None else self.likelihood(batch)
        finally:
            _COMPUTING.discard(self)
        return [
            self._completion(asked, generated, seconds) for asked, (generated, seconds) in zip(batch, made, strict=True)
        ]

    def _completion(self, asked: Asked, generated: Generated, seconds: float) -> Completion:
        sampling = asked.request.sampling
        if sampling.given is not None:
            return Completion(
                sampling.given,
                prompt_tokens=len(asked.ids),
                completion_tokens=len(generated.ids),
                logprobs=tuple(generated.logprobs),
                latency_s=seconds,
                served_by=self.name,
            )
        ids, text = generated.ids, self.decode(generated.ids)
        stop_reason: StopReason = "stop" if generated.ended else "length"
        for stop in sampling.stop:
            if stop in text:
                # As a server does, which stops there: what was generated behind it is not counted.
                last = bisect.bisect_left(range(len(ids)), True, key=lambda i: stop in self.decode(ids[: i + 1]))
                ids, text, stop_reason = ids[: last + 1], text.partition(stop)[0], "stop"
        text, thinking = split_thinking(text, native=True)
        notes = lowered(sampling.max_tokens, asked.limit, self.context) if stop_reason == "length" else ()
        return Completion(
            text.lstrip() if thinking else text,
            stop_reason,
            prompt_tokens=len(asked.ids),
            completion_tokens=len(ids),
            thinking=thinking,
            logprobs=tuple(generated.logprobs[: len(ids)]) or None,
            latency_s=seconds,
            served_by=self.name,
            notes=notes,
        )

    async def close(self) -> None:
        """See harness.types.Model.close. Requests that still wait are not computed."""
        if self._busy:
            self._busy.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)


def timed(generated: Iterable[Generated], start: float) -> list[tuple[Generated, float]]:
    """A batch that was begun at `start` (time.perf_counter): each of its requests took as long as all of them."""
    made = list(generated)
    seconds = time.perf_counter() - start
    return [(g, seconds) for g in made]


def spelt(text: str, raw: str) -> str:
    """A token as text; SentencePiece's mark of a space, which decoding one token alone drops, is a space."""
    return f" {text}" if raw.startswith("▁") and not text.startswith(" ") else text


def floor(logprob: float) -> float:
    """A log-probability that JSON can hold: what is impossible is very unlikely, as servers say it."""
    return logprob if math.isfinite(logprob) else -9999.0


def fingerprint_of(weights: Iterable[Path]) -> str:
    """What changes when weights change: their hash if they are read quickly, else their size and date."""
    files = sorted(weights)
    if sum(file.stat().st_size for file in files) >= QUICKLY_READ:
        return "+".join(f"{file.stat().st_size}-{file.stat().st_mtime_ns}" for file in files)
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
