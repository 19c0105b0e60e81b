"""Three puzzles whose size can grow without end: the tower of Hanoi, a river crossing in couples, jumping checkers.

Each has instances at random and a solver of its own, which proves for every instance that a plan exists and how many
steps the shortest one has. These are puzzles of the "Illusion of Thinking" debate (arXiv 2506.09250, 2507.01231), in
which cut answers and instances without a solution were scored as failures: so sizes without a plan are refused here.
Knows no wording, no prompt and no planner.
"""

from __future__ import annotations

import functools
import itertools
import random
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

from harness.pddl.parse import Fact
from harness.tasks.planning.instances import Instance, Plan

State = TypeVar("State")
Step = tuple[str, ...]


@dataclass(frozen=True)
class Rules(Generic[State]):
    """A puzzle of some size: its objects and unchanging facts, the facts of a state, and the steps from a state, each
    with the state after it."""

    objects: dict[str, str]
    fixed: frozenset[Fact]
    facts: Callable[[State], frozenset[Fact]]
    moves: Callable[[State], Iterable[tuple[Step, State]]]

    def instance(self, state: State, goal: Iterable[Fact]) -> Instance:
        """The problem of reaching these facts from a state."""
        return Instance(self.objects, self.fixed | self.facts(state), tuple(goal))


def search(rules: Rules[State], start: State, goal: Iterable[Fact]) -> Plan | None:
    """A plan with the fewest steps to a state that has these facts, by breadth-first search; None if there is none."""
    wanted = frozenset(goal) - rules.fixed
    before: dict[State, tuple[State, Step] | None] = {start: None}
    waiting = deque(before)
    while waiting:
        state = waiting.popleft()
        if wanted <= rules.facts(state):
            plan: list[Step] = []
            while (last := before[state]) is not None:
                state, step = last
                plan.append(step)
            return tuple(reversed(plan))
        for step, after in rules.moves(state):
            if after not in before:
                before[after] = (state, step)
                waiting.append(after)
    return None


def reached(rules: Rules[State], start: State) -> list[State]:
    """Every state that can be reached, in the order in which a breadth-first search finds them."""
    seen = {start: None}
    waiting = deque(seen)
    while waiting:
        for _, after in rules.moves(waiting.popleft()):
            if after not in seen:
                seen[after] = None
                waiting.append(after)
    return list(seen)


# The tower of Hanoi -----------------------------------------------------------------------------------------------

Pegs = tuple[int, ...]
"""The peg (0, 1, 2) of each disc, from the smallest disc on."""
PEGS = ("peg1", "peg2", "peg3")


def hanoi_rules(discs: int) -> Rules[Pegs]:
    """Disc 1 is the smallest; each may lie on a peg or on a larger disc."""
    names = _discs(discs)
    objects = dict.fromkeys(names, "disc") | dict.fromkeys(PEGS, "peg")
    fixed = {("fits", disc, peg) for disc in names for peg in PEGS}
    fixed |= {("fits", small, large) for small, large in itertools.combinations(names, 2)}

    def facts(state: Pegs) -> frozenset[Fact]:
        found = {("on", names[d], _below(state, d, names)) for d in range(discs)}
        covered = {fact[2] for fact in found}
        return frozenset(found | {("clear", name) for name in (*names, *PEGS) if name not in covered})

    def moves(state: Pegs) -> Iterable[tuple[Step, Pegs]]:
        for d, peg in enumerate(state):
            for to in range(3):
                if to != peg and not {peg, to} & set(state[:d]):
                    yield _hanoi_step(state, d, to, names), (*state[:d], to, *state[d + 1 :])

    return Rules(objects, frozenset(fixed), facts, moves)


def _discs(count: int) -> list[str]:
    return [f"disc{d}" for d in range(1, count + 1)]


def _below(state: Pegs, disc: int, names: list[str]) -> str:
    """What a disc lies on: the next larger one on its peg, or the peg."""
    return next((names[d] for d in range(disc + 1, len(state)) if state[d] == state[disc]), PEGS[state[disc]])


def _hanoi_step(state: Pegs, disc: int, to: int, names: list[str]) -> Step:
    # All discs on the other peg are larger, so the smallest of them is on top.
    onto = next((names[d] for d in range(len(state)) if d != disc and state[d] == to), PEGS[to])
    return ("move", names[disc], _below(state, disc, names), onto)


def hanoi_tower(state: Pegs, to: int) -> Plan:
    """The only shortest way to bring all discs to one peg: the largest disc that is not there moves once, after all
    smaller ones have gone to the third peg. From one tower to another these are 2^n - 1 moves."""
    names, now = _discs(len(state)), list(state)
    plan: list[Step] = []

    def bring(count: int, peg: int) -> None:
        for d in range(count - 1, -1, -1):
            if now[d] != peg:
                bring(d, 3 - now[d] - peg)
                plan.append(_hanoi_step(tuple(now), d, peg, names))
                now[d] = peg
                bring(d, peg)
                return

    bring(len(now), to)
    return tuple(plan)


def hanoi_moves(state: Pegs, to: int) -> int:
    """The number of moves of `hanoi_tower`, without making them."""
    total = 0
    for d in range(len(state) - 1, -1, -1):
        if state[d] != to:
            total += 2**d
            to = 3 - state[d] - to
    return total


def hanoi(rng: random.Random, discs: int, start: str = "any") -> Instance:
    """All discs are wanted on one peg. The peg is drawn uniformly, and so is the start: over all 3^n states, or over
    the other two towers (`start` tower)."""
    to = rng.randrange(3)
    tower = start == "tower"
    state = (rng.choice([p for p in range(3) if p != to]),) * discs if tower else tuple(rng.choices(range(3), k=discs))
    return hanoi_instance(state, to)


def hanoi_instance(state: Pegs, to: int) -> Instance:
    """All discs are wanted on one peg."""
    rules = hanoi_rules(len(state))
    return rules.instance(state, sorted(f for f in rules.facts((to,) * len(state)) if f[0] == "on"))


def hanoi_pattern(rng: random.Random, size: int) -> tuple[Instance, Plan]:
    """A tower to another peg."""
    here, there = rng.sample(range(3), 2)
    return hanoi_instance((here,) * size, there), hanoi_tower((here,) * size, there)


def _hanoi_solved(instance: Instance) -> Plan | None:
    on = {fact[1]: fact[2] for fact in instance.init if fact[0] == "on"}
    names = _discs(len(on))
    rules = hanoi_rules(len(names))
    state = tuple(_peg_of(name, on) for name in names)
    _known(rules, state, instance)
    for to in range(3):
        if set(instance.goal) == {f for f in rules.facts((to,) * len(names)) if f[0] == "on"}:
            return hanoi_tower(state, to)
    return search(rules, state, instance.goal)


def _peg_of(name: str, on: dict[str, str]) -> int:
    for _ in range(len(on) + 1):
        if name in PEGS:
            return PEGS.index(name)
        name = on.get(name, "")
    raise Unknown


# River crossing ---------------------------------------------------------------------------------------------------

Bank = frozenset[str]
Crossing = tuple[Bank, bool]
"""Who is on the left bank, and whether the boat is there."""
MOST_PAIRS = {2: 3, 3: 5}
"""A boat for two takes three pairs across at most, one for three five: the tests search all states of one pair more."""


def river_rules(pairs: int, boat: int) -> Rules[Crossing]:
    """Clients and their agents, and a boat for two or three."""
    clients, agents = ([f"{kind}{i}" for i in range(1, pairs + 1)] for kind in ("client", "agent"))
    people = frozenset((*clients, *agents))
    objects = dict.fromkeys(clients, "client") | dict.fromkeys(agents, "agent") | dict.fromkeys(_BANKS, "bank")
    fixed: set[Fact] = {("across", "left", "right"), ("across", "right", "left")}
    fixed |= {("works-for", agent, client) for client, agent in zip(clients, agents, strict=True)}
    fixed |= {("roomy",)} if boat == 3 else set()

    def allowed(bank: Bank) -> bool:
        # Nobody's agent is there, or every client's own agent is.
        return not bank.intersection(agents) or all(f"agent{p[6:]}" in bank for p in bank if p[0] == "c")

    def facts(state: Crossing) -> frozenset[Fact]:
        left, boat_left = state
        return frozenset({("at", p, "left" if p in left else "right") for p in people} | {("boat", _side(boat_left))})

    def moves(state: Crossing) -> Iterable[tuple[Step, Crossing]]:
        left, boat_left = state
        if not (allowed(left) and allowed(people - left)):
            return
        here = sorted(left if boat_left else people - left)
        for count, action in enumerate(("cross-alone", "cross-together", "cross-three")[:boat], 1):
            for crew in itertools.combinations(here, count):
                after = left.difference(crew) if boat_left else left.union(crew)
                yield (action, *crew, _side(boat_left), _side(not boat_left)), (after, not boat_left)

    return Rules(objects, frozenset(fixed), facts, moves)


_BANKS = ("left", "right")


def _side(left: bool) -> str:
    return "left" if left else "right"


def _all_left(pairs: int) -> Crossing:
    return frozenset(f"{kind}{i}" for kind in ("client", "agent") for i in range(1, pairs + 1)), True


def river(rng: random.Random, pairs: int, boat: int, start: str = "any") -> Instance:
    """Everybody is wanted on the right bank. The start is drawn uniformly over the states from which that can be done
    and takes more than one crossing, or everybody is on the left bank (`start` together)."""
    rules = river_rules(pairs, boat)
    first = _all_left(pairs)
    state = first if start == "together" else rng.choice(_river_states(pairs, boat))
    return rules.instance(state, [("at", name, "right") for name in sorted(first[0])])


@functools.lru_cache(maxsize=16)
def _river_states(pairs: int, boat: int) -> list[Crossing]:
    """The states that can be reached from the first one, from which another crossing is allowed and one is not enough
    (unless one always is). Every crossing between two of them can be taken back, so each can reach the goal if one can.
    """
    rules = river_rules(pairs, boat)
    found = [state for state in reached(rules, _all_left(pairs)) if any(True for _ in rules.moves(state))]
    goal = rules.facts((frozenset(), False))
    far = [state for state in found if len(search(rules, state, goal) or ()) > 1]
    return sorted(far or found, key=lambda state: (sorted(state[0]), state[1]))


def river_pattern(rng: random.Random, size: int) -> tuple[Instance, Plan]:
    """All agents are on the right bank, and all clients on the left one: two cross, and one comes back for the next."""
    rules = river_rules(size, 2)
    clients = [f"client{i}" for i in range(1, size + 1)]
    ferry, *others = rng.sample(clients, size)
    over, back = ("left", "right"), ("right", "left")
    plan: list[Step] = [] if others else [("cross-alone", ferry, *over)]
    for i, other in enumerate(others):
        plan += [("cross-alone", ferry, *back)] if i else []
        plan.append(("cross-together", ferry, other, *over))
    return rules.instance((frozenset(clients), True), [("at", c, "right") for c in clients]), tuple(plan)


def _river_solved(instance: Instance) -> Plan | None:
    pairs = sum(kind == "client" for kind in instance.objects.values())
    rules = river_rules(pairs, 3 if ("roomy",) in instance.init else 2)
    left = frozenset(fact[1] for fact in instance.init if fact[0] == "at" and fact[2] == "left")
    state = (left, ("boat", "left") in instance.init)
    _known(rules, state, instance)
    return search(rules, state, instance.goal)


# Jumping checkers -------------------------------------------------------------------------------------------------

Row = tuple[str, ...]
"""The checker in each cell, from left to right; "" for the empty cell."""


def checkers_rules(reds: int, blues: int) -> Rules[Row]:
    """Red checkers go to the right and blue ones to the left, on one cell more than there are checkers."""
    names = [f"red{i}" for i in range(1, reds + 1)] + [f"blue{i}" for i in range(1, blues + 1)]
    cells = [f"cell{i}" for i in range(1, len(names) + 2)]
    objects = {name: f"{name.rstrip('0123456789')}-checker" for name in names} | dict.fromkeys(cells, "cell")
    fixed = frozenset(("next", a, b) for a, b in itertools.pairwise(cells))

    def facts(row: Row) -> frozenset[Fact]:
        return frozenset(("at", x, cell) if x else ("empty", cell) for x, cell in zip(row, cells, strict=True))

    def moves(row: Row) -> Iterable[tuple[Step, Row]]:
        to = row.index("")
        for way, colour, direction in ((-1, "red", "right"), (1, "blue", "left")):
            near, far = to + way, to + 2 * way
            if 0 <= near < len(row) and row[near].startswith(colour):
                yield (f"slide-{direction}", row[near], cells[near], cells[to]), _swapped(row, near, to)
            elif 0 <= far < len(row) and row[far].startswith(colour):
                step = (f"jump-{direction}", row[far], cells[far], row[near], cells[near], cells[to])
                yield step, _swapped(row, far, to)

    return Rules(objects, fixed, facts, moves)


def _swapped(row: Row, a: int, b: int) -> Row:
    cells = list(row)
    cells[a], cells[b] = cells[b], cells[a]
    return tuple(cells)


def _first_row(reds: int, blues: int) -> Row:
    return (*(f"red{i}" for i in range(1, reds + 1)), "", *(f"blue{i}" for i in range(1, blues + 1)))


def checkers_moves(start: Row, end: Row) -> int:
    """The number of moves of every plan from one row to another: nothing goes back, so the cells to go are those
    between the places, and each pair of a red and a blue checker that changes sides spares one move. From n against n
    to the colours swapped these are 2n(n + 1) - n^2 = n(n + 2)."""
    a, b = ({x: i for i, x in enumerate(row) if x} for row in (start, end))
    reds, blues = ([x for x in a if x.startswith(colour)] for colour in ("red", "blue"))
    jumps = sum(a[r] < a[c] and b[r] > b[c] for r in reds for c in blues)
    return sum(abs(b[x] - a[x]) for x in a) - jumps


def checkers(rng: random.Random, each: int, start: str = "any") -> Instance:
    """So many checkers of each colour. Start and goal are two rows on one of the two ways to swap the colours, at least
    half of its moves apart: a step off it soon leads to a row without moves. Or they are its ends (`start` swap)."""
    rules = checkers_rules(each, each)
    way = _way(each)
    if start == "swap":
        return _to_row(rules, way[0], way[-1])
    if rng.random() < 0.5:
        way = tuple(_mirrored(row, each) for row in way)
    last = len(way) - 1
    apart = rng.randint((last + 1) // 2, last)
    a = rng.randint(0, last - apart)
    return _to_row(rules, way[a], way[a + apart])


@functools.lru_cache(maxsize=16)
def _way(each: int) -> tuple[Row, ...]:
    """The rows from one in which the colours face each other to the one in which they are swapped."""
    rules, row = checkers_rules(each, each), _first_row(each, each)
    plan = search(rules, row, _to_row(rules, row, (*row[each + 1 :], "", *row[:each])).goal)
    assert plan is not None
    rows = [row]
    for step in plan:
        rows.append(next(after for taken, after in rules.moves(rows[-1]) if taken == step))
    return tuple(rows)


def _mirrored(row: Row, each: int) -> Row:
    """The row in a mirror, with the colours swapped."""
    other = {f"{a}{i}": f"{b}{each + 1 - i}" for a, b in (("red", "blue"), ("blue", "red")) for i in range(1, each + 1)}
    return tuple(other.get(x, "") for x in reversed(row))


def _to_row(rules: Rules[Row], start: Row, end: Row) -> Instance:
    return rules.instance(start, sorted(fact for fact in rules.facts(end) if fact[0] == "at"))


def checkers_pattern(rng: random.Random, size: int) -> tuple[Instance, Plan]:
    """Some checkers of one colour against one of the other: the colours are to be swapped."""
    reds, blues = rng.choice(((size, 1), (1, size)))
    rules, first = checkers_rules(reds, blues), _first_row(reds, blues)
    instance = _to_row(rules, first, (*first[reds + 1 :], "", *first[:reds]))
    plan = search(rules, first, instance.goal)
    assert plan is not None
    return instance, plan


def _checkers_solved(instance: Instance) -> Plan | None:
    reds, blues = (sum(k == f"{c}-checker" for k in instance.objects.values()) for c in ("red", "blue"))
    rules = checkers_rules(reds, blues)
    at = {fact[2]: fact[1] for fact in instance.init if fact[0] == "at"}
    row = tuple(at.get(f"cell{i}", "") for i in range(1, reds + blues + 2))
    _known(rules, row, instance)
    return search(rules, row, instance.goal)


# All three --------------------------------------------------------------------------------------------------------


class Unknown(ValueError):  # noqa: N818 - it is no fault of the instance
    """The instance is none of these puzzles: it has other pegs, banks or cells."""


def _known(rules: Rules[State], state: State, instance: Instance) -> None:
    """Raises Unknown unless the instance is the puzzle in this state."""
    if instance.init != rules.fixed | rules.facts(state) or dict(instance.objects) != rules.objects:
        raise Unknown


SOLVERS: dict[str, Callable[[Instance], Plan | None]] = {
    "checkers": _checkers_solved,
    "hanoi": _hanoi_solved,
    "river": _river_solved,
}
"""A plan with the fewest steps, None if no plan exists. Each raises Unknown for an instance of another form."""
