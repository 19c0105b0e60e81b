"""Decomposition: the answer is put together from answers to simpler questions, or proved from simpler statements.

- `entail`: answers are stated as hypotheses and proved backwards (entailment.py); the best proved one is given.
  Entailer, Tafjord, Dalvi Mishra, Clark 2022 (arXiv 2210.12217).
- `least-to-most`: the simpler questions are listed first, then answered in order, each with the answers before it. Zhou
  et al. 2022 (arXiv 2205.10625).
- `self-ask`: the next question is asked when the last is answered, until none is needed. Press et al. 2022 (arXiv
  2210.03350).

All prompts are ours, and without examples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError
from harness.options import option, settle
from harness.strategies.entailment import Prover
from harness.strategies.parts import need_temperature
from harness.strategies.proofs import revise
from harness.strategies.search import LimitMet, Search, thoughts, unfinished
from harness.strategies.simpler import edited, follow_up
from harness.types import Aid, Completion, Message, Response, Session

STATE = (
    "State this answer as one sentence that is true if the answer is right, with all that it is about. Nothing else."
)
PARTS = (
    "Do not answer this yet. Which simpler questions have to be answered first, and in which order? Write one a line, "
    "and nothing else."
)
FIRST = "Do not answer that yet. First answer this: {question}"
FOLLOW_UP = (
    "Do not answer this yet. If a simpler question has to be answered first, write it in one line that begins with "
    '"Follow up:". If none has to be answered any more, write "Follow up: none".'
)
FINAL = "Now answer the question that was asked first, in the form that it asks for."


@dataclass(frozen=True)
class Decompose:
    """Answer simpler questions first, or prove the answer from simpler statements."""

    method: Literal["entail", "least-to-most", "self-ask"] = option("entail", "entail, least-to-most or self-ask")
    candidates: int = option(3, "entail: how many answers are drawn and proved", between=(1, 50))
    revise: Literal["max", "product"] = option(
        "max", "entail: a proof revises the direct score if it is more certain (max), or always (product)"
    )
    threshold: float = option(0.5, "entail: least score of a premise, and that the statement follows from them")
    depth: int = option(3, "entail: how often premises are proved in turn", between=(0, 10))
    proofs: int = option(3, "entail: proofs drawn of each statement", between=(1, 50))
    samples: int = option(5, "entail: replies to each yes or no; 0: the first token's probability", between=(0, 50))
    parts: int = option(5, "least-to-most, self-ask: most simpler questions", between=(1, 50))
    edit: bool = option(
        False, "least-to-most, self-ask: ask once more with one simpler answer replaced: does the answer change?"
    )
    max_calls: int | None = option(None, "most calls a sample: what needs more ends as truncated", between=(2, 10**6))

    def __post_init__(self) -> None:
        settle(self, "strategy decompose")
        if self.edit and self.method == "entail":
            raise UsageError("strategy decompose: edit=true: a proof has no simpler answers", "-S method=self-ask")

    @property
    def aid(self) -> Aid:
        """Nothing; with `edit` a reader, which compares the two answers. The answer given never depends on it."""
        return "reader" if self.edit else "none"

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve."""
        if self.method == "entail" and max(self.candidates, self.proofs, self.samples) > 1:
            need_temperature(session, "decompose")
        search = Search(session, self.max_calls)
        held: list[str] = []
        try:
            if self.method == "entail":
                return await self._entail(search, held)
            return await self._in_parts(search)
        except LimitMet:
            return unfinished(held[0] if held else "")

    # Proofs ---------------------------------------------------------------------------------------------------------

    async def _entail(self, search: Search, held: list[str]) -> Response:
        """The answer whose hypothesis has the highest value, the first of equals."""
        session, prover = search.session, Prover(search, self.proofs, self.threshold, self.samples)
        [answers] = await search.ask([session.messages], self.candidates)
        drawn = {a.text: (a, search.note("propose", None, call=a.key)) for a in reversed(answers)}
        first = [drawn[text] for text in dict.fromkeys(a.text for a in answers)]
        held += [a.text for a, _ in first]
        conversations = [[*session.messages, Message("assistant", text), Message("user", STATE)] for text in held]
        stated = await search.ask(conversations)
        try:
            hypotheses = await prover.hypotheses([(s, node) for [s], (_, node) in zip(stated, first, strict=True)])
            level = hypotheses
            for _ in range(self.depth):
                level = await prover.prove(level) if level else []
            for hypothesis in hypotheses:
                revise(hypothesis, self.revise)
        finally:
            prover.keep()
        best, (answer, _) = max(zip(hypotheses, first, strict=True), key=lambda pair: pair[0].value)
        search.note("final", best.node, call=answer.key)
        depth, leaves = best.size()
        detail = {"value": best.value, "depth": depth, "leaves": leaves}
        return Response(answer.text, answer.stop_reason, detail=detail)

    # Simpler questions ------------------------------------------------------------------------------------------------

    async def _in_parts(self, search: Search) -> Response:
        """Simpler questions, each answered in a call of its own, then the question itself."""
        turns: list[tuple[str, str]] = []
        parent = search.note("state", None, partial="", depth=0)
        waiting: list[str] = []
        for depth in range(1, self.parts + 1):
            if self.method == "self-ask" or depth == 1:
                reply = await self._said(search, turns, FOLLOW_UP if self.method == "self-ask" else PARTS)
                waiting = [follow_up(reply.text)] if self.method == "self-ask" else thoughts(reply)[: self.parts]
                search.note("propose", parent, call=reply.key, said="\n".join(waiting))
            if not waiting or not waiting[0]:
                break
            question = waiting.pop(0)
            reply = await self._said(search, turns, FIRST.format(question=question))
            turns.append((FIRST.format(question=question), reply.text.strip()))
            parent = search.note("state", parent, call=reply.key, thought=question, partial=reply.text.strip(),
                                 depth=depth)  # fmt: skip
        reply = await self._said(search, turns, FINAL if turns else "")
        search.note("final", parent, call=reply.key)
        changed = edited(turns, search.session.messages[-1].content, search.session.rng) if self.edit else None
        if changed and search.calls != self.max_calls:  # the answer is there: it is not lost over the edit
            again = await self._said(search, changed, FINAL)
            one, other = (search.session.key(said.text, said.stop_reason) for said in (reply, again))
            search.note("edited", parent, call=again.key, said=None if None in (one, other) else one != other)
        return Response(reply.text, reply.stop_reason)

    async def _said(self, search: Search, turns: Sequence[tuple[str, str]], asked: str) -> Completion:
        """The reply to `asked` under the sample's prompt and what was said since; users and models take turns."""
        *before, last = search.session.messages
        texts = [*(text for turn in turns for text in turn), asked]
        texts[0] = f"{last.content}\n\n{texts[0]}".rstrip()
        said = [Message("assistant" if i % 2 else last.role, text) for i, text in enumerate(texts)]
        [[reply]] = await search.ask([[*before, *said]])
        return reply
