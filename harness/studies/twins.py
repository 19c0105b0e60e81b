"""Are the published items known by heart? What runs of published items and their fresh twins say.

The runs are ordinary ones (harness.twins.arms): `questions` of a task, its `texts`, their `likelihood` to a model that
tells it (studies/likelihood.py), and a `control` whose items nobody can know. The excess is the gap between the two
arms within pairs (results.counts.Gap). No page says that a model has not seen the items: it says which excess they
exclude.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from harness import plugins, twins
from harness.errors import DataError, UsageError
from harness.pipeline.config import RunConfig
from harness.results.audit import FEATURES, sample_of
from harness.results.counts import Contrasts, Gap
from harness.results.records import RecordedRun
from harness.statistics import intervals, tests
from harness.statistics.intervals import Estimate
from harness.studies import likelihood
from harness.studies.likelihood import Collected, Likelihood
from harness.text import align, interval, number, p_value, percent, printable

CONTROL, CONTROL_OPTIONS = "arithmetic", {"bases": "9", "prompt": "direct"}
"""Sums of random numerals in base 9: both arms are drawn for the run, so their excess is 0 whatever a model knows."""

ALPHA = 0.05
LARGEST_HARMLESS = 0.1
"""A standardised difference beyond this is marked: the usual bound of balance between matched arms (Austin 2009,
Statistics in Medicine 28: 3083-3107)."""
ROOM = 0.1
"""If the fresh arm is so near to 1, or the published one so near to 0, an excess has no room to be seen."""


# What is asked ----------------------------------------------------------------------------------------------------


def configs(config: RunConfig, texts: bool = True, likely: bool = False) -> list[RunConfig]:
    """The runs of one task, which `config` describes: its questions, and its texts if it has any and they are wanted,
    and how likely their rest is if the model tells that (`likely`).
    Texts are asked plainly, for their likeliest continuation, whatever strategy the questions have.
    The task's own choice of published items (`published_options`) goes under the options given. UsageError for a task
    without published items."""
    task = plugins.task(config.task, config.task_options)
    if not isinstance(task, twins.HasPublished):
        able = [name for name in plugins.installed("tasks") if hasattr(plugins.load("tasks", name), "fresh_twins")]
        raise UsageError(f"task {config.task} names no published items", f"tasks that do: {', '.join(able)}")
    task.published(config.seed)  # says why, if this choice of the task's has none
    config = replace(config, task_options={**task.published_options, **config.task_options}, twins="questions")
    found = [config]
    if texts:
        plainly: dict[str, Any] = {"strategy": "io", "strategy_options": {}, "num_fewshot": 0, "sample_id": ()}
        likeliest = replace(config.sampling, temperature=None, top_p=None)
        asked = replace(config, twins="texts", epochs=None, sampling=likeliest, **plainly)
        samples = twins.arms(plugins.task(asked.task, asked.task_options), "texts").samples(asked.seed)
        if next(samples, None) is not None:
            how: dict[str, Any] = {"twins": "likelihood", "strategy": "loglik", "strategy_options": {"by": "answer"}}
            found += [asked, replace(asked, **how)] if likely else [asked]
    return found


def control(config: RunConfig, pairs: int) -> RunConfig:
    """The run of the control for a study, asked as `config` is."""
    return replace(
        config,
        task=CONTROL,
        task_options=CONTROL_OPTIONS,
        twins="control",
        limit=2 * pairs,
        epochs=1,
        sample_id=(),
    )


# What the answers say ---------------------------------------------------------------------------------------------


@dataclass
class Balance:
    """A feature of the problems in both arms, each pair counted once. `words` are of a feature that is no number."""

    published: list[float | str] = field(default_factory=list)
    fresh: list[float | str] = field(default_factory=list)

    @property
    def difference(self) -> float:
        """Standardised: the difference of the means over the standard deviation within arms; of words the largest
        there is for one of them. Infinite if nothing varies within the arms, and they differ."""
        values = [self.published, self.fresh]
        if any(isinstance(v, str) for arm in values for v in arm):
            kinds = sorted({str(v) for arm in values for v in arm})
            return max((_standardised(*([float(str(v) == k) for v in arm] for arm in values)) for k in kinds), key=abs)
        return _standardised(*([float(v) for v in arm] for arm in values))

    def means(self) -> tuple[str, str]:
        """Both arms in short."""
        return _mean(self.published), _mean(self.fresh)


def _mean(values: Sequence[float | str]) -> str:
    if any(isinstance(v, str) for v in values):
        return f"{len(set(values))} kinds"
    return f"{statistics.fmean(float(v) for v in values):.3g}"


def _standardised(one: Sequence[float], other: Sequence[float]) -> float:
    gap = statistics.fmean(one) - statistics.fmean(other)
    spread = math.sqrt((statistics.pvariance(one) + statistics.pvariance(other)) / 2)
    if abs(gap) < 1e-12:
        return 0.0
    return gap / spread if spread else math.copysign(math.inf, gap)


class Excess(NamedTuple):
    """How much better published items do than their twins, within `pairs` groups. `p_holm` is corrected for the tasks
    of the study; that of a control is its own p."""

    label: str
    gap: Gap
    p_holm: float

    @property
    def found(self) -> bool:
        """Whether published items are easier than their twins by more than chance explains."""
        return self.p_holm < ALPHA and self.gap.gap.value > 0


@dataclass(frozen=True)
class Arms:
    """One run of a study as it was read: the gap of both arms, None if no pair has an answer on both sides. `overlap`
    is that of the shares of words, of a run of texts. `unjudged` are the shares of answers without a verdict (cut ones,
    errors) of published and of fresh items. `by_condition` has the gap of each condition, if there are
    several. `likelihood` is that of a run of that kind, which has no gap."""

    run: RecordedRun
    gap: Gap | None
    unjudged: tuple[float, float]
    overlap: Gap | None
    by_condition: tuple[tuple[str, Estimate], ...]
    balance: Mapping[str, Balance]
    likelihood: Likelihood | None = None

    @property
    def label(self) -> str:
        """The task, and what it is here."""
        return f"{self.run.task} (control)" if self.run.twins == "control" else self.run.task


def read(run: RecordedRun) -> Arms:
    """A run of twins. UsageError for any other run, DataError if its records are not what the study makes."""
    if run.twins not in twins.KINDS:
        raise UsageError(f"{run.directory} has no published items beside fresh ones", "`harness twins TASK` makes such")
    overlaps, balance = Contrasts(run.factors), _Balances()
    if run.twins == "likelihood":
        collected = Collected()
        contrasts = run.read(collected.add)
        return Arms(run, None, _unjudged(contrasts), None, (), {}, collected.likelihood())
    contrasts = run.read(balance.add, *([_overlap_of(overlaps)] if run.twins == "texts" else []))
    names = [c.partition("/")[2] for c in contrasts.conditions if c.startswith(f"{twins.PUBLISHED}/")]
    gaps = [(name, contrasts.gap_between(f"{twins.PUBLISHED}/{name}", f"{twins.FRESH}/{name}")) for name in names]
    by_condition = tuple((name, gap) for name, gap in gaps if gap is not None)
    overlap = gap_of(overlaps) if overlaps.total.samples else None
    several = by_condition if len(by_condition) > 1 else ()
    return Arms(run, gap_of(contrasts), _unjudged(contrasts), overlap, several, balance.features)


def _unjudged(contrasts: Contrasts) -> tuple[float, float]:
    shares = []
    for origin in (twins.PUBLISHED, twins.FRESH):
        cells = [cell for name, cell in contrasts.conditions.items() if name.partition("/")[0] == origin]
        asked = sum(cell.samples for cell in cells)
        shares.append(1 - sum(cell.clusters.answers for cell in cells) / asked if asked else 0.0)
    return shares[0], shares[1]


def gap_of(contrasts: Contrasts) -> Gap | None:
    """The excess that the counts of a run show; None if no pair has an answer on both sides."""
    return next((g for g in contrasts.gaps() if (g.factor, g.level) == (twins.ORIGIN, twins.PUBLISHED)), None)


def _overlap_of(contrasts: Contrasts) -> Any:
    def add(record: Mapping[str, Any]) -> None:
        share = (record.get("detail") or {}).get("overlap")
        if record["value"] is None:
            contrasts.add(record)
        elif isinstance(share, int | float) and 0 <= share <= 1:
            contrasts.add({**record, "value": float(share)})
        else:
            raise DataError(f"sample {record['id']}: it has no overlap", "was it scored as another task?")

    return add


class _Balances:
    """The features of the problems of a run, each sample once."""

    def __init__(self) -> None:
        self.features: dict[str, Balance] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Take in one record."""
        origin = record["params"].get(twins.ORIGIN)
        if record["epoch"] != 1 or origin not in (twins.PUBLISHED, twins.FRESH):
            return
        sample = sample_of(record)
        alike = ((n.removeprefix(twins.ALIKE), v) for n, v in sample.params.items() if n.startswith(twins.ALIKE))
        told = {SHOWN.get(name, name): feature(sample) for name, feature in FEATURES.items() if name in MEASURED}
        for name, value in [*alike, *told.items()]:
            if isinstance(value, int | float | str):
                found = self.features.setdefault(name, Balance())
                (found.published if origin == twins.PUBLISHED else found.fresh).append(value)


MEASURED = ("length", "words", "numbers", "largest number", "answer length")
SHOWN = {"length": "prompt, characters", "words": "prompt, words", "numbers": "prompt, numbers",
         "largest number": "largest number (log10)", "answer length": "answer, characters"}  # fmt: skip
"""Features of the audit that are shown beside those that the task matches."""


def excesses(arms: Iterable[Arms]) -> list[Excess]:
    """Those of questions, corrected for their number (Holm), and those of controls."""
    found = [(a, a.gap) for a in arms if a.run.twins not in twins.OF_TEXTS and a.gap is not None]
    own = [gap.p for a, gap in found if a.run.twins == "questions"]
    corrected = iter(tests.holm(own))
    return [Excess(a.label, gap, next(corrected) if a.run.twins == "questions" else gap.p) for a, gap in found]


def sentence(excess: Excess) -> str:
    """What an excess says, in words. Never that the items are unknown to the model."""
    gap, high = excess.gap, max(0.0, excess.gap.gap.high)
    if excess.found:
        said = f"excess on published items {_signed(gap.gap.value)} {interval(gap.gap.low, gap.gap.high)}"
        return f"{said}: they are easier to the model than twins as hard, as items known by heart are"
    if excess.p_holm < ALPHA:
        return f"published items are harder than their twins ({_signed(gap.gap.value)}): the matching fails here"
    said = f"no excess shown; excess above {_signed(high)} is excluded (95%)"
    published, fresh = gap.sides
    if fresh > 1 - ROOM or published < ROOM:
        side = "fresh items are nearly all right" if fresh > 1 - ROOM else "published items are nearly all wrong"
        said += f"; but {side}, so that there is little room for one"
    if gap.groups < intervals.FEW:
        said += f"; {gap.groups} pairs say nothing about other items"
    return said


# The page ---------------------------------------------------------------------------------------------------------

HEADER = ("", "published", "fresh", "excess", "95% CI", "pairs", "n", "p")


def page(arms: Sequence[Arms]) -> str:
    """All runs of a study as text: the excess of each task, texts, the balance of the arms, what it says."""
    return "\n\n".join(_parts(arms))


def _parts(arms: Sequence[Arms]) -> Iterator[str]:
    found = excesses(arms)
    if found:
        body = [[*_cells(e.label, e.gap), "" if e.label.endswith("(control)") else p_value(e.p_holm)] for e in found]
        models = ", ".join(dict.fromkeys(a.run.model for a in arms))
        title = printable(f"{models}: published items against fresh ones that are as hard, asked alike")
        yield title + "\n" + align([*HEADER, "p, all tasks (Holm)"], body, left=1)
    texts = [
        _cells(f"{a.run.task}: {what}", gap)
        for a in arms
        if a.run.twins == "texts"
        for what, gap in (("the whole rest", a.gap), ("share of its words", a.overlap))
        if gap is not None
    ]
    if texts:
        yield "the first part of a published text is shown, and the rest asked for\n" + align(HEADER, texts, left=1)
    likely = [[a.run.task, *_likely(a.likelihood)] for a in arms if a.likelihood is not None]
    if likely:
        yield LIKELIHOOD + "\n" + align(HEADER_LIKELY, likely, left=1)
    for a in arms:
        if a.by_condition:
            rows = [[name, _signed(e.value), interval(e.low, e.high), str(e.n)] for name, e in a.by_condition]
            title = printable(f"{a.label} by condition (each by itself, not corrected)")
            yield title + "\n" + align(["condition", "excess", "95% CI", "n"], rows, left=1)
    for a in arms:
        if a.balance and a.run.twins not in twins.OF_TEXTS:
            yield f"{printable(a.label)}: are the two arms alike?\n" + _balance(a.balance)
    yield "\n".join(map(printable, _said(arms, found)))


LIKELIHOOD = "the first part of a published text is shown: mean log-probability a token of its rest (natural logs)"
HEADER_LIKELY = ("", "published", "fresh", "difference", "95% CI", "pairs", "p")


def _likely(found: Likelihood) -> list[str]:
    gap = found.difference
    cells = [number(found.published), number(found.fresh), _signed(gap.value), interval(gap.low, gap.high)]
    return [*cells, str(gap.n), p_value(found.p)]


def _cells(label: str, gap: Gap) -> list[str]:
    published, fresh = gap.sides
    value = gap.gap
    cells = [label, number(published), number(fresh), _signed(value.value), interval(value.low, value.high)]
    return [*cells, str(gap.groups), str(value.n), p_value(gap.p)]


def _balance(features: Mapping[str, Balance]) -> str:
    rows = []
    for name, feature in features.items():
        if not feature.published or not feature.fresh:
            continue
        d = feature.difference
        marked = "DIFFERS" if abs(d) > LARGEST_HARMLESS else ""
        rows.append([name, *feature.means(), f"{d:+.2f}" if math.isfinite(d) else "always", marked])
    return align(["feature", "published", "fresh", "standardised difference", ""], rows, left=1)


def _said(arms: Sequence[Arms], found: Sequence[Excess]) -> Iterator[str]:
    for excess in found:
        if not excess.label.endswith("(control)"):
            yield f"{excess.label}: {sentence(excess)}"
        elif excess.p_holm < ALPHA:
            yield f"{excess.label}: it shows a difference where none can be: do not trust the others"
        elif excess.gap.sides in ((0.0, 0.0), (1.0, 1.0)):
            how = "right" if excess.gap.sides[0] else "wrong"
            yield f"{excess.label}: every answer is {how}: it controls nothing here"
        else:
            yield f"{excess.label}: no difference shown, as must be: nobody can know these items"
    for a in arms:
        if a.likelihood is not None:
            yield f"{a.label} ({a.run.twins}): {likelihood.sentence(a.likelihood, ALPHA)}"
        elif a.gap is None:
            yield f"{a.label} ({a.run.twins}): no pair has an answer on both sides"
        elif a.run.twins == "texts" and a.gap.p < ALPHA and a.gap.gap.value > 0:
            yield f"{a.label}: it goes on with published texts more often than with those of their twins"
        if max(a.unjudged) > 0:
            shares = " and ".join(map(percent, a.unjudged))
            yield f"{a.label} ({a.run.twins}): {shares} of the answers to published and fresh items have no verdict"
        if a.run.status != "complete":
            yield f"{a.run.directory} is {a.run.status}: these are not all of its answers"
    if len({a.run.model for a in arms}) > 1:
        yield "the runs are of several models: they are no one study"


def _signed(value: float) -> str:
    return f"{value:+.3f}"
