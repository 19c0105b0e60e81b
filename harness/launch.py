"""Start or resume a run: open task, strategy and model, make the directory, execute, leave the files.

What `harness run` calls, and what a program that imports the harness may call itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import shlex
import shutil
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from harness import display, plugins, trust, twins
from harness.errors import HarnessError, StorageError, UsageError, cause
from harness.models import registry
from harness.models.registry import open_model, price_of
from harness.options import describe
from harness.pipeline import store
from harness.pipeline.config import RunConfig
from harness.pipeline.questions import controls_of, count, epochs_of, preamble, samples_of, sampling_of
from harness.pipeline.runner import FIRST_CHECK, Result, Run
from harness.results.claims import Claim, claim_of, fits, verdict
from harness.results.controls import Controls
from harness.results.parquet import warm_up
from harness.results.records import Tally, close_run, describe_run, open_run
from harness.types import (
    Bounded,
    Continues,
    LimitsThinking,
    Model,
    ModelOptions,
    Outcome,
    ScoresText,
    Strategy,
    Task,
)


@dataclass(frozen=True)
class Finished:
    """A run directory, how the run ended, and what was counted of it."""

    directory: Path
    config: RunConfig
    task: Task
    result: Result
    tally: Tally
    claim: Claim | None = None

    @property
    def notes(self) -> list[str]:
        """What a reader of the table should know."""
        sampling, epochs = sampling_of(self.task, self.config), epochs_of(self.task, self.config)
        lines = self.result.remarks.lines()
        lines += filter(None, [str(self.task.data().get("note") or "")])
        if sampling.temperature == 0 and epochs > 1 and not self.config.model.startswith("baseline/"):
            lines.append(
                f"at temperature 0 the {epochs} repeats of a sample are hardly independent: intervals are too narrow"
            )
        progress = self.result.progress
        if self.claim:
            lines.append(verdict(self.claim, self.tally.contrasts, self.result.status == "complete"))
        if self.config.until_width is not None:
            lines.append(f"{stopping_rule(self.config.until_width)}: {stopped(self.config.until_width, self.tally)}")
        elif self.result.status == "complete" and progress.done < progress.total:
            lines.append(f"the task ends after {progress.done} records with these options: it was asked for more")
        if self.result.cache_trouble:
            lines.append(self.result.cache_trouble)
        return lines


OnResult = Callable[[Finished], None]
"""Called with a run before the files of its end are written, which may fail: what it shows is not lost then."""


def stopping_rule(width: float) -> str:
    """The rule of --until-width in words: it stands in run.json."""
    return f"whole groups until the 95% interval of the main gap is {width:g} wide, looked at from {FIRST_CHECK} on"


def stopped(width: float, tally: Tally) -> str:
    """What came of the rule, in words."""
    contrasts = tally.contrasts
    groups, reached = len(contrasts.groups), contrasts.width()
    if reached is None:
        return f"after {groups} groups there is no interval yet"
    met = (
        ""
        if reached <= width and groups >= FIRST_CHECK
        else ", so it was not reached within --limit, or the samples that the task has"
    )
    return f"after {groups} groups it is {reached:.3f} wide{met}"


@dataclass(frozen=True)
class Estimate:
    """What a run would take, with as many calls a sample as the strategy makes at most, if `bounded`, else one. Prompt
    tokens are characters / 4, as if each call had the sample's own prompt. `controls` stand beside the samples."""

    samples: int
    controls: int
    epochs: int
    calls: int
    bounded: bool
    prompt_tokens: int
    completion_tokens: int


def estimate(config: RunConfig) -> Estimate:
    """For --dry-run: renders every prompt, sends none."""
    task, strategy, _ = prepare(config)
    epochs = epochs_of(task, config)
    sizes, controls = [], 0
    for sample in samples_of(task, config):
        sizes.append(sum(len(m.content) for m in (*preamble(task, config, sample), *sample.messages)))
        controls += bool(sample.control)
    calls = len(sizes) * epochs * (strategy.max_calls or 1)
    longest = sampling_of(task, config).max_tokens or 0
    prompts = sum(sizes) * epochs * (strategy.max_calls or 1) // 4
    most = strategy.most_tokens(longest) if isinstance(strategy, Bounded) else (strategy.max_calls or 1) * longest
    bounded, completion = strategy.max_calls is not None, len(sizes) * epochs * most
    return Estimate(len(sizes) - controls, controls, epochs, calls, bounded, prompts, completion)


def select_options(tasks: list[str], given: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """-T options by task. With several tasks, each takes those it knows; one that none knows is an error."""
    if len(tasks) == 1:
        return {tasks[0]: dict(given)}
    known = {name: {o for o, _, _ in describe(plugins.load("tasks", plugins.named(name)[0]))} for name in tasks}
    for key in given:
        if not any(key.replace("-", "_") in names for names in known.values()):
            raise UsageError(f"none of the tasks {', '.join(tasks)} has an option '{key}'")
    return {name: {k: v for k, v in given.items() if k.replace("-", "_") in known[name]} for name in tasks}


def prepare(config: RunConfig) -> tuple[Task, Strategy, Model]:
    """Everything that can be wrong with a run's names and options is noticed here, before anything is sent."""
    task = twins.arms(plugins.task(config.task, config.task_options), config.twins)
    controls_of(task, config)
    strategy = plugins.strategy(config.strategy, config.strategy_options)
    model = open_model(config.model, config.model_options)
    if config.sampling.thinking_tokens is not None:
        if not isinstance(model, LimitsThinking):
            said = f"{config.model} takes no limit of thinking tokens (--thinking-tokens)"
            raise UsageError(said, "--max-tokens limits thinking and answer together")
        model.check_thinking()
    if getattr(strategy, "continues", False):
        why = model.cannot_continue if isinstance(model, Continues) else "it makes whole answers only"
        if why:
            said = f"strategy {config.strategy} has answers continued, and {config.model} can't: {why}"
            can = "a model on vLLM can, one on another server with --base-url, and those of embedded/ and hf/"
            raise UsageError(said, can)
    if getattr(strategy, "scores_text", False) and (why := cannot_score_text(model)):
        said = f"strategy {config.strategy} asks how likely given texts are, and {config.model} can't tell: {why}"
        raise UsageError(said, "the models of vllm/, embedded/ and hf/ can")
    return task, strategy, model


def cannot_score_text(model: Model) -> str:
    """Why a model does not say how likely a given text is (ScoresText), in words; "" if it does."""
    return model.cannot_score_text if isinstance(model, ScoresText) else "it says nothing of a text that is given"


def start(
    config: RunConfig,
    out: Path,
    show: display.Display = "none",
    on_result: OnResult = lambda _: None,
    claim: Claim | None = None,
    called: str = "",
) -> Finished:
    """A new run in a new directory under `out`. UsageError if it is not the run that a claim is about. A study says
    what the directory is `called`, so that it finds its runs again: one that was made, and in which no run was begun,
    is taken."""
    task, strategy, model = prepare(config)
    if claim:
        fits(claim, config, task)
    if config.until_width is not None and config.limit is None and task.limit is not None:
        raise UsageError(
            "--until-width needs --limit: the most samples that it may take",
            f"the task draws samples without end: for example --limit {10 * task.limit}",
        )
    if count(task, replace(config, placebo=0, sensitivity=0)) == 0:
        raise UsageError(f"task {config.task}: with these options there are no samples")
    if config.num_fewshot:
        preamble(task, config, next(samples_of(task, config)))  # an error here leaves no run behind
    run_id = store.new_run_id(config.task, config.model)
    directory = out / (called or run_id)
    try:
        directory.mkdir(parents=True, exist_ok=bool(called))
    except OSError as error:
        raise HarnessError(f"{directory} can't be made: {cause(error)}", "choose another --out") from None
    about = describe_run(run_id, config, task) | {
        "strategy": {"name": config.strategy, "aid": strategy.aid, "max_calls": strategy.max_calls},
        "sampling": sampling_of(task, config).identity(),
        **({"data": dict(task.data())} if task.data() else {}),
        **({"controls": dict(controls)} if (controls := controls_of(task, config)) else {}),
        **({"claim": claim.as_json()} if claim else {}),
    }
    store.write_config(directory, about)
    try:
        return _execute(directory, about, config, task, strategy, model, show, on_result)
    except HarnessError as error:
        if not isinstance(error, StorageError) and not _has_answers(directory):  # nothing worth keeping
            shutil.rmtree(directory, ignore_errors=True)
        raise


def _has_answers(directory: Path) -> bool:
    if any(store.read_lines(directory / store.JOURNAL)):
        return True
    return any(not Outcome(record["outcome"]).is_infrastructure for record in store.read_records(directory))


def resume(
    directory: Path,
    show: display.Display = "none",
    repeated: ModelOptions | None = None,
    on_result: OnResult = lambda _: None,
    **changes: Any,
) -> Finished:
    """Finish a run. `changes` are fields of RunConfig that do not change answers, such as a larger budget.

    A run.json may be a stranger's. UsageError if it would decide what is executed, or which server gets a key, and
    `repeated` (options of the command line) does not say the same.
    """
    about = dict(open_run(directory).about)
    claim_of(about, directory)  # one that was changed is no claim: said before anything is asked
    config = replace(RunConfig.from_json(about["config"]), **changes)
    about["config"] = {**about["config"], **changes}
    confirm(config, directory, repeated)
    task, strategy, model = prepare(config)
    return _execute(directory, about, config, task, strategy, model, show, on_result)


def confirm(config: RunConfig, directory: Path, repeated: ModelOptions | None = None, command: str = "run") -> None:
    """UsageError if a configuration that was read from a file would decide what is executed, or which server gets a
    key, and `repeated` (options of the command line) does not say the same. `command` is what resumes it."""
    trust.confirm(_decisions(config), config.model_options, repeated or ModelOptions(), directory, command)


def _decisions(config: RunConfig) -> trust.Decisions:
    """What must be repeated to resume a run of this configuration."""
    backend, _, resolved = registry.resolve(config.model, config.model_options)
    return trust.decisions_of_run(backend, config.model_options, resolved)


def resume_command(directory: Path, config: RunConfig, command: str = "run") -> str:
    """The command that finishes the run (or the study), with the options that must be repeated."""
    trusted = ["--trust-config"] if registry.needs_trust(config.model) else []
    repeated = trust.words(_decisions(config))
    words = [f"harness {command} --resume", shlex.quote(str(directory)), *trusted]
    return " ".join([*words, *([repeated] if repeated else [])])


def _execute(
    directory: Path,
    about: dict[str, Any],
    config: RunConfig,
    task: Task,
    strategy: Strategy,
    model: Model,
    show: display.Display,
    on_result: OnResult,
) -> Finished:
    writer = store.Writer(directory)
    try:
        tally = Tally(task, controls=Controls(controls_of(task, config), task))
        enough = None if config.until_width is None else partial(_narrow, tally, config.until_width)
        run_id = str(about.get("run_id") or directory.name)
        run = Run(run_id, config, task, strategy, model, writer, about, tally.add, enough)
        for said in run.mended:
            display.note(said)
        with display.progress(show, f"{config.task} {config.model}", price_of(config.model)) as on_progress:
            result = asyncio.run(_until_signal(run, on_progress, _hears_ctrl_c()))
        tally.contrasts.expect(*result.conditions)
        about |= {
            "model": getattr(run, "model_identity", {}),
            "notes": dict(result.remarks.notes),
            "tokens_used": result.tokens_used,
        }
        if config.until_width is not None:
            about["stopping"] = {"rule": stopping_rule(config.until_width), "end": stopped(config.until_width, tally)}
        finished = Finished(directory, config, task, result, tally, claim_of(about, directory))
        try:
            on_result(finished)
        finally:
            if result.failure:
                with contextlib.suppress(HarnessError):
                    store.write_config(directory, about | {"status": result.status, "reason": result.reason})
            else:
                close_run(directory, about, tally, result.status, result.reason)
    finally:
        try:
            task.close()
        finally:
            writer.close()
    if result.failure:
        raise result.failure
    return finished


def _narrow(tally: Tally, width: float) -> bool:
    reached = tally.contrasts.width()
    return reached is not None and reached <= width


def _hears_ctrl_c() -> bool:
    """Whether SIGINT is to end the run: a shell has its background jobs ignore it."""
    return signal.getsignal(signal.SIGINT) is signal.default_int_handler


async def _until_signal(run: Run, on_progress: Any, hears_ctrl_c: bool) -> Result:
    """Ctrl-C and SIGTERM end a run by cancelling it: nothing is torn in the middle, however often they come."""
    task = asyncio.current_task()
    assert task is not None
    # Windows has no such handlers, and a thread that is not the main one may not set them.
    with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        if hears_ctrl_c:
            asyncio.get_running_loop().add_signal_handler(signal.SIGINT, task.cancel)
    warm = asyncio.create_task(_warm_up_later())
    try:
        return await run.execute(on_progress)
    finally:
        warm.cancel()


async def _warm_up_later() -> None:
    """Import what the end of the run needs once requests are on their way: then there is time to wait for them."""
    await asyncio.sleep(0.4)
    await asyncio.to_thread(warm_up)
