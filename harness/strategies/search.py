"""What the strategies that search share: calls within a limit, thoughts as states, and nodes for the log.

A line of nodes.jsonl has the sample's `id` and `epoch`, its own number `node`, its `parent`'s, and a `role`:

- state: a partial answer (`partial`, `depth`, the `thought` behind it), its `value` (null if it was not weighed), and
  whether it was `pruned` and `chosen`, that is, worked on or kept. The first has no parent. `call` is the call that
  wrote it. `same_as` is the state that it was taken to be equal to, and so was not weighed.
- propose, value, choice: one call, of which the parent is the state that it is about (or chooses); `said` is what was
  read in it.
- final: its parent is the state that is the answer. edited: the question asked again behind an edited answer; `said`
  is whether its answer is another one (strategy decompose).

`call` is the key of a line in calls.jsonl, which has the prompt, the reply and the tokens; two nodes with one key share
a call that was made once.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UsageError
from harness.types import Completion, Message, Response, Session

NO_STEPS = "this task (or this kind of question) does not say its steps, so its answers can't be searched step by step"


class LimitMet(Exception):  # noqa: N818 - the end of a budget is not a fault
    """The next calls would be more than the sample may make."""


@dataclass
class State:
    """A partial answer. `complete`: the task asks for no step behind it."""

    node: int
    parent: int | None
    partial: str
    thought: str = ""
    depth: int = 0
    call: str = ""
    complete: bool = False
    value: float | None = None
    impossible: bool = False
    pruned: bool = False
    chosen: bool = False
    same_as: int | None = None


@dataclass
class Search:
    """The search of one sample: counts its calls up to `most`, and its nodes. `unjudged`: the verifier was to weigh the
    states, and can't tell of this sample (it is too large): it is searched without help, and its record says so."""

    session: Session
    most: int | None = None
    calls: int = 0
    nodes: int = 0
    unjudged: bool = False

    def number(self) -> int:
        """The number of the next node."""
        self.nodes += 1
        return self.nodes

    def note(self, role: str, parent: int | None, node: int | None = None, **more: Any) -> int:
        """Keep a node, under a number that it may have already."""
        node = node or self.number()
        self.session.note(node=node, parent=parent, role=role, **more)
        return node

    async def ask(self, asked: Sequence[Sequence[Message]], n: int = 1, **how: Any) -> list[list[Completion]]:
        """`n` answers to each of these prompts, side by side. LimitMet, and nothing is asked, if they are too many.
        Servers refuse an empty turn: it becomes "(no answer)"."""
        if self.most is not None and self.calls + n * len(asked) > self.most:
            raise LimitMet
        self.calls += n * len(asked)
        system = [m for m in self.session.messages if m.role == "system"]
        whole = [messages if messages[0] in system else [*system, *messages] for messages in asked]
        sent = [[m if m.content else Message(m.role, "(no answer)") for m in messages] for messages in whole]
        return list(await asyncio.gather(*(self.session.ask(messages, n=n, **how) for messages in sent)))

    def root(self) -> State:
        """The empty answer, which is noted at once. UsageError if the task has no steps."""
        if self.session.steps("", 1) is None:
            raise UsageError(NO_STEPS, "another strategy: harness strategies")
        root = State(self.number(), None, "", chosen=True)
        self.keep([root])
        return root

    async def grow(self, states: Sequence[State], k: int, sampled: bool) -> list[State]:
        """The states one thought behind these, in the order of the replies: of one reply that lists `k` thoughts, or of
        `k` replies with one thought each if `sampled`. Lines that are no step, and partial answers that came before,
        are left out."""
        prompts = [self.session.steps(state.partial, 1 if sampled else k) or [] for state in states]
        replies = await self.ask(prompts, k if sampled else 1)
        grown: dict[str, State] = {}
        for state, completions in zip(states, replies, strict=True):
            for completion in completions:
                known = len(grown)
                for thought in thoughts(completion):
                    partial = self.session.join(state.partial, thought)
                    if partial != state.partial and partial not in grown:
                        complete = self.session.steps(partial, 1) is None
                        grown[partial] = State(self.number(), state.node, partial, thought, state.depth + 1,
                                               completion.key, complete)  # fmt: skip
                        if sampled:
                            break
                said = f"{len(grown) - known} new"
                self.note("propose", state.node, call=completion.key, depth=state.depth, said=said)
        return list(grown.values())

    def keep(self, states: Sequence[State]) -> None:
        """Note states whose value and fate are known."""
        for s in states:
            self.note("state", s.parent, s.node, call=s.call, depth=s.depth, thought=s.thought, partial=s.partial,
                      value=s.value, complete=s.complete, pruned=s.pruned, chosen=s.chosen,
                      same_as=s.same_as)  # fmt: skip

    def answer(self, state: State) -> Response:
        """A state as the answer."""
        self.note("final", state.node)
        return Response(state.partial, detail={"unjudged": True} if self.unjudged else {})


def unfinished(best: str) -> Response:
    """The end of a search that met its limit, with the best answer that it held."""
    return Response("", "length", best_so_far=best)


_MARKER = re.compile(r"^\s{0,9}(?:[-*•]|\(?\d{1,3}[.)])\s+")


def thoughts(reply: Completion) -> list[str]:
    """The lines of a reply without bullets, numbers and blank lines; at most 100, so that a loop is no flood. The last
    line of a reply that was cut is left out: nobody knows how it goes on."""
    lines = [_MARKER.sub("", line).strip() for line in reply.text.splitlines()]
    whole = lines[:-1] if reply.stop_reason == "length" and not reply.text.endswith("\n") else lines
    return [line for line in whole if line][:100]
