"""The instances of each domain: drawn at random, and in the patterns that plan generalisation asks about.

The goal of every drawn instance can be reached, by construction. Knows no wording, no prompt and no planner.
"""

from __future__ import annotations

import itertools
import random

from harness.pddl.parse import OBJECT, Fact
from harness.tasks.planning import towers
from harness.tasks.planning.instances import Instance, Plan

# Blocksworld ------------------------------------------------------------------------------------------------------


def blocksworld(rng: random.Random, blocks: int) -> Instance:
    """Start and goal, both uniform over all configurations; the goal names the pairs of blocks that touch."""
    names = towers.BLOCKS[:blocks]
    goal = sorted(towers.on(towers.draw(rng, names)))
    return Instance(
        dict.fromkeys(names, OBJECT), towers.facts(towers.draw(rng, names)), tuple(("on", *pair) for pair in goal)
    )


def blocksworld_pattern(rng: random.Random, size: int) -> tuple[Instance, Plan]:
    """All blocks are on the table; one tower of all of them is wanted."""
    order = rng.sample(towers.BLOCKS[:size], size)
    goal = [("on", upper, lower) for lower, upper in itertools.pairwise(order)]
    plan = [step for _, u, low in goal for step in (("pick-up", u), ("stack", u, low))]
    start = towers.facts(frozenset((b,) for b in order))
    return Instance(dict.fromkeys(sorted(order), OBJECT), start, tuple(goal)), tuple(plan)


# Logistics --------------------------------------------------------------------------------------------------------


def logistics(rng: random.Random, packages: int, cities: int = 2, locations: int = 2) -> Instance:
    """A truck in each city and one airplane. The places of packages, trucks and airplane, and those wanted for the
    packages, are drawn uniformly."""
    facts, places = _logistics_map(cities, locations)
    facts |= {("airplane", "a0"), ("at", "a0", f"l{rng.randrange(cities)}-0")}
    for c in range(cities):
        facts |= {("truck", f"t{c}"), ("at", f"t{c}", f"l{c}-{rng.randrange(locations)}")}
    goal = []
    for p in range(packages):
        start, end = rng.sample(places, 2)
        facts |= {("package", f"p{p}"), ("at", f"p{p}", start)}
        goal.append(("at", f"p{p}", end))
    return Instance(_untyped(facts), frozenset(facts), tuple(goal))


def logistics_pattern(rng: random.Random, size: int) -> tuple[Instance, Plan]:
    """One city with two places: the truck and all packages are at one, and all packages are wanted at the other."""
    facts, _ = _logistics_map(1, 2)
    here, there = rng.sample(["l0-0", "l0-1"], 2)
    facts |= {("truck", "t0"), ("at", "t0", here)}
    packages = [f"p{i}" for i in range(size)]
    for p in packages:
        facts |= {("package", p), ("at", p, here)}
    plan = [("load-truck", p, "t0", here) for p in packages] + [("drive-truck", "t0", here, there, "c0")]
    plan += [("unload-truck", p, "t0", there) for p in packages]
    return Instance(_untyped(facts), frozenset(facts), tuple(("at", p, there) for p in packages)), tuple(plan)


def _logistics_map(cities: int, locations: int) -> tuple[set[Fact], list[str]]:
    facts: set[Fact] = set()
    places = []
    for c, i in itertools.product(range(cities), range(locations)):
        place = f"l{c}-{i}"
        places.append(place)
        facts |= {("city", f"c{c}"), ("location", place), ("in-city", place, f"c{c}")}
        facts |= {("airport", place)} if i == 0 else set()
    return facts, places


def _untyped(facts: set[Fact]) -> dict[str, str]:
    return dict.fromkeys(sorted({name for fact in facts for name in fact[1:]}), OBJECT)


# Depots -----------------------------------------------------------------------------------------------------------


def depots(rng: random.Random, crates: int, places: int = 2, trucks: int = 1) -> Instance:
    """A pallet and a hoist at each place. The stacks of crates, at the start and in the goal, are drawn uniformly."""
    objects, facts, where = _depots_map(places)
    for t in range(trucks):
        objects[f"truck{t}"] = "truck"
        facts.add(("at", f"truck{t}", rng.choice(where)))
    names = [f"crate{c}" for c in range(crates)]
    objects |= dict.fromkeys(names, "crate")
    start, end = (_stacks(rng, names, places) for _ in range(2))
    for p, stack in enumerate(start):
        facts |= {("at", crate, where[p]) for crate in stack}
        facts |= {("on", upper, lower) for lower, upper in itertools.pairwise((f"pallet{p}", *stack))}
        facts.add(("clear", (f"pallet{p}", *stack)[-1]))
    goal = [("on", u, low) for p, stack in enumerate(end) for low, u in itertools.pairwise((f"pallet{p}", *stack))]
    return Instance(objects, frozenset(facts), tuple(sorted(goal)))


def depots_pattern(rng: random.Random, size: int) -> tuple[Instance, Plan]:
    """One stack with the truck beside it; the crates are wanted in the opposite order at the other place."""
    objects, facts, where = _depots_map(2)
    a, b = rng.sample([0, 1], 2)
    names = rng.sample([f"crate{c}" for c in range(size)], size)
    objects |= {"truck0": "truck"} | dict.fromkeys(sorted(names), "crate")
    stack = (f"pallet{a}", *names)
    facts |= {("at", "truck0", where[a]), ("clear", stack[-1]), ("clear", f"pallet{b}")}
    facts |= {("at", crate, where[a]) for crate in names}
    facts |= {("on", upper, lower) for lower, upper in itertools.pairwise(stack)}
    plan: list[tuple[str, ...]] = []
    for lower, crate in reversed(list(itertools.pairwise(stack))):
        plan += [("lift", f"hoist{a}", crate, lower, where[a]), ("load", f"hoist{a}", crate, "truck0", where[a])]
    plan.append(("drive", "truck0", where[a], where[b]))
    goal = []
    for lower, crate in itertools.pairwise((f"pallet{b}", *reversed(names))):
        plan += [("unload", f"hoist{b}", crate, "truck0", where[b]), ("drop", f"hoist{b}", crate, lower, where[b])]
        goal.append(("on", crate, lower))
    return Instance(objects, frozenset(facts), tuple(goal)), tuple(plan)


def _depots_map(places: int) -> tuple[dict[str, str], set[Fact], list[str]]:
    where = ["depot0", *(f"distributor{i}" for i in range(places - 1))]
    objects = {name: name.rstrip("0123456789") for name in where}
    facts: set[Fact] = set()
    for i, place in enumerate(where):
        objects |= {f"pallet{i}": "pallet", f"hoist{i}": "hoist"}
        facts |= {("at", f"pallet{i}", place), ("at", f"hoist{i}", place), ("available", f"hoist{i}")}
    return objects, facts, where


def _stacks(rng: random.Random, names: list[str], places: int) -> list[tuple[str, ...]]:
    """Uniform over the ways to stack the crates: a random order, cut into one stack a place (empty ones too)."""
    order = rng.sample(names, len(names))
    bars = sorted(rng.sample(range(len(names) + places - 1), places - 1))
    cuts = [0, *(bar - i for i, bar in enumerate(bars)), len(names)]
    return [tuple(order[i:j]) for i, j in itertools.pairwise(cuts)]


# Gripper ----------------------------------------------------------------------------------------------------------


def gripper(rng: random.Random, balls: int, rooms: int = 2) -> Instance:
    """The room of the robot, and for every ball its room and the room wanted, are drawn uniformly."""
    names = [f"room{r}" for r in range(1, rooms + 1)]
    return _gripper(names, rng.choice(names), rng.choices(names, k=balls), rng.choices(names, k=balls))


def gripper_pattern(rng: random.Random, size: int) -> tuple[Instance, Plan]:
    """All balls and the robot are in one room, and all balls are wanted in the other: with four balls, the example in
    Helmert's lecture notes."""
    here, there = rng.sample(["room1", "room2"], 2)
    instance = _gripper(["room1", "room2"], here, [here] * size, [there] * size)
    plan: list[tuple[str, ...]] = []
    balls = [f"ball{b}" for b in range(1, size + 1)]
    for i in range(0, size, 2):
        pair = list(zip(balls[i : i + 2], ("left", "right"), strict=False))
        plan += [("move", there, here)] if i else []
        plan += [("pick-up", ball, here, hand) for ball, hand in pair] + [("move", here, there)]
        plan += [("drop", ball, there, hand) for ball, hand in pair]
    return instance, tuple(plan)


def _gripper(rooms: list[str], robot: str, starts: list[str], ends: list[str]) -> Instance:
    facts: set[Fact] = {("room", r) for r in rooms} | {("at-robby", robot)}
    facts |= {(kind, hand) for hand in ("left", "right") for kind in ("gripper", "free")}
    for b, start in enumerate(starts, 1):
        facts |= {("ball", f"ball{b}"), ("at-ball", f"ball{b}", start)}
    goal = tuple(("at-ball", f"ball{b}", end) for b, end in enumerate(ends, 1))
    return Instance(_untyped(facts), frozenset(facts), goal)


# Sokoban ----------------------------------------------------------------------------------------------------------

DIRECTIONS = {"north": (0, -1), "south": (0, 1), "west": (-1, 0), "east": (1, 0)}
Cell = tuple[int, int]


def sokoban(rng: random.Random, boxes: int, width: int = 5, height: int = 4, walls: int = 3) -> Instance:
    """A random room. Boxes and worker are drawn back from the goal by random pulls, so that the goal can be reached."""
    while True:
        cells = [(x, y) for x in range(1, width + 1) for y in range(1, height + 1)]
        floor = set(cells) - set(rng.sample(cells, walls))
        if not _connected(floor):
            continue
        places = rng.sample(sorted(floor), boxes + 1)
        worker, ends = places[0], places[1:]
        at = list(ends)
        for _ in range(40 * boxes):
            worker, at = _pull(rng, floor, worker, at)
        if at != ends:
            return _sokoban(floor, worker, at, ends)


def sokoban_pattern(rng: random.Random, size: int) -> tuple[Instance, Plan]:
    """A corridor: the box in front of the worker is wanted at its end."""
    floor = {(x, 1) for x in range(1, size + 3)}
    instance = _sokoban(floor, (1, 1), [(2, 1)], [(size + 2, 1)])
    plan = [("push", "box1", _cell((x, 1)), _cell((x + 1, 1)), _cell((x + 2, 1)), "east") for x in range(1, size + 1)]
    return instance, tuple(plan)


def _pull(rng: random.Random, floor: set[Cell], worker: Cell, boxes: list[Cell]) -> tuple[Cell, list[Cell]]:
    """One step back in time: the worker walks, or walks and pulls the box behind it, the reverse of a push."""
    dx, dy = rng.choice(list(DIRECTIONS.values()))
    to, behind = (worker[0] + dx, worker[1] + dy), (worker[0] - dx, worker[1] - dy)
    if to not in floor or to in boxes:
        return worker, boxes
    if behind in boxes and rng.random() < 0.7:
        boxes = [worker if box == behind else box for box in boxes]
    return to, boxes


def _connected(floor: set[Cell]) -> bool:
    todo = [min(floor)]
    seen = set(todo)
    while todo:
        x, y = todo.pop()
        near = {(x + dx, y + dy) for dx, dy in DIRECTIONS.values()} & floor - seen
        seen |= near
        todo += near
    return seen == floor


def _cell(cell: Cell) -> str:
    return f"c{cell[0]}-{cell[1]}"


def _sokoban(floor: set[Cell], worker: Cell, boxes: list[Cell], ends: list[Cell]) -> Instance:
    objects = {_cell(c): "cell" for c in sorted(floor)} | {f"box{b}": "box" for b in range(1, len(boxes) + 1)}
    objects |= dict.fromkeys(DIRECTIONS, "direction")
    facts: set[Fact] = {("worker", _cell(worker))}
    facts |= {("clear", _cell(c)) for c in floor - {worker, *boxes}}
    facts |= {("box-at", f"box{b}", _cell(c)) for b, c in enumerate(boxes, 1)}
    for x, y in floor:
        for name, (dx, dy) in DIRECTIONS.items():
            if (x + dx, y + dy) in floor:
                facts.add(("next", _cell((x, y)), _cell((x + dx, y + dy)), name))
    return Instance(objects, frozenset(facts), tuple(("box-at", f"box{b}", _cell(c)) for b, c in enumerate(ends, 1)))
