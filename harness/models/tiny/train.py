"""Train the embedded model from scratch: `python -m harness.models.tiny.train OUT --minutes 40`.

A small Llama learns the worked examples that the aiw task offers (Task.examples), nothing else;
it is written as a Hugging Face directory (OUT/hf, served by vLLM) and as int8 for CTranslate2 (OUT/ct2,
run by the `tiny` model). Needs the `train` extra; 2 CPU cores are enough.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from importlib.metadata import entry_points
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from harness.types import Example

SPECIAL = ["<|pad|>", "<|bos|>", "<|end|>", "<|system|>", "<|user|>", "<|assistant|>"]
CHAT_TEMPLATE = (
    "{{ '<|bos|>' }}{% for message in messages %}<|{{ message['role'] }}|>{{ message['content'] }}<|end|>{% endfor %}"
    "{% if add_generation_prompt %}<|assistant|>{% endif %}"
)
VOCABULARY = 1024
CONTEXT = 1024


def examples(seed: int, names: tuple[str, ...] = ("aiw",)) -> Iterator[Example]:
    """Yields worked examples of the tasks with these names, from each task in turn, without end."""
    tasks = [e.load()() for e in sorted(entry_points(group="harness.tasks"), key=lambda e: e.name) if e.name in names]
    streams = [task.examples(None, random.Random(f"{seed}/{task.name}")) for task in tasks]
    for i in itertools.count():
        yield next(streams[i % len(streams)])


def train_tokenizer(sample: list[Example]) -> Tokenizer:
    """Byte-level BPE, so that any text has tokens; digits stand alone, so that numbers are compositional."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    tokenizer.train_from_iterator((text for example in sample for text in example), trainer)
    return tokenizer


def encode(tokenizer: Tokenizer, example: Example) -> tuple[list[int], int]:
    """(token ids of the dialogue, number of tokens in the prompt). No loss is taken on the prompt."""
    prompt = tokenizer.encode(f"<|bos|><|user|>{example.prompt}<|end|><|assistant|>", add_special_tokens=False).ids
    answer = tokenizer.encode(f"{example.answer}<|end|>", add_special_tokens=False).ids
    return prompt + answer, len(prompt)


def batches(tokenizer: Tokenizer, seed: int, size: int) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Yields (token ids, labels) without end: batches of similar length (less padding), in random order. The label -100
    marks tokens that carry no loss."""
    stream, rng = examples(seed), random.Random(seed)
    while True:
        rows = sorted((encode(tokenizer, next(stream)) for _ in range(size * 16)), key=lambda row: len(row[0]))
        chunks = [rows[i : i + size] for i in range(0, len(rows), size)]
        rng.shuffle(chunks)
        for chunk in chunks:
            longest = max(len(ids) for ids, _ in chunk)
            ids = torch.zeros(size, longest, dtype=torch.long)
            labels = torch.full((size, longest), -100)
            for i, (tokens, prompt) in enumerate(chunk):
                ids[i, : len(tokens)] = torch.tensor(tokens)
                labels[i, prompt : len(tokens)] = ids[i, prompt : len(tokens)]
            yield ids, labels


def main() -> None:
    """Train the model as the command line says, and write it with training.json, the facts of its training."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=40.0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rate", type=float, default=1e-3, help="peak learning rate")
    args = parser.parse_args()
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"

    tokenizer = train_tokenizer(list(itertools.islice(examples(args.seed + 1), 4000)))
    config = LlamaConfig(
        vocab_size=tokenizer.get_vocab_size(),
        hidden_size=256,
        intermediate_size=640,
        num_hidden_layers=4,
        num_attention_heads=4,
        num_key_value_heads=4,
        max_position_embeddings=CONTEXT,
        tie_word_embeddings=False,
        bos_token_id=SPECIAL.index("<|bos|>"),
        eos_token_id=SPECIAL.index("<|end|>"),
        pad_token_id=SPECIAL.index("<|pad|>"),
    )
    model = LlamaForCausalLM(config).to(device)
    size = sum(p.numel() for p in model.parameters())
    print(f"{size / 1e6:.2f}M parameters, {config.vocab_size} tokens, on {device}", flush=True)

    optimizer = torch.optim.AdamW(model.parameters(), lr=args.rate, weight_decay=0.05, betas=(0.9, 0.98))
    start, total, step, seen, running = time.monotonic(), args.minutes * 60, 0, 0, 0.0
    for step, (ids, labels) in enumerate(batches(tokenizer, args.seed + 2, args.batch), 1):
        done = min(1.0, (time.monotonic() - start) / total)
        for group in optimizer.param_groups:
            group["lr"] = args.rate * min(1.0, step / 50) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * done)))
        # On CPUs without matrix units bfloat16 is slower than float32, so only a GPU gets it.
        with torch.autocast(device, dtype=torch.bfloat16, enabled=device == "cuda"):
            loss = model(input_ids=ids.to(device), labels=labels.to(device), use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        seen += len(ids)
        weight = max(0.02, 1 / step)
        running += weight * (loss.item() - running)
        if step % 50 == 0:
            print(f"step {step}  loss {running:.4f}  examples {seen}  {time.monotonic() - start:.0f} s", flush=True)
        if done >= 1:
            break

    minutes = (time.monotonic() - start) / 60
    save(model, tokenizer, args.out)
    facts = {
        "parameters": size,
        "steps": step,
        "examples": seen,
        "minutes": round(minutes, 1),
        "loss": round(running, 4),
    }
    facts |= {
        "seed": args.seed,
        "device": device,
        "torch": torch.__version__,
        "batch": args.batch,
        "peak_rate": args.rate,
    }
    (args.out / "training.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(facts))


def save(model: LlamaForCausalLM, tokenizer: Tokenizer, out: Path) -> None:
    """Write OUT/hf (bfloat16) and OUT/ct2 (int8, with the tokenizer beside it)."""
    hf, ct2 = out / "hf", out / "ct2"
    hf.mkdir(parents=True, exist_ok=True)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token="<|bos|>",
        eos_token="<|end|>",
        pad_token="<|pad|>",
        model_max_length=CONTEXT,
        clean_up_tokenization_spaces=False,
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(hf)
    model.to(torch.bfloat16).save_pretrained(hf)
    shutil.rmtree(ct2, ignore_errors=True)
    converter = Path(sys.executable).with_name("ct2-transformers-converter")
    command = [str(converter), "--model", str(hf), "--output_dir", str(ct2), "--quantization", "int8_float32"]
    subprocess.run(command, check=True)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(hf / name, ct2)
    (ct2 / "chat_template.jinja").write_text(CHAT_TEMPLATE, encoding="utf-8")


if __name__ == "__main__":
    main()
