"""The smallest task, models and strategies that show a point; shared by the tests of the engine."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from harness.options import option
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.pipeline.runner import Result, Run
from harness.types import (
    Aid,
    Completion,
    Example,
    Message,
    Model,
    Params,
    Request,
    Response,
    Sample,
    Sampling,
    Score,
    Session,
    Strategy,
    Task,
)


@dataclass(frozen=True)
class Echo(Task):
    """Sample i asks for the number i; groups of two samples, conditions `a` and `b`."""

    size: int = 10
    breaks_on: str = ""

    name: ClassVar[str] = "echo"
    version: ClassVar[str] = "1"
    factors: ClassVar[tuple[str, ...]] = ("side",)
    sampling = Sampling(temperature=0.0, max_tokens=10)

    def samples(self, seed: int) -> Iterator[Sample]:
        for i in range(self.size) if self.limit is None else itertools.count():
            side = "ab"[i % 2]
            yield Sample(
                f"s{i}", f"g{i // 2}", side, {"side": side, "answer": i}, (Message("user", f"say {i}"),), str(i)
            )

    def score(self, params: Params, response: str, stop_reason: str = "stop") -> Score:
        if self.breaks_on and self.breaks_on == response:
            raise RuntimeError("a bug in the verifier")
        return Score.of(response == str(params["answer"]), response)

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        return sample.target

    def examples(self, sample: Sample | None, rng: random.Random) -> Iterator[Example]:
        return (Example(f"say {i}", str(i)) for i in itertools.count(1000))


@dataclass(frozen=True)
class Controlled(Echo):
    """Echo with two rewordings (the second of even numbers alone) and a change."""

    size: int = option(10, "how many samples")

    placebos: ClassVar[Mapping[str, str]] = {"polite": "please before it", "odd": "an odd word before it"}
    changes: ClassVar[Mapping[str, str]] = {"more": "a number that is 1,000 more"}

    def reworded(self, sample: Sample, placebo: str, rng: random.Random) -> Sample | None:
        if placebo == "odd" and sample.params["answer"] % 4:
            return None
        word = "please" if placebo == "polite" else f"{rng.randrange(10**6)}"
        return replace(sample, messages=(Message("user", f"{word} {sample.messages[0].content}"),))

    def changed(self, sample: Sample, change: str, rng: random.Random) -> Sample | None:
        right = sample.params["answer"] + 1000
        asked = (Message("user", f"say {right}"),)
        return replace(sample, messages=asked, params={**sample.params, "answer": right}, target=str(right))

    def baseline(self, kind: str, sample: Sample, rng: random.Random) -> str:
        """random: worse in `b` than in `a`, a little worse if it is asked politely, and in half of the changes what was
        right before."""
        right = int(sample.target)
        if kind == "oracle":
            return sample.target
        if sample.control.startswith("change"):
            return str(right - rng.choice((0, 1000)))
        chance = {"b": 0.4}.get(sample.condition, 0.8 if sample.control else 0.9)
        return str(right if rng.random() < chance else right + 1)


class Parrot:
    """Answers with what `reply` makes of the last message; counts what it is asked."""

    name = "parrot"

    def __init__(self, reply: Callable[[str], str] | None = None, max_connections: int = 4) -> None:
        self.reply = reply or (lambda text: text.rpartition(" ")[2])
        self.max_connections = max_connections
        self.asked: list[Request] = []
        self.closed = False

    @property
    def identity(self) -> Params:
        return {"model": self.name}

    async def start(self) -> None:
        pass

    async def complete(self, request: Request) -> Completion:
        self.asked.append(request)
        return Completion(self.reply(request.messages[-1].content), prompt_tokens=2, completion_tokens=1)

    async def close(self) -> None:
        self.closed = True


@dataclass(frozen=True)
class Thrice:
    """Three calls that depend on each other: the shape of a tree search."""

    aid: ClassVar[Aid] = "none"
    max_calls: ClassVar[int | None] = None

    async def solve(self, session: Session) -> Response:
        messages, made = session.messages, []
        for _ in range(3):
            made += await session.ask([*messages[:-1], Message("user", messages[-1].content)])
        return Response(made[-1].text)


@dataclass(frozen=True)
class SideBySide:
    """Calls that are made at once and end in any order."""

    aid: ClassVar[Aid] = "none"
    max_calls: ClassVar[int | None] = None

    async def solve(self, session: Session) -> Response:
        messages = session.messages

        async def follow(first: str) -> Completion:
            await session.ask([Message("user", first)])
            return (await session.ask([Message("user", f"and {first}")]))[0]

        made = await asyncio.gather(*(follow(f"{word} {messages[-1].content}") for word in ("one", "two", "three")))
        return Response(made[-1].text)


async def execute(
    directory: Path,
    model: Model,
    strategy: Strategy,
    task: Echo | None = None,
    config: RunConfig | None = None,
    on_record: Callable[[Mapping[str, Any]], None] = lambda _: None,
) -> Result:
    """A run of the stubs in `directory`, started or resumed."""
    directory.mkdir(exist_ok=True, parents=True)
    writer = store.Writer(directory)
    try:
        task = task or Echo()
        run = Run("test", config or RunConfig("echo", "parrot"), task, strategy, model, writer, on_record=on_record)
        return await run.execute()
    finally:
        writer.close()


def records(directory: Path) -> dict[tuple[str, int], dict]:
    return {(r["id"], r["epoch"]): r for r in store.read_records(directory)}


def failing(every: int, error: Exception):
    """A reply that fails on each `every`-th call."""
    calls = itertools.count(1)

    def reply(text: str) -> str:
        if next(calls) % every == 0:
            raise error
        return text.rpartition(" ")[2]

    return reply
