"""Statements, the proofs of them, and what a proof does to the value of a statement. See entailment.py."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal


@dataclass
class Statement:
    """A hypothesis or a premise. `value` is its direct score until a proof revises it."""

    node: int
    parent: int | None
    text: str
    direct: float
    call: str = ""
    proof: Proof | None = None
    value: float = 0.0
    used: bool = False

    def size(self) -> tuple[int, int]:
        """(depth, leaves) of the proofs that its value rests on: (0, 1) if on its direct score alone. Products shrink
        with the number of premises, so values of proofs of other sizes can't be compared."""
        if not self.used or self.proof is None:
            return 0, 1
        sizes = [premise.size() for premise in self.proof.premises]
        return 1 + max(depth for depth, _ in sizes), sum(leaves for _, leaves in sizes)


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
