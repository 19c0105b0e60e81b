"""Does `harness budget` find what a scripted model was made with? Its figures, over a real HTTP server.

    python benchmarks/budget.py [--groups 30]

For each case: at how many points (budget x condition) the share of right answers and of answers that think on is not
exactly the planted one, what the early answers cost (in costs of the traces alone), and which re-runs are flagged.
"""

from __future__ import annotations

import argparse
import itertools
import random
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mock_server import MockServer
from thinker import Mind, Thinker, prompt_of

from harness import launch, plugins
from harness.pipeline.config import configure
from harness.results.records import open_run
from harness.seeds import derive
from harness.studies import budget
from harness.text import align
from harness.types import Outcome, Sample

TASK, OPTIONS = "arithmetic", {"prompt": "direct", "bases": "10,9"}
BUDGETS = (16, 32, 64, 128, 256, 512, 1024, 2048)
MAX_TOKENS = 4096
KNOWS = {"10": (10, 600), "9": (200, 1900)}
"""The tokens after which a sample's answer is known, from and to, by base."""

Change = Callable[[Mind, random.Random], Mind]


@dataclass(frozen=True)
class Case:
    """A way in which minds differ from plain ones, and what the server has."""

    name: str
    change: Change = lambda mind, rng: mind
    tokenizer: bool = True
    cached: bool = True
    options: Mapping[str, str] | None = None
    checks: int = 0


def _thinks_on(mind: Mind, rng: random.Random) -> Mind:
    return replace(mind, thinks_on=rng.choice(("tag", "words", "")))


def _overthinks(mind: Mind, rng: random.Random) -> Mind:
    return replace(mind, loses=(mind.knows or 0) + 300) if rng.random() < 0.5 else mind


CASES = (
    Case("thresholds by sample", checks=2),
    Case("and half of them lose it again", _overthinks),
    Case("and a third each thinks on by a tag, by words, not", _thinks_on),
    Case("never right", lambda mind, rng: replace(mind, knows=None)),
    Case("the limit ends the thinking", lambda mind, rng: replace(mind, length=10_000)),
    Case("no tokenizer: chat, cut by characters", tokenizer=False),
    Case("no count of cached tokens", cached=False),
    Case("a true limit makes it hurry by 200 tokens", lambda mind, rng: replace(mind, hurries=200), checks=2),
)


def minds(case: Case, groups: int) -> tuple[dict[str, Mind], list[Sample]]:
    """The mind of each prompt, and the samples."""
    task = plugins.task(TASK, OPTIONS)
    samples = list(itertools.islice(task.samples(0), groups * 2))
    found = {}
    for sample in samples:
        rng = random.Random(derive(case.name, sample.id))
        knows = rng.randint(*KNOWS[str(sample.params["base"])])
        mind = Mind(sample.target, "0", rng.randint(1000, 2000), knows)
        found[prompt_of(sample)] = case.change(mind, rng)
    return found, samples


@dataclass(frozen=True)
class Found:
    """What came of a case: points, points that are not as planted, and the study with its checks."""

    points: int
    off: int
    thought_on: int
    study: budget.Study
    checks: tuple[budget.Check, ...]


def measure(case: Case, groups: int, out: Path) -> Found:
    """Serve the minds of a case, make the run and its checks, and compare each point with what was planted."""
    planted, samples = minds(case, groups)
    thinker = Thinker(planted, case.tokenizer, case.cached)
    with MockServer(respond=thinker) as server:
        asked: dict[str, Any] = {"base_url": server.base_url, "limit": len(samples), "max_tokens": MAX_TOKENS}
        at = {"at": ",".join(map(str, BUDGETS))}
        made = budget.study(_run({**asked, "strategy": "forced"}, {**at, **(case.options or {})}, out))
        checks = []
        for b in budget.check_points(BUDGETS, case.checks) if case.checks else ():
            true = _run({**asked, "thinking_tokens": b}, {}, out, thinking_field="thinking_token_budget")
            checks.append(budget.check(made, b, true.records()))
    off = points = 0
    for b in BUDGETS:
        expected = _planted(planted, samples, b)
        for condition, cell in made.at[b].conditions.items():
            right = round(sum(k for k, _ in cell.clusters.values()))
            points += 1
            on = made.thinks_on[b][condition]
            off += (right, on) != (expected[condition, "right"], expected[condition, "on"])
            off += cell.outcomes[Outcome.TRUNCATED] != on
    return Found(points, off, thinker.counts["thinks on"], made, tuple(c for c in checks if c))


def _planted(planted: Mapping[str, Mind], samples: list[Sample], b: int) -> Counter[tuple[str, str]]:
    """(condition, right or on) -> how many samples, at a budget."""
    found: Counter[tuple[str, str]] = Counter()
    for sample in samples:
        mind = planted[prompt_of(sample)]
        thought = min(b, mind.length)
        right = mind.answer(thought) == mind.right
        early = b < mind.length
        found[sample.condition, "right"] += right
        found[sample.condition, "on"] += bool(early and not right and mind.thinks_on)
    return found


def _run(asked: dict[str, Any], strategy: dict[str, str], out: Path, **model: str) -> Any:
    config = configure(TASK, "openai/mock", asked, OPTIONS, model, strategy)
    return open_run(launch.start(config, out).directory)


def row(case: Case, found: Found) -> list[str]:
    """One line of the table."""
    cost = found.study.cost
    times = [f"{x:.3f}" if x else "-" for x in (cost.times, cost.times_uncached)]
    said = [f"{100 * c.difference.value:+.1f}{' flagged' if c.flagged else ''} at {c.budget}" for c in found.checks]
    how = ", ".join(found.study.cut_by)
    return [case.name, how, f"{found.off} of {found.points}", str(found.thought_on), *times, "; ".join(said) or "-"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", type=int, default=30)
    groups = parser.parse_args().groups
    rows = []
    for case in CASES:
        with tempfile.TemporaryDirectory() as out:
            found = measure(case, groups, Path(out))
            rows.append(row(case, found))
            if case is CASES[0]:
                print("\n".join(map(str, budget.courses(found.study))))
    header = ["case", "cut by", "points off", "think on", "times, cached", "uncached", "re-runs (points)"]
    print(align(header, rows, left=2))


if __name__ == "__main__":
    main()
