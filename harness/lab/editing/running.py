"""How a model goes on behind a prompt: a pass over the prompt, then over what follows it, with what the first has kept.

Everything that edits or measures runs this way. What an editor changes at a place of the prompt it changes in the first
pass; what follows sees it through the keys and values kept there.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from harness.lab.hooks import Change, Kind, changed
from harness.lab.models import LabModel
from harness.lab.partial import cached, past

if TYPE_CHECKING:
    from torch import Tensor


def following(
    lab: LabModel, prompt: Tensor, target: Tensor, changes: Mapping[tuple[Kind, int], Change] | None = None
) -> Tensor:
    """Logits [batch, target, vocabulary] of the tokens target [batch, target] behind prompt [batch, position].
    `changes` hold in the pass over the prompt."""
    import torch

    with changed(lab, changes) if changes else contextlib.nullcontext():
        out = lab.model(prompt, use_cache=target.shape[1] > 1, logits_to_keep=1)
    first: Tensor = out.logits[:, -1:]
    if target.shape[1] == 1:
        return first
    later = lab.model(target[:, :-1], use_cache=True, **past(lab, cached(lab, out)))
    return torch.cat([first, later.logits], 1)


def loss(
    lab: LabModel,
    prompt: Sequence[int],
    target: Sequence[int],
    changes: Mapping[tuple[Kind, int], Change] | None = None,
) -> Tensor:
    """Mean negative log-likelihood (nats a token) of a target behind one prompt."""
    import torch

    device = lab.model.device
    wanted = torch.tensor([list(target)], device=device)
    logits = following(lab, torch.tensor([list(prompt)], device=device), wanted, changes)
    return torch.nn.functional.cross_entropy(logits[0].float(), wanted[0])


def likelihoods(lab: LabModel, prompts: Sequence[Sequence[int]], targets: Sequence[Sequence[int]]) -> list[float]:
    """exp of the mean log-likelihood of each target behind its prompt. All prompts have one length, all targets too."""
    import torch

    device = lab.model.device
    wanted = torch.tensor([list(t) for t in targets], device=device)
    with torch.no_grad():
        logits = following(lab, torch.tensor([list(p) for p in prompts], device=device), wanted)
    logs = logits.float().log_softmax(-1).gather(-1, wanted[..., None])[..., 0]
    return [float(x) for x in logs.mean(-1).exp()]


def says(lab: LabModel, prompt: Sequence[int], answer: Sequence[int]) -> bool:
    """Whether the model goes on with these tokens, but for spaces."""
    said = greedy(lab, [prompt], len(answer))[0][0]
    return said.split() == str(lab.tokenizer.decode(list(answer))).split()


def greedy(lab: LabModel, prompts: Sequence[Sequence[int]], most: int) -> list[tuple[str, bool]]:
    """(text, whether it came to its end) of at most `most` tokens behind each prompt; all have one length."""
    import torch

    ends = lab.model.generation_config.eos_token_id if lab.model.generation_config else None
    stop = {ends} if isinstance(ends, int) else set(ends or ())
    if lab.tokenizer.eos_token_id is not None:
        stop.add(lab.tokenizer.eos_token_id)
    said: list[list[int]] = [[] for _ in prompts]
    done = [False] * len(prompts)
    with torch.no_grad():
        ids, kept = torch.tensor([list(p) for p in prompts], device=lab.model.device), dict[str, Any]()
        for _ in range(most):
            out = lab.model(ids, use_cache=True, logits_to_keep=1, **kept)
            ids, kept = out.logits[:, -1:].argmax(-1), past(lab, cached(lab, out))
            for i, token in enumerate(ids[:, 0].tolist()):
                done[i] = done[i] or token in stop
                if not done[i]:
                    said[i].append(token)
            if all(done):
                break
    texts = [str(lab.tokenizer.decode(tokens)) for tokens in said]
    return list(zip(texts, done, strict=True))
