"""What a run asks: which samples and controls, how often, how they are decoded, and what stands before each of them."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, replace

from harness.errors import UsageError
from harness.pipeline import selection
from harness.pipeline.checks import CHANGE, PLACEBO
from harness.pipeline.config import RunConfig
from harness.seeds import derive
from harness.types import Message, Sample, Sampling, Task


def sampling_of(task: Task, config: RunConfig) -> Sampling:
    """The task's protocol with the user's options over it."""
    given = {f.name: v for f in fields(Sampling) if (v := getattr(config.sampling, f.name)) not in (None, ())}
    return replace(task.sampling, **given)


def samples_of(task: Task, config: RunConfig) -> Iterator[Sample]:
    """The samples of a run, each with its controls right behind it. --limit counts samples, before epochs and without
    controls. UsageError as `controls_of` has it."""
    names = controls_of(task, config)
    factor, reference = task.main or next(iter(task.factors), ""), None
    for sample in selection.select(task, config.seed, config.limit, config.sample_id):
        yield sample
        if names:
            level = str(sample.params.get(factor, ""))  # as gaps have it: the first level is the reference
            reference = level if reference is None else reference
            if level == reference:
                yield from beside(task, config.seed, sample, names)


def controls_of(task: Task, config: RunConfig) -> Mapping[str, str]:
    """The controls that a run asks beside its samples at the reference level (`Sample.control`) -> what they change, in
    words. UsageError if the task has fewer than are asked for."""
    found: dict[str, str] = {}
    for kind, flag, asked, has in (
        (PLACEBO, "--placebo", config.placebo, task.placebos),
        (CHANGE, "--sensitivity", config.sensitivity, task.changes),
    ):
        if asked > len(has):
            what = "rewordings that must not matter" if kind == PLACEBO else "changes of a fact"
            names = f"it has {len(has)}: {', '.join(has)}" if has else f"it has no {what}"
            hint = f"ask for at most {len(has)}" if has else f"run it without {flag}"
            raise UsageError(f"task {task.name}: {flag} {asked}: {names}", hint)
        found |= {f"{kind} {name}": words for name, words in itertools.islice(has.items(), asked)}
    return found


def beside(task: Task, seed: int, sample: Sample, controls: Iterable[str]) -> Iterator[Sample]:
    """The controls of a sample (`placebo NAME`, `change NAME`); a task may have none of a kind for it."""
    for control in controls:
        kind, _, name = control.partition(" ")
        rng = random.Random(derive(task.name, task.version, seed, sample.id, name))
        made = (task.reworded if kind == PLACEBO else task.changed)(sample, name, rng)
        if made is not None:
            own = f"{sample.id}~{name}"
            yield replace(made, id=own, group=sample.group, condition=sample.condition, control=control)


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
    """Number of records that the run will have, with those of controls."""
    if controls_of(task, config):
        return sum(1 for _ in samples_of(task, config)) * epochs_of(task, config)
    return selection.size(task, config.seed, config.limit, config.sample_id) * epochs_of(task, config)
