"""Models that do not read: a ceiling (`oracle`) and floors (`random`, `shallow`), supplied by each task; `planner`, for
tasks about plans, finds one itself.

They answer through the same text channel as any model, so they also test rendering and scoring.
"""

from __future__ import annotations

import asyncio
import functools
import random
from dataclasses import dataclass

from harness.errors import UsageError
from harness.options import suggestion
from harness.seeds import derive
from harness.types import Completion, ModelOptions, Params, Request

KINDS = {
    "oracle": "the right answer",
    "random": "a guess that ignores the problem",
    "shallow": "the task's own shortcut, such as copying a number from the statement",
    "planner": "a classical planner's plan, for tasks about plans",
}

SLOW = ("planner",)
"""Kinds that take their time: they answer in threads, so that the run goes on."""


@dataclass(frozen=True)
class Baseline:
    """Answers with what the task says a baseline of this kind answers."""

    kind: str
    max_connections: int = 64

    @property
    def name(self) -> str:
        return f"baseline/{self.kind}"

    @property
    def identity(self) -> Params:
        return {"model": self.name}

    async def start(self) -> None:
        pass

    async def complete(self, request: Request) -> Completion:
        origin = request.origin
        assert origin is not None, "the runner says where a request comes from"
        rng = random.Random(derive(self.kind, request.sampling.seed, origin.sample.id, origin.epoch))
        answer = functools.partial(origin.task.baseline, self.kind, origin.sample, rng)
        if self.kind not in SLOW:
            return Completion(answer(), prompt_tokens=0, completion_tokens=0)
        if self.kind not in origin.task.baselines:
            raise UsageError(
                f"task {origin.task.name} has no baseline/{self.kind}", "oracle, random and shallow all have"
            )
        return Completion(await asyncio.to_thread(answer), prompt_tokens=0, completion_tokens=0)

    async def close(self) -> None:
        pass


def open_model(name: str, options: ModelOptions) -> Baseline:
    if name not in KINDS:
        raise UsageError(f"there is no baseline '{name}'", suggestion(name, list(KINDS), "baselines"))
    if options.extra:
        raise UsageError(f"baseline/{name} takes no -M options, got {', '.join(options.extra)}")
    return Baseline(name)
