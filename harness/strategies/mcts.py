"""Monte Carlo tree self-refine: answers are criticised, rewritten and scored; a tree decides which one comes next.

After Zhang, Huang, Zhou, Li, Ouyang 2024 (MCTSr, arXiv 2406.07394). `variant=blind` follows the paper. `released`
follows the published code where it differs: it stops at the first answer that the answer key confirms (so its aid is
`oracle`, and its accuracy is a ceiling: that of the best of rollouts + 1 answers), a reward of 95 or more counts as 50,
only the father of a new answer is updated, and the root's exploration term is 0. In `blind` such a reward counts as 95.
Left out: that the code sends the last two turns only, and asks without end for a score that it can't read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from harness.errors import UsageError
from harness.options import option, settle
from harness.strategies.mcts_tree import Answer, score, update, update_as_released
from harness.strategies.parts import need_temperature
from harness.strategies.search import LimitMet, Search, unfinished
from harness.types import Aid, Message, Response, Session, StopReason

REFUSAL = "I don't know."
SCORE = (
    "How good is this answer? Be strict and look for every flaw. Then end with a line of the form "
    '"Score: NUMBER", from -100 (wrong in every way) to 100 (nothing could be better).'
)
CRITIQUE = "What is wrong with this answer, or could be better? Say it step by step, without a new answer."
REWRITE = "With this in mind, answer the question again, whole and in the form that it asks for."
TRIES = 3
"""How often a score is asked for until a reply has one."""


@dataclass(frozen=True)
class MCTS:
    """Criticise, rewrite and score answers in a tree; the answer with the best scores wins (MCTSr)."""

    rollouts: int = option(8, "how many answers are rewritten: 3 + 4 a rollout calls in all", between=(0, 1000))
    variant: Literal["blind", "released"] = option(
        "blind", "blind, or released: the published code, which stops by the answer key (aid oracle)"
    )
    critic: Literal["self", "verifier"] = option("self", "who scores and criticises: the model, or the task's verifier")
    c: float = option(1.4, "weight of exploration")
    max_calls: int | None = option(None, "most calls a sample: what needs more ends as truncated", between=(2, 10**6))

    def __post_init__(self) -> None:
        settle(self, "strategy mcts")

    @property
    def aid(self) -> Aid:
        """The answer key if it stops by it, else a verifier if that is the critic, else nothing."""
        return "oracle" if self.variant == "released" else "verifier" if self.critic == "verifier" else "none"

    async def solve(self, session: Session) -> Response:
        """See harness.types.Strategy.solve. The answer of the highest Q, the first of equals."""
        need_temperature(session, "mcts")
        if self.critic == "verifier":
            verified(session, "")  # too little aid, or no verifier: before a call is paid for
        search, answers = Search(session, self.max_calls), list[Answer]()
        try:
            found = await self._grow(search, answers)
        except LimitMet:
            self._keep(search, answers)
            scored = [a for a in answers if a.rewards] or answers
            return unfinished(max(scored, key=lambda a: a.q if a.rewards else 0.0).text if scored else "")
        self._keep(search, answers)
        search.note("final", found.node)
        return Response(found.text, found.stop_reason)

    async def _grow(self, search: Search, answers: list[Answer]) -> Answer:
        """Grow the tree into `answers`; the answer that is returned."""
        released = self.variant == "released"
        right = search.session.right if released else lambda text, stop_reason: False
        answers.append(await self._answered(search, search.session.messages))
        if right(answers[0].text, answers[0].stop_reason):
            return answers[0]
        answers.append(Answer(search.number(), REFUSAL))
        await self._reward(search, answers)
        for _ in range(self.rollouts):
            (update_as_released if released else update)(answers, self.c)
            best = max((a for a in answers if a.open), key=lambda a: a.uct or 0.0)
            await self._reward(search, [best])
            child = await self._answered(search, await self._rewriting(search, best), best)
            answers.append(child)
            if right(child.text, child.stop_reason):
                return child
            await self._reward(search, [child])
            best.children.append(child)
        (update_as_released if released else update)(answers, self.c)
        return max((answers[0], *answers[2:]), key=lambda a: a.q)  # never the refusal

    async def _answered(self, search: Search, messages: Sequence[Message], father: Answer | None = None) -> Answer:
        [[reply]] = await search.ask([messages])
        return Answer(search.number(), reply.text, father, reply.key, reply.stop_reason)

    async def _rewriting(self, search: Search, answer: Answer) -> list[Message]:
        """The conversation that asks for a better answer, with a critique of this one."""
        given = [*search.session.messages, Message("assistant", answer.text)]
        said = (
            search.session.feedback(answer.text, stop_reason=answer.stop_reason) if self.critic == "verifier" else None
        )
        if said is not None:
            search.note("feedback", answer.node, said=said.text)
            return [*given, Message("user", f"{said.text}\n\n{REWRITE}")]
        given.append(Message("user", CRITIQUE))
        [[reply]] = await search.ask([given])
        search.note("feedback", answer.node, call=reply.key)
        return [*given, Message("assistant", reply.text), Message("user", REWRITE)]

    async def _reward(self, search: Search, answers: Sequence[Answer]) -> None:
        """Give each of these answers one more reward; 0 if no reply has a score."""
        if self.critic == "verifier":
            for a in answers:
                self._give(a, verified(search.session, a.text, a.stop_reason))
            return
        for attempt in range(TRIES):
            asked = [[*search.session.messages, Message("assistant", a.text), Message("user", SCORE)] for a in answers]
            unread = []
            replies = await search.ask(asked)
            for a, [reply] in zip(answers, replies, strict=True):
                number = score(reply.text)
                search.note("score", a.node, call=reply.key, said=number)
                if number is not None or attempt == TRIES - 1:
                    self._give(a, number or 0.0)
                else:
                    unread.append(a)
            if not unread:
                return
            answers = unread

    def _give(self, answer: Answer, reward: float) -> None:
        suppressed = 50.0 if self.variant == "released" else 95.0
        answer.rewards.append(suppressed if reward >= 95 else reward)

    def _keep(self, search: Search, answers: Sequence[Answer]) -> None:
        for a in answers:
            search.note("state", a.father.node if a.father else None, a.node, call=a.call, partial=a.text,
                        value=a.q if a.rewards else None, visits=len(a.rewards), uct=a.uct)  # fmt: skip


def verified(session: Session, text: str, stop_reason: StopReason = "stop") -> float:
    """The reward that the task's verifier gives an answer: from -100 to 100."""
    said = session.feedback(text, "binary", stop_reason)
    value = session.judge(text) if said is None else float(said.right)
    if value is None:
        raise UsageError("this task has no verifier of answers", "-S critic=self")
    return 200 * value - 100
