"""The tree of mcts: answers with their rewards, what they are worth, and which is worked on next (UCT). See mcts.py."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field

from harness.types import StopReason


@dataclass(eq=False)
class Answer:
    """A node of the tree: an answer with the rewards that it was given."""

    node: int
    text: str
    father: Answer | None = None
    call: str = ""
    stop_reason: StopReason = "stop"
    rewards: list[float] = field(default_factory=list)
    children: list[Answer] = field(default_factory=list)
    uct: float | None = None

    @property
    def q(self) -> float:
        """Halfway between the least and the mean reward."""
        return (min(self.rewards) + sum(self.rewards) / len(self.rewards)) / 2

    @property
    def open(self) -> bool:
        """Whether it may be rewritten once more: until it has three children, one of them as good as itself."""
        return len(self.children) < 3 or max(child.q for child in self.children) < self.q

    @property
    def backed_up(self) -> float:
        """Its Q, and halfway from there to the best of its children, whose own are backed up too."""
        return (self.q + max(child.backed_up for child in self.children)) / 2 if self.children else self.q


def update(answers: list[Answer], c: float) -> None:
    """UCT of every answer, as in the paper. The root's father is the root."""
    for a in answers:
        visits = len((a.father or a).rewards)
        a.uct = a.backed_up + c * math.sqrt((math.log(visits) + 1) / (len(a.rewards) + 1e-5))


def update_as_released(answers: list[Answer], c: float) -> None:
    """UCT of the leaves, and of fathers of leaves from what their children's Q is now: nothing above them."""
    leaves = [a for a in answers if not a.children]
    for a in [*leaves, *dict.fromkeys(leaf.father for leaf in leaves if leaf.father)]:
        q = (a.q + max(child.q for child in a.children)) / 2 if a.children else a.q
        visits = len(a.father.rewards) if a.father else 0
        a.uct = q + c * math.sqrt(math.log(visits + 1) / (len(a.rewards) + 1e-5))


_SCORE = re.compile(r"score(?: is)?[\s:*]{0,9}(-?\d{1,3})\b")


def score(reply: str) -> float | None:
    """The last score in a reply, from -100 to 100; None if there is none."""
    found = _SCORE.findall(reply[-2000:].lower().replace("\u2212", "-"))
    return min(100.0, max(-100.0, float(found[-1]))) if found else None
