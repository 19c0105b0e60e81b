"""What a run of the model says of an answer, from the logits at one position."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def logit_difference(logits: Tensor, right: int, wrong: int) -> Tensor:
    """logit(right) - logit(wrong), [...], of logits [..., vocabulary]."""
    return logits[..., right] - logits[..., wrong]


def normalised(value: Tensor, clean: float, corrupted: float) -> Tensor:
    """1 as in the clean run, 0 as in the corrupted one (Zhang and Nanda 2024, section 2)."""
    return (value - corrupted) / (clean - corrupted)


def kl(p_logits: Tensor, q_logits: Tensor) -> Tensor:
    """KL(p || q) in nats, [...], of logits [..., vocabulary]."""
    p, q = p_logits.log_softmax(-1), q_logits.log_softmax(-1)
    return (p.exp() * (p - q)).sum(-1)


def rank(logits: Tensor, token: int) -> Tensor:
    """How many tokens are more likely, [...], of logits [..., vocabulary]: 0 is the top."""
    return (logits > logits[..., token : token + 1]).sum(-1)
