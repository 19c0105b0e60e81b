"""Samples generated and responses scored per second, on one core, for every installed task.

    python benchmarks/tasks.py [--samples 5000] [--task NAME]...

Prints a Markdown table. Half of the responses are the oracle's, half the random baseline's. Samples of another seed
warm up first: they read files and fill the caches that all samples share. Tasks whose samples a planner must solve are
measured on their default set, whose plans are shipped. Compare the ratios: machines differ.
"""

from __future__ import annotations

import argparse
import itertools
import os
import platform
import random
import time
from typing import Any

from harness import plugins
from harness.seeds import derive
from harness.types import Sample, Task


def responses(task: Task, samples: list[Sample]) -> list[tuple[Sample, str]]:
    """Each sample with one answer, the oracle's and the random baseline's in turn."""
    made = []
    for number, sample in enumerate(samples):
        kind = "oracle" if number % 2 == 0 else "random"
        made.append((sample, task.baseline(kind, sample, random.Random(derive(sample.id)))))
    return made


def generated(task: Task, seed: int, most: int) -> tuple[list[Sample], float]:
    """At most `most` samples of a seed, and the samples generated per second."""
    start = time.perf_counter()
    samples = list(itertools.islice(task.samples(seed), most))
    return samples, len(samples) / (time.perf_counter() - start)


def scored(task: Task, answers: list[tuple[Sample, str]]) -> tuple[float, float]:
    """Responses scored per second: in the first round, which meets each problem and each sentence for the first time,
    and in the best of three more rounds."""
    rates = []
    for _ in range(4):
        start = time.perf_counter()
        for sample, text in answers:
            task.score(sample.params, text, "stop")
        rates.append(len(answers) / (time.perf_counter() - start))
    return rates[0], max(rates[1:])


def main() -> None:
    """Print one row for each task."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--task", action="append", default=[], help="all tasks where left out")
    a = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(f"at most {a.samples} samples a task; Python {platform.python_version()}, one core\n")
    print("| task | samples | generated/s | first scored/s | scored again/s |\n|---|---|---|---|---|")
    for name in a.task or list(plugins.installed("tasks")):
        task: Any = plugins.task(name, {})
        most = a.samples if not getattr(task, "slow_samples", False) else min(a.samples, task.limit)
        generated(task, 1, 5)
        samples, made = generated(task, 0, most)
        first, again = scored(task, responses(task, samples))
        print(f"| {name} | {len(samples):,} | {made:,.0f} | {first:,.0f} | {again:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
