"""A real language model in this process: a CTranslate2 directory, run on the CPU without any server.

`embedded/tiny` is the model in this package, `embedded/smollm2` what `harness models get` installs, `embedded/DIR` any
CTranslate2 generator that has its tokenizer.json and a chat template (chat_template.jinja or tokenizer_config.json)
beside it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageError, cause
from harness.models import fetched
from harness.models.in_process import QUICKLY_READ, Asked, Generated, InProcess, fingerprint_of, floor, spelt, timed
from harness.options import build, option
from harness.types import Message, ModelOptions, Params, TokenLogprob

SAMPLED_AT_ONCE = 4
"""Sampled requests are computed one by one; handing over a few at a time keeps the progress bar moving."""

LOGITS_BYTES = 256 * 2**20
"""CTranslate2 keeps every logit of a batch that is asked for log-probabilities: such batches are this large at most."""


@dataclass(frozen=True)
class Settings:
    """The -M options of this backend."""

    compute_type: str = option("default", "CTranslate2 compute type: default, int8, float32, bfloat16 ...")
    threads: int = option(0, "threads a batch is computed with; 0: as many as there are cores")
    batch: int = option(64, "greedy requests computed together, at most")
    context: int = option(0, "tokens of prompt and answer together; 0: as the tokenizer's configuration says")


class Embedded(InProcess):
    """A CTranslate2 model."""

    def __init__(self, name: str, directory: Path, settings: Settings, max_connections: int) -> None:
        super().__init__(name, max_connections)
        self._directory = directory
        self._settings = settings

    @property
    def identity(self) -> Params:
        """See harness.types.Model."""
        import ctranslate2

        fingerprint = fingerprint_of([self._directory / "model.bin"])
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
        self.context = int(limit) if 0 < limit < 10**7 else 2048
        self._reload = (self._directory / "model.bin").stat().st_size < QUICKLY_READ
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

    def render(self, messages: tuple[Message, ...]) -> str:
        """See InProcess."""
        text: str = self._template.render(messages=[m.as_dict() for m in messages], add_generation_prompt=True)
        return text

    def encode(self, text: str) -> list[int]:
        """See InProcess."""
        ids: list[int] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def ends(self, text: str) -> list[int]:
        """See InProcess."""
        return [end for _, end in self._tokenizer.encode(text, add_special_tokens=False).offsets]

    def decode(self, ids: Sequence[int]) -> str:
        """See InProcess."""
        text: str = self._tokenizer.decode(ids, skip_special_tokens=True)
        return text

    def alike(self, asked: Asked) -> Any:
        """See InProcess. The room for the answer is part of it, so that no answer is cut because of another prompt's
        length."""
        sampling = asked.request.sampling
        if asked.given is not None:
            return _width(asked)
        return sampling.temperature, sampling.top_p, asked.limit, sampling.logprobs is not None

    def most(self, asked: Asked) -> int:
        """See InProcess."""
        sampling = asked.request.sampling
        greedy = sampling.temperature == 0 or asked.given is not None
        most = self._settings.batch if greedy else SAMPLED_AT_ONCE
        if sampling.logprobs is None and asked.given is None:
            return most
        vocabulary: int = self._tokenizer.get_vocab_size()
        rows = asked.limit if asked.given is None else _width(asked)
        return max(1, min(most, LOGITS_BYTES // (4 * rows * vocabulary)))

    def generate(self, batch: list[Asked]) -> list[tuple[Generated, float]]:
        """See InProcess."""
        if batch[0].request.sampling.temperature != 0:
            return [self._sample(asked) for asked in batch]
        start = time.perf_counter()
        return timed(self._generate(self._generator, batch), start)

    def likelihood(self, batch: list[Asked]) -> list[tuple[Generated, float]]:
        """See InProcess."""
        import numpy as np

        start = time.perf_counter()
        tokens = [[self._tokenizer.id_to_token(i) for i in (*asked.ids, *(asked.given or ()))] for asked in batch]
        every = np.asarray(self._generator.forward_batch(tokens))  # [request, position, vocabulary]
        made = []
        for asked, logits in zip(batch, every, strict=True):
            ids, k = asked.given or [], asked.request.sampling.logprobs or 0
            rows = logits[len(asked.ids) - 1 :]
            made.append(Generated(ids, True, [self._logprob(row, i, k) for i, row in zip(ids, rows, strict=False)]))
        return timed(made, start)

    def _sample(self, asked: Asked) -> tuple[Generated, float]:
        """One sampled answer, which depends on the request and its seed alone, if the model is small.

        CTranslate2 seeds a worker thread's generator once, when that thread first draws. So only a fresh worker honours
        a request's seed, which takes a few milliseconds for a small model; a large model is not reloaded, and its
        samples do not repeat.
        """
        import ctranslate2

        start = time.perf_counter()
        generator = self._generator
        if self._reload:
            ctranslate2.set_random_seed((asked.request.sampling.seed or 0) % 2**32)
            generator = self._load(threads=1)  # one short answer of a small model gains nothing from a second
        [made] = timed(self._generate(generator, [asked]), start)
        return made

    def _generate(self, generator: Any, batch: list[Asked]) -> list[Generated]:
        sampling = batch[0].request.sampling
        how: dict[str, Any] = {"sampling_topk": 1}
        if sampling.temperature != 0:
            temperature = 1.0 if sampling.temperature is None else sampling.temperature
            how = {"sampling_topk": 0, "sampling_temperature": temperature, "sampling_topp": sampling.top_p or 1.0}
        results = generator.generate_batch(
            [[self._tokenizer.id_to_token(i) for i in asked.ids] for asked in batch],
            max_length=min(asked.limit for asked in batch),
            end_token=self._end,
            include_prompt_in_result=False,
            return_end_token=True,
            return_logits_vocab=sampling.logprobs is not None,
            **how,
        )
        return [self._generated(asked, result) for asked, result in zip(batch, results, strict=True)]

    def _generated(self, asked: Asked, result: Any) -> Generated:
        ids = result.sequences_ids[0]
        ended = bool(ids) and self._tokenizer.id_to_token(ids[-1]) == self._end
        k = asked.request.sampling.logprobs
        if k is None:
            return Generated(ids, ended)
        # The prompts of a batch are computed up to the shortest one's length, the rest of a longer one token by token:
        # its first logits are about the prompt.
        steps = result.logits[0][len(result.logits[0]) - len(ids) :]
        return Generated(ids, ended, [self._logprob(step, i, k) for step, i in zip(steps, ids, strict=True)])

    def _logprob(self, logits: Any, chosen: int, k: int) -> TokenLogprob:
        """Of the model itself, whatever the temperature. `logits` [vocabulary]."""
        import numpy as np

        values = np.asarray(logits, dtype=np.float64).ravel()
        values -= values.max()
        values -= np.log(np.exp(values).sum())
        best = np.argsort(-values, kind="stable")[:k]
        top = tuple((self._token(int(i)), floor(float(values[i]))) for i in best)
        return TokenLogprob(self._token(chosen), floor(float(values[chosen])), top)

    def _token(self, i: int) -> str:
        return spelt(self._tokenizer.decode([i], skip_special_tokens=False), self._tokenizer.id_to_token(i) or "")


def _width(asked: Asked) -> int:
    """The power of two that prompt and given text fit into: those of one batch are padded to the longest."""
    return 1 << (len(asked.ids) + len(asked.given or ()) - 1).bit_length()


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
    elif name == "smollm2":
        directory = fetched.form(name, "ct2")
    for needed in ("model.bin", "config.json", "tokenizer.json"):
        if not (directory / needed).is_file():
            raise UsageError(
                f"embedded/{name}: {directory / needed} is missing",
                "DIR is what ct2-transformers-converter writes, with the model's tokenizer.json beside it",
            )
    return Embedded(f"embedded/{name}", directory, settings, options.max_connections or 128)
