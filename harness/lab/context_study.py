"""The study `harness context`: small decoders trained at one length and asked at 1, 2, 4 and 8 times that length."""

from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.lab import positions, small
from harness.lab.positions import Rope
from harness.report.pictures import Curves
from harness.report.study import Study
from harness.seeds import derive
from harness.statistics.intervals import Estimate, skewed_mean_interval
from harness.text import Extra, interval

if TYPE_CHECKING:
    from torch import Tensor

TIMES = (1, 2, 4, 8)
LAST = 16
"""Tokens at the end of a string whose loss counts: all have seen a whole period."""
LONGER = {"ALiBi": 3}
"""How many times as many steps a way of knowing positions gets: ALiBi learns more slowly here, and its flat line must
not be the floor of a model that has not learnt."""
TUNED_TO = 4
"""The factor, and the times of the trained length, at which scalings are tuned."""
SIZE = small.WIDTH // small.HEADS

Scaling = Callable[[float, int], Rope]
SCALINGS: dict[str, Scaling] = {
    "RoPE + PI": lambda factor, trained: positions.linear(SIZE, factor),
    "RoPE + NTK": lambda factor, trained: positions.ntk(SIZE, factor),
    "RoPE + YaRN": lambda factor, trained: positions.yarn(SIZE, factor, trained),
}
"""(factor, trained length) -> the frequencies in place of plain ones."""
PLAIN: dict[str, Scaling] = {"RoPE": lambda factor, trained: positions.plain(SIZE)}


@dataclass(frozen=True)
class Plan:
    """What is trained and measured: `length` in tokens, `steps` of training and `tuning`, `seeds` models of each way,
    `sequences` strings at each length."""

    length: int = 32
    steps: int = 600
    seeds: int = 2
    sequences: int = 128
    tuning: int = 30
    seed: int = 0

    @property
    def passes(self) -> int:
        """Forward passes: of training (each with a backward pass), tuning and measuring."""
        ways = sum(self.trained_for(way) for way in small.WAYS)
        tuned = (len(SCALINGS) + 1) * (self.tuning + len(TIMES))
        return self.seeds * (ways + tuned + (len(small.WAYS) + len(SCALINGS)) * len(TIMES))

    def trained_for(self, way: str) -> int:
        """Steps of training."""
        return self.steps * LONGER.get(way, 1)

    def words(self) -> dict[str, str]:
        """For study.json and the page."""
        return {
            "trained at": f"{self.length} tokens", "steps": str(self.steps), "steps of ALiBi": str(3 * self.steps),
            "steps of tuning": str(self.tuning), "seeds": str(self.seeds), "sequences": str(self.sequences),
            "seed": str(self.seed), "model": f"{small.LAYERS} layers, {small.HEADS} heads of {SIZE}",
            "strings": f"periods of {small.PERIODS[0]} to {small.PERIODS[1]} of {small.TOKENS} tokens",
        }  # fmt: skip


@dataclass(frozen=True)
class Line:
    """The losses of one row of the table: `losses[times]` [seed][sequence], in nats. Sequence i is the same string at
    every length and in every line, only longer."""

    name: str
    tuned: bool
    losses: dict[int, list[list[float]]]

    def of_sequences(self, times: int) -> list[float]:
        """The mean over seeds of each sequence."""
        return [statistics.fmean(one) for one in zip(*self.losses[times], strict=True)]

    def at(self, times: int) -> Estimate:
        """The mean loss, with its interval over sequences: the models are taken as given."""
        return _mean(self.of_sequences(times))


def _mean(values: Sequence[float]) -> Estimate:
    low, high = skewed_mean_interval(values)
    return Estimate(statistics.fmean(values), low, high, len(values))


def measured(plan: Plan, on_step: Callable[[], None] = lambda: None) -> list[Line]:
    """Train all models and measure them at every length: first each way of knowing positions, then RoPE with each
    scaling as it is, then with each scaling, and without one, after tuning."""
    found: dict[tuple[str, bool], dict[int, list[list[float]]]] = {}

    def note(name: str, tuned: bool, model: small.Small, scaling: Scaling | None, factor: float | None) -> None:
        for times in TIMES:
            rope = scaling(factor or times, plan.length) if scaling else None
            losses = _losses(model, strings[times], rope)
            found.setdefault((name, tuned), {}).setdefault(times, []).append(losses)
            on_step()

    strings = {times: _strings(plan, times * plan.length) for times in TIMES}
    for number in range(plan.seeds):
        for way in small.WAYS:
            first, drawn = (derive("context", plan.seed, number, way, what) for what in ("weights", "strings"))
            made = small.trained(
                small.fresh(way, plan.length, first), plan.trained_for(way), plan.length, drawn, on_step=on_step
            )
            note(way, False, made, None, None)
            if way != "RoPE":
                continue
            for name, scaling in SCALINGS.items():
                note(name, False, made, scaling, None)
            for name, scaling in {**PLAIN, **SCALINGS}.items():
                rope = scaling(TUNED_TO, plan.length)
                again = small.trained(
                    made, plan.tuning, TUNED_TO * plan.length, drawn + 1, small.RATE / 4, rope, on_step
                )  # fmt: skip
                note(name, True, again, scaling, TUNED_TO)
    order = [*((way, False) for way in (*small.WAYS, *SCALINGS)), *((name, True) for name in (*PLAIN, *SCALINGS))]
    return [Line(*key, found[key]) for key in order]


def _strings(plan: Plan, length: int) -> Tensor:
    import torch

    rng = torch.Generator().manual_seed(derive("context", plan.seed, "measured"))
    return small.periodic(plan.sequences, length, rng)


def _losses(model: small.Small, ids: Tensor, rope: Rope | None) -> list[float]:
    import torch

    with torch.no_grad():
        return [float(loss) for loss in small.losses(model, ids, LAST, rope)]


def context_study(plan: Plan, on_step: Callable[[], None] = lambda: None) -> Study:
    """Train, measure, and put into words."""
    lines = measured(plan, on_step)
    rows = [
        {"positions": line.name, "tuned_steps": plan.tuning if line.tuned else 0, "times": times,
         "length": times * plan.length, "model": number, "loss": mean.value, "low": mean.low, "high": mean.high,
         "n": mean.n}
        for line in lines for times in TIMES for number, values in enumerate(line.losses[times])
        for mean in [_mean(values)]
    ]  # fmt: skip
    tables = [_loss_table(plan, lines), _difference_table(plan, lines), *_spread_table(plan, lines)]
    title = f"Beyond the trained length: small decoders trained at {plan.length} tokens"
    pictures = [_picture(plan, lines)]
    return Study("context", title, plan.words(), _sentences(plan, lines), tables, rows, pictures)


def _name(plan: Plan, line: Line) -> str:
    if line.tuned:
        return f"{line.name}, {plan.tuning} steps at {TUNED_TO * plan.length}"
    return f"{line.name}, no training" if line.name in SCALINGS else line.name


def _loss_table(plan: Plan, lines: Sequence[Line]) -> Extra:
    header = ("positions", *(f"{times * plan.length} tokens" for times in TIMES))
    body = tuple((_name(plan, line), *(_cell(line.at(times)) for times in TIMES)) for line in lines)
    low, high = positions.ramp(SIZE, plan.length)
    note = (
        f"Mean over {_models(plan)}; 95% interval over {plan.sequences} strings, for these models. A blind guess "
        f"has {math.log(small.TOKENS):.2f}. Scalings without training have the factor of each length, tuned ones "
        f"{TUNED_TO}. Heads are small: YaRN's ramp ends at frequency {high} of {SIZE // 2} and begins at {low}."
    )
    return Extra(f"loss of the last {LAST} tokens, nats", header, body, note=note)


def _difference_table(plan: Plan, lines: Sequence[Line]) -> Extra:
    """Each line against plain RoPE (tuned ones against RoPE tuned alike), on the same strings."""
    header = ("positions, minus RoPE", *(f"{times * plan.length} tokens" for times in TIMES))
    body = []
    for line in lines:
        base = _line(lines, "RoPE", line.tuned)
        if line is not base:
            same = line.name in SCALINGS and not line.tuned
            cells = (
                "the same" if same and times == 1 else _cell(difference(line, base, times), "+") for times in TIMES
            )
            body.append((_name(plan, line), *cells))
    note = "Paired by string. Below 0 it is better than RoPE without scaling; tuned ones than RoPE tuned as long."
    return Extra("difference from RoPE as it is, nats", header, tuple(body), note=note)


def difference(line: Line, base: Line, times: int) -> Estimate:
    """Mean difference of two lines on the same strings."""
    pairs = zip(line.of_sequences(times), base.of_sequences(times), strict=True)
    return _mean([one - other for one, other in pairs])


def _spread_table(plan: Plan, lines: Sequence[Line]) -> list[Extra]:
    """How far the models of one kind are apart; nothing if there is one of each."""
    if plan.seeds == 1:
        return []
    header = ("positions", *(f"{times * plan.length} tokens" for times in TIMES))
    body = []
    for line in lines:
        means = [[statistics.fmean(values) for values in line.losses[times]] for times in TIMES]
        body.append((_name(plan, line), *(f"{min(some):.3f} to {max(some):.3f}" for some in means)))
    note = f"Of {_models(plan)}, n={plan.sequences} strings each; rows.csv has each with its interval."
    return [Extra("smallest and largest loss of a model, nats", header, tuple(body), note=note)]


def _models(plan: Plan) -> str:
    return "1 model" if plan.seeds == 1 else f"{plan.seeds} models"


def _line(lines: Sequence[Line], name: str, tuned: bool = False) -> Line:
    return next(line for line in lines if (line.name, line.tuned) == (name, tuned))


def _cell(e: Estimate, sign: str = "") -> str:
    return f"{e.value:{sign}.3f} {interval(e.low, e.high)}"


def _sentences(plan: Plan, lines: Sequence[Line]) -> list[str]:
    far, base = TIMES[-1], _line(lines, "RoPE")

    def cell(line: Line, times: int) -> str:
        return _cell(line.at(times))

    told = [
        f"{line.name} goes from {cell(line, 1)} at {plan.length} tokens to {cell(line, far)} at {far * plan.length}"
        for line in lines
        if line.name in small.WAYS and not line.tuned
    ]
    n = f"{plan.sequences} strings, {_models(plan)} of each kind"
    found = [f"Loss of the last {LAST} tokens, in nats ({n}): {'; '.join(told)}."]
    for tuned, when in ((False, "without training"), (True, f"after {plan.tuning} steps of tuning")):
        times = TUNED_TO if tuned else far
        some = sorted((_line(lines, name, tuned) for name in SCALINGS), key=lambda line: line.at(times).value)
        own = _line(lines, "RoPE", tuned)
        apart = ", ".join(f"{line.name} {_cell(difference(line, own, times), '+')}" for line in some)
        found.append(f"At {times} times the trained length, {when}, minus RoPE as it is (n={plan.sequences}): {apart}.")
    for way in small.WAYS[1:]:
        more = difference(_line(lines, way), base, 1)
        if more.low > 0:
            found.append(
                f"{way} starts above RoPE at the trained length, after {plan.trained_for(way)} steps "
                f"({_cell(more, '+')}): a flat line says less if it is flat at a floor."
            )
    return found


def _picture(plan: Plan, lines: Sequence[Line]) -> Curves:
    """Loss against length, without tuning."""
    shown = {line.name: [line.at(times) for times in TIMES] for line in lines if not line.tuned}
    columns = [str(times * plan.length) for times in TIMES]
    title = f"Loss of the last {LAST} tokens against length"
    return Curves(title, columns, shown, "tokens", "nats, 95% interval", math.log(small.TOKENS), "a blind guess")
