"""The points of a task: conditions that are compared with another condition in the same groups, under some options.

Finds them, draws their groups, and plans the runs that ask so many pairs of each. Knows no model and no answer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
import typing
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, get_origin

from harness import plugins
from harness.errors import UsageError
from harness.pipeline.store import identity
from harness.types import Sample, Task

Options = Mapping[str, str]


class Point(NamedTuple):
    """A condition of the task, and the reference that it is compared with in each group: the condition that comes first
    there with the same levels of all other factors. `setting` is the place of its options in Space.settings."""

    setting: int
    condition: str
    reference: str


@dataclass(frozen=True)
class Space:
    """The points of a task under each of its settings (-T options), in the order in which the task has them."""

    task: str
    factor: str
    settings: tuple[Options, ...]
    points: tuple[Point, ...]
    alone: tuple[str, ...]
    """Points that occur in a single group: nothing would be left to confirm them on. They are not searched."""

    def name(self, point: Point) -> str:
        """`friends/restricted - original/restricted`, and the options in which settings differ."""
        own = self.settings[point.setting]
        told = [f"{key}={value}" for key, value in own.items() if any(s.get(key) != value for s in self.settings)]
        return f"{point.condition} - {point.reference}" + (f" ({', '.join(told)})" if told else "")


def settings(name: str, given: Options, seed: int) -> list[tuple[Options, Task]]:
    """The -T options of each setting, and the task with them. What is given holds; an option of one value (a number, a
    word, true or false) that is given several, as `digits=2,3`, is set to each of them. An option that is not given,
    and that knows the word `all`, is set to all, if the task allows that beside the others; every other one is left at
    its default. UsageError if the task does not allow what is given."""
    task = plugins.load("tasks", name)
    hints = typing.get_type_hints(task)
    values: dict[str, list[str]] = {}
    for key, text in given.items():
        hint = hints.get(key.replace("-", "_"))
        one_of_some = hint in (int, float, bool) or get_origin(hint) is Literal
        values[key.replace("-", "_")] = [part.strip() for part in text.split(",")] if one_of_some else [text]
    free = [
        f.name
        for f in dataclasses.fields(task)
        if f.name not in values and f.default and "all" in f.metadata.get("aliases", {})
    ]
    found: list[tuple[Options, Task]] = []
    for chosen in itertools.product(*values.values()):
        options = dict(zip(values, chosen, strict=True))
        made = _made(name, options, seed)
        for key in free:
            with contextlib.suppress(UsageError):
                made = _made(name, {**options, key: "all"}, seed)
                options[key] = "all"
        found.append((options, made))
    return found


def _made(name: str, options: Options, seed: int) -> Task:
    """A task that has been seen to make a sample: some notice only then what does not go together."""
    task = plugins.task(name, options)
    next(task.samples(seed), None)
    return task


class Group(NamedTuple):
    """Samples that follow each other and ask for the same, and the number of samples up to its end."""

    samples: tuple[Sample, ...]
    end: int

    def pairs(self, factors: Sequence[str], factor: str) -> dict[str, str]:
        """Its conditions, each with its reference; those without one are left out."""
        first: dict[tuple[str, ...], str] = {}
        found: dict[str, str] = {}
        for sample in self.samples:
            others = tuple(str(sample.params.get(name, "")) for name in factors if name != factor)
            reference = first.setdefault(others, sample.condition)
            if sample.condition != reference:
                found[sample.condition] = reference
        return found

    @property
    def conditions(self) -> frozenset[str]:
        """Those of its samples."""
        return frozenset(sample.condition for sample in self.samples)


class Groups:
    """The groups of a task under one seed, in its order and perhaps without end. Each is made once. `reach` is the
    number of samples that a run draws by default, None for all there are."""

    def __init__(self, task: Task, seed: int) -> None:
        self.factors, self.reach = task.factors, task.limit
        self._made: list[Group] = []
        self._more = _groups(task, seed)

    def __iter__(self) -> Iterator[Group]:
        for i in itertools.count():
            if i == len(self._made):
                group = next(self._more, None)
                if group is None:
                    return
                self._made.append(group)
            yield self._made[i]


def _groups(task: Task, seed: int) -> Iterator[Group]:
    end = 0
    for _, members in itertools.groupby(task.samples(seed), key=lambda sample: sample.group):
        samples = tuple(members)
        end += len(samples)
        yield Group(samples, end)


def space(name: str, given: Options, factor: str, seed: int) -> tuple[Space, list[Task], list[Groups]]:
    """The points of a task, and the task and its groups in each setting. They are those of the samples that a run would
    draw by default. `factor` is the one that points change, "" for the task's main one. UsageError for another name."""
    name, brought = plugins.named(name)
    options, tasks = zip(*settings(name, {**given, **brought}, seed), strict=True)
    factor = factor or tasks[0].main or next(iter(tasks[0].factors), "")
    if factor not in tasks[0].factors:
        known = ", ".join(tasks[0].factors) or "none"
        raise UsageError(f"task {name} has no factor '{factor}'", f"its factors: {known}")
    drawn = [Groups(task, seed) for task in tasks]
    seen: Counter[Point] = Counter()
    for i, groups in enumerate(drawn):
        for group in groups:
            seen.update(Point(i, *pair) for pair in group.pairs(groups.factors, factor).items())
            if groups.reach is not None and group.end >= groups.reach:
                break
    found = Space(name, factor, options, tuple(p for p, n in seen.items() if n > 1), ())
    alone = tuple(found.name(p) for p, n in seen.items() if n == 1)
    return dataclasses.replace(found, alone=alone), list(tasks), drawn


# Drawing ------------------------------------------------------------------------------------------------------------


class Taken(NamedTuple):
    """What a point asks in one group: samples by id, with a hash of what they ask; how many pairs; where it ends."""

    asked: dict[str, str]
    pairs: int
    end: int


def _taken(group: Group, point: Point) -> Taken:
    own = [s for s in group.samples if s.condition in (point.condition, point.reference)]
    return Taken({s.id: identity(s.messages) for s in own}, sum(s.condition == point.condition for s in own), group.end)


Fits = Callable[[int, Taken], bool]
"""Whether a point may take a group, from the group's place among those of the same conditions, and what it would ask.
"""


def every_second(place: int, _: Taken) -> bool:
    """The half of the groups that are searched. If a task has the same groups under every seed, the others are left."""
    return place % 2 == 0


def draw(groups: Groups, factor: str, points: Sequence[Point], wanted: int, fits: Fits) -> dict[Point, list[Taken]]:
    """Groups for each of the points of one setting, until each has so many pairs. It has fewer if the task has no more,
    or none among so many further samples as a run draws by default."""
    found: dict[Point, list[Taken]] = {point: [] for point in points}
    lacking, by_pair = dict.fromkeys(points, wanted), {(p.condition, p.reference): p for p in points}
    places: Counter[frozenset[str]] = Counter()
    last = 0
    for group in groups:
        place = places[group.conditions]
        places[group.conditions] += 1
        for pair in group.pairs(groups.factors, factor).items():
            point = by_pair.get(pair)
            if point in lacking and fits(place, taken := _taken(group, point)):
                found[point].append(taken)
                lacking[point] -= taken.pairs
                last = group.end
                if lacking[point] <= 0:
                    del lacking[point]
        if not lacking or (groups.reach is not None and group.end - last > groups.reach):
            break
    return found


# Planning -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Asked:
    """One run: these samples of a setting, so often. `limit` is the number of samples among which they are."""

    setting: int
    epochs: int
    samples: Mapping[str, str]
    """By id, with a hash of what each asks."""
    limit: int
    points: tuple[Point, ...]

    @property
    def answers(self) -> int:
        """How many it takes."""
        return len(self.samples) * self.epochs


def plan(drawn: Mapping[Point, Sequence[Taken]], pairs: int, repeat: bool) -> list[Asked]:
    """The runs that ask at most so many pairs of each point. A point with fewer groups is asked again in those it has
    if `repeat`; points that share a setting and the number of repeats share a run, and so their references."""
    runs: dict[tuple[int, int], dict[str, Any]] = {}
    for point, taken in drawn.items():
        few = list(taken[: _most(taken, pairs)])
        there = sum(t.pairs for t in few)
        if not there:
            continue
        epochs = pairs // there if repeat else 1
        run = runs.setdefault((point.setting, epochs), {"samples": {}, "limit": 0, "points": []})
        run["points"].append(point)
        for t in few:
            run["samples"] |= t.asked
            run["limit"] = max(run["limit"], t.end)
    return [
        Asked(setting, epochs, run["samples"], run["limit"], tuple(run["points"]))
        for (setting, epochs), run in runs.items()
    ]


def _most(taken: Sequence[Taken], pairs: int) -> int:
    """How many groups have at most so many pairs."""
    for i, total in enumerate(itertools.accumulate(t.pairs for t in taken)):
        if total > pairs:
            return i
    return len(taken)


def fitting(drawn: Mapping[Point, Sequence[Taken]], answers: int, most: int, repeat: bool) -> tuple[int, list[Asked]]:
    """(pairs, runs): the largest number of pairs a point, up to `most`, whose runs take at most so many answers."""
    low, high = 0, most  # more pairs never take fewer answers, but for what repeats leave over
    while low < high:
        middle = (low + high + 1) // 2
        taken = sum(run.answers for run in plan(drawn, middle, repeat))
        low, high = (middle, high) if taken <= answers else (low, middle - 1)
    return low, plan(drawn, low, repeat)
