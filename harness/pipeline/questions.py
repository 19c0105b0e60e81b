"""What a run asks: which samples, how often, how they are decoded, and what stands before each of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import fields, replace

from harness.errors import UsageError
from harness.pipeline import selection
from harness.pipeline.config import RunConfig
from harness.seeds import derive
from harness.types import Message, Sample, Sampling, Task


def sampling_of(task: Task, config: RunConfig) -> Sampling:
    """The task's protocol with the user's options over it."""
    given = {f.name: v for f in fields(Sampling) if (v := getattr(config.sampling, f.name)) not in (None, ())}
    return replace(task.sampling, **given)


def samples_of(task: Task, config: RunConfig) -> Iterator[Sample]:
    """The samples of a run; --limit counts samples before epochs."""
    return selection.select(task, config.seed, config.limit, config.sample_id)


def preamble(task: Task, config: RunConfig, sample: Sample) -> tuple[Message, ...]:
    """What stands before a sample's own messages: the system message, and few-shot examples in the sample's own form.
    UsageError if the task has fewer examples than are asked for."""
    messages = [Message("system", config.system_message)] if config.system_message else []
    if config.num_fewshot:
        examples = task.examples(sample, random.Random(derive("few-shot", task.name, task.version, config.seed)))
        shots = list(itertools.islice(examples, config.num_fewshot))
        if len(shots) < config.num_fewshot:
            raise UsageError(
                f"task {task.name}: --num-fewshot {config.num_fewshot}: it has {len(shots)} worked examples"
            )
        for example in shots:
            messages += [Message("user", example.prompt), Message("assistant", example.answer)]
    return tuple(messages)


def epochs_of(task: Task, config: RunConfig) -> int:
    """How often each sample is asked: as the user says, or else the task."""
    return config.epochs if config.epochs is not None else task.epochs


def count(task: Task, config: RunConfig) -> int:
    """Number of records that the run will have."""
    return selection.size(task, config.seed, config.limit, config.sample_id) * epochs_of(task, config)
