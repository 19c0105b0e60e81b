"""A real language model in this process: a CTranslate2 directory, run on the CPU without any server.

`embedded/tiny` is the model in this package, `embedded/DIR` any CTranslate2 generator that has its
tokenizer.json and a chat template (chat_template.jinja or tokenizer_config.json) beside it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from harness.errors import DataError, ModelError, UsageError, cause
from harness.models.context import lowered
from harness.models.tokenizing import opened_once
from harness.options import build, option
from harness.types import Completion, Cut, Message, ModelOptions, Params, Request, Sampling, StopReason

RELOADED_BELOW = 64 * 2**20
"""Models of fewer bytes are loaded afresh for each sampled request (see Embedded._sample)."""

SAMPLED_AT_ONCE = 4
"""Sampled requests are computed one by one; handing over a few at a time keeps the progress bar moving."""


@dataclass(frozen=True)
class Settings:
    """The -M options of this backend."""

    compute_type: str = option("default", "CTranslate2 compute type: default, int8, float32, bfloat16 ...")
    threads: int = option(0, "threads a batch is computed with; 0: as many as there are cores")
    batch: int = option(64, "greedy requests computed together, at most")
    context: int = option(0, "tokens of prompt and answer together; 0: as the tokenizer's configuration says")


class Embedded:
    """A CTranslate2 model. Requests that wait are computed together: one batch at a time, in a thread of its own."""

    def __init__(self, name: str, directory: Path, settings: Settings, max_connections: int) -> None:
        self.name = name
        self.max_connections = max_connections
        self._directory = directory
        self._settings = settings
        self._waiting: list[tuple[list[str], Request, asyncio.Future[Completion]]] = []
        self._busy: asyncio.Task[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="embedded")

    @property
    def identity(self) -> Params:
        """See harness.types.Model."""
        import ctranslate2

        weights = self._directory / "model.bin"
        stat = weights.stat()
        # The weights themselves if that is quick, else what changes when they change.
        if stat.st_size < RELOADED_BELOW:
            fingerprint = hashlib.sha256(weights.read_bytes()).hexdigest()[:16]
        else:
            fingerprint = f"{stat.st_size}-{stat.st_mtime_ns}"
        return {"model": self.name, "weights": fingerprint, "compute_type": self._settings.compute_type,
                "context": self._settings.context,
            "ctranslate2": ctranslate2.__version__}  # fmt: skip

    async def start(self) -> None:
        """See harness.types.Model.start. Raises DataError if a file of the model can't be used."""
        from tokenizers import Tokenizer

        config = _read_json(self._directory / "tokenizer_config.json", required=False)
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(self._directory / "tokenizer.json"))
            self._end = str(_read_json(self._directory / "config.json")["eos_token"])
        except KeyError:
            raise DataError(f"{self._directory / 'config.json'} has no eos_token") from None
        except Exception as error:
            raise DataError(f"{self._directory / 'tokenizer.json'} can't be read: {cause(error)}") from None
        self._template = _chat_template(self._directory, config)
        limit = self._settings.context or config.get("model_max_length", 0)
        self._context = int(limit) if 0 < limit < 10**7 else 2048
        self._reload = (self._directory / "model.bin").stat().st_size < RELOADED_BELOW
        try:
            self._generator = self._load(self._settings.threads)
        except (RuntimeError, ValueError) as error:
            raise DataError(f"{self._directory} can't be loaded by CTranslate2: {error}") from None

    def _load(self, threads: int) -> Any:
        import ctranslate2

        return ctranslate2.Generator(
            str(self._directory),
            device="cpu",
            compute_type=self._settings.compute_type,
            intra_threads=threads,
        )

    async def complete(self, request: Request) -> Completion:
        """See harness.types.Model.complete. Raises ModelError for logprobs, and if the model fails. A prompt as long as
        the context gets an empty answer with the stop reason length."""
        if request.sampling.logprobs is not None:
            raise ModelError("the embedded model gives no logprobs", "bad_request", "serve it with vLLM for those")
        asked, begun = (request.messages[:-1], request.begun) if request.begun else (request.messages, "")
        prompt = self._render(asked)
        text = prompt + (opened_once(prompt, begun) if begun else "")
        tokens = self._tokenizer.encode(text, add_special_tokens=False).tokens
        if len(tokens) >= self._context:
            # Asking again would not help: an answer that had no room is a truncated one.
            error = f"the prompt has {len(tokens)} tokens, the model's context {self._context}"
            return Completion("", "length", prompt_tokens=len(tokens), completion_tokens=0, error=error)
        answer: asyncio.Future[Completion] = asyncio.get_running_loop().create_future()
        self._waiting.append((tokens, request, answer))
        if self._busy is None or self._busy.done():
            self._busy = asyncio.create_task(self._drain())
        return await answer

    cannot_continue = ""

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        """See harness.types.Continues.cut."""
        ends = [end for _, end in self._tokenizer.encode(text, add_special_tokens=False).offsets]
        return Cut(len(ends), tuple(text if n >= len(ends) else text[: ends[n - 1]] for n in at))

    def _render(self, messages: tuple[Message, ...]) -> str:
        text: str = self._template.render(messages=[m.as_dict() for m in messages], add_generation_prompt=True)
        return text

    async def _drain(self) -> None:
        """Compute what waits, until nothing does. Requests that arrive meanwhile make the next batch."""
        loop = asyncio.get_running_loop()
        await asyncio.sleep(0)  # let the requests of this turn of the event loop arrive
        while self._waiting:
            first = self._waiting[0][1].sampling
            key = _decoding(first, self._context - len(self._waiting[0][0]))
            alike = [w for w in self._waiting if _decoding(w[1].sampling, self._context - len(w[0])) == key]
            alike = alike[: self._settings.batch if first.temperature == 0 else SAMPLED_AT_ONCE]
            self._waiting = [w for w in self._waiting if w not in alike]
            try:
                completions = await loop.run_in_executor(self._thread, self._compute, [w[:2] for w in alike])
            except Exception as error:
                for _, _, answer in alike:
                    if not answer.done():
                        answer.set_exception(ModelError(f"{self.name}: {error}", "bad_response"))
                continue
            for (_, _, answer), completion in zip(alike, completions, strict=True):
                if not answer.done():  # the caller may have been cancelled
                    answer.set_result(completion)

    def _compute(self, batch: list[tuple[list[str], Request]]) -> list[Completion]:
        if batch[0][1].sampling.temperature != 0:
            return [self._sample(tokens, request) for tokens, request in batch]
        start = time.perf_counter()
        results = self._generate(self._generator, [tokens for tokens, _ in batch], batch[0][1].sampling)
        seconds = time.perf_counter() - start
        return [
            self._completion(tokens, request, ids, seconds)
            for (tokens, request), ids in zip(batch, results, strict=True)
        ]

    def _sample(self, tokens: list[str], request: Request) -> Completion:
        """One sampled answer, which depends on the request and its seed alone, if the model is small.

        CTranslate2 seeds a worker thread's generator once, when that thread first draws. So only a fresh worker honours
        a request's seed, which takes a few milliseconds for a small model; a large model is not reloaded, and its
        samples do not repeat.
        """
        import ctranslate2

        start = time.perf_counter()
        generator = self._generator
        if self._reload:
            ctranslate2.set_random_seed((request.sampling.seed or 0) % 2**32)
            generator = self._load(threads=1)  # one short answer of a small model gains nothing from a second
        ids = self._generate(generator, [tokens], request.sampling)[0]
        return self._completion(tokens, request, ids, time.perf_counter() - start)

    def _generate(self, generator: Any, prompts: list[list[str]], sampling: Sampling) -> list[list[int]]:
        longest = max(map(len, prompts))
        length = min(sampling.max_tokens or self._context, self._context - longest)
        how: dict[str, Any] = {"sampling_topk": 1}
        if sampling.temperature != 0:
            temperature = 1.0 if sampling.temperature is None else sampling.temperature
            how = {"sampling_topk": 0, "sampling_temperature": temperature, "sampling_topp": sampling.top_p or 1.0}
        results = generator.generate_batch(
            prompts,
            max_length=length,
            end_token=self._end,
            include_prompt_in_result=False,
            return_end_token=True,
            **how,
        )
        return [result.sequences_ids[0] for result in results]

    def _completion(self, tokens: list[str], request: Request, ids: list[int], seconds: float) -> Completion:
        ended = bool(ids) and self._tokenizer.id_to_token(ids[-1]) == self._end
        text = self._tokenizer.decode(ids, skip_special_tokens=True)
        stop_reason: StopReason = "stop" if ended else "length"
        for stop in request.sampling.stop:
            if stop in text:
                text, stop_reason = text.partition(stop)[0], "stop"
        room, asked = self._context - len(tokens), request.sampling.max_tokens
        notes = lowered(asked, min(asked or room, room), self._context) if stop_reason == "length" else ()
        return Completion(
            text,
            stop_reason,
            prompt_tokens=len(tokens),
            completion_tokens=len(ids),
            latency_s=seconds,
            served_by=self.name,
            notes=notes,
        )

    async def close(self) -> None:
        """See harness.types.Model.close. Requests that still wait are not computed."""
        if self._busy:
            self._busy.cancel()
        self._thread.shutdown(wait=False, cancel_futures=True)


def _decoding(sampling: Sampling, room: int) -> tuple[Any, ...]:
    """What requests of one batch must have in common. The room for the answer is part of it, so that no answer is cut
    because of another prompt's length. Sampled requests run one by one, each with its own seed."""
    return (sampling.temperature, sampling.top_p, min(sampling.max_tokens or room, room))


def _chat_template(directory: Path, config: dict[str, Any]) -> Any:
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    file = directory / "chat_template.jinja"
    source = file.read_text(encoding="utf-8") if file.is_file() else config.get("chat_template")
    if not isinstance(source, str):
        raise DataError(f"{directory} has no chat template", "put the model's chat_template.jinja there")
    special = {k: v for k, v in config.items() if k.endswith("_token") and isinstance(v, str)}
    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals.update(special)
    return environment.from_string(source)


def _read_json(path: Path, required: bool = True) -> dict[str, Any]:
    if not required and not path.is_file():
        return {}
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: can't be read: {cause(error)}") from None
    return value if isinstance(value, dict) else {}


def open_model(name: str, options: ModelOptions) -> Embedded:
    """The package's own model for `tiny`, else the model in the directory `name`. Raises UsageError for a missing file
    or options that are not allowed."""
    settings = build(Settings, options.extra, f"model embedded/{name}")
    if settings.batch < 1 or settings.threads < 0 or settings.context < 0:
        raise UsageError(f"model embedded/{name}: batch must be at least 1, threads and context not negative")
    directory = Path(name)
    if name == "tiny":
        directory = Path(str(resources.files("harness.models.tiny") / "ct2"))
    for needed in ("model.bin", "config.json", "tokenizer.json"):
        if not (directory / needed).is_file():
            raise UsageError(
                f"embedded/{name}: {directory / needed} is missing",
                "DIR is what ct2-transformers-converter writes, with the model's tokenizer.json beside it",
            )
    return Embedded(f"embedded/{name}", directory, settings, options.max_connections or 128)
