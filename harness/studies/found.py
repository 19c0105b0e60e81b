"""What `harness falsify` is asked for and what comes of it, in words and as JSON: the search, and apart from it the
confirmation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from harness.pipeline.config import RunConfig
from harness.studies.halving import Fresh, Searched
from harness.studies.points import Point, Space
from harness.text import align, interval, p_value

SHOWN = 5
"""So many points of the last round are shown."""


@dataclass(frozen=True)
class Order:
    """What a study is asked for. `config` is that of its runs, without their samples, repeats and seeds: its task
    options are the given ones, perhaps with several values of an option that takes one (points.settings). `factor` is
    the one that points change, "" for the task's main one. `budget_calls` is for search and confirmation together."""

    config: RunConfig
    budget_calls: int
    factor: str = ""


@dataclass(frozen=True)
class Plan:
    """What a study would do: its points, the calls of search and confirmation, rounds, pairs a point in the first."""

    space: Space
    search_calls: int
    confirmation_calls: int
    rounds: int
    first_pairs: int

    def lines(self) -> list[str]:
        """For --dry-run."""
        space = self.space
        told = [f"{len(space.points)} points of {space.task}, each a condition less its reference ({space.factor}):"]
        told += [f"  {space.name(point)}" for point in space.points]
        told += [f"  left out, only one group has it: {name}" for name in space.alone]
        return [
            *told,
            f"search: at most {self.search_calls} calls in {_counted(self.rounds, 'round')}, {self.first_pairs} pairs "
            "of each point in the first",
            f"confirmation: at most {self.confirmation_calls} calls and what the search leaves, on fresh groups",
            "nothing was sent",
        ]


@dataclass(frozen=True)
class Found:
    """What came of a study. `searched` is not evidence; `fresh` is: the frozen point on fresh pairs. `frozen` is what
    freeze.json says, None if no point broke in the search: then nothing was left to confirm. `calls` are those of the
    search and of the confirmation, at most; `notes` what a reader of the confirmation should know."""

    order: Order
    version: str
    space: Space
    searched: Searched
    frozen: Mapping[str, Any] | None
    fresh: Fresh | None
    calls: tuple[int, int]
    notes: tuple[str, ...] = ()

    @property
    def verdict(self) -> Literal["confirmed", "not confirmed", "nothing found"]:
        """See Fresh.verdict."""
        if self.frozen is None:
            return "nothing found"
        return self.fresh.verdict if self.fresh else "not confirmed"

    @property
    def best(self) -> Point:
        """The point that broke most in the search."""
        return self.space.points[self.searched.best]


def lines(found: Found) -> list[str]:
    """The result for a reader, search and confirmation apart."""
    config, space, seen = found.order.config, found.space, found.searched.pooled(found.searched.best)
    told = [
        f"{space.task} (version {found.version}), {config.model}, strategy {config.strategy}, seed {config.seed}",
        f"Search (not evidence): {len(space.points)} points in {_counted(len(found.searched.rounds), 'round')}, "
        f"{found.calls[0]} calls, best {space.name(found.best)} {_gap(seen.gap)} on {_counted(seen.pairs, 'pair')}",
    ]
    if found.frozen is None:
        return [*told, "Nothing found: no point has a lower accuracy than its reference"]
    told += ["", *_last_round(found), ""]
    told.append(f"frozen before the confirmation: {found.frozen['sha256'][:16]}, {found.frozen['time']}")
    fresh = found.fresh
    if fresh is None:
        return [*told, f"Confirmation on 0 fresh pairs ({found.calls[1]} calls): not confirmed"]
    sides = " against ".join(f"{side:.3f}" for side in fresh.sides)
    told.append(
        f"Confirmation on {_counted(fresh.pairs, 'fresh pair')} ({_counted(fresh.groups, 'group')}, {found.calls[1]} "
        f"calls): {_gap(fresh.gap.value)} {interval(fresh.gap.low, fresh.gap.high)}, p {p_value(fresh.p)} ({sides}); "
        f"{found.verdict}{_of_few(fresh)}"
    )
    if found.verdict == "not confirmed":
        told.append("Nothing found: what broke in the search does not on fresh pairs, or too little to tell")
    return told


def _of_few(fresh: Fresh) -> str:
    return " for these groups, which says nothing of others" if fresh.holds_for == "these groups" else ""


def _last_round(found: Found) -> list[str]:
    """The points that were in the last round of the search, as a table."""
    left = sorted(found.searched.rounds[-1], key=lambda i: (found.searched.pooled(i).gap or 0.0, i))
    rows = []
    for i in left[:SHOWN]:
        seen = found.searched.pooled(i)
        rows.append([found.space.name(found.space.points[i]), _gap(seen.gap), str(seen.pairs)])
    title = f"last round of the search (not evidence), {len(rows)} of {len(left)} points"
    return [title, align(["point", "gap", "pairs"], rows, left=1)]


def as_json(found: Found) -> dict[str, Any]:
    """The result as JSON: shares from -1 to 1."""
    space, fresh, searched = found.space, found.fresh, found.searched

    def point(i: int) -> dict[str, Any]:
        own, seen = space.points[i], searched.pooled(i)
        named = {"options": dict(space.settings[own.setting]), "condition": own.condition, "reference": own.reference}
        rounds = sum(i in r for r in searched.rounds)
        return {**named, "gap": seen.gap, "pairs": seen.pairs, "rounds": rounds}

    confirmation = None
    if found.frozen is not None:
        confirmation = {"frozen": dict(found.frozen), "calls": found.calls[1], "pairs": fresh.pairs if fresh else 0}
    if confirmation is not None and fresh is not None:
        confirmation |= {"gap": fresh.gap.value, "ci_low": fresh.gap.low, "ci_high": fresh.gap.high, "p": fresh.p}
        confirmation |= {"groups": fresh.groups, "holds_for": fresh.holds_for}
        confirmation |= {"accuracy": fresh.sides[0], "reference_accuracy": fresh.sides[1]}
    return {
        "verdict": found.verdict,
        "task": space.task,
        "version": found.version,
        "model": found.order.config.model,
        "seed": found.order.config.seed,
        "factor": space.factor,
        "search": {
            "evidence": False,
            "points_tried": len(space.points),
            "calls": found.calls[0],
            "best": point(searched.best),
            "points": [point(i) for i in range(len(space.points))],
        },
        "confirmation": confirmation,
        "notes": list(found.notes),
    }


def _gap(gap: float | None) -> str:
    return "-" if gap is None else f"{gap:+.3f}"


def _counted(n: int, one: str) -> str:
    return f"{n} {one}" if n == 1 else f"{n} {one}s"
