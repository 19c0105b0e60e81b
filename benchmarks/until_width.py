"""Does a run that stops once its interval is narrow enough (`--until-width`) still hold its 95%?

    python benchmarks/until_width.py [--simulations 500]

Prints a Markdown table. Each simulated run draws groups, asks them in two conditions, and looks at the width of the
gap's interval where the runner does (30 groups, then after each further fifth). Groups differ: the chance of a right
answer in the first condition is drawn from a beta distribution, and the second condition takes a fixed share of it
away, so the true gap is known. Seeds are fixed. tests/pipeline/test_until_width.py runs a small version.
"""

from __future__ import annotations

import argparse
import statistics
from dataclasses import dataclass

import numpy as np

from harness.pipeline.runner import checks
from harness.results.counts import Contrasts


@dataclass(frozen=True)
class Setting:
    """Runs with answers of these chances: `right` is the mean chance in the first condition, `lost` the share of it
    that the second one loses; each sample is asked `epochs` times."""

    right: float
    lost: float
    width: float
    epochs: int = 1
    most: int = 20_000

    @property
    def gap(self) -> float:
        """The true one."""
        return -self.right * self.lost


SETTINGS = [
    Setting(right, lost, width, epochs)
    for width in (0.2, 0.1)
    for right, lost in ((0.5, 0.0), (0.9, 0.0), (0.8, 0.25), (0.9, 0.9), (0.98, 0.02))
    for epochs in (1, 3)
]


@dataclass(frozen=True)
class Stopped:
    """Where a run stopped: its number of groups, and the interval of its gap."""

    groups: int
    low: float
    high: float


def stopped(setting: Setting, rng: np.random.Generator) -> Stopped:
    """One run, by the rule of the runner."""
    contrasts = Contrasts(("world",), ("default", "other"))
    asked = 0
    for check in checks():
        chances = rng.beta(4 * setting.right, 4 * (1 - setting.right), check - asked)
        for group, chance in enumerate(chances, asked):
            for world, right in (("default", chance), ("other", chance * (1 - setting.lost))):
                for epoch in range(setting.epochs):
                    contrasts.add(_record(group, world, epoch, rng.random() < right))
        asked = check
        width = contrasts.width()
        if (width is not None and width <= setting.width) or asked >= setting.most:
            gap = contrasts.gap_between("other", "default")
            assert gap is not None
            return Stopped(asked, gap.low, gap.high)
    raise AssertionError("the rule has no end")


def _record(group: int, world: str, epoch: int, right: bool) -> dict[str, object]:
    outcome, value = ("correct", 1.0) if right else ("wrong", 0.0)
    return {
        "task": "simulated", "group": f"g{group}", "condition": world, "params": {"world": world}, "epoch": epoch,
        "outcome": outcome, "value": value,
    }  # fmt: skip


def measure(setting: Setting, simulations: int) -> tuple[float, float, float]:
    """(share of intervals that hold the true gap, mean groups, their standard deviation)."""
    rng = np.random.default_rng([round(1000 * setting.right), round(1000 * setting.lost), setting.epochs])
    runs = [stopped(setting, rng) for _ in range(simulations)]
    held = sum(run.low - 1e-12 <= setting.gap <= run.high + 1e-12 for run in runs)
    groups = [run.groups for run in runs]
    return held / simulations, statistics.mean(groups), statistics.stdev(groups)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=500)
    simulations = parser.parse_args().simulations
    print(
        "| width asked for | true gap | first condition | answers a sample | coverage at the stop | groups, mean (sd) |"
    )
    print("|---|---|---|---|---|---|")
    for s in SETTINGS:
        coverage, mean, sd = measure(s, simulations)
        print(
            f"| {s.width} | {s.gap:+.3f} | {s.right} | {s.epochs} | {coverage:.1%} | {mean:.0f} ({sd:.0f}) |",
            flush=True,
        )


if __name__ == "__main__":
    main()
