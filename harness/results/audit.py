"""Are the matched conditions of a task matched? Compares what should be equal, before any model is asked.

For each contrast (a level of a factor against the factor's first level, within group and other factors) and each
feature of prompt and target: a paired test and an effect size, corrected for the number of tests. What a task changes
on purpose it declares (`differs`: factor -> features); anything else that differs is a warning. Larger numbers in a
variant, say, explain part of a drop that would otherwise be put down to reasoning (arXiv 2605.28700).
"""

from __future__ import annotations

import itertools
import math
import re
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from harness.statistics.tests import holm, sign_flips
from harness.text import align
from harness.types import Message, Sample, Task

FEW = 6
"""With fewer pairs than this no signed-rank test can reach 5%."""

LARGEST_HARMLESS = 0.2
"""Effects below this are small by convention (Cohen 1988, p. 25 for d, p. 227 for w): no warning."""

ALPHA = 0.05

Value = float | str | None

_NUMBER = re.compile(r"(?<![\w.])\d+(?:\.\d+)?(?![\w])")
_WORD = re.compile(r"[^\W\d_]+")


def _prompt(sample: Sample) -> str:
    return "\n".join(m.content for m in sample.messages)


def _largest(sample: Sample) -> float | None:
    numbers = [float(n) for n in _NUMBER.findall(_prompt(sample)) if len(n) < 300]
    return math.log10(1 + max(numbers)) if numbers else None


def _position(sample: Sample) -> float | None:
    """Place of the target's first mention, as a share of the prompt's length; None if the prompt does not mention
    it."""
    text, target = _prompt(sample).lower(), sample.target.strip().lower()
    found = re.search(rf"(?<!\w){re.escape(target)}(?!\w)", text) if target and len(target) < 200 else None
    return found.start() / max(1, len(text)) if found else None


FEATURES: dict[str, Callable[[Sample], Value]] = {
    "length": lambda s: float(len(_prompt(s))),
    "words": lambda s: float(len(_WORD.findall(_prompt(s)))),
    "numbers": lambda s: float(len(_NUMBER.findall(_prompt(s)))),
    "largest number": _largest,
    "answer": lambda s: s.target if len(s.target) < 40 else None,
    "answer length": lambda s: float(len(s.target)),
    "answer in prompt": lambda s: float(_position(s) is not None),
    "answer position": _position,
}
"""What is measured of every sample; a task adds its own (Task.measures)."""
VOCABULARY = "vocabulary"


@dataclass(frozen=True)
class Finding:
    """One feature of one contrast. `effect` is the mean paired difference in standard deviations of the reference
    (`answer`: Cohen's w of the two distributions; vocabulary: share of words that one side alone has); `p` is corrected
    (Holm). `verdict` is equal, small, by design, differs, or too few (pairs for a test, and they do differ)."""

    factor: str
    level: str
    reference: str
    feature: str
    pairs: int
    before: str
    after: str
    effect: float
    p: float
    verdict: str


def sample_of(record: Mapping[str, Any]) -> Sample:
    """The sample that a record is about."""
    messages = tuple(Message(m["role"], m["content"]) for m in record.get("input") or ())
    target = str(record.get("target") or "")
    return Sample(record["id"], record["group"], record["condition"], record["params"], messages, target)


class FirstSamples:
    """Collects the first samples of a run, each once: enough to audit it."""

    def __init__(self, most: int = 600) -> None:
        self._most = most
        self.samples: list[Sample] = []

    def add(self, record: Mapping[str, Any]) -> None:
        """Keep the record's sample if it is among the first, in its first epoch."""
        if record["epoch"] == 1 and len(self.samples) < self._most:
            self.samples.append(sample_of(record))


def _measured(param: str) -> Callable[[Sample], Value]:
    def feature(sample: Sample) -> float | None:
        value = sample.params.get(param)
        return float(value) if isinstance(value, int | float) else None

    return feature


def features(measures: Mapping[str, str]) -> dict[str, Callable[[Sample], Value]]:
    """All features of the samples of a task with these measures (Task.measures)."""
    return FEATURES | {name: _measured(param) for name, param in measures.items()}


def audit(task: Task | type[Task], samples: Iterable[Sample]) -> list[Finding]:
    """All features of all contrasts of these samples (whole groups, or the first and last may have fewer pairs)."""
    cells: dict[tuple[str, ...], dict[str, Sample]] = {}
    for sample in samples:
        levels = tuple(str(sample.params.get(f, "")) for f in task.factors)
        cells.setdefault(levels, {})[sample.group] = sample
    raw: list[tuple[Finding, float]] = []
    for i, factor in enumerate(task.factors):
        names = list(dict.fromkeys(levels[i] for levels in cells))
        for level in names[1:]:
            pairs = _pairs(cells, i, level, names[0])
            if pairs:
                raw += compare(features(task.measures), factor, level, names[0], pairs)
    declared: Mapping[str, Sequence[str]] = task.differs
    corrected = holm([p for _, p in raw])
    return [judge(f, p, declared.get(f.factor, ())) for (f, _), p in zip(raw, corrected, strict=True)]


def _pairs(
    cells: Mapping[tuple[str, ...], Mapping[str, Sample]], i: int, level: str, reference: str
) -> list[tuple[Sample, Sample]]:
    """(reference, level) samples of the same group and other factors."""
    found = []
    for levels, members in cells.items():
        other = cells.get((*levels[:i], reference, *levels[i + 1 :]))
        if levels[i] == level and other is not None:
            found += [(other[group], sample) for group, sample in members.items() if group in other]
    return found


def compare(
    measured: Mapping[str, Callable[[Sample], Value]],
    factor: str,
    level: str,
    reference: str,
    pairs: Sequence[tuple[Sample, Sample]],
) -> list[tuple[Finding, float]]:
    """The measured features of pairs (at the reference, at the level), each with its p-value, not corrected and not
    judged yet."""
    found = []
    # A problem that is asked in several prompts has the same answers in each: they count once.
    answers = list({(one.group, one.target, other.target): (one, other) for one, other in pairs}.values())
    for name, feature in measured.items():
        of_answer = name in ("answer", "answer length")
        values = [(feature(a), feature(b)) for a, b in (answers if of_answer else pairs)]
        if name == "answer":
            texts = [(a, b) for a, b in values if isinstance(a, str) and isinstance(b, str)]
            result = _distributions(texts) if texts else None
        else:
            numbers = [(a, b) for a, b in values if isinstance(a, float) and isinstance(b, float)]
            result = _numbers(numbers) if numbers else None
        if result:
            found.append((Finding(factor, level, reference, name, *result, ""), result.p))
    words = [Counter(w.lower() for s in side for w in _WORD.findall(_prompt(s))) for side in zip(*pairs, strict=True)]
    shared = len(words[0].keys() & words[1].keys())
    alone = 1 - shared / max(1, len(words[0].keys() | words[1].keys()))
    before, after = (f"{len(w)} words" for w in words)
    # A share of words has no sampling error of its own to test: it counts by its size alone.
    p = 0.0 if alone > LARGEST_HARMLESS else 1.0
    found.append((Finding(factor, level, reference, VOCABULARY, len(pairs), before, after, alone, p, ""), p))
    return found


class _Measured(NamedTuple):
    """A feature over pairs: how many, both sides in words, the effect's size and its p-value."""

    pairs: int
    before: str
    after: str
    effect: float
    p: float


def _numbers(values: Sequence[tuple[float, float]]) -> _Measured:
    """Wilcoxon's signed-rank test of the paired differences (as a permutation test, since most are tied); effect: their
    mean over the spread of both sides."""
    from scipy.stats import rankdata

    before, after = zip(*values, strict=True)
    differences = [b - a for a, b in values]
    shown = (f"{statistics.fmean(before):.3g}", f"{statistics.fmean(after):.3g}")
    if not any(differences):
        return _Measured(len(values), *shown, 0.0, 1.0)
    spread = math.sqrt((statistics.pvariance(before) + statistics.pvariance(after)) / 2)
    mean = statistics.fmean(differences)
    # Where nothing varies on either side, any difference is one of kind.
    effect = mean / spread if spread else math.copysign(math.inf, mean)
    changed = [d for d in differences if d]
    ranks = rankdata([abs(d) for d in changed]).tolist()
    signed = [math.copysign(rank, d) for rank, d in zip(ranks, changed, strict=True)]
    return _Measured(len(values), *shown, effect, sign_flips(signed))


def _distributions(values: Sequence[tuple[str, str]]) -> _Measured:
    """Chi-square test of the two distributions of answers; effect: Cohen's w."""
    from scipy.stats import chi2_contingency

    before, after = (Counter(side) for side in zip(*values, strict=True))
    kinds = sorted(before.keys() | after.keys())
    shown = (f"{len(before)} answers", f"{len(after)} answers")
    # Answers that are almost all different (names) have no distribution to compare.
    if len(kinds) < 2 or len(kinds) > len(values) / 2:
        return _Measured(len(values), *shown, 0.0, 1.0)
    result = chi2_contingency([[c[k] for k in kinds] for c in (before, after)])
    effect = math.sqrt(float(result.statistic) / (2 * len(values)))
    return _Measured(len(values), *shown, effect, float(result.pvalue))


def judge(f: Finding, p: float, declared: Sequence[str]) -> Finding:
    """The finding with its verdict; `p` is corrected, `declared` are the features that differ by design."""
    verdict = "equal"
    if p < ALPHA:
        verdict = "differs" if abs(f.effect) > LARGEST_HARMLESS else "small"
        if verdict == "differs" and ("all" in declared or f.feature in declared):
            verdict = "by design"
    elif f.pairs < FEW and f.effect and f.feature != VOCABULARY:
        verdict = "by design" if "all" in declared or f.feature in declared else "too few"
    values = {**f.__dict__, "p": p, "verdict": verdict}
    return Finding(**values)


def warnings(findings: Iterable[Finding]) -> list[Finding]:
    """Findings that differ and that the task does not declare."""
    return [f for f in findings if f.verdict == "differs"]


def render(findings: Sequence[Finding]) -> str:
    """A table a contrast; features that are equal in one line."""
    parts = []
    contrasts = itertools.groupby(findings, key=lambda f: (f.factor, f.level, f.reference))
    for (factor, level, reference), group in contrasts:
        members = list(group)
        equal = [f.feature for f in members if f.verdict == "equal"]
        body = [
            [f.feature, str(f.pairs), f.before, f.after, _effect(f.effect), f"{f.p:.2g}", f.verdict.upper() if
             f.verdict == "differs" else f.verdict]
            for f in members if f.verdict != "equal"
        ]  # fmt: skip
        lines = [f"{factor}: {level} against {reference}"]
        if body:
            header = ["feature", "pairs", reference, level, "effect", "p", ""]
            lines.append(align(header, body, left=1))
        if equal:
            lines.append(f"equal: {', '.join(equal)}")
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _effect(value: float) -> str:
    return f"{value:+.2f}" if math.isfinite(value) else "always"


def as_rows(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Findings as rows of a table, a column for each field of Finding."""
    return [dict(f.__dict__) for f in findings]
