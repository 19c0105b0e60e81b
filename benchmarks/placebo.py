"""Does what is beyond a placebo hold its 95%, and how small a difference does it find?

    python benchmarks/placebo.py [--simulations 1000] [--groups 220] [--placebos 1] [--effect 0.1]

Prints a Markdown table, a row for each setting (all of them without options). A simulated run goes through what a real
one goes through: records are counted by harness.results.counts and harness.results.controls, and their interval and
p-value are taken. tests/results/test_placebo_simulation.py runs a small version. Seeds are fixed.

The design: each group is one problem with a chance of a right answer of its own, from a beta distribution of mean MEAN
in which two wordings of one problem get different verdicts in FLIPS of the cases. The sample and each rewording are one
answer at that chance, independent of each other. The level is one more such answer (so with an effect of 0 the contrast
is another placebo), of which a right one is then lost so often that accuracy falls by the effect. Mean and form are
chosen, not taken from a source.
"""

from __future__ import annotations

import argparse
import math
import random
from collections.abc import Iterator
from dataclasses import dataclass

from harness.results.controls import Beyond, Controls
from harness.results.counts import Contrasts
from harness.seeds import derive

MEAN, FLIPS = 0.8, 0.27


def _spread() -> tuple[float, float]:
    """The beta distribution: its mean is MEAN, and 2 p (1 - p) is FLIPS on average."""
    share = FLIPS / 2 / (MEAN * (1 - MEAN))  # of the variance of one answer that is within groups: s / (s + 1)
    size = share / (1 - share)
    return MEAN * size, (1 - MEAN) * size


@dataclass(frozen=True)
class Setting:
    """Runs of so many groups with so many placebos; the level is worse than them by `effect`."""

    groups: int
    placebos: int
    effect: float


SETTINGS = [Setting(groups, placebos, effect) for effect in (0.0, 0.1) for groups in (220, 400) for placebos in (1, 3)]


def records(setting: Setting, rng: random.Random) -> Iterator[dict[str, object]]:
    """Those of one run: the reference and the level of each group, and the rewordings of the reference."""
    lost = setting.effect / MEAN
    for group in range(setting.groups):
        chance = rng.betavariate(*_spread())
        yield _record(group, "reference", rng.random() < chance)
        yield _record(group, "level", rng.random() < chance and rng.random() >= lost)
        for placebo in range(setting.placebos):
            yield _record(group, "reference", rng.random() < chance, f"p{placebo}")


def _record(group: int, side: str, right: bool, placebo: str = "") -> dict[str, object]:
    return {
        "task": "simulated",
        "id": f"{group}-{side}" + (f"~{placebo}" if placebo else ""),
        "epoch": 1,
        "group": str(group),
        "condition": side,
        "control": f"placebo {placebo}" if placebo else "",
        "params": {"side": side},
        "outcome": "correct" if right else "wrong",
        "value": float(right),
        "answer": "right" if right else "wrong",
        "target": "right",
    }


def beyond(setting: Setting, rng: random.Random) -> Beyond:
    """What one run says of the gap beyond all its placebos."""
    contrasts = Contrasts(("side",), ("reference", "level"))
    controls = Controls({f"placebo p{i}": "" for i in range(setting.placebos)}, None)
    for record in records(setting, rng):
        contrasts.add(record)
        controls.add(record)
    return controls.found(contrasts).beyond[0]


@dataclass(frozen=True)
class Result:
    """Shares of `simulations` runs: whose interval holds the truth; whose interval is wholly below 0, and above it;
    whose p-value is below 5%. `flips` is the share of samples with another verdict in a rewording, as simulated."""

    simulations: int
    holds: float
    below: float
    above: float
    significant: float
    flips: float


def measure(setting: Setting, simulations: int) -> Result:
    """Simulate runs of a setting."""
    holds = below = above = significant = 0
    flips = answers = 0
    for i in range(simulations):
        seed = derive("placebo", setting, i)
        found = beyond(setting, random.Random(seed)).beyond
        holds += found.value.low <= -setting.effect <= found.value.high
        below += found.value.high < 0
        above += found.value.low > 0
        significant += found.p < 0.05
        if i < 50:
            right = [record["value"] for record in records(setting, random.Random(seed)) if record["control"] or
                     record["condition"] == "reference"]  # fmt: skip
            each = 1 + setting.placebos
            flips += sum(right[k] != right[k + 1] for k in range(0, len(right), each))
            answers += setting.groups
    shares = (n / simulations for n in (holds, below, above, significant))
    return Result(simulations, *shares, flips / answers)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--simulations", type=int, default=1000)
    for name, kind in (("groups", int), ("placebos", int), ("effect", float)):
        parser.add_argument(f"--{name}", type=kind)
    given = parser.parse_args()
    wanted = {name: getattr(given, name) for name in ("groups", "placebos", "effect")}
    a, b = _spread()
    print(f"design: chance of a group Beta({a:.2f}, {b:.2f}), mean {MEAN}, rewordings flip {FLIPS:.0%} (chosen)\n")
    print("| beyond the placebo, truly | groups | placebos | 95% interval holds it | found: wholly below 0 | wholly "
          "above 0 | p < 0.05 | flips | runs |\n|---|---|---|---|---|---|---|---|---|")  # fmt: skip
    for setting in SETTINGS:
        if any(value is not None and getattr(setting, name) != value for name, value in wanted.items()):
            continue
        made = measure(setting, given.simulations)
        cells = [_share(share, made.simulations) for share in (made.holds, made.below, made.above, made.significant)]
        asked = [f"{-setting.effect or 0:g}", setting.groups, setting.placebos]
        print(f"| {' | '.join(map(str, [*asked, *cells, f'{made.flips:.1%}', made.simulations]))} |", flush=True)


def _share(share: float, n: int) -> str:
    """In percent, with its simulation error (one standard error)."""
    return f"{100 * share:.1f} +- {100 * math.sqrt(share * (1 - share) / n):.1f}%"


if __name__ == "__main__":
    main()
