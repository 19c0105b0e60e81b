"""One gate over many tasks: a policy (TOML) says which run is compared with what (`harness gate POLICY RUN...`).

Every test that can fail the gate is in one family, corrected together (Holm): of each required check the row "all" and
its conditions. A release that is as good as its base then fails with a probability of at most alpha, however many tasks
and conditions the policy has; a family a task would let it fail more often with each task that is added. A single
condition is the same test as "all" and is counted once. Advisory checks can't fail the gate, so they take no part in
that family and are corrected among themselves. "No change" is not corrected: a gate passes if all of its checks do, and
claims that must hold all at once need no correction (Berger 1982, Technometrics 24: 295-300).
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from harness.errors import DataError, HarnessError, UsageError, cause
from harness.options import suggestion
from harness.results import baselines, gate
from harness.results.gate import Comparison, FailOn
from harness.results.records import RecordedRun
from harness.statistics import tests
from harness.text import printable

Tier = Literal["required", "advisory"]

MOST_BYTES, MOST_TEXT = 256 * 1024, 200
"""How long a policy, and a name in it, may be."""


@dataclass(frozen=True)
class Check:
    """What is compared with what. `conditions` are those to look at, or levels of them; none for all. An advisory check
    is shown and never fails the gate. The other fields are those of `harness compare`."""

    name: str
    task: str
    base: str
    model: str | None = None
    conditions: tuple[str, ...] = ()
    tier: Tier = "required"
    metric: str = "accuracy"
    margin: float = gate.MARGIN


@dataclass(frozen=True)
class Policy:
    """A file of checks. `fail_on` None: as `compare` without --fail-on."""

    path: Path
    checks: tuple[Check, ...]
    alpha: float = gate.ALPHA
    fail_on: FailOn | None = None


@dataclass(frozen=True)
class Judged:
    """A check and what became of it: None for an advisory check without a run."""

    check: Check
    comparison: Comparison | None


@dataclass(frozen=True)
class Gate:
    """A policy's result."""

    policy: Policy
    checks: tuple[Judged, ...]
    tests: int
    """Size of the family that was corrected together, see the module."""

    def _required(self) -> list[tuple[str, Comparison]]:
        return [(j.check.name, j.comparison) for j in self.checks if j.check.tier == "required" and j.comparison]

    @property
    def regressed(self) -> list[str]:
        """Names of the required checks with a regression, overall or in a condition."""
        return [name for name, c in self._required() if c.regressions]

    @property
    def undecided(self) -> list[str]:
        """Names of the required checks that are undecided and have no regression."""
        return [name for name, c in self._required() if c.undecided and not c.regressions]

    @property
    def exit_code(self) -> int:
        """100 if a required check regressed; with fail_on = "inconclusive" 3 if one is undecided; else 0."""
        if self.regressed:
            return gate.EXIT_REGRESSION
        return gate.EXIT_INCONCLUSIVE if self.undecided and self.policy.fail_on == "inconclusive" else 0

    @property
    def verdict(self) -> Literal["pass", "fail", "undecided"]:
        """In a word. An undecided gate fails only if the policy says so (see `exit_code`)."""
        return "fail" if self.regressed else "undecided" if self.undecided else "pass"

    @property
    def why(self) -> str:
        """The reason of the verdict."""
        if self.regressed:
            return f"regression in {', '.join(self.regressed)}"
        if self.undecided:
            return f"a regression is neither shown nor ruled out in {', '.join(self.undecided)}"
        number = len(self._required())
        return f"no regression in {number} required check{'s' if number > 1 else ''}"


# Reading ------------------------------------------------------------------------------------------------------------


def read(path: Path) -> Policy:
    """UsageError that names the file and the entry for anything that is not a policy."""
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UsageError(f"{path}: a policy has at most {MOST_BYTES // 1024} KiB")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(f"{path}: can't be read as TOML: {cause(error)}") from None
    top = _Table(f"{path}", table, "keys of a policy", ("alpha", "margin", "fail_on", "check"))
    margin = top.number("margin", 0.0, 1.0, gate.MARGIN)
    alpha = top.number("alpha", gate.LEAST_ALPHA, gate.MOST_ALPHA, gate.ALPHA)
    said = top.word("fail_on", ("regression", "inconclusive"))
    fail_on: FailOn | None = "inconclusive" if said == "inconclusive" else "regression" if said else None
    entries = table.get("check")
    if not isinstance(entries, list) or not entries:
        raise UsageError(f"{path}: it has no checks", "each begins with [[check]] and has a task and a base")
    checks = tuple(_check(f"{path}: check {i}", entry, margin) for i, entry in enumerate(entries, 1))
    names = [check.name for check in checks]
    for i, name in enumerate(names):
        if name in names[:i]:
            hint = "give one of them another `name`"
            raise UsageError(f"{path}: checks {names.index(name) + 1} and {i + 1} are both called '{name}'", hint)
    if all(check.tier == "advisory" for check in checks):
        raise UsageError(f"{path}: every check is advisory, so that nothing could fail", 'give one tier = "required"')
    return Policy(path, checks, alpha, fail_on)


def _check(where: str, entry: Any, margin: float) -> Check:
    if not isinstance(entry, dict):
        raise UsageError(f"{where} is not a table", "each begins with [[check]]")
    for key in ("alpha", "fail_on"):
        if key in entry:
            raise UsageError(f"{where}: {key} is for the whole policy", "write it above the first [[check]]")
    table = _Table(where, entry, "keys of a check", [field.name for field in fields(Check)])
    task, base, model = table.text("task"), table.text("base"), table.text("model")
    if task is None or base is None:
        raise UsageError(f"{where}: it has no {'base' if task else 'task'}", "a check has a task and a base")
    conditions = table.texts("conditions")
    metric = table.text("metric") or "accuracy"
    try:
        baselines.check_metric(metric)
    except UsageError as error:
        raise UsageError(f"{where}: {error.message}", error.hint) from None
    tier: Tier = "advisory" if table.word("tier", ("required", "advisory")) == "advisory" else "required"
    told = [task, *([model] if model else []), *conditions, *([metric] if metric != "accuracy" else [])]
    name = table.text("name") or " ".join(told)
    return Check(name, task, base, model, conditions, tier, metric, table.number("margin", 0.0, 1.0, margin))


class _Table:
    """Values of a TOML table by kind. UsageError for an unknown key, or a value of another kind."""

    def __init__(self, where: str, values: Mapping[str, Any], what: str, known: Sequence[str]) -> None:
        self.where, self.values = where, values
        for key in values:
            if key not in known:
                raise UsageError(f"{where}: there is no key {_shown(key)}", suggestion(key, list(known), what))

    def text(self, key: str) -> str | None:
        """A name; None if it is not given."""
        value = self.values.get(key)
        return None if value is None else self._name(key, value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A name, or a list of some."""
        value = self.values.get(key, [])
        return tuple(dict.fromkeys(self._name(key, v) for v in (value if isinstance(value, list) else [value])))

    def word(self, key: str, known: tuple[str, ...]) -> str | None:
        """One of the known words; None if it is not given."""
        value = self.text(key)
        if value is not None and value not in known:
            raise UsageError(
                f"{self.where}: {key}: there is no {_shown(value)}", suggestion(value, list(known), "words")
            )
        return value

    def number(self, key: str, least: float, most: float, default: float) -> float:
        """A number in a range."""
        value = self.values.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise UsageError(f"{self.where}: {key}: {_shown(value)} is not a number from {least:g} to {most:g}")
        return float(value)

    def _name(self, key: str, value: Any) -> str:
        if not isinstance(value, str) or not value.strip() or len(value) > MOST_TEXT or not value.isprintable():
            hint = f"a name is text of up to {MOST_TEXT} characters that can be printed"
            raise UsageError(f"{self.where}: {key}: {_shown(value)} is not a name", hint)
        return value


def _shown(value: Any) -> str:
    """A value of a TOML file in a message."""
    if isinstance(value, str | bool | float) or (isinstance(value, int) and abs(value) < 10**15):
        return f"{value!r:.60}"
    return {dict: "a table", list: "a list", int: "so large a number"}.get(type(value), "a date or time")


# Judging ------------------------------------------------------------------------------------------------------------


def match(policy: Policy, runs: Sequence[RecordedRun]) -> tuple[list[RecordedRun | None], list[str]]:
    """(the run of each check, notes about runs that no check takes). A check takes the run of its task, and of its
    model if it names one. UsageError for two runs that fit one check, and for a required check without a run."""
    apart = {run.directory.resolve(): run for run in runs}.values()
    found: list[RecordedRun | None] = []
    taken: set[Path] = set()
    missing = []
    for check in policy.checks:
        fit = [r for r in apart if r.task == check.task and check.model in (None, r.config["model"])]
        taken |= {run.directory for run in fit}
        if len(fit) > 1:
            named = ", ".join(_named(run) for run in fit[:3])
            hint = "give one run of each task and model; a check with `model` takes the run of that model"
            raise UsageError(f"{policy.path}: {len(fit)} runs fit check '{check.name}': {named}", hint)
        if not fit and check.tier == "required":
            of = f" of model {check.model}" if check.model else ""
            missing.append(f"check '{check.name}' has no run of task {check.task}{of}")
        found.append(fit[0] if fit else None)
    if missing:
        given = ", ".join(map(_named, apart)) or "none"
        raise UsageError(f"{policy.path}: {'; '.join(missing)}", f"runs given: {given}")
    return found, [f"no check takes the run {_named(run)}" for run in apart if run.directory not in taken]


def _named(run: RecordedRun) -> str:
    return printable(f"{run.directory} (task {run.task}, model {run.config['model']})")


def judge(policy: Policy, runs: Sequence[RecordedRun | None]) -> Gate:
    """The verdicts of all checks; `runs` as `match` gives them. Errors of a check name the file and the check."""
    measured = [_pair(policy, check, run) for check, run in zip(policy.checks, runs, strict=True)]
    comparisons: list[Comparison | None] = [None] * len(measured)
    sizes = {}
    for tier in ("required", "advisory"):
        members = [(i, m) for i, m in enumerate(measured) if m is not None and policy.checks[i].tier == tier]
        corrected = iter(tests.holm([p for _, m in members for p in m.tests]))
        sizes[tier] = sum(len(m.tests) for _, m in members)
        for i, m in members:
            ps = [next(corrected) for _ in m.tests]
            comparisons[i] = gate.judge(m, ps, policy.checks[i].margin, policy.alpha)
    judged = tuple(Judged(check, c) for check, c in zip(policy.checks, comparisons, strict=True))
    return Gate(policy, judged, sizes["required"])


def _pair(policy: Policy, check: Check, run: RecordedRun | None) -> gate.Paired | None:
    if run is None:
        return None
    try:
        base = baselines.find(check.base)
        return gate.pair(base, run.directory, metric=check.metric, alpha=policy.alpha, only=check.conditions)
    except (UsageError, DataError) as error:
        kind: type[HarnessError] = type(error)
        raise kind(f"{policy.path}: check '{check.name}': {error.message}", error.hint) from None
