"""A model with known probabilities, for strategies in real runs: its answers depend on the seeds of the requests."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.results.records import RecordedRun
from harness.types import Completion, Request, Sampling
from tests.support import Echo, Parrot

CONFIG = RunConfig("echo", "parrot", sampling=Sampling(temperature=0.7))

Reply = Callable[[Request, str, random.Random], str]
"""The answer to a request; (request, the right answer, what it draws from)."""


@dataclass(frozen=True)
class Verified(Echo):
    """Echo with a verifier, whose words follow from the question."""

    feedback_aid = "verifier"

    def judge(self, params, partial):
        return float(partial == str(params["answer"]))


class Chancy(Parrot):
    """Answers by a Reply; the draws depend on the request's seed alone, and not on the order of requests."""

    def __init__(self, answer: Reply) -> None:
        super().__init__(max_connections=16)
        self.answer = answer

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        assert request.origin is not None
        right = str(request.origin.sample.params["answer"])
        text = self.answer(request, right, random.Random(request.sampling.seed))
        return Completion(text, prompt_tokens=2, completion_tokens=1)


def right_with(p: float, wrong: int = 3) -> Reply:
    """Right with probability p, else one of so many wrong answers that are equally likely."""
    return lambda _, right, rng: right if rng.random() < p else f"wrong {rng.randrange(wrong)}"


def records(directory: Path) -> list[dict]:
    return sorted(store.read_records(directory), key=lambda r: (r["id"], r["epoch"]))


def recorded(directory: Path) -> RecordedRun:
    """The run as `harness stats` reads it."""
    return RecordedRun(directory, {"config": {"task": "echo", "model": "parrot"}})


def share(directory: Path) -> float:
    """The share of records that are correct."""
    values = [r["outcome"] == "correct" for r in store.read_records(directory)]
    return sum(values) / len(values)


def within(found: float, expected: float, n: int) -> bool:
    """Whether a share of n lies in the 99% interval of what it should be."""
    return abs(found - expected) <= 2.576 * math.sqrt(expected * (1 - expected) / n)
