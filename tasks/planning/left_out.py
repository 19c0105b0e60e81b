"""Steps of a plan that can be left out, and others of the same plan that look like them and can't. Answers come from
the executor; knows no wording and no prompt."""

from __future__ import annotations

import functools
import itertools
import random
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace

from harness.pddl.execute import Validator
from harness.pddl.parse import Fact
from harness.tasks.planning.instances import Instance, Plan, after

State = frozenset[Fact]
Step = tuple[str, ...]
Span = tuple[int, int]
"""The numbers (from 0) of two steps of a plan; the same twice for one step."""
Look = Callable[[Span], Hashable]
TRIES = 60
KEPT = 20
"""Plans that are looked at again if none has steps that look quite alike."""
UNORDERED = 0.7
"""How often early steps are needed and late ones are not, rather than that two steps take each other back: either tells
something, so neither is to be frequent."""


@dataclass(frozen=True)
class Padded:
    """A plan for the goal, with the states before its steps and at its end, and the steps that were put into it."""

    instance: Instance
    validator: Validator
    plan: Plan
    states: tuple[State, ...]
    extra: Span

    def works_without(self, span: Span) -> bool:
        """Whether the rest is a plan for the goal too."""
        state: State | None = self.states[span[0]]
        for i in range(span[0] + 1, len(self.plan)):
            if i not in span and state is not None:
                state = self.validator.apply(state, self.plan[i])
        return state is not None and state.issuperset(self.instance.goal)

    def undone(self, span: Span) -> bool:
        """Whether the second step takes back what the first did."""
        first, second = (self._change(i) for i in span)
        return first == second[::-1]

    def _change(self, number: int) -> tuple[State, State]:
        before, then = self.states[number : number + 2]
        return then - before, before - then

    def idle(self, span: Span) -> bool:
        """Whether two steps that follow each other leave everything as it was: no others are like them."""
        return span[1] - span[0] == 1 and self.undone(span)

    def about(self, span: Span) -> tuple[Hashable, ...]:
        """Whether they are about objects of the goal."""
        named = {name for fact in self.instance.goal for name in fact[1:]}
        return (any(name in named for i in span for name in self.plan[i][1:]),)

    def taken_back(self, span: Span) -> tuple[Hashable, ...]:
        """Also whether the second takes back what the first did, and whether the plan ends with them."""
        return *self.about(span), self.undone(span), span[1] + 1 == len(self.plan)

    def roughly(self, span: Span) -> tuple[Hashable, ...]:
        """Also whether they follow each other, are about the same object, and make a fact of the goal true."""
        first, last = span
        makes = any(fact in self._change(i)[0] for i in span for fact in self.instance.goal)
        same = self.plan[first][1:2] == self.plan[last][1:2]
        return *self.taken_back(span), last - first == 1, same, makes

    def closely(self, span: Span) -> tuple[Hashable, ...]:
        """Also whether something is done with the same object later."""
        later = self.plan[span[0]][1:2] in {step[1:2] for step in self.plan[span[1] + 1 :]}
        return *self.roughly(span), later

    def just_so(self, span: Span) -> tuple[Hashable, ...]:
        """Also what they are called."""
        return *self.closely(span), *(self.plan[i][0] for i in span)

    def needed(self, rng: random.Random, look: Look, later: bool | None = None) -> Span | None:
        """Other steps that can't be left out, and look like the extra ones; None if there are none. `later`: they begin
        after them, or before them."""
        numbers = range(len(self.plan))
        spans = [(i, j) for i in numbers for j in numbers[i:] if (i == j) == (self.extra[0] == self.extra[1])]
        spans = [span for span in spans if not set(span) & set(self.extra)]
        spans = [span for span in spans if later is None or later == (span[0] > self.extra[0])]
        wanted = look(self.extra)
        rng.shuffle(spans)
        alike = (span for span in spans if look(span) == wanted)
        return next((span for span in alike if not self.works_without(span)), None)


def pair(rng: random.Random, validator: Validator, instance: Instance, plan: Plan) -> tuple[Padded, Span] | None:
    """A plan for the goal, or for a part of it, of which one or two steps can be left out (`extra`), and as many that
    can't.

    They look as much alike as in any of the plans that are tried. Two steps that leave everything as it was can always
    be left out: they are taken only if no others look alike, and the twin's then take each other back too. Which of the
    two questions is about earlier steps is random, if there are such plans.
    """
    later = rng.random() < 0.5
    kept: list[Padded] = []
    for _ in range(TRIES if plan else 0):
        padded = _padded(rng, validator, instance, plan)
        if padded is None:
            continue
        kept.append(padded)
        found = None if padded.idle(padded.extra) else padded.needed(rng, padded.just_so, later)
        if found:
            return padded, found
    idle = [padded for padded in kept if padded.idle(padded.extra)][:KEPT]
    busy = [padded for padded in kept if not padded.idle(padded.extra)][:KEPT]
    alike = _first(rng, busy, (Padded.closely, Padded.roughly), later)
    unordered = alike or _first(rng, busy, (Padded.closely, Padded.roughly))
    if alike or (unordered and rng.random() < UNORDERED):
        return unordered
    twice = next(filter(None, (_twice(rng, padded, later) for padded in idle)), None)
    return twice or unordered or _first(rng, [*busy, *idle], (Padded.taken_back, Padded.about))


def _first(
    rng: random.Random,
    plans: Sequence[Padded],
    looks: Iterable[Callable[[Padded, Span], Hashable]],
    later: bool | None = None,
) -> tuple[Padded, Span] | None:
    """The first of the plans that has needed steps, under the first of the looks."""
    for look, padded in itertools.product(looks, plans):
        found = padded.needed(rng, functools.partial(look, padded), later)
        if found:
            return padded, found
    return None


def _twice(rng: random.Random, padded: Padded, later: bool) -> tuple[Padded, Span] | None:
    """There and back twice: each time can be left out, but not the first way there with the last way back."""
    first, _ = padded.extra
    there, states = padded.plan[first : first + 2], padded.states
    places = list(range(first + 2, len(padded.plan)))
    rng.shuffle(places)
    for place in places:
        middle = padded.validator.apply(states[place], there[0])
        if middle is None or padded.validator.apply(middle, there[1]) != states[place]:
            continue
        plan = (*padded.plan[:place], *there, *padded.plan[place:])
        whole = (*states[: place + 1], middle, *states[place:])
        extra = padded.extra if later else (place, place + 1)
        found, needed = replace(padded, plan=plan, states=whole, extra=extra), (first, place + 1)
        if found.undone(needed) and not found.works_without(needed):
            return found, needed
    return None


def _padded(rng: random.Random, validator: Validator, instance: Instance, plan: Plan) -> Padded | None:
    """The plan with up to two random steps put into it, the second at once or later, and then often one that takes the
    first back; never at the end. Often some facts of the goal are given up, so that steps of the plan are to spare too.
    None if it does not work with them, or if nothing is to spare."""
    if rng.random() < 0.8:
        kept = rng.sample(instance.goal, rng.randint(1, len(instance.goal)))
        instance = instance.wanting(fact for fact in instance.goal if fact in kept)
    first = rng.randrange(len(plan))
    places = rng.choice(((), (first,), (first, first), (first, rng.randrange(first, len(plan)))))
    states = [instance.init]
    whole: list[tuple[str, ...]] = []
    extra: list[int] = []
    for number, step in enumerate(plan):
        for _ in range(places.count(number)):
            steps = validator.applicable(states[-1])
            if not steps:
                return None
            extra.append(len(whole))
            if len(extra) == 2 and rng.random() < 0.3:
                steps = _back(validator, states, extra[0], steps) or steps
            whole.append(rng.choice(steps))
            states.append(after(validator, states[-1], whole[-1:]))
        then = validator.apply(states[-1], step)
        if then is None:
            return None
        whole.append(step)
        states.append(then)
    if instance.solved() or not states[-1].issuperset(instance.goal):
        return None
    span = (extra[0], extra[-1]) if extra else (0, 0)
    padded = Padded(instance, validator, tuple(whole), tuple(states), span)
    if extra and not padded.idle(span):
        return padded
    numbers = range(len(whole))
    others = [(i, i) for i in numbers] + list(itertools.pairwise(numbers))
    rng.shuffle(others)
    others.sort(key=lambda other: other[1] + 1 == len(whole))  # the end last: the twin can't ask about it too
    spare = next((o for o in others if not padded.idle(o) and padded.works_without(o)), span if extra else None)
    return None if spare is None else replace(padded, extra=spare)


def _back(validator: Validator, states: Sequence[State], number: int, steps: Sequence[Step]) -> list[Step]:
    """Those of the steps that take an earlier one back."""
    before, then = states[number : number + 2]
    ends = [(step, after(validator, states[-1], [step])) for step in steps]
    return [step for step, end in ends if (end - states[-1], states[-1] - end) == (before - then, then - before)]
