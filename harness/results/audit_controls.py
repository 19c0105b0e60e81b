"""Are a task's controls what they say? A rewording must keep what is right, and a change must change it.

Before any model is asked, as in harness.results.audit, whose findings these are. What a placebo changes of the prompt
beside its words (length, numbers ...) the task declares: `differs` has the features under `placebo NAME`.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence
from typing import NamedTuple

from harness.pipeline.checks import PLACEBO
from harness.pipeline.config import RunConfig
from harness.pipeline.questions import samples_of
from harness.results.audit import VOCABULARY, Finding, compare, features, judge
from harness.seeds import derive
from harness.statistics.tests import holm
from harness.types import Sample, Task

FACTOR, REFERENCE = "control", "its sample"
"""What stands in the place of a factor and of its first level."""
_PIECE = re.compile(r"[^\W\d]+ \d+|\w+(?:-\w+)*|\W+")
"""A word with a number behind it, a word (`l1-0` is one) or a number, what stands between."""


class Pair(NamedTuple):
    """A sample, and a control of it."""

    sample: Sample
    control: Sample


def audit_controls(task: Task, seed: int, limit: int) -> list[Finding]:
    """All controls of the task beside its first `limit` samples; none if it has no controls."""
    if not task.placebos and not task.changes:
        return []
    pairs: dict[str, list[Pair]] = {}
    base: Sample | None = None
    every = len(task.placebos), len(task.changes)
    config = RunConfig(task.name, "", seed=seed, limit=limit, placebo=every[0], sensitivity=every[1])
    for sample in samples_of(task, config):
        if not sample.control:
            base = sample
        elif base is not None:
            pairs.setdefault(sample.control, []).append(Pair(base, sample))
    raw = {
        control: compare(features(task.measures), FACTOR, control, REFERENCE, members)
        for control, members in pairs.items()
        if control.startswith(PLACEBO)
    }
    corrected = iter(holm([p for findings in raw.values() for _, p in findings]))
    found = []
    for control, members in pairs.items():
        # Words are what a rewording changes.
        declared = (VOCABULARY, *task.differs.get(control, ()))
        found += [judge(finding, next(corrected), declared) for finding, _ in raw.get(control, ())]
        found += [_check(control, name, members, holds) for name, holds in _checks(task, control).items()]
    return found


def _checks(task: Task, control: str) -> dict[str, Callable[[Pair], bool]]:
    """What must hold of each pair, by name."""

    def right(params_of: Sample, answer_of: Sample) -> bool:
        """Whether the oracle's answer to one is right for the other."""
        rng = random.Random(derive("oracle", answer_of.id))
        return task.score(params_of.params, task.baseline("oracle", answer_of, rng)).value == 1

    alike = {
        "its oracle is right": lambda pair: right(pair.control, pair.control),
        "the condition is kept": lambda pair: all(
            pair.sample.params.get(f) == pair.control.params.get(f) for f in task.factors
        ),
        "the prompt is another": lambda pair: pair.sample.messages != pair.control.messages,
    }
    if control.startswith(PLACEBO):
        return alike | {
            "the target is kept, names aside": lambda pair: renamed(
                pair.sample.target, pair.control.target, (_text(pair.sample), _text(pair.control))
            ),
            "what was right is right": lambda pair: (
                pair.sample.target != pair.control.target or right(pair.control, pair.sample)
            ),
        }
    return alike | {"what was right is wrong": lambda pair: not right(pair.control, pair.sample)}


def _check(control: str, name: str, pairs: Sequence[Pair], holds: Callable[[Pair], bool]) -> Finding:
    failed = [pair.control.id for pair in pairs if not holds(pair)]
    kept = len(pairs) - len(failed)
    after = f"{kept} of {len(pairs)}" + (f", not {failed[0]}" if failed else "")
    share = -len(failed) / len(pairs)
    # Each single failure is one: there is no chance in it.
    return Finding(FACTOR, control, REFERENCE, name, len(pairs), "all", after, share, 0.0 if failed else 1.0,
                   "differs" if failed else "equal")  # fmt: skip


def _text(sample: Sample) -> str:
    return "\n".join(message.content for message in sample.messages)


def renamed(target: str, other: str, prompts: tuple[str, str] = ("", "")) -> bool:
    """Whether two targets are the same if words of the one are called otherwise in the other, each by one name of its
    own, wherever it stands. Numbers are no names, but "peg 2" may be "peg 7" if each stands in its prompt."""
    pieces, others = (_PIECE.findall(text) for text in (target, other))
    names: dict[str, str] = {}
    back: dict[str, str] = {}
    for one, two in zip(pieces, others, strict=False):
        if names.setdefault(one, two) != two or back.setdefault(two, one) != one:
            return False
        if one != two and not (one[0].isalpha() and two[0].isalpha() and _numbered_alike(one, two, prompts)):
            return False
    return len(pieces) == len(others)


def _numbered_alike(one: str, two: str, prompts: tuple[str, str]) -> bool:
    """Whether two words have no number behind them; or are the same, and stand in the prompts with these numbers."""
    (word, _, number), (again, _, other) = one.partition(" "), two.partition(" ")
    if not number and not other:
        return True
    named = all(re.search(rf"\b{re.escape(n)}\b", text, re.I) for n, text in zip((one, two), prompts, strict=True))
    return word == again and named
