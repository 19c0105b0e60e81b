"""Decoding with transformers so that a request is answered as if it were alone: its own temperature, seed and limit.

transformers computes a whole batch with one setting and one stream of random numbers. Here the library computes the
logits, keeps the cache and pads; which token is taken is decided row by row.
"""

from __future__ import annotations

import inspect
import random
from collections.abc import Callable, Sequence
from typing import Any

from harness.models.in_process import Asked, Generated, floor, spelt
from harness.types import TokenLogprob


def own_ends(model: Any, tokenizer: Any) -> set[int]:
    """The tokens that end an answer, as tokenizer and model say. The model's own defaults of decoding (a temperature, a
    penalty of repetitions) are put aside: what was asked is what is done."""
    from transformers import GenerationConfig

    said = [tokenizer.eos_token_id, model.config.get_text_config().eos_token_id]
    said.append(getattr(model.generation_config, "eos_token_id", None))
    ends = {int(i) for e in said if e is not None for i in (e if isinstance(e, list | tuple) else [e])}
    pad = tokenizer.pad_token_id
    pad = pad if pad is not None else min(ends, default=0)
    model.generation_config = GenerationConfig(eos_token_id=sorted(ends) or None, pad_token_id=pad)
    return ends


def generate(
    model: Any, tokenizer: Any, ends: set[int], batch: Sequence[Asked], stopped: Callable[[], bool]
) -> list[Generated]:
    """What the model says to each request. All are computed together, the prompts padded on the left; each ends by
    itself, at a stop string or at its own limit; all end if `stopped` says so."""
    import torch

    device = next(model.parameters()).device
    width = max(len(asked.ids) for asked in batch)
    pad = model.generation_config.pad_token_id
    ids = torch.full((len(batch), width), pad)
    mask = torch.zeros((len(batch), width), dtype=torch.long)
    for row, asked in enumerate(batch):
        ids[row, width - len(asked.ids) :] = torch.tensor(asked.ids)
        mask[row, width - len(asked.ids) :] = 1
    chooser = _chooser(batch)
    with torch.inference_mode():
        made = model.generate(
            input_ids=ids.to(device),
            attention_mask=mask.to(device),
            generation_config=_greedy(model, max(asked.limit for asked in batch)),
            logits_processor=[chooser],
            stopping_criteria=[_ender(batch, tokenizer, width, device, stopped)],
        )
    rows = made[:, width:].tolist()
    answers = [_answer(row[: asked.limit], ends) for asked, row in zip(batch, rows, strict=True)]
    seen = chooser.seen([len(a) for a in answers], tokenizer)
    return [Generated(a, bool(a) and a[-1] in ends, p) for a, p in zip(answers, seen, strict=True)]


def likelihood(model: Any, tokenizer: Any, batch: Sequence[Asked]) -> list[Generated]:
    """The log-probabilities of the texts that the requests give, by one pass over prompts and texts. They are padded on
    the right, where nothing that counts sees it, whatever way of knowing positions a model has."""
    import torch

    device = next(model.parameters()).device
    rows = [torch.tensor([*asked.ids, *(asked.given or ())]) for asked in batch]
    pad = model.generation_config.pad_token_id
    ids = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=pad)
    ones = [torch.ones_like(row) for row in rows]
    mask = torch.nn.utils.rnn.pad_sequence(ones, batch_first=True)
    # [position]: from the end of the shortest prompt on; the others are not made if the model can leave them out.
    kept = torch.arange(min(len(asked.ids) for asked in batch) - 1, ids.shape[1])
    own = model.get_base_model() if hasattr(model, "get_base_model") else model
    fewer = "logits_to_keep" in inspect.signature(own.forward).parameters
    more = {"logits_to_keep": kept.to(device)} if fewer else {}
    with torch.inference_mode():
        said = model(input_ids=ids.to(device), attention_mask=mask.to(device), use_cache=False, **more).logits
    texts: dict[int, str] = {}
    made = []
    for asked, logits in zip(batch, said if fewer else said[:, kept.to(device)], strict=True):
        given, first = asked.given or [], len(asked.ids) - 1 - int(kept[0])
        logprobs = logits[first : first + len(given)].float().log_softmax(-1)
        chosen = logprobs.gather(-1, torch.tensor(given, dtype=torch.long, device=logprobs.device)[:, None])[:, 0]
        best = logprobs.topk(min(asked.request.sampling.logprobs or 0, logprobs.shape[-1]), dim=-1)
        steps = zip(given, chosen.tolist(), best.indices.tolist(), best.values.tolist(), strict=True)
        seen = [
            TokenLogprob(
                _spelt(tokenizer, texts, i),
                floor(p),
                tuple((_spelt(tokenizer, texts, t), floor(q)) for t, q in zip(top, values, strict=True)),
            )
            for i, p, top, values in steps
        ]
        made.append(Generated(given, True, seen))
    return made


def _spelt(tokenizer: Any, known: dict[int, str], i: int) -> str:
    """A token as text, which is kept in `known`."""
    if i not in known:
        known[i] = spelt(tokenizer.decode([i]), str(tokenizer.convert_ids_to_tokens(i)))
    return known[i]


def _greedy(model: Any, limit: int) -> Any:
    """The library takes the likeliest token, of which the chooser leaves one."""
    import copy

    config = copy.copy(model.generation_config)
    config.do_sample, config.max_new_tokens = False, limit
    return config


def _answer(ids: list[int], ends: set[int]) -> list[int]:
    end = next((i for i, token in enumerate(ids) if token in ends), len(ids))
    return ids[: end + 1]


def _chooser(batch: Sequence[Asked]) -> Any:
    from transformers import LogitsProcessor

    class Chooser(LogitsProcessor):  # type: ignore[misc]
        """Takes one token of each row."""

        def __init__(self) -> None:
            self.rngs = [random.Random(asked.request.sampling.seed) for asked in batch]
            self.k = max(asked.request.sampling.logprobs or 0 for asked in batch)
            self.kept: list[tuple[Any, Any, Any, Any]] = []

        def __call__(self, input_ids: Any, scores: Any) -> Any:
            """`scores` [batch, vocabulary] are the logits of the next token."""
            import torch

            chosen = scores.argmax(-1)
            for row, asked in enumerate(batch):
                s = asked.request.sampling
                if s.temperature != 0:
                    temperature = 1.0 if s.temperature is None else s.temperature
                    chosen[row] = drawn(scores[row], temperature, s.top_p, self.rngs[row].random())
            if batch[0].request.sampling.logprobs is not None:
                logprobs = scores.float().log_softmax(-1)
                best = logprobs.topk(min(self.k, logprobs.shape[-1]), dim=-1)
                own = logprobs.gather(-1, chosen[:, None])[:, 0]
                self.kept.append((chosen.clone(), own, best.indices, best.values))
            return torch.full_like(scores, -torch.inf).scatter_(-1, chosen[:, None], 0.0)

        def seen(self, lengths: list[int], tokenizer: Any) -> list[list[TokenLogprob]]:
            """The log-probabilities of each row's tokens."""
            if not self.kept:
                return [[] for _ in lengths]
            steps = [[part.tolist() for part in step] for step in self.kept[: max(lengths)]]
            texts: dict[int, str] = {}

            def text(i: int) -> str:
                return _spelt(tokenizer, texts, i)

            rows = []
            for row, length in enumerate(lengths):
                k = batch[row].request.sampling.logprobs or 0
                rows.append([
                    TokenLogprob(
                        text(ids[row]),
                        floor(own[row]),
                        tuple((text(i), floor(p)) for i, p in zip(top[row][:k], values[row][:k], strict=True)),
                    )
                    for ids, own, top, values in steps[:length]
                ])  # fmt: skip
            return rows

    return Chooser()


def drawn(logits: Any, temperature: float, top_p: float | None, u: float) -> Any:
    """The token at the share `u` (from 0, below 1) of the distribution, in the order of the vocabulary: rounding moves
    its borders by as much as it moves the probabilities. `top_p` keeps the likeliest tokens that together have at least
    that share. `logits` [vocabulary]."""
    import torch

    exact = torch.float32 if logits.device.type == "mps" else torch.float64
    shares = (logits.to(exact) / temperature).softmax(-1)
    if top_p is not None and top_p < 1:
        ordered, order = shares.sort(descending=True)
        shares[order[ordered.cumsum(-1) - ordered >= top_p]] = 0.0
    sums = shares.cumsum(-1)
    found = torch.searchsorted(sums, sums[-1] * u, right=True)
    return found.clamp(max=int(shares.nonzero()[-1]))


def _ender(batch: Sequence[Asked], tokenizer: Any, width: int, device: Any, stopped: Callable[[], bool]) -> Any:
    import torch
    from transformers import StoppingCriteria

    limits = torch.tensor([asked.limit for asked in batch], device=device)
    stops = {row: asked.request.sampling.stop for row, asked in enumerate(batch) if asked.request.sampling.stop}

    class Ender(StoppingCriteria):  # type: ignore[misc]
        """Which rows have come to their end. `input_ids` [batch, prompt and answer]."""

        def __call__(self, input_ids: Any, scores: Any, **_: Any) -> Any:
            done = limits <= input_ids.shape[1] - width
            for row, strings in stops.items():
                # A character has four tokens at most; what is missed here is cut off later.
                tail = 4 * max(map(len, strings)) + 8
                text = tokenizer.decode(input_ids[row, width:][-tail:], skip_special_tokens=True)
                done[row] |= any(stop in text for stop in strings)
            return done | stopped()

    return Ender()
