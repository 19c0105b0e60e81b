"""A claim that can fail: what a run is expected to show, written down and hashed before the first call is made.

`harness claim` writes it, `harness run --claim` puts it into run.json, and whoever shows the run says whether the claim
holds. Everything else that a run shows is exploratory.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any, Literal, get_args

from harness.errors import DataError, UsageError
from harness.files import read_json
from harness.options import suggestion
from harness.pipeline.config import RunConfig
from harness.pipeline.questions import count, epochs_of, samples_of, sampling_of
from harness.results.counts import Contrasts
from harness.statistics.intervals import Estimate
from harness.text import interval, printable
from harness.types import Task

Expected = Literal["lower", "higher", "different", "same"]

FIXED = ("strategy", "strategy_options", "task_options", "seed", "limit", "sample_id", "system_message", "num_fewshot",
         "until_width")  # fmt: skip
"""Fields of RunConfig that a claim fixes beside task, model, sampling and epochs: all that decide what is asked."""


@dataclass(frozen=True)
class Claim:
    """The accuracy at `level` of `factor`, minus that at `reference`, is `expected` to be lower than -margin, higher
    than margin, one of the two (different), or between them (same), with error rate `alpha`.

    `records` is how many answers the run is to have (at most, with until_width; without controls); `asked` is what the
    run must be asked with, as text. `made` is the time of writing, in ISO form.
    """

    task: str
    version: str
    model: str
    factor: str
    level: str
    reference: str
    expected: Expected
    margin: float
    alpha: float
    records: int
    asked: Mapping[str, str]
    made: str

    @property
    def sha256(self) -> str:
        """Of the claim as canonical JSON."""
        text = json.dumps(asdict(self), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def as_json(self) -> dict[str, Any]:
        """What stands in a claim's file, and in run.json."""
        return {**asdict(self), "sha256": self.sha256}

    def __str__(self) -> str:
        """The claim as half a sentence."""
        what = f"{self.factor}: {self.level} - {self.reference}"
        return {
            "lower": f"{what} is below {-self.margin:g}",
            "higher": f"{what} is above {self.margin:g}",
            "different": f"{what} is below {-self.margin:g} or above {self.margin:g}",
            "same": f"{what} is between {-self.margin:g} and {self.margin:g}",
        }[self.expected]


def claim(
    config: RunConfig, task: Task, contrast: str, expected: Expected, margin: float, alpha: float, made: str
) -> Claim:
    """The claim that a run of this configuration is to show. `contrast` is `LEVEL - REFERENCE`, as tables print it, or
    `FACTOR: LEVEL - REFERENCE`. UsageError if the task has no such contrast, or for numbers out of range."""
    if not 0 < alpha < 0.5:
        raise UsageError(f"--alpha: {alpha:g} is not above 0 and below 0.5")
    if not 0 <= margin < 1:
        raise UsageError(f"--margin: {margin:g} is not at least 0 and below 1")
    if expected == "same" and margin == 0:
        raise UsageError("--expect same needs a --margin: how large a difference may be and still not matter")
    factor, level, reference = _contrast(config, task, contrast)
    records = count(task, replace(config, placebo=0, sensitivity=0))
    return Claim(task.name, task.version, config.model, factor, level, reference, expected, margin, alpha, records,
                 asked(config, task), made)  # fmt: skip


def _contrast(config: RunConfig, task: Task, wanted: str) -> tuple[str, str, str]:
    levels: dict[str, dict[str, None]] = {factor: {} for factor in task.factors}
    for sample in samples_of(task, config):
        for factor, seen in levels.items():
            seen.setdefault(str(sample.params.get(factor, "")))
    known = {}
    for factor in sorted(task.factors, key=lambda name: name != task.main):
        first, *others = levels[factor] or [""]
        for level in others:
            known[f"{factor}: {level} - {first}"] = (factor, level, first)
    found = [at for name, at in known.items() if wanted in (name, name.partition(": ")[2])]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(f"--contrast: several factors have '{wanted}'", "write `FACTOR: LEVEL - REFERENCE`")
    if not known:
        raise UsageError(f"task {task.name}: with these options there is no contrast to make a claim about")
    raise UsageError(f"task {task.name}: there is no contrast '{wanted}'", suggestion(wanted, list(known), "contrasts"))


def asked(config: RunConfig, task: Task) -> dict[str, str]:
    """What decides the questions of a run, as text by what it is called."""
    values = {name: getattr(config, name) for name in FIXED}
    decoding = {name: value for name, value in asdict(sampling_of(task, config)).items() if value not in (None, ())}
    values |= {"epochs": epochs_of(task, config), "sampling": decoding}
    given = {name: value for name, value in values.items() if value not in (None, (), {}, 0)}
    return {name: json.dumps(value, sort_keys=True) for name, value in given.items()}


def fits(claim: Claim, config: RunConfig, task: Task) -> None:
    """UsageError if a run of this configuration is not the one that the claim is about."""
    mine = {"task": task.name, "task version": task.version, "model": config.model, **asked(config, task)}
    theirs = {"task": claim.task, "task version": claim.version, "model": claim.model, **claim.asked}
    for name in dict.fromkeys((*theirs, *mine)):
        if mine.get(name) != theirs.get(name):
            raise UsageError(
                f"this run is not the one that was claimed: {name} is {mine.get(name)}, the claim says "
                f"{theirs.get(name)}",
                "run it as the claim says, or make a new claim before the run",
            )


def read(path: Path) -> Claim:
    """A claim from its file. DataError if it is none, or was changed since it was made."""
    return from_json(read_json(path), str(path))


def from_json(value: Any, where: str) -> Claim:
    """A claim as `as_json` gives it. DataError, which says where, if it is none or does not fit its hash."""
    names = {f.name for f in fields(Claim)}
    if not isinstance(value, dict) or set(value) != names | {"sha256"}:
        raise DataError(f"{where}: this is no claim", "`harness claim` makes one")
    numbers = (value["margin"], value["alpha"], value["records"])
    texts = [value[name] for name in ("task", "version", "model", "factor", "level", "reference", "made")]
    told = value["asked"]
    typed = (
        all(isinstance(n, int | float) and not isinstance(n, bool) for n in numbers)
        and all(isinstance(text, str) for text in texts)
        and isinstance(told, dict)
        and all(isinstance(text, str) for text in told.values())
        and value["expected"] in get_args(Expected)
    )
    if not typed:
        raise DataError(f"{where}: this is no claim: a value has the wrong type", "`harness claim` makes one")
    found = Claim(**{name: value[name] for name in names})
    if found.sha256 != value["sha256"]:
        raise DataError(f"{where}: the claim was changed after it was made: its sha256 is not that of its words")
    return found


def claim_of(about: Mapping[str, Any], directory: Path) -> Claim | None:
    """What was claimed before a run, as its run.json says; None if nothing was. DataError if it was changed since."""
    found = about.get("claim")
    return None if found is None else from_json(found, str(directory / "run.json"))


def verdict(claim: Claim, contrasts: Contrasts, finished: bool) -> str:
    """What came of a claim, as a sentence. `finished`: whether the run has all the answers that it was to have."""
    name = (
        f"{printable(str(claim))} (alpha {claim.alpha:g}; claimed {printable(claim.made)}, sha256 {claim.sha256[:12]})"
    )
    if not finished:
        return f"not decided, the run is not complete: {name}"
    confidence = 1 - (claim.alpha if claim.expected == "different" else 2 * claim.alpha)
    gap = contrasts.gap_at(claim.factor, claim.level, claim.reference, confidence)
    if gap is None:
        return f"not decided, no group has answers on both sides: {name}"
    holds = "shown" if holds_in(claim, gap) else "NOT shown"
    found = f"{gap.value:+.3f}, {100 * confidence:.4g}% interval {interval(gap.low, gap.high)}, n {gap.n}"
    return f"confirmatory, {holds}: {name}; it is {found}"


def holds_in(claim: Claim, gap: Estimate) -> bool:
    """Whether a gap with its interval shows what was claimed. The interval has confidence 1 - 2 alpha (two one-sided
    tests; of `same`: Schuirmann 1987), for `different` 1 - alpha."""
    below, above = gap.high < -claim.margin, gap.low > claim.margin
    within = -claim.margin < gap.low and gap.high < claim.margin
    return {"lower": below, "higher": above, "different": below or above, "same": within}[claim.expected]
