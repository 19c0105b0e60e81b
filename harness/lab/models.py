"""A model of the lab: a decoder with Llama's layout (Llama, Mistral, Qwen, SmolLM ...), from a directory or the hub."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import DataError, UsageError
from harness.models import hf
from harness.types import Message

INSTALL = "pip install 'reasoning-harness[lab]'"
DTYPES = ("float32", "float16", "bfloat16")


@dataclass(frozen=True)
class LabModel:
    """A causal language model with its tokenizer, in evaluation mode; its weights want no gradient."""

    name: str
    model: Any
    tokenizer: Any

    @property
    def layers(self) -> Sequence[Any]:
        """The decoder layers, first to last."""
        found: Sequence[Any] = self.model.model.layers
        return found

    @property
    def heads(self) -> int:
        """Attention heads a layer."""
        return int(self.model.config.num_attention_heads)

    @property
    def head_size(self) -> int:
        """Width of one head's output, before the output projection."""
        return int(self.layers[0].self_attn.o_proj.in_features) // self.heads

    def encode(self, messages: Sequence[Message], answer: str = "") -> list[int]:
        """The tokens of a prompt in the model's chat template, with the beginning of an answer behind it."""
        return self._ids(self.prompt(messages) + answer)

    def prompt(self, messages: Sequence[Message]) -> str:
        """The prompt as text, in the model's chat template; without one, the messages one below the other."""
        if not getattr(self.tokenizer, "chat_template", None):
            return "\n\n".join(m.content for m in messages) + "\n"
        turns = [m.as_dict() for m in messages]
        return str(self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True))

    def _ids(self, text: str) -> list[int]:
        ids = self.tokenizer(text, add_special_tokens=not getattr(self.tokenizer, "chat_template", None))["input_ids"]
        return [int(i) for i in ids]

    def tokens(self, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        """(token ids, from where to where each stands in the text) of a text as it is: nothing but the tokenizer's own
        beginning is put before it, and that only if the model has no chat template."""
        own = not getattr(self.tokenizer, "chat_template", None)
        found = self.tokenizer(text, add_special_tokens=own, return_offsets_mapping=True)
        ids, spans = [int(i) for i in found["input_ids"]], [(int(a), int(b)) for a, b in found["offset_mapping"]]
        ends = {self.tokenizer.eos_token_id, self.tokenizer.sep_token_id} - {None}
        while own and ids and ids[-1] in ends and spans[-1] == (0, 0):
            ids, spans = ids[:-1], spans[:-1]  # some tokenizers end every text
        return ids, spans

    def token(self, i: int) -> str:
        """A token as text."""
        return str(self.tokenizer.decode([i]))


def need_torch() -> None:
    """UsageError if the lab's extra is not installed."""
    hf.need_torch("the lab", INSTALL)


def directory(name: str) -> str:
    """The Hugging Face directory (or hub name) behind a name: `tiny`, `smollm2`, `hf/DIR`, `hf/ORG/NAME`."""
    kind, slash, rest = name.partition("/")
    if name not in hf.NAMED and (kind != "hf" or not slash or not rest):
        raise UsageError(
            f"the lab can't open '{name}'",
            f"give {', '.join(hf.NAMED)}, hf/DIR (a Hugging Face directory) or hf/ORG/NAME",
        )
    return hf.directory(rest or name)


def open_model(name: str, dtype: str = "float32", device: str = "cpu", revision: str | None = None) -> LabModel:
    """UsageError if torch is missing or the name is none; DataError if the files can't be loaded or the layers are not
    laid out as Llama's. Nothing of a directory is executed."""
    need_torch()
    where = directory(name)
    if dtype not in DTYPES:
        raise UsageError(f"dtype '{dtype}' is none of {', '.join(DTYPES)}")
    model, tokenizer = hf.load(where, dtype, device, revision, attention="eager")
    try:
        layer = model.model.layers[0]
        _ = layer.self_attn.o_proj, layer.mlp.down_proj, model.model.norm, model.lm_head
    except (AttributeError, IndexError):
        kind = getattr(model.config, "model_type", "?")
        raise DataError(f"{where}: a {kind} model is not laid out as Llama is: the lab can't look into it") from None
    model.lm_head.register_forward_pre_hook(_in_one_piece)
    return LabModel(name, model, tokenizer)


def _in_one_piece(_: Any, args: tuple[Any, ...]) -> tuple[Any, ...]:
    """What `logits_to_keep` cuts out is not contiguous, and torch (2.13) then multiplies each row by a whole vocabulary
    for itself: in a batch of 120 rows of SmolLM2-135M that was 70% of the time."""
    return (args[0].contiguous(), *args[1:])
