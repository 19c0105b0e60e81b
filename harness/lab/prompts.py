"""Prompts of a task as tokens, split by groups: what probes, dictionaries and translators are fitted to and tested on.

Tokens [batch, position] are padded on the right: a causal model's earlier positions do not see the padding.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from harness.errors import UsageError
from harness.lab.models import LabModel
from harness.lab.patching import BATCH_TOKENS
from harness.seeds import derive
from harness.statistics.intervals import Estimate, linearised, mean_interval
from harness.types import Sample, Task

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Chosen:
    """Which prompts a study looks at: at most `limit`, of these conditions; of the task's first one if it names none,
    of every one if it names `all`."""

    task: Task
    seed: int
    conditions: tuple[str, ...]
    limit: int

    def words(self, lab: LabModel) -> dict[str, str]:
        """For study.json and the page."""
        return {
            "model": lab.name, "task": f"{self.task.name} {self.task.version}",
            "conditions": ", ".join(self.conditions) or "the first", "seed": str(self.seed), "limit": str(self.limit),
        }  # fmt: skip


@dataclass(frozen=True)
class Prompt:
    """`text` is the prompt in the model's chat template; `ids` its tokens; `asked` is how many of them are the prompt:
    what stands behind is a right answer, if one was asked for."""

    sample: Sample
    text: str
    ids: tuple[int, ...]
    asked: int


def prompts(lab: LabModel, chosen: Chosen, answered: bool = False) -> list[Prompt]:
    """In the task's order; with `answered` a right answer stands behind each. UsageError if there are none, or all
    belong to one group, or one is too long for the model."""
    found: list[Prompt] = []
    seen: set[str] = set()
    wanted = chosen.conditions
    for i, sample in enumerate(chosen.task.samples(chosen.seed)):
        if i >= 40 * chosen.limit or len(found) == chosen.limit:
            break
        wanted = wanted or (sample.condition,)
        seen.add(sample.condition)
        if sample.condition in wanted or "all" in wanted:
            found.append(_prompt(lab, chosen.task, sample, answered))
    if unknown := [c for c in wanted if c not in (*seen, "all")]:
        raise UsageError(f"task {chosen.task.name} has no samples of condition '{unknown[0]}'",
                         f"it has {', '.join(sorted(seen)[:8])}")  # fmt: skip
    if len({p.sample.group for p in found}) < 2:
        raise UsageError(
            f"task {chosen.task.name}: the prompts have to be of two groups at least, one for each half",
            "raise --limit, or choose a task that draws its samples (such as aiw -T family=procedural)",
        )
    room = int(getattr(lab.model.config, "max_position_embeddings", 0) or 0)
    long = max(found, key=lambda p: len(p.ids))
    if room and len(long.ids) > room:
        raise UsageError(f"{long.sample.id} has {len(long.ids)} tokens, and {lab.name} takes {room}")
    return found


def _prompt(lab: LabModel, task: Task, sample: Sample, answered: bool) -> Prompt:
    bare = lab.encode(sample.messages)
    ids = lab.encode(sample.messages, str(task.baseline("oracle", sample, random.Random(0)))) if answered else bare
    return Prompt(sample, lab.prompt(sample.messages), tuple(ids), len(bare))


def halves(found: Sequence[Prompt], seed: int) -> tuple[list[Prompt], list[Prompt]]:
    """(to fit, to test): about half of the groups each, no group in both. The seed and the group's name decide, so that
    more or fewer prompts move no group. UsageError if a half is empty."""
    sides: tuple[list[Prompt], list[Prompt]] = ([], [])
    for prompt in found:
        sides[derive("half", seed, prompt.sample.group) % 2].append(prompt)
    if not all(sides):
        raise UsageError(
            f"all {len(found)} prompts fall into one half", "ask for more prompts: there are too few groups"
        )
    return sides


def batches(
    lab: LabModel, found: Sequence[Prompt], tokens: int = BATCH_TOKENS
) -> Iterator[tuple[Tensor, list[Prompt]]]:
    """(ids [batch, position], their prompts), in order; of about so many tokens."""
    import torch

    some: list[Prompt] = []
    for prompt in [*found, None]:
        longest = max((len(p.ids) for p in (*some, prompt) if p), default=0)
        if some and (prompt is None or longest * (len(some) + 1) > tokens):
            width = max(len(p.ids) for p in some)
            rows = [[*p.ids, *[p.ids[-1]] * (width - len(p.ids))] for p in some]
            yield torch.tensor(rows, device=lab.model.device), some
            some = []
        if prompt is not None:
            some.append(prompt)


class Places(NamedTuple):
    """Where to look in each prompt that has such a place; `lacking` counts those that have none."""

    prompts: list[Prompt]
    positions: list[int]
    lacking: int


def places(lab: LabModel, found: Sequence[Prompt], at: str, label: str = "") -> Places:
    """`at` is `last`, a number (from the end, if it is below 0), `stated` (the one place where the param `label` stands
    in the prompt, as a word of its own), or `text:WORDS` (the first place of these words): their last token. UsageError
    if no prompt has such a place."""
    kept: list[Prompt] = []
    positions: list[int] = []
    for prompt in found:
        position = _position(lab, prompt, at, label)
        if position is not None:
            kept.append(prompt)
            positions.append(position)
    if not kept:
        why = f"none of the {len(found)} prompts has the place '{at}'"
        if at == "stated":
            why = f"none of the {len(found)} prompts states its '{label}' exactly once"
        raise UsageError(why, "give --at last, a position, stated or text:WORDS")
    return Places(kept, positions, len(found) - len(kept))


def _position(lab: LabModel, prompt: Prompt, at: str, label: str) -> int | None:
    if at == "last":
        return prompt.asked - 1
    if re.fullmatch(r"-?\d{1,9}", at):
        n = int(at)
        return n % prompt.asked if -prompt.asked <= n < prompt.asked else None
    if at == "stated":
        words, once = str(prompt.sample.params.get(label)), True
    elif at.startswith("text:") and len(at) > 5:
        words, once = at.removeprefix("text:"), False
    else:
        raise UsageError(f"'{at}' is no place in a prompt", "give last, a number, stated or text:WORDS")
    spots = [m.end() for m in re.finditer(rf"(?<!\w){re.escape(words)}(?!\w)", prompt.text)] if words else []
    return token_at(lab, prompt.text, spots[0] - 1) if spots and (len(spots) == 1 or not once) else None


def token_at(lab: LabModel, text: str, character: int) -> int | None:
    """The position of the token that holds a character of a prompt's text."""
    try:
        _, spans = lab.tokens(text)
    except (NotImplementedError, TypeError, KeyError):
        raise UsageError(f"the tokenizer of {lab.name} does not say where its tokens stand", "give a number") from None
    return next((i for i, (start, end) in enumerate(spans) if start <= character < end), None)


def streams(lab: LabModel, ids: Tensor) -> tuple[Tensor, Tensor]:
    """(logits [batch, position, vocabulary], the residual stream [layer + 1, batch, position, width]) of token ids
    [batch, position]: what goes into each layer, and what comes out of the last one, before the final norm."""
    import torch

    from harness.lab.hooks import capture

    ends: list[Tensor] = []
    with torch.no_grad():
        handle = lab.model.model.norm.register_forward_pre_hook(lambda _, args: ends.append(args[0]))
        try:
            logits, kept = capture(lab, ids, ("resid",))
        finally:
            handle.remove()
    return logits, torch.stack([*(kept["resid", i] for i in range(len(lab.layers))), ends[0]])


def ratio(sums: Sequence[tuple[float, float]], n: int) -> Estimate | None:
    """The sum of the first numbers over the sum of the second ones, of groups that were drawn: linearised (Cochran
    1977, section 6.3) and Student's. `n` is what lies behind it. None if the second ones add up to nothing."""
    below = math.fsum(m for _, m in sums)
    if not below or not math.isfinite(below):
        return None
    values = linearised(sums)
    value = math.fsum(k for k, _ in sums) / below
    low, high = mean_interval([v - value for v in values])
    return Estimate(value, value + low, value + high, n)


def group_mean(values: Sequence[float], groups: Sequence[str]) -> Estimate:
    """The mean of values, one at least, with an interval over their groups."""
    found = group_ratio(values, [1.0] * len(values), groups, len(values))
    assert found is not None
    return found


def group_ratio(tops: Sequence[float], bottoms: Sequence[float], groups: Sequence[str], n: int) -> Estimate | None:
    """The sum of `tops` over that of `bottoms`, with an interval over their groups: see `ratio`."""
    sums: dict[str, tuple[float, float]] = {}
    for top, bottom, group in zip(tops, bottoms, groups, strict=True):
        above, below = sums.get(group, (0.0, 0.0))
        sums[group] = (above + top, below + bottom)
    return ratio(list(sums.values()), n)


def cut(text: str, most: int = 60) -> str:
    """At most so many characters, the end with a mark."""
    return text if len(text) <= most else text[: most - 1] + "…"


def as_row(name: str, e: Estimate | None) -> dict[str, Any]:
    """An estimate as columns of a tidy row."""
    none: tuple[Any, ...] = ("", "", "", "")
    return dict(zip((name, f"{name}_low", f"{name}_high", f"{name}_n"), e or none, strict=True))
