"""Tree of Thoughts, breadth first: several partial answers are grown side by side, and the best are kept.

After Yao, Yu, Zhao, Shafran, Griffiths, Cao, Narasimhan 2023 (arXiv 2305.10601). Their protocol for Game of 24 is
`-S steps=4 -S b=5 -S n_evaluate=3 -S prune=none -S cache=run -S merge=false`; they count a puzzle as solved if any of
the five last states is right, we if the best is.

Three words leave many values equal, and which of them is kept matters: with an exact proposer and verdicts that are
right in 90%, five kept states solve 80% of the published puzzles with `ties=first`, and 75% with `ties=random`.

search.py says what is noted of the tree.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Literal

from harness.options import option, settle
from harness.strategies.evaluator import CACHE, REPLIES, Evaluator, check_verdicts
from harness.strategies.parts import need_temperature
from harness.strategies.search import LimitMet, Search, State, unfinished
from harness.types import Aid, Response, Session


@dataclass(frozen=True)
class ToT:
    """Grow partial answers step by step, weigh them, keep the best b (Tree of Thoughts, breadth-first)."""

    b: int = option(5, "how many partial answers are kept at each step", between=(1, 100))
    steps: int = option(20, "most steps of an answer", between=(1, 200))
    k: int = option(8, "how many next thoughts are asked for", between=(1, 100))
    generate: Literal["propose", "sample"] = option("propose", "one reply with k thoughts, or k replies with one each")
    evaluate: Literal["value", "vote", "judge"] = option(
        "value", "value (sure, likely, impossible), vote (of the model), or judge (the task's verifier: aid verifier)"
    )
    n_evaluate: int = option(REPLIES, "verdicts on each partial answer, or votes at each step", between=(1, 100))
    prune: Literal["impossible", "none"] = option("impossible", "whether what is judged impossible is dropped")
    cache: Literal["run", "sample", "none"] = option(
        CACHE, "verdicts are used again for the same question: in the run, in a sample, or not"
    )
    merge: bool = option(True, "whether partial answers about which the same question is asked are one")
    ties: Literal["first", "random"] = option("first", "which of equal values is kept: the first proposed, or any")
    max_calls: int | None = option(None, "most calls a sample: what needs more ends as truncated", between=(2, 10**6))

    def __post_init__(self) -> None:
        settle(self, "strategy tot")
        check_verdicts("tot", self.evaluate, self.n_evaluate, self.cache)

    @property
    def aid(self) -> Aid:
        """What helps it: a verifier if that judges, else nothing."""
        return "verifier" if self.evaluate == "judge" else "none"

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. Ends when all partial answers that are kept are complete."""
        if (self.evaluate != "judge" and self.n_evaluate > 1) or self.generate == "sample":
            need_temperature(session, "tot")
        search = Search(session, self.max_calls)
        evaluator = Evaluator(search, self.evaluate, self.n_evaluate, self.cache)
        kept, grown = [search.root()], list[State]()
        try:
            for _ in range(self.steps):
                grown = []
                growing = [state for state in kept if not state.complete]
                if not growing:
                    break
                grown = await search.grow(growing, self.k, self.generate == "sample")
                complete = [state for state in kept if state.complete]
                new = evaluator.distinct(grown) if self.merge else grown
                # Votes are given between all that may be kept; a value stays what it is.
                await evaluator.weigh([*complete, *new] if self.evaluate == "vote" and new else new)
                best = self._best([*complete, *new], session.rng)
                for state in best:
                    state.chosen = True
                search.keep(grown)
                if not best:  # nothing right can come of any of them: the last that could is the answer
                    break
                kept = best
        except LimitMet:
            search.keep(grown)
            return unfinished(_answer(kept).partial)
        return search.answer(_answer(kept))

    def _best(self, states: list[State], rng: random.Random) -> list[State]:
        """The `b` of the highest value, without those pruned."""
        for state in states:
            state.pruned = state.impossible and self.prune == "impossible"
        left = [state for state in states if not state.pruned]
        if self.ties == "random":
            rng.shuffle(left)
        return sorted(left, key=lambda state: -(state.value or 0))[: self.b]


def _answer(kept: list[State]) -> State:
    """A complete answer rather than another, then the best, then the longest, then the first."""
    return max(kept, key=lambda state: (state.complete, state.value or 0, state.depth))
