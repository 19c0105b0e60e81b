"""The tables of a study of thinking budgets."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from harness.statistics.intervals import Clusters, Estimate
from harness.studies.budget import FLAGGED, Check, Study, Trace
from harness.text import Extra, estimate, interval, number, p_value, percent
from harness.types import Outcome

MOST_CONDITIONS = 12
"""With more conditions the levels of the main factor are shown in their place."""


def tables(made: Study) -> list[Extra]:
    """Gaps by budget, accuracy by budget, what the traces are like, and what they cost."""
    found = [_gaps(made), _accuracy(made), _traces(made), _cost(made)]
    return [table for table in found if table.rows]


def _gaps(made: Study) -> Extra:
    main = made.at[made.budgets[0]].main
    rows = [
        (f"{gap.level} - {gap.reference}", str(b), f"{gap.gap.value:+.3f}", interval(gap.gap.low, gap.gap.high),
         p_value(p), str(gap.gap.n), str(gap.groups))
        for b, gap, p in made.gaps()
    ]  # fmt: skip
    rows.sort(key=lambda row: row[0])  # stable: budgets stay in order
    header = (main, "thinking", "gap", "95% CI", "p (Holm)", "n", "groups")
    note = "thinking: tokens after which the trace was cut and the answer asked for; n: answers with a verdict"
    return Extra("gap by budget of thinking", header, tuple(rows), note=note)


def _accuracy(made: Study) -> Extra:
    shown = list(made.at[made.budgets[-1]].conditions)
    if len(shown) > MOST_CONDITIONS:
        return _by_level(made)
    rows = []
    for condition in shown:
        for b in made.budgets:
            cell = made.at[b].conditions.get(condition)
            if cell is None:
                continue
            row, on = cell.row(), made.thinks_on[b][condition]
            bounds = interval(row["accuracy_low"], row["accuracy_high"]) if cell.outcomes[Outcome.TRUNCATED] else "-"
            truncated = cell.outcomes[Outcome.TRUNCATED] - on
            ends = (number(row["accuracy"]), interval(row["ci_low"], row["ci_high"]), str(row["n"]))
            rows.append((condition, str(b), *ends, str(on), str(truncated), bounds))
    header = ("condition", "thinking", "accuracy", "95% CI", "n", "thinks on", "truncated", "bounds")
    note = (
        "thinks on: it was asked to answer and went on thinking; truncated: the trace met its limit; both are in no "
        "accuracy, and `bounds` has them all wrong and all right"
    )
    return Extra("accuracy by budget of thinking", header, tuple(rows), note=note)


def _by_level(made: Study) -> Extra:
    rows = [
        (level, str(b), number(a.value), interval(a.low, a.high), str(a.n))
        for level, points in made.levels().items()
        for b, a in points
    ]
    header = ("level", "thinking", "accuracy", "95% CI", "n")
    on = ", ".join(f"{made.thinks_on[b].total()} at {b}" for b in made.budgets)
    note = f"more than {MOST_CONDITIONS} conditions: levels of the main factor, all else equal; thinks on: {on}"
    return Extra("accuracy by budget of thinking", header, tuple(rows), note=note)


def _traces(made: Study) -> Extra:
    rows = []
    for condition in made.at[made.budgets[-1]].conditions:
        own = [trace for trace in made.traces if trace.condition == condition and trace.length]
        if not own:
            continue
        lengths = sorted(trace.length for trace in own)
        low, middle, high = (lengths[round(share * (len(lengths) - 1))] for share in (0.25, 0.5, 0.75))
        tokens = ([t.futile for t in own], [t.harmful for t in own], [t.length if t.starved else None for t in own])
        cells = [
            f"{estimate(_share(own, kind))}{_tokens(some)}"
            for kind, some in zip((_futile, _harmful, _starved), tokens, strict=True)
        ]
        open_ended = sum(not trace.closed for trace in own)
        rows.append((condition, f"{middle} ({low} to {high}) n={len(own)}", *cells, str(open_ended)))
    header = ("condition", "tokens of thinking", "futile share", "harmful", "starved", "not closed")
    note = (
        "tokens of thinking: median and quartiles; futile share: of the tokens of traces that end right, those after "
        "the answer was first right and stayed so; harmful: traces that were right and end wrong; starved: traces that "
        "are right at the end alone; not closed: the limit ended them; tokens: median of such traces. All of this as "
        "far as the budgets tell"
    )
    return Extra("what thinking does", header, tuple(rows), note=note)


def _tokens(counts: Sequence[int | None]) -> str:
    """The median of what is not 0, in words."""
    some = sorted(count for count in counts if count)
    return f"; {some[len(some) // 2]} tokens in {len(some)}" if some else ""


def _share(traces: Sequence[Trace], kind: Callable[[Trace], float | None]) -> Estimate | None:
    clusters = Clusters()
    for trace in traces:
        value = kind(trace)
        if value is not None:
            clusters.add(trace.group, value)
    return clusters.accuracy()


def _futile(trace: Trace) -> float | None:
    return None if trace.futile is None else trace.futile / trace.length


def _harmful(trace: Trace) -> float | None:
    return None if trace.harmful is None else float(trace.harmful > 0)


def _starved(trace: Trace) -> float | None:
    return None if trace.starved is None else float(trace.starved)


def _cost(made: Study) -> Extra:
    c = made.cost
    counted = "by the server's count" if c.calls and c.reported == c.calls else "what stands behind the cached part"
    rows = [
        ("whole traces", str(c.traces), str(c.prompt), "-", str(c.completion)),
        ("early answers", str(c.calls), str(c.forced_prompt), str(c.fresh), str(c.forced_completion)),
    ]
    times = "-" if c.times is None else f"{c.times:.2f}"
    uncached = "-" if c.times_uncached is None else f"{c.times_uncached:.2f}"
    note = (
        f"fresh: {counted}; all of it cost {times} times the whole traces alone if prefixes are cached "
        f"(fresh + out), {uncached} times if they are not (in + out)"
    )
    if c.uncounted:
        note += f"; the server counted no tokens of {c.uncounted} calls"
    return Extra("tokens", ("", "calls", "in", "of these fresh", "out"), tuple(rows), note=note)


def checks(found: Sequence[Check]) -> Extra:
    """The curve against true re-runs."""
    rows = [
        (str(c.budget), number(c.forced), number(c.true), f"{100 * c.difference.value:+.1f}",
         f"[{100 * c.difference.low:+.1f}, {100 * c.difference.high:+.1f}]", str(c.difference.n), str(c.groups),
         f"over {percent(FLAGGED)}" if c.flagged else "")
        for c in found
    ]  # fmt: skip
    header = ("thinking", "cut trace", "re-run", "difference (points)", "95% CI", "n", "groups", "flag")
    note = "a re-run thinks with --thinking-tokens of that many tokens, and answers at its length"
    return Extra("the curve against true re-runs", header, tuple(rows), note=note)


def notes(made: Study) -> list[str]:
    """What a reader of the tables should know."""
    found = []
    if made.unthinking:
        said = f"{made.unthinking} of {len(made.traces)} answers have no thinking to cut: they count at every budget"
        hint = ": does the server show it? -S trace=text cuts the answer's own text"
        found.append(said + (hint if made.unthinking == len(made.traces) else ""))
    if made.cut_by:
        means = {
            "tokenizer": "cut at tokens of the model's tokenizer",
            "logprobs": "cut at the tokens that came with their log-probabilities",
            "characters": "cut at a share of their characters, as no token boundaries are known",
        }
        found += [f"{n} traces were {means.get(how, 'cut by ' + how)}" for how, n in made.cut_by.most_common()]
    shares = {b: made.thinks_on[b].total() / max(made.at[b].total.samples, 1) for b in made.budgets}
    most = max(made.budgets, key=lambda b: shares[b])
    if shares[most]:
        found.append(
            f"asked to answer, the model thinks on: most often at {most} tokens, {percent(shares[most])} of "
            f"{made.at[most].total.samples} answers; accuracies and gaps are of the rest, `bounds` of all"
        )
    if made.unanswered:
        found.append(f"{made.unanswered} points have no answer of the server, and are left out")
    return found
