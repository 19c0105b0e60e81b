"""All states that can be reached in a problem, and what follows from them: which facts can come about together, which
must on the way to a goal, how far the goal is. Exact, by breadth-first search; knows no wording and no prompt."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from harness.pddl.execute import Validator
from harness.pddl.parse import Fact

State = frozenset[Fact]
Step = tuple[str, ...]
MOST_STATES = 10_000
"""A larger problem is not gone through."""


@dataclass(frozen=True, eq=False)
class Space:
    """The states that can be reached from the first of them, each with its steps and the numbers of the states after
    them. Sets of states are whole numbers with a bit for each state."""

    states: tuple[State, ...]
    steps: tuple[tuple[tuple[Step, int], ...], ...]

    @cached_property
    def number(self) -> Mapping[State, int]:
        """The number of each state."""
        return {state: i for i, state in enumerate(self.states)}

    @cached_property
    def ordered(self) -> list[State]:
        """The states in an order that does not depend on the first of them: problems that share a space get the same
        states by the same random numbers, whichever of them came first."""
        return sorted(self.states, key=sorted)

    @cached_property
    def facts(self) -> Mapping[Fact, int]:
        """Each fact that can come about, with the states in which it is true."""
        return _sets((fact, i) for i, state in enumerate(self.states) for fact in state)

    @cached_property
    def actions(self) -> Mapping[Step, int]:
        """Each step that can ever be taken, with the states in which it can."""
        return _sets((step, i) for i, steps in enumerate(self.steps) for step, _ in steps)

    @cached_property
    def _before(self) -> list[list[int]]:
        before: list[list[int]] = [[] for _ in self.states]
        for i, steps in enumerate(self.steps):
            for _, after in steps:
                before[after].append(i)
        return before

    def distances(self, goal: Iterable[Fact]) -> dict[int, int]:
        """The fewest steps to the goal from every state from which it can be reached."""
        wanted = frozenset(goal)
        found = dict.fromkeys((i for i, state in enumerate(self.states) if wanted <= state), 0)
        waiting = deque(found)
        while waiting:
            state = waiting.popleft()
            for earlier in self._before[state]:
                if earlier not in found:
                    found[earlier] = found[state] + 1
                    waiting.append(earlier)
        return found

    @cached_property
    def _whole(self) -> dict[int, bool]:
        return {0: True}

    def is_of(self, start: int) -> bool:
        """Whether all states can be reached from this one too: then it has the same space."""
        if start not in self._whole:
            seen, waiting = {start}, [start]
            while waiting:
                after = {i for _, i in self.steps[waiting.pop()]} - seen
                seen |= after
                waiting += after
            self._whole[start] = len(seen) == len(self.states)
        return self._whole[start]

    def landmarks(self, start: int, goal: Iterable[Fact]) -> frozenset[Fact]:
        """The facts that are true at some time in every plan from a state to the goal, which can be reached from it.

        What must have been true on the way to a state is what is true in it, and what must have been on the way to each
        of the states before it: sets that shrink until nothing changes.
        """
        wanted, true = frozenset(goal), self._true
        passed: dict[int, int] = {start: true[start]}
        waiting = deque([start])
        common = -1
        while waiting:
            state = waiting.popleft()
            if wanted <= self.states[state]:
                common &= passed[state]
                continue
            for _, after in self.steps[state]:
                must = passed[state] | true[after]
                before = passed.get(after)
                if before is None or before & must != before:
                    passed[after] = must if before is None else before & must
                    waiting.append(after)
        return frozenset(fact for i, fact in enumerate(self.facts) if common >> i & 1)

    @cached_property
    def _true(self) -> list[int]:
        """The facts of each state, with a bit for each fact."""
        bit = {fact: 1 << i for i, fact in enumerate(self.facts)}
        return [sum(bit[fact] for fact in state) for state in self.states]


def _sets(members: Iterable[tuple[tuple[str, ...], int]]) -> dict[tuple[str, ...], int]:
    found: dict[tuple[str, ...], list[int]] = {}
    for name, i in members:
        found.setdefault(name, []).append(i)
    return {name: sum(1 << i for i in numbers) for name, numbers in found.items()}


def explored(validator: Validator, start: State, most: int = MOST_STATES) -> Space | None:
    """All states that can be reached from one; None if there are more than `most`. Raises ValueError if numbers decide
    which steps can be taken."""
    after_of = _after(validator)
    number = {start: 0}
    states, steps = [start], list[tuple[tuple[Step, int], ...]]()
    for state in states:  # grows
        here = []
        for step, after in after_of(state):
            i = number.get(after)
            if i is None:
                if len(states) >= most:
                    return None
                i = number[after] = len(states)
                states.append(after)
            here.append((step, i))
        steps.append(tuple(here))
    return Space(tuple(states), tuple(steps))


MOST_STEPS = 20_000


def _after(validator: Validator) -> Callable[[State], Iterator[tuple[Step, State]]]:
    """What gives the steps from a state, and the states after them. To try each step there is takes far less time than
    to look for those that fit, if there are not too many."""
    possible = validator.possible(MOST_STEPS)

    def found(state: State) -> Iterator[tuple[Step, State]]:
        for step in validator.applicable(state):
            after = validator.apply(state, step)
            assert after is not None
            yield step, after

    def tried(state: State) -> Iterator[tuple[Step, State]]:
        for step, (needs, adds, deletes) in possible or ():
            if needs <= state:
                yield step, (state - deletes) | adds

    return found if possible is None else tried


class Spaces:
    """The spaces of problems. Problems with the same objects and unchanging facts share one, if all of its states can
    be reached from the start of each."""

    def __init__(self, most: int = 24) -> None:
        """`most` spaces are kept."""
        self._kept: dict[tuple[object, ...], Space | None] = {}
        self._most = most

    def of(self, domain: str, validator: Validator) -> Space | None:
        """The space of a problem, `domain` being its domain in PDDL; None if it is too large, or if numbers decide
        which steps can be taken."""
        start = validator.problem.init
        objects = tuple(sorted(validator.problem.objects.items()))
        fixed = frozenset(fact for fact in start if fact[0] not in validator.changing)
        key = (domain, objects, fixed)
        kept = self._kept.get(key)
        if kept is not None and start in kept.number and kept.is_of(kept.number[start]):
            return kept
        try:
            space = explored(validator, start)
        except ValueError:
            space = None
        if len(self._kept) >= self._most:
            self._kept.pop(next(iter(self._kept)))
        self._kept[key] = space
        return space


SPACES = Spaces()
