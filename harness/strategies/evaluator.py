"""How a search weighs partial answers: the model gives each a verdict, or votes between them, or the verifier judges.

After Tree of Thoughts (Yao et al. 2023, arXiv 2305.10601): sure, likely and impossible are worth 20, 1 and 0.001, and
the verdicts of several replies are added up.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from harness.errors import UsageError
from harness.strategies.search import Search, State
from harness.types import Completion, Message

WORTH = {"sure": 20.0, "likely": 1.0, "impossible": 0.001}
UNKNOWN = 0.001
"""The value of a state of which the verifier can't tell: below all that can be reached, and not pruned."""

WEIGH = (
    "So far this is only the beginning of an answer. Can it still become a right one? Say briefly what speaks for and "
    "against it. Then end with a line that has one word: sure (it leads there), likely (it may) or impossible (nothing "
    "right can come of it)."
)
REPLIES, CACHE = 3, "sample"
"""How many verdicts on a state, and when they are used again, unless an option says otherwise."""

VOTE = (
    "Here are beginnings of an answer, by number. Say briefly what each is worth. Then end with a line of the form "
    '"best choice: NUMBER".'
)


def check_verdicts(strategy: str, how: str, replies: int, cache: str) -> None:
    """UsageError for options of the model's verdicts if it gives none: they would look like a difference of runs."""
    if how != "value" and cache != CACHE:
        raise UsageError(f"strategy {strategy}: cache={cache} is of evaluate=value, and evaluate={how}", "leave it out")
    if how == "judge" and replies != REPLIES:
        raise UsageError(
            f"strategy {strategy}: n_evaluate={replies}: with evaluate=judge nobody is asked", "leave it out"
        )


@dataclass
class Evaluator:
    """Gives states their value. `replies`: how many for each state, or votes at each step. `cache`: verdicts are used
    again for the same prompt, in the whole run, in this sample, or not at all."""

    search: Search
    how: Literal["value", "vote", "judge"]
    replies: int
    cache: Literal["run", "sample", "none"]
    _known: dict[tuple[Message, ...], list[Completion]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.search.unjudged = self.how == "judge" and self.search.session.judge("") is None

    async def weigh(self, states: Sequence[State]) -> None:
        """Set `value`, and `impossible` if all verdicts are that (or the verifier's is 0)."""
        if self.how == "judge":
            for state in states:
                value = self.search.session.judge(state.partial)
                state.value, state.impossible = (UNKNOWN, False) if value is None else (value, value <= 0)
        elif states:
            await (self._vote(states) if self.how == "vote" else self._verdicts(states))

    def question(self, partial: str) -> tuple[Message, ...]:
        """What is asked about a partial answer: in the task's words, else in ours."""
        own = self.search.session.weigh(partial)
        if own is not None:
            return tuple(own)
        return (*self.search.session.messages, Message("assistant", partial), Message("user", WEIGH))

    def distinct(self, states: Sequence[State]) -> list[State]:
        """The first of all states about which the same is asked; the others are `same_as` it."""
        first: dict[tuple[Message, ...], State] = {}
        for state in states:
            known = first.setdefault(self.question(state.partial), state)
            state.same_as = None if known is state else known.node
        return list(first.values())

    async def _verdicts(self, states: Sequence[State]) -> None:
        prompts = [self.question(state.partial) for state in states]
        if self.cache == "none":
            found = await self.search.ask(prompts, self.replies)
        else:
            new = list(dict.fromkeys(p for p in prompts if p not in self._known))
            replies = await self.search.ask(new, self.replies, shared=self.cache == "run")
            self._known |= dict(zip(new, replies, strict=True))
            found = [self._known[p] for p in prompts]
        for state, completions in zip(states, found, strict=True):
            said = [verdict(completion.text) for completion in completions]
            for completion, word in zip(completions, said, strict=True):
                self.search.note("value", state.node, call=completion.key, said=word)
            state.value = sum(WORTH.get(word, 0.0) for word in said)
            state.impossible = set(said) == {"impossible"}

    async def _vote(self, states: Sequence[State]) -> None:
        choices = "\n\n".join(f"Choice {i}:\n{state.partial}" for i, state in enumerate(states, 1))
        *before, last = self.search.session.messages
        asked = [*before, Message(last.role, f"{last.content}\n\n{VOTE}\n\n{choices}")]
        [votes] = await self.search.ask([asked], self.replies)
        for state in states:
            state.value = 0.0
        for completion in votes:
            number = choice(completion.text, len(states))
            self.search.note("choice", states[number - 1].node if number else None, call=completion.key, said=number)
            if number:
                states[number - 1].value = (states[number - 1].value or 0) + 1


_WORD = re.compile(r"\b(?<!not )(sure|likely|impossible)\b")
_CHOICE = re.compile(r"best choice(?: is)?[\s:*#]{0,9}(?:choice )?(\d{1,4})\b")


def verdict(reply: str) -> str:
    """The one of the three words in the last line of a reply; "" if there is none, or more than one."""
    lines = reply.strip().lower().rsplit("\n", 1)
    found = set(_WORD.findall(lines[-1][-300:]))
    return found.pop() if len(found) == 1 else ""


def choice(reply: str, most: int) -> int:
    """The last choice that a reply names, from 1; 0 if it names none of those up to `most`."""
    found = _CHOICE.findall(reply[-2000:].lower())
    number = int(found[-1]) if found else 0
    return number if number <= most else 0
