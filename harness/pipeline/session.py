"""What a strategy is given for one sample: the way to the model, and the help that it has declared."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, get_args

from harness.errors import AidError, UsageError
from harness.pipeline import store
from harness.pipeline.budget import ESTIMATED
from harness.seeds import derive
from harness.types import (
    Aid,
    Completion,
    Continues,
    Cut,
    Feedback,
    Message,
    Origin,
    Outcome,
    Request,
    Sample,
    Sampling,
    Spent,
    StopReason,
    Task,
)

if TYPE_CHECKING:
    from harness.pipeline.runner import Run

FROM_CACHE = "answers came from the cache, with the times and tokens of when they were asked"

_HELP: tuple[Aid, ...] = get_args(Aid)
"""From the least to the most."""


class OneSample:
    """The Session of one sample: limits, seeds, counts and keeps the calls of a strategy, and holds it to its aid."""

    def __init__(self, run: Run, sample: Sample, epoch: int, messages: tuple[Message, ...]) -> None:
        self._run, self._sample, self._epoch, self.messages = run, sample, epoch, messages
        self.completions: list[Completion] = []
        self.nodes: list[dict[str, Any]] = []
        self._asked: Counter[str] = Counter()
        self._under_way = self._begun = 0
        self._changed = asyncio.Event()
        self._ended = False

    @cached_property
    def rng(self) -> random.Random:
        """See harness.types.Session.rng. Made when it is asked for: most strategies draw nothing."""
        run = self._run
        return random.Random(derive("strategy", run.config.seed, run.task.name, self._sample.id, self._epoch))

    @property
    def sampling(self) -> Sampling:
        return self._run.sampling

    @property
    def spent(self) -> Spent:
        prompts = sum(c.prompt_tokens or 0 for c in self.completions)
        return Spent(len(self.completions), prompts, sum(c.completion_tokens or 0 for c in self.completions))

    @property
    def refusal(self) -> str:
        """The words of a server that refused a prompt; else ""."""
        return next((c.error for c in self.completions if c.error), "")

    async def ask(
        self, messages: Sequence[Message], *, n: int = 1, shared: bool = False, **changes: Any
    ) -> list[Completion]:
        if n == 1:
            return [await self._counted(messages, shared, changes)]
        return list(await asyncio.gather(*(self._counted(messages, shared, changes) for _ in range(n))))

    async def cut(self, text: str, at: Sequence[int]) -> Cut | None:
        model = self._run.model
        return await model.cut(text, at) if isinstance(model, Continues) else None

    def answer(self, text: str, stop_reason: StopReason = "stop") -> str | None:
        self._allow("reader", "answer")
        return self._run.task.read(self._sample.params, text, stop_reason)

    def key(self, text: str, stop_reason: StopReason = "stop") -> str | None:
        found = self.answer(text, stop_reason)
        return None if found is None else self._run.task.answer_key(found)

    def steps(self, partial: str, k: int) -> list[Message] | None:
        return self._run.task.steps(self._sample.params, partial, k)

    def join(self, partial: str, thought: str) -> str:
        return self._run.task.join(partial, thought)

    def weigh(self, partial: str) -> list[Message] | None:
        return self._run.task.weigh(self._sample.params, partial)

    def judge(self, partial: str) -> float | None:
        task = self._run.task
        self._allow(task.judge_aid, "judge")
        if type(task).judge is Task.judge:
            raise UsageError(
                f"task {task.name} can't judge partial answers",
                "the strategy may have another evaluator: -S evaluate=value",
            )
        return task.judge(self._sample.params, partial)

    def feedback(self, response: str, level: str = "first-error", stop_reason: StopReason = "stop") -> Feedback | None:
        self._allow(self._run.task.feedback_aid, "feedback")
        return self._run.task.feedback(self._sample.params, response, level, stop_reason)

    def right(self, text: str, stop_reason: StopReason = "stop") -> bool:
        self._allow("oracle", "whether an answer is right")
        return self._run.task.score(self._sample.params, text, stop_reason).outcome is Outcome.CORRECT

    def solution(self) -> str:
        self._allow("oracle", "the solution")
        return self._sample.target

    def note(self, **node: Any) -> None:
        # Written when the sample has ended: a sample that is resumed notes all of them again.
        self.nodes.append({"id": self._sample.id, "epoch": self._epoch} | node)

    def _allow(self, needed: Aid, what: str) -> None:
        declared = self._run.strategy.aid
        if _HELP.index(declared) < _HELP.index(needed):
            task = self._run.task
            other = f"; or ask what a verifier may judge: {task.verifiable}" if task.verifiable else ""
            raise AidError(
                f"strategy {self._run.config.strategy} declares the aid '{declared}', and asked for {what}",
                f"{what} needs the aid '{needed}' with task {task.name}: the strategy must declare it "
                f"(some have an option for it: `harness strategies NAME`), and every table will show it{other}",
            )

    async def _counted(self, messages: Sequence[Message], shared: bool, changes: Mapping[str, Any]) -> Completion:
        if self._ended:
            raise RuntimeError("the strategy has failed already: nothing is asked for it any more")
        most = self._run.strategy.max_calls
        self._begun += 1
        if most is not None and self._begun > most:
            raise AidError(
                f"strategy {self._run.config.strategy} promises at most {most} calls a sample, and made another",
                "mend max_calls in the strategy: its cost is compared with that of others",
            )
        self._under_way += 1
        try:
            return await self._ask(messages, shared, changes)
        finally:
            self._under_way -= 1
            self._changed.set()

    async def settle(self) -> None:
        """After a strategy that failed: its other calls under way are paid for, and are waited for."""
        self._ended = True
        while self._under_way:
            self._changed.clear()
            await self._changed.wait()

    async def _ask(self, messages: Sequence[Message], shared: bool, changes: Mapping[str, Any]) -> Completion:
        run = self._run
        # A call is identified by what it asks and how often that was asked, not by its place in the order: of calls
        # side by side the order is the network's, and a resumed run must find the same calls again.
        content = "" if run.strategy.max_calls == 1 else store.identity(messages, changes)
        self._asked[content] += 1
        place = ("", 0) if shared else (self._sample.id, self._epoch)
        call = (run.task.version, *place, content, self._asked[content])
        seed = derive(run.config.seed, run.task.name, *call) % 2**31
        sampling = replace(run.sampling, **{"seed": seed, **changes})
        if sampling.given is not None and not getattr(run.strategy, "scores_text", False):
            raise AidError(
                f"strategy {run.config.strategy} gives the text of an answer, and does not say so beside its aid",
                "it must have `scores_text = True`: a model that can't would write an answer of its own",
            )
        origin = Origin(run.task, self._sample, self._epoch)
        given = run.config.sampling.max_tokens is not None or "max_tokens" in changes
        request = Request(tuple(messages), sampling, origin, given)
        key = ""
        if run.cache or run.strategy.max_calls != 1:
            key = store.identity(run.model_identity, messages, sampling.identity(), call)
        if shared and key:
            async with run.shared_locks[key]:  # of samples that ask the same at the same time, one asks the model
                if key not in run.shared:
                    run.shared[key] = await self._paid(key, request)
                completion = run.shared[key]
        else:
            completion = await self._paid(key, request)
        self.completions.append(completion)
        return completion

    async def _paid(self, key: str, request: Request) -> Completion:
        """The answer from the journal, the cache or the model."""
        run = self._run
        if key:
            journaled = run.journal.pop(key, None)
            kept = journaled or (run.cache.get(key) if run.cache else None)
            if kept:
                if not journaled:
                    kept = replace(kept, notes=(*kept.notes, FROM_CACHE))
                    self._keep(key, request.messages, kept)
                run.answered = True
                return replace(kept, key=key)
        async with run.slots:
            reserved = await run.budget.reserve(request)
            completion: Completion | None = None
            try:
                completion = await run.model.complete(request)
            finally:
                run.budget.settle(reserved, request, completion)
        counts = (completion.prompt_tokens, completion.completion_tokens)
        if run.budget.limit is not None and None in counts and not completion.error:
            completion = replace(completion, notes=(*completion.notes, ESTIMATED))
        run.answered = True
        if run.cache and not completion.error:  # another day the server may have more room, or another filter
            run.cache.put(key, completion)
        self._keep(key, request.messages, completion)
        return replace(completion, key=key) if key else completion

    def _keep(self, key: str, messages: Sequence[Message], completion: Completion) -> None:
        """A single call's answer is in its record at once; of several, each must survive until the record is there, and
        is what a report shows of them."""
        if self._run.strategy.max_calls == 1:
            return
        call = {"key": key, "id": self._sample.id, "epoch": self._epoch, "input": [m.as_dict() for m in messages]}
        self._run.writer.append(call | {"completion": _fields(completion)}, store.JOURNAL)


def _fields(value: Completion) -> dict[str, Any]:
    """As dataclasses.asdict, but without copies of what can't be changed: it is done twice a call."""
    return {field.name: getattr(value, field.name) for field in fields(value)}
