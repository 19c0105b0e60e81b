"""Two matched prompts as tokens: the clean one and the corrupted one, and the token that answers each."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass

from harness.errors import UsageError
from harness.lab.align import Alignment, align
from harness.lab.models import LabModel
from harness.pipeline.checks import CHANGE
from harness.pipeline.questions import beside
from harness.types import Sample, Task


@dataclass(frozen=True)
class Pair:
    """Token ids of both prompts, with the answer begun: at the last position each is answered by one token. `common`
    is how both right answers begin, in the form that the task asks for."""

    clean: tuple[int, ...]
    corrupted: tuple[int, ...]
    right: int
    """The token that answers the clean prompt."""
    wrong: int
    """The token that answers the corrupted one."""
    common: str
    samples: tuple[str, str]
    alignment: Alignment | None = None
    """Of prompts of different lengths. None if positions match as they are."""

    @property
    def differ(self) -> tuple[int, ...]:
        """The positions of the clean prompt at which the prompts differ; of aligned ones, in words that differ."""
        if self.alignment:
            return self.alignment.differ
        return tuple(i for i, (a, b) in enumerate(zip(self.clean, self.corrupted, strict=True)) if a != b)

    @property
    def first(self) -> int:
        """The first position of the clean prompt at which the two runs can differ."""
        return self.alignment.first if self.alignment else min(self.differ)

    @property
    def partners(self) -> dict[int, int]:
        """Position in the clean prompt -> its partner in the corrupted one, for each that has one."""
        return dict(self.alignment.partners) if self.alignment else {i: i for i in range(len(self.clean))}

    @property
    def alone(self) -> tuple[int, int]:
        """How many positions of the clean and of the corrupted prompt have no partner."""
        n = len(self.partners)
        return len(self.clean) - n, len(self.corrupted) - n


def pair(lab: LabModel, task: Task, clean: Sample, corrupted: Sample, aligned: bool = False) -> Pair:
    """UsageError if the prompts have different numbers of tokens (with the words that differ), unless they are to be
    `aligned`; if their right answers do not differ, or are no answer of the model's own tokens. Prompts of one length
    match position by position, aligned or not.

    The answers are those of the oracle, in the form that the prompt asks for: what both begin with is put behind the
    prompts, and the first tokens that differ are the answers.
    """
    answers = [str(task.baseline("oracle", s, random.Random(0))) for s in (clean, corrupted)]
    whole = [lab.encode(s.messages, a) for s, a in zip((clean, corrupted), answers, strict=True)]
    bare = [lab.encode(s.messages) for s in (clean, corrupted)]
    behind = [ids[len(start) :] for ids, start in zip(whole, bare, strict=True)]
    if any(ids[: len(start)] != start for ids, start in zip(whole, bare, strict=True)):
        raise UsageError("the tokens of the prompt change if an answer follows: these samples can't be used")
    if len(bare[0]) != len(bare[1]) and not aligned:
        raise UsageError(
            f"{clean.id} has {len(bare[0])} tokens and {corrupted.id} has {len(bare[1])}: positions do not match; "
            f"they differ in {_words(clean, corrupted)}",
            "choose two samples that differ in words of the same number of tokens, or give --align (lens, patch, "
            "components, sae steer)",
        )
    same = next((i for i, (a, b) in enumerate(zip(*behind, strict=False)) if a != b), None)
    if same is None:
        raise UsageError(f"{clean.id} and {corrupted.id} have the same right answer, or one that begins the other")
    common = tuple(behind[0][:same])
    one, other = ((*ids, *common) for ids in bare)
    return Pair(
        one, other, behind[0][same], behind[1][same], lab.tokenizer.decode(list(common)), (clean.id, corrupted.id),
        align(lab, one, other) if len(one) != len(other) else None,
    )  # fmt: skip


def _words(one: Sample, other: Sample) -> str:
    mine, theirs = (" ".join(m.content for m in s.messages).split() for s in (one, other))
    only = [w for w in mine if w not in theirs][:6], [w for w in theirs if w not in mine][:6]
    return " / ".join(", ".join(words) or "the order of their words" for words in only)


def pairs(
    lab: LabModel, task: Task, seed: int, how: str, limit: int, aligned: bool = False
) -> tuple[list[Pair], int]:  # fmt: skip
    """(at most `limit` pairs, how many of the samples looked at made none) in the task's order.

    `how` is `change` (a sample and its twin with one fact changed, Task.changed), `change:CONDITION` (the same of one
    condition), `CONDITION,CONDITION` (two conditions of a group) or `condition:CONDITION` (two samples of one condition
    that follow each other in different groups). UsageError if none can be made; it quotes why the first could not.
    """
    found: list[Pair] = []
    first: UsageError | None = None
    left_out = 0
    for clean, corrupted in candidates(task, seed, how, 20 * limit):
        try:
            found.append(pair(lab, task, clean, corrupted, aligned))
        except UsageError as error:
            first, left_out = first or error, left_out + 1
        if len(found) == limit:
            break
    if not found:
        why = f": {first.message}" if first else ""
        raise UsageError(f"task {task.name}: no pair '{how}' can be made{why}", first.hint if first else "")
    return found, left_out


def candidates(task: Task, seed: int, how: str, most: int) -> Iterator[tuple[Sample, Sample]]:
    """Samples two by two, (clean, corrupted); `how` as in `pairs`, from `most` samples at most."""
    made: list[Sample] = []
    for i, sample in enumerate(task.samples(seed)):
        if i >= 40 * most or len(made) >= most:
            break
        made.append(sample)
        if how in ("change", f"change:{sample.condition}"):
            for changed in beside(task, seed, sample, [f"{CHANGE} {name}" for name in task.changes]):
                yield sample, changed
    if how == "change" or how.startswith("change:"):
        return
    if how.startswith("condition:"):
        wanted = [s for s in made if s.condition == how.removeprefix("condition:")]
        yield from ((a, b) for a, b in itertools.pairwise(wanted) if a.target != b.target)
        return
    one, _, other = how.partition(",")
    by_group: dict[str, dict[str, Sample]] = {}
    for sample in made:
        by_group.setdefault(sample.group, {}).setdefault(sample.condition, sample)
    yield from ((g[one], g[other]) for g in by_group.values() if one in g and other in g)
