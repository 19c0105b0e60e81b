"""A small Llama as files: read from a GGUF file, written as a Hugging Face directory and as one of CTranslate2.

With numpy, gguf, safetensors and CTranslate2's own description of models; PyTorch is not needed. Knows no single model.
"""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from harness.errors import DataError, UsageError, cause

Weights = Mapping[str, Any]
"""Hugging Face's names of a Llama's tensors -> arrays."""

INSTALL = "pip install 'reasoning-harness[smollm2]'"
CONTROL = 3
"""The type of a token in GGUF that is no text: ends, roles."""

_TOP = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
_LAYER = {
    "attn_norm": "input_layernorm", "ffn_norm": "post_attention_layernorm", "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}  # fmt: skip
"""GGUF's names of a Llama's tensors -> Hugging Face's."""


@dataclass(frozen=True)
class Llama:
    """A Llama with byte-level tokens, read. `config` has Hugging Face's names; `control`: tokens that are no text."""

    config: Mapping[str, Any]
    weights: Weights
    tokens: list[str]
    merges: list[str]
    control: frozenset[int]
    template: str

    def special(self, name: str) -> str:
        """The bos, eos, pad or unk token as text, "" if there is none."""
        i = self.config.get(f"{name}_token_id")
        return self.tokens[i] if i is not None else ""


def need_packages() -> None:
    """UsageError if a package is missing that reads or writes these files."""
    missing = [name for name in ("gguf", "safetensors") if importlib.util.find_spec(name) is None]
    if missing:
        raise UsageError(f"this needs {' and '.join(missing)}, which is not installed", INSTALL)


# Reading ------------------------------------------------------------------------------------------------------------


def read_gguf(file: Path) -> Llama:
    """Raises DataError for a file that is no Llama with the tokens described here.

    Q and K: GGUF has the two halves of each head interleaved, as its rotation turns neighbours; Hugging Face's turns
    element i with i + half.
    """
    from gguf import GGUFReader, dequantize

    try:
        reader = GGUFReader(file)
        fields = {name: field.contents() for name, field in reader.fields.items()}
        if (fields["general.architecture"], fields["tokenizer.ggml.pre"]) != ("llama", "smollm"):
            raise DataError(f"{file}: neither architecture llama nor tokens as SmolLM's")
        config = _config(fields)
        heads = {"attn_q": config["num_attention_heads"], "attn_k": config["num_key_value_heads"]}
        weights = {}
        for tensor in reader.tensors:
            name, part = _named(tensor.name)
            array = dequantize(tensor.data, tensor.tensor_type)
            weights[name] = halves(array, heads[part]) if part in heads else array
        types = fields["tokenizer.ggml.token_type"]
        control = frozenset(i for i, kind in enumerate(types) if kind == CONTROL)
        tokens, merges = fields["tokenizer.ggml.tokens"], fields["tokenizer.ggml.merges"]
        if "lm_head.weight" in weights:
            config["tie_word_embeddings"] = False
        return Llama(config, weights, tokens, merges, control, fields["tokenizer.chat_template"])
    except (KeyError, ValueError, IndexError, TypeError, OSError) as error:
        said = f"no {error}" if isinstance(error, KeyError) else cause(error)
        raise DataError(f"{file}: not a GGUF file of a Llama: {said}") from None


def _named(name: str) -> tuple[str, str]:
    """(Hugging Face's name, the part of a layer) for a tensor `blk.3.attn_q.weight`. KeyError for an unknown one."""
    *block, part, kind = name.split(".")
    if block:
        return f"model.layers.{int(block[1])}.{_LAYER[part]}.{kind}", part
    return f"{_TOP[part]}.{kind}", part


def halves(rows: Any, heads: int) -> Any:
    """Rows of interleaved heads [heads x head size, width] as Hugging Face has them: first all even ones of a head,
    then all odd ones."""
    size = len(rows) // heads
    return rows.reshape(heads, size // 2, 2, -1).swapaxes(1, 2).reshape(rows.shape)


def _config(fields: Mapping[str, Any]) -> dict[str, Any]:
    heads, width = fields["llama.attention.head_count"], fields["llama.embedding_length"]
    found = {
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "hidden_act": "silu",
        "hidden_size": width,
        "intermediate_size": fields["llama.feed_forward_length"],
        "num_hidden_layers": fields["llama.block_count"],
        "num_attention_heads": heads,
        "num_key_value_heads": fields["llama.attention.head_count_kv"],
        "head_dim": width // heads,
        "max_position_embeddings": fields["llama.context_length"],
        "rms_norm_eps": round(fields["llama.attention.layer_norm_rms_epsilon"], 10),  # float32 in the file
        "rope_theta": fields["llama.rope.freq_base"],
        "vocab_size": len(fields["tokenizer.ggml.tokens"]),
        "tie_word_embeddings": True,
        "dtype": "float16",
    }
    for ours, theirs in (("bos", "bos"), ("eos", "eos"), ("pad", "padding"), ("unk", "unknown")):
        found[f"{ours}_token_id"] = fields.get(f"tokenizer.ggml.{theirs}_token_id")
    return found


# Writing ------------------------------------------------------------------------------------------------------------


def write_hf(llama: Llama, directory: Path) -> None:
    """A directory that transformers, and the lab, read; weights in float16."""
    import numpy as np
    from safetensors.numpy import save_file

    directory.mkdir(parents=True)
    weights = {name: np.ascontiguousarray(array, dtype=np.float16) for name, array in llama.weights.items()}
    save_file(weights, directory / "model.safetensors", metadata={"format": "pt"})
    _write_json(directory / "config.json", llama.config)
    _write_tokenizer(llama, directory)


def write_ct2(llama: Llama, directory: Path, quantization: str = "float16") -> None:
    """A directory that the embedded backend reads, its weights in this type of CTranslate2's."""
    directory.mkdir(parents=True)
    spec = _spec(llama)
    spec.validate()
    spec.optimize(quantization=quantization)
    spec.save(str(directory))
    _write_tokenizer(llama, directory)


def _spec(llama: Llama) -> Any:
    import numpy as np
    from ctranslate2.specs import common_spec, transformer_spec

    config = llama.config
    heads, groups = config["num_attention_heads"], config["num_key_value_heads"]
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(
        config["num_hidden_layers"],
        heads,
        activation=common_spec.Activation.SWISH,
        pre_norm=True,
        ffn_glu=True,
        rms_norm=True,
        rotary_dim=0,
        rotary_interleave=False,
        rotary_base=config["rope_theta"],
        num_heads_kv=groups if groups != heads else None,
    )

    def of(name: str) -> Any:
        return np.ascontiguousarray(llama.weights[f"{name}.weight"], dtype=np.float32)

    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = of("model.embed_tokens")
    decoder.layer_norm.gamma = of("model.norm")
    decoder.projection.weight = of("model.embed_tokens" if config["tie_word_embeddings"] else "lm_head")
    for i, layer in enumerate(decoder.layer):
        at = f"model.layers.{i}"
        layer.self_attention.layer_norm.gamma = of(f"{at}.input_layernorm")
        layer.ffn.layer_norm.gamma = of(f"{at}.post_attention_layernorm")
        qkv = [of(f"{at}.self_attn.{part}_proj") for part in "qkv"]
        layer.self_attention.linear[0].weight = np.concatenate(qkv)
        layer.self_attention.linear[1].weight = of(f"{at}.self_attn.o_proj")
        layer.ffn.linear_0.weight = of(f"{at}.mlp.gate_proj")
        layer.ffn.linear_0_noact.weight = of(f"{at}.mlp.up_proj")
        layer.ffn.linear_1.weight = of(f"{at}.mlp.down_proj")
    spec.register_vocabulary(llama.tokens)
    spec.config.bos_token = llama.special("bos")
    spec.config.eos_token = llama.special("eos")
    spec.config.unk_token = llama.special("unk")
    spec.config.layer_norm_epsilon = config["rms_norm_eps"]
    return spec


def _write_tokenizer(llama: Llama, directory: Path) -> None:
    """tokenizer.json as SmolLM's: digits one by one, then bytes; tokens that are no text stand for themselves."""
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

    vocabulary = {token: i for i, token in enumerate(llama.tokens)}
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in llama.merges)]
    tokenizer: Any = Tokenizer(models.BPE(vocabulary, pairs, unk_token=llama.special("unk") or None))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken(llama.tokens[i], special=True) for i in sorted(llama.control)])
    tokenizer.save(str(directory / "tokenizer.json"))
    named = {f"{name}_token": llama.special(name) for name in ("bos", "eos", "pad", "unk") if llama.special(name)}
    _write_json(
        directory / "tokenizer_config.json",
        named
        | {
            "clean_up_tokenization_spaces": False,
            "model_max_length": llama.config["max_position_embeddings"],
            "tokenizer_class": "PreTrainedTokenizerFast",
        },
    )
    (directory / "chat_template.jinja").write_text(llama.template, encoding="utf-8")


def _write_json(file: Path, value: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(value, indent=1, sort_keys=True) + "\n", encoding="utf-8")
