"""Models that do not read the prompt: a ceiling (`oracle`) and floors (`random`, `shallow`), which each task supplies,
and further kinds that a task declares (Task.baselines).

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
"""The kinds that every task has."""


@dataclass(frozen=True)
class Baseline:
    """Answers what the task gives as the answer of a baseline of this kind (Task.baseline)."""

    kind: str
    max_connections: int = 64

    @property
    def name(self) -> str:
        """The kind behind `baseline/`."""
        return f"baseline/{self.kind}"

    @property
    def identity(self) -> Params:
        """See harness.types.Model. Only the name."""
        return {"model": self.name}

    async def start(self) -> None:
        """See harness.types.Model.start. There is nothing to do."""

    async def complete(self, request: Request) -> Completion:
        """See harness.types.Model.complete. Raises UsageError if the task has no baseline of this kind."""
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
        # A kind that a task declares may be slow, such as a planner: in a thread it does not hold up the run.
        return Completion(await asyncio.to_thread(answer), prompt_tokens=0, completion_tokens=0)

    async def close(self) -> None:
        """See harness.types.Model.close. There is nothing to release."""


def _brought() -> list[str]:
    """The kinds that installed tasks declare."""
    kinds: set[str] = set()
    for name in plugins.installed("tasks"):
        with contextlib.suppress(HarnessError):  # for a task that can't be imported, which is reported elsewhere
            kinds |= set(plugins.load("tasks", name).baselines)
    return sorted(kinds)


def open_model(name: str, options: ModelOptions) -> Baseline:
    """The baseline of this kind. Raises UsageError for a kind that no task has, or for any -M option."""
    if name not in KINDS and name not in (brought := _brought()):
        raise UsageError(f"there is no baseline '{name}'", suggestion(name, [*KINDS, *brought], "baselines"))
    if options.extra:
        raise UsageError(f"baseline/{name} takes no -M options, got {', '.join(options.extra)}")
    return Baseline(name)
