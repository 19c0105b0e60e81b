"""Accuracy and gaps as a function of thinking: what a run of the strategy `forced` says at each of its budgets.

One trace of thinking is cut at several places, so that the points of a curve differ in nothing but the cut. A budget
that is longer than a trace has the trace's own answer. A model that is asked to answer and goes on thinking has an
outcome of its own, `thinks on`: it is in no accuracy, and bounds it from both sides as a truncated answer does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from harness import plugins
from harness.errors import DataError, UsageError
from harness.results.counts import Contrasts, Gap
from harness.results.records import RecordedRun
from harness.results.scoring import score_row
from harness.statistics import intervals, tests
from harness.statistics.intervals import Clusters, Estimate, Stratum
from harness.types import Outcome, Task

STRATEGY = "forced"
FLAGGED = 0.03
"""A difference between a cut trace and a true re-run that is larger is flagged."""
CLOSED = 0.1
"""A gap whose interval lies within this of 0 is called closed."""


class Step(NamedTuple):
    """What was answered after `kept` tokens of a trace: the outcome, None if the server gave no answer. `thinks_on`:
    the model did not answer, but went on thinking."""

    at: int
    kept: int
    outcome: Outcome | None
    value: float | None
    thinks_on: bool = False

    @property
    def right(self) -> bool:
        """Whether it is the right answer."""
        return self.value == 1


@dataclass(frozen=True)
class Trace:
    """One sample's thinking. `steps` has one answer for each budget, in order; `end` is the last answer there is, None
    if it has no verdict. `length` is in tokens, `cut_by` what told the tokens apart."""

    group: str
    condition: str
    length: int
    cut_by: str
    steps: tuple[Step, ...]
    end: Step | None
    closed: bool

    @property
    def early(self) -> list[Step]:
        """The answers before the end of the trace."""
        return [step for step in self.steps if step.kept < self.length and step.outcome is not None]

    @property
    def futile(self) -> int | None:
        """Tokens thought after the answer was first right and stayed so, 0 if it was right at the end alone; None if it
        is not right at the end, or if there is no early answer."""
        if self.end is None or not self.early or not self.end.right:
            return None
        kept = self.length
        for step in reversed(self.early):
            if not step.right:
                break
            kept = step.kept
        return self.length - kept

    @property
    def harmful(self) -> int | None:
        """Tokens thought after the answer was last right, 0 if it never was or is right at the end; None as above."""
        if self.end is None or not self.early:
            return None
        was_right = [step.kept for step in self.early if step.right]
        return self.length - was_right[-1] if was_right and not self.end.right else 0

    @property
    def starved(self) -> bool | None:
        """Whether the answer is right at the end alone, so that any smaller budget would have missed it; None as
        above."""
        if self.end is None or not self.early:
            return None
        return self.end.right and not any(step.right for step in self.early)


@dataclass
class Cost:
    """Tokens of the traces, and of the answers that were asked for early. Of the latter's prompts `fresh` are those
    that the server had to compute: by its own count of cached tokens, or else all behind the trace's part."""

    traces: int = 0
    prompt: int = 0
    completion: int = 0
    calls: int = 0
    forced_prompt: int = 0
    fresh: int = 0
    forced_completion: int = 0
    uncounted: int = 0
    reported: int = 0

    def add(self, told: Mapping[str, Any]) -> None:
        """Count what a strategy says of one sample."""
        self.traces += 1
        whole = told["whole"]
        prompt, completion = whole["prompt_tokens"], whole["completion_tokens"]
        self.uncounted += prompt is None or completion is None
        self.prompt += prompt or 0
        self.completion += completion or 0
        for cut in told["cuts"]:
            if "same_as" in cut:
                continue
            self.calls += 1
            asked, answered, cached = (cut[f"{name}_tokens"] for name in ("prompt", "completion", "cached"))
            self.uncounted += asked is None or answered is None
            self.reported += cached is not None
            self.forced_prompt += asked or 0
            self.forced_completion += answered or 0
            known = (prompt or 0) + cut["kept"] if cached is None else cached
            self.fresh += max(0, (asked or 0) - known)

    @property
    def times(self) -> float | None:
        """What everything cost, in costs of the traces alone, if the server keeps prefixes; None if it is not known."""
        whole = self.prompt + self.completion
        return (whole + self.fresh + self.forced_completion) / whole if whole and not self.uncounted else None

    @property
    def times_uncached(self) -> float | None:
        """The same if it computes each prompt anew."""
        whole = self.prompt + self.completion
        return (whole + self.forced_prompt + self.forced_completion) / whole if whole and not self.uncounted else None


@dataclass
class Study:
    """The curve of one run: the counts at each budget, and what its traces are like."""

    run: RecordedRun
    budgets: tuple[int, ...] = ()
    at: dict[int, Contrasts] = field(default_factory=dict)
    thinks_on: dict[int, Counter[str]] = field(default_factory=dict)
    """How often the model went on thinking, by budget and condition."""
    traces: list[Trace] = field(default_factory=list)
    cost: Cost = field(default_factory=Cost)
    cut_by: Counter[str] = field(default_factory=Counter)
    unthinking: int = 0
    """Answers without any thinking."""
    unanswered: int = 0
    """Answers that were asked for early and that the server did not give."""

    def add(self, record: Mapping[str, Any], task: Task) -> None:
        """Count one record. DataError if the strategy did not make it."""
        if Outcome(record["outcome"]).is_infrastructure:
            return
        told = _told(record)
        if not self.budgets:
            self._begin(tuple(told["budgets"]))
        if tuple(told["budgets"]) != self.budgets:
            raise DataError(f"sample {record['id']} has other budgets than those before it")
        trace = _trace(record, told, task)
        self.traces.append(trace)
        self.cost.add(told)
        self.cut_by[trace.cut_by] += bool(trace.cut_by)
        self.unthinking += not trace.length
        for step in trace.steps:
            if step.outcome is None:
                self.unanswered += 1
                continue
            self.thinks_on[step.at][trace.condition] += step.thinks_on
            self.at[step.at].add({**record, "outcome": step.outcome, "value": step.value})

    def _begin(self, budgets: tuple[int, ...]) -> None:
        order = self.run.about.get("conditions") or ()
        self.budgets = budgets
        self.at = {b: Contrasts(self.run.factors, order, self.run.main) for b in budgets}
        self.thinks_on = {b: Counter() for b in budgets}

    def gaps(self) -> list[tuple[int, Gap, float]]:
        """(budget, gap of the main factor, p corrected for all of these) at every budget."""
        found = [(b, gap) for b in self.budgets for gap in self.at[b].main_gaps()]
        corrected = tests.holm([gap.p for _, gap in found])
        return [(b, gap, p) for (b, gap), p in zip(found, corrected, strict=True)]

    def gap_lines(self) -> dict[str, list[tuple[int, Estimate]]]:
        """The gap of each level of the main factor from its reference, at each budget."""
        found: dict[str, list[tuple[int, Estimate]]] = {}
        for b, gap, _ in self.gaps():
            found.setdefault(f"{gap.level} - {gap.reference}", []).append((b, gap.gap))
        return found

    def levels(self) -> dict[str, list[tuple[int, Estimate]]]:
        """Accuracy at each budget of each level of the main factor, all else equal; of each condition if the task has
        no factor."""
        found: dict[str, list[tuple[int, Estimate]]] = {}
        for b in self.budgets:
            contrasts = self.at[b]
            cells = contrasts.matched_levels(contrasts.main) if contrasts.main else {}
            cells = cells or {name: [cell] for name, cell in contrasts.conditions.items()}
            for level, some in cells.items():
                together = Clusters()
                for cell in some:
                    for group, cluster in cell.clusters.items():
                        together.add(group, *cluster)
                if accuracy := together.accuracy():
                    found.setdefault(level, []).append((b, accuracy))
        return found


def study(run: RecordedRun) -> Study:
    """The curve of a run. UsageError if it is not of the strategy `forced`, if no installed task can score its answers,
    or if it has none."""
    if run.config.get("strategy") != STRATEGY:
        told = run.config.get("strategy") or "none"
        raise UsageError(f"{run.directory} is a run of the strategy {told}, not of {STRATEGY}", "harness budget TASK")
    if run.installed_task() is None:
        raise UsageError(f"{run.directory}: task {run.task} is not installed: its answers can't be scored")
    task = plugins.task(run.task, run.config.get("task_options") or {})
    made = Study(run)
    try:
        for record in run.records():
            made.add(record, task)
    finally:
        task.close()
    if not made.traces:
        raise UsageError(f"{run.directory} has no answers", f"harness run --resume {run.directory} finishes it")
    return made


def _told(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """What the strategy says in a record. DataError if that is not what it writes."""
    told: Any = (record.get("detail") or {}).get("strategy")
    try:
        if (
            told["budgets"] != sorted(set(told["budgets"]))
            or type(told["closed"]) is not bool
            or not type(told["budgets"]) is type(told["cuts"]) is list
        ):
            raise TypeError("no list of budgets or of answers")
        counts = [told["length"], *told["budgets"], *(c["at"] for c in told["cuts"])]
        for cut in told["cuts"]:
            if "same_as" in cut:
                counts += [cut["same_as"], cut["at"] - cut["same_as"] - 1]
                continue
            counts.append(cut["kept"])
            counts += [n for k in ("prompt", "completion", "cached") if (n := cut[f"{k}_tokens"]) is not None]
            if not all(isinstance(cut[name], str) for name in ("text", "stop_reason", "error")):
                raise TypeError("an answer that is no text")
        counts += [n for k in ("prompt", "completion") if (n := told["whole"][f"{k}_tokens"]) is not None]
        if not all(type(n) is int and n >= 0 for n in counts) or not told["budgets"]:
            raise TypeError("a count that is none")
        by_budget = {c["at"]: c for c in told["cuts"]}
        if any("same_as" in c and "text" not in by_budget[c["same_as"]] for c in told["cuts"]):
            raise TypeError("an answer that is another's")
    except (TypeError, KeyError) as error:
        raise DataError(
            f"sample {record['id']}: its detail is not what the strategy {STRATEGY} writes ({error})",
            "was the file edited, or made by another version?",
        ) from None
    found: Mapping[str, Any] = told
    return found


def _trace(record: Mapping[str, Any], told: Mapping[str, Any], task: Task) -> Trace:
    cuts = {cut["at"]: cut for cut in told["cuts"]}
    own = Step(0, told["length"], Outcome(record["outcome"]), record["value"])
    steps: list[Step] = []
    for b in told["budgets"]:
        cut = cuts.get(b)
        if cut is None:
            steps.append(own._replace(at=b))
        elif "same_as" in cut:
            steps.append(next(step for step in steps if step.at == cut["same_as"])._replace(at=b))
        else:
            steps.append(_step(record, cut, task))
    closed: bool = told["closed"]
    end = own if closed or steps[-1].kept < told["length"] else steps[-1]
    judged = end.outcome is not None and end.outcome.has_verdict
    return Trace(
        record["group"], record["condition"], told["length"], str(told.get("cut_by") or ""), tuple(steps),
        end if judged else None, closed,
    )  # fmt: skip


def _step(record: Mapping[str, Any], cut: Mapping[str, Any], task: Task) -> Step:
    at, kept = cut["at"], cut["kept"]
    if cut["error"]:
        return Step(at, kept, None, None)
    answer = {"params": record["params"], "response": cut["text"], "stop_reason": cut["stop_reason"]}
    score = score_row(task, answer, f"sample {record['id']}, budget {at}")
    if score.outcome.is_infrastructure:
        return Step(at, kept, None, None)
    unread = score.outcome in (Outcome.TRUNCATED, Outcome.UNPARSED)
    if cut.get("reopened") or (unread and cut["stop_reason"] == "length"):
        return Step(at, kept, Outcome.TRUNCATED, None, True)
    return Step(at, kept, score.outcome, score.value)


# What it comes to ----------------------------------------------------------------------------------------------------


class Course(NamedTuple):
    """How one gap goes with the budget: the budgets at which it is first shown (its interval excludes 0), from which on
    it is not shown any more, and from which on it is closed (its interval lies within CLOSED of 0); its estimate at the
    largest budget. None for never."""

    pair: str
    opens: int | None
    unshown: int | None
    closes: int | None
    last: Estimate

    def __str__(self) -> str:
        pair = self.pair
        end = f"{self.last.value:+.3f} [{self.last.low:+.3f}, {self.last.high:+.3f}] at the largest budget"
        if self.opens is None:
            known = f", and none is larger than {CLOSED:g} from {self.closes} tokens on" if self.closes else ""
            return f"{pair}: no gap is shown at any budget{known}; {end}"
        if self.closes is not None:
            how = f"thinking closes it at {self.closes} (to within {CLOSED:g})"
        elif self.unshown is not None:
            how = f"it is not shown from {self.unshown} on, where it may still be there"
        else:
            how = "thinking never closes it"
        return f"{pair}: a gap from {self.opens} tokens of thinking on, and {how}; {end}"


def courses(made: Study) -> list[Course]:
    """The course of each gap of the main factor."""
    found = []
    for pair, points in made.gap_lines().items():
        opens = next((b for b, e in points if not e.low <= 0 <= e.high), None)
        unshown = _from_on(points, lambda e: e.low <= 0 <= e.high)
        closes = _from_on(points, lambda e: max(-e.low, e.high) <= CLOSED)
        found.append(Course(pair, opens, unshown, closes, points[-1][1]))
    return found


def _from_on(points: Sequence[tuple[int, Estimate]], holds: Callable[[Estimate], bool]) -> int | None:
    """The budget from which on something holds; None if it does not hold at the largest."""
    first = None
    for b, e in reversed(points):
        if not holds(e):
            break
        first = b
    return first


class Check(NamedTuple):
    """A budget's answers from the cut trace against a true re-run with that limit of thinking, over the samples that
    have a verdict in both: accuracies, and their difference within groups."""

    budget: int
    forced: float
    true: float
    difference: Estimate
    groups: int

    @property
    def flagged(self) -> bool:
        """Whether they differ by more than FLAGGED."""
        return abs(self.difference.value) > FLAGGED


def check(made: Study, budget: int, records: Iterable[Mapping[str, Any]]) -> Check | None:
    """Compare the curve at one of its budgets with the records of a true run; None if they share no group."""
    true: dict[str, Clusters] = {}
    for record in records:
        if Outcome(record["outcome"]).has_verdict:
            true.setdefault(record["condition"], Clusters()).add(record["group"], record["value"])
    groups: dict[str, list[Stratum]] = {}
    for condition, cell in made.at[budget].conditions.items():
        for name, cluster in cell.clusters.items():
            group = name.partition("/")[2]
            if group in true.get(condition, {}):
                groups.setdefault(group, []).append(Stratum(*cluster, *true[condition][group]))
    if not groups:
        return None
    matched = intervals.MatchedDifference(list(groups.values()))
    weighted = list(zip(matched.strata, matched.weights, strict=True))
    forced = sum(w * s.right / s.answers for s, w in weighted)
    true_run = sum(w * s.base_right / s.base_answers for s, w in weighted)
    answers = sum(s.answers + s.base_answers for s in matched.strata)
    return Check(budget, forced, true_run, Estimate(matched.value, *matched.interval(), answers), len(groups))


def check_points(budgets: Sequence[int], count: int) -> list[int]:
    """So many of the budgets, spread over them: the middle one, or the ends and the middle. The largest is left out if
    there are others: a re-run of it is the trace itself."""
    shorter = list(budgets[:-1]) or list(budgets)
    count = min(count, len(shorter))
    if count == 1:
        return [shorter[len(shorter) // 2]]
    return [shorter[round(i * (len(shorter) - 1) / (count - 1))] for i in range(count)]
