"""Tree of Thoughts, depth first: the best next thought is followed to its end; where nothing more comes, it goes back.

After Yao et al. 2023 (arXiv 2305.10601), who search crosswords like this: at most 3 children a state, 100 states, and
what is judged impossible is not followed; the deepest state that was reached first is the answer. Ours ends at the
first complete answer that is not judged impossible. search.py says what is noted of the tree.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.options import option, settle
from harness.strategies.evaluator import CACHE, REPLIES, Evaluator, check_verdicts
from harness.strategies.parts import need_temperature
from harness.strategies.search import LimitMet, Search, State, unfinished
from harness.types import Aid, Response, Session


@dataclass(frozen=True)
class ToTDepthFirst:
    """Follow the best next step, and go back where nothing more can come of it (Tree of Thoughts, depth-first)."""

    children: int = option(3, "how many next steps of a partial answer are followed", between=(1, 100))
    nodes: int = option(
        100, "how many partial answers are followed; then the deepest is the answer", between=(1, 10**5)
    )
    steps: int = option(20, "most steps of an answer", between=(1, 200))
    k: int = option(8, "how many next thoughts are asked for", between=(1, 100))
    generate: Literal["propose", "sample"] = option("propose", "one reply with k thoughts, or k replies with one each")
    evaluate: Literal["value", "judge"] = option(
        "value", "value (sure, likely, impossible), or judge (the task's verifier: aid verifier)"
    )
    n_evaluate: int = option(REPLIES, "verdicts on each partial answer", between=(1, 100))
    prune: Literal["impossible", "none"] = option("impossible", "whether what is judged impossible is dropped")
    cache: Literal["run", "sample", "none"] = option(
        CACHE, "verdicts are used again for the same question: in the run, in a sample, or not"
    )
    max_calls: int | None = option(None, "most calls a sample: what needs more ends as truncated", between=(2, 10**6))

    def __post_init__(self) -> None:
        settle(self, "strategy tot-dfs")
        check_verdicts("tot-dfs", self.evaluate, self.n_evaluate, self.cache)

    @property
    def aid(self) -> Aid:
        """What helps it: a verifier if that judges, else nothing."""
        return "verifier" if self.evaluate == "judge" else "none"

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve."""
        if (self.evaluate != "judge" and self.n_evaluate > 1) or self.generate == "sample":
            need_temperature(session, "tot-dfs")
        search = Search(session, self.max_calls)
        followed, seen = list[State](), list[State]()
        try:
            limited = False
            await self._follow(search, followed, seen)
        except LimitMet:
            limited = True
        search.keep(seen)
        end = followed[-1]
        best = end if end.complete else max(followed, key=lambda state: state.depth)
        return unfinished(best.partial) if limited else search.answer(best)

    async def _follow(self, search: Search, followed: list[State], seen: list[State]) -> None:
        """Follow states, until one is complete. `followed` has them in order, `seen` all that were weighed."""
        evaluator = Evaluator(search, self.evaluate, self.n_evaluate, self.cache)
        waiting = [search.root()]
        while waiting and len(followed) < self.nodes:
            state = waiting.pop()
            state.chosen = True
            followed.append(state)
            if state.complete:
                return
            if state.depth < self.steps:
                grown = await search.grow([state], self.k, self.generate == "sample")
                seen += grown
                await evaluator.weigh(grown)
                for s in grown:
                    s.pruned = s.impossible and self.prune == "impossible"
                left = [s for s in grown if not s.pruned]
                waiting += sorted(left, key=lambda s: -(s.value or 0))[: self.children][::-1]
