"""Induction heads in models that are trained here: they appear with two layers, and not with one.

    python benchmarks/induction.py [--seeds 5] [--first 0] [--steps 600]

Needs the extra `lab`; a minute and a half. Prints Markdown tables: a row a model, means with 95% intervals over seeds,
and the best head by step. The models have attention alone (width 32, two heads a layer, rotary positions, no MLP) and
learn random tokens that come over and over. The recipe was chosen on the seeds 100 to 104.

How far apart the copies are has to vary in training: if it never does, a model of one layer learns to look that many
places back, and prefix matching at that distance takes this for induction. `fixed` shows it: what it has learnt is gone
at another distance.
"""

from __future__ import annotations

import argparse
import math
import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.lab import induction
from harness.lab.composition import compositions
from harness.lab.models import LabModel
from harness.seeds import derive
from harness.statistics.intervals import Estimate, student
from harness.text import estimate, number

TOKENS, WIDTH, HEADS, BATCH, RATE = 26, 32, 2, 32, 1e-2
"""Token 0 begins a sequence."""
HALF = 12
"""Tokens, at most, before they come again; training sequences have twice as many, and the first one."""
LEAST = 5
OTHER = 9
"""Another distance at which the models are asked."""
LOOKS = (0, 25, 50, 75, 100, 125, 150, 200, 300)
KINDS = ((2, False), (1, False), (2, True), (1, True))
"""(layers, whether all training sequences have one distance)."""


class Ids:
    """The least of a tokenizer: token i is the text `i`."""

    all_special_ids = (0,)
    chat_template = None

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))


def fresh(layers: int, seed: int) -> LabModel:
    """A model with random weights, whose MLPs are zeros and stay so."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(
        vocab_size=TOKENS, hidden_size=WIDTH, intermediate_size=1, num_hidden_layers=layers, num_attention_heads=HEADS,
        num_key_value_heads=HEADS, max_position_embeddings=64, tie_word_embeddings=False, bos_token_id=0,
        attn_implementation="eager",
    )  # fmt: skip
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(derive("induction model", seed) % 2**63)
        model = LlamaForCausalLM(config).float()
    for block in model.model.layers:
        for p in block.mlp.parameters():
            torch.nn.init.zeros_(p)
    return LabModel(f"{layers} layers, seed {seed}", model.eval().requires_grad_(False), Ids())


def copies(sequences: int, rng: Any, fixed: bool) -> Any:
    """Token ids [sequence, 1 + 2 * HALF]: the first token, then between LEAST and HALF different random tokens over and
    over; with `fixed`, HALF. `rng` is a torch.Generator."""
    import torch

    distances = torch.randint(HALF if fixed else LEAST, HALF + 1, (sequences, 1), generator=rng)
    drawn = 1 + torch.rand(sequences, TOKENS - 1, generator=rng).argsort(-1)
    at = torch.arange(2 * HALF)[None]
    return torch.cat([torch.zeros(sequences, 1, dtype=torch.long), drawn.gather(1, at % distances)], 1)


@dataclass(frozen=True)
class Look:
    """At one step: scores of the best heads, losses (nats) at distance HALF, and loss and score at OTHER."""

    step: int
    prefix: float
    previous: float
    copying: float
    first: float
    second: float
    prefix_other: float
    second_other: float
    keys: float | None
    """Through its keys, how much the best head of the last layer reads what the best previous-token head writes: score
    of the composition over what random orientation gives. None with one layer."""


def look(lab: LabModel, step: int, sequences: int = 64) -> Look:
    """Of the head that matches prefixes best, its score and copying; of layer 0, the best previous-token score. The
    tokens are drawn by a seed that training does not use."""
    scores, learning = induction.measure(lab, HALF, sequences, 12345)
    others, there = induction.measure(lab, OTHER, sequences, 12345)
    best = max(scores, key=lambda s: s.prefix_matching)
    previous = max((s for s in scores if s.layer == 0), key=lambda s: s.previous_token)
    same = next(s for s in others if (s.layer, s.head) == (best.layer, best.head))
    last = max((s for s in scores if s.layer == len(lab.layers) - 1), key=lambda s: s.prefix_matching)
    pair = (previous.layer, previous.head), (last.layer, last.head)
    keys = [c.score * WIDTH**0.5 for c in compositions(lab) if (c.earlier, c.later) == pair and c.kind == "k"]
    return Look(step, best.prefix_matching, previous.previous_token, best.copying, learning.first, learning.second,
                same.prefix_matching, there.second, keys[0] if keys else None)  # fmt: skip


def trained(
    lab: LabModel, steps: int, seed: int, fixed: bool = False, looks: Sequence[int] = (),
    on_look: Callable[[Look], None] = lambda _: None, rate: float = RATE,
) -> list[Look]:  # fmt: skip
    """Train a model in place, with Adam (the rate rises over the first 50 steps and falls to 0 over the last half) on
    the loss of every token; what was seen at `looks` and at the end."""
    import torch

    rng = torch.Generator().manual_seed(derive("induction tokens", seed) % 2**63)
    weights = [p for name, p in lab.model.named_parameters() if ".mlp." not in name]
    for p in weights:
        p.requires_grad_(True)
    adam = torch.optim.Adam(weights, lr=rate, betas=(0.9, 0.98))
    found = []
    for step in range(steps + 1):
        if step in looks or step == steps:
            found.append(look(lab, step))
            on_look(found[-1])
        if step == steps:
            break
        for group in adam.param_groups:
            group["lr"] = rate * min(1.0, (step + 1) / 50, 2 * (1 - step / steps))
        ids = copies(BATCH, rng, fixed)
        logits = lab.model(ids[:, :-1], use_cache=False).logits.transpose(1, 2)
        loss = torch.nn.functional.cross_entropy(logits, ids[:, 1:])
        adam.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        adam.step()
    for p in weights:
        p.requires_grad_(False)
    return found


def row(layers: int, fixed: bool, seed: int, steps: int, looks: Sequence[int] = (0,)) -> tuple[list[Look], float]:
    """(what was seen of a model of this kind, CPU seconds)."""
    begun = time.process_time()
    return trained(fresh(layers, seed), steps, seed, fixed, looks), time.process_time() - begun


MEASURED: dict[str, tuple[Callable[[Look], float | None], float, float]] = {
    "prefix matching": (lambda x: x.prefix, 0, 1),
    f"same head at distance {OTHER}": (lambda x: x.prefix_other, 0, 1),
    "previous token, layer 0": (lambda x: x.previous, 0, 1),
    "keys read it, times random": (lambda x: x.keys, 0, math.inf),
    "copying": (lambda x: x.copying, -1, 1),
    "loss, first copy": (lambda x: x.first, 0, math.inf),
    "loss, second copy": (lambda x: x.second, 0, math.inf),
    f"second copy at distance {OTHER}": (lambda x: x.second_other, 0, math.inf),
}
"""Name: what it is, the least and the most that it can be."""


def _mean(looks: Sequence[Look], name: str) -> str:
    """Student's interval over models, cut to what the measure can be."""
    value, least, most = MEASURED[name]
    there = [v for v in map(value, looks) if v is not None]
    if len(there) < 2:
        return "-"
    mean = statistics.fmean(there)
    half = student(0.95, len(there) - 1) * statistics.stdev(there) / math.sqrt(len(there))
    return estimate(Estimate(mean, max(least, mean - half), min(most, mean + half), len(there)))


def _cells(look: Look) -> list[str]:
    return [number(value(look)) for value, *_ in MEASURED.values()]


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--steps", type=int, default=600)
    a = parser.parse_args()
    every: dict[tuple[int, bool], list[list[Look]]] = {}
    print(f"| layers | distances | seed | step | {' | '.join(MEASURED)} | CPU s |\n|{'---|' * (len(MEASURED) + 5)}")
    for layers, fixed in KINDS:
        distances = str(HALF) if fixed else f"{LEAST} to {HALF}"
        for seed in range(a.first, a.first + a.seeds):
            seen, seconds = row(layers, fixed, seed, a.steps, LOOKS)
            every.setdefault((layers, fixed), []).append(seen)
            for look, took in ((seen[0], ""), (seen[-1], f"{seconds:.1f}")):
                shown = " | ".join(_cells(look))
                print(f"| {layers} | {distances} | {seed} | {look.step} | {shown} | {took} |", flush=True)
    print(f"\n| layers | distances | step | {' | '.join(MEASURED)} |\n|{'---|' * (len(MEASURED) + 3)}")
    for (layers, fixed), models in every.items():
        for at in (0, -1):
            looks = [seen[at] for seen in models]
            cells = " | ".join(_mean(looks, name) for name in MEASURED)
            distances = str(HALF) if fixed else f"{LEAST} to {HALF}"
            print(f"| {layers} | {distances} | {looks[0].step} | {cells} |")
    print("\n| step | prefix matching, 2 layers | previous token | loss, second copy | prefix matching, 1 layer |")
    print(f"|{'---|' * 5}")
    for i, look in enumerate(every[2, False][0]):
        two, one = ([seen[i] for seen in every[layers, False]] for layers in (2, 1))
        cells = [_mean(two, name) for name in ("prefix matching", "previous token, layer 0", "loss, second copy")]
        print(f"| {look.step} | {' | '.join(cells)} | {_mean(one, 'prefix matching')} |")


if __name__ == "__main__":
    main()
