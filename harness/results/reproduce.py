"""Published tables, asked again: a recipe (TOML, beside a task) says how, and the published numbers stand beside ours.

A recipe is data: nothing in it is executed. The published numbers are those of the task's reference.csv, each with its
source and whether it was recomputed from published outputs or is quoted.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from harness import plugins
from harness.errors import DataError, UsageError
from harness.files import compact
from harness.options import suggestion
from harness.pipeline.config import RunConfig, as_text, configure
from harness.results import published
from harness.results.axes import Axes
from harness.results.published import Published
from harness.results.records import RecordedRun
from harness.statistics import tests
from harness.statistics.intervals import Clusters, Estimate, MatchedDifference, Stratum, independent
from harness.text import Extra, interval, number, p_value
from harness.types import Outcome

Measure = Literal["accuracy", "any"]
"""accuracy: of all answers. any: a sample counts as right if one of its repeats is."""


@dataclass(frozen=True)
class Part:
    """One run of a recipe: the task and its options, the options of the run, and which published numbers belong to it
    (those of reference.csv whose column `strategy` is `published`). `placebo` is how many rewordings are asked beside
    its samples (Task.placebos), if the task has so many: they are in no number that is compared with a published one.
    """

    label: str
    task: str
    options: Mapping[str, str] = field(default_factory=dict)
    run: Mapping[str, Any] = field(default_factory=dict)
    strategy_options: Mapping[str, str] = field(default_factory=dict)
    published: str = "published"
    measure: Measure = "accuracy"
    placebo: int = 1

    def config(self, model: str, given: Mapping[str, Any], options: Mapping[str, str], model_options: Any) -> RunConfig:
        """What is asked of a model; `given` run options and task `options` go over the recipe's."""
        options = {**self.options, **options}
        run = {"placebo": self._placebos(options), **self.run, **given}
        return configure(self.task, model, run, options, model_options, self.strategy_options)

    def _placebos(self, options: Mapping[str, str]) -> int:
        return min(self.placebo, len(plugins.task(self.task, options).placebos))

    def departures(self, run: RecordedRun) -> Iterator[tuple[str, str, str]]:
        """What was asked otherwise in this run: (its name, the recipe's value, the run's), "" for one that is not
        there."""
        recipe, own = (_flat(c) for c in (asdict(self.config(run.model, {}, {}, {})), run.config))
        defaults = _flat(asdict(RunConfig(self.task, run.model)))
        for name in dict.fromkeys((*recipe, *own)):
            wanted, found = (str(c.get(name, defaults.get(name, ""))) for c in (recipe, own))
            if wanted != found:
                yield name, wanted, found

    @property
    def asked(self) -> str:
        """Parts that agree in this are of one run."""
        return compact([self.task, dict(self.options), dict(self.run), dict(self.strategy_options), self.placebo])

    @property
    def command(self) -> str:
        """How it is asked, on the command line; `M` is the model."""
        placebos = self._placebos(self.options)
        words = [f"harness run --task {self.task}", *(f"-T {k}={v}" for k, v in self.options.items())]
        words += [f"--{k.replace('_', '-')} {v}" for k, v in self.run.items()]
        words += [f"--placebo {placebos}"] if placebos and "placebo" not in self.run else []
        return " ".join([*words, *(f"-S {k}={v}" for k, v in self.strategy_options.items()), "--model M"])


def _flat(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration asks, by the names that the command line has; without whom it asks, and how it is called."""
    parts = {**(config.get("sampling") or {}), **config}
    asked = {k: v for k, v in parts.items() if k in _ASKED and v not in (None, (), [])}
    for flag, key in (("-T", "task_options"), ("-S", "strategy_options")):
        asked |= {f"{flag} {name}": value for name, value in (config.get(key) or {}).items()}
    return asked


_ASKED = frozenset("task strategy seed limit sample_id epochs system_message num_fewshot temperature top_p max_tokens "
                   "stop reasoning_effort thinking_tokens".split())  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """A published table: what it is, what a reader must know about it, and its parts, of which several may be of one
    run. With `axes` it sets benchmarks against each other, over models, in place of a part beside published numbers."""

    name: str
    title: str
    paper: str
    notes: tuple[str, ...]
    parts: tuple[Part, ...]
    axes: Axes | None = None

    @property
    def runs(self) -> dict[str, list[Part]]:
        """The parts of each run, in order."""
        found: dict[str, list[Part]] = {}
        for part in self.parts:
            found.setdefault(part.asked, []).append(part)
        return found


def recipes() -> dict[str, Recipe]:
    """Those of the installed tasks, by name. DataError for a file of another form."""
    found = {}
    for folder in published.task_folders():
        recipe_folder = folder / "recipes"
        for file in sorted(recipe_folder.iterdir(), key=lambda f: f.name) if recipe_folder.is_dir() else ():
            if file.name.endswith(".toml"):
                name = file.name.removesuffix(".toml")
                found[name] = _read(name, file.read_text(encoding="utf-8"))
    return dict(sorted(found.items()))


def find(name: str) -> Recipe:
    """UsageError if there is no recipe of this name."""
    known = recipes()
    if name not in known:
        raise UsageError(f"there is no recipe '{name}'", suggestion(name, list(known), "recipes"))
    return known[name]


def _read(name: str, text: str) -> Recipe:
    try:
        table = tomllib.loads(text)
        parts = []
        for row in table["run"]:
            values = {"placebo": table.get("placebo", 1), **row}
            for key in ("options", "strategy_options"):
                values[key] = as_text(values.get(key) or {})
            parts.append(Part(**values))
            if not isinstance(parts[-1].placebo, int) or parts[-1].placebo < 0:
                raise ValueError(f"placebo is {parts[-1].placebo!r}, and no whole number from 0 on")
        axes = Axes.read(table["axes"], [part.label for part in parts]) if "axes" in table else None
        recipe = Recipe(name, table["title"], table["paper"], tuple(table.get("notes") or ()), tuple(parts), axes)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"recipe {name}: {type(error).__name__}: {error}") from None
    if not recipe.parts or any(part.measure not in get_args(Measure) for part in recipe.parts):
        raise DataError(f"recipe {name}: it has no run, or a measure that is none of {', '.join(get_args(Measure))}")
    return recipe


# Comparing ----------------------------------------------------------------------------------------------------------


def cells(part: Part, run: RecordedRun) -> dict[str, Clusters]:
    """What counts in each condition of a run, by group."""
    answers: dict[str, Clusters] = {}
    best: dict[str, dict[str, tuple[str, float]]] = {}
    for record in run.records():
        if Outcome(record["outcome"]).has_verdict:
            condition, right = record["condition"], float(record["value"] == 1)
            answers.setdefault(condition, Clusters()).add(record["group"], record["value"])
            kept = best.setdefault(condition, {}).get(record["id"], (record["group"], 0.0))
            best[condition][record["id"]] = (record["group"], max(right, kept[1]))
    if part.measure == "accuracy":
        return answers
    found = {}
    for condition, samples in best.items():
        found[condition] = Clusters()
        for group, right in samples.values():
            found[condition].add(group, right)
    return found


def table(part: Part, run: RecordedRun | None) -> Extra:
    """A row for each published number of the part's conditions: ours beside it, and the test of their difference,
    corrected for the number of rows (Holm). Without a run, the published numbers alone."""
    rows: list[tuple[str, ...]] = []
    if run is None:
        rows = [
            (p.condition, p.model, *_shown(p.accuracy), p.kind)
            for p in published.read(part.task)
            if p.strategy == part.published
        ]
        return Extra(part.label, ("condition", "published model", "published", "95% CI", "n", "how known"), tuple(rows))
    ours = cells(part, run)
    theirs = [p for p in published.read(part.task) if p.strategy == part.published and p.condition in ours]
    compared = [_compare(ours[p.condition], p.clusters) for p in theirs]
    corrected = tests.holm([test for _, test in compared])
    for p, (gap, _), test in zip(theirs, compared, corrected, strict=True):
        value, limits, n = _shown(p.accuracy)
        known = f"{value} {limits} n={n}, {p.kind}"
        own = _shown(ours[p.condition].accuracy())
        rows.append(
            (p.condition, *own, p.model, known, f"{gap.value:+.3f}", interval(gap.low, gap.high), p_value(test))
        )
    header = (
        "condition",
        "ours",
        "95% CI",
        "n",
        "published model",
        "published",
        "ours - published",
        "95% CI",
        "p (Holm)",
    )
    return Extra(part.label, header, tuple(rows))


def missing(part: Part, run: RecordedRun) -> list[str]:
    """The conditions of a run that have no published number."""
    there = {p.condition for p in published.read(part.task) if p.strategy == part.published}
    return [condition for condition in cells(part, run) if condition not in there]


def sources(parts: Sequence[Part]) -> list[str]:
    """Where the published numbers come from."""
    rows: list[Published] = [p for part in parts for p in published.read(part.task) if p.strategy == part.published]
    return list(dict.fromkeys(p.source for p in rows))


def _shown(e: Estimate | None) -> tuple[str, str, str]:
    return ("-", "-", "0") if e is None else (number(e.value), interval(e.low, e.high), str(e.n))


def _compare(ours: Clusters, theirs: Clusters) -> tuple[Estimate, float]:
    """(ours less theirs, p-value of no difference); both have answers."""
    a, b = ours.accuracy(), theirs.accuracy()
    assert a is not None
    assert b is not None
    low, high = difference(ours, theirs, 0.95)
    return Estimate(a.value - b.value, low, high, a.n), tests.at_zero(lambda c: difference(ours, theirs, c))


def difference(ours: Clusters, theirs: Clusters, confidence: float) -> tuple[float, float]:
    """Interval of a difference of accuracies: within groups if both have the same, else as independent."""
    if set(ours) == set(theirs):
        return MatchedDifference([[Stratum(*ours[g], *theirs[g])] for g in ours]).interval(confidence)
    return independent(ours, theirs, confidence)
