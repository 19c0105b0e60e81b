"""Runs of the same samples, ranked: who is better than whom beyond doubt, and who is as good for less."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.models.registry import cost
from harness.results.counts import Contrasts
from harness.results.labels import facts, labels
from harness.results.records import RecordedRun, complete_runs
from harness.results.tables import CEILING
from harness.statistics import intervals
from harness.statistics.intervals import Clusters, Estimate, MatchedDifference, Stratum


@dataclass(frozen=True)
class Counted:
    """A run with its counts."""

    run: RecordedRun
    contrasts: Contrasts

    @property
    def cost(self) -> float | None:
        """Of its samples in US dollars, without controls, so that runs can be compared; None if the price of the model
        is not known."""
        return cost(self.run.model, self.contrasts.total.prompt_tokens, self.contrasts.total.completion_tokens)


SAME = ("name", "task", "version", "model", "strategy", "options", "epochs", "sampling", "model options")
"""Runs that agree in these facts are repeats of one run, of which the newest counts."""


def read(directories: Iterable[Path], incomplete: bool = False) -> tuple[list[Counted], list[str]]:
    """(the runs, each read once, notes about what was left out). `incomplete` takes in what is not complete. Of runs
    that asked the same of the same model (SAME) the newest is taken."""
    runs, notes = complete_runs(directories, incomplete)
    newest: dict[tuple[str, ...], RecordedRun] = {}
    for run in runs:
        own = facts(run)
        key = (*(own[fact] for fact in SAME), str(run.imported.get("sha256") or ""))
        kept = newest.setdefault(key, run)
        if kept is run:
            continue
        older, newest[key] = sorted((kept, run), key=lambda one: one.date)
        notes.append(
            f"{older.directory.name} is left out: {newest[key].directory.name} asked the same of the same model later "
            "(--name keeps runs apart)"
        )
    return [Counted(run, run.read()) for run in newest.values()], notes


@dataclass(frozen=True)
class Ranked:
    """A run's place among the runs of the same samples. `low` to `high` are the ranks that can't be ruled out; runs of
    one `tie` (a letter) can't be told apart from the first of them."""

    counted: Counted
    label: str
    rank: int
    low: int
    high: int
    tie: str
    accuracy: Estimate


@dataclass(frozen=True)
class Board:
    """Runs of the same samples, the best first; `title` says which samples these are. `unranked` are the labels of
    those without a verdict."""

    title: str
    ranked: list[Ranked]
    unranked: list[str]


def boards(runs: Sequence[Counted]) -> list[Board]:
    """The runs by accuracy (ties share a rank), those of the same samples together. Runs of other samples (another
    task, version, options, seed or limit) are never ranked against each other, nor is a run whose strategy saw the
    answer key against one whose strategy did not.

    A run's best rank is one plus the number of runs that are better beyond doubt, its worst the number of runs less
    those that are worse beyond doubt (Mohamad, van Zwet and Goeman 2019, arXiv 1812.05507): the interval of each
    pairwise difference excludes zero, at 95% for all pairs of a board together (Bonferroni). Runs that share
    groups are compared within them, others as independent samples. A tie takes in, from the best run on, those that
    the first of the tie is not better than beyond doubt.
    """
    together: dict[tuple[str, int], list[tuple[Counted, str]]] = {}
    for counted, label in zip(runs, labels([counted.run for counted in runs]), strict=True):
        title = counted.run.question + (CEILING if "oracle" in counted.contrasts.aids else "")
        together.setdefault((title, counted.contrasts.asked), []).append((counted, label))
    alike = Counter(title for title, _ in together)
    return [_board(title, members, alike[title] > 1) for (title, _), members in together.items()]


def _board(title: str, members: Sequence[tuple[Counted, str]], sized: bool) -> Board:
    size = f", {members[0][0].contrasts.total.samples} answers" if sized else ""
    unranked = [label for counted, label in members if counted.contrasts.total.accuracy is None]
    return Board(title + size, _rank(members), unranked)


def _rank(members: Sequence[tuple[Counted, str]]) -> list[Ranked]:
    judged = [(c, label, a) for c, label in members if (a := c.contrasts.total.accuracy)]
    judged.sort(key=lambda one: -one[2].value)
    signs = pair_signs([counted.contrasts.groups for counted, *_ in judged])
    limits = rank_limits(signs)
    found: list[Ranked] = []
    tie, first = -1, 0
    for i, (counted, label, a) in enumerate(judged):
        if i == 0 or signs[first][i] > 0:
            tie, first = tie + 1, i
        rank = 1 + sum(other.value > a.value for *_, other in judged)
        low, high = limits[i]
        found.append(Ranked(counted, label, rank, low, high, _letter(tie), a))
    return found


def _letter(i: int) -> str:
    return chr(ord("A") + i) if i < 26 else _letter(i // 26 - 1) + _letter(i % 26)


def as_good_for_less(board: Board) -> list[str]:
    """For each tie, the cheapest run that can't be told apart from the best of it, in words, if it costs less; its
    difference has the 95% interval of one pair, without correction."""
    found = []
    for tie in dict.fromkeys(r.tie for r in board.ranked):
        best, *others = [r for r in board.ranked if r.tie == tie]
        most = best.counted.cost
        priced = [(paid, r) for r in others if most and (paid := r.counted.cost) is not None and paid < most]
        if not most or not priced:
            continue
        paid, cheap = min(priced, key=lambda one: one[0])
        groups = cheap.counted.contrasts.groups
        low, high = _difference(groups, best.counted.contrasts.groups, 0.95)
        found.append(
            f"{cheap.label} can't be told apart from {best.label} ({cheap.accuracy.value - best.accuracy.value:+.3f} "
            f"[{low:.3f}, {high:.3f}], {len(groups)} groups) and costs {1 - paid / most:.0%} less (${paid:.4g} against "
            f"${most:.4g})"
        )
    return found


def rank_limits(signs: Sequence[Sequence[int]]) -> list[tuple[int, int]]:
    """(best, worst) rank that can't be ruled out of each model, from their `pair_signs`; see `boards`."""
    n = len(signs)
    return [(1 + sum(signs[j][i] > 0 for j in range(n)), n - sum(sign > 0 for sign in signs[i])) for i in range(n)]


def pair_signs(models: Sequence[Clusters]) -> list[list[int]]:
    """[i][j] is 1 if model i is better than model j beyond doubt, -1 if it is worse, else 0: at 95% for all pairs
    together (Bonferroni)."""
    n = len(models)
    confidence = 1 - 0.05 / max(1, n * (n - 1) // 2)
    found = [[0] * n for _ in models]
    for i in range(n):
        for j in range(i):
            low, high = _difference(models[i], models[j], confidence)
            found[i][j] = 1 if low > 0 else -1 if high < 0 else 0
            found[j][i] = -found[i][j]
    return found


def _difference(one: Clusters, other: Clusters, confidence: float) -> tuple[float, float]:
    """Interval of how much better the one is: within shared groups, else as independent."""
    shared = [[Stratum(*one[group], *other[group])] for group in one if group in other]
    if shared:
        return MatchedDifference(shared).interval(confidence)
    return intervals.independent(one, other, confidence)
