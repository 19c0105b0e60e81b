"""What a run found, in sentences. Built from the names of factors and levels: no task is known here."""

from __future__ import annotations

from collections.abc import Sequence

from harness.report.collect import RunData
from harness.results import audit, claims
from harness.results.counts import Gap
from harness.results.tables import few_groups
from harness.text import interval, p_value
from harness.types import Outcome

MOST_SENTENCES = 3


def findings(run: RunData) -> list[str]:
    """A sentence for each contrast of the main factor, three at most; without a contrast, accuracy in words."""
    gaps = main_gaps(run)
    if not gaps:
        return [_accuracy(run)]
    said = [_contrast(run.recorded.model, gap) for gap in gaps[:MOST_SENTENCES]]
    more = len(gaps) - len(said)
    return [*said, f"And {more} more below."] if more else said


def main_gaps(run: RunData) -> list[Gap]:
    """The gaps of the factor that the task exists for; of the next one that has any if it has one level."""
    gaps = run.contrasts.gaps()
    return [gap for gap in gaps if gap.factor == gaps[0].factor]


def _contrast(model: str, gap: Gap) -> str:
    level, reference = _shares(*gap.sides)
    return (
        f"{model} answers {reference} of the problems with {_named(gap.factor, gap.reference)} and {level} of the same "
        f"problems with {_named(gap.factor, gap.level)}: {gap_in_words(gap)}, "
        f"{counted(gap.gap.n, 'answer')} in {counted(gap.groups, 'group')}."
        + (
            " The interval contains 0: these answers can't tell the two apart."
            if gap.gap.low <= 0 <= gap.gap.high
            else ""
        )
    )


def _named(factor: str, level: str) -> str:
    return f"{factor.replace('_', ' ')} {level or '(none)'}"


def gap_in_words(gap: Gap) -> str:
    """`-0.778 [-1.000, -0.533], p 0.002`."""
    p = p_value(gap.p)
    return f"{gap.gap.value:+.3f} {interval(gap.gap.low, gap.gap.high)}, p {p.replace('<', '< ')}"


def counted(n: int, what: str) -> str:
    """`1 group`, `4 groups`."""
    return f"{n} {what}" if n == 1 else f"{n} {what}s"


def _shares(*values: float) -> list[str]:
    """Whole percents; with a decimal if whole ones would call different shares alike, or a share all or none that is
    not."""
    whole = [f"{100 * value:.0f}%" for value in values]
    alike = len(set(whole)) < len({round(value, 9) for value in values})
    rounded = any(
        text in ("0%", "100%") and abs(value - round(value)) > 1e-9 for text, value in zip(whole, values, strict=True)
    )
    return [f"{100 * value:.1f}%" for value in values] if alike or rounded else whole


def _accuracy(run: RunData) -> str:
    total = run.contrasts.total
    found = total.accuracy
    if found is None:
        ended = " and ".join(f"{total.outcomes[o]} ended in {o}" for o in Outcome if total.outcomes[o])
        return f"Nothing has a verdict, so there is no accuracy: of {counted(total.samples, 'answer')}, {ended}."
    groups = counted(len(run.contrasts.groups), "group")
    conditions = len(run.contrasts.conditions)
    why = "There is one condition" if conditions == 1 else f"None of the {conditions} conditions are matched"
    return (
        f"{run.recorded.model} answers {_shares(found.value)[0]} of the problems right: accuracy {found.value:.3f} "
        f"{interval(found.low, found.high)}, {counted(found.n, 'answer')} in {groups}. {why}, so there is no gap."
    )


def remarks(run: RunData) -> list[str]:
    """Quiet lines under the sentences: for how much the numbers hold."""
    total = run.contrasts.total
    without = total.samples - (total.accuracy.n if total.accuracy else 0)
    aid = run.contrasts.aid
    claim = claims.claim_of(run.recorded.about, run.recorded.directory)
    finished = run.recorded.status == "complete"
    claimed = claims.verdict(claim, run.contrasts, finished) if claim else "exploratory: nothing was claimed before it"
    stopping = run.recorded.part("stopping")
    lines = [
        f"This run is {claimed}" if claim is None else claimed[:1].upper() + claimed[1:],
        f"Asked in {stopping.get('rule')}: {stopping.get('end')}" if stopping else "",
        few_groups(run.contrasts).capitalize(),
        f"{without} of {counted(total.samples, 'answer')} have no verdict (cut off, or an error): they are in no "
        "accuracy" if without and total.accuracy else "",
        f"What helped beside the model: {aid}" if aid else "",
    ]  # fmt: skip
    return [f"{line}." for line in lines if line]


def cautions(run: RunData) -> list[str]:
    """What must be known before any number of the run is believed."""
    found = []
    if run.recorded.status != "complete":
        finish = f"harness run --resume {run.recorded.directory.name} finishes it"
        found.append(f"This run is not complete ({run.recorded.status}): its numbers may change; {finish}.")
    if run.beside and run.beside.twin:
        found.append(f"This is {run.beside.twin}: it adds nothing to it.")
    if run.beyond_limit:
        found.append(f"{run.beyond_limit[:1].upper()}{run.beyond_limit[1:]}.")
    if run.unread:
        found.append(f"{run.unread[:1].upper()}{run.unread[1:]}.")
    warned = audit.warnings(run.confounds)
    if warned:
        named = ", ".join(f"{f.feature} ({f.factor}: {f.level})" for f in warned)
        found.append(f"Matched conditions also differ in {named}, which the task does not declare.")
    return found


def title(runs: Sequence[RunData]) -> str:
    """What the page is called: the run, or how many there are."""
    tasks = {run.recorded.task for run in runs}
    return runs[0].label if len(runs) == 1 else f"{len(runs)} runs" + (f" of {tasks.pop()}" if len(tasks) == 1 else "")
