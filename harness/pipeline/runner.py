"""The pipeline of one run: generate -> solve -> score -> record, lazily and with bounded concurrency.

A fixed number of workers pull from one iterator of samples, so memory does not grow with their number; the limit
on simultaneous requests belongs to the model. Knows no task, model or strategy by name, and draws nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import Any, Literal, NamedTuple

from harness.errors import BudgetSpent, DataError, FatalModelError, HarnessError, ModelError, StorageError
from harness.pipeline import budget, store
from harness.pipeline.cache import Cache
from harness.pipeline.checks import completion_from, wrong_verdict
from harness.pipeline.config import RunConfig
from harness.pipeline.questions import count, epochs_of, preamble, samples_of, sampling_of
from harness.pipeline.record import Record
from harness.pipeline.remarks import Remarks
from harness.pipeline.session import FROM_CACHE, OneSample
from harness.types import (
    Completion,
    Message,
    Model,
    Outcome,
    Response,
    Sample,
    Score,
    Strategy,
    Task,
    Waits,
)

HOPELESS = ("unreachable", "not_found", "bad_request")
"""Kinds of errors that a run would meet again when it is resumed, which asks the same of the same server."""

LEAST_FAILURES = 20
"""So many samples without any answer, and at least two for each connection, end a run that has none at all."""

Status = Literal["running", "complete", "incomplete", "interrupted"]


@dataclass
class Progress:
    """How far a run is; the display reads it. Controls are no part of `correct` and `verdicts`."""

    total: int
    done: int = 0
    resumed: int = 0
    correct: float = 0.0
    verdicts: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    waiting: str = ""
    """Why no answer comes now, "" if some do."""
    started: float = field(default_factory=time.monotonic)

    @property
    def tokens(self) -> int:
        """Of prompts and of answers."""
        return self.prompt_tokens + self.completion_tokens

    def add(self, record: Mapping[str, Any]) -> None:
        """Count one record."""
        outcome = Outcome(record["outcome"])
        self.done += 1
        self.prompt_tokens += record.get("prompt_tokens") or 0
        self.completion_tokens += record.get("completion_tokens") or 0
        self.errors += outcome.is_infrastructure
        if outcome.has_verdict and not record.get("control"):
            self.verdicts += 1
            self.correct += record["value"]


@dataclass(frozen=True)
class Result:
    """How a run ended; `reason` says why it is not complete, and `resume_with` the option that finishing it takes.
    `conditions` are in the task's order; `tokens_used` is what counts for the budget. `failure` is there if the run's
    files could not be written any more; `cache_trouble` says why the cache was not used to the end."""

    status: Status
    progress: Progress
    conditions: tuple[str, ...]
    reason: str = ""
    remarks: Remarks = field(default_factory=Remarks)
    resume_with: str = ""
    tokens_used: int = 0
    failure: StorageError | None = None
    cache_trouble: str = ""


class Unit(NamedTuple):
    """What is asked once: a sample with its messages, in one epoch. `identity` is the record's."""

    sample: Sample
    epoch: int
    identity: str
    messages: tuple[Message, ...]


FIRST_CHECK = 30
"""So many groups are asked before a stopping rule is looked at for the first time: an interval of few groups may be
narrow by chance. Then again after each further fifth."""


def checks() -> Iterator[int]:
    """After how many groups a stopping rule is looked at."""
    groups = FIRST_CHECK
    while True:
        yield groups
        groups += max(1, groups // 5)


class _Check:
    """Stands between two groups at which a stopping rule is looked at, in the place of a unit."""


class Run:
    """One run in one directory, from the first sample to the table."""

    def __init__(
        self,
        run_id: str,
        config: RunConfig,
        task: Task,
        strategy: Strategy,
        model: Model,
        writer: store.Writer,
        about: Mapping[str, Any] | None = None,
        on_record: Callable[[Mapping[str, Any]], None] = lambda _: None,
        enough: Callable[[], bool] | None = None,
    ) -> None:
        """`about` is the run.json of the run; `on_record` gets every record, also those that an earlier try has made.
        `enough` says, of the records so far, whether no further group need be asked; None if all are to be.
        `mended` says which damage to the files of the earlier try was mended."""
        self.run_id, self.config, self.task, self.strategy, self.model = run_id, config, task, strategy, model
        self.writer = writer
        self.sampling = sampling_of(task, config)
        self.conditions: dict[str, None] = {}
        self._on_record, self._enough = on_record, enough
        self._under_way = 0
        self._idle = asyncio.Event()
        self.progress = Progress(count(task, config))
        about = about or {}
        self.remarks = Remarks(about.get("notes"), task.measures.get("tokens", ""), self.sampling.max_tokens)
        self.cache = Cache() if config.cache else None
        self.journal: dict[str, Completion] = {}
        self.shared: dict[str, Completion] = {}
        self.shared_locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._drawing = asyncio.Lock()
        self.answered = False
        """Whether the model has answered anything, in this try or before."""
        self._stopping = False
        self._ended_by: BudgetSpent | FatalModelError | None = None
        self._done: dict[tuple[str, int], str | None] = {}
        self.budget = budget.Budget(config.budget_tokens)
        self.mended = writer.take_up(about, self._take_up_record, self._take_up_call)
        self.progress.resumed = self.progress.done
        self.answered = self.progress.done > 0 or bool(self.journal)
        used = about.get("tokens_used")
        self.budget.used = max(self.budget.used, used if isinstance(used, int) else 0)

    def _take_up_record(self, record: Mapping[str, Any]) -> None:
        """A record of an earlier try counts."""
        self._done[record["id"], record["epoch"]] = record.get("identity")
        self._count(record)
        if self.strategy.max_calls == 1 and not record.get("cached"):  # else its calls are journaled
            self.budget.used += budget.paid_before(record.get("input"), record)

    def _take_up_call(self, call: Mapping[str, Any]) -> None:
        """A journaled call of an earlier try is not asked again."""
        self.journal[call["key"]] = made = completion_from(call["completion"])
        if FROM_CACHE not in made.notes:
            self.budget.used += budget.paid_before(call.get("input"), call["completion"])

    def _count(self, record: Mapping[str, Any]) -> None:
        self._on_record(record)
        self.progress.add(record)
        self.remarks.add(record)

    async def execute(self, on_progress: Callable[[Progress], None] = lambda _: None) -> Result:
        """Run what is missing. Returns also when interrupted or cut short: what arrived is on disk. Raises
        FatalModelError if the model has never answered, and would not if it were asked the same again."""
        status: Status = "complete"
        reason = ""
        failure: StorageError | None = None
        tasks: list[asyncio.Task[None]] = []
        try:
            await self.model.start()
            self.model_identity = dict(self.model.identity)
            self.slots = asyncio.Semaphore(self.model.max_connections)
            units = self._units()
            # More strategies than slots, so that a slot never waits for scoring.
            workers = [asyncio.create_task(self._work(units)) for _ in range(self.model.max_connections + 8)]
            watched = [asyncio.create_task(_first_failure(workers)), asyncio.create_task(self._tick(on_progress))]
            tasks = [*workers, *watched]
            ended, _ = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
            for task in ended:
                task.result()
            self._no_strangers()
        except asyncio.CancelledError:
            status, reason = "interrupted", "interrupted"
        except FatalModelError as error:
            self._ended_by = error
        except StorageError as error:
            failure = error
        finally:
            interrupted = await self._wind_up(tasks)
        try:
            self.writer.sync()
        except StorageError as error:
            failure = failure or error
        if status == "complete" and interrupted:
            status, reason = "interrupted", "interrupted"
        fatal = self._ended_by if isinstance(self._ended_by, FatalModelError) and status == "complete" else None
        if fatal and not failure and not self.answered and (not tasks or fatal.kind in HOPELESS):
            raise fatal
        resume_with = ""
        if failure:
            status, reason = "incomplete", _in_words(failure)
        elif status == "complete" and self._ended_by:
            status, reason = "incomplete", _in_words(self._ended_by)
            resume_with = "--budget-tokens MORE" if isinstance(self._ended_by, BudgetSpent) else ""
        elif status == "complete" and self.progress.errors:
            status, reason = "incomplete", self._faults()
        self.progress.waiting = ""
        on_progress(self.progress)
        trouble = self.cache.trouble if self.cache else ""
        told = (reason, self.remarks, resume_with, self.budget.used, failure, trouble)
        return Result(status, self.progress, tuple(self.conditions), *told)

    async def _wind_up(self, tasks: Sequence[asyncio.Task[None]]) -> bool:
        """End the tasks, the model and the cache. Each signal that comes meanwhile ends the wait that it finds, and no
        other; returns whether one came."""
        interrupted = False
        for task in tasks:
            task.cancel()
        try:
            await asyncio.gather(*tasks, return_exceptions=True)
        except asyncio.CancelledError:
            interrupted = True
        try:
            with contextlib.suppress(HarnessError):
                await self.model.close()
        except asyncio.CancelledError:
            interrupted = True
        if self.cache:
            self.cache.close()
        return interrupted

    def _no_strangers(self) -> None:
        """DataError if an earlier try has left records of samples that this run does not have. Everything was drawn."""
        if not self._done or self._stopping:
            return
        sample, epoch = next(iter(self._done))
        raise DataError(
            f"{self.writer.directory / store.RECORDS} has {len(self._done)} records of samples that the run does not "
            f"have, such as {sample!r:.80}, epoch {epoch}",
            "run.json or the records were changed: put back what was there, or take those lines out and --resume",
        )

    def _faults(self) -> str:
        """How many samples ended in an infrastructure error, and which error was the commonest."""
        records = store.read_records(self.writer.directory)
        errors = Counter(r["error"] for r in records if Outcome(r["outcome"]).is_infrastructure)
        (commonest, times), *_ = errors.most_common(1)
        return f"{errors.total()} samples ended in an infrastructure error, {times} of them in this one:\n  {commonest}"

    def _never_answered(self, record: Mapping[str, Any]) -> FatalModelError:
        kind = record["detail"].get("kind", "transient")
        return FatalModelError(f"nothing was ever answered, so the run was stopped: {self._faults()}", kind)

    async def _tick(self, on_progress: Callable[[Progress], None]) -> None:
        while True:
            await asyncio.sleep(0.2)
            self.progress.waiting = self.model.waiting if isinstance(self.model, Waits) else ""
            with contextlib.suppress(Exception):  # a display that fails must not end what is paid for
                on_progress(self.progress)
            await asyncio.to_thread(self.writer.sync)  # StorageError ends the run

    def _units(self) -> Iterator[Unit | _Check]:
        """Everything that is not done yet, lazily; also where a stopping rule is to be looked at."""
        upcoming = checks()
        check, groups, last = next(upcoming), 0, ""
        parts = (self.task.name, self.task.version, self.config.strategy, dict(self.config.strategy_options))
        decoding = (self.sampling.identity(), self.config.seed)
        for sample in samples_of(self.task, self.config):
            if self._enough and sample.group != last:
                last = sample.group
                if groups == check:
                    check = next(upcoming)
                    if not self._done:  # records of an earlier try, behind this place, show that it went on from here
                        yield _Check()
                groups += 1
            self.conditions[sample.condition] = None
            messages = preamble(self.task, self.config, sample) + sample.messages
            asked = store.identity(*parts, self.model_identity, sample.id, dict(sample.params), messages, decoding)
            for epoch in range(1, epochs_of(self.task, self.config) + 1):
                identity = f"{asked}-{epoch}"
                done = self._done.pop((sample.id, epoch), None)
                if done is None:
                    yield Unit(sample, epoch, identity, messages)
                elif done != identity:
                    raise DataError(
                        f"sample {sample.id}, epoch {epoch} was asked of another task version, model or prompt",
                        "a run can't be finished with something else: start a new one",
                    )

    async def _next(self, units: Iterator[Unit | _Check]) -> Unit | None:
        """The next sample. Slow ones are made in a thread, so that answers that arrive meanwhile don't wait. A stopping
        rule sees whole groups: their answers are waited for."""
        if not self.task.slow_samples and not self._enough:
            return self._taken(next(units, None))
        async with self._drawing:
            drawn = None if self._stopping else await self._drawn(units)
            while isinstance(drawn, _Check):
                while self._under_way and not self._stopping:
                    self._idle.clear()
                    await self._idle.wait()
                if self._enough and self._enough():
                    self._stopping = True
                if self._stopping:
                    return None
                drawn = await self._drawn(units)
            return self._taken(drawn)

    async def _drawn(self, units: Iterator[Unit | _Check]) -> Unit | _Check | None:
        return await asyncio.to_thread(next, units, None) if self.task.slow_samples else next(units, None)

    def _taken(self, unit: Unit | _Check | None) -> Unit | None:
        self._under_way += unit is not None
        return unit if isinstance(unit, Unit) else None

    async def _work(self, units: Iterator[Unit | _Check]) -> None:
        while (unit := await self._next(units)) is not None and not self._stopping:
            try:
                record = self._kept(await self._solve(unit))
            except BudgetSpent as end:
                # No worker takes another sample; calls under way are paid for, and wait for their answer.
                self._stopping, self._ended_by = True, self._ended_by or end
                return
            except BaseException:
                self._stopping = True
                raise
            finally:
                self._under_way -= 1
                self._idle.set()
            self._count(record)
            if not self.answered and self.progress.errors >= max(LEAST_FAILURES, 2 * self.model.max_connections):
                self._stopping, self._ended_by = True, self._ended_by or self._never_answered(record)
            if self.progress.done % 64 == 0:
                await asyncio.sleep(0)  # models that answer at once would keep the event loop for themselves

    def _kept(self, record: dict[str, Any]) -> dict[str, Any]:
        """The record, as it is on disk: an answer that was paid for is not lost over what a server says beside it."""
        try:
            self.writer.append(record)
        except DataError:
            record |= dict.fromkeys(_BESIDE)
            self.writer.append(record)
            self.remarks.note(["what the model said beside its answer (tokens, log-probabilities) could not be kept"])
        return record

    async def _solve(self, unit: Unit) -> dict[str, Any]:
        sample, epoch, identity, messages = unit
        session = OneSample(self, sample, epoch, messages)
        response: Response | None = None
        error: str | None = None
        try:
            try:
                response = await self.strategy.solve(session)
            except Exception:
                await session.settle()
                raise
            refusal = session.refusal if not response.text and response.best_so_far is None else ""
            score = self._score(sample, response, refusal)
            error = score.detail.get("error") if score.outcome is Outcome.VERIFIER_ERROR else None
            error = error or refusal or None
        except BudgetSpent:
            raise
        except ModelError as failure:
            if isinstance(failure, FatalModelError):  # no other sample is begun; this one was asked, so it is recorded
                self._stopping, self._ended_by = True, self._ended_by or failure
            score, error = Score.without_answer(Outcome.API_ERROR, kind=failure.kind), _in_words(failure)
        except Exception as failure:
            if isinstance(failure, HarnessError):
                raise
            error = f"strategy {self.config.strategy} failed: {type(failure).__name__}: {failure}"
            score = Score.without_answer(Outcome.VERIFIER_ERROR)
        calls = session.completions
        if not score.outcome.is_infrastructure:  # what is asked again is noted then
            self.remarks.note(note for call in calls for note in call.notes)
        record = Record(
            run_id=self.run_id,
            task=self.task.name,
            task_version=self.task.version,
            model=self.config.model,
            strategy=self.config.strategy,
            aid=self.strategy.aid,
            id=sample.id,
            group=sample.group,
            condition=sample.condition,
            epoch=epoch,
            params=sample.params,
            input=[m.as_dict() for m in messages],
            target=sample.target,
            response=response.text if response else "",
            outcome=score.outcome.value,
            value=score.value,
            answer=score.answer,
            detail=_with_strategy(score.detail, response),
            stop_reason=response.stop_reason if response else None,
            calls=len(calls),
            prompt_tokens=_total([c.prompt_tokens for c in calls]),
            completion_tokens=_total([c.completion_tokens for c in calls]),
            thinking_tokens=_total([c.thinking_tokens for c in calls]),
            latency_s=round(sum(c.latency_s for c in calls), 4) if calls else None,
            error=error,
            thinking="\n\n".join(c.thinking for c in calls if c.thinking),
            served_by=calls[-1].served_by if calls else "",
            logprobs=[t for c in calls for t in c.logprobs or ()] if self.sampling.logprobs is not None else None,
            cached=sum(FROM_CACHE in c.notes for c in calls),
            control=sample.control,
            identity=identity,
        )
        for node in session.nodes:
            self.writer.append(node, store.NODES)
        return {name: getattr(record, name) for name in _COLUMNS}

    def _score(self, sample: Sample, response: Response, refusal: str) -> Score:
        """A verifier that fails says nothing about the model, and must not end a run that was paid for. A prompt that
        the server has refused has no answer to score."""
        if refusal:
            return Score.without_answer(
                Outcome.REFUSED if response.stop_reason == "content_filter" else Outcome.TRUNCATED
            )
        if response.best_so_far is not None:
            return Score.without_answer(Outcome.TRUNCATED, reason=LIMIT_MET, best_so_far=response.best_so_far)
        try:
            score = self.task.score(sample.params, response.text, response.stop_reason)
            said = wrong_verdict(
                {"outcome": score.outcome, "value": score.value, "answer": score.answer, "detail": score.detail}
            )
        except Exception as failure:
            return Score.without_answer(Outcome.VERIFIER_ERROR, error=f"{type(failure).__name__}: {failure}")
        return Score.without_answer(Outcome.VERIFIER_ERROR, error=f"the score's {said}") if said else score


def _with_strategy(detail: Mapping[str, Any], response: Response | None) -> Mapping[str, Any]:
    """A score's detail with what the strategy says, under a key of its own: another scorer leaves it as it is."""
    return {**detail, "strategy": dict(response.detail)} if response and response.detail else detail


LIMIT_MET = "the search met its limit"

_COLUMNS = tuple(f.name for f in fields(Record))
_BESIDE = ("prompt_tokens", "completion_tokens", "thinking_tokens", "latency_s", "thinking", "served_by", "logprobs")
"""Columns that come from the model and are no part of its answer."""


def _in_words(error: HarnessError) -> str:
    return "\n  ".join(filter(None, (error.message, error.hint)))


def _total(counts: Sequence[int | None]) -> int | None:
    known = [n for n in counts if n is not None]
    return sum(known) if known else None


async def _first_failure(workers: Sequence[asyncio.Task[None]]) -> None:
    """Wait for all workers; as soon as one fails, raise what it raised."""
    done, _ = await asyncio.wait(workers, return_when=asyncio.FIRST_EXCEPTION)
    for worker in done:
        worker.result()
