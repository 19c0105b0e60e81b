"""Backward chaining: is a statement true, and does it follow from simpler statements that are? See decompose.py.

After Entailer (Tafjord, Dalvi Mishra, Clark 2022, arXiv 2210.12217). A statement has a direct score, the probability
that it is true as the model says. A proof is a list of premises; its score is the probability that the statement
follows from them, times the scores of the premises. Proofs with a part below `threshold` are dropped; the premises of
the best of the others are proved in turn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from harness.strategies.proofs import Proof, Statement
from harness.strategies.search import Search, thoughts
from harness.strategies.yes_no import probability
from harness.types import Completion, Message

PROVE = (
    "Which two to five simpler statements, taken together, would show that this is true? Write one a line and nothing "
    "else, without reasons."
)
TRUE = 'Is this statement true? Answer with one word, "yes" or "no".'
FOLLOWS = 'Suppose that all of these are true:\n{premises}\n\nDoes the statement below follow? Answer "yes" or "no".'


@dataclass
class Prover:
    """Asks for scores and proofs in the conversation of a sample. What was scored once is not asked again."""

    search: Search
    proofs: int
    threshold: float
    samples: int
    """Replies to a question of yes or no; 0 to take the probability of the first token instead."""
    _known: dict[str, float] = field(default_factory=dict)
    _made: list[Statement] = field(default_factory=list)

    async def scores(self, questions: Sequence[tuple[str, int]]) -> list[float]:
        """The probability of yes to each question; with it comes the node that it is about."""
        new = {question: node for question, node in questions if question not in self._known}
        n, how = (self.samples, {}) if self.samples else (1, {"logprobs": 10, "max_tokens": 8})
        replies = await self.search.ask([self._asked(question) for question in new], n, **how)
        for (question, node), completions in zip(new.items(), replies, strict=True):
            self._known[question] = p = probability(completions)
            for completion in completions:
                by = "logprobs" if completion.logprobs else "share"
                self.search.note("score", node, call=completion.key, said=completion.text[:20], p=p, by=by)
        return [self._known[question] for question, _ in questions]

    async def hypotheses(self, stated: Sequence[tuple[Completion, int]]) -> list[Statement]:
        """Statements to be proved, with their direct scores; each stands behind the node of its answer."""
        made = [self._statement(reply.text.strip(), parent, reply.key) for reply, parent in stated]
        await self._score(made)
        return made

    def _statement(self, text: str, parent: int, call: str) -> Statement:
        self._made.append(Statement(self.search.number(), parent, text, 0.0, call))
        return self._made[-1]

    async def _score(self, statements: Sequence[Statement], *questions: tuple[str, int]) -> list[float]:
        """Give statements their direct scores; the scores of further questions, asked beside."""
        found = await self.scores([*((f"{TRUE}\n\n{s.text}", s.node) for s in statements), *questions])
        for statement, p in zip(statements, found, strict=False):
            statement.direct = statement.value = p
        return found[len(statements) :]

    def keep(self) -> None:
        """Note all statements. Premises with one parent and one call are one proof; `chosen` says that the value of a
        statement is that of its best proof."""
        for s in self._made:
            self.search.note("state", s.parent, s.node, call=s.call, partial=s.text, value=s.value, direct=s.direct,
                             chosen=s.used, entailment=s.proof.entailment if s.proof else None)  # fmt: skip

    async def prove(self, statements: Sequence[Statement]) -> list[Statement]:
        """Look for a proof of each of these statements, side by side. Returns the premises of those that were found."""
        replies = await self.search.ask([self._asked(f"{PROVE}\n\n{s.text}") for s in statements], self.proofs)
        offered: list[tuple[Statement, list[Statement], str]] = []
        for statement, completions in zip(statements, replies, strict=True):
            for completion in completions:
                lines = [line for line in thoughts(completion)[:5] if line != statement.text]
                self.search.note("prove", statement.node, call=completion.key, said=len(lines))
                premises = [self._statement(line, statement.node, completion.key) for line in lines]
                if premises and lines not in [[p.text for p in known] for s, known, _ in offered if s is statement]:
                    listed = "\n".join(f"- {line}" for line in lines)
                    offered.append((statement, premises, f"{FOLLOWS.format(premises=listed)}\n\n{statement.text}"))
        parts = [premise for _, premises, _ in offered for premise in premises]
        found = await self._score(parts, *((question, statement.node) for statement, _, question in offered))
        for (statement, premises, _), entailment in zip(offered, found, strict=True):
            proof = Proof(premises, entailment)
            sound = min(entailment, *(p.direct for p in premises)) >= self.threshold
            if sound and (statement.proof is None or proof.direct > statement.proof.direct):
                statement.proof = proof
        return [premise for s in statements if s.proof for premise in s.proof.premises]

    def _asked(self, text: str) -> list[Message]:
        *before, last = self.search.session.messages
        return [*before, Message(last.role, f"{last.content}\n\nDo not answer this yet. {text}")]
