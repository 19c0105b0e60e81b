"""Backward chaining: is a statement true, and does it follow from simpler statements that are? See decompose.py.

After Entailer (Tafjord, Dalvi Mishra, Clark 2022, arXiv 2210.12217). A statement has a direct score, the probability
that it is true as the model says. A proof is a list of premises; its score is the probability that the statement
follows from them, times the scores of the premises. Proofs with a part below `threshold` are dropped; the premises of
the best of the others are proved in turn.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.strategies.search import Search, thoughts
from harness.types import Completion, Message

PROVE = (
    "Which two to five simpler statements, taken together, would show that this is true? Write one a line and nothing "
    "else, without reasons."
)
TRUE = 'Is this statement true? Answer with one word, "yes" or "no".'
FOLLOWS = 'Suppose that all of these are true:\n{premises}\n\nDoes the statement below follow? Answer "yes" or "no".'


@dataclass
class Statement:
    """A hypothesis or a premise. `value` is its direct score until a proof revises it."""

    node: int
    parent: int | None
    text: str
    direct: float
    proof: Proof | None = None
    value: float = 0.0
    used: bool = False


@dataclass
class Proof:
    """Premises, and the probability that the statement follows from them."""

    premises: Sequence[Statement]
    entailment: float

    @property
    def direct(self) -> float:
        """Entailment times the premises' direct scores."""
        return self.entailment * math.prod(premise.direct for premise in self.premises)

    @property
    def value(self) -> float:
        """Entailment times the premises' revised scores."""
        return self.entailment * math.prod(premise.value for premise in self.premises)


def revise(statement: Statement, rule: Literal["max", "product"], root: bool = True) -> float:
    """Set the value of a statement from its premises up, and return it.

    A proof counts if it is more certain than the direct score is of yes or no. With the rule `product` the hypothesis
    itself takes the score of its proof in any case; its premises are split only if that is more certain.
    """
    statement.value = statement.direct
    if statement.proof is not None:
        for premise in statement.proof.premises:
            revise(premise, rule, root=False)
        score = statement.proof.value
        statement.used = score > max(statement.direct, 1 - statement.direct) or (root and rule == "product")
        statement.value = score if statement.used else statement.direct
    return statement.value


@dataclass
class Prover:
    """Asks for scores and proofs in the conversation of a sample. What was scored once is not asked again."""

    search: Search
    proofs: int
    threshold: float
    samples: int
    """Replies to a question of yes or no; 0 to take the probability of the first token instead."""
    _known: dict[str, float] = field(default_factory=dict)

    async def scores(self, questions: Sequence[tuple[str, int]]) -> list[float]:
        """The probability of yes to each question; with it comes the node that it is about."""
        new = {question: node for question, node in questions if question not in self._known}
        n, how = (self.samples, {}) if self.samples else (1, {"logprobs": 10, "max_tokens": 8})
        replies = await self.search.ask([self._asked(question) for question in new], n, **how)
        for (question, node), completions in zip(new.items(), replies, strict=True):
            self._known[question] = p = probability(completions)
            for completion in completions:
                self.search.note("score", node, call=completion.key, said=completion.text[:20], p=p)
        return [self._known[question] for question, _ in questions]

    async def hypotheses(self, texts: Sequence[str]) -> list[Statement]:
        """Statements to be proved, with their direct scores."""
        nodes = [self.search.number() for _ in texts]
        direct = await self.scores([(f"{TRUE}\n\n{text}", node) for text, node in zip(texts, nodes, strict=True)])
        return [Statement(node, None, text, p) for node, text, p in zip(nodes, texts, direct, strict=True)]

    async def prove(self, statements: Sequence[Statement]) -> list[Statement]:
        """Look for a proof of each of these statements, side by side. Returns the premises of those that were found."""
        replies = await self.search.ask([self._asked(f"{PROVE}\n\n{s.text}") for s in statements], self.proofs)
        offered: list[tuple[Statement, list[Statement], str]] = []
        for statement, completions in zip(statements, replies, strict=True):
            for completion in completions:
                lines = [line for line in thoughts(completion.text)[:5] if line != statement.text]
                self.search.note("prove", statement.node, call=completion.key, said=len(lines))
                premises = [Statement(self.search.number(), statement.node, line, 0.0) for line in lines]
                if premises and lines not in [[p.text for p in known] for s, known, _ in offered if s is statement]:
                    listed = "\n".join(f"- {line}" for line in lines)
                    offered.append((statement, premises, f"{FOLLOWS.format(premises=listed)}\n\n{statement.text}"))
        parts = [premise for _, premises, _ in offered for premise in premises]
        asked = [(f"{TRUE}\n\n{s.text}", s.node) for s in parts] + [(question, s.node) for s, _, question in offered]
        found = await self.scores(asked)
        for premise, p in zip(parts, found[: len(parts)], strict=True):
            premise.direct = premise.value = p
        for (statement, premises, _), entailment in zip(offered, found[len(parts) :], strict=True):
            proof = Proof(premises, entailment)
            sound = min(entailment, *(p.direct for p in premises)) >= self.threshold
            if sound and (statement.proof is None or proof.direct > statement.proof.direct):
                statement.proof = proof
        return [premise for s in statements if s.proof for premise in s.proof.premises]

    def _asked(self, text: str) -> list[Message]:
        *before, last = self.search.session.messages
        return [*before, Message(last.role, f"{last.content}\n\nDo not answer this yet. {text}")]


def probability(replies: Sequence[Completion]) -> float:
    """The probability of yes: from the first token's alternatives if the one reply has them, else the share of yes
    among the replies, as (yes + 1) / (replies + 2) so that few replies are not taken for certainty."""
    if len(replies) == 1 and replies[0].logprobs:
        first = replies[0].logprobs[0]
        mass = {"yes": 0.0, "no": 0.0}
        for token, logprob in first.top or ((first.token, first.logprob),):
            word = _word(token)
            if word in mass:
                mass[word] += math.exp(min(0.0, logprob))
        if sum(mass.values()) > 0:
            return mass["yes"] / sum(mass.values())
    said = [_word(reply.text) for reply in replies]
    return (said.count("yes") + 1) / (said.count("yes") + said.count("no") + 2)


def _word(text: str) -> str:
    found = re.match(r"\W{0,9}(yes|no|true|false)\b", text.lower())
    return {"true": "yes", "false": "no"}.get(found[1], found[1]) if found else ""
