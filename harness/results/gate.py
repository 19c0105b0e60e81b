"""The regression gate: two runs of the same samples, paired (`harness compare BASE NEW`).

Says regression, improvement, no change within the margin, or too few samples to tell. Reads run directories and
committed baselines (`harness baseline set`), which keep only what is needed here.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import NormalDist
from typing import Any, Literal
from xml.etree import ElementTree

from harness.errors import DataError, UsageError
from harness.options import suggestion
from harness.pipeline import store
from harness.results.records import RecordedRun, open_run
from harness.statistics import intervals, power, tests
from harness.text import align, number
from harness.types import Outcome

Verdict = Literal["regression", "improvement", "no change", "too few to tell"]

BASELINES = Path("results/baselines")
ANSWERS = "answers.jsonl"

EXIT_REGRESSION = 100
EXIT_INCONCLUSIVE = 3


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one sample: `asked` is a hash of the question, `value` None without a verdict."""

    id: str
    epoch: int
    group: str
    condition: str
    asked: str
    outcome: str
    value: float | None
    text: str = ""
    """A hash of the response; "" if it is not known, as in baselines of earlier versions."""


@dataclass(frozen=True)
class Change:
    """NEW against BASE in one condition (or `all`): accuracies over the pairs, the difference with its interval, its
    p-value (of a condition: corrected), and the number of pairs that would tell."""

    condition: str
    verdict: Verdict
    pairs: int
    groups: int
    base: float | None
    new: float | None
    difference: float | None
    ci_low: float | None
    ci_high: float | None
    p: float | None
    needed: int | None


@dataclass(frozen=True)
class Comparison:
    """The gate's result. `lost` and `gained` are the samples that went from right to wrong and back (id, epoch)."""

    base: str
    new: str
    task: str
    margin: float
    alpha: float
    overall: Change
    conditions: tuple[Change, ...]
    lost: tuple[str, ...]
    gained: tuple[str, ...]
    without_verdict: int
    infrastructure: int
    same_text: int

    @property
    def compared(self) -> int:
        """Number of samples and epochs in both runs."""
        return self.overall.pairs + self.without_verdict

    @property
    def regressions(self) -> list[Change]:
        """The changes that are regressions: overall, and of single conditions."""
        return [c for c in (self.overall, *self.conditions) if c.verdict == "regression"]

    def exit_code(self, fail_on: str = "regression") -> int:
        """100 for a regression, overall or in a condition; with `inconclusive` also 3 if there are too few samples to
        decide."""
        if self.regressions:
            return EXIT_REGRESSION
        unsure = self.overall.verdict == "too few to tell" or self.infrastructure > 0
        return EXIT_INCONCLUSIVE if fail_on == "inconclusive" and unsure else 0


Answers = dict[tuple[str, int], Answer]
"""Every sample's answer by (id, epoch)."""


# Reading ------------------------------------------------------------------------------------------------------------


def find(name: str | Path) -> Path:
    """A run directory, or a baseline by its name."""
    committed = BASELINES / name
    return committed if (committed / ANSWERS).is_file() else store.find_run(name)


def answers(run: RecordedRun, metric: str = "accuracy") -> Answers:
    """Every sample's answer by (id, epoch). `metric` is accuracy, or `detail.NAME` for a number or truth value of the
    scores' detail. UsageError for another metric, and for one that no record has."""
    kind, _, name = metric.partition(".")
    if metric != "accuracy" and (kind != "detail" or not name):
        raise UsageError(f"--metric {metric}: there is no such metric", "accuracy, or detail.NAME")
    directory = run.directory
    if (directory / ANSWERS).is_file():
        if metric != "accuracy":
            raise UsageError(f"{directory} is a baseline: it has accuracy only", "compare run directories for others")
        return {(a.id, a.epoch): a for a in _kept(directory / ANSWERS)}
    found, measured = {}, set[str]()
    for record in run.records():
        if metric != "accuracy":
            detail = record.get("detail") or {}
            measured |= {key for key, value in detail.items() if isinstance(value, bool | int | float)}
        answer = answer_of(record, run.version, name if metric != "accuracy" else None)
        found[answer.id, answer.epoch] = answer
    if metric != "accuracy" and name not in measured:
        hint = suggestion(name, sorted(measured), "numbers in its detail")
        raise UsageError(f"--metric {metric}: no record of {directory} has it", hint)
    return found


def answer_of(record: Mapping[str, Any], version: str | None, measure: str | None = None) -> Answer:
    """A record as the gate compares it; `measure` names a number of its detail that counts instead of its value. An
    answer without that number (it could not be read) counts as 0."""
    asked = store.identity(record["task"], record.get("task_version") or version, record["id"], record["params"],
                           record.get("input"))  # fmt: skip
    value = record["value"] if Outcome(record["outcome"]).has_verdict else None
    if measure is not None and value is not None:
        found = (record.get("detail") or {}).get(measure)
        value = float(found) if isinstance(found, bool | int | float) else 0.0
    text = hashlib.sha256(str(record["response"]).encode("utf-8", "replace")).hexdigest()[:16]
    own = (record["id"], record["epoch"], record["group"], record["condition"], asked, record["outcome"], value)
    return Answer(*own, text)


def _kept(path: Path) -> Iterator[Answer]:
    for number_, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            yield Answer(**json.loads(line))
        except (ValueError, TypeError) as error:
            raise DataError(f"{path}, line {number_}: not a baseline's answer: {error}") from None


def baseline_folder(name: str, root: Path = BASELINES) -> Path:
    """The folder of a baseline, which may not be there yet. UsageError for a name that leads elsewhere."""
    if Path(name).name != name or name in ("", ".", "..") or "\\" in name:
        raise UsageError(f"'{name}' is not a name for a baseline", "a name is one folder in results/baselines/")
    return root / name


def set_baseline(opened: RecordedRun, name: str, root: Path = BASELINES) -> Path:
    """Keep of a run what later runs are compared with: small, one line a sample, so that a diff shows what changed."""
    run, target = opened.directory, baseline_folder(name, root)
    if opened.status != "complete":
        raise UsageError(f"{run} is not complete: {opened.status}", f"harness run --resume {run}")
    target.mkdir(parents=True, exist_ok=True)
    lines = sorted(json.dumps(asdict(a), ensure_ascii=False) for a in answers(opened).values())
    (target / ANSWERS).write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    names = ("run_id", "created", "config", "task", "conditions", "versions", "git_commit", "model")
    kept = {name: opened.about[name] for name in names if name in opened.about}
    (target / "run.json").write_text(json.dumps(kept, indent=1, default=str) + "\n", encoding="utf-8")
    return target


# Comparing ----------------------------------------------------------------------------------------------------------

Pair = tuple[Answer, Answer]


def compare(
    base: Path, new: Path, *, metric: str = "accuracy", margin: float = 0.02, alpha: float = 0.05
) -> Comparison:
    """Both runs must have asked the same: DataError that names the samples if they did not."""
    runs = open_run(base), open_run(new)
    return compare_answers(runs, (answers(runs[0], metric), answers(runs[1], metric)), margin=margin, alpha=alpha)


def compare_answers(
    runs: tuple[RecordedRun, RecordedRun], found: tuple[Answers, Answers], *, margin: float = 0.02, alpha: float = 0.05
) -> Comparison:
    """`compare` of runs that were read already: (BASE, NEW), and the answers of each."""
    (base, new), (before, after) = (run.directory for run in runs), found
    _same_task(*runs)
    _same_samples(base, before, new, after)
    pairs = [(before[key], after[key]) for key in before]
    judged = [(b, a) for b, a in pairs if b.value is not None and a.value is not None]
    if not judged:
        raise DataError(f"no sample has a verdict in both {base} and {new}")
    order = list(runs[0].about.get("conditions") or dict.fromkeys(b.condition for b, _ in pairs))
    by_condition: dict[str, list[Pair]] = {c: [] for c in order}
    for pair in judged:
        by_condition.setdefault(pair[0].condition, []).append(pair)
    raw = [measure(c, members, alpha) for c, members in by_condition.items() if members]
    conditions = tuple(decide(m, p, margin, alpha) for m, p in zip(raw, tests.holm([m.p for m in raw]), strict=True))
    whole = measure("all", judged, alpha)
    overall = decide(whole, whole.p, margin, alpha)
    if all(b.text == a.text != "" and b.value == a.value for b, a in pairs):  # the same answers: nothing is by chance
        overall, conditions = _unchanged(overall), tuple(map(_unchanged, conditions))
    return Comparison(
        base=base.name,
        new=new.name,
        task=runs[1].task,
        margin=margin,
        alpha=alpha,
        overall=overall,
        conditions=conditions if len(conditions) > 1 else (),
        lost=tuple(f"{b.id} (epoch {b.epoch})" for b, a in judged if changed(b, a) == "lost"),
        gained=tuple(f"{b.id} (epoch {b.epoch})" for b, a in judged if changed(b, a) == "gained"),
        without_verdict=len(pairs) - len(judged),
        infrastructure=sum(Outcome(x.outcome).is_infrastructure for pair in pairs for x in pair),
        same_text=sum(b.text == a.text != "" for b, a in pairs),
    )


def _unchanged(change: Change) -> Change:
    return replace(change, verdict="no change", needed=None)


def _right(answer: Answer) -> bool:
    return answer.value is not None and answer.value >= 1


def changed(before: Answer | None, after: Answer) -> Literal["lost", "gained", ""]:
    """Whether a sample went from right to wrong, or back; "" if it did not, or has no verdict on one side."""
    if before is None or before.value is None or after.value is None or _right(before) == _right(after):
        return ""
    return "lost" if _right(before) else "gained"


def _same_task(base: RecordedRun, new: RecordedRun) -> None:
    if (base.task, base.version) != (new.task, new.version):
        shown = " and ".join(f"{run.task} version {run.version}" for run in (base, new))
        raise DataError(
            f"{base.directory} and {new.directory} are of different tasks: {shown}",
            "compare runs of one version of one task",
        )


def _same_samples(base: Path, before: Answers, new: Path, after: Answers) -> None:
    hint = "compare runs with the same -T, --seed, --limit and --epochs"
    for one, other, name in ((before, after, new), (after, before, base)):
        missing = [key for key in one if key not in other]
        if missing:
            raise DataError(f"{len(missing)} of {len(one)} samples are not in {name}: {_named(missing)}", hint)
    changed = [key for key in before if before[key].asked != after[key].asked]
    if changed:
        raise DataError(f"{len(changed)} of {len(before)} samples were asked otherwise: {_named(changed)}", hint)


def _named(keys: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{name} (epoch {epoch})" for name, epoch in keys[:3]) + (" ..." if len(keys) > 3 else "")


@dataclass(frozen=True)
class Measured:
    """Difference of accuracies over pairs, before a verdict. `spread` is the variance of a unit's difference, and
    `units` what was counted as independent: groups, or the answers if there are few groups."""

    condition: str
    pairs: int
    groups: int
    units: int
    base: float
    new: float
    low: float
    high: float
    p: float
    spread: float


def measure(condition: str, pairs: Sequence[Pair], alpha: float) -> Measured:
    """Groups are the clusters. With fewer than intervals.FEW of them the samples are taken as given and their repeats
    as the random part, as in the tables of a run."""
    groups: dict[str, list[float]] = {}
    for b, a in pairs:
        groups.setdefault(b.group, []).append((a.value or 0.0) - (b.value or 0.0))
    n = len(pairs)
    base, new = (sum(side) / n for side in zip(*((b.value or 0.0, a.value or 0.0) for b, a in pairs), strict=True))
    shared = {"condition": condition, "pairs": n, "groups": len(groups), "base": base, "new": new}
    if len(groups) < intervals.FEW:
        low, high, p, spread = _given_samples(pairs, alpha)
        return Measured(**shared, units=n, low=low, high=high, p=p, spread=spread)
    means = intervals.linearised([intervals.Cluster(sum(d), len(d)) for d in groups.values()])
    low, high = intervals.mean_interval(means, 1 - alpha)
    p = tests.sign_flips([sum(d) for d in groups.values()])
    return Measured(**shared, units=len(groups), low=low, high=high, p=p, spread=power.deviation(means) ** 2)


def _given_samples(pairs: Sequence[Pair], alpha: float) -> tuple[float, float, float, float]:
    """(low, high, p, variance of an answer's difference) if the samples are fixed and each run's repeats of them are
    independent draws: by sample, square-and-add; p by inverting the interval."""
    strata: dict[str, list[float]] = {}
    for b, a in pairs:
        cell = strata.setdefault(b.id, [0.0, 0.0, 0])
        cell[0] += a.value or 0.0
        cell[1] += b.value or 0.0
        cell[2] += 1
    cells = [intervals.Stratum(k2, int(m), k1, int(m)) for k2, k1, m in strata.values()]
    weights = [cell.answers / len(pairs) for cell in cells]

    def limits(level: float) -> tuple[float, float]:
        return intervals.stratified_difference(cells, weights, level)

    low, high = limits(1 - alpha)
    spread = ((high - low) / 2 / NormalDist().inv_cdf(1 - alpha / 2)) ** 2 * len(pairs)
    return low, high, tests.at_zero(limits), spread


def decide(m: Measured, p: float, margin: float, alpha: float) -> Change:
    """Regression or improvement: significant, and not within the margin for certain. No change: not worse by more than
    the margin. Else too few, with the number of pairs at which a true difference of zero would be shown not to be
    worse than the margin, with a power of 80% (Julious 2004, Statistics in Medicine 23: 1921-1986, section 6)."""
    difference = m.new - m.base
    low, high = min(m.low, difference), max(m.high, difference)
    verdict: Verdict = "too few to tell"
    if p < alpha and difference < 0 and low < -margin:
        verdict = "regression"
    elif p < alpha and difference > 0 and high > margin:
        verdict = "improvement"
    elif low >= -margin:
        verdict = "no change"
    needed = None
    if verdict == "too few to tell" and margin > 0:
        units = power.needed(margin, math.sqrt(m.spread), alpha)
        needed = math.ceil(units * m.pairs / m.units)
    return Change(m.condition, verdict, m.pairs, m.groups, m.base, m.new, difference, low, high, p, needed)


# Showing ------------------------------------------------------------------------------------------------------------

HEADER = ["condition", "pairs", "groups", "base", "new", "difference", "95% CI", "p", "verdict"]
SHOWN_FLIPS = 10


def _cells(change: Change) -> list[str]:
    assert change.difference is not None
    assert change.p is not None
    verdict = change.verdict + (f" (about {change.needed} pairs would)" if change.needed else "")
    difference = [f"{change.difference:+.3f}", f"[{change.ci_low:+.3f}, {change.ci_high:+.3f}]", f"{change.p:.2g}"]
    shares = [number(change.base), number(change.new)]
    return [change.condition, str(change.pairs), str(change.groups), *shares, *difference, verdict]


def _header(c: Comparison) -> list[str]:
    return [*HEADER[:6], f"{100 * (1 - c.alpha):g}% CI", *HEADER[7:]]


def _rows(c: Comparison) -> list[list[str]]:
    return [_cells(change) for change in (*c.conditions, c.overall)]


def _remarks(c: Comparison) -> list[str]:
    found = []
    for what, names in (("right -> wrong", c.lost), ("wrong -> right", c.gained)):
        if names:
            more = f" and {len(names) - SHOWN_FLIPS} more" if len(names) > SHOWN_FLIPS else ""
            found.append(f"{len(names)} {what}: {', '.join(names[:SHOWN_FLIPS])}{more}")
    if c.without_verdict:
        found.append(f"{c.without_verdict} samples have no verdict on one side and are not counted")
    if c.same_text:
        found.append(f"{c.same_text} of {c.compared} answers are the same text")
    if c.overall.verdict == "too few to tell" and c.overall.ci_low is not None:
        margin = math.ceil(-1000 * c.overall.ci_low) / 1000
        found.append(f"with these answers a margin of {margin:g} would be no change")
    if c.infrastructure:
        found.append(f"{c.infrastructure} answers ended in an infrastructure error: finish the run with --resume")
    return found


def render(c: Comparison) -> str:
    """The comparison as text for the terminal; its last line is the verdict."""
    lines = [f"{c.task}: {c.new} against {c.base}, margin {c.margin:g}, alpha {c.alpha:g}", ""]
    lines += [align(_header(c), _rows(c), left=1), "", *_remarks(c), c.overall.verdict.upper()]
    worse = [change.condition for change in c.conditions if change.verdict == "regression"]
    return "\n".join(lines) + (f"; regression in {', '.join(worse)}" if worse else "")


def to_json(c: Comparison) -> str:
    """All fields of the comparison as a JSON object."""
    return json.dumps(asdict(c), ensure_ascii=False, indent=1) + "\n"


def to_markdown(c: Comparison) -> str:
    """For a job's summary."""
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in (_header(c), *_rows(c))]
    rows.insert(1, "|" + "---|" * len(HEADER))
    title = (
        f"### {c.task}: {c.overall.verdict}\n\n`{c.new}` against `{c.base}`, margin {c.margin:g}, alpha {c.alpha:g}\n"
    )
    return "\n".join([title, *rows, "", *(f"- {line}" for line in _remarks(c))]) + "\n"


def to_junit(c: Comparison, fail_on: str = "regression") -> str:
    """JUnit XML: a test case for each condition and one for all of them."""
    changes = (*c.conditions, c.overall)
    failed = [x for x in changes if _fails(x, fail_on)]
    skipped = [x for x in changes if x.verdict == "too few to tell" and x not in failed]
    counts = {"tests": str(len(changes)), "failures": str(len(failed)), "errors": "0"}
    root = ElementTree.Element("testsuites", counts)
    about = {"name": f"harness compare {c.task}", "time": "0", **counts, "skipped": str(len(skipped))}
    suite = ElementTree.SubElement(root, "testsuite", about)
    for change in changes:
        case = {"classname": f"harness.{c.task}", "name": change.condition, "time": "0"}
        element = ElementTree.SubElement(suite, "testcase", case)
        text = ", ".join(f"{name} {cell}" for name, cell in zip(_header(c)[1:], _cells(change)[1:], strict=True))
        if change in failed:
            ElementTree.SubElement(element, "failure", {"message": change.verdict, "type": change.verdict}).text = text
        elif change in skipped:
            ElementTree.SubElement(element, "skipped", {"message": text})
        else:
            ElementTree.SubElement(element, "system-out").text = text
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _fails(change: Change, fail_on: str) -> bool:
    unsure = change.verdict == "too few to tell" and change.condition == "all" and fail_on == "inconclusive"
    return change.verdict == "regression" or unsure


def write_outputs(c: Comparison, fail_on: str, files: Iterable[tuple[str, Path | None]]) -> None:
    """Write what was asked for; in a GitHub job the summary is added to the job's own, unless a file is given."""
    makers = {"json": to_json, "junit": lambda c: to_junit(c, fail_on), "summary": to_markdown}
    for kind, path in files:
        summary = os.environ.get("GITHUB_STEP_SUMMARY") if kind == "summary" else None
        if path is not None:
            path.write_text(makers[kind](c), encoding="utf-8")
        elif summary:
            with Path(summary).open("a", encoding="utf-8") as file:
                file.write(makers[kind](c))
