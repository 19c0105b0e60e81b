"""How likely a text is that is given as the answer (Sampling.given), by a vLLM server.

Its completions endpoint says so of a prompt's own tokens (`prompt_logprobs`). The prompt is sent as tokens: those of
the chat template with what the answer has begun with, and behind them those of the text, encoded by itself. One token
is generated, as the server makes no fewer, and thrown away.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from harness.models import wire
from harness.types import Completion, Sampling, TokenLogprob

ROUNDING = 1e-3
"""By so much a log-probability may be above 0."""
LEAST = -9999.0
"""What vLLM says of the impossible."""


class Given(NamedTuple):
    """A text as the answer: the tokens before it, its own, and how many alternatives of each are wanted."""

    text: str
    before: list[int]
    own: list[int]
    alternatives: int

    @property
    def tokens(self) -> list[int]:
        """All of them, which are the prompt."""
        return [*self.before, *self.own]

    @property
    def fields(self) -> dict[str, Any]:
        """What its request has beside the prompt."""
        return {"prompt_logprobs": self.alternatives}

    def completion(self, reply: Any) -> Completion:
        """The completion in a reply. Raises what wire.completion does, and ModelError(bad_response) for a reply without
        the log-probability of each token."""
        made = wire.completion("completions", reply)
        try:
            rows: Sequence[Any] = reply["choices"][0]["prompt_logprobs"]
            pairs = zip(self.tokens, rows, strict=True)
            logprobs = tuple(_token(i, row, self.alternatives) for i, row in list(pairs)[len(self.before) :])
        except (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError):
            raise wire.bad_response("the reply has no prompt_logprobs as vLLM gives them", reply) from None
        return replace(
            made, text=self.text, thinking="", stop_reason="stop", logprobs=logprobs, prompt_tokens=len(self.before),
            completion_tokens=len(self.own), thinking_tokens=None, notes=(),
        )  # fmt: skip


def sampling_of(sampling: Sampling) -> Sampling:
    """How the token that is thrown away is asked for."""
    return replace(sampling, max_tokens=1, logprobs=None, stop=(), thinking_tokens=None)


def _token(i: int, row: Any, k: int) -> TokenLogprob:
    """A row is {token: {"logprob": ..., "rank": ..., "decoded_token": ...}} of the prompt's token and the k best."""
    best = sorted((e for e in row.values() if e["rank"] <= k), key=lambda e: int(e["rank"]))[:k]
    own = row[str(i)]
    return TokenLogprob(*_told(own), tuple(map(_told, best)))


def _told(entry: Any) -> tuple[str, float]:
    text = entry.get("decoded_token")
    text = text.encode("utf-8", "replace").decode("utf-8") if isinstance(text, str) else ""
    logprob = float(entry["logprob"])
    if not logprob <= ROUNDING:  # also nan
        raise ValueError("no log-probability")
    return text, max(LEAST, min(0.0, logprob))
