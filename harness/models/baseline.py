"""Models that do not read: a ceiling (`oracle`) and floors (`random`, `shallow`), supplied by each task, and what else
a task declares (Task.baselines).

They answer through the same text channel as any model, so they also test rendering and scoring.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import random
from dataclasses import dataclass

from harness import plugins
from harness.errors import HarnessError, UsageError
from harness.options import suggestion
from harness.seeds import derive
from harness.types import Completion, ModelOptions, Params, Request

KINDS = {
    "oracle": "the right answer",
    "random": "a guess that ignores the problem",
    "shallow": "the task's own shortcut, such as copying a number from the statement",
}
"""What every task has."""


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
        if self.kind in KINDS:
            return Completion(answer(), prompt_tokens=0, completion_tokens=0)
        if self.kind not in origin.task.baselines:
            raise UsageError(
                f"task {origin.task.name} has no baseline/{self.kind}", "oracle, random and shallow all have"
            )
        # What a task brings may take its time, such as a planner: the run goes on meanwhile.
        return Completion(await asyncio.to_thread(answer), prompt_tokens=0, completion_tokens=0)

    async def close(self) -> None:
        pass


def _brought() -> list[str]:
    """The kinds that installed tasks declare."""
    kinds: set[str] = set()
    for name in plugins.installed("tasks"):
        with contextlib.suppress(HarnessError):  # of a task that can't be imported, which is another's problem
            kinds |= set(plugins.load("tasks", name).baselines)
    return sorted(kinds)


def open_model(name: str, options: ModelOptions) -> Baseline:
    if name not in KINDS and name not in (brought := _brought()):
        raise UsageError(f"there is no baseline '{name}'", suggestion(name, [*KINDS, *brought], "baselines"))
    if options.extra:
        raise UsageError(f"baseline/{name} takes no -M options, got {', '.join(options.extra)}")
    return Baseline(name)
