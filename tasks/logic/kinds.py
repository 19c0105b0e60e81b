"""What a kind of the task `logic` has to give: a `Kind`, with its questions as `Item`s. Knows no kind by name.

A kind is one module with one `KIND`, listed in `every.py`. The task does the rest: it names groups and conditions,
reads the answers (all from closed lists) and scores them. A kind must

1. take every random choice from `asked.draw(purpose)`, so that a problem is the same whatever else is asked;
2. yield the items of one problem next to each other, one for each combination of the levels of `asked` and of its own
   forms; the first form is "plain";
3. have two solvers that share no code: one works on the drawn problem and gives `Item.answer`, the other (`Kind.solve`)
   reads nothing but the words of the question; a test says that they agree;
4. have a reader "shallow" among its `readers`, and state its floors in the README;
5. make the answers balanced, so that no word of the closed list is right by being frequent.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from harness.types import Collector, Feedback, Message, Param, Params, Score, StopReason

FACTORS: Mapping[str, str] = {
    "kind": "",
    "names": "familiar",
    "belief": "neutral",
    "form": "plain",
    "polarity": "drawn",
    "order": "shuffled",
    "distractors": "none",
    "world": "closed",
}
"""The factors of all kinds, each with the level that a kind has if it does not vary in it: the first of the gap."""

YES_NO = ("yes", "no")
YES_NO_UNKNOWN = ("yes", "no", "unknown")
UNKNOWN = "unknown"
"""The word of all kinds for "it does not follow, and neither does its opposite". Claims that a question can't be
answered, in any words, are read as this one."""


@dataclass(frozen=True)
class Asked:
    """What a kind is asked for: one problem, at every combination of these levels.

    `levels`: factor -> its levels, for the factors that the kind has in `Kind.levels`; never empty. `depth`: one of the
    kind's depths (0 if it has none). `draw(purpose, ...)` is the randomness for one purpose: the same each time.
    """

    levels: Mapping[str, tuple[str, ...]]
    depth: int
    draw: Callable[..., random.Random]


@dataclass(frozen=True)
class Item:
    """One question.

    The prompt is `question` (the premises and what is asked; it is kept as params.question) and `ask`, which says how
    to answer. `choices` is the closed list of answers, sorted or in a fixed order, so that it does not hint at the
    right one; `answer` is one of them, and the target. `levels`: factor -> level, for the factors that the kind varies
    (with `form`, if it has forms). `params` are more: scalars, or tuples of scalars. `also` in it are other words for
    the choices (plurals), in their order.
    """

    question: str
    ask: str
    choices: tuple[str, ...]
    answer: str
    levels: Mapping[str, str]
    params: Params = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The whole prompt."""
        return f"{self.question}\n{self.ask}"


Reads = Callable[[Params, random.Random], str]
"""A shallow reader: the params of a sample (without looking at `answer`) become one of the choices."""


@dataclass(frozen=True)
class Search:
    """What strategies of search may use, as `steps` and `judge` of harness.types.Task, from the params of the question
    alone. A partial answer is lines; how a line is joined is the same for all kinds (in_steps.join)."""

    steps: Callable[[Params, str, int], list[Message] | None]
    judge: Callable[[Params, str], float | None]


@dataclass(frozen=True)
class Kind:
    """One kind of reasoning.

    `levels`: factor -> the levels that the kind can vary in (of FACTORS; `form` is always varied in full, so it is not
    here). `depths`: the depths it can have, `usual` those by default; empty if it has no depth. `readers`: shallow
    readers by name, "shallow" among them. `solve` is the answer to the question of a sample: its params without
    `answer` and without levels. It may raise ValueError for a text that is no question of this kind. `score` replaces
    the closed list (scoring.closed), `feedback` the plain right or wrong; it must follow from the question alone.
    `search` if partial answers can be judged. `collector` makes tables of the kind's own records.
    """

    name: str
    about: str
    levels: Mapping[str, tuple[str, ...]]
    items: Callable[[Asked], Iterator[Item]]
    readers: Mapping[str, Reads]
    solve: Callable[[Params], str]
    depths: tuple[int, ...] = ()
    usual: tuple[int, ...] = ()
    score: Callable[[Params, str, StopReason], Score] | None = None
    feedback: Callable[[Params, str, str, StopReason], Feedback | None] | None = None
    search: Search | None = None
    collector: Callable[[], Collector] | None = None


def numbered(params: Params, key: str) -> tuple[str, ...]:
    """A param that is a tuple of texts; read back from a file it is a list. Empty if it is not there."""
    value: Param | list[str] = params.get(key)
    return tuple(map(str, value)) if isinstance(value, tuple | list) else ()
