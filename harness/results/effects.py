"""What a run says beyond accuracy and gaps: odds ratios, fluctuation, repeats, and what it is large enough to show.

Tables as text, from the records of one run (`harness stats RUN`); the mathematics is in harness.statistics.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from harness.errors import UsageError
from harness.options import suggestion
from harness.results.audit import Value, features, sample_of
from harness.results.counts import Contrasts, Gap
from harness.results.records import RecordedRun, of_task
from harness.statistics import intervals, odds, power, repeats, tests
from harness.statistics.intervals import Cluster, Clusters, Stratum
from harness.text import Extra, interval, number, p_value
from harness.types import Outcome, Sample

UNBOUNDED = (
    "inf or 0: in every informative problem one level is all right or the other all wrong, so these answers set no "
    "limit to the ratio on that side. The other limit of the interval is what they do show."
)
"""What an odds ratio without a finite estimate means."""
EFFECTS = (0.05, 0.02)
"""Gaps for which the number of groups needed is given."""
MOST_VOTES = 128
"""maj@k of more votes is not computed, unless all answers vote: its time grows with the cube of k."""
MOST_CONDITIONS, LEAST_SAMPLES = 6, 10
"""Repeated samples are not listed by condition if there are more conditions, or if one has fewer samples."""


@dataclass
class Repeats:
    """The answers of one sample over its epochs; `votes` maps each to (how often given, how often right)."""

    group: str
    right: int = 0
    n: int = 0
    votes: dict[str, tuple[int, int]] = field(default_factory=dict)
    silent: int = 0

    def add(self, record: Mapping[str, Any]) -> None:
        right = record["value"] == 1
        self.right += right
        self.n += 1
        answer = record.get("answer")
        if answer is None:
            self.silent += 1
        else:
            given, correct = self.votes.get(answer, (0, 0))
            self.votes[answer] = (given + 1, correct + right)


NOTHING = Cluster(0, 0)


class _Judged(NamedTuple):
    """An answer, with what was measured of its sample."""

    condition: str
    group: str
    right: bool
    features: tuple[float, ...]


class Effects:
    """Collects of each record what these tables need beside the counts. `adjust` names features of
    harness.results.audit, with `measures` those of the task: odds ratios are then given adjusted for them too.
    UsageError for one that there is not. `varies` is the param whose values are variations of one problem
    (Task.varies)."""

    def __init__(
        self, adjust: Sequence[str] = (), measures: Mapping[str, str] = MappingProxyType({}), varies: str = ""
    ) -> None:
        self._varies = varies
        self._variations: dict[str, Clusters] = {}
        self._adjusted_for = ", ".join(adjust)
        self._features = _features(adjust, measures)
        self._answers: list[_Judged] = []
        self._samples: dict[str, dict[str, Repeats]] = {}

    def add(self, record: Mapping[str, Any]) -> None:
        """Keep what one record adds; nothing if it has no verdict."""
        if not Outcome(record["outcome"]).has_verdict:
            return
        if self._varies in record["params"]:
            variation = str(record["params"][self._varies])
            self._variations.setdefault(record["condition"], Clusters()).add(variation, record["value"])
        of_condition = self._samples.setdefault(record["condition"], {})
        of_condition.setdefault(record["id"], Repeats(record["group"])).add(record)
        if self._features:
            sample = sample_of(record)
            measured = tuple(_number(feature(sample)) for feature in self._features)
            self._answers.append(_Judged(record["condition"], record["group"], record["value"] == 1, measured))

    def tables(self, contrasts: Contrasts) -> list[Extra]:
        """The tables that the records have something to say in; `contrasts` has counted the same records."""
        found = [_odds(contrasts, self._answers, self._adjusted_for), _size(contrasts)]
        found.append(_fluctuation(contrasts, self._varies, self._variations))
        found.append(_repeats({c: list(self._samples[c].values()) for c in contrasts.conditions if c in self._samples}))
        return [table for table in found if table.rows]


def of_run(
    run: RecordedRun, adjust: Sequence[str] = (), controls: Sequence[Callable[[Mapping[str, Any]], object]] = ()
) -> tuple[Contrasts, list[Extra]]:
    """(the counts of a run, what its records say beyond accuracy and gaps) for `harness stats`; `controls` are called
    with each record, those of controls too."""
    effects = Effects(adjust, run.measures, run.varies)
    contrasts = run.read(effects.add, controls=controls)
    with of_task(lambda: str(run.directory)):
        return contrasts, effects.tables(contrasts)


def _features(names: Sequence[str], measures: Mapping[str, str]) -> list[Callable[[Sample], Value]]:
    numeric = {name.replace(" ", "-"): feature for name, feature in features(measures).items() if name != "answer"}
    for name in names:
        if name not in numeric:
            raise UsageError(f"--adjust: there is no feature '{name}'", suggestion(name, list(numeric), "features"))
    return [numeric[name] for name in names]


def _number(value: Value) -> float:
    """A feature as a number; the texts that it says nothing about are taken as 0."""
    return float(value) if isinstance(value, int | float) else 0.0


def _strata(contrasts: Contrasts, factor: str, level: str, reference: str) -> list[Stratum]:
    """Counts at the level and at the reference for each group and setting of the other factors."""
    cells = contrasts.conditions
    tables = []
    for condition, other in contrasts.matched(factor, level, reference):
        one, base = cells[condition].clusters, cells[other].clusters
        for group in dict.fromkeys((*one, *base)):
            (k1, n1), (k0, n0) = one.get(group, NOTHING), base.get(group, NOTHING)
            tables.append(Stratum(round(k1), n1, round(k0), n0))
    return tables


def _adjusted(contrasts: Contrasts, answers: Sequence[_Judged], gap: Gap) -> odds.OddsRatio | None:
    """The odds ratio of a gap with the features as covariates, in the strata of `_strata`."""
    pairs = contrasts.matched(gap.factor, gap.level, gap.reference)
    side = {c: (i, at_level) for i, pair in enumerate(pairs) for c, at_level in zip(pair, (True, False), strict=True)}
    strata: dict[tuple[int, str], int] = {}
    rows = [(*side[c], group, right, features) for c, group, right, features in answers if c in side]
    if not rows:
        return None
    keys = [strata.setdefault((i, group), len(strata)) for i, _, group, _, _ in rows]
    covariates = list(zip(*(features for *_, features in rows), strict=True))
    return odds.adjusted_odds_ratio([r[3] for r in rows], [r[1] for r in rows], covariates, keys)


def _odds(contrasts: Contrasts, answers: Sequence[_Judged], adjusted_for: str) -> Extra:
    """Each gap as an odds ratio, the problem held fixed; also by a mixed model if some problems lack one of the levels,
    and adjusted for features of the prompts if the user asks for it."""
    found = []
    adjusted = f"adjusted for {adjusted_for}"
    for gap in contrasts.gaps():
        tables = _strata(contrasts, gap.factor, gap.level, gap.reference)
        found.append((gap, "conditional", odds.conditional_odds_ratio(tables), len(tables)))
        if any(not table.answers or not table.base_answers for table in tables):
            found.append((gap, "mixed model", odds.mixed_odds_ratio(tables), len(tables)))
        if adjusted_for:
            ratio = _adjusted(contrasts, answers, gap) or odds.OddsRatio(None, 0.0, math.inf, 1.0, 0)
            found.append((gap, adjusted, ratio, len(tables)))
    corrected: dict[str, list[float]] = {method: [] for _, method, _, _ in found}
    for method, values in corrected.items():
        values += tests.holm([ratio.p for _, m, ratio, _ in found if m == method])
    rows = []
    for gap, method, ratio, strata in found:
        value = "-" if ratio.value is None else _ratio(ratio.value)
        limits = f"[{_ratio(ratio.low)}, {_ratio(ratio.high)}]"
        p = p_value(corrected[method].pop(0))
        telling = f"{ratio.strata} of {strata}"
        rows.append((f"{gap.factor}: {gap.level} / {gap.reference}", method, value, limits, p, telling))
    header = ("condition's effect", "method", "odds ratio", "95% CI", "p (Holm)", "informative problems")
    note = UNBOUNDED if any(row[2] in ("inf", "0") for row in rows) else ""
    return Extra("odds of a right answer, the problem held fixed", header, tuple(rows), note=note)


def _ratio(value: float) -> str:
    return "inf" if math.isinf(value) else f"{value:.3g}"


def _size(contrasts: Contrasts) -> Extra:
    """The smallest gap that would show, and how many groups other gaps would take."""
    rows = []
    for gap in contrasts.gaps():
        if gap.deviation is None:
            continue
        shown = power.detectable(gap.groups, gap.deviation, exact=True)
        more = [str(power.needed(effect, gap.deviation, exact=True)) for effect in EFFECTS]
        name = f"{gap.factor}: {gap.level} - {gap.reference}"
        rows.append((name, str(gap.groups), f"{gap.deviation:.3f}", number(shown) if shown < 1 else "none", *more))
    header = ("gap", "groups", "sd of a group", "smallest gap shown", *(f"groups for {effect:g}" for effect in EFFECTS))
    return Extra("what a run of this size can show (power 80%, alpha 5%)", header, tuple(rows))


def _fluctuation(contrasts: Contrasts, varies: str, variations: Mapping[str, Clusters]) -> Extra:
    """How much rates vary beyond the noise of repeats: between variations of a problem within each condition, and
    between the levels of a factor, all else equal."""
    rows = _fluctuating(varies, [list(clusters.values()) for clusters in variations.values()])
    for factor in contrasts.factors:
        problems: dict[tuple[str, int], list[Cluster]] = {}
        levels = contrasts.matched_levels(factor)
        for cells in levels.values():
            for setting, cell in enumerate(cells):
                for group, cluster in cell.clusters.items():
                    problems.setdefault((group, setting), []).append(cluster)
        rows += _fluctuating(factor, list(problems.values()))
    header = ("between levels of", "problems", "variations", "n", "mean", "sd beyond noise", "p", "as a distribution")
    return Extra("fluctuation between variations of a problem", header, tuple(rows))


def _fluctuating(name: str, problems: Sequence[Sequence[Cluster]]) -> list[tuple[str, ...]]:
    """The row of what varies under this name; none if single answers can't show it."""
    whole = [[Cluster(round(c.right), c.answers) for c in variations] for variations in problems]
    found = repeats.fluctuation(whole)
    if found is None:
        return []
    every = [cluster for variations in whole for cluster in variations]
    mean = sum(c.right for c in every) / max(1, sum(c.answers for c in every))
    shape = repeats.beta(mean, found.sd.value)
    sd = f"{found.sd.value:.3f} {interval(found.sd.low, found.sd.high)}"
    row = (name, str(found.strata), str(found.variations), str(found.sd.n), number(mean), sd, p_value(found.p))
    return [(*row, f"Beta({shape[0]:.2g}, {shape[1]:.2g})" if shape else "-")]


def _repeats(samples: Mapping[str, Sequence[Repeats]]) -> Extra:
    """pass@k, pass^k and maj@k; no rows if no sample was asked several times."""
    rows = []
    everything = [r for members in samples.values() for r in members]
    listed = 1 < len(samples) <= MOST_CONDITIONS and min(map(len, samples.values())) >= LEAST_SAMPLES
    parts = dict(samples) if listed else {}
    most = max((r.n for r in everything), default=0)
    for k in _sizes(most):
        for condition, members in [*parts.items(), ("all", everything)]:
            enough = [r for r in members if r.n >= k]
            if not enough:
                continue
            answers = sum(r.n for r in enough)
            shares = [
                _share(enough, [repeats.pass_at_k(r.right, r.n, k) for r in enough], answers),
                _share(enough, [repeats.pass_hat_k(r.right, r.n, k) for r in enough], answers),
            ]
            drawn = k <= MOST_VOTES or all(r.n == k for r in enough)
            votes = [repeats.majority(r.votes, r.silent, k) for r in enough] if drawn else []
            shares.append(_share(enough, votes, answers) if drawn else "-")
            rows.append((condition, str(k), *shares, str(len(enough)), str(answers)))
    header = ("condition", "k", "pass@k", "pass^k", "maj@k", "samples", "n")
    return Extra("answers repeated: one of k right, all right, the majority right", header, tuple(rows))


def _sizes(most: int) -> list[int]:
    """2, 4, 8 ... and all; none without repeats."""
    powers = [2**i for i in range(1, 12) if 2**i < most]
    return [*powers, most] if most > 1 else []


def _share(members: Sequence[Repeats], values: Sequence[float], answers: int) -> str:
    """The mean over samples, clustered by group; in few groups the samples are the clusters."""
    few = len({member.group for member in members}) < intervals.FEW
    clusters = Clusters()
    for i, (member, value) in enumerate(zip(members, values, strict=True)):
        clusters.add(str(i) if few else member.group, value)
    found = repeats.mean_of_shares(list(clusters.values()), answers)
    assert found is not None
    return f"{number(found.value)} {interval(found.low, found.high)}"
