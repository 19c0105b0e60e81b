"""A model of transformers and PyTorch in this process: `hf/ORG/NAME` of the hub, or `hf/DIR`. Needs the extra `hf`.

On the CPU or on a GPU. Weights are safetensors, and no code of a model's repository is executed. The lab
opens its models with `load` too.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

from harness.errors import DataError, UsageError, cause
from harness.models import fetched, hf_decoding, rope
from harness.models.in_process import Asked, Generated, InProcess, fingerprint_of, timed
from harness.models.wire import plain_prompt
from harness.options import build, option
from harness.types import Message, ModelOptions, Params

INSTALL = "pip install 'reasoning-harness[hf]'"
LOGITS_BYTES = 2**30
"""Of the logits of given texts that are computed together, at most."""
Dtype = Literal["auto", "float32", "float16", "bfloat16"]


@dataclass(frozen=True)
class Settings:
    """The -M options of this backend."""

    dtype: Dtype = option("auto", "numbers that are computed with; auto: float32 on the CPU, as the weights on a GPU")
    device: str = option("auto", "cpu, cuda, cuda:1, mps ...; auto: a GPU if there is one")
    revision: str | None = option(None, "commit, tag or branch on the hub")
    adapter: str | None = option(None, "directory of a PEFT adapter (LoRA ...), in safetensors; needs the package peft")
    batch: int = option(16, "requests computed together, at most; 1: nothing of an answer depends on its neighbours")
    context: int = option(0, "tokens of prompt and answer together; 0: as the model's configuration says")
    rope_scaling: str | None = option(None, "a longer context: linear:4 (PI), ntk:4, dynamic:4, yarn:4")


class HF(InProcess):
    """A causal language model of transformers."""

    def __init__(self, name: str, settings: Settings, max_connections: int) -> None:
        super().__init__(f"hf/{name}", max_connections)
        self._where = directory(name)
        self._settings = settings
        self._revision: str | None = settings.revision
        self._closed = False
        self._device = settings.device

    @property
    def identity(self) -> Params:
        """See harness.types.Model."""
        from importlib.metadata import version

        local, adapter = Path(self._where), self._settings.adapter
        found: dict[str, Any] = {"model": self.name}
        if local.is_dir():
            found["weights"] = fingerprint_of(local.glob("*.safetensors"))
        else:
            found["revision"] = self._revision
        if adapter:
            found["adapter"] = fingerprint_of([Path(adapter) / ADAPTER_WEIGHTS])
        found |= {"dtype": self._settings.dtype, "device": self._device.partition(":")[0]}
        found |= {"rope_scaling": self._settings.rope_scaling} if self._settings.rope_scaling else {}
        return found | {"context": self._settings.context, **{p: version(p) for p in ("torch", "transformers")}}

    async def start(self) -> None:
        """See harness.types.Model.start. Raises DataError if the files can't be loaded, UsageError for a device that is
        not there."""
        s = self._settings
        self._device = best_device() if s.device == "auto" else s.device
        self._model, self._tokenizer = load(self._where, s.dtype, self._device, s.revision, rope_scaling=s.rope_scaling)
        self._revision = getattr(self._model.config, "_commit_hash", None) or s.revision
        self._end = hf_decoding.own_ends(self._model, self._tokenizer)
        config = self._model.config.get_text_config()
        limits = [s.context, getattr(config, "max_position_embeddings", 0), self._tokenizer.model_max_length]
        if s.rope_scaling and not s.context:
            limits = [rope.longest(s.rope_scaling, config.to_dict()), *limits]
        self.context = next((int(n) for n in limits if n and 0 < n < 10**7), 2048)
        # A tokenizer may put a beginning before each text; a chat template has it already.
        begins = self._tokenizer.bos_token_id in self._tokenizer("")["input_ids"]
        self._begin = str(self._tokenizer.bos_token) if begins else ""
        if s.adapter:
            self._model = with_adapter(self._model, Path(s.adapter))

    def render(self, messages: tuple[Message, ...]) -> str:
        """See InProcess. A model without a chat template gets what completions endpoints get."""
        if not self._tokenizer.chat_template:
            return self._begin + plain_prompt(messages)
        turns = [m.as_dict() for m in messages]
        return str(self._tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def encode(self, text: str) -> list[int]:
        """See InProcess."""
        ids: list[int] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def ends(self, text: str) -> list[int] | None:
        """See InProcess."""
        if not self._tokenizer.is_fast:
            return None
        made = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return [int(end) for _, end in made["offset_mapping"]]

    def decode(self, ids: Sequence[int]) -> str:
        """See InProcess."""
        return str(self._tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))

    def alike(self, asked: Asked) -> Any:
        """See InProcess: one that may be long does not keep short ones waiting."""
        sampling = asked.request.sampling
        if asked.given is not None:
            return len(asked.given).bit_length()
        return sampling.max_tokens, sampling.logprobs is not None

    def most(self, asked: Asked) -> int:
        """See InProcess."""
        if asked.given is None:
            return self._settings.batch
        row: int = 4 * self._model.config.get_text_config().vocab_size << len(asked.given).bit_length()
        return max(1, min(self._settings.batch, LOGITS_BYTES // row))

    def generate(self, batch: list[Asked]) -> list[tuple[Generated, float]]:
        """See InProcess."""

        def made(part: list[Asked]) -> list[Generated]:
            return hf_decoding.generate(self._model, self._tokenizer, self._end, part, self._is_closed)

        return _in_parts(made, batch)

    def likelihood(self, batch: list[Asked]) -> list[tuple[Generated, float]]:
        """See InProcess."""
        return _in_parts(lambda part: hf_decoding.likelihood(self._model, self._tokenizer, part), batch)

    def _is_closed(self) -> bool:
        return self._closed

    async def close(self) -> None:
        """See harness.types.Model.close. What is being computed ends with its next token."""
        self._closed = True
        await super().close()


def _in_parts(compute: Callable[[list[Asked]], list[Generated]], batch: list[Asked]) -> list[tuple[Generated, float]]:
    """A batch that is too large for the GPU's memory is computed in halves."""
    import torch

    start = time.perf_counter()
    try:
        return timed(compute(batch), start)
    except torch.OutOfMemoryError:
        if len(batch) == 1:
            raise
    torch.cuda.empty_cache()
    half = len(batch) // 2
    return [*_in_parts(compute, batch[:half]), *_in_parts(compute, batch[half:])]


# Loading ----------------------------------------------------------------------------------------------------------

ADAPTER_WEIGHTS = "adapter_model.safetensors"


def need_torch(what: str = "hf/", install: str = INSTALL) -> None:
    """UsageError if the extra is not installed. Imports nothing."""
    missing = [name for name in ("torch", "transformers", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"{what} needs {' and '.join(missing)}, which is not installed", install)


NAMED = ("tiny", "smollm2")
"""The model of this package, and the one that `harness models get` installs."""


def directory(name: str) -> str:
    """The Hugging Face directory behind one of these names; another name is a directory or stands on the hub.
    UsageError if the model is not installed."""
    if name == "tiny":
        return str(resources.files("harness.models.tiny") / "hf")
    return str(fetched.form(name, "hf")) if name in NAMED else name


def best_device() -> str:
    """The name of a GPU if PyTorch can use one, else cpu."""
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def load(
    where: str, dtype: str, device: str, revision: str | None, attention: str = "sdpa", rope_scaling: str | None = None
) -> tuple[Any, Any]:
    """(model, tokenizer) of a directory or a name on the hub; the model stands in evaluation mode on the device and
    wants no gradient. Nothing of the directory is executed. `dtype` auto: see Settings; `attention` as transformers
    calls it. DataError if the files can't be loaded, UsageError for a device that is not there."""
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    import torch
    from transformers import AutoConfig, AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()
    logging.set_verbosity_error()
    local = Path(where).is_dir()
    given: dict[str, Any] = {"local_files_only": local, "trust_remote_code": False}
    given |= {"revision": revision} if revision and not local else {}
    chosen = ("float32" if device == "cpu" else "auto") if dtype == "auto" else dtype
    how: dict[str, Any] = {"dtype": chosen if chosen == "auto" else getattr(torch, chosen), "use_safetensors": True}
    try:
        tokenizer = AutoTokenizer.from_pretrained(where, **given)
        if rope_scaling:
            how["config"] = _stretched(AutoConfig.from_pretrained(where, **given), rope_scaling)
        try:
            model = AutoModelForCausalLM.from_pretrained(where, attn_implementation=attention, **how, **given)
        except ValueError as error:  # some architectures have the plain attention only
            if attention == "eager" or "attention" not in str(error):
                raise
            model = AutoModelForCausalLM.from_pretrained(where, attn_implementation="eager", **how, **given)
    except UsageError:
        raise
    except Exception as error:  # files of any content: whatever a library raises about them
        hint = "is it a Hugging Face directory, or the name of a model on the hub, with weights in safetensors?"
        raise DataError(f"{where} can't be loaded: {_first_line(error)}", hint) from None
    try:
        model.to(device).eval().requires_grad_(False)
    except (RuntimeError, AssertionError, ValueError) as error:
        raise UsageError(f"-M device={device}: {_first_line(error)}", "cpu, cuda, cuda:1, mps") from None
    return model, tokenizer


def _stretched(config: Any, rope_scaling: str) -> Any:
    """A model's config with its rope scaled. UsageError if it has no rope, or one for each kind of layer."""
    own = config.get_text_config()
    parameters = getattr(own, "rope_parameters", None)
    if not isinstance(parameters, dict) or any(isinstance(value, dict) for value in parameters.values()):
        how = "one for each kind of layer" if parameters else "no rotary positions"
        raise UsageError(f"-M rope_scaling={rope_scaling}: the model has {how}", "leave it out")
    # The trained length stays: `dynamic` goes by it.
    own.rope_parameters = rope.scaled(rope_scaling, own.to_dict())["rope_parameters"]
    return config


def _first_line(error: Exception) -> str:
    """What an exception of these libraries says first; the rest is advice for programmers."""
    return (cause(error).strip() or type(error).__name__).splitlines()[0]


def with_adapter(model: Any, adapter: Path) -> Any:
    """The model with a PEFT adapter. DataError if it does not fit."""
    from peft import PeftModel

    try:
        return PeftModel.from_pretrained(model, str(adapter), is_trainable=False).eval()
    except Exception as error:  # as in load
        raise DataError(f"{adapter}: this adapter can't be put on the model: {_first_line(error)}") from None


def open_model(name: str, options: ModelOptions) -> HF:
    """The model, not yet loaded. Raises UsageError if the extra is missing, and for options that are not allowed."""
    settings = build(Settings, options.extra, f"model hf/{name}")
    if settings.batch < 1 or settings.context < 0:
        raise UsageError(f"model hf/{name}: batch must be at least 1, context not negative")
    need_torch()
    if settings.adapter:
        if not (Path(settings.adapter) / ADAPTER_WEIGHTS).is_file():
            raise UsageError(f"-M adapter={settings.adapter}: {ADAPTER_WEIGHTS} is missing there", "as PEFT saves it")
        if importlib.util.find_spec("peft") is None:
            raise UsageError("-M adapter needs the package peft, which is not installed", "pip install peft")
    return HF(name, settings, options.max_connections or 64)
